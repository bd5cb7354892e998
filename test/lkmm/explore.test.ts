import { describe, expect, test } from 'vitest';
import { decide } from '../../src/lkmm/decide.ts';
import { explore, onlySequential, serial } from '../../src/lkmm/explore.ts';
import { litmus } from '../../src/lkmm/print.ts';
import { type Instruction, type Order, type Program, size, type Value } from '../../src/lkmm/program.ts';

const put = (cell: number, value: Value, into: string, order: Order = 'full'): Instruction => ({
  op: 'rmw',
  cell,
  update: { kind: 'put', value },
  into,
  order,
  place: null,
});
const load = (cell: number, into: string): Instruction => ({ op: 'load', cell, into, order: 'relaxed', place: null });
const store = (cell: number, value: Value): Instruction => ({ op: 'store', cell, value, order: 'relaxed', place: null });
const add = (cell: number, value: number, into: string): Instruction => ({
  op: 'rmw',
  cell,
  update: { kind: 'add', value },
  into,
  order: 'full',
  place: null,
});
const lock: Instruction = { op: 'lock', lock: 0, place: null };
const unlock: Instruction = { op: 'unlock', lock: 0, place: null };

const set = [put(0, 1, 'r0'), put(1, 0, 'r1')];
const clear = [put(0, 0, 'r0'), put(1, 1, 'r1')];

function program(threads: Instruction[][], initial: Value[] = [0, 1], locks: string[] = []): Program {
  return {
    name: 'test',
    cells: initial.map((value, i) => ({ name: `x${i}`, initial: value })),
    locks,
    threads: threads.map((body, i) => ({ name: `t${i}`, body })),
  };
}

const ends = (p: Program) => new Set(explore(p).finals.map(f => f.cells.join('')));

describe('a pair that two calls update by two atomic operations each', () => {
  test.each([
    ['set', 'set', set, set, ['10']],
    ['clear', 'clear', clear, clear, ['01']],
    ['set', 'clear', set, clear, ['00', '01', '10', '11']],
  ])('%s against %s ends as it must', (_a, _b, a, b, want) => {
    for (const initial of [
      [0, 1],
      [1, 0],
    ])
      expect([...new Set([...ends(program([a, b], initial))])].every(e => want.includes(e))).toBe(true);
  });

  test('from free, set inside clear leaves both bits at 0, and both callers see a legal transition', () => {
    const final = explore(program([set, clear])).finals.find(f => f.cells.join('') === '00');
    expect(final?.schedule.map(s => `${s.thread}.${s.instruction}`)).toEqual(['0.0', '1.0', '1.1', '0.1']);
    expect([final?.registers.get('0:r0'), final?.registers.get('1:r0')]).toEqual([0, 1]);
  });

  test('from allocated, set inside clear leaves both bits at 1', () => {
    expect(ends(program([set, clear], [1, 0]))).toContain('11');
  });

  test('under one lock it ends as one of the two orders of whole calls', () => {
    const locked = program(
      [
        [lock, ...set, unlock],
        [lock, ...clear, unlock],
      ],
      [0, 1],
      ['l'],
    );
    expect([...ends(locked)].sort()).toEqual(['01', '10']);
    expect(new Set(serial(program([set, clear])).map(f => f.cells.join('')))).toEqual(ends(locked));
  });

  test('as one access to one word it ends as one of the two orders of whole calls', () => {
    const together = (parts: Instruction[]): Instruction[] => [{ op: 'together', parts, place: null }];
    expect([...ends(program([together(set), together(clear)]))].sort()).toEqual(['01', '10']);
  });

  test('increments of both commute', () => {
    const both = [add(0, 1, 'r0'), add(1, 1, 'r1')];
    expect([...ends(program([both, both], [0, 0]))]).toEqual(['22']);
  });
});

