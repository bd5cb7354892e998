import {
  after,
  before,
  called,
  comesBefore,
  commentsBeside,
  gapAfter,
  gapBefore,
  indexOf,
  isAccess,
  isTest,
  isUpdate,
  keyOf,
  nodesAfter,
  runsAlone,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, Tie } from '../../src/model/rule.ts';

export default {
  id: 'discarded-rmw-result',
  title: 'The result of a fully ordered read-modify-write is discarded',
  why: `
    A read-modify-write that returns a value is fully ordered and returns what was there before. A caller that discards the value pays for
    the ordering, and gives up the one check of the old value that has no race window. Two ways to fix it: the form without a return value,
    which is unordered, if nothing needs the ordering; or the value, used as the check that it is. On x86 both forms are LOCK-prefixed and
    cost the same; elsewhere the barriers do cost. Reported by inspection: the value is returned and never used.`,
  severity: 'note', // A warning where the cell is half of a pair: there the dropped value is the check.
  confidence: 'high',
  finds: [],
  references: ['Documentation/atomic_bitops.txt, ORDERING', 'Documentation/atomic_t.txt, ORDERING'],
  knownGaps: ['where something after it may need the ordering, nothing is reported, so that an implied barrier is never removed'],
  examples: {
    bad: [
      `
void slot_forget(struct slots *s, int n)
{
	test_and_clear_bit(n, s->busy); /* want: discarded-rmw-result "test_and_clear_bit()" */
}`,
      `
void hits_add(struct stats *s)
{
	atomic_inc_return(&s->hits); /* want: discarded-rmw-result "atomic_inc_return()" */
}`,
      `
/* The lock orders what is done under it. */
void slot_drop(struct slots *s, int n)
{
	spin_lock(&s->lock);
	s->last = n;
	test_and_clear_bit(n, s->busy); /* want: discarded-rmw-result "test_and_clear_bit()" */
	s->count--;
	spin_unlock(&s->lock);
}`,
    ],
    good: [
      `
void slot_forget(struct slots *s, int n)
{
	if (!test_and_clear_bit(n, s->busy))
		WARN_ON_ONCE(1);
}`,
      `
void first_error(struct dev *d, int ret)
{
	cmpxchg(&d->error, 0, ret);
}`,
      `
/* The order is what it is for: the wake-up reads the queue. */
void slot_done(struct slots *s, int n)
{
	test_and_clear_bit(n, s->busy);
	if (waitqueue_active(&s->wait))
		wake_up(&s->wait);
}`,
      `
/* What comes after the lock is given back may be what the barrier stands for. */
void slot_forget(struct slots *s, int n)
{
	spin_lock(&s->lock);
	test_and_clear_bit(n, s->busy);
	s->count--;
	spin_unlock(&s->lock);
	if (s->hungry)
		slot_feed(s);
}`,
      `
/* The increment publishes the entry. */
void log_add(struct log *l, int v)
{
	l->entry = v;
	atomic_inc_return(&l->count);
}`,
      `
void hits_add(struct stats *s)
{
	atomic_inc(&s->hits);
}`,
      `
void flag_drop(struct slots *s, int n)
{
	(void)test_and_clear_bit(n, s->busy);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (isTest(fn) || runsAlone(fn, world)) return;
    for (const event of fn.events) {
      if (
        event.kind !== 'rmw' ||
        event.used ||
        event.ordering !== 'full' ||
        event.orderingOnFailure !== null ||
        event.operation === 'cmpxchg' ||
        event.uncertain
      )
        continue;
      const weaker = withoutValue(event.api);
      if (weaker === null) continue;
      const sibling = siblingOf(fn, event, world.ties);
      if (orderUsedAfter(fn, event) || (!sibling && orderUsedBefore(fn, event))) continue;
      const cell = sibling ? sibling.name : 'the cell';
      report(
        { event, fn },
        {
          message: `${fn.name}() discards the result of ${called(event)}(), ${sibling ? `the only check of ${cell} without a race window` : 'which is the old value'}`,
          detail: [lostOrder(fn, event, weaker, sibling?.event ?? null)],
          question: sibling
            ? 'Should the old value be tested, rather than the operation be weakened?'
            : `Is the ordering intended, or would ${weaker}() do?`,
          dismissal: 'Not an issue if the barrier after it is intended; a comment should say so',
          said: [],
          advice: [`Use ${weaker}() if nothing needs the ordering, or ${sibling ? check(sibling) : 'test the value if the old state matters'}`],
          ...(sibling ? { severity: 'warning' as const } : {}),
        },
      );
    }
  },
} satisfies Rule;

/** The form of the same operation that returns nothing and orders nothing, or null where there is none. */
function withoutValue(api: string): string | null {
  const bit = /^test_and_(set|clear|change)_bit$/.exec(api);
  if (bit) return `${bit[1]}_bit`;
  const fetch = /^((?:raw_|arch_)?atomic(?:64|_long)?)_(?:fetch_(add|sub|inc|dec|and|or|xor|andnot)|(add|sub|inc|dec)_return)$/.exec(api);
  if (fetch) return `${fetch[1]}_${fetch[2] ?? fetch[3]}`;
  if (/^atomic(?:64|_long)?_xchg$/.test(api)) return api.replace('_xchg', '_set');
  return api === 'xchg' ? 'WRITE_ONCE' : null;
}

interface Sibling {
  event: Event;
  tie: Tie;
  /** The cell whose value is dropped, and the other one. */
  name: string;
  other: string;
}

/** The update of the other half of a pair beside this one. */
function siblingOf(fn: CFunction, event: Event, ties: Tie[]): Sibling | null {
  const key = keyOf(event);
  for (const tie of ties) {
    if (key !== tie.keys[0] && key !== tie.keys[1]) continue;
    const [mine, theirs] = key === tie.keys[0] ? ([0, 1] as const) : ([1, 0] as const);
    const other = fn.events.find(e => isUpdate(e) && keyOf(e) === tie.keys[theirs] && indexOf(e) === indexOf(event));
    if (other) return { event: other, tie, name: tie.names[mine], other: tie.names[theirs] };
  }
  return null;
}

/** Something after it that the full barrier may be there for. */
function orderUsedAfter(fn: CFunction, event: Event): boolean {
  if (gapAfter(fn, event)) return true;
  const comment = commentsBeside(fn, event, 4).some(c => /barrier|order|smp_|\bmb\b/i.test(c.text));
  return comment || after(fn, event).some(e => e !== event && (needsOrder(e) || e.kind === 'fence'));
}

/**
 * What a lock is held over goes by the lock's order; a call that is known to touch nothing needs none. Other accesses, and calls of which too
 * little is known, may be what the barrier stands for.
 */
function needsOrder(event: Event): boolean {
  if (isAccess(event)) return event.ordering !== 'plain' || event.locks.length === 0;
  return event.opaque || event.kind === 'wake' || event.kind === 'wait' || (event.kind === 'call' && event.argCells !== undefined);
}

/** Something before it that the full barrier may be there for: a store that it publishes, a read that it must not overtake. */
function orderUsedBefore(fn: CFunction, event: Event): boolean {
  return (
    gapBefore(fn, event) ||
    before(fn, event).some(e => e.opaque || e.kind === 'fence' || (isAccess(e) && !(e.kind === 'read' && e.ordering === 'plain') && needsOrder(e)))
  );
}

/** Which order goes when the value goes. */
function lostOrder(fn: CFunction, event: Event, weaker: string, sibling: Event | null): string {
  const earlier = before(fn, event).filter(e => isAccess(e) || e.kind === 'fence');
  const full = earlier.filter(e => e.ordering === 'full' && nodesAfter(fn, e.node).has(event.node)).at(-1);
  const between = full ? earlier.filter(e => comesBefore(fn, full, e) && e.ordering !== 'plain') : earlier;
  if (full && between.length === 0) {
    const kept =
      sibling && full === sibling
        ? `the two updates stay ordered, since ${called(full)}() before it is fully ordered itself`
        : `what precedes it stays ordered, by ${called(full)}()`;
    return `It is fully ordered, ${weaker}() is not. With ${weaker}() only the full barrier after it is lost; ${kept}`;
  }
  const last = earlier.at(-1);
  return earlier.length === 0
    ? `It is fully ordered, ${weaker}() is not. With ${weaker}() the full barriers before and after it are lost, which the caller may rely on`
    : `It is fully ordered, ${weaker}() is not. With ${weaker}() the ordering against ${last ? called(last) : 'the access'}() before it is lost, and the full barrier after it`;
}

/** How the dropped value would be used beside the other half's. */
function check({ tie, name, other }: Sibling): string {
  const broken = tie.relation === 'complement' ? 'is the same as' : tie.relation === 'equal' ? 'differs from' : 'contradicts';
  return `test the value: with the updates serialised, an old ${name} that ${broken} the old ${other} shows without another read that the pair was inconsistent before this call`;
}
