import { describe, expect, test } from 'vitest';
import { parseLitmus } from '../../src/lkmm/syntax.ts';
import { decideTest } from '../../src/lkmm/verdict.ts';

const times = (n: number, line: (i: number) => string) => Array.from({ length: n }, (_, i) => line(i)).join('\n');
const nested = (n: number, inner: string) => `${times(n, i => `if (r0 != ${i}) {`)} ${inner} ${'}'.repeat(n)}`;
const repeated = (n: number, code: string) => Array.from({ length: n }, () => code);

function text(threads: string[], condition = 'exists (x=1)'): string {
  const bodies = threads.map((code, n) => `P${n}(int *x, int *y, spinlock_t *l)\n{\n${code}\n}\n`);
  return `C hostile\n{}\n${bodies.join('')}${condition}\n`;
}

/** Why the text is not decided. */
function refusal(litmus: string, budget?: number): string | undefined {
  const { value, problems } = parseLitmus(litmus);
  return value === null ? problems[0]?.message : decideTest(value, budget === undefined ? {} : { budget }).reason;
}

const LARGE_THREAD = 'too many paths through a thread, or too large ones';

describe('what is too large is refused before any execution is looked at, whatever the budget', () => {
  test.each([
    ['a register that doubles itself', text([`r0 = READ_ONCE(*x); ${times(100, () => 'r0 = r0 + r0;')} WRITE_ONCE(*y, r0);`]), LARGE_THREAD],
    [
      'one large value written many times',
      text([`r0 = READ_ONCE(*x); ${times(11, () => 'r0 = r0 + r0;')} ${times(50, () => 'WRITE_ONCE(*y, r0);')}`]),
      LARGE_THREAD,
    ],
    ['forty conditions in a row', text([times(40, i => `r${i} = READ_ONCE(*x); if (r${i}) WRITE_ONCE(*y, 1);`)]), LARGE_THREAD],
    [
      'a long body on many paths',
      text([`r0 = READ_ONCE(*x); ${times(10, i => `if (r0 == ${i}) ;`)} ${times(30_000, () => 'r1 = 1;')}`]),
      LARGE_THREAD,
    ],
    ['tens of thousands of registers', text([times(60_000, i => `r${i} = 1;`)]), LARGE_THREAD],
    ['conditions in conditions', text([`r0 = READ_ONCE(*x); ${nested(200, 'WRITE_ONCE(*y, 1);')}`]), 'nothing may nest deeper than 100 levels'],
    ['parentheses in parentheses', text([`r0 = ${'('.repeat(20_000)}1${')'.repeat(20_000)};`]), 'nothing may nest deeper than 100 levels'],
    ['many events', text([times(130, i => `WRITE_ONCE(*x, ${i});`)]), 'more than 128 events'],
    ['many threads', text(repeated(20_000, '')), 'more than 128 threads'],
  ])('%s', (_, litmus, reason) => {
    expect(refusal(litmus, Number.POSITIVE_INFINITY)).toBe(reason);
  });
});

describe('a search ends with its budget, whatever it spends it on', () => {
  const looks = times(6, i => `r${i} = spin_is_locked(l);`);
  const section = 'spin_lock(l); spin_unlock(l);';
  const read = (n: number) => times(n, i => `r${i} = READ_ONCE(*x);`);
  const write = (n: number) => times(n, i => `WRITE_ONCE(*x, ${i + 1});`);
  const sum = Array.from({ length: 14 }, (_, i) => `r${i}`).join(' + ');
  test.each([
    ['128 events', text([read(40), write(40), write(40)])],
    [
      'grace periods',
      text([times(20, i => `rcu_read_lock(); r${i} = READ_ONCE(*x); rcu_read_unlock();`), times(25, () => 'synchronize_rcu();'), write(9)]),
    ],
    ['orders of writes', text([write(60), write(60)])],
    ['plain accesses', text([times(20, i => `r${i} = *x; *y = r${i};`), times(20, i => `r${i} = *y; *x = r${i};`)])],
    ['values that never come true', text([`${read(14)} if (${sum} == 1000) ; else r99 = spin_is_locked(l);`, write(14)])],
    ['orders of critical sections', text(repeated(12, section))],
    ['looks at a lock', text([...repeated(4, looks), ...repeated(4, section)])],
    [
      'read-modify-writes',
      text(
        repeated(
          8,
          times(4, i => `r${i} = xchg(x, ${i});`),
        ),
      ),
    ],
    [
      'read-modify-writes that may fail',
      text(
        repeated(
          8,
          times(4, i => `r${i} = cmpxchg(x, ${i}, ${i + 1});`),
        ),
      ),
    ],
    ['combinations of paths', text(repeated(60, 'r0 = READ_ONCE(*x); if (r0) WRITE_ONCE(*x, 1);'))],
    ['a long condition', text([write(8), write(8)], `exists (${Array.from({ length: 20_000 }, (_, i) => `x=${i + 1000}`).join(' \\/ ')})`)],
    ['a long filter', text([read(14), write(8)], `filter (${Array.from({ length: 20_000 }, (_, i) => `x=${i + 1000}`).join(' \\/ ')}) exists (x=1)`)],
    ['many locations to show', text([write(8), write(8)], `locations [${times(20_000, i => `v${i};`)}] exists (x=1)`)],
  ])('%s', { timeout: 20_000 }, (_, litmus) => {
    const start = process.cpuUsage();
    expect(refusal(litmus, 2_000)).toBe('too many executions');
    // Far above what it takes, and far below what it takes where some of the work is not counted.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(10);
  });
});
