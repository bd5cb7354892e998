/** What ends with a scope: the guards of include/linux/cleanup.h, CLASS(), ACQUIRE() and `__free()` variables. */
import type { Fact } from '../../model/fact.ts';
import type { OpenEdge } from '../cfg/graph.ts';
import { ownName } from '../syntax/calls.ts';
import type { Expr, Variable } from '../syntax/syntax.ts';
import { cellOfPointer } from './cells.ts';
import type { Context, Described, Ending, OpenScope, Value } from './context.ts';
import { address, evaluate } from './expressions.ts';
import { eventOf } from './factevents.ts';

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
  cx.scopes.at(-1)?.endings.push({ ...endingOf(event), from: index });
  return { sources: [index], parameter: null, inverted: false };
}

/** The event of a guard's beginning. A class that no fact knows is taken for a lock, as most are. */
export function guardEvent(api: string, fact: Fact | undefined, args: Expr[], cx: Context): Described {
  const texts = args.map(a => cx.text(a));
  if (fact) return { ...eventOf(api, fact, args, cx), orderingOnFailure: null, args: texts };
  const [first] = args;
  return { kind: 'lock', api, cell: first ? cellOfPointer(first, cx) : null, ordering: 'acquire', atomic: true, args: texts };
}

/** How what a guard began ends. */
export function endingOf({ kind, api, fact, cell, args, ordering }: Described): Ending {
  return { kind: kind === 'lock' ? 'unlock' : kind, api, fact, cell, args: args ?? [], ordering: kind === 'lock' ? 'release' : ordering };
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
    fact,
    cell: { type: variable.type === '' ? null : variable.type, path: '*', bit: null, base: variable.name },
    args: [variable.name],
    ordering: fact?.ordering ?? null,
  };
  cx.scopes.at(-1)?.endings.push(ending);
}

function emitEnding({ kind, api, fact, cell, args, ordering }: Ending, line: number, cx: Context): void {
  cx.emit({ line }, { kind, api, ...(fact ? { fact } : {}), cell, args, ordering, atomic: kind === 'unlock', ends: true, used: false });
}

/** Ends what the scopes from `depth` on hold, the innermost first; the scopes stay open for what follows in the text. */
export function leaveScopes(cx: Context, depth: number, line: number): void {
  if (cx.graph.ends.length === 0) return;
  for (let i = cx.scopes.length - 1; i >= depth; i--)
    for (const ending of [...(cx.scopes[i]?.endings ?? [])].reverse())
      if (ending.from === undefined || !cx.failed.has(ending.from)) emitEnding(ending, line, cx);
}

/**
 * Runs the two ways of a condition, the one that tests a guard's lock with the guard failed: it has nothing to end there. ACQUIRE_ERR() gives 0
 * for the lock, the variable of a CLASS() is not zero with it.
 */
export function underGuards(ways: { ends: OpenEdge[]; run: () => void }[], cx: Context): { ends: OpenEdge[]; run: () => void }[] {
  const tested = ways.map(way => failedGuard(way.ends, cx));
  if (tested.every(guard => guard === null)) return ways;
  const alive: boolean[] = [];
  return ways.map((way, i) => ({
    ends: way.ends,
    run() {
      const guard = tested[i] ?? null;
      if (guard !== null) cx.failed.add(guard);
      way.run();
      alive[i] = cx.graph.ends.length > 0;
      if (guard !== null) cx.failed.delete(guard);
      // Where the way with the lock has ended, what follows runs without it.
      if (i < ways.length - 1) return;
      for (const [n, other] of tested.entries()) if (other !== null && alive[n] && alive.every((is, m) => m === n || !is)) cx.failed.add(other);
    },
  }));
}

/** The guard that surely got no lock on the way out of a branch. */
function failedGuard(ends: OpenEdge[], cx: Context): number | null {
  const [end] = ends;
  const node = ends.length === 1 && end ? cx.graph.nodes[end.node] : undefined;
  const [index] = node?.decides ?? [];
  const event = node?.decides?.length === 1 && index !== undefined ? cx.events[index] : undefined;
  const word = event?.kind === 'lock' ? /^(guard|CLASS)\((.*)\)$/.exec(event.api) : null;
  if (!end || index === undefined || !word || !cx.file.fact(`guard(${word[2]})`)?.lock?.conditional) return null;
  const holds = end.slot === 0;
  const wanted = word[1] === 'CLASS' ? 'zero' : 'nonzero';
  if (node?.tests === 'negative') return wanted === 'nonzero' && holds ? index : null;
  if (node?.tests !== 'nonzero' && node?.tests !== 'zero') return null;
  return (node.tests === wanted) === holds ? index : null;
}

/** How many of the open scopes also hold the label: a jump out of the others ends them. */
export function scopesAround(cx: Context, label: string): number {
  const at = cx.survey.labels.get(label);
  if (at === undefined) return cx.scopes.length;
  const outside = cx.scopes.findIndex((scope: OpenScope) => at < scope.at || at >= scope.end);
  return outside < 0 ? cx.scopes.length : outside;
}
