import {
  cellName,
  comesBefore,
  conditionOn,
  decidesBranch,
  effectsOf,
  guardsAt,
  isIn,
  isInLoop,
  isOwn,
  isTest,
  keyOf,
  loopsAround,
  onward,
  partnersOf,
  placeOf,
  reachesWithout,
  runsAlone,
  sameStatement,
  serialiserOf,
  standsHere,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, Use, World } from '../../src/model/rule.ts';

export default {
  id: 'shared-cell-read-twice',
  title: 'A shared cell is tested by one plain read and used by another',
  why: `
    Between the test of a cell and its use another CPU may store to it, so that the value used is not the value tested: a pointer that was
    not NULL is NULL now, an id that was in range is out of it. The compiler may also make two loads of one in the source. One READ_ONCE()
    into a variable, used for both the test and the use, keeps the two the same.`,
  severity: 'warning', // A note where the value is no pointer that is followed.
  confidence: 'medium',
  finds: ['plain-access'],
  references: [
    'Documentation/memory-barriers.txt, COMPILER BARRIER',
    'tools/memory-model/Documentation/explanation.txt, PLAIN ACCESSES AND DATA RACES',
  ],
  knownGaps: ['a lock held by callers that are not visible is not seen', 'two reads with a call between them are assumed to be intended'],
  examples: {
    bad: [
      `
struct port { struct peer *peer; spinlock_t lock; };

int port_rank(struct port *p)
{
	int rank = 0;

	rcu_read_lock();
	if (p->peer)
		rank = p->peer->rank; /* want: shared-cell-read-twice "peer" */
	rcu_read_unlock();
	return rank;
}

void port_part(struct port *p)
{
	WRITE_ONCE(p->peer, NULL);
}`,
      `
struct band { int level; };

void band_step(struct band *b, int *seen)
{
	do {
		cpu_relax();
		if (b->level != *seen)
			*seen = b->level; /* want: shared-cell-read-twice "level" */
	} while (*seen < 3);
}

void band_raise(struct band *b, int to)
{
	b->level = to;
	smp_wmb();
	WRITE_ONCE(b->level, to + 1);
}`,
    ],
    good: [
      `
struct port { struct peer *peer; };

int port_rank(struct port *p)
{
	struct peer *peer = READ_ONCE(p->peer);

	if (peer)
		return peer->rank;
	return 0;
}

void port_part(struct port *p)
{
	WRITE_ONCE(p->peer, NULL);
}`,
      `
struct port { struct peer *peer; spinlock_t lock; };

/* Both sides under the lock. */
int port_rank(struct port *p)
{
	int rank = 0;

	spin_lock(&p->lock);
	if (p->peer)
		rank = p->peer->rank;
	spin_unlock(&p->lock);
	return rank;
}

void port_part(struct port *p)
{
	spin_lock(&p->lock);
	WRITE_ONCE(p->peer, NULL);
	spin_unlock(&p->lock);
}

bool port_has(struct port *p)
{
	return READ_ONCE(p->peer);
}`,
      `
struct port { struct peer *peer; };

/* Nothing says that another CPU stores to it: the port has one user. */
int port_rank(struct port *p)
{
	if (p->peer)
		return p->peer->rank;
	return 0;
}

void port_join(struct port *p, struct peer *peer)
{
	p->peer = peer;
}`,
      `
struct port { struct peer *peer; struct mutex lock; };

static int port_rank(struct port *p)
{
	if (p->peer)
		return p->peer->rank;
	return 0;
}

int port_show(struct port *p)
{
	int rank;

	mutex_lock(&p->lock);
	rank = port_rank(p);
	mutex_unlock(&p->lock);
	return rank;
}

void port_part(struct port *p)
{
	WRITE_ONCE(p->peer, NULL);
}`,
      `
struct port { struct peer *peer; };

/* The only store to it is made before the port is known to anyone. */
struct port *port_new(struct peer *peer)
{
	struct port *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	WRITE_ONCE(p->peer, peer);
	return p;
}

int port_rank(struct port *p)
{
	if (p->peer)
		return p->peer->rank;
	return 0;
}`,
      `
struct lot { unsigned long word; };

/* A fast path: what it saw is checked by the compare-and-exchange. */
bool lot_take(struct lot *l)
{
	if (l->word)
		return false;
	return cmpxchg(&l->word, 0, 1) == 0;
}`,
      `
struct port { struct peer *peer; spinlock_t lock; };

/* Tested without the lock, then again under it. */
void port_drop(struct port *p)
{
	if (!p->peer)
		return;
	spin_lock(&p->lock);
	if (p->peer)
		peer_free(p->peer);
	WRITE_ONCE(p->peer, NULL);
	spin_unlock(&p->lock);
}

bool port_has(struct port *p)
{
	return READ_ONCE(p->peer);
}`,
    ],
  },
  checkCell({ tie, key }, uses, report, world) {
    if (tie || uses.length > MOST_USES || key.endsWith('|*') || key.endsWith('[]')) return; // Elements and what pointers in them point to have one key.
    const functions = new Set(uses.map(u => u.fn));
    let writers: Use[] | null = null;
    for (const fn of functions) {
      if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) continue;
      const own = uses.filter(u => u.fn === fn && (standsHere(u.event) || u.event.kind === 'read')).map(u => u.event);
      const pair = pairIn(fn, own);
      if (!pair) continue;
      const [first, second] = pair;
      writers ??= uses.filter(u => stores(u, uses, key, world));
      if (!isLockless(fn, first, own, world) || isPrinted(fn, second)) continue;
      const others = partnersOf(
        writers.filter(w => w.fn !== fn && !serialiserOf({ fn, event: first, until: second }, w, world)),
        { fn, event: first },
        world,
      );
      const writer = others.find(clears) ?? others[0];
      // A lock of the object that the writer does not hold, as far as it shows, is one that its callers may.
      if (!writer || guardsAt({ fn, event: first }, world).own) continue;
      const name = first.cell ? cellName(first.cell) : 'the cell';
      const followed = isFollowed(fn, second);
      const cleared = clears(writer);
      // What was found not to be NULL stays so where only pointers are stored.
      if (followed && !cleared && plainTest(fn, first)) continue;
      report(
        { event: second, fn },
        {
          message: `${fn.name}() tests ${name} and then reads it again to use it, while ${writer.fn.name}() may write it`,
          detail: [
            followed
              ? `The pointer that is dereferenced is not the one that was tested: it may be ${cleared ? 'NULL' : 'a different one'} by then`
              : 'The value that is used is not the one that was tested',
          ],
          question: `Should ${name} be read once with READ_ONCE(), and that value be tested and used?`,
          dismissal: `Not an issue if ${fn.name}() and ${writer.fn.name}() never run concurrently, or their callers hold a common lock`,
          related: [{ path: writer.event.path, line: writer.event.line, side: writer.event.side, note: `the store, in ${writer.fn.name}()` }],
          quote: first.line === second.line ? [first] : [first, second],
          ...(followed ? {} : { severity: 'note' as const }),
          ...(fn.whole && first.cell?.type ? {} : { severity: 'note' as const }),
          claim: {
            threads: [
              { fn, events: [first, second] },
              { fn: writer.fn, events: [writer.event] },
            ],
            bad: {
              kind: 'sees',
              reads: [
                { read: first, from: 'before', thread: 0 },
                { read: second, from: writer.event, thread: 0 },
              ],
            },
            meanings: [{ event: writer.event, access: 'write', cell: first, ordering: 'relaxed' }],
            starts: [{ cell: first, value: conditionOn(fn, first, second) === 'zero' ? 0 : 1 }],
            edits: [{ kind: 'reuse', event: second, first, text: `One READ_ONCE() of ${name} for the test and the use` }],
            assumes: ['both work on one object'],
          },
        },
      );
    }
  },
} satisfies Rule;

