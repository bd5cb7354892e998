import { between, isOwn, isTest, keyOf, onward, serialiserOf } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'no-recheck-after-claim',
  title: 'Whether the work is done is tested before the claim succeeds, and not again after it',
  why: `
    One bit says that the work is done, another who is doing it. Between the test of the first and the claim of the second another CPU may
    do all of the work: win the claim, finish, set the done bit, and release the claim. The test saw the old state, the claim is free again,
    and the work is done a second time on data that others already use. What is tested before the claim must be tested again after it.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['check-then-act'],
  references: ['tools/memory-model/Documentation/locking.txt, Double-Checked Locking', 'Documentation/atomic_bitops.txt, ORDERING'],
  knownGaps: ['both bits must also be named where the work ends, in a visible function', 'claims by compare-and-exchange are not followed'],
  examples: {
    bad: [
      `
int page_fetch(struct page_buf *p)
{
	if (test_bit(PAGE_FRESH, &p->state))
		return 0;
	if (test_and_set_bit(PAGE_FETCHING, &p->state)) /* want: no-recheck-after-claim "PAGE_FRESH" */
		return page_wait(p);
	p->gen = 0;
	return page_submit(p);
}

void page_fetched(struct page_buf *p)
{
	set_bit(PAGE_FRESH, &p->state);
	smp_mb__before_atomic();
	clear_bit(PAGE_FETCHING, &p->state);
}`,
    ],
    good: [
      `
int page_fetch(struct page_buf *p)
{
	if (test_bit(PAGE_FRESH, &p->state))
		return 0;
	if (test_and_set_bit(PAGE_FETCHING, &p->state))
		return page_wait(p);
	if (test_bit(PAGE_FRESH, &p->state)) {
		clear_bit(PAGE_FETCHING, &p->state);
		return 0;
	}
	return page_submit(p);
}

void page_fetched(struct page_buf *p)
{
	set_bit(PAGE_FRESH, &p->state);
	clear_bit(PAGE_FETCHING, &p->state);
}`,
      `
/* The first bit stops the whole; who sets it waits for the work, and then takes its claim away. */
void page_poll(struct page_buf *p)
{
	if (test_bit(PAGE_OFF, &p->state))
		return;
	if (!test_and_set_bit(PAGE_QUEUED, &p->state))
		schedule_work(&p->work);
}

void page_off(struct page_buf *p)
{
	set_bit(PAGE_OFF, &p->state);
	cancel_work_sync(&p->work);
	clear_bit(PAGE_QUEUED, &p->state);
}`,
      `
/* The claim is given back before the work is said to be done: nobody does the whole of it in between. */
int page_fetch(struct page_buf *p)
{
	if (test_bit(PAGE_FRESH, &p->state))
		return 0;
	if (test_and_set_bit(PAGE_FETCHING, &p->state))
		return page_wait(p);
	return page_submit(p);
}

void page_begun(struct page_buf *p)
{
	clear_bit(PAGE_FETCHING, &p->state);
	set_bit(PAGE_FRESH, &p->state);
}`,
      `
/* One lock over both. */
int page_fetch(struct page_buf *p)
{
	int err = 0;

	spin_lock(&p->lock);
	if (!test_bit(PAGE_FRESH, &p->state) && !test_and_set_bit(PAGE_FETCHING, &p->state))
		err = page_submit(p);
	spin_unlock(&p->lock);
	return err;
}

void page_fetched(struct page_buf *p)
{
	spin_lock(&p->lock);
	set_bit(PAGE_FRESH, &p->state);
	clear_bit(PAGE_FETCHING, &p->state);
	spin_unlock(&p->lock);
}`,
      `
/* The first bit decides nothing of the work. */
int page_again(struct page_buf *p)
{
	if (test_bit(PAGE_FRESH, &p->state))
		p->again++;
	if (test_and_set_bit(PAGE_FETCHING, &p->state))
		return page_wait(p);
	return page_submit(p);
}

void page_fetched(struct page_buf *p)
{
	set_bit(PAGE_FRESH, &p->state);
	clear_bit(PAGE_FETCHING, &p->state);
}

/* Much lies between. */
int page_drop(struct page_buf *p)
{
	if (test_bit(PAGE_FRESH, &p->state))
		return 0;
	page_unmap(p);
	if (!test_and_set_bit(PAGE_FETCHING, &p->state))
		p->fetching++;
	return 0;
}

/* Nothing is said to be done: the second bit only counts who asked. */
int page_touch(struct page_buf *p)
{
	if (test_bit(PAGE_PINNED, &p->state))
		return 0;
	if (test_and_set_bit(PAGE_TOUCHED, &p->state))
		return 0;
	return page_note(p);
}

