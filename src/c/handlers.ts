/** What a timer, a work item or a tasklet runs, as far as the code in view sets it up. */
import type { CFunction } from '../model/code.ts';
import { cellKey } from './cells.ts';

/** Calls that tie a handler, argument 1, to the item in argument 0. */
const SETS_UP = /^(?:INIT_(?:DELAYED_|DEFERRABLE_)?WORK|timer_setup|tasklet_setup|kthread_init_(?:delayed_)?work|init_irq_work)$/;

const known = new WeakMap<readonly CFunction[], ReadonlyMap<string, CFunction[]>>();

/** For each item that one of the functions sets up, by the key of its cell, the functions of that file that it runs. */
export function handlersIn(functions: readonly CFunction[]): ReadonlyMap<string, CFunction[]> {
  const before = known.get(functions);
  if (before) return before;
  const found = new Map<string, CFunction[]>();
  known.set(functions, found);
  for (const fn of functions) {
    for (const event of fn.events) {
      const key = SETS_UP.test(event.api) && event.cell ? cellKey(event.cell) : null;
      const handler = key === null ? undefined : functions.find(f => f.path === fn.path && f.name === event.args[1]);
      if (key === null || !handler) continue;
      const list = found.get(key) ?? [];
      if (!list.includes(handler)) list.push(handler);
      found.set(key, list);
    }
  }
  return found;
}
