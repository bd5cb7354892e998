import { called, decidesBranch, fencesOf, isAccess, isRepeated, isTest, nearest, nodesAfter, storeThenLook } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'half-barrier-for-store-then-load',
  title: 'A write barrier is used to order a store against a later load',
  why: `
    smp_wmb() orders stores against stores and says nothing about loads, as smp_rmb() says nothing about stores. Where a store precedes
    smp_wmb() and only loads follow it, the barrier orders nothing, and the load that decides what the code does can be satisfied before the
    store is visible, on x86 too. Only a full barrier orders a store against a later load. That no later store is there for the barrier is
    certain by inspection; the claim assumes the other CPU that the ordering would be for.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['barrier-misplaced'],
  references: ['Documentation/memory-barriers.txt, VARIETIES OF MEMORY BARRIER', 'tools/memory-model/Documentation/recipes.txt, Store buffering'],
  knownGaps: [
    'a later store in a caller is ruled out only where a load of another cell decides in between',
    'only existing barriers are checked: where both sides have none, and the store and load involve three cells in two files, as when an unmap checks for pins while a lockless walk pins and rechecks the entry, nothing is reported',
  ],
  examples: {
    bad: [
      `
void task_park(struct task_ctl *t, struct hub *c, int n)
{
	t->prio = n;
	smp_wmb(); /* want: half-barrier-for-store-then-load "smp_wmb()" */
	while (READ_ONCE(c->busy))
		cpu_relax();
}`,
      `
int hub_arm(struct hub *c)
{
	WRITE_ONCE(c->armed, 1);
	smp_wmb(); /* want: half-barrier-for-store-then-load "pending" */
	if (atomic_read(&c->pending))
		return -EAGAIN;
	return 0;
}`,
    ],
    good: [
      `
void task_publish(struct task_ctl *t, int n)
{
	t->prio = n;
	smp_wmb();
	WRITE_ONCE(t->ready, 1);
}`,
      `
void task_park(struct task_ctl *t, struct hub *c, int n)
{
	t->prio = n;
	smp_mb();
	while (READ_ONCE(c->busy))
		cpu_relax();
}`,
      `
/* A store comes after all, where the test lets it. */
int ring_push(struct ring *r, int v)
{
	r->slot[0] = v;
	smp_wmb();
	if (READ_ONCE(r->closed))
		return -EPIPE;
	WRITE_ONCE(r->head, 1);
	return 0;
}`,
      `
/* The caller goes on to store. */
static inline void recseq_begin(struct rec *r)
{
	r->count++;
	smp_wmb();
}`,
      `
/* The next round stores. */
void queue_move(struct queue *q, struct hub *h)
{
	while (q->left--) {
again:
		if (READ_ONCE(h->idle)) {
			hub_hold(h);
			continue;
		}
		WRITE_ONCE(q->waits, false);
		smp_wmb();
		goto again;
	}
}`,
      `
/* A device is told next. */
void queue_ring(struct queue *q, int n)
{
	q->desc[0].len = n;
	wmb();
	if (READ_ONCE(q->quiet))
		return;
	writel(n, q->doorbell);
}`,
      `
void queue_kick(struct queue *q, int n)
{
	q->tail = n;
	smp_wmb();
	if (READ_ONCE(q->idle))
		queue_start(q);
}`,
    ],
  },
  checkFunction(fn, report) {
    if (!fn.whole || fn.isMacro || fn.broken || isTest(fn)) return;
    for (const fence of fencesOf(fn, 'wmb')) {
      const past = nearest(fn, fence, 'before', e => isAccess(e) || e.opaque || e.argCells !== undefined).events;
      const store = past.find(e => (e.kind === 'write' || e.kind === 'rmw' || e.kind === 'publish') && e.object !== 'private');
      if (!store || past.some(e => e.kind === 'call')) continue;
      const { events: loads, ends, gap } = nearest(fn, fence, 'after', counts);
      const load = loads.find(e => isDecisive(fn, e));
      if (ends || gap || !load || loads.some(e => e.kind !== 'read') || (load.cell && store.cell && load.cell.path === store.cell.path)) continue;
      const ahead = nodesAfter(fn, fence.node);
      const later = fn.events.filter(e => ahead.has(e.node));
      if (later.some(e => mayStore(e, isPolled(fn, load)) && e.object !== 'private')) continue;
      const [kept, seen] = [
        store.cell?.path ?? 'the store',
        load.cell?.path === '*' || !load.cell ? `${called(load)}()` : `the load of ${load.cell.path}`,
      ];
      report(
        { event: fence, fn },
        {
          message: `${called(fence)}() in ${fn.name}() is between the store to ${kept} and ${seen}, and does not order a store against a load`,
          detail: ['It has no later store to order; the load can be satisfied before the store is visible to other CPUs'],
          question: 'Is smp_mb() intended here?',
          dismissal: `Not an issue if the load need not be ordered after the store; then ${called(fence)}() can go`,
          quote: [store, fence, load],
          claim: storeThenLook(fn, [store, fence, load], {
            kind: 'fence',
            fence: 'full',
            where: 'after',
            event: fence,
            text: `smp_mb() instead of ${called(fence)}() with a full barrier on the other side as well`,
          }),
          advice: [`Use smp_mb() instead of ${called(fence)}(), and a full barrier on the other side as well`],
        },
      );
    }
  },
} satisfies Rule;

/** What a walk from the barrier stops at: all but fences and calls that are known to touch no memory of others. */
function counts(e: Event): boolean {
  return e.kind !== 'fence' && (e.kind !== 'call' || e.opaque || e.argCells !== undefined || storesOutside(e));
}

/** A marked load that a branch goes by. */
function isDecisive(fn: CFunction, e: Event): boolean {
  const marked = e.kind === 'read' && (e.atomic || e.ordering === 'acquire' || e.ordering === 'relaxed');
  return marked && (isPolled(fn, e) || decidesBranch(fn, e));
}

function isPolled(fn: CFunction, e: Event): boolean {
  return isRepeated(fn, e) && fn.events.some(x => x.api === 'cpu_relax' || x.api === 'cond_resched');
}

/** A call of what writes to devices is a store that a barrier may be for. */
function storesOutside(e: Event): boolean {
  return e.kind === 'call' && e.cell !== null && /^(?:write|out|io|__raw_write|dma_)/.test(e.api);
}

/** Behind a loop that polls, what a call does comes long after. */
function mayStore(e: Event, polled: boolean): boolean {
  if (e.kind === 'write' || e.kind === 'rmw' || e.kind === 'publish' || storesOutside(e)) return true;
  return !polled && (e.opaque || e.argCells !== undefined || e.kind === 'wake' || e.kind === 'unlock');
}
