/** Expressions as events, in the order in which C evaluates them as far as it fixes one, left to right where it does not. */

import type { Fact } from '../../model/fact.ts';
import { isError } from '../cfg/errorpaths.ts';
import type { OpenEdge } from '../cfg/graph.ts';
import type { Setting } from '../cfg/returned.ts';
import { callKind, endsRun, keepsTruth } from '../syntax/calls.ts';
import type { Expr } from '../syntax/syntax.ts';
import { cellOfLvalue, isConstantText, isLocalVariable } from './cells.ts';
import { conditionOf } from './conditions.ts';
import { type Context, NOTHING, union, type Value } from './context.ts';
import { isSamePointer, typeOf } from './typeof.ts';

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
      if (e.k === 'member' && cell.type !== null && cx.known.member(cell.type, e.name)?.array === true) return NOTHING;
      return from(cx.emit(e, { kind: 'read', api: 'read', cell, ordering: markingOf(e), operation: 'load' }));
    }
    case 'address':
      address(e.of, cx);
      return NOTHING;
    case 'unary': {
      const value = evaluate(e.of, cx);
      if (e.op === '!') return { ...denied(value), inverted: !value.inverted };
      return e.op === '~' ? { ...value, inverted: !value.inverted, truth: 'other' } : value;
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
      return cx.lowering.call(e, cx, used);
  }
}

/** The same value, true where the given one is not. */
function denied(value: Value): Value {
  const { truth, ...rest } = value;
  return truth === undefined ? { ...rest, truth: 'zero' } : truth === 'zero' ? rest : value;
}

/** The value that an event gives. */
export function from(event: number): Value {
  return { sources: [event], parameter: null, inverted: false };
}

