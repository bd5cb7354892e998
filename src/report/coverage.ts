/** How much was understood, in one line: silence without it would be no answer. */
import type { Review, SeriesReview } from '../model/review.ts';

export function coverageLine(review: Review): string {
  const sum = (pick: (r: Review['reviews'][number]) => number) => review.reviews.reduce((n, r) => n + pick(r), 0);
  const whole = sum(r => r.coverage.functions.whole);
  const partial = sum(r => r.coverage.functions.partial);
  const held = sum(r => r.held.length);
  const parts = [
    count(
      sum(r => r.coverage.patches),
      'patch',
      'patches',
    ),
    `${count(whole + partial, 'function', 'functions')}${partial > 0 ? ` (${partial} partly seen)` : ''}`,
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

/** `since v1: 2 resolved, 1 still open, 0 new`. */
export function sinceLine({ version, resolved, open, new: fresh }: NonNullable<SeriesReview['since']>): string {
  return `since v${version}: ${resolved} resolved, ${open} still open, ${fresh} new`;
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
