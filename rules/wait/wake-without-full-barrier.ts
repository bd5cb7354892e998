import {
  bitOrPath,
  called,
  comesBefore,
  effectOfKind,
  effectsOf,
  eventsOf,
  guardsAt,
  isAccess,
  isTest,
  keyOf,
  lockText,
  nearest,
  ordersAll,
  sameStatement,
  serialiserOf,
  storeThenLook,
  waitsUntil,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Meaning, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'wake-without-full-barrier',
  title: 'A wake-up may be lost: no full barrier between the change of the condition and the check for waiters',
  why: `
    wake_up_bit(), wake_up_var() and a test by waitqueue_active() check for waiters without the queue's lock. If no full barrier orders the
    store that ends the wait before that check, the check can come first and find nobody, while the waiter, which queues and then tests,
    still sees the old value and sleeps. A release is not enough, nor is an unlock: later loads may pass both. For wake_up_bit() and
    wake_up_var() a violation of the documented contract is certain by inspection; the claim is about the visible waiter, or about one that
    is assumed. For waitqueue_active() nothing is reported unless a waiter is visible.`,
  severity: 'warning', // A note behind the last put of a refcount_t, which is an acquire as well.
  confidence: 'high',
  finds: ['lost-wakeup', 'bitlock-nonatomic', 'barrier-missing'],
  references: [
    'kernel/sched/wait_bit.c, wake_up_bit() and wake_up_var()',
    'include/linux/wait.h, waitqueue_active()',
    'Documentation/memory-barriers.txt, SLEEP AND WAKE-UP FUNCTIONS',
    'tools/memory-model/Documentation/recipes.txt, Store buffering',
  ],
  knownGaps: [
    'a condition of several words is seen only if the last store to one of them comes right before the wake-up',
    'a change made in a callee that does other things too is not followed',
  ],
  examples: {
    bad: [
      `
void disk_end(struct disk *d)
{
	clear_bit(DISK_BUSY, &d->flags);
	wake_up_bit(&d->flags, DISK_BUSY); /* want: wake-without-full-barrier "wake_up_bit()" */
}`,
      `
/* A release lets the look at the queue pass. */
void disk_end(struct disk *d)
{
	clear_bit_unlock(DISK_BUSY, &d->flags);
	wake_up_bit(&d->flags, DISK_BUSY); /* want: wake-without-full-barrier "disk_end()" */
}

int disk_wait(struct disk *d)
{
	return wait_on_bit(&d->flags, DISK_BUSY, TASK_UNINTERRUPTIBLE);
}`,
      `
void pool_put(struct pool *p)
{
	smp_store_release(&p->busy, 0);
	wake_up_var(&p->busy); /* want: wake-without-full-barrier "busy" */
}`,
      `
struct line {
	wait_queue_head_t wait;
	int room;
};

void line_drain(struct line *l, int n)
{
	WRITE_ONCE(l->room, n);
	if (waitqueue_active(&l->wait)) /* want: wake-without-full-barrier "room" */
		wake_up(&l->wait);
}

int line_fill(struct line *l)
{
	return wait_event_interruptible(l->wait, READ_ONCE(l->room) > 0);
}`,
    ],
    good: [
      `
struct tank {
	wait_queue_head_t wait;
	spinlock_t spin;
	struct mutex lock;
	bool no_sleep;
	int room;
};

/* One of two locks, by how the tank was made: all who drain, and whoever waits, hold it. */
static void tank_lock(struct tank *t)
{
	if (t->no_sleep)
		spin_lock(&t->spin);
	else
		mutex_lock(&t->lock);
}

static void tank_unlock(struct tank *t)
{
	if (t->no_sleep)
		spin_unlock(&t->spin);
	else
		mutex_unlock(&t->lock);
}

static void tank_drop(struct tank *t)
{
	list_add(&t->spare, &t->all);
	t->room++;
	if (waitqueue_active(&t->wait))
		wake_up(&t->wait);
}

void tank_drain(struct tank *t)
{
	tank_lock(t);
	tank_drop(t);
	tank_unlock(t);
}

static void tank_each(struct tank *t, void (*visit)(struct tank *))
{
	while (tank_more(t))
		visit(t);
}

void tank_drain_all(struct tank *t)
{
	tank_lock(t);
	tank_each(t, tank_drop);
	tank_unlock(t);
}

int tank_fill(struct tank *t, struct wait_queue_entry *w)
{
	int room;

	tank_lock(t);
	prepare_to_wait(&t->wait, w, TASK_UNINTERRUPTIBLE);
	tank_unlock(t);
	tank_lock(t);
	room = t->room;
	tank_unlock(t);
	return room;
}`,
      `
void disk_end(struct disk *d)
{
	if (test_and_clear_bit(DISK_BUSY, &d->flags))
		wake_up_bit(&d->flags, DISK_BUSY);
}`,
      `
void disk_end(struct disk *d)
{
	clear_bit_unlock(DISK_BUSY, &d->flags);
	smp_mb__after_atomic();
	wake_up_bit(&d->flags, DISK_BUSY);
}`,
      `
void disk_end(struct disk *d)
{
	clear_and_wake_up_bit(DISK_BUSY, &d->flags);
}`,
      `
void ref_drop(struct obj *o)
{
	if (atomic_dec_and_test(&o->users))
		wake_up_var(&o->users);
}`,
      `
/* Another bit than the one waited for, which was cleared elsewhere. */
void disk_close(struct disk *d)
{
	set_bit(DISK_CLOSED, &d->flags);
	wake_up_bit(&d->flags, DISK_BUSY);
}`,
      `
/* The helper clears the bit, and nobody here knows how. */
void disk_reset(struct disk *d)
{
	clear_bit(DISK_BUSY, &d->flags);
	disk_flush(d);
	wake_up_bit(&d->flags, DISK_BUSY);
}`,
      `
struct line {
	wait_queue_head_t wait;
	int room;
};

void line_drain(struct line *l, int n)
{
	WRITE_ONCE(l->room, n);
	if (wq_has_sleeper(&l->wait))
		wake_up(&l->wait);
}

int line_fill(struct line *l)
{
	return wait_event_interruptible(l->wait, READ_ONCE(l->room) > 0);
}`,
      `
struct line {
	wait_queue_head_t wait;
	spinlock_t lock;
	int room;
};

/* The waiter queues and tests under the lock that the change is made under. */
void line_drain(struct line *l, int n)
{
	spin_lock(&l->lock);
	l->room = n;
	if (waitqueue_active(&l->wait))
		wake_up(&l->wait);
	spin_unlock(&l->lock);
}

int line_fill(struct line *l, struct wait_queue_entry *w)
{
	int room;

	spin_lock(&l->lock);
	add_wait_queue(&l->wait, w);
	room = l->room;
	spin_unlock(&l->lock);
	return room;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const wake of fn.events.filter(wakesByAddress)) {
      const bit = effectOfKind(wake, 'wake')?.on === 'bit' ? (wake.args[1] ?? null) : null;
      const [change] = unordered(fn, wake, world, e => endsWait(e, wake, bit));
      if (!change) continue;
      const waiter = waiterOn(world, wake, bit);
      const name = nameOf(change, bit);
      const guards = waiter ? null : guardsAt({ fn, event: change, until: wake }, world);
      if (guards?.own) continue;
      report(
        { event: wake, fn },
        {
          message: `${called(wake)}() in ${fn.name}() checks for waiters, and no full barrier orders that after ${changed(change)} ${name}`,
          detail: ['A waiter that queues in between is missed, still sees the old value, and sleeps'],
          question: `Which full barrier is between ${change.api === '=' ? 'the store' : `${called(change)}()`} and ${called(wake)}()?`,
          dismissal: guards?.other
            ? `Not an issue if the waiter tests under ${lockText(guards.other)}, which is held around both`
            : 'Not an issue if the waiter tests under a lock that is held around both',
          ...(guards?.other ? { confidence: 'medium' as const } : {}),
          quote: [change, wake],
          // The last put is an acquire too, and no full barrier (Documentation/core-api/refcount-vs-atomic.rst): the least of these.
          ...(change.fact?.counter && effectOfKind(change, 'ref') ? { severity: 'note' as const } : {}),
          ...(waiter
            ? {
                claim: claimOf(fn, change, wake, waiter.fn, waiter.event, null),
                related: [placed(waiter.event, `the waiter, in ${waiter.fn.name}()`)],
              }
            : {
                claim: storeThenLook(fn, [change, wake], { kind: 'fence', fence: 'full', where: 'before', event: wake, text: remedy(change) }),
                advice: [`Use ${remedy(change)}`],
              }),
        },
      );
    }
    for (const look of eventsOf(fn, 'read', /^waitqueue_active$/)) {
      if (!look.cell || look.cell.base === null || look.cell.type === null) continue;
      const queue = keyOf(look);
      const changes = unordered(fn, look, world, e => isChange(e) && comesBefore(fn, e, look) && e.object !== 'private' && !sameStatement(e, look));
      for (const change of changes) {
        const waiter = sleeperOn(world, queue, keyOf(change), change);
        if (!waiter || waiter.fn === fn) continue;
        // Where both may hold one lock the wake-up is missed by none; where both surely do, the checker says so.
        if (serialiserOf({ fn, event: change, until: look }, { fn: waiter.fn, event: waiter.event }, world)?.sure === false) continue;
        const name = nameOf(change, null);
        report(
          { event: look, fn },
          {
            message: `${called(look)}() in ${fn.name}() checks for waiters, and no full barrier orders that after ${changed(change)} ${name}`,
            detail: [`${waiter.fn.name}() queues and then tests ${name}: it can miss the change while the wake-up misses it`],
            question: `Which full barrier is between ${change.api === '=' ? 'the store' : `${called(change)}()`} and ${called(look)}()?`,
            dismissal: `Not an issue if ${waiter.fn.name}() tests ${name} under the queue's lock, or a caller has the barrier`,
            confidence: 'medium',
            quote: [change, look],
            related: [placed(waiter.event, `the waiter, in ${waiter.fn.name}()`)],
            claim: claimOf(fn, change, look, waiter.fn, waiter.event, waiter.test),
          },
        );
        break;
      }
    }
  },
} satisfies Rule;

