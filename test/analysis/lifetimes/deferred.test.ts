import { expect, test } from 'vitest';
import { rules } from '../../../rules/index.ts';
import { deferredIn, queueOf, runBy } from '../../../src/analysis/lifetimes/deferred.ts';
import { standsHere } from '../../../src/c/calls/callees.ts';
import { review } from '../../../src/engine/review.ts';
import type { Event } from '../../../src/model/code.ts';
import { grammar, patchOf, threadOf, worldOfText } from '../../code.ts';

const MILL = `
struct mill {
	struct work_struct grind;
	struct delayed_work oil;
	struct timer_list bell;
	struct workqueue_struct *queue;
	struct kref ref;
};
static void mill_grind(struct work_struct *w) { }
static void mill_ring(struct timer_list *t) { }
static void mill_gone(struct kref *ref) { }
void mill_setup(struct mill *m)
{
	INIT_WORK(&m->grind, mill_grind);
	INIT_DEFERRABLE_WORK(&m->oil, mill_grind);
	timer_setup(&m->bell, mill_ring, 0);
}
void mill_run(struct mill *m)
{
	queue_work(m->queue, &m->grind);
	queue_delayed_work(system_wq, &m->oil, HZ);
	mod_timer(&m->bell, jiffies);
	mill_watch(&m->bell);
}
static void mill_stop(struct mill *m)
{
	if (work_pending(&m->grind))
		cancel_work_sync(&m->grind);
	cancel_delayed_work_sync(&m->oil);
	timer_delete(&m->bell);
	destroy_workqueue(m->queue);
}
void mill_end(struct mill *m)
{
	mill_stop(m);
	kref_put(&m->ref, mill_gone);
}
`;

async function items() {
  const world = await worldOfText(MILL);
  return { world, found: deferredIn(world.files[0]?.functions ?? []) };
}

test('an item is known by where it is set up, queued, taken off and waited for', async () => {
  const { found } = await items();
  const lines = (sites: readonly { event: Event }[]) => sites.filter(site => standsHere(site.event)).map(site => site.event.api);
  expect(found.map(i => [i.kind, i.delayed, i.type, i.path, i.handler?.name])).toEqual([
    ['work', false, 'struct mill', 'grind', 'mill_grind'],
    ['work', true, 'struct mill', 'oil', 'mill_grind'],
    ['timer', false, 'struct mill', 'bell', 'mill_ring'],
  ]);
  expect(found.map(i => [lines(i.queued), lines(i.waited), lines(i.takenOff), lines(i.drained), lines(i.handedOut)])).toEqual([
    [['queue_work'], [], ['cancel_work_sync'], ['destroy_workqueue'], []],
    [['queue_delayed_work'], ['cancel_delayed_work_sync'], [], [], []],
    [['mod_timer'], [], ['timer_delete'], [], ['mill_watch']],
  ]);
});

test('a queue has a name where it is not one of the system’s', async () => {
  const { found } = await items();
  expect(found.flatMap(i => i.queued.map(site => queueOf(site.event)))).toEqual(['queue', null, null]);
});

test('what the last put of a reference runs is run', async () => {
  const { world } = await items();
  const end = world.functions.find(f => f.name === 'mill_end');
  expect(end && [...runBy(end, world)].map(f => f.name)).toEqual(['mill_end', 'mill_stop', 'mill_gone']);
});

test('an object that a helper frees behind a take-off is told once', async () => {
  const text = `
struct mill {
	struct timer_list bell;
	int rings;
};
static void mill_ring(struct timer_list *t)
{
	struct mill *m = from_timer(m, t, bell);

	m->rings++;
}
static irqreturn_t mill_irq(int irq, void *data)
{
	struct mill *m = data;

	mod_timer(&m->bell, jiffies + HZ);
	return IRQ_HANDLED;
}
static int mill_connect(struct serio *serio, struct serio_driver *drv)
{
	struct mill *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	timer_setup(&m->bell, mill_ring, 0);
	serio_set_drvdata(serio, m);
	return request_irq(7, mill_irq, 0, "mill", m);
}
static void mill_free(struct mill *m)
{
	timer_delete(&m->bell);
	kfree(m);
}
static void mill_disconnect(struct serio *serio)
{
	struct mill *m = serio_get_drvdata(serio);

	free_irq(7, m);
	mill_free(m);
}
static struct serio_driver mill_driver = {
	.connect = mill_connect,
	.disconnect = mill_disconnect,
};
`;
  const teardown = rules.filter(r => r.id === 'work-outlives-owner' || r.id === 'timer-alive-at-free');
  const result = review(threadOf([patchOf({ 'drivers/example/mill.c': text })]), { grammar: await grammar(), rules: teardown });
  expect(result.reviews.flatMap(r => r.findings.map(f => [f.rule, f.function]))).toEqual([['timer-alive-at-free', 'mill_free']]);
});
