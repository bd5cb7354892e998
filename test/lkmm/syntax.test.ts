import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Condition, Expression, Statement } from '../../src/lkmm/litmus.ts';
import { PRIMITIVES } from '../../src/lkmm/primitives.ts';
import { parseLitmus } from '../../src/lkmm/syntax.ts';

const at = (name: string): Expression => ({ kind: 'value', value: name });
const number = (value: number): Expression => ({ kind: 'value', value });
const register = (name: string): Expression => ({ kind: 'register', name });

/** The test that a text holds; it has to be without problems. */
function parsed(text: string) {
  const { value, problems } = parseLitmus(text);
  expect(problems).toEqual([]);
  if (value === null) throw new Error('no value');
  return value;
}

/** The statements of one thread over x, y, the lock s and the SRCU domain ss. */
const body = (code: string): Statement[] =>
  parsed(`C test\n{}\nP0(int *x, int *y, spinlock_t *s, struct srcu_struct *ss, int **gp)\n{\n${code}\n}\nexists (x=1)`).threads[0]?.body ?? [];
const expression = (code: string): Expression | undefined => {
  const [statement] = body(`r0 = ${code};`);
  return statement?.kind === 'assign' ? statement.value : undefined;
};
const condition = (text: string): Condition => parsed(`C test\n{}\nP0(int *x) {}\nP1(int *x) {}\n${text}`).condition;
/** The problems of a text as `line:column: message`. */
const problems = (text: string) => parseLitmus(text).problems.map(p => `${p.line}:${p.column}: ${p.message}`);
const thread = (code: string) => problems(`C test\n{}\nP0(int *x)\n{\n${code}\n}\nexists (x=1)`);

describe('the head', () => {
  test('the name is the rest of its line', () => {
    expect(parsed('C MP+po-rel acq \r\n{}\nP0(int *x) { *x = 1; }\nexists (x=1)').name).toBe('MP+po-rel acq');
  });

  test('comments, texts in quotes and lines of key=value mean nothing', () => {
    const text = `// first
(* outer (* inner *) "quoted" *)
C test
"a doc string; with { a brace"
Prefetch=0:x=F,1:y=W
Com=Rf Fr

(* Result: Never { *)
{ x=1; /* one */ y=2; // two
}
(* between *)
P0(int *x)
{
	// READ_ONCE(*x) {
	WRITE_ONCE(*x, 2); /* } */
}
(* after *)
exists (x=2 (* inside *) /\\ y=2)
(* the end *)`;
    expect(parsed(text).locations).toEqual([
      { name: 'x', type: 'int', initial: 1 },
      { name: 'y', type: 'int', initial: 2 },
    ]);
  });
});

describe('the init section', () => {
  const locations = (init: string, parameters = 'int *x') => parsed(`C test\n{${init}}\nP0(${parameters}) {}\nexists (0:r0=0)`).locations;

  test.each([
    ['', [{ name: 'x', type: 'int', initial: 0 }]],
    ['x=3', [{ name: 'x', type: 'int', initial: 3 }]],
    ['x', [{ name: 'x', type: 'int', initial: 0 }]],
    ['[x]=0x10;', [{ name: 'x', type: 'int', initial: 16 }]],
    ['int x = -1;', [{ name: 'x', type: 'int', initial: -1 }]],
    ['volatile int x;', [{ name: 'x', type: 'int', initial: 0 }]],
    ['atomic_t x = ATOMIC_INIT(2);', [{ name: 'x', type: 'atomic_t', initial: 2 }]],
    ['spinlock_t x;', [{ name: 'x', type: 'spinlock_t', initial: 0 }]],
    ['struct srcu_struct x = {};', [{ name: 'x', type: 'struct srcu_struct', initial: 0 }]],
    ['int *x = NULL;', [{ name: 'x', type: 'int *', initial: 0 }]],
  ])('{%s}', (init, want) => {
    expect(locations(init)).toEqual(want);
  });

  test.each(['int *p = &y;', 'int *p = y;', 'int *p=&y', 'p=y;'])('{%s} makes p point to y', init => {
    expect(locations(init, 'int **p')).toEqual([
      { name: 'p', type: 'int *', initial: 'y' },
      { name: 'y', type: 'int', initial: 0 },
    ]);
  });

  test('a register may be set, with a type or without; the name of a parameter too', () => {
    const { registers, threads } = parsed('C test\n{ 0:r1=x; int 0:r2=3; 0:z=x; }\nP0(int *x, int *z) { WRITE_ONCE(*z, r2); }\nexists (x=3)');
    expect(registers).toEqual([
      { thread: 0, name: 'r1', value: 'x' },
      { thread: 0, name: 'r2', value: 3 },
      { thread: 0, name: 'z', value: 'x' },
    ]);
    expect(threads[0]?.body).toEqual([{ kind: 'store', tag: 'once', at: register('z'), value: register('r2') }]);
  });

  test('locations come in its order, then in that of their first use', () => {
    const { locations: found } = parsed('C test\n{ y=1; x=1; }\nP0(int *x, atomic_t *z) {}\nP1(int **w) {}\nexists (v=0)');
    expect(found.map(l => `${l.type} ${l.name}`)).toEqual(['int y', 'int x', 'atomic_t z', 'int * w', 'int v']);
  });
});

