import { bitOrPath, called, comesBefore, conditionOn, gates, isTest, runsAlone } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, Use, World } from '../../src/model/rule.ts';

export default {
  id: 'used-after-ownership-given',
  title: 'Data guarded by a bit is written after the bit was passed on',
  why: `
    If one function takes a bit by an atomic operation before it accesses what a pointer of the object leads to, changing the bit hands that
    data to the next owner. A store there after the handover hits data that another CPU already owns: the two mix, or the later one wins. A
    lock around each of the two stores serialises the stores, but one still undoes the other. Change the bit last.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['use-after-handover', 'bitlock-nonatomic'],
  references: [
    'Documentation/atomic_bitops.txt, RMW atomic operations',
    'Documentation/kernel-hacking/locking.rst, Race Conditions and Critical Regions',
  ],
  knownGaps: [
    'only stores to one member of what the pointer leads to are compared, and not what callees do',
    'words that are taken by compare-and-exchange',
  ],
  examples: {
    bad: [
      `
int horn_write(struct horn *h, int len)
{
	if (!test_and_clear_bit(HORN_IDLE, &h->flags))
		return 0;
	h->pipe->len = len;
	pipe_submit(h->pipe);
	return len;
}

static void horn_written(struct horn *h, int status)
{
	set_bit(HORN_IDLE, &h->flags); /* want: used-after-ownership-given "pipe->len" */
	if (status)
		return;
	if (h->left) {
		h->pipe->len = h->left;
		pipe_submit(h->pipe);
	}
}`,
      `
/* The lock keeps the two stores apart, and no more. */
int horn_write(struct horn *h, int len)
{
	if (test_and_set_bit(HORN_BUSY, &h->flags))
		return 0;
	spin_lock(&h->lock);
	h->pipe->len = len;
	spin_unlock(&h->lock);
	return len;
}

static void horn_written(struct horn *h)
{
	clear_bit_unlock(HORN_BUSY, &h->flags); /* want: used-after-ownership-given "pipe->len" */
	spin_lock(&h->lock);
	h->pipe->len = h->left;
	spin_unlock(&h->lock);
}`,
    ],
    good: [
      `
int horn_write(struct horn *h, int len)
{
	if (!test_and_clear_bit(HORN_IDLE, &h->flags))
		return 0;
	h->pipe->len = len;
	pipe_submit(h->pipe);
	return len;
}

static void horn_written(struct horn *h, int status)
{
	if (status) {
		set_bit(HORN_IDLE, &h->flags);
		return;
	}
	if (h->left) {
		h->pipe->len = h->left;
		pipe_submit(h->pipe);
		return;
	}
	smp_mb__before_atomic();
	set_bit(HORN_IDLE, &h->flags);
}`,
      `
/* It takes the bit again before it goes on. */
int horn_write(struct horn *h, int len)
{
	if (test_and_set_bit(HORN_BUSY, &h->flags))
		return 0;
	h->pipe->len = len;
	return len;
}

static void horn_written(struct horn *h)
{
	clear_bit_unlock(HORN_BUSY, &h->flags);
	if (test_and_set_bit(HORN_BUSY, &h->flags))
		return;
	h->pipe->len = h->left;
}`,
      `
/* One lock over all of it: nobody takes the bit in between. */
int horn_write(struct horn *h, int len)
{
	spin_lock(&h->lock);
	if (test_and_set_bit(HORN_BUSY, &h->flags)) {
		spin_unlock(&h->lock);
		return 0;
	}
	h->pipe->len = len;
	spin_unlock(&h->lock);
	return len;
}

static void horn_written(struct horn *h)
{
	spin_lock(&h->lock);
	clear_bit(HORN_BUSY, &h->flags);
	h->pipe->len = h->left;
	spin_unlock(&h->lock);
}`,
      `
/* The bit says that it runs; what the pointer leads to is everyone's, under the lock. */
int horn_write(struct horn *h, int len)
{
	if (test_and_set_bit(HORN_BUSY, &h->flags))
		return 0;
	spin_lock(&h->pipe->lock);
	h->pipe->len = len;
	spin_unlock(&h->pipe->lock);
	return len;
}

static void horn_written(struct horn *h)
{
	clear_bit_unlock(HORN_BUSY, &h->flags);
	spin_lock(&h->pipe->lock);
	h->pipe->len = 0;
	spin_unlock(&h->pipe->lock);
}

void horn_tune(struct horn *h, int len)
{
	spin_lock(&h->pipe->lock);
	h->pipe->len = len;
	spin_unlock(&h->pipe->lock);
}`,
    ],
  },
  checkCell({ tie, key }, uses, report, world) {
    if (tie || key.startsWith('|')) return;
    const takers = uses.filter(u => takes(u.event) !== null && usual(u, world)).slice(0, MOST);
    if (takers.length === 0) return;
    for (const give of uses.filter(u => givesBit(u.event) && usual(u, world)).slice(0, MOST)) {
      const mine = takers.filter(t => t.event.cell?.bit === give.event.cell?.bit && takes(t.event)?.opposite === give.event.operation);
      const found = mine.filter(t => t.fn !== give.fn).flatMap(taker => writtenByBoth(taker, give))[0];
      if (!found) continue;
      const { taker, late, next } = found;
      if (!onlyOwners(world, late, taker.fn, give.fn)) continue;
      const bit = bitOf(give.event);
      const what = `${pathOf(late, give.event)}->${late.cell?.path}`.replace(/^->/, '');
      report(give, {
        message: `${give.fn.name}() passes on ${bit} with ${called(give.event)}() and writes ${what} after that`,
        detail: [`${taker.fn.name}() takes ${bit} and writes there, and its store may be overwritten`],
        question: `Should ${called(give.event)}() come last, or ${bit} be taken again before the store?`,
        dismissal: `Not an issue if ${taker.fn.name}() can't run before ${give.fn.name}() returns`,
        quote: [give.event, late],
        related: [{ path: next.path, line: next.line, side: next.side, note: `the next owner's store, in ${taker.fn.name}()` }],
        shape: key,
        claim: claimOf(give, late, taker, next),
      });
    }
  },
} satisfies Rule;

