/** Which way a thread takes through its function from one event to the next, and the conditions that it meets there. */
import type { CFunction, FlowNode } from '../model/code.ts';
import type { Guard, Step } from './draft.ts';

const MOST_NODES = 20_000;

/** What it costs to pass something that orders, or lines that are not shown: any other way is taken first. */
const ORDERS = 1000;

/**
 * The nodes of a way from one node to another, both included, with as little on it that orders as there is; null where there is none. From a
 * node to itself it leads nowhere else. Dijkstra's search.
 */
export function routeBetween(fn: CFunction, from: number, to: number): number[] | null {
  const cost = new Map<number, number>([[from, 0]]);
  const back = new Map<number, number>();
  const open = new Set([from]);
  for (let looked = 0; open.size > 0 && looked < MOST_NODES; looked++) {
    let at = -1;
    for (const node of open) if (at < 0 || (cost.get(node) ?? 0) < (cost.get(at) ?? 0)) at = node;
    open.delete(at);
    if (at === to && looked > 0) break;
    for (const next of fn.flow[at]?.next ?? []) {
      const price = (cost.get(at) ?? 0) + weightOf(fn, next);
      if (price >= (cost.get(next) ?? Number.POSITIVE_INFINITY)) continue;
      cost.set(next, price);
      back.set(next, at);
      open.add(next);
    }
  }
  if (from === to) return [from];
  if (!back.has(to)) return null;
  const path = [to];
  for (let at = back.get(to); at !== undefined && path.length < MOST_NODES; at = back.get(at)) {
    path.unshift(at);
    if (at === from) break;
  }
  return path;
}

function weightOf(fn: CFunction, node: number): number {
  const flow = fn.flow[node];
  if (flow?.kind === 'gap') return ORDERS;
  const event = flow?.event === null || flow?.event === undefined ? null : fn.events[flow.event];
  if (!event) return 1;
  return event.opaque || event.kind === 'fence' || event.kind === 'lock' || event.kind === 'unlock' || event.ordering === 'full' ? ORDERS : 2;
}

/** The guard that the branch puts on what follows where the way goes on to the node, if a step of the thread decides it. */
export function guardOf(branch: FlowNode, to: number, steps: readonly Step[], isAside: (register: string) => boolean): Guard | null {
  const register = steps.findLast(s => s.event && s.register !== null && branch.decides?.includes(s.event.index))?.register;
  if (!register) return null;
  const plain = branch.decides?.length === 1 && (branch.tests === 'nonzero' || branch.tests === 'zero');
  if (!plain || isAside(register)) return { register, test: 'dependent' };
  const holds = branch.next[0] === to;
  return { register, test: (branch.tests === 'nonzero') === holds ? 'nonzero' : 'zero' };
}
