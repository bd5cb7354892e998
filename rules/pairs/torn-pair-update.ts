import { gates, indexOf, isTest, keyOf, type PairUpdate, pairUpdates, runsAlone, serialiserOf, serialiserOfRuns } from '../../src/analysis/query.ts';
import type { Rule, Tie, World } from '../../src/model/rule.ts';

/** More updaters than this are tried pair by pair no further. */
const MOST_UPDATERS = 6;

export default {
  id: 'torn-pair-update',
  title: 'Two tied cells are updated one after the other without serialisation',
  why: `
    Each atomic operation is atomic by itself; two of them in a row are not. If an invariant ties two cells, an update that runs between the
    two halves of another can leave them in a state that no call alone would leave, and nothing corrects that later. The states are
    computed: any two visible updaters are interleaved in every order, and a state is inconsistent if no order of whole calls ends in it.
    Operations that commute, such as an increment of each, are not reported. Barriers do not help: what is missing is mutual exclusion, not
    ordering.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['paired-update'],
  references: ['Documentation/atomic_t.txt, SEMANTICS', 'Documentation/RCU/checklist.rst, item 3c'],
  knownGaps: [
    'callers that are not visible may serialise the updates, so the finding ends in a question',
    'compare-and-exchange loops are not followed',
  ],
  examples: {
    bad: [
      `
struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

bool lane_take(struct lane_map *m, unsigned int i)
{
	bool was = test_and_set_bit(i, m->used); /* want: torn-pair-update "lane_take() and lane_put()" */

	clear_bit(i, m->idle);
	return was;
}

void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}`,
      `
/* shut is always the complement of open */
struct gate {
	atomic_t open;
	atomic_t shut;
};

bool gate_sane(struct gate *g)
{
	return atomic_read(&g->open) != atomic_read(&g->shut);
}

void gate_raise(struct gate *g)
{
	atomic_set(&g->open, 1); /* want: torn-pair-update "gate_raise() and gate_lower()" */
	atomic_set(&g->shut, 0);
}

void gate_lower(struct gate *g)
{
	atomic_set(&g->open, 0);
	atomic_set(&g->shut, 1);
}`,
      `
/* Each bit of live is the complement of the same bit in dead. */
struct beds {
	unsigned long *live;
	unsigned long *dead;
};

void bed_take(struct beds *b, int n)
{
	if (!test_and_set_bit(n, b->live)) /* want: torn-pair-update "bed_take() and bed_leave()" */
		clear_bit(n, b->dead);
}

void bed_leave(struct beds *b, int n)
{
	if (test_and_clear_bit(n, b->live))
		set_bit(n, b->dead);
}`,
      `
/**
 * struct twin - one state, written twice
 * @map: the state
 * @shadow: always the complement of @map
 */
struct twin {
	unsigned long *map;
	unsigned long *shadow;
};

void twin_change(struct twin *t, int n, bool on)
{
	if (on) {
		set_bit(n, t->map); /* want: torn-pair-update "Two calls of twin_change()" */
		clear_bit(n, t->shadow);
	} else {
		clear_bit(n, t->map);
		set_bit(n, t->shadow);
	}
}`,
    ],
    good: [
      `
struct lane_map {
	spinlock_t lock;
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	spin_lock(&m->lock);
	set_bit(i, m->used);
	clear_bit(i, m->idle);
	spin_unlock(&m->lock);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	guard(spinlock)(&m->lock);
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}`,
      `
/* Counts: total == hits + misses. Increments commute. */
struct tally {
	atomic_t total;
	atomic_t hits;
};

void tally_add(struct tally *t)
{
	atomic_inc(&t->total);
	atomic_inc(&t->hits);
}

void tally_drop(struct tally *t)
{
	atomic_dec(&t->total);
	atomic_dec(&t->hits);
}`,
      `
struct pipe_state {
	unsigned long *armed;
	unsigned long *seen;
};

/* Two maps that nothing ties: no function compares them, none does the opposite of this. */
void pipe_mark(struct pipe_state *p, int n)
{
	set_bit(n, p->armed);
	clear_bit(n, p->seen);
}`,
      `
struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

static void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i, m->idle);
}

static void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}

