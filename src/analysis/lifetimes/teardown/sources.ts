/** What may still run a function of the file while an object is taken down, and by which calls it is stopped. */
import { calleeOf } from '../../../c/calls/callees.ts';
import { argumentAt, effectOfKind, effectsOfKind, likelyEffect } from '../../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../../model/code.ts';
import type { Runner } from '../../../model/effect.ts';
import type { CodeFile, Mention, World } from '../../../model/rule.ts';
import { type Deferred, deferredIn, type Site } from '../deferred.ts';

/** Something that runs a function of the file behind the back of whoever takes the object down. */
export interface Source {
  /** `hardware`: what asks for it is the device, which may have been told to be quiet. `core`: the kernel, for whoever uses the device. */
  kind: 'hardware' | 'deferred' | 'core';
  runner: Runner;
  /** The function that is run. */
  entry: CFunction;
  /** The item that runs it, where one does. */
  by: Deferred | null;
  /** Where it is made known; null where that is out of view. */
  setUp: Site | null;
  /** What it is made known with ends behind the driver's remove(), with all that goes with the device. */
  managed: boolean;
  /** The argument that the handler gets, as written where it is made known; null where that says nothing. */
  data: string | null;
  /** Does the call end it, so that it runs no more when the call is over? */
  isStoppedBy(event: Event): boolean;
  /** Does the call wait until it does not run, for good or not? */
  isAwaitedBy(event: Event): boolean;
  /** Does the call end it as well, or keep it from being asked for? */
  isQuietedBy(event: Event): boolean;
  /** Do calls, in the order in which they were made, together keep it from being asked for? */
  isQuietened?(made: readonly Event[]): boolean;
  /** Members that hold the function: who stores something else there has it called no more. */
  members?: readonly string[];
}

/** Does the event store something else into a member that holds the source's function? */
export function isReplaced({ members = [], entry }: Source, event: Event): boolean {
  return event.kind === 'write' && event.cell !== null && members.includes(lastName(event.cell.path)) && event.operand !== entry.name;
}

/** What a function asks to have done when the device goes (devm_add_action()): by which call, which function, with what. */
export interface EndAction {
  event: Event;
  name: string;
  data: string | null;
}

export function endActionsIn(fn: CFunction): EndAction[] {
  return fn.events.flatMap(event => {
    const register = effectOfKind(event, 'register');
    if (register?.runner !== 'devres') return [];
    return [{ event, name: (argumentAt(event, register.handler) ?? '').replace(/^&/, ''), data: argumentAt(event, register.data) }];
  });
}

/** A source that queues an item. */
export interface Queuer extends Source {
  /** The functions between the source's own and the place that queues the item, that one last. */
  chain: readonly CFunction[];
  queued: Site;
}

/** What queues the item, by all that the file hands to interrupts, timers, work items and the cores of the kernel. */
export function queuersOf(item: Deferred, file: CodeFile, world: World): Queuer[] {
  const queued = item.queued.filter(site => isSame(item, site.event));
  return sourcesIn(file, world)
    .filter(source => source.by !== item)
    .flatMap(source => {
      const chains = chainsFrom(source.entry, world);
      const site = queued.find(s => chains.has(s.fn));
      const chain = site && chains.get(site.fn);
      return site && chain ? [{ ...source, chain, queued: site }] : [];
    });
}

/** Is the item's own type what the place works on, as far as the place tells? */
export function isSame(item: Deferred, event: Event): boolean {
  const { cell } = event;
  if (!event.args.some(arg => new RegExp(`\\b${item.name}\\b`).test(arg)) && lastName(cell?.path ?? '') !== item.name) return false;
  return item.type === null || !cell?.type || cell.path === '*' || cell.type === item.type || cell.within?.type === item.type;
}

const known = new WeakMap<CodeFile, Source[]>();

/** All sources of a file: interrupts, completions, notifiers, threads, timers, work items, operations and attributes. */
export function sourcesIn(file: CodeFile, world: World): readonly Source[] {
  const before = known.get(file);
  if (before) return before;
  const found = [...interrupts(file), ...completions(file), ...threads(file), ...items(file), ...operations(file, world), ...attributes(file, world)];
  known.set(file, found);
  return found;
}

const NOTHING = () => false;

function interrupts(file: CodeFile): Source[] {
  const requests = file.functions.flatMap(fn =>
    fn.events.flatMap(event => {
      const register = effectOfKind(event, 'register');
      if (register?.runner !== 'irq' || event.via) return [];
      const handlers = [register.handler, register.thread].map(at => argumentAt(event, at) ?? '');
      const data = argumentAt(event, register.data);
      return [{ irq: lastName(argumentAt(event, register.object) ?? ''), handlers, data, setUp: { fn, event }, managed: register.managed }];
    }),
  );
  const numbers = new Set(requests.map(r => r.irq));
  return requests.flatMap(({ irq, handlers, ...request }) => {
    const isOfIt = (e: Event, object: number | null) => numbers.size === 1 || lastName(argumentAt(e, object) ?? '') === irq;
    return named(file, handlers).map(entry => ({
      ...{ kind: 'hardware' as const, runner: 'irq' as const, entry, by: null, ...request },
      isQuietedBy: (e: Event) => effectOfKind(e, 'quiesce')?.of === 'irq',
      isAwaitedBy: (e: Event) => effectsOfKind(e, 'quiesce').some(q => q.of === 'irq' && q.waits && isOfIt(e, q.object)),
      isStoppedBy: (e: Event) => effectsOfKind(e, 'quiesce').some(q => q.of === 'irq' && q.waits && q.bars && isOfIt(e, q.object)),
    }));
  });
}

