import {
  between,
  calleeIn,
  callersOf,
  dominates,
  heldOnEntry,
  irqHandlerOf,
  isIdentity,
  lockText,
  maySleep,
  rolesOf,
  runsAlone,
  runsInTask,
  spins,
  takings,
} from '../../src/c/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'lock-irq-inconsistent',
  title: 'A lock that an interrupt takes is also taken with interrupts on',
  why: `
    Where an interrupt handler takes a spinning lock, whoever else takes it must keep the handler off its own CPU meanwhile. A task that
    holds the lock with interrupts on is interrupted there sooner or later, and the handler spins for a lock that its own CPU cannot give back.
    Outside the model, which knows no interrupts: told by inspection.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['irq-context', 'deadlock'],
  references: [
    'Documentation/locking/lockdep-design.rst, Single-lock state rules:',
    'Documentation/kernel-hacking/locking.rst, Hard IRQ Context',
    'Documentation/kernel-hacking/locking.rst, Table of Minimum Requirements',
  ],
  knownGaps: [
    'a lock is told from others by the type that holds it; one whose type is not in view is not followed',
    'handlers registered in another file are not known as such',
    'bottom halves are not looked at',
  ],
  examples: {
    bad: [
      `
struct radio {
	spinlock_t lock;
	int queued;
};

static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	spin_lock(&r->lock); /* want: lock-irq-inconsistent "radio_irq()" */
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
      `
struct radio {
	spinlock_t lock;
	int queued;
};

void radio_push(struct radio *r)
{
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	r->queued++;
	spin_unlock_irqrestore(&r->lock, flags);
}

void radio_pop(struct radio *r)
{
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	r->queued--;
	spin_unlock_irqrestore(&r->lock, flags);
}

void radio_drop(struct radio *r)
{
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	r->queued = 0;
	spin_unlock_irqrestore(&r->lock, flags);
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	spin_lock(&r->lock); /* want: lock-irq-inconsistent "interrupts off" */
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };`,
      `
struct radio {
	spinlock_t lock;
	int queued;
};

static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock); /* want: lock-irq-inconsistent "radio_poll()" */
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

static void radio_poll(struct timer_list *t)
{
	struct radio *r = from_timer(r, t, poll);

	radio_irq(0, r);
	mod_timer(&r->poll, jiffies + 10);
}

int radio_add(struct radio *r, int irq)
{
	timer_setup(&r->poll, radio_poll, 0);
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
      `
struct radio {
	spinlock_t lock;
	int irq;
	int muted;
	int queued;
};

static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

