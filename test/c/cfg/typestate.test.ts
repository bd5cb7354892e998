import fc from 'fast-check';
import { expect, test } from 'vitest';
import { either, may, only, type Protocol, type Row, solve, statesOf, surely, witness } from '../../../src/c/cfg/typestate.ts';
import type { FlowNode } from '../../../src/model/code.ts';
import { type Edge, eachPath, edgesOf, graph, isFeasible } from './graphs.ts';

const LONGEST = 9;
const [FREE, HELD, TRIED] = [0, 1, 2];

/** What steps do to the two instances: a row for each, or nothing. */
type Rows = readonly (readonly [Row, Row] | null)[];

const row = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }));
const rows: fc.Arbitrary<Rows> = fc.array(fc.option(fc.tuple(row, row), { nil: null }), { minLength: 8, maxLength: 8 });

function protocolOf(events: Rows, edges: Rows): Protocol {
  const moves = (of: readonly [Row, Row] | null | undefined) => of?.map((to, instance) => ({ instance, to })) ?? null;
  return {
    instances: 2,
    states: 3,
    entry: instance => (instance === 0 ? only(FREE) : either(FREE, HELD)),
    event: node => moves(events[node.event ?? 0]),
    edge: (node, slot) => (node.kind === 'branch' && slot === 0 ? moves(edges[node.line]) : null),
    gap: () => [only(FREE), either(FREE, HELD), only(TRIED)],
  };
}

/** The states of an instance at the end of a path, state by state. */
function replay(flow: readonly FlowNode[], path: readonly Edge[], protocol: Protocol, instance: number): Set<number> {
  let states = new Set(statesOf(protocol.entry(instance)));
  const before = { sets: [], decided: new Map(), on: null };
  const step = (to: Row | undefined) => {
    if (to) states = new Set([...states].flatMap(state => statesOf(to[state] ?? 0)));
  };
  for (const { from, slot } of path) {
    const node = flow[from];
    if (!node) continue;
    if (node.event !== null) step(protocol.event(node, from, before)?.[instance]?.to);
    if (node.kind === 'gap') step(protocol.gap?.(instance));
    step(protocol.edge?.(node, slot, before, from)?.[instance]?.to);
  }
  return states;
}

const shapes = [
  { correlated: false, gaps: true },
  { correlated: true, gaps: true },
];

