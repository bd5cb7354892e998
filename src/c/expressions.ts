/** Expressions as events, in the order in which C evaluates them as far as it fixes one, left to right where it does not. */
import type { Event } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import { callKind, keepsTruth, lockTakenBy, stops } from './calls.ts';
import { cellOfLvalue, cellOfPointer, isConstantText, isOwn, typeOf } from './cells.ts';
import { type Context, NOTHING, union, type Value } from './context.ts';
import type { End } from './graph.ts';
import { guard } from './guards.ts';
import { walk } from './statements.ts';
import type { Expr } from './syntax.ts';

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
      const cell = cellOfLvalue(e, cx);
      if (!cell) return e.k === 'index' || e.k === 'member' ? rootValue(e, cx) : NOTHING;
      // An array's name stands for its address: nothing is read.
      if (e.k === 'member' && cell.type !== null && cx.types.structs.get(cell.type)?.get(e.name)?.array === true) return NOTHING;
      return from(cx.emit(e, { kind: 'read', api: 'read', cell, ordering: 'plain', operation: 'load' }));
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
    case 'choice':
      return choice(e, cx, used);
    case 'comma':
      return e.list.reduce<Value>((_, part, i) => evaluate(part, cx, used && i === e.list.length - 1), NOTHING);
    case 'cast':
      return evaluate(e.of, cx, used || e.type === 'void');
    case 'list':
    case 'unread':
      return e.list.reduce<Value>((all, part) => union(all, evaluate(part, cx)), NOTHING);
    case 'block':
      return block(e, cx, used);
    case 'call':
      return call(e, cx, used);
  }
}

function from(event: number): Value {
  return { sources: [event], parameter: null, inverted: false };
}

/** A statement expression: its value is its last statement's. */
function block(e: Extract<Expr, { k: 'block' }>, cx: Context, used: boolean): Value {
  const { statementEnd } = cx;
  const last = e.body.k === 'block' ? e.body.list.at(-1) : undefined;
  let value = NOTHING;
  if (e.body.k === 'block' && last?.k === 'expr' && used) {
    walk({ ...e.body, list: e.body.list.slice(0, -1) }, cx);
    value = evaluate(last.of, cx, used);
  } else walk(e.body, cx);
  cx.statementEnd = statementEnd;
  return value;
}

function choice(e: Extract<Expr, { k: 'choice' }>, cx: Context, used: boolean): Value {
  const { yes, no } = branchOn(e.test, cx);
  const values: Value[] = [];
  const first = e.yes;
  cx.fork(
    [
      { ends: yes, run: () => first && void values.push(evaluate(first, cx, used)) },
      { ends: no, run: () => void values.push(evaluate(e.no, cx, used)) },
    ],
    e.line,
  );
  return values.reduce(union, NOTHING);
}

/** Joins the open ends with others at one node. */
export function meet(cx: Context, ends: End[], line: number): void {
  cx.graph.ends = [...cx.graph.ends, ...ends];
  if (cx.graph.ends.length > 1) cx.graph.meet(line);
}

function readName(e: Extract<Expr, { k: 'name' }>, cx: Context): Value {
  if (e.local) return cx.valueOf(e.name);
  const type = cx.variables.get(e.name) ?? cx.global(e.name);
  if (!type || type.array || isConstantText(e.name)) return NOTHING;
  return from(cx.emit(e, { kind: 'read', api: 'read', cell: cellOfLvalue(e, cx), ordering: 'plain', operation: 'load' }));
}

/** The value of a local aggregate's part is the aggregate's. */
function rootValue(e: Expr, cx: Context): Value {
  let at = e;
  while (at.k === 'member' || at.k === 'index') at = at.of;
  return at.k === 'name' && at.local ? cx.valueOf(at.name) : NOTHING;
}

/** What must be evaluated to know where an lvalue is: pointers on the way are loaded, the lvalue itself is not. */
export function address(e: Expr, cx: Context): void {
  switch (e.k) {
    case 'member':
      if (e.arrow) evaluate(e.of, cx);
      else address(e.of, cx);
      return;
    case 'index': {
      // A subscript of a pointer loads the pointer; where no declaration tells it from an array, nothing is said.
      const type = e.of.k === 'member' ? typeOf(e.of, cx, 0) : null;
      if (type !== null && type.pointer > 0 && !type.array) evaluate(e.of, cx);
      else address(e.of, cx);
      evaluate(e.index, cx);
      return;
    }
    case 'deref':
      evaluate(e.of, cx);
      return;
    case 'cast':
      address(e.of, cx);
      return;
    case 'address':
      address(e.of, cx);
      return;
    case 'name':
      return;
    default:
      evaluate(e, cx);
  }
}

