/** Code and objects that no other CPU works on. */
import { called } from '../../c/calls/callees.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';
import { callersOf } from './callers.ts';

/**
 * Code that sets up before anyone else can know the object, or takes down when nobody can any more: by an attribute (__init, __exit), with the
 * world at hand also by the table or the macro that registers it, or since nothing but such functions calls it. Its name says nothing.
 */
export function runsAlone(fn: CFunction, world?: World): boolean {
  return fn.attributes.some(a => /^__(?:init|exit|meminit|net_init|net_exit)\b/.test(a)) || (world !== undefined && isRegisteredAlone(fn, world, 0));
}

/** Macros and members of tables that hand a function to the kernel to be run as a module, a device or a namespace comes or goes. */
const COMES_OR_GOES =
  /^(?:module_init|module_exit|(?:early|pure|core|postcore|arch|subsys|fs|rootfs|device|late)_initcall(?:_sync)?|probe(?:_new)?|remove(?:_new)?|init|exit(?:_batch)?|pre_exit|ndo_init|ndo_uninit)$/;

/** Callers are asked so far up. */
const DEEPEST = 3;

function isRegisteredAlone(fn: CFunction, world: World, depth: number): boolean {
  const mentions = world.mentions(fn);
  if (mentions.length > 0) return mentions.every(m => COMES_OR_GOES.test(m.member ?? m.call ?? '')) && world.callers(fn.name).length === 0;
  const sites = depth < DEEPEST ? callersOf(fn, world) : null;
  return sites?.every(s => s.fn !== fn && (runsAlone(s.fn) || isRegisteredAlone(s.fn, world, depth + 1))) ?? false;
}

/** Members of tables whose functions bring a device up, or down, while nothing else runs on it. */
const UP_OR_DOWN = /^(?:ndo_open|ndo_stop|(?:runtime_)?(?:suspend|resume)(?:_late|_early|_noirq)?|freeze|thaw|restore|poweroff|shutdown)$/;

/** Macros that make such a table of the functions that they are given (include/linux/pm.h). */
const PM_TABLE = /_PM_OPS$/;

/** Does the function bring a device up or down, by the table that names it? */
export function bringsUpOrDown(fn: CFunction, world: World): boolean {
  const mentions = world.mentions(fn);
  return mentions.length > 0 && mentions.every(m => UP_OR_DOWN.test(m.member ?? '') || (m.member === null && PM_TABLE.test(m.call ?? '')));
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
  return origin.some(e => /(?:^|_)(?:this_cpu_ptr|per_cpu_ptr|get_cpu_ptr|raw_cpu_ptr)$|(?:^|_)[kvm]*z?alloc|_alloc(?:_|$)|memdup/.test(e.api));
}

/** The object behind the event was made in this function, which has it to itself: nothing but calls that make one give the pointer to it. */
export function isMadeHere(fn: CFunction, event: Event): boolean {
  const base = event.cell?.base ?? null;
  const settings = (fn.settings ?? []).filter(s => s.name === base);
  if (settings.length === 0 || fn.parameters.some(p => p.name === base)) return false;
  return settings.every(s => s.sources.length > 0 && s.sources.every(i => MAKES.test(fn.events[i]?.api ?? '')));
}

/** Calls that give an object which was not there before. */
const MAKES = /(?:^|_)(?:create|[kvm]*[cz]?alloc|new|clone|dup|memdup)(?:_|$)/;
