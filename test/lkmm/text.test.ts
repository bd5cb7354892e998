import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Expression, LitmusTest, Statement } from '../../src/lkmm/litmus.ts';
import { PRIMITIVES } from '../../src/lkmm/primitives.ts';
import { parseLitmus } from '../../src/lkmm/syntax.ts';
import { printLitmus } from '../../src/lkmm/text.ts';
import { shared } from '../beside.ts';

const corpus = `${shared}/corpus/litmus`;
const own = fileURLToPath(new URL('litmus', import.meta.url));
const filesOf = (folder: string) => (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : []);
const testsOf = (folder: string) => filesOf(folder).filter(name => name.endsWith('.litmus'));

/** Says of a text whether what is printed of it reads as the same test. */
function comesBack(text: string): boolean {
  const { value } = parseLitmus(text);
  if (value === null) return false;
  return JSON.stringify(parseLitmus(printLitmus(value)).value) === JSON.stringify(value);
}

describe('what is printed reads as the same test', () => {
  test('for every test here', () => {
    const names = testsOf(own);
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter(name => !comesBack(readFileSync(`${own}/${name}`, 'utf8')))).toEqual([]);
  });

  test.skipIf(!existsSync(corpus))('for every test of the corpus', () => {
    const names = testsOf(corpus);
    expect(names.length).toBeGreaterThan(2000);
    expect(names.filter(name => !comesBack(readFileSync(`${corpus}/${name}`, 'utf8')))).toEqual([]);
  });

  test('for every primitive', () => {
    for (const [name, { parameters, gives }] of PRIMITIVES) {
      const call = `${name}(${parameters.map(p => (p === 'memory' ? '*x' : p === 'pointer' ? 'x' : '1')).join(', ')})`;
      expect(
        comesBack(`C t\n{}\nP0(int *x) { ${gives ? `r0 = ${call}; (void)${call}; if (${call} != 2) smp_mb();` : `${call};`} }\nexists (x=1)`),
      ).toBe(true);
    }
  });

  test.each([
    ['nested conditions', 'locations [x; 1:r0;]\nfilter (~(0:r0=1 \\/ x=0))\nforall ((x=1 /\\ (y=1 \\/ y=2)) \\/ ~(0:r0=x) \\/ 0:r0=1:r0 \\/ x=[y])'],
    ['a forbidden end', '~exists (x=-1)'],
    ['no condition', ''],
    ['constants', 'exists (true /\\ false)'],
  ])('for %s', (_, end) => {
    expect(comesBack(`C t\n{ x=1; int *y = &x; 1:r0=x; }\nP0(int *x, int **y) { r0 = *x; }\nP1(int *x) { *r0 = 1; }\n${end}`)).toBe(true);
  });

  test('for branches and operators', () => {
    expect(comesBack('C t\n{}\nP0(int *x) { if (*x == 1) ; else if (r0 < 2) { if (r1) { } else { *x = 1; } } }\nexists (x=1)')).toBe(true);
    expect(comesBack('C t\n{}\nP0(int *x) { *x = ((r0 + 1) * -3 ^ r1 | r2 & 7) - (r0 >> 1) % (5 / r1); }\nexists (x=1)')).toBe(true);
    expect(comesBack('C t\n{}\nP0(int **x) { **x = 1; WRITE_ONCE(*(r0 + 1), *r1); }\nexists (x=1)')).toBe(true);
  });
});

