/** What may queue an item while its object is taken down, and by which call that is stopped for good. */
import { argumentAt, calleeIn, type Deferred, deferredIn, effectOfKind, likelyEffect, type Site } from '../../../src/analysis/query.ts';
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
  /** Does the call end it as well, or keep it from being asked for? */
  isQuietedBy(event: Event): boolean;
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

const NOTHING = () => false;

function interrupts(file: CodeFile): Entry[] {
  const requests = file.functions.flatMap(fn =>
    fn.events.flatMap(event => {
      const register = effectOfKind(event, 'register');
      if (register?.runner !== 'irq') return [];
      const handlers = [register.handler, register.thread].map(at => argumentAt(event, at) ?? '');
      return [{ irq: lastName(argumentAt(event, register.object) ?? ''), handlers }];
    }),
  );
  const numbers = new Set(requests.map(r => r.irq));
  return requests.flatMap(({ irq, handlers }) =>
    named(file, handlers).map(entry => ({
      ...{ kind: 'hardware' as const, entry, by: null, isQuietedBy: e => effectOfKind(e, 'quiesce')?.of === 'irq' },
      isStoppedBy: e => {
        const quiesce = effectOfKind(e, 'quiesce');
        if (quiesce?.of !== 'irq' || !quiesce.waits || !quiesce.bars) return false;
        return numbers.size === 1 || lastName(argumentAt(e, quiesce.object) ?? '') === irq;
      },
    })),
  );
}

/** Does the call wait for a handler of that kind and keep it from running again, that of the object by this name? */
function ends(event: Event, of: 'urb' | 'napi', object: string): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  if (quiesce?.of !== of || !quiesce.waits || !(quiesce.bars || quiesce.cancels)) return false;
  return lastName(argumentAt(event, quiesce.object) ?? '') === object;
}

/** Handlers of URBs, of DMA and of notifiers. */
function completions(file: CodeFile): Entry[] {
  const found: Entry[] = [];
  for (const fn of file.functions) {
    for (const event of fn.events) {
      const register = effectOfKind(event, 'register');
      const of = register?.runner;
      if (register && (of === 'urb' || of === 'napi')) {
        const object = lastName(argumentAt(event, register.object) ?? '');
        for (const entry of named(file, [argumentAt(event, register.handler) ?? '']))
          found.push({
            ...{ kind: 'hardware', entry, by: null, isQuietedBy: e => effectOfKind(e, 'quiesce')?.of === of },
            isStoppedBy: e => ends(e, of, object),
          });
      } else if (event.kind === 'write' && event.operand && /(?:^|\.)notifier_call$/.test(event.cell?.path ?? '')) {
        const block = lastName((event.cell?.path ?? '').replace(/\.?notifier_call$/, ''));
        for (const entry of named(file, [event.operand]))
          if (block !== '')
            found.push({
              ...{ kind: 'core', entry, by: null, isQuietedBy: NOTHING },
              isStoppedBy: e => likelyEffect(e, 'quiesce')?.of === 'notifier' && e.args.some(arg => lastName(arg) === block),
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
        ...{ kind: 'deferred' as const, entry: handler, by: item, isQuietedBy: NOTHING },
        isStoppedBy: event =>
          (waited.has(event) && (isSame(item, event) || item.drained.some(site => site.event === event))) || (takesOff(event) && isSame(item, event)),
      },
    ];
  });
}

/** Does the call keep an item from running again, or take work off its queue? */
function takesOff(event: Event): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  return quiesce !== undefined && (quiesce.bars || (quiesce.cancels && (quiesce.of === 'work' || quiesce.of === 'delayed-work')));
}

/** Objects that a core calls its operations with, as what ends that names them. */
const USED =
  'hid_device led_classdev power_supply input_dev mmc_host memstick_host spi_controller spi_master spi_device ieee80211_hw hci_dev uart_port net_device sk_buff';
const USED_TYPES = new Set(USED.split(' ').map(tag => `struct ${tag}`));

/** Does the call take the object of the type from those who use it: for good, or for a while? */
function takesFromUsers(event: Event, type: string, good: boolean): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  return quiesce?.of === 'operations' && quiesce.waits === good && quiesce.types.includes(type);
}

/** Members that bring something up or take it down, and are called around the time that the users have it. */
const AROUND =
  /^(?:probe|remove\w*|disconnect|suspend\w*|resume\w*|reset_resume|\w*_(?:open|stop|close|uninit|init|setup)|init|exit|open|stop|close|release|shutdown|setup|input_\w+|report_fixup|cleanup)$/;

function operations(file: CodeFile, world: World): Entry[] {
  return file.functions.flatMap(entry => {
    const type = (entry.parameters[0]?.type ?? '').replace(/ \*$/, '');
    const used = USED_TYPES.has(type);
    const members = used && !entry.isMacro ? world.mentions(entry).flatMap(m => (m.member === null ? [] : [m.member])) : [];
    if (!used || members.length === 0 || members.every(m => AROUND.test(m))) return [];
    const transmits = members.every(m => m === TRANSMIT || AROUND.test(m));
    const watched = members.every(m => m === WATCHDOG || AROUND.test(m)) && !raisesCarrier(file);
    return [
      {
        ...{ kind: 'core' as const, entry, by: null, isStoppedBy: (e: Event) => takesFromUsers(e, type, true) },
        isQuietedBy: (e: Event) => takesFromUsers(e, type, false) || (transmits && stopsQueue(e)),
        ...(watched ? { isQuietened: passesWatchdog } : {}),
      },
    ];
  });
}

/** The operation that the core calls only while the transmit queue is not stopped, and what stops it or the use of the device. */
const TRANSMIT = 'ndo_start_xmit';
function stopsQueue(event: Event): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  return quiesce?.of === 'softirq' && quiesce.bars;
}

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
