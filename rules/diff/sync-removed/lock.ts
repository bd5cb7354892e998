/** A lock that goes while what it was around stays. */
import { comesBefore, includesSection, isAccess, keyOf, type Section, sameLock, section } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Remark } from '../../../src/model/rule.ts';
import { countOf } from './seqcount.ts';
import { lockClaim } from './updates.ts';
import {
  addedAnywhere,
  calledUnderLock,
  callOf,
  gains,
  inFunction,
  isFixed,
  isGone,
  isHeld,
  isMoved,
  lastWord,
  matters,
  mostStay,
  namedFirst,
  runsOnce,
  staying,
  telling,
  type View,
  viewOf,
} from './view.ts';

/** What a removed lock is around: by its name where facts know it, else by the unlock of the same name and object. */
function sectionOf(view: View, event: Event): { name: Section; inside: Event[] } | null {
  const { before, removed, series } = view;
  if (event.kind === 'lock') {
    const later = before.events.filter(e => comesBefore(before, event, e));
    const name = later[0]?.locks.find(l => !includesSection(event.locks, l));
    return name === undefined ? null : { name, inside: later.filter(e => includesSection(e.locks, name)) };
  }
  if (event.kind === 'call' && event.opaque && LOCK.test(event.api)) {
    const name = event.api.replace(LOCK, '$1unlock$2');
    const end = removed.findLast(e => e.api === name && e.args[0] === event.args[0] && comesBefore(before, event, e));
    return end
      ? { name: section(null, event.args[0] ?? ''), inside: before.events.filter(e => comesBefore(before, event, e) && comesBefore(before, e, end)) }
      : null;
  }
  if (event.kind !== 'unlock' || before.whole || removed.some(e => e.kind === 'lock' && lastWord(e) === lastWord(event))) return null;
  // The lock of an unlock may go in an earlier hunk of the function, and what is said of the section is said there where it can be.
  for (const part of series.functions) {
    const other = part.before;
    if (!other || !part.after || other === before || other.name !== before.name || other.path !== before.path) continue;
    const lock = other.events.find(e => e.kind === 'lock' && e.addedBy !== null && lastWord(e) === lastWord(event));
    if (!lock) continue;
    const view = viewOf(other, part.after, series);
    return view.removed.includes(lock) && lostLock(view, lock)
      ? null
      : { name: section(null, lastWord(event)), inside: before.events.filter(e => comesBefore(before, e, event)) };
  }
  return null;
}

const LOCK = /^((?:\w+_)?)lock((?:_\w+)?)$/;

/** The lock goes, and what it was around stays. */
export function lostLock(view: View, event: Event): Remark | null {
  const { before, after, series } = view;
  if (gains(view) || runsOnce(after) || view.asserted || countOf(before, event) !== null || isGone(view, event) || isSucceeded(view, event))
    return null;
  const around = sectionOf(view, event);
  if (around === null) return null;
  const { name } = around;
  const inside = around.inside.filter(e => matters(view, e));
  const left = staying(view, e => inside.includes(e));
  const one = telling(left);
  if (!one || !mostStay(inside, left) || left.some(s => isHeld(after, s.now, view.series.after))) return null;
  // An unlock that stays belongs to a lock out of view.
  if (before.events.some(e => e.kind === 'unlock' && lastWord(e) === lastWord(event) && series.stays(e) !== null)) return null;
  if (isMoved(view, event) || addedAnywhere(series).some(e => e.kind === 'lock' && lastWord(e) === lastWord(event))) return null;
  if (calledUnderLock(view) || left.every(s => isFixed(view, s))) return null;
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
  const lost = claim?.bad.kind === 'sees' && partner === claim.threads[1]?.fn ? ': without it one of the two stores is lost' : '';
  const lock = event.kind === 'unlock' ? `the critical section that ${callOf(event)} ended` : `${callOf(event)} around it`;
  return {
    message: `${namedFirst(told.old)} stays in ${inFunction(after)}, but ${lock} is removed`,
    detail: partner ? [`${inFunction(partner)} still takes the lock around the same memory${lost}`] : [],
    question: isAccess(told.old) ? 'What serialises accesses to that memory now?' : 'What serialises the calls now?',
    dismissal: 'Not an issue if every caller holds a lock that excludes the others, or no other CPU can reach the object',
    quote: [event, told.now],
    shape: `lock:${after.name}:${lastWord(event)}`,
    ...(claim ? { claim } : {}),
    ...(other ? {} : { severity: 'note' as const }),
  };
}

/** The series puts another lock in the place of this one elsewhere, and nothing in view takes the old one any more. */
function isSucceeded({ series }: View, event: Event): boolean {
  const word = lastWord(event);
  if (word === '' || series.after.functions.some(f => !f.outside && f.events.some(e => e.kind === 'lock' && lastWord(e) === word))) return false;
  return series.functions.some(({ before, after }) => {
    const gone = before?.events.some(e => e.kind === 'lock' && lastWord(e) === word && e.addedBy !== null);
    return gone && after?.events.some(e => (e.kind === 'lock' || e.takes !== undefined) && e.addedBy !== null);
  });
}

/** Where other functions touch the same memory under the lock, after the series. */
function guardedStill({ series, after }: View, event: Event, lock: Section): { fn: CFunction; event: Event }[] {
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
