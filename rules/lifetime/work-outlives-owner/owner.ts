/** Who an item's object belongs to, when that is let go, and what may still wait for the item then. */
import { type Deferred, placeOf, pointedTo, queueOf, runBy, type Site, standsHere, surelyReaches } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
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

/** Devices whose driver core frees what was allocated for them when the driver's callback has returned. */
const DEVICES =
  /^struct (?:device|platform_device|i2c_client|spi_device|pci_dev|usb_interface|serio|gameport|hid_device|amba_device|mdio_device|virtio_device|vio_dev|xenbus_device|hv_device|sdio_func|memstick_dev|pnp_dev|acpi_device|parport|pcmcia_device|ps3_system_bus_device|rpmsg_device|auxiliary_device|slim_device|sdw_slave|fw_unit|mei_cl_device|rmi_function|ishtp_cl_device|wmi_device|ccw_device|mcb_device|bcma_device|ssb_device|gb_bundle|i3c_device|fsl_mc_device|host1x_device|mipi_dsi_device|usb_serial|usb_serial_port|psmouse|comedi_device|usb_gadget|usb_function|wm97xx|serdev_device|of_device|macio_dev)\b/;

/** Members whose functions run when a device or its driver goes. */
export const ENDS = /^(?:remove|remove_new|disconnect|unbind|detach|port_remove|release|exit|deinit|destroy)$/;

/** Is it what a driver does when its device goes, by the member that it is put into, or when the module does? */
export function isRemoval(fn: CFunction, world: World): boolean {
  if (fn.isMacro) return false;
  if (isUnloading(fn, world)) return true;
  return (
    DEVICES.test(fn.parameters[0]?.type ?? '') &&
    world.mentions(fn).some(m => /^(?:remove|remove_new|disconnect|unbind|detach|port_remove)$/.test(m.member ?? ''))
  );
}

export function isUnloading(fn: CFunction, world: World): boolean {
  return world.mentions(fn).some(m => m.call === 'module_exit');
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
  const binds = (fn: CFunction) =>
    DEVICES.test(fn.parameters[0]?.type ?? '') &&
    world.mentions(fn).some(m => /^(?:probe|probe_new|connect|bind|attach|port_probe)$/.test(m.member ?? ''));
  return file.functions.find(fn => binds(fn) && runBy(fn, world).has(item.setUp.fn)) ?? null;
}

/** Calls that surely wait for no work of the object that they are given. */
const HARMLESS =
  /^(?:(?:devm_)?free_irq|disable_irq\w*|\w+_set_\w*(?:drv)?data|usb_set_intfdata|dev_\w+|netdev_\w+|pr_\w+|\w*print\w*|(?:devm_)?kv?free\w*|IS_ERR\w*|WARN\w*|container_of|spin_\w+|mutex_\w+|list_\w+|complete\w*|wake_up\w*|(?:\w+_)?to_\w+)$/;

/** Does the removal hand the object to something out of view that may wait? */
export function mayWait(item: Deferred, removal: CFunction, run: ReadonlySet<CFunction>): boolean {
  const device = removal.parameters[0]?.name;
  for (const fn of run) {
    for (const event of fn.events) {
      if (event.kind !== 'call' || !event.opaque || HARMLESS.test(event.api)) continue;
      if (item.type === null && event.args.length === 0) return true;
      // Another file of the driver finds the object by its device; a board's own function, called by a pointer, knows no work of the driver.
      if (fn === removal && isNamed(event) && !OF_DEVICES.test(event.api) && event.args.some(arg => arg === device || arg === `&${device}->dev`))
        return true;
      for (const arg of event.args) if ((item.type !== null && isObject(fn, arg, item.type)) || holds(arg, item)) return true;
    }
  }
  return false;
}

function isNamed(event: Event): boolean {
  return /^\w+$/.test(event.api);
}

/** The kernel's own calls on a device, by the subsystem that they begin with (include/linux/device.h, pm_runtime.h, sysfs.h and others): none knows the work. */
const OF_DEVICES =
  /^(?:devm?|device|driver|pm|sysfs|kobject|clk|regulator|reset_control|platform|pcim?|usb|i2c|spi|hid|serio|gameport|amba|virtio|sdio|serdev|auxiliary|rpmsg|of|fwnode|acpi|irq|gpio|gpiod|phy|dma|dmam|iommu|component|input|iio|led|snd|thermal|hwmon|power_supply|extcon|mbox|nvmem|pinctrl|icc|opp|genpd|firmware|mfd|media|v4l2|vb2|video|rc|cec|drm|misc|mtd|mmc|rtc|watchdog|tty|uart|cdev|crypto|hwrng|scsi|net|get|put)_\w+|^to_\w+$/;

/** Is the variable a pointer to an object of the type? */
function isObject(fn: CFunction, arg: string, type: string): boolean {
  if (!/^\w+$/.test(arg)) return false;
  if (fn.parameters.some(p => p.name === arg && p.type === `${type} *`) || isPlaceOf(fn, arg, type)) return true;
  return fn.events.some(e => e.into === arg && e.kind === 'read' && e.cell !== null && isPlaceOf(fn, placeOf(e.cell), type));
}

/** Does the function reach an object of the type by the pointer that is spelled so? */
function isPlaceOf(fn: CFunction, place: string, type: string): boolean {
  return fn.events.some(e => e.cell?.type === type && e.cell.base !== null && e.cell.base.replace(/->/g, '.') === place);
}

/** Does the argument name a part of the object that the item is in? */
function holds(arg: string, item: Deferred): boolean {
  const [part, ...rest] = item.path.replace(/\[[^\]]*\]/g, '').split('.');
  return rest.length > 0 && part !== undefined && new RegExp(`(?:->|\\.|^&)${part}$`).test(arg);
}

