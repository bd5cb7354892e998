import type { Finding } from '../model/finding.ts';
import type { Review } from '../model/review.ts';
import type { Hunk } from '../model/series.ts';
import { safe } from './safe.ts';

/** From a line after the whole series to the line that an editor shows. */
export type Shown = (path: string, line: number) => number;

/**
 * One line a finding: `path:line: ERROR|WARNING|NOTE: text [rule]`. b4, vim and emacs read it. A line is numbered as its patch leaves the file; with
 * `shown`, which is for series that have been applied, as an editor shows it.
 */
export function lines(review: Review, shown?: Shown): string {
  return review.reviews.flatMap(r => r.findings.map(f => line(f, placeShown(f, review, shown)))).join('');
}

/**
 * Refused patches as errors of their own, for the pre-send check. The path is the input's, opened at its first line: what was refused has no
 * place in a source file, and the text says where in the mail it is.
 */
export function refusals(review: Review): string[] {
  const lines = review.thread.messages
    .flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])])
    .concat(review.problems)
    .filter(p => p.severity === 'refused')
    .map(p => `${flat(review.input)}:1: ERROR: ${flat(p.where)}: ${flat(p.message)} [refused]\n`);
  return [...new Set(lines)];
}

/** What was held back, one line each, with the reason. */
export function heldLines(review: Review): string {
  return review.reviews
    .flatMap(r =>
      r.held.map(
        h => `held (${h.reason}: ${safe(h.detail)}): ${safe(h.finding.path)}:${h.finding.line}: ${safe(h.finding.message)} [${h.finding.rule}]\n`,
      ),
    )
    .join('');
}

/** The finding's line; of a removed one the line that stands where it stood. */
export function standing(finding: Finding, review: Review): number {
  if (finding.side === 'new') return finding.line;
  const patch = review.thread.messages.find(m => m.messageId === finding.patch.messageId)?.patch;
  const lines = patch?.files.filter(f => f.path === finding.path).flatMap(f => f.hunks.flatMap(h => h.lines)) ?? [];
  const at = lines.findIndex(l => l.kind === 'remove' && l.oldLine === finding.line);
  const near = at < 0 ? undefined : (lines.slice(at).find(l => l.newLine !== null) ?? lines.slice(0, at).findLast(l => l.newLine !== null));
  return near?.newLine ?? finding.line;
}

/** The path and line at which `check` lists the finding; with `shown` as for `lines`. */
export function placeShown(finding: Finding, review: Review, shown?: Shown): { path: string; line: number } {
  return shown ? ending(finding, review, shown) : { path: finding.path, line: standing(finding, review) };
}

/** Where the finding's line, or that which stands where it stood, is after the patches that follow, and in an editor. */
function ending(finding: Finding, review: Review, shown: Shown): { path: string; line: number } {
  const place = finding.now ?? carriedOn(finding, review);
  return { path: place.path, line: shown(place.path, place.line) };
}

function carriedOn(finding: Finding, review: Review): { path: string; line: number } {
  const ids = review.thread.series.find(s => s.patches.includes(finding.patch.messageId))?.patches ?? [];
  let [path, line] = [finding.path, standing(finding, review)];
  for (const id of ids.slice(ids.indexOf(finding.patch.messageId) + 1)) {
    const file = review.thread.messages.find(m => m.messageId === id)?.patch?.files.find(f => (f.oldPath ?? f.path) === path);
    if (!file) continue;
    line = carried(line, file.hunks);
    path = file.path;
  }
  return { path, line };
}

/** The number that a line has once the hunks are applied; of one that they remove, that of the next line that stays. */
function carried(line: number, hunks: Hunk[]): number {
  let shift = 0;
  for (const { oldStart, oldCount, newCount, lines } of hunks) {
    if (line < oldStart) break;
    if (line < oldStart + oldCount) {
      const at = lines.findIndex(l => l.oldLine === line);
      const next = lines.slice(Math.max(0, at)).find(l => l.newLine !== null) ?? lines.findLast(l => l.newLine !== null);
      return next?.newLine ?? Math.max(1, oldStart + shift);
    }
    shift += newCount - oldCount;
  }
  return line + shift;
}

function line(finding: Finding, at: { path: string; line: number }): string {
  return `${flat(at.path)}:${at.line}: ${finding.severity.toUpperCase()}: ${flat(finding.message)} [${finding.rule}]\n`;
}

export function flat(text: string): string {
  return safe(text.replace(/\s+/g, ' '));
}
