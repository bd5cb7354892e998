/** Which way a thread takes through its function from one event to the next, and the conditions that it meets there. */
import { cheapestPath } from '../c/cfg/paths.ts';
import type { CFunction, FlowNode } from '../model/code.ts';
import type { Guard, ThreadStep } from './draft.ts';

/** What it costs to pass something that orders, or lines that are not shown: any other path is taken first. */
const ORDERS = 1000;

/**
 * The nodes of a path from one node to another, both included, with as little on it that orders as there is; null where there is none. From a
 * node to itself it leads nowhere else.
 */
export function routeBetween(fn: CFunction, from: number, to: number): number[] | null {
  return cheapestPath(fn.flow, from, to, node => weightOf(fn, node));
}

function weightOf(fn: CFunction, node: number): number {
  const flow = fn.flow[node];
  if (flow?.kind === 'gap') return ORDERS;
  const event = flow?.event === null || flow?.event === undefined ? null : fn.events[flow.event];
  if (!event) return 1;
  return event.opaque ||
    event.fact?.contract?.orders ||
    event.kind === 'fence' ||
    event.kind === 'lock' ||
    event.kind === 'unlock' ||
    event.ordering === 'full'
    ? ORDERS
    : 2;
}

/** The guard that the branch puts on what follows where the way goes on to the node, if a step of the thread decides it. */
export function guardOf(branch: FlowNode, to: number, steps: readonly ThreadStep[], isAside: (register: string) => boolean): Guard | null {
  const register = steps.findLast(s => s.event && s.register !== null && branch.decides?.includes(s.event.index))?.register;
  if (!register) return null;
  const plain = branch.decides?.length === 1 && (branch.tests === 'nonzero' || branch.tests === 'zero');
  if (!plain || isAside(register)) return { register, test: 'dependent' };
  const holds = branch.next[0] === to;
  return { register, test: (branch.tests === 'nonzero') === holds ? 'nonzero' : 'zero' };
}
