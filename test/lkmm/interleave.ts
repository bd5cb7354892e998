/**
 * Litmus tests run on a machine with one memory and no reordering: every interleaving of the threads' accesses, by an interpreter of its
 * own, which shares nothing with the checker but the types.
 */
import type { Expression, LitmusTest, LitmusValue, Statement } from '../../src/lkmm/litmus.ts';

/** Where the threads are all done. */
export interface End {
  registers: Map<string, LitmusValue>[];
  memory: Map<string, LitmusValue>;
}

/** Every end that some interleaving reaches, each once. Ways that get stuck have none. */
export function interleavings(test: LitmusTest): End[] {
  const ends = new Map<string, End>();
  const seen = new Set<string>();
  const visit = (memory: Map<string, LitmusValue>, replies: LitmusValue[][]): void => {
    const key = JSON.stringify([[...memory], replies]);
    if (seen.has(key)) return;
    seen.add(key);
    const threads = test.threads.map((_, t) => resume(test, t, replies[t] ?? []));
    if (threads.every(thread => thread.request === null)) {
      const registers = threads.map(thread => thread.registers);
      ends.set(JSON.stringify([[...memory], registers.map(r => [...r].sort())]), { registers, memory });
      return;
    }
    for (const [t, { request }] of threads.entries()) {
      if (request === null || !request.ready(memory)) continue;
      const after = new Map(memory);
      const reply = request.run(after);
      visit(
        after,
        replies.map((list, n) => (n === t ? [...list, reply] : list)),
      );
    }
  };
  visit(
    new Map(test.locations.map(l => [l.name, l.initial])),
    test.threads.map(() => []),
  );
  return [...ends.values()];
}

/** The end of the one interleaving in which the threads make their accesses in this order; null where it is not possible. */
export function replay(test: LitmusTest, order: number[]): End | null {
  const memory = new Map(test.locations.map(l => [l.name, l.initial]));
  const replies: LitmusValue[][] = test.threads.map(() => []);
  const next = (t: number): Request | null => {
    for (;;) {
      const { request } = resume(test, t, replies[t] ?? []);
      // Read-side sections and grace periods are no accesses.
      if (request === null || !request.marker) return request;
      replies[t]?.push(request.run(memory));
    }
  };
  for (const t of order) {
    const request = next(t);
    if (request === null || !request.ready(memory)) return null;
    replies[t]?.push(request.run(memory));
  }
  if (test.threads.some((_, t) => next(t) !== null)) return null;
  return { registers: test.threads.map((_, t) => resume(test, t, replies[t] ?? []).registers), memory };
}

/** What a thread wants to do with memory next. */
interface Request {
  ready(memory: ReadonlyMap<string, LitmusValue>): boolean;
  /** Changes memory and gives what the thread learns. */
  run(memory: Map<string, LitmusValue>): LitmusValue;
  marker: boolean;
}

/** A thread up to where it has no more replies. */
function resume(test: LitmusTest, t: number, replies: LitmusValue[]): { request: Request | null; registers: Map<string, LitmusValue> } {
  const registers = new Map(test.registers.filter(r => r.thread === t).map(r => [r.name, r.value]));
  const running = block(test.threads[t]?.body ?? [], { registers, section: `rcu ${t}`, depth: 0, sections: test.threads.map((_, n) => `rcu ${n}`) });
  let step = running.next();
  for (const reply of replies) step = running.next(reply);
  return { request: step.done ? null : step.value, registers };
}

interface Context {
  registers: Map<string, LitmusValue>;
  /** Where the thread counts the begins and ends of its outermost read-side sections, and where all do. */
  section: string;
  sections: string[];
  depth: number;
}

type Run<T> = Generator<Request, T, LitmusValue>;

function* block(body: Statement[], context: Context): Run<void> {
  for (const statement of body) yield* run(statement, context);
}

