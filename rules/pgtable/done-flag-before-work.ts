import { asWritten, called, heldAt, isTest, onward, serialiserOfRuns } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'done-flag-before-work',
  title: 'A flag that says that work is done is set before the work',
  why: `
    test_and_set_bit() in front of the work makes one CPU do it. But a bit that means done, clean or valid is read as a result: another CPU
    that finds it set skips the work and proceeds while the first has only begun. A result bit must be set after the work, with release
    ordering; a claim bit may come first, but then those who find it set must wait for the end.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['pgtable-tlb', 'publish-before-init', 'check-then-act'],
  references: ['Documentation/memory-barriers.txt, VARIETIES OF MEMORY BARRIER'],
  knownGaps: ['whether a bit is a result or a claim is guessed from its name'],
  examples: {
    bad: [
      `
void page_sync(struct page *page)
{
	if (!test_and_set_bit(PG_icache_clean, &page->flags)) /* want: done-flag-before-work "PG_icache_clean" */
		flush_icache_page(page);
}`,
    ],
    good: [
      `
void page_sync(struct page *page)
{
	if (!test_bit(PG_icache_clean, &page->flags)) {
		flush_icache_page(page);
		set_bit(PG_icache_clean, &page->flags);
	}
}`,
      `
/* A claim, not a result. */
void work_kick(struct dev *d)
{
	if (!test_and_set_bit(WORK_QUEUED, &d->flags))
		work_queue(d);
}`,
      `
/* Nothing but the bit. */
void page_mark(struct page *page)
{
	if (test_and_set_bit(PG_icache_clean, &page->flags))
		pr_debug("twice\\n");
}`,
      `
/* Whoever comes second waits for the lock, and so for the end of the work. */
void page_sync(struct dev *d, struct page *page)
{
	mutex_lock(&d->lock);
	if (!test_and_set_bit(PG_icache_clean, &page->flags))
		flush_icache_page(page);
	mutex_unlock(&d->lock);
}`,
      `
void dev_done(struct dev *d)
{
	if (!test_and_set_bit(DEV_DONE, &d->flags))
		complete(&d->idle);
}`,
      `
/* Completed once, by whoever comes first: a claim as well. */
void req_end(struct req *r, int status)
{
	if (!test_and_set_bit(REQ_F_COMPLETED, &r->flags))
		r->ops->done(r, status);
}`,
      `
void page_spoil(struct page *page)
{
	if (!test_and_set_bit(PG_invalid, &page->flags))
		drop_mappings(page);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const claim of fn.events) {
      const bit = claim.cell?.bit ?? null;
      if (!/^test_and_set_bit$/.test(claim.api) || bit === null || !isResult(bit)) continue;
      // Whether a lock makes the second wait for the end of the work, the checker says.
      const locked = heldAt(fn, claim, world).length > 0;
      if (!locked && serialiserOfRuns({ fn, event: claim }, world)) continue;
      const others = new Set(onward(fn, claim, { value: 'nonzero' }).events);
      const own = onward(fn, claim, { value: 'zero' }).events.filter(e => !others.has(e));
      const [work] = own.filter(isWork);
      const done = work && called(asWritten(fn, work));
      // Who wakes others, or takes a lock, has a protocol of his own for the end of the work; other CPUs that a helper runs are the work.
      if (
        !work ||
        own.some(
          e =>
            (e.kind === 'wake' && !e.via) ||
            e.kind === 'lock' ||
            e.locks.some(lock => lock.mode === 'shared') ||
            e.kind === 'free' ||
            e.cell?.bit === bit,
        )
      )
        continue;
      report(
        { event: claim, fn },
        {
          message: `${fn.name}() sets ${bit} before ${done}() has done the work`,
          detail: [`A CPU that finds ${bit} set proceeds while ${done}() has only begun`],
          question: `Does code that finds ${bit} set rely on ${done}() being done, and should the bit be set after it?`,
          dismissal: `Not an issue if ${bit} only excludes a second CPU and does not mean that the work is done`,
          related: [{ path: work.path, line: work.line, side: work.side, note: 'the work' }],
          quote: [claim, work],
          claim: claimOf(fn, claim, work, locked),
        },
      );
    }
  },
} satisfies Rule;

/** Two CPUs in the function: the one that comes second finds the bit set, and goes on while the first has not done the work. */
function claimOf(fn: CFunction, set: Event, work: Event, locked: boolean): Claim {
  const done = `${called(work)} done`;
  return {
    threads: [
      { fn, events: [set, work] },
      { fn, events: [set] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: set, from: set, thread: 1 },
        { read: set, from: 'before', thread: 1, cell: done },
      ],
    },
    meanings: [
      { event: work, access: 'write', cell: done, ordering: 'relaxed', says: { before: '', after: `finishes ${called(work)}()` } },
      {
        event: set,
        access: 'read',
        cell: done,
        ordering: 'relaxed',
        besides: 'nonzero',
        thread: 1,
        says: { before: `proceeds before ${called(work)}() is done`, after: `proceeds with ${called(work)}() done` },
      },
    ],
    edits: [{ kind: 'move', event: set, where: 'after', to: work, text: 'Setting the bit after the work' }],
    assumes: [`both run on one object, and a CPU that finds ${set.cell?.bit ?? 'the bit'} set relies on ${called(work)}()`],
    ...(locked ? {} : { stands: true as const }),
  };
}

/** A bit whose name tells of a state that was reached. */
function isResult(bit: string): boolean {
  return /(?:^|_)(?:clean|uptodate|valid|initiali[sz]ed|synced)(?:$|_)/i.test(bit) && !/(?:^|_)(?:not|un|in)_?/i.test(bit);
}

function isWork(event: Event): boolean {
  return event.kind === 'call' && !/print|pr_|dbg|debug|warn|trace|schedule|queue|wake|complete|notify|put|get|clear|set|log/i.test(event.api);
}