/** Does the call wait for a handler of that kind, of the object by this name; `good`: and keeps it from running again? */
function ends(event: Event, of: Runner, object: string, good: boolean): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  if (quiesce?.of !== of || !quiesce.waits || (good && !(quiesce.bars || quiesce.cancels))) return false;
  return (quiesce.object === null && !good) || lastName(argumentAt(event, quiesce.object) ?? '') === object;
}

/** Handlers of URBs, of NAPI and of notifiers. */
function completions(file: CodeFile): Source[] {
  const found: Source[] = [];
  for (const fn of file.functions) {
    for (const event of fn.events) {
      const register = effectOfKind(event, 'register');
      const of = register?.runner;
      const rest = { by: null, setUp: { fn, event }, managed: false };
      if (register && (of === 'urb' || of === 'napi')) {
        const object = lastName(argumentAt(event, register.object) ?? '');
        for (const entry of named(file, [argumentAt(event, register.handler) ?? '']))
          found.push({
            ...{ kind: 'hardware', runner: of, entry, ...rest, data: argumentAt(event, register.data) },
            isQuietedBy: e => effectOfKind(e, 'quiesce')?.of === of,
            isAwaitedBy: e => ends(e, of, object, false),
            isStoppedBy: e => ends(e, of, object, true),
          });
      } else if (event.kind === 'write' && event.operand && /(?:^|\.)notifier_call$/.test(event.cell?.path ?? '')) {
        const block = lastName((event.cell?.path ?? '').replace(/\.?notifier_call$/, ''));
        const isOfIt = (e: Event) => likelyEffect(e, 'quiesce')?.of === 'notifier' && e.args.some(arg => lastName(arg) === block);
        for (const entry of named(file, [event.operand]))
          if (block !== '')
            found.push({
              ...{ kind: 'core', runner: 'notifier', entry, ...rest, data: null, isQuietedBy: NOTHING, isStoppedBy: isOfIt, isAwaitedBy: isOfIt },
            });
      }
    }
  }
  return found;
}

/** Threads that run a function of the file. */
function threads(file: CodeFile): Source[] {
  return file.functions.flatMap(fn =>
    fn.events.flatMap(event => {
      const register = effectOfKind(event, 'register');
      if (register?.runner !== 'kthread' || event.via) return [];
      const isStop = (e: Event) => effectOfKind(e, 'quiesce')?.of === 'kthread';
      return named(file, [argumentAt(event, register.handler) ?? '']).map(entry => ({
        ...{ kind: 'deferred' as const, runner: 'kthread' as const, entry, by: null, setUp: { fn, event }, managed: false },
        ...{ data: argumentAt(event, register.data), isQuietedBy: NOTHING, isStoppedBy: isStop, isAwaitedBy: isStop },
      }));
    }),
  );
}

/** The handlers of the file's own timers and work items. */
function items(file: CodeFile): Source[] {
  return deferredIn(file.functions).flatMap(item => {
    const { handler } = item;
    if (!handler || item.handedOut.length > 0) return [];
    const waited = new Set([...item.waited, ...item.drained].map(site => site.event));
    const isOfIt = (e: Event) => waited.has(e) && (isSame(item, e) || item.drained.some(site => site.event === e));
    return [
      {
        ...{ kind: 'deferred' as const, runner: runnerOf(item), entry: handler, by: item, setUp: item.setUp, managed: false, data: null },
        isQuietedBy: NOTHING,
        isAwaitedBy: (e: Event) => waitsFor(item, e),
        isStoppedBy: (e: Event) => isOfIt(e) || (takesOff(e) && isSame(item, e)),
      },
    ];
  });
}

function runnerOf(item: Deferred): Runner {
  return effectOfKind(item.setUp.event, 'register')?.runner ?? 'work';
}

/** Does the call wait for the item's handler, by the item or by a queue that may be the one that it is on? */
function waitsFor(item: Deferred, event: Event): boolean {
  return effectsOfKind(event, 'quiesce').some(q => {
    if (!q.waits) return false;
    if (q.of === 'queue' || q.of === 'kthread')
      return item.kind === 'work' && item.drained.some(site => site.event === event || isCopyOf(event, site.event));
    return q.of === runnerOf(item) && isSame(item, event);
  });
}

/** Is it the other event as a caller has it? */
export function isCopyOf(event: Event, other: Event): boolean {
  return event.via !== undefined && event.via.path === other.path && event.via.line === other.line && event.api === other.api;
}

