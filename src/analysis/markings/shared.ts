/** What in view says that a cell is shared: that another CPU may touch it while a function does. */

import { called } from '../../c/calls/callees.ts';
import { nearest } from '../../c/cfg/nearest.ts';
import { cellKey } from '../../c/lower/cells.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { SharedEvidence } from '../../model/rule.ts';
import { objectType, type Section, sectionText } from '../../model/section.ts';
import { isTest } from '../entry/phase.ts';

/**
 * For each cell key the evidence that the cell is shared, ordered by place, one of a kind a line. What runs at initialisation or removal, what
 * works on an object that nobody else knows, and tests are no evidence; nor is a lock that belongs to another object than the cell.
 */
export function sharedIn(functions: readonly CFunction[]): Map<string, SharedEvidence[]> {
  const found = new Map<string, Map<string, SharedEvidence>>();
  const add = (event: Event, kind: SharedEvidence['kind'], text: string) => {
    if (!event.cell) return;
    const key = cellKey(event.cell);
    const known = found.get(key) ?? new Map<string, SharedEvidence>();
    found.set(key, known);
    const { path, line, side } = event;
    const place = `${kind}|${side}|${path}|${line}`;
    if (!known.has(place)) known.set(place, { kind, path, line, side, text });
  };
  for (const fn of functions) {
    if (isTest(fn)) continue;
    for (const event of fn.events) {
      if (event.kind === 'fence' && ORDERS.has(event.ordering ?? 'none')) {
        for (const near of beside(fn, event)) if (counts(near)) add(near, 'barrier', `${called(event)}() stands beside it in ${fn.name}()`);
        continue;
      }
      if (!counts(event)) continue;
      const kind = kindOf(event);
      if (kind) add(event, kind, `${called(event)}() in ${fn.name}()`);
      const lock = event.locks.find(held => guards(held, event));
      if (lock !== undefined) add(event, 'lock', `under ${sectionText(lock)} in ${fn.name}()`);
    }
  }
  return new Map([...found].map(([key, evidence]) => [key, [...evidence.values()].sort(byPlace)]));
}

/** Fences between CPUs. */
const ORDERS = new Set(['full', 'rmb', 'wmb', 'before-atomic', 'after-atomic']);

/** May the event speak for its cell? */
function counts(event: Event): boolean {
  return (
    event.cell !== null &&
    event.object === undefined &&
    !event.uncertain &&
    !event.phase.includes('init') &&
    !event.phase.includes('exit') &&
    (event.kind === 'read' || event.kind === 'write' || event.kind === 'rmw' || event.kind === 'publish')
  );
}

function kindOf(event: Event): SharedEvidence['kind'] | null {
  if (event.api === 'data_race') return 'data-race';
  if (event.kind === 'publish' || event.ordering === 'address' || /^(?:rcu|srcu|rtnl)_|_rcu$|^RCU_/.test(event.api)) return 'rcu';
  // Accesses to this CPU's copy, to user memory or to a static key have no order of their own: others are not there, or do not race.
  if (!event.atomic || event.ordering === 'plain' || event.ordering === 'none') return null;
  if (event.kind === 'rmw') return 'atomic';
  return /^(?:atomic(?:64|_long)?|refcount|kref|page_ref|percpu_ref)_/.test(event.api) ? 'atomic' : 'marked';
}

/** A lock of the cell's own object, or a global one; a name of the function alone names none. */
function guards(lock: Section, event: Event): boolean {
  const type = objectType(lock);
  return type === null ? /^\w+$/.test(lock.object ?? '') : type === event.cell?.type || type === event.cell?.within?.type;
}

/** The accesses next to a fence on each path, before and after it; past calls of which something is known. */
function beside(fn: CFunction, fence: Event): Event[] {
  const stops = (e: Event) => e.kind !== 'call' || e.opaque;
  return (['before', 'after'] as const).flatMap(way => nearest(fn, fence, way, stops).events.filter(e => e.cell && e.kind !== 'call'));
}

function byPlace(a: SharedEvidence, b: SharedEvidence): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0);
}
