import {
  bitOrPath,
  called,
  comesBefore,
  conditionOn,
  gates,
  guardsAt,
  isConstantText,
  isTest,
  keyOf,
  nearest,
  ofOneObject,
  ordersAll,
  ordersStores,
  passes,
  returnedAt,
  runsAlone,
  sameStatement,
  serialiserOf,
} from '../../src/analysis/query.ts';
import type { Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule, Use, World } from '../../src/model/rule.ts';

export default {
  id: 'ownership-word-released-without-release',
  title: 'A word that is taken like a lock is released without release ordering',
  why: `
    If an atomic operation that only one CPU can win gives access to an object, the word is a lock, whatever it is called. Releasing it with
    clear_bit(), atomic_set() or WRITE_ONCE() orders nothing: the next owner can have the word and still see the old object, or have its own
    stores overtaken by those of the last owner. smp_mb__after_atomic() after it comes too late. clear_bit_unlock(), smp_store_release() and
    the _release forms are made for this. Where the guarded data is accessed by callers that are not visible, the claim assumes so, and the
    finding is a note.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['barrier-missing', 'bitlock-nonatomic'],
  references: [
    'Documentation/atomic_bitops.txt, ORDERING',
    'Documentation/atomic_t.txt, ORDERING',
    'Documentation/memory-barriers.txt, VARIETIES OF MEMORY BARRIER',
  ],
  knownGaps: ['what the owner accesses in callees', 'where the data that the word guards is accessed by callers it stays a question'],
  examples: {
    bad: [
      `
int slot_get(struct slot *s, int id)
{
	if (cmpxchg(&s->used, 0, 1) != 0)
		return -EBUSY;
	return s->len;
}

void slot_put(struct slot *s)
{
	s->len = 0;
	WRITE_ONCE(s->used, 0); /* want: ownership-word-released-without-release "used" */
}`,
      `
static bool engine_run(struct engine *e)
{
	if (test_and_set_bit(ENGINE_BUSY, &e->state))
		return false;
	e->round++;
	e->last = jiffies;
	clear_bit(ENGINE_BUSY, &e->state); /* want: ownership-word-released-without-release "ENGINE_BUSY" */
	smp_mb__after_atomic();
	return true;
}

int engine_poll(struct engine *e)
{
	int n;

	if (test_and_set_bit(ENGINE_BUSY, &e->state))
		return 0;
	n = e->round;
	clear_bit_unlock(ENGINE_BUSY, &e->state);
	return n;
}`,
      `
static int acquire_port(struct port *p)
{
	return test_and_set_bit(PORT_BUSY, &p->flags) == 0;
}

static void release_port(struct port *p)
{
	clear_bit(PORT_BUSY, &p->flags); /* want: ownership-word-released-without-release "PORT_BUSY" */
	smp_mb__after_atomic();
}`,
      `
/* Whoever gets a slot may write to it at once. */
struct slot *slot_find(struct table *t)
{
	struct slot *s;

	list_for_each_entry(s, &t->slots, node) {
		if (cmpxchg(&s->used, 0, 1) == 0)
			return s;
	}
	return NULL;
}

void slot_drop(struct slot *s)
{
	memset(s->bytes, 0, s->len);
	WRITE_ONCE(s->used, 0); /* want: ownership-word-released-without-release "used" */
}`,
    ],
    good: [
      `
int slot_get(struct slot *s)
{
	if (cmpxchg(&s->used, 0, 1) != 0)
		return -EBUSY;
	return s->len;
}

void slot_put(struct slot *s)
{
	s->len = 0;
	smp_store_release(&s->used, 0);
}`,
      `
static int acquire_port(struct port *p)
{
	return test_and_set_bit_lock(PORT_BUSY, &p->flags) == 0;
}

static void release_port(struct port *p)
{
	clear_bit_unlock(PORT_BUSY, &p->flags);
}`,
      `
/* Once is what it means, and nobody gives it back while others may take it. */
void warn_once_about(struct dev_state *d)
{
	if (test_and_set_bit(DEV_WARNED, &d->flags))
		return;
	pr_warn("%s\\n", d->name);
}

void dev_reset(struct dev_state *d)
{
	clear_bit(DEV_WARNED, &d->flags);
}`,
      `
/* A state that is reported, under the lock that everyone takes. */
int line_up(struct line *l)
{
	int n = 0;

	spin_lock(&l->lock);
	if (!test_and_set_bit(LINE_UP, &l->flags))
		n = l->speed;
	spin_unlock(&l->lock);
	return n;
}

void line_down(struct line *l)
{
	spin_lock(&l->lock);
	l->speed = 0;
	clear_bit(LINE_UP, &l->flags);
	spin_unlock(&l->lock);
}`,
      `
/* A fence before it does what a release does. */
static int acquire_port(struct port *p)
{
	return test_and_set_bit(PORT_BUSY, &p->flags) == 0;
}

static void release_port(struct port *p)
{
	p->owner = NULL;
	smp_mb__before_atomic();
	clear_bit(PORT_BUSY, &p->flags);
}`,
      `
/* Work is pending or not: the bit keeps no one out. */
void port_kick(struct port *p)
{
	if (!test_and_set_bit(PORT_PENDING, &p->flags))
		schedule_work(&p->work);
}

void port_work(struct port *p)
{
	clear_bit(PORT_PENDING, &p->flags);
	port_run(p);
}`,
    ],
  },
  checkCell({ tie, key }, uses, report, world) {
    if (tie || key.startsWith('|')) return;
    const takers = uses.filter(u => takes(u.event) !== null && usual(u, world)).slice(0, MOST);
    if (takers.length === 0) return;
    for (const back of uses.filter(u => givesBack(u.event) && usual(u, world) && !setsUp(u)).slice(0, MOST)) {
      const name = back.event.cell ? bitOrPath(back.event.cell) : 'the word';
      const mine = takers.filter(t => t.event.cell?.bit === back.event.cell?.bit);
      const touched = mine.flatMap(taker => touchedByBoth(taker, back) ?? [])[0];
      const last = touched ? undefined : lastStore(back);
      const pair = touched ? undefined : mine.find(t => t.fn.path === back.fn.path && (areAPair(t, back) || (last && handsOut(t))));
      const taker = touched?.taker ?? pair;
      if (!taker || (pair && (guardsAt(back, world).own || serialiserOf(back, pair, world) || orderedBefore(back)))) continue;
      const what = (touched?.store ?? last)?.cell?.path;
      report(back, {
        message: `${called(back.event)}() in ${back.fn.name}() releases ${name}, which ${taker.fn.name}() acquires with ${called(taker.event)}(), without release ordering`,
        detail: [
          what
            ? `The next owner can have ${name} and still see the old ${what}`
            : `The owner's earlier accesses are not ordered before ${name} is free again`,
        ],
        question: `Should ${back.fn.name}() use ${back.event.kind === 'rmw' ? 'clear_bit_unlock()' : 'a release store'}?`,
        dismissal: `Not an issue if ${name} guards nothing that the owner writes`,
        quote: [...(touched ? [touched.store] : last ? [last] : []), back.event],
        related: [{ path: taker.event.path, line: taker.event.line, side: taker.event.side, note: `acquired in ${taker.fn.name}()` }],
        shape: key,
        ...(touched
          ? { claim: claimOf(back, touched) }
          : {
              severity: 'note' as const,
              claim: assumed(back, taker, last, name),
              advice: [back.event.kind === 'rmw' ? 'Use clear_bit_unlock()' : 'Use smp_store_release() or the _release form'],
            }),
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

