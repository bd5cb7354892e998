/** All that one run of a function does, with that of the functions in view that it calls, and what of it comes before what. */
import { calleeOf } from '../../../c/calls/callees.ts';
import { comesBefore } from '../../../c/cfg/flow.ts';
import type { CFunction, Event } from '../../../model/code.ts';
import type { World } from '../../../model/rule.ts';
import { releaseOf, type Site } from '../deferred.ts';

/** An event of a run, with the calls by which the run comes to it. */
export interface Step {
  /** The calls from the function itself on, and the event last. */
  trail: readonly Site[];
  fn: CFunction;
  event: Event;
}

/** Calls are followed so far down. */
const DEEPEST = 4;
/** A run of more steps is not looked at whole. */
const MOST_STEPS = 4000;

const known = new WeakMap<CFunction, readonly Step[]>();

/** The steps of the function; what small helpers do stands in their callers already. */
export function stepsOf(fn: CFunction, world: World): readonly Step[] {
  const before = known.get(fn);
  if (before) return before;
  const found: Step[] = [];
  const open = new Set<CFunction>();
  const visit = (at: CFunction, trail: readonly Site[]) => {
    open.add(at);
    for (const event of at.events) {
      if (found.length >= MOST_STEPS) break;
      const here = [...trail, { fn: at, event }];
      if (event.kind !== 'expanded') found.push({ trail: here, fn: at, event });
      if (event.kind !== 'call' || trail.length >= DEEPEST) continue;
      const callee = calleeOf(at, event, world.functions) ?? releaseOf(at, event, world.functions);
      if (callee && !open.has(callee) && !callee.broken) visit(callee, here);
    }
    open.delete(at);
  };
  visit(fn, []);
  known.set(fn, found);
  return found;
}

/** Can the first step run before the second in one run, in the same round of the loops around both? */
export function mayPrecede(a: Step, b: Step): boolean {
  for (const [i, site] of a.trail.entries()) {
    const other = b.trail[i];
    if (!other) return false;
    if (site.event === other.event && site.fn === other.fn) continue;
    return site.fn === other.fn && comesBefore(site.fn, site.event, other.event);
  }
  return false;
}
