import type { Rule } from '../../../src/model/rule.ts';
import { lostCounts, nearMisses } from './nearmisses.ts';

/** The rule's examples both ways. What goes and is missed, and what goes and is replaced, moved or needed no more. */
export const examples: Rule['examples'] = {
  bad: [
    `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,19 +1,18 @@
 struct tray {
 	int letter;
 	int full;
 };

 void tray_put(struct tray *t, int letter)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_wmb(); /* want: sync-removed "both stay" */
 	WRITE_ONCE(t->full, 1);
 }

 int tray_take(struct tray *t)
 {
 	if (!READ_ONCE(t->full))
 		return -EAGAIN;
 	smp_rmb();
 	return READ_ONCE(t->letter);
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,10 +20,8 @@ static void tray_touch(struct tray *t)
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock); /* want: sync-removed "t->users" */
 	t->users++;
 	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,9 +20,7 @@ static int tray_name(struct tray *t, char *to)
 {
 	struct name *n;
 
-	rcu_read_lock(); /* want: sync-removed "rcu_dereference" */
 	n = rcu_dereference(t->name);
 	strscpy(to, n->text, NAME_LEN);
-	rcu_read_unlock();
 	return 0;
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,6 @@ static void tray_post(struct tray *t, int v)
 static void tray_fill(struct tray *t, int v)
 {
 	t->value = v;
-	smp_wmb(); /* want: sync-removed "smp_wmb()" */
 	WRITE_ONCE(t->ready, 1);
 }
 
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,6 +20,6 @@ static void tray_post(struct tray *t, int v)
 static bool tray_idle(struct tray *t)
 {
 	tray_trace(t);
-	return READ_ONCE(t->state) == IDLE; /* want: sync-removed "t->state" */
+	return t->state == IDLE;
 }
 
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,6 @@ static void tray_post(struct tray *t, int v)
 static void tray_remove(struct tray *t)
 {
 	tray_trace(t);
-	cancel_work_sync(&t->work); /* want: sync-removed "cancel_work_sync" */
 	kfree(t);
 }
 
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -1,18 +1,16 @@
 struct tray {
 	spinlock_t lock;
 	int users;
 };
 
 void tray_enter(struct tray *t)
 {
-	spin_lock(&t->lock); /* want: sync-removed "t->users" */
 	t->users++;
-	spin_unlock(&t->lock);
 }
 
 void tray_leave(struct tray *t)
 {
 	spin_lock(&t->lock);
 	t->users--;
 	spin_unlock(&t->lock);
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -1,15 +1,15 @@
 struct tray {
-	atomic_t users;
+	int users;
 };
 
 void tray_enter(struct tray *t)
 {
-	atomic_inc(&t->users); /* want: sync-removed "an update of another CPU in between is lost" */
+	t->users++;
 }
 
 void tray_leave(struct tray *t)
 {
-	atomic_dec(&t->users);
+	t->users--;
 }
 
 /* the end */
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -1,16 +1,16 @@
 struct tray {
 	spinlock_t lock;
 	int state;
 };
 
 void tray_turn(struct tray *t, int state)
 {
 	spin_lock(&t->lock);
 	WRITE_ONCE(t->state, state);
 	spin_unlock(&t->lock);
 }
 
 bool tray_idle(struct tray *t)
 {
-	return READ_ONCE(t->state) == IDLE; /* want: sync-removed "becomes a plain read" */
+	return t->state == IDLE;
 }
`,
    `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,17 +1,17 @@
 struct tray {
 	int letter;
 	int full;
 };
 
 void tray_put(struct tray *t, int letter)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_store_release(&t->full, 1); /* want: sync-removed "which orders nothing" */
+	WRITE_ONCE(t->full, 1);
 }
 
 int tray_take(struct tray *t)
 {
 	if (!smp_load_acquire(&t->full))
 		return -EAGAIN;
 	return READ_ONCE(t->letter);
 }
`,
    `--- a/drivers/tray/card.c
+++ b/drivers/tray/card.c
@@ -1,27 +1,25 @@
 struct card {
 	int value;
 	struct rcu_head rcu;
 };
 
 struct tray {
 	struct card __rcu *top;
 };
 
 int tray_value(struct tray *t)
 {
 	struct card *c;
 
-	rcu_read_lock(); /* want: sync-removed "rcu_dereference" */
 	c = rcu_dereference(t->top);
 	pr_info("%d", c->value);
-	rcu_read_unlock();
 	return 0;
 }
 
 void tray_change(struct tray *t, struct card *fresh)
 {
 	struct card *old = rcu_dereference_protected(t->top, true);
 
 	rcu_assign_pointer(t->top, fresh);
 	kfree_rcu(old, rcu);
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -1,22 +1,21 @@
 struct tray {
 	refcount_t refs;
 };
 
 void tray_get(struct tray *t)
 {
 	refcount_inc(&t->refs);
 }
 
 void tray_put(struct tray *t)
 {
 	if (refcount_dec_and_test(&t->refs))
 		kfree(t);
 }
 
 void tray_show(struct tray *t)
 {
-	tray_get(t); /* want: sync-removed "tray_put() of the same object stays" */
 	tray_print(t);
 	tray_put(t);
 	tray_trace();
 }
`,
    ...lostCounts,
  ],
  good: [
    ...nearMisses,
    `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,16 +1,16 @@
 struct tray {
 	int letter;
 	int full;
 };
 
 void tray_put(struct tray *t, int letter)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_store_release(&t->full, 1);
+	WRITE_ONCE(t->full, 1);
 }
 
 /* Only the flag is asked for. */
 bool tray_full(struct tray *t)
 {
 	return smp_load_acquire(&t->full);
 }
`,
    `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,19 +1,19 @@
 struct tray {
 	struct mutex lock;
 	int letter;
 	int full;
 };
 
 /* Both sides are under the lock of the trays. */
 void tray_put(struct tray *t, int letter) __must_hold(&t->lock)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_store_release(&t->full, 1);
+	WRITE_ONCE(t->full, 1);
 }
 
 int tray_take(struct tray *t) __must_hold(&t->lock)
 {
 	if (!smp_load_acquire(&t->full))
 		return -EAGAIN;
 	return READ_ONCE(t->letter);
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -1,22 +1,20 @@
 struct tray {
 	refcount_t refs;
 };
 
 void tray_get(struct tray *t)
 {
 	refcount_inc(&t->refs);
 }
 
 void tray_put(struct tray *t)
 {
 	if (refcount_dec_and_test(&t->refs))
 		kfree(t);
 }
 
 void tray_show(struct tray *t)
 {
-	tray_get(t);
 	tray_print(t);
-	tray_put(t);
 	tray_trace();
 }
`,
    `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,21 +1,20 @@
 struct tray {
 	spinlock_t lock;
 	int letter;
 	int full;
 };
 
 /* The readers are kept out by the lock that the caller of the one holds, and that the other takes. */
 static void tray_fill(struct tray *t, int letter) __must_hold(&t->lock)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_wmb();
 	WRITE_ONCE(t->full, 1);
 }
 
 int tray_take(struct tray *t)
 {
 	guard(spinlock)(&t->lock);
 	if (!READ_ONCE(t->full))
 		return -EAGAIN;
 	return READ_ONCE(t->letter);
 }
`,
    `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,19 +1,18 @@
 struct tray {
 	int letter;
 	int full;
 };

 void tray_put(struct tray *t, int letter)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_wmb();
 	smp_store_release(&t->full, 1);
 }

 int tray_take(struct tray *t)
 {
 	if (!READ_ONCE(t->full))
 		return -EAGAIN;
 	smp_rmb();
 	return READ_ONCE(t->letter);
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,7 @@ static void tray_touch(struct tray *t)
 static void tray_fill(struct tray *t, struct buffer_head *bh, int i)
 {
 	tray_trace(t);
-	brelse(t->slot[i]);
+	t->slot[i] = bh;
 	tray_show(t);
 }
 
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,10 +20,9 @@ static void tray_touch(struct tray *t)
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
+	guard(spinlock)(&t->lock);
 	t->users++;
 	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,16 +20,16 @@ static void tray_touch(struct tray *t)
 static void tray_enter(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
 	t->users++;
 	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
+	spin_lock(&t->lock);
 	tray_enter(t);
+	spin_unlock(&t->lock);
 	tray_show(t);
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,14 +20,10 @@ static void tray_touch(struct tray *t)
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
-	t->users++;
-	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
 static void tray_done(struct tray *t)
 {
 	tray_show(t);
 }
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,8 +20,8 @@ static void tray_post(struct tray *t, int v)
 static void tray_map(struct tray *t, int v)
 {
 	t->entry = v;
-	smp_wmb();
+	asm volatile("tabsync" ::: "memory");
 	t->mapped = 1;
 }
 
 /* the end */
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,6 @@ static void tray_post(struct tray *t, int v)
 static void tray_fill(struct tray *t, int v)
 {
 	t->value = v;
-	smp_wmb();
-	WRITE_ONCE(t->ready, 1);
+	smp_store_release(&t->ready, 1);
 }
 
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,8 +20,8 @@ static void tray_post(struct tray *t, int v)
 static bool tray_idle(struct tray *t)
 {
 	tray_trace(t);
 	lockdep_assert_held(&t->lock);
-	return READ_ONCE(t->state) == IDLE;
+	return t->state == IDLE;
 }
 
 /* the end */
`,
    `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,8 +20,8 @@ static void tray_post(struct tray *t, int v)
 static void tray_remove(struct tray *t)
 {
 	tray_trace(t);
-	cancel_work_sync(&t->work);
+	disable_work_sync(&t->work);
 	kfree(t);
 }
 
 /* the end */
`,
  ],
};
