/** What each body does with all that it calls: callees before their callers, a circle of calls until it settles or a bound. */
import type { Act, Contract, Returned, When, Where } from '../model/contract.ts';
import type { Fact } from '../model/fact.ts';
import { actsOfFact, SOME } from './acts.ts';
import { instantiated } from './calls.ts';
import type { Links } from './links.ts';
import { BOUNDS, pathActs } from './pathacts.ts';
import type { FunctionRecord, RecordStep } from './record.ts';
import { sectionActs } from './sections.ts';
import type { Summary } from './summary.ts';
import { isGiven, NONE, UNNAMED_PLACE, whereInCaller } from './where.ts';

/** Rounds over a circle of calls. */
const MOST_ROUNDS = 3;
/** A row says no more than this; what decides most is kept, and the row is not complete where something is left out. */
const MOST_ACTS = 24;

const NO_RETURN: Returned = { errno: false, pointerError: false, null: false, value: null, fresh: false };
/** Of a body that was read whole and does nothing. */
export const DOES_NOTHING: Summary = {
  acts: [],
  returns: NO_RETURN,
  complete: true,
  orders: false,
  stores: false,
  loads: false,
  noreturn: false,
  stub: false,
  unread: false,
};
const UNKNOWN: Summary = { ...DOES_NOTHING, complete: false, orders: true, stores: true, loads: true };

/** The summary of every definition, by its number, and of a name as every file can call it. */
export function summariesOf(
  links: Links,
  fact: (api: string) => Fact | undefined,
): { of: readonly Summary[]; named(name: string, from: string): Summary } {
  const done: Summary[] = new Array(links.definitions.length).fill(DOES_NOTHING);
  const known = new Map<string, Summary>();
  const named = (name: string, from: string, depth = 0): Summary => {
    const found = links.resolve(name, from);
    if (found.length > 0) return combined(found.map(i => done[i] ?? DOES_NOTHING));
    if (name.startsWith('__builtin_')) return DOES_NOTHING;
    const alias = links.aliases.get(name);
    const said = fact(alias ?? name);
    if (said && !said.part) {
      let summary = known.get(alias ?? name);
      if (!summary) {
        summary = ofFact(said);
        known.set(alias ?? name, summary);
      }
      return summary;
    }
    return alias !== undefined && depth < 4 ? named(alias, from, depth + 1) : UNKNOWN;
  };
  const callees = links.definitions.map(({ path, of }) => {
    const found = new Set<number>();
    for (const { call } of of.nodes) {
      if (!call) continue;
      const direct = links.resolve(call.name, path);
      for (const i of direct.length > 0 ? direct : links.resolve(links.aliases.get(call.name) ?? '', path)) found.add(i);
    }
    return [...found];
  });
  for (const circle of components(callees)) {
    const [only = -1] = circle;
    const isAlone = circle.length === 1 && !callees[only]?.includes(only);
    for (let round = 0; round < (isAlone ? 1 : MOST_ROUNDS); round++) {
      for (const at of circle) {
        const definition = links.definitions[at];
        if (definition) done[at] = summaryOf(definition.of, name => named(name, definition.path));
      }
    }
  }
  return { of: done, named };
}

function ofFact(fact: Fact): Summary {
  return {
    ...DOES_NOTHING,
    // That it returns new memory is said of what it returns.
    acts: actsOfFact(fact).filter(a => a.does !== 'alloc'),
    orders: /^(?:acquire|release|full|rmb|wmb)/.test(fact.ordering) || fact.kind === 'wait' || fact.kind === 'wake',
    stores: fact.kind !== 'call' && fact.kind !== 'read',
    loads: fact.kind !== 'call',
    returns: { ...NO_RETURN, fresh: fact.effects.some(e => e.does === 'alloc') },
  };
}

/**
 * Several bodies of one name, of configurations or machines: what all do surely is sure, what any may do may be. An empty stub beside a real body
 * counts for nothing.
 */
export function combined(bodies: readonly Summary[]): Summary {
  const real = bodies.some(b => !b.stub) ? bodies.filter(b => !b.stub) : bodies;
  const [first, ...others] = real;
  if (!first) return UNKNOWN;
  if (others.length === 0) return first.unread ? { ...UNKNOWN, unread: true } : first;
  const acts = new Map<string, Act>();
  for (const body of real) {
    for (const one of body.acts) {
      const key = summaryKey(one);
      const before = acts.get(key);
      acts.set(key, before ? { ...one, when: weaker(before.when, one.when) } : one);
    }
  }
  const inAll = (key: string) => real.every(b => b.acts.some(a => summaryKey(a) === key));
  const any = (of: (s: Summary) => boolean) => real.some(of);
  const values = new Set(real.map(b => b.returns.value));
  return {
    acts: [...acts].map(([key, one]) => (inAll(key) ? one : { ...one, when: unsure(one.when) })),
    returns: {
      errno: any(b => b.returns.errno),
      pointerError: any(b => b.returns.pointerError),
      null: any(b => b.returns.null),
      value: values.size === 1 ? first.returns.value : null,
      fresh: real.every(b => b.returns.fresh),
    },
    complete: real.every(b => b.complete && !b.unread),
    orders: any(b => b.orders || b.unread),
    stores: any(b => b.stores || b.unread),
    loads: any(b => b.loads || b.unread),
    noreturn: real.every(b => b.noreturn),
    stub: real.every(b => b.stub),
    unread: real.every(b => b.unread),
  };
}

