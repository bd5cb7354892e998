import { called, exclusive, heldAt, isTest, lockText, runsAlone, type Section, sameLock, standsHere } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'list-under-two-locks',
  title: 'Two functions modify one list, each under a different lock',
  why: `
    A lock excludes only those who take the same one. If a list is modified under one lock here and under another there, two CPUs can modify
    it concurrently: an entry is lost, or a pointer ends up dangling.`,
  severity: 'error',
  confidence: 'high',
  finds: ['missing-lock'],
  references: [
    'Documentation/kernel-hacking/locking.rst, Race Conditions and Critical Regions',
    'tools/memory-model/Documentation/locking.txt, Locking',
  ],
  knownGaps: ['only file-scope lists are followed, and only changes that name the list head'],
  examples: {
    bad: [
      `
static LIST_HEAD(parked);
static DEFINE_SPINLOCK(park_lock);
static DEFINE_SPINLOCK(tow_lock);

void park(struct car *c)
{
	spin_lock(&park_lock);
	list_add(&c->node, &parked);
	spin_unlock(&park_lock);
}

void tow_all(struct list_head *out)
{
	spin_lock(&tow_lock);
	list_splice_init(&parked, out); /* want: list-under-two-locks "parked" */
	spin_unlock(&tow_lock);
}`,
    ],
    good: [
      `
static LIST_HEAD(parked);
static DEFINE_SPINLOCK(park_lock);
static DEFINE_SPINLOCK(tow_lock);

void park(struct car *c)
{
	spin_lock(&park_lock);
	list_add(&c->node, &parked);
	spin_unlock(&park_lock);
}

void tow_all(struct list_head *out)
{
	spin_lock(&tow_lock);
	spin_lock(&park_lock);
	list_splice_init(&parked, out);
	spin_unlock(&park_lock);
	spin_unlock(&tow_lock);
}`,
      `
static LIST_HEAD(parked);
static DEFINE_SPINLOCK(park_lock);

void park(struct car *c)
{
	spin_lock(&park_lock);
	list_add(&c->node, &parked);
	spin_unlock(&park_lock);
}

int parked_count(void)
{
	struct car *c;
	int n = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &parked, node)
		n++;
	rcu_read_unlock();
	return n;
}`,
      `
static LIST_HEAD(parked);
static DEFINE_SPINLOCK(park_lock);
static DEFINE_MUTEX(open_lock);

void park(struct car *c)
{
	spin_lock(&park_lock);
	list_add(&c->node, &parked);
	spin_unlock(&park_lock);
}

static void __exit park_exit(void)
{
	mutex_lock(&open_lock);
	list_splice_init(&parked, &towed);
	mutex_unlock(&open_lock);
}`,
      `
static LIST_HEAD(parked);
static DEFINE_SPINLOCK(park_lock);

static void park_one(struct car *c)
{
	list_add(&c->node, &parked);
}

void park(struct car *c)
{
	spin_lock(&park_lock);
	park_one(c);
	spin_unlock(&park_lock);
}

void park_two(struct car *a, struct car *b)
{
	spin_lock(&park_lock);
	list_add(&a->node, &parked);
	list_add(&b->node, &parked);
	spin_unlock(&park_lock);
}`,
    ],
  },
  checkFile(file, report, world) {
    const changes = new Map<string, { fn: CFunction; event: Event; locks: Section[] }[]>();
    for (const fn of file.functions) {
      if (runsAlone(fn, world) || isTest(fn) || fn.isMacro || !fn.whole) continue;
      for (const event of fn.events) {
        if (!standsHere(event)) continue; // Counted where it stands.
        const head = headOf(event);
        if (head === null) continue;
        const locks = exclusive(heldAt(fn, event, world));
        // A lock of unknown name may be any.
        if (locks.length === 0 || locks.some(lock => lock.by === 'convention') || event.maybeLocks.length > 0) {
          if (locks.length > 0 || event.maybeLocks.length > 0) continue;
        }
        const known = changes.get(head) ?? [];
        known.push({ fn, event, locks });
        changes.set(head, known);
      }
    }
    for (const [head, sites] of changes) {
      const under = sites.filter(s => s.locks.length > 0);
      const [first] = under;
      if (!first) continue;
      const share = (a: readonly Section[], b: readonly Section[]) => a.some(lock => b.some(other => sameLock(lock, other)));
      // Of two that share a lock besides others the checker says that it is enough.
      const seen = ({ event }: typeof first) => exclusive(event.locks);
      const mixed = under.find(s => s.fn !== first.fn && share(seen(s), seen(first)) && !seen(s).every(lock => share([lock], seen(first))));
      const apart = under.find(s => s.fn !== first.fn && !share(s.locks, first.locks)) ?? mixed;
      if (!apart) continue;
      // Most sites tell which lock it is.
      const agree = (site: typeof first) => under.filter(s => share(s.locks, site.locks)).length;
      const [odd, usual] = agree(apart) <= agree(first) ? [apart, first] : [first, apart];
      const [a, b] = [odd.locks.at(-1), usual.locks.at(-1)];
      if (!a || !b || [a, b].some(({ family }) => family === null || family === 'rtnl' || family === 'cpu-hotplug')) continue;
      report(
        { event: odd.event, fn: odd.fn },
        {
          message: `${odd.fn.name}() modifies the list ${head} under ${lockText(a)}, and ${usual.fn.name}() modifies it under ${lockText(b)}`,
          question: `Which of the two locks guards ${head}?`,
          dismissal: 'Not an issue if both hold another lock in common',
          related: [{ path: usual.fn.path, line: usual.event.line, side: usual.fn.side, note: `${called(usual.event)}() under ${lockText(b)}` }],
          claim: updatesOf(head, odd, usual, apart !== mixed),
        },
      );
    }
  },
} satisfies Rule;

/** Each reads the links of the list and stores new ones, and one of the two is lost. */
function updatesOf(head: string, a: { fn: CFunction; event: Event }, b: { fn: CFunction; event: Event }, stands: boolean): Claim {
  const says = { before: 'reads the old links', after: 'stores its own' };
  return {
    threads: [a, b].map(({ fn, event }) => ({ fn, events: [event] })),
    bad: { kind: 'sees', reads: [a, b].map(({ event }, thread) => ({ read: event, from: 'before' as const, thread })), ends: [b.event] },
    meanings: [a, b].map(({ event }) => ({ event, access: 'update' as const, cell: head, ordering: 'relaxed' as const, says })),
    edits: [{ kind: 'lock', text: 'One lock for both' }],
    assumes: [],
    ...(stands ? { stands: true as const } : {}),
  };
}

/** The variable of the file whose list the event changes. */
function headOf(event: Event): string | null {
  const { cell } = event;
  if (!/^(?:list_(?:add|add_tail|splice\w*)|list_add_(?:rcu|tail_rcu)|hlist_add_head(?:_rcu)?)$/.test(event.api)) return null;
  const given = /^list_splice/.test(event.api) ? /^&(\w+)$/.exec(event.args[0] ?? '')?.[1] : undefined;
  if (given !== undefined && event.api.includes('init') && isGlobal(event, given)) return given;
  return cell?.base === null && /^\w+$/.test(cell.path) ? cell.path : null;
}

/** A splice names two heads; the first is a variable of the file where it is one of no function. */
function isGlobal(event: Event, name: string): boolean {
  return event.cell?.path !== name && /^[a-z]\w{2,}$/.test(name);
}
