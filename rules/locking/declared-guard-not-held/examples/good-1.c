struct dock {
	spinlock_t lock;
	struct rw_semaphore sem;
	int berths __guarded_by(&lock);
	int cranes __guarded_by(&sem);
	int free;
};
int dock_berths(struct dock *d)
{
	int n;

	spin_lock(&d->lock);
	n = d->berths;
	spin_unlock(&d->lock);
	return n;
}

void dock_grow(struct dock *d)
{
	guard(spinlock)(&d->lock);
	d->berths++;
}
