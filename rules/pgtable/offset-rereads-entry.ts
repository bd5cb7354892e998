import { called, guardsAt, isIn, isTest, onward } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { PageTableLevel } from '../../src/model/fact.ts';
import type { AssumedStep, Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'offset-rereads-entry',
  title: 'A lockless walk checks one value of a page-table entry and descends from another',
  why: `
    p4d_offset(), pud_offset() and pmd_offset() read the entry that their first argument points to. A lockless walk that has read and
    checked the entry before has checked a different value from the one it descends from: in between the table below may have been freed, or
    the entry may have become a huge one. The _lockless variants take the value that was checked. That the entry is read twice is certain;
    that another CPU changes it in between is what the claim assumes.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['pgtable-tlb'],
  references: ['include/linux/pgtable.h, p4d_offset_lockless()', 'Documentation/mm/process_addrs.rst, Atomicity'],
  knownGaps: ['that a walk is lockless is known by its other accessors, its name or disabled interrupts'],
  examples: {
    bad: [
      `
pte_t *entry_of(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgdp = pgd_offset(mm, addr);
	p4d_t *p4dp = p4d_offset(pgdp, addr);
	p4d_t p4d = p4dp_get(p4dp);
	pud_t *pudp;
	pmd_t *pmdp, pmd;
	pud_t pud;

	if (p4d_none(p4d))
		return NULL;
	pudp = pud_offset(p4dp, addr); /* want: offset-rereads-entry "pud_offset()" */
	pud = pudp_get(pudp);
	if (pud_none(pud) || pud_leaf(pud))
		return NULL;
	pmdp = pmd_offset(pudp, addr);
	pmd = pmdp_get_lockless(pmdp);
	return pmd_none(pmd) ? NULL : pte_offset_map(&pmd, addr);
}`,
    ],
    good: [
      `
pte_t *entry_of(p4d_t *p4dp, unsigned long addr)
{
	p4d_t p4d = p4dp_get(p4dp);
	pmd_t *pmdp, pmd;
	pud_t *pudp, pud;

	if (p4d_none(p4d))
		return NULL;
	pudp = pud_offset_lockless(p4dp, p4d, addr);
	pud = pudp_get(pudp);
	if (pud_none(pud))
		return NULL;
	pmdp = pmd_offset_lockless(pudp, pud, addr);
	pmd = pmdp_get_lockless(pmdp);
	return pmd_none(pmd) ? NULL : pte_offset_map(&pmd, addr);
}`,
      `
/* Under the lock the entry stays. */
int tables_count(struct mm_struct *mm, p4d_t *p4dp, unsigned long addr)
{
	pmd_t *pmdp;
	pud_t *pudp;
	int n = 0;

	mmap_read_lock(mm);
	if (!p4d_none(p4dp_get(p4dp))) {
		pudp = pud_offset(p4dp, addr);
		if (!pud_none(pudp_get(pudp))) {
			pmdp = pmd_offset(pudp, addr);
			n = pmd_none(pmdp_get_lockless(pmdp)) ? 1 : 2;
		}
	}
	mmap_read_unlock(mm);
	return n;
}`,
      `
/* The lock of the table below is taken: the caller keeps the tables themselves. */
pte_t *entry_lock(struct mm_struct *mm, p4d_t *p4dp, unsigned long addr, spinlock_t **ptlp)
{
	pmd_t *pmdp;
	pud_t *pudp;

	if (p4d_none(p4dp_get(p4dp)))
		return NULL;
	pudp = pud_offset(p4dp, addr);
	if (pud_none(pudp_get(pudp)))
		return NULL;
	pmdp = pmd_offset(pudp, addr);
	if (pmd_none(pmdp_get_lockless(pmdp)))
		return NULL;
	return pte_offset_map_lock(mm, pmdp, addr, ptlp);
}`,
      `
/* Nothing says that the walk is a lockless one. */
pmd_t *table_of(p4d_t *p4dp, unsigned long addr)
{
	pud_t *pudp = pud_offset(p4dp, addr);

	if (pud_none(pudp_get(pudp)))
		return NULL;
	return pmd_offset(pudp, addr);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    // Who waits for the lock of a table further down relies on something that keeps the tables above.
    if (fn.events.some(e => e.kind === 'lock' && e.fact?.pageTable)) return;
    const found: { read: Event; offset: Event }[] = [];
    for (const read of fn.events) {
      const pointer = entryOf(read);
      if (pointer === null || guardsAt({ fn, event: read }, world).own !== null || !isLockless(fn, read)) continue;
      const offset = onward(fn, read, { variables: [pointer] }).events.find(
        e => e.fact?.pageTable === 'walk' && e.fact.level !== 'pte' && e.args[0] === pointer,
      );
      if (offset && !found.some(f => f.offset === offset) && levelFits(read, offset)) found.push({ read, offset });
    }
    const [first, ...rest] = found;
    if (!first) return;
    const { read, offset } = first;
    report(
      { event: offset, fn },
      {
        message: `${called(offset)}() in ${fn.name}() reads *${read.args[0]?.replace(/^\*/, '')} again, after ${called(read)}() has read it and the walk has checked that value`,
        detail: ['Without a lock the second value may differ: none, a huge entry, or one whose table is freed'],
        question: `Should this be ${offset.api}_lockless(), with the value that was checked?`,
        dismissal: 'Not an issue if the caller holds a lock that keeps the entry stable',
        related: [
          { path: read.path, line: read.line, side: read.side, note: 'read here' },
          ...rest.map(r => ({ path: r.offset.path, line: r.offset.line, side: r.offset.side, note: 'and again one level down' })),
        ],
        quote: [read, offset],
        claim: claimOf(fn, read, offset),
        advice: [`Use ${offset.api}_lockless()`],
      },
    );
  },
} satisfies Rule;

