/**
 * The paths of one thread: its statements run with symbolic values. A path is split where a condition is tested and where a
 * read-modify-write may fail; what must hold of the values read for the path to be taken stands beside it.
 */
import type { BinaryOp, Expression, FenceKind, LitmusSource, LitmusValue, Statement, Tag, UpdateOp } from './litmus.ts';

/** A value that may depend on what reads give. */
export type Symbolic = LitmusValue | { read: PathEvent } | Binary | Unary;

interface Binary {
  op: BinaryOp | '&~';
  left: Symbolic;
  right: Symbolic;
  /** Operations in it, each counted as often as it is used. */
  weight: number;
}

interface Unary {
  op: '!' | '~' | 'neg';
  of: Symbolic;
  weight: number;
}

/** What an event is, as bits. The names are those of tools/memory-model's bell and cat files. */
export const IS = {
  read: 1,
  write: 2,
  init: 4,
  plain: 8,
  acquire: 16,
  release: 32,
  mb: 64,
  noreturn: 128,
  /** Part of a read-modify-write, done or failed. */
  rmw: 256,
  /** The read and the write of a taken lock, an unlock, a failed trylock or a lock seen taken, a lock seen free. */
  lockRead: 1 << 9,
  lockWrite: 1 << 10,
  unlock: 1 << 11,
  lockFail: 1 << 12,
  lockFree: 1 << 13,
  srcuLock: 1 << 14,
  srcuUnlock: 1 << 15,
  syncSrcu: 1 << 16,
} as const;

/** One event of a path. */
export interface PathEvent {
  is: number;
  fence: FenceKind | null;
  /** The address, null on fences. */
  at: Symbolic | null;
  /** What is written; on a read the read itself. */
  value: Symbolic | null;
  /** Reads that the address, the written value, and the way here depend on. */
  address: PathEvent[];
  data: PathEvent[];
  control: PathEvent[];
  /** On the write of a read-modify-write: its read. */
  reads: PathEvent | null;
  source: LitmusSource | null;
  /** Set for each candidate execution: the number of the event, and its thread. */
  id: number;
  thread: number;
}

export interface ThreadPath {
  events: PathEvent[];
  /** Values that must be true (not 0) or false for the path to be taken. */
  tests: { value: Symbolic; truth: boolean }[];
  registers: Map<string, Symbolic>;
  /** Operations in the tests, and the tests themselves. */
  weight: number;
}

/** A value with the reads that it depends on, whether or not they change it: dependencies are syntactic. */
interface Held {
  value: Symbolic;
  from: PathEvent[];
}

interface State {
  events: PathEvent[];
  tests: ThreadPath['tests'];
  registers: Map<string, Held>;
  control: PathEvent[];
  /** What may still be done for this thread; all its states share it. */
  work: { left: number };
}

/** Paths of one thread that are followed; a test with more is not decided. */
const MOST_PATHS = 1024;

/** Operations in all values of one path; a value that doubles itself again and again is not followed. */
const MOST_OPERATIONS = 4096;

/** Statements that are run on all paths, with the registers and events that are copied for that. */
const MOST_WORK = 2_000_000;

class TooLarge extends Error {}

/** All paths of the thread, or null where they, or a value in one, are too large. */
export function pathsOf(body: Statement[], registers: ReadonlyMap<string, LitmusValue>): ThreadPath[] | null {
  try {
    return follow(body, registers);
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  }
}

function follow(body: Statement[], registers: ReadonlyMap<string, LitmusValue>): ThreadPath[] | null {
  const start: State = {
    events: [],
    tests: [],
    registers: new Map([...registers].map(([name, value]) => [name, { value, from: [] }])),
    control: [],
    work: { left: MOST_WORK },
  };
  return runAll(body, [start])?.map(pathAt) ?? null;
}

function pathAt({ events, tests, registers }: State): ThreadPath {
  const weight = tests.reduce((sum, test) => sum + 1 + weightOf(test.value), 0);
  let operations = weight;
  for (const { at, value } of events) operations += (at === null ? 0 : weightOf(at)) + (value === null ? 0 : weightOf(value));
  for (const { value } of registers.values()) operations += weightOf(value);
  if (operations > MOST_OPERATIONS) throw new TooLarge();
  return { events, tests, registers: new Map([...registers].map(([name, held]) => [name, held.value])), weight };
}

