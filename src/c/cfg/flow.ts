/** What may, must or cannot come before and after an event, asked of a function's flow graph. */
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { includesSection, type Section } from '../../model/section.ts';

/** Nodes that can come after the node, by at least one edge. */
export function nodesAfter(fn: CFunction, node: number): Set<number> {
  return spread(fn.flow, node, false);
}

/** Nodes that can come before it. */
export function nodesBefore(fn: CFunction, node: number): Set<number> {
  return spread(fn.flow, node, true);
}

const reached = new WeakMap<FlowNode[], Map<number, Set<number>>>();
/** Rules ask for the same few nodes again and again, seldom for all. */
const MOST_KEPT = 64;

function spread(flow: FlowNode[], from: number, backwards: boolean): Set<number> {
  const kept = reached.get(flow) ?? new Map<number, Set<number>>();
  reached.set(flow, kept);
  const key = backwards ? -1 - from : from;
  const known = kept.get(key);
  if (known) return known;
  const found = walkFrom(flow, from, backwards);
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(key, found);
  return found;
}

function walkFrom(flow: FlowNode[], from: number, backwards: boolean): Set<number> {
  const seen = new Set<number>();
  const reverse = backwards ? predecessors(flow) : null;
  const work = [from];
  while (work.length > 0) {
    const at = work.pop() ?? 0;
    for (const to of reverse ? (reverse[at] ?? []) : (flow[at]?.next ?? [])) {
      if (seen.has(to)) continue;
      seen.add(to);
      work.push(to);
    }
  }
  return seen;
}

const edges = new WeakMap<FlowNode[], number[][]>();

/** For each node the nodes that lead to it. */
export function predecessors(flow: FlowNode[]): number[][] {
  const known = edges.get(flow);
  if (known) return known;
  const into: number[][] = flow.map(() => []);
  flow.forEach((node, i) => {
    for (const to of node.next) into[to]?.push(i);
  });
  edges.set(flow, into);
  return into;
}

/** What is known of a function's conditions at a point of a path: the condition's number -> whether it holds. */
export type Decided = ReadonlyMap<number, boolean>;

/** What is known behind one way out of a node; null where what is known already rules the way out: no run takes it. */
export function follow(decided: Decided, node: FlowNode, slot: number): Decided | null {
  let known = decided;
  for (const [condition, holds] of node.settles?.[slot] ?? []) {
    const before = known.get(condition);
    if (before === holds) continue;
    if (before !== undefined) return null;
    known = new Map(known).set(condition, holds);
  }
  return forget(known, node, slot);
}

/** The decisions that stay behind the edge: it may set what one of them was about. */
export function forget(decided: Decided, node: FlowNode, slot: number): Decided {
  const stale = node.forgets?.[slot];
  if (!stale?.some(condition => decided.has(condition))) return decided;
  return new Map([...decided].filter(([condition]) => !stale.includes(condition)));
}

/** Names a set of decisions, the same for equal ones. */
export function decidedKey(decided: Decided): string {
  return [...decided]
    .map(([condition, holds]) => (holds ? condition : -condition))
    .sort()
    .join();
}

/** Events that can come after the event on some path, in the order of the text. */
export function after(fn: CFunction, event: Event): Event[] {
  const nodes = nodesAfter(fn, event.node);
  return fn.events.filter(e => nodes.has(e.node));
}

/** Events that can come before it on some path. */
export function before(fn: CFunction, event: Event): Event[] {
  const nodes = nodesBefore(fn, event.node);
  return fn.events.filter(e => nodes.has(e.node));
}

/** True where something out of view may happen after the event (or before it) in the function. */
export function gapAfter(fn: CFunction, event: Event): boolean {
  return [...nodesAfter(fn, event.node)].some(n => fn.flow[n]?.kind === 'gap');
}

export function gapBefore(fn: CFunction, event: Event): boolean {
  return !fn.whole || [...nodesBefore(fn, event.node)].some(n => fn.flow[n]?.kind === 'gap');
}

