import {
  bitOrPath,
  called,
  calleeIn,
  cellName,
  comesBefore,
  conditionOn,
  effectsOf,
  handlersIn,
  includesSection,
  isTest,
  keyOf,
  nodesAfter,
  onward,
  runsNamed,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { ClaimThread, Edit, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'pending-checked-before-release',
  title: 'The holder of a busy flag checks for pending work before releasing the flag, and not after',
  why: `
    One side takes a flag by a read-modify-write; if it is already taken, it marks work as pending for the holder and returns. The holder
    checks for pending work and then releases the flag. Work that is marked between the check and the release is lost: the holder has
    checked already, and the other side returned because the flag was still taken. The work waits until somebody happens to come by. The
    release must come first, then a full barrier, then the check; and work must be marked as pending before trying the flag.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['bitlock-nonatomic', 'lost-wakeup', 'barrier-missing'],
  references: ['tools/memory-model/Documentation/recipes.txt, Store buffering', 'Documentation/memory-barriers.txt, SMP BARRIER PAIRING'],
  knownGaps: [
    'the function that takes the flag and the one that releases it must both be visible',
    'a timer or a second queue that picks up what was missed is not seen',
  ],
  examples: {
    bad: [
      `
/* The look comes before the release. */
void mill_kick(struct mill *m)
{
	if (test_and_set_bit(MILL_BUSY, &m->state)) {
		set_bit(MILL_MORE, &m->state);
		return;
	}
	queue_work(m->wq, &m->work);
}

static void mill_work(struct work_struct *work)
{
	struct mill *m = container_of(work, struct mill, work);

again:
	clear_bit(MILL_MORE, &m->state);
	mill_grind(m);
	if (test_bit(MILL_MORE, &m->state))
		goto again;
	clear_bit(MILL_BUSY, &m->state); /* want: pending-checked-before-release "MILL_MORE" */
}`,
      `
struct pump { int owned; int more; };

int pump_run(struct pump *p)
{
	WRITE_ONCE(p->more, 1);
	if (cmpxchg(&p->owned, 0, 1))
		return 0;
	do {
		WRITE_ONCE(p->more, 0);
		pump_once(p);
	} while (READ_ONCE(p->more));
	smp_store_release(&p->owned, 0); /* want: pending-checked-before-release "more" */
	return 1;
}`,
      `
struct sieve { unsigned long state; struct work_struct shake; };

/* Both start the handler, but it does nothing once the flag is free. */
static void sieve_shake(struct work_struct *work)
{
	struct sieve *s = container_of(work, struct sieve, shake);

	if (!test_bit(SIEVE_BUSY, &s->state))
		return;
	do {
		clear_bit(SIEVE_MORE, &s->state);
		sieve_once(s);
	} while (test_bit(SIEVE_MORE, &s->state));
	clear_bit(SIEVE_BUSY, &s->state); /* want: pending-checked-before-release "SIEVE_MORE" */
}

void sieve_kick(struct sieve *s)
{
	if (test_and_set_bit(SIEVE_BUSY, &s->state))
		set_bit(SIEVE_MORE, &s->state);
	schedule_work(&s->shake);
}

void sieve_init(struct sieve *s)
{
	INIT_WORK(&s->shake, sieve_shake);
}`,
    ],
    good: [
      `
struct wire { unsigned long state; struct mutex lock; struct work_struct work; };

/* The caller holds the lock under which more is asked for. */
static void wire_rest(struct wire *w)
{
	w->error = 0;
	if (!test_bit(WIRE_MORE, &w->state))
		clear_bit(WIRE_BUSY, &w->state);
	else
		wire_again(w);
}

static void wire_work(struct work_struct *work)
{
	struct wire *w = container_of(work, struct wire, work);

	mutex_lock(&w->lock);
	wire_send(w);
	wire_rest(w);
	mutex_unlock(&w->lock);
}

void wire_ask(struct wire *w)
{
	mutex_lock(&w->lock);
	set_bit(WIRE_MORE, &w->state);
	mutex_unlock(&w->lock);
	if (!test_and_set_bit(WIRE_BUSY, &w->state))
		schedule_work(&w->work);
}`,
      `
/* Released first, looked at after a full barrier, and the note is left before the flag is tried. */
void mill_kick(struct mill *m)
{
	set_bit(MILL_MORE, &m->state);
	if (test_and_set_bit(MILL_BUSY, &m->state))
		return;
	queue_work(m->wq, &m->work);
}

static void mill_work(struct work_struct *work)
{
	struct mill *m = container_of(work, struct mill, work);

again:
	clear_bit(MILL_MORE, &m->state);
	mill_grind(m);
	clear_bit(MILL_BUSY, &m->state);
	smp_mb__after_atomic();
	if (test_bit(MILL_MORE, &m->state))
		goto again;
}`,
      `
/* One lock over both sides: the checker finds no such execution. */
void vat_kick(struct vat *v)
{
	spin_lock(&v->lock);
	if (test_and_set_bit(VAT_BUSY, &v->state))
		set_bit(VAT_MORE, &v->state);
	spin_unlock(&v->lock);
}

void vat_done(struct vat *v)
{
	spin_lock(&v->lock);
	if (!test_bit(VAT_MORE, &v->state))
		clear_bit(VAT_BUSY, &v->state);
	spin_unlock(&v->lock);
}`,
      `
/* Who finds it taken tries again. */
void belt_kick(struct belt *b)
{
	while (test_and_set_bit(BELT_BUSY, &b->state)) {
		set_bit(BELT_MORE, &b->state);
		cpu_relax();
	}
	belt_move(b);
}

void belt_done(struct belt *b)
{
	if (!test_bit(BELT_MORE, &b->state))
		clear_bit(BELT_BUSY, &b->state);
}`,
      `
/* The work is queued again after the release, whatever it finds. */
void loom_kick(struct loom *l)
{
	if (test_and_set_bit(LOOM_BUSY, &l->state))
		set_bit(LOOM_MORE, &l->state);
}

void loom_done(struct loom *l)
{
	if (test_bit(LOOM_MORE, &l->state))
		return;
	clear_bit(LOOM_BUSY, &l->state);
	queue_work(l->wq, &l->work);
}`,
      `
struct sieve { unsigned long state; struct work_struct shake; };

/* Who leaves the note starts the handler too: it runs once more and does the work, whoever holds the flag. */
static void sieve_shake(struct work_struct *work)
{
	struct sieve *s = container_of(work, struct sieve, shake);

	do {
		clear_bit(SIEVE_MORE, &s->state);
		sieve_once(s);
	} while (test_bit(SIEVE_MORE, &s->state));
	clear_bit(SIEVE_BUSY, &s->state);
}

void sieve_kick(struct sieve *s)
{
	if (test_and_set_bit(SIEVE_BUSY, &s->state))
		set_bit(SIEVE_MORE, &s->state);
	schedule_work(&s->shake);
}

void sieve_init(struct sieve *s)
{
	INIT_WORK(&s->shake, sieve_shake);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const release of fn.events) {
      if (!givesBack(release)) continue;
      const sides = takersOf(world).get(placeKey(release) ?? '') ?? [];
      if (sides.length === 0) continue;
      const look = lookBefore(fn, release, new Set(sides.map(s => placeKey(s.note))), world);
      if (!look) continue;
      const taker = sides.find(s => placeKey(s.note) === placeKey(look) && !excluded(s, look, release) && !startsAnew(s, fn, release, world));
      if (!taker) continue;
      const pending = nameOf(look);
      const busy = nameOf(release);
      const holder: ClaimThread = { fn, events: [look, release] };
      const noted = comesBefore(taker.fn, taker.note, taker.take);
      const order = noted ? [taker.note, taker.take] : [taker.take, taker.note];
      report(
        { event: release, fn },
        {
          message: `${fn.name}() checks ${pending} before it releases ${busy} and not after, so what ${taker.fn.name}() adds in between is lost`,
          detail: [`${taker.fn.name}() finds ${busy} still taken and leaves ${pending} to its holder, which has already checked`],
          question: `Who handles ${pending} if it is set between the check and the release of ${busy}?`,
          dismissal: `Not an issue if something else handles ${pending} later anyway`,
          related: [{ path: taker.take.path, line: taker.take.line, side: taker.take.side, note: `the other side, in ${taker.fn.name}()` }],
          quote: [look, release],
          claim: {
            threads: [holder, { fn: taker.fn, events: order }],
            bad: {
              kind: 'sees',
              reads: [
                { read: look, from: 'before', thread: 0 },
                { read: taker.take, from: 'before', thread: 1 },
              ],
            },
            starts: [
              { cell: release, value: 1 },
              { cell: look, value: 0 },
            ],
            edits: cures(look, release, taker, pending, busy),
            assumes: ['both run on one object', `${busy} is taken at first`],
          },
        },
      );
    }
  },
} satisfies Rule;

