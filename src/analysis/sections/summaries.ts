/** Locksets of all functions in view, callees before their callers, so that a helper that takes a lock is seen to. */

import { calleesOf } from '../../c/calls/callees.ts';
import { returnedAt } from '../../c/cfg/returned.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { holds, includesSection, type Section, sameSection } from '../../model/section.ts';
import type { LockSummary, SummaryLock } from './lockeffects.ts';
import { lockOf } from './locknames.ts';
import { type Locksets, locksetsOf } from './locksets.ts';

/** Call chains longer than this are cut: what lies deeper has no effect on the locks of the caller. */
const DEEPEST = 200;

/** What is held in each function that has to do with a lock or a context. */
export function allLocksets(functions: readonly CFunction[], factOf: (api: string) => Fact | undefined): ReadonlyMap<CFunction, Locksets> {
  const locksets = new Map<CFunction, Locksets>();
  const done = new Map<CFunction, LockSummary | null>();
  const visit = (fn: CFunction, depth: number): LockSummary | null => {
    const known = done.get(fn);
    if (known !== undefined) return known;
    done.set(fn, null); // A function that calls itself is met here, without effect.
    const summaries = new Map<Event, readonly (LockSummary | null)[]>();
    for (const event of fn.events) {
      const callees = depth < DEEPEST && event.kind === 'call' ? calleesOf(fn, event, functions) : [];
      if (callees.length > 0 && !callees.includes(fn))
        summaries.set(
          event,
          callees.map(callee => visit(callee, depth + 1)),
        );
    }
    const of = (event: Event) => summaries.get(event) ?? [];
    const own = locksetsOf(fn, factOf, of);
    if (own) locksets.set(fn, own);
    const summary = own && fn.whole ? summaryOf(fn, own, summaries, factOf) : null;
    done.set(fn, summary);
    return summary;
  };
  for (const fn of functions) visit(fn, 0);
  return locksets;
}

function summaryOf(
  fn: CFunction,
  locksets: Locksets,
  inner: ReadonlyMap<Event, readonly (LockSummary | null)[]>,
  factOf: (api: string) => Fact | undefined,
): LockSummary | null {
  const named = locksNamed(fn, inner, factOf);
  const { exits, entered, given, left } = locksets;
  const runs = exits.filter(exit => exit.node.kind === 'exit');
  if (runs.length === 0) return null;
  const pick = (locks: readonly Section[]): SummaryLock[] => locks.flatMap(lock => namedAs(named, lock) ?? []);
  const everywhere = (of: typeof runs) => {
    const [first, ...rest] = of;
    return first ? first.must.filter(lock => rest.every(exit => includesSection(exit.must, lock))) : [];
  };
  const start = [...entered, ...given];
  // What the function only says of its caller is no lock that it takes.
  const taken = everywhere(runs).filter(lock => !includesSection(start, lock) && lock.family !== null);
  // What the caller could not name it could not see given back either.
  if (taken.some(lock => !namedAs(named, lock))) return null;
  const unlock = given
    .filter(lock => runs.every(exit => !holds(exit.may, lock)))
    .flatMap(lock => pick([lock]).map(known => (includesSection(entered, lock) ? known : { ...known, unsure: true as const })));
  const [firstExit] = runs;
  const kept = (firstExit?.context ?? []).filter(word => runs.every(exit => exit.context.includes(word)));
  // What is ended and begun again on every path is the caller's as it was.
  const enter = kept.filter(word => !left.includes(word));
  const leave = left.filter(word => !kept.includes(word));
  if (taken.length > 0 || unlock.length > 0 || enter.length > 0 || leave.length > 0)
    return { callee: fn, lock: pick(taken), unlock, enter, leave, when: null };
  // A lock held at exactly those exits that return zero, or at exactly those that do not, is a conditional one.
  const zero = runs.filter(exit => isZero(returnedAt(exit.node)));
  const other = runs.filter(exit => !isZero(returnedAt(exit.node)));
  for (const [when, on, off] of [
    ['zero', zero, other],
    ['nonzero', other, zero],
  ] as const) {
    const locks = everywhere(on).filter(lock => !includesSection(start, lock) && off.every(exit => !includesSection(exit.may, lock)));
    if (locks.length === 0 || off.length === 0) continue;
    // What comes with the lock, interrupts off for one, comes with that outcome too.
    const [held] = on;
    const along = (held?.context ?? []).filter(
      word => on.every(exit => exit.context.includes(word)) && !off.some(exit => exit.context.includes(word)),
    );
    return { callee: fn, lock: pick(locks), unlock: [], enter: along, leave: [], when };
  }
  return null;
}

function isZero(returned: string | undefined): boolean {
  return returned !== undefined && /^(?:0|NULL|false)$/.test(returned);
}

function namedAs(named: ReadonlyMap<Section, SummaryLock>, lock: Section): SummaryLock | undefined {
  const known = named.get(lock);
  if (known) return known;
  for (const [other, about] of named) if (sameSection(other, lock)) return about;
  return undefined;
}

/** For each lock of the function how the function names it. */
function locksNamed(
  fn: CFunction,
  inner: ReadonlyMap<Event, readonly (LockSummary | null)[]>,
  factOf: (api: string) => Fact | undefined,
): Map<Section, SummaryLock> {
  const named = new Map<Section, SummaryLock>();
  for (const event of fn.events) {
    const lock = factOf(event.api)?.lock;
    if (!lock || (event.kind !== 'lock' && event.kind !== 'unlock')) continue;
    if (event.cell === null && event.args.length > 0 && !lock.global) continue;
    const about = { family: lock.family, shared: lock.shared, cell: event.cell, args: event.args, api: event.api };
    named.set(lockOf(event, lock.family, lock.shared), about);
  }
  for (const [event, summaries] of inner) {
    for (const lock of summaries.flatMap(summary => [...(summary?.lock ?? []), ...(summary?.unlock ?? [])])) {
      // Only what keeps its name on the way up is followed further.
      const section = lockOf(lock, lock.family, lock.shared);
      if (event.argCells && !namedAs(named, section)) named.set(section, lock);
    }
  }
  return named;
}
