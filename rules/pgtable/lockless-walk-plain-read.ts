import { called, comesBefore, guardsAt, isTest, onward } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { PageTableUse } from '../../src/model/fact.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'lockless-walk-plain-read',
  title: 'A lockless walk reads a page-table entry by an accessor that may tear',
  why: `
    Without the page-table lock an entry may change under the reader. If an entry is two words wide, a plain read, READ_ONCE() or ptep_get()
    may see half of the old and half of the new entry: a page frame that neither of them named. ptep_get_lockless() and pmdp_get_lockless()
    read the halves in an order that makes such a mix detectable, and retry. Outside the model, which has no two-word accesses: reported by
    inspection.`,
  severity: 'note',
  confidence: 'high', // A note of medium confidence where only a later lock tells that none is held.
  finds: ['pgtable-tlb'],
  references: ['Documentation/mm/process_addrs.rst, Atomicity', 'include/linux/pgtable.h, ptep_get_lockless()'],
  knownGaps: [
    'it tears only if an entry is wider than a word (CONFIG_GUP_GET_PXX_LOW_HIGH)',
    'a walk whose caller holds the lock is not distinguished from one without',
  ],
  examples: {
    bad: [
      `
int walk_pmd(pud_t *pudp, pud_t pud, unsigned long addr)
{
	pmd_t *pmdp = pmd_offset_lockless(pudp, pud, addr);
	pmd_t pmd = READ_ONCE(*pmdp); /* want: lockless-walk-plain-read "pmdp_get_lockless()" */

	return pmd_present(pmd);
}`,
      `
bool entry_is_set(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, spinlock_t **ptlp)
{
	pte_t *pte = pte_offset_map_ro_nolock(mm, pmd, addr, ptlp);
	bool set;

	if (!pte)
		return false;
	set = !pte_none(ptep_get(pte)); /* want: lockless-walk-plain-read "ptep_get_lockless()" */
	pte_unmap(pte);
	return set;
}`,
      `
bool walk_next(struct walk *w, spinlock_t *ptl)
{
	do {
		w->pte++;
	} while (pte_none(ptep_get(w->pte))); /* want: lockless-walk-plain-read "ptep_get_lockless()" */
	if (!w->ptl) {
		spin_lock(ptl);
		w->ptl = ptl;
	}
	return true;
}`,
    ],
    good: [
      `
int walk_pmd(pud_t *pudp, pud_t pud, unsigned long addr)
{
	pmd_t *pmdp = pmd_offset_lockless(pudp, pud, addr);
	pmd_t pmd = pmdp_get_lockless(pmdp);

	return pmd_present(pmd);
}`,
      `
/* One word on every machine. */
int walk_pud(p4d_t *p4dp, p4d_t p4d, unsigned long addr)
{
	pud_t *pudp = pud_offset_lockless(p4dp, p4d, addr);
	pud_t pud = READ_ONCE(*pudp);

	return pud_present(pud);
}`,
      `
bool entry_is_set(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	bool set;

	if (!pte)
		return false;
	set = !pte_none(ptep_get(pte));
	pte_unmap_unlock(pte, ptl);
	return set;
}`,
      `
/* Read again under the lock, and compared. */
void entry_zap(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_rw_nolock(mm, pmd, addr, NULL, &ptl);

	if (!pte)
		return;
	spin_lock(ptl);
	if (!pte_none(ptep_get(pte)))
		pte_clear(mm, addr, pte);
	spin_unlock(ptl);
	pte_unmap(pte);
}`,
      `
bool walk_next(struct walk *w, spinlock_t *ptl)
{
	pte_t pte;

	do {
		w->pte++;
		if (!w->ptl)
			pte = ptep_get_lockless(w->pte);
		else
			pte = ptep_get(w->pte);
	} while (pte_none(pte));
	if (!w->ptl)
		spin_lock(ptl);
	return true;
}`,
      `
/* The kernel's own tables change under the lock of init_mm alone, by those who own the range. */
int shadow_fill(pte_t *ptep)
{
	if (!pte_none(ptep_get(ptep)))
		return 0;
	spin_lock(&init_mm.page_table_lock);
	if (pte_none(ptep_get(ptep)))
		set_pte(ptep, shadow_page);
	spin_unlock(&init_mm.page_table_lock);
	return 0;
}`,
      `
/* Compared under the lock before anything is done with it. */
int entry_swap(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, pte_t *pte)
{
	spinlock_t *ptl = pte_lockptr(mm, pmd);
	pte_t old = ptep_get(pte);

	spin_lock(ptl);
	if (pte_same(old, ptep_get(pte)))
		pte_clear(mm, addr, pte);
	spin_unlock(ptl);
	return 0;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const read of fn.events) {
      const pointer = entryOf(read);
      if (pointer === null || isLocked(fn, read, world)) continue;
      const walker = walkerOf(fn, read, pointer);
      const lock = walker ? null : lockAfter(fn, read, pointer);
      if (!walker && !lock) continue;
      const level = walker?.fact?.level === 'pmd' ? 'pmdp' : 'ptep';
      const from = walker ?? lock;
      report(
        { event: read, fn },
        {
          message: `${fn.name}() reads ${pointer} ${read.api === 'read' ? 'by a plain load' : `with ${called(read)}()`} without the page-table lock, where ${level}_get_lockless() is required`,
          detail: ['If an entry is two words, it may be half old and half new; where it is one word nothing breaks'],
          question: `Can the entry change while it is read here, and should this be ${level}_get_lockless(${pointer})?`,
          dismissal: 'Not an issue if the caller holds the page-table lock, or the value is compared under the lock before it is used',
          related: from
            ? [{ path: from.path, line: from.line, side: from.side, note: walker ? 'obtained here' : 'the lock is only taken here' }]
            : [],
          advice: [`Use ${level}_get_lockless(${pointer})`],
          ...(walker ? {} : { severity: 'note' as const, confidence: 'medium' as const }),
        },
      );
    }
  },
} satisfies Rule;

/** An entry of the two lowest levels, read by an accessor that may tear. */
function isEntryRead({ fact }: Event): boolean {
  return fact?.pageTable === 'read' && (fact.level === 'pte' || fact.level === 'pmd');
}

/** Behind these the pointer is that of another walk. */
const ENDS: ReadonlySet<PageTableUse | undefined> = new Set(['walk', 'walk-lockless', 'unmap']);

/** The entry that the event reads in one piece: the pointer as written; null where it reads none. */
function entryOf(event: Event): string | null {
  const [first = ''] = event.args;
  if (isEntryRead(event)) return first;
  if (event.kind === 'read' && event.fact?.by === 'lvalue' && event.ordering === 'relaxed') return /^\*\w+$/.test(first) ? first.slice(1) : null;
  return event.api === 'read' && event.cell?.path === '*' && /^(?:pte|pmd)_t$/.test(event.cell.type ?? '') ? event.cell.base : null;
}

/** Entries change under the page table's own lock: the lock of the whole mm, held for reading, keeps nobody from that. */
function isLocked(fn: CFunction, event: Event, world: World): boolean {
  return guardsAt({ fn, event }, world).own?.mode === 'exclusive';
}

/** The lookup without a lock that the pointer comes from. */
function walkerOf(fn: CFunction, read: Event, pointer: string): Event | undefined {
  return fn.events.find(
    e =>
      e.into === pointer && comesBefore(fn, e, read) && e.fact?.pageTable === 'walk-lockless' && (e.fact.level === 'pmd' || e.fact.level === 'pte'),
  );
}

/** The lock of this very page table, taken only after the read, with no comparison of what was read. */
function lockAfter(fn: CFunction, read: Event, pointer: string): Event | undefined {
  if (!isEntryRead(read) || read.fact?.level !== 'pte' || fn.events.some(e => e.fact?.pageTable === 'compare')) return undefined;
  const { events } = onward(fn, read, { stop: e => e.kind === 'unlock' || (e.fact?.level === 'pte' && ENDS.has(e.fact.pageTable)) });
  return events.find(
    e => e.kind === 'lock' && e.fact?.lock?.family === 'spin' && /(?:^|[\w>.])ptl\b/.test(e.args[0] ?? '') && !e.args[0]?.includes(pointer),
  );
}
