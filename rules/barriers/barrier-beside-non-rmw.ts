import {
  bitOrPath,
  called,
  cellName,
  decidesBranch,
  fencesOf,
  isAccess,
  isTest,
  keyOf,
  type Near,
  nearest,
  nodesAfter,
  nodesBefore,
  onward,
  sameStatement,
  storeThenLook,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'barrier-beside-non-rmw',
  title: 'smp_mb__before_atomic() or smp_mb__after_atomic() is not next to an atomic read-modify-write',
  why: `
    smp_mb__before_atomic() and smp_mb__after_atomic() complete an atomic read-modify-write that implies no ordering. Next to atomic_read(),
    atomic_set(), test_bit(), a plain access or a non-atomic bit operation they guarantee nothing: on some machines they are no instruction
    at all, on x86 only a compiler barrier. That the side the barrier is for has no read-modify-write is certain by inspection. Where a
    store before it must be visible before what follows, the claim assumes the other CPU that the ordering would be for.`,
  severity: 'note', // A warning where a store stands before it, and what comes next decides something or wakes someone.
  confidence: 'high',
  finds: ['barrier-misplaced', 'lost-wakeup'],
  references: [
    'Documentation/atomic_t.txt, ORDERING',
    'tools/memory-model/Documentation/ordering.txt, RMW Ordering Augmentation Barriers',
    'Documentation/memory-barriers.txt, CPU MEMORY BARRIERS',
  ],
  knownGaps: ['a barrier whose read-modify-write comes later, with other accesses in between, is not reported: only those are unordered'],
  examples: {
    bad: [
      `
bool slot_free(struct slots *s)
{
	smp_mb__before_atomic(); /* want: barrier-beside-non-rmw "atomic_read()" */
	return atomic_read(&s->used) < s->max;
}`,
      `
void sock_ready(struct conn *c)
{
	__clear_bit(CONN_SHRUNK, &c->flags);
	smp_mb__after_atomic(); /* want: barrier-beside-non-rmw "__clear_bit()" */
	if (test_bit(CONN_NOSPACE, &c->wait_flags))
		conn_new_space(c);
}`,
      `
void port_room(struct port *p)
{
	__clear_bit(PORT_FULL, &p->flags);
	smp_mb__after_atomic(); /* want: barrier-beside-non-rmw "__clear_bit()" */
	if (p->line && test_bit(LINE_WAITS, &p->line->state))
		line_go(p->line);
}`,
      `
void buf_put(struct buf *b)
{
	b->len = 0;
	smp_mb__before_atomic(); /* want: barrier-beside-non-rmw "atomic_set()" */
	atomic_set(&b->busy, 0);
}`,
    ],
    good: [
      `
void slot_put(struct slots *s, int n)
{
	s->owner[n] = NULL;
	smp_mb__before_atomic();
	atomic_dec(&s->used);
}`,
      `
/* The pointers on the way to the bit are read first, and need no order. */
void port_kick(struct port *p)
{
	p->pending = 1;
	smp_mb__before_atomic();
	set_bit(PORT_KICK, &p->hub->lines[p->nr]->state);
}`,
      `
void port_done(struct port *p)
{
	clear_bit(PORT_BUSY, &p->state);
	smp_mb__after_atomic();
	wake_up_bit(&p->state, PORT_BUSY);
}`,
      `
/* The fence is for the one that calls. */
static inline void before_put(void)
{
	smp_mb__before_atomic();
}`,
      `
/* What the helper does is not in view. */
void port_drop(struct port *p)
{
	p->owner = NULL;
	smp_mb__before_atomic();
	port_clear_busy(p);
}`,
      `
/* Only where the caller asks for it; the operation stands further back. */
void prio_set(struct prio *p, int cpu, bool first)
{
	set_bit(cpu, p->mask);
	if (first)
		smp_mb__after_atomic();
	p->seen = true;
}`,
      `
/* The count was put by the caller. */
static void space_wake(struct conn *c)
{
	struct waiters *w = rcu_dereference(c->waiters);

	smp_mb__after_atomic();
	if (waitqueue_active(&w->queue))
		wake_up(&w->queue);
}`,
      `
/* The count goes by the way: the call before it may have set the bit. */
void ctx_empty(struct ctx *c)
{
	wait_for_room(c);
	c->empty++;
	smp_mb__after_atomic();
	if (READ_ONCE(c->tail) != c->head)
		wake_up(&c->queue);
}`,
      `
/* A later operation is what it is for: the read between is in no hurry. */
void ring_done(struct ring *r)
{
	r->slot = NULL;
	smp_mb__before_atomic();
	if (READ_ONCE(r->quick))
		atomic_dec(&r->users);
	else
		atomic_sub(2, &r->users);
}`,
    ],
  },
  checkFunction(fn, report) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const fence of [...fencesOf(fn, 'before-atomic'), ...fencesOf(fn, 'after-atomic')]) {
      const way = fence.ordering === 'before-atomic' ? 'after' : 'before';
      const near = nearest(fn, fence, way, e => stops(fn, fence, e));
      const [first] = near.events;
      if (!first || !nothingForIt(near) || aHelperOf(fn)) continue;
      const further = way === 'after' ? nodesAfter(fn, fence.node) : nodesBefore(fn, fence.node);
      if (fn.events.some(e => further.has(e.node) && (isRmw(e) || (e.opaque && way === 'before' && near.events.some(isPlain))))) continue;
      const before = way === 'after' ? nearest(fn, fence, 'before', isAccess).events : near.events;
      const next = way === 'after' ? near.events : nearest(fn, fence, 'after', e => isAccess(e) || e.kind === 'wake').events;
      const decisive = before.some(isStore) && next.some(e => e.kind === 'wake' || decides(fn, e));
      const what = first.kind === 'write' && first.api === '=' ? 'a plain store' : `${called(first)}()`;
      report(
        { event: fence, fn },
        {
          message: `${called(fence)}() in ${fn.name}() comes ${way === 'after' ? 'before' : 'after'} ${what}, which is not an atomic read-modify-write, so it orders nothing`,
          detail: decisive ? ['The store before it and the load after it can be reordered, on x86 too'] : [],
          question: way === 'after' && first.kind === 'write' ? 'Is a release store intended here?' : 'Is smp_mb() intended here?',
          dismissal: 'Not an issue if no ordering is needed here; then the barrier can go',
          quote: way === 'after' ? [fence, first] : [first, fence],
          advice: [
            way === 'after' && first.kind === 'write'
              ? 'Use a release store such as atomic_set_release() or smp_store_release()'
              : `Use smp_mb() instead of ${called(fence)}()`,
          ],
          ...(decisive ? { severity: 'warning' as const } : {}),
          ...claimOf(fn, fence, before, next),
        },
      );
    }
  },
} satisfies Rule;

