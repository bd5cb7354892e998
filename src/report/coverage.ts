/** How much was understood, in one line: silence without it would be no answer. */
import type { Severity } from '../model/finding.ts';
import type { Review, SeriesReview } from '../model/review.ts';

/** `7 patches, 31 functions (4 partly seen, 1 not all parsed), 112 events, 3 claims decided, 1 held`. */
export function coverageLine(review: Review): string {
  const sum = (pick: (r: Review['reviews'][number]) => number) => review.reviews.reduce((n, r) => n + pick(r), 0);
  const whole = sum(r => r.coverage.functions.whole);
  const partial = sum(r => r.coverage.functions.partial);
  const broken = sum(r => r.coverage.functions.broken);
  const doubts = [...(partial > 0 ? [`${partial} partly seen`] : []), ...(broken > 0 ? [`${broken} not all parsed`] : [])];
  const held = sum(r => r.held.length);
  const parts = [
    count(
      sum(r => r.coverage.patches),
      'patch',
      'patches',
    ),
    `${count(whole + partial, 'function', 'functions')}${doubts.length > 0 ? ` (${doubts.join(', ')})` : ''}`,
    count(
      sum(r => r.coverage.events),
      'event',
      'events',
    ),
    `${count(
      sum(r => r.coverage.claims.decided),
      'claim',
      'claims',
    )} decided`,
    `${held} held`,
  ];
  return [parts.join(', '), ...review.reviews.flatMap(r => (r.since ? sinceLine(r.since) : []))].join('; ');
}

/** What was found, by severity, and in how many patches: `2 warnings, 1 note in 3 of 7 patches`, or `no findings`. */
export function foundLine(review: Review): string {
  const found = review.reviews.flatMap((r, i) =>
    r.findings.map(f => ({ severity: f.severity, patch: `${i} ${f.patch.index} ${f.patch.messageId}` })),
  );
  if (found.length === 0) return 'no findings';
  const patches = new Set(found.map(f => f.patch)).size;
  const all = review.reviews.reduce((n, r) => n + r.coverage.patches, 0);
  return `${severityCounts(found)} in ${patches} of ${count(all, 'patch', 'patches')}`;
}

/** `2 warnings, 1 note`; empty where there is none. */
export function severityCounts(found: readonly { severity: Severity }[]): string {
  return SEVERITIES.flatMap(severity => {
    const n = found.filter(f => f.severity === severity).length;
    return n > 0 ? [count(n, severity, `${severity}s`)] : [];
  }).join(', ');
}

const SEVERITIES = ['error', 'warning', 'note'] as const;

/** One line on findings that are held because they are there before the series as well; null where there is none. */
export function preExistingLine(review: Review): string | null {
  const n = review.reviews.reduce((sum, r) => sum + r.held.filter(h => h.reason === 'pre-existing').length, 0);
  return n === 0
    ? null
    : `${count(n, 'finding', 'findings')} of the code before the series ${n === 1 ? 'is' : 'are'} held; --all shows ${n === 1 ? 'it' : 'them'}`;
}

/** `since v1: 2 resolved, 1 still open, 0 new`. */
export function sinceLine({ version, resolved, open, new: fresh }: NonNullable<SeriesReview['since']>): string {
  return `since v${version}: ${resolved} resolved, ${open} still open, ${fresh} new`;
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