describe('a thread', () => {
  test('declarations declare, and set where they have a value', () => {
    expect(body('int r0; int r1, *r2; intptr_t r3 = (intptr_t)rcu_dereference(*gp), r4 = 2;')).toEqual([
      { kind: 'assign', register: 'r3', value: { kind: 'load', tag: 'once', at: at('gp') } },
      { kind: 'assign', register: 'r4', value: number(2) },
    ]);
  });

  test.each(['READ_ONCE(*x)', 'READ_ONCE((*x))', 'READ_ONCE(*(x))', 'READ_ONCE(x)', '(int)READ_ONCE(*(int *)x)', 'atomic_read(x)'])(
    '%s is a load of x',
    code => {
      expect(expression(code)).toEqual({ kind: 'load', tag: 'once', at: at('x') });
    },
  );

  test.each([
    ['*x', { kind: 'load', tag: 'plain', at: at('x') }],
    ['smp_load_acquire(x)', { kind: 'load', tag: 'acquire', at: at('x') }],
    ['**gp', { kind: 'load', tag: 'plain', at: { kind: 'load', tag: 'plain', at: at('gp') } }],
    ['READ_ONCE(*r1)', { kind: 'load', tag: 'once', at: register('r1') }],
    ['(int *)x', at('x')],
    ['-2', number(-2)],
    ['xchg_release(x, 1)', { kind: 'rmw', op: '=', tag: 'release', at: at('x'), operand: number(1), gives: 'old' }],
    ['atomic_cmpxchg(x, 0, r1)', { kind: 'cmpxchg', tag: 'mb', at: at('x'), expected: number(0), desired: register('r1') }],
    ['atomic_fetch_andnot_acquire(2, x)', { kind: 'rmw', op: '&~', tag: 'acquire', at: at('x'), operand: number(2), gives: 'old' }],
    ['atomic_sub_return_relaxed(2, x)', { kind: 'rmw', op: '-', tag: 'once', at: at('x'), operand: number(2), gives: 'new' }],
    ['atomic_add_unless(x, 1, 0)', { kind: 'add-unless', tag: 'mb', at: at('x'), operand: number(1), unless: number(0) }],
    ['spin_trylock(s)', { kind: 'trylock', at: at('s') }],
    ['spin_is_locked(s)', { kind: 'is-locked', at: at('s') }],
    ['srcu_down_read(ss)', { kind: 'srcu-lock', at: at('ss') }],
  ] as [string, Expression][])('%s', (code, want) => {
    expect(expression(code)).toEqual(want);
  });

  test('a test form compares the new value with 0', () => {
    const decrement = { kind: 'rmw', op: '-', tag: 'mb', at: at('x'), operand: number(1), gives: 'new' };
    expect(expression('atomic_dec_and_test(x)')).toEqual({ kind: 'binary', op: '==', left: decrement, right: number(0) });
    expect(expression('atomic_add_negative(1, x)')).toMatchObject({ kind: 'binary', op: '<', left: { op: '+', gives: 'new' } });
  });

  test('operators bind as in C', () => {
    const text = (e: Expression | undefined): string => {
      if (e?.kind === 'binary') return `(${text(e.left)}${e.op}${text(e.right)})`;
      if (e?.kind === 'unary') return `(${e.op}${text(e.of)})`;
      return e?.kind === 'register' ? e.name : '?';
    };
    expect(text(expression('a | b ^ c & d == e < f << g + h - i * j'))).toBe('(a|(b^(c&(d==(e<(f<<((g+h)-(i*j))))))))');
    expect(text(expression('a || b && !c | ~d'))).toBe('(a||(b&&((!c)|(~d))))');
    expect(text(expression('a - b - (c - d)'))).toBe('((a-b)-(c-d))');
  });

  test.each([
    ['*x = 1;', [{ kind: 'store', tag: 'plain', at: at('x'), value: number(1) }]],
    ['rcu_assign_pointer(*gp, x);', [{ kind: 'store', tag: 'release', at: at('gp'), value: at('x') }]],
    [
      'smp_store_mb(*x, 1);',
      [
        { kind: 'store', tag: 'once', at: at('x'), value: number(1) },
        { kind: 'fence', fence: 'mb' },
      ],
    ],
    ['atomic_inc(x);', [{ kind: 'evaluate', value: { kind: 'rmw', op: '+', tag: 'noreturn', at: at('x'), operand: number(1), gives: 'none' } }]],
    ['(void)spin_trylock(s);', [{ kind: 'evaluate', value: { kind: 'trylock', at: at('s') } }]],
    ['synchronize_rcu_expedited();', [{ kind: 'fence', fence: 'sync-rcu' }]],
    ['srcu_up_read(ss, r1);', [{ kind: 'srcu-unlock', at: at('ss'), value: register('r1') }]],
    ['synchronize_srcu(ss); ;', [{ kind: 'sync-srcu', at: at('ss') }]],
    [
      'spin_lock(s); { spin_unlock(s); }',
      [
        { kind: 'lock', at: at('s') },
        { kind: 'unlock', at: at('s') },
      ],
    ],
  ] as [string, Statement[]][])('%s', (code, want) => {
    expect(body(code)).toEqual(want);
  });

  test('an else belongs to the nearest if', () => {
    expect(body('if (r0) if (r1) ; else smp_mb(); else { smp_rmb(); }')).toEqual([
      {
        kind: 'if',
        condition: register('r0'),
        then: [{ kind: 'if', condition: register('r1'), then: [], else: [{ kind: 'fence', fence: 'mb' }] }],
        else: [{ kind: 'fence', fence: 'rmb' }],
      },
    ]);
  });

  test('every primitive is understood', () => {
    for (const [name, { parameters, gives }] of PRIMITIVES) {
      const call = `${name}(${parameters.map(p => (p === 'memory' ? '*x' : p === 'pointer' ? 'x' : '1')).join(', ')})`;
      expect(body(gives ? `r0 = ${call};` : `${call};`).length).toBeGreaterThan(0);
    }
    expect(PRIMITIVES.size).toBeGreaterThan(100);
  });
});

