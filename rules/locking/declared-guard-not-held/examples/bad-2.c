struct dock {
	spinlock_t lock;
	struct rw_semaphore sem;
	int berths __guarded_by(&lock);
	int cranes __guarded_by(&sem);
	int free;
};
void dock_raise(struct dock *d)
{
	down_read(&d->sem);
	d->cranes++; /* want: declared-guard-not-held "with &sem held for reading only" */
	up_read(&d->sem);
}
