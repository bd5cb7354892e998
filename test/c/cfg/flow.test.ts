import { describe, expect, test } from 'vitest';
import { after, alwaysRuns, between, comesBefore, conditionOn, dominates, gapAfter, headsAround, loopsAround } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import { functionOf } from '../compact.ts';

/** The write of a number to x->n or y->n, by the number. */
function write(fn: CFunction, value: number): Event {
  const found = fn.events.find(e => e.kind === 'write' && e.operand === String(value));
  if (!found) throw new Error(`no write of ${value}`);
  return found;
}

/** Numbers of the writes that can come after one. */
async function following(body: string, value: number): Promise<string[]> {
  const fn = await functionOf(body);
  return after(fn, write(fn, value)).flatMap(e => (e.kind === 'write' ? [e.operand ?? ''] : []));
}

async function sure(body: string, a: number, b: number): Promise<boolean> {
  const fn = await functionOf(body);
  return dominates(fn, write(fn, a), write(fn, b));
}

describe('what may come after', () => {
  test.each<[string, string, number, string[]]>([
    ['a sequence goes on', 'x->n = 1; x->n = 2; x->n = 3;', 1, ['2', '3']],
    ['one arm does not reach the other', 'if (v) x->n = 1; else x->n = 2; x->n = 3;', 1, ['3']],
    ['a return ends the way', 'x->n = 1; if (v) { x->n = 2; return 0; } x->n = 3;', 2, []],
    ['a loop comes back', 'while (v--) { x->n = 1; x->n = 2; }', 2, ['1', '2']],
    ['a block that runs once does not come back', 'do { x->n = 1; x->n = 2; } while (0);', 2, []],
    ['break leaves the loop', 'for (;;) { x->n = 1; break; x->n = 2; } x->n = 3;', 1, ['3']],
    ['continue goes to the step', 'for (i = 0; i < 3; x->n = 4) { x->n = 1; continue; x->n = 2; }', 1, ['4', '1']],
    ['break in a switch inside a loop stays in the loop', 'while (v--) { switch (i) { case 1: x->n = 1; break; } x->n = 2; }', 1, ['1', '2']],
    ['a case falls into the next', 'switch (v) { case 1: x->n = 1; case 2: x->n = 2; break; case 3: x->n = 3; }', 1, ['2']],
    ['goto goes forward to a cleanup label', 'if (v) { x->n = 1; goto out; } x->n = 2;\nout:\n\tx->n = 3;', 1, ['3']],
    ['goto goes back', 'again:\n\tx->n = 1; if (v) goto again; x->n = 2;', 1, ['1', '2']],
    ['cleanup labels fall through', 'goto b;\na:\n\tx->n = 1;\nb:\n\tx->n = 2;', 1, ['2']],
    ['the arms of an #if exclude each other', '#ifdef A\n\tx->n = 1;\n#else\n\tx->n = 2;\n#endif\n\tx->n = 3;', 1, ['3']],
    ['BUG() does not come back', 'if (v) { x->n = 1; BUG(); } x->n = 2;', 1, []],
    ['a short circuit may leave out its right side', 'if (v && (x->n = 1)) x->n = 2; x->n = 3;', 1, ['2', '3']],
    ['a guard that fails returns', 'x->n = 1; scoped_cond_guard(mutex_try, return 1, &x->m) x->n = 2; x->n = 3;', 1, ['2', '3']],
    ['a guard that fails jumps', 'scoped_cond_guard(mutex_try, goto out, &x->m) { return 1; } x->n = 2;\nout:\n\tx->n = 3;', 2, ['3']],
    [
      'break where a guard fails leaves the guard alone',
      'while (v--) { scoped_cond_guard(mutex_try, break, &x->m) x->n = 1; x->n = 2; }',
      2,
      ['1', '2'],
    ],
    ['a case inside a block still belongs to its switch', 'switch (v) { case 1: { x->n = 1; } case 2: x->n = 2; }', 1, ['2']],
  ])('%s', async (_, body, value, expected) => {
    expect((await following(body, value)).sort()).toEqual([...expected].sort());
  });
});

