import type { Rule } from '../../../src/model/rule.ts';

/** The rule's examples both ways: an object that is found and then used without the lock, and what keeps one alive all the same. */
export const examples: Rule['examples'] = {
  bad: [
    `
struct boat {
	struct list_head node;
	int id;
	int speed;
};

int boat_speed(struct harbour *h, int id)
{
	struct boat *b, *found = NULL;

	spin_lock(&h->lock);
	list_for_each_entry(b, &h->boats, node) {
		if (b->id == id) {
			found = b;
			break;
		}
	}
	spin_unlock(&h->lock);
	if (!found)
		return -ENOENT;
	return found->speed; /* want: found-object-used-after-unlock "uses found" */
}

void boat_sink(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	list_del(&b->node);
	spin_unlock(&h->lock);
	kfree(b);
}`,
    `
struct boat {
	struct list_head node;
	int id;
	int speed;
};

/* The lock is known by a call that gives a pointer to it. */
int boat_speed(struct harbour *h, int id)
{
	struct boat *b, *found = NULL;

	spin_lock(harbour_lock(h));
	list_for_each_entry(b, &h->boats, node) {
		if (b->id == id) {
			found = b;
			break;
		}
	}
	spin_unlock(harbour_lock(h));
	if (!found)
		return -ENOENT;
	return found->speed; /* want: found-object-used-after-unlock "under harbour_lock(h)" */
}

void boat_sink(struct harbour *h, struct boat *b)
{
	spin_lock(harbour_lock(h));
	list_del(&b->node);
	spin_unlock(harbour_lock(h));
	kfree(b);
}`,
    `
static struct port *port_find(struct hub *h, int id)
{
	return idr_find(&h->ports, id);
}

int port_reset(struct hub *h, int id)
{
	struct port *p;

	mutex_lock(&h->lock);
	p = idr_find(&h->ports, id);
	mutex_unlock(&h->lock);
	if (!p)
		return -ENOENT;
	return port_do_reset(p); /* want: found-object-used-after-unlock "uses p" */
}

void port_drop(struct hub *h, int id)
{
	struct port *p;

	mutex_lock(&h->lock);
	p = port_find(h, id);
	idr_remove(&h->ports, id);
	mutex_unlock(&h->lock);
	kfree(p);
}`,
    `
/* The helper leaves the lock to its callers, on both sides. */
struct boat {
	struct list_head node;
	int id;
	int speed;
};

static struct boat *boat_find(struct harbour *h, int id)
{
	struct boat *b;

	list_for_each_entry(b, &h->boats, node)
		if (b->id == id)
			return b;
	return NULL;
}

static void boat_unlink(struct boat *b)
{
	list_del(&b->node);
}

int boat_speed(struct harbour *h, int id)
{
	struct boat *b;

	spin_lock(&h->lock);
	b = boat_find(h, id);
	spin_unlock(&h->lock);
	return b ? b->speed : 0; /* want: found-object-used-after-unlock "uses b" */
}

void boat_sink(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	boat_unlink(b);
	spin_unlock(&h->lock);
	kfree(b);
}`,
  ],
  good: [
    `
struct boat {
	struct list_head node;
	struct completion done;
	int speed;
	bool busy;
	refcount_t refs;
};

void boat_sink(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	list_del(&b->node);
	spin_unlock(&h->lock);
	kfree(b);
}

int boat_looked_at(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	h->top = b ? b->speed : 0;
	spin_unlock(&h->lock);
	return 0;
}

/* A reference of its own. */
int boat_held(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	refcount_inc(&b->refs);
	spin_unlock(&h->lock);
	h->top = b->speed;
	return 0;
}

/* A mark that the remover may look for. */
int boat_marked(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	b->busy = true;
	spin_unlock(&h->lock);
	h->top = b->speed;
	return 0;
}

/* Handed to somebody who may keep it. */
int boat_handed(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	boat_board(b);
	spin_unlock(&h->lock);
	h->top = b->speed;
	return 0;
}

/* It takes the boat out itself. */
int boat_taken(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	list_del(&b->node);
	spin_unlock(&h->lock);
	h->top = b->speed;
	return 0;
}

/* Whoever waits for the completion frees it then. */
int boat_done(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	h->top = b->speed;
	complete(&b->done);
	return 0;
}

/* What it tested under the lock it changes behind it: the state says whose the boat is. */
int boat_state(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	if (b && b->busy)
		b = NULL;
	spin_unlock(&h->lock);
	b->busy = true;
	boat_run(h, b);
	return 0;
}

/* It is only printed. */
int boat_shown(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	boat_print(b);
	return 0;
}

static void boat_finish(struct harbour *h, struct boat *b)
{
	h->top = b->speed;
	boat_sink(h, b);
}

/* The one who works the list off. */
int boat_over(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	if (b)
		boat_finish(h, b);
	return 0;
}

/* Each boat on the list belongs to whoever works it off. */
void boats_work(struct harbour *h)
{
	struct boat *b;

	spin_lock(&h->lock);
	while (!list_empty(&h->boats)) {
		b = list_first_entry(&h->boats, struct boat, node);
		spin_unlock(&h->lock);
		boat_run(h, b);
		spin_lock(&h->lock);
	}
	spin_unlock(&h->lock);
}`,
    `
/* The remover holds a lock that the finder holds over all. */
struct boat {
	struct list_head node;
	struct completion done;
	int speed;
	bool busy;
	refcount_t refs;
};

int boat_speed(struct harbour *h, struct boat *b)
{
	int speed;

	mutex_lock(&h->big);
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	speed = b->speed;
	mutex_unlock(&h->big);
	return speed;
}

void boat_sink(struct harbour *h, struct boat *b)
{
	mutex_lock(&h->big);
	spin_lock(&h->lock);
	list_del(&b->node);
	spin_unlock(&h->lock);
	kfree(b);
	mutex_unlock(&h->big);
}`,
    `
/* The callers of both hold a lock. */
struct boat {
	struct list_head node;
	int speed;
};

static int boat_speed(struct harbour *h)
{
	struct boat *b;

	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	return b->speed;
}

int harbour_ioctl(struct harbour *h, struct boat *b, int what)
{
	int speed;

	mutex_lock(&h->big);
	speed = boat_speed(h);
	spin_lock(&h->lock);
	list_del(&b->node);
	spin_unlock(&h->lock);
	kfree(b);
	mutex_unlock(&h->big);
	return speed;
}`,
    `
/* The remover waits for those who found it. */
struct boat {
	struct list_head node;
	struct completion done;
	int speed;
	bool busy;
	refcount_t refs;
};

int boat_speed(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	return b->speed;
}

void boat_sink(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	list_del(&b->node);
	spin_unlock(&h->lock);
	wait_for_completion(&b->done);
	kfree(b);
}`,
    `
/* Another list, and another lock: what they have to do with this one is not in view. */
struct boat {
	struct list_head node;
	struct completion done;
	int speed;
	bool busy;
	refcount_t refs;
};

int boat_speed(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	return b->speed;
}

void tug_sink(struct harbour *h, struct tug *t)
{
	spin_lock(&h->lock);
	list_del(&t->tugs);
	spin_unlock(&h->lock);
	kfree(t);
}

void boat_sink(struct dock *d, struct boat *b)
{
	spin_lock(&d->lock);
	list_del(&b->node);
	spin_unlock(&d->lock);
	kfree(b);
}`,
    `
/* All are thrown out at the end, when nobody looks any more. */
struct boat {
	struct list_head node;
	struct completion done;
	int speed;
	bool busy;
	refcount_t refs;
};

int boat_speed(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	spin_unlock(&h->lock);
	return b->speed;
}

void boats_sink(struct harbour *h)
{
	struct boat *b, *next;

	spin_lock(&h->lock);
	list_for_each_entry_safe(b, next, &h->boats, node) {
		list_del(&b->node);
		kfree(b);
	}
	spin_unlock(&h->lock);
}`,
    `
/* It takes the port out of the map itself. */
int port_quiesce(struct hub *h, int id)
{
	struct port *p;

	mutex_lock(&h->lock);
	p = idr_find(&h->ports, id);
	idr_remove(&h->ports, id);
	mutex_unlock(&h->lock);
	port_quiet(p);
	return 0;
}

void port_drop(struct hub *h, struct port *p)
{
	mutex_lock(&h->lock);
	idr_remove(&h->ports, p->id);
	mutex_unlock(&h->lock);
	kfree(p);
}`,
    `
/* A module's reference keeps what the module registered. */
struct boat {
	struct list_head node;
	struct module *owner;
};

int boat_run(struct harbour *h)
{
	struct boat *b;

	mutex_lock(&h->lock);
	b = list_first_entry_or_null(&h->boats, struct boat, node);
	if (!b || !try_module_get(b->owner))
		b = NULL;
	mutex_unlock(&h->lock);
	return b ? boat_start(b) : 0;
}

void boat_unregister(struct harbour *h, struct boat *b)
{
	mutex_lock(&h->lock);
	list_del(&b->node);
	mutex_unlock(&h->lock);
	kfree(b);
}`,
  ],
};