int lane_ioctl(struct lane_dev *d, int on, unsigned int i)
{
	mutex_lock(&d->mutex);
	if (on)
		lane_take(d->map, i);
	else
		lane_put(d->map, i);
	mutex_unlock(&d->mutex);
	return 0;
}`,
      `
/* used == ~idle; BUSY is the lock. */
void lane_take(struct lane_map *m, unsigned int i)
{
	while (test_and_set_bit_lock(LANE_BUSY, &m->state))
		cpu_relax();
	set_bit(i, m->used);
	clear_bit(i, m->idle);
	clear_bit_unlock(LANE_BUSY, &m->state);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	if (test_and_set_bit_lock(LANE_BUSY, &m->state))
		return;
	clear_bit(i, m->used);
	set_bit(i, m->idle);
	clear_bit_unlock(LANE_BUSY, &m->state);
}`,
      `
/* used == ~idle, one map a CPU */
void lane_take(struct lanes *l, unsigned int i)
{
	struct lane_map *m = this_cpu_ptr(l->maps);

	set_bit(i, m->used);
	clear_bit(i, m->idle);
}

void lane_put(struct lanes *l, unsigned int i)
{
	struct lane_map *m = this_cpu_ptr(l->maps);

	clear_bit(i, m->used);
	set_bit(i, m->idle);
}`,
      `
/* Work is pending or it is not; what the port is, is another matter. */
void port_work(struct ports *p, unsigned int i, bool active)
{
	clear_bit(i, p->pending);
	if (!active)
		set_bit(i, p->away);
}

void port_event(struct ports *p, unsigned int i)
{
	set_bit(i, p->pending);
	if (p->strict)
		clear_bit(i, p->away);
	schedule_work(&p->work);
}`,
      `
/* used == ~idle. Lanes are taken and never given back: two takers meet, and no order of theirs breaks the pair. */
bool lane_take(struct lane_map *m, unsigned int i)
{
	bool was_used = test_and_set_bit(i, m->used);
	bool was_idle = test_and_clear_bit(i, m->idle);

	return was_idle && !was_used;
}`,
      `
/* Set together and cleared together, but not the same fact twice. */
void key_add(struct keys *k, unsigned int i)
{
	set_bit(i, k->used);
	set_bit(i, k->wide);
}

void key_drop(struct keys *k, unsigned int i)
{
	clear_bit(i, k->used);
	clear_bit(i, k->wide);
}`,
      `
/* One writer, by the protocol; a reader compares. */
void seq_open(struct conn *c, u64 seq)
{
	WRITE_ONCE(c->next, seq);
	WRITE_ONCE(c->acked, seq);
}

void seq_reopen(struct conn *c, u64 seq)
{
	WRITE_ONCE(c->acked, seq + 1);
	WRITE_ONCE(c->next, seq + 1);
}

bool seq_idle(struct conn *c)
{
	return READ_ONCE(c->next) == READ_ONCE(c->acked);
}`,
      `
struct port_flags {
	unsigned long state;
};

/* One word: a reader sees both bits of it at once, and start and stop run under the device's own lock. */
void port_start(struct port_flags *p)
{
	set_bit(PORT_UP, &p->state);
	clear_bit(PORT_DOWN, &p->state);
}