describe('verdicts', () => {
  const broken = (f: { cells: Value[] }) => f.cells[0] === f.cells[1];

  test('Sometimes where some execution ends so, Never where none does', () => {
    expect(decide(program([set, clear]), broken).verdict).toBe('Sometimes');
    expect(decide(program([set, set]), broken).verdict).toBe('Never');
    expect(
      decide(
        program(
          [
            [lock, ...set, unlock],
            [lock, ...clear, unlock],
          ],
          [0, 1],
          ['l'],
        ),
        broken,
      ).verdict,
    ).toBe('Never');
  });

  test('Never is not said of a program that has weaker orders than the interleavings', () => {
    const buffering = program(
      [
        [store(0, 1), load(1, 'r0')],
        [store(1, 1), load(0, 'r0')],
      ],
      [0, 0],
    );
    const both = (f: { registers: Map<string, Value> }) => f.registers.get('0:r0') === 0 && f.registers.get('1:r0') === 0;
    expect(decide(buffering, both)).toMatchObject({ verdict: 'unsupported', reason: 'weaker orders than the interleavings exist' });
    expect(onlySequential(buffering)).toBe(false);
  });

  test('accesses to one cell alone are coherent, whatever their order', () => {
    expect(onlySequential(program([[store(0, 1), load(0, 'r0')], [store(0, 2)]], [0]))).toBe(true);
  });

  test('a lock that one user does not take guards nothing', () => {
    expect(
      onlySequential(
        program(
          [
            [lock, store(0, 1), store(1, 1), unlock],
            [load(0, 'r0'), load(1, 'r1')],
          ],
          [0, 0],
          ['l'],
        ),
      ),
    ).toBe(false);
  });

  test('a thread that waits for its own lock never ends', () => {
    expect(decide(program([[lock, lock]], [0], ['l']), () => true).verdict).toBe('DEADLOCK');
  });

  test('two locks taken in opposite orders deadlock in some executions only', () => {
    const other: Instruction = { op: 'lock', lock: 1, place: null };
    const free: Instruction = { op: 'unlock', lock: 1, place: null };
    const p = program(
      [
        [lock, other, put(0, 1, 'r0'), free, unlock],
        [other, lock, put(0, 2, 'r0'), unlock, free],
      ],
      [0],
      ['a', 'b'],
    );
    expect(explore(p).deadlock).toBe(true);
    expect(decide(p, () => true).verdict).toBe('Sometimes');
  });

  test('what costs more states than the budget is not decided', () => {
    const long = Array.from({ length: 6 }, (_, i) => add(0, 1, `r${i}`));
    expect(explore(program([long, long, long], [0]), 50).states).toBeNull();
  });
});

test('an instruction under a condition on an earlier value runs only where it holds', () => {
  const claim: Instruction[] = [put(0, 1, 'r0'), { ...put(1, 1, 'r1'), when: { register: 'r0', zero: true } }];
  expect([...ends(program([claim], [0, 0]))]).toEqual(['11']);
  expect([...ends(program([claim], [1, 0]))]).toEqual(['10']);
});

test('the schedule that is told has the fewest changes of thread', () => {
  const final = explore(program([set, clear])).finals.find(f => f.cells.join('') === '01');
  expect(final?.schedule.map(s => s.thread)).toEqual([0, 0, 1, 1]);
});

test('symbols are values of their own', () => {
  const a = [store(0, 'a'), store(1, 'a')];
  const b = [store(0, 'b'), store(1, 'b')];
  expect([...ends(program([a, b], [0, 0]))].sort()).toEqual(['aa', 'ab', 'ba', 'bb']);
});

test('a program counts the parts of a joint access one by one', () => {
  expect(size(program([[{ op: 'together', parts: set, place: null }], clear]))).toBe(4);
});

test('prints a litmus test in the language of the kernel', () => {
  const body: Instruction[] = [lock, put(0, 1, 'r0'), { ...put(1, 0, 'r1', 'relaxed'), when: { register: 'r0', zero: true } }, unlock];
  expect(
    litmus(
      { ...program([body, [load(0, 'r0'), { op: 'fence', order: 'rmb', place: null }, store(1, 'v')]], [0, 1], ['l']), name: 'take+look' },
      'x0=1 /\\ 1:r0=0',
    ),
  ).toBe(
    `C take+look

{ x0=0; x1=1; }

P0(int *x0, int *x1, spinlock_t *l) /* t0 */
{
	int r0;
	int r1;

	spin_lock(l);
	r0 = xchg(x0, 1);
	if (r0 == 0) {
		r1 = xchg_relaxed(x1, 0);
	}
	spin_unlock(l);
}

P1(int *x0, int *x1, spinlock_t *l) /* t1 */
{
	int r0;

	r0 = READ_ONCE(*x0);
	smp_rmb();
	WRITE_ONCE(*x1, 100);
}

exists (x0=1 /\\ 1:r0=0)
`,
  );
});
