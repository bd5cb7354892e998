import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Execution, executions } from '../../src/lkmm/executions.ts';
import type { Expression, FenceKind, LitmusTest, LitmusValue, Observed, Outcome, Statement, Tag, UpdateOp } from '../../src/lkmm/litmus.ts';
import { scheduleOf, strengthOf } from '../../src/lkmm/order.ts';
import { IS } from '../../src/lkmm/paths.ts';
import { parseLitmus } from '../../src/lkmm/syntax.ts';
import { printLitmus } from '../../src/lkmm/text.ts';
import { decideTest } from '../../src/lkmm/verdict.ts';
import { type End, interleavings, replay } from './interleave.ts';

const LOCATIONS = ['x', 'y', 'z'];
const MOSTLY = ['x', 'x', 'y', 'y', 'z'];
const REGISTERS = ['r0', 'r1', 'r2'];

const number = (value: number): Expression => ({ kind: 'value', value });
const constant = fc.integer({ min: 0, max: 2 }).map(number);
const register: fc.Arbitrary<Expression> = fc.constantFrom(...REGISTERS).map(name => ({ kind: 'register', name }));
const binary = (op: '+' | '-' | '&' | '|' | '^' | '==' | '!=', left: Expression, right: Expression): Expression => ({
  kind: 'binary',
  op,
  left,
  right,
});

/** A location by its name, or by a sum that depends on a register. */
const address: fc.Arbitrary<Expression> = fc
  .tuple(
    fc.constantFrom(...MOSTLY).map((value): Expression => ({ kind: 'value', value })),
    fc.option(register, { freq: 6 }),
  )
  .map(([at, on]) => (on === null ? at : binary('+', at, binary('&', on, number(0)))));

const value = fc.oneof(
  { weight: 4, arbitrary: constant },
  { weight: 1, arbitrary: register },
  { weight: 1, arbitrary: fc.tuple(register, constant).map(([r, c]) => binary('+', binary('^', r, r), c)) },
);

const ordered = fc.constantFrom<Tag>('mb', 'once', 'acquire', 'release');
const update = fc.constantFrom<UpdateOp>('+', '-', '&', '|', '^', '=');

const given: fc.Arbitrary<Expression> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('load' as const), tag: fc.constantFrom<Tag>('once', 'once', 'acquire', 'plain'), at: address }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        kind: fc.constant('rmw' as const),
        op: update,
        tag: ordered,
        at: address,
        operand: constant,
        gives: fc.constantFrom('old' as const, 'new' as const),
      })
      .map(e => (e.op === '+' || e.op === '-' ? e : { ...e, gives: 'old' as const })),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cmpxchg' as const), tag: ordered, at: address, expected: constant, desired: constant }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('add-unless' as const), tag: ordered, at: address, operand: constant, unless: constant }) },
);

const FENCES: FenceKind[] = ['mb', 'rmb', 'wmb', 'before-atomic', 'after-atomic', 'barrier'];

const simple: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('assign' as const), register: fc.constantFrom(...REGISTERS), value: given }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('store' as const), tag: fc.constantFrom<Tag>('once', 'once', 'release', 'plain'), at: address, value }),
  },
  { weight: 2, arbitrary: fc.constantFrom(...FENCES).map((fence): Statement => ({ kind: 'fence', fence })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom<UpdateOp>('+', '-', '|'), address, constant)
      .map(([op, at, operand]): Statement => ({ kind: 'evaluate', value: { kind: 'rmw', op, tag: 'noreturn', at, operand, gives: 'none' } })),
  },
);

const branch: fc.Arbitrary<Statement> = fc
  .tuple(register, constant, fc.constantFrom('==' as const, '!=' as const), fc.array(simple, { maxLength: 2 }), fc.array(simple, { maxLength: 1 }))
  .map(([left, right, op, then, other]) => ({ kind: 'if', condition: binary(op, left, right), then, else: other }));

const lock: Expression = { kind: 'value', value: 'l' };
const fence = (kind: FenceKind): Statement => ({ kind: 'fence', fence: kind });

