/** What stands nearest to an event on each way from it, and what orders the stretch between two events. */
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { nodesAfter, nodesBefore } from './flow.ts';
import { byPlace, walk } from './order.ts';

/** What a walk from an event comes to first. */
export interface Near {
  /** On each way the first event that stops the walk, in the order of the text. */
  events: Event[];
  /** Some way comes to the function's own end (or entry) first. */
  ends: boolean;
  /** Some way comes first to what is not shown. */
  gap: boolean;
}

/** The first event that stops the walk on each way after the event, or before it. */
export function nearest(fn: CFunction, from: Event, way: 'before' | 'after', stops: (event: Event) => boolean): Near {
  const near: Near = { events: [], ends: false, gap: false };
  const back = way === 'before';
  const visit = (at: number, node: FlowNode) => {
    if (node.kind === 'gap') {
      near.gap = true;
      return false;
    }
    const event = node.event === null || at === from.node ? undefined : fn.events[node.event];
    // An expanded call does nothing besides what follows it.
    if (event && event.kind !== 'expanded' && stops(event)) {
      near.events.push(event);
      return false;
    }
    // Nobody runs after a stop.
    if ((back ? at === 0 : node.next.length === 0) && !node.stops) {
      if (fn.whole) near.ends = true;
      else near.gap = true;
    }
    return true;
  };
  walk(fn.flow, [from.node], visit, back ? 'backwards' : 'forwards');
  near.events.sort(byPlace);
  return near;
}

/** Does the event order what stands before it against what comes after it: everything (`full`), stores, or loads? */
export function ordersAll(event: Event): boolean {
  return event.ordering === 'full' && event.kind !== 'call';
}

/** A fence that keeps the stores before it before those after it. A release elsewhere does not: later stores may pass it. */
export function ordersStores(event: Event): boolean {
  return ordersAll(event) || event.ordering === 'wmb' || event.ordering === 'before-atomic' || event.ordering === 'after-atomic';
}

/** A fence that keeps the loads before it before those after it. An acquire elsewhere does not: earlier loads may pass it. */
export function ordersLoads(event: Event): boolean {
  return ordersAll(event) || event.ordering === 'rmb' || event.ordering === 'before-atomic' || event.ordering === 'after-atomic';
}

/** Is there on some way from one event to the other an event of this kind, or one of which nothing is known? */
export function passes(fn: CFunction, a: Event, b: Event, wanted: (event: Event) => boolean): boolean {
  const [ahead, behind] = [nodesAfter(fn, a.node), nodesBefore(fn, b.node)];
  return fn.events.some(e => e !== a && e !== b && e.kind !== 'expanded' && ahead.has(e.node) && behind.has(e.node) && wanted(e));
}

/** The pieces of one statement: the pointers of `set_bit(n, p->map->bits)` are read before it, and not what stands next to a fence. */
export function sameStatement(a: Event, b: Event): boolean {
  // Of one helper's events its own lines tell.
  if (a.via && b.via && a.via.call === b.via.call) return a.via.path === b.via.path && a.via.line === b.via.line;
  return a.path === b.path && a.line <= b.endLine && b.line <= a.endLine;
}

/** Are the two cells, in this function, parts of one object? */
export function ofOneObject(a: Event, b: Event): boolean {
  return a.cell !== null && b.cell !== null && a.cell.base !== null && a.cell.base === b.cell.base && a.cell.type === b.cell.type;
}
