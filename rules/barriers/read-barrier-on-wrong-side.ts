import {
  called,
  comesBefore,
  decidesBranch,
  effectsOf,
  fencesOf,
  isTest,
  keyOf,
  nearest,
  nodesAfter,
  nodesBefore,
  ofOneObject,
  ordersLoads,
  ordersStores,
  placeOf,
  runsAlone,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'read-barrier-on-wrong-side',
  title: 'A read barrier comes before the load of the flag instead of after it',
  why: `
    What is stored after the write barrier must be loaded before the read barrier, and what is stored before the one must be loaded after
    the other. If the reader's barrier comes before both loads, nothing orders the two: it can see the flag and the old data. A read barrier
    does not make the next load fresh, it keeps the loads before it from being satisfied after those that follow.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['barrier-misplaced', 'barrier-missing'],
  references: [
    'Documentation/memory-barriers.txt, SMP BARRIER PAIRING',
    'Documentation/memory-barriers.txt, WHAT MAY NOT BE ASSUMED ABOUT MEMORY BARRIERS?',
    'tools/memory-model/Documentation/recipes.txt, Message passing (MP)',
  ],
  knownGaps: ['a writer that is not visible', 'a barrier between two reads of the same cells is reported by barrier-orders-nothing'],
  examples: {
    bad: [
      `
void peer_connect(struct peer *p, int addr, int port)
{
	p->addr = addr;
	p->port = port;
	smp_wmb();
	WRITE_ONCE(p->up, 1);
}

int peer_port(struct peer *p)
{
	smp_rmb(); /* want: read-barrier-on-wrong-side "up" */
	if (!READ_ONCE(p->up))
		return -ENOTCONN;
	return p->port;
}`,
      `
/* The data is what the pointer leads to. */
void peer_connect(struct peer *p, struct wire *w)
{
	w->speed = 9600;
	smp_wmb();
	WRITE_ONCE(p->wire, w);
}

int peer_speed(struct peer *p)
{
	smp_rmb(); /* want: read-barrier-on-wrong-side "wire" */
	if (!p->wire)
		return 0;
	return p->wire->speed;
}`,
    ],
    good: [
      `
/* The barrier is for what stands before it, and that is stored behind one. */
void peer_connect(struct peer *p, struct wire *w)
{
	w->speed = 9600;
	smp_wmb();
	WRITE_ONCE(p->wire, w);
	WRITE_ONCE(p->up, 1);
}

int peer_speed(struct peer *p)
{
	struct wire *w;

	if (!READ_ONCE(p->up))
		return 0;
	smp_rmb();
	w = READ_ONCE(p->wire);
	if (!w)
		return 0;
	return w->speed;
}`,
      `
void peer_connect(struct peer *p, int addr, int port)
{
	p->addr = addr;
	p->port = port;
	smp_wmb();
	WRITE_ONCE(p->up, 1);
}

int peer_port(struct peer *p)
{
	if (!READ_ONCE(p->up))
		return -ENOTCONN;
	smp_rmb();
	return p->port;
}`,
      `
void peer_connect(struct peer *p, int addr)
{
	p->addr = addr;
	smp_wmb();
	WRITE_ONCE(p->up, 1);
}

/* The first look is what the barrier is for, the second only saves time. */
int peer_addr(struct peer *p)
{
	int addr;

	if (!READ_ONCE(p->up))
		return 0;
	smp_rmb();
	addr = p->addr;
	return READ_ONCE(p->up) ? addr : 0;
}`,
      `
/* An acquire orders what comes after it; the barrier before it is for something else. */
void peer_connect(struct peer *p, int addr)
{
	p->addr = addr;
	smp_wmb();
	WRITE_ONCE(p->up, 1);
}

int peer_addr(struct peer *p)
{
	int seen = READ_ONCE(p->seen);

	smp_rmb();
	if (!smp_load_acquire(&p->up))
		return seen;
	return p->addr;
}`,
      `
/* Both under the lock. */
void peer_connect(struct peer *p, int addr)
{
	spin_lock(&p->lock);
	p->addr = addr;
	smp_wmb();
	p->up = 1;
	spin_unlock(&p->lock);
}

int peer_addr(struct peer *p)
{
	int addr = 0;

	smp_rmb();
	spin_lock(&p->lock);
	if (p->up)
		addr = p->addr;
	spin_unlock(&p->lock);
	return addr;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (!fn.whole || fn.isMacro || fn.broken || isTest(fn)) return;
    for (const fence of fencesOf(fn, 'rmb')) {
      const [behind, ahead] = [nodesBefore(fn, fence.node), nodesAfter(fn, fence.node)];
      const loads = fn.events.filter(e => e.kind === 'read' && e.cell?.base != null && e.cell.type !== null && !e.uncertain);
      const was = new Set(loads.filter(e => behind.has(e.node)).map(keyOf));
      const next = loads.filter(e => ahead.has(e.node) && !behind.has(e.node) && !was.has(keyOf(e)));
      const unread = publishedAhead(world, fn, fence, loads, next);
      if (unread) {
        const name = unread.flag.cell?.path ?? 'the flag';
        report(
          { event: fence, fn },
          {
            message: `${called(fence)}() in ${fn.name}() comes before the load of ${name}, which ${unread.writer.fn.name}() stores after its barrier`,
            detail: [
              `What is stored after the write barrier must be loaded before the read barrier, and no visible writer stores anything loaded before ${called(fence)}() that way`,
            ],
            question: `Which load before ${called(fence)}() is it for, or should it come after the load of ${name}?`,
            dismissal: `Not an issue if the caller has tested ${name}`,
            quote: [fence, unread.flag],
            related: [{ ...placed(unread.writer.flag), note: `the other side, in ${unread.writer.fn.name}()` }],
            severity: 'note',
          },
        );
        continue;
      }
      for (const flag of next) {
        if (flag.ordering === 'acquire' || flag.ordering === 'address') continue;
        const found = writerOf(world, fn, flag, next);
        if (!found) continue;
        const { writer, data, load } = found;
        const [name, what] = [flag.cell?.path ?? 'the flag', data.cell?.path ?? 'the data'];
        report(
          { event: fence, fn },
          {
            message: `${called(fence)}() in ${fn.name}() comes before the load of ${name}, and nothing orders the load of ${what} after that`,
            detail: [`${writer.fn.name}() stores ${what} before its barrier and ${name} after it: the reader must load them in the opposite order`],
            question: `Should ${called(fence)}() be between the load of ${name} and that of ${what}?`,
            dismissal: `Not an issue if the caller has tested ${name}`,
            quote: [fence, flag, load],
            related: [{ path: writer.flag.path, line: writer.flag.line, side: writer.flag.side, note: `the other side, in ${writer.fn.name}()` }],
            claim: {
              threads: [
                { fn: writer.fn, events: [data, writer.flag] },
                { fn, events: [flag, load] },
              ],
              bad: {
                kind: 'sees',
                reads: [
                  { read: flag, from: writer.flag },
                  { read: load, from: 'before' },
                ],
              },
              edits: [
                {
                  kind: 'fence',
                  fence: 'rmb',
                  where: 'after',
                  event: flag,
                  text: `${called(fence)}() between the load of ${name} and that of ${what}`,
                },
              ],
              assumes: ['both run on one object'],
            },
          },
        );
        break;
      }
    }
  },
} satisfies Rule;

