import { describe, expect, test } from 'vitest';
import { pairUpdates } from '../../src/analysis/query.ts';
import { decideClaim } from '../../src/engine/witness.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Tie } from '../../src/model/rule.ts';
import { worldOfText } from '../code.ts';
import { at, decided, fn } from './claim.ts';

const BOX = `
struct box {
	int ready;
	int data;
	int other;
	atomic_t users;
	unsigned long state;
	spinlock_t lock;
	struct item __rcu *item;
};
struct item { int value; };
`;

describe('message passing', () => {
  const mp = async (writer: string, reader: string) => {
    const world = await worldOfText(`${BOX}
void fill(struct box *b, int v)
{
	b->data = v;
${writer}
}

int drain(struct box *b)
{
${reader}
	return b->data;
}
`);
    const [fill, drain] = [fn(world, 'fill'), fn(world, 'drain')];
    const [data, ready] = [at(fill, '=', 'data'), fill.events.find(e => e.cell?.path === 'ready') as Event];
    const flag = drain.events.find(e => e.cell?.path === 'ready') as Event;
    const load = drain.events.find(e => e.cell?.path === 'data') as Event;
    return decided({
      threads: [
        { fn: fill, events: [data, ready] },
        { fn: drain, events: [flag, load] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: flag, from: ready },
          { read: load, from: 'before' },
        ],
      },
      edits: [
        { kind: 'order', event: ready, ordering: 'release', text: 'a release' },
        {
          kind: 'both',
          text: 'a release and an acquire',
          edits: [
            { kind: 'order', event: ready, ordering: 'release', text: '' },
            { kind: 'order', event: flag, ordering: 'acquire', text: '' },
          ],
        },
      ],
      assumes: ['both run on one object'],
    });
  };
  const READ = '	if (!READ_ONCE(b->ready))\n		return 0;';

  test('with nothing between', async () => {
    expect(await mp('	WRITE_ONCE(b->ready, 1);', READ)).toMatchObject({
      verdict: 'Sometimes',
      fixedVerdict: 'Never',
      reach: 'Sometimes',
      strength: 'weak',
      reordering:
        "CPU 0's store to ready may be visible before its store to data; as not both accesses are marked, the compiler may do the same on any machine",
      outcome: 'CPU 1 reads ready as CPU 0 wrote it and reads data as it was before',
    });
  });

  test('one side fixed is not enough, and the other is named', async () => {
    expect(await mp('	smp_store_release(&b->ready, 1);', READ)).toMatchObject({
      strength: 'weak',
      reordering: expect.stringMatching(/^CPU 1's load of data may be satisfied before its load of ready/),
    });
    expect(await mp('	WRITE_ONCE(b->ready, 1);', READ.replace('READ_ONCE(', 'smp_load_acquire(&'))).toMatchObject({ verdict: 'Sometimes' });
  });

  test('both sides, by access or by fence', async () => {
    const never = 'not-decided: fill() against drain(): no execution shows this';
    expect(await mp('	smp_store_release(&b->ready, 1);', READ.replace('READ_ONCE(', 'smp_load_acquire(&'))).toBe(never);
    expect(await mp('	smp_wmb();\n	WRITE_ONCE(b->ready, 1);', `${READ}\n	smp_rmb();`)).toBe(never);
    expect(await mp('	spin_lock(&b->lock);\n	spin_unlock(&b->lock);\n	smp_store_release(&b->ready, 1);', `${READ}\n	smp_mb();`)).toBe(never);
  });

  test('a call that nobody knows may be a full barrier: held, and named', async () => {
    expect(await mp('	flush_box(b);\n	WRITE_ONCE(b->ready, 1);', `${READ}\n	smp_rmb();`)).toBe(
      "opaque-in-between: fill() against drain(): can't happen if flush_box() in fill() is a full barrier",
    );
  });

  test('a lock over both sides', async () => {
    const locked = (body: string) => `	spin_lock(&b->lock);\n${body}`;
    const world = await worldOfText(`${BOX}
void fill(struct box *b, int v)
{
${locked('	b->data = v;\n	b->ready = 1;\n	spin_unlock(&b->lock);')}
}
int drain(struct box *b)
{
	int v = 0;
${locked('	if (b->ready)\n		v = b->data;\n	spin_unlock(&b->lock);')}
	return v;
}
`);
    const [fill, drain] = [fn(world, 'fill'), fn(world, 'drain')];
    const claim: Claim = {
      threads: [
        { fn: fill, events: [at(fill, '=', 'data'), at(fill, '=', 'ready')] },
        { fn: drain, events: [at(drain, 'read', 'ready'), at(drain, 'read', 'data')] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: at(drain, 'read', 'ready'), from: at(fill, '=', 'ready') },
          { read: at(drain, 'read', 'data'), from: 'before' },
        ],
      },
      edits: [],
      assumes: [],
    };
    expect(decided(claim)).toBe('not-decided: fill() against drain(): no execution shows this');
  });
});

