import {
  bitOrPath,
  called,
  comesBefore,
  conditionOn,
  gates,
  isConstantText,
  isOwn,
  isTest,
  keyOf,
  nearest,
  nodesAfter,
  ofOneObject,
  ordersLoads,
  ordersStores,
  passes,
  runsAlone,
  sameStatement,
  waitsUntil,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Meaning, Rule, Use, World } from '../../src/model/rule.ts';

export default {
  id: 'flag-published-without-release',
  title: 'A flag is set to say that data is ready, without ordering the two',
  why: `
    One function fills in an object and then sets a word of it that says so; another tests that word without a lock and, if it is set, reads
    the data. WRITE_ONCE(), atomic_set() and set_bit() imply no ordering, and neither does the test: the flag can become visible before the
    data, and the data can be loaded before the flag. Both sides are needed, a release and an acquire, or smp_wmb() and smp_rmb(). The
    barriers inside sleeping and waking order the flag against the sleep, not the data against the flag.`,
  severity: 'warning', // A note where neither side orders anything and nobody waits for the flag.
  confidence: 'medium',
  finds: ['barrier-missing', 'publish-before-init'],
  references: [
    'tools/memory-model/Documentation/recipes.txt, Release and acquire',
    'Documentation/memory-barriers.txt, SLEEP AND WAKE-UP FUNCTIONS',
    'Documentation/memory-barriers.txt, VARIETIES OF MEMORY BARRIER',
  ],
  knownGaps: ['a writer whose readers are not visible', 'data that a callee fills in'],
  examples: {
    bad: [
      `
void cap_fill(struct cap *c, const void *from, int n)
{
	memcpy(c->bytes, from, n);
	c->len = n;
	atomic_set(&c->valid, 1); /* want: flag-published-without-release "valid" */
}

int cap_get(struct cap *c)
{
	if (!atomic_read(&c->valid))
		return -EAGAIN;
	return c->len;
}`,
      `
void slot_fill(struct slot *s, int id)
{
	s->id = id;
	WRITE_ONCE(s->ready, 1); /* want: flag-published-without-release "the store to id" */
}

int slot_take(struct slot *s)
{
	if (READ_ONCE(s->ready)) {
		smp_rmb();
		return s->id;
	}
	return -1;
}`,
      `
void slot_fill(struct slot *s, int id)
{
	s->id = id;
	smp_store_release(&s->ready, 1);
}

int slot_take(struct slot *s)
{
	if (READ_ONCE(s->ready)) /* want: flag-published-without-release "the load of id" */
		return s->id;
	return -1;
}`,
      `
void cap_done(struct cap *c, const void *from, int n)
{
	memcpy(c->bytes, from, n);
	atomic_set(&c->valid, 1); /* want: flag-published-without-release "valid" */
	wake_up_all(&c->queue);
}

int cap_copy(struct cap *c, void __user *to, int n)
{
	void *bytes;

	if (!wait_event_timeout(c->queue, atomic_read(&c->valid), 5 * HZ))
		return -EBUSY;
	bytes = c->bytes;
	return copy_to_user(to, bytes, n) ? -EFAULT : 0;
}`,
    ],
    good: [
      `
void slot_fill(struct slot *s, int id)
{
	s->id = id;
	smp_store_release(&s->ready, 1);
}

int slot_take(struct slot *s)
{
	if (!smp_load_acquire(&s->ready))
		return -1;
	return s->id;
}`,
      `
void slot_fill(struct slot *s, int id)
{
	s->id = id;
	smp_wmb();
	WRITE_ONCE(s->ready, 1);
}

int slot_take(struct slot *s)
{
	if (!READ_ONCE(s->ready))
		return -1;
	smp_rmb();
	return s->id;
}`,
      `
/* The look without the lock only saves time: what is used is read under it. */
void slot_fill(struct slot *s, int id)
{
	spin_lock(&s->lock);
	s->id = id;
	WRITE_ONCE(s->ready, 1);
	spin_unlock(&s->lock);
}

int slot_take(struct slot *s)
{
	int id = -1;

	if (!READ_ONCE(s->ready))
		return id;
	spin_lock(&s->lock);
	id = s->id;
	spin_unlock(&s->lock);
	return id;
}`,
      `
/* Nobody else has it yet. */
struct slot *slot_new(int id)
{
	struct slot *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->id = id;
	WRITE_ONCE(s->ready, 1);
	return s;
}

int slot_take(struct slot *s)
{
	return READ_ONCE(s->ready) ? s->id : -1;
}`,
      `
/* Two facts that say nothing of each other. */
void stat_set(struct stat *s, int n)
{
	s->total = n;
	WRITE_ONCE(s->seen, 1);
}

void stat_show(struct stat *s)
{
	pr_info("%d %d\\n", s->total, READ_ONCE(s->seen));
}`,
      `
/* The flag goes off first: what is read is read where it is not set. */
void slot_stop(struct slot *s, int why)
{
	s->why = why;
	WRITE_ONCE(s->stopped, 1);
}

int slot_run(struct slot *s)
{
	if (READ_ONCE(s->stopped))
		return -ESHUTDOWN;
	return s->why;
}`,
    ],
  },
  checkCell({ tie, key }, uses, report, world) {
    if (tie || key.startsWith('|')) return;
    const sets = uses.filter(u => isSet(u) && alive(u, world)).slice(0, MOST);
    const looks = sets.length > 0 ? uses.filter(u => isLook(u.event) && alive(u, world)).slice(0, MOST) : [];
    for (const set of sets) {
      const payload = payloadOf(set);
      if (payload.size === 0) continue;
      for (const look of looks) {
        if (look.fn === set.fn || look.event.cell?.bit !== set.event.cell?.bit) continue;
        const found = readBehind(look, payload);
        if (!found) continue;
        const { data, load } = found;
        const stored = set.event.ordering === 'release' || passes(set.fn, data, set.event, ordersStores);
        const loaded = look.event.ordering === 'acquire' || passes(look.fn, look.event, load, ordersLoads);
        if (stored && (loaded || !meantTo(set) || barrierBefore(look))) continue;
        // A writer that says it orders, and a reader that does not, are one fault; where neither does, it is the writer that is spoken of.
        const at = stored ? look : set;
        const [name, what] = [nameOf(set.event), data.cell?.path ?? 'the data'];
        report(at, {
          message: stored
            ? `${look.fn.name}() tests ${name}, and the load of ${what} after it is not ordered after the test`
            : `${set.fn.name}() sets ${name}, and the store to ${what} is not ordered before it`,
          detail: [`${look.fn.name}() reads ${what} if ${name} is set${loaded || stored ? '' : ', and its two loads are not ordered either'}`],
          question: stored
            ? `Should the test of ${name} be an acquire, since ${set.fn.name}() orders its side?`
            : `Should ${name} be set with release ordering${loaded ? '' : ' and tested with acquire ordering'}?`,
          dismissal: `Not an issue if ${look.fn.name}() runs only after ${set.fn.name}(), and something else orders the two`,
          quote: stored ? [look.event, load] : [data, set.event],
          related: [
            stored
              ? { ...placed(set.event), note: `where ${name} is set, in ${set.fn.name}()` }
              : { ...placed(look.event), note: `where ${name} is tested, in ${look.fn.name}()` },
          ],
          shape: key,
          // An order on one side, or someone who waits for the flag, shows what it is for; else it may be kept apart by what is not in view.
          ...(stored || loaded || awaited(look.fn, look.event) ? {} : { severity: 'note' as const }),
          claim: claimOf(set, look, data, load, found.handed),
        });
        break;
      }
    }
  },
} satisfies Rule;

