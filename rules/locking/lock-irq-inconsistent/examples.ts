import type { Rule } from '../../../src/model/rule.ts';

/** The rule's examples both ways: where an interrupt and a task meet at one lock, and what only looks so. */
export const examples: Rule['examples'] = {
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

	spin_lock(&r->lock); /* want: lock-irq-inconsistent "interrupts disabled" */
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
    `
struct radio {
	spinlock_t lock;
	struct mutex config;
	int queued;
};

/* Who hands in work may do so from an interrupt. */
static void radio_submit(struct radio *r)
{
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	r->queued++;
	spin_unlock_irqrestore(&r->lock, flags);
}

void radio_push(struct radio *r)
{
	unsigned long flags;

	mutex_lock(&r->config);
	spin_lock_irqsave(&r->lock, flags);
	r->queued++;
	spin_unlock_irqrestore(&r->lock, flags);
	mutex_unlock(&r->config);
}

void radio_drop(struct radio *r)
{
	spin_lock_irq(&r->lock);
	r->queued = 0;
	spin_unlock_irq(&r->lock);
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	spin_lock(&r->lock); /* want: lock-irq-inconsistent "interrupts disabled" */
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show, .transfer = radio_submit };`,
  ],
  good: [
    `
struct radio { spinlock_t lock; int queued; int state; };

/* However far down, it is run with interrupts off. */
static void radio_tell(struct radio *r)
{
	if (r->hook) {
		spin_unlock(&r->lock);
		r->hook(r);
		spin_lock(&r->lock);
	}
}

static void radio_reset(struct radio *r)
{
	r->state = 0;
	radio_tell(r);
	radio_write(r, 1);
}

static void radio_event(struct radio *r, int event)
{
	switch (event) {
	case 0:
		radio_reset(r);
		break;
	case 1:
		r->queued++;
		break;
	}
	radio_write(r, 2);
}

static void radio_entry(struct radio *r, int event)
{
	trace_radio(r);
	if (event < 0)
		radio_fail(r);
	else
		radio_event(r, event);
}

static int radio_all(struct radio *r)
{
	int n = r->queued;

	while (n-- > 0)
		radio_entry(r, radio_next(r));
	return 0;
}

static irqreturn_t radio_thread(int irq, void *data)
{
	struct radio *r = data;
	unsigned long flags;

	spin_lock_irqsave(&r->lock, flags);
	radio_all(r);
	spin_unlock_irqrestore(&r->lock, flags);
	return IRQ_HANDLED;
}

static irqreturn_t radio_irq(int irq, void *data)
{
	struct radio *r = data;

	spin_lock(&r->lock);
	r->queued++;
	spin_unlock(&r->lock);
	return IRQ_WAKE_THREAD;
}

int radio_add(struct radio *r, int irq)
{
	return request_threaded_irq(irq, radio_irq, radio_thread, 0, "radio", r);
}`,
    `
struct radio {
	spinlock_t lock;
	struct mutex config;
	int queued;
};

/* Who switches interrupts off here is a task all the same: an interrupt is not known to take the lock. */
void radio_push(struct radio *r)
{
	unsigned long flags;

	mutex_lock(&r->config);
	spin_lock_irqsave(&r->lock, flags);
	r->queued++;
	spin_unlock_irqrestore(&r->lock, flags);
	mutex_unlock(&r->config);
}

int radio_pop(struct radio *r)
{
	unsigned long flags;
	int left;

	lockdep_assert_held(&r->config);
	spin_lock_irqsave(&r->lock, flags);
	left = --r->queued;
	spin_unlock_irqrestore(&r->lock, flags);
	return left;
}

void radio_drop(struct radio *r)
{
	spin_lock_irq(&r->lock);
	r->queued = 0;
	spin_unlock_irq(&r->lock);
}

static int radio_show(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	spin_lock(&r->lock);
	seq_printf(s, "%d\\n", r->queued);
	spin_unlock(&r->lock);
	return 0;
}

static const struct radio_ops ops = { .show = radio_show };`,
    `
struct radio {
	spinlock_t lock;
	int irq;
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

/* The handler is polled while the line is off. */
static void radio_drain(struct radio *r)
{
	while (r->queued)
		radio_irq(r->irq, r);
}

static int radio_flush(struct seq_file *s, void *v)
{
	struct radio *r = s->private;

	disable_irq(r->irq);
	radio_drain(r);
	enable_irq(r->irq);
	return 0;
}

static const struct radio_ops ops = { .show = radio_flush };

int radio_add(struct radio *r, int irq)
{
	return request_irq(irq, radio_irq, 0, "radio", r);
}`,
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
};
