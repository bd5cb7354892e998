import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeDominates, nodePostDominates } from '../../../src/c/cfg/dominance.ts';
import type { FlowNode } from '../../../src/model/code.ts';
import { eachPath, graph } from './graphs.ts';

/** Long enough for every path without a repeated node. */
const LONGEST = 7;

/** A gap may jump to any label. */
function withJumps(flow: FlowNode[]): FlowNode[] {
  const labels = flow.flatMap((node, i) => (node.label === undefined ? [] : [i]));
  return flow.map(node => (node.kind === 'gap' ? { ...node, next: [...node.next, ...labels] } : node));
}

test('a node dominates another where no path from the entry avoids it', () => {
  fc.assert(
    fc.property(graph({ correlated: false, gaps: true }), flow => {
      for (const a of flow.keys()) {
        const avoiding = new Set<number>();
        eachPath(withJumps(flow), 0, LONGEST, (_, at) => {
          if (at === a) return false;
          avoiding.add(at);
          return true;
        });
        for (const b of flow.keys()) expect([a, b, nodeDominates(flow, a, b)]).toEqual([a, b, !avoiding.has(b)]);
      }
    }),
    { numRuns: 300 },
  );
});

test('a node post-dominates another where no path to an end avoids it; a gap is an end, and an exit that stops is none', () => {
  fc.assert(
    fc.property(graph({ correlated: false, gaps: true }), flow => {
      for (const a of flow.keys())
        for (const b of flow.keys()) {
          let avoided = false;
          eachPath(withJumps(flow), a, LONGEST, (_, at) => {
            if (at === b) return false;
            const node = flow[at];
            if (node?.kind === 'gap' || (node?.kind === 'exit' && !node.stops)) avoided = true;
            return true;
          });
          expect([a, b, nodePostDominates(flow, b, a)]).toEqual([a, b, !avoided]);
        }
    }),
    { numRuns: 300 },
  );
});
