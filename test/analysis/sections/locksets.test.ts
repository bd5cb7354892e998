import { describe, expect, test } from 'vitest';
import { sectionText } from '../../../src/model/section.ts';
import { functionOf, functionsOf } from '../../c/compact.ts';

/** What is held at each plain write, in the order of the text: sure locks, then those of some path behind a `?`, then the context. */
async function held(body: string): Promise<string[]> {
  const fn = await functionOf(body);
  return fn.events
    .filter(e => e.kind === 'write')
    .map(e =>
      [...e.locks.map(sectionText), ...e.maybeLocks.map(l => `?${sectionText(l)}`), ...e.context.map(sectionText)]
        .map(l => l.replace(/struct s\./, ''))
        .join(' '),
    );
}

describe('locks along the flow', () => {
  test.each<[string, string, string[]]>([
    ['held on both arms is held behind them', 'if (v) mutex_lock(&x->m); else mutex_lock(&x->m); x->n = 1;', ['mutex:m']],
    [
      'a condition that left no way to go on is one that may change',
      'mutex_lock(&x->m); if (!x->flags) { mutex_unlock(&x->m); return; } mutex_unlock(&x->m); work(); mutex_lock(&x->m); if (!x->flags) x->n = 1; mutex_unlock(&x->m);',
      ['mutex:m'],
    ],
    [
      'a lock is given back by what its taker gave',
      'spinlock_t *ptl = pmd_lock(x->mm, x->pmd); x->n = 1; spin_unlock(ptl); x->n = 2; y->ptl = pmd_lock(x->mm, x->pmd); x->n = 3; spin_unlock(y->ptl); x->n = 4;',
      ['spin:pmd preempt-off', '', 'spin:pmd preempt-off', 'spin:pmd preempt-off', ''],
    ],
    ['held on one arm is held perhaps', 'if (v) mutex_lock(&x->m); x->n = 1;', ['?mutex:m']],
    [
      'two locks nest',
      'mutex_lock(&x->m); spin_lock(&x->lock); x->n = 1; spin_unlock(&x->lock); x->n = 2;',
      ['mutex:m spin:lock preempt-off', 'mutex:m'],
    ],
    [
      'a loop that gives back and takes again holds throughout',
      'mutex_lock(&x->m); while (v--) { x->n = 1; mutex_unlock(&x->m); mutex_lock(&x->m); } x->n = 2;',
      ['mutex:m', 'mutex:m'],
    ],
    ['a loop that gives back may not hold', 'mutex_lock(&x->m); while (v--) { x->n = 1; mutex_unlock(&x->m); }', ['?mutex:m']],
    [
      'cleanup by goto',
      'mutex_lock(&x->m); if (v) goto out; x->n = 1;\nout:\n\tx->n = 2; mutex_unlock(&x->m); x->n = 3;',
      ['mutex:m', 'mutex:m', ''],
    ],
    ['goto past the unlock', 'mutex_lock(&x->m); if (v) goto out; mutex_unlock(&x->m);\nout:\n\tx->n = 1;', ['?mutex:m']],
    [
      'switch arms',
      'spin_lock(&x->lock); switch (v) { case 1: spin_unlock(&x->lock); break; default: x->n = 1; spin_unlock(&x->lock); } x->n = 2;',
      ['spin:lock preempt-off', ''],
    ],
    ['unlock of one of two objects of a type is told apart by nothing', 'mutex_lock(&x->m); mutex_unlock(&y->m); x->n = 1;', ['']],
    ['an own lock by its words', 'foo_lock(x); x->n = 1; foo_unlock(x); x->n = 2;', ['foo:x', '']],
    [
      'of two conditions only one is tested again, so that a lock under both may be held',
      'int w = pick(); if (v) { if (pick()) mutex_lock(&x->m); } if (v) x->n = 1;',
      ['?mutex:m'],
    ],
    ['a try that nobody tests is one that may have failed', 'mutex_trylock(&x->m); x->n = 1;', ['?mutex:m']],
    ['a lock that was held before a failed try of it is held still', 'mutex_lock(&x->m); if (!mutex_trylock(&x->m)) x->n = 1;', ['mutex:m']],
    [
      'an assertion tells no more of what is acquired after it',
      'lockdep_assert_held(&x->m); mutex_lock(&x->m); x->n = 1; mutex_unlock(&x->m); x->n = 2;',
      ['mutex:m', ''],
    ],
    [
      'locks are listed as they were acquired',
      'spin_lock(&x->b); spin_lock(&x->a); spin_unlock(&x->b); spin_lock(&x->b); x->n = 1;',
      ['spin:a spin:b preempt-off'],
    ],
    ['words without a pair are no lock', 'foo_lock(x); x->n = 1;', ['']],
    [
      'a section of SRCU is that of its srcu_struct',
      'int i = srcu_read_lock(&x->a); x->n = 1; int j = srcu_read_lock(&x->b); x->n = 2; srcu_read_unlock(&x->a, i); x->n = 3; srcu_read_unlock(&x->b, j); x->n = 4;',
      ['srcu-read:a', 'srcu-read:a srcu-read:b', 'srcu-read:b', ''],
    ],
    [
      'and ends with it where it has another name by then',
      'int i = srcu_read_lock(&x->a); x->n = 1; srcu_read_unlock(find(x), i); x->n = 2;',
      ['srcu-read:a', ''],
    ],
    ['irqs are on or off, not counted', 'local_irq_disable(); local_irq_disable(); x->n = 1; local_irq_enable(); x->n = 2;', ['irqs-off', '']],
    [
      'preemption is on again without a look at who else is to run',
      'preempt_disable(); x->n = 1; sched_preempt_enable_no_resched(); x->n = 2;',
      ['preempt-off', ''],
    ],
    ['preemption is counted', 'preempt_disable(); preempt_disable(); preempt_enable(); x->n = 1; preempt_enable(); x->n = 2;', ['preempt-off', '']],
  ])('%s', async (_, body, expected) => {
    expect(await held(body)).toEqual(expected);
  });
});

