/** A section, of RCU or with interrupts or preemption off, that goes while what it was around stays. */
import { called, comesBefore, isIn } from '../../../src/analysis/query.ts';
import type { Event } from '../../../src/model/code.ts';
import type { Remark } from '../../../src/model/rule.ts';
import { sectionClaim } from './readers.ts';
import { calledUnderLock, gains, inFunction, isHeld, isMoved, matters, mostStay, namedFirst, runsOnce, staying, telling, type View } from './view.ts';

const SECTIONS = ['rcu-read', 'srcu-read', 'irqs-off', 'preempt-off', 'bh-off'] as const;

const QUESTIONS: Record<(typeof SECTIONS)[number], string> = {
  'rcu-read': 'What keeps the object from being freed meanwhile?',
  'srcu-read': 'What keeps the object from being freed meanwhile?',
  'irqs-off': 'What excludes an interrupt on this CPU?',
  'preempt-off': 'What keeps the task on this CPU?',
  'bh-off': 'What excludes a softirq on this CPU?',
};

const RCU_CALLERS = 'Not an issue if every caller is in a read-side critical section already, or holds a reference to the object';

const DISMISSALS: Record<(typeof SECTIONS)[number], string> = {
  'rcu-read': RCU_CALLERS,
  'srcu-read': RCU_CALLERS,
  'irqs-off': 'Not an issue if every caller has disabled interrupts already (lockdep_assert_irqs_disabled() would state it)',
  'preempt-off': 'Not an issue if every caller has disabled preemption already (lockdep_assert_preemption_disabled() would state it)',
  'bh-off': 'Not an issue if every caller has disabled bottom halves already',
};

/** The section goes, and what it was around stays. */
export function lostSection(view: View, event: Event): Remark | null {
  const { before, after } = view;
  if ((event.kind !== 'rcu' && event.kind !== 'fence') || gains(view) || runsOnce(after)) return null;
  const later = before.events.filter(e => comesBefore(before, event, e));
  const [next] = later;
  const section = SECTIONS.find(s => next && !isIn(event, s) && isIn(next, s));
  if (section === undefined) return null;
  const inside = later.filter(e => isIn(e, section) && matters(view, e));
  const left = staying(view, e => inside.includes(e));
  const pointers = left.filter(s => s.old.ordering === 'address');
  const one = pointers[0] ?? telling(left);
  if (!one || !mostStay(inside, left) || left.some(s => isHeld(after, s.now, view.series.after) || isIn(s.now, section))) return null;
  if (isMoved(view, event) || calledUnderLock(view)) return null;
  if (view.series.after.callers(after.name).some(c => isIn(c.event, section))) return null;
  const claim = section === 'rcu-read' ? sectionClaim(view, event) : null;
  return {
    ...(claim ? { claim } : {}),
    message: `${namedFirst(one.old)} stays in ${inFunction(after)}, but ${called(event)}() around it is removed`,
    question: QUESTIONS[section],
    dismissal: DISMISSALS[section],
    quote: [event, one.now],
    shape: `section:${after.name}:${section}`,
    ...(pointers.length > 0 ? {} : { severity: 'note' as const }),
  };
}
