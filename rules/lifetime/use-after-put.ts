import {
  called,
  comesBefore,
  dominates,
  isHandedOver,
  isTest,
  isUseOf,
  onward,
  originsOf,
  placeOf,
  releasesIn,
  surelyReaches,
  takesReference,
  variablesIn,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'use-after-put',
  title: 'An object is used after it was freed, or after its reference was put',
  why: `
    After kfree() the memory may be reused at once. After a put it may be as soon as the other holders have dropped their references, a race
    that tests seldom hit: the pointer works as long as somebody else holds a reference. Read what is needed from the object first, or move
    the put after its last use. A use after a free is certain by inspection; after a put the claim assumes another holder that is not
    visible and drops the last reference in between.`,
  severity: 'error', // A warning where a reference is put: another may be held, out of view.
  confidence: 'high',
  finds: ['refcount-lifetime', 'lifetime-teardown', 'use-after-handover'],
  references: ['Documentation/core-api/kref.rst, Kref rules', 'include/linux/kref.h, kref_put()'],
  knownGaps: [
    'a put of what a parameter points to is not reported: the caller may hold its own reference',
    'memory that is freed by a function that is not visible, or in one branch of a visible one, is not known to be freed',
  ],
  examples: {
    bad: [
      `
void port_close(struct port *p)
{
	kfree(p);
	p->open = 0; /* want: use-after-put "uses p" */
}`,
      `
void port_done(struct request *rq)
{
	struct edesc *e = rq->port->e;

	port_unmap(rq, e);
	kfree(e);
	if (!e->backlog) /* want: use-after-put "uses e after" */
		port_complete(rq);
}`,
      `
static void queue_free(struct queue *q)
{
	if (!q)
		return;
	free_percpu(q->stat);
	kfree(q);
}

int queue_drop(struct port *p, struct queue *q)
{
	queue_free(q);
	p->len -= q->len; /* want: use-after-put "uses q" */
	return 0;
}`,
      `
void writer_release(struct writer *w)
{
	mutex_lock(&w->lock);
	css_put(w->css);
	mutex_unlock(&w->lock);
	owner_unpin(w->css); /* want: use-after-put "uses w->css" */
}`,
      `
int clock_name(struct device_node *parent, char *to)
{
	struct device_node *np = of_get_child_by_name(parent, "clock");

	if (!np)
		return -ENODEV;
	of_node_put(np);
	return sprintf(to, "%s", np->name); /* want: use-after-put "uses np" */
}`,
      `
/* A test uses it, and so does the driver. */
static void item_gone(struct rcu_head *head)
{
	struct item *i = container_of(head, struct item, rcu);

	kfree(i);
	i->next = NULL; /* want: use-after-put "uses i" */
}

void item_drop(struct item *i)
{
	call_rcu(&i->rcu, item_gone);
}

static void item_gone_test(struct kunit *test)
{
	struct item *i = kunit_item(test);

	call_rcu(&i->rcu, item_gone);
	rcu_barrier();
}`,
    ],
    good: [
      `
/* Part of a test: all that hands it out is one. */
static void item_gone(struct rcu_head *head)
{
	struct item *i = container_of(head, struct item, rcu);

	kfree(i);
	i->next = NULL;
}

static void item_gone_test(struct kunit *test)
{
	struct item *i = kunit_item(test);

	call_rcu(&i->rcu, item_gone);
	rcu_barrier();
}`,
      `
/* Touched on purpose: what it gives is thrown away. */
void item_touch(struct item *i)
{
	kfree(i);
	((volatile struct item *)i)->next;
}`,
      `
/* The pointer has a new value before it is used again. */
void list_free(struct item *i)
{
	struct item *next;

	while (i) {
		next = i->next;
		kfree(i);
		i = next;
	}
}`,
      `
int buf_grow(struct chan *c, int n)
{
	kfree(c->buf);
	c->buf = kmalloc(n, GFP_KERNEL);
	if (!c->buf)
		return -ENOMEM;
	c->buf[0] = 0;
	return 0;
}`,
      `
/* The way on which it is freed does not come to its use. */
int msg_send(struct chan *c, struct msg *m)
{
	int err = chan_check(c);

	if (err)
		kfree(m);
	chan_account(c);
	if (!err)
		m->sent = 1;
	return err;
}`,
      `
/* The put gives back the reference that was taken here. */
void dev_poke(struct slot *s)
{
	get_device(s->dev);
	slot_poke(s);
	put_device(s->dev);
	s->dev->power = 1;
}`,
      `
void cache_drop(struct cache *c)
{
	struct table *old = c->table;

	c->table = table_alloc();
	kfree(old);
	c->table->used = 0;
}`,
      `
/* Read first, freed after. */
void req_end(struct req *r)
{
	int tag = r->tag;

	kfree(r);
	tag_free(tag);
}`,
      `
/* Readers under RCU may look at it to the end of the grace period, and so may the section that frees it. */
int route_drop(struct route *r)
{
	kfree_rcu(r, rcu);
	return r->gen;
}`,
      `
/* Only the address is used. */
void conn_end(struct conn *c)
{
	kfree(c);
	pr_debug("conn %p gone\\n", c);
}`,
      `
/* Freed in one case of the switch only. */
int op_run(struct op *o)
{
	switch (o->kind) {
	case 0:
		kfree(o);
		return 0;
	default:
		return o->kind;
	}
}`,
      `
/* A parameter: the caller's own reference is not in view. */
void task_signal(struct task_struct *t)
{
	put_task_struct(t);
	t->exit_state = 1;
}`,
      `
/* Filled again by what it is handed to. */
int names_read(struct names *n)
{
	kfree(n->list);
	names_fill(n);
	return n->list->len;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn, world)) return;
    const told = new Set<string>();
    for (const release of releasesIn(fn, world.functions)) {
      const { event, object, kind, via } = release;
      if (told.has(object) || !isOurs(fn, event, object, kind)) continue;
      const field = /[.[]/.test(object);
      const written = event.args.find(arg => arg.replace(/->/g, '.') === object) ?? (event.args[0] ?? '').trim();
      // A part of a local aggregate may be set through a pointer to that, and behind a local copy the member may have another value.
      if (field && (/^\w+\./.test(written) || (kind === 'put' && written.replace(/->/g, '.') !== object))) continue;
      const variables = [...new Set([...variablesIn(object), ...(/^\w+$/.test(written) ? [written] : [])])];
      const refilled = (e: Event) => isWriteOf(e, object);
      if (field && fn.events.some(e => refilled(e) && (comesBefore(fn, e, event) || /^\w+$/.test(written)))) continue;
      // What is handed a freed pointer is a macro that sets it.
      const isMacro = (e: Event) => kind === 'free' && e.opaque && isHandedOver(e, object);
      const stop = (e: Event) => refilled(e) || isMacro(e) || takesReference(e, object) || (field && handsOverOwner(e, object)) || ends(e);
      const { events } = onward(fn, event, { variables, stop });
      const uses = events.filter(e => isUse(e, object, kind));
      const [use] = uses;
      // What is used also where nothing was put is held by something else.
      if (use && kind === 'put' && !dominates(fn, event, use)) continue;
      if (!use || (use.uncertain && !fn.whole) || use.line === event.line) continue;
      const sure = surelyReaches(fn, event, uses);
      told.add(object);
      const name = nameOf(object, use, event);
      const gone = kind === 'free' ? 'freed' : 'put';
      report(
        { event: use, fn },
        {
          message: `${fn.name}() uses ${name} after ${via ?? called(event)}() ${kind === 'free' ? 'has freed it' : 'has dropped its reference'}`,
          question:
            kind === 'free'
              ? `Can ${via ?? called(event)}() move after the last use?`
              : `Which reference keeps ${name} alive here, and can the put move after the last use?`,
          dismissal:
            kind === 'free'
              ? `Not an issue if ${name} points to a different object by then`
              : `Not an issue if another reference to ${name} is held here`,
          related: [{ path: event.path, line: event.line, side: event.side, note: `${gone} here` }],
          quote: [event, use],
          shape: `${object}@${fn.name}`,
          ...(kind === 'put' ? { severity: 'warning' as const, claim: claimOf(fn, event, use, name) } : {}),
          // Where some way from the one to the other end leads elsewhere, conditions out of sight may keep the two apart.
          ...(sure ? {} : { confidence: 'low' as const }),
        },
      );
    }
  },
} satisfies Rule;

/** The function against another holder, who puts the last reference between the put and the use. */
function claimOf(fn: CFunction, put: Event, use: Event, name: string): Claim {
  const count = `count of ${name}`;
  const last: AssumedStep = { does: 'put', cell: count };
  const free: AssumedStep = { does: 'write', cell: name, where: { gave: last }, says: { before: '', after: `frees ${name}` } };
  const how = use.kind === 'call' ? `passes ${name} to ${called(use)}()` : `dereferences ${name}`;
  return {
    threads: [{ fn, events: [put, use] }],
    others: [{ who: `another holder of ${name}`, does: [last, free] }],
    bad: { kind: 'sees', reads: [{ read: use, from: free }] },
    meanings: [
      // However it counts, a put orders what its holder did before.
      { event: put, access: 'put', cell: count, ordering: 'release' },
      {
        event: use,
        access: 'read',
        cell: name,
        ordering: 'relaxed',
        says: { before: how, after: use.kind === 'call' ? `passes ${name}, which is freed, to ${called(use)}()` : `${how}, which is freed` },
      },
    ],
    starts: [{ cell: count, value: 2 }],
    edits: [{ kind: 'move', event: put, where: 'after', to: use, text: `Moving the put after the last use of ${name}` }],
    assumes: [`another CPU holds the only other reference to ${name}, and drops it meanwhile`],
    stands: true,
  };
}

/**
 * Is what is given back the function's own to give: memory, a reference that a member holds, or one that the function itself got? A reference
 * that it takes besides is the one that the put gives back.
 */
function isOurs(fn: CFunction, event: Event, object: string, kind: 'free' | 'put'): boolean {
  if (kind === 'free') return true;
  if (fn.events.some(e => e !== event && comesBefore(fn, e, event) && takesReference(e, object))) return false;
  if (/[.[]/.test(object)) return !object.includes('[');
  if (fn.parameters.some(p => p.name === object)) return false;
  const origins = originsOf(fn, object);
  const [only] = origins;
  // One lookup that gives a reference, and nothing else that the variable may hold.
  return (
    origins.filter(e => e.into === object).length === 1 &&
    only !== undefined &&
    origins.some(e => e.into === object && /^of_(?:get|find|parse)_\w+$|_get_by_\w+$/.test(e.api))
  );
}

/** The event dereferences the pointer, frees it again, or hands it to what surely looks into it. */
function isUse(event: Event, object: string, kind: 'free' | 'put'): boolean {
  if (event.ends || isTouch(event)) return false;
  // A second put may give back a second reference.
  if (isUseOf(event, object)) return kind === 'free' || !isCount(event);
  if (kind === 'free' || event.kind !== 'call') return false;
  // Behind a put the pointer is handed on.
  return isHandedOver(event, object) && !/trace|print|pr_|dbg|debug|warn|err|info|cmp|hash|equal|same|log/i.test(event.api);
}

/** A statement that reads through a pointer to volatile and does nothing with the value: it is there to touch the memory. */
function isTouch(event: Event): boolean {
  return event.kind === 'read' && event.api === 'read' && /^\s*\(+(?:const\s+)?volatile\s[^;=]*;/.test(event.text);
}

function isWriteOf(event: Event, object: string): boolean {
  return (
    (event.kind === 'write' || event.kind === 'publish' || event.kind === 'rmw') &&
    event.cell !== null &&
    placeOf(event.cell) === object &&
    !isCount(event)
  );
}

function isCount(event: Event): boolean {
  return event.operation === 'inc' || event.operation === 'dec' || event.operation === 'add' || event.operation === 'sub';
}

/** A call that does not come back. */
function ends(event: Event): boolean {
  return event.kind === 'call' && /^(?:kthread_exit|kthread_complete_and_exit|do_exit|panic)$/.test(event.api);
}

/** The object that the pointer is a member of goes to a call, which may set the member. */
function handsOverOwner(event: Event, object: string): boolean {
  for (let owner = object; owner !== ''; ) {
    const cut = Math.max(owner.lastIndexOf('.'), owner.lastIndexOf('['));
    if (cut < 0) return false;
    owner = owner.slice(0, cut);
    if (event.args.some(arg => arg.replace(/^&/, '').replace(/->/g, '.') === owner)) return true;
  }
  return false;
}

/** The object as the lines at hand write it. */
function nameOf(object: string, use: Event, release: Event): string {
  const written = [...use.args, ...release.args].find(a => a.replace(/->/g, '.') === object);
  // A local copy of the pointer, which both lines name.
  const copy = release.args.find(a => /^\w+$/.test(a) && new RegExp(`\\b${a}\\b`).test(use.text));
  return (
    written ??
    copy ??
    (object.includes('#') ? object.replace(/#\d+/, '') : object.includes('.') && !object.startsWith('*') ? object.replace('.', '->') : object)
  );
}
