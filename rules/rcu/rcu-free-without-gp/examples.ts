import type { Rule } from '../../../src/model/rule.ts';

export const examples: Rule['examples'] = {
  bad: [
    `
void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	kfree(c); /* want: rcu-free-without-gp "frees c" */
}

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}`,
    `
int conf_len(struct share *s)
{
	int len;

	rcu_read_lock();
	len = rcu_dereference(s->conf)->len;
	rcu_read_unlock();
	return len;
}

int conf_size(struct share *s)
{
	struct conf *c;
	int size;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	size = c->size;
	rcu_read_unlock();
	return size;
}

void conf_set(struct share *s, struct conf *new)
{
	struct conf *old = rcu_dereference_protected(s->conf, lockdep_is_held(&s->lock));

	rcu_assign_pointer(s->conf, new);
	kfree(old); /* want: rcu-free-without-gp "s->conf" */
}`,
    `
static void chain_unlink(struct chain *c)
{
	list_del_rcu(&c->list);
}

static void chain_destroy(struct chain *c)
{
	if (c->base) {
		kfree(c->name);
		kfree(c->base);
	} else {
		kfree(c->name);
		kfree(c);
	}
}

int chain_new(struct table *t, struct chain *c)
{
	int err;

	list_add_tail_rcu(&c->list, &t->chains);
	err = hook_register(t, c);
	if (err < 0)
		goto unlink;
	return 0;
unlink:
	chain_unlink(c);
	chain_destroy(c); /* want: rcu-free-without-gp "frees c" */
	return err;
}

int chains_count(struct table *t)
{
	struct chain *c;
	int used = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &t->chains, list)
		used += c->base != NULL;
	rcu_read_unlock();
	return used;
}`,
    `
/* A number of the card's is given back in between, and another card's feed. */
struct card {
	struct list_head node;
	struct feed *feed;
	int value;
	int id;
};

void card_drop(struct table *t, struct card *old)
{
	struct card *c = t->top;

	list_del_rcu(&c->node);
	number_release(c->id);
	feed_release(old->feed);
	kfree(c); /* want: rcu-free-without-gp "frees c" */
}

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}`,
  ],
  good: [
    `
/* What feeds the readers is torn down in between, out of view. */
struct card {
	struct list_head node;
	struct feed *feed;
	int value;
};

void card_drop(struct table *t)
{
	struct card *c = t->top;

	list_del_rcu(&c->node);
	feed_release(c->feed);
	kfree(c);
}

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}`,
    `
void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	synchronize_rcu();
	kfree(c);
}

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}`,
    `
int conf_size(struct share *s)
{
	struct conf *c;
	int size;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	size = c->size;
	rcu_read_unlock();
	return size;
}

void conf_set(struct share *s, struct conf *new)
{
	struct conf *old = rcu_dereference_protected(s->conf, lockdep_is_held(&s->lock));

	rcu_assign_pointer(s->conf, new);
	kfree_rcu(old, rcu);
}`,
    `
void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	kfree_rcu(c, rcu);
}`,
    `
static void card_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct card, rcu));
}

void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	call_rcu(&c->rcu, card_gone);
}`,
    `
/* The list alone is RCU's; the card lives by its count. */
static void card_put(struct card *c)
{
	if (refcount_dec_and_test(&c->refs))
		kfree(c);
}

void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	card_put(c);
}`,
    `
void cards_drop(struct deck *d)
{
	struct card *c, *next;

	list_for_each_entry_safe(c, next, &d->cards, node)
		list_del_rcu(&c->node);
	synchronize_rcu();
	list_for_each_entry_safe(c, next, &d->cards, node)
		kfree(c);
}`,
    `
/* The net is going, and with it all who could read. */
static void __net_exit deck_exit(struct net *net)
{
	struct card *c, *next;

	list_for_each_entry_safe(c, next, &net->cards, node) {
		list_del_rcu(&c->node);
		kfree(c);
	}
}`,
    `
/* The walk has the form for readers, and who calls it holds the lock. */
struct card {
	struct list_head node;
	int id;
};

static struct card *card_of(struct deck *d, int id)
{
	struct card *c;

	list_for_each_entry_rcu(c, &d->cards, node)
		if (c->id == id)
			return c;
	return NULL;
}

int card_has(struct deck *d, int id)
{
	int found;

	mutex_lock(&d->lock);
	found = card_of(d, id) != NULL;
	mutex_unlock(&d->lock);
	return found;
}

void card_drop(struct deck *d, int id)
{
	struct card *c;

	mutex_lock(&d->lock);
	c = card_of(d, id);
	if (c) {
		list_del_rcu(&c->node);
		kfree(c);
	}
	mutex_unlock(&d->lock);
}`,
    `
void card_move(struct card *c, struct card *spare)
{
	list_del_rcu(&c->node);
	kfree(spare);
}`,
  ],
};
