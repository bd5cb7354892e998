/** Objects in lists and maps: who finds one under a lock, and who takes it out and frees it. */

import { calleeOf } from '../../c/calls/callees.ts';
import { nodePostDominates } from '../../c/cfg/dominance.ts';
import { initOrExit } from '../../c/cfg/errorpaths.ts';
import { comesBefore } from '../../c/cfg/flow.ts';
import { headsAround } from '../../c/cfg/loops.ts';
import { returnedAt } from '../../c/cfg/returned.ts';
import { cellKey } from '../../c/lower/cells.ts';
import { argumentAt, effectOfKind, isDeferred } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { Road } from '../../model/effect.ts';
import type { World } from '../../model/rule.ts';
import { exclusive, includesSection, type Section } from '../../model/section.ts';
import { heldAt } from '../entry/callers.ts';
import { isTest } from '../entry/phase.ts';
import { isHandedOver, objectOf, onward, pointedTo, releasesIn, variablesIn, waitsForReaders } from './lifetime.ts';

/** What holds the objects: a list through a member of theirs, or a map by its own cell. */
export interface Container {
  kind: 'list' | 'map';
  /** A list: the member that links the objects. */
  member: string;
  /** A list: the type of the objects; null where it is not in view. */
  type: string | null;
  /** A map: the key of its cell. */
  key: string | null;
}

/** An object that a function finds in a container. */
export interface Found {
  /** What finds it, in this function: the walk, the lookup, or the call of a helper that does it. */
  event: Event;
  /** The variables that lead to it, the first that of the lookup itself. */
  names: string[];
  container: Container;
  /** The helper in view that finds it, the lookup there, and the variables there. */
  via: { fn: CFunction; event: Event; names: string[] } | null;
}

/** An object that is taken out of a container and then freed. */
export interface Removal {
  fn: CFunction;
  event: Event;
  free: Event;
  object: string;
  container: Container;
  /** Exclusive locks held at the removal, those of the callers as well. */
  locks: Section[];
  /** The helper in view that takes it out, and the removal there. */
  via: { fn: CFunction; event: Event } | null;
}

/** Roads by a member of the object. */
const LINKED: ReadonlySet<string> = new Set<Road>(['list', 'hlist', 'hash']);

/** Everything that the function finds, itself or by a helper in view that leaves the locks to it. */
export function foundIn(fn: CFunction, functions: readonly CFunction[]): Found[] {
  return fn.events.flatMap((event): Found[] => {
    const own = lookedUp(fn, event);
    if (own) return [{ event, ...own, via: null }];
    if (event.kind !== 'call' || event.into === null || !event.argCells) return [];
    const callee = calleeOf(fn, event, functions);
    if (!callee?.whole || callee === fn || callee.isMacro) return [];
    for (const inner of callee.events) {
      const found = inner.locks.every(lock => includesSection(callee.entryLocks, lock)) ? lookedUp(callee, inner) : null;
      const returned = found && callee.flow.some(n => n.kind === 'exit' && found.names.includes(returnedAt(n) ?? ''));
      if (found && returned)
        return [{ event, names: [event.into], container: found.container, via: { fn: callee, event: inner, names: found.names } }];
    }
    return [];
  });
}

function lookedUp(fn: CFunction, event: Event): { names: string[]; container: Container } | null {
  if (!event.cell) return null;
  const consume = effectOfKind(event, 'consume');
  if (!consume) return null;
  const isMap = consume.by === 'idr' || consume.by === 'xarray';
  if (isMap && !consume.each)
    return event.into === null ? null : { names: [event.into], container: { kind: 'map', member: '', type: null, key: cellKey(event.cell) } };
  if (isMap || consume.rcu) return null;
  const member = argumentAt(event, consume.member);
  if (!consume.each) {
    // A type among the arguments is one word to the grammar.
    const type = argumentAt(event, consume.type);
    if (event.into === null || type === null || member === null) return null;
    return { names: [event.into], container: { kind: 'list', member, type: type.replace(/^(struct|union)_/, '$1 '), key: null } };
  }
  const pointer = argumentAt(event, consume.cursor);
  if (pointer === null || member === null || !/^\w+$/.test(pointer)) return null;
  const copies = (fn.settings ?? []).filter(s => s.name !== pointer && s.sources.includes(event.index)).map(s => s.name);
  return { names: [...new Set([pointer, ...copies])], container: { kind: 'list', member, type: typeOf(fn, pointer), key: null } };
}

