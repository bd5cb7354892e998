import {
  bitOrPath,
  called,
  comesBefore,
  conditionOn,
  decidesBranch,
  dominates,
  includesSection,
  isOwn,
  isTest,
  keyOf,
  nearest,
  nodesAfter,
  ordersAll,
  ordersLoads,
  ordersStores,
  passes,
  runsAlone,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Related } from '../../src/model/finding.ts';
import type { AssumedStep, Claim, Rule, Use } from '../../src/model/rule.ts';

export default {
  id: 'done-mark-without-release',
  title: 'A flag that marks earlier work as done is set without release ordering',
  why: `
    Another CPU proceeds as soon as it sees the flag, and uses what was done before it was set: by a callback that was passed the object, or
    by the caller of the completion function. WRITE_ONCE(), atomic_set() and set_bit() do not order earlier accesses before them, and a test
    by READ_ONCE() or test_bit() does not order later accesses after it. The barriers in sleeping and waking do not help: a waiter that has
    not gone to sleep yet sees the flag without any wake-up in between. The result is stored through a pointer or by the caller: the claim
    assumes this, and that the CPU that sees the flag reads it.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['barrier-missing'],
  references: [
    'tools/memory-model/Documentation/recipes.txt, Release and acquire',
    'Documentation/memory-barriers.txt, SLEEP AND WAKE-UP FUNCTIONS',
    'Documentation/atomic_bitops.txt, ORDERING',
  ],
  knownGaps: ['a test in another file', 'data that the function stores itself is reported by flag-published-without-release'],
  examples: {
    bad: [
      `
void mill_end(struct grain *g)
{
	struct task_struct *owner = g->owner;

	WRITE_ONCE(g->owner, NULL); /* want: done-mark-without-release "owner" */
	wake_up_process(owner);
}

int mill_wait(struct grain *g)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!READ_ONCE(g->owner))
			break;
		io_schedule();
	}
	__set_current_state(TASK_RUNNING);
	return g->status;
}`,
      `
void step_run(struct step *s)
{
	s->func(s);
	set_bit(STEP_DONE, &s->flags); /* want: done-mark-without-release "STEP_DONE" */
	step_flush(s->queue);
}

void step_flush(struct queue *q)
{
	struct step *s = q->first;

	if (!test_bit(STEP_DONE, &s->flags))
		return;
	s->finish(s);
}`,
    ],
    good: [
      `
void mill_end(struct grain *g)
{
	struct task_struct *owner = g->owner;

	smp_store_release(&g->owner, NULL);
	wake_up_process(owner);
}

int mill_wait(struct grain *g)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!smp_load_acquire(&g->owner))
			break;
		io_schedule();
	}
	return g->status;
}`,
      `
/* The last one is told by a fully ordered operation, and nothing is stored after it. */
void mill_end(struct grain *g)
{
	struct task_struct *owner = g->owner;

	if (!atomic_dec_and_test(&g->parts))
		return;
	WRITE_ONCE(g->owner, NULL);
	wake_up_process(owner);
}

int mill_wait(struct grain *g)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!READ_ONCE(g->owner))
			break;
		io_schedule();
	}
	return g->status;
}`,
      `
void step_run(struct step *s)
{
	s->func(s);
	smp_mb__before_atomic();
	set_bit(STEP_DONE, &s->flags);
	step_flush(s->queue);
}

void step_flush(struct queue *q)
{
	struct step *s = q->first;

	if (!test_bit(STEP_DONE, &s->flags))
		return;
	smp_rmb();
	s->finish(s);
}`,
      `
/* A step of its own, by a table of operations: no work that was handed over. */
int step_reset(struct step *s)
{
	s->ops->quiet(s);
	set_bit(STEP_DONE, &s->flags);
	return 0;
}

void step_flush(struct step *s)
{
	if (test_bit(STEP_DONE, &s->flags))
		s->finish(s);
}`,
      `
/* Counting starts anew: nothing is done. */
void step_reset(struct step *s)
{
	s->quiet(s);
	atomic_set(&s->turn, 0);
}

void step_flush(struct step *s)
{
	if (atomic_read(&s->turn))
		s->finish(s);
}`,
      `
/* The bit is set and looked at under one lock. */
void step_run(struct step *s)
{
	spin_lock(&s->lock);
	s->func(s);
	set_bit(STEP_DONE, &s->flags);
	spin_unlock(&s->lock);
}

bool step_done(struct step *s)
{
	bool done = false;

	spin_lock(&s->lock);
	if (test_bit(STEP_DONE, &s->flags))
		done = true;
	spin_unlock(&s->lock);
	return done;
}`,
      `
