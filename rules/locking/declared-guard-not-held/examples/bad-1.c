struct dock {
	spinlock_t lock;
	struct rw_semaphore sem;
	int berths __guarded_by(&lock);
	int cranes __guarded_by(&sem);
	int free;
};
void dock_grow(struct dock *d)
{
	spin_lock(&d->lock);
	d->berths++;
	spin_unlock(&d->lock);
}

int dock_berths(struct dock *d)
{
	return d->berths; /* want: declared-guard-not-held "reads berths without &lock" */
}
