/** Expressions as events, in the order in which C evaluates them as far as it fixes one, left to right where it does not. */
import type { Fact } from '../model/fact.ts';
import { cellOfLvalue, cellOfPointer, isConstantText } from './cells.ts';
import { type Context, NOTHING, union, type Value } from './context.ts';
import type { End } from './graph.ts';
import { walk } from './statements.ts';
import type { Expr } from './syntax.ts';

/** Calls whose value is their first argument's. */
const TRANSPARENT =
  /^(?:likely|unlikely|WARN_ON(?:_ONCE)?|WARN(?:_ONCE)?|IS_ERR(?:_OR_NULL)?|PTR_ERR(?:_OR_ZERO)?|ERR_CAST|data_race|__builtin_expect|VM_WARN_ON(?:_ONCE)?|READ_ONCE_NOCHECK|BUG_ON|VM_BUG_ON)$/;
/** Calls that do not come back. */
const NO_RETURN = new Set(['panic', 'BUG', 'do_exit', 'unreachable', 'kthread_exit', '__builtin_unreachable', 'make_task_dead']);
/** Words of the compiler and size arithmetic: no memory is touched. */
const NO_EFFECT =
  /^(?:__builtin_\w+|BITS_TO_LONGS|BITS_PER_\w+|ARRAY_SIZE|BIT(?:_ULL|_MASK|_WORD)?|GENMASK(?:_ULL)?|ALIGN(?:_DOWN)?|DIV_ROUND_UP|round_(?:up|down)|roundup|rounddown|min|max|min_t|max_t|clamp|clamp_t|swab\d+|cpu_to_[lb]e\d+|[lb]e\d+_to_cpu|container_of|list_entry|PAGE_ALIGN|PHYS_PFN|PFN_PHYS|IS_ENABLED|IS_ALIGNED|FIELD_GET|FIELD_PREP|array_index_nospec|struct_size|offsetof|sizeof|typeof|ERR_PTR|upper_32_bits|lower_32_bits|BUILD_BUG_ON\w*|static_assert|hweight\w*|ilog2|order_base_2|fls\w*|__?ffs\w*|ffz|BITMAP_\w+|U8_MAX|U32_MAX)$/;

/** Evaluates an expression; `used` tells whether anything takes its value. */
export function evaluate(e: Expr, cx: Context, used = true): Value {
  switch (e.k) {
    case 'number':
    case 'text':
      return NOTHING;
    case 'name':
      return readName(e, cx);
    case 'member':
    case 'index':
    case 'deref': {
      address(e, cx);
      const cell = cellOfLvalue(e, cx.scope);
      if (!cell) return e.k === 'index' || e.k === 'member' ? rootValue(e, cx) : NOTHING;
      return { sources: [cx.access(e, 'read', 'read', cell)], parameter: null, inverted: false };
    }
    case 'address':
      address(e.of, cx);
      return NOTHING;
    case 'unary': {
      const value = evaluate(e.of, cx);
      return e.op === '~' || e.op === '!' ? { ...value, inverted: !value.inverted } : value;
    }
    case 'update':
      return update(e, cx);
    case 'binary':
      return binary(e, cx);
    case 'assign':
      return assign(e, cx);
    case 'choice': {
      const { yes, no } = branchOn(e.test, cx);
      cx.graph.ends = yes;
      const first = e.yes ? evaluate(e.yes, cx, used) : NOTHING;
      const after = cx.graph.ends;
      cx.graph.ends = no;
      const second = evaluate(e.no, cx, used);
      meet(cx, after, e.line);
      return union(first, second);
    }
    case 'comma':
      return e.list.reduce<Value>((_, part, i) => evaluate(part, cx, used && i === e.list.length - 1), NOTHING);
    case 'cast':
      return evaluate(e.of, cx, used || e.type === 'void');
    case 'list':
    case 'unread':
      return e.list.reduce<Value>((all, part) => union(all, evaluate(part, cx)), NOTHING);
    case 'block':
      walk(e.body, cx);
      return NOTHING;
    case 'call':
      return call(e, cx, used);
  }
}

/** Joins the open ends with others at one node. */
export function meet(cx: Context, ends: End[], line: number): void {
  cx.graph.ends = [...cx.graph.ends, ...ends];
  if (cx.graph.ends.length > 1) cx.graph.meet(line);
}

function readName(e: Extract<Expr, { k: 'name' }>, cx: Context): Value {
  if (cx.scope.locals.has(e.name)) return cx.valueOf(e.name);
  if (isConstantText(e.name) || !cx.scope.types.globals.has(e.name)) return NOTHING;
  return { sources: [cx.access(e, 'read', 'read', cellOfLvalue(e, cx.scope))], parameter: null, inverted: false };
}

