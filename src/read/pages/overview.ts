import type { Letter } from './letter.ts';
import type { Sheet } from './sheet.ts';

/** One line of a thread overview: depth 0 is a root. */
interface Row {
  depth: number;
  date: string;
  rest: string;
  start: number;
  end: number;
}

/**
 * Ties the messages of a thread page together by the overview at its foot, which is indented by depth: each is told what
 * it answers. A message that the overview does not show once and for all is left alone.
 */
export function tieOverview(
  sheet: Sheet,
  entries: { start: number; end: number; from: string; date: string; subject: string }[],
  letters: Letter[],
): void {
  const rows = rowsOf(sheet.text, entries.at(-1)?.end ?? 0);
  const letterOfRow = sheet.links.length > 0 ? byLinks(sheet, entries, rows) : byDates(entries, rows);
  const above: (number | null)[] = [];
  const missing: (string | undefined)[] = [];
  rows.forEach((row, at) => {
    const own = letterOfRow[at] ?? null;
    const ghost = /^\[not found\] <([^<>\s]{1,900})>/.exec(row.rest)?.[1];
    above.length = missing.length = Math.min(above.length, row.depth);
    const parent = row.depth === 0 ? null : (above[row.depth - 1] ?? null);
    const letter = own === null ? undefined : letters[own];
    if (letter && letter.inReplyTo === '') {
      if (parent !== null && parent !== own) letter.answers = parent;
      else if (row.depth > 0) letter.inReplyTo = missing[row.depth - 1] ?? '';
    }
    above[row.depth] = own;
    missing[row.depth] = ghost;
  });
}

const ROW = /^(\d{4}-\d\d-\d\d +\d?\d:\d\d) ( *)(` ?)?(.*)$/;
/** Columns of an overview before its tree gets too deep to be shown by public-inbox. */
const MAX_INDENT = 400;

function rowsOf(text: string, from: number): Row[] {
  const rows: Row[] = [];
  const head = text.indexOf('Thread overview:', from);
  for (let at = head < 0 ? text.length : head; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const [, date, blanks, tick, rest] = ROW.exec(text.slice(at, end)) ?? [];
    const ghost = date === undefined ? /^( {1,400})(?:` ?)?(\[not found\] <.*)$/.exec(text.slice(at, end)) : null;
    if (date !== undefined && blanks !== undefined && rest !== undefined && blanks.length <= MAX_INDENT)
      rows.push({ depth: tick === undefined ? 0 : blanks.length / 2 + 1, date, rest, start: at, end });
    else if (ghost) rows.push({ depth: Math.max(0, ((ghost[1]?.length ?? 0) - DATE_COLUMNS) / 2), date: '', rest: ghost[2] ?? '', start: at, end });
    at = end + 1;
  }
  return rows.map(row => ({ ...row, depth: Math.floor(row.depth) }));
}

/** Columns of `2001-02-03 04:05 ` before the tree. */
const DATE_COLUMNS = 17;

/** The letter of each row by the link that it holds: `#m` and a hash, which is the anchor of the letter. */
function byLinks(sheet: Sheet, entries: { start: number; end: number }[], rows: Row[]): (number | null)[] {
  const starts = entries.map(entry => entry.start);
  let link = 0;
  return rows.map(row => {
    while (link < sheet.links.length && (sheet.links[link]?.start ?? 0) < row.start) link++;
    for (let at = link; at < sheet.links.length && (sheet.links[at]?.start ?? 0) <= row.end; at++) {
      const name = /#(m[0-9a-f]{6,64})$/.exec(sheet.links[at]?.href ?? '')?.[1];
      const place = name === undefined ? undefined : sheet.anchors.get(name);
      if (place === undefined) continue;
      const found = lastUpTo(starts, place);
      const entry = entries[found];
      if (entry && place <= entry.end) return found;
    }
    return null;
  });
}

/** The same for a page that was saved as text: in the same order where the dates agree all through, else by date, sender and subject. */
function byDates(entries: { from: string; date: string; subject: string }[], rows: Row[]): (number | null)[] {
  const real = rows.filter(row => row.date !== '');
  if (real.length === entries.length && real.every((row, at) => sameDate(row.date, entries[at]?.date ?? ''))) {
    let next = 0;
    return rows.map(row => (row.date === '' ? null : next++));
  }
  const places = new Map<string, number[]>();
  entries.forEach((entry, at) => {
    const key = entry.date.replace(/ +/, ' ');
    const list = places.get(key);
    if (list) list.push(at);
    else places.set(key, [at]);
  });
  return rows.map(row => {
    const fits = (places.get(row.date.replace(/ +/, ' ')) ?? []).slice(0, MAX_SAME_MINUTE).filter(at => row.rest.endsWith(entries[at]?.from ?? '\n'));
    const [found = null] = fits.length > 1 ? fits.filter(at => row.rest.startsWith(`${entries[at]?.subject} `)) : fits;
    return found;
  });
}

/** Messages of one minute that are compared with a line of the overview. */
const MAX_SAME_MINUTE = 200;

function sameDate(left: string, right: string): boolean {
  return left.replace(/ +/, ' ') === right.replace(/ +/, ' ');
}

/** The last of rising numbers that is not above a bound; -1 where none is. */
function lastUpTo(numbers: number[], bound: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= bound) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
