/** What an object puts off: its work items, timers and tasklets, by where one file sets them up, queues them, and waits for them. */

import { calleeOf, standsHere } from '../../c/calls/callees.ts';
import { conditionOn } from '../../c/cfg/flow.ts';
import { cellKey } from '../../c/lower/cells.ts';
import { argumentAt, effectOfKind, releaseAtZero } from '../../c/syntax/effects.ts';
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

/** What runs the handlers of items, and the kind of item. */
const KINDS: Partial<Record<string, Deferred['kind']>> = {
  work: 'work',
  'delayed-work': 'work',
  'kthread-work': 'work',
  'irq-work': 'work',
  timer: 'timer',
  hrtimer: 'timer',
  tasklet: 'tasklet',
};

/** What sets an item up. */
function setUpBy(event: Event): { kind: Deferred['kind']; delayed: boolean } | null {
  const runner = effectOfKind(event, 'register')?.runner ?? '';
  const kind = KINDS[runner];
  return kind === undefined ? null : { kind, delayed: runner === 'delayed-work' };
}

/** Does the call ask an item to run? */
function asksToRun(event: Event): boolean {
  return KINDS[(effectOfKind(event, 'queue') ?? effectOfKind(event, 'arm'))?.runner ?? ''] !== undefined;
}

/** Does the call keep an item from running: by waiting for it, or by taking it off its queue alone? */
function quiets(event: Event): 'waits' | 'takes-off' | null {
  const quiesce = effectOfKind(event, 'quiesce');
  if (!quiesce || KINDS[quiesce.of] === undefined) return null;
  return quiesce.waits ? 'waits' : 'takes-off';
}

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
      const setUp = setUpBy(event);
      if (!setUp || event.uncertain || !cell || cell.pointee) continue;
      const type = cell.base === null ? null : cell.type;
      const name = /(\w+)(?:\[[^\]]*\])*$/.exec(cell.path)?.[1];
      if (name === undefined || (cell.base !== null && type === null) || found.some(item => item.type === type && item.name === name)) continue;
      const handler = handlerOf(fn, event, functions);
      const item: Deferred = {
        ...setUp,
        ...{ type, path: cell.path, name, setUp: { fn, event }, handler },
        ...{ queued: [], waited: [], drained: [], takenOff: [], handedOut: [] },
      };
      found.push(item);
    }
  }
  if (found.length > 0) for (const fn of functions) for (const event of fn.events) for (const item of found) place(item, { fn, event });
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
      const handler = setUpBy(event) && event.cell ? handlerOf(fn, event, functions) : null;
      if (!handler || !event.cell) continue;
      const key = cellKey(event.cell);
      const list = found.get(key) ?? [];
      if (!list.includes(handler)) found.set(key, [...list, handler]);
    }
  }
  return found;
}

/** Is the cell surely of another object than the item's: a member of the same name in a structure of another type? */
function isOfOther(item: Deferred, { cell }: Event): boolean {
  if (!cell?.type || item.type === null || cell.within || cell.pointee || cell.path === '*') return false;
  return cell.type !== item.type && !/[.*[]/.test(cell.path) && !/[.*[]/.test(item.path);
}

/** Adds the place to what the item knows of itself, if the event is about it. */
function place(item: Deferred, site: Site): void {
  const { event } = site;
  if (isOfOther(item, event)) return;
  const quiet = quiets(event);
  if (asksToRun(event)) {
    if (names(item, event)) item.queued.push(site);
  } else if (quiet === 'waits') {
    if (names(item, event)) (isOnlyIfPending(item, site) ? item.takenOff : item.waited).push(site);
    else if (isAnybodys(event)) item.waited.push(site);
  } else if (quiet === 'takes-off') {
    if (names(item, event)) item.takenOff.push(site);
  } else if (
    !setUpBy(event) &&
    mayKeep(event) &&
    effectOfKind(event, 'register')?.runner !== 'devres' &&
    event.args.some(arg => arg.startsWith('&') && isPart(item, arg))
  )
    item.handedOut.push(site);
}

/** May the call do anything with what it is given? */
function mayKeep({ kind, fact }: Event): boolean {
  return kind === 'call' ? fact === undefined || fact.part === true : kind === 'wait' || kind === 'wake';
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
  return fn.events.some(e => e.kind === 'read' && e.fact && names(item, e) && conditionOn(fn, e, event) === 'nonzero');
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
      const quiesce = effectOfKind(event, 'quiesce');
      if (quiesce?.of !== 'queue' && quiesce?.of !== 'kthread') return [];
      const to = lastName(argumentAt(event, quiesce.object) ?? '');
      const own = quiesce.object === null || queues.some(q => q !== null && (q === to || to === ''));
      return own ? [{ fn, event }] : [];
    }),
  );
}

/** The name of the queue that a call puts work on; null where it is one of the system's. */
export function queueOf(event: Event): string | null {
  const queue = effectOfKind(event, 'queue');
  const written = queue ? argumentAt(event, queue.on) : null;
  if (written === null) return null;
  const name = lastName(written);
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

/** The function in view that the last put of a reference runs; null where the call is none, or names none of the file. */
export function releaseOf(fn: CFunction, event: Event, functions: readonly CFunction[]): CFunction | null {
  const release = releaseAtZero(event);
  return release === null ? null : (functions.find(f => f.path === fn.path && f.name === release) ?? null);
}
