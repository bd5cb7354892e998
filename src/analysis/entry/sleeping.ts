/** What may sleep, and where nothing may; what a call in view does on every run. */

import { calleeOf, calleesOf } from '../../c/calls/callees.ts';
import { inCaller } from '../../c/calls/effects.ts';
import { alwaysRuns } from '../../c/cfg/flow.ts';
import { argumentAt, effectOfKind } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';
import { type ContextFamily, holds, isContext, isIn, type Section } from '../../model/section.ts';
import { dropsOf, takings } from '../sections/locking.ts';
import { lockFlowOf } from '../sections/locksets.ts';

/** Locks whose holders may not sleep. A lock of unknown family is none of them. */
const SPINNING: ReadonlySet<string | null> = new Set(['spin', 'raw-spin', 'rwlock', 'bit-spin', 'seqlock']);

/** Contexts in which nothing may sleep. */
const ATOMIC = ['irqs-off', 'preempt-off', 'bh-off', 'rcu-read'] as const satisfies readonly ContextFamily[];

/** Call chains are followed so far. */
const DEEPEST = 3;

/** What surely keeps an event from sleeping: a spinning lock, or a context; null where nothing in the function does. */
export function atomicAt(event: Event): { lock: Section | null; word: string } | null {
  const lock = event.locks.find(spins) ?? null;
  const word = ATOMIC.find(w => isIn(event, w)) ?? null;
  return lock !== null ? { lock, word: 'a spinning lock' } : word !== null ? { lock: null, word } : null;
}

/** Is it a lock that spins? */
export function spins(lock: Section): boolean {
  return SPINNING.has(lock.family);
}

/** Flags with __GFP_DIRECT_RECLAIM, with which an allocation may sleep (include/linux/gfp_types.h). */
const SLEEPING_GFP = /\bGFP_(?:KERNEL|USER|NOFS|NOIO|HIGHUSER|HIGHUSER_MOVABLE|KERNEL_ACCOUNT)\b/;

/** The GFP flags that decide whether the call sleeps, as written; null where none do. */
export function gfpOf(event: Event): string | null {
  return argumentAt(event, effectOfKind(event, 'sleep')?.gfp ?? null);
}

/** Does the call surely come to a point where it may sleep: by what is known of it, or by the GFP flags written in it? */
export function maySleep(event: Event): boolean {
  if (event.ends || event.kind === 'unlock') return false;
  if (event.fact?.sleeps === 'yes') return true;
  const flags = gfpOf(event);
  return flags !== null && SLEEPING_GFP.test(flags) && !/\?|~|GFP_ATOMIC|GFP_NOWAIT/.test(flags);
}

const sleepers = new WeakMap<CFunction, Event | null>();

/** The event at which every run of the function may sleep, in itself or in a function in view that it calls; null where there is none. */
export function sureSleep(fn: CFunction, functions: readonly CFunction[], depth = 0): Event | null {
  const known = sleepers.get(fn);
  if (known !== undefined) return known;
  sleepers.set(fn, null);
  if (!fn.whole || depth > DEEPEST) return null;
  for (const event of fn.events) {
    let sleeps = maySleep(event);
    if (!sleeps && event.kind === 'call' && event.argCells) {
      const callees = calleesOf(fn, event, functions);
      sleeps = callees.length > 0 && callees.every(callee => callee !== fn && sureSleep(callee, functions, depth + 1) !== null);
    }
    // What it drops first, its callers do not hold while it sleeps.
    if (!sleeps || !alwaysRuns(fn, event)) continue;
    if (dropsOf(fn, functions).length > 0) return null;
    sleepers.set(fn, event);
    return event;
  }
  return null;
}

/** A lock that a function in view takes on every run, in the words of its caller. */
export interface SureLock {
  lock: Section;
  /** The object that holds it, as the caller writes it; null where that is not known or the lock is a global. */
  base: string | null;
  event: Event;
  fn: CFunction;
}

/** Locks that a call of a function in view surely takes, whether it gives them back or not. */
export function surelyTakes(fn: CFunction, call: Event, functions: readonly CFunction[], depth = 0): SureLock[] {
  const callee = call.kind === 'call' ? calleeOf(fn, call, functions) : null;
  if (!callee?.whole || callee === fn || callee.isMacro || depth > DEEPEST || !lockFlowOf(callee)) return [];
  const found: SureLock[] = [];
  for (const event of callee.events) {
    const taken = takings(callee, event).filter(t => !t.conditional && t.lock.mode === 'exclusive' && !isContext(t.lock));
    if (event.kind === 'call') {
      if (!event.argCells) continue;
      const inner = surelyTakes(callee, event, functions, depth + 1);
      if (inner.length > 0 && alwaysRuns(callee, event))
        for (const lock of inner) found.push({ ...lock, base: lock.base === null ? null : inCallersWords(lock.base, callee, call) });
      continue;
    }
    if (taken.length === 0 || event.locks.length > 0 || !alwaysRuns(callee, event) || !event.cell) continue;
    const root = /^\w+/.exec(event.cell.base ?? '')?.[0];
    // An object that the callee looks up for itself is not the caller's by a name alike.
    if (event.cell.base !== null && !callee.parameters.some(p => p.name === root)) continue;
    const cell = inCaller(event.cell, callee, call);
    for (const { lock } of taken) found.push({ lock, base: cell?.base ?? null, event, fn: callee });
  }
  const drops = dropsOf(callee, functions);
  return found.filter(l => !holds(drops, l.lock));
}

function inCallersWords(base: string, callee: CFunction, call: Event): string | null {
  const root = /^\w+/.exec(base)?.[0] ?? '';
  const position = callee.parameters.findIndex(p => p.name === root);
  const argument = position < 0 ? undefined : call.args[position];
  return argument !== undefined && /^\w[\w.>-]*$/.test(argument) ? `${argument}${base.slice(root.length)}` : null;
}
