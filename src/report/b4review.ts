/** A review of one patch as b4's review command takes it in: a note, then the whole diff quoted, with comments under its lines. */
import type { Finding } from '../model/finding.ts';
import type { Patch } from '../model/series.ts';
import { commentLines, REPLY, shownLines, statementsAt } from './comment.ts';
import { severityCounts } from './coverage.ts';
import { safe } from './safe.ts';

/** Who reviews, as `identity.txt` wants it: a name and an address. Nothing is sent there. */
export const IDENTITY = 'fencepost <fencepost@localhost>';

/**
 * The text of `NNNN.txt`. Its first line is what b4 shows in its list of patches. Every line of the diff is there, one line each: b4 counts
 * them, by Python's idea of a line's end, and takes what has no mark of quoting for a comment. A finding whose line the diff does not show
 * stands in the note.
 */
export function b4Review(findings: readonly Finding[], patch: Patch, diff: string): string {
  const { text, rest } = annotated(findings, patch, diff);
  const about = [...new Set(findings.map(f => f.rule))].join(', ');
  const note = [`${severityCounts(findings)}: ${about}`, ...rest.flatMap(finding => ['', ...commentLines(finding, REPLY)])];
  return `${[...note, '', ...text].join('\n').trimEnd()}\n`;
}

function annotated(findings: readonly Finding[], patch: Patch, diff: string): { text: string[]; rest: Finding[] } {
  const rows = diff.replace(/\n$/, '').split('\n');
  const places = hunkLines(rows);
  /** By the row under which they stand. */
  const under = new Map<number, Finding[]>();
  const rest: Finding[] = [];
  for (const finding of findings) {
    const row = rowOf(finding, patch, places);
    if (row === null) rest.push(finding);
    else under.set(row, [...(under.get(row) ?? []), finding]);
  }
  const text = rows.flatMap((row, at) => {
    const comments = under.get(at) ?? [];
    return [quotedRow(row), ...comments.flatMap(finding => ['', ...commentLines(finding, REPLY)]), ...(comments.length > 0 ? [''] : [])];
  });
  return { text, rest };
}

/** The end of a line of Windows goes, as b4 reads it; other ends of a line within one are shown. */
function quotedRow(row: string): string {
  return `> ${safe(row.replace(/\r$/, ''), true)}`;
}

/** The row of the last line of the statement that a finding is at; null where the diff does not show it. */
function rowOf(finding: Finding, patch: Patch, places: readonly number[][]): number | null {
  const file = patch.files.findIndex(f => f.path === finding.path);
  const lines = shownLines(patch.files[file]?.hunks ?? []);
  const rows = places[file] ?? [];
  const at = statementsAt([finding], lines)[0]?.at(-1);
  return at === undefined || rows.length !== lines.length ? null : (rows[at] ?? null);
}

/** Of each file of the diff the rows that are lines of its hunks, in order. Hunks end where their header says. */
function hunkLines(rows: readonly string[]): number[][] {
  const files: number[][] = [];
  let [before, after] = [0, 0];
  for (const [at, row] of rows.entries()) {
    if (before > 0 || after > 0) {
      if (row.startsWith('\\')) continue;
      files.at(-1)?.push(at);
      if (!row.startsWith('+')) before--;
      if (!row.startsWith('-')) after--;
      continue;
    }
    if (row.startsWith('diff --git ')) files.push([]);
    const [, removed = '1', added = '1'] = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(row) ?? [];
    if (row.startsWith('@@ ')) [before, after] = [Number(removed), Number(added)];
  }
  return files;
}