void port_stop(struct port_flags *p)
{
	clear_bit(PORT_UP, &p->state);
	set_bit(PORT_DOWN, &p->state);
}`,
    ],
  },
  checkCell({ tie }, uses, report, world) {
    if (!tie) return;
    const updaters = pairUpdates(uses, world).filter(u => !serialised(u, world));
    const stated = tie.evidence.some(e => e.kind === 'stated');
    const few = updaters.slice(0, MOST_UPDATERS);
    for (const [i, f] of few.entries()) {
      for (const g of few.slice(i)) {
        if (areApart(f, g, world)) continue;
        const index = indexOf(f.events[0]);
        const one = index === null ? 'one object' : f.events[0].cell?.bit === null ? 'one element' : 'one bit';
        const who = f.fn === g.fn ? `Two calls of ${f.fn.name}()` : `${f.fn.name}() and ${g.fn.name}()`;
        const [a, b] = tie.names;
        const whole = f.fn.whole && g.fn.whole;
        const stores = [...f.events, ...g.events].every(e => e.kind === 'write');
        report(
          { event: f.events[0], fn: f.fn },
          {
            message: `${who} on ${one} can interleave so that ${a} and ${b} stay inconsistent`,
            detail: [...callersSay(f, g, world), ...orderSays([f, g])],
            question:
              f.fn === g.fn
                ? `What serialises calls of ${f.fn.name}() on ${one}, and should its kernel-doc say so?`
                : `What serialises ${f.fn.name}() and ${g.fn.name}() on ${one}, and should the kernel-doc say so?`,
            dismissal: `Not an issue if the callers serialise all updates of ${one}`,
            said: world.said(f.fn, ['resolve', 'by itself', 'serialis', 'serializ', 'persist', 'atomic']).slice(0, 1),
            quote: f.events,
            related:
              f === g
                ? []
                : g.events.slice(0, 1).map(e => ({ path: e.path, line: e.line, side: e.side, note: `the other update, in ${g.fn.name}()` })),
            // Stores alone, without a read-modify-write among them, may well have one writer: then it is only a question.
            ...(stores ? { severity: 'note' as const } : {}),
            confidence: whole && !(stores && (f === g || !stated)) && !counters(tie, [f, g]) ? 'medium' : 'low',
            claim: {
              threads: [f, g],
              settledBy: updaters,
              tie,
              bad: { kind: 'unserialisable' },
              edits: [
                { kind: 'lock', text: 'One lock held around both updates' },
                { kind: 'one-word', text: `Keeping ${a} and ${b} in one word and changing it by one atomic operation` },
              ],
              assumes: [`both run on ${one}${index === null ? '' : ' of one object'}`],
            },
          },
        );
      }
    }
  },
} satisfies Rule;

/** Counters that some function compares need not be a pair: a reset against an increment is seldom what anyone worries about. */
function counters(tie: Tie, updaters: PairUpdate[]): boolean {
  const counts = updaters.some(u =>
    u.events.some(e => e.operation === 'inc' || e.operation === 'dec' || e.operation === 'add' || e.operation === 'sub'),
  );
  return counts && tie.evidence.every(e => e.kind === 'compared');
}

/** A lock is held over both updates of each of the two. */
function areApart(f: PairUpdate, g: PairUpdate, world: World): boolean {
  const [one, other] = [f, g].map(({ fn, events: [event, until] }) => ({ fn, event, until }));
  return one !== undefined && other !== undefined && (f === g ? serialiserOfRuns(one, world) : serialiserOf(one, other, world)) !== null;
}

/** Something besides a lock that is held over both updates keeps others out, or every caller in view holds one lock over the call. */
function serialised({ fn, events: [a, b] }: PairUpdate, world: World): boolean {
  // A bit or a word that the winner of a read-modify-write holds is a lock as well, whatever it is called.
  if (fn.events.some(e => e.kind === 'rmw' && e !== a && e !== b && keyOf(e) !== keyOf(a) && keyOf(e) !== keyOf(b) && gates(fn, e, a))) return true;
  const calls = world.callers(fn.name).filter(c => !isTest(c.fn));
  const [first, ...others] = calls.filter(c => !runsAlone(c.fn, world));
  if (!first) return calls.length > 0;
  return serialiserOfRuns(first, world) !== null && others.every(c => serialiserOf(first, c, world) !== null);
}

function callersSay(f: PairUpdate, g: PairUpdate, world: World): string[] {
  const names = [
    ...new Set(
      [f, g].flatMap(u =>
        world
          .callers(u.fn.name)
          .filter(c => !isTest(c.fn) && !runsAlone(c.fn, world) && c.event.locks.length === 0 && c.event.maybeLocks.length === 0)
          .map(c => `${c.fn.name}()`),
      ),
    ),
  ];
  return names.length > 0
    ? [
        `In this series they are called from ${names
          .slice(0, 3)
          .join(', ')
          .replace(/, ([^,]*)$/, ' and $1')} with no lock held`,
      ]
    : [];
}

function orderSays(updaters: PairUpdate[]): string[] {
  const all = updaters.flatMap(u => u.events);
  return all.every(e => e.ordering === 'full')
    ? ['A barrier does not help: each of the operations is fully ordered already']
    : ['A barrier does not help: it orders the two updates but does not exclude another update'];
}
