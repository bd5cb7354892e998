/** What an event takes and gives back, of locks and of contexts, and what a function may give back that its caller holds. */

import { calleeOf, calleesOf } from '../../c/calls/callees.ts';
import { walk } from '../../c/cfg/order.ts';
import { effectsOfKind } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';
import { holds, isContext, lastMember, objectType, type Section, sameLock } from '../../model/section.ts';
import { lockOf } from './locknames.ts';
import { type LockFlow, lockFlowOf } from './locksets.ts';

/** What an event takes or begins. A guard counts as any other lock. */
export interface LockTaking {
  /** A lock, or a context that a call begins without one. */
  lock: Section;
  /** Taken on one outcome of the call only. */
  conditional: boolean;
  /** The call switches interrupts off besides. */
  irqsOff: boolean;
}

/** Locks whose writers change the system, not data: who holds one for reading is excluded from nobody else who does. */
const OF_THE_SYSTEM: ReadonlySet<string | null> = new Set(['cpu-hotplug', 'sb-freeze']);

/**
 * Those of the locks that can keep another CPU from the data. A read side of CPU hotplug or of freezing keeps no task from anything
 * (Documentation/core-api/cpu_hotplug.rst; include/linux/fs/super.h, sb_start_write()).
 */
export function serialisers(locks: readonly Section[]): readonly Section[] {
  const isOfSystem = (lock: Section) => lock.mode === 'shared' && OF_THE_SYSTEM.has(lock.family);
  return locks.some(isOfSystem) ? locks.filter(lock => !isOfSystem(lock)) : locks;
}

/** Is a lock held at the event, on some path at least, that can keep another CPU from the data? */
export function maySerialise(event: Event): boolean {
  return serialisers(event.locks).length + serialisers(event.maybeLocks).length > 0;
}

/** Does the call hold a lock of its object for as long as it works on it, as xa_store() does? */
export function hasOwnLock(event: Event): boolean {
  return event.fact?.ownLock ?? false;
}

/** What the event takes: locks, and contexts that it begins without one. */
export function takings(fn: CFunction, event: Event): LockTaking[] {
  const effect = lockFlowOf(fn)?.effects[event.index];
  if (!effect || effect.lock.some(lock => lock.by === 'assertion')) return [];
  const conditional = effect.when !== null || effect.tried === true;
  const irqsOff = effect.enter.some(c => c.family === 'irqs-off');
  const taken = effect.lock.length > 0 || effect.unlock.length > 0 ? effect.lock : effect.enter;
  return taken.map(lock => ({ lock, conditional, irqsOff }));
}

/** Does the event give the lock back, or end the context? */
export function releasesSection(fn: CFunction, event: Event, lock: Section): boolean {
  const effect = lockFlowOf(fn)?.effects[event.index];
  if (!effect) return false;
  return holds(isContext(lock) ? effect.leave : effect.unlock, lock);
}

/** Does the event take the lock, or begin the context? */
export function begins(fn: CFunction, event: Event, lock: Section): boolean {
  const effect = lockFlowOf(fn)?.effects[event.index];
  return effect ? holds(isContext(lock) ? effect.enter : effect.lock, lock) : false;
}

/** Locks that the function gives back before it takes them, or that it says its caller holds. */
export function enteredUnder(fn: CFunction): Section[] {
  return [...fn.entryLocks, ...(lockFlowOf(fn)?.entered ?? [])];
}

const dropped = new WeakMap<CFunction, Section[]>();

/**
 * Locks and contexts that a run of the function may end without having begun them, itself or in a function in view that it calls: a caller that
 * holds one can't be sure of it afterwards.
 */
export function dropsOf(fn: CFunction, functions: readonly CFunction[], depth = 0): readonly Section[] {
  const known = dropped.get(fn);
  if (known) return known;
  const found: Section[] = [];
  dropped.set(fn, found);
  for (const event of fn.events) for (const section of dropsAt(fn, event, functions, depth)) if (!holds(found, section)) found.push(section);
  return found;
}

/** Call chains are followed so far down. */
const DEEPEST = 8;

/** What of that the event may end. */
export function dropsAt(fn: CFunction, event: Event, functions: readonly CFunction[], depth = 0): readonly Section[] {
  const found: Section[] = [];
  const flow = lockFlowOf(fn);
  for (const callee of event.kind === 'call' && depth < DEEPEST ? calleesOf(fn, event, functions) : [])
    if (callee !== fn) found.push(...dropsOf(callee, functions, depth + 1).filter(lock => !heldHere(flow, event, lock)));
  if (depth < DEEPEST) for (const named of namedIn(fn, event, functions)) found.push(...dropsOf(named, functions, depth + 1));
  const effect = flow?.effects[event.index];
  if (!effect || event.ends) return found;
  found.push(...effect.unlock.filter(lock => holds(fn.entryLocks, lock) || !heldHere(flow, event, lock) || givenFirst(fn, lock)));
  found.push(...effect.leave.filter(context => !flow?.states.at(event.node)?.context.includes(context)));
  return found;
}