test('a context that some path is in is one of those that may hold', async () => {
  const fn = await functionOf('if (v) rcu_read_lock(); x->n = 1; if (v) { x->n = 2; rcu_read_unlock(); } x->n = 3;');
  const writes = fn.events.filter(e => e.kind === 'write');
  expect(writes.map(e => [e.context.map(sectionText), e.maybeContext.map(sectionText)])).toEqual([
    [[], ['rcu-read']],
    [['rcu-read'], []],
    [[], []],
  ]);
});

test('more acquisitions than have states of their own are followed all the same', async () => {
  const many = Array.from({ length: 20 }, (_, i) => `mutex_lock(&x->m); x->n = ${i}; mutex_unlock(&x->m); x->k = ${i};`).join(' ');
  expect(new Set(await held(many))).toEqual(new Set(['mutex:m', '']));
});

describe('conditions that go together', () => {
  test.each<[string, string, string[]]>([
    ['the same test takes and gives back', 'if (v) mutex_lock(&x->m); if (v) { x->n = 1; mutex_unlock(&x->m); } x->n = 2;', ['mutex:m', '']],
    ['the opposite test does not hold', 'if (v) mutex_lock(&x->m); if (!v) x->n = 1; if (v) mutex_unlock(&x->m);', ['']],
    ['a variable that changes in between', 'if (v) mutex_lock(&x->m); v = i; if (v) { x->n = 1; }', ['?mutex:m']],
    [
      'a result kept in a variable',
      'int got = mutex_trylock(&x->m); if (got) x->n = 1; x->n = 2; if (got) mutex_unlock(&x->m); x->n = 3;',
      ['mutex:m', '?mutex:m', ''],
    ],
    ['an error that leaves', 'v = mutex_lock_interruptible(&x->m); if (v != 0) return v; x->n = 1;', ['mutex:m']],
    ['a result that is not looked at', 'mutex_trylock(&x->m); x->n = 1;', ['?mutex:m']],
    ['two tries in one condition', 'if (spin_trylock(&x->lock) && mutex_trylock(&x->m)) x->n = 1;', ['spin:lock mutex:m preempt-off']],
  ])('%s', async (_, body, expected) => {
    expect(await held(body)).toEqual(expected);
  });
});

describe('locks of the caller', () => {
  test.each<[string, string, string[]]>([
    ['unlock, work, lock again', 'mutex_unlock(&x->m); x->n = 1; mutex_lock(&x->m); x->n = 2;', ['', 'mutex:m']],
    ['what is given back was held before', 'x->n = 1; mutex_unlock(&x->m);', ['mutex:m']],
    ['unless something unknown may have taken it', 'begin(x); x->n = 1; mutex_unlock(&x->m);', ['']],
    ['an assertion holds from there on', 'x->n = 1; lockdep_assert_held(&x->m); x->n = 2;', ['', 'asserted:m']],
    ['an assertion for reading is shared', 'lockdep_assert_held_read(&x->sem); x->n = 1;', ['asserted:sem (shared)']],
    ['of a lock of which there is one too', 'lockdep_assert_cpus_held(); x->n = 1;', ['asserted:cpu-hotplug (shared)']],
    ['an annotation for reading is shared', 'void f(struct s *x) __must_hold_shared(&x->sem)\n{\n\tx->n = 1;\n}', ['asserted:sem (shared)']],
    ['an annotation holds from the first line', 'void f(struct s *x) __must_hold(&x->m)\n{\n\tx->n = 1;\n}', ['asserted:m']],
    ['the function is named so', 'void f_locked(struct s *x)\n{\n\tx->n = 1;\n}', ['named:f_locked']],
  ])('%s', async (_, body, expected) => {
    expect(await held(body)).toEqual(expected);
  });
  test('are listed', async () => {
    const fn = await functionOf('void f_locked(struct s *x) __must_hold(&x->m)\n{\n\tlockdep_assert_held(&x->lock);\n\tx->n = 1;\n}');
    expect(fn.entryLocks.map(sectionText)).toEqual(['asserted:struct s.lock', 'asserted:struct s.m', 'named:f_locked']);
  });
  test('an assertion behind a lock of its own says nothing of the caller', async () => {
    expect((await functionOf('mutex_lock(&x->m); lockdep_assert_held(&x->m); x->n = 1;')).entryLocks).toEqual([]);
  });
});