/** The function against the other CPU that such an order is for: one that orders its own side. */
function claimOf(fn: CFunction, fence: Event, before: readonly Event[], next: readonly Event[]): { claim?: Claim } {
  const store = before.find(e => isStore(e) && e.cell !== null && !e.uncertain);
  // A plain load on the way is that of a pointer: the order is for what is looked at behind it.
  const first = next.find(e => e.kind === 'wake' || decides(fn, e));
  const marked = first?.ordering === 'plain' ? onward(fn, fence, { stop: e => e.opaque || e.ordering === 'full' }).events.find(isLook(fn)) : first;
  const look = marked ?? first;
  const flag = next.find(e => e.kind === 'write' && e.cell !== null && e.atomic);
  if (!store || keyOf(store) === keyOf(look ?? flag ?? store)) return {};
  if (look) {
    const text = `smp_mb() instead of ${called(fence)}()`;
    return { claim: storeThenLook(fn, [store, fence, look], { kind: 'fence', fence: 'full', where: 'after', event: fence, text }) };
  }
  if (!flag) return {};
  const sees: AssumedStep = { does: 'read', cell: flag, ordering: 'acquire' };
  const data: AssumedStep = { does: 'read', cell: store };
  return {
    claim: {
      threads: [{ fn, events: [store, fence, flag] }],
      others: [{ who: `a CPU that reads ${nameOf(flag)}`, does: [sees, data] }],
      bad: {
        kind: 'sees',
        reads: [
          { read: sees, from: flag },
          { read: data, from: 'before' },
        ],
      },
      edits: [{ kind: 'order', event: flag, ordering: 'release', text: 'A release store such as atomic_set_release() or smp_store_release()' }],
      assumes: [`another CPU reads ${nameOf(flag)} with acquire ordering and then ${nameOf(store)}`],
      stands: true,
    },
  };
}

function isLook(fn: CFunction): (event: Event) => boolean {
  return e => e.kind === 'read' && e.atomic && decides(fn, e);
}

function nameOf(event: Event): string {
  return event.cell ? bitOrPath({ ...event.cell, path: cellName(event.cell) }) : 'the cell';
}

/** Accesses, and whatever may hold one; loads of a pointer for a read-modify-write are part of it. */
function stops(fn: CFunction, fence: Event, e: Event): boolean {
  if (e.kind === 'read' && e.ordering === 'plain') return !fn.events.some(r => isRmw(r) && sameStatement(r, e) && !sameStatement(r, fence));
  return e.kind !== 'fence' && (e.kind !== 'call' || e.opaque || e.argCells !== undefined);
}

function isRmw(event: Event): boolean {
  return event.kind === 'rmw' && event.atomic;
}

/** On every way something stands next to the fence that it is not for. A plain load tells nothing: the operation may be the caller's, or a callee's. */
function nothingForIt({ events, ends, gap }: Near): boolean {
  return (
    !ends &&
    !gap &&
    events.every(e => !isRmw(e) && (e.kind === 'read' ? e.atomic && e.ordering !== 'address' : e.kind === 'rmw' || e.kind === 'write'))
  );
}

/** A function around a fence and one access, with nothing else: what it is for is known where it is called. */
function aHelperOf(fn: CFunction): boolean {
  return fn.isInline && fn.events.filter(e => e.kind !== 'fence').length === 0;
}

/** A plain store next to the fence may be in between: a call further back may hold the operation. */
function isPlain(event: Event): boolean {
  return event.kind === 'write' && event.ordering === 'plain' && !event.args.length;
}

function isStore(event: Event): boolean {
  return event.kind === 'write' || event.kind === 'rmw';
}

function decides(fn: CFunction, event: Event): boolean {
  return event.kind === 'read' && decidesBranch(fn, event);
}