/** Takes from what may still be done for the thread. */
function work({ work }: State, cost: number): void {
  work.left -= cost;
  if (work.left < 0) throw new TooLarge();
}

function runAll(body: Statement[], states: State[]): State[] | null {
  let now = states;
  for (const statement of body) {
    const next: State[] = [];
    for (const state of now) {
      const after = run(statement, state);
      if (after === null) return null;
      next.push(...after);
    }
    if (next.length > MOST_PATHS) return null;
    now = next;
  }
  return now;
}

function run(statement: Statement, state: State): State[] | null {
  work(state, 1 + (statement.kind === 'assign' ? state.registers.size : 0));
  switch (statement.kind) {
    case 'assign':
      return evaluate(statement.value, state).map(([s, v]) => ({ ...s, registers: new Map(s.registers).set(statement.register, v) }));
    case 'evaluate':
      return evaluate(statement.value, state).map(([s]) => s);
    case 'fence':
      return [append(state, { is: 0, fence: statement.fence, source: statement.source })];
    case 'store':
      return evaluateTwo(statement.at, statement.value, state).map(([s, at, value]) =>
        append(s, { is: IS.write | tagged(statement.tag), at, value, source: statement.source }),
      );
    case 'lock':
      return evaluate(statement.at, state).map(([s, at]) => takeLock(s, at, statement.source));
    case 'unlock':
      return evaluate(statement.at, state).map(([s, at]) =>
        append(s, { is: IS.write | IS.unlock | IS.release, at, value: { value: 0, from: [] }, source: statement.source }),
      );
    case 'srcu-unlock':
      return evaluateTwo(statement.at, statement.value, state).map(([s, at, value]) =>
        append(s, { is: IS.write | IS.srcuUnlock, at, value, source: statement.source }),
      );
    case 'sync-srcu':
      return evaluate(statement.at, state).map(([s, at]) => append(s, { is: IS.syncSrcu, at, source: statement.source }));
    case 'if': {
      const out: State[] = [];
      for (const [s, v] of evaluate(statement.condition, state)) {
        for (const truth of [true, false]) {
          const value = constant(v.value);
          if (value !== null && (value !== 0) !== truth) continue;
          const inside: State = {
            ...s,
            tests: value === null ? [...s.tests, { value: v.value, truth }] : s.tests,
            control: [...s.control, ...v.from],
          };
          const ends = runAll(truth ? statement.then : statement.else, [inside]);
          if (ends === null) return null;
          // What follows the arms is not under the condition any more.
          for (const end of ends) out.push({ ...end, control: s.control });
        }
      }
      return out.length > MOST_PATHS ? null : out;
    }
  }
}

function tagged(tag: Tag): number {
  switch (tag) {
    case 'plain':
      return IS.plain;
    case 'once':
      return 0;
    default:
      return IS[tag];
  }
}

interface Appended {
  is: number;
  fence?: FenceKind;
  at?: Held;
  value?: Held;
  reads?: PathEvent;
  source?: LitmusSource | undefined;
}

function event(state: State, made: Appended): PathEvent {
  return {
    is: made.is,
    fence: made.fence ?? null,
    at: made.at ? made.at.value : null,
    value: made.value ? made.value.value : null,
    address: made.at ? made.at.from : [],
    data: made.value ? made.value.from : [],
    control: state.control,
    reads: made.reads ?? null,
    source: made.source ?? null,
    id: -1,
    thread: -1,
  };
}

function append(state: State, made: Appended): State {
  work(state, state.events.length);
  return { ...state, events: [...state.events, event(state, made)] };
}

/** Appends a read and gives what it read. */
function appendRead(state: State, made: Appended): [State, Held, PathEvent] {
  work(state, state.events.length);
  const read = event(state, made);
  read.value = { read };
  return [{ ...state, events: [...state.events, read] }, { value: { read }, from: [read] }, read];
}