/** A function that fills in the object member by member makes it ready for its first owner. */
function setsUp({ fn, event }: Use): boolean {
  const stores = fn.events.filter(e => comesBefore(fn, e, event) && e.kind === 'write' && e.ordering === 'plain' && ofOneObject(e, event));
  return new Set(stores.map(keyOf)).size >= MANY;
}

const MANY = 4;

/** What the operation gives where it took the word; null where it takes nothing. */
function takes(event: Event): 'zero' | 'nonzero' | null {
  if (event.kind !== 'rmw' || !event.atomic || !event.used || (event.ordering !== 'full' && event.ordering !== 'acquire')) return null;
  if (event.operation === 'set' && /^test_and_set_bit(?:_lock)?$/.test(event.api)) return 'zero';
  const one = (text: string | undefined) => text !== undefined && !/^(?:0|NULL|false)$/.test(text.trim());
  if (event.operation === 'xchg') return one(event.operand ?? undefined) ? 'zero' : null;
  if (event.operation !== 'cmpxchg' || /^(?:0|NULL|false)$/.test(event.args[2]?.trim() ?? '0')) return null;
  if (/try_cmpxchg/.test(event.api)) return 'nonzero';
  return one(event.args[1]) ? null : 'zero';
}

function givesBack(event: Event): boolean {
  if (!event.atomic || event.ordering !== 'relaxed') return false;
  if (event.kind === 'rmw') return event.operation === 'clear' && event.cell?.bit != null;
  return event.kind === 'write' && /^(?:0|NULL|false)$/.test(event.operand ?? '');
}

