/** A hunk's extent in the text of a diff, and what is wrong with it; null where nothing is. `lines` is what git counts on by. */
export interface HunkExtent {
  end: number;
  lines: number;
  oldCount: number;
  newCount: number;
  added: number;
  removed: number;
  fault: string | null;
}

/**
 * Walks one hunk by git's parse_fragment: from its header at `at`, which is line `line` of the diff, as many lines as the header counts; they
 * must come out at just these counts. A faulty hunk ends where git gives it up.
 */
export function scanHunk(text: string, at: number, line: number): HunkExtent {
  const headerEnd = lineEnd(text, at);
  const range = readRange(text, at, headerEnd);
  const hunk: HunkExtent = { end: at, lines: 0, oldCount: range?.oldCount ?? 0, newCount: range?.newCount ?? 0, added: 0, removed: 0, fault: null };
  if (!range) return { ...hunk, fault: 'the hunk header does not parse' };
  let [oldLeft, newLeft] = [range.oldCount, range.newCount];
  const fails = (why: string): HunkExtent => ({
    ...hunk,
    fault: `the hunk at line ${line} says ${range.oldCount} old and ${range.newCount} new lines${why}`,
  });
  hunk.end = headerEnd;
  hunk.lines = 1;
  // Counts may fall below zero: git then goes on to a line that is no part of a hunk.
  while (hunk.end < text.length && (oldLeft !== 0 || newLeft !== 0)) {
    const newline = text.indexOf('\n', hunk.end);
    if (newline < 0) return fails(', and the text ends before them');
    switch (text.charCodeAt(hunk.end)) {
      case LF:
      case SPACE:
        oldLeft--;
        newLeft--;
        break;
      case DASH:
        hunk.removed++;
        oldLeft--;
        break;
      case PLUS:
        hunk.added++;
        newLeft--;
        break;
      case BACKSLASH:
        if (newline + 1 - hunk.end < 12 || text.charCodeAt(hunk.end + 1) !== SPACE) return fails(', and a line in it starts with a backslash');
        break;
      default:
        return fails(', and a line in it is neither context nor change');
    }
    hunk.end = newline + 1;
    hunk.lines++;
  }
  if (oldLeft !== 0 || newLeft !== 0) return fails(', which its lines do not come out at');
  if (hunk.added === 0 && hunk.removed === 0) return fails(' and changes nothing');
  // `\ No newline at end of file` behind the last line; git does not count it as a line.
  if (text.length - hunk.end > 12 && text.startsWith('\\ ', hunk.end)) hunk.end = lineEnd(text, hunk.end);
  return hunk;
}

/** The counts of `@@ -a,b +c,d @@`; null where the line that ends at `end` is not of that shape. */
export function readRange(text: string, at: number, end: number): { oldStart: number; oldCount: number; newStart: number; newCount: number } | null {
  if (text.charCodeAt(end - 1) !== LF) return null;
  const [, oldStart, oldCount = '1', newStart, newCount = '1'] =
    /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text.slice(at, Math.min(end, at + MAX_RANGE))) ?? [];
  return oldStart === undefined
    ? null
    : { oldStart: Number(oldStart), oldCount: Number(oldCount), newStart: Number(newStart), newCount: Number(newCount) };
}

/** Characters of a hunk header that are looked at: four numbers of 20 digits and the marks. */
export const MAX_RANGE = 100;

/**
 * Walks what follows `GIT binary patch` by git's parse_binary: a hunk forward and, as a rule, one in reverse, each `literal N` or `delta N`
 * and lines of base 85 up to a blank one. The data itself is not inflated.
 */
export function scanBinary(text: string, at: number): { end: number; lines: number; fault: string | null } {
  const extent: { end: number; lines: number; fault: string | null } = { end: at, lines: 0, fault: null };
  for (const direction of ['forward', 'reverse']) {
    if (!text.startsWith('delta ', extent.end) && !text.startsWith('literal ', extent.end)) {
      if (direction === 'forward') extent.fault = 'unrecognized binary patch';
      return extent;
    }
    extent.end = lineEnd(text, extent.end);
    extent.lines++;
    for (let end = lineEnd(text, extent.end); end - extent.end !== 1; end = lineEnd(text, extent.end)) {
      if (!isBase85(text, extent.end, end)) {
        extent.fault = 'corrupt binary patch';
        return extent;
      }
      extent.end = end;
      extent.lines++;
    }
    extent.end++;
    extent.lines++;
  }
  return extent;
}

/** A letter for the number of bytes, and groups of five characters for four bytes each, the last filled up. */
function isBase85(text: string, at: number, end: number): boolean {
  const code = text.charCodeAt(at);
  const bytes = code >= 65 && code <= 90 ? code - 64 : code >= 97 && code <= 122 ? code - 70 : 0;
  const length = end - at;
  const most = ((length - 2) / 5) * 4;
  return length >= 7 && (length - 2) % 5 === 0 && bytes > 0 && most >= bytes && bytes > most - 4 && BASE85.test(text.slice(at + 1, end - 1));
}

const BASE85 = /^[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]+$/;
const LF = 10;
const SPACE = 32;
const PLUS = 43;
const DASH = 45;
const BACKSLASH = 92;

function lineEnd(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline + 1;
}
