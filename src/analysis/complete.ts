/** What is known of functions besides what they do. */
import { objectsIn } from '../c/lower/objects.ts';
import type { CFunction, Event, Mutable } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import { freshCalls } from './lifetimes/fresh.ts';
import { entryLocks } from './sections/locknames.ts';
import { allLocksets } from './sections/summaries.ts';

/**
 * The functions, in the same order, with what is held at each event, the objects that are nobody else's, and the calls that give new ones. An event of
 * which nothing more is known is the same object.
 */
export function completed(functions: readonly CFunction[], factOf: (api: string) => Fact | undefined): CFunction[] {
  const locksets = allLocksets(functions, factOf);
  const fresh = freshCalls(functions);
  return functions.map(fn => {
    const objects = objectsIn(fn);
    const held = locksets.get(fn)?.held;
    const events = fn.events.map((event, i): Event => {
      const here = held?.[i];
      const isHeld = here && (here.locks.length > 0 || here.maybeLocks.length > 0 || here.context.length > 0 || here.maybeContext.length > 0);
      const object = objects.get(event);
      if (!isHeld && object === undefined && !fresh.has(event)) return event;
      const made: Mutable<Event> = { ...event };
      if (isHeld) {
        made.locks = here.locks;
        made.maybeLocks = here.maybeLocks;
        made.context = here.context;
        made.maybeContext = here.maybeContext;
      }
      if (object !== undefined) made.object = object;
      if (fresh.has(event)) made.fresh = true;
      return made;
    });
    return { ...fn, events, entryLocks: entryLocks(fn) };
  });
}
