import type { Person, Trailer } from '../model/series.ts';
import { splitBody } from './body.ts';
import { type DiffPiece, readDiff } from './diff.ts';
import { MAX_QUOTES } from './limits.ts';
import type { Mail } from './mail.ts';
import { readPerson } from './person.ts';
import { messagePlace } from './place.ts';
import { readTrailers, showTrailers } from './trailers.ts';

/**
 * Gives a mail that has no patch by git's rules the one that its body still shows with its white space damaged. It is marked as recovered,
 * with a problem that says what is uncertain.
 */
export function recoverDamaged(mail: Mail, body: string): void {
  const { message } = mail;
  const found = body.includes('\n') ? recoverPatch(body) : null;
  if (found === null || found.depth > 0) return;
  message.problems = message.problems.filter(problem => problem.severity !== 'refused');
  give(mail, found, 'the patch is mended from a page that damaged it');
  mail.hasDiff = true;
  if (message.kind === 'other') message.kind = 'patch';
}

/**
 * Gives a mail that only quotes a patch that patch, as far as the quote goes, marked in the same way; the mail counts as a reply. False
 * where nothing in the quote is of use.
 */
export function recoverQuoted(mail: Mail): boolean {
  const found = recoverPatch(mail.reading);
  if (found === null || found.depth === 0) return false;
  give(mail, found, 'the patch is put together from the lines that are quoted');
  if (mail.message.kind !== 'reply') mail.isReply = true;
  mail.message.kind = 'reply';
  return true;
}

/** Whether a body quotes the header of a diff. */
export function quotesPatch(body: string): boolean {
  return /^ ?>[> ]*(?:diff --git \S|--- \S[^\n]*\n ?>[> ]*\+\+\+ \S)/m.test(body);
}

function give(mail: Mail, found: Recovered, source: string): void {
  const { message, subject } = mail;
  const { index, total, version, prefixes } = subject.numbering;
  const doubts = found.doubts.slice(0, MAX_DOUBTS);
  message.patch = {
    title: message.title,
    author: found.author ?? (found.depth === 0 ? message.from : null) ?? { name: '', address: '' },
    index,
    total,
    version,
    prefixes,
    recovered: true,
    log: found.log,
    trailers: found.trailers,
    files: found.pieces.map(({ start: _start, end: _end, ...file }) => ({ ...file, hunks: [] })),
    problems: [{ severity: 'odd', where: messagePlace(message), message: `${source}${doubts.length > 0 ? `: ${doubts.join('; ')}` : ''}` }],
  };
  mail.diff = { text: () => found.text, length: found.text.length, pieces: found.pieces };
}

/** Doubts about a recovered patch that are named. */
const MAX_DOUBTS = 10;

/** A patch put together from what a page or a quote still shows of it. */
interface Recovered {
  text: string;
  pieces: DiffPiece[];
  author: Person | null;
  log: string;
  trailers: Trailer[];
  /** How deep it was quoted; 0 where it stood by itself. */
  depth: number;
  /** What is uncertain, one sentence each. */
  doubts: string[];
}

/**
 * The patch that stands in a text as a quote, or by itself with its white space damaged, as far as it goes. Comments between the quoted
 * lines are left out, a line without a mark is context whose blank was lost, lines that were joined are parted again where the counts of
 * the hunk ask for it, and a hunk that still does not come out is given the counts of the lines that are there. Null where the text holds
 * no diff with a header.
 */
function recoverPatch(body: string): Recovered | null {
  const lines = body.split('\n').map(unquote);
  const first = lines.findIndex(({ text }, at) => text.startsWith('diff --git ') || isNames(lines, at));
  const depth = lines[first]?.depth;
  if (depth === undefined) return null;
  const start = quoteStart(lines, first, depth);
  const own = lines.slice(start).filter(line => line.depth === depth);
  const headless = own.findIndex(({ text }, at) => text.startsWith('diff --git ') || isNames(own, at));
  const mended = mendDiff(own.slice(Math.max(headless, 0)).map(line => line.text));
  // A header whose hunks were cut from the quote says nothing.
  const pieces = readDiff(mended.text).pieces.filter(piece => piece.end > piece.start || piece.binary || piece.change !== 'modify');
  if (pieces.length === 0) return null;
  const split = splitBody(
    showTrailers(
      `${own
        .slice(0, Math.max(headless, 0))
        .map(line => line.text)
        .join('\n')}\n`,
    ),
  );
  const { log, trailers } = readTrailers(split.log);
  const folded = isFolded(mended.text);
  // Of white space that is lost everywhere it need not be said hunk by hunk.
  const doubts = mended.doubts.filter(doubt => !folded || !doubt.startsWith(UNMARKED));
  if (folded) doubts.push('white space at line starts is lost');
  return { text: mended.text, pieces, author: authorOf(lines, start, depth, split.headers, trailers), log, trailers, depth, doubts };
}

