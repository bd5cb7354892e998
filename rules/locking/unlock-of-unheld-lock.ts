import { lockKey, lockText, unheldReleases } from '../../src/analysis/query.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'unlock-of-unheld-lock',
  title: 'A lock is released on a path that does not hold it',
  why: `
    A second unlock, or one on a path that never took the lock, lets another CPU in while the lock holder is still in its critical section:
    by then the lock may be held by somebody else. A mutex complains; a spinlock is simply free, and the nesting counts of preempt_disable()
    and of RCU sections are wrong.`,
  severity: 'note',
  confidence: 'high',
  finds: ['lock-imbalance'],
  references: [
    'Documentation/kernel-hacking/locking.rst, Cheat Sheet For Locking',
    'Documentation/locking/mutex-design.rst, Semantics',
    'Documentation/dev-tools/sparse.rst, Using sparse for lock checking',
  ],
  knownGaps: [
    'only locks that the function itself takes, and spells the same way throughout',
    'nothing is reported where a flag may track whether the lock is held',
  ],
  examples: {
    bad: [
      `
int loom_thread(struct loom *l, int n)
{
	int err = 0;

	mutex_lock(&l->lock);
	if (n > l->most) {
		mutex_unlock(&l->lock); /* want: unlock-of-unheld-lock "twice" */
		err = -EINVAL;
		goto out;
	}
	l->threads = n;
out:
	mutex_unlock(&l->lock);
	return err;
}`,
      `
int loom_weave(struct loom *l)
{
	int err;

	err = loom_check(l);
	if (err) /* want: unlock-of-unheld-lock "did not take" */
		goto out;
	spin_lock(&l->lock);
	if (l->broken) {
		err = -EIO;
		goto out;
	}
	l->rows++;
out:
	spin_unlock(&l->lock);
	return err;
}`,
    ],
    good: [
      `
int loom_thread(struct loom *l, int n)
{
	int err = 0;

	mutex_lock(&l->lock);
	if (n > l->most) {
		mutex_unlock(&l->lock);
		loom_warn(l);
		mutex_lock(&l->lock);
		err = -EINVAL;
		goto out;
	}
	l->threads = n;
out:
	mutex_unlock(&l->lock);
	return err;
}`,
      // A flag tells.
      `
int loom_thread(struct loom *l, int n)
{
	bool locked = true;
	int err = 0;

	mutex_lock(&l->lock);
	if (n > l->most) {
		mutex_unlock(&l->lock);
		locked = false;
		err = loom_wait(l);
	}
	l->tries++;
	if (locked)
		mutex_unlock(&l->lock);
	return err;
}`,
      // The same condition lets the lock be taken and given back.
      `
void loom_step(struct loom *l, bool alone)
{
	if (!alone)
		spin_lock(&l->lock);
	l->rows++;
	if (!alone)
		spin_unlock(&l->lock);
}`,
      // It keeps the lock from one call to the next.
      `
void *loom_next(struct loom *l, void *row)
{
	if (l->at == &l->rest)
		goto end;
	l->at = &l->rest;
	spin_lock(&l->lock);
	if (!list_empty(l->at))
		return loom_first(l);
end:
	spin_unlock(&l->lock);
	return NULL;
}`,
      // Another loom's lock.
      `
void loom_join(struct loom *a, struct loom *b)
{
	spin_lock(&a->lock);
	a->rows += b->rows;
	spin_unlock(&a->lock);
	spin_unlock(&b->lock);
}`,
      // The caller's lock, given back for a while.
      `
void loom_rest(struct loom *l)
{
	mutex_unlock(&l->lock);
	msleep(10);
	mutex_lock(&l->lock);
}`,
      // Each round has a loom of its own.
      `
void looms_reset(struct list_head *looms)
{
	struct loom *l;

	list_for_each_entry(l, looms, node) {
		spin_lock(&l->lock);
		l->rows = 0;
		if (l->broken)
			goto next;
		l->threads = 0;
next:
		spin_unlock(&l->lock);
	}
}`,
      // A helper takes it again.
      `
int loom_thread(struct loom *l, int n)
{
	int err = 0;

	mutex_lock(&l->lock);
	if (n > l->most) {
		mutex_unlock(&l->lock);
		err = loom_wait_and_lock(l);
		goto out;
	}
	l->threads = n;
out:
	mutex_unlock(&l->lock);
	return err;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    for (const { lock, release, earlier, turn, taken } of unheldReleases(fn, world.functions)) {
      const name = lockText(lock, taken);
      const at = { path: fn.path, line: turn?.line ?? fn.line, side: fn.side };
      report(earlier ? { event: earlier, fn } : { place: at, fn, addedBy: world.addedBy(fn.path, at.line) }, {
        message: earlier ? `${fn.name}() releases ${name} twice` : `${fn.name}() releases ${name} on a path that did not take it`,
        question: earlier ? `What takes ${name} again in between?` : `What takes ${name} on this path?`,
        dismissal: `Not an issue if a function called on this path takes ${name}, or if this path can't be reached`,
        related: [
          { path: fn.path, line: release.line, side: fn.side, note: earlier ? 'released again here' : 'released here' },
          { path: fn.path, line: taken.line, side: fn.side, note: 'taken here' },
        ],
        quote: [taken, ...(earlier ? [earlier] : [at]), release].map(({ path, line, side }) => ({ path, line, side })),
        shape: `${fn.name}|${lockKey(lock)}`,
      });
    }
  },
} satisfies Rule;
