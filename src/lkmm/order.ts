/** An allowed execution told in time: one order of its events where there is one, and what ran before its turn where there is none. */
import type { Execution } from './executions.ts';
import { IS, type PathEvent } from './paths.ts';
import type { Relation } from './relations.ts';

/** The weakest machine on which an execution shows: one with one memory and no reordering, one with store buffers (x86), or a weaker one. */
export type Strength = 'sc' | 'tso' | 'weak';

/** Events in the order in which they take effect, and pairs of one thread of which the second takes effect first. */
export interface Schedule {
  order: PathEvent[];
  reordered: [PathEvent, PathEvent][];
}

/** On which machine the execution shows. */
export function strengthOf(execution: Execution): Strength {
  const { skeleton: s, chosen, derived } = execution;
  const a = s.algebra;
  const com = a.union(chosen.rf, chosen.co, derived.fr);
  if (a.acyclic(a.union(s.po, com))) return 'sc';
  // x86-TSO: a store may be delayed past later loads of its own CPU; locked operations and full fences wait for it.
  const kept = a.between(
    s.memory,
    a.pairs((i, j) => a.has(s.po, i, j) && !delayed(execution, i, j)),
    s.memory,
  );
  return a.acyclic(a.union(kept, derived.rfe, chosen.co, derived.fr)) ? 'tso' : 'weak';
}

function delayed({ skeleton: s }: Execution, i: number, j: number): boolean {
  const write = s.events[i] as PathEvent;
  const read = s.events[j] as PathEvent;
  const locked = IS.rmw | IS.lockWrite | IS.lockRead;
  if ((write.is & IS.write) === 0 || (read.is & IS.read) === 0 || (write.is & locked) !== 0 || (read.is & locked) !== 0) return false;
  return !s.events.slice(i + 1, j).some(e => e.thread === write.thread && (e.fence === 'mb' || e.fence === 'sync-rcu' || (e.is & locked) !== 0));
}

/**
 * One order of the execution's events that each read and write agrees with, with few changes of thread; null where the execution has none,
 * since a store reached one CPU before another.
 */
export function scheduleOf(execution: Execution): Schedule | null {
  const { skeleton: s, chosen, derived } = execution;
  const a = s.algebra;
  const com = a.union(chosen.rf, chosen.co, derived.fr);
  const straight = a.union(s.po, com);
  if (a.acyclic(straight)) return { order: inOrder(execution, straight), reordered: [] };
  const poLoc = a.and(s.po, a.pairs(chosen.sameLocation));
  const dependencies = a.union(derived.address, a.between(null, a.union(s.data, s.control), s.writes));
  const kept = a.union(derived.fence, poLoc, s.rmw, dependencies, a.and(derived.hb, s.int));
  const loose = a.union(kept, com);
  if (!a.acyclic(loose)) return null;
  const order = inOrder(execution, loose);
  const at = new Map(order.map((e, i) => [e, i]));
  const accesses = order.filter(e => (e.is & (IS.read | IS.write)) !== 0);
  const reordered: [PathEvent, PathEvent][] = [];
  for (const first of accesses) {
    for (const second of accesses) {
      if (!a.has(s.po, first.id, second.id) || (at.get(second) ?? 0) > (at.get(first) ?? 0)) continue;
      reordered.push([first, second]);
    }
  }
  return { order, reordered };
}

/** A topological order that stays with a thread, and with program order, as long as it can. Initial writes are left out. */
function inOrder({ skeleton: s }: Execution, before: Relation): PathEvent[] {
  const a = s.algebra;
  const starts = [...new Set(s.events.filter(e => e.thread >= 0).map(e => e.thread))];
  let best: PathEvent[] = [];
  let fewest = Number.POSITIVE_INFINITY;
  for (const start of starts) {
    const left = s.events.filter(e => e.thread >= 0);
    const order: PathEvent[] = [];
    let thread = start;
    let cost = 0;
    while (left.length > 0) {
      const ready = left.filter(e => !left.some(o => o !== e && a.has(before, o.id, e.id)));
      const own = ready.filter(e => e.thread === thread);
      // What comes first in its own thread is taken first; what jumps ahead of its turn only where nothing else is left.
      const early = (e: PathEvent) => left.filter(o => o.thread === e.thread && o.id < e.id).length;
      const pick = [...(own.some(e => early(e) === 0) ? own : ready)].sort((x, y) => early(x) - early(y) || x.id - y.id)[0] as PathEvent;
      if (pick.thread !== thread) cost += 1;
      cost += 100 * Math.min(1, early(pick));
      thread = pick.thread;
      order.push(pick);
      left.splice(left.indexOf(pick), 1);
    }
    if (cost < fewest) {
      fewest = cost;
      best = order;
    }
  }
  return best;
}