describe('store buffering', () => {
  const sb = async (barrier: string) => {
    const world = await worldOfText(`${BOX}
int one(struct box *b)
{
	WRITE_ONCE(b->data, 1);
${barrier}
	return READ_ONCE(b->other);
}
int two(struct box *b)
{
	WRITE_ONCE(b->other, 1);
	smp_mb();
	return READ_ONCE(b->data);
}
`);
    const [one, two] = [fn(world, 'one'), fn(world, 'two')];
    return decided({
      threads: [
        { fn: one, events: [at(one, 'WRITE_ONCE'), at(one, 'READ_ONCE')] },
        { fn: two, events: [at(two, 'WRITE_ONCE'), at(two, 'READ_ONCE')] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: at(one, 'READ_ONCE'), from: 'before' },
          { read: at(two, 'READ_ONCE'), from: 'before' },
        ],
      },
      edits: [
        { kind: 'fence', fence: 'wmb', where: 'after', event: at(one, 'WRITE_ONCE'), text: 'smp_wmb()' },
        { kind: 'fence', fence: 'full', where: 'after', event: at(one, 'WRITE_ONCE'), text: 'smp_mb()' },
      ],
      assumes: [],
    });
  };

  test('shows on x86 and says what waits', async () => {
    expect(await sb('')).toMatchObject({
      strength: 'tso',
      reordering: "CPU 0's load of other may be satisfied before its store to data is visible",
    });
    expect(await sb('	smp_wmb();')).toMatchObject({ strength: 'tso' });
    expect(await sb('	smp_mb();')).toBe('not-decided: one() against two(): no execution shows this');
  });
});

test('a counter that plain code steps on loses an update; the other side sees it', async () => {
  const world = await worldOfText(`${BOX}
void raise(struct box *b) { b->other |= 1; }
void lower(struct box *b) { WRITE_ONCE(b->other, 4); }
`);
  const [raise, lower] = [fn(world, 'raise'), fn(world, 'lower')];
  const [read, write] = raise.events.filter(e => e.cell?.path === 'other') as [Event, Event];
  const witness = decided({
    threads: [
      { fn: raise, events: [read, write] },
      { fn: lower, events: [at(lower, 'WRITE_ONCE')] },
    ],
    bad: { kind: 'sees', reads: [{ read, from: 'before' }], ends: [write] },
    edits: [{ kind: 'lock', text: 'one lock' }],
    assumes: [],
  });
  expect(witness).toMatchObject({
    verdict: 'Sometimes',
    fixedVerdict: 'Never',
    strength: 'sc',
    outcome: 'CPU 0 reads other as it was before, other stays as CPU 0 wrote it',
  });
});

