/** Locksets of all functions in view, callees before their callers, so that a helper that takes a lock is seen to. */

import { calleeOf } from '../../c/calls/callees.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import type { LockSummary, SummaryLock } from './lockeffects.ts';
import { entryLocks, lockName, sameLock } from './locknames.ts';
import { type Filled, fillLocksets } from './locksets.ts';

/** Call chains longer than this are cut: what lies deeper has no effect on the locks of the caller. */
const DEEPEST = 200;

/** Fills the locksets of every function. */
export function fillAll(functions: readonly CFunction[], factOf: (api: string) => Fact | undefined): void {
  const done = new Map<CFunction, LockSummary | null>();
  const visit = (fn: CFunction, depth: number): LockSummary | null => {
    const known = done.get(fn);
    if (known !== undefined) return known;
    done.set(fn, null); // A function that calls itself is met here, without effect.
    const summaries = new Map<Event, LockSummary | null>();
    for (const event of fn.events) {
      const callee = depth < DEEPEST && event.kind === 'call' ? calleeOf(fn, event, functions) : null;
      if (callee && callee !== fn) summaries.set(event, visit(callee, depth + 1));
    }
    const of = (event: Event) => summaries.get(event) ?? null;
    const filled = fillLocksets(fn, factOf, of);
    const summary = filled && fn.whole ? summaryOf(fn, filled, summaries, factOf) : null;
    done.set(fn, summary);
    return summary;
  };
  for (const fn of functions) fn.entryLocks = entryLocks(fn);
  for (const fn of functions) visit(fn, 0);
}

function summaryOf(
  fn: CFunction,
  filled: Filled,
  inner: Map<Event, LockSummary | null>,
  factOf: (api: string) => Fact | undefined,
): LockSummary | null {
  const named = locksNamed(fn, inner, factOf);
  const { exits, entered, given, left } = filled;
  const runs = exits.filter(exit => exit.node.kind === 'exit');
  if (runs.length === 0) return null;
  const pick = (names: string[]): SummaryLock[] => names.flatMap(name => named.get(name) ?? []);
  const everywhere = (names: (exit: (typeof runs)[number]) => readonly string[], of: typeof runs) => {
    const [first, ...rest] = of;
    return first ? names(first).filter(lock => rest.every(exit => names(exit).includes(lock))) : [];
  };
  const start = new Set([...entered, ...given]);
  // What the function only says of its caller is no lock that it takes.
  const taken = everywhere(exit => exit.must, runs).filter(lock => !start.has(lock) && !/^(?:asserted|named):/.test(lock));
  // What the caller could not name it could not see given back either.
  if (taken.some(lock => !named.has(lock))) return null;
  const unlock = given
    .filter(lock => runs.every(exit => !exit.may.some(held => sameLock(held, lock))))
    .flatMap(lock => pick([lock]).map(known => (entered.includes(lock) ? known : { ...known, unsure: true as const })));
  const [firstExit] = runs;
  const kept = [...(firstExit?.context.keys() ?? [])].filter(word => runs.every(exit => exit.context.has(word)));
  // What is ended and begun again on every path is the caller's as it was.
  const enter = kept.filter(word => !left.includes(word));
  const leave = left.filter(word => !kept.includes(word));
  if (taken.length > 0 || unlock.length > 0 || enter.length > 0 || leave.length > 0)
    return { callee: fn, lock: pick(taken), unlock, enter, leave, when: null };
  // A lock held at exactly those exits that return zero, or at exactly those that do not, is a conditional one.
  const zero = runs.filter(exit => isZero(exit.node.returned));
  const other = runs.filter(exit => !isZero(exit.node.returned));
  for (const [when, on, off] of [
    ['zero', zero, other],
    ['nonzero', other, zero],
  ] as const) {
    const locks = everywhere(exit => exit.must, on).filter(lock => !start.has(lock) && off.every(exit => !exit.may.includes(lock)));
    if (locks.length === 0 || off.length === 0) continue;
    // What comes with the lock, interrupts off for one, comes with that outcome too.
    const [held] = on;
    const along = [...(held?.context.keys() ?? [])].filter(
      word => on.every(exit => exit.context.has(word)) && !off.some(exit => exit.context.has(word)),
    );
    return { callee: fn, lock: pick(locks), unlock: [], enter: along, leave: [], when };
  }
  return null;
}

function isZero(returned: string | undefined): boolean {
  return returned !== undefined && /^(?:0|NULL|false)$/.test(returned);
}

/** For each name of a lock of the function what it stands for. */
function locksNamed(fn: CFunction, inner: Map<Event, LockSummary | null>, factOf: (api: string) => Fact | undefined): Map<string, SummaryLock> {
  const named = new Map<string, SummaryLock>();
  for (const event of fn.events) {
    const lock = factOf(event.api)?.lock;
    if (!lock || (event.kind !== 'lock' && event.kind !== 'unlock')) continue;
    if (event.cell === null && event.args.length > 0 && !lock.global) continue;
    const name = lockName(event, lock.family);
    const about = { family: lock.family, shared: lock.shared, cell: event.cell, args: event.args, api: event.api };
    named.set(lock.shared && event.kind === 'lock' ? `${name} (shared)` : name, about);
  }
  for (const [event, summary] of inner) {
    for (const lock of [...(summary?.lock ?? []), ...(summary?.unlock ?? [])]) {
      const name = lockName({ api: lock.api, cell: lock.cell, args: lock.args }, lock.family);
      // Only what keeps its name on the way up is followed further.
      if (event.argCells && !named.has(name)) named.set(lock.shared ? `${name} (shared)` : name, lock);
    }
  }
  return named;
}