/** The nearest changes before the event that a way leads from with no full barrier, and nothing unknown, on it. */
function unordered(fn: CFunction, from: Event, world: World, wanted: (e: Event) => boolean): Event[] {
  const near = nearest(fn, from, 'before', e => {
    if (wanted(e) || e.opaque || orders(e)) return true;
    return e.argCells !== undefined && (effectsOf(fn, e, world.functions)?.some(x => orders(x.event) || isChange(x.event)) ?? true);
  });
  return near.events.filter(e => wanted(e) && !orders(e) && !e.opaque);
}

function orders(event: Event): boolean {
  return ordersAll(event) || event.ordering === 'after-atomic' || event.ordering === 'before-atomic' || event.kind === 'wait';
}

function isChange(event: Event): boolean {
  return isAccess(event) && event.kind !== 'read' && event.cell !== null;
}

/** Does the event change what is waited for: the same word, and the same bit towards zero? */
function endsWait(event: Event, wake: Event, bit: string | null): boolean {
  if (!isChange(event) || keyOf(event) !== keyOf(wake) || event.cell?.base !== wake.cell?.base) return false;
  if (event.object === 'private') return false;
  if (bit === null) return event.cell?.bit === null || event.operation === 'clear';
  return event.cell?.bit === bit && event.operation === 'clear';
}

