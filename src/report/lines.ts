/** One line a finding: `path:line: ERROR|WARNING|NOTE: text [rule]`. b4, vim and emacs read it. */
import type { Finding } from '../model/finding.ts';
import type { Review } from '../model/review.ts';
import { safe } from './safe.ts';

export function lines(review: Review): string {
  return review.reviews.flatMap(r => r.findings.map(line)).join('');
}

/** Refused patches as errors of their own, for the pre-send check. */
export function refusals(review: Review): string[] {
  return review.thread.messages
    .flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])])
    .concat(review.problems)
    .filter(p => p.severity === 'refused')
    .map(p => `${flat(p.where)}: ERROR: ${flat(p.message)} [refused]\n`)
    .filter((line, i, all) => all.indexOf(line) === i);
}

function line(finding: Finding): string {
  return `${flat(finding.path)}:${finding.line}: ${finding.severity.toUpperCase()}: ${flat(finding.message)} [${finding.rule}]\n`;
}

function flat(text: string): string {
  return safe(text.replace(/\s+/g, ' '));
}
