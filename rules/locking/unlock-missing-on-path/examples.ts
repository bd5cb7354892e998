import type { Rule } from '../../../src/model/rule.ts';
import { leftHeld, stillReleased } from './changed.ts';

/** The rule's examples both ways: ways out that keep a lock, and functions that are meant to. */
export const examples: Rule['examples'] = {
  bad: [
    ...leftHeld,
    `
int gauge_store(struct gauge *g, long limit)
{
	mutex_lock(&g->lock);
	if (limit < g->floor)
		return -EINVAL; /* want: unlock-missing-on-path "g->lock" */
	g->limit = limit;
	mutex_unlock(&g->lock);
	return 0;
}`,
    `
void gauge_tick(struct gauge *g)
{
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	if (g->dead) {
		pr_err("tick on a dead gauge\\n");
		return; /* want: unlock-missing-on-path "g->lock" */
	}
	g->ticks++;
	spin_unlock_irqrestore(&g->lock, flags);
}`,
    `
int gauge_peek(struct gauge_set *set, int id, long *out)
{
	struct gauge *g;
	int err = 0;

	rcu_read_lock();
	g = rcu_dereference(set->slot[id]);
	if (!g)
		return -ENOENT; /* want: unlock-missing-on-path "RCU read lock" */
	*out = READ_ONCE(g->value);
	rcu_read_unlock();
	return err;
}`,
    `
int gauge_reset(struct gauge *g)
{
	int err;

	mutex_lock(&g->lock);
	err = gauge_stop_hw(g);
	if (err) {
		dev_err(g->dev, "cannot stop\\n"); /* want: unlock-missing-on-path "g->lock" */
		goto out;
	}
	g->value = 0;
	mutex_unlock(&g->lock);
out:
	return err;
}`,
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,6 +100,8 @@ static int gauge_store(struct gauge *g, long v)
 	long old = g->value;
 
 	g->limit = v;
+	if (v < g->floor)
+		return -EINVAL; /* want: unlock-missing-on-path "g->lock" */
 	g->value = min(old, v);
 	mutex_unlock(&g->lock);
 	return 0;
`,
  ],
  good: [
    `
/* No table, no section. */
int page_unset(pmd_t *pmd, unsigned long addr)
{
	pte_t *pte = pte_offset_map(pmd, addr);

	if (!pte)
		return 0;
	page_forget(ptep_get(pte));
	pte_unmap(pte);
	return 1;
}`,
    ...stillReleased,
    // What is called is given the lock that is held.
    `
void loom_settle(struct mm_struct *mm, pmd_t *pmd)
{
	spinlock_t *ptl;

	ptl = pmd_lock(mm, pmd);
	if (!loom_is_moving(*pmd))
		goto out;
	loom_wait_on(loom_entry(*pmd), ptl);
	return;
out:
	spin_unlock(ptl);
}`,
    `
/* Returned locked by contract: all ways that unlock fail. */
struct gauge *gauge_of(struct gauge_set *set, int id)
{
	struct gauge *g = gauge_lookup_slot(set, id);

	mutex_lock(&g->lock);
	if (!g->ready) {
		mutex_unlock(&g->lock);
		return NULL;
	}
	return g;
}`,
    `
int gauge_begin_if(struct gauge *g)
{
	mutex_lock(&g->lock);
	if (g->dead) {
		mutex_unlock(&g->lock);
		return -ENODEV;
	}
	return 0;
}`,
    `
void gauge_add(struct gauge *g, long v, bool locked)
{
	if (!locked)
		mutex_lock(&g->lock);
	g->value += v;
	if (!locked)
		mutex_unlock(&g->lock);
}`,
    `
int gauge_try(struct gauge *g)
{
	int err = mutex_lock_interruptible(&g->lock);

	if (err)
		return err;
	g->value++;
	mutex_unlock(&g->lock);
	return 0;
}`,
    `
int gauge_poll(struct gauge *g)
{
	if (!spin_trylock(&g->lock))
		return -EBUSY;
	g->polls++;
	spin_unlock(&g->lock);
	return 0;
}`,
    `
/* The caller holds the lock; it is let go of for a while. */
int gauge_wait_idle(struct gauge *g)
{
	spin_unlock(&g->lock);
	msleep(1);
	spin_lock(&g->lock);
	return g->busy ? -EBUSY : 0;
}`,
    `
static void gauge_fail(struct gauge *g)
{
	g->failed = true;
	mutex_unlock(&g->lock);
}

int gauge_load(struct gauge *g)
{
	mutex_lock(&g->lock);
	if (!g->fw) {
		gauge_fail(g);
		return -ENOENT;
	}
	g->loaded = true;
	mutex_unlock(&g->lock);
	return 0;
}`,
    `
int gauge_copy(struct gauge *g, long *out)
{
	guard(mutex)(&g->lock);
	if (g->dead)
		return -ENODEV;
	*out = g->value;
	return 0;
}`,
    `
void gauge_flush(struct gauge *g)
{
	bool locked = false;

	if (g->shared) {
		mutex_lock(&g->lock);
		locked = true;
	}
	gauge_write_out(g);
	if (locked)
		mutex_unlock(&g->lock);
}`,
    `
/* One lock, two exits: the helper that is out of view unlocks, as its name says. */
int gauge_send(struct gauge *g)
{
	spin_lock(&g->lock);
	if (g->fast)
		return gauge_send_and_unlock(g);
	g->queued++;
	spin_unlock(&g->lock);
	return 0;
}`,
    `
static void *gauge_seq_start(struct seq_file *s, loff_t *pos)
{
	struct gauge_set *set = s->private;

	mutex_lock(&set->lock);
	if (*pos >= set->n) {
		mutex_unlock(&set->lock);
		return NULL;
	}
	return set->slot[*pos];
}`,
    // The lock is taken only behind the return.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,5 +100,7 @@ static int gauge_store(struct gauge *g, long v)
 	long old = g->value;
 
+	if (v < old)
+		return -EINVAL;
 	mutex_lock(&g->lock);
 	g->value = v;
 	mutex_unlock(&g->lock);
`,
    // What is asked is the attempt to take it.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,5 +100,7 @@ static int gauge_store(struct gauge *g, long v)
 	long old;
 
+	if (mutex_lock_interruptible(&g->lock))
+		return -EINTR;
 	old = g->value;
 	mutex_unlock(&g->lock);
 	return old;
`,
    // A helper finds it and locks it.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,5 +100,8 @@ static int gauge_store(struct gauge_set *set, int id, long v)
 	struct gauge *g;
 
+	g = gauge_of(set, id);
+	if (!g)
+		return -ENOENT;
 	g->value = v;
 	mutex_unlock(&g->lock);
 	return 0;
`,
    // What is asked is whether there is one, and with it whether it was locked above.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,5 +100,7 @@ static int gauge_store(struct gauge_set *set, int id, long v)
 	set->stores++;
 
+	if (!g)
+		return -ENOENT;
 	g->value = v;
 	mutex_unlock(&g->lock);
 	return 0;
`,
    // What is asked may have let go of it.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,5 +100,7 @@ static int gauge_store(struct gauge *g, long v)
 	long old = g->value;
 
+	if (gauge_settle(g))
+		return -EIO;
 	g->value = old;
 	mutex_unlock(&g->lock);
 	return 0;
`,
    // Given back on the way, by a helper out of view.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,5 +100,9 @@ static int gauge_store(struct gauge *g, long v)
 	long old = g->value;
 
+	if (v < old) {
+		gauge_unlock(g);
+		return -EINVAL;
+	}
 	g->value = v;
 	mutex_unlock(&g->lock);
 	return 0;
`,
    // One way past it keeps the lock as well: callers seem to have it.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,7 +100,9 @@ static int gauge_store(struct gauge *g, long v)
 	long old = g->value;
 
+	if (v < old)
+		return -EINVAL;
 	if (g->dead)
 		return 0;
 	g->value = v;
 	mutex_unlock(&g->lock);
 	return 0;
`,
    // The caller's lock is let go of for a while.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,6 +100,8 @@ static int gauge_store(struct gauge *g, long v)
 	long old = g->value;
 
+	if (v < old)
+		return -EINVAL;
 	mutex_unlock(&g->lock);
 	gauge_wait(g);
 	mutex_lock(&g->lock);
 	return 0;
`,
    // Something in between may come back with it.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,5 +100,7 @@ static int gauge_store(struct gauge_set *set, int id, long v)
 	struct gauge *g;
 
+	if (v < 0)
+		return -EINVAL;
 	g = gauge_find(set, id);
 	g->value = v;
 	mutex_unlock(&g->lock);
`,
    // Another failure above keeps it too: callers give it back.
    `
--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,6 +100,8 @@ static int gauge_store(struct gauge *g, long v)
 	if (g->dead)
 		return -ENODEV;
 	old = g->value;
+	if (v < old)
+		return -EINVAL;
 	g->value = v;
 	mutex_unlock(&g->lock);
 	return 0;
`,
  ],
};
