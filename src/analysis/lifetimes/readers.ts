/** The two sides of an object behind an RCU pointer or on an RCU list: who reads it, and who takes it away and frees it. */

import { called, calleeOf } from '../../c/calls/callees.ts';
import { comesBefore } from '../../c/cfg/flow.ts';
import { cellKey } from '../../c/lower/cells.ts';
import { effectOfKind, isDeferred, isDereference, setsRcuPointer } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { AssumedStep, Claim } from '../../model/rule.ts';
import { isIn, sharedSection } from '../../model/section.ts';
import { isOwn, isTest, runsAlone } from '../entry/phase.ts';
import { isHandedOver, isUseOf, onward, originsOf, placeOf, releasesIn, unlinks } from './lifetime.ts';

/** A function that finds an object and then looks into it. */
export interface Reader {
  fn: CFunction;
  /** The load of the pointer, or the walk over the list. */
  load: Event;
  use: Event;
  /** The variable that leads to the object. */
  pointer: string;
}

/** A function that takes an object away from its readers and frees it, in one order or the other. */
export interface Retirement {
  fn: CFunction;
  /** The store to the pointer, or what takes the entry off the list. */
  store: Event;
  free: Event;
}

/** Functions that load the pointer and look at what it points to before they leave the section, those without a lock first. */
export function readersOf(place: Event, functions: readonly CFunction[]): Reader[] {
  const found = alive(functions).flatMap(fn =>
    fn.events.flatMap(load => {
      if (!isDereference(load) || !ofOneCell(load, place) || load.into === null) return [];
      const use = useBehind(fn, load, load.into);
      return use ? [{ fn, load, use, pointer: load.into }] : [];
    }),
  );
  return found.sort((a, b) => a.load.locks.length - b.load.locks.length);
}

/** Functions that walk the list that the entry is linked to by this member, and look at what they find; the call may be of a function that takes it off. */
export function walkersOf(fn: CFunction, unlink: Event, functions: readonly CFunction[]): Reader[] {
  const own = unlink.kind === 'call' || unlink.kind === 'expanded' ? calleeOf(fn, unlink, functions)?.events.find(unlinks) : unlink;
  const member = own?.cell && /\w+$/.exec(own.cell.path)?.[0];
  const type = own?.cell?.type ?? null;
  if (!member) return [];
  return alive(functions).flatMap(reader =>
    reader.events.flatMap(load => {
      const [pointer, , by] = load.args;
      const walk = effectOfKind(load, 'consume');
      if (reader.path !== unlink.path || !walk?.each || !walk.rcu || walk.member === null || walk.by === 'hash') return [];
      if (pointer === undefined || by !== member) return [];
      const use = useBehind(reader, load, pointer);
      // Entries of another type may be linked by a member of the same name.
      if (!use || (type !== null && !reader.events.some(e => e.cell?.base === pointer && e.cell.type === type))) return [];
      return [{ fn: reader, load, use, pointer }];
    }),
  );
}

/** Functions that put something else into the pointer and free what it held before. */
export function retirementsOf(place: Event, functions: readonly CFunction[]): Retirement[] {
  return alive(functions).flatMap(fn =>
    fn.events.flatMap(store => {
      if (!setsRcuPointer(store) || !ofOneCell(store, place) || isOwn(fn, store)) return [];
      const free = onward(fn, store, {}).events.find(e => freesOld(fn, e, store, functions));
      return free ? [{ fn, store, free }] : [];
    }),
  );
}

function alive(functions: readonly CFunction[]): CFunction[] {
  return functions.filter(fn => !fn.isMacro && !fn.broken && !isTest(fn) && !runsAlone(fn));
}

/** Both are on one cell; where its type is not in view, in one file. */
function ofOneCell(a: Event, b: Event): boolean {
  if (!a.cell || !b.cell) return false;
  const key = cellKey(a.cell);
  return key === cellKey(b.cell) && (!key.startsWith('|') || a.path === b.path);
}