/** The value of a local aggregate's part is the aggregate's. */
function rootValue(e: Expr, cx: Context): Value {
  let at = e;
  while (at.k === 'member' || at.k === 'index') at = at.of;
  return at.k === 'name' ? cx.valueOf(at.name) : NOTHING;
}

/** What must be evaluated to know where an lvalue is: pointers on the way are loaded, the lvalue itself is not. */
function address(e: Expr, cx: Context): void {
  switch (e.k) {
    case 'member':
      if (e.arrow) evaluate(e.of, cx);
      else address(e.of, cx);
      return;
    case 'index':
      address(e.of, cx);
      evaluate(e.index, cx);
      return;
    case 'deref':
      evaluate(e.of, cx);
      return;
    case 'cast':
      address(e.of, cx);
      return;
    case 'name':
      return;
    default:
      evaluate(e, cx);
  }
}

function store(left: Expr, value: Value, api: string, operand: string, cx: Context): void {
  if (left.k === 'name' && cx.scope.locals.has(left.name)) {
    cx.values.set(left.name, api === '=' ? value : union(cx.valueOf(left.name), value));
    return;
  }
  address(left, cx);
  const cell = cellOfLvalue(left, cx.scope);
  if (!cell || (left.k === 'name' && !cx.scope.types.globals.has(left.name))) return;
  if (api !== '=') cx.access(left, 'read', api, cell);
  cx.access(left, 'write', api, cell, { operation: COMPOUND[api] ?? 'store', operand, argSources: [value.sources] });
}

const COMPOUND: Record<string, 'add' | 'sub' | 'and' | 'or' | 'xor' | 'inc' | 'dec'> = {
  '+=': 'add',
  '-=': 'sub',
  '&=': 'and',
  '|=': 'or',
  '^=': 'xor',
  '++': 'inc',
  '--': 'dec',
};

function update(e: Extract<Expr, { k: 'update' }>, cx: Context): Value {
  if (e.of.k === 'name' && cx.scope.locals.has(e.of.name)) return cx.valueOf(e.of.name);
  store(e.of, NOTHING, e.op, '1', cx);
  const last = cx.events.at(-1);
  return last ? { sources: [last.index], parameter: null, inverted: false } : NOTHING;
}

function assign(e: Extract<Expr, { k: 'assign' }>, cx: Context): Value {
  const before = cx.events.length;
  const value = evaluate(e.right, cx);
  if (e.left.k === 'name' && cx.scope.locals.has(e.left.name)) name(e.left.name, before, e.right, cx);
  store(e.left, value, e.op, cx.text(e.right), cx);
  return value;
}

/** Says of a call's event that its result goes into a variable. */
export function name(variable: string, before: number, right: Expr, cx: Context): void {
  let at = right;
  while (at.k === 'cast' || (at.k === 'unary' && at.op === '!')) at = at.of;
  if (at.k !== 'call') return;
  const last = cx.events.at(-1);
  if (last && last.index >= before) last.into = variable;
}

const COMPARES = new Set(['==', '!=', '^', '<', '>', '<=', '>=', '&']);

function binary(e: Extract<Expr, { k: 'binary' }>, cx: Context): Value {
  if (e.op === '&&' || e.op === '||') {
    const { yes, no } = branchOn(e, cx);
    cx.graph.ends = yes;
    meet(cx, no, e.line);
    const branch = cx.graph.nodes.findLast(n => n.kind === 'branch');
    return { sources: branch?.decides ?? [], parameter: null, inverted: false };
  }
  const left = evaluate(e.left, cx);
  const right = evaluate(e.right, cx);
  if (COMPARES.has(e.op)) cx.comparisons.push({ line: e.line, left, right, operator: e.op, loop: cx.loopStack.at(-1) ?? null });
  return union(left, right);
}