/* The helper silences the interrupt on one of its ways only. */
static void radio_mute(struct radio *r)
{
	if (r->muted)
		disable_irq(r->irq);
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	radio_mute(r);
	spin_lock(&r->lock); /* want: lock-irq-inconsistent "radio_irq()" */
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
    ],
    good: [
      `
struct radio {
	spinlock_t lock;
	int irq;
	int irq_rx;
	int irq_tx;
	int queued;
};

static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

/* A helper silences the interrupt, whichever it is. */
static void radio_mute(struct radio *r)
{
	if (r->irq) {
		disable_irq(r->irq);
	} else {
		disable_irq(r->irq_rx);
		disable_irq(r->irq_tx);
	}
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	radio_mute(r);
	spin_lock(&r->lock);
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	radio_unmute(r);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
      `
struct radio {
	spinlock_t lock;
	int queued;
};

/* Handler only: nothing interrupts it for the same lock. */
static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

void radio_push(struct radio *r)
{
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	r->queued++;
	spin_unlock_irqrestore(&r->lock, flags);
}

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
      `
struct radio {
	spinlock_t lock;
	int queued;
};

/* A threaded handler is a task. */
static irqreturn_t radio_thread(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	spin_lock(&r->lock);
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };

int radio_add(struct radio *r, int irq)
{
	return request_threaded_irq(irq, NULL, radio_thread, IRQF_ONESHOT, "radio", r);
}`,
      `
struct radio {
	spinlock_t lock;
	int queued;
};

static void radio_count(struct radio *r)
{
	spin_lock(&r->lock);
	r->queued++;
	spin_unlock(&r->lock);
}

static irqreturn_t radio_irq(int irq, void *data)
{
	radio_count(data);
	return IRQ_HANDLED;
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	local_irq_disable();
	radio_count(r);
	local_irq_enable();
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
      `
struct radio {
	spinlock_t lock;
	int queued;
};

static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	disable_irq(r->irq);
	spin_lock(&r->lock);
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	enable_irq(r->irq);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
      `
struct radio {
	spinlock_t lock;
	int queued;
};

/* Two locks of one name in two types. */
struct radio_log {
	spinlock_t lock;
	int lines;
};

static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued--;
	spin_unlock(&r->lock);
	return IRQ_HANDLED;
}

static int radio_log_show(struct seq_file *s, void *v)
{
	struct radio_log *l = s->private;

	spin_lock(&l->lock);
	seq_printf(s, "%d\\n", l->lines);
	spin_unlock(&l->lock);
	return 0;
}

static const struct radio_ops ops = { .show = radio_log_show };

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
    ],
  },
  checkFile(file, report, world) {
    if (!file.whole) return;
    for (const [lock, sites] of sitesOf(file, world)) {
      const open = sites.filter(s => !s.off && !s.handler && !s.quiet);
      const handled = sites.find(s => s.handler !== null && !s.threadsToo);
      const told = new Set<CFunction>();
      for (const site of open) {
        if (told.has(site.fn) || !runsInTask(site.fn, world)) continue;
        const off = sites.filter(s => s.off && s.fn !== site.fn);
        const functions = new Set(off.map(s => s.fn));
        const name = lockText(lock, site.event);
        if (handled?.handler && !(handled.shared && site.shared)) {
          told.add(site.fn);
          report(
            { event: site.event, fn: site.fn },
            {
              message: `${site.fn.name}() takes ${name} with interrupts on, and the interrupt handler ${handled.handler.name}() takes it too`,
              detail: [`An interrupt on this CPU between lock and unlock spins in ${handled.fn.name}() for what its own CPU holds`],
              question: 'Should it be spin_lock_irq() or spin_lock_irqsave()?',
              dismissal: 'Not an issue if the interrupt cannot fire here, or its handler is always threaded',
              related: [related(handled, `${handled.fn.name}() takes it here`)],
              shape: `${lock}|${site.fn.name}`,
            },
          );
        } else if (
          functions.size >= 2 &&
          functions.size > 2 * new Set(open.map(s => s.fn)).size &&
          isTask(site.fn, world) &&
          !off.every(s => runsAlone(s.fn))
        ) {
          told.add(site.fn);
          report(
            { event: site.event, fn: site.fn },
            {
              message: `${site.fn.name}() takes ${name} with interrupts on, and the ${functions.size} other functions of the file take it with interrupts off`,
              question: `Does an interrupt take ${name}? Then this one deadlocks with it on one CPU`,
              dismissal: `Not an issue if no interrupt handler takes ${name}`,
              related: off.slice(0, 2).map(s => related(s, `${s.fn.name}() takes it with interrupts off`)),
              confidence: 'medium',
              shape: `${lock}|${site.fn.name}`,
            },
          );
        }
      }
      for (const site of sites) {
        const caller = site.handler === site.fn && !site.off && !told.has(site.fn) ? plainCaller(site.fn, world) : null;
        if (!caller) continue;
        told.add(site.fn);
        report(
          { event: site.event, fn: site.fn },
          {
            message: `the interrupt handler ${site.fn.name}() takes ${lockText(lock, site.event)} without switching interrupts off, and ${caller.fn.name}() calls it outside of the interrupt`,
            detail: [`The interrupt may come on the CPU on which ${caller.fn.name}() runs it, and spin for the lock that is held there`],
            question: 'Should it be spin_lock_irqsave()?',
            dismissal: `Not an issue if ${caller.fn.name}() runs only where the interrupt is not used`,
            related: [{ path: caller.fn.path, line: caller.event.line, side: caller.fn.side, note: `${caller.fn.name}() calls it here` }],
            shape: `${lock}|${site.fn.name}`,
          },
        );
      }
    }
  },
} satisfies Rule;

interface Site {
  fn: CFunction;
  event: Event;
  shared: boolean;
  /** Interrupts are off once it is taken. */
  off: boolean;
  /** The handler by which an interrupt comes here. */
  handler: CFunction | null;
  /** The handler's function is called by others as well: it may ask where it runs. */
  threadsToo: boolean;
  /** Nothing else runs, or the interrupt is switched off at its source. */
  quiet: boolean;
}

function sitesOf(file: CodeFile, world: World): Map<string, Site[]> {
  const found = new Map<string, Site[]>();
  for (const fn of file.functions) {
    if (fn.isMacro) continue;
    for (const event of fn.events) {
      for (const taking of takings(fn, event)) {
        if (!spins(taking.lock) || !isIdentity(taking.lock, event) || event.object === 'private') continue;
        const off =
          taking.irqsOff ||
          /_irq(?:save)?(?:_|$)|irq/.test(event.api) ||
          event.context.includes('irqs-off') ||
          heldOnEntry(fn, world).context.includes('irqs-off');
        const handler = irqHandlerOf(fn, world);
        const quiet =
          alone(fn, world) ||
          !fn.whole ||
          silencedBefore(fn, event, world) ||
          fn.events.some(e => /^(?:disable_(?:hard)?irq(?:_nosync)?|free_irq|devm_free_irq|synchronize_irq)$/.test(e.api) && e.index < event.index);
        const site = { fn, event, shared: taking.shared, off, handler, threadsToo: handler !== null && handler !== fn && asksWhere(fn), quiet };
        const known = found.get(taking.lock);
        if (known) known.push(site);
        else found.set(taking.lock, [site]);
      }
    }
  }
  return found;
}

/** Is the interrupt switched off at its line before the event, on every way, by a function in view that does so on all its ways? */
function silencedBefore(fn: CFunction, event: Event, world: World): boolean {
  return fn.events.some(call => {
    if (call.kind !== 'call' || call.index >= event.index) return false;
    const callee = calleeIn(fn, call, world.functions);
    return (
      callee?.whole === true && alwaysSilences(callee) && dominates(fn, call, event) && !between(fn, call, event).some(e => speaks(fn, e, world))
    );
  });
}

/** The event, or the function in view that it calls, switches an interrupt on at its line. */
function speaks(fn: CFunction, event: Event, world: World): boolean {
  const callee = calleeIn(fn, event, world.functions);
  return event.api === 'enable_irq' || (callee?.events.some(e => e.api === 'enable_irq') ?? false);
}

/** Does every run of the function that returns switch an interrupt off at its line? */
function alwaysSilences(fn: CFunction): boolean {
  const off = new Set(fn.events.flatMap(e => (/^disable_(?:hard)?irq(?:_nosync)?$/.test(e.api) ? [e.node] : [])));
  if (off.size === 0) return false;
  const seen = new Set([0]);
  for (const at of seen) {
    const node = fn.flow[at];
    if (off.has(at)) continue;
    if (!node || node.kind === 'gap' || (node.kind === 'exit' && !node.stops)) return false;
    for (const to of node.next) seen.add(to);
  }
  return true;
}

/** Does the function sleep itself, or does a table name it that tasks run? Being called by such does not tell where the call stands. */
function isTask(fn: CFunction, world: World): boolean {
  if (/\birqreturn_t\b/.test(fn.head)) return false;
  return rolesOf(fn, world).has('task') || fn.events.some(e => maySleep(e) && e.context.length === 0 && e.locks.length === 0);
}

/** Set-up and teardown, where the interrupt is not requested yet or no more. */
function alone(fn: CFunction, world: World): boolean {
  const is = (f: CFunction) =>
    runsAlone(f) || /(?:^|_)(?:un|de)init(?:_|$)|shutdown|halt|suspend|resume|detach|attach|unload|unregister|free/.test(f.name);
  return is(fn) || (callersOf(fn, world)?.every(site => is(site.fn)) ?? false);
}

function asksWhere(fn: CFunction): boolean {
  return fn.events.some(e => /^(?:in_(?:interrupt|hardirq|irq|task|softirq|atomic)|irqs_disabled|preemptible)$/.test(e.api));
}

/** A call of the handler from outside of any interrupt, with interrupts not known to be off. */
function plainCaller(fn: CFunction, world: World): { fn: CFunction; event: Event } | null {
  for (const site of world.callers(fn.name)) {
    if (site.fn === fn || site.fn.path !== fn.path || irqHandlerOf(site.fn, world) || runsAlone(site.fn)) continue;
    if (site.event.context.includes('irqs-off') || heldOnEntry(site.fn, world).context.includes('irqs-off')) continue;
    if (!rolesOf(site.fn, world).has('softirq') && !runsInTask(site.fn, world)) continue;
    if (site.fn.events.some(e => /^(?:disable_irq(?:_nosync)?|local_irq_save|local_irq_disable)$/.test(e.api))) continue;
    return site;
  }
  return null;
}

function related(site: Site, note: string): { path: string; line: number; side: 'new' | 'old'; note: string } {
  return { path: site.fn.path, line: site.event.line, side: site.fn.side, note };
}
