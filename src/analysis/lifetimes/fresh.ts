/** Functions in view that return new memory, and the calls of them. */
import { likelyEffect } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';

/** Allocators are followed through so many functions that wrap them. */
const DEEPEST = 3;

/** Marks each call that gives an object which was not there before: of what is known to allocate, and of functions in view that return nothing else. */
export function markFresh(functions: readonly CFunction[]): void {
  for (let depth = 0; depth < DEEPEST; depth++) {
    const makers = new Map<string, CFunction[]>();
    for (const fn of functions) {
      if (!returnsNew(fn)) continue;
      const known = makers.get(fn.name);
      if (known) known.push(fn);
      else makers.set(fn.name, [fn]);
    }
    if (makers.size === 0) return;
    for (const fn of functions)
      for (const event of fn.events)
        if (event.argCells && makers.get(event.api)?.some(maker => maker.path === fn.path || !maker.isStatic)) event.fresh = true;
  }
}

/** Does the call give an object which was not there before? */
export function makesObject(event: Event): boolean {
  return event.fresh === true || likelyEffect(event, 'alloc') !== undefined;
}

/** Does every run return an object that it has allocated itself, or none? */
function returnsNew(fn: CFunction): boolean {
  if (!fn.whole || fn.isMacro || !fn.head.includes('*')) return false;
  const returned = new Set(fn.flow.flatMap(node => (node.kind === 'exit' && node.returned !== undefined && !node.fails ? [node.returned] : [])));
  returned.delete('NULL');
  const [object, ...others] = returned;
  if (object === undefined || others.length > 0 || fn.parameters.some(p => p.name === object)) return false;
  const settings = (fn.settings ?? []).filter(s => s.name === object);
  const made = (index: number) => {
    const event = fn.events[index];
    return event !== undefined && makesObject(event);
  };
  return settings.length > 0 && settings.every(s => s.sources.length > 0 && s.sources.every(made));
}