/**
 * The load right behind the barrier is that of the flag, which decides or is followed, and none of the loads before it is of anything that is
 * stored behind a write barrier: the barrier has nothing to pair with. Where the data can be named as well, there is more to say.
 */
function publishedAhead(world: World, fn: CFunction, fence: Event, loads: Event[], next: Event[]): { flag: Event; writer: Writer } | null {
  const [flag] = next;
  const near = nearest(fn, fence, 'after', e => e.kind !== 'read' || e === flag);
  if (!flag || near.gap || near.events.length !== 1 || near.events[0] !== flag || (flag.ordering !== 'plain' && flag.ordering !== 'relaxed'))
    return null;
  if (!decidesBranch(fn, flag) || !isFollowed(fn, flag)) return null;
  if (writerOf(world, fn, flag, next)) return null;
  const writer = (writersIn(world).get(keyOf(flag) ?? '') ?? []).find(w => w.fn !== fn);
  if (!writer) return null;
  const behind = nodesBefore(fn, fence.node);
  const late = storedBehind(world);
  if (loads.some(e => behind.has(e.node) && late.has(keyOf(e) ?? ''))) return null;
  const calls = fn.events.filter(e => behind.has(e.node) && e.argCells !== undefined);
  const reads = (call: Event) => effectsOf(fn, call, world.functions)?.some(x => x.event.kind === 'read' && late.has(keyOf(x.event) ?? '')) ?? false;
  return calls.some(reads) ? null : { flag, writer };
}

