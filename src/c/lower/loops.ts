/** How often a loop's body runs: a run-time value, a constant, or a countdown of tries. */
import type { Loop } from '../../model/code.ts';
import { type Expr, oneSpaced, type Stmt, statementsIn } from '../syntax/syntax.ts';
import { isConstantText } from './cells.ts';

/** What is known of names: values of constants, and the constants that locals start from. */
export interface LoopScope {
  constant(name: string): number | null;
  /** The initial value of a local, where it is set to a constant before the loop. */
  start(name: string): { text: string; value: number | null } | null;
  /** Of a local that is set once, what it is set to, as written. */
  origin(name: string): string | null;
  slice(e: { at: number; end: number }): string;
}

type Bound = Pick<Loop, 'bound' | 'boundText' | 'times'>;
type ForLoop = Extract<Stmt, { k: 'loop' }>;

/**
 * How often the body of a `for` loop begins, where its own head says it: `once`, or `some`, which is once or more. Null where it may be never, or
 * is not known. `changes` are the places in the text where the counter is set, moved or has its address taken.
 */
export function roundsOf(stmt: ForLoop, scope: LoopScope, changes: (name: string) => readonly number[]): 'once' | 'some' | null {
  const { test, step } = stmt;
  if (stmt.form !== 'for' || test?.k !== 'binary' || test.left.k !== 'name' || !test.left.local || !step) return null;
  const from = initialHere(stmt, test.left.name, scope);
  const limit = constantOf(test.right, scope);
  if (from?.value == null || limit?.value == null || !holds(from.value, test.op, limit.value)) return null;
  const counter = test.left.name;
  const by = moveOf(step, counter);
  const movedInside = changes(counter).some(at => at >= stmt.body.at && at < stmt.body.end);
  return by !== null && !movedInside && !holds(from.value + by, test.op, limit.value) ? 'once' : 'some';
}

/** Does each path through the body of a loop leave it for good? Its last statement does, and nothing continues with the next round. */
export function leavesAlways(body: Stmt): boolean {
  const last = body.k === 'block' ? body.list.at(-1) : body;
  return (last?.k === 'break' || last?.k === 'return' || last?.k === 'goto') && !continues(body);
}

function continues(stmt: Stmt): boolean {
  return stmt.k === 'continue' || (stmt.k !== 'loop' && stmt.k !== 'macro' && statementsIn(stmt).some(continues));
}

/** What the step adds to the counter; null where it is not known. */
function moveOf(step: Expr, counter: string): number | null {
  const moved = step.k === 'update' ? step.of : step.k === 'assign' ? step.left : null;
  const by = stepOf(step);
  if (moved?.k !== 'name' || moved.name !== counter || by === null) return null;
  const up = step.k === 'update' ? step.op === '++' : step.k === 'assign' && step.op === '+=';
  const down = step.k === 'update' ? step.op === '--' : step.k === 'assign' && step.op === '-=';
  return up ? by : down ? -by : null;
}

function holds(left: number, op: string, right: number): boolean {
  switch (op) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '!=':
      return left !== right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    default:
      return false;
  }
}

const UNKNOWN: Bound = { bound: 'unknown', boundText: '', times: null };

export function boundOf(stmt: Stmt, scope: LoopScope): Bound {
  if (stmt.k === 'macro') return { bound: 'sized', boundText: `${stmt.name}()`, times: null };
  if (stmt.k !== 'loop') return UNKNOWN;
  return stmt.form === 'for' ? (counted(stmt, scope) ?? countdown(stmt.test, false, scope)) : countdown(stmt.test, stmt.form === 'do', scope);
}

/** A loop that counts from a constant, set in its own head, to another, and whose test holds for the first: its body runs at least once. */
export function runsAtLeastOnce(stmt: Extract<Stmt, { k: 'loop' }>, scope: LoopScope): boolean {
  const { test, form, init } = stmt;
  if (form === 'do') return true;
  if (form !== 'for' || !init || test?.k !== 'binary' || test.left.k !== 'name' || !counted(stmt, scope)) return false;
  const from = initial(stmt, test.left, { ...scope, start: () => null })?.value ?? null;
  const limit = constantOf(test.right, scope)?.value ?? null;
  if (from === null || limit === null) return false;
  return (
    (test.op === '<' && from < limit) ||
    (test.op === '<=' && from <= limit) ||
    (test.op === '>' && from > limit) ||
    (test.op === '>=' && from >= limit) ||
    (test.op === '!=' && from !== limit)
  );
}

