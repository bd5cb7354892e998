import { called, failedReleases, lockText } from '../../src/analysis/query.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'release-after-failed-acquire',
  title: 'A lock is released on the path where it was not acquired',
  why: `
    A trylock, or an acquisition that a signal may interrupt, has a path on which the lock was not acquired. An unlock there releases a lock
    that another task holds, or that nobody holds. Certain by inspection.`,
  severity: 'error',
  confidence: 'high',
  finds: ['lock-imbalance'],
  references: ['Documentation/mm/process_addrs.rst, Locking rules', 'Documentation/mm/split_page_table_lock.rst, Split page table lock'],
  knownGaps: ['an attempt whose result is tested together with something else is not followed'],
  examples: {
    bad: [
      `
void quilt_clear(struct mm_struct *mm, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *p;

	p = get_locked_pte(mm, addr, &ptl);
	if (p)
		quilt_zap(mm, p);
	pte_unmap_unlock(p, ptl); /* want: release-after-failed-acquire "ptl" */
}`,
      `
int quilt_sew(struct quilt *q)
{
	int err;

	err = mutex_lock_interruptible(&q->lock);
	if (err)
		goto out;
	q->stitches++;
	err = quilt_check(q);
out:
	mutex_unlock(&q->lock); /* want: release-after-failed-acquire "q->lock" */
	return err;
}`,
    ],
    good: [
      `
void quilt_clear(struct mm_struct *mm, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *p;

	p = get_locked_pte(mm, addr, &ptl);
	if (!p)
		return;
	quilt_zap(mm, p);
	pte_unmap_unlock(p, ptl);
}`,
      `
int quilt_sew(struct quilt *q)
{
	int err;

	err = mutex_lock_interruptible(&q->lock);
	if (err)
		return err;
	q->stitches++;
	mutex_unlock(&q->lock);
	return 0;
}`,
      `
/* The second attempt waits. */
void quilt_touch(struct quilt *q)
{
	if (!spin_trylock(&q->lock)) {
		q->busy++;
		spin_lock(&q->lock);
	}
	q->touched++;
	spin_unlock(&q->lock);
}`,
      `
void quilt_peek(struct quilt *q)
{
	bool got = spin_trylock(&q->lock);

	quilt_look(q);
	if (got)
		spin_unlock(&q->lock);
}`,
      `
void quilt_fold(struct quilt *q)
{
	while (!mutex_trylock(&q->lock))
		cpu_relax();
	q->folds++;
	mutex_unlock(&q->lock);
}`,
    ],
  },
  checkFunction(fn, report) {
    for (const { from, release, lock } of failedReleases(fn)) {
      report(
        { event: release, fn },
        {
          message: `${fn.name}() releases ${lockText(lock, from)} even if ${called(from)}() did not acquire it`,
          question: `What keeps this from being reached when ${called(from)}() fails?`,
          dismissal: "Not an issue if it can't fail here",
          related: [{ path: fn.path, line: from.line, side: fn.side, note: 'acquired here, if at all' }],
          quote: [from, release],
        },
      );
    }
  },
} satisfies Rule;
