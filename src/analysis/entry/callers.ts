/** Who calls a function, and what they hold while it runs. */

import { calleeOf, isCall } from '../../c/calls/callees.ts';
import { nodesAfter, nodesBefore } from '../../c/cfg/flow.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { Mention, World } from '../../model/rule.ts';
import {
  contextSection,
  distinctSections,
  holds,
  includesSection,
  isContext,
  isIn,
  lastMember,
  likeLock,
  objectType,
  type Section,
  sameLock,
} from '../../model/section.ts';
import { makesObject } from '../lifetimes/fresh.ts';
import { dropsOf, enteredUnder, takings } from '../sections/locking.ts';
import { annotated, assertedContext } from '../sections/locknames.ts';
import { lockFlowOf } from '../sections/locksets.ts';
import { saidLocks } from '../sections/saidlocks.ts';
import { registrationsOf } from './registrations.ts';

/** Locks and contexts that surely hold when a function begins, and locks that each of its callers holds, some of them only perhaps. */
export interface Entry {
  locks: readonly Section[];
  context: readonly Section[];
  maybe: readonly Section[];
}

/** Callers are asked so far up: each function once, so that what is said of one does not hang on who asks first. */
const DEEPEST = 200;
/** What is handed on is followed through so many functions. */
const MOST_HANDS = 3;

const entries = new WeakMap<World, Map<CFunction, Entry>>();

const NOTHING: Entry = { locks: [], context: [], maybe: [] };

/**
 * What holds whenever the function is run: what it says itself and, where it is static and only calls in the same whole file and tables that are known
 * name it, what all those callers and the kernel's core hold.
 */
export function heldOnEntry(fn: CFunction, world: World, depth = 0): Entry {
  const known = entries.get(world) ?? new Map<CFunction, Entry>();
  entries.set(world, known);
  const before = known.get(fn);
  if (before) return before;
  known.set(fn, { locks: enteredUnder(fn), context: [], maybe: [] });
  const found = entryOf(fn, world, depth);
  known.set(fn, found);
  return found;
}

function entryOf(fn: CFunction, world: World, depth: number): Entry {
  const own: Entry = { locks: distinctSections([...enteredUnder(fn), ...requiredIn(fn, world)]), context: contextSaid(fn), maybe: [] };
  const tables = tablesOf(fn, world);
  const sites = tables ? callsOf(fn, world) : (callersOf(fn, world) ?? runsOf(fn, world));
  if (!sites || depth > DEEPEST) return own;
  let both = meetOf(tables ?? []);
  let maybe: Section[] | null = both && [...both.locks];
  for (const { fn: caller, event } of sites) {
    const above = caller === fn ? NOTHING : heldOnEntry(caller, world, depth + 1);
    const flow = lockFlowOf(caller);
    const drops = flow ? dropsOf(caller, world.functions) : [];
    const kept = above.locks.filter(lock => !holds(drops, lock) && !includesSection(event.locks, lock));
    const here: Omit<Entry, 'maybe'> = {
      locks: [...event.locks, ...kept],
      context: [
        ...event.context,
        ...above.context.filter(c => !holds(event.context, c) && !(holds(drops, c) && endsBefore(caller, event, c, world.functions))),
      ],
    };
    both = meetOf(both ? [both, here] : [here]);
    const perhaps = distinctSections([...here.locks, ...event.maybeLocks, ...above.maybe]);
    // Whoever gives it an object of his own making needs no lock.
    if (!givesNew(caller, event)) maybe = maybe === null ? perhaps : maybe.filter(l => holds(perhaps, l));
  }
  const locks = distinctSections([...own.locks, ...(both?.locks ?? [])]);
  return {
    locks,
    context: distinctSections([...own.context, ...(both?.context ?? [])]),
    maybe: maybe?.filter(lock => !holds(locks, lock)) ?? [],
  };
}

/**
 * Locks that functions which it calls ask of their callers by __must_hold(), and that it does not acquire itself, so that its own callers hold them: by
 * the type, since the object may have another name here.
 */
function requiredIn(fn: CFunction, world: World): Section[] {
  return fn.events.flatMap(call => {
    const callee = isCall(call) && !call.via ? calleeOf(fn, call, world.functions) : null;
    const asked = callee && callee !== fn ? annotated(callee).filter(lock => objectType(lock) !== null && isMustHold(callee)) : [];
    return asked.filter(lock => !fn.events.some(e => takings(fn, e).some(t => lastMember(t.lock) === lastMember(lock))));
  });
}