/** Does the call keep an item from running again, or take work off its queue? */
function takesOff(event: Event): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  return quiesce !== undefined && (quiesce.bars || (quiesce.cancels && (quiesce.of === 'work' || quiesce.of === 'delayed-work')));
}

/** Does the call take the object of the type from those who use it: for good, or for a while? */
function takesFromUsers(event: Event, types: ReadonlySet<string>, good: boolean): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  return quiesce?.of === 'operations' && quiesce.waits === good && quiesce.types.some(type => types.has(type));
}

/** Does the member bring something up or take it down, around the time that the users have it? */
function isAround({ member, table }: Mention, world: World): boolean {
  const fact = member === null ? undefined : world.member(table, member);
  return fact !== undefined && (fact.phase !== null || fact.driver !== null);
}

/** What the file gives to a core as operations: the types that a call of the file, or a call that ends the use, speaks of. */
function operations(file: CodeFile, world: World): Source[] {
  const registrations = file.functions.flatMap(fn =>
    fn.events.flatMap(event =>
      event.via
        ? []
        : effectsOfKind(event, 'register').flatMap(r =>
            r.runner === 'operations' ? [{ fn, event, types: new Set(r.types), managed: r.managed }] : [],
          ),
    ),
  );
  const ended = file.functions.flatMap(fn =>
    fn.events.flatMap(e => effectsOfKind(e, 'quiesce').flatMap(q => (q.of === 'operations' ? q.types : []))),
  );
  const types = new Set([...registrations.flatMap(r => [...r.types]), ...ended]);
  if (types.size === 0) return [];
  return file.functions.flatMap(entry => {
    if (entry.isMacro) return [];
    const type = (entry.parameters[0]?.type ?? '').replace(/ \*$/, '').replace(/^const /, '');
    // What stands in a table of another kind is called by somebody else.
    const mentions = world.mentions(entry).filter(m => m.member !== null && (m.table === null || types.has(m.table)));
    const of = new Set([type, ...mentions.flatMap(m => m.table ?? [])].filter(t => types.has(t)));
    const runtime = mentions.filter(m => !isAround(m, world));
    if (of.size === 0 || runtime.length === 0) return [];
    const transmits = runtime.every(m => m.member === TRANSMIT);
    const watched = runtime.every(m => m.member === WATCHDOG) && !raisesCarrier(file);
    const registration = registrations.find(r => [...of].some(t => r.types.has(t)));
    const isStop = (e: Event) => takesFromUsers(e, of, true);
    return [
      {
        ...{ kind: 'core' as const, runner: 'operations' as const, entry, by: null, data: null },
        ...{ setUp: registration ?? null, managed: registration?.managed ?? false, isStoppedBy: isStop, isAwaitedBy: isStop },
        isQuietedBy: (e: Event) => takesFromUsers(e, of, false) || (transmits && stopsQueue(e)),
        members: runtime.flatMap(m => m.member ?? []),
        ...(watched ? { isQuietened: passesWatchdog } : {}),
      },
    ];
  });
}

/** What shows or stores an attribute: its removal waits. Which removal is that of which attribute is not looked at. */
function attributes(file: CodeFile, world: World): Source[] {
  const isStop = (e: Event) => effectsOfKind(e, 'quiesce').some(q => q.of === 'attribute' && q.waits);
  if (!file.functions.some(fn => fn.events.some(isStop))) return [];
  const isAttribute = ({ call, argument }: Mention) =>
    call !== null &&
    effectsOfKind({ fact: world.fact(call) }, 'register').some(r => r.runner === 'attribute' && (r.handler === null || r.handler === argument));
  return file.functions.flatMap(entry =>
    entry.isMacro || !world.mentions(entry).some(isAttribute)
      ? []
      : [
          {
            ...{ kind: 'core' as const, runner: 'attribute' as const, entry, by: null, setUp: null, managed: false, data: null },
            ...{ isQuietedBy: NOTHING, isStoppedBy: isStop, isAwaitedBy: isStop },
          },
        ],
  );
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

/** The functions in view that the function comes to, with the calls between. */
function chainsFrom(fn: CFunction, world: World): ReadonlyMap<CFunction, readonly CFunction[]> {
  const chains = new Map<CFunction, readonly CFunction[]>([[fn, [fn]]]);
  for (const [at, chain] of chains) {
    if (chain.length > DEEPEST) continue;
    for (const event of at.events) {
      const callee = calleeOf(at, event, world.functions);
      if (callee && callee.path === fn.path && !chains.has(callee)) chains.set(callee, [...chain, callee]);
    }
  }
  return chains;
}

function named(file: CodeFile, names: readonly string[]): CFunction[] {
  return file.functions.filter(fn => !fn.isMacro && names.some(name => name.replace(/^&/, '').trim() === fn.name));
}

/** The last name of an expression, without subscripts and brackets. */
export function lastName(text: string): string {
  return /(\w+)(?:\[[^\]]*\])*\)*$/.exec(text.trim())?.[1] ?? '';
}
