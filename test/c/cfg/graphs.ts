/** Small random flow graphs, and everything that can be seen by walking their paths one by one. */
import fc from 'fast-check';
import type { Decision, FlowNode } from '../../../src/model/code.ts';

/** How many nodes a random graph has, the entry included. */
const MOST_NODES = 7;
const CONDITIONS = [1, 2];

export interface Shape {
  /** Conditions that are tested, and edges that make one undecided again. */
  correlated: boolean;
  gaps: boolean;
}

/** A flow graph with branches, loops, ends of all kinds; an event on each step, numbered as its node. */
export function graph({ correlated, gaps }: Shape): fc.Arbitrary<FlowNode[]> {
  const kinds: FlowNode['kind'][] = ['step', 'step', 'branch', 'branch', 'join', 'exit', ...(gaps ? (['gap'] as const) : [])];
  const target = fc.integer({ min: 1, max: MOST_NODES - 1 });
  const node = fc.record({
    kind: fc.constantFrom(...kinds),
    stops: fc.boolean(),
    label: fc.boolean(),
    ends: fc.boolean(),
    next: fc.tuple(target, target),
    tests: fc.option(fc.constantFrom(...CONDITIONS), { nil: null, freq: 3 }),
    forgets: fc.option(fc.constantFrom(...CONDITIONS), { nil: null, freq: 1 }),
    slot: fc.nat({ max: 1 }),
  });
  return fc.tuple(target, fc.array(node, { minLength: MOST_NODES - 1, maxLength: MOST_NODES - 1 })).map(([first, nodes]) => [
    { event: null, next: [first], kind: 'entry' as const, line: 0 },
    ...nodes.map(({ kind, stops, label, ends, next, tests, forgets, slot }, i): FlowNode => {
      const ways = kind === 'exit' || (kind === 'gap' && ends) ? [] : kind === 'branch' ? [...next] : [next[0]];
      const both: Decision[][] = [[[tests ?? 0, true]], [[tests ?? 0, false]]];
      return {
        event: kind === 'step' ? i + 1 : null,
        next: ways,
        kind,
        line: i + 1,
        ...(kind === 'exit' && stops ? { stops: true as const } : {}),
        ...(kind === 'join' && label ? { label: `l${i}` } : {}),
        ...(correlated && kind === 'branch' && tests !== null ? { settles: both } : {}),
        ...(correlated && forgets !== null ? { forgets: ways.map((_, way) => (way === slot % ways.length ? [forgets] : [])) } : {}),
      };
    }),
  ]);
}

/** An edge of a path. */
export interface Edge {
  from: number;
  slot: number;
  to: number;
}

/** Calls back for each path from the node, up to a length, with its edges; a path is not continued where the callback gives false. */
export function eachPath(flow: readonly FlowNode[], start: number, longest: number, visit: (path: readonly Edge[], at: number) => boolean): void {
  const path: Edge[] = [];
  const from = (at: number): void => {
    if (!visit(path, at) || path.length >= longest) return;
    for (const [slot, to] of (flow[at]?.next ?? []).entries()) {
      path.push({ from: at, slot, to });
      from(to);
      path.pop();
    }
  };
  from(start);
}

/** Whether some run takes the path: no condition comes out in two ways without having been made undecided between. */
export function isFeasible(flow: readonly FlowNode[], path: readonly Edge[]): boolean {
  const known = new Map<number, boolean>();
  for (const { from, slot } of path) {
    const node = flow[from];
    if (node?.kind === 'gap') known.clear();
    else
      for (const [condition, holds] of node?.settles?.[slot] ?? []) {
        if (known.get(condition) === !holds) return false;
        known.set(condition, holds);
      }
    for (const condition of node?.kind === 'gap' ? [] : (node?.forgets?.[slot] ?? [])) known.delete(condition);
  }
  return true;
}

/** The edges between the nodes of a path; the first that leads from one to the next. */
export function edgesOf(flow: readonly FlowNode[], nodes: readonly number[]): Edge[][] {
  let paths: Edge[][] = [[]];
  for (const [i, to] of nodes.slice(1).entries()) {
    const from = nodes[i] ?? 0;
    const slots = (flow[from]?.next ?? []).flatMap((next, slot) => (next === to ? [slot] : []));
    paths = paths.flatMap(path => slots.map(slot => [...path, { from, slot, to }]));
  }
  return paths;
}
