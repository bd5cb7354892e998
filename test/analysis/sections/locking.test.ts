import { expect, test } from 'vitest';
import { heldOnEntry } from '../../../src/analysis/entry/callers.ts';
import { irqHandlerOf, rolesOf, runsInTask } from '../../../src/analysis/entry/roles.ts';
import { surelyTakes, sureSleep } from '../../../src/analysis/entry/sleeping.ts';
import { failedReleases } from '../../../src/analysis/sections/failedlocks.ts';
import { leaksOf } from '../../../src/analysis/sections/leaks.ts';
import { maySerialise, serialisers } from '../../../src/analysis/sections/locking.ts';
import type { World } from '../../../src/model/rule.ts';
import { sectionText } from '../../../src/model/section.ts';
import { worldOfText } from '../../code.ts';

function named(world: World, name: string) {
  const fn = world.functions.find(f => f.name === name);
  if (!fn) throw new Error(`no function ${name}`);
  return fn;
}

const LOCKED_BY_ALL = `
struct depot { spinlock_t lock; int n; };
static void depot_count(struct depot *d) { d->n++; }
void depot_in(struct depot *d) { spin_lock(&d->lock); depot_count(d); spin_unlock(&d->lock); }
void depot_out(struct depot *d) { spin_lock_irq(&d->lock); depot_count(d); spin_unlock_irq(&d->lock); }
`;

test('what all callers of a static function hold is held when it begins', async () => {
  const world = await worldOfText(LOCKED_BY_ALL);
  expect(heldOnEntry(named(world, 'depot_count'), world).locks.map(sectionText)).toEqual(['spin:struct depot.lock']);
});

test('one caller without the lock is enough for it not to be held', async () => {
  const world = await worldOfText(`${LOCKED_BY_ALL}void depot_peek(struct depot *d) { depot_count(d); }\n`);
  expect(heldOnEntry(named(world, 'depot_count'), world).locks).toEqual([]);
});

test('a function whose address is given away has callers out of view', async () => {
  const world = await worldOfText(`${LOCKED_BY_ALL}static const struct depot_ops ops = { .count = depot_count };\n`);
  expect(heldOnEntry(named(world, 'depot_count'), world).locks).toEqual([]);
  expect(world.mentions(named(world, 'depot_count'))).toMatchObject([{ line: 6, member: 'count', call: null, argument: 0 }]);
});

test('a lock of the whole system is given back by its unlock, in a helper too', async () => {
  const world = await worldOfText(`
static void depot_done(void) { rtnl_unlock(); }
int depot_close(struct depot *d)
{
	rtnl_lock();
	d->open = false;
	depot_done();
	d->closed = true;
	return 0;
}
`);
  const fn = named(world, 'depot_close');
  expect(fn.events.find(e => e.cell?.path === 'open')?.locks.map(sectionText)).toEqual(['rtnl:rtnl']);
  expect(fn.events.find(e => e.cell?.path === 'closed')?.locks).toEqual([]);
});

test('a helper that unlocks ends the context with the lock', async () => {
  const world = await worldOfText(`
static void depot_done(struct depot *d) { d->n = 0; spin_unlock_bh(&d->lock); }
void depot_close(struct depot *d)
{
	spin_lock_bh(&d->lock);
	depot_done(d);
	d->closed = true;
}
`);
  const closed = named(world, 'depot_close').events.find(e => e.cell?.path === 'closed');
  expect([closed?.locks, closed?.context]).toEqual([[], []]);
});

test('a way out that keeps the lock is told at its own return', async () => {
  const world = await worldOfText(`
int depot_take(struct depot *d)
{
	mutex_lock(&d->lock);
	if (d->n == 0)
		return -ENOENT;
	d->n--;
	mutex_unlock(&d->lock);
	return 0;
}
`);
  expect(leaksOf(named(world, 'depot_take'), world.functions).map(l => [sectionText(l.taking.lock), l.line])).toEqual([
    ['mutex:struct depot.lock', 6],
  ]);
});

test('BUG() is no way out', async () => {
  const world = await worldOfText(`
int depot_take(struct depot *d)
{
	mutex_lock(&d->lock);
	if (d->n < 0)
		BUG();
	d->n--;
	mutex_unlock(&d->lock);
	return 0;
}
`);
  expect(leaksOf(named(world, 'depot_take'), world.functions)).toEqual([]);
});

test('a break out of a switch is no end of an if', async () => {
  const world = await worldOfText(`
int depot_do(struct depot *d, int what)
{
	int err = 0;

	switch (what) {
	case 1:
		mutex_lock(&d->lock);
		if (d->n == 0) {
			err = -ENOENT;
			break;
		}
		d->n--;
		mutex_unlock(&d->lock);
		break;
	default:
		err = -EINVAL;
	}
	return err;
}
`);
  expect(leaksOf(named(world, 'depot_do'), world.functions).map(l => l.line)).toEqual([9]);
});

test('a failed attempt leads to a release once, and not behind a second one', async () => {
  const world = await worldOfText(`
void depot_bad(struct depot *d)
{
	if (!mutex_trylock(&d->lock))
		d->busy++;
	mutex_unlock(&d->lock);
}
void depot_good(struct depot *d)
{
	if (!mutex_trylock(&d->lock))
		mutex_lock(&d->lock);
	mutex_unlock(&d->lock);
}
`);
  expect(failedReleases(named(world, 'depot_bad')).map(f => f.release.line)).toEqual([6]);
  expect(failedReleases(named(world, 'depot_good'))).toEqual([]);
});

