/** Functions that update both cells of a tied pair. */

import { alwaysFollowed, conditionOn, dominates, nodesAfter } from '../../c/cfg/flow.ts';
import { cellKey } from '../../c/lower/cells.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { Use, World } from '../../model/rule.ts';
import { isOwn, isTest, runsAlone } from '../entry/phase.ts';
import { madeOf } from '../lifetimes/lifetime.ts';
import { indexOf, isUpdate } from './ties.ts';

/** One path of a function through its two updates, in their order. */
export interface PairUpdate {
  fn: CFunction;
  events: [Event, Event];
}

/** Is the new value made of the old one by hand, in two steps? Who writes so presumes a lock for each half alone, whether it is in view or not. */
function isByHand(fn: CFunction, { kind, cell, argSources }: Event): boolean {
  if (kind !== 'write' || cell === null) return false;
  const key = cellKey(cell);
  return madeOf(fn, argSources.flat()).some(e => e.kind === 'read' && e.cell !== null && cellKey(e.cell) === key);
}

/**
 * The updates of both cells among the uses of a pair, one a path: two arms of one `if` are two. Left out are functions that run alone or
 * are tests, objects that no other CPU works on, and functions in which the second update does not always follow the first.
 */
export function pairUpdates(uses: Use[], world: World): PairUpdate[] {
  const functions = [...new Set(uses.map(u => u.fn))].filter(fn => !runsAlone(fn, world) && !isTest(fn));
  return functions.flatMap(fn => {
    const own = uses.filter(u => u.fn === fn && isUpdate(u.event) && !isOwn(fn, u.event) && !isByHand(fn, u.event));
    const taken = new Set<Event>();
    return own.flatMap((first): PairUpdate[] => {
      const second = own.find(u => u.side !== first.side && sameElement(first.event, u.event) && follows(fn, first.event, u.event));
      if (!second || taken.has(first.event)) return [];
      taken.add(second.event);
      return [{ fn, events: [first.event, second.event] }];
    });
  });
}

function sameElement(a: Event, b: Event): boolean {
  return indexOf(a) === indexOf(b) && a.cell?.base === b.cell?.base;
}

/** The second comes after the first whenever the first is done, at most under a condition on the first's own result. */
function follows(fn: CFunction, a: Event, b: Event): boolean {
  return nodesAfter(fn, a.node).has(b.node) && dominates(fn, a, b) && alwaysFollowed(fn, a, b) && conditionOn(fn, a, b) !== 'unknown';
}