/** What the flag points to is gone to later. */
function isFollowed(fn: CFunction, flag: Event): boolean {
  const place = flag.cell ? `${placeOf(flag.cell)}` : '';
  return fn.events.some(e => {
    const base = e.cell?.base?.replace(/->/g, '.') ?? '';
    return comesBefore(fn, flag, e) && (base === place || base.startsWith(`${place}.`) || (flag.into !== null && base === flag.into));
  });
}

function placed({ path, line, side }: Event) {
  return { path, line, side };
}

const late = new WeakMap<World, Set<string>>();

/** Cells that somebody in view stores behind a write barrier. */
function storedBehind(world: World): Set<string> {
  const known = late.get(world);
  if (known) return known;
  const found = new Set<string>();
  for (const fn of world.functions) {
    for (const fence of fn.events) {
      if (fence.kind === 'write' && fence.ordering === 'release') found.add(keyOf(fence) ?? '');
      if (fence.kind !== 'fence' || !ordersStores(fence)) continue;
      const ahead = nodesAfter(fn, fence.node);
      for (const e of fn.events) if ((e.kind === 'write' || e.kind === 'rmw') && ahead.has(e.node)) found.add(keyOf(e) ?? '');
    }
  }
  late.set(world, found);
  return found;
}

interface Writer {
  fn: CFunction;
  flag: Event;
  /** What is stored before its barrier, by key. */
  before: Map<string, Event>;
}

/** Who stores the flag behind a barrier and, before it, something that is loaded after the flag here. */
function writerOf(world: World, reader: CFunction, flag: Event, next: Event[]): { writer: Writer; data: Event; load: Event } | null {
  for (const writer of writersIn(world).get(keyOf(flag) ?? '') ?? []) {
    if (writer.fn === reader) continue;
    for (const load of next) {
      const data = comesBefore(reader, flag, load) && ofOneObject(load, flag) ? writer.before.get(keyOf(load) ?? '') : undefined;
      if (!data) continue;
      if (nearest(reader, load, 'before', e => e === flag || ordersLoads(e)).events.every(e => e === flag)) return { writer, data, load };
    }
  }
  return null;
}

const writers = new WeakMap<World, Map<string, Writer[]>>();

function writersIn(world: World): Map<string, Writer[]> {
  const known = writers.get(world);
  if (known) return known;
  const found = new Map<string, Writer[]>();
  for (const fn of world.functions) {
    if (isTest(fn) || runsAlone(fn, world)) continue;
    for (const fence of fencesOf(fn, 'wmb')) {
      const behind = nodesBefore(fn, fence.node);
      const stores = fn.events.filter(e => e.kind === 'write' && behind.has(e.node) && e.object !== 'private');
      for (const flag of nearest(fn, fence, 'after', e => e.kind === 'write' || ordersStores(e)).events) {
        const key = flag.kind === 'write' && flag.object !== 'private' ? keyOf(flag) : null;
        if (key === null || key.startsWith('|')) continue;
        const before = new Map(stores.filter(e => ofOneObject(e, flag) && keyOf(e) !== key).map(e => [keyOf(e) ?? '', e]));
        const list = found.get(key) ?? [];
        found.set(key, list);
        list.push({ fn, flag, before });
      }
    }
  }
  writers.set(world, found);
  return found;
}
