/** Which locks are held, and in which context, at each event: what holds on every path, and what on some path. */

import { called } from '../../c/calls/callees.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { holds, includesSection, likeLock, type Section, sameLock, sameSection, section } from '../../model/section.ts';
import { effectOf, type LockSummary, type SectionEffect } from './lockeffects.ts';
import { annotated, byConvention } from './locknames.ts';
import { type SectionStates, type State, solveSections } from './protocol.ts';

/** What is held at an event, as an event has it. */
export type HeldSections = Pick<Event, 'locks' | 'maybeLocks' | 'context' | 'maybeContext'>;

/** What is held in a function, and what its callers must know of that. */
export interface Locksets {
  /** For each event what is held there; null where no path leads there. */
  held: readonly (HeldSections | null)[];
  /** The state at each exit. */
  exits: { node: FlowNode; must: readonly Section[]; may: readonly Section[]; context: readonly Section[] }[];
  /** Locks that the function gives back without having taken them: its caller holds them. */
  entered: readonly Section[];
  /** Locks that it may have been the caller's to give back, where what ran before is out of view. */
  given: readonly Section[];
  /** Contexts that it ends without having begun them; it may begin them again. */
  left: readonly Section[];
}

/** What each event of a function does to locks, and what is held at each node of its flow. */
export interface LockFlow {
  effects: readonly (SectionEffect | null)[];
  /** Locks that the function gives back without having taken them. */
  entered: readonly Section[];
  /** What is held along the flow. */
  states: SectionStates;
}

const NONE: readonly Section[] = [];

const flows = new WeakMap<CFunction['flow'], LockFlow>();

/** The locks of a function along its flow; null where it has nothing to do with any. */
export function lockFlowOf({ flow }: Pick<CFunction, 'flow'>): LockFlow | null {
  return flows.get(flow) ?? null;
}

/** What is held at every event; null where the function has nothing to do with any lock or context. */
export function locksetsOf(
  fn: CFunction,
  factOf: (api: string) => Fact | undefined,
  summariesOf: (event: Event) => readonly (LockSummary | null)[],
): Locksets | null {
  const pairs = lockPairs(fn.events);
  let some = false;
  const effects = fn.events.map(event => {
    const effect = effectOf(event, factOf, summariesOf, pairs);
    if (effect) some = true;
    return effect;
  });
  alike(fn.events, effects, factOf);
  const held = [...annotated(fn), ...byConvention(fn)];
  if (!some && held.length === 0) return null;
  let states = solveSections(fn, effects, held);
  const entered = enteredWith(fn, effects, states);
  if (entered.length > 0) states = solveSections(fn, effects, [...held, ...entered.map(fromCaller)]);
  // Where nothing changes between two events, they share what is said of both.
  let [shown, here]: [State | null, HeldSections | null] = [null, null];
  const heldAt = fn.events.map(event => {
    const state = states.at(event.node);
    if (state && state !== shown) [shown, here] = [state, heldIn(state)];
    return state && here;
  });
  flows.set(fn.flow, { effects, entered, states });
  const exits = fn.flow.flatMap((node, i) => {
    const state = states.at(i);
    return node.kind === 'exit' && state ? [{ node, must: state.must, may: state.may, context: state.context }] : [];
  });
  const left = new Set<Section>();
  const given = [...entered];
  const twice = takenTwice(fn.events, effects);
  for (const event of fn.events) {
    const state = states.at(event.node);
    for (const lock of effects[event.index]?.unlock ?? [])
      if (
        state &&
        fn.whole &&
        !event.ends &&
        !includesSection(twice, lock) &&
        !isOneOfMany(fn, event) &&
        !state.may.some(held => sameLock(held, lock) || likeLock(held, lock)) &&
        !includesSection(given, lock)
      )
        given.push(lock);
    for (const word of effects[event.index]?.leave ?? []) if (state && !state.context.includes(word) && !event.ends) left.add(word);
  }
  return { held: heldAt, exits, entered, given, left: [...left] };
}

function heldIn({ must, may, context, mayContext }: State): HeldSections {
  return {
    locks: must,
    maybeLocks: may === must ? NONE : may.filter(lock => !includesSection(must, lock)),
    context,
    maybeContext: mayContext.length === context.length ? NONE : mayContext.filter(c => !context.includes(c)),
  };
}

/**
 * An unlock that is written like a lock of the same family gives back that one, also where a copy is no longer followed at one of the two, and
 * so does one of what a lock gave as its result, as pmd_lock() gives the lock that it takes; and a call out of view that is named for an unlock
 * and is given what the lock was.
 */
