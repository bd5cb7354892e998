import { called, guardsAt, isHandedOver, isTest, isUseOf, likelyEffect, onward, runsNamed } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'use-before-ref',
  title: 'A page found by a lockless walk is accessed before a reference to it is taken',
  why: `
    A page-table entry that is read without the lock names a page that may be freed and reused by the time it is accessed. The protocol is
    to take a reference that fails on a free page, to read the entry again, and only then to access the page: only then is it the page that
    the entry names. The CPU that removes the page from the entry and drops its last reference is not visible: the claim assumes it.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['pgtable-tlb'],
  references: ['include/linux/page_ref.h, folio_try_get()', 'mm/gup.c, gup_fast_pte_range(), by the code'],
  knownGaps: ['a walk under a lock of its caller is not distinguished from one without'],
  examples: {
    bad: [
      `
int entry_grab(pte_t pte, unsigned int flags)
{
	struct page *page = pte_page(pte);
	struct folio *folio;

	if (page_is_secret(page)) /* want: use-before-ref "page" */
		return -EFAULT;
	folio = try_grab_folio(page, 1, flags);
	return folio ? 0 : -EAGAIN;
}`,
    ],
    good: [
      `
int entry_grab(pte_t pte, unsigned int flags)
{
	struct page *page = pte_page(pte);
	struct folio *folio = try_grab_folio(page, 1, flags);

	if (!folio)
		return -EAGAIN;
	if (page_is_secret(page)) {
		folio_put(folio);
		return -EFAULT;
	}
	return 0;
}`,
      `
/* Only the pointer is looked at. */
int entry_grab(pte_t pte)
{
	struct page *page = pte_page(pte);

	if (page == ZERO_PAGE(0) || is_zero_page(page))
		return 0;
	VM_BUG_ON(!pfn_valid(page_to_pfn(page)));
	return folio_try_get(page_folio(page)) ? 0 : -EAGAIN;
}`,
      `
static int pages_note(struct page *page, int n, struct page **pages)
{
	int i;

	for (i = 0; i < n; i++)
		pages[i] = nth_page(page, i);
	return n;
}

int table_grab(pmd_t pmd, struct page **pages)
{
	struct page *page = pmd_page(pmd);
	int n = pages_note(page, 512, pages);

	return try_grab_folio(page, n, 0) ? n : 0;
}`,
      `
int entry_grab(spinlock_t *ptl, pte_t *ptep)
{
	struct page *page;
	int err = -EAGAIN;

	spin_lock(ptl);
	page = pte_page(ptep_get(ptep));
	if (!page_is_secret(page) && try_get_page(page))
		err = 0;
	spin_unlock(ptl);
	return err;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const found of fn.events) {
      const page = found.into;
      if (page === null || found.fact?.pageTable !== 'page' || isLocked(fn, found, world)) continue;
      const onTheWay = onward(fn, found, { variables: [page], result: true, stop: e => takes(e, page) }).events;
      const look = onTheWay.find(e => !isLocked(fn, e, world) && looksInto(e, page, world));
      const take = look && onward(fn, look, { variables: [page] }).events.find(e => takes(e, page));
      if (!look || !take) continue;
      report(
        { event: look, fn },
        {
          message: `${fn.name}() accesses ${page} before ${called(take)}() takes a reference to it`,
          detail: [`Until then it may be freed and reused; what ${called(look)}() reads need not be from the page that the entry named`],
          question: `Can ${called(look)}() move after ${called(take)}() and the recheck of the entry?`,
          dismissal: 'Not an issue if the page-table lock is held, or something else pins the page',
          related: [
            { path: found.path, line: found.line, side: found.side, note: 'found here' },
            { path: take.path, line: take.line, side: take.side, note: 'reference taken here' },
          ],
          quote: [found, look, take],
          claim: claimOf(fn, found, look, take, page),
        },
      );
    }
  },
} satisfies Rule;

/** The walk against a CPU that unmaps the page and puts its last reference. */
function claimOf(fn: CFunction, found: Event, look: Event, take: Event, page: string): Claim {
  const [entry, count] = ['the entry', `count of ${page}`];
  const last: AssumedStep = { does: 'put', cell: count };
  const free: AssumedStep = { does: 'write', cell: page, where: { gave: last }, says: { before: '', after: `frees ${page} for reuse` } };
  const by = look.kind === 'call' ? ` by ${called(look)}()` : '';
  return {
    threads: [{ fn, events: [found, look, take] }],
    others: [
      {
        who: `a CPU that unmaps ${page}`,
        does: [{ does: 'write', cell: entry, value: 0, says: { before: '', after: `removes ${page} from the entry` } }, last, free],
      },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: found, from: 'before' },
        { read: look, from: free },
      ],
    },
    meanings: [
      {
        event: found,
        access: 'read',
        cell: entry,
        ordering: 'relaxed',
        says: { before: `finds ${page} in the entry`, after: 'finds nothing in the entry' },
      },
      {
        event: look,
        access: 'read',
        cell: page,
        ordering: 'relaxed',
        says: { before: `accesses ${page}${by}`, after: `accesses ${page}, which is freed,${by}`.replace(/,$/, '') },
      },
      { event: take, access: 'try', cell: count, ordering: 'full' },
    ],
    starts: [{ cell: count, value: 1 }],
    edits: [
      { kind: 'move', event: look, where: 'after', to: take, effect: true, text: `Accessing it only after ${called(take)}() has taken a reference` },
    ],
    assumes: [`the entry holds the last reference to ${page}, and another CPU unmaps it meanwhile`],
    stands: true,
  };
}

/** Entries change under the page table's own lock: the lock of the whole mm, held for reading, keeps nobody from that. */
function isLocked(fn: CFunction, event: Event, world: World): boolean {
  return guardsAt({ fn, event }, world).own?.mode === 'exclusive';
}

function takes(event: Event, page: string): boolean {
  const ref = likelyEffect(event, 'ref');
  return ref !== undefined && ref.by !== 'put' && event.args.some(arg => arg === page || arg === `page_folio(${page})`);
}

/** A dereference, or a call that makes one. */
function looksInto(event: Event, page: string, world: World): boolean {
  if (isUseOf(event, page)) return true;
  // A function in view may compute with the pointer as well.
  const callee = event.opaque ? undefined : world.functions.find(f => runsNamed(event, f.name) && f.whole);
  const parameter = callee?.parameters[event.args.indexOf(page)]?.name;
  if (callee && parameter !== undefined && !callee.events.some(e => isUseOf(e, parameter) || (e.opaque && readsArgument(e, parameter)))) return false;
  return readsArgument(event, page);
}

/** Everything but what computes with the pointer alone. */
function readsArgument(event: Event, page: string): boolean {
  return (
    event.kind === 'call' &&
    isHandedOver(event, page) &&
    !/^(?:page_folio|compound_head|page_to_\w+|folio_to_\w+|nth_page|folio_page\w*|is_zero_\w+|is_huge_zero_\w+|xa_is_\w+|VM_\w+|WARN\w*|trace_\w+|pfn_\w+)$/.test(
      event.api,
    )
  );
}