describe('the end', () => {
  const r = (n: number, name: string) => ({ kind: 'register' as const, thread: n, name });
  const x = { kind: 'location' as const, name: 'x' };

  test.each([
    ['exists (x=1)', { kind: 'equals', left: x, right: 1 }],
    ['exists ([x] == -1)', { kind: 'equals', left: x, right: -1 }],
    ['exists x=1;', { kind: 'equals', left: x, right: 1 }],
    ['exists (0:r1=x)', { kind: 'equals', left: r(0, 'r1'), right: 'x' }],
    ['exists (0:r1=&x)', { kind: 'equals', left: r(0, 'r1'), right: 'x' }],
    ['exists (P0:r1=1:r2)', { kind: 'equals', left: r(0, 'r1'), right: r(1, 'r2') }],
    ['exists (0:r1=[x])', { kind: 'equals', left: r(0, 'r1'), right: x }],
    ['exists (0:r1!=0)', { kind: 'not', of: { kind: 'equals', left: r(0, 'r1'), right: 0 } }],
    ['exists (false)', { kind: 'not', of: { kind: 'true' } }],
    ['', { kind: 'true' }],
  ] as [string, Condition][])('%s', (text, want) => {
    expect(condition(text)).toEqual(want);
  });

  test('~ binds closer than /\\, and that closer than \\/', () => {
    const one = (name: string): Condition => ({ kind: 'equals', left: r(0, name), right: 1 });
    expect(condition('exists (~0:a=1 /\\ 0:b=1 \\/ not (0:c=1) /\\ (0:d=1 \\/ 0:e=1))')).toEqual({
      kind: 'or',
      of: [
        { kind: 'and', of: [{ kind: 'not', of: one('a') }, one('b')] },
        {
          kind: 'and',
          of: [
            { kind: 'not', of: one('c') },
            { kind: 'or', of: [one('d'), one('e')] },
          ],
        },
      ],
    });
  });

  test.each([
    ['exists', 'exists'],
    ['~exists', 'not-exists'],
    ['forall', 'forall'],
  ])('%s', (word, quantifier) => {
    expect(parsed(`C test\n{}\nP0(int *x) {}\n${word} (x=1)`).quantifier).toBe(quantifier);
  });

  test('locations and filter', () => {
    const { shown, filter } = parsed('C test\n{}\nP0(int *x) {}\nlocations [x; 0:r1; y]\nfilter (0:r1=1)\nexists (x=1)');
    expect(shown).toEqual([x, r(0, 'r1'), { kind: 'location', name: 'y' }]);
    expect(filter).toEqual({ kind: 'equals', left: r(0, 'r1'), right: 1 });
  });
});

