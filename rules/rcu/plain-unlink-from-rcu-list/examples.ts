import type { Rule } from '../../../src/model/rule.ts';

/** A deck whose cards are walked under RCU. */
const WALK = `struct card {
	struct list_head node;
	int value;
	struct rcu_head rcu;
};

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}
`;

/** An update side that takes some cards off by the plain form. */
const THIN = `void cards_thin(struct deck *d)
{
	struct card *c, *next;

	spin_lock(&d->lock);
	list_for_each_entry_safe(c, next, &d->cards, node) {
		if (c->value < 0)
			list_del(&c->node);
	}
	spin_unlock(&d->lock);
}`;

/** Cards that are dumped under RCU, by an operation that rtnetlink is told of with these flags, and dropped under the RTNL. */
function dumped(flags: string, want = ''): string {
  return `struct card {
	struct list_head node;
	int value;
	struct rcu_head rcu;
};

static LIST_HEAD(cards);

static int cards_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct card *c;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &cards, node) {
		if (nla_put_u32(skb, CARD_VALUE, c->value))
			break;
	}
	rcu_read_unlock();
	return skb->len;
}

static void cards_leave(int value)
{
	struct card *c, *next;

	ASSERT_RTNL();
	list_for_each_entry_safe(c, next, &cards, node) {
		if (c->value == value) {
			list_del(&c->node);${want}
			kfree_rcu(c, rcu);
		}
	}
}

static int __init cards_init(void)
{
	return rtnl_register_module(THIS_MODULE, PF_CARD, RTM_GETROUTE, NULL, cards_dump, ${flags});
}`;
}