/** Expressions that a pointer may be a copy of: they name the same object as long as no variable in them changes. */
function isPath(e: Expr): boolean {
  switch (e.k) {
    case 'name':
      return e.local;
    case 'member':
    case 'address':
    case 'cast':
      return isPath(e.of) || (e.k !== 'cast' && e.of.k === 'name');
    case 'index':
      return isPath(e.of) && (e.index.k === 'name' || e.index.k === 'number');
    case 'call':
      return (
        e.callee.k === 'name' &&
        /^(?:rcu_dereference\w*|rcu_access_pointer|srcu_dereference\w*|READ_ONCE|rtnl_dereference)$/.test(e.callee.name) &&
        e.args[0] !== undefined &&
        isPath(e.args[0])
      );
    default:
      return false;
  }
}

/** Notes what a variable holds from here on. */
export function setVariable(name: string, value: Value, from: Expr | null, cx: Context): void {
  const path = from !== null && isPath(from) && !mentions(from, name) ? from : null;
  cx.held.set(name, value, path);
  cx.dependents(name);
}

function mentions(e: Expr, name: string): boolean {
  if (e.k === 'name') return e.name === name;
  if (e.k === 'index') return mentions(e.of, name) || mentions(e.index, name);
  if (e.k === 'call') return e.args.some(arg => mentions(arg, name));
  return 'of' in e && mentions(e.of, name);
}

function store(left: Expr, value: Value, api: string, operand: string, cx: Context): void {
  if (left.k === 'name' && left.local) {
    setVariable(left.name, api === '=' ? value : union(cx.valueOf(left.name), value), null, cx);
    return;
  }
  address(left, cx);
  const cell = cellOfLvalue(left, cx);
  if (!cell) {
    // A part of the function's own aggregate: the aggregate now holds this value too.
    const root = rootOf(left);
    if (root && isOwn(left, cx)) cx.held.set(root, union(cx.valueOf(root), value), null);
    return;
  }
  if (api !== '=') cx.emit(left, { kind: 'read', api, cell, ordering: 'plain', operation: 'load' });
  cx.emit(left, { kind: 'write', api, cell, ordering: 'plain', operation: COMPOUND[api] ?? 'store', operand, argSources: [value.sources] });
}

function rootOf(e: Expr): string | null {
  let at = e;
  while (at.k === 'member' || at.k === 'index') at = at.of;
  return at.k === 'name' && at.local ? at.name : null;
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
  if (e.of.k === 'name' && e.of.local) {
    const value = cx.valueOf(e.of.name);
    setVariable(e.of.name, value, null, cx);
    return value;
  }
  const before = cx.events.length;
  store(e.of, NOTHING, e.op, '1', cx);
  const last = cx.events.at(-1);
  return last && last.index >= before ? from(last.index) : NOTHING;
}

function assign(e: Extract<Expr, { k: 'assign' }>, cx: Context): Value {
  const before = cx.events.length;
  const value = evaluate(e.right, cx);
  if (e.left.k === 'name' && e.left.local) {
    name(e.left.name, before, e.right, cx);
    if (e.op === '=') {
      setVariable(e.left.name, value, e.right, cx);
      return value;
    }
  }
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
    const before = cx.graph.nodes.length;
    const { yes, no } = branchOn(e, cx);
    cx.graph.ends = yes;
    meet(cx, no, e.line);
    const sources = new Set(cx.graph.nodes.slice(before).flatMap(n => n.decides ?? []));
    return { sources: [...sources], parameter: null, inverted: false };
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
  if (e.k === 'call' && e.callee.k === 'name' && e.args[0] && keepsTruth(e.callee.name) && !cx.file.defined(e.callee.name)) {
    cx.calls.add(e.callee.name);
    const ways = branchOn(e.args[0], cx);
    return stops(e.callee.name) ? { yes: [], no: ways.no } : ways;
  }
  if (e.k === 'binary' && (e.op === '&&' || e.op === '||')) {
    const first = branchOn(e.left, cx);
    // The right side runs on one way only: what it sets may be set or not.
    const mark = cx.held.mark();
    cx.graph.ends = e.op === '&&' ? first.yes : first.no;
    const second = branchOn(e.right, cx);
    const after = cx.held.undo(mark);
    cx.held.merge(
      [
        { left: after, alive: true },
        { left: new Map(), alive: true },
      ],
      name => cx.valueOf(name),
    );
    return e.op === '&&' ? { yes: second.yes, no: [...first.no, ...second.no] } : { yes: [...first.yes, ...second.yes], no: second.no };
  }
  const before = cx.events.length;
  const value = evaluate(e, cx);
  const decides = value.sources.length > 0 ? value.sources : cx.events.slice(before).map(event => event.index);
  const tests = testOf(e);
  const condition = cx.text(e);
  const ways = cx.graph.branch(e.line, condition, decides, tests ?? undefined);
  const node = ways.yes[0]?.node;
  if (node !== undefined) cx.conditions.set(node, `${condition}${versionsIn(e, cx)}`);
  return ways;
}

