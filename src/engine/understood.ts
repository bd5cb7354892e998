/** How much of the code was read and understood. */
import type { CFunction } from '../model/code.ts';
import type { Coverage } from '../model/review.ts';

/** Counts of functions, of events where they stand and of calls of which nothing is known, by a fact or a contract. A broken function is counted as whole or partial as well. */
export function understood(functions: readonly CFunction[]): Pick<Coverage, 'functions' | 'events' | 'opaqueCalls'> {
  const counts = { functions: { whole: 0, partial: 0, broken: 0 }, events: 0, opaqueCalls: 0 };
  for (const fn of functions) {
    if (fn.whole) counts.functions.whole++;
    else counts.functions.partial++;
    if (fn.broken) counts.functions.broken++;
    for (const event of fn.events) {
      if (event.via) continue;
      counts.events++;
      if (event.opaque && !event.fact?.contract) counts.opaqueCalls++;
    }
  }
  return counts;
}