describe('what surely came before', () => {
  test.each<[string, string, number, number, boolean]>([
    ['an earlier statement', 'x->n = 1; x->n = 2;', 1, 2, true],
    ['not one arm', 'if (v) x->n = 1; x->n = 2;', 1, 2, false],
    ['the arm that does not return', 'if (!v) return 0; else x->n = 1; x->n = 2;', 1, 2, true],
    ['not the body of a loop', 'while (v--) x->n = 1; x->n = 2;', 1, 2, false],
    ['the body of a loop that runs once at least', 'do { x->n = 1; } while (v--); x->n = 2;', 1, 2, true],
    ['the body of a loop that counts over constants', 'for (i = 0; i < 3; i++) x->n = 1; x->n = 2;', 1, 2, true],
    ['the body of a loop that counts down over constants', 'for (i = 3; i > 0; i--) x->n = 1; x->n = 2;', 1, 2, true],
    ['not the body of a loop whose constants leave no round', 'for (i = 3; i < 3; i++) x->n = 1; x->n = 2;', 1, 2, false],
    ['not the body of a loop that counts from elsewhere', 'i = 0; i = v; for (; i < 3; i++) x->n = 1; x->n = 2;', 1, 2, false],
    ['not the body of a loop whose bound is a value', 'for (i = 0; i < v; i++) x->n = 1; x->n = 2;', 1, 2, false],
    ['not what a break in a loop over constants passes', 'for (i = 0; i < 3; i++) { if (v) break; x->n = 1; } x->n = 2;', 1, 2, false],
    ['not what a goto passes', 'if (v) goto out; x->n = 1;\nout:\n\tx->n = 2;', 1, 2, false],
    ['not a case where another is taken', 'switch (v) { case 1: x->n = 1; break; default: break; } x->n = 2;', 1, 2, false],
    ['both arms of a choice, neither alone', 'v ? (x->n = 1) : (x->n = 3); x->n = 2;', 1, 2, false],
  ])('%s', async (_, body, a, b, expected) => {
    expect(await sure(body, a, b)).toBe(expected);
  });
});

test('a jump to a label out of view is a gap', async () => {
  const fn = await functionOf('x->n = 1; if (v) goto gone; x->n = 2;');
  expect(gapAfter(fn, write(fn, 1))).toBe(true);
  expect(gapAfter(fn, write(fn, 2))).toBe(false);
});

test('what cannot be read is a gap that keeps the calls in it', async () => {
  const fn = await functionOf('x->n = 1; ) spin_lock(&x->lock) ] ; x->n = 2;');
  expect(fn.broken).toBe(true);
  expect(fn.events.some(e => e.api === 'spin_lock')).toBe(true);
});

describe('what comes before what', () => {
  test.each<[string, string, string[]]>([
    ['a sequence', 'x->n = 1; x->n = 2;', ['1 2']],
    ['the arms of a branch exclude each other', 'if (v) x->n = 1; else x->n = 2; x->n = 3;', ['1 3', '2 3']],
    ['within one round of a loop, not from one to the next', 'while (v--) { x->n = 1; x->n = 2; } x->n = 3;', ['1 2', '1 3', '2 3']],
    ['the step of a loop comes after its body', 'for (i = 0; i < v; x->n = 2) { x->n = 1; }', ['1 2']],
    ['a jump back begins another round', 'again:\n\tx->n = 1; if (v) { x->n = 2; goto again; } x->n = 3;', ['1 2', '1 3', '2 3']],
    ['a label may stand above what leads to it', 'goto b;\na:\n\tx->n = 1; return 0;\nb:\n\tx->n = 2; goto a;', ['2 1']],
    ['a return ends it', 'if (v) { x->n = 1; return 0; } x->n = 2;', []],
  ])('%s', async (_, body, expected) => {
    const fn = await functionOf(body);
    const writes = fn.events.filter(e => e.kind === 'write' && /^\d$/.test(e.operand ?? ''));
    const found = writes.flatMap(a => writes.flatMap(b => (comesBefore(fn, a, b) ? [`${a.operand} ${b.operand}`] : [])));
    expect(found.sort()).toEqual(expected);
  });
});