describe('a text that is no test is told where, and what was expected', () => {
  test.each([
    ['', '1:1: expected `C` and the name of the test'],
    ['PPC test\n{}', '1:1: expected `C` and the name of the test'],
    ['C test', '1:7: expected `{` of the init section, found the end'],
    ['C test\nP0(int *x) { }', '2:1: expected `{` of the init section, found `P0`'],
    ['C test\n{ x=; }', '2:5: expected a value, found `;`'],
    ['C test\n{ int x[2]; }', '2:8: arrays are not supported'],
    ['C test\n{}\nexists (x=1)', '3:1: expected `P0(`, found `exists`'],
    ['C test\n{}\nP1(int *x) {}', '3:1: expected `P0`, found `P1`'],
    ['C test\n{}\nP0(int x) {}', '3:8: the parameter x is no pointer'],
    ['C test\n{}\nP0(int *x) {', '3:13: expected `}`, found the end'],
    ['C test\n{}\nP0(int *x) {}\nexists (x 1)', '4:11: expected `=`, found `1`'],
    ['C test\n{}\nP0(int *x) {}\nexists (1:r0=1)', '4:9: there is no thread P1'],
    ['C test\n{}\nP0(int *x) {}\nexists (x=1) again', '4:14: expected the end of the test, found `again`'],
    ['C test\n{}\nP0(int *x) {}\nP1(int *y) { r0 = *x; }', '4:20: x is no parameter of P1'],
    ['C test\n(* {}', '2:1: this comment has no end'],
    ['C test\n{ x=1; x=2; }\nP0(int *x) {}', '2:8: x is set twice'],
  ])('%j', (text, want) => {
    expect(problems(text)).toEqual([want]);
  });

  test.each([
    ['while (r0) { }', '5:1: `while` is not supported'],
    ['do { } while (r0);', '5:1: `do` is not supported'],
    ['for (;;) { }', '5:1: `for` is not supported'],
    ['r0 = 1', '6:1: expected `;`, found `}`'],
    ['r0 = ;', '5:6: expected an expression, found `;`'],
    ['x = 1;', '5:1: x is a parameter and cannot be assigned; memory is written as *x'],
    ['r0 = READ_ONCE(r1);', '5:16: READ_ONCE() takes memory, as in `*x`'],
    ['r0 = smp_mb();', '5:6: smp_mb() gives no value'],
    ['WRITE_ONCE(*x);', '5:11: WRITE_ONCE() takes 2 arguments, not 1'],
    ['int r0[2];', '5:7: arrays are not supported'],
    ['r0 = 99999999999999999999;', '5:6: no integer is written `99999999999999999999`'],
  ])('%j', (code, want) => {
    expect(thread(code)).toEqual([want]);
  });

  test('unknown functions are all named', () => {
    expect(thread('r0 = foo(x, bar()) + 1;\nbaz();')).toEqual([
      '5:6: unknown function foo()',
      '5:13: unknown function bar()',
      '6:1: unknown function baz()',
    ]);
  });
});

