struct dock {
	spinlock_t lock;
	int *plan __pt_guarded_by(&lock);
};

bool dock_planned(struct dock *d)
{
	return d->plan != NULL;
}

void dock_debug(struct dock *d) __no_context_analysis
{
	pr_info("%d\n", data_race(*d->plan));
}

struct quay {
	struct mutex mtx;
	int bollards __guarded_by(&mtx);
};

void quay_setup(struct quay *q)
{
	mutex_init(&q->mtx);
	q->bollards = 4;
}

int quay_peek(struct quay *q)
{
	return context_unsafe(q->bollards);
}

static int quay_dump(struct quay *q) __context_unsafe("the system is halted")
{
	return q->bollards;
}

void quay_panic(struct quay *q)
{
	pr_emerg("%d\n", quay_dump(q));
}