function* run(s: Statement, context: Context): Run<void> {
  switch (s.kind) {
    case 'assign':
      context.registers.set(s.register, yield* evaluate(s.value, context));
      return;
    case 'evaluate':
      yield* evaluate(s.value, context);
      return;
    case 'store': {
      const at = yield* evaluate(s.at, context);
      const value = yield* evaluate(s.value, context);
      yield access(at, () => value);
      return;
    }
    case 'lock':
    case 'unlock': {
      const at = yield* evaluate(s.at, context);
      yield { ...access(at, () => (s.kind === 'lock' ? 1 : 0)), ready: memory => s.kind === 'unlock' || memory.get(String(at)) === 0 };
      return;
    }
    case 'if':
      yield* block((yield* evaluate(s.condition, context)) !== 0 ? s.then : s.else, context);
      return;
    case 'fence':
      yield* fence(s.fence, context);
      return;
    default:
      throw new Error(`${s.kind} is not interpreted`);
  }
}

/** A section's count is odd inside it. A grace period notes all counts, then waits until the odd ones among them have changed. */
function* fence(kind: string, context: Context): Run<void> {
  const { section, sections } = context;
  if (kind === 'rcu-lock' && ++context.depth === 1) yield counted(section);
  if (kind === 'rcu-unlock' && --context.depth === 0) yield counted(section);
  if (kind !== 'sync-rcu') return;
  const noted = yield {
    ready: () => true,
    run: memory => sections.map(name => memory.get(name) ?? 0).join(),
    marker: true,
  };
  const counts = String(noted).split(',').map(Number);
  yield {
    ready: memory => sections.every((name, n) => (counts[n] ?? 0) % 2 === 0 || memory.get(name) !== counts[n]),
    run: () => 0,
    marker: true,
  };
}

function counted(section: string): Request {
  return {
    ready: () => true,
    run: memory => {
      memory.set(section, Number(memory.get(section) ?? 0) + 1);
      return 0;
    },
    marker: true,
  };
}

/** Reads what is there and puts something else, or leaves it where `put` gives null. */
function access(at: LitmusValue, put: (old: LitmusValue) => LitmusValue | null): Request {
  const name = String(at);
  return {
    ready: () => true,
    run: memory => {
      const old = memory.get(name) ?? 0;
      const fresh = put(old);
      if (fresh !== null) memory.set(name, fresh);
      return old;
    },
    marker: false,
  };
}

function* evaluate(e: Expression, context: Context): Run<LitmusValue> {
  switch (e.kind) {
    case 'value':
      return e.value;
    case 'register':
      return context.registers.get(e.name) ?? 0;
    case 'binary':
      return calculate(e.op, yield* evaluate(e.left, context), yield* evaluate(e.right, context));
    case 'load':
      return yield access(yield* evaluate(e.at, context), () => null);
    case 'rmw': {
      const at = yield* evaluate(e.at, context);
      const operand = yield* evaluate(e.operand, context);
      const fresh = (old: LitmusValue) => (e.op === '=' ? operand : calculate(e.op, old, operand));
      const old = yield access(at, fresh);
      return e.gives === 'new' ? fresh(old) : old;
    }
    case 'cmpxchg': {
      const at = yield* evaluate(e.at, context);
      const expected = yield* evaluate(e.expected, context);
      const desired = yield* evaluate(e.desired, context);
      return yield access(at, old => (old === expected ? desired : null));
    }
    case 'add-unless': {
      const at = yield* evaluate(e.at, context);
      const operand = yield* evaluate(e.operand, context);
      const unless = yield* evaluate(e.unless, context);
      return Number((yield access(at, old => (old === unless ? null : calculate('+', old, operand)))) !== unless);
    }
    default:
      throw new Error(`${e.kind} is not interpreted`);
  }
}

/** Of an address only what leaves it as it is. */
function calculate(op: string, a: LitmusValue, b: LitmusValue): LitmusValue {
  if (op === '==') return Number(a === b);
  if (op === '!=') return Number(a !== b);
  if (typeof a === 'string' && op === '+' && b === 0) return a;
  if (typeof a === 'string' || typeof b === 'string') throw new Error(`${a} ${op} ${b} is not interpreted`);
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    default:
      throw new Error(`${op} is not interpreted`);
  }
}
