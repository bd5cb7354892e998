/** Which function in view a call runs. */
import type { CFunction, Event } from '../../model/code.ts';

const indexes = new WeakMap<readonly CFunction[], Map<string, CFunction[]>>();

function indexOf(functions: readonly CFunction[]): Map<string, CFunction[]> {
  let index = indexes.get(functions);
  if (!index) {
    index = new Map();
    for (const fn of functions) {
      const known = index.get(fn.name);
      if (known) known.push(fn);
      else index.set(fn.name, [fn]);
    }
    indexes.set(functions, index);
  }
  return index;
}

/** Is the event a call on its line, of whatever is or is not in view? */
export function isCall(event: Event): boolean {
  return event.kind === 'call' || event.kind === 'expanded';
}

/** Does a guard or the variable of a class begin or end here: `guard(mutex)(&x->lock)`, `CLASS(fd, f)(n)`? */
export function isGuard({ api }: Pick<Event, 'api'>): boolean {
  return /^(?:guard|scoped_guard|CLASS)\(/.test(api);
}

/** Is the event one to be counted in this function, and not in a helper that is expanded here and stands in view itself? */
export function standsHere(event: Event): boolean {
  return !event.via || event.via.isMacro === true;
}

/** What the code spells for what the event does: of a declared wrapper its own name, which sentences use. */
export function called({ api, written }: Pick<Event, 'api' | 'written'>): string {
  return written ?? api;
}

/** Does the call run a function of that name, by itself or through a pointer whose targets are visible? */
export function runsNamed(event: Pick<Event, 'api' | 'written' | 'targets'>, name: string): boolean {
  return event.targets ? event.targets.includes(name) : called(event) === name;
}

/** The event as the function writes it on its line: of an expanded one the call that it is part of. */
export function asWritten(fn: CFunction, event: Event): Event {
  return (event.via && fn.events[event.via.call]) ?? event;
}

/** The function that a call runs: of the same file before others, whole before partly seen; null where none is in view or it is not sure which. */
export function calleeOf(fn: CFunction, event: Event, functions: readonly CFunction[]): CFunction | null {
  return isCall(event) && !event.opaque ? named(fn, event.targets?.[0] ?? called(event), functions) : null;
}

/** All functions that a call may run, through a pointer perhaps one of several; empty where they are not all in view. */
export function calleesOf(fn: CFunction, event: Event, functions: readonly CFunction[]): readonly CFunction[] {
  if (!event.opaque || !event.targets || event.kind !== 'call') {
    const callee = calleeOf(fn, event, functions);
    return callee ? [callee] : [];
  }
  const found = event.targets.flatMap(name => named(fn, name, functions) ?? []);
  return found.length === event.targets.length ? found : [];
}

function named(fn: CFunction, name: string, functions: readonly CFunction[]): CFunction | null {
  const known = indexOf(functions).get(name) ?? [];
  const own = known.filter(f => f.path === fn.path);
  const fits = own.length > 0 ? own : known.filter(f => !f.isStatic || f.path.endsWith('.h'));
  return fits.find(f => f.whole) ?? fits[0] ?? null;
}
