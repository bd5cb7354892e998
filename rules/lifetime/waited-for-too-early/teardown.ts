/** Where one function waits for an item and stops afterwards what queues it, and what else it does around that. */
import {
  before,
  between,
  calleeIn,
  comesBefore,
  type Deferred,
  effectOfKind,
  endActionsIn,
  entriesOf,
  heldAt,
  isReplaced,
  isSame,
  lastName,
  nodesAfter,
  type Queuer,
  runBy,
  runsNamed,
  type Site,
  sameLock,
  unbindsDevice,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Runner } from '../../../src/model/effect.ts';
import type { CodeFile, World } from '../../../src/model/rule.ts';

/** A wait for an item, and the stop that comes too late. */
export interface Early {
  /** The function that does both, itself or by what it calls. */
  fn: CFunction;
  wait: Site;
  /** Null where the source ends with the device, behind the function. */
  stop: Site | null;
}

/** Members whose functions run when an object, its driver, or the use of it ends. */
const ENDS =
  /^(?:remove|remove_new|disconnect|unbind|detach|port_remove|release|exit|deinit|destroy|stop|close|shutdown|ndo_stop|ndo_uninit|uninit|cleanup|hw_free|free|kill)$/;
const MACHINE_GOES = /^struct (?:device|platform_device|pci_dev|i2c_client|spi_device|sdw_slave|virtio_device|amba_device) \*/;

/** A wait behind which the item may be queued again; the forms that shut an item down keep it from that. */
function letsAgain(event: Event): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  return quiesce?.waits === true && (quiesce.of === 'queue' || !quiesce.bars);
}

/** The waits for the item that come before the last source of it is stopped, in functions that take its object down. */
export function earlyWaits(item: Deferred, source: Queuer, file: CodeFile, world: World): Early[] {
  const waits = [...item.waited.filter(site => isSame(item, site.event) || isGivenTo(site.fn, item, file)), ...item.drained].filter(site =>
    letsAgain(site.event),
  );
  const stops = file.functions.flatMap(fn => fn.events.flatMap(event => (source.isStoppedBy(event) ? [{ fn, event }] : [])));
  const found: Early[] = [];
  for (const wait of waits) {
    for (const stop of stops) {
      const early = inOneFunction(wait, stop, file, world);
      if (early && !found.some(e => e.wait === wait) && holds(item, source, early, file, world)) found.push(early);
    }
    const early = source.managed ? beforeDevice(wait, stops, source, file, world) : null;
    if (early && !found.some(e => e.wait === wait) && holds(item, source, early, file, world)) found.push(early);
  }
  return found;
}

/**
 * The function that comes to the wait and after which the source ends with the device: the driver's remove(), unless something in it stops the source;
 * or what is to be done when the device goes, where that was asked for after the source was made known (Documentation/driver-api/driver-model/devres.rst:
 * the last comes first).
 */
function beforeDevice(wait: Site, stops: readonly Site[], source: Queuer, file: CodeFile, world: World): Early | null {
  if (world.designated(file.path).has('suppress_bind_attrs')) return null;
  for (const fn of file.functions) {
    if (fn.isMacro || fn.broken || !fn.whole || !eventTo(fn, wait, world)) continue;
    if (!unbindsDevice(fn, world) && !isAskedForAfter(fn, source, file, world)) continue;
    if (!stops.some(stop => eventTo(fn, stop, world))) return { fn, wait, stop: null };
  }
  return null;
}

/** Is the item what the function is called with when the device goes? */
function isGivenTo(fn: CFunction, item: Deferred, file: CodeFile): boolean {
  return file.functions.some(at => endActionsIn(at).some(({ name, data }) => name === fn.name && lastName(data ?? '') === item.name));
}

/** Is the function to be called when the device goes, as it was said after the source was made known? */
function isAskedForAfter(fn: CFunction, { setUp }: Queuer, file: CodeFile, world: World): boolean {
  if (!setUp) return false;
  return file.functions.some(at => {
    const known = eventTo(at, setUp, world);
    return known !== null && endActionsIn(at).some(({ event, name }) => name === fn.name && comesBefore(at, known, event));
  });
}

/** The function that comes to both, by two of its own events, the wait's first. */
function inOneFunction(wait: Site, stop: Site, file: CodeFile, world: World): Early | null {
  for (const fn of file.functions) {
    if (fn.isMacro || fn.broken || !fn.whole) continue;
    const first = eventTo(fn, wait, world);
    const second = eventTo(fn, stop, world);
    if (first && second && first !== second && comesBefore(fn, first, second)) if (endsObject(fn, first, world)) return { fn, wait, stop };
  }
  return null;
}