test.each(shapes)('each state that some run ends in is one that may be, and what is sure holds on each run (%o)', shape => {
  fc.assert(
    fc.property(graph(shape), rows, rows, (flow, events, edges) => {
      const protocol = protocolOf(events, edges);
      const solution = solve(flow, protocol);
      expect(solution.solved).toBe(true);
      const missed: number[][] = [];
      eachPath(flow, 0, LONGEST, (path, at) => {
        if (!isFeasible(flow, path)) return false;
        const states = [0, 1].map(instance => [...replay(flow, path, protocol, instance)]);
        if (states.some(s => s.length === 0)) return false;
        for (const [instance, set] of states.entries())
          for (const state of set)
            if (!may(solution.at(at), instance, only(state)) || surely(solution.at(at), instance, 7 & ~only(state)))
              missed.push([at, instance, state]);
        return true;
      });
      expect(missed).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('without repeated conditions each state that may be is shown by a path', () => {
  fc.assert(
    fc.property(graph({ correlated: false, gaps: true }), rows, (flow, events) => {
      // Rows that leave each instance a state: else what one instance cannot do is a reason for the other.
      const total = events.map(pair => pair && ([pair[0].map(set => set || 1), pair[1].map(set => set || 1)] as const));
      const protocol = protocolOf(total, []);
      const solution = solve(flow, protocol);
      for (const at of flow.keys())
        for (const instance of [0, 1])
          for (const state of statesOf(solution.at(at)?.sets[instance] ?? 0)) {
            const nodes = witness(flow, protocol, solution, instance, at, only(state));
            expect(nodes?.at(-1)).toBe(at);
            expect(edgesOf(flow, nodes ?? []).some(path => replay(flow, path, protocol, instance).has(state))).toBe(true);
          }
    }),
    { numRuns: 300 },
  );
});

const node = (kind: FlowNode['kind'], next: number[], more: Partial<FlowNode> = {}): FlowNode => ({ event: null, next, kind, line: 0, ...more });
const test1 = (next: number[]): FlowNode => node('branch', next, { settles: [[[1, true]], [[1, false]]] });

/** One lock: an event's number is what it does. */
const LOCK = 1;
const UNLOCK = 2;
const lock: Protocol = {
  instances: 1,
  states: 2,
  entry: () => only(FREE),
  event: ({ event }) => [{ instance: 0, to: event === LOCK ? [only(HELD), only(HELD)] : event === UNLOCK ? [only(FREE), only(FREE)] : [1, 2] }],
  gap: () => [only(FREE), either(FREE, HELD)],
};

test('a lock taken under a condition is surely held where the condition is tested again, and free after its release there', () => {
  const flow = [
    node('entry', [1]),
    test1([2, 3]),
    node('step', [3], { event: LOCK }),
    node('join', [4]),
    test1([5, 6]),
    node('step', [6], { event: UNLOCK }),
    node('exit', []),
  ];
  const { at } = solve(flow, lock);
  expect(surely(at(5), 0, only(HELD))).toBe(true);
  expect([may(at(4), 0, only(HELD)), may(at(4), 0, only(FREE))]).toEqual([true, true]);
  expect(surely(at(6), 0, only(FREE))).toBe(true);
});

test('a condition whose local is set in between is decided anew', () => {
  const flow = [
    node('entry', [1]),
    test1([2, 3]),
    node('step', [3], { event: LOCK }),
    node('join', [4], { forgets: [[1]] }),
    test1([5, 6]),
    node('step', [6], { event: UNLOCK }),
    node('exit', []),
  ];
  const solution = solve(flow, lock);
  expect(surely(solution.at(5), 0, only(HELD))).toBe(false);
  expect(witness(flow, lock, solution, 0, 6, only(HELD))).toEqual([0, 1, 2, 3, 4, 6]);
});

test('code that only a contradiction leads to is taken to run', () => {
  const flow = [node('entry', [1]), test1([2, 4]), test1([4, 3]), node('step', [4], { event: LOCK }), node('exit', [])];
  const { at } = solve(flow, lock);
  expect(at(3)).not.toBeNull();
  expect(may(at(4), 0, only(HELD))).toBe(true);
});

test('a try is settled by the edges of the branch that tests its result', () => {
  const flow = [node('entry', [1]), node('step', [2], { event: LOCK }), node('branch', [3, 4]), node('exit', []), node('exit', [])];
  const trying: Protocol = {
    ...lock,
    states: 3,
    event: ({ event }) => (event === LOCK ? [{ instance: 0, to: [only(TRIED), only(HELD), only(TRIED)] }] : null),
    edge: ({ kind }, slot) => (kind === 'branch' ? [{ instance: 0, to: [only(FREE), only(HELD), slot === 0 ? only(HELD) : only(FREE)] }] : null),
  };
  const { at, after } = solve(flow, trying);
  expect([surely(at(3), 0, only(HELD)), surely(at(4), 0, only(FREE))]).toEqual([true, true]);
  expect(surely(after(2, 0), 0, only(HELD))).toBe(true);
});

test('after a gap nothing is sure that it may change, and anything may be where the client says nothing of gaps', () => {
  const flow = [node('entry', [1]), node('step', [2], { event: LOCK }), node('gap', [3]), node('exit', [])];
  expect(surely(solve(flow, lock).at(3), 0, only(HELD))).toBe(false);
  const { gap: _, ...silent } = lock;
  expect(solve(flow, silent).at(3)?.sets).toEqual([3]);
});

test('a flow that does not settle within the budget leaves nothing sure, and any state possible that was seen anywhere', () => {
  const flow = [node('entry', [1]), node('step', [2], { event: LOCK }), node('branch', [1, 3]), node('exit', [])];
  expect(surely(solve(flow, lock).at(3), 0, only(HELD))).toBe(true);
  const { solved, at } = solve(flow, lock, 3);
  expect(solved).toBe(false);
  expect([surely(at(3), 0, only(HELD)), may(at(3), 0, only(HELD)), may(at(2), 0, only(FREE))]).toEqual([false, true, true]);
});
