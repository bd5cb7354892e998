/** Statements as flow: branches, loops, jumps, and the events of their expressions in between. */

import { isError } from '../cfg/errorpaths.ts';
import type { OpenEdge } from '../cfg/graph.ts';
import { ownName } from '../syntax/calls.ts';
import { type Expr, numberOf, type Stmt } from '../syntax/syntax.ts';
import { cellOfPointer, isConstantText } from './cells.ts';
import { casesOf, constantOf } from './conditions.ts';
import { type Context, NOTHING, type OpenJumps, type Value } from './context.ts';
import { branchOn, evaluate, meet, name, setVariable } from './expressions.ts';
import { endGuard, endingOf, freeAtEnd, guardEvent, leaveScopes, scopesAround, underGuards } from './guards.ts';
import { boundOf, type LoopScope, leavesAlways, roundsOf } from './loops.ts';

/** Statements whose parts say themselves where they end. */
const COMPOUND = new Set<Stmt['k']>(['block', 'if', 'loop', 'macro', 'switch', 'case', 'label', 'arms']);

/** Walks a statement from the open ends of the context's graph; leaves there the ends that run out of it. */
export function lowerStatement(s: Stmt, cx: Context): void {
  if (!COMPOUND.has(s.k)) cx.statementEnd = s.endLine;
  switch (s.k) {
    case 'block':
      block(s, cx);
      return;
    case 'expr':
      cx.statements++;
      evaluate(s.of, cx, false);
      return;
    case 'declare':
      declare(s, cx);
      return;
    case 'if':
      choose(s, cx);
      return;
    case 'loop':
      loop(s, cx);
      return;
    case 'macro':
      if (/^scoped_(?:cond_)?guard$/.test(s.name)) scoped(s, cx);
      else each(s, cx);
      return;
    case 'switch':
      select(s, cx);
      return;
    case 'case':
      entry(s, cx);
      return;
    case 'label': {
      const id = cx.graph.label(s.name, s.line);
      cx.graph.join(cx.graph.ends, id);
      cx.graph.ends = [{ node: id, slot: 0 }];
      cx.forgetAtLabel();
      if (s.body) lowerStatement(s.body, cx);
      return;
    }
    case 'goto':
      cx.statements++;
      leaveScopes(cx, scopesAround(cx, s.name), s.line);
      cx.graph.join(cx.graph.ends, cx.graph.label(s.name, s.line));
      cx.graph.ends = [];
      return;
    case 'return': {
      cx.statements++;
      const value = s.of ? evaluate(s.of, cx) : NOTHING;
      leaveScopes(cx, 0, s.line);
      if (s.of) cx.graph.exit(s.line, cx.text(s.of), value.sources, isError(s.of, cx.file.fact));
      else cx.graph.exit(s.line);
      return;
    }
    case 'break':
    case 'continue':
      jump(s, cx);
      return;
    case 'arms':
      arms(s.list, s.line, cx);
      return;
    case 'unread': {
      const before = cx.events.length;
      for (const e of s.list) evaluate(e, cx, false);
      for (const event of cx.events.slice(before)) event.uncertain = true;
      cx.graph.add('gap', s.line);
      return;
    }
  }
}

function jump(s: Extract<Stmt, { k: 'break' | 'continue' }>, cx: Context): void {
  cx.statements++;
  const list = s.k === 'break' ? 'breaks' : 'continues';
  const target = cx[list].at(-1);
  leaveScopes(cx, target?.scopes ?? 0, s.line);
  if (target) target[list].push(...cx.graph.ends);
  else cx.graph.join(cx.graph.ends, cx.graph.place('gap', s.line)); // Its loop is out of view.
  cx.graph.ends = [];
}

function block(s: Extract<Stmt, { k: 'block' }>, cx: Context): void {
  if (!s.scope) {
    for (const inner of s.list) lowerStatement(inner, cx);
    return;
  }
  cx.scopes.push({ at: s.at, end: s.end, endings: [] });
  for (const inner of s.list) lowerStatement(inner, cx);
  if (cx.scopes.at(-1)?.endings.length) leaveScopes(cx, cx.scopes.length - 1, s.endLine);
  cx.scopes.pop();
}

