/** The event that a fact makes of a call. */
import type { Event } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { lockTakenBy } from '../syntax/calls.ts';
import type { Expr } from '../syntax/syntax.ts';
import { cellOfLvalue, cellOfPointer } from './cells.ts';
import type { Context } from './context.ts';

/** The event that a fact makes of a call with these arguments. */
export function eventOf(api: string, fact: Fact, args: Expr[], cx: Context): Pick<Event, 'kind' | 'api' | 'cell' | 'ordering'> & Partial<Event> {
  const place = fact.cell === null ? undefined : args[fact.cell];
  const found = place ? (fact.by === 'lvalue' ? cellOfLvalue(place, cx) : cellOfPointer(place, cx)) : null;
  const bit = fact.bit === null ? undefined : args[fact.bit];
  const cell = found && bit ? { ...found, bit: cx.text(bit) } : found;
  const operand = fact.operand === null ? undefined : args[fact.operand];
  const event: ReturnType<typeof eventOf> = {
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
  const family = fact.kind === 'rmw' ? lockTakenBy(api) : null;
  if (family !== null) event.takes = { family, cell: args[1] ? cellOfPointer(args[1], cx) : null };
  return event;
}
