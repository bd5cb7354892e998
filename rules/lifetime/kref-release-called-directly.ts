import {
  after,
  between,
  called,
  calleeIn,
  comesBefore,
  dominates,
  isCall,
  isHandedOver,
  isInLoop,
  isPartHandedOver,
  isTest,
  onward,
  originsOf,
  releasesIn,
  returnedAt,
  runsNamed,
  takesReference,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'kref-release-called-directly',
  title: 'The release function of a kref is called directly, bypassing the count',
  why: `
    A release function runs when the last reference is put. Called directly, it frees the object whatever the count is: other holders of a
    reference use freed memory, and the last put frees it a second time. Reported by inspection: the count is not checked, whatever the
    ordering.`,
  severity: 'note', // The last holder may know that it is the last.
  confidence: 'medium',
  finds: ['refcount-lifetime'],
  references: ['Documentation/core-api/kref.rst, Kref rules', 'include/linux/kref.h, kref_put()'],
  knownGaps: ['a release function that another file passes to kref_put() is not known to be one'],
  examples: {
    bad: [
      `
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}

int req_send(struct req *r)
{
	int err = req_queue(r);

	if (err)
		req_free(&r->kref); /* want: kref-release-called-directly "req_free()" */
	return err;
}`,
      `
/* Made by a helper, and known to the port by the time that it is freed. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

static struct req *req_alloc(int tag)
{
	struct req *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	kref_init(&r->kref);
	r->tag = tag;
	return r;
}

int req_start(struct port *p)
{
	struct req *r = req_alloc(p->tag);

	if (!r)
		return -ENOMEM;
	p->current_req = r;
	if (port_wake(p)) {
		req_free(&r->kref); /* want: kref-release-called-directly "req_free()" */
		return -EIO;
	}
	return 0;
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}`,
      `
/* The port lives on. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

void port_reset(struct port *p)
{
	struct req *r, *next;

	list_for_each_entry_safe(r, next, &p->reqs, node)
		req_free(&r->kref); /* want: kref-release-called-directly "req_free()" */
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}`,
      `
/* The list is of requests that wait, not of such that are gone. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

static void req_free_later(struct kref *kref)
{
	struct req *r = container_of(kref, struct req, kref);

	list_add_tail(&r->gone, &reqs_gone);
	schedule_work(&reqs_work);
}

static void reqs_drop(struct work_struct *work)
{
	struct req *r, *next;

	list_for_each_entry_safe(r, next, &reqs_waiting, node)
		req_free(&r->kref); /* want: kref-release-called-directly "r->kref" */
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}

void req_put_atomic(struct req *r)
{
	kref_put(&r->kref, req_free_later);
}`,
    ],
    good: [
      `
/* Where it may not sleep the last put leaves the object on a list, and the worker does the rest. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

static void req_free_later(struct kref *kref)
{
	struct req *r = container_of(kref, struct req, kref);

	spin_lock(&reqs_gone_lock);
	list_add_tail(&r->gone, &reqs_gone);
	spin_unlock(&reqs_gone_lock);
	schedule_work(&reqs_work);
}

static void reqs_worker(struct work_struct *work)
{
	struct req *r, *next;
	LIST_HEAD(gone);

	spin_lock(&reqs_gone_lock);
	list_splice_init(&reqs_gone, &gone);
	spin_unlock(&reqs_gone_lock);
	list_for_each_entry_safe(r, next, &gone, gone)
		req_free(&r->kref);
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}

void req_put_atomic(struct req *r)
{
	kref_put(&r->kref, req_free_later);
}`,
      `
/* Made by a helper, and nobody has seen it yet. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

static struct req *req_alloc(int tag)
{
	struct req *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	kref_init(&r->kref);
	r->tag = tag;
	return r;
}

struct req *req_make(struct port *p)
{
	struct req *r = req_alloc(p->tag);

	if (!r)
		return NULL;
	r->port = p;
	if (req_map(p, r->tag)) {
		req_free(&r->kref);
		return NULL;
	}
	return r;
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}`,
      `
/* The port goes, whatever is still on its list. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

void port_free(struct port *p)
{
	struct req *r, *next;

	list_for_each_entry_safe(r, next, &p->reqs, node) {
		pr_err("request %d left behind\\n", r->tag);
		req_free(&r->kref);
	}
	kfree(p);
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}`,
      `
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

int req_send(struct req *r)
{
	int err = req_queue(r);

	if (err)
		kref_put(&r->kref, req_free);
	return err;
}`,
      `
/* One release function ends in another. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

static void req_free_logged(struct kref *kref)
{
	pr_debug("gone\\n");
	req_free(kref);
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}

void req_put_logged(struct req *r)
{
	kref_put(&r->kref, req_free_logged);
}`,
      `
/* Nobody has seen it yet. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

struct req *req_make(void)
{
	struct req *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	kref_init(&r->kref);
	if (req_setup(r)) {
		req_free(&r->kref);
		return NULL;
	}
	return r;
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || isTest(fn)) return;
    for (const call of fn.events) {
      const [first] = call.args;
      if (!isCall(call) || call.via || call.args.length !== 1 || !first?.startsWith('&') || !/(?:->|\.)\w*k?ref\w*$/.test(first)) continue;
      const [release] = call.targets ?? [called(call)];
      const put = release && releasesBy(world).get(release);
      if (!put || fn.name === release || fn.events.some(e => !e.via && (e.api === 'kref_init' || (e.api === put.api && e.args[1] === release))))
        continue;
      const object = first.replace(/^&\(?/, '').replace(/(?:->|\.)\w+$/, '');
      if (isUnseen(fn, call, object, world) || isPutOff(fn, call, object, world)) continue;
      report(
        { event: call, fn },
        {
          message: `${fn.name}() calls ${called(call)}(), the release function of ${first.slice(1)}, directly and bypasses the count`,
          question: `Can anybody else hold a reference to ${object}, and should this be kref_put(${first}, ${release})?`,
          dismissal: `Not an issue if ${object} was never visible to others`,
          related: [{ path: put.path, line: put.line, side: put.side, note: `passed to ${called(put)}() here` }],
          // Who frees the container has to free what is left in it.
          ...(isLeftInside(fn, call, object, world) ? { confidence: 'low' as const } : {}),
          advice: [`Use kref_put(${first}, ${release})`],
        },
      );
    }
  },
} satisfies Rule;

/** The object was made by a function in view that counts its first reference, and nobody else has come to know it since. */
function isUnseen(fn: CFunction, release: Event, object: string, world: World): boolean {
  const [setting, ...others] = (fn.settings ?? []).filter(s => s.name === object);
  const making = fn.events.filter(e => setting?.sources.includes(e.index));
  const [make] = making;
  if (!setting || others.length > 0 || making.length !== 1 || !make || make.into !== object || !dominates(fn, make, release)) return false;
  const callee = calleeIn(fn, make, world.functions);
  return callee?.whole === true && makesCounted(callee) && !between(fn, make, release).some(e => isTold(e, object));
}

/** Does the function return what it has allocated and counted itself, known to nobody else, or nothing? */
function makesCounted(fn: CFunction): boolean {
  const returned = new Set(fn.flow.flatMap(node => (node.kind === 'exit' && !node.stops ? [returnedAt(node) ?? ''] : [])));
  const objects = [...returned].filter(text => !/^(?:NULL|ERR_(?:PTR|CAST)\(.*\))$/.test(text));
  const [object] = objects;
  if (objects.length !== 1 || object === undefined || !/^\w+$/.test(object)) return false;
  const init = fn.events.find(e => e.api === 'kref_init' && isPartHandedOver(e, object));
  if (!init || !originsOf(fn, object).some(e => /alloc|memdup/.test(e.api))) return false;
  const counted = onward(fn, init, {}).exits.some(node => returnedAt(node) === object);
  return counted && !after(fn, init).some(e => isTold(e, object));
}

/** The pointer is stored or handed on, a part of the object linked somewhere, or one more reference taken. */
function isTold(event: Event, object: string): boolean {
  if (event.operand === object || takesReference(event, object) || isHandedOver(event, object)) return true;
  if (!isPartHandedOver(event, object) || /_init$/.test(event.api)) return false;
  return event.kind === 'publish' || /(?:^|_)(?:add|insert|link|enqueue|queue|register|store)(?:_|$)/.test(event.api);
}

/** The object comes off a list that another release function puts it on: its count has come to zero there, and the rest is done here. */
function isPutOff(fn: CFunction, release: Event, object: string, world: World): boolean {
  const walks = fn.events.filter(e => /^l?list_for_each_entry(?:_safe)?$/.test(e.api) && e.args[0] === object && comesBefore(fn, e, release));
  const members = new Set(walks.map(e => e.args.at(-1)));
  return [...releasesBy(world).keys()].some(name => {
    const other = runsNamed(release, name) ? undefined : world.functions.find(f => f.path === fn.path && f.name === name);
    return other?.events.some(e => /^l?list_add(?:_tail)?$/.test(e.api) && members.has(/\w+$/.exec(e.args[0] ?? '')?.[0])) === true;
  });
}

/** The object stands on a list in something that the function frees afterwards. */
function isLeftInside(fn: CFunction, release: Event, object: string, world: World): boolean {
  return fn.shape.loops.some(loop => {
    if (!isInLoop(loop, release)) return false;
    const walk = fn.events.find(e => e.line === loop.line && e.each);
    const container = walk?.args.map(arg => /^&(\w+)(?:->|\.)/.exec(arg)?.[1]).find(name => name !== undefined);
    if (!walk || container === undefined) return false;
    const settings = (fn.settings ?? []).filter(s => s.name === object);
    const derived = settings.length > 0 && settings.every(s => s.sources.length > 0 && s.sources.every(i => fn.events[i]?.line === walk.line));
    if (walk.args[0] !== object && !derived) return false;
    const ends = after(fn, release);
    return releasesIn(fn, world.functions).some(
      r => r.kind === 'free' && r.object === container && !isInLoop(loop, r.event) && ends.includes(r.event),
    );
  });
}

const known = new WeakMap<World, Map<string, Event>>();

/** Functions that are handed to a put of a kref as what runs at zero, each with one such put. */
function releasesBy(world: World): Map<string, Event> {
  let found = known.get(world);
  if (!found) {
    found = new Map();
    for (const fn of world.functions) {
      for (const event of fn.events) {
        const release = /^kref_put(?:_lock|_mutex)?$/.test(event.api) ? event.args[1] : undefined;
        if (release !== undefined && /^\w+$/.test(release)) found.set(release, event);
      }
    }
    known.set(world, found);
  }
  return found;
}