/** By __must_hold() alone: what a function releases it may have been given by an event that is not seen to acquire it. */
function isMustHold({ attributes }: CFunction): boolean {
  return attributes.some(a => a.startsWith('__must_hold')) && !attributes.some(a => a.startsWith('__releases'));
}

/** What holds in all of the places; null where there is none. */
function meetOf(places: readonly Omit<Entry, 'maybe'>[]): Omit<Entry, 'maybe'> | null {
  const [first, ...others] = places;
  if (!first) return null;
  return {
    locks: first.locks.filter(lock => others.every(o => holds(o.locks, lock))),
    context: first.context.filter(context => others.every(o => holds(o.context, context))),
  };
}

/**
 * What the kernel's core holds at each place that registers the function, where all of them are tables or handlers of which that is known; null where
 * one is not, or where there is none.
 */
function tablesOf(fn: CFunction, world: World): Omit<Entry, 'maybe'>[] | null {
  if (!fn.isStatic || !fn.whole || fn.path.endsWith('.h')) return null;
  const registrations = registrationsOf(fn, world);
  const found = registrations.flatMap(({ fact, inferred }) => {
    if (!fact || inferred) return [];
    const held = fact.holds.map(h => h.section);
    return [{ locks: held.filter(one => !isContext(one)), context: held.filter(isContext) }];
  });
  return found.length > 0 && found.length === registrations.length ? found : null;
}

/** The calls of a static function in its file; null where one of them can't be asked what it holds. */
function callsOf(fn: CFunction, world: World): { fn: CFunction; event: Event }[] | null {
  const sites = world.callers(fn.name).filter(site => site.fn.path === fn.path);
  return sites.every(site => site.fn.whole && !site.fn.isMacro) ? sites : null;
}

/** Is the function given an object that its caller has just made? */
function givesNew(caller: CFunction, call: Event): boolean {
  return call.args.some(arg => {
    const settings = (caller.settings ?? []).filter(s => s.name === arg);
    const isMaking = (index: number) => caller.events[index] !== undefined && makesObject(caller.events[index]);
    return settings.length > 0 && settings.every(s => s.sources.length > 0 && s.sources.every(isMaking));
  });
}

/** Can a run of the function come by something that ends the context before the event? What ends it behind the event does not matter there. */
function endsBefore(fn: CFunction, event: Event, context: Section, functions: readonly CFunction[]): boolean {
  const flow = lockFlowOf(fn);
  const nodes = nodesBefore(fn, event.node);
  return fn.events.some(e => {
    if (e === event || !nodes.has(e.node)) return false;
    const callee = e.kind === 'call' ? calleeOf(fn, e, functions) : null;
    return holds(flow?.effects[e.index]?.leave ?? [], context) || (callee !== null && callee !== fn && holds(dropsOf(callee, functions), context));
  });
}

function contextSaid(fn: CFunction): Section[] {
  const found: Section[] = saidLocks(fn).filter(isContext);
  // Who switches interrupts on first has been called with them off.
  const effects = lockFlowOf(fn)?.effects;
  if (effects && fn.events.some(e => effects[e.index]?.leave.some(c => c.family === 'irqs-off') && !isIn(e, 'irqs-off')))
    found.push(contextSection('irqs-off'));
  for (const event of fn.events) {
    const context = event.via ? null : assertedContext(event);
    if (context && !holds(found, context)) found.push(context);
  }
  return found;
}

interface CallSite {
  fn: CFunction;
  event: Event;
}

const callers = new WeakMap<World, Map<CFunction, readonly CallSite[] | null>>();

/**
 * All calls of the function, as far as its file is in view: it is static, and nothing holds its address but tables of a type that the same file declares,
 * through which every call is followed. Null where not.
 */
export function callersOf(fn: CFunction, world: World): readonly CallSite[] | null {
  const known = callers.get(world) ?? new Map<CFunction, readonly CallSite[] | null>();
  callers.set(world, known);
  let found = known.get(fn);
  if (found === undefined) {
    found = findCallers(fn, world);
    known.set(fn, found);
  }
  return found;
}

function findCallers(fn: CFunction, world: World): CallSite[] | null {
  if (!fn.isStatic || !fn.whole || fn.path.endsWith('.h') || !world.mentions(fn).every(mention => isFollowed(fn, mention, world))) return null;
  const sites = world.callers(fn.name).filter(site => site.fn.path === fn.path);
  return sites.length > 0 && sites.every(site => site.fn.whole && !site.fn.isMacro) ? sites : null;
}

/**
 * All runs of a static function that is only handed to functions in view, which run it before they return: the calls that hand it over. Null where it
 * is stored, or may be.
 */
