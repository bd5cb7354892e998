import { isHandedOver, isTest, isUseOf, onward, placeOf, takesReference, variablesIn } from '../../src/c/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'waiter-read-after-signal',
  title: 'A waiter’s record is read after it was told that it may go',
  why: `
    A record of a waiter often lives on the waiter's stack. Once the signal in it is stored, the waiter may see it without being woken, return,
    and the record is gone; the wake-up that follows then reads a task pointer out of what is somebody else's stack frame by now. The task is
    read, and held by a reference, before the signal.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['use-after-handover', 'lost-wakeup'],
  references: ['Documentation/memory-barriers.txt, INTERPROCESSOR INTERACTION', 'include/linux/sched/wake_q.h, opening comment'],
  knownGaps: ['what counts as a signal is read off names: a call that completes, a marked store to a member that says done'],
  examples: {
    bad: [
      `
void futex_go(struct waiter *w)
{
	waiter_complete(w, 1);
	wake_up_state(w->task, TASK_NORMAL); /* want: waiter-read-after-signal "w->task" */
}`,
      `
void slot_grant(struct waiter *w)
{
	smp_store_release(&w->woken, true);
	wake_up_process(w->task); /* want: waiter-read-after-signal "w->task" */
}`,
    ],
    good: [
      `
void slot_grant(struct waiter *w)
{
	struct task_struct *t = get_task_struct(w->task);

	smp_store_release(&w->woken, true);
	wake_up_process(t);
	put_task_struct(t);
}`,
      `
/* The waiter looks under the same lock. */
void slot_grant(struct slots *s, struct waiter *w)
{
	spin_lock(&s->lock);
	WRITE_ONCE(w->done, 1);
	wake_up_process(w->task);
	spin_unlock(&s->lock);
}`,
      `
/* A thread that stays: what it waits for is work, not its own end. */
void pool_kick(struct pool *p)
{
	WRITE_ONCE(p->pending, 1);
	wake_up_process(p->thread);
}`,
      `
/* The task is read while the record is still sure. */
void futex_go(struct waiter *w)
{
	struct task_struct *task = READ_ONCE(w->task);

	waiter_complete(w, 1);
	wake_up_state(task, TASK_NORMAL);
}`,
      `
void req_end(struct req *r)
{
	req_hold(r);
	req_complete(r);
	wake_up_process(r->task);
	req_drop(r);
}`,
    ],
  },
  checkFunction(fn, report) {
    if (fn.isMacro || fn.broken || isTest(fn) || fn.entryLocks.length > 0) return;
    for (const wake of fn.events) {
      const record = /^wake_up_(?:process|state)$/.test(wake.api) ? /^(\w+)->\w+$/.exec(wake.args[0] ?? '')?.[1] : undefined;
      if (record === undefined || isLocked(wake)) continue;
      const signal = fn.events.find(e => e.index < wake.index && isSignal(e, record) && !isLocked(e) && leadsTo(fn, e, wake, record));
      if (!signal || fn.events.some(e => e.index < wake.index && takesReference(e, record))) continue;
      const name = wake.args[0] ?? record;
      report(
        { event: wake, fn },
        {
          message: `${name} is read in ${fn.name}() after ${signal.kind === 'call' ? `${signal.api}()` : `the store to ${signal.cell ? placeOf(signal.cell).replace('.', '->') : record}`} has let the waiter go`,
          detail: [`A waiter that sees the signal before the wake-up returns, and ${record} may be gone with it`],
          question: `What keeps ${record} in place until the wake-up, and can ${name} be read first?`,
          dismissal: `Not an issue if the waiter cannot leave without what ${fn.name}() holds, or if ${record} is not the waiter's own`,
          related: [{ path: signal.path, line: signal.line, side: signal.side, note: 'the waiter may go from here' }],
          quote: [signal, wake],
          advice: [`${name} read before the signal, with get_task_struct()`],
        },
      );
    }
  },
} satisfies Rule;

/** A call that completes what it is given, or a marked store to a member that says that the wait is over. */
function isSignal(event: Event, record: string): boolean {
  if (event.kind === 'call') return /(?:^|_)(?:complete|done)$/.test(event.api) && isHandedOver(event, record);
  const member = event.cell?.path.split('.').at(-1) ?? '';
  return (
    event.kind === 'write' &&
    event.ordering !== 'plain' &&
    isUseOf(event, record) &&
    /^(?:done|woken|completed?|finished|signal?led|granted)$/.test(member)
  );
}

function leadsTo(fn: CFunction, signal: Event, wake: Event, record: string): boolean {
  return onward(fn, signal, { variables: variablesIn(record) }).events.includes(wake);
}

function isLocked(event: Event): boolean {
  return event.locks.length > 0 || event.maybeLocks.length > 0;
}
