import { isPartHandedOver, isTest, mayFree, onward, releasesIn, unlinkedBy, variablesIn, waitsForReaders } from '../../src/c/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'rcu-free-without-gp',
  title: 'An object is freed right after it was taken off an RCU list',
  why: `
    list_del_rcu() keeps new readers from finding the entry. Those who found it before stay on it to the end of their section, and need its
    memory and its forward pointer for so long. Between taking off and freeing lies a grace period: synchronize_rcu(), call_rcu() or
    kfree_rcu(). An error path that undoes an insertion is no exception: readers may have found the entry in the short time.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['rcu-misuse'],
  references: ['Documentation/RCU/checklist.rst, item 14', 'include/linux/rculist.h, list_del_rcu()'],
  knownGaps: ['an entry that a function out of view takes off or frees is not followed', 'that no reader is left at a teardown is not seen'],
  examples: {
    bad: [
      `
void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	kfree(c); /* want: rcu-free-without-gp "c is freed" */
}`,
      `
static void chain_unlink(struct chain *c)
{
	list_del_rcu(&c->list);
}

static void chain_destroy(struct chain *c)
{
	if (c->base) {
		kfree(c->name);
		kfree(c->base);
	} else {
		kfree(c->name);
		kfree(c);
	}
}

int chain_new(struct table *t, struct chain *c)
{
	int err;

	list_add_tail_rcu(&c->list, &t->chains);
	err = hook_register(t, c);
	if (err < 0)
		goto unlink;
	return 0;
unlink:
	chain_unlink(c);
	chain_destroy(c); /* want: rcu-free-without-gp "c is freed" */
	return err;
}`,
    ],
    good: [
      `
void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	synchronize_rcu();
	kfree(c);
}`,
      `
void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	kfree_rcu(c, rcu);
}`,
      `
static void card_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct card, rcu));
}

void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	call_rcu(&c->rcu, card_gone);
}`,
      `
/* The list alone is RCU's; the card lives by its count. */
static void card_put(struct card *c)
{
	if (refcount_dec_and_test(&c->refs))
		kfree(c);
}

void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	card_put(c);
}`,
      `
void cards_drop(struct deck *d)
{
	struct card *c, *next;

	list_for_each_entry_safe(c, next, &d->cards, node)
		list_del_rcu(&c->node);
	synchronize_rcu();
	list_for_each_entry_safe(c, next, &d->cards, node)
		kfree(c);
}`,
      `
/* The net is going, and with it all who could read. */
static void __net_exit deck_exit(struct net *net)
{
	struct card *c, *next;

	list_for_each_entry_safe(c, next, &net->cards, node) {
		list_del_rcu(&c->node);
		kfree(c);
	}
}`,
      `
void card_move(struct card *c, struct card *spare)
{
	list_del_rcu(&c->node);
	kfree(spare);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || isTeardown(fn)) return;
    for (const unlink of fn.events) {
      const object = unlinkedBy(fn, unlink, world.functions);
      if (object === null || unlink.uncertain || isDeferred(fn, object)) continue;
      const stop = (e: Event) => waitsForReaders(e) || unlinkedBy(fn, e, world.functions) === object || waitsOtherwise(e);
      const ways = onward(fn, unlink, { variables: variablesIn(object), stop });
      const free = ways.events.find(e => frees(fn, e, object, world));
      if (!free || free.uncertain) continue;
      const name = free.args.find(arg => /^\w/.test(arg) && arg.replace(/->/g, '.') === object) ?? object.replace(/#\d+/, '');
      report(
        { event: free, fn },
        {
          message: `${name} is freed in ${fn.name}() right after ${unlink.api}() has taken it off an RCU list`,
          detail: ['Readers who found it before stay on it to the end of their section'],
          question: `What keeps readers off ${name} here, and could it be freed behind a grace period?`,
          dismissal: 'Not an issue if no reader can have found it, or if all are gone by then',
          related: [{ path: unlink.path, line: unlink.line, side: unlink.side, note: 'taken off here' }],
          quote: [unlink, free],
          // Who empties a whole list mostly tears down what nobody can read any more.
          ...(emptiesList(fn, unlink, object) ? { confidence: 'low' as const } : {}),
          advice: ['kfree_rcu(), or synchronize_rcu() before the free'],
        },
      );
      return;
    }
  },
} satisfies Rule;

/** Code that runs when nobody can read any more, by its annotation. */
function isTeardown(fn: CFunction): boolean {
  return fn.attributes.some(a => /^__(?:net_)?exit\b/.test(a)) || /(?:^|_)(?:exit|exit_batch|fini|uninit|shutdown)(?:_|$)/.test(fn.name);
}

/** The object is another one in every round of a loop around the event. */
function emptiesList(fn: CFunction, unlink: Event, object: string): boolean {
  const loops = fn.shape.loops.filter(l => l.line <= unlink.line && l.endLine >= unlink.line);
  const lines = (fn.settings ?? []).flatMap(s => (s.name === object ? s.ends.map(end => fn.flow[end.node]?.line ?? 0) : []));
  const cursors = fn.events.filter(e => /for_each/.test(e.api) && e.args.includes(object.replace(/#\d+/, ''))).map(e => e.line);
  lines.push(...cursors);
  return loops.some(l => lines.some(line => line >= l.line && line <= l.endLine));
}

/** Something that may wait for readers by another means: an unregistering, a flush, a drain. */
function waitsOtherwise(event: Event): boolean {
  return event.kind === 'wait' || (event.opaque && /(?:^|_)(?:unregister|flush|drain|quiesce|sync|wait|stop|disable)(?:_|$)/.test(event.api));
}

function frees(fn: CFunction, event: Event, object: string, world: World): boolean {
  const own = releasesIn(fn, world.functions).some(r => r.event === event && r.kind === 'free' && r.object === object && r.via === null);
  return own || mayFree(fn, event, object, world.functions);
}

/** On some way of the function the object is left to a worker or a callback: then it knows where it may free at once. */
function isDeferred(fn: CFunction, object: string): boolean {
  return fn.events.some(e => (waitsForReaders(e) || /queue_\w*work/.test(e.api)) && isPartHandedOver(e, object));
}