test('a run that stops at BUG() is none that leaves out what others pass', async () => {
  const fn = await functionOf('if (v) BUG(); x->n = 1; return 0;');
  expect(alwaysRuns(fn, write(fn, 1))).toBe(true);
  const returns = await functionOf('if (v) return 1; x->n = 1; return 0;');
  expect(alwaysRuns(returns, write(returns, 1))).toBe(false);
});

test('a loop of the graph holds what runs again, the text of a loop what stands in it', async () => {
  const fn = await functionOf('for (;;) { x->n = 1; if (v) { x->n = 2; return 0; } }');
  expect([1, 2].map(n => headsAround(fn, write(fn, n)).size)).toEqual([1, 0]);
  expect([1, 2].map(n => loopsAround(fn, write(fn, n)).length)).toEqual([1, 1]);
});

test('between two events lies what is on a way from one to the other', async () => {
  const fn = await functionOf('x->n = 1; if (v) x->n = 2; else { x->n = 3; return 0; } x->n = 4;');
  expect(between(fn, write(fn, 1), write(fn, 4)).map(e => e.operand)).toEqual(['2']);
});

describe('a condition on a value', () => {
  test.each([
    ['if (test_and_set_bit(1, x->map)) x->n = 1;', 'nonzero'],
    ['if (!test_and_set_bit(1, x->map)) x->n = 1;', 'zero'],
    ['v = test_and_set_bit(1, x->map); if (v) x->n = 1;', 'nonzero'],
    ['v = test_and_set_bit(1, x->map); x->n = 1;', 'any'],
    ['v = !test_and_set_bit(1, x->map); if (v) x->n = 1;', 'zero'],
    ['v = !test_and_set_bit(1, x->map); if (!v) x->n = 1;', 'nonzero'],
    ['v = !!test_and_set_bit(1, x->map); if (v) x->n = 1;', 'nonzero'],
    ['v = test_and_set_bit(1, x->map) == 0; if (v) x->n = 1;', 'zero'],
    ['v = test_and_set_bit(1, x->map) != 0; if (!v) x->n = 1;', 'zero'],
    ['v = test_and_set_bit(1, x->map) + 1; if (v) x->n = 1;', 'unknown'],
  ])('%s', async (body, expected) => {
    const fn = await functionOf(body);
    const rmw = fn.events.find(e => e.kind === 'rmw');
    expect(rmw && conditionOn(fn, rmw, write(fn, 1))).toBe(expected);
  });
});

test('every edge of a graph leads to a node of it, and only exits and gaps end', async () => {
  const fn = await functionOf('for (;;) { if (v) break; switch (i) { case 1: continue; case 2: return 1; default: goto out; } }\nout:\n\treturn 0;');
  for (const node of fn.flow) {
    expect(node.next.every(to => fn.flow[to] !== undefined)).toBe(true);
    if (node.kind === 'exit' || node.kind === 'gap') expect(node.next).toEqual([]);
    else expect(node.next.length).toBeGreaterThan(0);
  }
});

test('code that nothing is shown to reach is in the order of its text', async () => {
  const fn = await functionOf('goto gone;\nx->n = 1;\nif (v)\n\tx->n = 2;\ngone:\nreturn 0;');
  expect(comesBefore(fn, write(fn, 1), write(fn, 2))).toBe(true);
  expect(comesBefore(fn, write(fn, 2), write(fn, 1))).toBe(false);
});