test('an object that is given back while a reader looks at it', async () => {
  const rcu = async (wait: string, leave: string) => {
    const world = await worldOfText(`${BOX}
int look(struct box *b)
{
	struct item *i;
	int v;

	rcu_read_lock();
	i = rcu_dereference(b->item);
${leave}	v = i->value;
${leave ? '' : '	rcu_read_unlock();\n'}	return v;
}
void swap(struct box *b, struct item *new)
{
	struct item *old = rcu_dereference_protected(b->item, 1);

	rcu_assign_pointer(b->item, new);
${wait}	kfree(old);
}
`);
    const [look, swap] = [fn(world, 'look'), fn(world, 'swap')];
    const value = look.events.find(e => e.cell?.path === 'value') as Event;
    const [load, publish, free] = [at(look, 'rcu_dereference'), at(swap, 'rcu_assign_pointer'), at(swap, 'kfree')];
    return decided({
      threads: [
        { fn: look, events: [load, value] },
        { fn: swap, events: [publish, free] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: load, from: 'before' },
          { read: value, from: free },
        ],
      },
      meanings: [{ event: free, access: 'write', cell: value, ordering: 'plain' }],
      edits: [
        { kind: 'grace-period', event: free, text: 'synchronize_rcu() before the free' },
        { kind: 'section', event: value, text: 'the read inside the section' },
      ],
      assumes: [],
    });
  };
  expect(await rcu('', '')).toMatchObject({
    verdict: 'Sometimes',
    strength: 'sc',
    steps: expect.arrayContaining([expect.objectContaining({ thread: 1 })]),
  });
  expect(await rcu('	synchronize_rcu();\n', '')).toBe('not-decided: look() against swap(): no execution shows this');
  expect(await rcu('	synchronize_rcu();\n', '	rcu_read_unlock();\n')).toMatchObject({ verdict: 'Sometimes' });
});

describe('two bitmaps that contradict each other', () => {
  const tied = async (set: string, clear: string) => {
    const world = await worldOfText(`
/* on == ~off, bit by bit */
struct maps { spinlock_t lock; unsigned long *on; unsigned long *off; };

void maps_set(struct maps *m, int n)
{
${set}
}

void maps_clear(struct maps *m, int n)
{
${clear}
}
`);
    const tie = world.ties[0] as Tie;
    const uses = world.functions.flatMap(f =>
      f.events.flatMap(event => {
        const side = event.cell ? ['on', 'off'].indexOf(event.cell.path) : -1;
        return side < 0 ? [] : [{ fn: f, event, side: side as 0 | 1 }];
      }),
    );
    const updates = pairUpdates(uses, world);
    const [a, b] = [updates.find(u => u.fn.name === 'maps_set'), updates.find(u => u.fn.name === 'maps_clear')];
    if (!a || !b) throw new Error('no updates');
    const claim = (x: typeof a, y: typeof a): Claim => ({
      threads: [x, y],
      settledBy: [a, b],
      tie,
      bad: { kind: 'unserialisable' },
      edits: [
        { kind: 'lock', text: 'one lock' },
        { kind: 'one-word', text: 'one word' },
      ],
      assumes: [],
    });
    return { both: decided(claim(a, b)), sets: decided(claim(a, a)), clears: decided(claim(b, b)) };
  };
  const SET = ['	test_and_set_bit(n, m->on);', '	test_and_clear_bit(n, m->off);'] as const;
  const CLEAR = ['	test_and_clear_bit(n, m->on);', '	test_and_set_bit(n, m->off);'] as const;
  const under = (lines: readonly string[]) => `	spin_lock(&m->lock);\n${lines.join('\n')}\n	spin_unlock(&m->lock);`;

  test('set against clear does, set against set and clear against clear never do', async () => {
    const { both, sets, clears } = await tied(SET.join('\n'), CLEAR.join('\n'));
    expect(both).toMatchObject({ verdict: 'Sometimes', strength: 'sc', reordering: '' });
    expect([sets, clears]).toEqual([expect.stringMatching(/no execution shows this/), expect.stringMatching(/no execution shows this/)]);
  });

  test('a barrier between the two updates changes nothing', async () => {
    const { both } = await tied(SET.join('\n	smp_mb();\n'), CLEAR.join('\n	smp_mb();\n'));
    expect(both).toMatchObject({ verdict: 'Sometimes', strength: 'sc' });
  });

  test('a lock on both sides does, a lock on one side does not', async () => {
    expect((await tied(under(SET), under(CLEAR))).both).toMatch(/no execution shows this/);
    expect((await tied(under(SET), CLEAR.join('\n'))).both).toMatchObject({ verdict: 'Sometimes', strength: 'sc' });
  });
});

