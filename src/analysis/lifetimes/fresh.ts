/** Functions in view that return new memory, and the calls of them. */
import { likelyEffect } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';

/** Allocators are followed through so many functions that wrap them. */
const DEEPEST = 3;

/** Calls of functions in view that return an object which was not there before, and nothing else. */
export function freshCalls(functions: readonly CFunction[]): ReadonlySet<Event> {
  const fresh = new Set<Event>();
  const isNew = (event: Event) => fresh.has(event) || makesObject(event);
  for (let depth = 0; depth < DEEPEST; depth++) {
    const makers = new Map<string, CFunction[]>();
    for (const fn of functions) {
      if (!returnsNew(fn, isNew)) continue;
      const known = makers.get(fn.name);
      if (known) known.push(fn);
      else makers.set(fn.name, [fn]);
    }
    if (makers.size === 0) break;
    for (const fn of functions)
      for (const event of fn.events)
        if (event.argCells && makers.get(event.api)?.some(maker => maker.path === fn.path || !maker.isStatic)) fresh.add(event);
  }
  return fresh;
}

/** Does the call give an object which was not there before? */
export function makesObject(event: Event): boolean {
  return event.fresh === true || likelyEffect(event, 'alloc') !== undefined;
}

/** Does every run return an object that it has allocated itself, or none? */
function returnsNew(fn: CFunction, isNew: (event: Event) => boolean): boolean {
  if (!fn.whole || fn.isMacro || !fn.head.includes('*')) return false;
  const returned = new Set(fn.flow.flatMap(node => (node.kind === 'exit' && node.returned !== undefined && !node.fails ? [node.returned] : [])));
  returned.delete('NULL');
  const [object, ...others] = returned;
  if (object === undefined || others.length > 0 || fn.parameters.some(p => p.name === object)) return false;
  const settings = (fn.settings ?? []).filter(s => s.name === object);
  const made = (index: number) => {
    const event = fn.events[index];
    return event !== undefined && isNew(event);
  };
  return settings.length > 0 && settings.every(s => s.sources.length > 0 && s.sources.every(made));
}
