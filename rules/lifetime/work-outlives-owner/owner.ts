/** Who an item's object belongs to, when that is let go, and what may still wait for the item then. */
import {
  type Deferred,
  effectOfKind,
  endActionsIn,
  isDevice,
  isFreeOf,
  isNamedAs,
  isPointerTo,
  queueOf,
  runBy,
  type Site,
  standsHere,
  surelyReaches,
  unbindsDevice,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Runner } from '../../../src/model/effect.ts';
import type { CodeFile, Mention, World } from '../../../src/model/rule.ts';

/**
 * Queued in the file and run by a function of it: on the system's queues, or with a delay on a queue that the file drains, which does not wait for
 * the delay.
 */
export function isQueuedHere(item: Deferred): boolean {
  if (item.handler === null || item.queued.length === 0 || item.handedOut.length > 0) return false;
  if (item.queued.every(site => queueOf(site.event) === null)) return item.drained.length === 0;
  return item.drained.length > 0 && item.delayed && item.takenOff.length === 0 && item.queued.some(({ event }) => event.args.at(-1) !== '0');
}

/** Is the handler waited for by something else than what runs while the device comes up, or is put to sleep? */
export function isWaitedFor(item: Deferred, run: ReadonlySet<CFunction>, world: World): boolean {
  return item.waited.some(
    ({ fn }) =>
      run.has(fn) ||
      entriesOf(fn, world).some(
        ({ mention }) => !mention || !(STARTS.test(mention.member ?? '') || SLEEPS.test(mention.member ?? mention.call ?? '')),
      ),
  );
}

/** Members and macros whose functions put a device to sleep. */
const SLEEPS = /^(?:(?:runtime_)?suspend\w*|freeze\w*|poweroff\w*)$|PM_OPS/;

/**
 * By which names functions out of view come to the function, itself or through its callers; without a mention where they call it. A static
 * function that the file does not name may go by a name that a macro makes; an inline one is there to be called, and nobody calls it.
 */
function entriesOf(fn: CFunction, world: World, seen = new Set<CFunction>()): { fn: CFunction; mention: Mention | null }[] {
  if (seen.has(fn)) return [];
  seen.add(fn);
  const mentions = world.mentions(fn);
  const callers = world.callers(fn.name).filter(site => site.fn.path === fn.path);
  if (fn.isStatic && fn.isInline && mentions.length === 0 && callers.length === 0) return [];
  return [
    ...mentions.map(mention => ({ fn, mention })),
    ...((fn.isStatic || mentions.length > 0) && !(mentions.length === 0 && callers.length === 0) ? [] : [{ fn, mention: null }]),
    ...callers.flatMap(site => entriesOf(site.fn, world, seen)),
  ];
}

/** Members whose functions run when a device or its driver goes. */
export const ENDS = /^(?:remove|remove_new|disconnect|unbind|detach|port_remove|release|exit|deinit|destroy)$/;

/** Is it what a driver does when its device goes, by the member that it is put into, or when the module does? */
export function isRemoval(fn: CFunction, world: World): boolean {
  if (fn.isMacro) return false;
  if (isUnloading(fn, world)) return true;
  return unbindsDevice(fn, world);
}

export function isUnloading(fn: CFunction, world: World): boolean {
  return world.mentions(fn).some(m => runnerOf(m, world) === 'exit');
}

/** What runs a handler that is named there. */
function runnerOf({ call }: Mention, world: World): string | undefined {
  return call === null ? undefined : effectOfKind({ fact: world.fact(call) }, 'register')?.runner;
}

/** It waits for something that a handler may tell of. */
export function settles(event: Event): boolean {
  return /^(?:wait_event|wait_for_completion|wait_on_|swait_|msleep_interruptible|schedule_timeout)/.test(event.api);
}

/** Does the removal let go of the item's object: it works on one, or the file has one removal and sets the item up where such a device is probed? */
export function isOwnersOf(item: Deferred, removal: CFunction, run: ReadonlySet<CFunction>, only: boolean, file: CodeFile, world: World): boolean {
  if (item.type === null) return false;
  for (const fn of run) if (fn.events.some(e => e.cell?.type === item.type) || fn.parameters.some(p => p.type === `${item.type} *`)) return true;
  return only && probeOf(item, file, world)?.parameters[0]?.type === removal.parameters[0]?.type;
}

/** The function that sets the item up when a device is bound to its driver. */
export function probeOf(item: Deferred, file: CodeFile, world: World): CFunction | null {
  const binds = (fn: CFunction) => isDevice(fn.parameters[0]?.type, world) && isNamedAs('bind', fn, world);
  return file.functions.find(fn => binds(fn) && runBy(fn, world).has(item.setUp.fn)) ?? null;
}

