import type { Message, Patch, Problem, Series, Thread } from '../model/series.ts';
import { safe } from './safe.ts';

/** A thread as `fencepost show --json` prints it, by the published contract fencepost.show/1. Bodies, logs and hunks are left out. */
export function threadJson(thread: Thread): { messages: object[] } & Record<string, unknown> {
  return {
    schema: 'fencepost.show/1',
    input: thread.input,
    messages: thread.messages.map(messageJson),
    series: thread.series,
    comments: thread.comments.map(({ from, messageId, patch, path, line, text }) => ({ from, messageId, patch, path, line, text })),
    problems: thread.problems,
  };
}

/** A thread for people: each series with its patches, their size, what is missing, what reviewers gave and said, then the other mail. */
export function threadText(thread: Thread): string {
  const byId = new Map(thread.messages.map(message => [message.messageId, message]));
  const shown = new Set<string>();
  const out = [
    `${safe(thread.input)}: ${counted(thread.messages.length, 'message')}, ${thread.series.length} series, ${counted(thread.comments.length, 'comment')}`,
  ];
  for (const set of setsOf(thread.series)) {
    if (set.length > 1) out.push('', `Versions of one set: ${set.map(series => `v${series.version}`).join(', ')}`);
    for (const series of set) out.push('', ...seriesLines(series, thread, byId, shown));
  }
  const rest = thread.messages.filter(message => !shown.has(message.messageId) && (message.kind !== 'reply' || message.patch?.recovered));
  if (rest.length > 0)
    out.push(
      '',
      'Not in a series:',
      ...rest.map(message => `  ${kindOf(message)}: ${safe(message.subject) || '(no subject)'}, ${nameOf(message)}${sizeOf(message.patch)}`),
    );
  const replies = thread.messages.filter(message => message.kind === 'reply');
  if (replies.length > 0) out.push('', `${counted(replies.length, 'reply', 'replies')}, by ${tally(replies.map(nameOf))}`);
  return `${out.join('\n')}\n`;
}

/**
 * Every problem of a thread as one line that names the input and the place; mails that come again are one line together. `inputs` are the
 * files that the input is made of, where they were named one by one: a problem in one of them names that one alone.
 */
export function threadProblems(thread: Thread, inputs: readonly string[] = []): string[] {
  const isFile = (where: string) => inputs.some(name => where === name || where.startsWith(`${name},`));
  const own = (where: string): string => {
    const inside = where.startsWith(`${thread.input}, `) ? where.slice(thread.input.length + 2) : where.replace(/^message \d+, /, '');
    if (isFile(inside)) return inside;
    // `series v2 of 3, message 1, FILE`
    const [, lead, file] = /^(.*), message \d+, (.*)$/.exec(where) ?? [];
    if (lead !== undefined && file !== undefined && inputs.includes(file)) return `${file}, ${lead}`;
    return where === thread.input || where.startsWith(`${thread.input},`) ? where : `${thread.input}, ${where}`;
  };
  const lines = (problems: Problem[]) =>
    problems.map(({ severity, where, message }) => safe(`${own(where)}: ${severity === 'refused' ? 'git refuses it: ' : ''}${message}`));
  const again = thread.problems.filter(isRepeated);
  const rest = again.length > 1 ? thread.problems.filter(problem => !isRepeated(problem)) : thread.problems;
  const sum =
    again.length > 1 ? [safe(`${thread.input}: ${again.length} messages have the Message-ID of an earlier one and are not counted again`)] : [];
  return [...lines(rest), ...sum, ...thread.messages.flatMap(message => [...lines(message.problems), ...lines(message.patch?.problems ?? [])])];
}

/** A mailbox that was saved twice repeats every mail. */
function isRepeated({ severity, message }: Problem): boolean {
  return severity === 'odd' && /^has the Message-ID of message \d+\b/.test(message);
}

function messageJson(message: Message): object {
  const { n, messageId, kind, subject, title, from, date, inReplyTo, problems, patch, file } = message;
  const read = { n, messageId, kind, subject, title, from, date, inReplyTo, problems, patch: patch && patchJson(patch) };
  return file === undefined ? read : { ...read, file };
}

function patchJson({ title, author, index, total, version, prefixes, recovered, trailers, problems, files }: Patch): object {
  const outline = files.map(({ hunks: _hunks, ...file }) => file);
  return { title, author, index, total, version, prefixes, recovered, trailers, problems, files: outline };
}

/** The series of a thread, versions of one set together, from the first version to the last; each set where its first member stands. */
function setsOf(all: Series[]): Series[][] {
  const sets = new Map<string, Series[]>();
  all.forEach((series, at) => {
    const key = series.set === undefined ? `series ${at}` : `set ${series.set}`;
    const set = sets.get(key);
    if (set) set.push(series);
    else sets.set(key, [series]);
  });
  return [...sets.values()].map(set => set.sort((a, b) => a.version - b.version));
}

