/** Which locks are held, and in which context, at each event: what holds on every path, and what on some path. */

import { called } from '../../c/calls/callees.ts';
import { type Decided, follow, forget } from '../../c/cfg/flow.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { holds, includesSection, likeLock, type Section, sameLock, sameSection, section } from '../../model/section.ts';
import { type Conditional, type Effect, effectOf, type LockSummary } from './lockeffects.ts';
import { annotated, byConvention } from './locknames.ts';

/** What is held at a node. */
export interface State {
  must: readonly Section[];
  /** Locks held on some path, with the decisions on that path; one of those that are the same section. */
  may: ReadonlyMap<Section, Decided>;
  /** How deep each context surely is. */
  context: ReadonlyMap<Section, number>;
  decided: Decided;
}

const NO_LOCKS: readonly Section[] = [];
const UNDECIDED: Decided = new Map();
/** Flow that needs more rounds than this to settle says nothing that is sure. */
const MOST_ROUNDS = 60;

/** What a caller of the function must know of its locks. */
export interface Filled {
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
  effects: readonly (Effect | null)[];
  /** Locks that the function gives back without having taken them. */
  entered: readonly Section[];
  states: readonly (Readonly<State> | null)[];
}

const flows = new WeakMap<CFunction, LockFlow>();

/** The locks of a function along its flow; null where it has nothing to do with any. */
export function lockFlowOf(fn: CFunction): LockFlow | null {
  return flows.get(fn) ?? null;
}

/** Fills `locks`, `maybeLocks` and `context` of every event; null where the function has nothing to do with any lock or context. */
export function fillLocksets(
  fn: CFunction,
  factOf: (api: string) => Fact | undefined,
  summaryOf: (event: Event) => LockSummary | null,
): Filled | null {
  const pairs = lockPairs(fn.events);
  let some = false;
  const effects = fn.events.map(event => {
    const effect = effectOf(event, factOf, summaryOf, pairs);
    if (effect) some = true;
    return effect;
  });
  alike(fn.events, effects, factOf);
  const held = [...annotated(fn), ...byConvention(fn)];
  if (!some && held.length === 0) return null;
  let states = settle(fn, effects, held);
  const entered = enteredWith(fn, effects, states);
  if (entered.length > 0) states = settle(fn, effects, [...held, ...entered.map(fromCaller)]);
  // Where nothing changes between two events, they share what is said of both.
  let shown: State | null = null;
  let [locks, maybeLocks, context]: [readonly Section[], readonly Section[], readonly Section[]] = [[], [], []];
  for (const event of fn.events) {
    const state = states[event.node];
    if (!state) continue;
    if (state !== shown) {
      locks = state.must;
      maybeLocks = [...state.may.keys()].filter(lock => !includesSection(state.must, lock));
      context = [...state.context.keys()];
      shown = state;
    }
    event.locks = locks;
    event.maybeLocks = maybeLocks;
    event.context = context;
  }
  flows.set(fn, { effects, entered, states });
  const exits = fn.flow.flatMap((node, i) => {
    const state = states[i];
    return node.kind === 'exit' && state ? [{ node, must: state.must, may: [...state.may.keys()], context: [...state.context.keys()] }] : [];
  });
  const left = new Set<Section>();
  const given = [...entered];
  const twice = takenTwice(fn.events, effects);
  for (const event of fn.events) {
    const state = states[event.node];
    for (const lock of effects[event.index]?.unlock ?? [])
      if (
        state &&
        fn.whole &&
        !event.ends &&
        !includesSection(twice, lock) &&
        !isOneOfMany(fn, event) &&
        ![...state.may.keys()].some(held => sameLock(held, lock) || likeLock(held, lock)) &&
        !includesSection(given, lock)
      )
        given.push(lock);
    for (const word of effects[event.index]?.leave ?? []) if (state && !state.context.has(word) && !event.ends) left.add(word);
  }
  return { exits, entered, given, left: [...left] };
}

/**
 * An unlock that is written like a lock of the same family gives back that one, also where a copy is no longer followed at one of the two, and
 * so does one of what a lock gave as its result, as pmd_lock() gives the lock that it takes; and a call out of view that is named for an unlock
 * and is given what the lock was.
 */
function alike(events: Event[], effects: (Effect | null)[], factOf: (api: string) => Fact | undefined): void {
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

function settle(fn: CFunction, effects: (Effect | null)[], held: readonly Section[]): (State | null)[] {
  const { flow } = fn;
  const states: (State | null)[] = flow.map(() => null);
  states[0] = { must: held, may: new Map(held.map(lock => [lock, UNDECIDED])), context: new Map(), decided: UNDECIDED };
  const changed = flow.map((_, i) => i === 0);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let any = false;
    for (let at = 0; at < flow.length; at++) {
      const node = flow[at];
      const state = states[at];
      if (!changed[at] || !node || !state) continue;
      changed[at] = false;
      for (let slot = 0; slot < node.next.length; slot++) {
        const to = node.next[slot] ?? 0;
        const after = through(state, node, slot, effects);
        if (!after) continue;
        const known = states[to];
        const merged = known ? merge(known, after) : after;
        if (merged === known) continue;
        states[to] = merged;
        changed[to] = true;
        any = true;
      }
    }
    if (!any && !revive(flow, states, changed, effects)) return states;
  }
  return states.map(state => state && { ...state, must: NO_LOCKS, context: new Map() });
}