describe('edits that change what is read', () => {
  const twice = async (body: string) => {
    const world = await worldOfText(`${BOX}
int pick(struct box *b)
{
${body}
	return 0;
}
void put(struct box *b) { WRITE_ONCE(b->data, 0); }
`);
    const [pick, put] = [fn(world, 'pick'), fn(world, 'put')];
    const [first, second] = pick.events.filter(e => e.cell?.path === 'data') as [Event, Event];
    return decided({
      threads: [
        { fn: pick, events: [first, second] },
        { fn: put, events: [at(put, 'WRITE_ONCE')] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: first, from: 'before' },
          { read: second, from: at(put, 'WRITE_ONCE') },
        ],
      },
      edits: [{ kind: 'reuse', event: second, first, text: 'one read' }],
      assumes: [],
    });
  };

  test('a cell read twice may change between; what the first read gave does not', async () => {
    expect(await twice('	if (b->data)\n		return b->data;')).toMatchObject({ strength: 'sc', verdict: 'Sometimes', fixedVerdict: 'Never' });
  });

  test('two calls of one function both see the bit; one read-modify-write lets only one of them', async () => {
    const world = await worldOfText(`${BOX}
bool take(struct box *b)
{
	if (!test_bit(3, &b->state))
		return false;
	clear_bit(3, &b->state);
	return true;
}
`);
    const take = fn(world, 'take');
    const [seen, gone] = [at(take, 'test_bit'), at(take, 'clear_bit')];
    const thread = { fn: take, events: [seen, gone] };
    const claim: Claim = {
      threads: [thread, thread],
      bad: {
        kind: 'sees',
        reads: [
          { read: seen, from: 'before', thread: 0 },
          { read: seen, from: 'before', thread: 1 },
        ],
      },
      starts: [{ cell: gone, value: 1 }],
      edits: [{ kind: 'join', event: seen, write: gone, text: 'test_and_clear_bit()' }],
      assumes: [],
    };
    expect(decided(claim)).toMatchObject({
      strength: 'sc',
      fixedVerdict: 'Never',
      outcome: 'CPU 0 reads state as it was before, CPU 1 reads state as it was before',
    });
  });
});

describe('a thread that another starts', () => {
  const started = async (lines: string[]) => {
    const world = await worldOfText(`${BOX}
irqreturn_t handle(int irq, void *p)
{
	struct box *b = p;

	return b->data;
}
int begin(struct box *b)
{
${lines.join('\n')}
	return 0;
}
`);
    const [handle, begin] = [fn(world, 'handle'), fn(world, 'begin')];
    const load = handle.events.find(e => e.cell?.path === 'data') as Event;
    const [store, start] = [at(begin, '=', 'data'), at(begin, 'request_irq')];
    const order = [store, start].sort((a, b) => a.index - b.index);
    return decided({
      threads: [
        { fn: begin, events: order },
        { fn: handle, events: [load], startedBy: start },
      ],
      bad: { kind: 'sees', reads: [{ read: load, from: 'before' }] },
      meanings: [{ event: load, access: 'read', cell: store, ordering: 'plain' }],
      edits: [{ kind: 'move', event: store, where: 'before', to: start, text: 'first' }],
      assumes: [],
    });
  };

  test('sees what was stored before it began, and may miss what comes after', async () => {
    const [init, start] = ['	b->data = 1;', '	request_irq(3, handle, 0, "x", b);'] as const;
    expect(await started([start, init])).toMatchObject({ strength: 'sc', fixedVerdict: 'Never', outcome: 'CPU 1 reads data as it was before' });
    expect(await started([init, start])).toBe('not-decided: begin() against handle(): no execution shows this');
  });
});

test('a test of a cell that the claim is not about keeps nobody out', async () => {
  const world = await worldOfText(`${BOX}
int look(struct box *b)
{
	if (!READ_ONCE(b->ready))
		return 0;
	if (atomic_dec_and_test(&b->users))
		return READ_ONCE(b->data);
	return 0;
}
void both(struct box *b)
{
	WRITE_ONCE(b->ready, 1);
	WRITE_ONCE(b->data, 1);
}
`);
  const [look, both] = [fn(world, 'look'), fn(world, 'both')];
  const [flag, data] = look.events.filter(e => e.api === 'READ_ONCE') as [Event, Event];
  const [ready, late] = both.events as [Event, Event];
  const claim: Claim = {
    threads: [
      { fn: both, events: [ready, late] },
      { fn: look, events: [flag, data] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: flag, from: ready },
        { read: data, from: 'before' },
      ],
    },
    edits: [
      {
        kind: 'both',
        text: 'stored first',
        edits: [
          { kind: 'move', event: late, where: 'before', to: ready, text: '' },
          { kind: 'order', event: ready, ordering: 'release', text: '' },
        ],
      },
    ],
    assumes: [],
  };
  expect(decided(claim)).toMatchObject({ strength: 'sc', fixedVerdict: 'Never' });
});

