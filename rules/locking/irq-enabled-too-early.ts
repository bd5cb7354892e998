import {
  called,
  callersOf,
  comesBefore,
  isIn,
  isTest,
  lockKey,
  lockText,
  onward,
  releasesSection,
  sameStatement,
  takings,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'irq-enabled-too-early',
  title: 'Interrupts are enabled in the middle of a section that must run with them disabled',
  why: `
    spin_unlock_irq() enables interrupts whatever their state was before. If an outer lock or a caller had disabled them already, the rest
    of the outer section runs with interrupts enabled, and a handler that takes the outer lock spins forever on this CPU. The inner lock
    needs only the plain form; where the state is not known, _irqsave and _irqrestore preserve it. Outside the model, which has no
    interrupts: reported by inspection.`,
  severity: 'error',
  confidence: 'high',
  finds: ['irq-context'],
  references: ['Documentation/kernel-hacking/locking.rst, Locking Between Hard IRQ and Softirqs/Tasklets'],
  knownGaps: ['callers are known only where all of them are visible, and helpers one call deep'],
  examples: {
    bad: [
      `
void valve_swap(struct valve *a, struct valve *b)
{
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	spin_lock_irq(&b->aux_lock);
	swap(a->level, b->level);
	spin_unlock_irq(&b->aux_lock); /* want: irq-enabled-too-early "b->aux_lock" */
	valve_note(a);
	spin_unlock_irqrestore(&a->lock, flags);
}`,
      `
static void valve_count(struct valve *v)
{
	spin_lock_irq(&v->stat_lock);
	v->counted++;
	spin_unlock_irq(&v->stat_lock); /* want: irq-enabled-too-early "v->stat_lock" */
}

void valve_open(struct valve *v)
{
	spin_lock_irq(&v->lock);
	valve_count(v);
	v->level++;
	spin_unlock_irq(&v->lock);
}`,
    ],
    good: [
      `
void valve_swap(struct valve *a, struct valve *b)
{
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	spin_lock(&b->aux_lock);
	swap(a->level, b->level);
	spin_unlock(&b->aux_lock);
	spin_unlock_irqrestore(&a->lock, flags);
}`,
      `
/* They are switched off once more than needed, and not on. */
void valve_mix(struct valve *a, struct valve *b)
{
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	spin_lock_irq(&b->aux_lock);
	swap(a->level, b->level);
	spin_unlock(&b->aux_lock);
	spin_unlock_irqrestore(&a->lock, flags);
}`,
      `
/* The one unlock ends what the two calls began. */
void valve_shut(struct valve *v)
{
	local_irq_disable();
	spin_lock(&v->lock);
	v->level = 0;
	spin_unlock_irq(&v->lock);
}`,
      `
/* The caller's lock is given back, and interrupts are on, before the other is taken. */
static void valve_breathe(struct valve *v)
{
	spin_unlock_irq(&v->lock);
	spin_lock_irq(&v->stat_lock);
	v->counted++;
	spin_unlock_irq(&v->stat_lock);
	spin_lock_irq(&v->lock);
}

void valve_open(struct valve *v)
{
	spin_lock_irq(&v->lock);
	valve_breathe(v);
	spin_unlock_irq(&v->lock);
}`,
      `
/* Some callers have them on. */
static void valve_count(struct valve *v)
{
	spin_lock_irq(&v->stat_lock);
	v->counted++;
	spin_unlock_irq(&v->stat_lock);
}

void valve_open(struct valve *v)
{
	valve_count(v);
	spin_lock_irq(&v->lock);
	v->level++;
	spin_unlock_irq(&v->lock);
}`,
      `
/* The lock is given back around the call by what waits. */
static void valve_flush(struct valve *v)
{
	spin_lock_irq(&v->stat_lock);
	v->pending = 0;
	spin_unlock_irq(&v->stat_lock);
}

void valve_freeze(struct valve *v)
{
	spin_lock_irq(&v->lock);
	wait_event_lock_irq_cmd(v->wait, v->idle, v->lock, valve_flush(v));
	spin_unlock_irq(&v->lock);
}`,
      `
/* The inner unlock comes last: interrupts go on when nothing is held any more. */
void valve_both(struct valve *a, struct valve *b)
{
	spin_lock_irq(&a->lock);
	spin_lock(&b->aux_lock);
	swap(a->level, b->level);
	spin_unlock(&a->lock);
	spin_unlock_irq(&b->aux_lock);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const take of fn.events) {
      if (take.kind !== 'lock' || take.ends || !switches(take, '+irqs-off')) continue;
      const off = isIn(take, 'irqs-off') ? take : offInCallers(fn, take, world);
      const [lock] = takings(fn, take);
      const give = off && lock ? onward(fn, take, {}).events.find(e => enables(e) && releasesSection(fn, e, lock.lock)) : undefined;
      if (!off || !lock || !give) continue;
      const name = lockText(lock.lock, take);
      report(
        { event: give, fn },
        {
          message: give.ends
            ? `The end of ${called(take)} for ${name} in ${fn.name}() enables interrupts, which were already disabled before it`
            : `${called(give)}(&${name}) in ${fn.name}() enables interrupts, which were already disabled before ${called(take)}()`,
          question: 'Should the inner lock leave the interrupt state alone?',
          dismissal: 'Not an issue if no lock that an interrupt handler takes is still held',
          related: [
            ...(off === take ? [] : [{ path: off.path, line: off.line, side: off.side, note: 'called with interrupts disabled' }]),
            { path: take.path, line: take.line, side: take.side, note: 'inner lock taken here' },
          ],
          quote: [take, give],
          shape: `${fn.name}|${lockKey(lock.lock)}`,
        },
      );
    }
  },
} satisfies Rule;

/** A form of a lock that keeps no flags: it disables interrupts, and the unlock, or the end of the guard's scope, enables them whatever they were. */
function switches(event: Event, way: '+irqs-off' | '-irqs-off'): boolean {
  return event.fact?.lock !== null && event.fact?.saves !== true && (event.fact?.context.includes(way) ?? false);
}

function enables(event: Event): boolean {
  return event.ends ? switches(event, '+irqs-off') : event.kind === 'unlock' && switches(event, '-irqs-off');
}

/** A call of the function with interrupts off, where all calls of it are so, and it has not switched them on before. */
function offInCallers(fn: CFunction, take: Event, world: World): Event | null {
  const sites = callersOf(fn, world) ?? [];
  if (sites.length === 0 || !sites.every(s => s.fn !== fn && isIn(s.event, 'irqs-off') && !inWait(s.fn, s.event))) return null;
  const earlier = fn.events.some(e => comesBefore(fn, e, take) && e.fact?.context.includes('-irqs-off'));
  return earlier ? null : (sites[0]?.event ?? null);
}

/** The call stands in a macro that waits, and may give its lock back around it. */
function inWait(fn: CFunction, call: Event): boolean {
  return fn.events.some(e => e.kind === 'wait' && sameStatement(e, call));
}
