/** Loops: those of the graph, and those of the text around a place. */
import type { CFunction, Event, FlowNode, Loop } from '../../model/code.ts';
import { nodeDominates } from './dominance.ts';
import { orderOf, predecessors } from './order.ts';

/** A natural loop: an edge leads back to its head, which dominates all of it (Aho, Lam, Sethi and Ullman, "Compilers", 9.6.6). */
export interface NaturalLoop {
  head: number;
  /** Its nodes, the head included: all that run again. What leaves the loop for good is none of them, wherever it stands in the text. */
  nodes: ReadonlySet<number>;
}

const known = new WeakMap<readonly FlowNode[], readonly NaturalLoop[]>();

/** The natural loops of a flow, one for each head, in reverse post-order of the heads. */
export function naturalLoops(flow: readonly FlowNode[]): readonly NaturalLoop[] {
  let found = known.get(flow);
  if (!found) {
    found = loopsOf(flow);
    known.set(flow, found);
  }
  return found;
}

function loopsOf(flow: readonly FlowNode[]): NaturalLoop[] {
  const { nodes, position } = orderOf(flow);
  const into = predecessors(flow);
  return nodes.flatMap(head => {
    const ends = (into[head] ?? []).filter(from => (position[from] ?? -1) >= (position[head] ?? -1) && nodeDominates(flow, head, from));
    if (ends.length === 0) return [];
    const body = new Set([head, ...ends]);
    for (const at of body) if (at !== head) for (const from of into[at] ?? []) if ((position[from] ?? -1) >= 0) body.add(from);
    return [{ head, nodes: body }];
  });
}

/** The heads of the natural loops around the event. */
export function headsAround(fn: CFunction, event: Event): Set<number> {
  return new Set(naturalLoops(fn.flow).flatMap(loop => (loop.nodes.has(event.node) ? [loop.head] : [])));
}

/** The loops whose text is around the place, the outermost first; what leaves such a loop for good is around it no less. */
export function loopsAround(fn: Pick<CFunction, 'shape'>, { line }: { line: number }): Loop[] {
  return fn.shape.loops.filter(loop => isInLoop(loop, { line }));
}

/** Does the place stand in the loop's text? */
export function isInLoop(loop: Loop, { line }: { line: number }): boolean {
  return loop.line <= line && line <= loop.endLine;
}

/** The innermost loop around a line, by its index in the function's shape; null where no loop is. */
export function innermostAt(fn: Pick<CFunction, 'shape'>, line: number): number | null {
  const loop = loopsAround(fn, { line }).at(-1);
  return loop ? fn.shape.loops.indexOf(loop) : null;
}
