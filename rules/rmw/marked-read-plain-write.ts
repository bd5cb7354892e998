import {
  called,
  cellName,
  comesBefore,
  guardsAt,
  heldAt,
  includesSection,
  isOwn,
  isTest,
  madeOf,
  nodesAfter,
  partnersOf,
  placeOf,
  runsAlone,
  serialiserOf,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Edit, Rule, Use, World } from '../../src/model/rule.ts';

export default {
  id: 'marked-read-plain-write',
  title: 'One side of a lockless access is marked and the other is plain',
  why: `
    A read outside the lock races with every store under it. READ_ONCE() in the reader alone does not help: the compiler may tear, repeat or
    invent the plain store, so both must be marked. Where the lock is taken after a first check without it, the same holds for that check.
    KCSAN treats an aligned plain store up to word size as atomic unless told otherwise, so its silence proves nothing.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['plain-access'],
  references: [
    'tools/memory-model/Documentation/access-marking.txt, Lock-Protected Writes With Lockless Reads',
    'tools/memory-model/Documentation/explanation.txt, PLAIN ACCESSES AND DATA RACES',
  ],
  knownGaps: [
    'the two sides are compared inside one function, or where every store in the file is marked; elsewhere code too often mixes both for good reason',
  ],
  examples: {
    bad: [
      `
void seq_ask(struct node *n, unsigned long s)
{
	if (READ_ONCE(n->wanted) < s) {
		spin_lock(&n->lock);
		if (n->wanted < s)
			n->wanted = s; /* want: marked-read-plain-write "wanted" */
		spin_unlock(&n->lock);
	}
}`,
      `
struct wheel { unsigned long next; spinlock_t lock; };

void wheel_turn(struct wheel *w)
{
	if (time_before(jiffies, w->next)) /* want: marked-read-plain-write "next" */
		return;
	spin_lock(&w->lock);
	wheel_expire(w);
	WRITE_ONCE(w->next, jiffies + HZ);
	spin_unlock(&w->lock);
}

void wheel_arm(struct wheel *w, unsigned long when)
{
	spin_lock(&w->lock);
	if (time_before(when, w->next))
		WRITE_ONCE(w->next, when);
	spin_unlock(&w->lock);
}`,
      `
struct home *task_home_lock(struct job *j)
{
	struct home *h;

	for (;;) {
		h = j->home; /* want: marked-read-plain-write "home" */
		spin_lock(&h->lock);
		if (h == j->home)
			return h;
		spin_unlock(&h->lock);
	}
}

void task_home_move(struct job *j, struct home *to)
{
	struct home *from = task_home_lock(j);

	WRITE_ONCE(j->home, to);
	spin_unlock(&from->lock);
}`,
    ],
    good: [
      `
struct leaf { struct owner *owner; spinlock_t lock; int count; };

/* Read with the lock of the leaf, which all callers hold; it is dropped only to be taken again in order. */
static bool leaf_hold(struct leaf *l)
{
	struct owner *o = l->owner;

	if (l->count)
		return false;
	if (!o || spin_trylock(&o->lock))
		return true;
	do {
		spin_unlock(&l->lock);
		spin_lock(&o->lock);
		spin_lock(&l->lock);
		if (o == l->owner)
			break;
		spin_unlock(&o->lock);
		o = l->owner;
	} while (o);
	return true;
}

void leaf_drop(struct leaf *l)
{
	spin_lock(&l->lock);
	leaf_hold(l);
	leaf_end(l);
}

void leaf_move(struct leaf *l, struct owner *o)
{
	spin_lock(&l->lock);
	l->owner = o;
	spin_unlock(&l->lock);
}`,
      `
void seq_ask(struct node *n, unsigned long s)
{
	if (READ_ONCE(n->wanted) < s) {
		spin_lock(&n->lock);
		if (n->wanted < s)
			WRITE_ONCE(n->wanted, s);
		spin_unlock(&n->lock);
	}
}`,
      `
/* Before anyone knows it, a plain store is what is wanted. */
struct node *node_new(unsigned long s)
{
	struct node *n = kzalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return NULL;
	n->wanted = s;
	if (READ_ONCE(n->wanted))
		node_note(n);
	return n;
}`,
      `
/* Both under the lock. */
void seq_ask(struct node *n, unsigned long s)
{
	spin_lock(&n->lock);
	if (READ_ONCE(n->wanted) < s)
		n->wanted = s;
	spin_unlock(&n->lock);
}`,
      `
void wheel_turn(struct wheel *w)
{
	if (time_before(jiffies, data_race(w->next)))
		return;
	spin_lock(&w->lock);
	wheel_expire(w);
	WRITE_ONCE(w->next, jiffies + HZ);
	spin_unlock(&w->lock);
}

void wheel_arm(struct wheel *w, unsigned long when)
{
	spin_lock(&w->lock);
	WRITE_ONCE(w->next, when);
	spin_unlock(&w->lock);
}`,
      `
/* Called under the sheet's lock, which it drops and takes again. */
void sheet_lock_owner(struct sheet *s)
{
	struct owner *o = s->owner;

	if (spin_trylock(&o->lock))
		return;
	spin_unlock(&s->lock);
	spin_lock(&o->lock);
	spin_lock(&s->lock);
	if (o != s->owner)
		spin_unlock(&o->lock);
}

void sheet_give(struct sheet *s, struct owner *o)
{
	spin_lock(&s->lock);
	WRITE_ONCE(s->owner, o);
	spin_unlock(&s->lock);
}`,
      `
/* Only ever stored before the wheel turns: nothing marks it. */
void wheel_turn(struct wheel *w)
{
	if (!w->running)
		return;
	spin_lock(&w->lock);
	wheel_expire(w);
	spin_unlock(&w->lock);
}

void wheel_go(struct wheel *w)
{
	spin_lock(&w->lock);
	w->running = true;
	spin_unlock(&w->lock);
}`,
      `
/* This CPU's own. */
void tick_note(unsigned long now)
{
	struct tick *t = this_cpu_ptr(&ticks);

	if (READ_ONCE(t->last) != now) {
		raw_spin_lock(&t->lock);
		t->last = now;
		raw_spin_unlock(&t->lock);
	}
}`,
    ],
  },
  checkCell({ tie, key }, uses, report, world) {
    if (tie || uses.length > MOST_USES || key.endsWith('[]')) return;
    const told = new Set<CFunction>();
    const speak = (fn: CFunction, plain: Event, other: Use | null, side: 'store' | 'look') => {
      if (told.has(fn)) return;
      told.add(fn);
      const name = plain.cell ? cellName(plain.cell) : 'the cell';
      const both: Edit[] = [plain, ...(other ? [other.event] : [])]
        .filter(e => e.ordering === 'plain')
        .map(event => ({ kind: 'order', event, ordering: 'relaxed', text: '' }));
      const mark =
        side === 'store'
          ? `WRITE_ONCE() for the store of ${name}`
          : `READ_ONCE() for the read of ${name}${both.length > 1 ? ' together with WRITE_ONCE() for its stores' : ''}`;
      const [only] = both;
      report(
        { event: plain, fn },
        {
          message:
            side === 'store'
              ? `${fn.name}() writes ${name} by a plain store, although ${other ? `${other.fn.name}() reads it with ${called(other.event)}()` : 'others read it with READ_ONCE()'} without the lock`
              : `${fn.name}() reads ${name} by a plain load before taking the lock, while ${other && other.fn !== fn ? `${other.fn.name}()` : 'another CPU'} may write it`,
          detail: ['The two are not ordered, and one of them is plain, so the compiler may tear or repeat it'],
          question: side === 'store' ? `Should the store to ${name} use WRITE_ONCE()?` : `Should the read of ${name} use READ_ONCE()?`,
          dismissal: `Not an issue if all readers of ${name} hold the lock`,
          related: other
            ? [
                {
                  path: other.event.path,
                  line: other.event.line,
                  side: other.event.side,
                  note: side === 'store' ? 'the read without the lock' : `the store, in ${other.fn.name}()`,
                },
              ]
            : [],
          quote: [plain],
          ...(other
            ? {
                claim: {
                  threads: [
                    { fn, events: [plain] },
                    { fn: other.fn, events: [other.event] },
                  ],
                  bad: { kind: 'race' as const },
                  edits: both.length === 1 && only ? [{ ...only, text: mark }] : [{ kind: 'both' as const, text: mark, edits: both }],
                  assumes: ['both work on one object'],
                },
              }
            : { advice: [`Use ${mark}`] }),
        },
      );
    };
    const open = uses.filter(u => concerns(u, world));
    const stores = open.filter(u => u.event.kind === 'write' && !u.event.uncertain);
    const marked = open.filter(u => u.event.api === 'READ_ONCE');
    for (const { fn, event: read } of open) {
      if (read.kind !== 'read') continue;
      const own = open.filter(u => u.fn === fn && u.event !== read && u.event.cell?.base === read.cell?.base);
      if (read.api === 'READ_ONCE') {
        const store = own.find(
          u => isPlainStore(u.event) && u.event.locks.some(l => !includesSection(read.locks, l)) && nodesAfter(fn, read.node).has(u.event.node),
        );
        const reader = store && [{ fn, event: read, side: 0 as const }, ...marked].find(r => !serialiserOf(r, store, world)?.sure);
        if (store && reader) speak(fn, store.event, reader, 'store');
      } else if (read.api === 'read') {
        // The second look may stand on the last line of a hunk: what it is compared with is on that line as well.
        const again = uses.find(
          u =>
            u.fn === fn &&
            u.event.kind === 'read' &&
            u.event.cell?.base === read.cell?.base &&
            u.event.locks.some(lock => !includesSection(read.locks, lock)) &&
            comparesWith(fn, read, u.event),
        );
        const isKept = heldAt(fn, read, world).length > 0 && guardsAt({ fn, event: read }, world).own !== null;
        if (again && !isEnteredLocked(fn) && !isKept) speak(fn, read, partnersOf(stores, { fn, event: read }, world)[0] ?? null, 'look');
        else if (
          !isLocked(fn, read, world) &&
          !own.some(u => u.event.kind === 'write' && comesBefore(fn, u.event, read)) &&
          alwaysMarked(stores, uses, world) &&
          decides(fn, read) &&
          locksLater(fn, read)
        )
          speak(fn, read, stores.find(s => s.fn !== fn) ?? stores[0] ?? null, 'look');
      }
    }
  },
} satisfies Rule;

const MOST_USES = 400;

/** An access of a single member that other CPUs may make at the same time. */
function concerns({ fn, event }: Use, world: World): boolean {
  return (
    !fn.isMacro &&
    !fn.broken &&
    !isTest(fn) &&
    !runsAlone(fn, world) &&
    (fn.whole || !event.uncertain) &&
    event.object === undefined &&
    !event.phase.includes('init') &&
    !event.phase.includes('exit') &&
    event.cell?.bit === null &&
    event.cell.base !== null &&
    event.cell.base !== 'current' &&
    event.cell.path !== '*' &&
    !isOwn(fn, event)
  );
}

function isLocked(fn: CFunction, event: Event, world: World): boolean {
  return isEnteredLocked(fn) || guardsAt({ fn, event }, world).own !== null;
}

/** The function gives back a lock that it did not take, or its comment says that the caller holds one. */
function isEnteredLocked(fn: CFunction): boolean {
  const first = fn.events.find(e => e.kind === 'lock' || e.kind === 'unlock');
  return (first?.kind === 'unlock' && fn.whole) || /\b(?:caller|called)\b[^.]{0,80}\b(?:hold|held|own|lock)/i.test(fn.doc?.text ?? '');
}

function isPlainStore(event: Event): boolean {
  return event.ordering === 'plain' && /^(?:=|\+\+|--|[-+|&^]=)$/.test(event.api);
}

/** Its stores are marked, and either none is plain and locks are held over them, or readers without a lock are marked as well. */
function alwaysMarked(stores: Use[], readers: Use[], world: World): boolean {
  const marked = stores.filter(u => u.event.api === 'WRITE_ONCE');
  if (marked.length < 2) return false;
  if (marked.length === stores.length && marked.every(u => isLocked(u.fn, u.event, world))) return true;
  return readers.some(r => r.event.api === 'READ_ONCE' && !isLocked(r.fn, r.event, world));
}

function decides(fn: CFunction, read: Event): boolean {
  return fn.flow.some(n => n.kind === 'branch' && n.decides !== undefined && madeOf(fn, n.decides).includes(read));
}

/** The value read first is compared with one read under the lock. */
function comparesWith(fn: CFunction, first: Event, again: Event): boolean {
  const lock = fn.events.find(e => e.kind === 'lock' && comesBefore(fn, first, e) && comesBefore(fn, e, again) && reachedThrough(e, first));
  if (!lock) return false;
  const [a, b] = [first.index, again.index];
  return fn.shape.comparisons.some(
    c => (c.left.sources.includes(a) && c.right.sources.includes(b)) || (c.left.sources.includes(b) && c.right.sources.includes(a)),
  );
}

/** The lock lies behind the pointer that the read gave. */
function reachedThrough(lock: Event, read: Event): boolean {
  const base = lock.cell?.base?.replace(/->/g, '.') ?? null;
  if (base === null || !read.cell) return false;
  const names = [read.into, placeOf(read.cell)].filter(n => n !== null);
  return names.some(n => base === n || base.startsWith(`${n}.`));
}

/** The next thing that the function does with a lock of the same object is to take it: what it only gives back, its caller took. */
function locksLater(fn: CFunction, read: Event): boolean {
  const ahead = nodesAfter(fn, read.node);
  const next = fn.events.find(
    e => ahead.has(e.node) && (e.kind === 'lock' || e.kind === 'unlock') && e.cell !== null && e.cell.base === read.cell?.base,
  );
  return next?.kind === 'lock';
}
