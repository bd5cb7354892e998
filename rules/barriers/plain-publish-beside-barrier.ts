import {
  called,
  comesBefore,
  decidesBranch,
  gates,
  includesSection,
  isCpuFence,
  isRepeated,
  isTest,
  nearest,
  ordersAll,
  partnersOf,
  runsAlone,
  standsHere,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Edit, Rule, Use, World } from '../../src/model/rule.ts';

export default {
  id: 'plain-publish-beside-barrier',
  title: 'The store after a write barrier is plain, and is read without a lock',
  why: `
    A write barrier says that another CPU reads the store after it without a lock. If that store is plain and the other side's load is
    visible, the two are a data race: the compiler may tear, repeat or move the store, and the memory model guarantees no ordering for plain
    stores. The barrier relies on WRITE_ONCE() and READ_ONCE(); smp_store_release() and smp_load_acquire() do both jobs.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['plain-access'],
  references: [
    'tools/memory-model/Documentation/ordering.txt, Write Memory Barrier',
    'tools/memory-model/Documentation/explanation.txt, PLAIN ACCESSES AND DATA RACES',
    'tools/memory-model/Documentation/access-marking.txt, ACCESS-MARKING OPTIONS',
  ],
  knownGaps: [
    'readers that are not visible',
    'compilers in use do not tear aligned word-sized stores, and KCSAN assumes so: what remains is the ordering',
  ],
  examples: {
    bad: [
      `
void ring_put(struct ring *r, void *p, int head)
{
	r->slot[head] = p;
	smp_wmb();
	r->head = head + 1; /* want: plain-publish-beside-barrier "head" */
}

void *ring_get(struct ring *r, int tail)
{
	if (r->head == tail)
		return NULL;
	smp_rmb();
	return r->slot[tail];
}`,
      `
void stop_next(struct stopper *s, int state)
{
	atomic_set(&s->acks, s->threads);
	smp_wmb();
	s->state = state; /* want: plain-publish-beside-barrier "state" */
}

void stop_wait(struct stopper *s, int old)
{
	while (READ_ONCE(s->state) == old)
		cpu_relax();
}`,
    ],
    good: [
      `
void ring_put(struct ring *r, void *p, int head)
{
	r->slot[head] = p;
	smp_wmb();
	WRITE_ONCE(r->head, head + 1);
}

void *ring_get(struct ring *r, int tail)
{
	if (READ_ONCE(r->head) == tail)
		return NULL;
	smp_rmb();
	return r->slot[tail];
}`,
      `
/* All that read it hold the lock that it is stored under. */
void ring_put(struct ring *r, void *p, int head)
{
	spin_lock(&r->lock);
	r->slot[head] = p;
	smp_wmb();
	r->head = head + 1;
	spin_unlock(&r->lock);
}

int ring_full(struct ring *r)
{
	int full = 0;

	spin_lock(&r->lock);
	if (r->head == RING_MAX)
		full = 1;
	spin_unlock(&r->lock);
	return full;
}`,
      `
/* The barrier is for the device. */
void queue_put(struct queue *q, int n)
{
	q->desc[n].len = n;
	dma_wmb();
	q->desc[n].owned = 1;
}

int queue_peek(struct queue *q, int n)
{
	if (q->desc[n].owned)
		return 0;
	return q->desc[n].len;
}`,
      `
/* Nobody else has it yet. */
struct ring *ring_new(void)
{
	struct ring *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	r->size = 4;
	smp_wmb();
	r->head = 1;
	return r;
}

int ring_empty(struct ring *r)
{
	if (r->head)
		return 0;
	return r->size;
}`,
    ],
  },
  checkCell({ tie, key }, uses, report, world) {
    if (tie || key.startsWith('|')) return;
    const stores = uses.filter(
      u => usual(u, world) && u.event.kind === 'write' && u.event.ordering === 'plain' && u.event.api === '=' && barrierBefore(u) !== undefined,
    );
    if (stores.length === 0) return;
    const store = stores[0] as Use;
    const looks = uses.filter(u => u.fn !== store.fn && usual(u, world) && goesBy(u));
    const free = partnersOf(
      looks.filter(u => !sharesLock(u.event, store.event)),
      store,
      world,
    );
    // Who stores it as well may be on the writers' side, whatever keeps those apart, unless a read barrier shows the other.
    const writers = new Set(uses.filter(u => standsHere(u.event) && (u.event.kind === 'write' || u.event.kind === 'rmw')).map(u => u.fn));
    const readers = free.filter(u => !writers.has(u.fn));
    const look =
      readers.find(u => u.event.atomic) ??
      free.find(pairs) ??
      readers.find(({ fn, event }) => isRepeated(fn, event)) ??
      readers[0] ??
      (free.length === 0 ? looks[0] : undefined);
    if (!look) return;
    const name = store.event.cell?.path ?? 'it';
    const fence = barrierBefore(store);
    const marked = look.event.ordering !== 'plain';
    const mark = (event: Event): Edit => ({ kind: 'order', event, ordering: 'relaxed', text: '' });
    report(store, {
      message: `${store.fn.name}() writes ${name} by a plain store${fence ? ` after ${called(fence)}()` : ''}, and ${look.fn.name}() reads it ${marked ? `with ${called(look.event)}()` : 'by a plain load'} without a lock`,
      question: marked ? `Should the store be WRITE_ONCE()?` : 'Should the store be WRITE_ONCE(), and the load READ_ONCE()?',
      dismissal: 'Not an issue if both hold a lock that is not visible here',
      quote: [store.event],
      related: [{ path: look.event.path, line: look.event.line, side: look.event.side, note: `the load, in ${look.fn.name}()` }],
      shape: key,
      claim: {
        threads: [
          { fn: store.fn, events: [store.event] },
          { fn: look.fn, events: [look.event] },
        ],
        bad: { kind: 'race' },
        edits: marked
          ? [{ ...mark(store.event), text: `WRITE_ONCE() for ${name}` }]
          : [{ kind: 'both', text: `Using WRITE_ONCE() and READ_ONCE() for ${name}`, edits: [mark(store.event), mark(look.event)] }],
        assumes: ['both run on one object'],
      },
    });
  },
} satisfies Rule;

function usual({ fn, event }: Use, world: World): boolean {
  if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return false;
  return event.cell?.path !== '*' && event.object === undefined && !event.uncertain && event.cell?.base != null && event.cell.bit === null;
}

/** The write barrier right before the store, with nothing but the loads of its own statement between. */
function barrierBefore({ fn, event }: Use): Event | undefined {
  const near = nearest(fn, event, 'before', e => e.kind !== 'read' || e.line !== event.line);
  const [fence] = near.events;
  return !near.gap && !near.ends && near.events.length === 1 && fence && isCpuFence(fence, 'wmb') ? fence : undefined;
}

/** A load that a branch goes by: the other end of the barrier. */
function goesBy({ fn, event }: Use): boolean {
  return event.kind === 'read' && !event.phase.includes('error-path') && (event.atomic || decides(fn, event));
}

/** A read barrier stands behind the load. */
function pairs({ fn, event }: Use): boolean {
  const near = nearest(fn, event, 'after', e => e.kind === 'fence' || e.opaque || e.kind === 'write' || (e.kind === 'read' && e.line !== event.line));
  return near.events.some(e => e.ordering === 'rmb' || ordersAll(e));
}

function decides(fn: CFunction, event: Event): boolean {
  return decidesBranch(fn, event) || fn.events.some(e => comesBefore(fn, event, e) && gates(fn, event, e));
}

function sharesLock(a: Event, b: Event): boolean {
  return a.locks.some(lock => includesSection(b.locks, lock));
}
