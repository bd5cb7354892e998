import { called, isTest, onward } from '../../src/analysis/query.ts';
import type { Event } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'relock-skips-flush',
  title: 'A page-table lock is retaken without doing the pending TLB flush again',
  why: `
    Reclaim may clear entries in batches and defer their TLB flush. Code that takes the page-table lock and trusts the entries does the
    pending flush first, with flush_tlb_batched_pending(). After a lock was dropped and retaken this holds anew: reclaim may have run in
    between, and some CPU's TLB may still hold the old form of the entries that are changed now.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['pgtable-tlb'],
  references: ['mm/rmap.c, flush_tlb_batched_pending()'],
  knownGaps: ['a function that does no pending flush at all is not reported'],
  examples: {
    bad: [
      `
int range_age(struct mm_struct *mm, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mm, pmd, addr, &ptl);

	if (!pte)
		return 0;
	flush_tlb_batched_pending(mm);
	for (; addr < end; pte++, addr += PAGE_SIZE) {
		if (needs_split(pte)) {
			pte_unmap_unlock(pte, ptl);
			split_at(vma, addr);
			pte = pte_offset_map_lock(mm, pmd, addr, &ptl); /* want: relock-skips-flush "pte_offset_map_lock()" */
			if (!pte)
				break;
		}
		ptep_test_and_clear_young(vma, addr, pte);
	}
	return 0;
}`,
    ],
    good: [
      `
int range_age(struct mm_struct *mm, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mm, pmd, addr, &ptl);

	if (!pte)
		return 0;
	flush_tlb_batched_pending(mm);
	for (; addr < end; pte++, addr += PAGE_SIZE) {
		if (needs_split(pte)) {
			pte_unmap_unlock(pte, ptl);
			split_at(vma, addr);
			pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
			if (!pte)
				break;
			flush_tlb_batched_pending(mm);
		}
		ptep_test_and_clear_young(vma, addr, pte);
	}
	return 0;
}`,
      `
/* The second time nothing is changed. */
int range_look(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	int set;

	if (!pte)
		return 0;
	flush_tlb_batched_pending(mm);
	pte_clear(mm, addr, pte);
	pte_unmap_unlock(pte, ptl);
	pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!pte)
		return 0;
	set = !pte_none(ptep_get(pte));
	pte_unmap_unlock(pte, ptl);
	return set;
}`,
    ],
  },
  checkFunction(fn, report) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    const flushes = fn.events.filter(e => e.fact?.pageTable === 'flush-deferred');
    const [flush] = flushes;
    if (!flush) return;
    for (const lock of fn.events.filter(locksTable)) {
      const stop = (e: Event) => flushes.includes(e) || e.kind === 'unlock' || (e !== lock && locksTable(e));
      const change = onward(fn, lock, { stop, rounds: true }).events.find(changesEntry);
      if (!change) continue;
      report(
        { event: lock, fn },
        {
          message: `${called(lock)}() retakes the lock in ${fn.name}(), and ${called(change)}() changes entries without ${called(flush)}() in between`,
          question: 'Can reclaim have deferred a flush while the lock was dropped?',
          dismissal: 'Not an issue if no flush of this mm can be pending',
          related: [
            { path: flush.path, line: flush.line, side: flush.side, note: 'done here after the lock was taken' },
            { path: change.path, line: change.line, side: change.side, note: 'changed here' },
          ],
          quote: [lock, change],
          advice: [`Call ${called(flush)}() after the lock is retaken`],
        },
      );
    }
  },
} satisfies Rule;

/** A walk to an entry of the last level that takes the lock of its table. */
function locksTable({ kind, fact }: Event): boolean {
  return kind === 'lock' && fact?.pageTable === 'walk' && fact.level === 'pte';
}

function changesEntry({ fact }: Event): boolean {
  return fact?.pageTable === 'change';
}