/** `for (i = 0; i < n; i++)` */
function counted(stmt: ForLoop, scope: LoopScope): Bound | null {
  const { test, step } = stmt;
  if (test?.k !== 'binary' || !['<', '<=', '!=', '>', '>='].includes(test.op) || !step) return null;
  const up = step.k === 'update' ? step.op === '++' : step.k === 'assign' && step.op === '+=';
  const down = step.k === 'update' ? step.op === '--' : step.k === 'assign' && step.op === '-=';
  if (!up && !down) return null;
  const boundText = (test.right.k === 'name' ? scope.origin(test.right.name) : null) ?? oneSpaced(scope.slice(test.right));
  const limit = constantOf(test.right, scope);
  const from = initial(stmt, test.left, scope);
  if (limit) {
    if (down && !from) return { bound: 'sized', boundText: oneSpaced(scope.slice(test.left)), times: null };
    const span = limit.value === null || from?.value === undefined || from.value === null ? null : Math.abs(limit.value - from.value);
    const times = span === null || stepOf(step) !== 1 ? null : span + (test.op === '<=' || test.op === '>=' ? 1 : 0);
    return { bound: 'constant', boundText: down && from ? from.text : limit.text, times };
  }
  return { bound: 'sized', boundText, times: null };
}

function stepOf(step: Expr): number | null {
  return step.k === 'update' ? 1 : step.k === 'assign' && step.right.k === 'number' ? step.right.value : null;
}

function initial(stmt: ForLoop, counter: Expr, scope: LoopScope): Constant | null {
  if (counter.k !== 'name') return null;
  return setHere(stmt, counter.name) ? initialHere(stmt, counter.name, scope) : scope.start(counter.name);
}

/** The constant that the loop's head sets the counter to. */
function initialHere(stmt: ForLoop, counter: string, scope: LoopScope): Constant | null {
  const from = setHere(stmt, counter);
  return from && constantOf(from, scope);
}

function setHere({ init }: ForLoop, counter: string): Expr | null {
  const set = init?.k === 'expr' && init.of.k === 'assign' && init.of.left.k === 'name' && init.of.left.name === counter ? init.of.right : null;
  const declared = init?.k === 'block' ? init.list.find(s => s.k === 'declare' && s.variable.name === counter) : undefined;
  return set ?? (declared?.k === 'declare' ? declared.init : null);
}

/** `while (--tries > 0)`, `while (tries--)`, and `while (++n < MAX)`. */
function countdown(test: Expr | null, atEnd: boolean, scope: LoopScope): Bound {
  const part = test?.k === 'binary' && test.op === '&&' ? [test.left, test.right] : test ? [test] : [];
  for (const e of part) {
    const compare = e.k === 'binary' && ['>', '!=', '<', '<=', '>='].includes(e.op) ? e : null;
    const moved = compare ? compare.left : e;
    if (moved.k !== 'update' || moved.of.k !== 'name') continue;
    const start = scope.start(moved.of.name);
    const limit = compare ? constantOf(compare.right, scope) : { text: '0', value: 0 };
    if (!limit) return { bound: 'sized', boundText: compare ? oneSpaced(scope.slice(compare.right)) : '', times: null };
    if (!start) return { bound: 'sized', boundText: moved.of.name, times: null };
    const span = start.value === null || limit.value === null ? null : Math.abs(start.value - limit.value);
    const inclusive = compare?.op === '>=' || compare?.op === '<=' ? 1 : 0;
    const times = span === null ? null : Math.max(0, span + inclusive - (moved.prefix ? 1 : 0) + (atEnd ? 1 : 0));
    return { bound: 'retry', boundText: moved.op === '--' ? start.text : limit.text, times };
  }
  return UNKNOWN;
}

interface Constant {
  text: string;
  value: number | null;
}

function constantOf(e: Expr, scope: LoopScope): Constant | null {
  const text = oneSpaced(scope.slice(e));
  if (e.k === 'number') return { text, value: e.value };
  if (e.k === 'name' && isConstantText(e.name)) return { text, value: scope.constant(e.name) };
  return null;
}
