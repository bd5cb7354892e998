import {
  called,
  callersOf,
  effectOfKind,
  heldAt,
  heldOnEntry,
  heldOver,
  isIn,
  isMadeHere,
  isTest,
  keyOf,
  lockKey,
  onward,
  sameLock,
  variablesIn,
  waitsForReaders,
  walkersOf,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Meaning, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'rcu-list-readd',
  title: 'An entry removed from an RCU list is added to a list again without a grace period',
  why: `
    list_del_rcu() leaves the entry's forward pointer, so that a reader at the entry can continue. If the entry is added to another list
    meanwhile, that reader continues in the other list, never meets the head of its own, and may loop forever; a reader of the first list
    misses what followed the entry. Where no walk of the list is visible, the claim assumes a reader at the entry.`,
  severity: 'warning', // A reader who stays in the list that it began in only misses entries.
  confidence: 'medium',
  finds: ['rcu-misuse'],
  references: ['Documentation/RCU/rculist_nulls.rst, 1) Lookup algorithm', 'include/linux/rculist.h, list_del_rcu()'],
  knownGaps: ['an entry that a function removes and its caller adds again is not seen'],
  examples: {
    bad: [
      `
/* The helper moves a card from one hand to another; one that it refuses has never been on a list. */
static int card_deal(struct card *c, struct hand *h)
{
	if (!h->open)
		return -EINVAL;
	if (c->hand)
		list_del_rcu(&c->node);
	c->hand = h;
	list_add_tail_rcu(&c->node, &h->cards); /* want: rcu-list-readd "card_deal()" */
	return 1;
}

int card_make(struct hand *h)
{
	struct card *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int ret;

	if (!c)
		return -ENOMEM;
	ret = card_deal(c, h);
	if (ret < 0)
		kfree(c);
	return ret;
}`,
      `
void card_move(struct card *c, struct deck *to)
{
	list_del_rcu(&c->node);
	list_add_rcu(&c->node, &to->cards); /* want: rcu-list-readd "&c->node" */
}`,
      `
void card_reset(struct card *c)
{
	spin_lock(&deck_lock);
	hlist_del_rcu(&c->hash);
	hlist_add_head_rcu(&c->hash, &deck[c->key]); /* want: rcu-list-readd "&c->hash" */
	spin_unlock(&deck_lock);
}`,
      `
/* The count is moved on, and who walks the list does not look at it. */
struct deck {
	seqcount_t moves;
	struct hlist_head *cards;
};

void card_rehash(struct deck *d, struct card *c, struct hlist_head *to)
{
	write_seqcount_begin(&d->moves);
	hlist_del_rcu(&c->hash);
	hlist_add_head_rcu(&c->hash, to); /* want: rcu-list-readd "&c->hash" */
	write_seqcount_end(&d->moves);
}

bool deck_has(struct deck *d, int key)
{
	struct card *c;
	bool found = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(c, d->cards, hash)
		found |= c->key == key;
	rcu_read_unlock();
	return found;
}`,
    ],
    good: [
      `
/* What is still being made is taken apart for a larger one, before readers know either. */
struct deck *deck_grow(struct deck *old, int slots)
{
	struct deck *d = kzalloc(struct_size(d, slot, slots), GFP_KERNEL);
	struct hlist_node *n;
	struct card *c;

	if (!d)
		return NULL;
	hlist_for_each_entry_safe(c, n, &old->all, link) {
		hlist_del_rcu(&c->link);
		hlist_add_head(&c->link, &d->slot[c->id % slots]);
	}
	return d;
}`,
      `
/* Readers start again when the count has moved on. */
struct deck {
	seqcount_t moves;
	struct hlist_head *cards;
};

static void card_rehash(struct deck *d, struct card *c, struct hlist_head *to)
{
	hlist_del_rcu(&c->hash);
	hlist_add_head_rcu(&c->hash, to);
}

void deck_grow(struct deck *d, struct card *c, struct hlist_head *to)
{
	write_seqcount_begin(&d->moves);
	card_rehash(d, c, to);
	write_seqcount_end(&d->moves);
}

struct card *deck_find(struct deck *d, int key)
{
	struct card *c, *found;
	unsigned int seq;

	rcu_read_lock();
	do {
		seq = read_seqcount_begin(&d->moves);
		found = NULL;
		hlist_for_each_entry_rcu(c, d->cards, hash) {
			if (c->key == key)
				found = c;
		}
	} while (read_seqcount_retry(&d->moves, seq));
	rcu_read_unlock();
	return found;
}`,
      `
/* Who walks the list holds the lock as well. */
void card_swap(struct card *c, struct deck *to)
{
	spin_lock(&deck_lock);
	list_del_rcu(&c->node);
	list_add_rcu(&c->node, &to->cards);
	spin_unlock(&deck_lock);
}

int deck_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	spin_lock(&deck_lock);
	list_for_each_entry_rcu(c, &d->cards, node, lockdep_is_held(&deck_lock))
		sum += c->value;
	spin_unlock(&deck_lock);
	return sum;
}`,
      `
void card_move(struct card *c, struct deck *to)
{
	list_del_rcu(&c->node);
	synchronize_rcu();
	list_add_rcu(&c->node, &to->cards);
}`,
      `
/* The walk says which lock its callers hold, whoever they are. */
static struct card *card_of(struct deck *d, int id)
{
	struct card *c;

	list_for_each_entry_rcu(c, &d->cards, node, lockdep_is_held(&d->lock)) {
		if (c->id == id)
			return c;
	}
	return NULL;
}

struct card *card_to_front(struct deck *d, int id)
{
	struct card *c;

	spin_lock(&d->lock);
	c = card_of(d, id);
	if (c) {
		list_del_rcu(&c->node);
		list_add_rcu(&c->node, &d->cards);
	}
	spin_unlock(&d->lock);
	return c;
}

bool deck_has_last(struct deck *d, int id)
{
	return card_of(d, id) != NULL;
}`,
      `
/* A fresh copy takes its place. */
void card_update(struct card *c, struct card *copy, struct deck *d)
{
	list_del_rcu(&c->node);
	list_add_rcu(&copy->node, &d->cards);
	kfree_rcu(c, rcu);
}`,
      `
/* Readers of a nulls list see by the end that they must start again. */
void sock_rehash(struct sock *sk, struct head *to)
{
	hlist_nulls_del_init_rcu(&sk->node);
	hlist_nulls_add_head_rcu(&sk->node, &to->chain);
}`,
      `
/* Onto a list that goes through another member. */
void card_retire(struct card *c, struct list_head *dead)
{
	list_del_rcu(&c->node);
	list_add(&c->dead_node, dead);
}`,
      `
/* To the front of the list that it is on. */
struct card *card_find(struct deck *d, int id)
{
	struct card *c;

	list_for_each_entry(c, &d->cards, node) {
		if (c->id != id)
			continue;
		list_del_rcu(&c->node);
		list_add_rcu(&c->node, &d->cards);
		return c;
	}
	return NULL;
}`,
      `
void cards_turn(struct deck *d)
{
	struct card *c;

	while ((c = first_card(d))) {
		list_del_rcu(&c->node);
		c = next_card(d);
		list_add_rcu(&c->node, &d->cards);
	}
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const unlink of fn.events) {
      const node = unlink.args[0]?.replace(/^\((.*)\)$/, '$1');
      if (node === undefined || !/^(?:list|hlist|hlist_bl)_del(?:_init)?_rcu$/.test(unlink.api)) continue;
      const variables = variablesIn(node.replace(/^&/, ''));
      const again = onward(fn, unlink, { variables, stop: waitsForReaders }).events.find(e => adds(e, node));
      if (!again || staysOn(fn, again) || isTakenApart(fn, again) || keptOffByLock(fn, unlink, world)) continue;
      const restart = restartOf(fn, unlink, again, world);
      if (restart === 'all') continue;
      report(
        { event: again, fn },
        {
          message: `${called(again)}() adds ${node} to a list again in ${fn.name}() without a grace period after ${called(unlink)}()`,
          detail: ['A reader at the entry continues in the other list, and never meets the head of its own'],
          question: 'What keeps readers of the first list off the entry between the two?',
          dismissal: 'Not an issue if no reader walks the list, or if readers notice that they left it and restart',
          related: [{ path: unlink.path, line: unlink.line, side: unlink.side, note: 'removed here' }],
          quote: [unlink, again],
          ...(restart === 'out of view' ? { confidence: 'low' as const } : {}),
          advice: ['Use synchronize_rcu() between the two, or add a copy of the entry to the other list'],
          claim: claimOf(fn, unlink, again, node.replace(/^&/, ''), world),
        },
      );
    }
  },
} satisfies Rule;

/** The function against a reader who stands on the entry, one in view where there is one: it goes on by the pointer that leads into the other list. */
function claimOf(fn: CFunction, unlink: Event, again: Event, node: string, world: World): Claim {
  const walkers = walkersOf(fn, unlink, world.functions).filter(r => r.fn !== fn);
  const walker = walkers.find(r => isIn(r.load, 'rcu-read')) ?? walkers[0];
  const [on, next] = [`${node} on its first list`, `the pointer of ${node}`];
  const finds = { before: `finds ${node} on the first list`, after: `no longer finds ${node} on the first list` };
  const goesOn = { before: 'continues in the first list', after: `continues from ${node} in the other list` };
  const stands: AssumedStep = { does: 'read', cell: on, says: finds };
  const steps: AssumedStep = { does: 'read', cell: next, says: goesOn };
  const meanings: Meaning[] = [
    { event: unlink, access: 'write', cell: on, ordering: 'relaxed', value: 0, says: { before: '', after: `removes ${node} from the first list` } },
    { event: again, access: 'write', cell: next, ordering: 'relaxed', says: { before: '', after: `adds ${node} to the other list` } },
  ];
  if (walker)
    meanings.push(
      { event: walker.load, access: 'read', cell: on, ordering: 'relaxed', says: finds },
      { event: walker.load, access: 'read', cell: next, ordering: 'relaxed', says: goesOn },
    );
  return {
    threads: [{ fn, events: [unlink, again] }, ...(walker ? [{ fn: walker.fn, events: [walker.load] }] : [])],
    ...(walker
      ? {}
      : { others: [{ who: 'a reader of the first list', does: [{ does: 'section' as const }, stands, steps, { does: 'end' as const }] }] }),
    bad: {
      kind: 'sees',
      reads: [
        { read: walker?.load ?? stands, from: 'before', cell: on },
        { read: walker?.load ?? steps, from: again, cell: next },
      ],
    },
    meanings,
    edits: [{ kind: 'grace-period', event: again, text: 'synchronize_rcu() between the two' }],
    assumes: [walker ? `both work on one list, and ${walker.fn.name}() is at ${node}` : `a reader under rcu_read_lock() is at ${node} meanwhile`],
    stands: true,
  };
}

/** The place that it is put at was found by a walk over the very list: the entry only moves within it. */
function staysOn(fn: CFunction, add: Event): boolean {
  const at = /^&?(\w+)/.exec(add.args[1] ?? '')?.[1];
  return at !== undefined && fn.events.some(e => e.each && (e.args[0] === at || e.args.some((arg, i) => i > 0 && arg === add.args[1])));
}

/**
 * It is linked, and not for RCU readers, into a list of an object that the function has made: the entries of an object that nobody reads yet, or any more,
 * move to a larger one.
 */
function isTakenApart(fn: CFunction, add: Event): boolean {
  if (effectOfKind(add, 'publish')?.rcu !== false) return false;
  return [add.cell, ...(add.cells ?? [])].some(cell => cell !== null && isMadeHere(fn, { ...add, cell }));
}

/** Every walk in view by this member is under a lock that is held here as well, or names it as what its callers hold. */
function keptOffByLock(fn: CFunction, unlink: Event, world: World): boolean {
  const held = heldAt(fn, unlink, world);
  const { type, member } = { type: unlink.cell?.type ?? null, member: /\w+$/.exec(unlink.cell?.path ?? '')?.[0] };
  if (held.length === 0 || member === undefined) return false;
  const ofOther = (f: CFunction, cursor: string | undefined) =>
    f.events.some(e => e.cell?.base === cursor && e.cell?.type != null && e.cell.type !== type);
  const walks = world.functions
    .filter(f => f.path === fn.path && !f.isMacro && !isTest(f))
    .flatMap(f => f.events.filter(e => WALKS.test(e.api) && e.args[2] === member && !ofOther(f, e.args[0])).map(load => ({ fn: f, load })));
  const names = (load: Event) => {
    const said = isIn(load, 'rcu-read') ? undefined : /(\w+)\W*$/.exec(load.args[3] ?? '')?.[1];
    return held.some(lock => /\w+$/.exec(lockKey(lock))?.[0] === said);
  };
  const locked = (reader: CFunction, load: Event) => heldAt(reader, load, world).some(own => held.some(lock => sameLock(own, lock)));
  return walks.length > 0 && walks.every(walk => names(walk.load) || locked(walk.fn, walk.load));
}

const WALKS = /^h?list_for_each_entry(?:_continue|_from)?_rcu(?:_bh|_notrace)?$/;

/** Do readers start again by a sequence count that is moved on around the two: all in view, none in view that would tell, or not so? */
function restartOf(fn: CFunction, unlink: Event, add: Event, world: World): 'all' | 'out of view' | 'none' {
  const counts = [...heldOver(fn, unlink, add), ...heldOnEntry(fn, world).locks].flatMap(({ family, object }) =>
    family === 'seqcount' || family === 'seqlock' ? (object ?? []) : [],
  );
  if (counts.length === 0) return 'none';
  const asks = (f: CFunction) =>
    f.events.some(e => e.kind === 'read' && /seq\w*retry/.test(e.api) && counts.includes((keyOf(e) ?? '').replace(/^\|/, '').replace('|', '.')));
  const walkers = walkersOf(fn, unlink, world.functions);
  if (walkers.length > 0)
    return walkers.every(({ fn: reader }) => asks(reader) || callersOf(reader, world)?.every(site => asks(site.fn))) ? 'all' : 'none';
  return world.functions.some(f => f.path === fn.path && asks(f)) ? 'all' : 'out of view';
}

/** The event links the node into a list, or makes it a list of its own. */
function adds(event: Event, node: string): boolean {
  return /^(?:list|hlist|hlist_bl)_(?:add|move)\w*$|^INIT_LIST_HEAD(?:_RCU)?$/.test(event.api) && event.args[0] === node;
}
