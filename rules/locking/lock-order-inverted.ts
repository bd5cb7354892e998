import {
  called,
  comesBefore,
  effectOfKind,
  heldAt,
  isIdentity,
  isTest,
  lockKey,
  lockText,
  objectType,
  runsAlone,
  type Section,
  sameLock,
  section,
  standsLater,
  surelyTakes,
  takings,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'lock-order-inverted',
  title: 'Two locks are taken in both orders (ABBA)',
  why: `
    A task that holds the first lock and waits for the second, and a task that holds the second and waits for the first, deadlock. Nested
    locks must be taken in the same order everywhere. Enabling or disabling a static key takes the CPU hotplug lock, which is easily
    overlooked. Outside the model, which leaves out executions that never end: reported by inspection.`,
  severity: 'error',
  confidence: 'high',
  finds: ['deadlock'],
  references: [
    'Documentation/locking/lockdep-design.rst, Multi-lock dependency rules:',
    'Documentation/kernel-hacking/locking.rst, Deadlock: Simple and Advanced',
    'Documentation/staging/static-keys.rst, Static key label API, usage and examples',
  ],
  knownGaps: ['only orders within one file are compared', 'two locks of one type are not distinguished, so their order is not checked'],
  examples: {
    bad: [
      `
static DEFINE_MUTEX(menu_lock);
static DEFINE_MUTEX(stock_lock);

void dish_add(struct dish *d)
{
	mutex_lock(&menu_lock);
	mutex_lock(&stock_lock);
	d->listed = true;
	mutex_unlock(&stock_lock);
	mutex_unlock(&menu_lock);
}

void dish_sold_out(struct dish *d)
{
	mutex_lock(&stock_lock);
	mutex_lock(&menu_lock); /* want: lock-order-inverted "menu_lock" */
	d->listed = false;
	mutex_unlock(&menu_lock);
	mutex_unlock(&stock_lock);
}`,
      `
static DEFINE_MUTEX(menu_lock);
static DEFINE_STATIC_KEY_FALSE(menu_shown);

void menu_online(void)
{
	cpus_read_lock();
	mutex_lock(&menu_lock);
	menu_count++;
	mutex_unlock(&menu_lock);
	cpus_read_unlock();
}

void menu_show(void)
{
	mutex_lock(&menu_lock);
	static_branch_inc(&menu_shown); /* want: lock-order-inverted "static_branch_inc()" */
	mutex_unlock(&menu_lock);
}`,
    ],
    good: [
      `
static DEFINE_MUTEX(menu_lock);
static DEFINE_MUTEX(stock_lock);

void dish_add(struct dish *d)
{
	mutex_lock(&menu_lock);
	mutex_lock(&stock_lock);
	d->listed = true;
	mutex_unlock(&stock_lock);
	mutex_unlock(&menu_lock);
}

void dish_sold_out(struct dish *d)
{
	mutex_lock(&stock_lock);
	if (!mutex_trylock(&menu_lock)) {
		mutex_unlock(&stock_lock);
		return;
	}
	d->listed = false;
	mutex_unlock(&menu_lock);
	mutex_unlock(&stock_lock);
}`,
      `
static DEFINE_MUTEX(house_lock);
static DEFINE_MUTEX(menu_lock);
static DEFINE_MUTEX(stock_lock);

/* The outer lock keeps the two apart. */
void dish_add(struct dish *d)
{
	mutex_lock(&house_lock);
	mutex_lock(&menu_lock);
	mutex_lock(&stock_lock);
	d->listed = true;
	mutex_unlock(&stock_lock);
	mutex_unlock(&menu_lock);
	mutex_unlock(&house_lock);
}

void dish_sold_out(struct dish *d)
{
	mutex_lock(&house_lock);
	mutex_lock(&stock_lock);
	mutex_lock(&menu_lock);
	d->listed = false;
	mutex_unlock(&menu_lock);
	mutex_unlock(&stock_lock);
	mutex_unlock(&house_lock);
}`,
      `
static DEFINE_MUTEX(menu_lock);
static DEFINE_STATIC_KEY_FALSE(menu_shown);

void menu_online(void)
{
	cpus_read_lock();
	mutex_lock(&menu_lock);
	menu_count++;
	mutex_unlock(&menu_lock);
	cpus_read_unlock();
}

void menu_show(void)
{
	cpus_read_lock();
	mutex_lock(&menu_lock);
	static_branch_inc_cpuslocked(&menu_shown);
	mutex_unlock(&menu_lock);
	cpus_read_unlock();
}`,
      `
static DEFINE_MUTEX(menu_lock);

void dish_swap(struct dish *a, struct dish *b)
{
	mutex_lock(&a->lock);
	mutex_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
	swap(a->price, b->price);
	mutex_unlock(&b->lock);
	mutex_unlock(&a->lock);
}

void dish_price(struct dish *d)
{
	mutex_lock(&menu_lock);
	mutex_lock(&d->lock);
	d->price++;
	mutex_unlock(&d->lock);
	mutex_unlock(&menu_lock);
}`,
    ],
  },
  checkFile(file, report, world) {
    const orders = ordersIn(file, world);
    const told = new Set<string>();
    for (const order of orders.values()) {
      const inverse = orders.get(pairKey(order.second, order.first));
      const key = [pairKey(order.first, order.second), pairKey(order.second, order.first)].sort()[0] ?? '';
      if (!inverse || told.has(key) || inverse.fn === order.fn) continue;
      told.add(key);
      if (order.outer.some(lock => inverse.outer.some(other => sameLock(lock, other)))) continue;
      if (order.sharedBoth && inverse.sharedBoth) continue;
      // The later in the file is the one to look at: the earlier has set the custom.
      const [here, there] = standsLater(order.event, inverse.event) ? [order, inverse] : [inverse, order];
      const [first, second] = [nameOf(here.first), nameOf(here.second)];
      const hidden = /^static_/.test(here.event.api) ? ` through ${called(here.event)}()` : '';
      report(
        { event: here.event, fn: here.fn },
        {
          message: `${here.fn.name}() takes ${second}${hidden} with ${first} held, and ${there.fn.name}() takes ${first} with ${second} held`,
          detail: [
            `CPU 0 in ${here.fn.name}() holds ${first} and waits for ${second}; CPU 1 in ${there.fn.name}() holds ${second} and waits for ${first}`,
          ],
          question: 'Which order is the intended one?',
          dismissal: 'Not an issue if the two functions never run concurrently, or the locks belong to different objects',
          ...(objectType(here.first) !== null && objectType(here.second) !== null && objectType(here.first) !== objectType(here.second)
            ? { confidence: 'low' as const }
            : {}),
          related: [{ path: there.fn.path, line: there.event.line, side: there.fn.side, note: 'the other order' }],
          quote: [here.event, there.event],
        },
      );
    }
  },
} satisfies Rule;

