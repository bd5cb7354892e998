void example_near_miss(struct thing *t)
{
	t->data = 1;
	smp_wmb();
	WRITE_ONCE(t->ready, 1);
}
