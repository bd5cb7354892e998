/** Diffs of functions that had their locks in order: with one the change leaves it held, with the near misses it does not. */

/** What released the lock goes, or it is taken above an early return. */
export const leftHeld: string[] = [
  // The whole of the function, and its only release.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -1,8 +1,7 @@
 void gauge_set(struct gauge *g, long limit)
 {
 	mutex_lock(&g->lock);
 	g->limit = limit;
-	mutex_unlock(&g->lock);
 } /* want: unlock-missing-on-path "since mutex_unlock() is removed" */
 
 /* the next one */
`,
  // A part of it.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,8 +100,7 @@ static int gauge_store(struct gauge *g, long v)
 	spin_lock(&g->lock);
 	old = g->value;
 	if (v < old) {
-		spin_unlock(&g->lock);
 		return -EINVAL; /* want: unlock-missing-on-path "returns -EINVAL with g->lock held" */
 	}
 	g->value = v;
 	spin_unlock(&g->lock);
`,
  // The lock is out of view, and so is what follows.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,7 +100,6 @@ static int gauge_store(struct gauge *g, long v)
 	old = g->value;
 	g->value = v;
 	g->stores++;
-	mutex_unlock(&g->lock); /* want: unlock-missing-on-path "runs on with g->lock held" */
 	gauge_show(old);
 	gauge_trace(v);
 	gauge_mark(v);
`,
  // The release moves below an early return.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,8 +100,8 @@ static int gauge_store(struct gauge *g, long v)
 	mutex_lock(&g->lock);
 	err = gauge_check(v);
-	mutex_unlock(&g->lock);
 	if (err)
 		return err; /* want: unlock-missing-on-path "moved off this path" */
+	mutex_unlock(&g->lock);
 	gauge_trace(v);
 	gauge_mark(v);
 	return 0;
`,
  // The lock moves above one.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,8 +100,8 @@ static int gauge_store(struct gauge *g, long v)
 	long old;
 
+	mutex_lock(&g->lock);
 	if (v < 0)
 		return -EINVAL; /* want: unlock-missing-on-path "returns -EINVAL with g->lock held" */
-	mutex_lock(&g->lock);
 	old = g->value;
 	g->value = v;
 	mutex_unlock(&g->lock);
`,
];

export const stillReleased: string[] = [
  // The release moves up.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,7 +100,7 @@ static int gauge_store(struct gauge *g, long v)
 	mutex_lock(&g->lock);
 	g->value = v;
+	mutex_unlock(&g->lock);
 	gauge_trace(v);
-	mutex_unlock(&g->lock);
 	gauge_mark(v);
 	return 0;
 }
`,
  // It is at a label out of view now.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,8 +100,7 @@ static int gauge_store(struct gauge *g, long v)
 	mutex_lock(&g->lock);
 	if (v < g->value) {
-		mutex_unlock(&g->lock);
-		return -EINVAL;
+		goto out_unlock;
 	}
 	g->value = v;
 	gauge_trace(v);
 	gauge_mark(v);
`,
  // It is in a helper out of view.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,6 +100,6 @@ static int gauge_store(struct gauge *g, long v)
 	mutex_lock(&g->lock);
 	if (v < g->value) {
-		mutex_unlock(&g->lock);
+		gauge_finish(g);
 		return -EINVAL;
 	}
 	g->value = v;
`,
  // Another form releases it.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,6 +100,6 @@ static int gauge_store(struct gauge *g, long v)
-	spin_lock(&g->lock);
+	spin_lock_irqsave(&g->lock, flags);
 	g->value = v;
-	spin_unlock(&g->lock);
+	spin_unlock_irqrestore(&g->lock, flags);
 	gauge_mark(v);
 	return 0;
 }
`,
  // The lock goes as well.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,8 +100,6 @@ static int gauge_peek(struct gauge *g)
 	long old;
 
-	rcu_read_lock();
-	old = gauge_value(g);
-	rcu_read_unlock();
+	old = gauge_count(v);
 	gauge_mark(old);
 	return 0;
 }
`,
  // A guard releases it at the end of the scope.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,9 +100,7 @@ static int gauge_store(struct gauge *g, long v)
-	mutex_lock(&g->lock);
+	guard(mutex)(&g->lock);
 	if (v < g->value) {
-		mutex_unlock(&g->lock);
 		return -EINVAL;
 	}
 	g->value = v;
-	mutex_unlock(&g->lock);
 	return 0;
 }
`,
  // It is not released and taken again any more: the second lock goes in another hunk.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,6 +100,5 @@ static int gauge_store(struct gauge *g, long v)
 	mutex_lock(&g->lock);
 	g->value = v;
-	mutex_unlock(&g->lock);
 	gauge_trace(v);
 	gauge_mark(v);
 	gauge_show(v);
@@ -120,7 +119,6 @@ static int gauge_store(struct gauge *g, long v)
 	gauge_flush(v);
 	gauge_count(v);
 	gauge_ring(v);
-	mutex_lock(&g->lock);
 	g->stores++;
 	mutex_unlock(&g->lock);
 	return 0;
`,
  // The section ends in another function now, which the callers are made to call.
  `--- a/drivers/example/gauge.c
+++ b/drivers/example/gauge.c
@@ -100,10 +100,14 @@ static struct gauge *gauge_find(int id)
 	rcu_read_lock();
 	g = rcu_dereference(gauges[id]);
-	rcu_read_unlock();
 
 	return g;
 }
 
+static void gauge_let_go(struct gauge *g)
+{
+	rcu_read_unlock();
+}
+
 static int gauge_next(int id)
 {
 	return id + 1;
`,
];