/** Walks a condition with its short circuits; gives the ends where it holds and where not. */
export function branchOn(e: Expr, cx: Context): { yes: End[]; no: End[] } {
  if (e.k === 'unary' && e.op === '!') {
    const { yes, no } = branchOn(e.of, cx);
    return { yes: no, no: yes };
  }
  if (e.k === 'call' && e.callee.k === 'name' && TRANSPARENT.test(e.callee.name) && !/ERR|_ONCE_NOCHECK/.test(e.callee.name) && e.args[0]) {
    cx.calls.add(e.callee.name);
    const ways = branchOn(e.args[0], cx);
    return /^(?:VM_)?BUG_ON$/.test(e.callee.name) ? { yes: [], no: ways.no } : ways;
  }
  if (e.k === 'binary' && (e.op === '&&' || e.op === '||')) {
    const first = branchOn(e.left, cx);
    cx.graph.ends = e.op === '&&' ? first.yes : first.no;
    const second = branchOn(e.right, cx);
    return e.op === '&&' ? { yes: second.yes, no: [...first.no, ...second.no] } : { yes: [...first.yes, ...second.yes], no: second.no };
  }
  const before = cx.events.length;
  const value = evaluate(e, cx);
  const decides = value.sources.length > 0 ? value.sources : cx.events.slice(before).map(event => event.index);
  return cx.graph.branch({ line: e.line, condition: cx.text(e), decides });
}

function call(e: Extract<Expr, { k: 'call' }>, cx: Context, used: boolean): Value {
  const api = e.callee.k === 'name' ? e.callee.name : null;
  if (e.callee.k === 'call' && e.callee.callee.k === 'name' && /^(?:guard|CLASS)$/.test(e.callee.callee.name)) return guard(e, e.callee, cx);
  if (api === null) {
    evaluate(e.callee, cx);
    const argSources = e.args.map(arg => evaluate(arg, cx).sources);
    return result(
      cx.emit(e, {
        kind: 'call',
        api: cx.text(e.callee),
        cell: null,
        ordering: null,
        opaque: true,
        used,
        args: e.args.map(a => cx.text(a)),
        argSources,
      }),
    );
  }
  cx.calls.add(api);
  if (TRANSPARENT.test(api)) {
    const values = e.args.map(arg => evaluate(arg, cx));
    return values[0] ?? NOTHING;
  }
  if (NO_EFFECT.test(api)) return e.args.reduce<Value>((all, arg) => union(all, evaluate(arg, cx)), NOTHING);
  if (NO_RETURN.has(api)) {
    for (const arg of e.args) evaluate(arg, cx);
    cx.graph.exit({ line: e.line });
    return NOTHING;
  }
  const fact = cx.file.defined(api) ? undefined : cx.file.fact(api);
  return fact ? known(e, api, fact, cx, used) : unknown(e, api, cx, used);
}

function result(index: number): Value {
  return { sources: [index], parameter: null, inverted: false };
}

function unknown(e: Extract<Expr, { k: 'call' }>, api: string, cx: Context, used: boolean): Value {
  const values = e.args.map(arg => evaluate(arg, cx));
  const opaque = !cx.file.defined(api);
  const argSources = values.map(v => v.sources);
  return result(cx.emit(e, { kind: 'call', api, cell: null, ordering: null, opaque, used, args: e.args.map(a => cx.text(a)), argSources }));
}

function known(e: Extract<Expr, { k: 'call' }>, api: string, fact: Fact, cx: Context, used: boolean): Value {
  const argSources = e.args.map((arg, i) => {
    if (i !== fact.cell) return evaluate(arg, cx).sources;
    if (fact.by === 'lvalue' || arg.k === 'address') address(arg.k === 'address' ? arg.of : arg, cx);
    else evaluate(arg, cx);
    return [];
  });
  const place = fact.cell === null ? undefined : e.args[fact.cell];
  const cell = place ? (fact.by === 'lvalue' ? cellOfLvalue(place, cx.scope) : cellOfPointer(place, cx.scope)) : null;
  const bit = fact.bit === null ? undefined : e.args[fact.bit];
  if (cell && bit) cell.bit = cx.text(bit);
  const operand = fact.operand === null ? undefined : e.args[fact.operand];
  return result(
    cx.emit(e, {
      kind: fact.kind,
      api,
      cell,
      ordering: fact.ordering,
      orderingOnFailure: fact.orderingOnFailure,
      operation: fact.operation,
      operand: operand ? cx.text(operand) : null,
      atomic: fact.atomic,
      used,
      args: e.args.map(a => cx.text(a)),
      argSources,
    }),
  );
}

/** `guard(mutex)(&x->lock)`: taken here, given back where the scope ends. */
function guard(e: Extract<Expr, { k: 'call' }>, head: Extract<Expr, { k: 'call' }>, cx: Context): Value {
  for (const arg of e.args) address(arg.k === 'address' ? arg.of : arg, cx);
  const kind = head.args[0] ? cx.text(head.args[0]) : '';
  const cell = e.args[0] ? cellOfPointer(e.args[0], cx.scope) : null;
  cx.emit(e, { kind: 'lock', api: `guard(${kind})`, cell, ordering: 'acquire', args: e.args.map(a => cx.text(a)), atomic: true });
  return NOTHING;
}
