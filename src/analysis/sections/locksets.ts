/** Which locks are held, and in which context, at each event: what holds on every path, and what on some path. */

import { type Decided, follow, forget } from '../../c/cfg/flow.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { type Conditional, type Effect, effectOf, type LockSummary } from './lockeffects.ts';
import { annotated, likeLock, sameLock } from './locknames.ts';

export { entryLocks, lockName, sameLock } from './locknames.ts';

/** What is held at a node. */
export interface State {
  must: readonly string[];
  /** Locks held on some path, with the decisions on that path. */
  may: ReadonlyMap<string, Decided>;
  /** How deep each context surely is. */
  context: ReadonlyMap<string, number>;
  decided: Decided;
}

const NO_LOCKS: readonly string[] = [];
const UNDECIDED: Decided = new Map();
/** Flow that needs more rounds than this to settle says nothing that is sure. */
const MOST_ROUNDS = 60;

/** What a caller of the function must know of its locks. */
export interface Filled {
  /** The state at each exit. */
  exits: { node: FlowNode; must: readonly string[]; may: string[]; context: ReadonlyMap<string, number> }[];
  /** Locks that the function gives back without having taken them: its caller holds them. */
  entered: string[];
  /** Locks that it may have been the caller's to give back, where what ran before is out of view. */
  given: string[];
  /** Contexts that it ends without having begun them; it may begin them again. */
  left: string[];
}

/** What each event of a function does to locks, and what is held at each node of its flow. */
export interface LockFlow {
  effects: readonly (Effect | null)[];
  /** Locks that the function gives back without having taken them. */
  entered: readonly string[];
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
  const held = [...annotated(fn), ...(/_locked$/.test(fn.name) ? [`named:${fn.name}`] : [])];
  if (!some && held.length === 0) return null;
  let states = settle(fn, effects, held);
  const entered = enteredWith(fn, effects, states);
  if (entered.length > 0) states = settle(fn, effects, [...held, ...entered]);
  // Where nothing changes between two events, they share what is said of both.
  let shown: State | null = null;
  let [locks, maybeLocks]: [string[], string[]] = [[], []];
  for (const event of fn.events) {
    const state = states[event.node];
    if (!state) continue;
    if (state !== shown) {
      locks = [...state.must];
      maybeLocks = [...state.may.keys()].filter(lock => !state.must.includes(lock));
      shown = state;
    }
    event.locks = locks;
    event.maybeLocks = maybeLocks;
    if (state.context.size > 0) event.context = [...event.context, ...state.context.keys()];
  }
  flows.set(fn, { effects, entered, states });
  const exits = fn.flow.flatMap((node, i) => {
    const state = states[i];
    return node.kind === 'exit' && state ? [{ node, must: state.must, may: [...state.may.keys()], context: state.context }] : [];
  });
  const left = new Set<string>();
  const given = new Set(entered);
  const twice = takenTwice(fn.events, effects);
  for (const event of fn.events) {
    const state = states[event.node];
    for (const lock of effects[event.index]?.unlock ?? [])
      if (
        state &&
        fn.whole &&
        !event.ends &&
        !twice.has(lock) &&
        !isOneOfMany(fn, event) &&
        ![...state.may.keys()].some(held => sameLock(held, lock) || likeLock(held, lock))
      )
        given.add(lock);
    for (const word of effects[event.index]?.leave ?? []) if (state && !state.context.has(word) && !event.ends) left.add(word);
  }
  return { exits, entered, given: [...given], left: [...left] };
}

/**
 * An unlock that is written like a lock of the same family gives back that one, also where a copy is no longer followed at one of the two, and
 * so does one of what a lock gave as its result, as pmd_lock() gives the lock that it takes; and a call out of view that is named for an unlock
 * and is given what the lock was.
 */
function alike(events: Event[], effects: (Effect | null)[], factOf: (api: string) => Fact | undefined): void {
  const names = new Map<string, Set<string>>();
  const written = (event: Event, lock: string) =>
    `${lock.slice(0, lock.indexOf(':'))} ${(event.args[factOf(event.api)?.cell ?? 0] ?? '').replace(/^&/, '')}`;
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
  if (next?.kind !== 'write' || !next.cell || !unlock.cell || !next.operand?.startsWith(`${lock.api}(`)) return false;
  return next.cell.path === unlock.cell.path && next.cell.base === unlock.cell.base;
}

