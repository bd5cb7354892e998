/** What a handler uses of an object, and what a teardown takes from it. */
import { standsHere } from '../../../c/calls/callees.ts';
import { cellKey } from '../../../c/lower/cells.ts';
import { effectOfKind, effectsOfKind } from '../../../c/syntax/effects.ts';
import type { Cell, CFunction, Event } from '../../../model/code.ts';
import type { World } from '../../../model/rule.ts';
import { runBy, type Site } from '../deferred.ts';

/** A resource that an object has by a member, or a variable, that points to it. */
export interface Resource {
  /** The pointer's cell, as `cellKey` names it. */
  key: string;
  /** As the code writes it: `p->buf`. */
  name: string;
}

/** What a step takes from whoever still runs. */
export interface Taking {
  how: 'frees' | 'gives back' | 'destroys' | 'clears' | 'switches off';
  resource: Resource;
}

/** The pointer through which a call is given an object, where that pointer is itself memory that others read. */
function pointerOf(cell: Cell): Resource | null {
  if (!cell.pointee || cell.path === '*' || cell.path.startsWith('*') || cell.path.includes('[')) return null;
  const { pointee: _, ...pointer } = cell;
  return { key: cellKey(pointer), name: nameOf(cell) };
}

function nameOf({ base, path }: Cell): string {
  return base === null ? path : `${base}->${path}`;
}

/** What the event takes away; null where it takes nothing that a pointer in memory names. */
export function takingOf(event: Event): Taking | null {
  const { cell } = event;
  if (!cell || event.uncertain) return null;
  if (event.kind === 'write' && !event.fact && event.operation !== 'add') {
    if (event.operand !== 'NULL' || cell.pointee) return null;
    return { how: 'clears', resource: { key: cellKey(cell), name: nameOf(cell) } };
  }
  const resource = pointerOf(cell);
  if (!resource) return null;
  if (event.kind === 'free' && event.operation === null && effectOfKind(event, 'free')?.when !== 'grace-period') return { how: 'frees', resource };
  const ref = effectOfKind(event, 'ref');
  if (ref?.by === 'put' && ref.frees) return { how: 'gives back', resource };
  if (effectsOfKind(event, 'quiesce').some(q => q.of === 'queue' && q.bars)) return { how: 'destroys', resource };
  if (effectsOfKind(event, 'power').some(p => p.to === 'off')) return { how: 'switches off', resource };
  return null;
}

/** How a handler uses a resource. */
export interface ObjectUse extends Site {
  /** The function looks whether the pointer is there. */
  tested: boolean;
}

const known = new WeakMap<CFunction, ReadonlyMap<string, ObjectUse>>();

/** What the function and those that it calls read of pointers in memory, by the keys of these; a use that is not tested before one that is. */
export function usesOf(entry: CFunction, world: World): ReadonlyMap<string, ObjectUse> {
  const before = known.get(entry);
  if (before) return before;
  const found = new Map<string, ObjectUse>();
  for (const fn of runBy(entry, world)) {
    const tested = testedIn(fn);
    for (const event of fn.events) {
      if (event.kind !== 'read' || !event.cell || event.cell.pointee || !standsHere(event)) continue;
      const key = cellKey(event.cell);
      const use = { fn, event, tested: tested.has(key) };
      if (!found.has(key) || (found.get(key)?.tested && !use.tested)) found.set(key, use);
    }
  }
  known.set(entry, found);
  return found;
}

/** Keys of cells that decide a branch of the function. */
function testedIn(fn: CFunction): Set<string> {
  const found = new Set<string>();
  for (const node of fn.flow)
    for (const i of node.decides ?? []) {
      const cell = fn.events[i]?.cell;
      if (cell) found.add(cellKey(cell));
    }
  return found;
}

/** Does the handler reach the registers of its device, without switching the device on itself? */
export function reachesDevice(entry: CFunction, world: World): Site | null {
  let found: Site | null = null;
  for (const fn of runBy(entry, world))
    for (const event of fn.events) {
      if (effectsOfKind(event, 'power').some(p => p.to === 'on')) return null;
      if (!found && effectOfKind(event, 'io')) found = { fn, event };
    }
  return found;
}
