import {
  called,
  comesBefore,
  effectsOf,
  fencesOf,
  isTest,
  nearest,
  nodesAfter,
  nodesBefore,
  ofOneObject,
  ordersStores,
  runsAlone,
} from '../../src/analysis/query.ts';
import type { Cell, CFunction, Event } from '../../src/model/code.ts';
import type { Related } from '../../src/model/finding.ts';
import type { AssumedStep, Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'payload-changed-after-publication',
  title: 'Part of the data is written after the flag that publishes it',
  why: `
    The write barrier is there so that whoever sees the flag also sees the data. A member of the same data that is stored after the flag, by
    the function itself or by a helper it calls next, may be seen by the reader with its old or its new value: the data is not complete when
    the flag says so. All data must be stored first, and the flag last. The claim assumes a reader of that member that tests the flag.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['barrier-misplaced', 'publish-before-init'],
  references: ['Documentation/memory-barriers.txt, SMP BARRIER PAIRING', 'tools/memory-model/Documentation/recipes.txt, Message passing (MP)'],
  knownGaps: ['only members of one embedded structure count as one payload', 'helpers of helpers', 'whether a reader reads that member'],
  examples: {
    bad: [
      `
struct parcel { struct label { int len; void *bytes; } label; int arrived; };

static void parcel_strip(struct parcel *p)
{
	p->label.bytes = NULL;
}

void parcel_arrive(struct parcel *p, int len)
{
	p->label.len = len;
	smp_wmb();
	WRITE_ONCE(p->arrived, len);
	parcel_strip(p); /* want: payload-changed-after-publication "label.bytes" */
}`,
      `
struct parcel { struct label { int len; void *bytes; } label; int arrived; };

void parcel_arrive(struct parcel *p, int len)
{
	p->label.len = len;
	smp_wmb();
	p->arrived = len;
	p->label.bytes = NULL; /* want: payload-changed-after-publication "label.bytes" */
}`,
    ],
    good: [
      `
struct parcel { struct label { int len; void *bytes; } label; int arrived; };

void parcel_arrive(struct parcel *p, int len)
{
	p->label.bytes = NULL;
	p->label.len = len;
	smp_wmb();
	WRITE_ONCE(p->arrived, len);
}`,
      `
/* Another round of the ring: what is stored behind the index was stored before it as well. */
struct ring { struct slot { int len; int next; } slot; int head; };

void ring_push(struct ring *r, int len)
{
	r->slot.len = len;
	smp_wmb();
	WRITE_ONCE(r->head, len);
	r->slot.len = 0;
}`,
      `
/* A second barrier, and a flag of its own. */
struct parcel { struct label { int len; void *bytes; } label; int arrived; int open; };

void parcel_arrive(struct parcel *p, int len, void *bytes)
{
	p->label.len = len;
	smp_wmb();
	WRITE_ONCE(p->arrived, len);
	p->label.bytes = bytes;
	smp_wmb();
	WRITE_ONCE(p->open, 1);
}`,
      `
/* Counted, not published. */
struct parcel { struct tally { int seen; int lost; } tally; int arrived; };

void parcel_arrive(struct parcel *p, int len)
{
	p->tally.seen++;
	smp_wmb();
	WRITE_ONCE(p->arrived, len);
	p->tally.lost++;
}`,
      `
/* What the barrier is for is the slot; the pen is the sender's own. */
struct tray { struct pen { int turns; int more; } pen; struct slot *slot; int head; };

void tray_send(struct tray *t, int n)
{
	t->pen.turns = n;
	t->slot->owned = 1;
	smp_wmb();
	WRITE_ONCE(t->head, n);
	t->pen.more = 1;
}`,
      `
/* Of another one. */
struct parcel { struct label { int len; void *bytes; } label; int arrived; struct parcel *last; };

static void parcel_strip(struct parcel *p)
{
	p->label.bytes = NULL;
}

void parcel_arrive(struct parcel *p, int len)
{
	p->label.len = len;
	smp_wmb();
	WRITE_ONCE(p->arrived, len);
	parcel_strip(p->last);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return;
    for (const fence of fencesOf(fn, 'wmb')) {
      const near = nearest(fn, fence, 'after', e => e.kind !== 'read');
      const [flag] = near.events;
      if (near.events.length !== 1 || near.gap || !flag || !isStore(flag) || flag.cell?.type == null || part(flag) !== null) continue;
      const behind = nodesBefore(fn, fence.node);
      const before = fn.events.filter(e => isStore(e) && behind.has(e.node) && ofOneObject(e, flag) && part(e) !== null);
      // What the barrier is for stands right before it.
      const last = nearest(fn, fence, 'before', e => e.kind !== 'read').events.flatMap(e => (before.includes(e) ? (part(e) ?? []) : []));
      const late = last.length > 0 ? lateStore(fn, flag, before, last, world.functions) : null;
      if (!late) continue;
      const [what, name] = [late.event.cell?.path ?? 'it', flag.cell?.path ?? 'the flag'];
      const first = before.find(e => part(e) === part(late.event));
      report(
        { event: late.event, fn: late.fn },
        {
          message: `${fn.name}() writes ${what} after ${name}, which tells readers that ${part(late.event)} is complete`,
          detail: [`A reader that sees ${name} may see the old or the new value of ${what}`],
          question: `Should it be written before ${called(fence)}(), with the rest of ${part(late.event)}?`,
          dismissal: `Not an issue if no reader that sees ${name} reads ${what}`,
          quote: [...(first ? [first] : []), fence, flag, ...(late.fn === fn ? [late.event] : [])],
          related: relatedTo(fn, late),
          claim: claimOf(fn, fence, flag, late),
        },
      );
    }
  },
} satisfies Rule;