function runsOf(fn: CFunction, world: World): { fn: CFunction; event: Event }[] | null {
  if (!fn.isStatic || !fn.whole || fn.path.endsWith('.h')) return null;
  const handed = world.mentions(fn).filter(mention => !isFollowed(fn, mention, world));
  if (handed.length === 0 || handed.some(m => m.call === null)) return null;
  const own = world.functions.filter(f => f.path === fn.path);
  const calls = own.flatMap(caller => caller.events.flatMap(event => (isCall(event) && event.args.includes(fn.name) ? [{ fn: caller, event }] : [])));
  const runs = ({ fn: caller, event }: { fn: CFunction; event: Event }) => runsArgument(caller, event, event.args.indexOf(fn.name), world, 0);
  // Each line that names it is such a call.
  if (!handed.every(m => calls.some(c => c.event.line <= m.line && m.line <= c.event.endLine)) || !calls.every(runs)) return null;
  const sites = [...world.callers(fn.name).filter(site => site.fn.path === fn.path), ...calls];
  return sites.every(site => site.fn.whole && !site.fn.isMacro) ? sites : null;
}

/** Does the callee, which is in view, run the function that it is given there, itself or by handing it on, and do nothing else with it? */
function runsArgument(caller: CFunction, call: Event, argument: number, world: World, depth: number): boolean {
  const callee = depth < MOST_HANDS ? calleeOf(caller, call, world.functions) : null;
  const name = callee?.parameters[argument]?.name;
  if (!callee?.whole || name === undefined || callee.changes?.has(name)) return false;
  const named = callee.events.filter(e => e.api === name || e.args.includes(name) || e.operand === name);
  return (
    named.length > 0 &&
    named.every(e => isCall(e) && (e.api === name || (e.args.includes(name) && runsArgument(callee, e, e.args.indexOf(name), world, depth + 1))))
  );
}

/** Is the function called through the table alone, by calls that are known to run it? */
function isFollowed({ name, path }: CFunction, { member, table }: Mention, world: World): boolean {
  if (member === null || table === null || world.declared(table)?.path !== path) return false;
  const through = memberCallsIn(path, world).get(member) ?? [];
  return through.length > 0 && through.every(e => e.via !== undefined || e.targets?.includes(name));
}

const memberCalls = new WeakMap<World, Map<string, ReadonlyMap<string, Event[]>>>();

/** The calls of a file through members, `x->open(x)`, by the member's name. */
function memberCallsIn(path: string, world: World): ReadonlyMap<string, Event[]> {
  const known = memberCalls.get(world) ?? new Map<string, ReadonlyMap<string, Event[]>>();
  memberCalls.set(world, known);
  let found = known.get(path);
  if (!found) {
    const calls = world.functions.flatMap(f => (f.path === path ? f.events.filter(isCall) : []));
    found = groupBy(calls, e => /[>.](\w+)$/.exec(e.api)?.[1] ?? '');
    known.set(path, found);
  }
  return found;
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const list = found.get(keyOf(one));
    if (list) list.push(one);
    else found.set(keyOf(one), [one]);
  }
  return found;
}

/** Does a caller in view give the lock back behind the call, without having taken one like it itself? Then the function returns with it. */
export function callersGive(fn: CFunction, lock: Section, world: World): boolean {
  return world.callers(fn.name).some(({ fn: caller, event }) => {
    const flow = lockFlowOf(caller);
    if (caller === fn || !flow) return false;
    const later = nodesAfter(caller, event.node);
    const isLike = (other: Section) => (isContext(lock) ? sameLock(other, lock) : likeLock(other, lock));
    const given = caller.events.some(e => {
      const effect = later.has(e.node) ? flow.effects[e.index] : null;
      return effect && [...effect.unlock, ...effect.leave].some(isLike);
    });
    return given && !caller.events.some(e => takings(caller, e).some(t => isLike(t.lock)));
  });
}

/** Locks surely held at an event, the function's own and those of its callers. */
export function heldAt(fn: CFunction, event: Event, world: World): Section[] {
  const above = heldOnEntry(fn, world).locks;
  const drops = above.length > 0 ? dropsOf(fn, world.functions) : [];
  return [...event.locks, ...above.filter(lock => !holds(drops, lock) && !holds(event.locks, lock))];
}

/** Locks held at an event on some path or by some callers, besides those that surely are. */
export function perhapsHeldAt(fn: CFunction, event: Event, world: World): Section[] {
  const entry = heldOnEntry(fn, world);
  const sure = heldAt(fn, event, world);
  return distinctSections([...event.maybeLocks, ...entry.locks, ...entry.maybe]).filter(lock => !holds(sure, lock));
}