describe('any text', () => {
  const whole = `C test\n{ int *p = &x; 0:r1=x; }\nP0(int **p, spinlock_t *s)\n{\n\tint *r0;\n\tif (READ_ONCE(*p) == 1) { *r0 = xchg(s, 1); }\n\telse spin_lock(s);\n}
locations [x; 0:r0]\nfilter (x=1)\nexists (~(0:r1=x /\\ x=1) \\/ p=x)\n`;

  test('gives a value or problems, and never throws', () => {
    const pieces = fc.constantFrom(...(whole.match(/\w+|\s+|./g) ?? []), '(*', '*)', '/*', '//', '"', '{', '}', '=>', '\0', '\u{1f512}');
    const holds = (text: string) => {
      const { value, problems: found } = parseLitmus(text);
      expect(value === null).toBe(found.length > 0);
    };
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(20), pieces, (from, length, piece) =>
        holds(whole.slice(0, from) + piece + whole.slice(from + length)),
      ),
      {
        numRuns: 1000,
        seed: 1,
      },
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), parts => holds(`C t\n{}\n${parts.join('')}`)),
      { numRuns: 500, seed: 2 },
    );
    // fc.string() of all of Unicode makes a table of it first.
    const character = fc.oneof(fc.nat(0x7f), fc.nat(0x10ffff)).map(code => String.fromCodePoint(code));
    fc.assert(
      fc.property(fc.array(character), all => holds(all.join(''))),
      { numRuns: 300, seed: 3 },
    );
  });

  test('has bounds for nesting and for chains, and is read in linear time', () => {
    expect(thread(`${'{'.repeat(50_000)}${'}'.repeat(50_000)}`)[0]).toContain('nothing may nest deeper');
    expect(thread(`r0 = ${'('.repeat(50_000)}1;`)[0]).toContain('nothing may nest deeper');
    expect(thread(`r0 = ${'-'.repeat(50_000)}1;`)[0]).toContain('nothing may nest deeper');
    expect(thread(`${'if (1) '.repeat(50_000)};`)[0]).toContain('nothing may nest deeper');
    expect(thread(`r0 = 1${' + 1'.repeat(50_000)};`)[0]).toContain('operators in a row');
    expect(problems(`C t\n{}\nP0(int *x) {}\nexists ${'~('.repeat(50_000)}`)[0]).toContain('nothing may nest deeper');
    expect(problems(`C t\n${'(* '.repeat(100_000)}`)).toEqual(['2:1: this comment has no end']);
    expect(problems(`C t\n{}\n${'/* '.repeat(100_000)}`)).toEqual(['3:1: this comment has no end']);
    expect(thread('r0 = 1; '.repeat(50_000))).toEqual([]);
    expect(problems('x'.repeat(2_000_000))).toEqual(['1:1: expected `C` and the name of the test']);
    expect(problems(`C t\n${'x'.repeat(2_000_000)}`)[0]).toContain('at most');
  });
});