/** What makes two acts one, whenever they happen. */
function summaryKey(one: Act): string {
  return `${one.does} ${one.of} ${one.object} ${one.more.join(',')} ${one.marks.join(',')} ${one.result ?? ''}`;
}

function unsure(when: When): When {
  if (when.on === 'always' || when.on === 'some') return SOME;
  return { ...when, sure: false };
}

function weaker(a: When, b: When): When {
  if (JSON.stringify(a) === JSON.stringify(b)) return a;
  if (a.on === 'always') return unsure(b);
  if (b.on === 'always') return unsure(a);
  if (a.on === 'gfp' && b.on === 'gfp' && a.argument === b.argument) return { ...a, sure: false };
  return SOME;
}

function summaryOf(fn: FunctionRecord, calleeOf: (name: string) => Summary): Summary {
  if (fn.nodes.length === 0) return { ...UNKNOWN, unread: true };
  let complete = fn.unknown !== true;
  let [orders, stores, loads] = [fn.orders === true, fn.stores === true, fn.loads === true];
  const callees = fn.nodes.map(({ call }): Summary | null => {
    if (!call) return null;
    const callee = calleeOf(call.name);
    if (!callee.complete) complete = false;
    orders ||= callee.orders;
    stores ||= callee.stores;
    loads ||= callee.loads;
    return callee;
  });
  const acts = fn.nodes.map((step, i) => [...(step.acts ?? []), ...instantiated(step, callees[i] ?? null)]);
  const nodes = withoutEnds(fn.nodes, callees);
  const { reached, exits } = reach(nodes);
  if (exits.length === 0) return { ...DOES_NOTHING, complete, orders, stores, loads, noreturn: true };
  const { found: bounds, asked } = sectionActs(nodes, acts);
  const others = acts.map((list, i) => [...list.filter(a => !BOUNDS.has(a.does)), ...(asked[i] ?? [])]);
  const returns = numbersAlone(returnsOf(nodes, acts, callees, reached), fn);
  const paths = pathActs(nodes, others, exits);
  const found = bounded(putsThatFree(ofReturned([...bounds, ...paths.found], returns.value)));
  return {
    acts: found.acts,
    returns,
    complete: complete && paths.whole && found.whole,
    orders,
    stores,
    loads,
    noreturn: false,
    stub: fn.stub === true,
    unread: false,
  };
}

/** A reference of a member that is returned is one of what the caller has from then on. */
function ofReturned(acts: readonly Act[], value: Where | null): readonly Act[] {
  if (value === null || /^(?:\d+|r)$/.test(value)) return acts;
  return acts.map(one => (one.does === 'get' && one.object === value ? { ...one, object: 'r' } : one));
}

/** A free where the last reference was put is part of the put: who has another reference has the object still. */
function putsThatFree(acts: readonly Act[]): readonly Act[] {
  const isOf = (put: Act, free: Act) =>
    put.object === free.object || put.object.startsWith(`${free.object}->`) || put.object.startsWith(`${free.object}.`);
  const frees = (put: Act) => acts.some(a => a.does === 'free' && a.when.on !== 'always' && isOf(put, a));
  const puts = acts.filter(a => a.does === 'put' && frees(a));
  if (puts.length === 0) return acts;
  return acts.flatMap(one => {
    if (puts.includes(one)) return [{ ...one, marks: [...new Set([...one.marks, 'frees'])] }];
    return one.does === 'free' && one.when.on !== 'always' && puts.some(put => isOf(put, one)) ? [] : [one];
  });
}

/** A function that returns a number returns no pointer, whatever it makes the number of. */
function numbersAlone(returns: Returned, { pointer }: FunctionRecord): Returned {
  return pointer ? returns : { ...returns, pointerError: false, null: false, fresh: false, value: null };
}

/** The graph where nothing follows a call that never returns. */
function withoutEnds(nodes: readonly RecordStep[], callees: readonly (Summary | null)[]): readonly RecordStep[] {
  if (!callees.some(c => c?.noreturn)) return nodes;
  return nodes.map((step, i) => (callees[i]?.noreturn ? { ...step, next: [] } : step));
}