function alike(events: readonly Event[], effects: (SectionEffect | null)[], factOf: (api: string) => Fact | undefined): void {
  const names = new Map<string, Set<Section>>();
  const written = (event: Event, { family }: Section) => `${family} ${(event.args[factOf(event.api)?.cell ?? 0] ?? '').replace(/^&/, '')}`;
  for (const [i, effect] of effects.entries()) {
    const event = events[i];
    if (!effect || event?.kind !== 'lock') continue;
    for (const lock of effect.lock) {
      const key = written(event, lock);
      const known = names.get(key);
      if (known) known.add(lock);
      else names.set(key, new Set([lock]));
    }
  }
  for (const [i, effect] of effects.entries()) {
    const event = events[i];
    if (event?.opaque && !effect && /unlock/.test(event.api)) {
      const given = event.args.flatMap(arg => [...names].flatMap(([key, of]) => (key.endsWith(` ${arg.replace(/^&/, '')}`) ? [...of] : [])));
      if (given.length > 0) effects[i] = { lock: [], unlock: given, enter: [], leave: [], when: null };
    }
    if (!effect || event?.kind !== 'unlock') continue;
    const result = [...effects.entries()].flatMap(([j, taken]) => (taken && isResultOf(event, events[j], events[j + 1]) ? taken.lock : []));
    if (result.length > 0) {
      effects[i] = { ...effect, unlock: [...new Set(result)] };
      continue;
    }
    const more = effect.unlock.flatMap(lock => [...(names.get(written(event, lock)) ?? [])].filter(name => !sameLock(name, lock)));
    if (more.length > 0) effects[i] = { ...effect, unlock: [...effect.unlock, ...more] };
  }
}

/** Is the unlock given what the lock gave: the variable that it was put into, or the member that the next event stores it to? */
function isResultOf(unlock: Event, lock: Event | undefined, next: Event | undefined): boolean {
  if (lock?.kind !== 'lock' || lock.args.length === 0) return false;
  if (lock.into !== null) return unlock.args[0] === lock.into;
  if (next?.kind !== 'write' || !next.cell || !unlock.cell || !next.operand?.startsWith(`${called(lock)}(`)) return false;
  return next.cell.path === unlock.cell.path && next.cell.base === unlock.cell.base;
}

/** A lock that the function releases first has been acquired by its caller. */
function fromCaller({ family, object, mode, name }: Section): Section {
  return section(family, object, mode, 'caller', name);
}

/** The lock is that of an object which is another one in each round of a loop, so not the one that a caller has locked. */
function isOneOfMany(fn: CFunction, event: Event): boolean {
  const root = /^\w+/.exec(event.cell?.base ?? '')?.[0];
  const set = fn.settings?.filter(s => s.name === root) ?? [];
  if (set.length === 0) return false;
  const around = fn.shape.loops.filter(l => l.line <= event.line && l.endLine >= event.line);
  const inside = (line: number) => around.some(l => l.line <= line && l.endLine >= line);
  return around.length > 0 && set.every(s => s.ends.length > 0 && s.ends.every(end => inside(fn.flow[end.node]?.line ?? 0)));
}

/** Names that stand for locks of two objects at once: what one unlock of such a name leaves is not known. */
function takenTwice(events: readonly Event[], effects: (SectionEffect | null)[]): Section[] {
  const seen: { lock: Section; written: string }[] = [];
  const found: Section[] = [];
  for (const [i, effect] of effects.entries()) {
    const written = events[i]?.args[0] ?? '';
    for (const lock of effect?.lock ?? []) {
      const before = seen.find(s => sameSection(s.lock, lock));
      if (before === undefined) seen.push({ lock, written });
      else if (before.written !== written) found.push(lock);
    }
  }
  return found;
}

/**
 * Locks that the function gives back, on some path, before it takes them: unlock, work, lock again. Where something out of view ran before,
 * that may have taken them.
 */
function enteredWith(fn: CFunction, effects: (SectionEffect | null)[], states: SectionStates): Section[] {
  const found: Section[] = [];
  if (!fn.whole) return found;
  const said = annotated(fn);
  let unknown = false;
  const twice = takenTwice(fn.events, effects);
  for (const event of fn.events) {
    if (event.opaque) unknown = true;
    if (event.ends) continue; // The end of a guard undoes its own beginning, or nothing.
    const state = states.at(event.node);
    for (const unlock of effects[event.index]?.unlock ?? []) {
      if (!state) continue;
      const callers = holds(said, unlock);
      if (includesSection(twice, unlock) || isOneOfMany(fn, event) || includesSection(effects[event.index]?.unsure ?? [], unlock)) continue;
      if ((callers || (!unknown && !holds(state.may, unlock))) && !includesSection(found, unlock)) found.push(unlock);
    }
  }
  return found;
}

/** `foo_lock(x)` with `foo_unlock(x)` in one function is a lock, whatever foo is. */
function lockPairs(events: readonly Event[]): Set<string> {
  const seen = new Map<string, number>();
  for (const event of events) {
    if (!event.opaque || !event.api.endsWith('lock')) continue;
    const word = /^(\w+?)_(un)?lock$/.exec(event.api);
    if (!word) continue;
    const key = `${word[1]}(${event.args[0] ?? ''})`;
    seen.set(key, (seen.get(key) ?? 0) | (word[2] ? 2 : 1));
  }
  return new Set([...seen].filter(([, both]) => both === 3).map(([key]) => key));
}