/**
 * A condition that repeats an earlier one is taken to come out as it did. Where that leaves code that nothing reaches, it does not: nobody writes
 * code that can't run, so what is tested has changed. The first such way is opened, with the earlier outcome forgotten.
 */
function revive(flow: readonly FlowNode[], states: (State | null)[], changed: boolean[], effects: (Effect | null)[]): boolean {
  for (const [at, node] of flow.entries()) {
    const state = states[at];
    const settled = node.settles?.flat().map(([condition]) => condition);
    if (!state || node.kind !== 'branch' || !settled) continue;
    for (const [slot, to] of node.next.entries()) {
      if (states[to] || through(state, node, slot, effects)) continue;
      const decided = new Map([...state.decided].filter(([condition]) => !settled.includes(condition)));
      const after = through({ ...state, decided }, node, slot, effects);
      if (!after) continue;
      states[to] = after;
      changed[to] = true;
      return true;
    }
  }
  return false;
}

/** The state on one edge out of a node; null where the edge cannot be taken. */
export function through(state: Readonly<State>, node: FlowNode, slot: number, effects: readonly (Effect | null)[]): State | null {
  const after = changedBy(state, node, slot, effects);
  if (!after || !node.forgets?.[slot]) return after;
  return { ...after, decided: forget(after.decided, node, slot), may: new Map([...after.may].map(([lock, on]) => [lock, forget(on, node, slot)])) };
}

