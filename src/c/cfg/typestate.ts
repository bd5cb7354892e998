/**
 * The typestate solver: in which states something may be at each node of a flow graph, and in which it surely is.
 *
 * A client gives a `Protocol`: a few instances (a lock, a reference, an object: whatever its key is, the client numbers it from 0), each in one of a
 * few states (numbers from 0, at most 31), and what nodes and edges do to them, as `Move`s. A move has a row for its instance: for each state
 * the set of states that follow. So a call that may release a lock maps held to {held, free}, and a try maps free to tried, which the edges of the
 * branch that tests its result map to held and to free. A client that must know where something was acquired gives each acquisition a state of its own.
 *
 *     const { solved, at } = solve(fn.flow, {
 *       instances: locks.length,
 *       states: 2,                                        // 0 free, 1 held
 *       entry: () => only(0),
 *       event: node => node.event === lockEvent ? [{ instance: 0, to: [only(1), only(1)] }] : null,
 *       gap: () => [only(0), either(0, 1)],
 *     });
 *     may(at(node), 0, only(1))     exists-path: on some path to the node the lock is held
 *     surely(at(node), 0, only(1))  all-path: on each path to it the lock is held, and some path leads there
 *
 * States are those on arrival at a node, before its event. Paths are kept apart by the conditions that they decided, as far as this costs little: with each
 * state of each instance goes what all paths that lead to it have decided alike (property simulation: Das, Lerner and Seigle, "ESP: Path-Sensitive
 * Program Verification in Polynomial Time", 2002). An edge drops the states whose decisions contradict it. So of
 * `if (c) lock(); ...; if (c) { x(); unlock(); }` the lock is surely held at x() and surely free at the end. A gap does to each instance what `gap`
 * says, and leaves no condition decided.
 *
 * A condition that repeats an earlier one is assumed to come out alike. Where that leaves code which nothing reaches, what is tested has changed in a
 * manner not seen: nobody writes code that cannot run. The first such edge by number is opened with the outcome forgotten, until none is left.
 *
 * Budget: `MOST_VISITS` edges a node. Where that does not suffice `solved` is false, and at each node each instance may be in any state that it has
 * anywhere: nothing is sure. An exists-path answer of `solve` merges paths; `witness` gives a single path for one, or null where no path was found.
 *
 * What a search must carry that is no small set of states, as the event that released a lock, is a search of its own: `search` in paths.ts, of which
 * `witness` is a client. Answers are the same for the same graph: sweeps go in reverse post-order, and searches take the last successor first.
 */
import type { FlowNode } from '../../model/code.ts';
import { orderOf } from './order.ts';
import { type Decisions, forget, GIVE_UP, nodesOf, search, settle, UNDECIDED } from './paths.ts';

/** A set of states, one bit each. */
export type StateSet = number;

/** For each state the set of states that may follow it; the empty set where no run goes on from there in that state. */
export type Row = readonly StateSet[];

/** What a node or an edge does to one instance. */
export interface Move {
  instance: number;
  to: Row;
}

/** What a client has to say of the nodes and edges of one flow graph. */
export interface Protocol {
  instances: number;
  /** States of an instance, at most 31. */
  states: number;
  /** The states that the instance may be in at the entry. */
  entry(instance: number): StateSet;
  /**
   * What the node does, in this order; null for nothing. `before` is the situation on arrival: what a call does may go by what is held. For a solution it
   * must do no less where more is possible.
   */
  event(node: FlowNode, at: number, before: Situation): readonly Move[] | null;
  /** What taking the edge does, as the outcome of a try; null for nothing. `before` is the situation after the node. */
  edge?(node: FlowNode, slot: number, before: Situation, at: number): readonly Move[] | null;
  /** What a gap does to each instance; absent where it may do anything. */
  gap?(instance: number): Row;
}

/** The states of all instances at one place. */
export interface Situation {
  /** For each instance the states that it may be in. */
  readonly sets: readonly StateSet[];
  /** What all paths to the place have decided alike. */
  readonly decided: Decisions;
  /** By instance and state (`keyOf`): what the paths in that state have decided alike, where it is more than `decided`. */
  readonly on: ReadonlyMap<number, Decisions> | null;
}

export interface Solution {
  /** False where the budget did not suffice: then nothing is sure. */
  solved: boolean;
  /** The situation on arrival at a node; null where no path leads there. */
  at(node: number): Situation | null;
  /** The situation after the edge; null where no path takes it. */
  after(node: number, slot: number): Situation | null;
}

