/** What an object puts off: its work items, timers and tasklets, by where one file sets them up, queues them, and waits for them. */

import { calleeOf, standsHere } from '../../c/calls/callees.ts';
import { conditionOn } from '../../c/cfg/flow.ts';
import { cellKey } from '../../c/lower/cells.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';

/** A place in a function. */
export interface Site {
  fn: CFunction;
  event: Event;
}

/** A work item, timer or tasklet that is a part of an object. */
export interface Deferred {
  kind: 'work' | 'timer' | 'tasklet';
  /** A timer stands before the queue. */
  delayed: boolean;
  /** The type of the object that it is set up in; null where it is a global, or a part of one. */
  type: string | null;
  /** Its member path in that object, and the last name of it, by which other functions of the file are matched. */
  path: string;
  name: string;
  setUp: Site;
  /** What it runs, where that is a function of the file. */
  handler: CFunction | null;
  /** Where it is queued or armed. */
  queued: Site[];
  /** Where its handler is waited for, by its own name or by a pointer that may be to it. */
  waited: Site[];
  /** Where the queue is drained that it goes to. Work whose delay has not passed is not on it. */
  drained: Site[];
  /** Where it is only taken off the queue, or waited for only if it is on it: a handler that runs goes on. */
  takenOff: Site[];
  /** Calls out of view that its address goes to: they may queue it, or wait for it. */
  handedOut: Site[];
}

const SETS_UP =
  /^(?:INIT_(?:DELAYED_|DEFERRABLE_)?WORK|timer_setup|hrtimer_(?:init|setup)|tasklet_(?:setup|init)|kthread_init_(?:delayed_)?work|init_irq_work)$/;
const QUEUES =
  /^(?:(?:schedule|queue)_(?:delayed_)?work(?:_on|_node)?|mod_delayed_work(?:_on)?|add_timer(?:_on)?|mod_timer(?:_pending)?|timer_reduce|hrtimer_(?:start|start_range_ns|start_expires|restart)|tasklet_(?:hi_)?schedule|kthread_(?:queue|mod_delayed|queue_delayed)_work|irq_work_queue(?:_on)?)$/;
const WAITS =
  /^(?:flush_(?:delayed_)?work|(?:cancel|disable)_(?:delayed_)?work_sync|(?:timer_delete|del_timer|timer_shutdown|del_singleshot_timer)_sync|try_to_del_timer_sync|timer_delete_sync_try|hrtimer_(?:try_to_)?cancel|tasklet_(?:kill|disable|unlock_wait)|kthread_(?:cancel_(?:delayed_)?work_sync|flush_work)|irq_work_sync)$/;
const TAKES_OFF = /^(?:cancel_(?:delayed_)?work|disable_(?:delayed_)?work|timer_delete|del_timer|timer_shutdown)$/;
const LOOKS =
  /^(?:(?:delayed_)?work_pending|work_busy|timer_pending|hrtimer_(?:active|is_queued|forward(?:_now)?|get_remaining|set_expires\w*)|lockdep_\w+)$/;
/** What waits for all that a queue or a worker was given. */
const DRAINS = /^(?:(?:flush|drain|destroy)_workqueue|kthread_(?:destroy_worker|flush_worker|stop)|flush_scheduled_work)$/;
/** Queues that no driver destroys. */
const SYSTEM = /^system_\w*(?:wq|work)$/;

const known = new WeakMap<readonly CFunction[], Deferred[]>();

/** The items that functions of one file set up in objects whose type they name, in the order of the text. */
export function deferredIn(functions: readonly CFunction[]): readonly Deferred[] {
  const before = known.get(functions);
  if (before) return before;
  const found: Deferred[] = [];
  known.set(functions, found);
  for (const fn of functions) {
    for (const event of fn.events) {
      const { cell } = event;
      if (!SETS_UP.test(event.api) || event.uncertain || !cell || cell.pointee) continue;
      const type = cell.base === null ? null : cell.type;
      const name = /(\w+)(?:\[[^\]]*\])*$/.exec(cell.path)?.[1];
      if (name === undefined || (cell.base !== null && type === null) || found.some(item => item.type === type && item.name === name)) continue;
      const handler = handlerOf(fn, event, functions);
      const item: Deferred = {
        kind: /WORK|work/.test(event.api) ? 'work' : /timer/.test(event.api) ? 'timer' : 'tasklet',
        ...{ type, path: cell.path, name, setUp: { fn, event }, handler },
        ...{ delayed: /DELAYED|DEFERRABLE|delayed/.test(event.api), queued: [], waited: [], drained: [], takenOff: [], handedOut: [] },
      };
      found.push(item);
    }
  }
  if (found.length > 0)
    for (const fn of functions) for (const event of fn.events.filter(standsHere)) for (const item of found) place(item, { fn, event });
  for (const item of found) for (const site of drains(item, functions)) item.drained.push(site);
  return found;
}

/** The function of the file that the call ties to the item, its argument 1. */
function handlerOf(fn: CFunction, setUp: Event, functions: readonly CFunction[]): CFunction | null {
  const name = (setUp.args[1] ?? '').replace(/^&|^\([^()]*\)/g, '').trim();
  return functions.find(f => f.path === fn.path && !f.isMacro && f.name === name) ?? null;
}