/** `base 0123456789ab, 2 prerequisites; change-id 20260101-x-0123456789ab`; nothing where the mails say nothing. */
function baseLine({ base, changeId }: Series): string[] {
  const parts: string[] = [];
  if (base) {
    const more = base.prerequisites.length > 0 ? counted(base.prerequisites.length, 'prerequisite') : '';
    parts.push(base.commit === null ? more : `base ${base.commit.slice(0, COMMIT)}${more && `, ${more}`}`);
  }
  if (changeId !== undefined) parts.push(`change-id ${safe(changeId)}`);
  return parts.length > 0 ? [`  ${parts.join('; ')}`] : [];
}

/** Characters of a commit that people write. */
const COMMIT = 12;

function seriesLines(series: Series, thread: Thread, byId: Map<string, Message>, shown: Set<string>): string[] {
  const cover = series.cover === null ? undefined : byId.get(series.cover);
  const members = series.patches.map(id => (id === null ? undefined : byId.get(id)));
  const first = cover ?? members.find(message => message !== undefined);
  const brackets = [...(first?.patch?.prefixes ?? first?.numbering.prefixes ?? []), `v${series.version}`].map(word => safe(word)).join(' ');
  const missing = series.patches.filter(id => id === null).length;
  const state = missing === 0 ? 'complete' : `${counted(missing, 'patch', 'patches')} missing`;
  const out = [`[${brackets}] ${safe(series.title)}`];
  if (first)
    out.push(`  ${nameOf(first)}, ${first.date?.slice(0, 10) ?? 'no date'}, ${counted(series.patches.length, 'patch', 'patches')}, ${state}`);
  out.push(...baseLine(series));
  const digits = String(series.patches.length).length;
  const row = (index: number, message: Message | undefined, text: string) => {
    out.push(`  ${String(index).padStart(digits)}/${series.patches.length}  ${text}`);
    if (!message) return;
    shown.add(message.messageId);
    for (const given of series.followUps) if (given.patch === message.messageId) out.push(`  ${' '.repeat(2 * digits + 3)}${safe(given.trailer)}`);
    const said = thread.comments.filter(comment => comment.patch === message.messageId);
    if (said.length > 0)
      out.push(
        `  ${' '.repeat(2 * digits + 3)}${counted(said.length, 'comment')} by ${tally(said.map(comment => safe(comment.from?.name ?? 'unknown')))}`,
      );
    const refused = [...message.problems, ...(message.patch?.problems ?? [])].filter(problem => problem.severity === 'refused');
    for (const problem of refused) out.push(`  ${' '.repeat(2 * digits + 3)}git refuses it: ${safe(problem.message)}`);
  };
  if (cover) row(0, cover, `cover letter: ${safe(cover.title)}`);
  for (let at = 0; at < series.patches.length; at++) {
    const message = members[at];
    if (message) row(at + 1, message, `${safe(message.patch?.title ?? message.title)}${sizeOf(message.patch)}`);
    else {
      // A run of missing patches is one row.
      let last = at;
      while (last + 1 < series.patches.length && !members[last + 1]) last++;
      row(at + 1, undefined, last > at ? `missing, up to ${last + 1}` : 'missing');
      at = last;
    }
  }
  return out;
}

function kindOf({ kind, patch }: Message): string {
  return kind === 'reply' && patch?.recovered ? 'reply with a recovered patch' : kind;
}

function sizeOf(patch: Patch | null): string {
  if (!patch) return '';
  const sum = (side: 'added' | 'removed') => patch.files.reduce((total, file) => total + file[side], 0);
  const binary = patch.files.filter(file => file.binary).length;
  return `  (${counted(patch.files.length, 'file')}, +${sum('added')} -${sum('removed')}${binary > 0 ? `, ${binary} binary` : ''})`;
}

function nameOf(message: Message): string {
  // A reply is its sender's, whoever wrote the patch in it.
  const person = (message.kind === 'reply' ? null : message.patch?.author) ?? message.from;
  return safe(person?.name || person?.address || 'unknown sender');
}

/** `Reviewer (3), Author (2)`: names with how often they come, the most often first. */
function tally(names: string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const most = sorted.slice(0, MAX_NAMES).map(([name, count]) => (count > 1 ? `${name} (${count})` : name));
  return sorted.length > MAX_NAMES ? `${most.join(', ')} and ${sorted.length - MAX_NAMES} more` : most.join(', ');
}

const MAX_NAMES = 12;

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