function typeOf(fn: CFunction, pointer: string): string | null {
  return fn.events.find(e => e.cell?.base === pointer && e.cell.type !== null)?.cell?.type ?? null;
}

const removals = new WeakMap<World, Removal[]>();

/** Everything in view that is taken out of a container and freed behind it. */
export function removalsOf(world: World): Removal[] {
  let found = removals.get(world);
  if (!found) {
    found = world.functions.flatMap(fn => (fn.isMacro || fn.broken || isTest(fn) ? [] : removalsIn(fn, world)));
    removals.set(world, found);
  }
  return found;
}

function removalsIn(fn: CFunction, world: World): Removal[] {
  if (initOrExit(fn) !== null) return [];
  return fn.events.flatMap((event): Removal[] => {
    const taken = takenOut(fn, event, world.functions);
    if (!taken || event.object || event.uncertain) return [];
    const inner = taken.via ? taken.via.event.locks : [];
    const locks = exclusive([...inner, ...heldAt(fn, event, world)]);
    if (locks.length === 0) return [];
    const free = freeBehind(fn, event, taken.object, world);
    return free && !emptiesAll(fn, event) ? [{ fn, event, free, locks, ...taken }] : [];
  });
}

/** Every object is taken out, whatever it is: nobody is left who could look for one. */
function emptiesAll(fn: CFunction, event: Event): boolean {
  return fn.events.some(walk => {
    if (!effectOfKind(walk, 'consume')?.safe || !comesBefore(fn, walk, event)) return false;
    // Every round passes the event.
    const round = fn.flow[fn.flow[walk.node]?.next[0] ?? -1]?.next[0];
    return round !== undefined && headsAround(fn, event).size > 0 && nodePostDominates(fn.flow, event.node, round);
  });
}

/** The object that the event takes out, or that the helper in view does that it calls. */
function takenOut(
  fn: CFunction,
  event: Event,
  functions: readonly CFunction[],
): { object: string; container: Container; via: { fn: CFunction; event: Event } | null } | null {
  const own = removed(event);
  if (own) return { ...own, object: own.object ?? '', via: null };
  if (event.kind !== 'call' || !event.argCells) return null;
  const callee = calleeOf(fn, event, functions);
  if (!callee?.whole || callee === fn || callee.isMacro || callee.events.some(waitsForReaders)) return null;
  for (const inner of callee.events) {
    const there = removed(inner);
    const position = there?.object ? callee.parameters.findIndex(p => p.name === there.object) : -1;
    const cell = event.argCells[position];
    const object = cell ? pointedTo(cell) : null;
    if (there && object !== null) return { object, container: there.container, via: { fn: callee, event: inner } };
  }
  return null;
}

function removed(event: Event): { object: string | null; container: Container } | null {
  const { cell } = event;
  if (!cell) return null;
  const unpublish = effectOfKind(event, 'unpublish');
  if (!unpublish || effectOfKind(event, 'publish')) return null;
  if (unpublish.by === 'idr' || unpublish.by === 'xarray')
    return { object: null, container: { kind: 'map', member: '', type: null, key: cellKey(cell) } };
  if (unpublish.object !== event.fact?.cell || !LINKED.has(unpublish.by)) return null;
  const object = objectOf(cell);
  return object === null ? null : { object, container: { kind: 'list', member: cell.path, type: cell.type, key: null } };
}

/** What frees the object behind the event, with nothing waited for in between. An object that only its map names is any that is freed then. */
function freeBehind(fn: CFunction, event: Event, object: string, world: World): Event | null {
  const stop = (e: Event) => (waitsForReaders(e) && !isDeferred(e)) || waits(e);
  const names = object === '' ? [] : variablesIn(object);
  const { events } = onward(fn, event, { stop, variables: names });
  const own = releasesIn(fn, world.functions);
  return (
    events.find(
      e =>
        own.some(r => r.event === e && (object === '' ? r.kind === 'free' : r.object === object)) ||
        (object !== '' && isDeferred(e) && (effectOfKind(e, 'free') ? isHandedOver(e, object) : e.cell !== null && objectOf(e.cell) === object)),
    ) ?? null
  );
}
function waits(e: Event): boolean {
  return e.kind === 'wait' || /(?:^|_)(?:wait|flush|sync|synchronize|drain|stop|join)(?:_|$)/.test(e.api);
}

/** May the two be about one container? */
export function sameContainer(a: Container, b: Container): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind === 'map' ? a.key !== null && a.key === b.key : a.member === b.member && a.type === b.type;
}
