import type { Rule } from '../../../src/model/rule.ts';

/** The rule's examples both ways. Lookups that may raise a count from zero, and those whose lock or get forbids it. */
export const examples: Rule['examples'] = {
  bad: [
    `
static LIST_HEAD(peers);
static DEFINE_SPINLOCK(peers_lock);

static void peer_release(struct kref *kref)
{
	struct peer *p = container_of(kref, struct peer, kref);

	spin_lock(&peers_lock);
	list_del(&p->node);
	spin_unlock(&peers_lock);
	kfree(p);
}

void peer_put(struct peer *p)
{
	kref_put(&p->kref, peer_release);
}

struct peer *peer_find(int id)
{
	struct peer *p;

	spin_lock(&peers_lock);
	list_for_each_entry(p, &peers, node) {
		if (p->id == id) {
			kref_get(&p->kref); /* want: get-races-final-put "p->kref" */
			spin_unlock(&peers_lock);
			return p;
		}
	}
	spin_unlock(&peers_lock);
	return NULL;
}`,
    `
void node_put(struct node *n)
{
	if (refcount_dec_and_test(&n->refs)) {
		struct root *root = n->root;

		spin_lock(&root->lock);
		radix_tree_delete(&root->nodes, n->id);
		spin_unlock(&root->lock);
		kfree(n);
	}
}

struct node *node_find(struct root *root, u64 id)
{
	struct node *n;

	spin_lock(&root->lock);
	n = radix_tree_lookup(&root->nodes, id);
	if (n)
		refcount_inc(&n->refs); /* want: get-races-final-put "n->refs" */
	spin_unlock(&root->lock);
	return n;
}`,
  ],
  good: [
    `
/* The list has a reference of its own, which whoever takes the peer off it drops. */
static LIST_HEAD(peers);
static DEFINE_SPINLOCK(peers_lock);

static void peer_release(struct kref *kref)
{
	struct peer *p = container_of(kref, struct peer, kref);

	spin_lock(&peers_lock);
	if (!list_empty(&p->node))
		list_del(&p->node);
	spin_unlock(&peers_lock);
	kfree(p);
}

void peer_put(struct peer *p)
{
	kref_put(&p->kref, peer_release);
}

struct peer *peer_find(int id)
{
	struct peer *p;

	spin_lock(&peers_lock);
	list_for_each_entry(p, &peers, node) {
		if (p->id == id) {
			kref_get(&p->kref);
			spin_unlock(&peers_lock);
			return p;
		}
	}
	spin_unlock(&peers_lock);
	return NULL;
}`,
    `
static LIST_HEAD(peers);
static DEFINE_SPINLOCK(peers_lock);

static void peer_release(struct kref *kref)
{
	struct peer *p = container_of(kref, struct peer, kref);

	list_del(&p->node);
	spin_unlock(&peers_lock);
	kfree(p);
}

void peer_put(struct peer *p)
{
	kref_put_lock(&p->kref, peer_release, &peers_lock);
}

struct peer *peer_find(int id)
{
	struct peer *p;

	spin_lock(&peers_lock);
	list_for_each_entry(p, &peers, node) {
		if (p->id == id) {
			kref_get(&p->kref);
			spin_unlock(&peers_lock);
			return p;
		}
	}
	spin_unlock(&peers_lock);
	return NULL;
}`,
    `
void node_put(struct node *n)
{
	if (refcount_dec_and_test(&n->refs)) {
		struct root *root = n->root;

		spin_lock(&root->lock);
		radix_tree_delete(&root->nodes, n->id);
		spin_unlock(&root->lock);
		kfree(n);
	}
}

struct node *node_find(struct root *root, u64 id)
{
	struct node *n;

	spin_lock(&root->lock);
	n = radix_tree_lookup(&root->nodes, id);
	if (n && !refcount_inc_not_zero(&n->refs))
		n = NULL;
	spin_unlock(&root->lock);
	return n;
}`,
    `
/* The list holds a reference of its own: what is on it has a count above zero. */
void node_put(struct node *n)
{
	if (refcount_dec_and_test(&n->refs))
		kfree(n);
}

void node_drop(struct root *root, struct node *n)
{
	spin_lock(&root->lock);
	list_del(&n->entry);
	spin_unlock(&root->lock);
	node_put(n);
}

struct node *node_find(struct root *root)
{
	struct node *n;

	spin_lock(&root->lock);
	n = list_first_entry_or_null(&root->list, struct node, entry);
	if (n)
		refcount_inc(&n->refs);
	spin_unlock(&root->lock);
	return n;
}`,
    `
/* The lock is held over the put. */
void node_put(struct root *root, struct node *n)
{
	spin_lock(&root->lock);
	if (refcount_dec_and_test(&n->refs)) {
		list_del(&n->entry);
		kfree(n);
	}
	spin_unlock(&root->lock);
}

struct node *node_find(struct root *root)
{
	struct node *n;

	spin_lock(&root->lock);
	list_for_each_entry(n, &root->list, entry) {
		refcount_inc(&n->refs);
		break;
	}
	spin_unlock(&root->lock);
	return n;
}`,
    `
/* The caller's own reference is what it raises the count from. */
void node_put(struct node *n)
{
	if (refcount_dec_and_test(&n->refs)) {
		spin_lock(&n->root->lock);
		list_del(&n->entry);
		spin_unlock(&n->root->lock);
		kfree(n);
	}
}

void node_share(struct root *root, struct node *n)
{
	spin_lock(&root->lock);
	refcount_inc(&n->refs);
	list_move(&n->entry, &root->list);
	spin_unlock(&root->lock);
}`,
  ],
};