/** What a value is where the condition on it holds. */
function testOf(e: Expr): 'nonzero' | 'zero' | 'negative' | 'positive' | null {
  if (e.k === 'cast') return testOf(e.of);
  if (e.k === 'assign') return e.op === '=' ? 'nonzero' : null;
  if (e.k !== 'binary') return e.k === 'name' || e.k === 'call' || e.k === 'member' || e.k === 'deref' || e.k === 'index' ? 'nonzero' : null;
  const zero = isZero(e.right);
  if (e.op === '==') return zero ? 'zero' : isOne(e.right) ? 'nonzero' : null;
  if (e.op === '!=') return zero ? 'nonzero' : isOne(e.right) ? 'zero' : null;
  if (zero && e.op === '<') return 'negative';
  return zero && e.op === '>' ? 'positive' : null;
}

function isZero(e: Expr): boolean {
  return (e.k === 'number' && e.value === 0) || (e.k === 'name' && (e.name === 'NULL' || e.name === 'false'));
}

function isOne(e: Expr): boolean {
  return (e.k === 'number' && e.value === 1) || (e.k === 'name' && e.name === 'true');
}

function versionsIn(e: Expr, cx: Context): string {
  if (e.k === 'name') return e.local ? `@${cx.held.of(e.name).version}` : '';
  if (e.k === 'binary') return versionsIn(e.left, cx) + versionsIn(e.right, cx);
  if (e.k === 'index') return versionsIn(e.of, cx) + versionsIn(e.index, cx);
  if (e.k === 'call') return e.args.map(arg => versionsIn(arg, cx)).join('');
  return 'of' in e ? versionsIn(e.of, cx) : '';
}

type Call = Extract<Expr, { k: 'call' }>;

function call(e: Call, cx: Context, used: boolean): Value {
  const api = e.callee.k === 'name' && !e.callee.local ? e.callee.name : null;
  if (e.callee.k === 'call' && e.callee.callee.k === 'name' && /^(?:guard|CLASS|ACQUIRE)$/.test(e.callee.callee.name)) return guard(e, e.callee, cx);
  if (api === null) {
    const callee = evaluate(e.callee.k === 'deref' ? e.callee.of : e.callee, cx);
    const argSources = e.args.map(arg => argument(arg, cx).sources);
    const args = e.args.map(a => cx.text(a));
    return from(
      cx.emit(e, {
        kind: 'call',
        api: cx.text(e.callee),
        cell: null,
        ordering: null,
        opaque: true,
        used,
        args,
        argSources: [...argSources, callee.sources].slice(0, args.length),
      }),
    );
  }
  cx.calls.add(api);
  const defined = cx.file.defined(api);
  const kind = defined ? 'plain' : callKind(api);
  if (kind === 'plain') {
    if (api === 'ACQUIRE_ERR' && e.args[1]?.k === 'address') return evaluate(e.args[1].of, cx);
    const fact = defined ? undefined : cx.file.fact(api);
    return fact ? known(e, api, fact, cx, used) : unknown(e, api, cx, used, defined);
  }
  if (kind === 'ends') {
    for (const arg of e.args) evaluate(arg, cx);
    cx.graph.exit(e.line);
    return NOTHING;
  }
  if (kind === 'transparent') {
    const values = e.args.map(arg => evaluate(arg, cx));
    return values[0] ?? NOTHING;
  }
  return e.args.reduce<Value>((all, arg) => union(all, evaluate(arg, cx)), NOTHING);
}

/** An argument; where a local's address is given away, the callee may set it. */
function argument(arg: Expr, cx: Context): Value {
  const value = evaluate(arg, cx);
  if (arg.k === 'address' && arg.of.k === 'name' && arg.of.local) cx.held.set(arg.of.name, cx.valueOf(arg.of.name), null);
  return value;
}

function unknown(e: Call, api: string, cx: Context, used: boolean, defined: boolean): Value {
  const argSources = e.args.map(arg => argument(arg, cx).sources);
  const cells = defined ? { argCells: e.args.map(arg => cellOfPointer(arg, cx)) } : {};
  const args = e.args.map(a => cx.text(a));
  return from(cx.emit(e, { kind: 'call', api, cell: null, ordering: null, opaque: !defined, used, args, argSources, ...cells }));
}

function known(e: Call, api: string, fact: Fact, cx: Context, used: boolean): Value {
  const argSources = e.args.map((arg, i) => {
    if (i !== fact.cell) return argument(arg, cx).sources;
    if (fact.by === 'lvalue' || arg.k === 'address') address(arg.k === 'address' ? arg.of : arg, cx);
    else evaluate(arg, cx);
    return [];
  });
  const event = eventOf(api, fact, e.args, cx);
  event.used = used;
  event.args = e.args.map(a => cx.text(a));
  event.argSources = argSources;
  return from(cx.emit(e, event));
}

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
