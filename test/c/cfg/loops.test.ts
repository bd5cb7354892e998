import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeDominates } from '../../../src/c/cfg/dominance.ts';
import { comesBefore, reachesWithout } from '../../../src/c/cfg/flow.ts';
import { naturalLoops } from '../../../src/c/cfg/loops.ts';
import { cheapestPath } from '../../../src/c/cfg/paths.ts';
import type { CFunction, Event, FlowNode } from '../../../src/model/code.ts';
import { eachPath, graph } from './graphs.ts';

const LONGEST = 7;
const plain = graph({ correlated: false, gaps: false });

/** The nodes of all paths from the entry. */
function reached(flow: readonly FlowNode[]): Set<number> {
  const found = new Set<number>();
  eachPath(flow, 0, LONGEST, (_, at) => Boolean(found.add(at)));
  return found;
}

/** As much of a function as questions about its graph look at. */
function functionOf(flow: FlowNode[]): CFunction {
  return { flow } as unknown as CFunction;
}

const eventAt = (node: number): Event => ({ node }) as unknown as Event;

test('a natural loop holds its head and what leads back to it under the head alone', () => {
  fc.assert(
    fc.property(plain, flow => {
      const alive = reached(flow);
      const expected = [...alive].flatMap(head => {
        const nodes = new Set<number>();
        eachPath(flow, head, 2 * LONGEST, (path, at) => {
          if (at === head && path.length > 0) for (const { from } of path) nodes.add(from);
          return (at !== head || path.length === 0) && nodeDominates(flow, head, at);
        });
        return nodes.size > 0 ? [{ head, nodes: [...nodes].sort() }] : [];
      });
      const found = naturalLoops(flow).map(({ head, nodes }) => ({ head, nodes: [...nodes].sort() }));
      expect(found.sort((a, b) => a.head - b.head)).toEqual(expected.sort((a, b) => a.head - b.head));
    }),
    { numRuns: 300 },
  );
});

test('what comes before what is a path past no head of a loop around both', () => {
  fc.assert(
    fc.property(plain, flow => {
      const loops = naturalLoops(flow);
      for (const a of reached(flow))
        for (const b of flow.keys()) {
          if (a === b) continue;
          const heads = loops.flatMap(({ head, nodes }) => (nodes.has(a) && nodes.has(b) ? [head] : []));
          let leads = false;
          eachPath(flow, a, LONGEST, (path, at) => {
            if (path.length > 0 && heads.includes(at)) return false;
            leads ||= at === b;
            return true;
          });
          // Where two edges enter a cycle it has no head: what the other always runs after comes first in it.
          expect([a, b, comesBefore(functionOf(flow), eventAt(a), eventAt(b))]).toEqual([a, b, leads && !nodeDominates(flow, b, a)]);
        }
    }),
    { numRuns: 200 },
  );
});

test('a path that leaves a node out, and the cheapest path, are found where there are such', () => {
  fc.assert(
    fc.property(
      plain,
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 8, maxLength: 8 }),
      (flow, avoid, prices) => {
        for (const to of flow.keys()) {
          let [leads, least] = [false, Number.POSITIVE_INFINITY];
          eachPath(flow, 0, LONGEST, (path, at) => {
            if (at !== to) return true;
            if (path.every(edge => edge.from !== avoid)) leads = true;
            least = Math.min(
              least,
              path.reduce((sum, edge) => sum + (prices[edge.to] ?? 0), 0),
            );
            return false;
          });
          expect([to, reachesWithout(functionOf(flow), 0, to, at => at === avoid)]).toEqual([to, leads]);
          const path = cheapestPath(flow, 0, to, node => prices[node] ?? 0);
          expect(path ? path.slice(1).reduce((sum, node) => sum + (prices[node] ?? 0), 0) : Number.POSITIVE_INFINITY).toBe(least);
        }
      },
    ),
    { numRuns: 200 },
  );
});
