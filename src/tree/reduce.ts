/** A graph without the nodes on which nothing happens that matters. */
import type { RecordStep } from './record.ts';

/** The same runs by fewer nodes. What can't be reached from the entry is left out. */
export function reduced(steps: readonly RecordStep[]): RecordStep[] {
  // Tests only matter of arguments, and of calls that are kept.
  const kept = steps.map((s, i) => i === 0 || s.acts !== undefined || s.call !== undefined || s.exit !== undefined);
  const isTest = (s: RecordStep) => s.test !== undefined && (s.test.of !== 'call' || kept[s.test.node] === true);
  const matters = steps.map((s, i) => kept[i] === true || isTest(s));
  const onwards = new Map<number, number[]>();
  /** The nodes that matter which the way from a node leads to first. */
  const from = (start: number): number[] => {
    const known = onwards.get(start);
    if (known) return known;
    const found = new Set<number>();
    const seen = new Set<number>([start]);
    for (const at of seen) {
      if (matters[at]) {
        found.add(at);
        continue;
      }
      for (const next of steps[at]?.next ?? []) seen.add(next);
    }
    const list = [...found].sort((a, b) => a - b);
    onwards.set(start, list);
    return list;
  };
  /** Nodes in a new order; where one way of a test leads to several, they share a fork. */
  const made: RecordStep[] = [];
  const numbers = new Map<number, number>();
  const work: number[] = [];
  const numberOf = (at: number): number => {
    const known = numbers.get(at);
    if (known !== undefined) return known;
    numbers.set(at, made.length);
    made.push({ next: [] });
    work.push(at);
    return made.length - 1;
  };
  const forks = new Map<string, number>();
  numberOf(0);
  for (let done = 0; done < work.length; done++) {
    const at = work[done] ?? 0;
    const step = steps[at];
    const to = made[numbers.get(at) ?? 0];
    if (!step || !to) continue;
    if (step.acts) to.acts = step.acts;
    if (step.call) to.call = step.call;
    if (step.exit) to.exit = step.exit;
    if (isTest(step) && step.next.length === 2) {
      const ways = step.next.map(n => from(n));
      if (String(ways[0]) !== String(ways[1])) {
        to.next = ways.map(list => {
          if (list.length === 1) return numberOf(list[0] ?? 0);
          const key = String(list);
          let fork = forks.get(key);
          if (fork === undefined) {
            fork = made.length;
            forks.set(key, fork);
            made.push({ next: [] });
            const holder = made[fork];
            if (holder) holder.next = list.map(numberOf);
          }
          return fork;
        });
        if (step.test) to.test = step.test;
        continue;
      }
    }
    to.next = [...new Set(step.next.flatMap(n => from(n)))].map(numberOf);
  }
  return made.map(s => {
    const step = { ...s };
    if (step.test?.of === 'call') {
      const node = numbers.get(step.test.node);
      if (node === undefined) delete step.test;
      else step.test = { ...step.test, node };
    }
    if (step.exit?.call !== undefined) {
      const call = numbers.get(step.exit.call);
      const { call: _, negated, ...rest } = step.exit;
      step.exit = call === undefined ? rest : { ...rest, call, ...(negated ? { negated } : {}) };
    }
    return step;
  });
}
