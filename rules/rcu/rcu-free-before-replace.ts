import {
  called,
  comesBefore,
  isTest,
  nodesAfter,
  onward,
  placeOf,
  readAfterFree,
  readersOf,
  releasesIn,
  runsAlone,
  variablesIn,
  waitsForReaders,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'rcu-free-before-replace',
  title: 'The object of an RCU pointer is freed while readers can still load the pointer',
  why: `
    A pointer that is published with rcu_assign_pointer() has readers that load it under rcu_read_lock(). As long as the pointer holds the
    old value, they find the old object, and those that found it use it until the end of their read-side critical section. So replace the
    pointer first, then wait for a grace period, then free the old object. In the other order readers load freed memory. Where no reader is
    visible, the claim assumes one.`,
  severity: 'error',
  confidence: 'high',
  finds: ['rcu-misuse'],
  references: ['Documentation/RCU/checklist.rst, item 14', 'Documentation/RCU/whatisRCU.rst, synchronize_rcu()'],
  knownGaps: ['an object that is freed by a function that is not visible is not known to be freed'],
  examples: {
    bad: [
      `
void name_set(struct share *s, int i, char *name)
{
	kfree(s->name[i]);
	rcu_assign_pointer(s->name[i], name); /* want: rcu-free-before-replace "s->name[i]" */
}`,
      `
void conf_set(struct share *s, struct conf *new)
{
	struct conf *old = rcu_dereference_protected(s->conf, lockdep_is_held(&s->lock));

	kfree(old);
	rcu_assign_pointer(s->conf, new); /* want: rcu-free-before-replace "s->conf" */
}

int conf_len(struct share *s)
{
	struct conf *c;
	int len = 0;

	rcu_read_lock();
	c = rcu_dereference(s->conf);
	if (c)
		len = c->len;
	rcu_read_unlock();
	return len;
}`,
    ],
    good: [
      `
void name_set(struct share *s, int i, char *name)
{
	char *old = rcu_replace_pointer(s->name[i], name, lockdep_is_held(&s->lock));

	synchronize_rcu();
	kfree(old);
}`,
      `
void conf_set(struct share *s, struct conf *new)
{
	struct conf *old = rcu_dereference_protected(s->conf, 1);

	rcu_assign_pointer(s->conf, new);
	kfree_rcu(old, rcu);
}`,
      `
/* The last reader is gone before. */
void conf_drop(struct share *s)
{
	struct conf *old = rcu_dereference_protected(s->conf, 1);

	RCU_INIT_POINTER(s->conf, NULL);
	synchronize_rcu();
	kfree(old);
	RCU_INIT_POINTER(s->conf, NULL);
}`,
      `
/* The share itself goes: nobody can find it any more. */
void share_destroy(struct share *s)
{
	kfree(rcu_dereference_protected(s->conf, 1));
	RCU_INIT_POINTER(s->conf, NULL);
	kfree(s);
}`,
      `
int conf_try(struct share *s, struct conf *new)
{
	if (new->bad) {
		kfree(new);
		return -EINVAL;
	}
	rcu_assign_pointer(s->conf, new);
	return 0;
}`,
      `
/* All who load the pointer hold its lock. */
void conf_set(struct share *s, struct conf *new)
{
	spin_lock(&s->lock);
	kfree(rcu_dereference_protected(s->conf, lockdep_is_held(&s->lock)));
	rcu_assign_pointer(s->conf, new);
	spin_unlock(&s->lock);
}

int conf_len(struct share *s)
{
	struct conf *c;
	int len;

	spin_lock(&s->lock);
	c = rcu_dereference_protected(s->conf, lockdep_is_held(&s->lock));
	len = c->len;
	spin_unlock(&s->lock);
	return len;
}`,
      `
void slot_move(struct share *s, struct conf *new)
{
	kfree(s->spare);
	rcu_assign_pointer(s->conf, new);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return;
    for (const { event, object, kind, via } of releasesIn(fn, world.functions)) {
      if (kind !== 'free' || event.object === 'private' || wasUnpublished(fn, event, object)) continue;
      const { events } = onward(fn, event, { variables: variablesIn(object), stop: waitsForReaders });
      const store = events.find(e => e.cell !== null && isReplacement(e) && placeOf(e.cell) === object);
      if (!store || (store.operand === 'NULL' && endsHolder(fn, store, world))) continue;
      const name = store.args[0] ?? object;
      report(
        { event: store, fn },
        {
          message: `${fn.name}() replaces ${name} only after ${via ?? called(event)}() has freed what it points to`,
          detail: ['Until then readers under rcu_read_lock() load the freed object'],
          question: `Can ${name} be replaced first, and the old object be freed after a grace period?`,
          dismissal: `Not an issue if no reader can reach ${name} here`,
          related: [{ path: event.path, line: event.line, side: event.side, note: 'freed here' }],
          quote: [event, store],
          ...claimOf(fn, event, store, object, world),
          advice: ['Use rcu_replace_pointer(), then kfree_rcu() or synchronize_rcu() before the free'],
        },
      );
      return;
    }
  },
} satisfies Rule;

/** The function against a reader, in view where there is one, and without a lock where there is one. */
function claimOf(fn: CFunction, free: Event, store: Event, object: string, world: World): { claim?: Claim } {
  const [reader] = readersOf(store, world.functions).filter(r => r.fn !== fn);
  if (reader?.load.locks.some(lock => lock.mode === 'shared')) return {};
  const moved = { kind: 'move' as const, event: store, where: 'before' as const, to: free, text: '' };
  const waits = { kind: 'grace-period' as const, event: free, text: '' };
  const edits = [
    {
      kind: 'both' as const,
      edits: [moved, waits],
      text: 'Replacing the pointer first with a grace period before the free (kfree_rcu())',
    },
  ];
  return {
    claim: readAfterFree(
      reader ?? `the old ${object.split('.').at(-1)?.replace(/\[.*/, '') ?? 'object'}`,
      { fn, store, free },
      { edits, stands: true },
    ),
  };
}

/** The object that holds the pointer is given up behind the store: nobody finds the pointer in it any more. */
function endsHolder(fn: CFunction, store: Event, world: World): boolean {
  const holder = store.cell?.base?.replace(/->/g, '.');
  const later = nodesAfter(fn, store.node);
  return releasesIn(fn, world.functions).some(r => r.object === holder && later.has(r.event.node));
}

function isReplacement(event: Event): boolean {
  return /^(?:rcu_assign_pointer|rcu_replace_pointer|RCU_INIT_POINTER)$/.test(event.api);
}

/** The pointer was given another value before, so that what is freed is no longer behind it. */
function wasUnpublished(fn: CFunction, release: Event, object: string): boolean {
  return fn.events.some(
    e =>
      comesBefore(fn, e, release) &&
      ((e.cell !== null && (e.kind === 'publish' || e.kind === 'write' || e.kind === 'rmw') && placeOf(e.cell) === object) || waitsForReaders(e)),
  );
}
