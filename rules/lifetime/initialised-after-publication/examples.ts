import type { Rule } from '../../../src/model/rule.ts';

/** The rule's examples both ways: what is set up too late for those who can reach it, and what only looks so. */
export const examples: Rule['examples'] = {
  bad: [
    `
struct card { struct completion done; spinlock_t lock; void *regs; };

static irqreturn_t card_irq(int irq, void *data)
{
	struct card *c = data;

	complete(&c->done);
	return IRQ_HANDLED;
}

int card_open(struct card *c, int irq)
{
	int ret = request_irq(irq, card_irq, IRQF_SHARED, "card", c);

	if (ret)
		return ret;
	init_completion(&c->done); /* want: initialised-after-publication "done" */
	return 0;
}`,
    `
struct horn { spinlock_t lock; int blown; };

static irqreturn_t horn_irq(int irq, void *data)
{
	struct horn *h = data;

	spin_lock(&h->lock);
	h->blown++;
	spin_unlock(&h->lock);
	return IRQ_HANDLED;
}

int horn_fit(struct device *dev, struct horn *h, int irq)
{
	int ret = devm_request_irq(dev, irq, horn_irq, IRQF_SHARED, "horn", h);

	if (ret)
		return ret;
	spin_lock_init(&h->lock); /* want: initialised-after-publication "lock" */
	return 0;
}`,
    `
struct pair { struct completion gone; refcount_t refs; int id; };
static DEFINE_XARRAY(pairs);

int pair_add(struct pair *p)
{
	int ret = xa_insert(&pairs, p->id, p, GFP_KERNEL);

	if (ret)
		return ret;
	init_completion(&p->gone); /* want: initialised-after-publication "gone" */
	return 0;
}

void pair_end(int id)
{
	struct pair *p = xa_load(&pairs, id);

	if (p)
		complete(&p->gone);
}`,
    `
struct card { struct work_struct work; };

static int card_open(struct net_device *dev)
{
	struct card *c = netdev_priv(dev);

	schedule_work(&c->work);
	return 0;
}

static const struct net_device_ops card_ops = {
	.ndo_open = card_open,
};

int card_add(struct net_device *dev)
{
	struct card *c = netdev_priv(dev);
	int err;

	dev->netdev_ops = &card_ops;
	err = register_netdev(dev);
	if (err)
		return err;
	INIT_WORK(&c->work, card_work); /* want: initialised-after-publication "work" */
	return 0;
}`,
  ],
  good: [
    `
/* All set up before anybody can open it; what comes later is not used by what opening runs. */
struct card { struct work_struct work; struct completion idle; };

static int card_open(struct net_device *dev)
{
	struct card *c = netdev_priv(dev);

	schedule_work(&c->work);
	return 0;
}

static const struct net_device_ops card_ops = {
	.ndo_open = card_open,
};

int card_add(struct net_device *dev)
{
	struct card *c = netdev_priv(dev);
	int err;

	dev->netdev_ops = &card_ops;
	INIT_WORK(&c->work, card_work);
	err = register_netdev(dev);
	if (err)
		return err;
	init_completion(&c->idle);
	return 0;
}`,
    `
struct card { struct completion done; };

static irqreturn_t card_irq(int irq, void *data)
{
	struct card *c = data;

	complete(&c->done);
	return IRQ_HANDLED;
}

int card_open(struct card *c, int irq)
{
	init_completion(&c->done);
	return request_irq(irq, card_irq, IRQF_SHARED, "card", c);
}`,
    `
struct card { struct completion done; spinlock_t lock; };

/* What the handler does not touch may come later. */
static irqreturn_t card_irq(int irq, void *data)
{
	struct card *c = data;

	spin_lock(&c->lock);
	spin_unlock(&c->lock);
	return IRQ_HANDLED;
}

int card_open(struct card *c, int irq)
{
	int ret;

	spin_lock_init(&c->lock);
	ret = request_irq(irq, card_irq, IRQF_SHARED, "card", c);
	if (ret)
		return ret;
	init_completion(&c->done);
	return 0;
}`,
    `
struct pair { struct completion gone; int id; };
static DEFINE_XARRAY(pairs);
static DEFINE_MUTEX(pairs_lock);

/* Who looks it up holds the lock under which it is put in and set up: the checker finds no such look. */
int pair_add(struct pair *p)
{
	int ret;

	mutex_lock(&pairs_lock);
	ret = xa_insert(&pairs, p->id, p, GFP_KERNEL);
	if (!ret)
		init_completion(&p->gone);
	mutex_unlock(&pairs_lock);
	return ret;
}

void pair_end(int id)
{
	struct pair *p;

	mutex_lock(&pairs_lock);
	p = xa_load(&pairs, id);
	if (p)
		complete(&p->gone);
	mutex_unlock(&pairs_lock);
}`,
    `
struct pair { struct completion gone; refcount_t refs; int id; };
static DEFINE_XARRAY(pairs);

/* The count lets nobody in before it is set, last of all. */
int pair_add(struct pair *p)
{
	int ret = xa_insert(&pairs, p->id, p, GFP_KERNEL);

	if (ret)
		return ret;
	init_completion(&p->gone);
	refcount_set_release(&p->refs, 1);
	return 0;
}

void pair_end(int id)
{
	struct pair *p = xa_load(&pairs, id);

	if (p && refcount_inc_not_zero(&p->refs))
		complete(&p->gone);
}`,
    `
struct card { struct completion done; void *request; };

/* Nothing to do until a request is there, which nobody can make before the card is open. */
static irqreturn_t card_irq(int irq, void *data)
{
	struct card *c = data;

	if (!c->request)
		return IRQ_NONE;
	complete(&c->done);
	return IRQ_HANDLED;
}

int card_open(struct card *c, int irq)
{
	int ret = request_irq(irq, card_irq, IRQF_SHARED, "card", c);

	if (ret)
		return ret;
	init_completion(&c->done);
	return 0;
}`,
    `
struct card { struct completion done; int irq; };

/* Registered off, and switched on when all is ready. */
static irqreturn_t card_irq(int irq, void *data)
{
	struct card *c = data;

	complete(&c->done);
	return IRQ_HANDLED;
}

int card_open(struct card *c)
{
	int ret = request_irq(c->irq, card_irq, IRQF_NO_AUTOEN, "card", c);

	if (ret)
		return ret;
	init_completion(&c->done);
	enable_irq(c->irq);
	return 0;
}`,
  ],
};
