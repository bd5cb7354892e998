/** Items whose handler nothing in view waits for, where their object ends: the other half of the law of teardown. */
import { initOrExit } from '../../../c/cfg/errorpaths.ts';
import { effectOfKind, effectsOfKind } from '../../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../../model/code.ts';
import type { CodeFile, World } from '../../../model/rule.ts';
import { type EntryPoint, entriesOf } from '../../entry/entries.ts';
import { isNamedAs } from '../../entry/phase.ts';
import { type Deferred, deferredIn, queueOf, type Site } from '../deferred.ts';
import { isFreeOf, isTold, keepsOwner } from './owners.ts';
import { queuersOf } from './sources.ts';
import { mayPrecede, stepsOf } from './steps.ts';
import { takingOf, usesOf } from './uses.ts';

/** An item that may be queued or running when its object goes. */
export interface Unawaited {
  item: Deferred;
  /** Where it is taken off its queue, which waits for nothing; null where even that is not done. */
  off: Site | null;
  /** What says that this is the end. */
  end: End;
  /** No other file can name the item: its type is declared in this one. */
  certain: boolean;
}

/**
 * How an object ends: it is freed; something that it owns, or that the handler uses, is freed; what queues the item is stopped for good; another item of
 * the object is waited for; or the kernel takes it down by a table (`site` is null there).
 */
export interface End {
  how: 'object' | 'part' | 'source' | 'sibling' | 'teardown';
  site: Site | null;
}

/** The items of a whole file that nothing in it waits for, though their object ends in it. */
export function unawaitedIn(file: CodeFile, world: World): Unawaited[] {
  const items = deferredIn(file.functions);
  return items.flatMap((item): Unawaited[] => {
    const { type } = item;
    if (type === null || item.handedOut.length > 0 || isWaitedFor(item, world)) return [];
    if (!isOnSystemQueue(item) || (item.handler && keepsOwner(item, world)) || isTold(item, file, world, 'any')) return [];
    const certain = item.handler !== null && world.declared(type)?.path === file.path && !item.path.includes('.');
    for (const off of item.takenOff) {
      const end = isUsed(off) || !item.handler ? null : endBehind(off, item, items, world);
      if (end && (item.queued.length === 0 || isArmedInUse(item, world))) return [{ item, off, end, certain }];
    }
    const end = isArmedInUse(item, world)
      ? endOf(item, file, world)
      : item.queued.length === 0 && !file.functions.some(fn => fn.events.some(waitsForAll))
        ? siblingOf(item, items, world)
        : null;
    return end ? [{ item, off: null, end, certain }] : [];
  });
}

/** Does whoever takes it off look whether it was on? In a helper that is what its caller does. */
function isUsed({ fn, event }: Site): boolean {
  const call = event.via && fn.events[event.via.call];
  return event.used && (!call || call.used);
}

/** How the object ends behind an item that even nothing takes off. */
function endOf(item: Deferred, file: CodeFile, world: World): End | null {
  // What a driver's removal does for its device is seen there.
  const unbinds = file.functions.some(fn => isNamedAs('unbind', fn, world));
  const free = item.handler && !unbinds ? freeOf(item, file) : null;
  if (free) return { how: 'object', site: free };
  const stop = sourceStopOf(item, file, world);
  return stop && !(item.handler && unbinds) ? { how: 'source', site: stop } : null;
}

/** Where what queues the item is stopped for good, on the way to the end of its object. */
function sourceStopOf(item: Deferred, file: CodeFile, world: World): Site | null {
  for (const source of queuersOf(item, file, world)) {
    if (source.kind !== 'hardware' || source.managed) continue;
    for (const fn of file.functions)
      for (const event of fn.events) {
        if (event.via || event.phase.includes('error-path') || !source.isStoppedBy(event)) continue;
        const entries = entriesOf(fn, world);
        if (entries.some(e => e.phase === 'teardown' && !isKnownMeanwhile(e)) || entries.every(e => e.by === 'outside')) return { fn, event };
      }
  }
  return null;
}

/** The object is still there for others, and may be started again. */
function isKnownMeanwhile(e: EntryPoint): boolean {
  return e.known && e.registration?.fact?.driver !== 'unbind' && e.registration?.runner !== 'exit';
}