/** The walk against a CPU that changes the entry. */
function claimOf(fn: CFunction, read: Event, offset: Event): Claim {
  const entry = 'the entry';
  const change: AssumedStep = { does: 'write', cell: entry, says: { before: '', after: 'changes the entry' } };
  const again = `${called(offset)}() reads the entry`;
  return {
    threads: [{ fn, events: [read, offset] }],
    others: [{ who: 'a CPU that changes the tables', does: [change] }],
    bad: {
      kind: 'sees',
      reads: [
        { read, from: 'before' },
        { read: offset, from: change },
      ],
    },
    meanings: [
      { event: read, access: 'read', cell: entry, ordering: 'relaxed', says: { before: 'reads the entry', after: 'reads the changed entry' } },
      { event: offset, access: 'read', cell: entry, ordering: 'relaxed', says: { before: again, after: `${again}, which has changed` } },
    ],
    starts: [{ cell: entry, value: 1 }],
    edits: [{ kind: 'reuse', event: offset, first: read, text: `${offset.api}_lockless() with the value that was checked` }],
    assumes: ['another CPU may change the entry during the walk'],
    stands: true,
  };
}

/** The pointer to the entry that the event reads; null where it reads none above the last level. */
function entryOf(event: Event): string | null {
  const [first = ''] = event.args;
  if (event.fact?.pageTable === 'read' && below(event) !== undefined) return /^\w+$/.test(first) ? first : null;
  return event.kind === 'read' && event.fact?.by === 'lvalue' && event.ordering === 'relaxed' && /^\*\w+$/.test(first) ? first.slice(1) : null;
}

/** The level that a step down from an entry of this one comes to; the last one is not descended from here. */
const BELOW: Partial<Record<PageTableLevel, PageTableLevel>> = { pgd: 'p4d', p4d: 'pud', pud: 'pmd' };

function below({ fact }: Event): PageTableLevel | undefined {
  return fact?.level && BELOW[fact.level];
}

/** Each step down starts from the entry of the level above. */
function levelFits(read: Event, offset: Event): boolean {
  const level = below(read);
  return level === undefined || level === offset.fact?.level;
}

function isLockless(fn: CFunction, read: Event): boolean {
  const isLockless = (e: Event) => e.fact?.pageTable === 'read-lockless' || (e.fact?.pageTable === 'walk-lockless' && e.fact.level !== 'pte');
  return fn.events.some(isLockless) || isIn(read, 'irqs-off');
}