function changedBy(state: State, node: FlowNode, slot: number, effects: readonly (Effect | null)[]): State | null {
  if (node.kind === 'branch') return decide(state, node, slot, effects);
  if (node.kind === 'gap') return { must: NO_LOCKS, may: state.may, context: new Map(), decided: UNDECIDED };
  const effect = node.event === null ? null : effects[node.event];
  if (!effect) return state;
  let { must, may, context } = state;
  for (const unlock of effect.unlock) {
    // Where no name fits, the member and the family tell: the object may be reached another way, through a call or a copy.
    const fits = fitting([...may.keys()], unlock);
    must = must.filter(lock => !fits(lock, unlock));
    may = new Map([...may].filter(([lock]) => !fits(lock, unlock)));
  }
  for (const lock of effect.lock) {
    may = withMay(may, lock, state.decided);
    if (effect.when === null) must = withLock(must, lock);
  }
  if (effect.when === null) context = inContext(context, effect);
  else if (effect.leave.length > 0) context = inContext(context, { enter: [], leave: effect.leave });
  return { must, may, context, decided: state.decided };
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
function takenTwice(events: Event[], effects: (Effect | null)[]): Section[] {
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

/** By which likeness the unlock fits one of the locks: the name, the member, or that it is the only one of its family. */
function fitting(held: readonly Section[], unlock: Section): (a: Section, b: Section) => boolean {
  if (holds(held, unlock)) return sameLock;
  if (held.some(lock => likeLock(lock, unlock))) return likeLock;
  // An unlock that is given an object, not a lock of it, may have been given another than the lock was.
  if (unlock.object?.includes('.') && !unlock.object.endsWith('.*')) return sameLock;
  return held.filter(lock => lock.family === unlock.family).length === 1 ? (a, b) => a.family === b.family : sameLock;
}

function withLock(must: readonly Section[], lock: Section): readonly Section[] {
  return includesSection(must, lock) ? must : [...must.filter(known => !(isSaid(known) && sameLock(known, lock))), lock];
}

/** Is it known by an assertion or annotation alone? */
function isSaid({ by }: Section): boolean {
  return by === 'assertion' || by === 'annotation';
}

/** The key of the section in the map, which may be known there by another source. */
function keyIn(may: ReadonlyMap<Section, Decided>, lock: Section): Section {
  if (may.has(lock)) return lock;
  for (const known of may.keys()) if (sameSection(known, lock)) return known;
  return lock;
}

function withMay(may: ReadonlyMap<Section, Decided>, lock: Section, decided: Decided): ReadonlyMap<Section, Decided> {
  const key = keyIn(may, lock);
  if (key === lock) return new Map(may).set(lock, decided);
  // What is acquired here says more of it than an assertion, or the caller, did before.
  return new Map([...may].map(([known, on]) => (known === key ? [lock, decided] : [known, on])));
}

interface ContextChange {
  enter: readonly Section[];
  leave: readonly Section[];
}

function inContext(context: ReadonlyMap<Section, number>, { enter, leave }: ContextChange): ReadonlyMap<Section, number> {
  if (enter.length + leave.length === 0) return context;
  const after = new Map(context);
  for (const word of enter) after.set(word, Math.min(8, (after.get(word) ?? 0) + 1));
  for (const word of leave) {
    const depth = (after.get(word) ?? 0) - 1;
    // Interrupts are on or off; only sections nest.
    if (depth > 0 && word.family !== 'irqs-off') after.set(word, depth);
    else after.delete(word);
  }
  return after;
}

function decide(state: State, node: FlowNode, slot: number, effects: readonly (Effect | null)[]): State | null {
  let { must, may, context } = state;
  const decided = follow(state.decided, node, slot);
  if (!decided) return null;
  const settled = node.settles?.[slot] ?? [];
  if (settled.length > 0) {
    may = new Map([...may].filter(([, on]) => settled.every(([condition, holds]) => (on.get(condition) ?? holds) === holds)));
    for (const [lock, on] of may)
      if (settled.some(([condition]) => on.has(condition)) && [...on].every(([condition, was]) => decided.get(condition) === was))
        must = withLock(must, lock);
  }
  // `if (!spin_trylock(&l))`: held, and its context begun, on the way where the call got it.
  const [only] = node.decides ?? [];
  const effect = node.decides?.length === 1 && only !== undefined ? effects[only] : undefined;
  const got = effect?.when ? outcome(effect.when, node.tests, slot) : null;
  if (effect && got !== null) {
    for (const lock of effect.lock) {
      const known = keyIn(may, lock);
      if (!may.has(known)) continue; // It was given back in between.
      if (got) must = withLock(must, lock);
      else {
        must = must.filter(one => !sameSection(one, lock));
        may = new Map([...may].filter(([one]) => one !== known));
      }
    }
    if (got) context = inContext(context, { enter: effect.enter.filter(word => !context.has(word)), leave: [] });
  }
  return must === state.must && may === state.may && context === state.context && decided === state.decided ? state : { must, may, context, decided };
}

/** Whether a conditional lock is taken on the way out of a branch; null where the test does not tell. */
export function outcome(when: Conditional, tests: FlowNode['tests'], slot: number): boolean | null {
  const holds = slot === 0;
  switch (tests) {
    case 'nonzero':
      return when === 'nonzero' ? holds : !holds;
    case 'zero':
      return when === 'nonzero' ? !holds : holds;
    case 'negative':
      return when === 'zero' ? !holds : holds ? false : null;
    case 'positive':
      return when === 'nonzero' ? holds : holds ? false : null;
    default:
      return null;
  }
}

function merge(known: State, more: State): State {
  const both = (lock: Section) => includesSection(more.must, lock);
  const must = known.must === more.must || known.must.every(both) ? known.must : known.must.filter(both);
  let may: Map<Section, Decided> | null = null;
  for (const [one, on] of more.may) {
    const lock = keyIn(known.may, one);
    const before = known.may.get(lock);
    if (before === on) continue;
    const along = before === undefined ? apart(on, more.decided, known.decided) : common(before, on);
    if (along === before) continue;
    may ??= new Map(known.may);
    may.set(lock, along);
  }
  // A lock that one way surely does not hold is held on the other's decisions only.
  let context = known.context;
  for (const [word, depth] of known.context) {
    const other = more.context.get(word) ?? 0;
    if (other >= depth) continue;
    const less = new Map(context);
    if (other === 0) less.delete(word);
    else less.set(word, other);
    context = less;
  }
  const decided = common(known.decided, more.decided);
  if (must === known.must && may === null && context === known.context && decided === known.decided) return known;
  return { must, may: may ?? known.may, context, decided };
}

/** The decisions with which a lock is held where a path without it comes in: one that tells the two paths apart is among them, if there is one. */
function apart(on: Decided, held: Decided, without: Decided): Decided {
  const tells = ([condition, holds]: [number, boolean]) => without.has(condition) && without.get(condition) !== holds;
  if ([...on].some(tells)) return on;
  const first = [...held].find(tells);
  return first ? new Map(on).set(...first) : on;
}

function common(a: Decided, b: Decided): Decided {
  if (a === b) return a;
  let same = true;
  for (const [branch, holds] of a) if (b.get(branch) !== holds) same = false;
  return same ? a : new Map([...a].filter(([branch, holds]) => b.get(branch) === holds));
}

/**
 * Locks that the function gives back, on some path, before it takes them: unlock, work, lock again. Where something out of view ran before,
 * that may have taken them.
 */
function enteredWith(fn: CFunction, effects: (Effect | null)[], states: (State | null)[]): Section[] {
  const found: Section[] = [];
  if (!fn.whole) return found;
  const said = annotated(fn);
  let unknown = false;
  const twice = takenTwice(fn.events, effects);
  for (const event of fn.events) {
    if (event.opaque) unknown = true;
    if (event.ends) continue; // The end of a guard undoes its own beginning, or nothing.
    const state = states[event.node];
    for (const unlock of effects[event.index]?.unlock ?? []) {
      if (!state) continue;
      const callers = holds(said, unlock);
      if (includesSection(twice, unlock) || isOneOfMany(fn, event) || includesSection(effects[event.index]?.unsure ?? [], unlock)) continue;
      if ((callers || (!unknown && !holds([...state.may.keys()], unlock))) && !includesSection(found, unlock)) found.push(unlock);
    }
  }
  return found;
}

/** `foo_lock(x)` with `foo_unlock(x)` in one function is a lock, whatever foo is. */
function lockPairs(events: Event[]): Set<string> {
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