function nameOf(change: Event, bit: string | null): string {
  return change.cell ? bitOrPath({ ...change.cell, bit: bit ?? change.cell.bit }) : (bit ?? 'it');
}

function changed(change: Event): string {
  if (change.operation === 'clear') return `${called(change)}() of`;
  return change.kind === 'write' ? 'the store to' : `${called(change)}() on`;
}

function remedy(change: Event): string {
  if (change.operation === 'clear') return 'clear_and_wake_up_bit() or smp_mb__after_atomic() between the two';
  return change.kind === 'write' ? 'store_release_wake_up() or smp_mb() between the two' : 'smp_mb__after_atomic() between the two';
}

/** A wake-up that looks for a waiter itself, and without a lock. */
function wakesByAddress(event: Event): boolean {
  const on = event.kind === 'wake' && event.cell?.bit === null && event.operation === null ? effectOfKind(event, 'wake')?.on : undefined;
  return on === 'bit' || on === 'variable';
}

/** Who waits for the bit or the variable, of those in view. */
function waiterOn(world: World, wake: Event, bit: string | null): { fn: CFunction; event: Event } | null {
  const key = keyOf(wake);
  for (const { fn, event } of waitsIn(world).get(key ?? '') ?? []) {
    const waits = (on: 'bit' | 'variable') => effectOfKind(event, 'wait')?.on === on;
    if (bit !== null ? waits('bit') && event.args[1] === bit : waits('variable')) return { fn, event };
  }
  return null;
}

