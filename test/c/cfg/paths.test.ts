import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GIVE_UP, nodesOf, search } from '../../../src/c/cfg/paths.ts';
import { eachPath, edgesOf, graph, isFeasible } from './graphs.ts';

const LONGEST = 9;

test('the search visits what some run visits, and each path that it gives is taken by a run', () => {
  fc.assert(
    fc.property(graph({ correlated: true, gaps: true }), flow => {
      const visited = new Set<string>();
      eachPath(flow, 0, LONGEST, (path, at) => {
        if (!isFeasible(flow, path)) return false;
        const steps = path.filter(edge => flow[edge.from]?.kind === 'step').length % 2;
        visited.add(`${at} ${steps}`);
        return true;
      });
      const found = new Map<string, number[]>();
      const { exhausted } = search<number>(flow, {
        starts: [{ node: 0, state: 0 }],
        at: (state, at, node, path) => {
          found.set(`${at} ${state}`, nodesOf(path));
          return node.kind === 'step' ? 1 - state : state;
        },
      });
      expect(exhausted).toBe(false);
      expect([...visited].filter(key => !found.has(key))).toEqual([]);
      for (const nodes of found.values()) expect(edgesOf(flow, nodes).some(path => isFeasible(flow, path))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('a search that needs more steps than its budget, or whose client gives up, is exhausted', () => {
  const flow = [0, 1, 2].map(i => ({ event: null, next: i < 2 ? [i + 1] : [], kind: 'step' as const, line: i }));
  const it = { starts: [{ node: 0, state: 0 }], at: (state: number) => state };
  expect(search(flow, it)).toMatchObject({ exhausted: false, ends: [{ node: 2 }] });
  expect(search(flow, { ...it, budget: 1 }).exhausted).toBe(true);
  expect(search(flow, { ...it, at: (state, at) => (at === 1 ? GIVE_UP : state) }).exhausted).toBe(true);
});

test('a state that may go on as several is followed as each of them', () => {
  const flow = [0, 1].map(i => ({ event: null, next: i < 1 ? [i + 1] : [], kind: 'step' as const, line: i }));
  const { ends } = search<string>(flow, { starts: [{ node: 0, state: 'a' }], at: state => state, along: () => ['b', 'c'] });
  expect(ends.map(end => end.state)).toEqual(['c', 'b']);
});