describe('helpers in view', () => {
  const at = async (text: string) => {
    const fn = (await functionsOf(text)).at(-1);
    return fn?.events
      .filter(e => e.kind === 'write')
      .map(e =>
        [...e.locks.map(sectionText), ...e.maybeLocks.map(l => `?${sectionText(l)}`), ...e.context.map(sectionText)]
          .map(l => l.replace(/struct s\./, ''))
          .join(' '),
      );
  };
  test.each<[string, string, string[]]>([
    [
      'that take a lock',
      'static void begin(struct s *x)\n{\n\tmutex_lock(&x->m);\n}\nvoid f(struct s *x)\n{\n\tbegin(x);\n\tx->n = 1;\n\tmutex_unlock(&x->m);\n}',
      ['mutex:m'],
    ],
    [
      'that give it back',
      'static void end(struct s *x)\n{\n\tmutex_unlock(&x->m);\n}\nvoid f(struct s *x)\n{\n\tmutex_lock(&x->m);\n\tx->n = 1;\n\tend(x);\n\tx->n = 2;\n}',
      ['mutex:m', ''],
    ],
    [
      'that take the lock they are given',
      'static void my_lock(spinlock_t *l)\n{\n\tspin_lock(l);\n}\nvoid f(struct s *x)\n{\n\tmy_lock(&x->lock);\n\tx->n = 1;\n}',
      ['spin:lock preempt-off'],
    ],
    [
      'that may fail to',
      'static bool begin(struct s *x)\n{\n\tmutex_lock(&x->m);\n\tif (x->flags) {\n\t\tmutex_unlock(&x->m);\n\t\treturn false;\n\t}\n\treturn true;\n}\nvoid f(struct s *x)\n{\n\tif (!begin(x))\n\t\treturn;\n\tx->n = 1;\n}',
      ['mutex:m'],
    ],
    [
      'through another helper',
      'static void a(struct s *x)\n{\n\tmutex_lock(&x->m);\n}\nstatic void b(struct s *x)\n{\n\ta(x);\n}\nvoid f(struct s *x)\n{\n\tb(x);\n\tx->n = 1;\n}',
      ['mutex:m'],
    ],
    [
      'that unlock what they come by round after round, which is none of the caller’s',
      'static void all(struct batch *b)\n{\n\tfor (int i = 0; i < size(b); i++) {\n\t\tstruct folio *folio = b->all[i];\n\n\t\tif (!load(&folio))\n\t\t\tfolio_unlock(folio);\n\t}\n}\nvoid f(struct s *x, struct batch *b)\n{\n\tx->n = 1;\n\tall(b);\n\tx->n = 2;\n}',
      ['', ''],
    ],
    [
      'that unlock what a call out of view may have locked, which the caller need not hold',
      'static int peek(struct s *x)\n{\n\tif (grab(x))\n\t\tmutex_unlock(&x->m);\n\treturn 0;\n}\nstatic int look(struct s *x)\n{\n\treturn peek(x);\n}\nvoid f(struct s *x)\n{\n\tx->n = 1;\n\tlook(x);\n\tx->n = 2;\n}',
      ['', ''],
    ],
    ['that are macros', '#define begin(p) do { mutex_lock(&(p)->m); } while (0)\nvoid f(struct s *x)\n{\n\tbegin(x);\n\tx->n = 1;\n}', ['?']],
    ['that call themselves', 'static void a(struct s *x)\n{\n\tif (x->n)\n\t\ta(x->next);\n}\nvoid f(struct s *x)\n{\n\ta(x);\n\tx->n = 1;\n}', ['']],
    [
      'that stand below',
      'static void end(struct s *x);\nvoid f(struct s *x)\n{\n\tbegin(x);\n\tx->n = 1;\n\tend(x);\n\tx->n = 2;\n}\nstatic void begin(struct s *x)\n{\n\tmutex_lock(&x->m);\n}\nstatic void end(struct s *x)\n{\n\tmutex_unlock(&x->m);\n}',
      [],
    ],
  ])('%s', async (_, text, expected) => {
    if (expected[0] === '?') return expect((await at(text))?.join()).toContain('m');
    expect(await at(text)).toEqual(expected);
  });
});