describe('a waiter and its waker', () => {
  const wait = async (waker: string, waiter: string, lock?: string) => {
    const world = await worldOfText(`${BOX}
void open_box(struct box *b)
{
${waker}
	wake_up_bit(&b->state, 0);
}
int await_box(struct box *b)
{
${waiter}
	return wait_on_bit(&b->state, 0, TASK_UNINTERRUPTIBLE);
}
`);
    const [open, wait] = [fn(world, 'open_box'), fn(world, 'await_box')];
    const change = open.events.find(e => e.cell?.bit === '0' || e.cell?.path === 'state') as Event;
    const [wake, sleep] = [at(open, 'wake_up_bit'), at(wait, 'wait_on_bit')];
    const under = lock === undefined ? {} : { under: lock };
    return decided({
      threads: [
        { fn: open, events: [change, wake] },
        { fn: wait, events: [sleep] },
      ],
      // One call that queues, with a full barrier behind it, and then tests.
      meanings: [
        { event: wake, access: 'read', cell: 'waiters', ordering: 'relaxed', ...under },
        { event: sleep, access: 'write', cell: 'waiters', ordering: 'full', ...under },
        { event: sleep, access: 'read', cell: change, ordering: 'relaxed' },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: wake, from: 'before' },
          { read: sleep, from: 'before' },
        ],
      },
      edits: [{ kind: 'fence', fence: 'full', where: 'before', event: wake, text: 'a full barrier' }],
      assumes: [],
    });
  };

  test('a release lets the look for waiters pass, a full barrier does not', async () => {
    expect(await wait('	clear_bit_unlock(0, &b->state);', '')).toMatchObject({ verdict: 'Sometimes', strength: 'weak' });
    expect(await wait('	clear_bit_unlock(0, &b->state);\n	smp_mb__after_atomic();', '')).toMatch(/no execution shows this/);
  });

  test('a lock that both calls take around the queue is enough', async () => {
    expect(await wait('	clear_bit(0, &b->state);', '', 'queue_lock')).toMatch(/no execution shows this/);
  });

  test('a test that is taken behind the queueing runs in any case, and so does the queueing', async () => {
    const world = await worldOfText(`${BOX}
int take_box(struct box *b, struct wait_queue_entry *w, wait_queue_head_t *q)
{
	if (cmpxchg(&b->other, 0, current_id()) != 0) {
		prepare_to_wait(q, w, TASK_UNINTERRUPTIBLE);
		return -EAGAIN;
	}
	return 0;
}
void give_box(struct box *b, wait_queue_head_t *q)
{
	b->other = 0;
	wake_up(q);
}
`);
    const [take, give] = [fn(world, 'take_box'), fn(world, 'give_box')];
    const [test, queueing, wake] = [at(take, 'cmpxchg'), at(take, 'prepare_to_wait'), at(give, 'wake_up')];
    const witness = decided({
      threads: [
        { fn: take, events: [test, queueing] },
        { fn: give, events: [at(give, '='), wake] },
      ],
      meanings: [
        { event: queueing, access: 'write', cell: 'queue', ordering: 'full', under: 'queue_lock' },
        { event: wake, access: 'read', cell: 'queue', ordering: 'relaxed', under: 'queue_lock' },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: test, from: 'before' },
          { read: wake, from: 'before' },
        ],
      },
      edits: [{ kind: 'move', event: test, where: 'after', to: queueing, text: 'the test behind the queueing' }],
      assumes: [],
    });
    expect(witness).toMatchObject({ verdict: 'Sometimes', fixedVerdict: 'Never', strength: 'sc' });
  });
});