/** A body, some of it inside a lock or a read-side section, or with a grace period in the middle. */
const body: fc.Arbitrary<Statement[]> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 8, arbitrary: simple }, { weight: 1, arbitrary: branch }), { minLength: 2, maxLength: 4 }),
    fc.constantFrom('bare', 'bare', 'bare', 'lock', 'rcu', 'sync'),
    fc.nat(4),
  )
  .map(([statements, kind, at]) => {
    const [before, after] = [statements.slice(0, at), statements.slice(at)];
    if (kind === 'lock') return [...before, { kind: 'lock', at: lock }, ...after, { kind: 'unlock', at: lock }];
    if (kind === 'rcu') return [...before, fence('rcu-lock'), ...after, fence('rcu-unlock')];
    return kind === 'sync' ? [...before, fence('sync-rcu'), ...after] : statements;
  });

const registers = (threads: number): Observed[] =>
  Array.from({ length: threads }, (_, thread) => REGISTERS.map((name): Observed => ({ kind: 'register', thread, name }))).flat();

/** All registers and locations are shown. */
const litmus: fc.Arbitrary<LitmusTest> = fc
  .tuple(fc.array(body, { minLength: 2, maxLength: 3 }), fc.nat(), fc.nat(2))
  .map(([bodies, pick, wanted]): LitmusTest => {
    const observed = [...registers(bodies.length), ...LOCATIONS.map((name): Observed => ({ kind: 'location', name }))];
    return {
      name: 'random',
      locations: [...LOCATIONS.map(name => ({ name, type: 'int', initial: 0 })), { name: 'l', type: 'spinlock_t', initial: 0 }],
      registers: [],
      threads: bodies.map(statements => ({ body: statements })),
      shown: observed,
      filter: null,
      quantifier: 'exists',
      condition: { kind: 'equals', left: observed[pick % observed.length] as Observed, right: wanted },
    };
  })
  .filter(t => accessesIn(t.threads.flatMap(thread => thread.body)) <= 10);

function accessesIn(statements: Statement[]): number {
  return statements.reduce((sum, s) => sum + (s.kind === 'if' ? accessesIn(s.then) + accessesIn(s.else) : s.kind === 'fence' ? 0 : 1), 0);
}

const RUNS = { seed: 20, numRuns: 250 };

/** The outcome, which has to be decided. */
function decided(t: LitmusTest): Outcome {
  const outcome = decideTest(t);
  expect(outcome.reason).toBeUndefined();
  return outcome;
}

/** What does not depend on how anything is called. */
const essence = ({ verdict, flags, positive, negative }: Outcome) => ({ verdict, flags, positive, negative });

const nameOf = (o: Observed) => (o.kind === 'register' ? `${o.thread}:${o.name}` : `[${o.name}]`);
const stateOf = (t: LitmusTest, valueIn: (o: Observed) => LitmusValue) =>
  t.shown
    .map(o => `${nameOf(o)}=${valueIn(o)}`)
    .sort()
    .join('; ');
const endState = (t: LitmusTest, end: End) =>
  stateOf(t, o => (o.kind === 'register' ? end.registers[o.thread]?.get(o.name) : end.memory.get(o.name)) ?? 0);
const statesOf = (outcome: Outcome, rename: (part: string) => string = part => part) =>
  outcome.states.map(s => s.map(rename).sort().join('; ')).sort();
const within = (some: string[], all: string[]) => some.filter(s => !all.includes(s));

test('a printed test, read again, ends the same', () => {
  fc.assert(
    fc.property(litmus, t => {
      const { value: again, problems } = parseLitmus(printLitmus(t));
      expect(problems).toEqual([]);
      const [a, b] = [decided(t), decided(again as LitmusTest)];
      expect(essence(b)).toEqual(essence(a));
      expect(statesOf(b)).toEqual(statesOf(a));
    }),
    RUNS,
  );
});

/** The statements with every name of a location and of a register changed. */
function renamed<T>(part: T, names: ReadonlyMap<string, string>): T {
  return JSON.parse(JSON.stringify(part), (key, found) =>
    (key === 'name' || key === 'register' || key === 'value') && typeof found === 'string' ? (names.get(found) ?? found) : found,
  );
}

