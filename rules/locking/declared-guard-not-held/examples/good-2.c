struct dock {
	spinlock_t lock;
	struct rw_semaphore sem;
	int berths __guarded_by(&lock);
	int cranes __guarded_by(&sem);
	int free;
};
static void dock_add(struct dock *d, int n) __must_hold(&d->lock)
{
	d->berths += n;
}

static void dock_take(struct dock *d)
{
	d->berths--;
}

void dock_swap(struct dock *d)
{
	spin_lock(&d->lock);
	dock_add(d, 1);
	dock_take(d);
	spin_unlock(&d->lock);
}

void dock_check(struct dock *d)
{
	lockdep_assert_held(&d->lock);
	WARN_ON(d->berths < 0);
}
