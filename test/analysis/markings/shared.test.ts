import { expect, test } from 'vitest';
import { cellKey } from '../../../src/analysis/query.ts';
import { worldOfText } from '../../code.ts';

const TYPES = `struct s {
	spinlock_t lock;
	struct mutex m;
	int n;
	int other;
	atomic_t refs;
	unsigned long flags;
	struct s __rcu *rp;
	struct list_head list;
};
static int total;
static DEFINE_SPINLOCK(big_lock);
`;

/** The kinds of evidence for `n` of struct s, or for the cell named, each with its line behind the types. */
async function evidence(text: string, path = 'n', file?: string): Promise<string[]> {
  const world = await worldOfText(`${TYPES}${text}`, file);
  const type = path === 'total' ? null : 'struct s';
  const first = TYPES.split('\n').length - 1;
  return world.shared(cellKey({ type, path, bit: null, base: 'x' })).map(e => `${e.kind} ${e.line - first}: ${e.text}`);
}

const f = (body: string, head = 'void f(struct s *x, struct s *y)') => `${head}\n{\n\t${body}\n}\n`;

test.each<[string, string, string[], string?]>([
  ['a plain access says nothing', f('x->n = 1;'), []],
  ['a marked one does', f('WRITE_ONCE(x->n, 1);'), ['marked 3: WRITE_ONCE() in f()']],
  ['an acquire does', f('smp_load_acquire(&x->n);'), ['marked 3: smp_load_acquire() in f()']],
  ['a race that is meant does', f('return data_race(x->n);', 'int f(struct s *x)'), ['data-race 3: data_race() in f()']],
  ['an atomic type does', f('atomic_inc(&x->refs);'), ['atomic 3: atomic_inc() in f()'], 'refs'],
  ['reading an atomic type does', f('atomic_read(&x->refs);'), ['atomic 3: atomic_read() in f()'], 'refs'],
  ['an atomic operation on a word does', f('set_bit(1, &x->flags);'), ['atomic 3: set_bit() in f()'], 'flags'],
  ['an operation that is not atomic does not', f('__set_bit(1, &x->flags);'), [], 'flags'],
  ['an RCU pointer is', f('rcu_assign_pointer(x->rp, y);'), ['rcu 3: rcu_assign_pointer() in f()'], 'rp'],
  ['a lock of the same object does', f('spin_lock(&x->lock); x->n = 1; spin_unlock(&x->lock);'), ['lock 3: under spin:struct s.lock in f()']],
  ['a global lock does', f('spin_lock(&big_lock); total = 1; spin_unlock(&big_lock);'), ['lock 3: under spin:big_lock in f()'], 'total'],
  ['an assertion of the lock does', f('lockdep_assert_held(&x->m); x->n = 1;'), ['lock 3: under asserted:struct s.m in f()']],
  [
    'a lock of some other object does not',
    `struct t {\n\tstruct mutex m;\n};\n${f('mutex_lock(&t->m); x->n = 1; mutex_unlock(&t->m);', 'void f(struct s *x, struct t *t)')}`,
    [],
  ],
  ['a lock held on one way only does not', f('if (y) spin_lock(&x->lock); x->n = 1;'), []],
  ['a name alone does not', f('x->n = 1;', 'void f_locked(struct s *x)'), []],
  ['a barrier beside it does', f('x->n = 1; smp_wmb(); x->other = 1;'), ['barrier 3: smp_wmb() stands beside it in f()']],
  ['a barrier further away does not', f('x->n = 1; x->other = 1; smp_wmb(); x->flags = 1;'), []],
  ['a barrier behind something unknown does not', f('x->n = 1; unseen(x); smp_wmb(); x->flags = 1;'), []],
  ['a compiler barrier does not', f('x->n = 1; barrier(); x->other = 1;'), []],
  ['what runs at initialisation does not', f('WRITE_ONCE(x->n, 1);', 'static int __init f(struct s *x)'), []],
  ['what runs at removal does not', f('WRITE_ONCE(x->n, 1);', 'static void __exit f(struct s *x)'), []],
  ['an object that nobody else knows does not', f('struct s *p = kzalloc(8, GFP_KERNEL); WRITE_ONCE(p->n, 1);'), []],
  ['an access to this CPU alone does not', f('this_cpu_inc(total);'), [], 'total'],
  ['the lock is no evidence for itself', f('spin_lock(&x->lock); spin_unlock(&x->lock);'), [], 'lock'],
])('%s', async (_, text, expected, path) => {
  expect(await evidence(text, path)).toEqual(expected);
});

test('what one function shows is evidence for all, in the order of the text', async () => {
  const text = `${f('x->n = 1;', 'void a(struct s *x)')}${f('WRITE_ONCE(x->n, 1);', 'void b(struct s *x)')}${f('READ_ONCE(p->n);', 'void c(struct s *p)')}`;
  expect(await evidence(text)).toEqual(['marked 7: WRITE_ONCE() in b()', 'marked 11: READ_ONCE() in c()']);
});

test('a test is no evidence', async () => {
  expect(await evidence(f('WRITE_ONCE(x->n, 1);'), 'n', 'lib/tests/example.c')).toEqual([]);
});

test('a cell that nothing touches has no evidence', async () => {
  expect(await evidence(f('x->n = 1;'), 'nothing')).toEqual([]);
});