/** Behind the load, in its section: the first look into the object, or the first call that it is handed to. */
export function useBehind(fn: CFunction, load: Event, pointer: string): Event | null {
  const held = (e: Event) => isIn(e, 'rcu-read') || sharedSection(e.locks, load.locks) !== undefined;
  const { events } = onward(fn, load, { variables: [pointer], alive: pointer, result: true });
  const uses = events.filter(held);
  // Behind a copy the object goes by the name of the place that it was loaded from.
  const names = [pointer, ...(load.cell && load.cell.path !== '*' ? [placeOf(load.cell)] : [])];
  return (
    uses.find(e => e.kind === 'read' && names.some(name => isUseOf(e, name))) ?? uses.find(e => e.kind === 'call' && isHandedOver(e, pointer)) ?? null
  );
}

/** Does the event free what the pointer held before the store, at once or behind a grace period? */
function freesOld(fn: CFunction, event: Event, store: Event, functions: readonly CFunction[]): boolean {
  const deferred = isDeferred(event);
  if (!deferred && !releasesIn(fn, functions).some(r => r.event === event && r.kind === 'free')) return false;
  const object = /^&?(\w+)(?:->\w+)?$/.exec(event.args[0] ?? '')?.[1];
  if (object === undefined || (!deferred && event.args[0] !== object)) return false;
  return originsOf(fn, object).some(e => e === store || (e.kind === 'read' && comesBefore(fn, e, store) && ofOneCell(e, store)));
}

/**
 * The reader finds the object before it is taken away, and looks at it when it is freed. Where none is in view one is assumed, by the name that it
 * has for the object.
 */
export function readAfterFree(
  reader: Reader | string,
  retirement: Retirement,
  { linked, edits, stands }: { linked?: string; edits: Claim['edits']; stands: boolean },
): Claim {
  const { store, free } = retirement;
  const seen = typeof reader === 'string' ? null : reader;
  const name = (seen?.pointer ?? String(reader)).replace(/#\d+$/, '');
  const how = seen?.use.kind === 'call' ? `passes ${name} to ${called(seen.use)}()` : `dereferences ${name}`;
  const looks = {
    before: how,
    after: seen?.use.kind === 'call' ? `passes ${name}, which is freed, to ${called(seen.use)}()` : `${how}, which is freed`,
  };
  const finds = { before: `finds ${name} on ${linked}`, after: `no longer finds ${name} on ${linked}` };
  const load: AssumedStep = { does: 'read', cell: linked === undefined ? store : `${name} linked`, ...(linked === undefined ? {} : { says: finds }) };
  const use: AssumedStep = { does: 'read', cell: name, ...(linked === undefined ? { through: load } : {}), says: looks };
  return {
    threads: [
      ...(seen ? [{ fn: seen.fn, events: [seen.load, seen.use] }] : []),
      { fn: retirement.fn, events: comesBefore(retirement.fn, store, free) ? [store, free] : [free, store] },
    ],
    ...(seen ? {} : { others: [{ who: 'a reader', does: [{ does: 'section' as const }, load, use, { does: 'end' as const }] }] }),
    bad: {
      kind: 'sees',
      reads: [
        { read: seen?.load ?? load, from: 'before' },
        { read: seen?.use ?? use, from: free },
      ],
    },
    meanings: [
      ...(seen ? [{ event: seen.use, access: 'read' as const, cell: name, ordering: 'plain' as const, says: looks }] : []),
      { event: free, access: 'write', cell: name, ordering: 'plain', says: { before: '', after: `frees ${name}` } },
      ...(linked === undefined
        ? []
        : [
            ...(seen ? [{ event: seen.load, access: 'read' as const, cell: `${name} linked`, ordering: 'relaxed' as const, says: finds }] : []),
            {
              event: store,
              access: 'write' as const,
              cell: `${name} linked`,
              ordering: 'relaxed' as const,
              value: 0,
              says: { before: '', after: `removes ${name} from ${linked}` },
            },
          ]),
    ],
    edits,
    assumes: [seen ? 'both work on one object' : `a reader under rcu_read_lock() has already found ${name}`],
    ...(stands ? { stands: true as const } : {}),
  };
}
