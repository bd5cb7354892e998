import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from './command.ts';

const work = mkdtempSync(join(tmpdir(), 'fencepost-events-'));
mkdirSync(join(work, 'tree/drivers'), { recursive: true });
mkdirSync(join(work, 'tree/include'), { recursive: true });
writeFileSync(join(work, 'tree/MAINTAINERS'), '');
writeFileSync(
  join(work, 'tree/drivers/lane.c'),
  '#include <lane.h>\n\nvoid lane_take(struct lane *l)\n{\n\tl->n = 1;\n\tl->m = 2;\n\tl->k = 3;\n\tl->j = 4;\n}\n',
);
writeFileSync(join(work, 'tree/include/lane.h'), 'static inline void lane_lock(struct lane *l)\n{\n\tspin_lock(&l->lock);\n}\n');
const patch = join(work, '0001-lane.patch');
writeFileSync(
  patch,
  `From: Patch Author <author@example.org>
Subject: [PATCH] lane: take it under its lock

The lock is there for this.
---
 drivers/lane.c | 1 +
 1 file changed, 1 insertion(+)

diff --git a/drivers/lane.c b/drivers/lane.c
--- a/drivers/lane.c
+++ b/drivers/lane.c
@@ -5,3 +5,4 @@ void lane_take(struct lane *l)
 	l->n = 1;
+	lane_lock(l);
 	l->m = 2;
 	l->k = 3;
-- 
2.39.5
`,
);

function run(...args: string[]) {
  return command(['events', ...args]);
}

test('with a tree the events are those of the whole file, and a call is known by what it calls in a header', () => {
  const { status, out, err } = run('--tree', join(work, 'tree'), patch);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).toMatch(/^drivers\/lane\.c:3: lane_take\(\)/);
  expect(out).toMatch(/call +lane_lock *\n/);
  expect(out).toMatch(/ j of l +plain; under spin:struct lane\.lock/);
  expect(out).not.toContain('include/lane.h');
});

test('without a tree the call is opaque', () => {
  const { out } = run(patch);
  expect(out).toMatch(/call +lane_lock \?/);
  expect(out).not.toContain('under');
});

test('the JSON of a series has the functions of the series alone', () => {
  const { out } = run('--json', `--tree=${join(work, 'tree')}`, patch);
  const functions: { path: string; name: string; whole: boolean }[] = JSON.parse(out).functions;
  expect(functions.map(f => [f.path, f.name, f.whole])).toEqual([['drivers/lane.c', 'lane_take', true]]);
});

test('a tree that is not there is one line and exit 2', () => {
  const { status, out, err } = run('--tree', join(work, 'nowhere'), patch);
  expect({ status, out }).toEqual({ status: 2, out: '' });
  expect(err.trim().split('\n')).toHaveLength(1);
});

test('an option without its folder, or one that is not known, is one line and exit 2', () => {
  for (const args of [['--tree'], ['--gone', patch]]) {
    const { status, err } = run(...args);
    expect(status).toBe(2);
    expect(err.trim().split('\n')).toHaveLength(1);
  }
});

const farm = join(work, 'farm.c');
writeFileSync(
  farm,
  `struct farm { spinlock_t lock; struct mutex m; int n; int k; };
static void farm_count(struct farm *f)
{
	f->n++;
}
static void farm_drop(struct farm *f)
{
	spin_unlock(&f->lock);
	spin_lock(&f->lock);
}
int farm_add(struct farm *f, int v)
{
	rcu_read_lock();
	if (!spin_trylock(&f->lock))
		goto out;
	farm_note(f);
	farm_count(f);
	if (v)
		mutex_lock(&f->m);
	f->k = 1;
	farm_drop(f);
	f->k = 2;
	spin_unlock(&f->lock);
	f->k = 3;
out:
	rcu_read_unlock();
	return f->n;
}
void farm_sum(struct farm *f) __must_hold(&f->lock)
{
	lockdep_assert_held(&f->m);
	f->n = 3;
}
void farm_swap_locked(struct farm *f)
{
	f->n = 2;
	spin_unlock(&f->lock);
	f->n = 3;
}
static void farm_peek(struct farm *f)
{
	f->n++;
}
void farm_look(struct farm *f)
{
	guard(mutex)(&f->m);
	farm_peek(f);
}
void farm_spy(struct farm *f)
{
	farm_peek(f);
}
void farm_till(struct farm *f)
{
	spin_lock(&f->lock); farm_turn(f);
	f->k = 4;
	spin_unlock(&f->lock);
}
static void farm_turn(struct farm *f)
{
	spin_unlock(&f->lock);
${Array.from({ length: 40 }, (_, i) => `\tif (f->n == ${i})\n\t\tfarm_row(f, ${i});`).join('\n')}
	spin_lock(&f->lock);
}
`,
);

/** What `--why` says of the line, each section with its trail, without what goes with a spinlock. */
function why(line: number): string {
  return run('--why', String(line), farm)
    .out.replace(/ {2}preempt-off.*\n(?: {4}.*\n)*/, '')
    .replace(/^.*\n/, '');
}

test('the trail of a lock begins where it is acquired and names what it is kept over', () => {
  expect(why(20)).toBe(`  rcu-read: in effect on every path
    line 13: acquired by rcu_read_lock()
    line 16: kept over farm_note(f), which is not visible
    line 17: kept over farm_count(f)
  spin:struct farm.lock: held on every path
    line 14: acquired by spin_trylock(&f->lock)
    line 14: the test of spin_trylock(&f->lock) finds it held
    line 16: kept over farm_note(f), which is not visible
    line 17: kept over farm_count(f)
  mutex:struct farm.m: held on some path only
    line 18: a path without it comes from here
    line 19: acquired by mutex_lock(&f->m)
`);
});

