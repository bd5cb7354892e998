/** Code and objects that no other CPU works on. */
import { called } from '../../c/calls/callees.ts';
import { initOrExit } from '../../c/cfg/errorpaths.ts';
import { effectOfKind } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { Mention, World } from '../../model/rule.ts';
import { makesObject } from '../lifetimes/fresh.ts';
import { callersOf } from './callers.ts';

/**
 * Code that sets up before anyone else can know the object, or takes down when nobody can any more: by an attribute (__init, __exit), with the
 * world at hand also by the table or the macro that registers it, or since nothing but such functions calls it. Its name says nothing.
 */
export function runsAlone(fn: CFunction, world?: World): boolean {
  return initOrExit(fn) !== null || (world !== undefined && isRegisteredAlone(fn, world, 0));
}

/** Does the kernel run what is put there as a module, a device or a namespace comes or goes? */
function comesOrGoes({ member, table, call }: Mention, world: World): boolean {
  if (member !== null) return /^(?:setup|teardown)$/.test(world.member(table, member)?.phase ?? '');
  const runner = call === null ? undefined : effectOfKind({ fact: world.fact(call) }, 'register')?.runner;
  return runner === 'init' || runner === 'exit';
}

/** Callers are asked so far up. */
const DEEPEST = 3;

function isRegisteredAlone(fn: CFunction, world: World, depth: number): boolean {
  const mentions = world.mentions(fn);
  if (mentions.length > 0) return mentions.every(m => comesOrGoes(m, world)) && world.callers(fn.name).length === 0;
  const sites = depth < DEEPEST ? callersOf(fn, world) : null;
  return sites?.every(s => s.fn !== fn && (runsAlone(s.fn) || isRegisteredAlone(s.fn, world, depth + 1))) ?? false;
}

/** Does a table name the function as what binds a driver and a device to each other, or parts them? */
export function isNamedAs(driver: 'bind' | 'unbind', fn: CFunction, world: World): boolean {
  return world.mentions(fn).some(m => m.member !== null && world.member(m.table, m.member)?.driver === driver);
}

/** Is it a pointer to a device whose driver core releases what was allocated for it when the driver's callback has returned? */
export function isDevice(type: string | undefined, world: World): boolean {
  return world.type((type ?? '').replace(/ \*+$/, ''))?.is === 'device';
}

/**
 * Is it what the driver core calls as a driver and its device part, after which it releases what was managed (drivers/base/dd.c,
 * __device_release_driver())? A component's remove() has another object, and runs before.
 */
export function unbindsDevice(fn: CFunction, world: World): boolean {
  return isDevice(fn.parameters[0]?.type, world) && isNamedAs('unbind', fn, world);
}

/** Does the function bring a device up or down, by the table that names it? */
export function bringsUpOrDown(fn: CFunction, world: World): boolean {
  const mentions = world.mentions(fn);
  return mentions.length > 0 && mentions.every(m => startsOrStops(m, world));
}

function startsOrStops({ member, table, call }: Mention, world: World): boolean {
  if (member !== null) return /^(?:up|down)$/.test(world.member(table, member)?.phase ?? '');
  return call !== null && effectOfKind({ fact: world.fact(call) }, 'register')?.runner === 'pm';
}

/**
 * Test code: it runs one thread on objects of its own. With the world at hand also what test code alone calls, or hands out to be called.
 */
export function isTest(fn: CFunction, world?: World): boolean {
  return (
    /(?:^|\/)(?:tests?|selftests?|kunit)\/|[_-](?:kunit|test|selftest)s?\.c$|(?:^|\/)test[_-]/.test(fn.path) ||
    fn.parameters.some(p => p.type.startsWith('struct kunit')) ||
    (world !== undefined && servesTests(fn, world))
  );
}

/** Everything in view that names the function is test code, and nothing out of view can. */
function servesTests(fn: CFunction, world: World): boolean {
  if (!fn.isStatic || !fn.whole || fn.path.endsWith('.h')) return false;
  const inside = (line: number) => world.functions.find(f => f.path === fn.path && f.side === fn.side && f.line <= line && f.endLine >= line);
  const users = [
    ...world.callers(fn.name).flatMap(site => (site.fn.path === fn.path ? [site.fn] : [])),
    ...world.mentions(fn).map(m => inside(m.line)),
  ];
  return users.length > 0 && users.every(user => user !== undefined && isTest(user));
}

/** The object is this CPU's own, or was allocated in this function: no other CPU works on it. */
export function isOwn(fn: CFunction, event: Event): boolean {
  if (event.object === 'private') return true;
  const root = /^\w+/.exec(event.cell?.base ?? '')?.[0];
  if (root === undefined) return false;
  const origin = fn.events.filter(e => e.into === root || (event.cell?.base ?? '').startsWith(`${called(e)}(`));
  return origin.some(e => makesObject(e) || isPerCpu(e));
}

/** The object behind the event was made in this function, which has it to itself: nothing but calls that make one give the pointer to it. */
export function isMadeHere(fn: CFunction, event: Event): boolean {
  const base = event.cell?.base ?? null;
  const settings = (fn.settings ?? []).filter(s => s.name === base);
  if (settings.length === 0 || fn.parameters.some(p => p.name === base)) return false;
  return settings.every(s => s.sources.length > 0 && s.sources.every(i => isMaking(fn.events[i])));
}

/** A pointer to this CPU's copy, or to one CPU's. */
function isPerCpu({ fact, kind }: Event): boolean {
  return kind === 'call' && fact?.pointer === 'same';
}

function isMaking(event: Event | undefined): boolean {
  return event !== undefined && makesObject(event);
}