/** The set of one state. */
export function only(state: number): StateSet {
  return 1 << state;
}

/** The set of some states. */
export function either(...states: readonly number[]): StateSet {
  return states.reduce((set, state) => set | (1 << state), 0);
}

/** The states that a set is made of, in order. */
export function statesOf(set: StateSet): number[] {
  const found: number[] = [];
  for (let rest = set; rest !== 0; rest &= rest - 1) found.push(31 - Math.clz32(rest & -rest));
  return found;
}

/** Exists-path: does some path lead here on which the instance is in one of the states? */
export function may(situation: Situation | null, instance: number, states: StateSet): boolean {
  return ((situation?.sets[instance] ?? 0) & states) !== 0;
}

/** All-path: does every path that leads here have the instance in one of the states? False where none leads here. */
export function surely(situation: Situation | null, instance: number, states: StateSet): boolean {
  const set = situation?.sets[instance] ?? 0;
  return set !== 0 && (set & ~states) === 0;
}

/** Edges visited for each node of the flow beyond which a solution is given up. */
export const MOST_VISITS = 60;

const WIDTH = 32;
const keyOf = (instance: number, state: number): number => instance * WIDTH + state;

/** Solves a protocol over a flow graph, from its entry, in at most so many visits of edges. */
export function solve(flow: readonly FlowNode[], protocol: Protocol, budget: number = MOST_VISITS * flow.length): Solution {
  const { nodes, position } = orderOf(flow);
  const situations = new Array<Situation | null>(flow.length).fill(null);
  const sets = Array.from({ length: protocol.instances }, (_, i) => protocol.entry(i));
  situations[0] = { sets, decided: UNDECIDED, on: null };
  const changed = new Uint8Array(flow.length);
  changed[0] = 1;
  // The first position of the order whose node has changed; the sweep that runs sees to those further on.
  let first = 0;
  let visits = budget;
  const correlated = flow.some(node => node.settles);
  while (first < nodes.length) {
    const start = first;
    first = nodes.length;
    for (let i = start; i < nodes.length; i++) {
      const at = nodes[i] ?? 0;
      const node = flow[at];
      const before = situations[at];
      if (changed[at] === 0 || !node || !before) continue;
      changed[at] = 0;
      const done = through(node, at, before, protocol);
      if (!done) continue;
      for (let slot = 0; slot < node.next.length; slot++) {
        if (visits-- <= 0) return unsolved(situations, protocol);
        const after = along(node, at, slot, done, protocol);
        const to = node.next[slot] ?? 0;
        if (after && arrive(to, after)) first = (position[to] ?? 0) <= i ? Math.min(first, position[to] ?? 0) : first;
      }
    }
    if (first === nodes.length) first = openOne();
  }
  return {
    solved: true,
    at: node => situations[node] ?? null,
    after: (at, slot) => {
      const node = flow[at];
      const before = situations[at];
      const done = node && before ? through(node, at, before, protocol) : null;
      return node && done ? along(node, at, slot, done, protocol) : null;
    },
  };

  function arrive(to: number, after: Situation): boolean {
    const known = situations[to];
    const merged = known ? merge(known, after) : after;
    if (merged === known) return false;
    situations[to] = merged;
    changed[to] = 1;
    return true;
  }

  /** Opens the first edge that is ruled out and alone leads to its target; gives the target's position, or the end where there is none. */
  function openOne(): number {
    if (!correlated) return nodes.length;
    for (const [at, node] of flow.entries()) {
      const before = situations[at];
      const settled = node.settles?.flat().map(([condition]) => condition);
      if (!before || !settled || settled.length === 0 || node.next.every(to => situations[to])) continue;
      const done = through(node, at, before, protocol);
      if (!done) continue;
      for (const [slot, to] of node.next.entries()) {
        if (situations[to]) continue;
        const after = along(node, at, slot, without(done, settled), protocol);
        if (after && arrive(to, after)) return position[to] ?? 0;
      }
    }
    return nodes.length;
  }
}

/**
 * Exists-path, asked from the other end: for each node the states of one instance on arrival in which some path from it leads to a node that it reaches
 * in one of that node's `target` states. `along` is what the node and its edge do; null for nothing. Conditions that decide one another rule out no path here.
 */