function settle(fn: CFunction, effects: (Effect | null)[], held: string[]): (State | null)[] {
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
function through(state: State, node: FlowNode, slot: number, effects: (Effect | null)[]): State | null {
  const after = changedBy(state, node, slot, effects);
  if (!after || !node.forgets?.[slot]) return after;
  return { ...after, decided: forget(after.decided, node, slot), may: new Map([...after.may].map(([lock, on]) => [lock, forget(on, node, slot)])) };
}

function changedBy(state: State, node: FlowNode, slot: number, effects: (Effect | null)[]): State | null {
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
    may = new Map(may).set(lock, state.decided);
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
function takenTwice(events: Event[], effects: (Effect | null)[]): Set<string> {
  const seen = new Map<string, string>();
  const found = new Set<string>();
  for (const [i, effect] of effects.entries()) {
    const written = events[i]?.args[0] ?? '';
    for (const lock of effect?.lock ?? []) {
      const before = seen.get(lock);
      if (before === undefined) seen.set(lock, written);
      else if (before !== written) found.add(lock);
    }
  }
  return found;
}

/** By which likeness the unlock fits one of the locks: the name, the member, or that it is the only one of its family. */
function fitting(held: string[], unlock: string): (a: string, b: string) => boolean {
  if (held.some(lock => sameLock(lock, unlock))) return sameLock;
  if (held.some(lock => likeLock(lock, unlock))) return likeLock;
  const family = (lock: string) => lock.slice(0, lock.indexOf(':'));
  // An unlock that is given an object, not a lock of it, may have been given another than the lock was.
  if (!unlock.endsWith('.*') && unlock.includes('.')) return sameLock;
  return held.filter(lock => family(lock) === family(unlock)).length === 1 ? (a, b) => family(a) === family(b) : sameLock;
}

function withLock(must: readonly string[], lock: string): readonly string[] {
  return must.some(known => known === lock) ? must : [...must.filter(known => !(known.startsWith('asserted:') && sameLock(known, lock))), lock];
}

function inContext(context: ReadonlyMap<string, number>, { enter, leave }: { enter: string[]; leave: string[] }): ReadonlyMap<string, number> {
  if (enter.length + leave.length === 0) return context;
  const after = new Map(context);
  for (const word of enter) after.set(word, Math.min(8, (after.get(word) ?? 0) + 1));
  for (const word of leave) {
    const depth = (after.get(word) ?? 0) - 1;
    // Interrupts are on or off; only sections nest.
    if (depth > 0 && word !== 'irqs-off') after.set(word, depth);
    else after.delete(word);
  }
  return after;
}

function decide(state: State, node: FlowNode, slot: number, effects: (Effect | null)[]): State | null {
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
      if (!may.has(lock)) continue; // It was given back in between.
      if (got) must = withLock(must, lock);
      else {
        must = must.filter(known => known !== lock);
        may = new Map([...may].filter(([known]) => known !== lock));
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
  const must = known.must.every(lock => more.must.includes(lock)) ? known.must : known.must.filter(lock => more.must.includes(lock));
  let may = known.may;
  for (const [lock, on] of more.may) {
    const before = known.may.get(lock);
    if (before === on) continue;
    const both = before === undefined ? apart(on, more.decided, known.decided) : common(before, on);
    if (both === before) continue;
    if (may === known.may) may = new Map(known.may);
    (may as Map<string, Decided>).set(lock, both);
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
  if (must === known.must && may === known.may && context === known.context && decided === known.decided) return known;
  return { must, may, context, decided };
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
function enteredWith(fn: CFunction, effects: (Effect | null)[], states: (State | null)[]): string[] {
  const found = new Set<string>();
  if (!fn.whole) return [];
  const said = annotated(fn);
  let unknown = false;
  const twice = takenTwice(fn.events, effects);
  for (const event of fn.events) {
    if (event.opaque) unknown = true;
    if (event.ends) continue; // The end of a guard undoes its own beginning, or nothing.
    const state = states[event.node];
    for (const unlock of effects[event.index]?.unlock ?? []) {
      if (!state) continue;
      const callers = said.some(lock => sameLock(lock, unlock));
      if (twice.has(unlock) || isOneOfMany(fn, event) || effects[event.index]?.unsure?.includes(unlock)) continue;
      if (callers || (!unknown && ![...state.may.keys()].some(lock => sameLock(lock, unlock)))) found.add(unlock);
    }
  }
  return [...found];
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