/** Functions in view that a call is given to run. */
function namedIn(fn: CFunction, event: Event, functions: readonly CFunction[]): CFunction[] {
  if (event.args.length < 2) return [];
  return event.args.flatMap(arg => {
    const found = /^[A-Za-z_]\w*$/.test(arg) ? calleeOf(fn, { ...event, kind: 'call', opaque: false, api: arg }, functions) : null;
    return found && found !== fn ? [found] : [];
  });
}

function heldHere(flow: LockFlow | null, event: Event, lock: Section): boolean {
  const state = flow?.states.at(event.node);
  return state ? holds(state.may, lock) : false;
}

/** May the call, by what its name alone lets expect, acquire a lock? */
export function seemsToAcquire({ inferred }: Event): boolean {
  return effectsOfKind({ fact: inferred }, 'open').length > 0;
}

/** May the call, by what its name alone lets expect, release the lock or end the context? */
function seemsToRelease({ inferred }: Event, lock: Section): boolean {
  return effectsOfKind({ fact: inferred }, 'close').some(({ section }) =>
    isContext(lock) ? section === lock.family : section === 'lock' || section === lock.family,
  );
}

/**
 * May the event give back what `from` took: by its code where that is in view, by its name where not; an indirect call that is given the object,
 * or the saved interrupt flags, may do so too.
 */
export function mayGive(fn: CFunction, event: Event, lock: Section, from: Event, functions: readonly CFunction[]): boolean {
  if (event.kind === 'expanded') return false;
  const root = /\w+/.exec(from.args[0] ?? '')?.[0] ?? '';
  if (event.kind === 'unlock') return lastMember(lockOf(event, null)) === lastMember(lock) || (event.args.length > 1 && event.args.includes(root));
  // A call that is given what the lock gave is given the lock.
  if (event.kind === 'call' && from.into !== null && event.args.includes(from.into)) return true;
  if (event.kind === 'call' && event.args.some(arg => arg === from.args[1] || (/^\w*flags$/.test(arg) && event.args.includes(root)))) return true;
  const written = from.args[from.fact?.cell ?? 0] ?? '';
  if (event.kind === 'call' && event.opaque && written.startsWith('&') && event.args.some(arg => arg === written || arg === written.slice(1)))
    return true;
  for (const named of namedIn(fn, event, functions)) if (givesInside(named, lock, functions)) return true;
  if (event.kind !== 'call') return false;
  if (event.opaque) {
    if (seemsToRelease(event, lock)) return true;
    return lock.family !== 'rcu-read' && /[.>[]/.test(event.api) && event.args.some(arg => arg === root);
  }
  const callee = calleeOf(fn, event, functions);
  return callee !== null && (!callee.whole || callee.attributes.some(a => a.startsWith('__releases')) || givesInside(callee, lock, functions));
}

function givesInside(callee: CFunction, lock: Section, functions: readonly CFunction[]): boolean {
  return dropsOf(callee, functions).some(d => (isContext(lock) || isContext(d) ? sameLock(d, lock) : lastMember(d) === lastMember(lock)));
}

/** Does some way through the function give the lock back before it takes it? */
export function givenFirst(fn: CFunction, lock: Section): boolean {
  let found = false;
  walk(fn.flow, [0], (_, node) => {
    const event = node.event === null ? undefined : fn.events[node.event];
    if (event && !event.ends && releasesSection(fn, event, lock)) found = true;
    return !found && !(event && takings(fn, event).some(t => sameLock(t.lock, lock)));
  });
  return found;
}

/** A lock's name as a person writes it: `foo->lock`, or the name of a global. */
export function lockText(lock: Section, event?: Event): string {
  const name = lock.object ?? lock.name ?? '';
  if (isContext(lock)) return lock.family ?? '';
  const arg = event?.args.find((_, i) => i === (event.fact?.cell ?? 0));
  if (arg !== undefined && event && (event.kind === 'lock' || event.kind === 'unlock') && /^&?[\w.>[\]()-]+$/.test(arg) && arg !== '')
    return arg.replace(/^&/, '');
  if (name === lock.family) return `the ${name} lock`;
  return name.replace(/^(?:struct|union) (\w+)\./, '$1.');
}

/** A lock's name is the same lock in every function only where the type that holds it is known, or it is a global. */
export function isIdentity(lock: Section, event: Event): boolean {
  if (objectType(lock) !== null) return true;
  return event.cell !== null && event.cell.base === null && /^\w+$/.test(event.cell.path);
}