/** Where the object is taken down with a wait for another of its items. */
function siblingOf(item: Deferred, items: readonly Deferred[], world: World): End | null {
  if (!item.handler) return null;
  for (const other of items) {
    if (other === item || other.type !== item.type || other.setUp.fn !== item.setUp.fn) continue;
    for (const site of other.waited) {
      const steps = stepsOf(site.fn, world);
      const at = steps.find(s => s.event === site.event);
      if (at && steps.some(s => mayPrecede(at, s) && isFreeOf(s.fn, s.event, item.type))) return { how: 'sibling', site };
    }
  }
  return null;
}

/** Does anything wait for it but what sets it up, or puts the device to sleep? */
function isWaitedFor(item: Deferred, world: World): boolean {
  return [...item.waited, ...item.drained].some(({ fn }) => entriesOf(fn, world).some(e => e.phase !== 'setup'));
}

function isOnSystemQueue(item: Deferred): boolean {
  return item.queued.every(site => queueOf(site.event) === null);
}

/** Is it asked to run by more than what sets the object up: its own handler, an interrupt, an operation? */
function isArmedInUse(item: Deferred, world: World): boolean {
  return item.queued.some(({ fn, event }) => {
    if (event.phase.includes('error-path') || initOrExit(fn) !== null) return false;
    return entriesOf(fn, world).some(e => e.phase === 'runtime' || (e.phase === 'unknown' && (e.by !== 'outside' || !e.root.isStatic)));
  });
}

/** What says, behind the place that takes the item off its queue, that this is the end; null where nothing does. */
function endBehind(off: Site, item: Deferred, items: readonly Deferred[], world: World): End | null {
  const { fn, event } = off;
  const steps = stepsOf(fn, world);
  const at = steps.find(step => step.event === event);
  if (!at || event.phase.includes('error-path') || isNamedAs('unbind', fn, world)) return null;
  const later = steps.filter(step => mayPrecede(at, step));
  if (later.some(step => waitsForAll(step.event))) return null;
  const uses = item.handler ? usesOf(item.handler, world) : new Map();
  let part: End | null = null;
  for (const step of later) {
    const site = { fn: step.fn, event: step.event };
    if (isFreeOf(step.fn, step.event, item.type)) return { how: 'object', site };
    const taking = takingOf(step.event);
    if (!taking || taking.how === 'switches off' || taking.how === 'clears') continue;
    const isOwned = step.event.cell?.type === item.type && item.type !== null;
    if (isOwned || uses.get(taking.resource.key)?.tested === false) part ??= { how: 'part', site };
  }
  if (part) return part;
  const entries = entriesOf(fn, world);
  if (entries.some(e => e.phase === 'teardown' && !isKnownMeanwhile(e))) return { how: 'teardown', site: null };
  if (!entries.every(e => e.by === 'outside' || e.by === 'address')) return null;
  const sibling = items
    .filter(other => other !== item && other.type === item.type)
    .flatMap(other => other.waited.filter(site => site.fn === fn && !site.event.phase.includes('error-path')));
  return sibling[0] ? { how: 'sibling', site: sibling[0] } : null;
}

/** Does the call wait for all that is on a queue, or for readers? */
function waitsForAll(event: Event): boolean {
  return effectsOfKind(event, 'quiesce').some(q => q.waits && (q.of === 'queue' || q.of === 'readers' || q.of === 'rcu'));
}

/** Where an object of the item's type is freed. */
function freeOf({ type, setUp }: Deferred, file: CodeFile): Site | null {
  // Who makes objects of the type too frees others than those that were set up.
  for (const fn of file.functions)
    if (!makes(fn, type))
      for (const event of fn.events)
        if (!event.via && fn !== setUp.fn && !event.phase.includes('error-path') && isFreeOf(fn, event, type)) return { fn, event };
  return null;
}

/** Does the function allocate an object of the type? */
function makes(fn: CFunction, type: string | null): boolean {
  return fn.events.some(
    e => e.into !== null && effectOfKind(e, 'alloc') !== undefined && fn.events.some(u => u.cell?.type === type && u.cell.base === e.into),
  );
}
