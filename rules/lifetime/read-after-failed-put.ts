import {
  called,
  countsDownAndTells,
  dominates,
  effectOfKind,
  guardsAt,
  isHandedOver,
  isIn,
  isPartHandedOver,
  isTest,
  keyOf,
  likelyEffect,
  objectOf,
  onward,
  pointedTo,
  releaseAtZero,
  releasesIn,
  takesReference,
  variablesIn,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, World } from '../../src/model/rule.ts';
import { isAwaited, isSerialised, keepsAlive, othersOnlyCount } from './read-after-failed-put/kept.ts';

export default {
  id: 'read-after-failed-put',
  title: 'An object is read after a put that did not drop the last reference',
  why: `
    A put that does not drop the count to zero leaves the object to the other holders. From then on any of them may drop the last reference,
    and the object is freed or reused. Code that reads it on that branch reads an object that it no longer owns. The same holds if the count
    is of pending work, and the last one wakes the waiter: the others may not access it any more.`,
  severity: 'error', // A warning where the count only tells a waiter that all is done.
  confidence: 'medium',
  finds: ['use-after-handover', 'refcount-lifetime'],
  references: ['include/linux/kref.h, kref_put()', 'Documentation/core-api/kref.rst, Kref rules'],
  knownGaps: ['a second reference of the caller is not seen if the function has the object as a parameter'],
  examples: {
    bad: [
      `
void block_free(struct page *page, unsigned int order)
{
	if (put_page_testzero(page))
		free_the_page(page, order);
	else if (!PageHead(page)) /* want: read-after-failed-put "reads page" */
		while (order-- > 0)
			free_the_page(page + (1 << order), order);
}`,
      `
int sess_put(struct sess *s)
{
	if (!refcount_dec_and_test(&s->refs))
		return s->state; /* want: read-after-failed-put "reads s" */
	kfree(s);
	return 0;
}`,
      `
static void part_done(struct part *p)
{
	struct job *j = p->job;

	if (atomic_dec_and_test(&j->pending))
		complete(&j->done);
	else
		note_progress(j->total); /* want: read-after-failed-put "reads j" */
}`,
      `
/* The list's lock is taken for the walk alone: callers are not kept apart. */
static struct slot *slot_find(struct rack *r, int id)
{
	struct slot *s, *found = NULL;

	spin_lock(&r->lock);
	list_for_each_entry(s, &r->slots, node) {
		if (s->id == id) {
			found = s;
			break;
		}
	}
	spin_unlock(&r->lock);
	return found;
}

static void slot_put(struct rack *r, int id)
{
	struct slot *s = slot_find(r, id);

	if (!refcount_dec_and_test(&s->refs)) {
		if (s->spare) /* want: read-after-failed-put "reads s" */
			rack_trim(r);
		return;
	}
	spin_lock(&r->lock);
	list_del(&s->node);
	spin_unlock(&r->lock);
	kfree(s);
}`,
      `
struct sess { refcount_t refs; int id; };

void sess_unuse(struct sess *s)
{
	if (refcount_dec_and_test(&s->refs))
		kfree(s);
}

void sess_close(struct sess *s)
{
	if (!refcount_dec_and_test(&s->refs)) {
		sess_complain(s->id); /* want: read-after-failed-put "reads s" */
		return;
	}
	kfree(s);
}`,
    ],
    good: [
      `
/* Sampled while the reference is still held. */
void block_free(struct page *page, unsigned int order)
{
	bool head = PageHead(page);

	if (put_page_testzero(page))
		free_the_page(page, order);
	else if (!head)
		free_rest(order);
}`,
      `
/* At zero it is the function's own. */
void sess_put(struct sess *s)
{
	if (refcount_dec_and_test(&s->refs)) {
		list_del(&s->node);
		kfree(s);
	}
}`,
      `
/* The list's lock keeps the session on it, and its last put takes that lock. */
int sess_drop(struct table *t, struct sess *s)
{
	int state = 0;

	spin_lock(&t->lock);
	if (!refcount_dec_and_test(&s->refs))
		state = s->state;
	else
		kfree(s);
	spin_unlock(&t->lock);
	return state;
}`,
      `
int sess_wait(struct sess *s)
{
	if (!atomic_dec_and_test(&s->refs))
		wait_for_completion(&s->idle);
	return s->state;
}`,
      `
int sess_settle(struct sess *s)
{
	if (!refcount_dec_and_test(&s->refs))
		wait_event(s->idle, !refcount_read(&s->refs));
	return s->state;
}`,
      `
static struct pool { refcount_t refs; void *room; int left; } pool;

/* The pool itself stays for ever; only what it holds is given back. */
int pool_leave(void)
{
	if (refcount_dec_and_test(&pool.refs)) {
		kfree(pool.room);
		pool.room = NULL;
	}
	return pool.left;
}`,
      `
/* A second reference. */
int sess_peek(struct sess *s)
{
	refcount_inc(&s->refs);
	if (!refcount_dec_and_test(&s->refs))
		return s->state;
	return 0;
}`,
      `
/* What is counted is no life: the last error wakes nobody and frees nothing. */
void err_ack(struct nic *n)
{
	if (!atomic_dec_and_test(&n->txerr_credits))
		n->stats.acked++;
	else
		n->errored = 1;
}`,
      `
/* The reference of the timer; the caller's own is another. */
void cmd_done(struct cmd *c, int res)
{
	if (timer_delete(&c->timer)) {
		if (kref_put(&c->kref, cmd_release))
			return;
	}
	c->done(c, res);
}`,
      `
void sess_put_rcu(struct sess *s)
{
	rcu_read_lock();
	if (!refcount_dec_and_test(&s->refs))
		pr_debug("%d left\\n", s->id);
	rcu_read_unlock();
}`,
      `
void list_put(struct sess *s)
{
	struct sess *next;

	for (; s; s = next) {
		next = s->next;
		if (!refcount_dec_and_test(&s->refs))
			continue;
		kfree(s);
	}
}`,
      `
struct sess { refcount_t refs; int id; };

/* Users only count themselves out: nobody but the one who closes frees the session. */
void sess_unuse(struct sess *s)
{
	refcount_dec(&s->refs);
}

void sess_close(struct sess *s)
{
	if (!refcount_dec_and_test(&s->refs)) {
		sess_complain(s->id);
		return;
	}
	kfree(s);
}`,
      `
/* Walk, count and unlinking are without a lock: callers run one after the other, or the list would break first. */
static struct slot *slot_find(struct rack *r, int id)
{
	struct slot *s;

	list_for_each_entry(s, &r->slots, node) {
		if (s->id == id)
			return s;
	}
	return NULL;
}

static void slot_put(struct rack *r, int id)
{
	struct slot *s = slot_find(r, id);

	if (!s)
		return;
	if (!refcount_dec_and_test(&s->refs)) {
		if (s->spare)
			rack_trim(r);
		return;
	}
	list_del(&s->node);
	kfree(s);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const put of fn.events) {
      const life = put.kind === 'rmw' && put.cell && !put.uncertain ? countOf(put) : null;
      const object = put.cell && life !== null ? objectOf(put.cell) : null;
      if (life === null || object === null || keepsAlive(fn, put, object, world)) continue;
      const variables = variablesIn(object);
      const stop = (e: Event) =>
        e.kind === 'wait' ||
        isAwaited(fn, e) ||
        /^(?:__)?set_current_state$|^prepare_to_wait/.test(e.api) ||
        takesReference(e, object) ||
        isIn(e, 'rcu-read');
      const left = onward(fn, put, { variables, stop, value: 'zero' }).events;
      // A global is never freed: only what others change is another by then, and who reads it by an atomic load knows that.
      const changes = (e: Event) => !(e.atomic && e.ordering !== 'plain') && isWritten(e, world);
      const read = left.find(e => readsFrom(e, object, life) && (!isGlobal(put) || changes(e)));
      // What is read also where nothing was put is held by something else than the reference that was.
      const locked = put.locks.length > 0;
      if (!read || (!locked && guardsAt({ fn, event: read }, world).own) || !dominates(fn, put, read)) continue;
      const both = onward(fn, put, { variables, value: 'nonzero' }).events;
      if (!locked && (isSerialised(fn, put, object, both, world) || othersOnlyCount(fn, put, world))) continue;
      if (
        (life === 'maybe' || isGlobal(put)) &&
        !both.some(e => e.kind === 'wake' && !left.includes(e) && e.cell !== null && objectOf(e.cell) === object)
      )
        continue;
      const name = nameOf(put, object);
      const claim = claimOf(
        fn,
        put,
        read,
        object,
        name,
        both.filter(e => !left.includes(e)),
        world,
      );
      // Whether a lock over the put keeps the other holders away, the checker says.
      if (locked && !claim) continue;
      report(
        { event: read, fn },
        {
          message: `${fn.name}() reads ${name} after ${called(put)}() has dropped a reference that was not the last`,
          detail: [
            life === 'sure'
              ? `Another holder may drop the last reference before ${read.api === 'read' ? 'the read' : `${called(read)}()`}, and ${name} is freed`
              : 'Another CPU may drop the count to zero and wake the waiter, which proceeds before the read',
          ],
          ...(isGlobal(put)
            ? {
                question: 'What keeps the waiter from proceeding before the read?',
                dismissal: 'Not an issue if what is read stays valid when the waiter proceeds',
              }
            : {
                question: `What keeps ${name} alive on the branch where the count has not reached zero?`,
                dismissal: `Not an issue if the caller holds another reference to ${name}`,
              }),
          related: [{ path: put.path, line: put.line, side: put.side, note: 'the put' }],
          quote: [put, read],
          // A helper that drops one of several references tells nothing of the others: its callers may have one.
          ...(put.via && put.via.call !== read.via?.call ? { severity: 'note' as const } : life === 'maybe' ? { severity: 'warning' as const } : {}),
          // What both branches come to may be kept by whoever called.
          ...(life === 'maybe' && both.includes(read) ? { confidence: 'low' as const } : {}),
          ...(claim ? { claim: { ...claim, ...(locked ? {} : { stands: true as const }) } } : {}),
        },
      );
    }
  },
} satisfies Rule;

/** What is counted is a variable of its own, and no object that could go. */
function isGlobal(put: Event): boolean {
  return put.cell?.base === null || (put.cell !== null && put.args.some(arg => /^&\w+\./.test(arg)));
}

/** The object as the put names it. */
function nameOf(put: Event, object: string): string {
  const written = put.args.find(arg => /^&?\(?\w/.test(arg))?.replace(/^&/, '') ?? object;
  return put.cell && pointedTo(put.cell) === null ? written.replace(/(?:->|\.)[\w.]+$/, '') : written;
}

/** A put of a reference to an object that tells whether it was the last, by what it is called with or what it runs then. */
function countsReferences(event: Event): boolean {
  const { fact } = event;
  const register = effectOfKind(event, 'register');
  if (effectOfKind(event, 'ref')?.by !== 'put' || fact?.result !== 'test') return false;
  return fact.counter ? register !== undefined && register.under === null : !effectOfKind(event, 'open');
}

/** What is counted: surely references to the object, perhaps what a waiter waits for; null where the event is no put with a test. */
function countOf(event: Event): 'sure' | 'maybe' | null {
  if (!event.used || (event.operation !== 'dec' && event.operation !== 'sub')) return null;
  if (countsReferences(event)) return 'sure';
  if (!countsDownAndTells(event)) return null;
  const member = event.cell?.path.split('.').at(-1) ?? '';
  return /^(?:_?_?(?:ref|refs|refcnt|refcount|kref|usage|users|\w+_(?:ref|refs|refcnt|refcount)))$/.test(member) ? 'sure' : 'maybe';
}

/** Two CPUs in the function: the one whose put is the last gives the object back, or lets go who does, and the other reads it. */
function claimOf(fn: CFunction, put: Event, read: Event, object: string, name: string, zero: Event[], world: World): Claim | null {
  if (put.locks.some(lock => lock.mode === 'shared')) return null;
  const release = world.functions.find(f => f.path === fn.path && f.name === releaseAtZero(put));
  const given = (e: Event) => isHandedOver(e, object) || isPartHandedOver(e, object) || (e.cell !== null && objectOf(e.cell) === object);
  const frees = (f: CFunction) => releasesIn(f, world.functions).flatMap(r => (r.kind === 'free' ? [r.event] : []));
  const end = release
    ? frees(release).at(-1)
    : (zero.find(e => frees(fn).includes(e) && given(e)) ??
      zero.find(e => given(e) && (e.kind === 'wake' || (e.opaque && (likelyEffect(e, 'free') ?? likelyEffect(e, 'ref')?.by === 'put')))));
  if (!end) return null;
  const member = read.cell && read.cell.path !== '*' && read.api === 'read' ? read.cell.path : null;
  const look = `reads ${member === null ? name : `${name}${isGlobal(put) ? '.' : '->'}${member}`}`;
  const does = end.kind === 'wake' ? `wakes the waiter for ${name}` : `frees ${name}`;
  const late = end.kind === 'wake' ? ', too late' : ', which is freed';
  return {
    threads: [
      { fn, events: [put, read] },
      release ? { fn, events: [put], calls: [{ call: put, fn: release, events: [end] }] } : { fn, events: [put, end] },
    ],
    bad: { kind: 'sees', reads: [{ read, from: end, thread: 0 }] },
    meanings: [
      { event: read, access: 'read', cell: name, ordering: 'relaxed', says: { before: look, after: `${look}${late}` } },
      { event: end, access: 'write', cell: name, ordering: 'relaxed', says: { before: '', after: does } },
    ],
    starts: [{ cell: put, value: 2 }],
    edits: [{ kind: 'move', event: read, where: 'before', to: put, text: 'Moving the read before the put' }],
    assumes: [end.kind === 'wake' ? `the waiter ${isGlobal(put) ? 'reuses' : 'frees'} ${name}` : 'there are only these two references'],
  };
}

/** A look into the object that is not one more operation on its count. */
function readsFrom(event: Event, object: string, life: 'sure' | 'maybe'): boolean {
  const { cell } = event;
  if (!cell || event.ends || (event.kind !== 'read' && event.kind !== 'write' && event.kind !== 'rmw')) return false;
  if (objectOf(cell) !== object || (cell.pointee && cell.base !== null)) return false;
  if (event.kind === 'rmw' && ['inc', 'dec', 'add', 'sub'].includes(event.operation ?? '')) return false;
  return life === 'sure' || (event.kind === 'read' && event.ordering === 'plain');
}

/** Does code in view write the memory that the event reads, or give its address to a call that may? */
function isWritten(event: Event, world: World): boolean {
  const key = keyOf(event);
  const path = event.cell?.path ?? '';
  const writes = (e: Event) => (e.kind === 'write' || e.kind === 'rmw') && keyOf(e) === key;
  const given = (e: Event) => e.kind === 'call' && e.args.some(arg => arg.startsWith('&') && arg.endsWith(`.${path}`));
  return key !== null && world.functions.some(fn => fn.events.some(e => writes(e) || given(e)));
}
