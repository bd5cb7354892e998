/** The order of a flow graph: reverse post-order, predecessors and what a walk from some nodes comes to. All answers are kept for the flow. */
import type { Event, FlowNode } from '../../model/code.ts';

/** The nodes that the entry reaches, each before its successors but for the back edges of loops. */
export interface Order {
  /** Node numbers in reverse post-order. */
  nodes: readonly number[];
  /** For each node its position in `nodes`; -1 where the entry does not reach it. */
  position: Int32Array;
}

const orders = new WeakMap<readonly FlowNode[], Order>();

/** The reverse post-order of a flow from its entry, node 0. */
export function orderOf(flow: readonly FlowNode[]): Order {
  let known = orders.get(flow);
  if (!known) {
    known = reversePostOrder(flow.length, 0, at => flow[at]?.next ?? NONE);
    orders.set(flow, known);
  }
  return known;
}

/** Does the entry reach the node? */
export function isReached(flow: readonly FlowNode[], node: number): boolean {
  return (orderOf(flow).position[node] ?? -1) >= 0;
}

const NONE: readonly number[] = [];

/** The reverse post-order of any graph whose nodes are numbers below `size`. */
export function reversePostOrder(size: number, start: number, next: (node: number) => readonly number[]): Order {
  const position = new Int32Array(size).fill(-1);
  const nodes: number[] = [];
  if (size === 0) return { nodes, position };
  // By a stack of its own: a function of some thousand statements is deeper than the machine's. The last successor comes first, so that of the two edges
  // of a branch the first comes first in the order: the body of a loop before what follows it.
  const stack = [start];
  const successors = [next(start)];
  const slots = new Int32Array(size);
  slots[0] = successors[0]?.length ?? 0;
  position[start] = 0;
  for (let top = 0; top >= 0; ) {
    const slot = (slots[top] ?? 0) - 1;
    if (slot < 0) {
      nodes.push(stack[top] ?? 0);
      top--;
      continue;
    }
    slots[top] = slot;
    const to = successors[top]?.[slot];
    if (to === undefined || position[to] !== -1) continue;
    position[to] = 0;
    top++;
    stack[top] = to;
    const after = next(to);
    successors[top] = after;
    slots[top] = after.length;
  }
  nodes.reverse();
  for (let i = 0; i < nodes.length; i++) position[nodes[i] ?? 0] = i;
  return { nodes, position };
}

/** An edge of the flow: out of a node, by one of its slots. */
export interface Edge {
  from: number;
  slot: number;
}

const arriving = new WeakMap<readonly FlowNode[], Edge[][]>();

/** For each node the edges that lead to it. */
function edgesInto(flow: readonly FlowNode[]): readonly (readonly Edge[])[] {
  const known = arriving.get(flow);
  if (known) return known;
  const into: Edge[][] = flow.map(() => []);
  flow.forEach((node, from) => {
    node.next.forEach((to, slot) => {
      into[to]?.push({ from, slot });
    });
  });
  arriving.set(flow, into);
  return into;
}

const incoming = new WeakMap<readonly FlowNode[], number[][]>();

/** For each node the nodes that lead to it. */
export function predecessors(flow: readonly FlowNode[]): readonly (readonly number[])[] {
  const known = incoming.get(flow);
  if (known) return known;
  const into: number[][] = flow.map(() => []);
  flow.forEach((node, i) => {
    for (const to of node.next) into[to]?.push(i);
  });
  incoming.set(flow, into);
  return into;
}

/** Which edges a walk takes. */
export type Direction = 'forwards' | 'backwards';

/**
 * Visits each node that is reached from the starts, these included, once. Where `visit` gives false the walk does not pass the node. The order is
 * the same for the same flow: depth first, the first successor first. Gives the nodes visited. Edges that `takes` gives false for are left out; it is asked of each edge of a visited node, with the
 * node that the edge leads out of.
 */
export function walk(
  flow: readonly FlowNode[],
  starts: Iterable<number>,
  visit: (at: number, node: FlowNode) => boolean,
  direction: Direction = 'forwards',
  takes?: (node: FlowNode, slot: number, at: number) => boolean,
): Set<number> {
  const into = direction === 'backwards' ? predecessors(flow) : null;
  const edgesTo = into && takes ? edgesInto(flow) : null;
  const seen = new Set<number>(starts);
  const work = [...seen];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    const node = flow[at];
    if (!node || !visit(at, node)) continue;
    const edges = into ? (into[at] ?? NONE) : node.next;
    for (let slot = edges.length - 1; slot >= 0; slot--) {
      const to = edges[slot] ?? 0;
      if (takes) {
        const edge = edgesTo?.[at]?.[slot] ?? { from: at, slot };
        const from = flow[edge.from];
        if (from && !takes(from, edge.slot, edge.from)) continue;
      }
      if (seen.has(to)) continue;
      seen.add(to);
      work.push(to);
    }
  }
  return seen;
}

/** Does the first stand further down in the text of its file? For what is shown: of what runs first it tells nothing. */
export function standsLater(a: Event, b: Event): boolean {
  return a.line > b.line;
}

/** Sorts events of one function, for output that is the same each time: by where they stand in it. It tells nothing of what runs first. */
export function byPlace(a: Event, b: Event): number {
  return a.index - b.index;
}