/** The function's own event that is the site, or the call that leads to it. */
function eventTo(fn: CFunction, site: Site, world: World): Event | null {
  if (fn === site.fn) return site.event;
  return fn.events.find(e => runByCall(fn, e, world).has(site.fn)) ?? null;
}

const NONE: ReadonlySet<CFunction> = new Set();

function runByCall(fn: CFunction, event: Event, world: World): ReadonlySet<CFunction> {
  const callee = calleeIn(fn, event, world.functions);
  return callee && callee.path === fn.path && callee !== fn ? runBy(callee, world) : NONE;
}

/** What runs handlers when a module, a device or the last reference goes. */
const RUNS_AT_THE_END: ReadonlySet<string> = new Set<Runner>(['exit', 'devres', 'kref']);

/** Is the function part of how the object, or the use of it, ends: by the members that lead to it, or as what undoes a start that failed? */
function endsObject(fn: CFunction, wait: Event, world: World, seen = new Set<CFunction>()): boolean {
  if (seen.has(fn)) return false;
  seen.add(fn);
  if (wait.phase.includes('error-path')) return true;
  const machine = MACHINE_GOES.test(fn.parameters[0]?.type ?? '');
  for (const { member, call } of world.mentions(fn)) {
    if (member !== null && ENDS.test(member) && !(member === 'shutdown' && machine)) return true;
    if (call !== null && RUNS_AT_THE_END.has(effectOfKind({ fact: world.fact(call) }, 'register')?.runner ?? '')) return true;
  }
  return world.callers(fn.name).some(site => site.fn.path === fn.path && endsObject(site.fn, site.event, world, seen));
}

/** Is nothing in view, before the wait or after the stop, that keeps the item from being queued again, or waits for it again? */
function holds(item: Deferred, source: Queuer, { fn, wait, stop }: Early, file: CodeFile, world: World): boolean {
  if (runBy(source.entry, world).has(fn) || (item.handler && runBy(item.handler, world).has(fn))) return false;
  // What a failed start leaves queues only what has been started, which is not seen of an item.
  if (source.kind === 'deferred' && eventTo(fn, wait, world)?.phase.includes('error-path')) return false;
  if (stop && (isExcluded(source, { fn, wait, stop }, world) || isOfOtherTable(fn, wait, stop, world) || pinsDevice(item, source, stop, world)))
    return false;
  const earlier = around(item, fn, wait, world, 'before');
  if (earlier.some(e => e !== stop?.event && (source.isStoppedBy(e) || source.isQuietedBy(e) || isReplaced(source, e)))) return false;
  if (source.isQuietened?.(earlier)) return false;
  if (earlier.some(e => quietens(e, source, wait.event) || unlinks(e))) return false;
  if (asksFirst(item, source, earlier) || (source.kind === 'core' && isWaitedForByUsers(item, { fn, wait, stop }, world))) return false;
  const later = stop ? around(item, fn, stop, world, 'after') : around(item, fn, wait, world, 'after').filter(e => effectOfKind(e, 'quiesce')?.bars);
  const waits = new Set([...item.waited, ...item.drained, ...item.takenOff, ...item.handedOut].map(site => site.event));
  if (isPolled(item, source, later, file, world)) return false;
  return (
    !(stop && waits.has(stop.event)) &&
    !later.some(e => e !== wait.event && (waits.has(e) || flushesAll(e) || (effectOfKind(e, 'quiesce')?.bars === true && isSame(item, e))))
  );
}

/** What nobody finds any more is not queued by whoever looks for it; a buffer taken off a queue is found no more either, and queues nothing. */
function unlinks(event: Event): boolean {
  const road = effectOfKind(event, 'unpublish')?.by;
  return road !== undefined && road !== 'queue';
}

/** Does the call wait for the work of all? */
function flushesAll(event: Event): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  return quiesce?.of === 'queue' && quiesce.object === null;
}

