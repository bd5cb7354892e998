/** A barrier that is removed while the accesses that it ordered stay. */
import { called, isAccess } from '../../../src/analysis/query.ts';
import type { Event } from '../../../src/model/code.ts';
import type { Claim, Remark } from '../../../src/model/rule.ts';
import { decidedOnly, fenceOf, orderClaim } from './order.ts';
import { gains, inFunction, isHeld, isMoved, named, runsOnce, type View } from './view.ts';

/** How many events may go with a barrier without its neighbours having been rewritten. */
const MOST_REMOVED_BESIDE = 2;
const BESIDE_LINES = 4;

/** The barrier is removed, and the accesses that it ordered stay. */
export function lostBarrier(view: View, event: Event): Remark | null {
  const { before, after, series } = view;
  if (event.kind !== 'fence' || event.ordering === null || gains(view) || runsOnce(after)) return null;
  if (event.ordering === 'compiler' && event.api !== 'barrier') return null; // Begins or ends a section.
  const beside = view.removed.filter(e => e !== event && Math.abs(e.line - event.line) <= BESIDE_LINES).length;
  if (beside > MOST_REMOVED_BESIDE) return null;
  const [earlier, later] = [before.events.slice(0, event.index), before.events.slice(event.index + 1)];
  const above = earlier.findLast(isPartner);
  const below = statementOf(later.find(isPartner), later);
  // What a hunk does not show may be a partner.
  if ((!above || !below) && before.whole) return null;
  const [one, other] = [above, below].map(e => e && series.stays(e));
  if ((above && !one) || (below && !other) || (!one && !other)) return null;
  if ([above, below].some(e => e && covers(e, event))) return null;
  if (isMoved(view, event)) return null;
  const between =
    above && below ? ` between ${named(above)} and ${named(below)}` : above ? ` after ${named(above)}` : below ? ` before ${named(below)}` : '';
  const found = claimOf(view, event);
  // Under a lock it is there for those who take none: told only where the checker shows one.
  const held = one !== undefined && one !== null && isHeld(after, one, view.series.after);
  if (held && !found) return null;
  const claim = found && held ? decidedOnly(found) : found;
  return {
    ...(claim ? { claim } : {}),
    message: `${called(event)}()${between} is removed from ${inFunction(after)}, and ${above && below ? 'both stay' : 'that stays'}`,
    question: 'What orders the accesses around it now?',
    dismissal: 'Not an issue if the other side of the pair is removed as well, or something else orders them',
    quote: [...(one ? [one] : []), event, ...(other ? [other] : [])],
    shape: `barrier:${called(event)}`,
    ...(above && below && isAccess(above) && isAccess(below) ? {} : { severity: 'note' as const }),
  };
}

/** A call that stands in an argument of an access is told as the access. */
function statementOf(event: Event | undefined, later: readonly Event[]): Event | undefined {
  if (event?.kind !== 'call') return event;
  return later.find(e => e.line === event.line && isAccess(e) && e.args.some(arg => arg.includes(`${called(event)}(`))) ?? event;
}

/** How many accesses on each side of the barrier may be those that it was there for. */
const MOST_ACCESSES = 6;

/** The nearest two accesses around it of which a function in view makes the other half. */
function claimOf(view: View, barrier: Event): Claim | null {
  const { before, series } = view;
  const fence = fenceOf(barrier);
  if (fence === null) return null;
  const stay = (events: Event[]) => events.filter(isAccess).flatMap(e => series.stays(e) ?? []);
  const above = stay(before.events.slice(0, barrier.index)).slice(-MOST_ACCESSES).reverse();
  const below = stay(before.events.slice(barrier.index + 1)).slice(0, MOST_ACCESSES);
  for (const one of above)
    for (const other of below) {
      const claim = orderClaim(view, one, other, { kind: 'fence', fence, where: 'after', event: one, text: `Keeping ${called(barrier)}()` });
      if (claim) return claim;
    }
  return null;
}

/** What a barrier may be there for, or may lean on. */
function isPartner(event: Event): boolean {
  return isAccess(event) || event.opaque || event.kind === 'wake' || orders(event);
}

/** A neighbour that gives the order of the barrier by itself. */
function covers(neighbour: Event, barrier: Event): boolean {
  if (neighbour.ordering === 'full') return true;
  // What a marked read has taken the compiler does not read again.
  if (barrier.ordering === 'compiler' && neighbour.kind === 'read' && neighbour.ordering !== 'plain') return true;
  if (neighbour.kind === 'fence') return neighbour.ordering === barrier.ordering;
  // A lock or an unlock lets a store pass a later load.
  return orders(neighbour) && barrier.ordering !== 'full';
}

/** Orders what is around it by itself. */
function orders(event: Event): boolean {
  return (
    (event.kind === 'fence' && event.ordering !== 'compiler') ||
    event.kind === 'lock' ||
    event.kind === 'unlock' ||
    event.kind === 'wait' ||
    event.kind === 'rcu'
  );
}