const MOST = 8;

function placed({ path, line, side }: Event) {
  return { path, line, side };
}

function nameOf(event: Event): string {
  return event.cell ? bitOrPath(event.cell) : 'the flag';
}

/** Neither set-up nor a test, where nobody else looks; of bits only those that a constant names. */
function alive({ fn, event }: Use, world: World): boolean {
  const { cell } = event;
  if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return false;
  return (
    event.object === undefined &&
    !event.uncertain &&
    cell?.base != null &&
    (cell.bit === null || isConstantText(cell.bit.replace(/^_+/, ''))) &&
    !isOwn(fn, event)
  );
}

/** A read barrier before the test is one on the wrong side: read-barrier-on-wrong-side speaks of it. */
function barrierBefore({ fn, event }: Use): boolean {
  return fn.events.some(e => e.ordering === 'rmb' && nodesAfter(fn, e.node).has(event.node));
}

/** The order on the writer's side is there for the flag: it stands right before it, or in it. */
function meantTo({ fn, event }: Use): boolean {
  return event.ordering === 'release' || nearest(fn, event, 'before', e => e.kind !== 'read').events.some(e => e.kind === 'fence' && ordersStores(e));
}

/** A marked store of what is not zero. A word that goes to zero gives something back, and is another matter. */
function isSet({ event }: Use): boolean {
  if (event.kind === 'rmw') return event.atomic && event.operation === 'set' && event.cell?.bit != null && event.ordering !== 'full';
  if (event.kind !== 'write' || !event.atomic || event.operand === null) return false;
  const { operand } = event;
  return (
    (event.ordering === 'relaxed' || event.ordering === 'release') &&
    (operand === 'true' || (isConstantText(operand) && !/^(?:0|NULL)$/.test(operand)))
  );
}

