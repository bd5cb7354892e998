/** A call of a function out of view whose body was read elsewhere: its fact, and the sections that it leaves in the words of this function. */
import type { CalledSection, Cell, Event } from '../../model/code.ts';
import type { Act, Where } from '../../model/contract.ts';
import type { Contracted } from '../../model/fact.ts';
import type { Expr } from '../syntax/syntax.ts';
import { cellOfPointer } from './cells.ts';
import type { Context } from './context.ts';

type Call = Extract<Expr, { k: 'call' }>;

/** The event's parts that are not the same for every call. */
export function contracted(
  e: Call,
  { fact, inferred }: Contracted,
  cx: Context,
): Pick<Event, 'kind' | 'cell' | 'ordering' | 'opaque'> & Partial<Event> {
  const { contract } = fact;
  const bounds = contract?.acts.filter(a => (a.does === 'open' || a.does === 'close') && a.object !== '-') ?? [];
  const isSure = bounds.every(a => a.when.on === 'always');
  const sections = bounds.map((a): CalledSection => sectionOf(a, e, cx));
  const isOne = fact.lock !== null && sections.length === 1;
  const [first] = sections;
  const free = fact.kind === 'free' && fact.cell !== null ? e.args[fact.cell] : undefined;
  // What touches no memory of others and orders nothing is as if it were not there.
  const isInert = contract?.complete && !contract.orders && !contract.stores && !contract.loads;
  return {
    kind: fact.kind,
    fact,
    ...(inferred ? { inferred } : {}),
    cell: isOne ? (first?.cell ?? null) : free ? cellOfPointer(free, cx) : null,
    ordering: fact.kind === 'call' ? null : fact.ordering,
    orderingOnFailure: fact.orderingOnFailure,
    atomic: fact.kind !== 'call',
    opaque: fact.part === true || !isSure,
    ...(isSure && !isOne && sections.length > 0 ? { sections } : {}),
    ...(fact.kind === 'call' && !isInert ? { argCells: e.args.map(arg => cellOfPointer(arg, cx)) } : {}),
  };
}

function sectionOf(a: Act, e: Call, cx: Context): CalledSection {
  const found = cellAt(a.object, e, cx);
  return {
    does: a.does === 'close' ? 'close' : 'open',
    family: a.of,
    shared: a.marks.includes('shared'),
    cell: found.cell,
    text: found.text,
    result: a.result,
  };
}

/** The object of an act, of what this call gives. */
function cellAt(where: Where, e: Call, cx: Context): { cell: Cell | null; text: string } {
  const built = expression(where, e);
  if (!built) return { cell: null, text: where };
  return { cell: cellOfPointer(built, cx), text: textOf(where, e, cx) };
}

/** `0->a.b` as the pointer to it. */
function expression(where: Where, e: Call): Expr | null {
  const [, root = '', rest = ''] = /^(\w+)(.*)$/.exec(where) ?? [];
  const place = { at: e.at, end: e.end, line: e.line };
  const isArgument = /^\d+$/.test(root);
  if (root === '' || root === 'r') return null;
  let now: Expr | undefined = isArgument ? e.args[Number(root)] : { ...place, k: 'name', name: root, local: false };
  if (!now) return null;
  if (rest === '') return isArgument ? now : { ...place, k: 'address', of: now };
  // Without the ending star it is the object itself whose address is meant.
  const isPointer = rest.endsWith('*');
  for (const [, arrow = '', name = '', index] of rest.matchAll(/(->|\.)(\w+)|(\[\])/g)) {
    if (index !== undefined) return null;
    now = { ...place, k: 'member', of: now, name, arrow: arrow === '->' };
  }
  return isPointer ? now : { ...place, k: 'address', of: now };
}

function textOf(where: Where, e: Call, cx: Context): string {
  const [, root = '', rest = ''] = /^(\d+)(.*)$/.exec(where) ?? [];
  const arg = root === '' ? undefined : e.args[Number(root)];
  if (!arg) return where;
  const text = cx.text(arg);
  const path = rest.replace(/\*$/, '');
  if (path.startsWith('->') && text.startsWith('&')) return `${text.slice(1)}.${path.slice(2)}`;
  return `${text}${path}`;
}
