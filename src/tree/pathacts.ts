/** On which runs of a body an act happens: on all that return, on some, or as an argument decides. */
import type { Act, When } from '../model/contract.ts';
import { ALWAYS, SOME } from './acts.ts';
import type { RecordStep, Test } from './record.ts';
import { isGiven, isOfResult, NONE, UNNAMED_PLACE } from './where.ts';

/** What `sections.ts` says. */
export const BOUNDS: ReadonlySet<string> = new Set(['open', 'close', 'get', 'put', 'drop', 'hold', 'alloc']);
/** What a call that fails has not done. */
const ON_SUCCESS = new Set(['register', 'queue', 'arm', 'publish', 'keep']);
/** More are not told apart. */
const MOST_KEYS = 48;

/** The acts with when they happen, `whole` where they are all; `exits` are those that can be reached. */
export function pathActs(
  nodes: readonly RecordStep[],
  acts: readonly (readonly Act[])[],
  exits: readonly number[],
): { found: Act[]; whole: boolean } {
  let whole = true;
  const keys = new Map<string, { act: Act; at: Map<number, When> }>();
  for (const [i, list] of acts.entries()) {
    for (const one of list) {
      if (isNothing(one)) continue;
      const key = `${one.does} ${one.of} ${one.object} ${one.more.join(',')} ${one.marks.join(',')}`;
      const known = keys.get(key);
      if (!known && keys.size >= MOST_KEYS) {
        whole = false;
        continue;
      }
      const of = known ?? { act: one, at: new Map<number, When>() };
      if (!known) keys.set(key, of);
      const before = of.at.get(i);
      if (!before || one.when.on === 'always') of.at.set(i, one.when);
    }
  }
  const failing = new Set(exits.filter(i => isFailure(nodes[i])));
  const succeeding = exits.filter(i => !failing.has(i));
  const found: Act[] = [];
  for (const { act, at } of keys.values()) {
    const isResult = isOfResult(act.object);
    const ends = isResult
      ? exits.filter(i => nodes[i]?.exit?.returns === 'value')
      : ON_SUCCESS.has(act.does) && succeeding.length > 0
        ? succeeding
        : exits;
    // What is freed on the way to an error is not what is returned.
    if (isResult && !leads(nodes, [...at.keys()], ends)) continue;
    const when = whenOf(nodes, at, ends);
    if (when.on === 'some' && act.object === UNNAMED_PLACE && (act.does === 'wait' || act.does === 'quiesce')) continue;
    found.push({ ...act, when });
  }
  return { found, whole };
}

/** An act on an object that no caller can name says nothing to it. */
function isNothing({ does, object, more }: Act): boolean {
  if (does === 'sleep' || does === 'wait' || does === 'quiesce') return false;
  if (object === UNNAMED_PLACE) return !more.some(m => isGiven(m)) || does === 'keep';
  return object === NONE && does !== 'register' && does !== 'hold';
}

function isFailure(step: RecordStep | undefined): boolean {
  const returns = step?.exit?.returns;
  return returns === 'errno' || returns === 'pointer-error';
}

function whenOf(nodes: readonly RecordStep[], at: ReadonlyMap<number, When>, exits: readonly number[]): When {
  const surely = new Set([...at].flatMap(([i, when]) => (when.on === 'always' ? [i] : [])));
  const any = new Set(at.keys());
  if (!escapes(nodes, surely, exits, null)) return ALWAYS;
  // What only GFP flags or one argument keep from happening.
  const gfp = [...at.values()].flatMap(when => (when.on === 'gfp' ? [when] : []));
  const [flags] = gfp;
  if (flags && [...at.values()].every(when => when.on === 'always' || (when.on === 'gfp' && when.argument === flags.argument))) {
    const sure = gfp.every(when => when.sure) && !escapes(nodes, any, exits, null);
    if (surely.size === 0 || sure) return { ...flags, sure };
  }
  for (const test of testsIn(nodes)) {
    for (const value of ['nonzero', 'zero'] as const) {
      const other = value === 'nonzero' ? 'zero' : 'nonzero';
      // With the other value it never happens.
      if (happens(nodes, any, { test, value: other })) continue;
      const sure = !escapes(nodes, surely, exits, { test, value });
      if (test.of === 'gfp') return value === 'nonzero' ? { on: 'gfp', argument: test.argument, sure } : SOME;
      return { on: 'argument', argument: test.argument, mask: test.mask, value, sure };
    }
  }
  const [one] = at.values();
  if (one && one.on === 'argument' && at.size === 1) return { ...one, sure: one.sure && !escapes(nodes, any, exits, null) };
  return SOME;
}

type OfArgument = Exclude<Test, { of: 'call' }>;

/** One value of one test. */
interface Given {
  test: OfArgument;
  value: 'nonzero' | 'zero';
}

function testsIn(nodes: readonly RecordStep[]): OfArgument[] {
  const found = new Map<string, OfArgument>();
  for (const { test } of nodes) if (test && test.of !== 'call') found.set(keyOf(test), test);
  return [...found.values()].slice(0, 6);
}

function keyOf(test: OfArgument): string {
  return `${test.of} ${test.argument} ${test.of === 'argument' ? test.mask : ''}`;
}

function waysOf(step: RecordStep, given: Given | null): readonly number[] {
  const { test, next } = step;
  if (!given || !test || test.of === 'call' || keyOf(test) !== keyOf(given.test)) return next;
  const way = next[test.holds === given.value ? 0 : 1];
  return way === undefined ? next : [way];
}

/** Can a run reach one of the exits without passing one of the nodes? */
function escapes(nodes: readonly RecordStep[], passed: ReadonlySet<number>, exits: readonly number[], given: Given | null): boolean {
  if (passed.size === 0) return true;
  const wanted = new Set(exits);
  if (passed.has(0)) return false;
  const seen = new Set([0]);
  for (const at of seen) {
    if (wanted.has(at)) return true;
    const step = nodes[at];
    if (step) for (const next of waysOf(step, given)) if (!passed.has(next)) seen.add(next);
  }
  return false;
}

/** Does a run from one of the nodes reach one of the exits? */
function leads(nodes: readonly RecordStep[], from: readonly number[], exits: readonly number[]): boolean {
  const wanted = new Set(exits);
  const seen = new Set(from);
  for (const at of seen) {
    if (wanted.has(at)) return true;
    for (const next of nodes[at]?.next ?? []) seen.add(next);
  }
  return false;
}

/** Can a run pass one of the nodes? */
function happens(nodes: readonly RecordStep[], at: ReadonlySet<number>, given: Given): boolean {
  const seen = new Set([0]);
  for (const node of seen) {
    if (at.has(node)) return true;
    const step = nodes[node];
    if (step) for (const next of waysOf(step, given)) seen.add(next);
  }
  return false;
}
