import {
  atomicAt,
  between,
  called,
  calleesIn,
  comesBefore,
  contextSection,
  gfpOf,
  isContext,
  isIn,
  lockText,
  mayGive,
  maySleep,
  type Section,
  sameLock,
  sureSleep,
  takings,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'sleep-in-atomic',
  title: 'A call that may sleep in atomic context',
  why: `
    With a spinlock held, with interrupts or preemption disabled, or in an RCU read-side critical section, the scheduler must not be called.
    A task that sleeps there leaves other CPUs spinning for the lock, deadlocks the CPU if the next task wants the lock, and makes a grace
    period end too early or never. Certain by inspection: memory ordering plays no part.`,
  severity: 'error',
  confidence: 'high',
  finds: ['sleep-in-atomic'],
  references: [
    'Documentation/kernel-hacking/locking.rst, What Functions Are Safe To Call From Interrupts?',
    'Documentation/kernel-hacking/locking.rst, Some Functions Which Sleep',
    'Documentation/locking/locktypes.rst, Lock type nesting rules',
  ],
  knownGaps: [
    'a lock held on some paths only, or held by a caller that is not visible, is not reported',
    'an allocation counts as sleeping only if its GFP flags are spelled out',
  ],
  examples: {
    bad: [
      `
void pump_stop(struct pump *p)
{
	spin_lock_irq(&p->lock);
	p->running = false;
	flush_workqueue(p->wq); /* want: sleep-in-atomic "p->lock" */
	spin_unlock_irq(&p->lock);
}`,
      `
int pump_grow(struct pump *p, int n)
{
	void *buf;

	spin_lock(&p->lock);
	buf = kmalloc(n, GFP_KERNEL); /* want: sleep-in-atomic "kmalloc()" */
	if (buf)
		p->buf = buf;
	spin_unlock(&p->lock);
	return buf ? 0 : -ENOMEM;
}`,
      `
int pump_ask(struct pump_set *s, int id)
{
	struct pump *p;

	rcu_read_lock();
	p = rcu_dereference(s->pump[id]);
	if (p)
		mutex_lock(&p->config); /* want: sleep-in-atomic "RCU" */
	rcu_read_unlock();
	return p ? 0 : -ENOENT;
}`,
      `
static void pump_settle(struct pump *p)
{
	usleep_range(10, 20);
	writel(1, p->regs);
}

void pump_kick(struct pump *p)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	pump_settle(p); /* want: sleep-in-atomic "usleep_range()" */
	spin_unlock_irqrestore(&p->lock, flags);
}`,
      `
static int pump_wait(struct pump *p, unsigned int ms)
{
	might_sleep();
	return pump_poll(p, ms);
}

int pump_check(struct pump *p)
{
	int ret;

	spin_lock(&p->lock);
	ret = pump_wait(p, 0); /* want: sleep-in-atomic "might_sleep()" */
	spin_unlock(&p->lock);
	return ret;
}`,
    ],
    good: [
      `
/* The helper lets go of the lock and takes it again, and so does the loop. */
static void pump_drop(struct pump *p)
{
	p->drops--;
	spin_unlock_irq(&p->lock);
	pump_splash(p);
	spin_lock_irq(&p->lock);
}

void pump_dry(struct pump *p)
{
	spin_lock_irq(&p->lock);
	while (p->drops) {
		pump_drop(p);
		spin_unlock_irq(&p->lock);
		cond_resched();
		spin_lock_irq(&p->lock);
	}
	spin_unlock_irq(&p->lock);
}`,
      `
/* The helper sleeps only for who gives it the time to. */
static int pump_wait(struct pump *p, unsigned int ms)
{
	might_sleep_if(ms);
	return pump_poll(p, ms);
}

int pump_check(struct pump *p)
{
	int ret;

	spin_lock(&p->lock);
	ret = pump_wait(p, 0);
	spin_unlock(&p->lock);
	return ret;
}`,
      `
void pump_stop(struct pump *p)
{
	spin_lock_irq(&p->lock);
	p->running = false;
	spin_unlock_irq(&p->lock);
	flush_workqueue(p->wq);
}`,
      `
int pump_grow(struct pump *p, int n)
{
	void *buf;

	spin_lock(&p->lock);
	buf = kmalloc(n, GFP_ATOMIC);
	if (buf)
		p->buf = buf;
	spin_unlock(&p->lock);
	return buf ? 0 : -ENOMEM;
}`,
      `
int pump_grow_by(struct pump *p, int n, gfp_t gfp)
{
	spin_lock(&p->lock);
	p->buf = kmalloc(n, gfp);
	spin_unlock(&p->lock);
	return p->buf ? 0 : -ENOMEM;
}`,
      `
void pump_try(struct pump *p)
{
	if (!spin_trylock(&p->lock)) {
		msleep(1);
		return;
	}
	p->tries++;
	spin_unlock(&p->lock);
}`,
      `
static void pump_let_go(struct pump *p)
{
	spin_unlock(&p->lock);
	msleep(1);
	spin_lock(&p->lock);
}

void pump_wait(struct pump *p)
{
	spin_lock(&p->lock);
	pump_let_go(p);
	p->waits++;
	spin_unlock(&p->lock);
}`,
      `
void pump_srcu(struct pump *p)
{
	int idx = srcu_read_lock(&p->srcu);

	mutex_lock(&p->config);
	p->configured = true;
	mutex_unlock(&p->config);
	srcu_read_unlock(&p->srcu, idx);
}`,
      `
void pump_mixed(struct pump *p, bool fast)
{
	if (fast)
		spin_lock(&p->lock);
	else
		mutex_lock(&p->config);
	if (!fast)
		msleep(1);
	if (fast)
		spin_unlock(&p->lock);
	else
		mutex_unlock(&p->config);
}`,
      `
int pump_wait_locked_irq(struct pump *p)
{
	spin_lock_irq(&p->lock);
	wait_event_lock_irq(p->idle, p->users == 0, p->lock);
	spin_unlock_irq(&p->lock);
	return 0;
}`,
      `
/* The lock is handed to the one that puts it down. */
void pump_hand_over(struct pump *p)
{
	spin_lock(&p->lock);
	pump_finish_and_unlock(p);
	msleep(1);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    // At boot nothing else runs, and a header's function may be called where faults fail at once.
    if (fn.isMacro || fn.broken || fn.attributes.includes('__init')) return;
    const told = new Set<string>();
    for (const event of fn.events) {
      const atomic = event.uncertain ? null : atomicAt(event);
      if (!atomic) continue;
      const deep = event.kind === 'call' && event.argCells ? sleeperIn(fn, event, world) : null;
      if (!deep && !maySleep(event)) continue;
      // These let go of what they are named for while they sleep.
      if (/^(?:cond_resched_\w+|schedule_preempt_disabled)$/.test(event.api)) continue;
      // Known to give the lock back while it sleeps, or to fail in place of a fault.
      if (/_lock_irq|_locked|_cmd$|^wait_on_bit_lock/.test((deep ?? event).api) && (deep ?? event).kind === 'wait') continue;
      if ((isIn(event, 'pagefault-off') || fn.path.endsWith('.h')) && /user|iter|fault/.test((deep ?? event).api)) continue;
      // A poll without a pause between its tries spins.
      if (/_poll_timeout/.test((deep ?? event).api) && (deep ?? event).args.slice(3, 5).includes('0')) continue;
      const runtime = /^pm_runtime_/.test((deep ?? event).api);
      // A device may be told that its callbacks do not sleep.
      if (runtime && world.functions.some(f => f.events.some(e => e.api === 'pm_runtime_irq_safe'))) continue;
      const begin = beginning(fn, event, atomic, world);
      if (!begin) continue;
      const under = atomic.lock === null ? CONTEXTS[atomic.word] : `with ${lockText(atomic.lock, begin)} held`;
      const key = `${called(event)}|${under}`;
      if (told.has(key)) continue;
      told.add(key);
      report(
        { event, fn },
        {
          message: deep
            ? `${called(event)}() reaches ${called(deep)}(), which may sleep, and ${fn.name}() calls it ${under}`
            : `${called(event)}()${gfp(event)} may sleep, and ${fn.name}() calls it ${under}`,
          question: atomic.lock === null ? 'Can it move out of the section?' : 'Can it move after the unlock, or can the lock be a sleeping lock?',
          dismissal: `Not an issue if a call between ${called(begin)}() and this one ends the critical section`,
          related: [
            { path: fn.path, line: begin.line, side: fn.side, note: `${called(begin)}() is here` },
            ...(deep ? [{ path: deep.path, line: deep.line, side: deep.side, note: `${called(deep)}() is here` }] : []),
          ],
          quote: [begin, event],
          // A caller may have seen to it that faults fail at once.
          ...(runtime || (atomic.lock === null && /(?:^|_)(?:get|put|copy|clear)_\w*user/.test((deep ?? event).api))
            ? { confidence: 'low' as const }
            : {}),
          // A callee that sleeps is one cause, whoever calls it; so is one section around several calls.
          shape: deep ? `${called(event)}|${called(deep)}` : `${fn.name}|${begin.index}`,
        },
      );
    }
  },
} satisfies Rule;

const CONTEXTS: Record<string, string> = {
  'irqs-off': 'with interrupts disabled',
  'preempt-off': 'with preemption disabled',
  'bh-off': 'with bottom halves disabled',
  'rcu-read': 'in an RCU read-side critical section',
};

function gfp(event: Event): string {
  const flags = gfpOf(event);
  return flags ? ` with ${flags}` : '';
}

/** What a call of a function in view comes to, down to the call that is known to sleep. */
function sleeperIn(fn: CFunction, event: Event, world: World): Event | null {
  let [at, call]: [CFunction, Event] = [fn, event];
  for (let depth = 0; depth < 8; depth++) {
    const callees = calleesIn(at, call, world.functions);
    const [callee] = callees;
    // Through a pointer any of several may run.
    const asleep = callees.map(c => (c !== at && !c.isMacro ? sureSleep(c, world.functions) : null));
    const [inner] = asleep;
    if (!callee || !inner || asleep.includes(null)) return null;
    if (maySleep(inner)) return inner;
    [at, call] = [callee, inner];
  }
  return null;
}

/** The event that began what forbids to sleep, where nothing between may have ended it; null where that is not sure. */
function beginning(fn: CFunction, event: Event, atomic: { lock: Section | null; word: string }, world: World): Event | null {
  const begins = fn.events.filter(e => {
    if (!comesBefore(fn, e, event)) return false;
    return takings(fn, e).some(t =>
      atomic.lock === null ? (isContext(t.lock) && t.lock.family === atomic.word) || begunWith(e, atomic.word) : sameLock(t.lock, atomic.lock),
    );
  });
  const begin = begins.at(-1);
  if (!begin) return null;
  const lock = atomic.lock ?? contextSection(atomic.word);
  return between(fn, begin, event).some(e => e.kind === 'call' && mayGive(fn, e, lock, begin, world.functions)) ? null : begin;
}

function begunWith(event: Event, word: string): boolean {
  return event.kind === 'lock' && word !== 'rcu-read' && /_irq|_bh|^guard/.test(event.api);
}
