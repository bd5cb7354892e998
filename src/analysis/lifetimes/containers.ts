/** Objects in lists and maps: who finds one under a lock, and who takes it out and frees it. */

import { calleeOf } from '../../c/calls/callees.ts';
import { nodePostDominates } from '../../c/cfg/dominance.ts';
import { comesBefore } from '../../c/cfg/flow.ts';
import { headsAround } from '../../c/cfg/loops.ts';
import { returnedAt } from '../../c/cfg/returned.ts';
import { cellKey } from '../../c/lower/cells.ts';
import type { CFunction, Event } from '../../model/code.ts';
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

/** Loops over all of a container: the argument that is the pointer, and the one that is the member. */
const WALKS: readonly [RegExp, number, number][] = [
  [/^list_for_each_entry(?:_reverse|_continue|_from)?$|^hlist_for_each_entry$/, 0, 2],
  [/^list_for_each_entry_safe(?:_reverse|_continue|_from)?$|^hlist_for_each_entry_safe$/, 0, 3],
  [/^hash_for_each_possible$/, 1, 2],
  [/^hash_for_each$/, 2, 3],
];
const ALL = /^(?:list_for_each_entry_safe(?:_reverse)?|hlist_for_each_entry_safe|hash_for_each_safe|idr_for_each_entry|xa_for_each)$/;
const FIRST = /^list_(?:first|last)_entry(?:_or_null)?$/;
const LOOKUPS = /^(?:idr_find|xa_load|radix_tree_lookup|idr_get_next|idr_get_next_ul|xa_find|xa_find_after)$/;
const UNLINKS =
  /^(?:list_del|list_del_init|list_del_rcu|__list_del_entry|hlist_del|hlist_del_init|hlist_del_rcu|hlist_del_init_rcu|hash_del|hash_del_rcu)$/;
const ERASES = /^(?:idr_remove|xa_erase\w*|__xa_erase|radix_tree_delete\w*)$/;

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
  if (LOOKUPS.test(event.api))
    return event.into === null ? null : { names: [event.into], container: { kind: 'map', member: '', type: null, key: cellKey(event.cell) } };
  if (FIRST.test(event.api)) {
    // A type among the arguments is one word to the grammar.
    const [, type, member] = event.args;
    if (event.into === null || type === undefined || member === undefined) return null;
    return { names: [event.into], container: { kind: 'list', member, type: type.replace(/^(struct|union)_/, '$1 '), key: null } };
  }
  const walk = WALKS.find(([api]) => api.test(event.api));
  const pointer = walk && event.args[walk[1]];
  const member = walk && event.args[walk[2]];
  if (pointer === undefined || member === undefined || !/^\w+$/.test(pointer)) return null;
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
  if (fn.attributes.some(a => /^__(?:init|exit)/.test(a))) return [];
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
    if (!ALL.test(walk.api) || !comesBefore(fn, walk, event)) return false;
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
  if (ERASES.test(event.api)) return { object: null, container: { kind: 'map', member: '', type: null, key: cellKey(cell) } };
  if (!UNLINKS.test(event.api)) return null;
  const object = objectOf(cell);
  return object === null ? null : { object, container: { kind: 'list', member: cell.path, type: cell.type, key: null } };
}

/** What frees the object behind the event, with nothing waited for in between. An object that only its map names is any that is freed then. */
function freeBehind(fn: CFunction, event: Event, object: string, world: World): Event | null {
  const stop = (e: Event) => (waitsForReaders(e) && !/^(?:k|kv)free_rcu|^call_rcu/.test(e.api)) || waits(e);
  const names = object === '' ? [] : variablesIn(object);
  const { events } = onward(fn, event, { stop, variables: names });
  const own = releasesIn(fn, world.functions);
  return (
    events.find(
      e =>
        own.some(r => r.event === e && (object === '' ? r.kind === 'free' : r.object === object)) ||
        (object !== '' && /^(?:k|kv)free_rcu/.test(e.api) && isHandedOver(e, object)) ||
        (object !== '' && /^call_rcu/.test(e.api) && e.cell !== null && objectOf(e.cell) === object),
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