function takeLock(state: State, at: Held, source: LitmusSource | undefined): State {
  const [locked, , read] = appendRead(state, { is: IS.read | IS.lockRead | IS.acquire, at, source });
  return append(locked, { is: IS.write | IS.lockWrite, at, value: { value: 1, from: [] }, reads: read, source });
}

function evaluateTwo(a: Expression, b: Expression, state: State): [State, Held, Held][] {
  return evaluate(a, state).flatMap(([s, x]) => evaluate(b, s).map(([t, y]): [State, Held, Held] => [t, x, y]));
}

function evaluate(e: Expression, state: State): [State, Held][] {
  switch (e.kind) {
    case 'value':
      return [[state, { value: e.value, from: [] }]];
    case 'register':
      return [[state, state.registers.get(e.name) ?? { value: 0, from: [] }]];
    case 'unary':
      return evaluate(e.of, state).map(([s, v]) => [s, { value: unary(e.op === '-' ? 'neg' : e.op, v.value), from: v.from }]);
    case 'binary':
      return evaluateTwo(e.left, e.right, state).map(([s, x, y]) => [s, { value: binary(e.op, x.value, y.value), from: joined(x.from, y.from) }]);
    case 'load':
      return evaluate(e.at, state).map(([s, at]) => {
        const [after, value] = appendRead(s, { is: IS.read | tagged(e.tag), at, source: e.source });
        return [after, value];
      });
    case 'rmw':
      return evaluateTwo(e.at, e.operand, state).map(([s, at, operand]) => {
        const is = IS.rmw | tagged(e.tag);
        const [after, old, read] = appendRead(s, { is: IS.read | is, at, source: e.source });
        const fresh: Held = e.op === '=' ? operand : { value: updated(e.op, old.value, operand.value), from: joined(old.from, operand.from) };
        const done = append(after, { is: IS.write | is, at, value: fresh, reads: read, source: e.source });
        return [done, e.gives === 'new' ? fresh : old];
      });
    case 'cmpxchg':
      return evaluateTwo(e.at, e.expected, state).flatMap(([s0, at, expected]) =>
        evaluate(e.desired, s0).flatMap(([s, desired]) => tried(s, e.tag, at, { equals: true, to: expected }, () => desired, null, e.source)),
      );
    case 'add-unless':
      return evaluateTwo(e.at, e.operand, state).flatMap(([s0, at, operand]) =>
        evaluate(e.unless, s0).flatMap(([s, unless]) =>
          tried(
            s,
            e.tag,
            at,
            { equals: false, to: unless },
            old => ({ value: binary('+', old.value, operand.value), from: joined(old.from, operand.from) }),
            [1, 0],
            e.source,
          ),
        ),
      );
    case 'trylock':
      return evaluate(e.at, state).flatMap(([s, at]): [State, Held][] => [
        [takeLock(s, at, e.source), { value: 1, from: [] }],
        [append(s, { is: IS.read | IS.lockFail, at, value: { value: 1, from: [] }, source: e.source }), { value: 0, from: [] }],
      ]);
    case 'is-locked':
      return evaluate(e.at, state).flatMap(([s, at]): [State, Held][] => [
        [append(s, { is: IS.read | IS.lockFail, at, value: { value: 1, from: [] }, source: e.source }), { value: 1, from: [] }],
        [append(s, { is: IS.read | IS.lockFree, at, value: { value: 0, from: [] }, source: e.source }), { value: 0, from: [] }],
      ]);
    case 'srcu-lock':
      return evaluate(e.at, state).map(([s, at]) => {
        const [after, value] = appendRead(s, { is: IS.read | IS.srcuLock, at, source: e.source });
        return [after, value];
      });
  }
}

