import type { Rule } from '../../../src/model/rule.ts';

/** The rule's examples both ways: a counter that one place changes without the lock, and what only looks so. */
export const examples: Rule['examples'] = {
  bad: [
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	int left;

	spin_lock(&f->lock);
	f->aboard--;
	left = f->aboard;
	spin_unlock(&f->lock);
	return left;
}

void ferry_join(struct ferry *f, struct ferry *other)
{
	spin_lock(&f->lock);
	if (f->aboard < 10)
		f->aboard += other->cars;
	spin_unlock(&f->lock);
}

static long ferry_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ferry *f = file->private_data;

	f->aboard++; /* want: guarded-field-unlocked "aboard" */
	return 0;
}

static const struct file_operations ops = { .unlocked_ioctl = ferry_ioctl };`,
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	int left;

	spin_lock(&f->lock);
	f->aboard--;
	left = f->aboard;
	spin_unlock(&f->lock);
	return left;
}

void ferry_join(struct ferry *f, struct ferry *other)
{
	spin_lock(&f->lock);
	if (f->aboard < 10)
		f->aboard += other->cars;
	spin_unlock(&f->lock);
}

/* It finds the ferry itself: nobody above can hold the ferry's lock. */
static int ferry_stow(struct ferry_line *l, int n)
{
	struct ferry *f = ferry_of(l, n);

	f->aboard++; /* want: guarded-field-unlocked "aboard" */
	return 0;
}

int ferry_line_stow(struct ferry_line *l)
{
	return ferry_stow(l, 0);
}`,
  ],
  good: [
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	int left;

	spin_lock(&f->lock);
	f->aboard--;
	left = f->aboard;
	spin_unlock(&f->lock);
	return left;
}

void ferry_join(struct ferry *f, struct ferry *other)
{
	spin_lock(&f->lock);
	if (f->aboard < 10)
		f->aboard += other->cars;
	spin_unlock(&f->lock);
}

/* The one caller brings the line up. */
static int ferry_stow(struct ferry_line *l, int n)
{
	struct ferry *f = ferry_of(l, n);

	f->aboard++;
	return 0;
}

static int ferry_line_probe(struct platform_device *pdev)
{
	return ferry_stow(platform_get_drvdata(pdev), 0);
}

static struct platform_driver ferry_driver = { .probe = ferry_line_probe };`,
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	int left;

	spin_lock(&f->lock);
	f->aboard--;
	left = f->aboard;
	spin_unlock(&f->lock);
	return left;
}

void ferry_join(struct ferry *f, struct ferry *other)
{
	spin_lock(&f->lock);
	if (f->aboard < 10)
		f->aboard += other->cars;
	spin_unlock(&f->lock);
}

/* Nobody else knows it yet. */
static int ferry_enter(struct inode *inode, struct file *file)
{
	struct ferry *f = kzalloc(sizeof(*f), GFP_KERNEL);

	spin_lock_init(&f->lock);
	f->aboard++;
	file->private_data = f;
	return 0;
}

static const struct file_operations ops = { .open = ferry_enter };

/* The line does not run yet. */
static int ferry_open(struct net_device *dev)
{
	struct ferry *f = netdev_priv(dev);

	f->aboard++;
	return 0;
}

static const struct net_device_ops net_ops = { .ndo_open = ferry_open };

/* Nor does it where another one is brought up, or woken, by a helper that the holder of the lock calls as well. */
static void ferry_ready(struct net_device *dev)
{
	struct ferry *f = netdev_priv(dev);

	f->aboard++;
}

static int ferry_start(struct net_device *dev)
{
	ferry_ready(dev);
	return 0;
}

static const struct net_device_ops start_ops = { .ndo_open = ferry_start };

static int ferry_wake(struct device *d)
{
	ferry_ready(dev_get_drvdata(d));
	return 0;
}

static SIMPLE_DEV_PM_OPS(ferry_pm_ops, ferry_sleep, ferry_wake);

static void ferry_restart(struct net_device *dev)
{
	struct ferry *f = netdev_priv(dev);

	spin_lock(&f->lock);
	ferry_ready(dev);
	spin_unlock(&f->lock);
}

/* The callers hold the lock. */
static void ferry_count(struct ferry *f)
{
	f->aboard++;
}

void ferry_group(struct ferry *f)
{
	spin_lock(&f->lock);
	ferry_count(f);
	spin_unlock(&f->lock);
}

int ferry_recount(struct ferry *f)
{
	lockdep_assert_held(&f->lock);
	f->aboard++;
	return f->aboard;
}`,
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	int left;

	spin_lock(&f->lock);
	f->aboard--;
	left = f->aboard;
	spin_unlock(&f->lock);
	return left;
}