export function leadsTo(
  flow: readonly FlowNode[],
  target: (node: FlowNode, at: number) => StateSet,
  along: (slot: number, at: number) => Row | null,
): StateSet[] {
  const { nodes } = orderOf(flow);
  const sets = flow.map(target);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = nodes.length - 1; i >= 0; i--) {
      const at = nodes[i] ?? 0;
      const before = sets[at] ?? 0;
      const after = (flow[at]?.next ?? []).reduce((set, to, slot) => set | preimage(sets[to] ?? 0, along(slot, at)), before);
      if (after === before) continue;
      sets[at] = after;
      changed = true;
    }
  }
  return sets;
}

function preimage(set: StateSet, row: Row | null): StateSet {
  return row ? row.reduce((before, to, state) => ((to & set) !== 0 ? before | only(state) : before), 0) : set;
}

function unsolved(situations: readonly (Situation | null)[], protocol: Protocol): Solution {
  const sets = Array.from({ length: protocol.instances }, (_, i) => situations.reduce((set, s) => set | (s?.sets[i] ?? 0), 0));
  const any: Situation = { sets, decided: UNDECIDED, on: null };
  return { solved: false, at: () => any, after: () => any };
}

/** The situation after a node; null where no run goes on from there. */
function through(node: FlowNode, at: number, before: Situation, protocol: Protocol): Situation | null {
  const moves = node.event === null ? null : protocol.event(node, at, before);
  const after = moves ? moved(before, moves) : before;
  if (!after || node.kind !== 'gap') return after;
  return { sets: after.sets.map((set, i) => gapImage(protocol, i, set)), decided: UNDECIDED, on: null };
}

function gapImage(protocol: Protocol, instance: number, set: StateSet): StateSet {
  return protocol.gap ? image(set, protocol.gap(instance)) : (1 << protocol.states) - 1;
}

/** The situation after an edge; null where it cannot be taken. */
function along(node: FlowNode, at: number, slot: number, before: Situation, protocol: Protocol): Situation | null {
  const settled = node.settles?.[slot];
  const kept = settled && settled.length > 0 ? decide(before, node, slot) : before;
  if (!kept) return null;
  const moves = protocol.edge?.(node, slot, kept, at) ?? null;
  const after = moves ? moved(kept, moves) : kept;
  if (!after) return null;
  return node.forgets?.[slot]?.length ? mapped(after, decided => forget(decided, node, slot)) : after;
}

function image(set: StateSet, to: Row): StateSet {
  let after = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) after |= to[31 - Math.clz32(rest & -rest)] ?? 0;
  return after;
}

/** The situation after the moves; null where they leave an instance no state. */
function moved(before: Situation, moves: readonly Move[]): Situation | null {
  let { sets, on } = before;
  let copied = false;
  for (const { instance, to } of moves) {
    const set = sets[instance] ?? 0;
    const after = image(set, to);
    const apart = on !== null && statesOf(set).some(state => on?.has(keyOf(instance, state)));
    if (apart) on = decisionsMoved(on, before.decided, instance, set, to);
    if (after === set) continue;
    if (after === 0) return null;
    sets = copied ? sets : [...sets];
    copied = true;
    (sets as StateSet[])[instance] = after;
  }
  return sets === before.sets && on === before.on ? before : { sets, decided: before.decided, on };
}

/** The decisions of each state that follows: what all that lead to it have alike. */
function decisionsMoved(on: Situation['on'], decided: Decisions, instance: number, set: StateSet, to: Row): Situation['on'] {
  const after = new Map(on);
  for (const state of statesOf(set)) after.delete(keyOf(instance, state));
  const known = new Map<number, Decisions>();
  for (const state of statesOf(set)) {
    const own = on?.get(keyOf(instance, state)) ?? decided;
    for (const next of statesOf(to[state] ?? 0)) {
      const other = known.get(next);
      known.set(next, other === undefined ? own : common(other, own));
    }
  }
  for (const [state, own] of known) if (own.size > decided.size) after.set(keyOf(instance, state), own);
  return after.size > 0 ? after : null;
}

/** What a branch's edge leaves; null where it contradicts what all paths here have decided, or all states of some instance. */
function decide(before: Situation, node: FlowNode, slot: number): Situation | null {
  const decided = settle(before.decided, node, slot);
  if (!decided) return null;
  if (!before.on) return decided === before.decided ? before : { ...before, decided };
  const on = new Map<number, Decisions>();
  let { sets } = before;
  for (const [key, own] of before.on) {
    const after = settle(own, node, slot);
    if (after) {
      if (after.size > decided.size) on.set(key, after);
      continue;
    }
    const instance = Math.floor(key / WIDTH);
    const set = (sets[instance] ?? 0) & ~(1 << (key % WIDTH));
    if (set === 0) return null;
    if (sets === before.sets) sets = [...sets];
    (sets as StateSet[])[instance] = set;
  }
  return { sets, decided, on: on.size > 0 ? on : null };
}

