import type { Expression, LitmusThread, Statement } from './litmus.ts';

/** The locations whose addresses the thread names. */
export function addresses(thread: LitmusThread): Set<string> {
  const found = new Set<string>();
  for (const e of expressions(thread.body)) if (e.kind === 'value' && typeof e.value === 'string') found.add(e.value);
  return found;
}

/** The registers of a thread in the order of first appearance. */
export function registersOf(thread: LitmusThread): Set<string> {
  const found = new Set<string>();
  const walk = (body: Statement[]) => {
    for (const s of body) {
      if (s.kind === 'assign') found.add(s.register);
      for (const e of expressions([s])) if (e.kind === 'register') found.add(e.name);
      if (s.kind === 'if') {
        walk(s.then);
        walk(s.else);
      }
    }
  };
  walk(thread.body);
  return found;
}

/** Registers that hold an address which something reads or writes through. */
export function dereferenced(thread: LitmusThread): Set<string> {
  const found = new Set<string>();
  const note = (at: Expression) => {
    if (at.kind === 'register') found.add(at.name);
  };
  const walk = (body: Statement[]) => {
    for (const s of body) {
      if ('at' in s) note(s.at);
      if (s.kind === 'if') {
        walk(s.then);
        walk(s.else);
      }
    }
  };
  walk(thread.body);
  for (const e of expressions(thread.body)) if ('at' in e) note(e.at);
  return found;
}

/** Every expression of a thread, outer ones first. */
function* expressions(body: Statement[]): Generator<Expression> {
  for (const s of body) {
    if (s.kind === 'if') {
      yield* inside(s.condition);
      yield* expressions(s.then);
      yield* expressions(s.else);
      continue;
    }
    if ('at' in s) yield* inside(s.at);
    if ('value' in s) yield* inside(s.value);
  }
}

function* inside(e: Expression): Generator<Expression> {
  yield e;
  if ('at' in e) yield* inside(e.at);
  if ('of' in e) yield* inside(e.of);
  if (e.kind === 'binary') {
    yield* inside(e.left);
    yield* inside(e.right);
  }
  if ('operand' in e) yield* inside(e.operand);
  if (e.kind === 'add-unless') yield* inside(e.unless);
  if (e.kind === 'cmpxchg') {
    yield* inside(e.expected);
    yield* inside(e.desired);
  }
}
