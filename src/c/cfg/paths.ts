/**
 * The one search for paths through a flow graph. It carries a state along each path, takes no edge that the conditions decided before rule out, and
 * counts its steps: a search that needs more than its budget is `exhausted`, and what it found by then says nothing that is sure.
 *
 * Two paths that meet at a node with one state and the same conditions decided are one from there on; the one found first is kept.
 */
import type { FlowNode } from '../../model/code.ts';

/** What is known of a function's conditions at a point of a path: the condition's number -> whether it holds. */
export type Decisions = ReadonlyMap<number, boolean>;

export const UNDECIDED: Decisions = new Map();

/** What is known after an edge out of a node; null where what is known already rules the edge out: no run takes it. */
export function follow(decided: Decisions, node: FlowNode, slot: number, rereads = false): Decisions | null {
  const known = settle(decided, node, slot, rereads);
  return known && forget(known, node, slot);
}

/**
 * What the edge decides besides; null where what is known rules it out. Two tests of one cell are assumed to come out alike, since what is not seen
 * to change it mostly does not; a client that asks for what another CPU may change in between says `rereads`.
 */
export function settle(decided: Decisions, node: FlowNode, slot: number, rereads = false): Decisions | null {
  if (rereads && node.reads) return decided;
  let known = decided;
  for (const [condition, holds] of node.settles?.[slot] ?? []) {
    const before = known.get(condition);
    if (before === holds) continue;
    if (before !== undefined) return null;
    known = new Map(known).set(condition, holds);
  }
  return known;
}

/** The decisions that remain after the edge: it may set what one of them was about. */
export function forget(decided: Decisions, node: FlowNode, slot: number): Decisions {
  const stale = node.forgets?.[slot];
  if (!stale?.some(condition => decided.has(condition))) return decided;
  return new Map([...decided].filter(([condition]) => !stale.includes(condition)));
}

/** Names a set of decisions, the same for equal ones. */
export function decidedKey(decided: Decisions): string {
  if (decided.size === 0) return '';
  return [...decided]
    .map(([condition, holds]) => (holds ? condition : -condition))
    .sort()
    .join();
}

/** Said by a search's client: the path is of no interest any more. */
export const CUT: unique symbol = Symbol('cut');
/** Said by a search's client: nothing can be said at all. */
export const GIVE_UP: unique symbol = Symbol('give up');

/** The end of a path, which leads back by `from` to where it began. */
export interface Path<S> {
  node: number;
  /** The state on arrival at the node. */
  state: S;
  decided: Decisions;
  from: Path<S> | null;
}

export interface Search<S extends string | number> {
  starts: readonly { node: number; state: S; decided?: Decisions }[];
  /** The state after the node at which the path has arrived. */
  at(state: S, at: number, node: FlowNode, path: Path<S>): S | typeof CUT | typeof GIVE_UP;
  /** The state after the edge, or each of the states that may follow. */
  along?(state: S, at: number, slot: number, node: FlowNode): S | readonly S[] | typeof CUT | typeof GIVE_UP;
  /** Two tests of one cell are two reads, and may come out otherwise. */
  rereads?: boolean;
  /** Most steps, that is paths continued by one node. */
  budget?: number;
}

export interface SearchResult<S> {
  /** The paths that came to an end: an exit, a gap or a node without a successor; in the order found. The state is that after the node. */
  ends: Path<S>[];
  /** The budget did not suffice, or the client gave up. */
  exhausted: boolean;
}

/** Steps of one search beyond which nothing is said. */
export const MOST_STEPS = 4000;

/** Every path from the starts, as far as the client follows it. */
export function search<S extends string | number>(flow: readonly FlowNode[], it: Search<S>): SearchResult<S> {
  const ends: Path<S>[] = [];
  const most = it.budget ?? MOST_STEPS;
  const seen = new Set<string>();
  const work: Path<S>[] = [];
  const open = (path: Path<S>): void => {
    const key = `${path.node}|${path.state}|${decidedKey(path.decided)}`;
    if (seen.has(key)) return;
    seen.add(key);
    work.push(path);
  };
  for (const { node, state, decided } of it.starts) open({ node, state, decided: decided ?? UNDECIDED, from: null });
  for (let path = work.pop(); path; path = work.pop()) {
    const node = flow[path.node];
    if (!node) continue;
    const state = it.at(path.state, path.node, node, path);
    if (state === GIVE_UP) return { ends, exhausted: true };
    if (state === CUT) continue;
    if (node.next.length === 0) {
      ends.push({ ...path, state });
      continue;
    }
    for (const [slot, to] of node.next.entries()) {
      const decided = node.kind === 'gap' ? UNDECIDED : follow(path.decided, node, slot, it.rereads);
      if (!decided) continue;
      const after = it.along ? it.along(state, path.node, slot, node) : state;
      if (after === GIVE_UP) return { ends, exhausted: true };
      if (after === CUT) continue;
      for (const next of typeof after === 'object' ? after : [after]) open({ node: to, state: next, decided, from: path });
    }
    if (seen.size > most) return { ends, exhausted: true };
  }
  return { ends, exhausted: false };
}

/** The nodes of a path, from its start. */
export function nodesOf(path: Path<unknown>): number[] {
  const nodes: number[] = [];
  for (let at: Path<unknown> | null = path; at; at = at.from) nodes.push(at.node);
  return nodes.reverse();
}

/** Nodes of one function that a search for the cheapest path settles at most. */
const MOST_NODES = 20_000;

/**
 * The nodes of the path from one node to another, both included, whose nodes cost the least together; null where there is none. From a node to itself
 * it leads nowhere else. Dijkstra's search.
 */
export function cheapestPath(flow: readonly FlowNode[], from: number, to: number, price: (node: number) => number): number[] | null {
  if (from === to) return [from];
  const cost = new Map<number, number>([[from, 0]]);
  const back = new Map<number, number>();
  const open = new Set([from]);
  for (let settled = 0; open.size > 0 && settled < MOST_NODES; settled++) {
    let at = -1;
    for (const node of open) if (at < 0 || (cost.get(node) ?? 0) < (cost.get(at) ?? 0)) at = node;
    open.delete(at);
    if (at === to) break;
    for (const next of flow[at]?.next ?? []) {
      const sum = (cost.get(at) ?? 0) + price(next);
      if (sum >= (cost.get(next) ?? Number.POSITIVE_INFINITY)) continue;
      cost.set(next, sum);
      back.set(next, at);
      open.add(next);
    }
  }
  if (!back.has(to)) return null;
  const path = [to];
  for (let at = back.get(to); at !== undefined; at = back.get(at)) path.push(at);
  return path.reverse();
}
