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

/** Is the event one to be counted in this function, and not in a helper that is expanded here and stands in view itself? */
export function standsHere(event: Event): boolean {
  return !event.via || event.via.isMacro === true;
}

/** What the code spells for what the event does: of a declared wrapper its own name, which sentences use. */
export function called({ api, written }: Pick<Event, 'api' | 'written'>): string {
  return written ?? api;
}

/** The event as the function writes it on its line: of an expanded one the call that it is part of. */
export function asWritten(fn: CFunction, event: Event): Event {
  return (event.via && fn.events[event.via.call]) ?? event;
}

/** The function that a call runs: of the same file before others, whole before partly seen; null where none is in view or it is not sure which. */
export function calleeOf(fn: CFunction, event: Event, functions: readonly CFunction[]): CFunction | null {
  if (!isCall(event) || event.opaque) return null;
  const known = indexOf(functions).get(called(event)) ?? [];
  const own = known.filter(f => f.path === fn.path);
  const fits = own.length > 0 ? own : known.filter(f => !f.isStatic || f.path.endsWith('.h'));
  return fits.find(f => f.whole) ?? fits[0] ?? null;
}