void ferry_join(struct ferry *f, struct ferry *other)
{
	spin_lock(&f->lock);
	if (f->aboard < 10)
		f->aboard += other->cars;
	spin_unlock(&f->lock);
}

/* Who calls is out of view, and may hold it. */
void ferry_sink(struct ferry *f)
{
	f->aboard--;
}`,
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	int left;

	spin_lock(&f->lock);
	f->aboard--;
	left = f->aboard;
	spin_unlock(&f->lock);
	return left;
}

void ferry_join(struct ferry *f, struct ferry *other)
{
	spin_lock(&f->lock);
	if (f->aboard < 10)
		f->aboard += other->cars;
	spin_unlock(&f->lock);
}

/* The helper gives it back locked. */
static long ferry_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ferry *f = ferry_grab(file);

	f->aboard++;
	spin_unlock(&f->lock);
	return 0;
}

static const struct file_operations ops = { .unlocked_ioctl = ferry_ioctl };`,
    `
struct ferry {
	spinlock_t lock;
	int trips;
};

/* A number that nobody decides anything by. */
void ferry_go(struct ferry *f)
{
	spin_lock(&f->lock);
	f->trips++;
	spin_unlock(&f->lock);
}

void ferry_back(struct ferry *f)
{
	spin_lock(&f->lock);
	f->trips++;
	spin_unlock(&f->lock);
}

void ferry_loop(struct ferry *f)
{
	spin_lock(&f->lock);
	f->trips += 2;
	spin_unlock(&f->lock);
}

static long ferry_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ferry *f = file->private_data;

	f->trips++;
	return 0;
}

static const struct file_operations ops = { .unlocked_ioctl = ferry_ioctl };`,
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

/* Two places under the lock are no rule yet. */
void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	spin_lock(&f->lock);
	if (f->aboard)
		f->aboard--;
	spin_unlock(&f->lock);
	return 0;
}

static long ferry_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ferry *f = file->private_data;

	f->aboard++;
	return 0;
}

static const struct file_operations ops = { .unlocked_ioctl = ferry_ioctl };`,
    `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

int ferry_leave(struct ferry *f)
{
	int left;

	spin_lock(&f->lock);
	f->aboard--;
	left = f->aboard;
	spin_unlock(&f->lock);
	return left;
}

void ferry_join(struct ferry *f, struct ferry *other)
{
	spin_lock(&f->lock);
	if (f->aboard < 10)
		f->aboard += other->cars;
	spin_unlock(&f->lock);
}

/* Another lock may be the one that matters, in one of those that go without. */
void ferry_sink_locked(struct ferry *f)
{
	f->aboard--;
}

static long ferry_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ferry *f = file->private_data;

	f->aboard++;
	return 0;
}

static ssize_t ferry_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct ferry_line *l = file->private_data;
	struct ferry *f = l->first;

	mutex_lock(&l->lock);
	f->aboard--;
	mutex_unlock(&l->lock);
	return 0;
}

static const struct file_operations ops = { .unlocked_ioctl = ferry_ioctl, .read = ferry_read };`,
  ],
};