/** Whether the lines of a diff have all lost their indentation: none has a tab or two blanks in front, though there are blocks of code. */
export function isFolded(diff: string): boolean {
  return !/^[ +-](?:\t| {2})/m.test(diff) && (diff.match(/^[ +-].*[{;]$/gm)?.length ?? 0) >= MIN_CODE;
}

/** Whether the tabs of a diff have become blanks: kernel code is indented by tabs. */
export function isExpanded(diff: string): boolean {
  return !/^[ +-]\t/m.test(diff) && (diff.match(/^[ +-] {8,}\S.*[{;]$/gm)?.length ?? 0) >= MIN_CODE;
}

/** Lines of code from which on white space says something. */
const MIN_CODE = 3;

interface QuotedLine {
  depth: number;
  text: string;
}

/** A line without its marks of quoting, and without the one blank behind them. */
function unquote(line: string): QuotedLine {
  let at = 0;
  let depth = 0;
  while (depth < MAX_QUOTES) {
    const mark = line.charAt(at) === ' ' && line.charAt(at + 1) === '>' ? at + 1 : at;
    if (line.charAt(mark) !== '>') break;
    depth++;
    at = mark + 1;
  }
  if (depth > 0 && line.charAt(at) === ' ') at++;
  const text = line.slice(at);
  return { depth, text: text.endsWith('\r') ? text.slice(0, -1) : text };
}

function isNames(lines: QuotedLine[], at: number): boolean {
  return /^--- \S/.test(lines[at]?.text ?? '') && /^\+\+\+ \S/.test(lines[at + 1]?.text ?? '') && lines[at + 1]?.depth === lines[at]?.depth;
}

/** Where the quote that holds a line starts: behind the line less deep that introduces it, else behind the last one that is not quoted as deep. */
function quoteStart(lines: QuotedLine[], at: number, depth: number): number {
  if (depth === 0) return 0;
  for (let up = at; up > 0; up--) if ((lines[up - 1]?.depth ?? 0) < depth && INTRODUCES.test(lines[up - 1]?.text ?? '')) return up;
  return 0;
}

const INTRODUCES = /(?:wrote|writes):\s*$/;

/** The author by an in-body From, else by the words that introduce the quote, with the address that a trailer has of the same name. */
function authorOf(lines: QuotedLine[], start: number, depth: number, headers: Map<string, string>, trailers: Trailer[]): Person | null {
  const given = headers.get('from');
  if (given !== undefined) return readPerson(given);
  if (depth === 0) return null;
  const words = (lines[start - 1]?.text ?? '').slice(0, MAX_INTRODUCTION).replace(INTRODUCES, '').trim();
  const whole = readPerson(/[^,<>"]{0,80}<[^<>\s@]{1,100}@[^<>\s]{1,200}>$/.exec(words)?.[0] ?? '');
  if (whole) return { ...whole, name: afterTime(whole.name) };
  const name = afterTime(words.split(',').at(-1)?.trim() ?? '');
  const signed = trailers.map(trailer => readPerson(trailer.value)).find(person => person?.name === name);
  return name === '' ? null : (signed ?? { name, address: '' });
}

/** `at 5:04 PM Jane Doe`: the name behind the time. */
function afterTime(name: string): string {
  return name.replace(/^.*\d:\d\d(?::\d\d)?(?: ?[AaPp][Mm])?(?: [+-]\d{4})?\b,?/, '').trim();
}

const MAX_INTRODUCTION = 500;

/** Makes a diff of its lines that git's rules can read. */
function mendDiff(lines: string[]): { text: string; doubts: string[] } {
  const out: string[] = [];
  const doubts: string[] = [];
  let path = '';
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    if (!line.startsWith('@@ -')) {
      if (!isHeader(line, lines[at + 1] ?? '')) {
        at++;
        continue;
      }
      path = /^\+\+\+ (?:b\/)?(\S+)/.exec(line)?.[1] ?? path;
      out.push(line);
      at++;
      continue;
    }
    let end = at + 1;
    while (end < lines.length && !(lines[end] ?? '').startsWith('@@ -') && !(lines[end] ?? '').startsWith('diff --git ') && !isBareHeader(lines, end))
      end++;
    const mended = mendHunk(line, lines.slice(at + 1, end));
    if (mended === null) doubts.push(`a hunk of ${path} cannot be read: ${line.slice(0, MAX_SHOWN)}`);
    else {
      // One by one: a hunk may have more lines than a call takes arguments.
      for (const part of mended.lines) out.push(part);
      if (mended.doubt !== null) doubts.push(`${mended.doubt} in the hunk of ${path} at ${line.slice(0, MAX_SHOWN).split(' @@')[0]} @@`);
    }
    at = end;
  }
  return { text: `${out.join('\n')}\n`, doubts };
}

const MAX_SHOWN = 60;

function isHeader(line: string, next: string): boolean {
  return (
    /^(?:diff --git |index [0-9a-f]|(?:old|new|deleted file|new file) mode |(?:dis)?similarity index |(?:rename|copy) (?:from|to) |--- \S|\+\+\+ \S|Binary files )/.test(
      line,
    ) && !(line.startsWith('--- ') && !next.startsWith('+++ '))
  );
}

/** The next file of a diff that has no `diff --git` lines. */
function isBareHeader(lines: string[], at: number): boolean {
  return (lines[at] ?? '').startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ ') && (lines[at + 2] ?? '').startsWith('@@ -');
}

const RANGE = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)$/;

/** One hunk with lines that its counts fit; null where its header cannot be read or nothing in it changes. */
function mendHunk(header: string, lines: string[]): { lines: string[]; doubt: string | null } | null {
  const [, oldStart, oldCount = '1', newStart, newCount = '1', section = ''] = RANGE.exec(header) ?? [];
  if (oldStart === undefined || newStart === undefined) return null;
  const range = { oldCount: Number(oldCount), newCount: Number(newCount) };
  const kept = lines.filter(line => !CUT.test(line));
  const hasBare = kept.some(line => line !== '' && !MARK.test(line));
  const marked = kept.map(line => (MARK.test(line) ? line : ` ${line}`));
  const plain = take(marked, range);
  if (plain.fits && !hasBare) return plain.changes ? { lines: [header, ...plain.lines], doubt: null } : null;
  const joined = take(unwrapped(kept), range);
  if (hasBare && joined.fits && joined.changes) return { lines: [header, ...joined.lines], doubt: 'lines that were broken are joined again' };
  if (plain.fits) return plain.changes ? { lines: [header, ...plain.lines], doubt: UNMARKED } : null;
  const parted = take(marked.flatMap(part), range);
  if (parted.fits) return parted.changes ? { lines: [header, ...parted.lines], doubt: 'lines that were joined are parted again' } : null;
  const best = missing(parted, range) < missing(plain, range) ? parted : plain;
  if (!best.changes) return null;
  // Blank lines at the end belong to the mail around.
  while (best.lines.at(-1)?.trim() === '') {
    best.lines.pop();
    best.oldCount--;
    best.newCount--;
  }
  const counted = `@@ -${oldStart},${best.oldCount} +${newStart},${best.newCount} @@${section}`;
  return { lines: [counted, ...best.lines], doubt: `the lines do not come out at the ${range.oldCount} old and ${range.newCount} new ones` };
}

/** What stands before a line of a hunk. */
const MARK = /^[+\- \\]/;
/** What people write for lines that they cut from a quote. */
const CUT = /^\s*[[<(]?(?:\.{3}|…|snip|cut)[\])>]?\s*$/i;
const UNMARKED = 'lines without a mark are taken for context';

/** Lines without a mark as the rest of the line above, as mailers break long ones; what goes on from the hunk's header is left out. */
function unwrapped(lines: string[]): string[] {
  const out: string[] = [];
  for (const line of lines) {
    const last = out.length - 1;
    if (line === '' || MARK.test(line)) out.push(line === '' ? ' ' : line);
    else if (last >= 0) out[last] = `${out[last]} ${line}`;
  }
  return out;
}

/** Lines up to the counts of a hunk, and whether they come out at them with nothing but blank ones left. */
function take(lines: string[], range: { oldCount: number; newCount: number }) {
  let [oldCount, newCount, changes] = [0, 0, false];
  const taken: string[] = [];
  for (const line of lines) {
    if (oldCount >= range.oldCount && newCount >= range.newCount && !line.startsWith('\\')) break;
    if (!line.startsWith('+') && !line.startsWith('\\')) oldCount++;
    if (!line.startsWith('-') && !line.startsWith('\\')) newCount++;
    changes ||= line.startsWith('+') || line.startsWith('-');
    taken.push(line);
  }
  const rest = lines.slice(taken.length).filter(line => line.trim() !== '' && line !== '-- ' && line !== '--');
  const fits = oldCount === range.oldCount && newCount === range.newCount && !rest.some(line => /^[+-]/.test(line));
  return { lines: taken, oldCount, newCount, changes, fits };
}

/** How far the counts of what was taken are from those of the hunk. */
function missing(taken: { oldCount: number; newCount: number }, range: { oldCount: number; newCount: number }): number {
  return Math.abs(range.oldCount - taken.oldCount) + Math.abs(range.newCount - taken.newCount);
}

/** `+ a> + b`: two lines of a quote whose line end, and a mark, were lost. */
function part(line: string): string[] {
  const at = line.search(/> ?[+-]/);
  if (at < 1 || !/^[+-]/.test(line)) return [line];
  const rest = line.slice(at + 1);
  return [line.slice(0, at), rest.startsWith(' ') ? rest.slice(1) : rest];
}
