/** One line a finding: `path:line: ERROR|WARNING|NOTE: text [rule]`. b4, vim and emacs read it. */
import type { Finding } from '../model/finding.ts';
import type { Review } from '../model/review.ts';
import { safe } from './safe.ts';

export function lines(review: Review): string {
  return review.reviews.flatMap(r => r.findings.map(f => line(f, standing(f, review)))).join('');
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

function line(finding: Finding, at: number): string {
  return `${flat(finding.path)}:${at}: ${finding.severity.toUpperCase()}: ${flat(finding.message)} [${finding.rule}]\n`;
}

export function flat(text: string): string {
  return safe(text.replace(/\s+/g, ' '));
}
