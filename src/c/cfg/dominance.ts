/**
 * Dominators and post-dominators of a flow graph, by the algorithm of Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001);
 * computed once for a flow.
 *
 * What a gap stands for may do anything that C lets a statement do: continue, return, or jump to any label of the function. So a gap leads to
 * every label, and to the end. An exit that `stops` (BUG(), panic()) returns to nobody: no path that ends there counts as one to the end.
 */
import type { FlowNode } from '../../model/code.ts';
import { type Order, orderOf, reversePostOrder } from './order.ts';

interface Tree {
  /** For each node its immediate dominator; the root has itself, and a node that the root does not reach has -1. */
  parent: Int32Array;
  position: Int32Array;
}

const forward = new WeakMap<readonly FlowNode[], Tree>();
const backward = new WeakMap<readonly FlowNode[], Tree>();

/** True where every path from the entry to node `b` passes node `a`, or is at it. A node that nothing reaches is dominated by all. */
export function nodeDominates(flow: readonly FlowNode[], a: number, b: number): boolean {
  return a === b || isAbove(dominatorsOf(flow), a, b);
}

/**
 * True where every path from node `a` to the end of the function (to an exit that returns, or to a gap) passes node `b`, or is at it. A node from
 * which nothing leads to the end is post-dominated by all.
 */
export function nodePostDominates(flow: readonly FlowNode[], b: number, a: number): boolean {
  return a === b || isAbove(postDominatorsOf(flow), b, a);
}

function isAbove({ parent, position }: Tree, a: number, b: number): boolean {
  const depth = position[a] ?? -1;
  if ((position[b] ?? -1) < 0) return true;
  if (depth < 0) return false;
  let at = b;
  while ((position[at] ?? -1) > depth) at = parent[at] ?? -1;
  return at === a;
}

/** The dominator tree of a flow. */
export function dominatorsOf(flow: readonly FlowNode[]): Tree {
  let known = forward.get(flow);
  if (!known) {
    known = treeFrom(flow);
    forward.set(flow, known);
  }
  return known;
}

function treeFrom(flow: readonly FlowNode[]): Tree {
  if (!flow.some(node => node.kind === 'gap')) return treeOf(flow.length, orderOf(flow), at => flow[at]?.next ?? []);
  const labels = flow.flatMap((node, i) => (node.label === undefined ? [] : [i]));
  const next = flow.map(node => (node.kind === 'gap' ? [...node.next, ...labels] : node.next));
  const successors = (at: number) => next[at] ?? [];
  return treeOf(flow.length, reversePostOrder(flow.length, 0, successors), successors);
}

/** The post-dominator tree of a flow; the root, numbered as no node is, is the end of the function. */
export function postDominatorsOf(flow: readonly FlowNode[]): Tree {
  let known = backward.get(flow);
  if (!known) {
    const end = flow.length;
    const into: number[][] = Array.from({ length: end + 1 }, () => []);
    for (const [i, node] of flow.entries()) {
      if (node.kind === 'gap' || (node.kind === 'exit' && !node.stops)) into[end]?.push(i);
      for (const to of node.next) into[to]?.push(i);
    }
    const before = (at: number) => into[at] ?? [];
    known = treeOf(end + 1, reversePostOrder(end + 1, end, before), before);
    backward.set(flow, known);
  }
  return known;
}

function treeOf(size: number, { nodes, position }: Order, next: (node: number) => readonly number[]): Tree {
  const parent = new Int32Array(size).fill(-1);
  const root = nodes[0];
  if (root === undefined) return { parent, position };
  const into: number[][] = Array.from({ length: size }, () => []);
  for (const at of nodes) for (const to of next(at)) into[to]?.push(at);
  parent[root] = root;
  for (let changed = true; changed; ) {
    changed = false;
    for (const at of nodes) {
      if (at === root) continue;
      let above = -1;
      for (const from of into[at] ?? []) {
        if (parent[from] === -1) continue;
        above = above === -1 ? from : meet(parent, position, above, from);
      }
      if (parent[at] === above) continue;
      parent[at] = above;
      changed = true;
    }
  }
  return { parent, position };
}

function meet(parent: Int32Array, position: Int32Array, a: number, b: number): number {
  let [x, y] = [a, b];
  while (x !== y) {
    while ((position[x] ?? 0) > (position[y] ?? 0)) x = parent[x] ?? 0;
    while ((position[y] ?? 0) > (position[x] ?? 0)) y = parent[y] ?? 0;
  }
  return x;
}
