/** A write section of a sequence count that goes while the writes in it stay. */
import { comesBefore, includesSection, keyOf, lockKey, type Section } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Remark } from '../../../src/model/rule.ts';
import { onOneCell } from './partners.ts';
import { callOf, gains, inFunction, isGone, isMoved, mostStay, namedFirst, staying, telling, type View } from './view.ts';

/** The sequence count that a write section counts; null where the event begins none. A seqlock excludes writers besides, so it is a lock. */
export function countOf(fn: CFunction, event: Event): Section | null {
  if (event.kind !== 'lock') return null;
  return fn.events.find(e => comesBefore(fn, event, e))?.locks.find(l => isCount(l) && !includesSection(event.locks, l)) ?? null;
}

/** The write section goes, and what it was around stays: a reader that looks in between does not try again. */
export function lostWriteSection(view: View, event: Event): Remark | null {
  const { before, after } = view;
  const name = countOf(before, event);
  if (name === null || gains(view) || isGone(view, event) || isMoved(view, event)) return null;
  const inside = before.events.filter(e => includesSection(e.locks, name) && writes(e));
  const left = staying(view, e => inside.includes(e));
  const one = telling(left);
  if (!one || !mostStay(inside, left) || left.some(s => s.now.locks.some(isCount))) return null;
  const reader = readerOf(
    view,
    left.map(s => s.now),
    event,
  );
  return {
    message: `${namedFirst(one.old)} stays in ${inFunction(after)}, but ${callOf(event)} around it is removed: a reader that runs in between sees no change of the count and does not retry`,
    detail: reader ? [`${reader.name}() reads the same memory in a retry loop on that count`] : [],
    question: 'How do readers detect a concurrent update now?',
    dismissal: 'Not an issue if no reader can see the object here, or readers exclude the writer some other way',
    quote: [event, one.now],
    ...(reader ? { related: [{ path: reader.path, line: reader.line, side: reader.side, note: 'the reader' }] } : { severity: 'note' as const }),
    shape: `seqcount:${after.name}:${lockKey(name)}`,
  };
}

function isCount(lock: Section): boolean {
  return lock.family === 'seqcount';
}

function writes(event: Event): boolean {
  return event.cell !== null && (event.kind === 'write' || event.kind === 'rmw' || event.kind === 'publish');
}

/** A function in view that reads one of the cells between the begin and the retry of the same count. */
function readerOf({ after, series }: View, left: readonly Event[], begin: Event): CFunction | null {
  const found = series.after.functions.find(
    fn =>
      fn !== after &&
      fn.events.some(e => /^(?:\w+_)?read_seq(?:count_)?(?:retry|begin)$/.test(e.api) && keyOf(e) === keyOf(begin)) &&
      fn.events.some(e => e.kind === 'read' && left.some(own => onOneCell(e, own))),
  );
  return found ?? null;
}