/** Does the removal hand the object to something out of view that may wait? */
export function mayWait(item: Deferred, removal: CFunction, run: ReadonlySet<CFunction>): boolean {
  const device = removal.parameters[0]?.name;
  for (const fn of run) {
    for (const event of fn.events) {
      if (event.kind !== 'call' || !event.opaque || (event.fact ?? event.inferred)?.keepsNothing) continue;
      if (item.type === null && event.args.length === 0) return true;
      // Another file of the driver finds the object by its device; a board's own function, called by a pointer, knows no work of the driver.
      if (fn === removal && isNamed(event) && !isOfCore(event) && event.args.some(arg => arg === device || arg === `&${device}->dev`)) return true;
      for (const arg of event.args) if ((item.type !== null && isPointerTo(fn, arg, item.type)) || holds(arg, item)) return true;
    }
  }
  return false;
}

function isNamed(event: Event): boolean {
  return /^\w+$/.test(event.api);
}

/** One of the kernel's own calls, which knows no work of the driver. */
function isOfCore({ fact, inferred }: Event): boolean {
  return fact !== undefined || inferred?.core === true;
}

/** Does the argument name a part of the object that the item is in? */
function holds(arg: string, item: Deferred): boolean {
  const [part, ...rest] = item.path.replace(/\[[^\]]*\]/g, '').split('.');
  return rest.length > 0 && part !== undefined && new RegExp(`(?:->|\\.|^&)${part}$`).test(arg);
}

/** What runs handlers as a module or a device comes or goes. */
const BRINGS_UP: ReadonlySet<string> = new Set<Runner>(['init', 'exit', 'pm']);

/** Is the item queued by more than what brings the device up: by its own handler, an interrupt, an operation? */
export function livesOn(item: Deferred, run: ReadonlySet<CFunction>, world: World): boolean {
  const starts = (m: Mention) => STARTS.test(m.member ?? '') || BRINGS_UP.has(runnerOf(m, world) ?? '');
  return item.queued.some(
    site => !isOverSoon(item, site) && entriesOf(site.fn, world).some(e => !run.has(e.fn) && (!e.mention || !starts(e.mention))),
  );
}

/** Does the function that queues it take it off again, or wait for what the handler tells, on each of its ways? */
function isOverSoon(item: Deferred, { fn, event }: Site): boolean {
  const ends = fn.events.filter(e => settles(e) || item.takenOff.some(site => site.event === e));
  return ends.length > 0 && surelyReaches(fn, event, ends);
}

/** Members whose functions run when a device comes up. */
const STARTS = /^(?:probe|probe_new|connect|reconnect|bind|attach|port_probe|init|resume\w*|runtime_resume|thaw\w*|restore\w*|complete|prepare)$/;

/** Members that hold the private part of an object of a core's. */
const PRIVATE_MEMBERS = /^(?:struct ieee80211_hw\.priv|struct snd_card\.private_data|struct Scsi_Host\.hostdata)$/;
/** Where the object is given up: by a call on the way, or by the core when the removal is over. */
export function endOf(item: Deferred, removal: CFunction, run: ReadonlySet<CFunction>, file: CodeFile): { event: Event | null } | null {
  const { type } = item;
  if (type === null) return null;
  const holder = isPrivate(item, file);
  for (const fn of run) {
    const free = fn.events.find(e => standsHere(e) && (isFreeOf(fn, e, type) || (holder && effectOfKind(e, 'free')?.private)));
    // A helper that takes the item off itself and then frees is wrong whoever calls it, which another rule tells there.
    if (free && fn !== removal && free.kind === 'free' && item.takenOff.some(site => site.fn === fn)) return null;
    if (free) return { event: fn === removal ? free : null };
  }
  return isManaged(item, file) ? { event: null } : null;
}

function isPrivate({ type }: Deferred, file: CodeFile): boolean {
  const gives = (e: Event) => (e.fact?.pointer === 'private' && !e.fact.managed) || PRIVATE_MEMBERS.test(`${e.cell?.type}.${e.cell?.path}`);
  return type !== null && file.functions.some(fn => fn.events.some(e => e.into !== null && gives(e) && isPointerTo(fn, e.into, type)));
}

/** Is the object allocated for the device, so that the core frees it when the driver is done with that? */
export function isManaged(item: Deferred, file: CodeFile): boolean {
  const { type } = item;
  const holder = isPrivate(item, file);
  return (
    type !== null &&
    file.functions.some(fn =>
      fn.events.some(
        e =>
          e.fact?.managed && (e.fact.pointer === 'private' ? holder : e.into !== null && isPointerTo(fn, e.into, type) && effectOfKind(e, 'alloc')),
      ),
    )
  );
}

/** It has something out of view done when the device goes. */
export function actsOutOfView(fn: CFunction, file: CodeFile): boolean {
  return endActionsIn(fn).some(({ name }) => !file.functions.some(f => f.name === name) && !OFF.test(name));
}

/** Functions that switch a part of the machine off, as they are handed to the core to be called at the end. */
const OFF = /_(?:disable|unprepare|put|assert)(?:_|$)/;
