import type { Rule } from '../../../src/model/rule.ts';

/** The rule's examples both ways: what outlives its section, and what something else keeps. */
export const examples: Rule['examples'] = {
  bad: [
    `
/* A count of something else, and the section that ends is the pointer's. */
int book_pages(struct book *b, struct shelf *shelf)
{
	struct sheet *s;
	int i, j;

	j = srcu_read_lock(&b->names_srcu);
	i = srcu_read_lock(&b->sheets_srcu);
	s = srcu_dereference(b->sheet, &b->sheets_srcu);
	usage_begin(&shelf->usage);
	srcu_read_unlock(&b->sheets_srcu, i);
	b->pages = s->pages; /* want: protected-pointer-escapes "uses s" */
	srcu_read_unlock(&b->names_srcu, j);
	return 0;
}`,
    `
int route_check(struct net *net, int index)
{
	struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, index);
	if (!dev) {
		rcu_read_unlock();
		return -ENODEV;
	}
	rcu_read_unlock();
	return addr_check(net, dev); /* want: protected-pointer-escapes "uses dev" */
}`,
    `
int conf_len(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	return c ? c->len : 0; /* want: protected-pointer-escapes "uses c" */
}

void conf_set(struct share *s, struct conf *new)
{
	struct conf *old = rcu_replace_pointer(s->conf, new, lockdep_is_held(&s->lock));

	synchronize_rcu();
	kfree(old);
}`,
    `
struct sock *share_sock(struct share *s)
{
	struct sock *sk;

	rcu_read_lock();
	sk = rcu_dereference(s->sk);
	rcu_read_unlock();
	return sk; /* want: protected-pointer-escapes "returns sk" */
}`,
    `
unsigned long addr_frame(struct mm_struct *mm, unsigned long addr)
{
	unsigned long flags;
	pte_t *ptep;

	local_irq_save(flags);
	ptep = __find_linux_pte(mm->pgd, addr, NULL, NULL);
	local_irq_restore(flags);
	if (!ptep)
		return 0;
	return pte_pfn(*ptep); /* want: protected-pointer-escapes "uses ptep" */
}`,
    `
int probe_len(int id)
{
	struct conf *c;
	struct share *s;
	int len;

	s = share_find(id);
	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	len = conf_measure(c); /* want: protected-pointer-escapes "uses c" */
	share_stop(s);
	return len;
}`,
  ],
  good: [
    `
/* The count of users is a plain atomic one. */
int synth_stop(struct synth *s, struct note *n)
{
	struct stream *st;

	rcu_read_lock();
	st = rcu_dereference(s->stream);
	if (!st) {
		rcu_read_unlock();
		return -ENODEV;
	}
	atomic_inc(&s->users);
	rcu_read_unlock();
	n->stopped = st->rate;
	atomic_dec(&s->users);
	return 0;
}`,
    `
/* The pointer's owner counts its users, and whoever takes the pointer out waits for them. */
int synth_play(void *private, struct note *n)
{
	struct synth *s = private;
	struct stream *st;

	rcu_read_lock();
	st = rcu_dereference(s->stream);
	if (!st) {
		rcu_read_unlock();
		return -ENODEV;
	}
	usage_begin(&s->usage);
	rcu_read_unlock();
	n->played = st->rate;
	usage_end(&s->usage);
	return 0;
}`,
    `
/* The table of operations is named for what it takes. */
int client_open(struct client *c, const struct server_ops *ops)
{
	struct room *room;

	rcu_read_lock();
	room = rcu_dereference(c->room);
	if (!room || !ops->room_try_get(room)) {
		rcu_read_unlock();
		return -ENXIO;
	}
	rcu_read_unlock();
	return ops->room_open(room, c);
}`,
    `
/* Two srcu_structs: the pointer is that of the outer one, which is left last. */
int book_pages(struct book *b)
{
	struct sheet *s;
	int i, j, n;

	i = srcu_read_lock(&b->sheets_srcu);
	j = srcu_read_lock(&b->names_srcu);
	s = srcu_dereference(b->sheet, &b->sheets_srcu);
	srcu_read_unlock(&b->names_srcu, j);
	n = s->pages;
	srcu_read_unlock(&b->sheets_srcu, i);
	return n;
}`,
    `
/* It is returned with the lock that keeps it. */
struct task_struct *clock_lock_task(struct clock *c, unsigned long *flags)
{
	guard(rcu)();
	for (;;) {
		struct task_struct *t = pid_task(c->pid, PIDTYPE_TGID);

		if (!t)
			return NULL;
		if (lock_task_sighand(t, flags))
			return t;
	}
}`,
    `
int route_check(struct net *net, int index)
{
	struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, index);
	if (dev)
		dev_hold(dev);
	rcu_read_unlock();
	return dev ? addr_check(net, dev) : -ENODEV;
}`,
    `
struct conf *conf_get(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	if (c && !refcount_inc_not_zero(&c->refs))
		c = NULL;
	rcu_read_unlock();
	return c;
}`,
    `
bool conf_is_set(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	return c != NULL;
}`,
    `
/* On the way out of the inner section the pointer is NULL. */
int conf_len(struct share *s)
{
	struct conf *c;
	int len;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	if (!c) {
		rcu_read_unlock();
		return conf_default(c);
	}
	len = c->len;
	rcu_read_unlock();
	return len;
}`,
    `
/* The updater's lock holds it. */
int conf_len(struct share *s)
{
	struct conf *c;

	mutex_lock(&s->lock);
	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	conf_use(c);
	mutex_unlock(&s->lock);
	return 0;
}

void conf_set(struct share *s, struct conf *new)
{
	struct conf *old;

	mutex_lock(&s->lock);
	old = rcu_replace_pointer(s->conf, new, lockdep_is_held(&s->lock));
	synchronize_rcu();
	kfree(old);
	mutex_unlock(&s->lock);
}`,
    `
/* A section within a section. */
int conf_both(struct share *s)
{
	struct conf *c;
	int len;

	rcu_read_lock();
	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	len = c->len;
	rcu_read_unlock();
	return len;
}`,
    `
/* The lock of the object itself, taken inside. */
int conf_bump(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	spin_lock(&c->lock);
	rcu_read_unlock();
	c->gen++;
	spin_unlock(&c->lock);
	return 0;
}`,
    `
/* The updater: it takes the pointer away itself. */
void conf_close(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	if (!c)
		return;
	RCU_INIT_POINTER(s->conf, NULL);
	synchronize_rcu();
	conf_stop(c);
}`,
    `
/* The share is this function's own from birth to end: nobody gives it another configuration. */
int probe_len(int id)
{
	struct conf *c;
	struct share *s;
	int len;

	s = share_create(id);
	if (IS_ERR(s))
		return PTR_ERR(s);
	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	len = conf_measure(c);
	share_stop(s);
	return len;
}`,
    `
bool conf_is_there(struct share *s)
{
	bool there;

	rcu_read_lock();
	there = rcu_dereference(s->conf);
	rcu_read_unlock();
	return there;
}`,
    `
/* The only caller holds a spinning lock, which is a section of its own. */
static int conf_room(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	return conf_measure(c);
}

int share_room(struct share *s)
{
	int room;

	spin_lock_irq(&s->lock);
	room = conf_room(s);
	spin_unlock_irq(&s->lock);
	return room;
}`,
    `
/* The reference is to who owns the pool, and is given out by a call that got the pool. */
int conf_fill(struct share *s, int len)
{
	struct conf *c;
	struct owner *owner;
	void *room;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	room = pool_take(c->pool, len, (void **)&owner);
	if (!owner_tryget(owner)) {
		rcu_read_unlock();
		return -ENODEV;
	}
	rcu_read_unlock();
	pool_give(c->pool, room, len);
	owner_put(owner);
	return 0;
}`,
    `
/* A poll runs with bottom halves off, which is a section too. */
static void conf_feed(struct share *s, struct napi_struct *napi, struct sk_buff *skb)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	conf_take(c, napi, skb);
}`,
    `
void conf_retire(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	kfree_rcu(c, rcu);
}`,
    `
/* Called under RCU. */
struct conf *conf_of_rcu(struct share *s)
{
	struct conf *c;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	rcu_read_unlock();
	return c;
}`,
  ],
};