test('the names of locations and registers and the order of threads mean nothing', () => {
  const orders = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
  const names = fc
    .tuple(fc.shuffledSubarray(LOCATIONS, { minLength: 3 }), fc.shuffledSubarray(REGISTERS, { minLength: 3 }))
    .map(
      ([locations, rs]) =>
        new Map([...LOCATIONS.map((l, i) => [l, locations[i] as string] as const), ...REGISTERS.map((r, i) => [r, rs[i] as string] as const)]),
    );
  fc.assert(
    fc.property(litmus, orders, names, (t, all, map) => {
      const order = all.filter(n => n < t.threads.length);
      const moved = renamed(t, map);
      const place = (o: Observed): Observed => (o.kind === 'register' ? { ...o, thread: order.indexOf(o.thread) } : o);
      const { condition } = moved;
      const other: LitmusTest = {
        ...moved,
        threads: order.map(n => moved.threads[n] as LitmusTest['threads'][number]),
        shown: moved.shown.map(place),
        condition: condition.kind === 'equals' ? { ...condition, left: place(condition.left) } : condition,
      };
      const rename = (part: string) =>
        part.replace(/^(\d):(\w+)/, (_, n, r) => `${order.indexOf(Number(n))}:${map.get(r)}`).replace(/^\[(\w+)\]/, (_, l) => `[${map.get(l)}]`);
      const [a, b] = [decided(t), decided(other)];
      expect(essence(b)).toEqual(essence(a));
      expect(statesOf(b)).toEqual(statesOf(a, rename));
    }),
    RUNS,
  );
});

/** The statements with one more at the given place, counted through the arms of conditions. */
function inserted(statements: Statement[], place: { left: number }, extra: Statement): Statement[] {
  const out: Statement[] = [];
  for (const s of statements) {
    if (place.left-- === 0) out.push(extra);
    out.push(s.kind === 'if' ? { ...s, then: inserted(s.then, place, extra), else: inserted(s.else, place, extra) } : s);
  }
  if (place.left-- === 0) out.push(extra);
  return out;
}

test('one more full fence never adds a final state', () => {
  fc.assert(
    fc.property(litmus, fc.nat(2), fc.nat(6), (t, thread, place) => {
      const fenced = {
        ...t,
        threads: t.threads.map((other, n) =>
          n === thread % t.threads.length ? { body: inserted(other.body, { left: place }, fence('mb')) } : other,
        ),
      };
      expect(within(statesOf(decided(fenced)), statesOf(decided(t)))).toEqual([]);
    }),
    RUNS,
  );
});

test('every interleaving is an execution', () => {
  fc.assert(
    fc.property(litmus, t => {
      const ends = interleavings(t).map(end => endState(t, end));
      expect(ends.length).toBeGreaterThan(0);
      expect(within(ends, statesOf(decided(t)))).toEqual([]);
    }),
    RUNS,
  );
});

/** The statements with full fences around all of them, and no plain access. */
function surrounded(statements: Statement[]): Statement[] {
  return statements.flatMap(s => {
    const marked: Statement = JSON.parse(JSON.stringify(s), (key, found) => (key === 'tag' && found === 'plain' ? 'once' : found));
    const inner = marked.kind === 'if' ? { ...marked, then: surrounded(marked.then), else: surrounded(marked.else) } : marked;
    return [fence('mb'), inner, fence('mb')];
  });
}

test('between full fences there are no executions but the interleavings', () => {
  fc.assert(
    fc.property(litmus, t => {
      const strong = { ...t, threads: t.threads.map(thread => ({ body: surrounded(thread.body) })) };
      const ends = [...new Set(interleavings(strong).map(end => endState(t, end)))].sort();
      expect(statesOf(decided(strong))).toEqual(ends);
    }),
    RUNS,
  );
});

/** Threads in the order of their accesses; a read-modify-write, or a lock that is taken, is one access, where its write stands. */
function accessesOf(execution: Execution): number[] | null {
  const schedule = scheduleOf(execution);
  if (schedule === null || schedule.reordered.length > 0) return null;
  const updated = new Set(execution.skeleton.events.map(e => e.reads));
  return schedule.order.filter(e => (e.is & (IS.read | IS.write)) !== 0 && !updated.has(e)).map(e => e.thread);
}

test('an execution told without reordering is sequentially consistent, and runs as told', () => {
  let told = 0;
  let weak = 0;
  fc.assert(
    fc.property(litmus, t => {
      const reason = executions(t, { left: 100_000 }, execution => {
        const order = accessesOf(execution);
        expect(strengthOf(execution) === 'sc').toBe(order !== null);
        if (order === null) {
          weak++;
          return undefined;
        }
        told++;
        const end = replay(t, order);
        const valueIn = (o: Observed) =>
          o.kind === 'register' ? execution.register(o.thread, o.name) : execution.location(t.locations.findIndex(l => l.name === o.name));
        expect(end && endState(t, end)).toBe(stateOf(t, valueIn));
        return undefined;
      });
      expect(reason).toBeNull();
    }),
    RUNS,
  );
  expect(Math.min(told, weak)).toBeGreaterThan(200);
});
