import { bitOrPath, called, comesBefore, decidesBranch, eventsOf, isTest, keyOf, nearest, ordersAll, runsAlone } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'recheck-after-unlock-unordered',
  title: 'After the unlock the lock holder checks for new work, and nothing orders the two',
  why: `
    A CPU that adds work and fails to get the lock returns, and relies on the lock holder to check again. The holder unlocks and then
    checks; but an unlock orders only what precedes it, and the check may be done while others still see the lock as taken. The holder finds
    nothing, the other CPU finds the lock taken, and the work is stuck. A full barrier is needed between the unlock and the check, and
    another between adding the work and the trylock.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['barrier-missing', 'lost-wakeup'],
  references: ['Documentation/memory-barriers.txt, IMPLICIT KERNEL MEMORY BARRIERS', 'tools/memory-model/Documentation/recipes.txt, Store buffering'],
  knownGaps: ['work added by code that is not visible', 'a check made by a callee'],
  examples: {
    bad: [
      `
void mill_run(struct mill *m)
{
	if (!spin_trylock(&m->lock))
		return;
	mill_grind(m);
	spin_unlock(&m->lock);
	if (atomic_read(&m->sacks)) /* want: recheck-after-unlock-unordered "sacks" */
		queue_work(mill_wq, &m->work);
}

void mill_bring(struct mill *m)
{
	atomic_inc(&m->sacks);
	mill_run(m);
}`,
      `
void mill_bring(struct mill *m, struct sack *s)
{
	WRITE_ONCE(m->next, s);
	if (!spin_trylock(&m->lock))
		return;
	mill_grind(m);
	spin_unlock(&m->lock);
}

void mill_end(struct mill *m)
{
	spin_unlock(&m->lock);
	if (READ_ONCE(m->next)) /* want: recheck-after-unlock-unordered "next" */
		queue_work(mill_wq, &m->work);
}`,
    ],
    good: [
      `
void mill_run(struct mill *m)
{
	if (!spin_trylock(&m->lock))
		return;
	mill_grind(m);
	spin_unlock(&m->lock);
	smp_mb();
	if (atomic_read(&m->sacks))
		queue_work(mill_wq, &m->work);
}

void mill_bring(struct mill *m)
{
	atomic_inc(&m->sacks);
	smp_mb__after_atomic();
	mill_run(m);
}`,
      `
/* The flags of a page are many, and the lock is one of them. */
bool sheet_try(struct folio *folio)
{
	folio_set_dirty(folio);
	return folio_trylock(folio);
}

void sheet_leave(struct folio *folio)
{
	folio_unlock(folio);
	if (folio_test_dirty(folio))
		sheet_keep(folio);
}`,
      `
/* Who does not get the lock at once waits for it. */
void mill_bring(struct mill *m, struct sack *s)
{
	WRITE_ONCE(m->next, s);
	if (!spin_trylock(&m->lock)) {
		m->waits++;
		spin_lock(&m->lock);
	}
	mill_grind(m);
	spin_unlock(&m->lock);
}

void mill_end(struct mill *m)
{
	spin_unlock(&m->lock);
	if (READ_ONCE(m->next))
		queue_work(mill_wq, &m->work);
}`,
      `
/* The work is brought under the lock that is held over the unlock and the look as well. */
void mill_bring(struct mill *m, struct sack *s)
{
	spin_lock(&m->yard);
	WRITE_ONCE(m->next, s);
	if (spin_trylock(&m->lock)) {
		mill_grind(m);
		spin_unlock(&m->lock);
	}
	spin_unlock(&m->yard);
}

void mill_end(struct mill *m)
{
	spin_lock(&m->yard);
	spin_unlock(&m->lock);
	if (READ_ONCE(m->next))
		queue_work(mill_wq, &m->work);
	spin_unlock(&m->yard);
}`,
      `
/* The try comes first, and nothing is brought where it fails. */
void mill_bring(struct mill *m, struct sack *s)
{
	if (!spin_trylock(&m->lock))
		return;
	WRITE_ONCE(m->next, s);
	spin_unlock(&m->lock);
}

void mill_end(struct mill *m)
{
	spin_unlock(&m->lock);
	if (READ_ONCE(m->next))
		queue_work(mill_wq, &m->work);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return;
    for (const unlock of eventsOf(fn, 'unlock')) {
      const lock = keyOf(unlock);
      if (lock === null || !isMember(unlock) || unlock.ends) continue;
      const tries = triesIn(world).get(lock);
      if (!tries) continue;
      for (const look of looksBehind(fn, unlock)) {
        const found = producerOf(world, look, tries);
        if (!found) continue;
        const { producer, change, by } = found;
        const name = look.cell ? bitOrPath(look.cell) : 'the condition';
        report(
          { event: look, fn },
          {
            message: `${fn.name}() checks ${name} after ${called(unlock)}(), and nothing orders the two`,
            detail: [`${producer.name}() changes ${name} and returns if the lock is taken: each side can miss the other`],
            question: `Should smp_mb() be between ${called(unlock)}() and the check?`,
            dismissal: `Not an issue if something else checks ${name} later anyway`,
            quote: [unlock, look],
            related: [{ path: change.path, line: change.line, side: change.side, note: `changed in ${producer.name}()` }],
            claim: claimOf(fn, unlock, look, producer, change, by),
          },
        );
        return;
      }
    }
  },
} satisfies Rule;