/** Is a lock held from the wait to the stop that the source holds where it queues the item? Then it queues none between the two. */
function isExcluded(source: Queuer, { fn, wait, stop }: Early & { stop: Site }, world: World): boolean {
  const first = eventTo(fn, wait, world);
  const second = eventTo(fn, stop, world);
  if (!first || !second || between(fn, first, second).some(e => e.kind === 'unlock')) return false;
  const last = heldAt(fn, second, world);
  const kept = heldAt(fn, first, world).filter(lock => lock.mode === 'exclusive' && last.some(l => sameLock(l, lock)));
  if (kept.length === 0) return false;
  const under = source.chain.flatMap((at, i) => {
    const next = source.chain[i + 1];
    const calls = next ? at.events.filter(e => runsNamed(e, next.name)) : [source.queued.event];
    return calls.length === 1 && calls[0] ? heldAt(at, calls[0], world) : [];
  });
  return kept.some(lock => under.some(l => sameLock(l, lock)));
}

/** Do the wait and the stop name elements of two arrays? They are of two objects then. */
function isOfOtherTable(fn: CFunction, wait: Site, stop: Site, world: World): boolean {
  const tables = (event: Event | null) => (event?.args ?? []).flatMap(arg => /^[&*(\s]*(\w+)\[/.exec(arg)?.[1] ?? []);
  const [first, second] = [tables(eventTo(fn, wait, world)), tables(eventTo(fn, stop, world))];
  return first.length > 0 && second.length > 0 && !first.some(table => second.includes(table));
}

/** Is the device not unregistered before the handler has run, since what queues it takes a reference that the handler drops? */
function pinsDevice(item: Deferred, source: Queuer, stop: Site, world: World): boolean {
  if (!effectOfKind(stop.event, 'quiesce')?.types.includes('struct net_device') || !item.handler) return false;
  const does = (fns: Iterable<CFunction>, api: RegExp) => [...fns].some(fn => fn.events.some(e => api.test(e.api)));
  return does(source.chain, /^(?:netdev|dev)_hold$/) && does(runBy(item.handler, world), /^(?:netdev|dev)_put$/);
}

/** After the stop, is a state polled that the source changes where it queues the item, and its handler when it has run? */
function isPolled(item: Deferred, source: Queuer, later: readonly Event[], file: CodeFile, world: World): boolean {
  const changed = (fns: Iterable<CFunction>) => new Set([...fns].flatMap(fn => fn.events.flatMap(e => (isChange(e) ? [stateOf(e)] : []))));
  const asked = item.handler ? changed(source.chain) : new Set<string>();
  if (!item.handler || asked.size === 0) return false;
  const done = changed(runBy(item.handler, world));
  return later.some(e => {
    if (!isLook(e) || stateOf(e) === '' || !asked.has(stateOf(e)) || !done.has(stateOf(e))) return false;
    const fn = file.functions.find(f => f.events[e.index] === e);
    return fn !== undefined && endsLoop(fn, e);
  });
}

/** Is the event in a loop that its value ends, of one cell and not of the next one of an array each time? */
function endsLoop(fn: CFunction, e: Event): boolean {
  if (e.cell?.path.includes('[')) return false;
  const again = (node: number) => node === e.node || nodesAfter(fn, node).has(e.node);
  return fn.flow.some(n => n.kind === 'branch' && n.decides?.includes(e.index) && n.next.some(again) && !n.next.every(again));
}

/** Does something wait for the item that the core may call when it takes the device from its last user: an operation, or an event of a widget? */
function isWaitedForByUsers(item: Deferred, { fn }: Early, world: World): boolean {
  const own = runBy(fn, world);
  return [...item.waited, ...item.drained].some(
    site => !own.has(site.fn) && entriesOf(site.fn, world).some(e => (e.by === 'table' || e.by === 'address') && e.phase !== 'setup'),
  );
}

const DEEPEST = 4;

/** All that runs before the site, or after it, in the function that comes to it, in what that calls, and in the callers. */
function around(item: Deferred, fn: CFunction, site: Site, world: World, way: 'before' | 'after'): Event[] {
  const found: Event[] = [];
  const seen = new Set<CFunction>();
  const add = (at: CFunction, event: Event) => {
    const beside = at.events.filter(e => (way === 'before' ? comesBefore(at, e, event) : comesBefore(at, event, e)));
    // What undoes a failed start comes after all of the start, which says nothing of the end.
    const undoing = event.phase.includes('error-path') || runBy(at, world).has(item.setUp.fn);
    for (const e of beside) {
      if (undoing && !e.phase.includes('error-path')) continue;
      found.push(e);
      for (const callee of runByCall(at, e, world)) found.push(...callee.events);
    }
  };
  const down = (at: CFunction) => {
    const event = eventTo(at, site, world);
    if (!event || seen.has(at)) return;
    seen.add(at);
    add(at, event);
    const callee = at === site.fn ? null : calleeIn(at, event, world.functions);
    if (callee) down(callee);
  };
  down(fn);
  const up = (at: CFunction, depth: number) => {
    if (depth >= DEEPEST) return;
    for (const caller of world.callers(at.name)) {
      if (caller.fn.path !== at.path || seen.has(caller.fn)) continue;
      seen.add(caller.fn);
      add(caller.fn, caller.event);
      up(caller.fn, depth + 1);
    }
  };
  up(fn, 0);
  // The driver core runs what was registered for the device's end after the driver's own removal.
  if (
    way === 'before' &&
    world.mentions(fn).some(m => m.call !== null && effectOfKind({ fact: world.fact(m.call) }, 'register')?.runner === 'devres')
  )
    for (const removal of world.functions)
      if (removal.path === fn.path && world.mentions(removal).some(m => m.member !== null && world.member(m.table, m.member)?.driver === 'unbind'))
        for (const f of runBy(removal, world)) found.push(...f.events);
  return found;
}

/** Names that tell a device, or a part of the driver out of view, to be quiet. */
const QUIETENS =
  /(?:^|_)(?:dis(?:able|connect)\w*|mask\w*|halt\w*|stop\w*|quiesce\w*|shutdown|off|reset|suspend|sleep|standby|down|deactivate|abort\w*|kill\w*|poweroff|deinit|uninit|unregister\w*|detach|release\w*|teardown|cleanup|exit|fini|finish)(?:_|$)/;
/** What has such a name and says nothing to a device. */
const ASIDE =
  /^(?:netif_|napi_|phy_|pm_|module_|cancel_|flush_|kthread_|timer_|del_timer|hrtimer_|tasklet_|usb_kill|usb_put|device_(?:remove|release|set)|sysfs_|debugfs_|release_(?:mem|region|firmware)|pci_release|input_unregister|led_|power_supply_|video_|misc_|irq_|ida_|idr_|class_|proc_|snd_|gpio_free|dev_|spin_|mutex_|local_|preempt_|sb_|mdelay|msleep|usleep|ssleep|fsleep)/;
const WRITES =
  /(?:^|_)(?:write\w*|wr(?:l|w|b|32|16|8)?|out[bwl](?:_p)?|poke|update_bits\w*|(?:set|clear)_bits\w*|iowrite\w*)(?:_|$)|^(?:writel|writeb|writew|ew32|w32|iowrite\w*|__raw_write\w*)/;

/** Does the call, out of view, by its name tell the source to be quiet; for a device also a write of its registers? */
function quietens({ api, kind, opaque, args }: Event, source: Queuer, wait: Event): boolean {
  if (source.kind === 'hardware' && WRITES.test(api)) return true;
  if (kind !== 'call' || !opaque || !QUIETENS.test(api) || ASIDE.test(api)) return false;
  return source.kind !== 'deferred' || (!/unregister/.test(api) && args.some(arg => rootOf(arg) === rootOf(wait.args[0] ?? '')));
}

function rootOf(text: string): string {
  return /^[&*(\s]*(\w+)/.exec(text)?.[1] ?? '';
}

const STATES =
  /^(?:netif_running|netif_device_present|netif_carrier_ok|netif_queue_stopped|drm_dev_enter|pm_runtime_(?:active|suspended|get_if_\w+)|device_is_registered)$/;

/** Does what runs look at a state that the function has changed by then, before it queues the item, or the item's own handler? */
function asksFirst(item: Deferred, source: Queuer, earlier: readonly Event[]): boolean {
  const written = new Set<string>();
  for (const e of earlier) if (isChange(e)) written.add(stateOf(e));
  written.delete('');
  // A handler that looks at it is meant to come and do nothing.
  if (item.handler?.events.some(e => isLook(e) && written.has(stateOf(e)))) return true;
  return source.chain.some((fn, i) => {
    const next = source.chain[i + 1];
    const ahead = next ? fn.events.filter(e => runsNamed(e, next.name)).flatMap(e => before(fn, e)) : before(fn, source.queued.event);
    return ahead.some(e => STATES.test(e.api) || (isLook(e) && written.has(stateOf(e))));
  });
}

function isChange(e: Event): boolean {
  return e.kind === 'write' || e.kind === 'rmw' || e.kind === 'publish';
}

function isLook(e: Event): boolean {
  return e.kind === 'read' || e.kind === 'rmw';
}

function stateOf(e: Event): string {
  return e.cell ? lastName(e.cell.path) : '';
}
