/** Draft replies, one a patch with findings: an mbox (mboxrd) that a person reads, edits and sends with a mailer of theirs. Nothing is sent. */
import type { Finding, Said } from '../model/finding.ts';
import type { Review } from '../model/review.ts';
import type { Message, Patch, Person } from '../model/series.ts';
import { CUT_MARK, commentLines, isCut, quoted, REPLY, type ShownLine, shownLines, statementsAt } from './comment.ts';
import { distinct, header, idPiece, isAddress, peoplePieces, textPieces } from './header.ts';
import { bare, safe } from './safe.ts';

/** The drafts of one input, in the order of its patches; empty where there is nothing to say. What a reply has said already is left out. */
export function mailDrafts(review: Review): string {
  return review.thread.messages
    .flatMap(message => {
      const findings = review.reviews.flatMap(r => r.findings.filter(f => f.patch.messageId === message.messageId && f.status !== 'raised'));
      // Of mails of one Message-ID the first is the patch.
      const first = review.thread.messages.find(m => m.messageId === message.messageId);
      return findings.length > 0 && first === message ? [draft(message, findings)] : [];
    })
    .join('');
}

/** One line on the findings that the drafts leave out; null where there is none. */
export function raisedLine(review: Review): string | null {
  const n = review.reviews.reduce((sum, r) => sum + r.findings.filter(f => f.status === 'raised').length, 0);
  if (n === 0) return null;
  return `${n} ${n === 1 ? 'finding is' : 'findings are'} in no draft: a reply has commented on ${n === 1 ? 'its line' : 'their lines'} already`;
}

/**
 * From and Date are the mailer's to set. An address to answer to counts in place of the sender's, as in every mailer's reply to all. A patch
 * without a Message-ID is answered by its subject alone.
 */
function draft(message: Message, findings: Finding[]): string {
  const { recipients, subject, references } = message;
  const author = senderOf(message);
  const answers = recipients?.replyTo.filter(person => isAddress(person.address)) ?? [];
  const to = answers.length > 0 ? answers : author ? [author] : [];
  const cc = distinct([...(recipients?.to ?? []), ...(recipients?.cc ?? [])], to);
  const id = idPiece(message.messageId);
  const body = lines(message, findings).map(bounded).map(mboxrd).join('\n');
  const ascii = /^[\x00-\x7f]*$/.test(body);
  const people = (name: string, list: readonly Person[]) => some(name, peoplePieces(list));
  return [
    'From mboxrd@z Thu Jan  1 00:00:00 1970\n',
    people('To', to),
    people('Cc', cc),
    header('Subject', ['Re:', ...textPieces(subject.replace(/^(?:\s*re\s*:)+/i, ''))]),
    id === null ? '' : some('In-Reply-To', [id]) + some('References', [...references.flatMap(r => idPiece(r) ?? []), id]),
    'MIME-Version: 1.0\n',
    'Content-Type: text/plain; charset=UTF-8\n',
    `Content-Transfer-Encoding: ${ascii ? '7bit' : '8bit'}\n`,
    // A blank line ends each mail of an mbox.
    `\n${body}\n\n`,
  ].join('');
}

function senderOf({ from, patch, recipients }: Message): Person | undefined {
  return recipients?.from[0] ?? from ?? patch?.author;
}

function some(name: string, pieces: string[]): string {
  return pieces.length > 0 ? header(name, pieces) : '';
}

/** Where in the patch a finding's quote stands: the statements by file, and the last line of it. */
interface Quoted {
  finding: Finding;
  /** Indices into the lines of all files, one after the other. */
  lines: number[];
}

/** The body: who wrote, then what is quoted in the order of the patch, and each comment under the last line that it is about. */
function lines(message: Message, findings: Finding[]): string[] {
  const out = [...attribution(message)];
  const all = linesOf(message.patch);
  const quotes = findings
    .map(finding => ({ finding, lines: quotedAt(finding, message.patch, all) }))
    .sort((a, b) => endOf(a) - endOf(b) || (a.lines[0] ?? 0) - (b.lines[0] ?? 0));
  const wanted = [...new Set(quotes.flatMap(q => q.lines))].sort((a, b) => a - b);
  let last: number | null = null;
  for (const [i, quote] of quotes.entries()) {
    // The point is in the log: it is quoted above the first comment. Further down it would be out of order, and is said in prose.
    const log = i === 0 ? logQuote(quote.finding.said, message.patch) : null;
    const block: string[] = log?.lines ?? [];
    for (const at of wanted.filter(at => (last === null || at > last) && at <= endOf(quote))) {
      const line = all[at];
      if (!line) continue;
      const before: Located | undefined = last === null ? undefined : all[last];
      if (before ? line.file !== before.file || isCut(all, last ?? 0, at) : log !== null) block.push(CUT_MARK);
      if (line.file !== before?.file && (message.patch?.files.length ?? 0) > 1) block.push(`> +++ b/${safe(line.path)}`);
      block.push(quoted(line));
      last = at;
    }
    // A second comment on lines that were quoted already has them above it again.
    if (block.length === 0) for (const at of quote.lines) if (all[at]) block.push(quoted(all[at]));
    const said = quote.finding.said.filter(one => one !== log?.said);
    if (block.length > 0) out.push(...block, '');
    out.push(...commentLines(quote.finding, REPLY, said), '');
  }
  return out.slice(0, -1);
}

