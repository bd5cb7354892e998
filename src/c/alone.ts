/** Code and objects that no other CPU works on. */
import type { CFunction, Event } from '../model/code.ts';
import type { World } from '../model/rule.ts';

/** Code that runs alone by what it is: set-up before anyone else knows the object, and teardown. */
export function runsAlone(fn: CFunction): boolean {
  return (
    fn.attributes.some(a => /^__(?:init|exit|meminit|net_init|net_exit)\b/.test(a)) ||
    /(?:^|_)(?:init|exit|setup|create|destroy|probe|remove|teardown|cleanup|fini)(?:_|$)/.test(fn.name)
  );
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
  const origin = fn.events.filter(e => e.into === root || (event.cell?.base ?? '').startsWith(`${e.api}(`));
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