function without(situation: Situation, conditions: readonly number[]): Situation {
  return mapped(situation, decided =>
    conditions.some(c => decided.has(c)) ? new Map([...decided].filter(([c]) => !conditions.includes(c))) : decided,
  );
}

function mapped(situation: Situation, change: (decided: Decisions) => Decisions): Situation {
  const decided = change(situation.decided);
  if (!situation.on) return decided === situation.decided ? situation : { ...situation, decided };
  const on = new Map<number, Decisions>();
  for (const [key, own] of situation.on) {
    const after = change(own);
    if (after.size > decided.size) on.set(key, after);
  }
  return { sets: situation.sets, decided, on: on.size > 0 ? on : null };
}

/** What holds on all paths of either; the first itself where the second adds none. */
function merge(known: Situation, more: Situation): Situation {
  if (known === more) return known;
  let { sets } = known;
  if (sets !== more.sets)
    for (const [i, set] of known.sets.entries()) {
      const both = set | (more.sets[i] ?? 0);
      if (both === set) continue;
      if (sets === known.sets) sets = [...sets];
      (sets as StateSet[])[i] = both;
    }
  const decided = common(known.decided, more.decided);
  if (known.decided.size === 0 && more.decided.size === 0 && !known.on && !more.on) return sets === known.sets ? known : { sets, decided, on: null };
  const on = new Map<number, Decisions>();
  let same = decided === known.decided;
  for (const [i, set] of sets.entries()) {
    for (let rest = set; rest !== 0; rest &= rest - 1) {
      const bit = rest & -rest;
      const key = keyOf(i, 31 - Math.clz32(bit));
      const mine = (known.sets[i] ?? 0) & bit ? (known.on?.get(key) ?? known.decided) : null;
      const theirs = (more.sets[i] ?? 0) & bit ? (more.on?.get(key) ?? more.decided) : null;
      const both = mine && theirs ? common(mine, theirs) : (mine ?? theirs ?? decided);
      if (both.size > decided.size) on.set(key, both);
      if (both !== mine) same = false;
    }
  }
  if (same && sets === known.sets) return known;
  return { sets, decided, on: on.size > 0 ? on : null };
}

/** The decisions that both have; the first itself where it has no other. */
function common(a: Decisions, b: Decisions): Decisions {
  if (a === b || a.size === 0) return a;
  for (const [condition, holds] of a) {
    if (b.get(condition) !== holds) return new Map([...a].filter(([c, was]) => b.get(c) === was));
  }
  return a;
}

/**
 * A path from the entry to the node, its nodes, on which the instance is in one of the states on arrival there; null where the budget of the search did
 * not suffice or no single path does it. Moves are asked for with the instance alone: the sets of the others are those of the solution.
 */
export function witness(
  flow: readonly FlowNode[],
  protocol: Protocol,
  solution: Solution,
  instance: number,
  target: number,
  states: StateSet,
  budget?: number,
): number[] | null {
  const single = (at: number, state: number): Situation => {
    const sets = [...(solution.at(at)?.sets ?? [])];
    sets[instance] = only(state);
    return { sets, decided: UNDECIDED, on: null };
  };
  const own = (moves: readonly Move[] | null | undefined, set: StateSet) =>
    (moves ?? []).reduce((after, move) => (move.instance === instance ? image(after, move.to) : after), set);
  let found: number[] | null = null;
  search(flow, {
    starts: statesOf(protocol.entry(instance)).map(state => ({ node: 0, state })),
    ...(budget === undefined ? {} : { budget }),
    at: (state, at, _, path) => {
      if (at !== target || (only(state) & states) === 0) return state;
      found = nodesOf(path);
      return GIVE_UP;
    },
    along: (state, at, slot, node) => {
      let set = own(node.event === null ? null : protocol.event(node, at, single(at, state)), only(state));
      if (node.kind === 'gap') set = gapImage(protocol, instance, set);
      return statesOf(set).flatMap(s => statesOf(own(protocol.edge?.(node, slot, single(at, s), at), only(s))));
    },
  });
  return found;
}