interface Touched {
  taker: Use;
  /** The last owner's store, and what the next owner does there. */
  store: Event;
  access: Event;
}

/** Memory of the object that is stored to before the word is given back, and read where it has been taken. */
function touchedByBoth(taker: Use, back: Use): Touched | null {
  const value = takes(taker.event);
  const stores = back.fn.events.filter(
    e =>
      comesBefore(back.fn, e, back.event) &&
      e.kind === 'write' &&
      e.ordering === 'plain' &&
      ofOneObject(e, back.event) &&
      e.object === undefined &&
      !e.uncertain &&
      !passes(back.fn, e, back.event, x => x.opaque || ordersStores(x)),
  );
  if (stores.length === 0) return null;
  const reads = taker.fn.events.filter(
    e =>
      comesBefore(taker.fn, taker.event, e) &&
      e.kind === 'read' &&
      e.ordering === 'plain' &&
      ofOneObject(e, taker.event) &&
      !e.uncertain &&
      gates(taker.fn, taker.event, e) &&
      conditionOn(taker.fn, taker.event, e) === value,
  );
  for (const store of stores.reverse()) {
    const access = reads.find(r => keyOf(r) === keyOf(store) && (taker.fn !== back.fn || comesBefore(back.fn, r, store)));
    if (access) return { taker, store, access };
  }
  return null;
}

/** The store into the object that stands right before it is given back. */
function lastStore({ fn, event }: Use): Event | undefined {
  const near = nearest(fn, event, 'before', e => e.kind !== 'read' || !sameStatement(e, event));
  return near.events.find(e => e.kind === 'write' && e.ordering === 'plain' && ofOneObject(e, event));
}

/** Does the function give its caller the object that it has taken? */
function handsOut({ fn, event }: Use): boolean {
  const base = event.cell?.base ?? null;
  return event.cell?.bit == null && base !== null && fn.flow.some(node => node.kind === 'exit' && returnedAt(node) === base);
}

function orderedBefore({ fn, event }: Use): boolean {
  return nearest(fn, event, 'before', e => e.kind !== 'read').events.some(e => ordersStores(e) || e.opaque);
}

/**
 * Does the one function tell its caller whether it has the word, and is the other meant to order what was done with it: a full fence or a wake-up
 * stands right behind?
 */
function areAPair({ fn: taker, event }: Use, { fn: back, event: clear }: Use): boolean {
  // A bit that the caller names may be one of several that count users.
  if (taker === back || (clear.cell?.bit != null && !isConstantText(clear.cell.bit))) return false;
  const tells = taker.flow.some(node => node.kind === 'exit' && node.returns?.includes(event.index));
  return (
    tells &&
    nearest(back, clear, 'after', e => e.kind !== 'read').events.some(e => ordersAll(e) || e.ordering === 'after-atomic' || e.kind === 'wake')
  );
}

/** The last owner against the next, where what the word guards is touched out of view: by the caller of the one, or of both. */
function assumed(back: Use, taker: Use, last: Event | undefined, name: string): Claim {
  const guarded = `what ${name} guards`;
  const look: AssumedStep = { does: 'read', cell: last ?? guarded };
  return {
    threads: [
      { fn: back.fn, events: [...(last ? [last] : []), back.event], ...(last ? {} : { before: [{ does: 'write' as const, cell: guarded }] }) },
      { fn: taker.fn, events: [taker.event], then: [look] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: taker.event, from: back.event },
        { read: look, from: 'before' },
      ],
    },
    ...released(back),
    assumes: [
      'both run on one object',
      'the function that releases it has acquired it before',
      last
        ? `the next owner reads ${last.cell?.path ?? 'what was stored'}`
        : `the caller of ${back.fn.name}() has written ${guarded}, and the caller of ${taker.fn.name}() reads it`,
    ],
    stands: true,
  };
}

/** The cure, and that whoever gives the word back holds it. */
function released(back: Use): Pick<Claim, 'edits' | 'starts'> {
  return {
    edits: [{ kind: 'order', event: back.event, ordering: 'release', text: back.event.kind === 'rmw' ? 'clear_bit_unlock()' : 'A release store' }],
    starts: [{ cell: back.event, value: 1 }],
  };
}

function claimOf(back: Use, { taker, store, access }: Touched): Claim {
  return {
    threads: [
      { fn: back.fn, events: [store, back.event] },
      { fn: taker.fn, events: [taker.event, access] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: taker.event, from: back.event },
        { read: access, from: 'before' },
      ],
    },
    ...released(back),
    assumes: ['both run on one object', 'the function that releases it has acquired it before'],
  };
}
