/** What may queue an item while its object is taken down, and by which call that is stopped for good. */
import { calleeIn, type Deferred, deferredIn, type Site } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { CodeFile, World } from '../../../src/model/rule.ts';

/** Something that runs a function of the file out of turn, and thereby queues an item. */
export interface Source {
  /** `hardware`: what asks for it is the device, which may have been told to be quiet. `core`: the kernel, for whoever uses the device. */
  kind: 'hardware' | 'deferred' | 'core';
  /** The function that is run. */
  entry: CFunction;
  /** The functions on the way from there to the place that queues the item, that one last. */
  chain: readonly CFunction[];
  queued: Site;
  /** The item that runs it, where one does. */
  by: Deferred | null;
  /** Does the call end it, so that it runs no more when the call is over? */
  isStoppedBy(event: Event): boolean;
  /** Names of calls that end it as well, or keep it from being asked for. */
  quiet: RegExp | null;
  /** Do calls, in the order in which they were made, together keep it from being asked for? */
  isQuietened?(made: readonly Event[]): boolean;
}

/** A function that is run by something, before it is known what it queues. */
type Entry = Omit<Source, 'chain' | 'queued'>;

/** What queues the item, by all that the file hands to interrupts, timers, work items and the cores of the kernel. */
export function sourcesOf(item: Deferred, file: CodeFile, world: World): Source[] {
  const queued = item.queued.filter(site => isSame(item, site.event));
  return entriesIn(file, world)
    .filter(entry => entry.by !== item)
    .flatMap(entry => {
      const ways = chainsFrom(entry.entry, world);
      const site = queued.find(s => ways.has(s.fn));
      const chain = site && ways.get(site.fn);
      return site && chain ? [{ ...entry, chain, queued: site }] : [];
    });
}

/** Is the item's own type what the place works on, as far as the place tells? */
export function isSame(item: Deferred, event: Event): boolean {
  const { cell } = event;
  if (!event.args.some(arg => new RegExp(`\\b${item.name}\\b`).test(arg)) && lastName(cell?.path ?? '') !== item.name) return false;
  return item.type === null || !cell?.type || cell.path === '*' || cell.type === item.type || cell.within?.type === item.type;
}

const known = new WeakMap<CodeFile, Entry[]>();

function entriesIn(file: CodeFile, world: World): Entry[] {
  const before = known.get(file);
  if (before) return before;
  const found = [...interrupts(file), ...completions(file), ...items(file), ...operations(file, world)];
  known.set(file, found);
  return found;
}

/** Calls that register interrupt handlers: where the number stands, and the handlers. */
const REQUESTS: readonly [RegExp, number, readonly number[]][] = [
  [/^request_(?:any_context_)?irq$/, 0, [1]],
  [/^request_threaded_irq$/, 0, [1, 2]],
  [/^devm_request_(?:any_context_)?irq$/, 1, [2]],
  [/^devm_request_threaded_irq$/, 1, [2, 3]],
  [/^pci_request_irq$/, 1, [2, 3]],
];
const FREES = /^(?:devm_free_irq|pci_free_irq|free_irq|disable_irq)$/;

function interrupts(file: CodeFile): Entry[] {
  const requests = file.functions.flatMap(fn =>
    fn.events.flatMap(event => {
      const [, number, handlers] = REQUESTS.find(([api]) => api.test(event.api)) ?? [];
      return number === undefined || !handlers
        ? []
        : [{ event, irq: lastName(event.args[number] ?? ''), handlers: handlers.map(i => event.args[i] ?? '') }];
    }),
  );
  const numbers = new Set(requests.map(r => r.irq));
  return requests.flatMap(({ irq, handlers }) =>
    named(file, handlers).map(entry => ({
      ...{
        kind: 'hardware' as const,
        entry,
        by: null,
        quiet: /^(?:synchronize_(?:hard)?irq|disable_irq_nosync|free_irq|devm_free_irq|pci_free_irq(?:_vectors)?)$/,
      },
      isStoppedBy: event =>
        FREES.test(event.api) && (numbers.size === 1 || lastName(event.args[/^(?:devm_|pci_)/.test(event.api) ? 1 : 0] ?? '') === irq),
    })),
  );
}