/** A function that tries for the flag and, where it fails, leaves a note. */
interface Taker {
  fn: CFunction;
  take: Event;
  note: Event;
}

const known = new WeakMap<World, Map<string, Taker[]>>();

/** All such functions in view, by the flag. */
function takersOf(world: World): Map<string, Taker[]> {
  const before = known.get(world);
  if (before) return before;
  const found = new Map<string, Taker[]>();
  known.set(world, found);
  for (const fn of world.functions) {
    if (fn.isMacro || fn.broken || isTest(fn)) continue;
    for (const take of fn.events) {
      if (!tries(take)) continue;
      const key = placeKey(take);
      const note = key === null ? undefined : noteOf(fn, take);
      if (key === null || !note) continue;
      const list = found.get(key) ?? [];
      list.push({ fn, take, note });
      found.set(key, list);
    }
  }
  return found;
}

/** An atomic read-modify-write that takes a flag and whose value is looked at. */
function tries(event: Event): boolean {
  if (event.kind !== 'rmw' || !event.atomic || !event.used || event.uncertain || !event.cell) return false;
  if (event.operation === 'set') return true;
  return (event.operation === 'cmpxchg' && event.args[1] === '0' && event.args[2] === '1') || (event.operation === 'xchg' && event.operand === '1');
}

