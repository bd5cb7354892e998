/** What branches and switches of a function test, as data for the flow graph. */
import type { BranchCondition, Cases, Constant, LocalTest } from '../cfg/correlated.ts';
import type { Expr } from '../syntax/syntax.ts';
import { isConstantText } from './cells.ts';
import type { Context } from './context.ts';

/** The condition that a branch goes by, where the walk stands. */
export function conditionOf(e: Expr, cx: Context): BranchCondition {
  const test = testOn(e, cx);
  return { key: `${cx.text(e)}${versionsIn(e, cx)}`, locals: localsIn(e), test, reads: test === null && readsMemory(e) };
}

/** Does the value come from more than locals and constants? */
function readsMemory(e: Expr): boolean {
  switch (e.k) {
    case 'name':
      return !e.local && !isConstantText(e.name);
    case 'number':
    case 'text':
    case 'address':
      return false;
    case 'binary':
      return readsMemory(e.left) || readsMemory(e.right);
    case 'unary':
    case 'cast':
      return readsMemory(e.of);
    default:
      return true;
  }
}

/** What a switch goes by, where the walk stands. */
export function casesOf(on: Expr, cx: Context): Cases {
  const local = localOf(on, cx);
  return { subject: local, locals: localsIn(on), labels: [] };
}

/** The constant that the expression is, by its value where that is in view; null where it is none. */
export function constantOf(e: Expr, cx: Context): Constant | null {
  if (e.k === 'number' && e.value !== null) return numeral(e.value);
  if (e.k === 'unary' && e.op === '-') {
    if (e.of.k === 'number' && e.of.value !== null) return numeral(-e.of.value);
    // An errno: include/linux/err.h, MAX_ERRNO.
    if (e.of.k === 'name' && /^E[A-Z0-9]+$/.test(e.of.name)) return { name: `-${e.of.name}`, low: -4095, high: -1 };
    return null;
  }
  if (e.k !== 'name' || e.local) return null;
  if (e.name === 'NULL' || e.name === 'false') return numeral(0);
  const value = cx.types.constants.get(e.name);
  if (value !== undefined) return numeral(value);
  return /^[A-Z][A-Z0-9_]+$/.test(e.name) ? { name: e.name, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY } : null;
}

function numeral(value: number): Constant {
  return { name: `${value}`, low: value, high: value };
}

const OPERATORS: Record<string, { is: LocalTest['is']; not: boolean; more: number; turned: string }> = {
  '==': { is: 'equal', not: false, more: 0, turned: '==' },
  '!=': { is: 'equal', not: true, more: 0, turned: '!=' },
  '<': { is: 'less', not: false, more: 0, turned: '>' },
  '<=': { is: 'less', not: false, more: 1, turned: '>=' },
  '>': { is: 'less', not: true, more: 1, turned: '<' },
  '>=': { is: 'less', not: true, more: 0, turned: '<=' },
};

/** Only locals: what memory holds may be another value at the next look. */
function testOn(e: Expr, cx: Context): LocalTest | null {
  const alone = localOf(e, cx);
  if (alone !== null) return { subject: alone, is: 'equal', than: numeral(0), not: true };
  const operator = e.k === 'binary' ? OPERATORS[e.op] : undefined;
  if (e.k !== 'binary' || !operator) return null;
  const [left, right] = [localOf(e.left, cx), localOf(e.right, cx)];
  if (left !== null && right !== null)
    return left < right ? compared(`${left}~${right}`, e.op, numeral(0)) : compared(`${right}~${left}`, operator.turned, numeral(0));
  const constant = constantOf(left === null ? e.left : e.right, cx);
  if (!constant) return null;
  if (left !== null) return compared(left, e.op, constant);
  return right === null ? null : compared(right, operator.turned, constant);
}

function compared(subject: string, op: string, than: Constant): LocalTest | null {
  const operator = OPERATORS[op];
  if (!operator) return null;
  const { is, not, more } = operator;
  if (is === 'equal' || more === 0) return { subject, is, than, not };
  const next = { low: than.low + 1, high: than.high + 1, name: than.low === than.high ? `${than.low + 1}` : `${than.name}+1` };
  return { subject, is, than: next, not };
}

/** The local variable that the value is, or has just been put into, with its version. */
function localOf(e: Expr, cx: Context): string | null {
  if (e.k === 'assign' && e.op === '=') return localOf(e.left, cx);
  return e.k === 'name' && e.local ? `${e.name}@${cx.held.of(e.name).version}` : null;
}

function versionsIn(e: Expr, cx: Context): string {
  if (e.k === 'name') return e.local ? `@${cx.held.of(e.name).version}` : '';
  if (e.k === 'binary') return versionsIn(e.left, cx) + versionsIn(e.right, cx);
  if (e.k === 'index') return versionsIn(e.of, cx) + versionsIn(e.index, cx);
  if (e.k === 'call') return e.args.map(arg => versionsIn(arg, cx)).join('');
  return 'of' in e ? versionsIn(e.of, cx) : '';
}

function localsIn(e: Expr): string[] {
  if (e.k === 'name') return e.local ? [e.name] : [];
  if (e.k === 'binary' || e.k === 'assign') return [...localsIn(e.left), ...localsIn(e.right)];
  if (e.k === 'index') return [...localsIn(e.of), ...localsIn(e.index)];
  if (e.k === 'call') return e.args.flatMap(localsIn);
  return 'of' in e ? localsIn(e.of) : [];
}