/** A cell that so many places touch is no longer read as one. */
const MOST_USES = 400;

/** A store that another CPU may make while the function runs. */
function stores({ fn, event }: Use, uses: Use[], key: string, world: World): boolean {
  if (event.kind !== 'write' && event.kind !== 'rmw') return false;
  if (event.uncertain || event.object !== undefined || event.phase.includes('init') || event.phase.includes('exit')) return false;
  // A plain store while an object is set up is not told apart from others: only those count that are marked or stand beside a barrier. What a
  // task holds of itself is stored through a pointer to the task by others alone.
  const barrier = () => world.shared(key).some(e => e.kind === 'barrier' && e.path === event.path && e.line === event.line);
  const remote = event.cell?.base !== 'current' && uses.some(u => u.event.kind === 'read' && u.event.cell?.base === 'current');
  const marked = (event.atomic && event.ordering !== 'plain') || barrier() || remote;
  return marked && !runsAlone(fn, world) && !isTest(fn) && !isOwn(fn, event);
}

/** A plain read that decides a branch, and the next read of the same cell behind it, with nothing between that could be meant to let it change. */
function pairIn(fn: CFunction, own: Event[]): [Event, Event] | null {
  const reads = own.filter(e => e.api === 'read' && !e.uncertain && e.object === undefined && !isOwn(fn, e));
  for (const first of reads) {
    if (!decidesBranch(fn, first)) continue;
    if (changesBefore(fn, own, first)) continue;
    const way = onward(fn, first, { stop: e => e.kind !== 'read' || e.ordering !== 'plain', rereads: true });
    const second = reads.find(e => e !== first && comesBefore(fn, first, e) && way.events.includes(e) && samePlace(first, e) && usesValue(fn, e));
    if (second && behindTest(fn, first, second)) return [first, second];
  }
  return null;
}