function declare(s: Extract<Stmt, { k: 'declare' }>, cx: Context): void {
  const { variable, init } = s;
  if (variable.cleanup !== null) freeAtEnd(variable, cx);
  if (!init) return;
  cx.statements++;
  if (variable.isStatic) return; // It is set before anything runs.
  const before = cx.events.length;
  const value = evaluate(init, cx);
  setVariable(variable.name, value, init, cx);
  name(variable.name, before, init, cx);
}

function choose(s: Extract<Stmt, { k: 'if' }>, cx: Context): void {
  cx.statements++;
  cx.statementEnd = s.test.line;
  const { yes, no } = branchOn(s.test, cx);
  const otherwise = s.no;
  // A condition that is a constant still parses both ways; `if (0)` only opens a piece, so either may run.
  const ways = [
    { ends: yes, run: () => lowerStatement(s.yes, cx) },
    { ends: no, run: () => otherwise && lowerStatement(otherwise, cx) },
  ];
  cx.fork(cx.scopes.some(scope => scope.endings.length > 0) ? underGuards(ways, cx) : ways, s.endLine);
}

function arms(list: Stmt[], line: number, cx: Context): void {
  const { yes, no } = cx.graph.branch(line, '#if');
  const node = yes[0]?.node ?? no[0]?.node ?? 0;
  cx.fork(
    list.map((arm, slot) => ({ ends: [{ node, slot }], run: () => lowerStatement(arm, cx) })),
    line,
  );
}

function isForever(e: Expr | null): boolean {
  return e === null || (e.k === 'number' && e.value !== null && e.value !== 0) || (e.k === 'name' && e.name === 'true');
}

function enterLoop(s: Extract<Stmt, { k: 'loop' | 'macro' }>, cx: Context): void {
  cx.statements++;
  const bound = boundOf(s, scopeOf(cx));
  cx.loops.push({ line: s.line, endLine: s.endLine, ...bound, depth: cx.loopStack.length });
  cx.loopStack.push(cx.loops.length - 1);
  cx.forget(s.at, s.end);
}

function scopeOf(cx: Context): LoopScope {
  return {
    constant: n => cx.types.constants.get(n) ?? numberOf(n),
    start: n => startOf(n, cx),
    origin: n => originOf(n, cx),
    slice: e => cx.file.slice(e),
  };
}

/** The constant that a local starts from. */
function startOf(variable: string, cx: Context): { text: string; value: number | null } | null {
  const first = cx.survey.first.get(variable);
  if (first?.k !== 'number' && !(first?.k === 'name' && isConstantText(first.name))) return null;
  const text = cx.text(first);
  return { text, value: first.k === 'number' ? first.value : (cx.types.constants.get(text) ?? null) };
}

/** Longer origins say less than the name does. */
const LONGEST_ORIGIN = 50;

function originOf(variable: string, cx: Context): string | null {
  const first = cx.survey.first.get(variable);
  const once = (cx.survey.changes.get(variable) ?? []).length <= 1 && !cx.parameters.has(variable);
  const text = first && once ? cx.text(first) : null;
  return text !== null && text.length <= LONGEST_ORIGIN ? text : null;
}

/** Runs a body out of which `break` and `continue` lead; gives the ends that they leave. */
function within(cx: Context, run: () => void): OpenJumps {
  const own: OpenJumps = { breaks: [], continues: [], scopes: cx.scopes.length };
  cx.breaks.push(own);
  cx.continues.push(own);
  run();
  cx.breaks.pop();
  cx.continues.pop();
  return own;
}

