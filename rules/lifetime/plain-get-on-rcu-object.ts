import {
  called,
  comesBefore,
  countsDownAndTells,
  countsUp,
  effectOfKind,
  effectsOfKind,
  guardsAt,
  isDeferred,
  isIn,
  isTest,
  keyOf,
  onward,
  originsOf,
  releaseAtZero,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';

import type { Claim, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'plain-get-on-rcu-object',
  title: 'An unconditional get on an object found under RCU, whose last put frees after a grace period',
  why: `
    RCU protects the memory that a reader finds, not the reference count in it. The last put may have dropped the count to zero before the
    reader raises it: the free is already pending, waits for this reader's critical section and no longer, and the reader keeps a pointer to
    freed memory. A lookup under RCU must take its reference with a get that refuses a count of zero, and treat failure as not found.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['refcount-lifetime', 'rcu-misuse', 'check-then-act'],
  references: ['Documentation/RCU/rcuref.rst', 'Documentation/core-api/kref.rst, Krefs and RCU'],
  knownGaps: ['a put or a lookup by a helper that is not visible is not followed', 'another reference that the caller holds is not seen'],
  examples: {
    bad: [
      `
struct route {
	struct rcu_head rcu;
	refcount_t refs;
	int cost;
};

struct route *route_get(struct table *t)
{
	struct route *r;

	rcu_read_lock();
	r = rcu_dereference(t->route);
	if (r)
		refcount_inc(&r->refs); /* want: plain-get-on-rcu-object "r->refs" */
	rcu_read_unlock();
	return r;
}

void route_put(struct route *r)
{
	if (refcount_dec_and_test(&r->refs))
		kfree_rcu(r, rcu);
}`,
      `
struct route {
	struct hlist_node node;
	struct rcu_head rcu;
	struct kref kref;
	int id;
};

static void route_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct route, rcu));
}

static void route_release(struct kref *kref)
{
	struct route *r = container_of(kref, struct route, kref);

	call_rcu(&r->rcu, route_gone);
}

void route_put(struct route *r)
{
	kref_put(&r->kref, route_release);
}

struct route *route_find(struct table *t, int id)
{
	struct route *r;

	rcu_read_lock();
	hlist_for_each_entry_rcu(r, &t->routes, node) {
		if (r->id == id) {
			kref_get(&r->kref); /* want: plain-get-on-rcu-object "r->kref" */
			rcu_read_unlock();
			return r;
		}
	}
	rcu_read_unlock();
	return NULL;
}`,
    ],
    good: [
      `
struct route {
	struct rcu_head rcu;
	refcount_t refs;
};

struct route *route_get(struct table *t)
{
	struct route *r;

	rcu_read_lock();
	r = rcu_dereference(t->route);
	if (r && !refcount_inc_not_zero(&r->refs))
		r = NULL;
	rcu_read_unlock();
	return r;
}

/* The caller has a reference of its own. */
void route_share(struct route *r)
{
	rcu_read_lock();
	refcount_inc(&r->refs);
	rcu_read_unlock();
}

/* The updater's lock keeps the table's reference. */
struct route *route_keep(struct table *t)
{
	struct route *r;

	spin_lock(&t->lock);
	rcu_read_lock();
	r = rcu_dereference(t->route);
	refcount_inc(&r->refs);
	rcu_read_unlock();
	spin_unlock(&t->lock);
	return r;
}

void route_put(struct route *r)
{
	if (refcount_dec_and_test(&r->refs))
		kfree_rcu(r, rcu);
}`,
      `
struct route {
	struct rcu_head rcu;
	refcount_t refs;
};

struct route *route_get(struct table *t)
{
	struct route *r;

	rcu_read_lock();
	r = rcu_dereference(t->route);
	refcount_inc(&r->refs);
	rcu_read_unlock();
	return r;
}

/* The table's reference goes behind the grace period: no reader finds a count of zero. */
static void route_expire(struct rcu_head *head)
{
	struct route *r = container_of(head, struct route, rcu);

	if (refcount_dec_and_test(&r->refs))
		kfree_rcu(r, rcu);
}

void route_drop(struct table *t, struct route *r)
{
	RCU_INIT_POINTER(t->route, NULL);
	call_rcu(&r->rcu, route_expire);
}`,
      `
struct route {
	struct rcu_head rcu;
	refcount_t refs;
};

/* A number of users, at which nothing ends. */
void route_use(struct table *t)
{
	struct route *r;

	rcu_read_lock();
	r = rcu_dereference(t->route);
	refcount_inc(&r->refs);
	rcu_read_unlock();
}

void route_unuse(struct route *r)
{
	if (refcount_dec_and_test(&r->refs))
		route_idle(r);
}

void route_drop(struct route *r)
{
	kfree_rcu(r, rcu);
}`,
      `
struct route {
	struct rcu_head rcu;
	refcount_t refs;
};

struct route *route_get(struct table *t)
{
	struct route *r;

	rcu_read_lock();
	r = rcu_dereference(t->route);
	refcount_inc(&r->refs);
	rcu_read_unlock();
	return r;
}