function samePlace(a: Event, b: Event): boolean {
  return keyOf(a) === keyOf(b) && a.cell?.base === b.cell?.base && a.cell?.path === b.cell?.path && a.cell?.bit === b.cell?.bit;
}

/** The function writes the cell itself: it is the one that changes it. */
function changesBefore(fn: CFunction, own: Event[], first: Event): boolean {
  return own.some(e => e.kind === 'write' && e.ordering === 'plain' && samePlace(e, first) && fn.events.includes(e));
}

function clears({ event }: Use): boolean {
  return /^(?:NULL|0|false)$/.test(event.operand ?? '') || event.operation === 'clear';
}

/** The function itself shows that it reads without a lock: it marks another access, polls, reads under RCU, or reads what its own task holds. */
function isLockless(fn: CFunction, first: Event, own: Event[], world: World): boolean {
  if (first.cell?.base === 'current' || isIn(first, 'rcu-read')) return true;
  if (own.some(e => e.kind === 'read' && e.atomic && e.ordering !== 'plain' && e.locks.length === 0)) return true;
  const loop = loopsAround(fn, first)[0];
  const relaxes = (e: Event) => /^cpu_(?:relax|read_relax)$/.test(e.api);
  return (
    loop !== undefined &&
    fn.events.some(
      e =>
        isInLoop(loop, e) &&
        (relaxes(e) || (e.kind === 'call' && (effectsOf(fn, e, world.functions) ?? []).some(f => f.via.length <= 1 && relaxes(f.event)))),
    )
  );
}

/** What is only printed may be late. */
function isPrinted(fn: CFunction, read: Event): boolean {
  const behind = fn.events.filter(e => sameStatement(read, e) && comesBefore(fn, read, e));
  return behind.some(e => /^(?:seq_|pr_|dev_|netdev_|printk|sysfs_emit|s[cn]*printf|trace_)/.test(e.api));
}

/** The branch asks no more than whether the value is zero. */
function plainTest(fn: CFunction, first: Event): boolean {
  return fn.flow.some(n => n.kind === 'branch' && n.decides?.length === 1 && n.decides[0] === first.index && n.tests !== undefined);
}

/** The second read lies behind a branch that the first decides, on one of its ways only. */
function behindTest(fn: CFunction, first: Event, second: Event): boolean {
  return fn.flow.some((node, i) => {
    if (node.kind !== 'branch' || !node.decides?.includes(first.index) || node.decides.includes(second.index)) return false;
    const ways = node.next.map(to => reachesWithout(fn, to, second.node, at => at === i));
    return ways.includes(true) && ways.includes(false);
  });
}

/** The value goes somewhere: into a variable, a store, a pointer that is followed, or a subscript. */
function usesValue(fn: CFunction, read: Event): boolean {
  return isFollowed(fn, read) || read.into !== null || storesIt(fn, read) || (fn.settings ?? []).some(s => s.sources.includes(read.index));
}

function storesIt(fn: CFunction, read: Event): boolean {
  const next = fn.events[read.index + 1];
  return (
    next?.kind === 'write' && next.line === read.line && next.operand !== null && read.cell !== null && spelled(next.operand) === placeOf(read.cell)
  );
}

function spelled(text: string): string {
  return text.replace(/->/g, '.').trim();
}

/** The pointer that the read gives is what a later access of the same line goes through. */
function isFollowed(fn: CFunction, read: Event): boolean {
  if (!read.cell) return false;
  const place = placeOf(read.cell);
  return fn.events.some(e => sameStatement(read, e) && comesBefore(fn, read, e) && e.cell?.base != null && spelled(e.cell.base) === place);
}
