import {
  type BareWalk,
  bareWalks,
  called,
  callersOf,
  comesBefore,
  dominates,
  hangsBy,
  hasWaited,
  isGuarded,
  isMadeHere,
  isOwn,
  isTest,
  type Linking,
  linkingsIn,
  runsAlone,
  useBehind,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule, World } from '../../src/model/rule.ts';

/** A deck whose cards are walked under RCU. */
const WALK = `struct card {
	struct list_head node;
	int value;
};

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}
`;

export default {
  id: 'plain-link-into-rcu-list',
  title: 'An entry is added by a non-RCU list operation to a list that readers walk under RCU',
  why: `
    A reader under rcu_read_lock() may find the entry at once. list_add() and hlist_add_head() store the pointer to it without ordering the
    earlier initialisation of the entry, including its own forward pointer: on a weakly ordered machine a reader sees the uninitialised
    entry and follows a pointer that was never set. list_add_rcu() and its relatives store the pointer with release ordering. The
    update-side lock does not help: readers do not take it.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['rcu-misuse'],
  references: [
    'include/linux/rculist.h, list_add_rcu()',
    'Documentation/RCU/checklist.rst, item 4b',
    'tools/memory-model/Documentation/recipes.txt, "Assign and dereference"',
  ],
  knownGaps: [
    'a walk in another file, through a macro of the file, or in a function whose rcu_read_lock() is not visible is not seen',
    'where no update-side lock is visible the list is assumed to be private still',
  ],
  examples: {
    bad: [
      `
${WALK}
void card_put_in(struct deck *d, struct card *c, int value)
{
	c->value = value;
	spin_lock(&d->lock);
	list_add(&c->node, &d->cards); /* want: plain-link-into-rcu-list "&c->node" */
	spin_unlock(&d->lock);
}`,
      `
/* Filled in by the caller, linked by a helper. */
struct card {
	struct hlist_node node;
	int value;
};

static DEFINE_MUTEX(cards_lock);
static HLIST_HEAD(cards);

static void card_link(struct card *c)
{
	hlist_add_head(&c->node, &cards); /* want: plain-link-into-rcu-list "&c->node" */
}

void card_put_in(struct card *c)
{
	mutex_lock(&cards_lock);
	card_link(c);
	mutex_unlock(&cards_lock);
}

bool card_known(int value)
{
	struct card *c;

	guard(rcu)();
	hlist_for_each_entry_rcu(c, &cards, node) {
		if (c->value == value)
			return true;
	}
	return false;
}`,
    ],
    good: [
      `
/* The form made for RCU. */
${WALK}
void card_put_in(struct deck *d, struct card *c, int value)
{
	c->value = value;
	spin_lock(&d->lock);
	list_add_rcu(&c->node, &d->cards);
	spin_unlock(&d->lock);
}`,
      `
/* Onto another list, by the same member. */
${WALK}
void card_lay_by(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_add(&c->node, &d->spare);
	spin_unlock(&d->lock);
}`,
      `
/* A deck that was made here. */
${WALK}
struct deck *deck_of(struct card *c)
{
	struct deck *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	mutex_lock(&decks_lock);
	INIT_LIST_HEAD(&d->cards);
	list_add(&c->node, &d->cards);
	list_add_rcu(&d->node, &decks);
	mutex_unlock(&decks_lock);
	return d;
}`,
      `
/* No lock in view: the deck is still its maker's. */
${WALK}
int deck_default(struct deck *d, struct card *c)
{
	c->value = 1;
	list_add_tail(&c->node, &d->cards);
	return 0;
}`,
      `
/* Set-up. */
${WALK}
static int __init deck_fill(struct card *c)
{
	mutex_lock(&decks_lock);
	list_add_tail(&c->node, &table.cards);
	mutex_unlock(&decks_lock);
	return 0;
}

int table_sum(void)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &table.cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}`,
      `
/* Who calls the walk holds the lock. */
struct card {
	struct list_head node;
	int value;
};

static int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}

int deck_sum(struct deck *d)
{
	int sum;

	spin_lock(&d->lock);
	sum = cards_sum(d);
	spin_unlock(&d->lock);
	return sum;
}

void card_put_in(struct deck *d, struct card *c)
{
	spin_lock(&d->lock);
	list_add(&c->node, &d->cards);
	spin_unlock(&d->lock);
}`,
      `
