/** What a claim says that an event does beside what its fact says (a free writes the object, a wake-up looks at the queue), as steps of a draft. */

import { isDeferred } from '../../c/syntax/effects.ts';
import type { Event } from '../../model/code.ts';
import type { Meaning } from '../../model/rule.ts';
import { stepFor, type ThreadAct, type ThreadStep } from '../draft.ts';
import type { Memory } from '../memory.ts';
import { countDown } from './facts.ts';

/** The steps of the meaning; `before` are those of the same thread that came already, `holds` tells which locks the thread has. */
export function declaredSteps(m: Meaning, before: readonly ThreadStep[], memory: Memory, holds: (lock: string) => boolean): ThreadStep[] {
  const { event } = m;
  const steps: ThreadStep[] = [];
  const add = (act: ThreadAct, register: string | null = null) => steps.push(stepFor(event, act, register));
  const gave = m.besides === 'nonzero' ? before.findLast(s => s.event === event && s.register !== null)?.register : undefined;
  const location = memory.meant(m.cell);
  const lock = m.under !== undefined && !holds(m.under) ? memory.lock(m.under) : null;
  const [reads, writes] = [m.access === 'read' || m.access === 'update', m.access === 'write' || m.access === 'update'];
  if (lock !== null) add({ op: 'lock', location: lock });
  if (m.access === 'write' && isDeferred(event)) add({ op: 'fence', fence: 'sync-rcu' });
  if (m.access === 'put') add(countDown(location, m.ordering), memory.register());
  if (m.access === 'try') add({ op: 'add-unless', location, order: m.ordering, operand: 1, unless: 0 }, memory.register());
  if (reads) {
    const via = memory.pointerTo(location, namesIn(event), before);
    const load = stepFor(event, { op: 'load', location, order: m.ordering, mask: null }, m.aside ? memory.aside() : memory.register());
    steps.push({ ...load, via });
  }
  if (writes) add({ op: 'store', location, order: m.ordering === 'full' ? 'relaxed' : m.ordering, value: m.value ?? null });
  if (lock !== null) add({ op: 'unlock', location: lock });
  if (m.access === 'write' && m.ordering === 'full') add({ op: 'fence', fence: 'mb' });
  for (const step of steps) {
    if (gave) step.when = [{ register: gave, test: 'nonzero' }];
    if (!('location' in step.act) || step.act.op === 'lock' || step.act.op === 'unlock') continue;
    if (m.says && (step.act.op === 'load' || step.act.op === 'store')) step.says = m.says;
    if (typeof m.cell === 'string') step.means = m.cell;
  }
  return steps;
}

/** Names under which the event may go through a pointer: its cell's base, or an argument of a call. */
function namesIn(event: Event): string[] {
  return [...(event.cell?.base ? [event.cell.base] : []), ...event.args];
}