/** A finding that quotes nothing comes last. */
function endOf({ lines }: Quoted): number {
  return lines.at(-1) ?? Number.POSITIVE_INFINITY;
}

/** A line of the patch, with the file that it stands in. */
interface Located extends ShownLine {
  file: number;
  path: string;
}

function linesOf(patch: Patch | null): Located[] {
  return (patch?.files ?? []).flatMap((file, at) => shownLines(file.hunks).map(line => ({ ...line, file: at, path: file.path })));
}

function quotedAt(finding: Finding, patch: Patch | null, all: readonly Located[]): number[] {
  const found = (patch?.files ?? []).flatMap((file, at) => {
    if (patch?.files.findIndex(f => f.path === file.path) !== at) return [];
    const start = all.findIndex(line => line.file === at);
    const places = finding.quote.filter(p => p.path === file.path);
    if (start < 0 || places.length === 0) return [];
    return statementsAt(
      places,
      all.filter(line => line.file === at),
    )
      .flat()
      .map(i => start + i);
  });
  return found.sort((a, b) => a - b);
}

/** The lines of the commit message that hold what a finding answers, and what that is; null where the message does not hold it. */
function logQuote(said: readonly Said[], patch: Patch | null): { said: Said; lines: string[] } | null {
  const log = patch?.log.split('\n') ?? [];
  // Each character of the text without its blanks, by the line that it stands on.
  const text = log.map(line => line.replace(/\s+/g, ''));
  const whole = text.join('');
  for (const one of said.filter(s => s.source === 'log')) {
    const sought = one.text.replace(/\s*\[\.\.\.\]$/, '').replace(/\s+/g, '');
    const at = sought === '' ? -1 : whole.indexOf(sought);
    if (at < 0) continue;
    let [first, end, seen] = [-1, -1, 0];
    for (const [i, line] of text.entries()) {
      if (first < 0 && seen + line.length > at) first = i;
      if (seen < at + sought.length) end = i;
      seen += line.length;
    }
    const cut = text.slice(0, first).some(line => line !== '');
    return { said: one, lines: [...(cut ? [CUT_MARK] : []), ...log.slice(first, end + 1).map(line => `> ${safe(line, true)}`.trimEnd())] };
  }
  return null;
}

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `On Tue, Mar 10, 2026 at 10:15:01AM +0000, NAME wrote:`, as mutt has it; without the date where the mail has none. */
function attribution(message: Message): string[] {
  const { date } = message;
  const person = senderOf(message);
  const name = bare(person?.name || person?.address || '');
  if (name === '') return [];
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] =
    /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)/.exec(date ?? '') ?? [];
  if (year === '') return [`${name} wrote:`];
  const weekday = DAYS[dayNumber(Number(year), Number(month), Number(day)) % 7] ?? '';
  const half = Number(hour) < 12 ? 'AM' : 'PM';
  const twelve = String(Number(hour) % 12 || 12).padStart(2, '0');
  return [`On ${weekday}, ${MONTHS[Number(month) - 1]} ${day}, ${year} at ${twelve}:${minute}:${second}${half} +0000, ${name} wrote:`];
}

/** Days since 1970-01-01, a Thursday. */
function dayNumber(year: number, month: number, day: number): number {
  let days = day - 1;
  for (let y = 1970; y < year; y++) days += isLeap(y) ? 366 : 365;
  for (let m = 1; m < month; m++) days += m === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(m) ? 30 : 31;
  return days;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** Octets of a mail's line (RFC 5322 2.1.1), and the characters that are kept of a longer one. */
const LONGEST_LINE = 998;
const KEPT = 240;
const utf8 = new TextEncoder();

function bounded(line: string): string {
  if (line.length * 3 <= LONGEST_LINE || utf8.encode(line).length <= LONGEST_LINE) return line;
  return `${[...line.slice(0, 2 * KEPT)].slice(0, KEPT).join('')} [...]`;
}

/** mboxrd: a line that begins a mail, or did before it was quoted, gets a mark more. */
function mboxrd(line: string): string {
  return line.replace(/^(?=>*From )/, '>');
}