/** Does the handler tell whoever waits elsewhere in the file that it is through? */
export function isAwaited(item: Deferred, file: CodeFile, world: World): boolean {
  const told = [...(item.handler ? runBy(item.handler, world) : [])].flatMap(fn =>
    fn.events.flatMap(e => (/^complete(?:_all)?$/.test(e.api) ? [lastName(e.args[0] ?? '')] : [])),
  );
  if (told.length === 0) return false;
  return file.functions.some(fn => fn.events.some(e => /^wait_for_completion/.test(e.api) && told.includes(lastName(e.args[0] ?? ''))));
}

function lastName(text: string): string {
  return /\w*$/.exec(text)?.[0] ?? '';
}

/** Does the handler give the object back itself, or a reference to it that whoever queued it took? */
export function keepsOwner(item: Deferred, world: World): boolean {
  const { type } = item;
  if (!item.handler || type === null) return !item.handler;
  for (const fn of runBy(item.handler, world)) {
    for (const event of fn.events) {
      if (event.kind === 'free' && event.cell?.type === type && event.cell.path === '*') return true;
      const gives = /(?:^|_)(?:put|unref|release|unhold|drop)(?:_|$)/.test(event.api);
      if (gives && !/^(?:pm_|clk_|regulator_|of_|fwnode_|gpiod_|mutex_|release_firmware)/.test(event.api))
        if (event.args.some(arg => isObject(fn, /^&?(\w+)/.exec(arg)?.[1] ?? '', type))) return true;
    }
  }
  return false;
}

/** Is the item queued by more than what brings the device up: by its own handler, an interrupt, an operation? */
export function livesOn(item: Deferred, run: ReadonlySet<CFunction>, world: World): boolean {
  const starts = (m: Mention) => STARTS.test(m.member ?? '') || /PM_OPS|^module_/.test(m.call ?? '');
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

/** The private part of an object of the core's, by the call that gives it, or the member. */
const PRIVATE =
  /^(?:netdev_priv|iio_priv|mmc_priv|memstick_priv|shost_priv|wiphy_priv|spi_(?:controller|master)_get_devdata|counter_priv|devlink_priv|hci_get_priv|video_drvdata)$/;
const PRIVATE_MEMBERS = /^(?:struct ieee80211_hw\.priv|struct snd_card\.private_data|struct Scsi_Host\.hostdata)$/;
const FREES_PRIVATE =
  /^(?:free_netdev|free_candev|mmc_free_host|memstick_free_host|scsi_host_put|wiphy_free|spi_(?:controller|master)_put|iio_device_free|devlink_free|ieee80211_free_hw|snd_card_free)$/;
const MANAGED_PRIVATE =
  /^(?:devm_(?:iio_device_alloc|alloc_etherdev\w*|spi_alloc_(?:host|master|target|slave|controller)|counter_alloc|mmc_alloc_host)|snd_devm_card_new)$/;
const MANAGED = /^devm_k(?:z|m|c)alloc(?:_array)?$|^devm_kmemdup$/;

/** Where the object is given up: by a call on the way, or by the core when the removal is over. */
export function endOf(item: Deferred, removal: CFunction, run: ReadonlySet<CFunction>, file: CodeFile): { event: Event | null } | null {
  const { type } = item;
  if (type === null) return null;
  const holder = isPrivate(item, file);
  for (const fn of run) {
    const free = fn.events.find(e => standsHere(e) && (isFreeOf(fn, e, type) || (holder && FREES_PRIVATE.test(e.api))));
    // A helper that takes the item off itself and then frees is wrong whoever calls it, which another rule tells there.
    if (free && fn !== removal && free.kind === 'free' && item.takenOff.some(site => site.fn === fn)) return null;
    if (free) return { event: fn === removal ? free : null };
  }
  return isManaged(item, file) ? { event: null } : null;
}

/** Does the event free an object of the type, by a pointer to it or by the place that such a pointer was read from? */
function isFreeOf(fn: CFunction, event: Event, type: string): boolean {
  if (event.kind !== 'free' || !event.cell) return false;
  if (event.cell.path === '*') return event.cell.type === type;
  const place = pointedTo(event.cell);
  return place !== null && isPlaceOf(fn, place, type);
}

function isPrivate({ type }: Deferred, file: CodeFile): boolean {
  const gives = (e: Event) => PRIVATE.test(e.api) || PRIVATE_MEMBERS.test(`${e.cell?.type}.${e.cell?.path}`);
  return type !== null && file.functions.some(fn => fn.events.some(e => e.into !== null && gives(e) && isObject(fn, e.into, type)));
}

/** Is the object allocated for the device, so that the core frees it when the driver is done with that? */
export function isManaged(item: Deferred, file: CodeFile): boolean {
  const { type } = item;
  const holder = isPrivate(item, file);
  return (
    type !== null &&
    file.functions.some(fn =>
      fn.events.some(e => (MANAGED.test(e.api) && e.into !== null && isObject(fn, e.into, type)) || (holder && MANAGED_PRIVATE.test(e.api))),
    )
  );
}

/** It has something out of view done when the device goes. */
export function actsOutOfView(fn: CFunction, file: CodeFile): boolean {
  return fn.events.some(e => /^devm_add_action/.test(e.api) && !file.functions.some(f => f.name === e.args[1]) && !OFF.test(e.args[1] ?? ''));
}

/** Functions that switch a part of the machine off, as they are handed to the core to be called at the end. */
const OFF = /_(?:disable|unprepare|put|assert)(?:_|$)/;
