struct dock {
	spinlock_t lock;
	struct rw_semaphore sem;
	int berths __guarded_by(&lock);
	int cranes __guarded_by(&sem);
	int free;
};
struct dock *dock_build(int berths)
{
	struct dock *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	spin_lock_init(&d->lock);
	init_rwsem(&d->sem);
	d->berths = berths;
	return d;
}

bool dock_busy(struct dock *d)
{
	return READ_ONCE(d->berths) == 0 || d->free == 0;
}

int dock_cranes(struct dock *d)
{
	int n;

	down_read(&d->sem);
	n = d->cranes;
	up_read(&d->sem);
	return n;
}