/** It puts its task on a wait queue, and does not test by itself. */
function queues(event: Event): boolean {
  const wait = effectOfKind(event, 'wait');
  return wait?.on === 'queue' && wait.condition === null;
}

/** Who queues on the queue and then tests the cell; the test is null where the waiting macro makes it itself. */
function sleeperOn(
  world: World,
  queue: string | null,
  cell: string | null,
  change: Event,
): { fn: CFunction; event: Event; test: Event | null } | null {
  if (queue === null || cell === null || change.cell?.type === null) return null;
  for (const { fn, event } of waitsIn(world).get(queue) ?? []) {
    if (isTest(fn)) continue;
    const read = (e: Event) => e.kind === 'read' && keyOf(e) === cell && (change.cell?.bit === null || e.cell?.bit === change.cell?.bit);
    if (waitsUntil(event)) {
      const test = fn.events.find(e => read(e) && sameStatement(e, event) && comesBefore(fn, e, event));
      if (test) return { fn, event, test: null };
    } else if (queues(event)) {
      const test = nearest(fn, event, 'after', e => read(e) || e.opaque).events.find(read);
      if (test) return { fn, event, test };
    }
  }
  return null;
}

const waits = new WeakMap<World, Map<string, { fn: CFunction; event: Event }[]>>();

function waitsIn(world: World): Map<string, { fn: CFunction; event: Event }[]> {
  const known = waits.get(world);
  if (known) return known;
  const found = new Map<string, { fn: CFunction; event: Event }[]>();
  for (const fn of world.functions) {
    for (const event of fn.events) {
      const key = event.kind === 'wait' ? keyOf(event) : null;
      if (key === null) continue;
      const list = found.get(key) ?? [];
      found.set(key, list);
      list.push({ fn, event });
    }
  }
  waits.set(world, found);
  return found;
}

/** Change, look for waiters; queue, test. Each can miss the other. */
function claimOf(fn: CFunction, change: Event, look: Event, waiterFn: CFunction, wait: Event, test: Event | null): Claim {
  const queue = look.kind === 'read' ? look : 'waiters';
  const macro = test === null;
  const meanings: Meaning[] = [
    ...(look.kind === 'read' ? [] : [{ event: look, access: 'read' as const, cell: queue, ordering: 'relaxed' as const }]),
    { event: wait, access: 'write', cell: queue, ordering: macro || wait.ordering === 'full' ? 'full' : 'relaxed' },
    ...(macro ? [{ event: wait, access: 'read' as const, cell: change, ordering: 'relaxed' as const }] : []),
  ];
  return {
    threads: [
      { fn, events: [change, look] },
      { fn: waiterFn, events: macro ? [wait] : [wait, test] },
    ],
    meanings,
    bad: {
      kind: 'sees',
      reads: [
        { read: look, from: 'before' },
        { read: test ?? wait, from: 'before' },
      ],
    },
    edits: [
      { kind: 'fence', fence: 'full', where: 'before', event: look, text: remedy(change) },
      ...(macro || wait.ordering === 'full'
        ? []
        : [
            {
              kind: 'both' as const,
              text: `A full barrier on both sides (after ${called(wait)}() too)`,
              edits: [
                { kind: 'fence' as const, fence: 'full' as const, where: 'before' as const, event: look, text: '' },
                { kind: 'fence' as const, fence: 'full' as const, where: 'after' as const, event: wait, text: '' },
              ],
            },
          ]),
    ],
    assumes: ['both run on one object'],
  };
}

function placed(event: Event, note: string) {
  return { path: event.path, line: event.line, side: event.side, note };
}