function reach(nodes: readonly RecordStep[]): { reached: ReadonlySet<number>; exits: number[] } {
  const reached = new Set([0]);
  for (const at of reached) for (const next of nodes[at]?.next ?? []) reached.add(next);
  return { reached, exits: [...reached].filter(i => nodes[i]?.exit).sort((a, b) => a - b) };
}

/** Sections first, then what ends objects, waits, and the rest, each in the order of the text. */
const WEIGHT = [
  'open',
  'close',
  'drop',
  'hold',
  'free',
  'put',
  'get',
  'sleep',
  'quiesce',
  'wait',
  'publish',
  'unpublish',
  'register',
  'arm',
  'queue',
  'wake',
  'keep',
];

/** As many acts as a row holds; `whole` where that is all of them. */
function bounded(acts: readonly Act[]): { acts: Act[]; whole: boolean } {
  const own = new Map<string, Act>();
  for (const one of acts) if (one.does !== 'alloc' && !own.has(summaryKey(one))) own.set(summaryKey(one), one);
  const list = [...own.values()].sort((a, b) => WEIGHT.indexOf(a.does) - WEIGHT.indexOf(b.does));
  return { acts: list.slice(0, MOST_ACTS), whole: list.length <= MOST_ACTS };
}

function returnsOf(
  nodes: readonly RecordStep[],
  acts: readonly (readonly Act[])[],
  callees: readonly (Summary | null)[],
  reached: ReadonlySet<number>,
): Returned {
  let found = NO_RETURN;
  const values = new Set<Where>();
  const add = (r: Returned, node: RecordStep) => {
    found = {
      ...found,
      errno: found.errno || r.errno,
      pointerError: found.pointerError || r.pointerError,
      null: found.null || r.null,
      fresh: found.fresh || r.fresh,
    };
    values.add(r.value === null ? UNNAMED_PLACE : whereInCaller(r.value, node.call?.args ?? [], UNNAMED_PLACE));
  };
  for (const at of reached) {
    const step = nodes[at];
    if (!step) continue;
    if (acts[at]?.some(a => a.does === 'alloc' && a.object === 'r')) found = { ...found, fresh: true };
    const callee = step.call?.result ? callees[at] : null;
    if (callee) add(callee.returns, step);
    const { exit } = step;
    if (!exit) continue;
    if (exit.returns === 'errno') found = { ...found, errno: true };
    if (exit.returns === 'pointer-error') found = { ...found, pointerError: true };
    if (exit.returns === 'null') found = { ...found, null: true };
    if (exit.returns === 'value') values.add(exit.value ?? UNNAMED_PLACE);
  }
  const [only] = values;
  const value =
    values.size === 1 && only !== undefined && only !== UNNAMED_PLACE && only !== NONE && (isGiven(only) || /^[A-Za-z_]/.test(only)) ? only : null;
  return { ...found, value: value?.startsWith('r') && isGiven(value) ? null : value };
}

/** The strongly connected parts of the graph of calls, callees first. */
function components(callees: readonly (readonly number[])[]): number[][] {
  const index = new Int32Array(callees.length).fill(-1);
  const low = new Int32Array(callees.length);
  const onStack = new Uint8Array(callees.length);
  const stack: number[] = [];
  const found: number[][] = [];
  let count = 0;
  for (let root = 0; root < callees.length; root++) {
    if (index[root] !== -1) continue;
    const work: { at: number; next: number }[] = [{ at: root, next: 0 }];
    while (work.length > 0) {
      const top = work.at(-1);
      if (!top) break;
      const { at } = top;
      if (top.next === 0) {
        index[at] = low[at] = count++;
        stack.push(at);
        onStack[at] = 1;
      }
      const to = callees[at]?.[top.next];
      if (to !== undefined) {
        top.next++;
        if (index[to] === -1) work.push({ at: to, next: 0 });
        else if (onStack[to]) low[at] = Math.min(low[at] ?? 0, index[to] ?? 0);
        if (top.next === 0) top.next = 1;
        continue;
      }
      work.pop();
      const above = work.at(-1);
      if (above) low[above.at] = Math.min(low[above.at] ?? 0, low[at] ?? 0);
      if (low[at] !== index[at]) continue;
      const circle: number[] = [];
      for (;;) {
        const one = stack.pop();
        if (one === undefined) break;
        onStack[one] = 0;
        circle.push(one);
        if (one === at) break;
      }
      found.push(circle.sort((a, b) => a - b));
    }
  }
  return found;
}

/** The row of a name, of all its bodies. */
export function contractOf(name: string, summary: Summary, signature: Contract['signature']): Contract {
  const { acts, returns, complete, orders, stores, loads, noreturn } = summary;
  return { name, acts, returns, signature, complete, orders, stores, loads, noreturn };
}
