import type { Rule } from '../../../src/model/rule.ts';

/** The rule's examples both ways: tests that miss a wake-up, and waits in which none is missed. */
export const examples: Rule['examples'] = {
  bad: [
    `
bool lane_wait(struct lane *l, struct wait_queue_entry *w)
{
	bool free = false;

	spin_lock_irq(&l->queue.lock);
	__add_wait_queue(&l->queue, w); /* want: recheck-missing-after-queueing "LANE_BUSY" */
	if (!test_bit(LANE_BUSY, &l->flags))
		free = true;
	spin_unlock_irq(&l->queue.lock);
	return free;
}

void lane_leave(struct lane *l)
{
	clear_bit(LANE_BUSY, &l->flags);
	if (wq_has_sleeper(&l->queue))
		wake_up(&l->queue);
}`,
    `
void pool_wait(struct pool *p)
{
	DEFINE_WAIT(wait);

	while (!READ_ONCE(p->room)) {
		prepare_to_wait(&p->queue, &wait, TASK_UNINTERRUPTIBLE); /* want: recheck-missing-after-queueing "room" */
		schedule();
	}
	finish_wait(&p->queue, &wait);
}

void pool_free(struct pool *p, int n)
{
	WRITE_ONCE(p->room, n);
	wake_up(&p->queue);
}`,
    `
int pool_lock(struct pool *p, struct op *op)
{
	struct task_struct *old = cmpxchg(&p->owner, NULL, current);

	if (old && old != current) {
		prepare_to_wait(&p->queue, &op->wait, TASK_UNINTERRUPTIBLE); /* want: recheck-missing-after-queueing "owner" */
		return -EINTR;
	}
	return 0;
}

void pool_unlock(struct pool *p)
{
	if (p->owner == current) {
		p->owner = NULL;
		wake_up(&p->queue);
	}
}`,
    `
/* The names speak of locks, but not of one. */
struct cell *belt_take_locked(struct belt *b)
{
	if (b->front == READ_ONCE(b->ring.tail))
		goto full;
	return b->ring.cells;
full:
	xprt_wait_for_buffer_space(&b->xprt); /* want: recheck-missing-after-queueing "tail" */
	b->stat.full++;
	return NULL;
}

void belt_put_locked(struct belt *b, int next)
{
	smp_store_release(&b->ring.tail, next);
	xprt_write_space(&b->xprt);
}`,
  ],
  good: [
    `
/* The waker changes the bit under the lock of the queue, and looks after that. */
bool lane_wait(struct lane *l, struct wait_queue_entry *w)
{
	bool free = false;

	spin_lock_irq(&l->queue.lock);
	__add_wait_queue(&l->queue, w);
	if (!test_bit(LANE_BUSY, &l->flags))
		free = true;
	spin_unlock_irq(&l->queue.lock);
	return free;
}

void lane_leave(struct lane *l)
{
	spin_lock_irq(&l->queue.lock);
	clear_bit(LANE_BUSY, &l->flags);
	spin_unlock_irq(&l->queue.lock);
	if (wq_has_sleeper(&l->queue))
		wake_up(&l->queue);
}`,
    `
bool lane_wait(struct lane *l, struct wait_queue_entry *w)
{
	bool free = false;

	spin_lock_irq(&l->queue.lock);
	__add_wait_queue(&l->queue, w);
	smp_mb();
	if (!test_bit(LANE_BUSY, &l->flags))
		free = true;
	spin_unlock_irq(&l->queue.lock);
	return free;
}

void lane_leave(struct lane *l)
{
	clear_bit(LANE_BUSY, &l->flags);
	if (wq_has_sleeper(&l->queue))
		wake_up(&l->queue);
}`,
    `
/* Who wakes without a look takes the lock of the queue, and comes before the queueing or after it. */
bool lane_wait(struct lane *l, struct wait_queue_entry *w)
{
	bool free = false;

	spin_lock_irq(&l->queue.lock);
	__add_wait_queue(&l->queue, w);
	if (!test_bit(LANE_BUSY, &l->flags))
		free = true;
	spin_unlock_irq(&l->queue.lock);
	return free;
}

void lane_leave(struct lane *l)
{
	clear_bit(LANE_BUSY, &l->flags);
	wake_up(&l->queue);
}`,
    `
struct cell *belt_take_locked(struct belt *b)
{
	if (b->front == READ_ONCE(b->ring.tail))
		goto full;
	return b->ring.cells;
full:
	xprt_wait_for_buffer_space(&b->xprt);
	smp_mb__after_atomic();
	if (b->front != READ_ONCE(b->ring.tail))
		xprt_write_space(&b->xprt);
	return NULL;
}

void belt_put_locked(struct belt *b, int next)
{
	smp_store_release(&b->ring.tail, next);
	xprt_write_space(&b->xprt);
}`,
    `
/* The store is not marked: the names may well mean one lock. */
struct cell *belt_take_locked(struct belt *b)
{
	if (b->front == READ_ONCE(b->ring.tail))
		goto full;
	return b->ring.cells;
full:
	xprt_wait_for_buffer_space(&b->xprt);
	b->stat.full++;
	return NULL;
}

void belt_put_locked(struct belt *b, int next)
{
	b->ring.tail = next;
	xprt_write_space(&b->xprt);
}`,
    `
void pool_wait(struct pool *p)
{
	DEFINE_WAIT(wait);

	for (;;) {
		prepare_to_wait(&p->queue, &wait, TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(p->room))
			break;
		schedule();
	}
	finish_wait(&p->queue, &wait);
}

void pool_free(struct pool *p, int n)
{
	WRITE_ONCE(p->room, n);
	wake_up(&p->queue);
}`,
    `
/* Both under the lock: the waker comes before the test, or after the queueing. */
int pool_lock(struct pool *p, struct op *op)
{
	spin_lock(&p->lock);
	if (p->owner) {
		prepare_to_wait(&p->queue, &op->wait, TASK_UNINTERRUPTIBLE);
		spin_unlock(&p->lock);
		return -EINTR;
	}
	p->owner = current;
	spin_unlock(&p->lock);
	return 0;
}

void pool_unlock(struct pool *p)
{
	spin_lock(&p->lock);
	p->owner = NULL;
	wake_up(&p->queue);
	spin_unlock(&p->lock);
}`,
    `
/* A helper that the loop of its callers stands around. */
void pool_prepare(struct pool *p, struct op *op)
{
	if (!READ_ONCE(p->room))
		prepare_to_wait(&p->queue, &op->wait, TASK_UNINTERRUPTIBLE);
}

void pool_free(struct pool *p, int n)
{
	WRITE_ONCE(p->room, n);
	wake_up(&p->queue);
}`,
    `
/* The caller has taken the mutex, and so has the waker's. */
void chip_wait(struct chip *c)
{
	DECLARE_WAITQUEUE(wait, current);

	while (READ_ONCE(c->state) != CHIP_READY) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		add_wait_queue(&c->queue, &wait);
		mutex_unlock(&c->mutex);
		schedule();
		remove_wait_queue(&c->queue, &wait);
		mutex_lock(&c->mutex);
	}
}

void chip_done(struct chip *c)
{
	c->state = CHIP_READY;
	wake_up(&c->queue);
}`,
    `
/* What counts is the last test, and that one is under the lock with the queueing. */
int chip_erase(struct chip *c)
{
	DECLARE_WAITQUEUE(wait, current);

	mutex_lock(&c->mutex);
	if (c->state != CHIP_READY) {
		mutex_unlock(&c->mutex);
		return -EBUSY;
	}
	c->state = CHIP_ERASING;
	mutex_unlock(&c->mutex);
	msleep(100);
	mutex_lock(&c->mutex);
	while (c->state != CHIP_ERASING) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		add_wait_queue(&c->queue, &wait);
		mutex_unlock(&c->mutex);
		schedule();
		remove_wait_queue(&c->queue, &wait);
		mutex_lock(&c->mutex);
	}
	mutex_unlock(&c->mutex);
	return 0;
}

void chip_resume(struct chip *c)
{
	mutex_lock(&c->mutex);
	c->state = CHIP_ERASING;
	wake_up(&c->queue);
	mutex_unlock(&c->mutex);
}`,
    `
/* Sleeps no longer than that. */
void pool_nap(struct pool *p)
{
	DEFINE_WAIT(wait);

	if (!READ_ONCE(p->room)) {
		prepare_to_wait(&p->queue, &wait, TASK_UNINTERRUPTIBLE);
		schedule_timeout(HZ / 10);
		finish_wait(&p->queue, &wait);
	}
}

void pool_free(struct pool *p, int n)
{
	WRITE_ONCE(p->room, n);
	wake_up(&p->queue);
}`,
  ],
};