/* Ordered by hand before it is linked. */
${WALK}
void card_put_in(struct deck *d, struct card *c, int value)
{
	c->value = value;
	smp_wmb();
	spin_lock(&d->lock);
	list_add(&c->node, &d->cards);
	spin_unlock(&d->lock);
}`,
    ],
  },
  checkFile(file, report, world) {
    for (const link of linkingsIn(world)) {
      const { fn, event, entry } = link;
      if (fn.path !== file.path || link.rcu || fn.broken || event.uncertain || isTest(fn) || /^list_move/.test(event.api)) continue;
      const walk = walkerOf(link, world);
      if (!walk || isEarly(fn, event, world) || !isGuarded(fn, event, world)) continue;
      report(
        { event, fn },
        {
          message: `${called(event)}() adds ${event.args[event.api === 'hash_add' ? 1 : 0]} without ordering to a list that ${walk.fn.name}() walks under RCU alone`,
          detail: [`A reader that finds ${entry} may see it before it was initialised, including its forward pointer`],
          question: 'What orders the initialisation of the entry before the pointer to it?',
          dismissal: `Not an issue if ${walk.fn.name}() runs under the lock that this holds, or if the list is not yet visible to readers`,
          related: [{ path: walk.fn.path, line: walk.load.line, side: walk.fn.side, note: `${walk.fn.name}() walks the list here` }],
          quote: [event, walk.load],
          claim: claimOf(link, walk),
        },
      );
    }
  },
} satisfies Rule;

type Walker = BareWalk & { use: Event };

/** A walk over the very list that looks at what it finds. */
function walkerOf(link: Linking, world: World): Walker | null {
  const { fn, head } = link;
  if (head === null) return null;
  for (const walk of bareWalks(world)) {
    if (walk.fn === fn || walk.head !== head || walk.cursor === null || !hangsBy(walk, link.link)) continue;
    const use = useBehind(walk.fn, walk.load, walk.cursor);
    if (use) return { ...walk, use };
  }
  return null;
}

/** Nobody knows the list yet, or readers are gone: it was made here, or the function is for set-up, itself or by all who call it. */
function isEarly(fn: CFunction, event: Event, world: World): boolean {
  if (event.object !== undefined || isOwn(fn, event) || isMadeHere(fn, event) || hasWaited(fn, event, world)) return true;
  if (event.phase.includes('init') || event.phase.includes('exit')) return true;
  return runsAlone(fn, world) || (callersOf(fn, world)?.every(s => runsAlone(s.fn, world)) ?? false);
}

/** The entry is filled in, here or by the caller, and linked; the reader finds it and sees what was there before. */
function claimOf(link: Linking, walk: Walker): Claim {
  const { fn, event, entry } = link;
  const { use, load } = walk;
  const fill = fn.events.findLast(
    e => e.kind === 'write' && e.ordering === 'plain' && e.cell?.base === entry && comesBefore(fn, e, event) && dominates(fn, e, event),
  );
  const contents = `what is in ${entry}`;
  const filled: AssumedStep = { does: 'write', cell: contents, ordering: 'plain', says: { before: '', after: `initialises ${entry}` } };
  const finds = { before: `does not find ${entry} yet`, after: `finds ${entry} on the list` };
  return {
    threads: [
      { fn, events: [...(fill ? [fill] : []), event], ...(fill ? {} : { before: [filled] }) },
      { fn: walk.fn, events: [load, use] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: load, from: event },
        { read: use, from: 'before' },
      ],
    },
    meanings: [
      ...(fill
        ? [{ event: fill, access: 'write' as const, cell: contents, ordering: 'plain' as const, says: { before: '', after: `initialises ${entry}` } }]
        : []),
      {
        event,
        access: 'write',
        cell: `${entry} on the list`,
        ordering: 'relaxed',
        value: 1,
        says: { before: '', after: `adds ${entry} to the list` },
      },
      { event: load, access: 'read', cell: `${entry} on the list`, ordering: 'relaxed', says: finds },
      {
        event: use,
        access: 'read',
        cell: contents,
        ordering: 'plain',
        says: { before: `sees the uninitialised ${entry}`, after: `sees ${entry} initialised` },
      },
    ],
    edits: [{ kind: 'order', event, ordering: 'release', text: `${event.api}_rcu() with its release store` }],
    assumes: [fill ? 'both work on one list' : `both work on one list, and the caller has initialised ${entry}`],
    stands: true,
  };
}