/** Handlers of URBs, of DMA and of notifiers. */
function completions(file: CodeFile): Entry[] {
  const found: Entry[] = [];
  for (const fn of file.functions) {
    for (const event of fn.events) {
      const { api, args } = event;
      if (/^usb_fill_(?:int|bulk|control)_urb$/.test(api)) {
        const urb = lastName(args[0] ?? '');
        for (const entry of named(file, [args[api === 'usb_fill_control_urb' ? 6 : 5] ?? '']))
          found.push({
            ...{
              kind: 'hardware',
              entry,
              by: null,
              quiet: /^usb_(?:kill|poison|unlink|block)_\w*urbs?$|^usb_(?:unpoison_|kill_|poison_)?anchored_urbs$/,
            },
            isStoppedBy: e => /^usb_(?:kill|poison)_urb$/.test(e.api) && lastName(e.args[0] ?? '') === urb,
          });
      } else if (/^netif_napi_add(?:_weight|_tx|_tx_weight|_config)?$/.test(api)) {
        const napi = lastName(args[1] ?? '');
        for (const entry of named(file, [args[2] ?? '']))
          found.push({
            ...{ kind: 'hardware', entry, by: null, quiet: /^(?:napi_disable|netif_napi_del)$/ },
            isStoppedBy: e => /^napi_disable$/.test(e.api) && lastName(e.args[0] ?? '') === napi,
          });
      } else if (event.kind === 'write' && event.operand && /(?:^|\.)notifier_call$/.test(event.cell?.path ?? '')) {
        const block = lastName((event.cell?.path ?? '').replace(/\.?notifier_call$/, ''));
        for (const entry of named(file, [event.operand]))
          if (block !== '')
            found.push({
              ...{ kind: 'core', entry, by: null, quiet: null },
              isStoppedBy: e => /notifier/.test(e.api) && /unregister/.test(e.api) && e.args.some(arg => lastName(arg) === block),
            });
      }
    }
  }
  return found;
}

/** The handlers of the file's own timers and work items. */
function items(file: CodeFile): Entry[] {
  return deferredIn(file.functions).flatMap(item => {
    const { handler } = item;
    if (!handler || item.handedOut.length > 0) return [];
    const waited = new Set([...item.waited, ...item.drained].map(site => site.event));
    return [
      {
        ...{ kind: 'deferred' as const, entry: handler, by: item, quiet: null },
        isStoppedBy: event =>
          (waited.has(event) && (isSame(item, event) || item.drained.some(site => site.event === event))) ||
          (/^(?:timer_shutdown|(?:disable|cancel)_\w*work)/.test(event.api) && isSame(item, event)),
      },
    ];
  });
}

/** By the object that its operations get first: the call that takes it from its users, behind which none of the operations runs. */
const LEAVES: readonly [RegExp, RegExp, RegExp | null][] = [
  [/^struct hid_device \*/, /^hid_hw_stop$/, /^(?:hid_hw_close|hid_device_io_stop)$/],
  [/^struct led_classdev \*/, /^(?:devm_)?led_classdev_unregister$/, null],
  [/^struct power_supply \*/, /^power_supply_unregister$/, null],
  [/^struct input_dev \*/, /^input_(?:unregister|free)_device$/, null],
  [/^struct mmc_host \*/, /^mmc_remove_host$/, null],
  [/^struct memstick_host \*/, /^memstick_remove_host$/, null],
  [/^struct spi_(?:controller|master|device) \*/, /^spi_unregister_(?:controller|master)$/, null],
  [/^struct ieee80211_hw \*/, /^ieee80211_unregister_hw$/, null],
  [/^struct hci_dev \*/, /^hci_unregister_dev$/, null],
  [/^struct uart_port \*/, /^uart_remove_one_port$/, null],
  [/^struct (?:net_device|sk_buff) \*/, /^unregister_(?:netdev|netdevice|candev)$/, /^(?:netif_device_detach|dev_close)$/],
];
/** Members that bring something up or take it down, and are called around the time that the users have it. */
const AROUND =
  /^(?:probe|remove\w*|disconnect|suspend\w*|resume\w*|reset_resume|\w*_(?:open|stop|close|uninit|init|setup)|init|exit|open|stop|close|release|shutdown|setup|input_\w+|report_fixup|cleanup)$/;