void page_age(struct page_buf *p)
{
	set_bit(PAGE_OLD, &p->state);
	clear_bit(PAGE_TOUCHED, &p->state);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    const told = new Set<Event>();
    for (const test of fn.events) {
      if (test.api !== 'test_bit' || test.cell?.bit == null || test.uncertain || test.object || isOwn(fn, test)) continue;
      const done = onward(fn, test, { value: 'nonzero' }).events;
      for (const claim of onward(fn, test, { value: 'zero' }).events) {
        if (!CLAIMS.test(claim.api) || !ofOne(claim, test) || told.has(claim) || done.includes(claim)) continue;
        // Far from the test the second bit is another matter.
        if (between(fn, test, claim).some(e => e.kind === 'call' || e.kind === 'lock' || e.kind === 'unlock')) continue;
        const won = onward(fn, claim, { value: 'zero' }).events;
        if (won.length === 0 || won.some(e => e.kind === 'read' && isBit(e, test))) continue;
        const end = endOf(test, claim, world);
        if (!end || serialiserOf({ fn, event: test, until: claim }, { fn: end.fn, event: end.set, until: end.clear }, world)?.sure === false)
          continue;
        told.add(claim);
        const [a, b] = [test.cell.bit, claim.cell?.bit ?? 'the claim'];
        report(
          { event: claim, fn },
          {
            message: `${fn.name}() tests ${a} before it claims ${b} but not after, although ${end.fn.name}() may have set ${a} and released ${b} in between`,
            question: `Should ${a} be tested again once ${b} is claimed?`,
            dismissal: `Not an issue if the work may be done twice, or something keeps ${end.fn.name}() from running between the two`,
            related: [
              { path: test.path, line: test.line, side: test.side, note: 'tested here' },
              { path: end.set.path, line: end.set.line, side: end.set.side, note: `${end.fn.name}() marks it as done` },
              { path: end.clear.path, line: end.clear.line, side: end.clear.side, note: 'and releases the claim' },
            ],
            quote: [test, claim],
            claim: claimOf(fn, test, claim, end),
          },
        );
      }
    }
  },
} satisfies Rule;

const CLAIMS = /^test_and_set_bit(?:_lock)?$/;

/** Where the work ends: it is said to be done, and the claim is given back. */
interface End {
  fn: CFunction;
  set: Event;
  clear: Event;
}

/** Both bits belong to one object. */
function ofOne(a: Event, b: Event): boolean {
  return (
    a.cell !== null && b.cell !== null && a.cell.base === b.cell.base && a.cell.bit !== null && (a.cell.bit !== b.cell.bit || keyOf(a) !== keyOf(b))
  );
}

function isBit(a: Event, b: Event): boolean {
  return keyOf(a) === keyOf(b) && a.cell?.bit === b.cell?.bit;
}

function endOf(test: Event, claim: Event, world: World): End | null {
  for (const fn of world.functions) {
    if (fn.isMacro || fn.broken) continue;
    const set = fn.events.find(e => e.operation === 'set' && isBit(e, test) && !isOwn(fn, e));
    const clear = set && fn.events.find(e => e.operation === 'clear' && isBit(e, claim));
    // Who waits in between sets the first bit to stop the others.
    if (set && clear && onward(fn, set, {}).events.includes(clear) && !between(fn, set, clear).some(e => e.kind === 'wait'))
      return { fn, set, clear };
  }
  return null;
}

/** The test finds the work undone, the whole of it is done elsewhere, and then the claim is won. */
function claimOf(fn: CFunction, test: Event, claim: Event, end: End): Claim {
  const again = {
    kind: 'move' as const,
    event: test,
    where: 'after' as const,
    to: claim,
    text: `Testing ${test.cell?.bit} after the claim`,
  };
  return {
    threads: [
      { fn, events: [test, claim] },
      { fn: end.fn, events: [end.set, end.clear] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: test, from: 'before' },
        { read: claim, from: end.clear },
      ],
    },
    starts: [
      { cell: test, value: 0 },
      { cell: claim, value: 1 },
    ],
    edits: [
      again,
      {
        kind: 'both',
        edits: [again, { kind: 'fence', fence: 'full', where: 'before', event: end.clear, text: '' }],
        text: `Testing ${test.cell?.bit} after the claim with a full barrier before the claim is released`,
      },
    ],
    assumes: [`${end.fn.name}() finishes the work of an earlier claim`],
  };
}
