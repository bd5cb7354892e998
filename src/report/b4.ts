/** What b4 reads of a check: lines for prep and am, JSON for review. */
import type { Finding, Severity } from '../model/finding.ts';
import type { Review } from '../model/review.ts';
import { severityCounts } from './coverage.ts';
import { flat, standing } from './lines.ts';

/** b4's words, those of checkpatch: it takes a line with `ERROR:` in it for a failure and any other line for a warning. */
const LEVEL: Record<Severity, string> = { error: 'ERROR', warning: 'WARNING', note: 'CHECK' };
const RANK: Record<Severity, number> = { error: 0, warning: 1, note: 2 };

/**
 * One line a finding of at least that severity, as b4's prep-perpatch-check-cmd and am-perpatch-check-cmd read it; nothing for a clean patch.
 * b4 has no level below a warning, so that a note would be one: notes are written only where they are asked for.
 */
export function b4Lines(review: Review, least: Severity): string {
  return review.reviews.flatMap(r => r.findings.filter(f => RANK[f.severity] <= RANK[least]).map(f => line(f, review))).join('');
}

function line(finding: Finding, review: Review): string {
  const { severity, path, message, rule } = finding;
  // The word in the text of a warning would make it a failure.
  const text = (of: string) => (severity === 'error' ? flat(of) : flat(of).replaceAll('ERROR:', 'ERROR'));
  return `${text(path)}:${standing(finding, review)}: ${LEVEL[severity]}: ${text(message)} [${rule}]\n`;
}

const STATUS: Record<Severity, 'fail' | 'warn' | 'pass'> = { error: 'fail', warning: 'warn', note: 'pass' };

/**
 * The document that b4's review-perpatch-check-cmd and review-series-check-cmd read: one check with all findings, the worst of them first,
 * or none. Its details are a text that is JSON itself, since b4 stores them as text and shows a row for each entry. A patch that git refuses
 * fails the check.
 */
export function b4Checks(review: Review): object[] {
  const findings = review.reviews.flatMap(r => r.findings).sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  const refused = refusedTexts(review);
  const [worst] = findings;
  const status = refused.length > 0 ? 'fail' : worst ? STATUS[worst.severity] : null;
  if (status === null) return [];
  const rows = [
    ...refused.map(description => ({ status: 'fail', description, srcline: '', context: 'git', state: 'refused', url: '' })),
    ...findings.map(f => row(f, review)),
  ];
  const summary = [refused.length > 0 ? 'git refuses the patch' : '', severityCounts(findings)].filter(Boolean).join(', ');
  return [{ tool: 'fencepost', status, summary, details: JSON.stringify(rows) }];
}

function refusedTexts({ thread, problems }: Review): string[] {
  const all = [...thread.messages.flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])]), ...problems];
  return [...new Set(all.filter(p => p.severity === 'refused').map(p => `${flat(p.where)}: ${flat(p.message)}`))];
}

/** b4 shows `STATE CONTEXT -- DESCRIPTION`. */
function row(finding: Finding, review: Review): object {
  const { severity, rule, path, message, question } = finding;
  const place = `${flat(path)}:${standing(finding, review)}`;
  const description = `${place}: ${flat(message)}${question === undefined ? '' : `. ${flat(question)}`}`;
  return { status: STATUS[severity], description, srcline: place, context: rule, state: severity, url: '' };
}