function operations(file: CodeFile, world: World): Entry[] {
  return file.functions.flatMap(entry => {
    const [, leave, quiet] = LEAVES.find(([type]) => type.test(entry.parameters[0]?.type ?? '')) ?? [];
    const members = leave && !entry.isMacro ? world.mentions(entry).flatMap(m => (m.member === null ? [] : [m.member])) : [];
    if (!leave || members.length === 0 || members.every(m => AROUND.test(m))) return [];
    const transmits = members.every(m => m === TRANSMIT || AROUND.test(m));
    const watched = members.every(m => m === WATCHDOG || AROUND.test(m)) && !raisesCarrier(file);
    return [
      {
        ...{ kind: 'core' as const, entry, by: null, quiet: (transmits ? STOPS_QUEUE : quiet) ?? null, isStoppedBy: (e: Event) => leave.test(e.api) },
        ...(watched ? { isQuietened: passesWatchdog } : {}),
      },
    ];
  });
}

/** The operation that the core calls only while the transmit queue is not stopped, and what stops it or the use of the device. */
const TRANSMIT = 'ndo_start_xmit';
const STOPS_QUEUE = /^(?:netif_(?:device_detach|stop_(?:sub)?queue|tx_stop_(?:all_queues|queue)|tx_disable)|dev_close)$/;

/** The operation that only the core's transmit watchdog calls, and only while there is a carrier. */
const WATCHDOG = 'ndo_tx_timeout';
/** What gives a network device its carrier, directly or by a library that follows the link. */
const RAISES = /^(?:netif_carrier_(?:on|event)|(?:of_|fwnode_)?phy_(?:\w*connect\w*|start)|phylink_\w+|mii_check_(?:link|media)|usbnet_\w+)$/;

function raisesCarrier(file: CodeFile): boolean {
  return file.functions.some(fn => fn.events.some(e => RAISES.test(e.api)));
}

/** The carrier is gone, and then the lock was taken that the watchdog holds while it looks and calls: it does not call any more. */
function passesWatchdog(made: readonly Event[]): boolean {
  return made.some(
    (off, i) => off.api === 'netif_carrier_off' && made.slice(i + 1).some(e => e.api === 'netif_tx_disable' && e.args[0] === off.args[0]),
  );
}

const DEEPEST = 3;

/** The functions in view that the function comes to, with the way there. */
function chainsFrom(fn: CFunction, world: World): ReadonlyMap<CFunction, readonly CFunction[]> {
  const ways = new Map<CFunction, readonly CFunction[]>([[fn, [fn]]]);
  for (const [at, way] of ways) {
    if (way.length > DEEPEST) continue;
    for (const event of at.events) {
      const callee = calleeIn(at, event, world.functions);
      if (callee && callee.path === fn.path && !ways.has(callee)) ways.set(callee, [...way, callee]);
    }
  }
  return ways;
}

function named(file: CodeFile, names: readonly string[]): CFunction[] {
  return file.functions.filter(fn => !fn.isMacro && names.some(name => name.replace(/^&/, '').trim() === fn.name));
}

/** The last name of an expression, without subscripts and brackets. */
export function lastName(text: string): string {
  return /(\w+)(?:\[[^\]]*\])*\)*$/.exec(text.trim())?.[1] ?? '';
}