/** A store of a value to memory that others see. */
function isStore(event: Event): boolean {
  return (
    event.kind === 'write' &&
    event.operation === 'store' &&
    (event.ordering === 'plain' || event.ordering === 'relaxed') &&
    event.object === undefined &&
    !event.uncertain &&
    event.cell?.base != null
  );
}

/** The embedded structure that the member is part of. */
function part(event: Event): string | null {
  return /^([\w.]+)\.\w+$/.exec(event.cell?.path ?? '')?.[1] ?? null;
}

interface Late {
  fn: CFunction;
  event: Event;
  /** The event itself, or the call in the publisher. */
  by: Event;
}

/** The first store behind the flag to a member of a part that was stored before it, with no barrier between; by the function or what it calls. */
function lateStore(fn: CFunction, flag: Event, before: Event[], parts: string[], functions: readonly CFunction[]): Late | null {
  const seen = new Set(before.map(e => e.cell?.path));
  const isLate = (event: Event, cell: Cell | null) =>
    isStore(event) && cell?.base === flag.cell?.base && cell?.type === flag.cell?.type && !seen.has(cell?.path) && parts.includes(part(event) ?? '');
  for (const by of fn.events) {
    if (!comesBefore(fn, flag, by) || fencedBetween(fn, flag, by)) continue;
    if (isLate(by, by.cell) && !isPublished(fn, by)) return { fn, event: by, by };
    const inside = (effectsOf(fn, by, functions) ?? []).find(e => e.via.length === 1 && isLate(e.event, e.cell) && !isPublished(e.fn, e.event));
    if (inside) return { fn: inside.fn, event: inside.event, by };
  }
  return null;
}

/** Where the publisher calls what stores, or what it calls stores. */
function relatedTo(fn: CFunction, { fn: callee, event: { via }, by }: Late): Related[] {
  if (callee !== fn) return [{ path: by.path, line: by.line, side: by.side, note: `called here, in ${fn.name}()` }];
  return via ? [{ path: via.path, line: via.line, side: fn.side, note: `the store, in ${via.function}()` }] : [];
}

function fencedBetween(fn: CFunction, a: Event, b: Event): boolean {
  const [ahead, behind] = [nodesAfter(fn, a.node), nodesBefore(fn, b.node)];
  return fn.events.some(e => e !== a && e !== b && ahead.has(e.node) && behind.has(e.node) && isBarrier(e));
}

/** A barrier of its own comes behind the store: it is the payload of another flag. */
function isPublished(fn: CFunction, store: Event): boolean {
  return fn.events.some(e => comesBefore(fn, store, e) && (ordersStores(e) || (e.ordering === 'release' && e.kind === 'write')));
}

/** A reader sees the flag, and the member as it was. */
function claimOf(fn: CFunction, fence: Event, flag: Event, { fn: callee, event, by }: Late): Claim {
  const [what, name] = [event.cell?.path ?? 'it', flag.cell?.path ?? 'the flag'];
  const sees: AssumedStep = { does: 'read', cell: flag };
  const looks: AssumedStep = { does: 'read', cell: event };
  const move = { kind: 'move' as const, event, where: 'before' as const, to: fence };
  return {
    threads: [{ fn, events: [fence, flag, by], ...(callee === fn ? {} : { calls: [{ call: by, fn: callee, events: [event] }] }) }],
    others: [{ who: `a reader of ${what}`, does: [sees, { does: 'fence' }, looks] }],
    bad: {
      kind: 'sees',
      reads: [
        { read: sees, from: flag },
        { read: looks, from: 'before' },
      ],
    },
    edits: [
      flag.ordering === 'plain'
        ? {
            kind: 'both',
            text: `Writing ${what} before ${called(fence)}() and ${name} with WRITE_ONCE()`,
            edits: [
              { ...move, text: '' },
              { kind: 'order', event: flag, ordering: 'relaxed', text: '' },
            ],
          }
        : { ...move, text: `Writing ${what} before ${called(fence)}()` },
    ],
    assumes: [`a reader tests ${name} and then reads ${what}, with a read barrier in between`],
  };
}

/** Does the event stand there for its order? An atomic operation that orders besides is there for its value. */
function isBarrier(event: Event): boolean {
  return event.kind !== 'rmw' && (ordersStores(event) || event.ordering === 'release');
}
