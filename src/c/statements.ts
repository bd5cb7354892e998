/** Statements as flow: branches, loops, jumps, and the events of their expressions in between. */
import { cellOfPointer } from './cells.ts';
import { type Context, type Jumps, NOTHING, union, type Value } from './context.ts';
import { branchOn, evaluate, meet, name } from './expressions.ts';
import type { End } from './graph.ts';
import { boundOf } from './loops.ts';
import { type Expr, numberOf, type Stmt } from './syntax.ts';

/** Walks a statement from the open ends of the context's graph; leaves there the ends that run out of it. */
export function walk(s: Stmt, cx: Context): void {
  if (s.k !== 'block' && s.k !== 'if' && s.k !== 'loop' && s.k !== 'macro' && s.k !== 'switch' && s.k !== 'case' && s.k !== 'label' && s.k !== 'arms')
    cx.statementEnd = s.endLine;
  switch (s.k) {
    case 'block':
      return block(s.list, cx);
    case 'expr':
      cx.statements++;
      evaluate(s.of, cx, false);
      return;
    case 'declare':
      return declare(s, cx);
    case 'if':
      return choose(s, cx);
    case 'loop':
      return loop(s, cx);
    case 'macro':
      return macro(s, cx);
    case 'switch':
      return select(s, cx);
    case 'case':
      return entry(s, cx);
    case 'label': {
      const id = cx.graph.label(s.name, s.line);
      cx.graph.join(cx.graph.ends, id);
      cx.graph.ends = [{ node: id, slot: 0 }];
      if (s.body) walk(s.body, cx);
      return;
    }
    case 'goto':
      cx.statements++;
      cx.graph.join(cx.graph.ends, cx.graph.label(s.name, s.line));
      cx.graph.ends = [];
      return;
    case 'return': {
      cx.statements++;
      const value = s.of ? evaluate(s.of, cx) : NOTHING;
      cx.graph.exit({ line: s.line, ...(s.of ? { returned: cx.text(s.of), returns: value.sources } : {}) });
      return;
    }
    case 'break':
    case 'continue': {
      cx.statements++;
      const target = cx[s.k === 'break' ? 'breaks' : 'continues'].at(-1);
      if (target) target[s.k === 'break' ? 'breaks' : 'continues'].push(...cx.graph.ends);
      else cx.graph.exit({ line: s.line }); // Its loop is out of view.
      cx.graph.ends = [];
      return;
    }
    case 'arms':
      return arms(s.list, s.line, cx);
    case 'unread':
      cx.graph.add({ event: null, kind: 'gap', line: s.line });
      return;
  }
}

function block(list: Stmt[], cx: Context): void {
  const before = cx.events.length;
  for (const s of list) walk(s, cx);
  // guard() gives its lock back where the block ends.
  for (const event of cx.events.slice(before).reverse()) {
    if (!event.api.startsWith('guard(') || event.kind !== 'lock' || scoped(event.line, list)) continue;
    if (cx.graph.ends.length > 0)
      cx.emit(
        { line: list.at(-1)?.endLine ?? event.line },
        { kind: 'unlock', api: event.api, cell: event.cell, ordering: 'release', args: event.args, atomic: true },
      );
  }
}

/** True where the line lies in an inner block, whose end has given the lock back already. */
function scoped(line: number, list: Stmt[]): boolean {
  return list.some(s => s.k !== 'expr' && line >= s.line && line <= s.endLine);
}

function declare(s: Extract<Stmt, { k: 'declare' }>, cx: Context): void {
  cx.scope.locals.set(s.name, { type: s.type, pointer: s.pointer, array: false });
  if (!s.init) return;
  cx.statements++;
  const before = cx.events.length;
  const value = evaluate(s.init, cx);
  cx.values.set(s.name, value);
  name(s.name, before, s.init, cx);
}

/** Runs `first` and `second` as alternatives on copies of the values, and merges what they leave. */
function fork(cx: Context, ways: { ends: End[]; run: () => void }[], line: number): void {
  const before = cx.values;
  let merged: Map<string, Value> | null = null;
  const ends: End[] = [];
  for (const way of ways) {
    cx.values = new Map(before);
    cx.graph.ends = way.ends;
    way.run();
    const left = cx.values;
    // A way that ends in a jump leaves its values too: goto and continue carry them on.
    if (merged === null) merged = left;
    else for (const [key, value] of left) merged.set(key, union(merged.get(key) ?? before.get(key) ?? NOTHING, value));
    ends.push(...cx.graph.ends);
  }
  cx.values = merged ?? before;
  cx.graph.ends = [];
  meet(cx, ends, line);
}

function choose(s: Extract<Stmt, { k: 'if' }>, cx: Context): void {
  cx.statements++;
  cx.statementEnd = s.test.line;
  const { yes, no } = branchOn(s.test, cx);
  const otherwise = s.no;
  fork(
    cx,
    [
      { ends: yes, run: () => walk(s.yes, cx) },
      { ends: no, run: () => otherwise && walk(otherwise, cx) },
    ],
    s.endLine,
  );
}

function arms(list: Stmt[], line: number, cx: Context): void {
  const { yes, no } = cx.graph.branch({ line, condition: '#if' });
  const node = yes[0]?.node ?? no[0]?.node ?? 0;
  fork(
    cx,
    list.map((arm, slot) => ({ ends: [{ node, slot }], run: () => walk(arm, cx) })),
    line,
  );
}