/** True where every path from the entry to `b` passes `a`. */
export function dominates(fn: CFunction, a: Event, b: Event): boolean {
  const seen = new Set([0]);
  const work = [0];
  while (work.length > 0) {
    const at = work.pop() ?? 0;
    if (at === a.node) continue;
    if (at === b.node) return false;
    for (const to of fn.flow[at]?.next ?? []) {
      if (seen.has(to)) continue;
      seen.add(to);
      work.push(to);
    }
  }
  return true;
}

/** Events that lie on some path from `a` to `b`. */
export function between(fn: CFunction, a: Event, b: Event): Event[] {
  const ahead = nodesAfter(fn, a.node);
  const behind = nodesBefore(fn, b.node);
  return fn.events.filter(e => e !== a && e !== b && ahead.has(e.node) && behind.has(e.node));
}

/** Locks surely held at both events and everywhere between them. */
export function heldOver(fn: CFunction, a: Event, b: Event): Section[] {
  const both = a.locks.filter(lock => includesSection(b.locks, lock));
  if (both.length === 0) return both;
  const all = between(fn, a, b);
  return both.filter(lock => all.every(e => includesSection(e.locks, lock)));
}

/**
 * Whether `b`, which comes after `a`, runs only for one outcome of `a`: where its value is not zero, where it is zero, in any case, or
 * under a condition that is not a plain test of the value.
 */
export function conditionOn(fn: CFunction, a: Event, b: Event): 'nonzero' | 'zero' | 'any' | 'unknown' {
  for (const [i, node] of fn.flow.entries()) {
    if (node.kind !== 'branch' || !node.decides?.includes(a.index)) continue;
    const ways = node.next.map(to => to === b.node || nodesAfter(fn, to).has(b.node));
    if (!ways.includes(true) || !ways.includes(false) || !nodesAfter(fn, a.node).has(i)) continue;
    const plain = node.decides.length === 1 && (node.tests === 'nonzero' || node.tests === 'zero');
    if (!plain) return 'unknown';
    return ways[0] === (node.tests === 'nonzero') ? 'nonzero' : 'zero';
  }
  return 'any';
}

/** True where a test of the first event's value lies on every path to the second: what comes after runs only for whoever won. */
export function gates(fn: CFunction, a: Event, b: Event): boolean {
  return fn.flow.some((node, i) => node.kind === 'branch' && node.decides?.includes(a.index) && !reachedWithout(fn.flow, i, b.node));
}

function reachedWithout(flow: FlowNode[], avoided: number, target: number): boolean {
  const seen = new Set([0]);
  const work = [0];
  while (work.length > 0) {
    const at = work.pop() ?? 0;
    if (at === target) return true;
    if (at === avoided) continue;
    for (const to of flow[at]?.next ?? []) {
      if (seen.has(to)) continue;
      seen.add(to);
      work.push(to);
    }
  }
  return false;
}

/**
 * True where no path leads from the first event to the function's end past the second, but for those that a test of the first's own value
 * sends elsewhere.
 */
export function alwaysFollowed(fn: CFunction, a: Event, b: Event): boolean {
  const seen = new Set([a.node]);
  const work = [a.node];
  while (work.length > 0) {
    const at = work.pop() ?? 0;
    const node = fn.flow[at];
    if (!node || at === b.node || node.decides?.includes(a.index)) continue;
    if (node.kind === 'exit' || node.kind === 'gap') return false;
    for (const to of node.next) {
      if (seen.has(to)) continue;
      seen.add(to);
      work.push(to);
    }
  }
  return true;
}

/** Does every run of the function pass the event? */
export function alwaysRuns(fn: CFunction, event: Event): boolean {
  const seen = new Set([event.node]);
  const work = event.node === 0 ? [] : [0];
  while (work.length > 0) {
    const at = work.pop() ?? 0;
    if (seen.has(at)) continue;
    seen.add(at);
    const node = fn.flow[at];
    if (!node || node.kind === 'exit' || node.kind === 'gap') return false;
    work.push(...node.next);
  }
  return true;
}
