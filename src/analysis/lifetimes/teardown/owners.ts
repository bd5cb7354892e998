/** Who an item's object belongs to: who frees it, who keeps it while the handler runs, and who is told that the handler is through. */
import { effectOfKind, effectsOfKind, likelyEffect } from '../../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../../model/code.ts';
import type { CodeFile, World } from '../../../model/rule.ts';
import { type Deferred, runBy } from '../deferred.ts';
import { placeOf, pointedTo } from '../lifetime.ts';
import { lastName } from './sources.ts';

/** Is the variable a pointer to an object of the type? */
export function isPointerTo(fn: CFunction, arg: string, type: string): boolean {
  if (!/^\w+$/.test(arg)) return false;
  if (fn.parameters.some(p => p.name === arg && p.type === `${type} *`) || isPlaceOf(fn, arg, type)) return true;
  return fn.events.some(e => e.into === arg && e.kind === 'read' && e.cell !== null && isPlaceOf(fn, placeOf(e.cell), type));
}

/** Does the function reach an object of the type by the pointer that is spelled so? */
function isPlaceOf(fn: CFunction, place: string, type: string): boolean {
  return fn.events.some(e => e.cell?.type === type && e.cell.base !== null && e.cell.base.replace(/->/g, '.') === place);
}

/** Does the event free an object of the type, now, by a pointer to it or by the place that such a pointer was read from? */
export function isFreeOf(fn: CFunction, event: Event, type: string | null): boolean {
  if (type === null || event.kind !== 'free' || !event.cell || effectOfKind(event, 'free')?.when === 'grace-period') return false;
  if (event.cell.path === '*') return event.cell.type === type;
  const place = pointedTo(event.cell);
  return place !== null && isPlaceOf(fn, place, type);
}

/** Does the handler give the object back itself, or a reference to it that whoever queued it took? A handler out of view may. */
export function keepsOwner(item: Deferred, world: World): boolean {
  const { type } = item;
  if (!item.handler || type === null) return !item.handler;
  for (const fn of runBy(item.handler, world)) {
    for (const event of fn.events) {
      if (event.kind === 'free' && event.cell?.type === type && event.cell.path === '*') return true;
      const ref = likelyEffect(event, 'ref');
      if (ref?.by === 'put' && (ref.frees || !event.fact))
        if (event.args.some(arg => isPointerTo(fn, /^&?(\w+)/.exec(arg)?.[1] ?? '', type))) return true;
    }
  }
  return false;
}

/** Does the handler tell somebody who waits in the file that it is through: by a completion, or where `on` is `any` by whatever wakes? */
export function isTold(item: Deferred, file: CodeFile, world: World, on: 'completion' | 'any'): boolean {
  const told = new Set<string>();
  const counts = (of: string) => on === 'any' || of === on;
  for (const fn of item.handler ? runBy(item.handler, world) : [])
    for (const event of fn.events) if (effectsOfKind(event, 'wake').some(w => counts(w.on))) told.add(lastName(event.args[0] ?? ''));
  told.delete('');
  if (told.size === 0) return false;
  return file.functions.some(fn => fn.events.some(e => effectsOfKind(e, 'wait').some(w => counts(w.on)) && told.has(lastName(e.args[0] ?? ''))));
}
