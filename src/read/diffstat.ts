import type { Patch } from '../model/series.ts';
import { MAX_FILES } from './limits.ts';

/** The table that `git format-patch --cover-letter` puts under a cover letter (diff.c, show_stats). */
export interface Diffstat {
  rows: StatRow[];
  /** The list was cut short (`--stat-count`): files may be missing. */
  isCut: boolean;
}

/** One line of a diffstat. */
interface StatRow {
  /** The name, as far as the line has room for it; of a rename both. */
  names: StatName[];
  /** Lines added and removed together; null where it does not count lines: binary files, and renames, which count by similarity. */
  lines: number | null;
}

interface StatName {
  text: string;
  /** Only the end of the name is there: `.../end/of/name.c`. */
  isTail: boolean;
}

/** What one patch does to one file, for the check of a diffstat. */
export interface Touched {
  path: string;
  lines: number;
  /** Not counted by lines, or under another name before: no count of a diffstat must agree with it. */
  isLoose: boolean;
}

/** What a patch does, file by file. */
export function touchedBy(patch: Patch): Touched[] {
  return patch.files.flatMap(({ path, oldPath, change, added, removed, binary }) => {
    const isLoose = binary || oldPath !== undefined;
    const own = { path, lines: added + removed, isLoose };
    return oldPath === undefined || change === 'copy' ? [own] : [own, { path: oldPath, lines: 0, isLoose }];
  });
}

/**
 * The last diffstat in a text, rows and summary; null where there is none, or where it does not come out at its own summary, as when a
 * mailer has wrapped it or somebody edited it.
 */
export function readDiffstat(text: string): Diffstat | null {
  const found = [...text.matchAll(SUMMARY)].at(-1);
  if (!found) return null;
  const [line, files, rest = ''] = found;
  const rows: StatRow[] = [];
  let isCut = false;
  const above = text
    .slice(0, found.index)
    .split('\n')
    .slice(-MAX_FILES - 2);
  // The summary starts a line: the last piece is empty.
  for (const text of above.slice(0, -1).reverse()) {
    const row = rowOf(text);
    if (row) rows.unshift(row);
    else if (text.trim() === '...' && rows.length === 0) isCut = true;
    else break;
  }
  const insertions = Number(/(\d+) insertion/.exec(rest)?.[1] ?? 0);
  const deletions = Number(/(\d+) deletion/.exec(rest)?.[1] ?? 0);
  const counted = rows.reduce((sum, row) => sum + (row.lines ?? 0), 0);
  const fits = isCut
    ? rows.length < Number(files) && counted <= insertions + deletions
    : rows.length === Number(files) && counted === insertions + deletions;
  if (!fits || rows.length === 0 || line.length > MAX_ROW) return null;
  for (const row of rows) if (row.names.length > 1) row.lines = null;
  return { rows, isCut };
}

/**
 * Where a diffstat and the patches of a complete series cannot both be right; '' where they can. The diffstat is of the whole, so that what
 * one patch adds and another removes stands in neither: a file that several patches touch may have fewer lines in it than they have
 * together, or be missing. A file that only one touches must agree.
 */
export function contradict(stat: Diffstat, patches: Touched[][]): string {
  const sums = new Map<string, { lines: number; times: number; isLoose: boolean }>();
  for (const touched of patches)
    for (const { path, lines, isLoose } of touched) {
      const sum = sums.get(path) ?? { lines: 0, times: 0, isLoose: false };
      sums.set(path, { lines: sum.lines + lines, times: sum.times + 1, isLoose: sum.isLoose || isLoose });
    }
  const faults: string[] = [];
  const named = new Set<string>();
  for (const { names, lines } of stat.rows) {
    const fits = names.map(name => pathsOf(name, sums));
    for (const path of fits.flat()) named.add(path);
    const [paths = []] = fits;
    const [path = ''] = paths;
    const sum = sums.get(path);
    if (names.length === 1 && paths.length === 0) faults.push(`${shown(lines)} in ${names[0]?.text ?? ''}, the patches say none`);
    // Of names that end alike it is not known which is meant.
    else if (
      names.length === 1 &&
      paths.length === 1 &&
      lines !== null &&
      sum &&
      !sum.isLoose &&
      (lines > sum.lines || (sum.times === 1 && lines < sum.lines))
    )
      faults.push(`${shown(lines)} in ${path}, the patches say ${sum.lines}`);
  }
  if (!stat.isCut)
    for (const [path, sum] of sums)
      if (sum.times === 1 && !sum.isLoose && !named.has(path)) faults.push(`none in ${path}, the patches say ${sum.lines}`);
  const rest = faults.length - MAX_SHOWN;
  return faults.length === 0
    ? ''
    : `the diffstat says ${faults.slice(0, MAX_SHOWN).join('; it says ')}${rest > 0 ? `; and ${rest} more files differ` : ''}`;
}

/** Files that are named in one problem. */
const MAX_SHOWN = 5;
/** Characters of a line of a diffstat; wider terminals are not made. */
const MAX_ROW = 1000;
const SUMMARY = /^ (\d{1,6}) files? changed((?:, \d{1,9} (?:insertion|deletion)s?\([+-]\)){0,2})[ \t\r]*$/gm;
const ROW = /^ (\S.*?) +\| +(?:(\d{1,9})(?: [+-]*)?|Bin(?: \d+ -> \d+ bytes)?|Unmerged)[ \t\r]*$/;

function rowOf(line: string): StatRow | null {
  if (line.length > MAX_ROW) return null;
  const [, name, count] = ROW.exec(line) ?? [];
  if (name === undefined) return null;
  // --compact-summary says behind the name what else would stand below the table.
  const bare = name.replace(/ \((?:new|gone|new [+-][lx]|mode [+-][lx])\)$/, '');
  return { names: namesOf(bare), lines: count === undefined ? null : Number(count) };
}

/** `a.c`, `.../b.c`, `a.c => b.c`, `dir/{a => b}/c.c`; quoted names are left as they stand. */
function namesOf(text: string): StatName[] {
  const isTail = text.startsWith('...');
  const bare = isTail ? text.slice(3) : text;
  const [, head, from, to, tail] = /^(.*?)\{(.*?) => (.*?)\}(.*)$/.exec(bare) ?? [];
  const plain = bare.split(' => ');
  const names = from !== undefined ? [`${head}${from}${tail}`, `${head}${to}${tail}`] : plain;
  return names.map((name, at) => ({
    // An empty middle leaves two slashes: `a/{ => b}/c`.
    text: name.replace(/\/{2,}/g, '/'),
    // Cut short, the first name of a rename without braces is all that was cut.
    isTail: isTail && (from !== undefined || at === 0),
  }));
}

function pathsOf({ text, isTail }: StatName, sums: Map<string, unknown>): string[] {
  if (!isTail) return sums.has(text) ? [text] : [];
  return [...sums.keys()].filter(path => path.endsWith(text));
}

function shown(lines: number | null): string {
  return lines === null ? 'a change' : `${lines} ${lines === 1 ? 'line' : 'lines'}`;
}