test('a plain store that no lock keeps from a marked read races in every execution; marked it does not', async () => {
  const world = await worldOfText(`${BOX}
bool ask(struct box *b) { return READ_ONCE(b->data); }
void fill(struct box *b)
{
	spin_lock(&b->lock);
	b->data = 1;
	spin_unlock(&b->lock);
}
`);
  const [ask, fill] = [fn(world, 'ask'), fn(world, 'fill')];
  const store = at(fill, '=');
  const claim: Claim = {
    threads: [
      { fn: fill, events: [store] },
      { fn: ask, events: [at(ask, 'READ_ONCE')] },
    ],
    bad: { kind: 'race' },
    edits: [{ kind: 'order', event: store, ordering: 'relaxed', text: 'WRITE_ONCE()' }],
    assumes: [],
  };
  expect(decided(claim)).toMatchObject({ kind: 'race', fixedVerdict: 'Never', reach: 'Sometimes' });
});

test('what a call gives back is not taken for the cell that it is said to read', async () => {
  const world = await worldOfText(`${BOX}
int enter(struct box *b)
{
	int err = box_enter(b);

	if (err)
		return err;
	WRITE_ONCE(b->data, 5);
	return 0;
}
void leave(struct box *b)
{
	box_leave(b);
	WRITE_ONCE(b->data, 0);
}
`);
  const [enter, leave] = [fn(world, 'enter'), fn(world, 'leave')];
  const [into, out, clear] = [at(enter, 'box_enter'), at(leave, 'box_leave'), at(leave, 'WRITE_ONCE')];
  const claim: Claim = {
    threads: [
      { fn: leave, events: [out, clear] },
      { fn: enter, events: [into, at(enter, 'WRITE_ONCE')] },
    ],
    bad: { kind: 'sees', reads: [{ read: into, from: out }], ends: [clear] },
    meanings: [
      { event: out, access: 'write', cell: 'room', ordering: 'release' },
      { event: into, access: 'read', aside: true, cell: 'room', ordering: 'acquire' },
    ],
    edits: [{ kind: 'move', event: clear, where: 'before', to: out, text: 'cleared first' }],
    assumes: [],
  };
  expect(decided(claim)).toMatchObject({ strength: 'sc', fixedVerdict: 'Never' });
});

describe('what a call runs', () => {
  const last = async (get: string, put: string) => {
    const world = await worldOfText(`
struct peer { struct kref kref; struct list_head node; };
static LIST_HEAD(peers);
static DEFINE_SPINLOCK(peers_lock);
static void peer_release(struct kref *kref)
{
	struct peer *p = container_of(kref, struct peer, kref);

${put.includes('kref_put_lock') ? '' : '	spin_lock(&peers_lock);\n'}	list_del(&p->node);
	spin_unlock(&peers_lock);
	kfree(p);
}
void peer_put(struct peer *p)
{
${put}
}
struct peer *peer_first(void)
{
	struct peer *p;

	spin_lock(&peers_lock);
	p = list_first_entry_or_null(&peers, struct peer, node);
	if (p)
		${get}(&p->kref);
	spin_unlock(&peers_lock);
	return p;
}
`);
    const [first, drop, release] = [fn(world, 'peer_first'), fn(world, 'peer_put'), fn(world, 'peer_release')];
    const [find, raise] = [at(first, 'list_first_entry_or_null'), at(first, get)];
    const [down, removal, free] = [drop.events.find(e => e.kind === 'rmw') as Event, at(release, 'list_del'), at(release, 'kfree')];
    const lock = release.events.find(e => e.kind === 'lock');
    const claim: Claim = {
      threads: [
        { fn: first, events: [find, raise] },
        { fn: drop, events: [down], calls: [{ call: down, fn: release, events: [...(lock ? [lock] : []), removal, free] }] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: find, from: 'before' },
          { read: raise, from: 'effect' },
        ],
        ends: [free],
      },
      starts: [{ cell: down, value: 1 }],
      meanings: [
        { event: find, access: 'read', cell: 'listed', ordering: 'relaxed', says: { before: 'finds p', after: 'finds nothing' } },
        { event: removal, access: 'write', cell: 'listed', ordering: 'relaxed', value: 0 },
        { event: free, access: 'write', cell: 'p', ordering: 'relaxed', says: { before: '', after: 'frees p' } },
      ],
      edits: [
        { kind: 'unless-zero', event: raise, text: 'a get that refuses zero' },
        ...(lock ? [{ kind: 'move' as const, event: down, where: 'after' as const, to: lock, text: 'the put under the lock' }] : []),
      ],
      assumes: [],
    };
    return claim;
  };

  test('runs in the thread, where the call gives something else than 0', async () => {
    const claim = await last('kref_get', '	kref_put(&p->kref, peer_release);');
    expect(decided(claim)).toMatchObject({ strength: 'sc', outcome: 'CPU 0 finds p and does kref_get(), CPU 1 frees p' });
    const result = decideClaim(claim);
    expect('fixes' in result && result.fixes.map(f => f.edit)).toEqual(['unless-zero', 'move']);
  });

  test('an operation with a condition must have done what it is for', async () => {
    expect(decided(await last('kref_get_unless_zero', '	kref_put(&p->kref, peer_release);'))).toMatch(/no execution shows this/);
  });
});

