/** Near misses: the lock itself goes, another takes its place, what it was around locks itself, is fixed, or is another statement. */
export const nearMisses: string[] = [
  // The lock's own declaration goes with it.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -1,13 +1,10 @@
 struct tray {
-	spinlock_t lock;
 	int users;
 };
 
 void tray_enter(struct tray *t)
 {
-	spin_lock(&t->lock);
 	t->users++;
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
  // Its initialisation goes.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -10,7 +10,6 @@ static void tray_setup(struct tray *t)
 {
 	t->users = 0;
 	t->state = IDLE;
-	mutex_init(&t->lock);
 	tray_trace(t);
 }
 
@@ -30,8 +29,6 @@ static void tray_enter(struct tray *t)
 {
 	tray_trace(t);
-	mutex_lock(&t->lock);
 	t->users++;
-	mutex_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
  // The array has a lock of its own.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -30,8 +30,6 @@ static void tray_drop(struct tray *t, struct card *c)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
 	xa_erase(&t->cards, c->id);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
  // A mutex takes the place of the spinlock; who is called here has it from the caller.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,10 +20,10 @@ static void tray_turn(struct tray *t, int state)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
+	mutex_lock(&t->big_lock);
 	t->state = state;
 	tray_fill(t);
-	spin_unlock(&t->lock);
+	mutex_unlock(&t->big_lock);
 	tray_show(t);
 }
 
 static void tray_other(struct tray *t)
@@ -50,8 +50,6 @@ static void tray_fill(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
 	t->users++;
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
  // Nobody changes it any more.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -1,29 +1,20 @@
 struct tray {
 	struct mutex lock;
 	int size;
 	int users;
 };
 
-void tray_resize(struct tray *t, int size)
-{
-	mutex_lock(&t->lock);
-	t->size = size;
-	mutex_unlock(&t->lock);
-}
-
 int tray_size(struct tray *t)
 {
 	int size;
 
-	mutex_lock(&t->lock);
 	size = t->size;
-	mutex_unlock(&t->lock);
 	return size;
 }
 
 void tray_enter(struct tray *t)
 {
 	mutex_lock(&t->lock);
 	t->users++;
 	mutex_unlock(&t->lock);
 }
`,
  // What stays is about another object.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -30,8 +30,6 @@ static void tray_drop(struct tray *t, int id)
 {
 	tray_trace(t);
-	mutex_lock(&tray_lock);
-	idr_remove(&tray_idr, id);
-	mutex_unlock(&tray_lock);
+	idr_remove(&t->own_idr, id);
 	tray_show(t);
 }
 
`,
  // What stays is given another value: the CPU is no longer asked for.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -30,8 +30,6 @@ static void tray_post(struct tray *t, struct msg *msg)
 {
 	tray_trace(t);
-	cpu = get_cpu();
-	msg->target = tray_port(cpu);
-	put_cpu();
+	msg->target = tray_port(TRAY_FIRST_CPU);
 	tray_show(t);
 }
 
`,
  // The helper takes a section of its own now.
  `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -10,14 +10,14 @@ struct tray {
 	int users;
 };
 
 static void tray_wake(struct tray *t)
 {
+	mutex_lock(&t->wake_lock);
 	t->wakes++;
+	mutex_unlock(&t->wake_lock);
 }
 
 static void tray_unlock(struct tray *t)
 {
-	spin_lock(&tray_lock);
 	tray_wake(t);
-	spin_unlock(&tray_lock);
 }
`,
];

/** A write section of a sequence count that goes: a matter of the readers, not of other writers. */
export const lostCounts: string[] = [
  `--- a/drivers/tray/clock.c
+++ b/drivers/tray/clock.c
@@ -1,25 +1,23 @@
 struct clock {
 	seqcount_t seq;
 	u64 now;
 	u64 base;
 };
 
 void clock_step(struct clock *c, u64 now)
 {
-	write_seqcount_begin(&c->seq); /* want: sync-removed "does not retry" */
 	c->now = now;
 	c->base = now;
-	write_seqcount_end(&c->seq);
 }
 
 u64 clock_read(struct clock *c)
 {
 	unsigned int seq;
 	u64 sum;
 
 	do {
 		seq = read_seqcount_begin(&c->seq);
 		sum = c->now + c->base;
 	} while (read_seqcount_retry(&c->seq, seq));
 	return sum;
 }
`,
];