const MOST = 6;

function usual({ fn, event }: Use, world: World): boolean {
  return (
    !fn.isMacro && !fn.broken && !isTest(fn) && !runsAlone(fn, world) && event.object === undefined && !event.uncertain && event.cell?.base != null
  );
}

/** What the operation gives where it took the bit, and the operation that gives the bit away; null where it takes none. */
function takes(event: Event): { when: 'zero' | 'nonzero'; opposite: 'set' | 'clear' } | null {
  if (event.kind !== 'rmw' || !event.atomic || !event.used) return null;
  if (/^test_and_set_bit(?:_lock)?$/.test(event.api)) return { when: 'zero', opposite: 'clear' };
  return event.api === 'test_and_clear_bit' ? { when: 'nonzero', opposite: 'set' } : null;
}

function givesBit(event: Event): boolean {
  return event.kind === 'rmw' && event.atomic && /^(?:set_bit|clear_bit|clear_bit_unlock)$/.test(event.api);
}

function bitOf({ cell }: Event): string {
  return cell?.bit != null ? bitOrPath(cell) : 'the bit';
}

/** The pointer of the object that the access goes through: `pipe` of `h->pipe->len`; empty where there is none. */
function pathOf(access: Event, bit: Event): string {
  const [base, of] = [access.cell?.base ?? '', bit.cell?.base ?? ''];
  return of !== '' && base.startsWith(`${of}->`) ? base.slice(of.length + 2) : '';
}

interface Written {
  taker: Use;
  /** The giver's store, and the next owner's. */
  late: Event;
  next: Event;
}

/** A member that is stored behind the giving and behind the taking. Where the bit is taken again first, the checker finds nothing. */
function writtenByBoth(taker: Use, give: Use): Written[] {
  const when = takes(taker.event)?.when;
  const next = taker.fn.events.filter(
    e => stores(e) && pathOf(e, taker.event) !== '' && gates(taker.fn, taker.event, e) && conditionOn(taker.fn, taker.event, e) === when,
  );
  if (next.length === 0) return [];
  return give.fn.events.flatMap(late => {
    const path = pathOf(late, give.event);
    if (!stores(late) || path === '' || !comesBefore(give.fn, give.event, late)) return [];
    const other = next.find(e => pathOf(e, taker.event) === path && e.cell?.path === late.cell?.path);
    return other ? [{ taker, late, next: other }] : [];
  });
}

function stores(event: Event): boolean {
  return event.kind === 'write' && event.operation === 'store' && !event.uncertain && event.object === undefined && event.cell !== null;
}

/** Nobody else in view stores there: what others store as well is not the owner's alone. */
function onlyOwners(world: World, late: Event, ...owners: CFunction[]): boolean {
  const pointer = /->(\w+)$/.exec(late.cell?.base ?? '')?.[1];
  const there = (e: Event) => stores(e) && e.cell?.path === late.cell?.path && (e.cell?.base ?? '').endsWith(`->${pointer}`);
  return !world.functions.some(fn => fn.path === late.path && !owners.includes(fn) && !runsAlone(fn, world) && fn.events.some(there));
}

/** The next owner takes the bit and stores, and the giver's store comes over it. */
function claimOf(give: Use, late: Event, taker: Use, next: Event): Claim {
  const { event } = give;
  return {
    threads: [
      { fn: give.fn, events: [event, late] },
      { fn: taker.fn, events: [taker.event, next] },
    ],
    bad: { kind: 'sees', reads: [{ read: taker.event, from: event }], ends: [late] },
    starts: [{ cell: event, value: event.operation === 'set' ? 0 : 1 }],
    edits: [
      {
        kind: 'both',
        text: `${called(event)}() after the store with a barrier before it`,
        edits: [
          { kind: 'move', event, where: 'after', to: late, text: '' },
          { kind: 'fence', fence: 'full', where: 'before', event, text: '' },
        ],
      },
    ],
    assumes: ['both run on one object', `${give.fn.name}() owns ${bitOf(event)} on entry`],
  };
}