/** The two outcomes of a read-modify-write that may fail. The one that fails is a read alone. */
function tried(
  state: State,
  tag: Tag,
  at: Held,
  when: { equals: boolean; to: Held },
  written: (old: Held) => Held,
  gives: [LitmusValue, LitmusValue] | null,
  source: LitmusSource | undefined,
): [State, Held][] {
  const is = IS.rmw | tagged(tag);
  return [true, false].map((done, i): [State, Held] => {
    const [after, old, read] = appendRead(state, { is: IS.read | is, at, source });
    const test = { value: binary('==', old.value, when.to.value), truth: done === when.equals };
    const tested: State = { ...after, tests: [...after.tests, test] };
    const end = done ? append(tested, { is: IS.write | is, at, value: written(old), reads: read, source }) : tested;
    return [end, gives ? { value: gives[i] as LitmusValue, from: [] } : old];
  });
}

function updated(op: UpdateOp, old: Symbolic, operand: Symbolic): Symbolic {
  return op === '=' ? operand : binary(op, old, operand);
}

function joined(a: PathEvent[], b: PathEvent[]): PathEvent[] {
  return a.length === 0 ? b : b.length === 0 ? a : [...new Set([...a, ...b])];
}

function constant(v: Symbolic): LitmusValue | null {
  return typeof v === 'object' ? null : v;
}

function unary(op: '!' | '~' | 'neg', of: Symbolic): Symbolic {
  const value = constant(of);
  return value === null ? { op, of, weight: weightOf(of) + 1 } : applyUnary(op, value);
}

function binary(op: BinaryOp | '&~', left: Symbolic, right: Symbolic): Symbolic {
  const [a, b] = [constant(left), constant(right)];
  if (a !== null && b !== null) return applyBinary(op, a, b);
  const weight = weightOf(left) + weightOf(right) + 1;
  if (weight > MOST_OPERATIONS) throw new TooLarge();
  return { op, left, right, weight };
}

function weightOf(v: Symbolic): number {
  return typeof v === 'object' && 'weight' in v ? v.weight : 0;
}

function applyUnary(op: '!' | '~' | 'neg', value: LitmusValue): LitmusValue {
  if (typeof value === 'string') return op === '!' ? 0 : value;
  return op === '!' ? Number(value === 0) : op === '~' ? ~value : 0 - value;
}

/** An address is equal to itself alone, and is not 0; arithmetic leaves it where the other side is neutral. */
function applyBinary(op: BinaryOp | '&~', a: LitmusValue, b: LitmusValue): LitmusValue {
  if (op === '==' || op === '!=') return Number((a === b) === (op === '=='));
  if (op === '&&') return Number(a !== 0 && b !== 0);
  if (op === '||') return Number(a !== 0 || b !== 0);
  if (typeof a === 'string' || typeof b === 'string') return ofAddresses(op, a, b);
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? 0 : Math.trunc(a / b);
    case '%':
      return b === 0 ? 0 : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '&~':
      return a & ~b;
    case '<<':
      return a << b;
    case '>>':
      return a >> b;
    case '<':
      return Number(a < b);
    case '<=':
      return Number(a <= b);
    case '>':
      return Number(a > b);
    case '>=':
      return Number(a >= b);
  }
}

function ofAddresses(op: BinaryOp | '&~', a: LitmusValue, b: LitmusValue): LitmusValue {
  if ((op === '^' || op === '-' || op === '&~') && a === b) return 0;
  if ((op === '&' || op === '|') && a === b) return a;
  if (op === '&') return a === 0 || b === 0 ? 0 : a;
  if (b === 0 && (op === '+' || op === '-' || op === '|' || op === '^')) return a;
  if (a === 0 && (op === '+' || op === '|' || op === '^')) return b;
  if (op === '<' || op === '<=' || op === '>' || op === '>=') return Number(op === '>' || op === '>=');
  return typeof a === 'string' ? a : b;
}

/** What the value is where reads give what `read` says; null where that is not known yet. */
export function valueUnder(v: Symbolic, read: (event: PathEvent) => LitmusValue | null): LitmusValue | null {
  if (typeof v !== 'object') return v;
  if ('read' in v) return read(v.read);
  if ('of' in v) {
    const value = valueUnder(v.of, read);
    return value === null ? null : applyUnary(v.op, value);
  }
  const left = valueUnder(v.left, read);
  if (left === null) return null;
  const right = valueUnder(v.right, read);
  return right === null ? null : applyBinary(v.op, left, right);
}
