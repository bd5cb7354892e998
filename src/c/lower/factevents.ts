/** The event that a fact makes of a call. */
import type { Cell } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { effectOfKind } from '../syntax/effects.ts';
import type { Expr } from '../syntax/syntax.ts';
import { cellOfLvalue, cellOfPointer } from './cells.ts';
import type { Context, Described } from './context.ts';

/** The event that a fact makes of a call with these arguments. */
export function eventOf(api: string, fact: Fact, args: Expr[], cx: Context): Described {
  const place = fact.cell === null ? undefined : args[fact.cell];
  const found = place ? (fact.by === 'lvalue' ? cellOfLvalue(place, cx) : cellOfPointer(place, cx)) : null;
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
