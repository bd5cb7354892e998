/** Calls as events: what a fact tells of the callee, what a guard begins, what is not known. */
import type { Contracted, Fact } from '../../model/fact.ts';
import { callKind, ownName } from '../syntax/calls.ts';
import type { Expr } from '../syntax/syntax.ts';
import { cellOfPointer } from './cells.ts';
import { type Context, NOTHING, union, type Value } from './context.ts';
import { contracted } from './contracted.ts';
import { address, evaluate, from, meant } from './expressions.ts';
import { eventOf } from './factevents.ts';
import { guard } from './guards.ts';
import { plainType, typeOf } from './typeof.ts';

type Call = Extract<Expr, { k: 'call' }>;

/** Evaluates a call. */
export function call(e: Call, cx: Context, used: boolean): Value {
  const api = e.callee.k === 'name' && !e.callee.local ? e.callee.name : null;
  if (e.callee.k === 'call' && e.callee.callee.k === 'name' && /^(?:guard|CLASS|ACQUIRE)$/.test(e.callee.callee.name)) return guard(e, e.callee, cx);
  if (api === null) {
    const callee = evaluate(e.callee.k === 'deref' ? e.callee.of : e.callee, cx);
    const targets = targetsOf(e.callee, cx);
    const argSources = e.args.map(arg => argument(arg, cx).sources);
    const args = e.args.map(a => cx.text(a));
    // What a member of a table is called is all that is known of the function that stands there: `ops->try_get(x)`.
    const inferred = e.callee.k === 'member' ? cx.file.convention(e.callee.name) : undefined;
    return from(
      cx.emit(e, {
        kind: 'call',
        api: ownName(cx.text(e.callee)),
        ...(inferred ? { inferred } : {}),
        cell: null,
        ordering: null,
        opaque: targets.length !== 1,
        ...(targets.length > 0 ? { targets, argCells: e.args.map(arg => cellOfPointer(arg, cx)) } : {}),
        used,
        args,
        argSources: [...argSources, callee.sources].slice(0, args.length),
      }),
    );
  }
  cx.calls.add(api);
  const defined = cx.file.defined(api);
  const said = defined ? undefined : cx.file.fact(api);
  const named = defined || said ? undefined : cx.file.convention(api);
  // What a name says of the value of a call no contract says.
  const row = defined || said || (named && named.form !== null) ? undefined : cx.file.contract(api);
  if (row) return byContract(e, api, row, cx, used);
  const fact = said ?? named;
  const kind = callKind(fact);
  if (kind === 'plain') {
    if (api === 'ACQUIRE_ERR' && e.args[1]?.k === 'address') return evaluate(e.args[1].of, cx);
    return fact && !fact.part ? known(e, api, fact, cx, used) : unknown(e, api, fact, cx, used, defined);
  }
  if (kind === 'ends') {
    for (const arg of e.args) evaluate(arg, cx);
    cx.graph.stop(e.line);
    return NOTHING;
  }
  if (kind === 'transparent') {
    const before = cx.events.length;
    const values = e.args.map(arg => evaluate(arg, cx));
    meant(fact, before, cx);
    return values[0] ?? NOTHING;
  }
  // The size of an array and the type of an expression are known without a look at it.
  if (fact?.unevaluated) return NOTHING;
  return e.args.reduce<Value>((all, arg) => union(all, evaluate(arg, cx)), NOTHING);
}

/** The functions that a call through a pointer may run; empty where they are not all visible. */
function targetsOf(callee: Expr, cx: Context): readonly string[] {
  const pointer = callee.k === 'deref' ? callee.of : callee;
  if (!cx.file.targets) return [];
  if (pointer.k === 'name') {
    // A local that is set once.
    const { changes, first } = cx.survey;
    const only =
      pointer.local && !cx.parameters.has(pointer.name) && (changes.get(pointer.name)?.length ?? 0) <= 1 ? first.get(pointer.name) : undefined;
    const target = only?.k === 'address' ? only.of : only;
    return target?.k === 'name' && !target.local && cx.file.defined(target.name) ? [target.name] : [];
  }
  if (pointer.k !== 'member') return [];
  const { of, name: member } = pointer;
  const type = typeOf(of, cx, 0)?.type;
  return cx.file.targets({ type: type === undefined ? null : plainType(type), global: of.k === 'name' && !of.local ? of.name : null, member });
}

/** An argument; where a local's address is given away, the callee may set it. */
function argument(arg: Expr, cx: Context): Value {
  const value = arg.k === 'member' && mayBeArray(arg, cx) ? perhapsAddress(arg, cx) : evaluate(arg, cx);
  if (arg.k === 'address' && arg.of.k === 'name' && arg.of.local) cx.held.set(arg.of.name, cx.valueOf(arg.of.name), null);
  return value;
}

/** A call whose body was read in a kernel tree. */
function byContract(e: Call, api: string, row: Contracted, cx: Context, used: boolean): Value {
  if (row.fact.contract?.noreturn) {
    for (const arg of e.args) evaluate(arg, cx);
    cx.graph.stop(e.line);
    return NOTHING;
  }
  const argSources = e.args.map(arg => argument(arg, cx).sources);
  return from(cx.emit(e, { ...contracted(e, row, cx), api, used, args: e.args.map(a => cx.text(a)), argSources }));
}

function unknown(e: Call, api: string, fact: Fact | undefined, cx: Context, used: boolean, defined: boolean): Value {
  const argSources = e.args.map(arg => argument(arg, cx).sources);
  const cells = defined || cx.file.objects ? { argCells: e.args.map(arg => cellOfPointer(arg, cx)) } : {};
  const args = e.args.map(a => cx.text(a));
  // What is known only in part, or by its name alone, may do anything besides.
  const known = !fact ? {} : fact.inferred ? { inferred: fact } : { fact };
  return from(cx.emit(e, { kind: 'call', api, ...known, cell: null, ordering: null, opaque: !defined, used, args, argSources, ...cells }));
}

function known(e: Call, api: string, fact: Fact, cx: Context, used: boolean): Value {
  const argSources = e.args.map((arg, i) => {
    if (i !== fact.cell) return argument(arg, cx).sources;
    if (fact.by === 'lvalue' || arg.k === 'address') address(arg.k === 'address' ? arg.of : arg, cx);
    else if (arg.k !== 'member' || !mayBeArray(arg, cx)) evaluate(arg, cx);
    else address(arg, cx);
    return [];
  });
  const event = eventOf(api, fact, e.args, cx);
  event.used = used;
  event.args = e.args.map(a => cx.text(a));
  event.argSources = argSources;
  if (cx.file.objects) event.argCells = e.args.map(arg => cellOfPointer(arg, cx));
  return from(cx.emit(e, event));
}

/** A member of a type out of view may be an array, whose name reads nothing, unless the function uses it as none can be. */
function mayBeArray(e: Extract<Expr, { k: 'member' }>, cx: Context): boolean {
  return !cx.survey.values.has(e.name) && typeOf(e, cx, 0) === null;
}

/** A member handed to a call that is a value to read, or an array's address: the read is in doubt. */
function perhapsAddress(e: Extract<Expr, { k: 'member' }>, cx: Context): Value {
  if (cx.survey.arrays.has(e.name)) {
    address(e, cx);
    return NOTHING;
  }
  const value = evaluate(e, cx);
  const last = cx.events.at(-1);
  if (last && value.sources.includes(last.index) && last.kind === 'read') last.uncertain = true;
  return value;
}