/** What the loser sets before it leaves: on the way where the flag was taken, or right before it tried. */
function noteOf(fn: CFunction, take: Event): Event | undefined {
  const takenWhen = valueOfTaken(take);
  const { events, leaves } = onward(fn, take, { value: takenWhen });
  // Who waits, or tries again, is no longer gone when the flag comes free.
  if (nodesAfter(fn, take.node).has(take.node) || !leaves) return undefined;
  const won = new Set(onward(fn, take, { value: takenWhen === 'zero' ? 'nonzero' : 'zero' }).events);
  const lost = events.filter(e => !won.has(e));
  if (lost.some(e => e.kind === 'wait' || e.opaque)) return undefined;
  const own = lost.find(e => sets(e) && keyOf(e) !== null && placeKey(e) !== placeKey(take));
  if (own) return own;
  const nearest = fn.events
    .filter(e => comesBefore(fn, e, take) && sets(e) && placeKey(e) !== placeKey(take) && e.cell?.base === take.cell?.base)
    .at(-1);
  return nearest && conditionOn(fn, nearest, take) === 'any' && nodesAfter(fn, nearest.node).has(take.node) ? nearest : undefined;
}

/** A marked or atomic store of what is not zero. */
function sets(event: Event): boolean {
  if (!event.cell || event.uncertain || !event.atomic || (event.kind !== 'write' && event.kind !== 'rmw')) return false;
  return event.operation === 'set' || (event.kind === 'write' && event.operation === 'store' && /^(?:1|true)$/.test(event.operand ?? ''));
}

function givesBack(event: Event): boolean {
  if (!event.cell || event.uncertain || (event.kind !== 'write' && event.kind !== 'rmw' && event.kind !== 'unlock')) return false;
  return (
    event.operation === 'clear' ||
    (event.kind === 'write' && (event.operation === 'store' || event.operation === 'assign') && /^(?:0|false)$/.test(event.operand ?? ''))
  );
}

/** The look that lets the holder leave: the release runs only where it saw nothing, and nothing looks again after it. */
function lookBefore(fn: CFunction, release: Event, notes: ReadonlySet<string | null>, world: World): Event | null {
  const looks = fn.events.filter(
    e => e.kind === 'read' && !e.uncertain && comesBefore(fn, e, release) && notes.has(placeKey(e)) && e.cell?.base === release.cell?.base,
  );
  const look = looks
    .filter(e => onward(fn, e, { value: 'zero' }).events.includes(release) && !onward(fn, e, { value: 'nonzero' }).events.includes(release))
    .at(-1);
  if (!look) return null;
  const { events } = onward(fn, release, {});
  const again = events.some(
    e =>
      e !== release &&
      (placeKey(e) === placeKey(look) ||
        e.opaque ||
        (e.kind === 'wake' && !/^wake_up/.test(e.api)) ||
        (e.kind === 'call' && touches(fn, e, look, world))),
  );
  return again ? null : look;
}

