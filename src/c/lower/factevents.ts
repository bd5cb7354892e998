/** The event that a fact makes of a call. */
import type { Cell } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { effectOfKind } from '../syntax/effects.ts';
import type { Expr } from '../syntax/syntax.ts';
import { cellOfLvalue, cellOfPointer } from './cells.ts';
import type { Context, Described } from './context.ts';
import { plainType } from './typeof.ts';

/** The event that a fact makes of a call with these arguments. */
export function eventOf(api: string, fact: Fact, args: Expr[], cx: Context): Described {
  const place = fact.cell === null ? undefined : args[fact.cell];
  const found = place
    ? fact.by === 'lvalue'
      ? cellOfLvalue(place, cx)
      : (stored(place, fact, cx) ?? cellOfPointer(place, cx) ?? unseen(place, fact, cx))
    : null;
  const bit = fact.bit === null ? undefined : args[fact.bit];
  const cell = found && bit ? { ...found, bit: cx.text(bit) } : found;
  const operand = fact.operand === null ? undefined : args[fact.operand];
  const event: Described = {
    kind: fact.kind,
    api,
    fact,
    cell,
    ordering: fact.ordering,
    orderingOnFailure: fact.orderingOnFailure,
    operation: fact.operation,
    operand: operand ? cx.text(operand) : null,
    atomic: fact.atomic,
  };
  const open = fact.kind === 'rmw' ? effectOfKind({ fact }, 'open') : undefined;
  if (open) {
    const lock = open.object === null ? undefined : args[open.object];
    event.takes = { family: open.section, cell: lock ? cellOfPointer(lock, cx) : null };
  }
  const cells = cellsOf(fact, args, cell, cx);
  if (cells.length > 1) event.cells = cells;
  return event;
}

/** A lock that the call stores the address of is what the pointer points to from then on: `pte_offset_map_lock(mm, pmd, addr, &ptl)`. */
function stored(place: Expr, fact: Fact, cx: Context): Cell | null {
  if (fact.kind !== 'lock' || place.k !== 'address' || place.of.k !== 'name' || !place.of.local) return null;
  const own = cx.variables.get(place.of.name);
  return own && own.pointer > 0 && !own.array ? { type: plainType(own.type), path: '*', bit: null, base: place.of.name } : null;
}

/**
 * Memory named by what a hunk does not declare. An address taken of it for a lock or an atomic variable is a global's, since one on the stack is of no
 * use to others (a word of bits may be); what is given as it stands to be freed or counted is a pointer, if its
 * uses tell of what type.
 */
function unseen(place: Expr, fact: Fact, cx: Context): Cell | null {
  if (cx.whole) return null;
  const isLock = fact.kind === 'lock' || fact.kind === 'unlock';
  const isCount = fact.atomic && fact.kind === 'rmw' && fact.bit === null;
  if (place.k === 'address' && place.of.k === 'name' && !place.of.local && (isLock || isCount))
    return { type: null, path: place.of.name, bit: null, base: null };
  if (place.k !== 'name' || place.local || !(isCount || fact.kind === 'free')) return null;
  // Without a type all such objects would be one.
  const type = cx.guess(place);
  return type && { type: plainType(type.type), path: '*', bit: null, base: place.name, ...(type.inferred ? { inferred: true as const } : {}) };
}

/** All memory that the call touches: of list_add() the head and the node. */
function cellsOf(fact: Fact, args: Expr[], first: Cell | null, cx: Context): Cell[] {
  if (!first) return [];
  const others = fact.effects.flatMap(effect => {
    const arg = effect.does === 'access' && effect.cell !== fact.cell ? args[effect.cell] : undefined;
    const cell = arg ? cellOfPointer(arg, cx) : null;
    return cell ? [cell] : [];
  });
  return [first, ...others];
}