/** The rule's examples both ways: entries taken off under readers, and what only looks so. */
export const examples: Rule['examples'] = {
  bad: [
    `\n/* The dump runs without the RTNL. */\n${dumped('RTNL_FLAG_DUMP_UNLOCKED', ' /* want: plain-unlink-from-rcu-list "cards_dump()" */')}`,
    `
${WALK}
void card_drop(struct deck *d, int value)
{
	struct card *c, *next;

	spin_lock(&d->lock);
	list_for_each_entry_safe(c, next, &d->cards, node) {
		if (c->value == value) {
			list_del(&c->node); /* want: plain-unlink-from-rcu-list "&c->node" */
			kfree_rcu(c, rcu);
		}
	}
	spin_unlock(&d->lock);
}`,
    `
/* The entry comes from the caller; all that link one use the list that is walked. */
struct card {
	struct hlist_node node;
	int value;
};

static struct card *card_find(struct deck *d, int value)
{
	struct card *c;

	hlist_for_each_entry_rcu(c, &d->cards, node) {
		if (c->value == value)
			return c;
	}
	return NULL;
}

int card_known(struct deck *d, int value)
{
	int known;

	rcu_read_lock();
	known = card_find(d, value) != NULL;
	rcu_read_unlock();
	return known;
}

void card_put_in(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	hlist_add_head_rcu(&c->node, &d->cards);
	spin_unlock(&d->lock);
}

static void card_unhash(struct card *c)
{
	hlist_del_init(&c->node); /* want: plain-unlink-from-rcu-list "&c->node" */
}

void card_take(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	card_unhash(c);
	spin_unlock(&d->lock);
}`,
    `
struct card {
	struct list_head node;
	int value;
};

static LIST_HEAD(cards);
static LIST_HEAD(worn);
static DEFINE_MUTEX(cards_lock);

int cards_sum(void)
{
	struct card *c;
	int sum = 0;

	guard(rcu)();
	list_for_each_entry_rcu(c, &cards, node)
		sum += c->value;
	return sum;
}

void cards_sort_out(void)
{
	struct card *c, *next;

	mutex_lock(&cards_lock);
	list_for_each_entry_safe(c, next, &cards, node) {
		if (c->value < 0)
			list_move(&c->node, &worn); /* want: plain-unlink-from-rcu-list "the list it is moved to" */
	}
	mutex_unlock(&cards_lock);
}`,
  ],
  good: [
    `\n/* rtnetlink holds the RTNL over the dump. */\n${dumped('0')}`,
    `
/* The form made for RCU. */
${WALK}
void card_drop(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_del_rcu(&c->node);
	spin_unlock(&d->lock);
	kfree_rcu(c, rcu);
}`,
    `
/* The walk says that a lock may protect it. */
struct card {
	struct list_head node;
	int value;
};

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node, lockdep_is_held(&d->lock))
		sum += c->value;
	rcu_read_unlock();
	return sum;
}

${THIN}`,
    `
/* Who calls the walk holds the lock. */
struct card {
	struct list_head node;
	int value;
};

static int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}

int deck_sum(struct deck *d)
{
	int sum;

	spin_lock(&d->lock);
	sum = cards_sum(d);
	spin_unlock(&d->lock);
	return sum;
}

${THIN}`,
    `
/* Who walks also looks at the list as its owner does: its caller has the lock. */
struct card {
	struct list_head node;
	int value;
};

int cards_sum(struct deck *d)
{
	struct card *c = list_first_entry_or_null(&d->cards, struct card, node);
	int sum = 0;

	if (!c)
		return 0;
	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}

${THIN}`,
    `
/* From a list of its own, onto which cards come when readers are gone. */
${WALK}
void cards_bury(struct deck *d)
{
	struct card *c, *next;

	spin_lock(&d->lock);
	list_for_each_entry(c, &d->cards, node)
		c->value = 0;
	list_for_each_entry_safe(c, next, &d->dead, node)
		list_del(&c->node);
	spin_unlock(&d->lock);
}`,
    `
/* Which of the two lists it is on is not in view. */
${WALK}
void card_put_in(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_add_rcu(&c->node, &d->cards);
	spin_unlock(&d->lock);
}

void card_lay_by(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_add(&c->node, &d->spare);
	spin_unlock(&d->lock);
}

void card_take(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_del(&c->node);
	spin_unlock(&d->lock);
}`,
    `
/* Readers are waited for. */
${WALK}
void cards_close(struct deck *d)
{
	struct card *c, *next;

	d->open = false;
	synchronize_rcu();
	spin_lock(&d->lock);
	list_for_each_entry_safe(c, next, &d->cards, node)
		list_del(&c->node);
	spin_unlock(&d->lock);
}`,
    `
/* Without a lock: nobody has the deck any more. */
${WALK}
void deck_free(struct deck *d)
{
	struct card *c, *next;

	list_for_each_entry_safe(c, next, &d->cards, node) {
		list_del(&c->node);
		kfree(c);
	}
	kfree(d);
}`,
    `
/* Within the list that is walked: a reader meets its head all the same. */
${WALK}
void cards_turn(struct deck *d)
{
	struct card *c, *next;

	spin_lock(&d->lock);
	list_for_each_entry_safe(c, next, &d->cards, node) {
		if (c->value < 0)
			list_move_tail(&c->node, &d->cards);
	}
	spin_unlock(&d->lock);
}`,
    `
/* Only the first is looked at, and nobody goes on from it. */
struct card {
	struct list_head node;
	int value;
};

int card_top(struct deck *d)
{
	struct card *c;
	int value = 0;

	rcu_read_lock();
	c = list_first_or_null_rcu(&d->cards, struct card, node);
	if (c)
		value = c->value;
	rcu_read_unlock();
	return value;
}

${THIN}`,
    `
/* Readers walk by the other member. */
struct card {
	struct list_head node;
	struct list_head by_age;
	int value;
};

int cards_sum(struct list_head *cards)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}

void card_put_in(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_add_rcu(&c->node, &d->cards);
	list_add_rcu(&c->by_age, &d->aged);
	spin_unlock(&d->lock);
}

void card_forget(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_del(&c->by_age);
	spin_unlock(&d->lock);
}`,
    `
/* At unloading. */
${WALK}
static void __exit cards_exit(void)
{
	struct card *c, *next;

	mutex_lock(&all_lock);
	list_for_each_entry_safe(c, next, &table.cards, node)
		list_del(&c->node);
	mutex_unlock(&all_lock);
}

int table_sum(void)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &table.cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}`,
  ],
};
