/** Patch files given one by one that belong together: those of one run of git format-patch are one series, and so one input. */
import { open } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type Message, readThread } from '../index.ts';
import { isMail } from './ismail.ts';
import { tools } from './tools.ts';

/** What the start of a file says of the one mail in it. */
export interface FileStart {
  path: string;
  folder: string;
  /** `v2-0003-title.patch`: the name that format-patch gave this very mail, by its subject. */
  run: { version: string; number: number } | null;
  message: Message;
  /** Its own Message-ID, where it has one. */
  id: string | null;
  /** The Message-IDs that it answers. */
  answers: string[];
}

/**
 * The paths in groups, by their places in the list, each in the order given, groups in that of their first: files of one mail each are of one
 * group where Message-IDs tie them, where they are numbered alike, or where format-patch named them so in one folder, as long as version and
 * total agree and no number comes twice. Anything else is by itself. Reads no more than the start of each file; throws nothing.
 */
export async function groupPaths(paths: string[]): Promise<number[][]> {
  const read: { at: number; head: FileStart | null }[] = [];
  for (const [at, path] of paths.entries()) read.push({ at, head: await headOf(path) });
  // By their numbers, so that neighbours meet in whatever order they are named.
  const place = (head: FileStart | null) => (head && placeOf(head)) ?? Number.MAX_SAFE_INTEGER;
  const groups: { members: number[]; heads: FileStart[] }[] = [];
  for (const { at, head } of read.sort((a, b) => place(a.head) - place(b.head) || a.at - b.at)) {
    const group = head && groupFor(head, groups);
    if (group && head) {
      group.members.push(at);
      group.heads.push(head);
    } else groups.push({ members: [at], heads: head ? [head] : [] });
  }
  return groups.map(g => g.members.sort((a, b) => a - b)).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

/** The first group that a Message-ID ties it to, else the first of its kind. */
function groupFor<G extends { heads: FileStart[] }>(head: FileStart, groups: G[]): G | undefined {
  const open = groups.filter(g => g.heads.length > 0 && mayJoin(g.heads, head));
  return open.find(g => g.heads.some(h => isTied(h, head))) ?? open.find(g => g.heads.some(h => isAlike(h, head)));
}

/** Enough to see a second mail behind most patches; what is larger is one patch where its name is one of format-patch's. */
const HEAD_BYTES = 1 << 18;

/** Reads the start of a file; null where it cannot be read, is no mail, or holds several. */
export async function headOf(path: string): Promise<FileStart | null> {
  const [, version, number, slug = ''] = /^(?:v(\d{1,4})-)?(\d{4,})-(.*)\.(?:patch|txt|eml)$/.exec(basename(path)) ?? [];
  try {
    const { bytes, whole } = await startOf(path);
    if (!whole && number === undefined) return null;
    // Nothing that is compressed comes from format-patch.
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return null;
    const { messages } = await readThread(path, only(bytes), tools, { outline: true });
    const [message] = messages;
    if (message === undefined || messages.length > 1 || !isMail(message)) return null;
    return {
      path,
      folder: dirname(resolve(path)),
      run: number !== undefined && isNamed(slug, Number(number), message) ? { version: version ?? '', number: Number(number) } : null,
      message,
      // The reader's own name for a mail without one.
      id: message.messageId === `message-${message.n}` ? null : message.messageId,
      answers: [...message.references, ...(message.inReplyTo === null ? [] : [message.inReplyTo])],
    };
  } catch {
    // What is wrong with it is told when it is read.
    return null;
  }
}

/** Is that the name that format-patch makes of the mail's subject, cut to its length? A cover letter has a name of its own. */
function isNamed(slug: string, number: number, message: Message): boolean {
  if (number === 0) return slug === 'cover-letter';
  // pretty.c, format_sanitized_subject(): letters, digits, `.` and `_` stay, all else is one dash.
  const title = message.title
    .replace(/[^A-Za-z0-9._]+/g, '-')
    .replace(/\.\.+/g, '.')
    .replace(/^-/, '')
    .replace(/[.-]+$/, '');
  return slug !== '' && (title === slug || (slug.length >= SHORTEST_CUT && title.startsWith(slug)));
}

/** format-patch cuts a name only where it would have more than 64 characters, with number and suffix. */
const SHORTEST_CUT = 40;

async function startOf(path: string): Promise<{ bytes: Uint8Array; whole: boolean }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(size, HEAD_BYTES));
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { bytes: bytes.subarray(0, length), whole: size <= HEAD_BYTES };
  } finally {
    await file.close();
  }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The place in its series: a reply has none. */
function placeOf({ message, run }: FileStart): number | null {
  return message.kind === 'reply' ? null : (message.numbering.index ?? run?.number ?? null);
}

/** Does nothing speak against it: its number is free, version and total agree, and it is not tied to other mails? */
function mayJoin(group: FileStart[], head: FileStart): boolean {
  const place = placeOf(head);
  if (place !== null && group.some(h => placeOf(h) === place)) return false;
  const reply = head.message.kind === 'reply';
  const agree = group.every(h => {
    if (reply || h.message.kind === 'reply') return true;
    return h.message.numbering.version === head.message.numbering.version && h.message.numbering.total === head.message.numbering.total;
  });
  if (!agree) return false;
  if (group.some(h => isTied(h, head))) return true;
  // One run of format-patch ties its mails by Message-IDs, or gives them none.
  const hasId = (h: FileStart) => h.id !== null || h.answers.length > 0;
  return !hasId(head) && !group.some(hasId);
}

/** One answers the other, or both answer one. */
function isTied(a: FileStart, b: FileStart): boolean {
  return (b.id !== null && a.answers.includes(b.id)) || (a.id !== null && b.answers.includes(a.id)) || a.answers.some(id => b.answers.includes(id));
}

/** Next to each other in one folder, or with one missing between them: by names of format-patch, or as `n/m` by one sender. */
function isAlike(a: FileStart, b: FileStart): boolean {
  if (a.folder !== b.folder || a.message.kind === 'reply' || b.message.kind === 'reply') return false;
  if (a.message.numbering.prefixes.join(' ') !== b.message.numbering.prefixes.join(' ')) return false;
  const isNext = (x: number | null | undefined, y: number | null | undefined) =>
    x !== null && x !== undefined && y !== null && y !== undefined && Math.abs(x - y) <= GAP;
  if (a.run?.version === b.run?.version && isNext(a.run?.number, b.run?.number)) return true;
  const { index, total } = a.message.numbering;
  return (total ?? 1) > 1 && isNext(index, b.message.numbering.index) && a.message.from?.address === b.message.from?.address;
}

/** Numbers that two neighbours may be apart: one file between them may be missing. */
const GAP = 2;