test('a lock that a callee surely takes is named in the words of the caller', async () => {
  const world = await worldOfText(`
static void depot_reset(struct depot *x) { spin_lock(&x->lock); for (x->n = 0; x->n < x->most; x->n++) depot_fill(x); spin_unlock(&x->lock); }
void depot_clear(struct yard *y) { depot_reset(y->depot); }
`);
  const fn = named(world, 'depot_clear');
  const call = fn.events.find(e => e.api === 'depot_reset');
  expect(call && surelyTakes(fn, call, world.functions).map(l => [sectionText(l.lock), l.base])).toEqual([['spin:struct depot.lock', 'y->depot']]);
});

test('a function sleeps surely only where every run comes to it', async () => {
  const world = await worldOfText(`
void depot_rest(struct depot *d) { d->n++; msleep(1); }
void depot_may_rest(struct depot *d) { if (d->tired) msleep(1); }
`);
  expect(sureSleep(named(world, 'depot_rest'), world.functions)?.api).toBe('msleep');
  expect(sureSleep(named(world, 'depot_may_rest'), world.functions)).toBeNull();
});

test('who runs a function follows from where its name is handed out', async () => {
  const world = await worldOfText(`
static void depot_touch(struct depot *d) { d->n++; }
static irqreturn_t depot_irq(int irq, void *d) { depot_touch(d); return IRQ_HANDLED; }
static irqreturn_t depot_thread(int irq, void *d) { return IRQ_HANDLED; }
static int depot_show(struct seq_file *s, void *v) { return 0; }
DEFINE_SHOW_ATTRIBUTE(depot);
int depot_add(struct depot *d)
{
	return request_threaded_irq(d->irq, depot_irq, depot_thread, 0, "depot", d);
}
`);
  expect([...rolesOf(named(world, 'depot_irq'), world)]).toEqual(['hardirq']);
  expect([...rolesOf(named(world, 'depot_thread'), world)]).toEqual(['task']);
  expect(runsInTask(named(world, 'depot_show'), world)).toBe(true);
  expect(irqHandlerOf(named(world, 'depot_touch'), world)?.name).toBe('depot_irq');
});

test('a helper that names the lock it gives back otherwise in its head gives it back', async () => {
  const world = await worldOfText(`
struct barn { spinlock_t lock; int n; };
static void barn_leave(struct door *d) __releases(b->lock) { struct barn *b = barn_of(d); spin_unlock(&b->lock); }
void barn_count(struct door *d)
{
	struct barn *b = barn_of(d);

	spin_lock(&b->lock);
	barn_leave(d);
	b->n = 0;
}
`);
  expect(named(world, 'barn_count').events.find(e => e.cell?.path === 'n')?.locks).toEqual([]);
});

test('interrupts that a caller finds off are off for what it calls before it switches them on', async () => {
  const world = await worldOfText(`
static void depot_first(struct depot *d) { d->n = 1; }
static void depot_then(struct depot *d) { d->n = 2; }
void depot_sleep(struct depot *d)
{
	lockdep_assert_irqs_disabled();
	depot_first(d);
	local_irq_enable();
	depot_then(d);
	local_irq_disable();
}
`);
  expect(heldOnEntry(named(world, 'depot_first'), world).context.map(sectionText)).toEqual(['irqs-off']);
  expect(heldOnEntry(named(world, 'depot_then'), world).context).toEqual([]);
});

test('a read side of the whole system keeps nobody from data', async () => {
  const { functions } = await worldOfText(
    'void f(struct depot *d)\n{\n\tcpus_read_lock();\n\tsb_start_write(d->sb);\n\td->n = 1;\n\tdown_read(&d->sem);\n\td->n = 2;\n}\nvoid g(struct depot *d)\n{\n\tcpus_write_lock();\n\td->n = 3;\n}\n',
  );
  const writes = functions.flatMap(fn => fn.events.filter(e => e.kind === 'write'));
  expect(writes.map(e => [serialisers(e.locks).map(sectionText), maySerialise(e)])).toEqual([
    [[], false],
    [['rwsem:struct depot.sem (shared)'], true],
    [['cpu-hotplug:cpu-hotplug'], true],
  ]);
});

test('an object whose lock is held is there: a helper that asks for NULL before it unlocks leaves nothing held', async () => {
  const world = await worldOfText(`
static void depot_close(struct depot *d)
{
	if (!d)
		return;
	mutex_unlock(&d->lock);
}
int depot_count(struct depot *d, int most)
{
	mutex_lock(&d->lock);
	if (d->n > most) {
		depot_close(d);
		return -E2BIG;
	}
	mutex_unlock(&d->lock);
	return 0;
}
int depot_keep(struct depot *d, int most)
{
	mutex_lock(&d->lock);
	if (!most)
		return -E2BIG;
	mutex_unlock(&d->lock);
	return 0;
}
`);
  const lines = (name: string) => leaksOf(named(world, name), world.functions).map(l => l.line);
  expect([lines('depot_count'), lines('depot_keep')]).toEqual([[], [22]]);
});