function isForever(e: Expr | null): boolean {
  return e === null || (e.k === 'number' && e.value !== null && e.value !== 0) || (e.k === 'name' && e.name === 'true');
}

function enterLoop(s: Extract<Stmt, { k: 'loop' | 'macro' }>, cx: Context): void {
  cx.statements++;
  const bound = boundOf(s, {
    constant: n => cx.scope.types.constants.get(n) ?? numberOf(n),
    start: n => cx.starts.get(n) ?? null,
    slice: e => cx.file.slice(e),
  });
  cx.loops.push({ line: s.line, endLine: s.endLine, ...bound, depth: cx.loopStack.length });
  cx.loopStack.push(cx.loops.length - 1);
}

function loop(s: Extract<Stmt, { k: 'loop' }>, cx: Context): void {
  if (s.init) walk(s.init, cx);
  // `do { ... } while (0)` is a block.
  if (s.form === 'do' && s.test?.k === 'number' && s.test.value === 0) return once(s.body, cx);
  enterLoop(s, cx);
  const own: Jumps = { breaks: [], continues: [] };
  const { breaks, continues } = cx;
  breaks.push(own);
  continues.push(own);
  const head = cx.graph.meet(s.line);
  let out: End[] = [];
  if (s.form === 'do') {
    walk(s.body, cx);
    meet(cx, own.continues, s.endLine);
    const ways = s.test && !isForever(s.test) ? branchOn(s.test, cx) : { yes: cx.graph.ends, no: [] };
    cx.graph.join(ways.yes, head);
    out = ways.no;
  } else {
    const ways = s.test && !isForever(s.test) ? branchOn(s.test, cx) : { yes: cx.graph.ends, no: [] };
    cx.graph.ends = ways.yes;
    walk(s.body, cx);
    meet(cx, own.continues, s.endLine);
    if (s.step) evaluate(s.step, cx, false);
    cx.graph.join(cx.graph.ends, head);
    out = ways.no;
  }
  breaks.pop();
  continues.pop();
  cx.loopStack.pop();
  cx.graph.ends = [...out, ...own.breaks];
  if (cx.graph.ends.length > 1) cx.graph.meet(s.endLine);
}

function once(body: Stmt, cx: Context): void {
  const own: Jumps = { breaks: [], continues: [] };
  const { breaks, continues } = cx;
  breaks.push(own);
  continues.push(own);
  walk(body, cx);
  breaks.pop();
  continues.pop();
  meet(cx, [...own.breaks, ...own.continues], body.endLine);
}

function macro(s: Extract<Stmt, { k: 'macro' }>, cx: Context): void {
  if (/^scoped_(?:cond_)?guard$/.test(s.name)) {
    cx.statementEnd = s.line;
    const lockArg = s.args.find((a, i) => i > 0 && a.k === 'address') ?? s.args[1];
    const cell = lockArg ? cellOfPointer(lockArg, cx.scope) : null;
    const api = `scoped_guard(${s.args[0] ? cx.text(s.args[0]) : ''})`;
    const args = s.args.slice(1).map(a => cx.text(a));
    cx.emit(s, { kind: 'lock', api, cell, ordering: 'acquire', args, atomic: true });
    once(s.body, cx);
    if (cx.graph.ends.length > 0) cx.emit({ line: s.endLine }, { kind: 'unlock', api, cell, ordering: 'release', args, atomic: true });
    return;
  }
  cx.statementEnd = s.line;
  const values = s.args.map(arg => evaluate(arg, cx));
  const cursor = s.args[0];
  const sources = values.slice(1).flatMap(v => v.sources);
  const fact = cx.file.fact(s.name);
  const place = fact?.cell == null ? undefined : s.args[fact.cell];
  if (fact)
    sources.push(
      cx.emit(s, {
        kind: fact.kind,
        api: s.name,
        cell: place ? cellOfPointer(place, cx.scope) : null,
        ordering: fact.ordering,
        operation: fact.operation,
        args: s.args.map(a => cx.text(a)),
        atomic: fact.atomic,
      }),
    );
  if (cursor?.k === 'name' && cx.scope.locals.has(cursor.name)) cx.values.set(cursor.name, { sources, parameter: null, inverted: false });
  enterLoop(s, cx);
  const own: Jumps = { breaks: [], continues: [] };
  const { breaks, continues } = cx;
  breaks.push(own);
  continues.push(own);
  const { yes, no } = cx.graph.branch({ line: s.line, condition: s.name });
  const head = yes[0]?.node ?? 0;
  cx.graph.ends = yes;
  walk(s.body, cx);
  meet(cx, own.continues, s.endLine);
  cx.graph.join(cx.graph.ends, head);
  breaks.pop();
  continues.pop();
  cx.loopStack.pop();
  cx.graph.ends = [...no, ...own.breaks];
  if (cx.graph.ends.length > 1) cx.graph.meet(s.endLine);
}

function select(s: Extract<Stmt, { k: 'switch' }>, cx: Context): void {
  cx.statements++;
  cx.statementEnd = s.on.line;
  evaluate(s.on, cx);
  const { yes } = cx.graph.branch({ line: s.line, condition: cx.text(s.on) });
  const node = yes[0]?.node ?? 0;
  const own: Jumps = { breaks: [], continues: [] };
  const ways = { node, slot: 0, closed: false };
  cx.breaks.push(own);
  cx.cases.push(ways);
  cx.graph.ends = [];
  walk(s.body, cx);
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
  }
  for (const inner of s.list) walk(inner, cx);
}