test('what a helper in view does is part of the trail', () => {
  expect(why(22)).toContain('  spin:struct farm.lock: held on every path\n    line 21: acquired by farm_drop(f), by spin_lock() in farm_drop()\n');
  expect(why(22)).toContain('    line 17: kept over farm_count(f)\n    line 21: kept over farm_drop(f)\n  spin:');
});

test('a helper too large to be followed is named where it may let go of it in between', () => {
  expect(why(56)).toContain('line 55: kept over farm_turn(f), which may release it in between\n');
});

test('where it is lost is part of the trail', () => {
  expect(why(24)).toContain('  spin:struct farm.lock: not held\n    line 23: lost: released by spin_unlock(&f->lock)\n');
});

test('what callers hold is told by their calls', () => {
  expect(why(4)).toContain('  spin:struct farm.lock: held at every call of the function\n    line 17: farm_add() calls it with that held\n');
  expect(why(42)).toBe(`  mutex:struct farm.m: not held
    line 47: farm_look() calls it with that held
    line 51: farm_spy() calls it without that
`);
});

test('annotations, assertions, names and releases speak of the caller', () => {
  expect(why(32)).toBe(`  asserted:struct farm.lock: held on every path
    line 29: annotated: __must_hold(&f->lock)
    line 31: kept over lockdep_assert_held(&f->m)
  asserted:struct farm.m: held on every path
    line 31: asserted by lockdep_assert_held(&f->m)
`);
  expect(why(36)).toBe(`  named:farm_swap_locked: held on every path
    line 34: by its name the caller of farm_swap_locked() holds a lock; which one is not known
  spin:struct farm.lock: held on every path
    line 37: held by the caller, since spin_unlock(&f->lock) comes before any acquisition
`);
});

test('a place of a series is named by path and line', () => {
  const { status, out } = run('--why', 'drivers/lane.c:7', '--tree', join(work, 'tree'), patch);
  expect([status, out]).toEqual([
    0,
    expect.stringContaining('  spin:struct lane.lock: held on every path\n    line 6: acquired by lane_lock(l), by spin_lock() in lane_lock()\n'),
  ]);
});

test('a line without code, a word that is no line, and --json are refused', () => {
  expect(run('--why', '1', farm)).toMatchObject({ status: 2, out: '', err: `fencepost: ${farm}: no function has code on line 1\n` });
  expect(run('--why', 'lock', farm)).toMatchObject({ status: 2, err: 'fencepost events: --why lock: is no LINE and no PATH:LINE\n' });
  expect(run('--json', '--why', '4', farm)).toMatchObject({ status: 2, err: 'fencepost events: --why takes no --json\n' });
});

test('a context that callers are in and the function enters besides is one section with one trail', () => {
  const file = join(work, 'nested.c');
  writeFileSync(
    file,
    `struct farm { int n; };
static void farm_weed(struct farm *f, int rows)
{
	int i;

	for (i = 0; i < rows; i++)
		f->n += i;
	rcu_read_lock();
	f->n = 1;
	rcu_read_unlock();
	f->n = 2;
	rcu_read_unlock();
	f->n = 3;
}
void farm_walk(struct farm *f)
{
	rcu_read_lock();
	farm_weed(f, 3);
}
`,
  );
  const trail = (line: number) => run('--why', String(line), file).out.replace(/^.*\n/, '');
  expect(trail(11)).toBe('  rcu-read: in effect at every call of the function\n    line 18: farm_walk() calls it with that held\n');
  expect(trail(13)).toBe(`  rcu-read: not in effect
    line 18: farm_walk() calls it with that held
    line 10: lost: released by rcu_read_unlock()
    line 12: lost: released by rcu_read_unlock()
`);
});

const facts = join(work, 'facts.yaml');
writeFileSync(facts, 'functions:\n  lane_lock: { like: spin_lock }\n');

test('facts that are declared count, by an option and by the configuration', () => {
  const spin = /lock +lane_lock .*acquire\n/;
  expect(run('--facts', facts, patch).out).toMatch(spin);
  const config = join(work, 'config.yaml');
  writeFileSync(config, 'facts: [facts.yaml]\n');
  expect(run('--config', config, patch).out).toMatch(spin);
  expect(run('--config', config, '--why', 'drivers/lane.c:7', patch).out).toContain('    line 6: acquired by lane_lock(l)\n');
});

test('wrong facts are one line and exit 2', () => {
  const wrong = join(work, 'wrong.yaml');
  writeFileSync(wrong, 'functions:\n  lane_lock: { like: spin_lokc }\n');
  const { status, out, err } = run('--facts', wrong, patch);
  expect([status, out, err.trim().split('\n').length]).toEqual([2, '', 1]);
  expect(run('--facts', join(work, 'nowhere.yaml'), patch).status).toBe(2);
});

test('a C file of a tree is read with the headers that it includes by quotes', () => {
  writeFileSync(join(work, 'tree/drivers/own.h'), 'struct own { spinlock_t lock; int n; };\n');
  const file = join(work, 'tree/drivers/own.c');
  writeFileSync(file, '#include "own.h"\nvoid own_set(struct own *o)\n{\n\tspin_lock(&o->lock);\n\to->n = 1;\n\tspin_unlock(&o->lock);\n}\n');
  const { out } = run('--tree', join(work, 'tree'), file);
  expect(out).toMatch(/^drivers\/own\.c:2: own_set\(\)\n/);
  expect(out).not.toContain('own.h');
});
