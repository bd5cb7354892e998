/** What ends with a scope: the guards of include/linux/cleanup.h, CLASS(), ACQUIRE() and `__free()` variables. */
import type { Event } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import { eventOf } from './callevents.ts';
import { ownName } from './calls.ts';
import { cellOfPointer } from './cells.ts';
import type { Context, Ending, OpenScope, Value } from './context.ts';
import { address, evaluate } from './expressions.ts';
import type { Expr, Variable } from './syntax.ts';

type Call = Extract<Expr, { k: 'call' }>;

/** `guard(mutex)(&x->lock)`: begins here, ends where the scope ends. CLASS() runs a constructor, ACQUIRE() a lock that may fail. */
export function guard(e: Call, head: Call, cx: Context): Value {
  const word = head.callee.k === 'name' ? head.callee.name : 'guard';
  const name = head.args[0] ? ownName(cx.text(head.args[0])) : '';
  for (const arg of e.args) {
    if (arg.k === 'address') address(arg, cx);
    else evaluate(arg, cx);
  }
  if (word === 'CLASS') {
    const api = `CLASS(${name})`;
    const fact = cx.file.fact(`guard(${name})`);
    if (fact) return begin(api, fact, e.args, e, cx);
    const index = cx.emit(e, { kind: 'call', api, cell: null, ordering: null, opaque: true, args: e.args.map(a => cx.text(a)) });
    return { sources: [index], parameter: null, inverted: false };
  }
  return begin(`guard(${name})`, cx.file.fact(`guard(${name})`), e.args, e, cx);
}

/** Begins what a guard's class does, and notes for the innermost scope that it ends there. */
function begin(api: string, fact: Fact | undefined, args: Expr[], at: { line: number }, cx: Context): Value {
  const event = guardEvent(api, fact, args, cx);
  const index = cx.emit(at, event);
  cx.scopes.at(-1)?.endings.push(endingOf(event));
  return { sources: [index], parameter: null, inverted: false };
}

/** The event of a guard's beginning. A class that no fact knows is taken for a lock, as most are. */
export function guardEvent(
  api: string,
  fact: Fact | undefined,
  args: Expr[],
  cx: Context,
): Pick<Event, 'kind' | 'api' | 'cell' | 'ordering'> & Partial<Event> {
  const texts = args.map(a => cx.text(a));
  if (fact) return { ...eventOf(api, fact, args, cx), orderingOnFailure: null, args: texts };
  const [first] = args;
  return { kind: 'lock', api, cell: first ? cellOfPointer(first, cx) : null, ordering: 'acquire', atomic: true, args: texts };
}

/** How what a guard began ends. */
export function endingOf({ kind, api, cell, args, ordering }: Pick<Event, 'kind' | 'api' | 'cell' | 'ordering'> & Partial<Event>): Ending {
  return { kind: kind === 'lock' ? 'unlock' : kind, api, cell, args: args ?? [], ordering: kind === 'lock' ? 'release' : ordering };
}

/** Emits the end of a guard. */
export function endGuard(event: ReturnType<typeof guardEvent>, line: number, cx: Context): void {
  if (cx.graph.ends.length > 0) emitEnding(endingOf(event), line, cx);
}

/** A variable with `__free(name)`: the function runs where the variable's scope ends, unless no_free_ptr() has taken the value out. */
export function freeAtEnd(variable: Variable, cx: Context): void {
  const fact = variable.cleanup === null ? undefined : cx.file.fact(variable.cleanup);
  if (variable.cleanup === null) return;
  const ending: Ending = {
    kind: fact?.kind ?? 'call',
    api: variable.cleanup,
    cell: { type: variable.type === '' ? null : variable.type, path: '*', bit: null, base: variable.name },
    args: [variable.name],
    ordering: fact?.ordering ?? null,
  };
  cx.scopes.at(-1)?.endings.push(ending);
}

function emitEnding({ kind, api, cell, args, ordering }: Ending, line: number, cx: Context): void {
  cx.emit({ line }, { kind, api, cell, args, ordering, atomic: kind === 'unlock', ends: true, used: false });
}

/** Ends what the scopes from `depth` on hold, the innermost first; the scopes stay open for what follows in the text. */
export function leaveScopes(cx: Context, depth: number, line: number): void {
  if (cx.graph.ends.length === 0) return;
  for (let i = cx.scopes.length - 1; i >= depth; i--) for (const ending of [...(cx.scopes[i]?.endings ?? [])].reverse()) emitEnding(ending, line, cx);
}

/** How many of the open scopes also hold the label: a jump out of the others ends them. */
export function scopesAround(cx: Context, label: string): number {
  const at = cx.survey.labels.get(label);
  if (at === undefined) return cx.scopes.length;
  const outside = cx.scopes.findIndex((scope: OpenScope) => at < scope.at || at >= scope.end);
  return outside < 0 ? cx.scopes.length : outside;
}