/** A statement expression: its value is its last statement's. */
function block(e: Extract<Expr, { k: 'block' }>, cx: Context, used: boolean): Value {
  const { statementEnd } = cx;
  const last = e.body.k === 'block' ? e.body.list.at(-1) : undefined;
  let value = NOTHING;
  if (e.body.k === 'block' && last?.k === 'expr' && used) {
    cx.lowering.walk({ ...e.body, list: e.body.list.slice(0, -1) }, cx);
    value = evaluate(last.of, cx, used);
  } else cx.lowering.walk(e.body, cx);
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
export function meet(cx: Context, ends: OpenEdge[], line: number): void {
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
      // A subscript of a pointer loads the pointer; where neither a declaration nor its use tells it from an array, nothing is said.
      if (e.of.k === 'member' && isPointer(e.of, cx)) evaluate(e.of, cx);
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

/** Is the member surely a pointer: by its declaration, or, that being out of view, because the function sets or tests it? */
export function isPointer(e: Extract<Expr, { k: 'member' }>, cx: Context): boolean {
  const type = typeOf(e, cx, 0);
  return type === null ? cx.survey.values.has(e.name) : type.pointer > 0 && !type.array;
}

/** Expressions that a pointer may be a copy of: they name the same object as long as no variable in them changes. */
function isPath(e: Expr, cx: Context): boolean {
  switch (e.k) {
    case 'name':
      return e.local;
    case 'member':
    case 'address':
    case 'cast':
      return isPath(e.of, cx) || (e.k !== 'cast' && e.of.k === 'name');
    case 'index':
      return isPath(e.of, cx) && (e.index.k === 'name' || e.index.k === 'number');
    case 'call':
      return e.callee.k === 'name' && e.args[0] !== undefined && isLoad(cx.file.fact(e.callee.name)) && isPath(e.args[0], cx);
    default:
      return false;
  }
}

/** A load of the pointer that its argument names. */
function isLoad(fact: Fact | undefined): boolean {
  return fact?.kind === 'read' && isSamePointer(fact);
}

/** Notes what a variable holds from here on. */
export function setVariable(name: string, value: Value, from: Expr | null, cx: Context): void {
  const path = from !== null && isPath(from, cx) && !mentions(from, name) ? from : null;
  cx.held.set(name, value, path);
  cx.dependents(name);
  cx.settings.push(settingOf(name, value, from, cx));
}

function settingOf(name: string, { sources }: Value, from: Expr | null, cx: Context): Setting {
  const fails = from !== null && isError(from, cx.file.fact);
  const bare = fails || from?.k === 'name' || from?.k === 'number';
  return { name, ends: cx.graph.ends, sources, fails, ...(bare && from !== null ? { copies: cx.text(from) } : {}) };
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
  // ACCESS_ONCE() is an lvalue: assigned to, it is a marked store.
  const fact = left.k === 'call' && left.callee.k === 'name' ? cx.file.fact(left.callee.name) : undefined;
  const marked =
    left.k === 'call' && fact?.kind === 'read' && fact.by === 'lvalue' ? { name: calleeName(left), of: left.args[fact.cell ?? 0] } : null;
  if (marked?.of) {
    address(marked.of, cx);
    const cell = cellOfLvalue(marked.of, cx);
    if (!cell) return;
    const by = { api: marked.name, ...(fact ? { fact } : {}), cell, ordering: 'relaxed' as const, args: [cx.text(marked.of)] };
    if (api !== '=') cx.emit(left, { ...by, kind: 'read', operation: 'load' });
    cx.emit(left, { ...by, kind: 'write', operation: COMPOUND[api] ?? 'store', operand, argSources: [value.sources] });
    return;
  }
  address(left, cx);
  const cell = cellOfLvalue(left, cx);
  if (!cell) {
    // A part of the function's own aggregate: the aggregate now holds this value too.
    const root = rootOf(left);
    if (root && isLocalVariable(left, cx)) cx.held.set(root, union(cx.valueOf(root), value), null);
    return;
  }
  const ordering = markingOf(left);
  if (api !== '=') cx.emit(left, { kind: 'read', api, cell, ordering, operation: 'load' });
  cx.emit(left, { kind: 'write', api, cell, ordering, operation: COMPOUND[api] ?? 'store', operand, argSources: [value.sources] });
}

/** What is reached by a pointer to volatile is read and written as READ_ONCE() and WRITE_ONCE() do it; as a rule it is a device's register. */
function markingOf(e: Expr): 'plain' | 'relaxed' {
  return e.k === 'deref' && e.of.k === 'cast' && /\bvolatile\b.*\*$/.test(e.of.type) ? 'relaxed' : 'plain';
}

function calleeName(e: Extract<Expr, { k: 'call' }>): string {
  return e.callee.k === 'name' ? e.callee.name : '';
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
  } else if (e.left.k === 'name' && e.op === '=' && isLocalVariable(e.left, cx)) {
    // Most likely a local, declared out of view.
    name(e.left.name, before, e.right, cx);
    cx.settings.push(settingOf(e.left.name, value, e.right, cx));
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
    return { sources: [...sources], parameter: null, inverted: false, truth: 'other' };
  }
  const left = evaluate(e.left, cx);
  const right = evaluate(e.right, cx);
  if (COMPARES.has(e.op)) cx.comparisons.push({ line: e.line, left, right, operator: e.op, loop: cx.loopStack.at(-1) ?? null });
  const both = union(left, right);
  if (both === NOTHING || both.sources.length === 0) return both;
  // `x != 0` is as true as x, `x == 0` as false; of other operations only the sources are followed.
  const tests = testOf(e, cx);
  if (tests === 'nonzero') return both;
  return tests === 'zero' ? denied(both) : { ...both, truth: 'other' };
}

/** Walks a condition with its short circuits; gives the ends where it holds and where not. */
export function branchOn(e: Expr, cx: Context): { yes: OpenEdge[]; no: OpenEdge[] } {
  if (e.k === 'unary' && e.op === '!') {
    const { yes, no } = branchOn(e.of, cx);
    return { yes: no, no: yes };
  }
  const fact = e.k === 'call' && e.callee.k === 'name' && !cx.file.defined(e.callee.name) ? cx.file.fact(e.callee.name) : undefined;
  if (e.k === 'call' && e.callee.k === 'name' && e.args[0] && keepsTruth(fact)) {
    cx.calls.add(e.callee.name);
    const before = cx.events.length;
    const ways = branchOn(e.args[0], cx);
    meant(fact, before, cx);
    return endsRun(fact) ? { yes: [], no: ways.no } : ways;
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
  const tests = settled(testOf(e, cx), value);
  const condition = cx.text(e);
  const ways = cx.graph.branch(e.line, condition, decides, tests ?? undefined);
  const node = ways.yes[0]?.node;
  if (node !== undefined) cx.conditions.set(node, conditionOf(e, cx));
  return ways;
}

/** Plain reads inside data_race() race on purpose, and bear its name; accesses inside context_unsafe() need no lock that annotations ask for. */
export function meant(fact: Fact | undefined, from: number, cx: Context): void {
  if (!fact?.meant) return;
  for (let i = from; i < cx.events.length; i++) {
    const event = cx.events[i];
    if (!event) continue;
    event.unlocked = true;
    if (fact.meant === 'race' && event.api === 'read') event.api = fact.api;
  }
}

/** What the source is where the condition holds, whose own truth may not be that of its source. */
function settled(tests: ReturnType<typeof testOf>, value: Value): ReturnType<typeof testOf> {
  if (tests !== 'nonzero' && tests !== 'zero') return tests;
  return value.truth === undefined ? 'nonzero' : value.truth === 'zero' ? 'zero' : null;
}

/** What a value is where the condition on it holds. */
function testOf(e: Expr, cx: Context): 'nonzero' | 'zero' | 'negative' | 'positive' | null {
  if (e.k === 'cast') return testOf(e.of, cx);
  if (e.k === 'assign') return e.op === '=' ? 'nonzero' : null;
  if (e.k === 'call' && e.callee.k === 'name' && callKind(cx.file.fact(e.callee.name)) !== 'plain') return null; // IS_ERR(x) is true of other values than x.
  if (e.k !== 'binary') return e.k === 'name' || e.k === 'call' || e.k === 'member' || e.k === 'deref' || e.k === 'index' ? 'nonzero' : null;
  const zero = isZero(e.right);
  if (e.op === '==') return zero ? 'zero' : isTrue(e.right) ? 'nonzero' : null;
  if (e.op === '!=') return zero ? 'nonzero' : isTrue(e.right) ? 'zero' : null;
  if (zero && e.op === '<') return 'negative';
  return zero && e.op === '>' ? 'positive' : null;
}

function isZero(e: Expr): boolean {
  return (e.k === 'number' && e.value === 0) || (e.k === 'name' && (e.name === 'NULL' || e.name === 'false'));
}

function isTrue(e: Expr): boolean {
  return e.k === 'name' && e.name === 'true';
}