function isLook(event: Event): boolean {
  return event.kind === 'read' && event.atomic && (event.ordering === 'relaxed' || event.ordering === 'acquire');
}

/** What the function stores plainly into the object before it sets the flag. */
function payloadOf({ fn, event: set }: Use): Map<string, Event> {
  const found = new Map<string, Event>();
  for (const e of fn.events) {
    if (!comesBefore(fn, e, set) || e.kind !== 'write' || e.ordering !== 'plain' || !ofOneObject(e, set) || e.object !== undefined || e.uncertain)
      continue;
    const key = keyOf(e);
    if (key === null || key === keyOf(set)) continue;
    if (passes(fn, e, set, x => x.opaque)) continue;
    found.set(key, e);
  }
  return found;
}

/** What the function reads of the payload only where the flag is as the writer set it. */
function readBehind({ fn, event: look }: Use, payload: Map<string, Event>): { data: Event; load: Event; handed: boolean } | null {
  for (const load of fn.events) {
    if (!comesBefore(fn, look, load)) continue;
    const data = load.kind === 'read' && load.ordering === 'plain' && ofOneObject(load, look) ? payload.get(keyOf(load) ?? '') : undefined;
    const copied = data ? undefined : copiedFrom(fn, load, look, payload);
    const source = data ?? copied;
    if (!source || load.uncertain || !behind(fn, look, load)) continue;
    const key = keyOf(source);
    // What was read before the test as well is no news that the flag brings.
    if (!copied && fn.events.some(e => comesBefore(fn, e, look) && e.kind === 'read' && keyOf(e) === key)) continue;
    return { data: source, load, handed: !data };
  }
  return null;
}

/** A call that copies what a pointer of the object points to, where the writer filled that. */
function copiedFrom(fn: CFunction, call: Event, look: Event, payload: Map<string, Event>): Event | undefined {
  if (!/^(?:copy_to_user|memcpy|simple_read_from_buffer|skb_put_data|sg_copy_from_buffer)$/.test(call.api)) return undefined;
  for (const source of call.argSources.slice(1).flat()) {
    const pointer = fn.events[source];
    const filled =
      pointer?.kind === 'read' && ofOneObject(pointer, look) && comesBefore(fn, look, pointer) ? payload.get(`${keyOf(pointer)}[]`) : undefined;
    if (filled) return filled;
  }
  return undefined;
}

/** Does the later event run only where the flag has the value that was set? */
function behind(fn: CFunction, look: Event, later: Event): boolean {
  const wait = awaited(fn, look);
  if (wait) return wait.node !== later.node && wait.args[1] !== undefined && sameText(wait.args[1], look);
  return gates(fn, look, later) && conditionOn(fn, look, later) === 'nonzero';
}

/** The macro that waits for what the load tells. */
function awaited(fn: CFunction, look: Event): Event | undefined {
  return fn.events.find(e => waitsUntil(e) && comesBefore(fn, look, e) && sameStatement(e, look));
}

/** The condition is the look itself, and nothing else. */
function sameText(condition: string, look: Event): boolean {
  return condition.replace(/\s+/g, '').startsWith(`${called(look)}(`) && /^\w+\([^()]*(?:\([^()]*\)[^()]*)*\)$/.test(condition.trim());
}

function claimOf(set: Use, look: Use, data: Event, load: Event, handed: boolean): Claim {
  const meanings: Meaning[] = handed ? [{ event: load, access: 'read', cell: data, ordering: 'plain' }] : [];
  return {
    threads: [
      { fn: set.fn, events: [data, set.event] },
      { fn: look.fn, events: [look.event, load] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: look.event, from: set.event },
        { read: load, from: 'before' },
      ],
    },
    meanings,
    edits: [
      { kind: 'order', event: set.event, ordering: 'release', text: 'A release store of the flag' },
      { kind: 'order', event: look.event, ordering: 'acquire', text: 'An acquire load of the flag' },
      {
        kind: 'both',
        text: 'A release store of the flag together with an acquire load of it',
        edits: [
          { kind: 'order', event: set.event, ordering: 'release', text: '' },
          { kind: 'order', event: look.event, ordering: 'acquire', text: '' },
        ],
      },
    ],
    assumes: ['both run on one object'],
  };
}