describe('the text', () => {
  const value = (v: number | string): Expression => ({ kind: 'value', value: v });
  const of = (body: Statement[], more: Partial<LitmusTest> = {}): LitmusTest => ({
    name: 'test',
    locations: [{ name: 'x', type: 'int', initial: 0 }],
    registers: [],
    threads: [{ body }],
    shown: [],
    filter: null,
    quantifier: 'exists',
    condition: { kind: 'equals', left: { kind: 'location', name: 'x' }, right: 1 },
    ...more,
  });
  const line = (statement: Statement) =>
    printLitmus(of([statement]))
      .split('\n')
      .at(-5)
      ?.trim();
  const assigned = (e: Expression) => line({ kind: 'assign', register: 'r0', value: e });

  test('declares registers first, and hands over what each primitive takes', () => {
    const test: LitmusTest = of([], {
      locations: [
        { name: 'x', type: 'int', initial: 0 },
        { name: 'p', type: 'int *', initial: 'x' },
        { name: 'l', type: 'spinlock_t', initial: 0 },
      ],
      threads: [
        {
          title: 'foo_set(*a) of (*b*)',
          body: [
            { kind: 'lock', at: value('l') },
            { kind: 'assign', register: 'r0', value: { kind: 'load', tag: 'acquire', at: value('p') } },
            {
              kind: 'if',
              condition: { kind: 'register', name: 'r0' },
              then: [{ kind: 'store', tag: 'once', at: { kind: 'register', name: 'r0' }, value: value(1) }],
              else: [],
            },
            { kind: 'store', tag: 'release', at: value('x'), value: value(2) },
            { kind: 'unlock', at: value('l') },
          ],
        },
      ],
    });
    expect(printLitmus(test)).toBe(`C test

(*
 * P0: foo_set'a) of 'b'
 *)

{
	int x = 0;
	int *p = &x;
	spinlock_t l;
}

P0(int *x, int **p, spinlock_t *l)
{
	int *r0;

	spin_lock(l);
	r0 = smp_load_acquire(p);
	if (r0) {
		WRITE_ONCE(*r0, 1);
	}
	smp_store_release(x, 2);
	spin_unlock(l);
}

exists (x=1)
`);
  });

  test('what herd7 has no operator for is said by others', () => {
    const r = (name: string): Expression => ({ kind: 'register', name });
    const less: Expression = { kind: 'binary', op: '<', left: r('a'), right: r('b') };
    expect(assigned({ kind: 'binary', op: '&&', left: less, right: r('c') })).toBe('r0 = (a < b) & (c != 0);');
    expect(assigned({ kind: 'binary', op: '||', left: { kind: 'unary', op: '!', of: less }, right: less })).toBe('r0 = ((a < b) == 0) | (a < b);');
    expect(assigned({ kind: 'unary', op: '~', of: r('a') })).toBe('r0 = a ^ (-1);');
    expect(assigned({ kind: 'unary', op: '-', of: r('a') })).toBe('r0 = 0 - a;');
    const or = (gives: 'old' | 'new'): Expression => ({ kind: 'rmw', op: '|', tag: 'mb', at: value('x'), operand: value(2), gives });
    expect(assigned(or('old'))).toBe('r0 = atomic_fetch_or(2, x);');
    expect(assigned(or('new'))).toBe('r0 = (atomic_fetch_or(2, x) | 2);');
  });

  test('names and types that herd7 does not read are changed, and stay apart', () => {
    const text = printLitmus(
      of(
        [
          { kind: 'assign', register: 'lock', value: { kind: 'load', tag: 'once', at: value('db->map[PRIMARY]') } },
          { kind: 'assign', register: 'x', value: { kind: 'load', tag: 'once', at: value('x') } },
          { kind: 'store', tag: 'plain', at: value('db.map.PRIMARY.'), value: value(1) },
        ],
        {
          name: 'two\nlines',
          locations: [
            { name: 'db->map[PRIMARY]', type: 'unsigned long', initial: 0 },
            { name: 'db.map.PRIMARY.', type: 'bool', initial: 1 },
            { name: 'x', type: 'int', initial: 0 },
          ],
          condition: {
            kind: 'and',
            of: [
              { kind: 'equals', left: { kind: 'register', thread: 0, name: 'lock' }, right: 1 },
              { kind: 'equals', left: { kind: 'location', name: 'db.map.PRIMARY.' }, right: 1 },
            ],
          },
        },
      ),
    );
    expect(text).toBe(`C two lines

{
	int db_map_PRIMARY_ = 0;
	int db_map_PRIMARY__2 = 1;
	int x = 0;
}

P0(int *db_map_PRIMARY_, int *db_map_PRIMARY__2, int *x)
{
	int lock_;
	int x_2;

	lock_ = READ_ONCE(*db_map_PRIMARY_);
	x_2 = READ_ONCE(*x);
	*db_map_PRIMARY__2 = 1;
}

exists (0:lock_=1 /\\ db_map_PRIMARY__2=1)
`);
  });
});
