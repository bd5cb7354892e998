import { expect, test } from 'vitest';
import { allFacts, factOf } from '../../src/facts/lookup.ts';
import type { Does } from '../../src/model/effect.ts';
import { worldOfText } from '../code.ts';

const does = (api: string, what: Does) => factOf(api)?.effects.filter(e => e.does === what);

test('what a lock says of its family is a section that opens or closes, in its mode, surely or where the call says so', () => {
  expect(does('spin_lock', 'open')).toContainEqual({ does: 'open', section: 'spin', object: 0, mode: 'exclusive', when: null });
  expect(does('down_read_trylock', 'open')).toEqual([{ does: 'open', section: 'rwsem', object: 0, mode: 'shared', when: 'nonzero' }]);
  expect(does('mutex_lock_interruptible', 'open')).toMatchObject([{ section: 'mutex', when: 'zero' }]);
  expect(does('up_write', 'close')).toMatchObject([{ section: 'rwsem', object: 0 }]);
  expect(does('rtnl_lock', 'open')).toMatchObject([{ section: 'rtnl', object: null }]);
});

test('a context that begins or ends is a section too', () => {
  expect(does('spin_lock_irqsave', 'open')?.map(e => 'section' in e && e.section)).toEqual(['spin', 'irqs-off', 'preempt-off']);
  expect(does('rcu_read_unlock', 'close')).toMatchObject([{ section: 'rcu-read', object: null }]);
});

test('a lock that is taken where a count falls to zero names its own argument', () => {
  expect(does('refcount_dec_and_lock', 'open')).toMatchObject([{ section: 'spin', object: 1, when: 'nonzero' }]);
  expect(does('refcount_dec_and_lock', 'ref')).toMatchObject([{ by: 'put', object: 0 }]);
});

test('a call that touches several cells says each', () => {
  expect(does('list_add', 'access')).toMatchObject([
    { cell: 1, access: 'write', marked: false },
    { cell: 0, access: 'write' },
  ]);
  expect(does('list_splice_init', 'access')?.length).toBe(2);
});

test('a grace period, a handler and a queue are waited for by name', () => {
  expect(does('synchronize_net', 'quiesce')).toMatchObject([{ of: 'readers', waits: true, object: null }]);
  expect(does('synchronize_srcu', 'quiesce')).toMatchObject([{ of: 'readers', object: 0 }]);
  expect(does('rcu_barrier', 'quiesce')).toMatchObject([{ of: 'rcu' }]);
  expect(does('cancel_work', 'quiesce')).toMatchObject([{ of: 'work', waits: false, cancels: true, bars: false }]);
  expect(does('timer_shutdown_sync', 'quiesce')).toMatchObject([{ of: 'timer', waits: true, bars: true }]);
  expect(does('flush_work', 'wait')).toEqual([]);
});

test('memory is freed at once or behind a grace period; a put is no free', () => {
  expect(does('kfree', 'free')).toMatchObject([{ when: 'now', object: 0 }]);
  expect(does('kfree_rcu', 'free')).toMatchObject([{ when: 'grace-period', object: 0 }]);
  expect(does('folio_put', 'free')).toEqual([]);
  expect(does('folio_put', 'ref')).toMatchObject([{ by: 'put' }]);
});

test('a handler that is made known, with its data', () => {
  expect(does('request_threaded_irq', 'register')).toMatchObject([{ runner: 'irq', handler: 1, thread: 2, data: 5, managed: false }]);
  expect(does('call_rcu', 'register')).toMatchObject([{ runner: 'rcu', handler: 1, object: 0 }]);
});

test('what sleeps says when', () => {
  expect(does('msleep', 'sleep')).toMatchObject([{ when: 'always' }]);
  expect(does('udelay', 'sleep')).toEqual([]);
});

test('functions of one shape share their effects', () => {
  expect(factOf('mutex_lock')?.effects).toBe(factOf('mutex_lock')?.effects);
  expect(factOf('kref_get')?.effects).toBe(factOf('refcount_inc')?.effects);
});

test('no effect names an argument that a call of six can have no use for', () => {
  for (const fact of allFacts())
    for (const effect of fact.effects)
      for (const [key, value] of Object.entries(effect)) if (typeof value === 'number') expect(value, `${fact.api} ${key}`).toBeLessThan(13);
});

test('an event carries the fact of its callee and every cell that it touches', async () => {
  const { functions } = await worldOfText(`
struct lane { struct list_head node; };
struct road { struct list_head lanes; spinlock_t lock; };
void road_add(struct road *road, struct lane *lane)
{
	spin_lock(&road->lock);
	list_add(&lane->node, &road->lanes);
	spin_unlock(&road->lock);
}
`);
  const events = functions[0]?.events ?? [];
  expect(events.map(e => e.fact?.api)).toEqual(['spin_lock', 'list_add', 'spin_unlock']);
  expect(events[1]?.cells?.map(c => `${c.type}.${c.path}`)).toEqual(['struct road.lanes', 'struct lane.node']);
  expect(events[0]?.cells).toBeUndefined();
});
