import { after, before, called, lockText, oneSided, runsAlone, serialiserOf } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'idr-unlocked',
  title: 'A shared IDR is modified without a lock',
  why: `
    An IDR leaves locking to its callers. Two functions that modify it concurrently without a common lock can lose an update or allocate one
    id twice. An IDA, and the normal XArray API, do their own locking; an IDR does not.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['missing-lock'],
  references: ['Documentation/core-api/idr.rst, IDR usage', 'lib/idr.c, idr_alloc_u32(), idr_remove()', 'Documentation/core-api/xarray.rst, Locking'],
  knownGaps: ['an IDR inside an object is not checked: the owner of the object may do the locking'],
  examples: {
    bad: [
      `
static DEFINE_IDR(tickets);
static DEFINE_MUTEX(box_office);
static DEFINE_MUTEX(cloak_room);

/* Each is serialised, but not with the other. */
void ticket_void(struct ticket *t)
{
	mutex_lock(&cloak_room);
	idr_remove(&tickets, t->id); /* want: idr-unlocked "no common lock" */
	mutex_unlock(&cloak_room);
	kfree(t);
}

int ticket_sell(struct ticket *t)
{
	mutex_lock(&box_office);
	t->id = idr_alloc(&tickets, t, 1, 0, GFP_KERNEL);
	mutex_unlock(&box_office);
	return t->id < 0 ? t->id : 0;
}`,
      `
static DEFINE_IDR(tickets);

void ticket_void(struct ticket *t)
{
	idr_remove(&tickets, t->id); /* want: idr-unlocked "tickets" */
	kfree(t);
}

int ticket_sell(struct ticket *t)
{
	t->id = idr_alloc(&tickets, t, 1, 0, GFP_KERNEL);
	return t->id < 0 ? t->id : 0;
}`,
    ],
    good: [
      `
static DEFINE_IDR(tickets);
static DEFINE_MUTEX(box_office);

/* Called with the lock held, however it is said. */
static void ticket_drop(struct ticket *t)
{
	idr_remove(&tickets, t->id);
	kfree(t);
}

void ticket_void(struct ticket *t)
{
	mutex_lock(&box_office);
	ticket_drop(t);
	mutex_unlock(&box_office);
}

int ticket_sell_locked(struct ticket *t)
{
	t->id = idr_alloc(&tickets, t, 1, 0, GFP_KERNEL);
	return t->id < 0 ? t->id : 0;
}`,
      `
static DEFINE_IDR(tickets);
static DEFINE_MUTEX(box_office);

void ticket_void(struct ticket *t)
{
	mutex_lock(&box_office);
	idr_remove(&tickets, t->id);
	mutex_unlock(&box_office);
	kfree(t);
}

int ticket_sell(struct ticket *t)
{
	mutex_lock(&box_office);
	t->id = idr_alloc(&tickets, t, 1, 0, GFP_KERNEL);
	mutex_unlock(&box_office);
	return t->id < 0 ? t->id : 0;
}`,
      `
static DEFINE_IDA(tickets);

void ticket_void(struct ticket *t)
{
	ida_free(&tickets, t->id);
}

int ticket_sell(struct ticket *t)
{
	t->id = ida_alloc(&tickets, GFP_KERNEL);
	return t->id;
}`,
      `
static DEFINE_IDR(tickets);

void ticket_void(struct ticket *t)
{
	lockdep_assert_held(&box_office);
	idr_remove(&tickets, t->id);
}

int ticket_sell(struct ticket *t)
{
	lockdep_assert_held(&box_office);
	t->id = idr_alloc(&tickets, t, 1, 0, GFP_KERNEL);
	return t->id;
}`,
      `
static DEFINE_IDR(tickets);

int __init tickets_init(void)
{
	return idr_alloc(&tickets, &none, 0, 1, GFP_KERNEL);
}

void __exit tickets_exit(void)
{
	idr_remove(&tickets, 0);
}`,
    ],
  },
  checkFile(file, report, world) {
    const changes = new Map<string, { fn: CFunction; event: Event; held: boolean }[]>();
    for (const fn of file.functions) {
      // Set-up and teardown of the whole; what creates and removes single objects runs beside others.
      if (runsAlone(fn, world)) continue;
      for (const event of fn.events) {
        if (!/^idr_(?:alloc(?:_cyclic|_u32)?|remove|replace)$/.test(event.api) || event.cell?.base !== null || !/^\w+$/.test(event.cell.path))
          continue;
        const known = changes.get(event.cell.path) ?? [];
        known.push({ fn, event, held: seemsHeld(fn, event) || /lock/i.test(fn.doc?.text ?? '') });
        changes.set(event.cell.path, known);
      }
    }
    for (const [name, sites] of changes) {
      const pairs = sites.flatMap((one, i) => sites.slice(i + 1).flatMap(two => (one.fn === two.fn ? [] : [[one, two] as const])));
      // Whether a lock that both surely hold keeps them apart, the checker says.
      const open = pairs.filter(([one, two]) => serialiserOf(one, two, world)?.sure !== false);
      const [first, other] = open.find(([one, two]) => !serialiserOf(one, two, world)) ?? open[0] ?? [];
      if (!first || !other || sites.some(s => s.held)) continue;
      const alone = oneSided(first, other, world);
      if (alone?.hidden) continue;
      const names = [...new Set((alone ? [first, other] : sites).map(s => `${s.fn.name}()`))].slice(0, 3).join(', ');
      report(
        { event: first.event, fn: first.fn },
        {
          message: alone
            ? `${names} modify the IDR ${name} under no common lock: ${alone.by.name}() holds ${lockText(alone.lock)}, and ${alone.not.name}() does not`
            : `${names} modify the IDR ${name} with no lock held`,
          question: `Which lock serialises the changes to ${name}?`,
          dismissal: 'Not an issue if all callers hold the same lock',
          related: sites
            .slice(1, 4)
            .map(s => ({ path: s.fn.path, line: s.event.line, side: s.fn.side, note: `${called(s.event)}() in ${s.fn.name}()` })),
          advice: ['Use an IDA if only the number is needed, or an XArray, which does its own locking'],
          claim: updatesOf(name, first, other),
        },
      );
    }
  },
} satisfies Rule;

/** Each reads the tree and stores what it made of it, and one of the two is lost. */
function updatesOf(name: string, a: { fn: CFunction; event: Event }, b: { fn: CFunction; event: Event }): Claim {
  const says = { before: 'reads the old tree', after: 'stores its own change' };
  return {
    threads: [a, b].map(({ fn, event }) => ({ fn, events: [event] })),
    bad: { kind: 'sees', reads: [a, b].map(({ event }, thread) => ({ read: event, from: 'before' as const, thread })), ends: [b.event] },
    meanings: [a, b].map(({ event }) => ({ event, access: 'update' as const, cell: name, ordering: 'relaxed' as const, says })),
    edits: [{ kind: 'lock', text: 'One lock held around all changes' }],
    assumes: [],
    stands: true,
  };
}

/** In a piece of a function: a lock given back further down, or taken further up, may be held here. */
function seemsHeld(fn: CFunction, event: Event): boolean {
  return !fn.whole && [...before(fn, event), ...after(fn, event)].some(e => e.kind === 'lock' || e.kind === 'unlock' || /lock/.test(e.api));
}