/* Waits for the readers before it puts the table's reference. */
void route_drop(struct table *t, struct route *r)
{
	RCU_INIT_POINTER(t->route, NULL);
	synchronize_rcu();
	if (refcount_dec_and_test(&r->refs))
		kfree_rcu(r, rcu);
}`,
    ],
  },
  checkFile(file, report, world) {
    const puts = putsOf(world);
    if (puts.length === 0) return;
    for (const fn of file.functions) {
      if (fn.isMacro || fn.broken || isTest(fn)) continue;
      for (const get of fn.events) {
        if (countsUp(get)?.unlessZero !== false || !get.cell || get.object || !isIn(get, 'rcu-read')) continue;
        // Under a lock the container's own reference may be what keeps the count up.
        if (guardsAt({ fn, event: get }, world).own) continue;
        const put = puts.find(p => p.key === keyOf(get) && p.putter !== fn);
        const load = put ? findOf(fn, get) : null;
        if (!put || !load) continue;
        const name = get.args[0]?.replace(/^&/, '') ?? get.cell.path;
        report(
          { event: get, fn },
          {
            message: `${fn.name}() raises ${name} of an object found under RCU, but the last put may have dropped it to zero already`,
            detail: [`The free that ${called(put.free)}() defers waits for this reader's critical section, but not for the reference taken in it`],
            question: 'Should the lookup refuse a count of zero?',
            dismissal: 'Not an issue if every object that can be found has a reference until all readers are done',
            related: [
              { path: load.path, line: load.line, side: load.side, note: 'found here, under RCU alone' },
              { path: put.put.path, line: put.put.line, side: put.put.side, note: 'the last put' },
              { path: put.free.path, line: put.free.line, side: put.free.side, note: 'freed after a grace period' },
            ],
            quote: [load, get],
            claim: claimOf(fn, get, put, name.replace(/(?:->|\.)\w+$/, '')),
          },
        );
      }
    }
  },
} satisfies Rule;

/** A lookup of one object that readers may find without a lock. */
function looksUp(event: Event): boolean {
  const consume = effectOfKind(event, 'consume');
  return consume?.rcu === true && !consume.each && consume.section !== 'srcu-read' && event.kind === 'read' && event.ordering === 'address';
}

/** A walk that readers make without a lock. */
function walks(event: Event): boolean {
  const consume = effectOfKind(event, 'consume');
  return consume?.rcu === true && consume.each && consume.member !== null;
}

/** What finds the object, in the section that the reference is taken in. */
function findOf(fn: CFunction, get: Event): Event | null {
  // As written: behind a copy the cell goes by the place that the pointer was loaded from.
  const root = /^&?(\w+)/.exec(get.args[0] ?? '')?.[1];
  if (root === undefined) return null;
  const made = originsOf(fn, root).filter(e => comesBefore(fn, e, get));
  const inside = (e: Event) => isIn(e, 'rcu-read');
  return (
    made.find(e => looksUp(e) && inside(e)) ??
    fn.events.find(e => comesBefore(fn, e, get) && walks(e) && e.args.slice(0, 2).includes(root) && inside(e)) ??
    null
  );
}

/** A put that may be the last, and what it leaves to RCU then. */
interface Put {
  /** Who counts down. */
  putter: CFunction;
  put: Event;
  /** The function that the put calls at zero; null where it goes on itself. */
  release: CFunction | null;
  free: Event;
  key: string;
}

const known = new WeakMap<World, Put[]>();

function putsOf(world: World): Put[] {
  let found = known.get(world);
  if (!found) {
    found = world.functions.flatMap(fn => fn.events.flatMap(event => putAt(fn, event, world) ?? []));
    known.set(world, found);
  }
  return found;
}

/** Is a handler that is named there run behind a grace period? */
function runsBehindReaders(call: string, world: World): boolean {
  return effectsOfKind({ fact: world.fact(call) }, 'register').some(register => register.runner === 'rcu');
}

function putAt(fn: CFunction, put: Event, world: World): Put | null {
  const key = keyOf(put);
  if (put.kind !== 'rmw' || key === null || key.startsWith('|')) return null;
  const named = world.functions.filter(f => f.name === releaseAtZero(put));
  const release = named.find(f => f.path === fn.path) ?? null;
  if (!release && !countsDownAndTells(put)) return null;
  const zero = release ? release.events : onward(fn, put, { value: 'nonzero' }).events;
  const free = zero.find(e => isDeferred(e));
  // Behind a grace period no reader is left who could find the object.
  const behind = fn.events.some(e => comesBefore(fn, e, put) && effectOfKind(e, 'quiesce')?.of === 'readers');
  if (!free || behind || world.mentions(fn).some(m => m.call !== null && runsBehindReaders(m.call, world))) return null;
  return { putter: fn, put, release, free, key };
}

/** The count reaches zero, is raised again, and the object is freed all the same. */
function claimOf(fn: CFunction, get: Event, { putter, put, release, free }: Put, name: string): Claim {
  return {
    threads: [
      { fn, events: [get] },
      release ? { fn: putter, events: [put], calls: [{ call: put, fn: release, events: [free] }] } : { fn: putter, events: [put, free] },
    ],
    bad: { kind: 'sees', reads: [{ read: get, from: 'effect' }], ends: [free] },
    starts: [{ cell: put, value: 1 }],
    meanings: [{ event: free, access: 'write', cell: name, ordering: 'relaxed', says: { before: '', after: `frees ${name}` } }],
    edits: [{ kind: 'unless-zero', event: get, text: 'A get that refuses a count of zero (kref_get_unless_zero(), refcount_inc_not_zero())' }],
    assumes: [`the last reference is dropped while ${fn.name}() runs`],
  };
}