function loop(s: Extract<Stmt, { k: 'loop' }>, cx: Context): void {
  if (s.init) lowerStatement(s.init, cx);
  cx.statementEnd = s.line;
  // `do { ... } while (0)` is a block.
  if (s.form === 'do' && s.test?.k === 'number' && s.test.value === 0) {
    once(s.body, cx);
    return;
  }
  const rounds = roundsOf(s, scopeOf(cx), name => cx.survey.changes.get(name) ?? []);
  if (rounds === 'once' || leavesAlways(s.body)) {
    oneRound(s, rounds === 'once', cx);
    return;
  }
  // The test that the first round is known to pass stands only where the next one is decided.
  const testedLast = s.form === 'do' || rounds === 'some';
  enterLoop(s, cx);
  const mark = cx.held.mark();
  const head = cx.graph.meet(s.line);
  let out: OpenEdge[] = [];
  const own = within(cx, () => {
    const test = () => (s.test && !isForever(s.test) ? branchOn(s.test, cx) : { yes: cx.graph.ends, no: [] });
    if (testedLast) {
      lowerStatement(s.body, cx);
      meet(cx, cx.continues.at(-1)?.continues ?? [], s.endLine);
      if (s.step) evaluate(s.step, cx, false);
      cx.statementEnd = s.form === 'do' ? s.endLine : s.line;
      const ways = test();
      cx.graph.join(ways.yes, head);
      out = ways.no;
    } else {
      const ways = test();
      out = ways.no;
      cx.graph.ends = ways.yes;
      lowerStatement(s.body, cx);
      meet(cx, cx.continues.at(-1)?.continues ?? [], s.endLine);
      if (s.step) evaluate(s.step, cx, false);
      cx.graph.join(cx.graph.ends, head);
    }
  });
  leaveLoop(cx, mark, !testedLast);
  cx.loopStack.pop();
  cx.graph.ends = [...out, ...own.breaks];
  if (cx.graph.ends.length > 1) cx.graph.meet(s.endLine);
}

/** Behind a loop its body may have run or not. */
function leaveLoop(cx: Context, mark: number, maybe: boolean): void {
  if (!maybe) return;
  const left = cx.held.undo(mark);
  cx.held.merge(
    [
      { left, alive: true },
      { left: new Map(), alive: true },
    ],
    variable => cx.valueOf(variable),
  );
}

/** A loop of one round at most is no loop: a block, or where its test may fail before that an `if`. */
function oneRound(s: Extract<Stmt, { k: 'loop' }>, sure: boolean, cx: Context): void {
  cx.statements++;
  if (sure && s.test) evaluate(s.test, cx);
  if (sure || s.form === 'do' || isForever(s.test) || !s.test) {
    once(s.body, cx);
    return;
  }
  const { yes, no } = branchOn(s.test, cx);
  const mark = cx.held.mark();
  cx.graph.ends = yes;
  const own = within(cx, () => lowerStatement(s.body, cx));
  leaveLoop(cx, mark, true);
  cx.graph.ends = [...no, ...own.breaks];
  if (cx.graph.ends.length > 1) cx.graph.meet(s.endLine);
}

function once(body: Stmt, cx: Context): void {
  const own = within(cx, () => lowerStatement(body, cx));
  meet(cx, [...own.breaks, ...own.continues], body.endLine);
}

/** `scoped_guard(mutex, &x->lock) { ... }`: of a conditional class the body runs only where it got the lock. */
function scoped(s: Extract<Stmt, { k: 'macro' }>, cx: Context): void {
  cx.statements++;
  cx.statementEnd = s.line;
  const [head, ...rest] = s.args;
  const kind = head ? ownName(cx.text(head)) : '';
  const args = s.name === 'scoped_cond_guard' ? rest.slice(1) : rest;
  for (const arg of args) evaluate(arg, cx);
  const fact = cx.file.fact(`guard(${kind})`);
  const event = guardEvent(`scoped_guard(${kind})`, fact, args, cx);
  const fails: OpenEdge[] = [];
  if (fact?.lock?.conditional) {
    const { yes, no } = cx.graph.branch(s.line, event.api);
    const mark = cx.held.mark();
    cx.graph.ends = no;
    if (s.fails !== null) failed(s, s.fails, cx);
    fails.push(...cx.graph.ends);
    const left = cx.held.undo(mark);
    cx.held.merge(
      [
        { left, alive: fails.length > 0 },
        { left: new Map(), alive: true },
      ],
      variable => cx.valueOf(variable),
    );
    cx.graph.ends = yes;
  }
  cx.emit(s, event);
  cx.scopes.push({ at: s.at, end: s.end, endings: [endingOf(event)] });
  const own = within(cx, () => lowerStatement(s.body, cx));
  cx.scopes.pop();
  endGuard(event, s.endLine, cx);
  meet(cx, [...own.breaks, ...own.continues, ...fails], s.endLine);
}