interface Order {
  first: Section;
  second: Section;
  fn: CFunction;
  event: Event;
  /** Locks held around both. */
  outer: Section[];
  sharedBoth: boolean;
}

/** Locks whose order counts; readers of RCU and sequence counters wait for nobody. */
const ORDERED: ReadonlySet<string | null> = new Set([
  'spin',
  'raw-spin',
  'rwlock',
  'mutex',
  'rt-mutex',
  'rwsem',
  'percpu-rwsem',
  'mmap',
  'rtnl',
  'cpu-hotplug',
]);
const HOTPLUG = section('cpu-hotplug', 'cpus');

function pairKey(first: Section, second: Section): string {
  return `${lockKey(first)}|${lockKey(second)}`;
}

/** Every pair of locks of which one is taken while the other is held, once. */
function ordersIn(file: CodeFile, world: World): Map<string, Order> {
  const found = new Map<string, Order>();
  const known = new Map<string, Section>();
  /** One value for one lock: where it is known by an assertion, that of another function which tells its family. */
  const one = (held: Section) => {
    const lock = held.family === 'cpu-hotplug' ? HOTPLUG : held;
    const before = known.get(lockKey(lock));
    if (before && before.family !== null) return before;
    known.set(lockKey(lock), lock);
    return lock;
  };
  for (const fn of file.functions) {
    if (fn.isMacro || !fn.whole || isTest(fn) || runsAlone(fn, world)) continue;
    for (const event of fn.events) {
      const seconds = secondsOf(fn, event, world);
      if (seconds.length === 0) continue;
      const held = heldAt(fn, event, world).filter(lock => lock.by !== 'convention');
      for (const second of seconds) {
        for (const lock of held) {
          const [a, b] = [one(lock), one(second.lock)];
          if (sameLock(a, b) || !ORDERED.has(a.family) || !isGlobalOrTyped(a) || event.fact?.nested) continue;
          // Two locks of one type must be seen to be those of one object.
          if (objectType(a) !== null && objectType(a) === objectType(b) && !ofOne(fn, lock, event)) continue;
          const key = pairKey(a, b);
          if (!found.has(key))
            found.set(key, {
              first: a,
              second: b,
              fn,
              event,
              outer: held.filter(l => l !== lock),
              sharedBoth: second.shared && lock.mode === 'shared',
            });
        }
      }
    }
  }
  return found;
}

/** What an event waits for: a lock that it takes, one that a function in view surely takes, the hotplug lock inside the switch of a key. */
function secondsOf(fn: CFunction, event: Event, world: World): { lock: Section; shared: boolean }[] {
  // A static key is switched under CPU hotplug's lock, which some forms expect their caller to hold (kernel/jump_label.c).
  const key = event.fact?.staticKey;
  if (key && key !== 'test' && !effectOfKind(event, 'assert')) return [{ lock: HOTPLUG, shared: true }];
  if (event.kind === 'call') {
    if (!event.argCells || (event.locks.length === 0 && fn.entryLocks.length === 0)) return [];
    return surelyTakes(fn, event, world.functions).flatMap(t =>
      ORDERED.has(t.lock.family) && isIdentity(t.lock, t.event) ? [{ lock: t.lock, shared: false }] : [],
    );
  }
  return takings(fn, event).flatMap(t => {
    const known = isIdentity(t.lock, event) || t.lock.family === 'cpu-hotplug' || t.lock.family === 'rtnl';
    return t.conditional || !ORDERED.has(t.lock.family) || !known ? [] : [{ lock: t.lock, shared: t.lock.mode === 'shared' }];
  });
}

/** Was the held lock taken through the very pointer that the event names? */
function ofOne(fn: CFunction, held: Section, event: Event): boolean {
  const taken = fn.events.filter(e => comesBefore(fn, e, event) && takings(fn, e).some(t => sameLock(t.lock, held)));
  return event.cell !== null && taken.length > 0 && taken.every(e => e.cell?.base === event.cell?.base);
}

function isGlobalOrTyped(lock: Section): boolean {
  return objectType(lock) !== null || lock.family === 'cpu-hotplug' || lock.family === 'rtnl' || /^[a-z]\w*$/.test(lock.object ?? '');
}

function nameOf(lock: Section): string {
  return lock === HOTPLUG ? 'the CPU hotplug lock' : lock.family === 'rtnl' ? 'the RTNL lock' : lockText(lock);
}