const tied = new WeakMap<readonly CFunction[], ReadonlyMap<string, CFunction[]>>();

/** For each item that one of the functions sets up, whatever its object, by the key of its cell, the functions of that file that it runs. */
export function handlersIn(functions: readonly CFunction[]): ReadonlyMap<string, CFunction[]> {
  const before = tied.get(functions);
  if (before) return before;
  const found = new Map<string, CFunction[]>();
  tied.set(functions, found);
  for (const fn of functions) {
    for (const event of fn.events) {
      const handler = SETS_UP.test(event.api) && event.cell ? handlerOf(fn, event, functions) : null;
      if (!handler || !event.cell) continue;
      const key = cellKey(event.cell);
      const list = found.get(key) ?? [];
      if (!list.includes(handler)) found.set(key, [...list, handler]);
    }
  }
  return found;
}

/** Adds the place to what the item knows of itself, if the event is about it. */
function place(item: Deferred, site: Site): void {
  const { api, args, kind } = site.event;
  if (QUEUES.test(api)) {
    if (names(item, site.event)) item.queued.push(site);
  } else if (WAITS.test(api)) {
    if (names(item, site.event)) (isOnlyIfPending(item, site) ? item.takenOff : item.waited).push(site);
    else if (isAnybodys(site.event)) item.waited.push(site);
  } else if (TAKES_OFF.test(api)) {
    if (names(item, site.event)) item.takenOff.push(site);
  } else if (!SETS_UP.test(api) && !LOOKS.test(api) && (kind === 'call' || kind === 'wait' || kind === 'wake')) {
    if (args.some(arg => arg.startsWith('&') && isPart(item, arg)) && !/^(?:container_of|from_timer|timer_container_of)$/.test(api))
      item.handedOut.push(site);
  }
}

/** Does the call name a member, or a global, of this name, as it is written or as the copies before it say? */
function names(item: Deferred, event: Event): boolean {
  return event.args.some(arg => isPart(item, arg)) || (event.cell !== null && isPart(item, `.${event.cell.path}`));
}

function isPart(item: Deferred, text: string): boolean {
  return new RegExp(`${item.type === null ? '(?:^|[.>&(])' : '(?:\\.|->)'}\\s*${item.name}\\b`).test(text);
}

/** Is the wait left out where the item is not on its queue, as it is not while its handler runs? */
function isOnlyIfPending(item: Deferred, { fn, event }: Site): boolean {
  return fn.events.some(e => /^(?:(?:delayed_)?work|timer)_pending$/.test(e.api) && names(item, e) && conditionOn(fn, e, event) === 'nonzero');
}

/** The item is known by a pointer alone. */
function isAnybodys({ args: [arg = ''], cell }: Event): boolean {
  return !/->|\./.test(arg) && !arg.startsWith('&') && (cell === null || /^\*?$/.test(cell.path) || cell.base === null);
}

/** Where the queue that the item goes to is drained; where it is not sure which queue that is, any drain is it. */
function drains(item: Deferred, functions: readonly CFunction[]): Site[] {
  if (item.kind !== 'work') return [];
  const queues = item.queued.map(({ event }) => queueOf(event));
  return functions.flatMap(fn =>
    fn.events.filter(standsHere).flatMap(event => {
      if (!DRAINS.test(event.api)) return [];
      const to = lastName(event.args[0] ?? '');
      const own = event.api === 'flush_scheduled_work' || queues.some(q => q !== null && (q === to || to === ''));
      return own ? [{ fn, event }] : [];
    }),
  );
}

/** The name of the queue that a call puts work on; null where it is one of the system's. */
export function queueOf(event: Event): string | null {
  if (!/^(?:queue_|mod_delayed_work|kthread_)/.test(event.api)) return null;
  const written = /_on$|_node$/.test(event.api) ? event.args[1] : event.args[0];
  const name = lastName(written ?? '');
  return SYSTEM.test(name) ? null : name;
}

function lastName(text: string): string {
  return /(\w+)(?:\[[^\]]*\])*\)*$/.exec(text)?.[1] ?? '';
}

const DEEPEST = 5;

/** The function and those in view that it calls, or gives to the last put of a reference. */
export function runBy(fn: CFunction, world: World): ReadonlySet<CFunction> {
  const seen = new Set<CFunction>();
  const visit = (at: CFunction, depth: number) => {
    if (seen.has(at)) return;
    seen.add(at);
    if (depth >= DEEPEST) return;
    for (const event of at.events) {
      const callee = calleeOf(at, event, world.functions) ?? releaseOf(at, event, world.functions);
      if (callee) visit(callee, depth + 1);
    }
  };
  visit(fn, 0);
  return seen;
}

function releaseOf(fn: CFunction, event: Event, functions: readonly CFunction[]): CFunction | null {
  return event.api === 'kref_put' ? (functions.find(f => f.path === fn.path && f.name === event.args[1]) ?? null) : null;
}