/** Does the call, as far as in view, come by the cell? A call of which nothing is in view may. */
function touches(fn: CFunction, call: Event, look: Event, world: World): boolean {
  const effects = effectsOf(fn, call, world.functions);
  return effects === null
    ? world.functions.some(f => runsNamed(call, f.name))
    : effects.some(e => e.cell && placeKey({ ...e.event, cell: e.cell }) === placeKey(look));
}

/** A lock that both sides hold. */
function excluded(taker: Taker, look: Event, release: Event): boolean {
  const held = (a: Event, b: Event) => a.locks.filter(l => includesSection(b.locks, l) && l.mode === 'exclusive');
  const mine = held(taker.take, taker.note);
  return mine.length > 0 && held(look, release).some(l => l.by === 'convention' && mine.some(m => m.by === 'convention'));
}

/**
 * Who leaves the note starts the holder's work item on every way behind it: that runs once more, and looks again. Not where the holder first
 * asks for the flag, which by then is free.
 */
function startsAnew(taker: Taker, holder: CFunction, release: Event, world: World): boolean {
  const noted = comesBefore(taker.fn, taker.note, taker.take);
  const starts = (e: Event) => e.kind === 'wake' && runs(e, holder, release, world);
  const from = noted ? taker.take : taker.note;
  if (!taker.fn.events.some(e => comesBefore(taker.fn, from, e) && starts(e))) return false;
  return !onward(taker.fn, from, { stop: starts, ...(noted ? { value: valueOfTaken(taker.take) } : {}) }).leaves;
}

/** Does the item that the event starts run the holder, itself or by a call, without a look at the flag? */
function runs(start: Event, holder: CFunction, release: Event, world: World): boolean {
  const key = keyOf(start);
  const handlers = key === null ? [] : (handlersIn(world.functions).get(key) ?? []);
  const asks = (fn: CFunction) => fn.events.some(e => (e.kind === 'read' || tries(e)) && placeKey(e) === placeKey(release));
  return handlers.some(
    handler =>
      !asks(handler) &&
      !asks(holder) &&
      (handler === holder || handler.events.some(e => e.kind === 'call' && calleeIn(handler, e, world.functions) === holder)),
  );
}

/** What the attempt gives where the flag is taken already. */
function valueOfTaken(take: Event): 'zero' | 'nonzero' {
  return take.operation === 'cmpxchg' && /try_cmpxchg/.test(take.api) ? 'zero' : 'nonzero';
}

function cures(look: Event, release: Event, taker: Taker, pending: string, busy: string): Edit[] {
  const holder: Edit = {
    kind: 'both',
    text: `Releasing ${busy} first, then smp_mb(), then checking ${pending}`,
    edits: [
      { kind: 'move', event: release, where: 'before', to: look, text: '' },
      { kind: 'fence', fence: 'full', where: 'after', event: release, text: '' },
    ],
  };
  const early = comesBefore(taker.fn, taker.note, taker.take);
  const first: Edit[] = early ? [] : [{ kind: 'move', event: taker.note, where: 'before', to: taker.take, text: '' }];
  const text = early ? holder.text : `${holder.text}, and setting ${pending} before trying ${busy} in ${taker.fn.name}()`;
  const fence: Edit = { kind: 'fence', fence: 'full', where: 'before', event: taker.take, text: '' };
  const orders = taker.take.orderingOnFailure === null || taker.take.orderingOnFailure === 'full';
  return orders
    ? [{ kind: 'both', text, edits: [...first, holder] }]
    : [
        {
          kind: 'both',
          text: `${text}, with smp_mb() before ${called(taker.take)}() there`,
          edits: [...first, fence, holder],
        },
      ];
}

/** The cell, and the bit of it. */
function placeKey(event: Event): string | null {
  const key = keyOf(event);
  return key === null ? null : `${key}|${event.cell?.bit ?? ''}`;
}

function nameOf(event: Event): string {
  return event.cell ? bitOrPath({ ...event.cell, path: cellName(event.cell) }) : 'it';
}