/** A named member of a type: what a call gives of an object as a whole, as of a folio, may be any of its parts. */
function isMember({ cell }: Event): boolean {
  return cell?.type != null && cell.path !== '*';
}

/** Tests of shared memory that come first behind the unlock. */
function looksBehind(fn: CFunction, unlock: Event): Event[] {
  const decides = (e: Event) => e.kind === 'read' && decidesBranch(fn, e);
  const near = nearest(
    fn,
    unlock,
    'after',
    e => decides(e) || ordersAll(e) || e.opaque || e.argCells !== undefined || e.kind === 'lock' || e.kind === 'wait' || e.kind === 'free',
  );
  return near.events.filter(e => decides(e) && isMember(e) && e.cell?.base != null && e.object === undefined && !e.uncertain);
}

interface Try {
  fn: CFunction;
  event: Event;
}

const tried = new WeakMap<World, Map<string, Try[]>>();

/** Functions that try for a lock and never wait for it, by the lock's cell. */
function triesIn(world: World): Map<string, Try[]> {
  const known = tried.get(world);
  if (known) return known;
  const found = new Map<string, Try[]>();
  for (const fn of world.functions) {
    if (fn.isMacro || isTest(fn)) continue;
    const locks = eventsOf(fn, 'lock');
    for (const event of locks) {
      const key = /trylock/.test(event.api) && isMember(event) ? keyOf(event) : null;
      if (key === null || locks.some(e => keyOf(e) === key && !/trylock/.test(e.api))) continue;
      const list = found.get(key) ?? [];
      found.set(key, list);
      list.push({ fn, event });
    }
  }
  tried.set(world, found);
  return found;
}

/** Who changes what the holder looks at, and tries for the lock after that, itself or by a call. */
function producerOf(world: World, look: Event, tries: Try[]): { producer: CFunction; change: Event; by: Event } | null {
  const sites = tries.flatMap(t => [t, ...world.callers(t.fn.name).map(({ fn, event }) => ({ fn, event }))]);
  for (const { fn, event: by } of sites) {
    if (isTest(fn) || runsAlone(fn, world) || fn.isMacro) continue;
    const change = fn.events.find(
      e =>
        (e.kind === 'write' || (e.kind === 'rmw' && e.atomic)) &&
        keyOf(e) === keyOf(look) &&
        e.cell?.bit === look.cell?.bit &&
        e.object !== 'private' &&
        brings(e) &&
        comesBefore(fn, e, by),
    );
    if (change) return { producer: fn, change, by };
  }
  return null;
}

/** What takes away is no work that somebody else should see. */
function brings(event: Event): boolean {
  return event.operation !== 'clear' && event.operation !== 'dec' && event.operation !== 'sub' && !/^(?:0|NULL|false)$/.test(event.operand ?? '');
}

/** The holder looks before its unlock is seen, and the other one tries before its change is. */
function claimOf(fn: CFunction, unlock: Event, look: Event, producer: CFunction, change: Event, by: Event): Claim {
  const word = unlock.cell?.path ?? 'the lock';
  const gives: AssumedStep = { does: 'write', cell: word, value: 0, ordering: 'release', says: { before: '', after: `releases ${word}` } };
  const finds: AssumedStep = { does: 'read', cell: word, says: { before: `finds ${word} taken and returns`, after: `finds ${word} free` } };
  const name = look.cell ? bitOrPath(look.cell) : 'the condition';
  const behind = { kind: 'fence' as const, fence: 'full' as const, where: 'before' as const, event: look };
  return {
    threads: [
      { fn, events: [look], before: [gives] },
      { fn: producer, events: by.kind === 'call' ? [change, by] : [change], then: [finds] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: look, from: 'before' },
        { read: finds, from: 'before' },
      ],
    },
    starts: [{ cell: word, value: 1 }],
    edits: [
      { ...behind, text: `smp_mb() between ${called(unlock)}() and the check` },
      {
        kind: 'both',
        text: `smp_mb() between ${called(unlock)}() and the check with a full barrier after the change of ${name}`,
        edits: [
          { ...behind, text: '' },
          { kind: 'fence', fence: 'full', where: 'after', event: change, text: '' },
        ],
      },
    ],
    assumes: ['both run on one object', `a CPU that finds ${word} taken returns`],
  };
}
