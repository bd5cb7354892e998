/** What may, must or cannot come before and after an event, asked of a function's flow graph. */
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { includesSection, type Section } from '../../model/section.ts';
import { nodeDominates, nodePostDominates } from './dominance.ts';
import { naturalLoops } from './loops.ts';
import { type Direction, isReached, orderOf, predecessors, walk } from './order.ts';

export { type Decisions, decidedKey, follow, forget } from './paths.ts';
export { predecessors };

/** Nodes that can come after the node, by at least one edge. */
export function nodesAfter(fn: Pick<CFunction, 'flow'>, node: number): Set<number> {
  return spread(fn.flow, node, 'forwards');
}

/** Nodes that can come before it. */
export function nodesBefore(fn: Pick<CFunction, 'flow'>, node: number): Set<number> {
  return spread(fn.flow, node, 'backwards');
}

const reached = new WeakMap<readonly FlowNode[], Map<string, Set<number>>>();
/** Rules ask for the same few nodes again and again, seldom for all. */
const MOST_KEPT = 64;

/** What is reached from a node by one edge at least, past none of the nodes to avoid. */
function spread(flow: readonly FlowNode[], from: number, direction: Direction, avoided: readonly number[] = []): Set<number> {
  const kept = reached.get(flow) ?? new Map<string, Set<number>>();
  reached.set(flow, kept);
  const key = `${direction === 'backwards' ? -1 - from : from}|${avoided.join()}`;
  const known = kept.get(key);
  if (known) return known;
  const next = direction === 'backwards' ? (predecessors(flow)[from] ?? []) : (flow[from]?.next ?? []);
  const found = walk(flow, next, at => !avoided.includes(at), direction);
  for (const at of avoided) found.delete(at);
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(key, found);
  return found;
}

/**
 * True where the second event can run after the first in the same round of the loops around both: a path leads from the one to the other past no head
 * of such a loop. Of two events in different arms of a branch neither comes before the other.
 */
export function comesBefore(fn: CFunction, a: Event, b: Event): boolean {
  if (a.node === b.node) return false;
  const { flow } = fn;
  if (!isReached(flow, a.node) || !isReached(flow, b.node)) return a.node < b.node && nodesAfter(fn, a.node).has(b.node);
  if (nodeDominates(flow, a.node, b.node)) return true;
  if (nodeDominates(flow, b.node, a.node)) return false;
  const heads = naturalLoops(flow).flatMap(({ head, nodes }) => (nodes.has(a.node) && nodes.has(b.node) ? [head] : []));
  return leadsOn(flow, a.node, b.node, heads);
}

/** The last question asked of a flow: most are asked of one event and many others in turn. */
const asked = new WeakMap<readonly FlowNode[], { from: number; to: number }>();

function leadsOn(flow: readonly FlowNode[], from: number, to: number, avoided: readonly number[]): boolean {
  const last = asked.get(flow);
  asked.set(flow, { from, to });
  const backwards = last?.to === to && last.from !== from;
  return backwards ? spread(flow, to, 'backwards', avoided).has(from) : spread(flow, from, 'forwards', avoided).has(to);
}

/** True where an edge to the node begins another round of a loop around the event. */
export function leadsBack(fn: CFunction, event: Event, to: number): boolean {
  const { position } = orderOf(fn.flow);
  const [there, here] = [position[to] ?? -1, position[event.node] ?? -1];
  // What no path from the entry is shown to reach stands in the order of its text.
  return there < 0 || here < 0 ? to <= event.node : there <= here;
}

/** True where the event can run more than once in one run of the function. */
export function isRepeated(fn: CFunction, event: Event): boolean {
  return nodesAfter(fn, event.node).has(event.node);
}

/** Events that can come after the event on some path, in the order of the text. */
export function after(fn: CFunction, event: Event): Event[] {
  const nodes = nodesAfter(fn, event.node);
  return fn.events.filter(e => e.kind !== 'expanded' && nodes.has(e.node));
}

/** Events that can come before it on some path. */
export function before(fn: CFunction, event: Event): Event[] {
  const nodes = nodesBefore(fn, event.node);
  return fn.events.filter(e => e.kind !== 'expanded' && nodes.has(e.node));
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
  return nodeDominates(fn.flow, a.node, b.node);
}

/** True where every path from `a` to the end of the function passes `b`. */
export function postDominates(fn: CFunction, b: Event, a: Event): boolean {
  return nodePostDominates(fn.flow, b.node, a.node);
}

/** Events that lie on some path from `a` to `b`. */
export function between(fn: CFunction, a: Event, b: Event): Event[] {
  const ahead = nodesAfter(fn, a.node);
  const behind = nodesBefore(fn, b.node);
  return fn.events.filter(e => e !== a && e !== b && e.kind !== 'expanded' && ahead.has(e.node) && behind.has(e.node));
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
  return fn.flow.some((node, i) => node.kind === 'branch' && node.decides?.includes(a.index) && nodeDominates(fn.flow, i, b.node));
}

/** True where some path leads from one node to another that passes none of the nodes to avoid; the last node of the path may be one. */
export function reachesWithout(fn: CFunction, from: number, to: number, avoided: (at: number, node: FlowNode) => boolean): boolean {
  let found = false;
  walk(fn.flow, [from], (at, node) => {
    found ||= at === to;
    return !found && !avoided(at, node);
  });
  return found;
}

/** An end of a run that its caller sees: an exit that returns, or what may hold one. */
export function isEnd({ kind, stops }: FlowNode): boolean {
  return kind === 'gap' || (kind === 'exit' && !stops);
}

/**
 * True where no path leads from the first event to the function's end past the second, but for those that a test of the first's own value
 * sends elsewhere.
 */
export function alwaysFollowed(fn: CFunction, a: Event, b: Event): boolean {
  if (postDominates(fn, b, a)) return true;
  let followed = true;
  walk(fn.flow, [a.node], (at, node) => {
    if (at === b.node || node.decides?.includes(a.index)) return false;
    if (isEnd(node)) followed = false;
    return followed;
  });
  return followed;
}

/** Does every run of the function that its caller sees end pass one of the nodes? Edges that `takes` gives false for are left out. */
export function alwaysPasses(fn: CFunction, nodes: ReadonlySet<number>, takes?: (node: FlowNode, slot: number) => boolean): boolean {
  let passes = true;
  const visit = (at: number, node: FlowNode) => {
    if (nodes.has(at)) return false;
    if (isEnd(node)) passes = false;
    return passes;
  };
  walk(fn.flow, [0], visit, 'forwards', takes);
  return passes;
}

/** Does a branch go by the event's value? */
export function decidesBranch(fn: CFunction, event: Event): boolean {
  return fn.flow.some(node => node.kind === 'branch' && node.decides?.includes(event.index));
}

/** Does every run of the function that comes to an end pass the event? */
export function alwaysRuns(fn: CFunction, event: Event): boolean {
  return nodePostDominates(fn.flow, event.node, 0);
}