/** What runs where scoped_cond_guard() got no lock: nothing of its own ends then. `break` and `continue` leave the guard, no loop around it. */
function failed(s: Extract<Stmt, { k: 'macro' }>, statement: string, cx: Context): void {
  const value = s.args[1];
  const label = /^goto\s+(\w+)/.exec(statement)?.[1];
  if (label !== undefined) {
    leaveScopes(cx, scopesAround(cx, label), s.line);
    cx.graph.join(cx.graph.ends, cx.graph.label(label, s.line));
    cx.graph.ends = [];
  } else if (/^return\b/.test(statement)) {
    const given = statement !== 'return' && value ? evaluate(value, cx) : null;
    leaveScopes(cx, 0, s.line);
    if (given && value) cx.graph.exit(s.line, cx.text(value), given.sources, isError(value, cx.file.fact));
    else cx.graph.exit(s.line);
  } else if (value) evaluate(value, cx, false);
}

/** A loop over the elements of something, by a macro. */
function each(s: Extract<Stmt, { k: 'macro' }>, cx: Context): void {
  cx.statementEnd = s.line;
  const macro = ownName(s.name);
  const fact = cx.file.fact(macro);
  const [cursor] = s.args;
  const sources = s.args.flatMap((arg, i) => (i === fact?.cell && arg.k === 'address' ? [] : evaluate(arg, cx).sources));
  const place = fact?.cell == null ? undefined : s.args[fact.cell];
  const args = s.args.map(a => cx.text(a));
  // What no fact knows may hide a lookup, a lock or a reference; by its shape alone it is a loop.
  const event = fact
    ? {
        kind: fact.kind,
        fact,
        cell: place ? cellOfPointer(place, cx) : null,
        ordering: fact.ordering,
        operation: fact.operation,
        atomic: fact.atomic,
      }
    : { kind: 'call' as const, cell: null, ordering: null, opaque: !cx.file.defined(s.name) && !/for_each/.test(s.name) };
  enterLoop(s, cx);
  cx.calls.add(s.name);
  const mark = cx.held.mark();
  const head = cx.graph.meet(s.line);
  sources.push(cx.emit(s, { ...event, api: macro, args, each: true }));
  const { yes, no } = cx.graph.branch(s.line, s.name);
  if (cursor?.k === 'name' && cursor.local) setVariable(cursor.name, { sources, parameter: null, inverted: false }, null, cx);
  const own = within(cx, () => {
    cx.graph.ends = yes;
    lowerStatement(s.body, cx);
  });
  meet(cx, own.continues, s.endLine);
  cx.graph.join(cx.graph.ends, head);
  leaveLoop(cx, mark, true);
  cx.loopStack.pop();
  cx.graph.ends = [...no, ...own.breaks];
  if (cx.graph.ends.length > 1) cx.graph.meet(s.endLine);
}

function select(s: Extract<Stmt, { k: 'switch' }>, cx: Context): void {
  cx.statements++;
  cx.statementEnd = s.on.line;
  const on: Value = evaluate(s.on, cx);
  const { yes } = cx.graph.branch(s.line, cx.text(s.on), on.sources);
  const node = yes[0]?.node ?? 0;
  cx.switches.set(node, casesOf(s.on, cx));
  const own: OpenJumps = { breaks: [], continues: [], scopes: cx.scopes.length };
  const ways = { node, slot: 0, closed: false };
  cx.breaks.push(own);
  cx.cases.push(ways);
  cx.graph.ends = [];
  const mark = cx.held.mark();
  // Each case may be entered from the top, with what held there.
  cx.forget(s.body.at, s.body.end);
  lowerStatement(s.body, cx);
  leaveLoop(cx, mark, true);
  cx.cases.pop();
  cx.breaks.pop();
  const out = [...own.breaks];
  if (!ways.closed) out.push({ node, slot: ways.slot });
  meet(cx, out, s.endLine);
}

function entry(s: Extract<Stmt, { k: 'case' }>, cx: Context): void {
  const ways = cx.cases.at(-1);
  if (ways) {
    meet(cx, [{ node: ways.node, slot: ways.slot++ }], s.line);
    if (s.value === null) ways.closed = true;
    cx.switches.get(ways.node)?.labels.push(s.value === null ? null : constantOf(s.value, cx));
  }
  for (const inner of s.list) lowerStatement(inner, cx);
}