/* A request, not a completion: the object stays, and its thread is read from it after the mark. */
void mill_irq(struct mill *m)
{
	if (!m->open)
		return;
	set_bit(MILL_IRQ, &m->pending);
	if (m->task)
		wake_up_process(m->task);
}

int mill_loop(struct mill *m)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (test_bit(MILL_IRQ, &m->pending))
			break;
		schedule();
	}
	return m->status;
}`,
      `
/* Asked to stop, not told that something is done: nothing but the mark is read. */
void mill_halt(struct mill *m)
{
	WRITE_ONCE(m->halt, true);
	wake_up_process(m->task);
}

int mill_main(void *data)
{
	struct mill *m = data;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(m->halt))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}`,
    ],
  },
  checkFile(file, report, world) {
    const functions = file.functions.filter(fn => !fn.isMacro && !fn.broken && !isTest(fn));
    const looks = functions.flatMap(fn => fn.events.filter(isLook).map(event => ({ fn, event })));
    for (const fn of functions) {
      if (runsAlone(fn, world)) continue;
      for (const mark of fn.events) {
        if (!isMark(mark) || isOwn(fn, mark)) continue;
        const done = callbackBefore(fn, mark);
        const wake = done ? undefined : wakeAfter(fn, mark);
        if ((!done && !wake) || orderedBefore(fn, mark, done)) continue;
        const look = looks.find(
          l =>
            l.fn !== fn &&
            samePlace(l.event, mark) &&
            !l.event.locks.some(x => includesSection(mark.locks, x)) &&
            (done ? goesOn(l.fn, l.event, mark) : waitsFor(l.fn, l.event)),
        );
        if (!look) continue;
        const name = mark.cell ? bitOrPath(mark.cell) : 'the flag';
        const other: Related = { path: look.event.path, line: look.event.line, side: look.event.side, note: `the test, in ${look.fn.name}()` };
        report(
          { event: mark, fn },
          {
            message: done
              ? `${fn.name}() sets ${name} after ${called(done)}(), and ${called(mark)}() does not order the accesses of ${called(done)}() before it`
              : `${fn.name}() releases a waiter by ${called(mark)}() of ${name}, which does not order earlier accesses before it`,
            detail: [`${look.fn.name}() proceeds once ${called(look.event)}() sees it, and its later loads are not ordered after that either`],
            question: done
              ? `Should ${name} be set with release ordering or after smp_mb__before_atomic(), and be tested with acquire ordering or before smp_rmb()?`
              : `Should this be smp_store_release(), and the test in ${look.fn.name}() smp_load_acquire()?`,
            dismissal: `Not an issue if ${look.fn.name}() uses nothing that was stored before ${name} was set`,
            quote: done ? [done, mark] : [mark],
            related: [other],
            shape: `${keyOf(mark)}|${mark.cell?.bit ?? ''}`,
            claim: claimOf({ fn, event: mark, side: 0 }, { ...look, side: 0 }, done),
          },
        );
      }
    }
  },
} satisfies Rule;

/** The result is read after the flag is seen, and is not visible yet. */
function claimOf(mark: Use, look: Use, done: Event | undefined): Claim {
  const work = done ? `the result of ${called(done)}()` : 'the result';
  const then: AssumedStep = { does: 'read', cell: work };
  const name = mark.event.cell ? bitOrPath(mark.event.cell) : 'the flag';
  const barriers = mark.event.kind === 'rmw';
  return {
    threads: [
      { fn: mark.fn, events: [mark.event], before: [{ does: 'write', cell: work }] },
      { fn: look.fn, events: [look.event], then: [then] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: look.event, from: mark.event },
        { read: then, from: 'before' },
      ],
    },
    edits: [
      barriers
        ? {
            kind: 'both',
            text: `smp_mb__before_atomic() before ${name} together with smp_rmb() after the test`,
            edits: [
              { kind: 'fence', fence: 'full', where: 'before', event: mark.event, text: '' },
              { kind: 'fence', fence: 'rmb', where: 'after', event: look.event, text: '' },
            ],
          }
        : {
            kind: 'both',
            text: `smp_store_release() of ${name} together with smp_load_acquire() at the test`,
            edits: [
              { kind: 'order', event: mark.event, ordering: 'release', text: '' },
              { kind: 'order', event: look.event, ordering: 'acquire', text: '' },
            ],
          },
    ],
    assumes: ['both run on one object', `${look.fn.name}() or its caller reads ${work}${done ? '' : `, stored before ${name} was set`}`],
    stands: true,
  };
}

/** A marked store or an atomic operation that orders nothing. */
function isMark(event: Event): boolean {
  if (!event.cell?.base || event.uncertain || event.object !== undefined || event.ordering !== 'relaxed' || !event.atomic) return false;
  return event.kind === 'rmw' ? event.operation === 'set' && event.cell.bit !== null : event.kind === 'write' && event.operation === 'store';
}

function isLook(event: Event): boolean {
  return event.kind === 'read' && event.atomic && event.ordering === 'relaxed' && event.cell?.base != null;
}

/** Within one file the member's name will do where the type of one is not in view; a bit has to be named by a constant. */
function samePlace(a: Event, b: Event): boolean {
  if (!a.cell || !b.cell || a.cell.bit !== b.cell.bit || (a.cell.bit !== null && !/^_*[A-Z]/.test(a.cell.bit))) return false;
  return keyOf(a) === keyOf(b);
}

/** The function pointer of the object, called with the object itself, is the last thing before the mark. */
function callbackBefore(fn: CFunction, mark: Event): Event | undefined {
  const near = nearest(fn, mark, 'before', e => e.kind !== 'read' || e.ordering !== 'plain');
  const base = mark.cell?.base ?? '';
  const [call] = near.events;
  if (near.events.length !== 1 || near.gap || near.ends || !call || call.kind !== 'call' || !call.opaque) return undefined;
  // What an operations table calls is a step of the caller's own; the object's own function is the work that was put into it.
  if (mark.kind === 'write' && !/^(?:1|true|[A-Z]\w*)$/.test(mark.operand ?? '')) return undefined;
  return call.api.startsWith(`${base}->`) && !call.api.slice(base.length + 2).includes('->') && call.args.includes(base) ? call : undefined;
}

/** The very next thing wakes somebody whom the function knew before: the object is no longer touched, it may be gone. */
function wakeAfter(fn: CFunction, mark: Event): Event | undefined {
  const ahead = nodesAfter(fn, mark.node);
  const ofIt = (e: Event) => e.kind === 'read' && e.cell !== null && e.cell.base === mark.cell?.base;
  if (!fn.events.some(e => ofIt(e) && comesBefore(fn, e, mark)) || fn.events.some(e => ofIt(e) && ahead.has(e.node))) return undefined;
  const near = nearest(fn, mark, 'after', e => e.kind !== 'read');
  const [next] = near.events;
  return near.events.length === 1 && next && !near.gap && (next.kind === 'wake' || (next.opaque && /(?:^|_)wake(?:_|$)/.test(next.api)))
    ? next
    : undefined;
}

/** Everything before the mark is ordered already, or a lock that it is set under does it. */
function orderedBefore(fn: CFunction, mark: Event, done: Event | undefined): boolean {
  if (done) return passes(fn, done, mark, ordersStores);
  return fn.events.some(
    e =>
      (ordersAll(e) || ordersStores(e) || e.ordering === 'release' || e.kind === 'unlock') &&
      comesBefore(fn, e, mark) &&
      dominates(fn, e, mark) &&
      !passes(fn, e, mark, x => x.kind === 'write' || x.opaque),
  );
}

/** A sleeper that tests it once it has stored its state, and then uses the object. */
function waitsFor(fn: CFunction, look: Event): boolean {
  const before = nearest(fn, look, 'before', e => e.kind !== 'read');
  if (before.events.length === 0 || !before.events.every(e => e.api === 'set_current_state')) return false;
  return !loadsOrdered(fn, look) && (!fn.whole || usesObject(fn, look));
}

/** What the test decides is whether the object is gone on with. */
function goesOn(fn: CFunction, look: Event, mark: Event): boolean {
  if (loadsOrdered(fn, look) || !decidesBranch(fn, look)) return false;
  const used = fn.events.some(
    e => comesBefore(fn, look, e) && conditionOn(fn, look, e) === 'nonzero' && (e.args.includes(look.cell?.base ?? '') || ofObject(e, look)),
  );
  return used || (!fn.whole && mark.cell?.bit !== null);
}

function usesObject(fn: CFunction, look: Event): boolean {
  return fn.events.some(e => comesBefore(fn, look, e) && e.kind === 'read' && e.ordering === 'plain' && ofObject(e, look));
}

function ofObject(event: Event, look: Event): boolean {
  return event.kind === 'read' && event.cell !== null && event.cell.base === look.cell?.base && event.cell.path !== look.cell?.path;
}

/** Something on the way on keeps later loads behind the test. */
function loadsOrdered(fn: CFunction, look: Event): boolean {
  const near = nearest(
    fn,
    look,
    'after',
    e => e.kind !== 'wait' && (ordersLoads(e) || e.ordering === 'acquire' || e.kind === 'lock' || (e.kind !== 'read' && e !== look)),
  );
  return near.events.some(e => e.api !== 'set_current_state' && (ordersLoads(e) || e.ordering === 'acquire' || e.kind === 'lock'));
}
