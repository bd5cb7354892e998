/** A lock that goes while what it was around stays. */
import { keyOf, sameLock } from '../../../src/c/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Remark } from '../../../src/model/rule.ts';
import { lockClaim } from './updates.ts';
import {
  addedAnywhere,
  calledUnderLock,
  callOf,
  gains,
  isHeld,
  isMoved,
  lastWord,
  matters,
  mostStay,
  quoted,
  runsOnce,
  staying,
  telling,
  type View,
} from './view.ts';

/** What a removed lock is around: by its name where facts know it, else by the unlock of the same name and object. */
function sectionOf(view: View, event: Event): { name: string; inside: Event[] } | null {
  const { before, removed, series } = view;
  if (event.kind === 'lock') {
    const later = before.events.filter(e => e.index > event.index);
    const name = later[0]?.locks.find(l => !event.locks.includes(l));
    return name === undefined ? null : { name, inside: later.filter(e => e.locks.includes(name)) };
  }
  if (event.kind === 'call' && event.opaque && LOCK.test(event.api)) {
    const name = event.api.replace(LOCK, '$1unlock$2');
    const end = removed.findLast(e => e.api === name && e.args[0] === event.args[0] && e.index > event.index);
    return end
      ? { name: `${event.api}:${event.args[0] ?? ''}`, inside: before.events.filter(e => e.index > event.index && e.index < end.index) }
      : null;
  }
  if (event.kind !== 'unlock' || before.whole || removed.some(e => e.kind === 'lock' && lastWord(e) === lastWord(event))) return null;
  // The lock of an unlock may go in an earlier hunk of the function.
  const above = series.functions.some(
    c =>
      c.before &&
      c.before !== before &&
      c.before.name === before.name &&
      c.before.events.some(e => e.kind === 'lock' && e.addedBy !== null && lastWord(e) === lastWord(event)),
  );
  return above ? { name: `lock:${lastWord(event)}`, inside: before.events.filter(e => e.index < event.index) } : null;
}

const LOCK = /^((?:\w+_)?)lock((?:_\w+)?)$/;

/** The lock goes, and what it was around stays. */
export function lostLock(view: View, event: Event): Remark | null {
  const { before, after, series } = view;
  if (gains(view) || runsOnce(after) || view.asserted) return null;
  const section = sectionOf(view, event);
  if (section === null) return null;
  const { name } = section;
  const inside = section.inside.filter(e => matters(view, e));
  const left = staying(view, e => inside.includes(e));
  const one = telling(left);
  if (!one || !mostStay(inside, left) || left.some(s => isHeld(after, s.now))) return null;
  // An unlock that stays belongs to a lock out of view.
  if (before.events.some(e => e.kind === 'unlock' && lastWord(e) === lastWord(event) && series.stays(e) !== null)) return null;
  if (isMoved(view, event) || addedAnywhere(series).some(e => e.kind === 'lock' && lastWord(e) === lastWord(event))) return null;
  if (calledUnderLock(view)) return null;
  const sites = left.flatMap(s => guardedStill(view, s.now, name));
  const [other] = sites;
  const claim = lockClaim(
    view,
    left.map(s => s.now),
    sites,
    callOf(event),
  );
  const told = left.find(s => s.now === claim?.threads[0]?.events.at(-1)) ?? one;
  const partner = claim?.threads.find(t => t.fn !== after)?.fn ?? other?.fn;
  const lost = claim?.bad.kind === 'sees' && partner === claim.threads[1]?.fn ? ': without it what one of the two stores is lost' : '';
  return {
    message: `${quoted(told.old)} stays in ${after.name}(), ${callOf(event)} around it goes`,
    detail: partner ? [`${partner.name}() still takes the lock around the same memory${lost}`] : [],
    question: 'What serialises it now?',
    dismissal: 'Not an issue if every caller holds a lock that excludes the others, or nobody else can reach the object',
    quote: [event, told.now],
    shape: `lock:${name}`,
    ...(claim ? { claim } : {}),
    ...(other ? {} : { severity: 'note' as const }),
  };
}

/** Where other functions touch the same memory under the lock, after the series. */
function guardedStill({ series, after }: View, event: Event, lock: string): { fn: CFunction; event: Event }[] {
  const key = keyOf(event);
  if (key === null) return [];
  return series.after.functions.flatMap(fn =>
    fn === after || fn.name === after.name
      ? []
      : fn.events.flatMap(e =>
          keyOf(e) === key && (!key.startsWith('|') || e.path === event.path) && e.locks.some(l => sameLock(l, lock)) ? [{ fn, event: e }] : [],
        ),
  );
}