describe('what an event does besides', () => {
  const twice = async (body: string) => {
    const world = await worldOfText(`${BOX}
void once(struct box *b)
{
${body}
}
`);
    const once = fn(world, 'once');
    const [set, work] = [at(once, 'test_and_set_bit'), at(once, 'fill_in')];
    return decided({
      threads: [
        { fn: once, events: [set, work] },
        { fn: once, events: [set] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: set, from: set, thread: 1 },
          { read: set, from: 'before', thread: 1, cell: 'done' },
        ],
      },
      meanings: [
        { event: work, access: 'write', cell: 'done', ordering: 'relaxed' },
        { event: set, access: 'read', cell: 'done', ordering: 'relaxed', besides: 'nonzero', thread: 1 },
      ],
      edits: [{ kind: 'move', event: set, where: 'after', to: work, text: 'the bit last' }],
      assumes: [],
    });
  };

  test('is done by the thread that the meaning names alone', async () => {
    expect(await twice('	if (!test_and_set_bit(BOX_FULL, &b->state))\n		fill_in(b);')).toMatchObject({
      strength: 'sc',
      fixedVerdict: 'Never',
      outcome: 'CPU 1 reads BOX_FULL as CPU 0 wrote it and reads done as it was before',
    });
    const locked = '	spin_lock(&b->lock);\n	if (!test_and_set_bit(BOX_FULL, &b->state))\n		fill_in(b);\n	spin_unlock(&b->lock);';
    expect(await twice(locked)).toMatch(/no execution shows this/);
  });
});

test('an update is a read and a write; a free that is left to RCU waits for its readers', async () => {
  const world = await worldOfText(`${BOX}
void one(struct box *b) { spin_lock(&b->lock); grow(b); spin_unlock(&b->lock); }
void two(struct box *b) { shrink(b); }
int look(struct box *b)
{
	struct item *i;
	int v;

	rcu_read_lock();
	i = rcu_dereference(b->item);
	v = i->value;
	rcu_read_unlock();
	return v;
}
void swap(struct box *b, struct item *new)
{
	struct item *old = rcu_dereference_protected(b->item, 1);

	rcu_assign_pointer(b->item, new);
	kfree_rcu(old, rcu);
}
`);
  const [one, two, look, swap] = ['one', 'two', 'look', 'swap'].map(name => fn(world, name)) as [CFunction, CFunction, CFunction, CFunction];
  const [grow, shrink] = [at(one, 'grow'), at(two, 'shrink')];
  const updates: Claim = {
    threads: [
      { fn: one, events: [grow] },
      { fn: two, events: [shrink] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: grow, from: 'before' },
        { read: shrink, from: 'before' },
      ],
    },
    meanings: [grow, shrink].map(event => ({ event, access: 'update' as const, cell: 'size', ordering: 'relaxed' as const })),
    edits: [{ kind: 'lock', text: 'one lock' }],
    assumes: [],
  };
  expect(decided(updates)).toMatchObject({ strength: 'sc', fixedVerdict: 'Never' });
  const value = look.events.find(e => e.cell?.path === 'value') as Event;
  const [load, publish, free] = [at(look, 'rcu_dereference'), at(swap, 'rcu_assign_pointer'), at(swap, 'kfree_rcu')];
  const freed: Claim = {
    threads: [
      { fn: look, events: [load, value] },
      { fn: swap, events: [publish, free] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: load, from: 'before' },
        { read: value, from: free },
      ],
    },
    meanings: [{ event: free, access: 'write', cell: value, ordering: 'plain' }],
    edits: [],
    assumes: [],
  };
  expect(decided(freed)).toMatch(/no execution shows this/);
});
