/** Code and objects that no other CPU works on. */
import type { CFunction, Event } from '../model/code.ts';

/** Code that runs alone by what it is: set-up before anyone else knows the object, and teardown. */
export function runsAlone(fn: CFunction): boolean {
  return (
    fn.attributes.some(a => /^__(?:init|exit|meminit|net_init|net_exit)\b/.test(a)) ||
    /(?:^|_)(?:init|exit|setup|create|destroy|probe|remove|teardown|cleanup|fini)(?:_|$)/.test(fn.name)
  );
}

/** Test code: it runs one thread on objects of its own. */
export function isTest(fn: CFunction): boolean {
  return (
    /(?:^|\/)(?:tests?|selftests?|kunit)\/|[_-](?:kunit|test|selftest)s?\.c$|(?:^|\/)test[_-]/.test(fn.path) ||
    fn.parameters.some(p => p.type.startsWith('struct kunit'))
  );
}

/** The object is this CPU's own, or was allocated in this function: no other CPU works on it. */
export function isOwn(fn: CFunction, event: Event): boolean {
  if (event.object === 'private') return true;
  const root = /^\w+/.exec(event.cell?.base ?? '')?.[0];
  if (root === undefined) return false;
  const origin = fn.events.filter(e => e.into === root || (event.cell?.base ?? '').startsWith(`${e.api}(`));
  return origin.some(e => /(?:^|_)(?:this_cpu_ptr|per_cpu_ptr|get_cpu_ptr|raw_cpu_ptr)$|(?:^|_)[kvm]*z?alloc|_alloc(?:_|$)|memdup/.test(e.api));
}
