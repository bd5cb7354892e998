import {
  called,
  handlersIn,
  heldAt,
  isContext,
  isIdentity,
  keyOf,
  lockKey,
  lockText,
  runsNamed,
  type Section,
  sameLock,
  takings,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'flush-under-handlers-lock',
  title: 'A handler is waited for with a lock held that the handler takes',
  why: `
    Waiting for a running timer or work item while holding a lock that its handler takes is a deadlock: the handler waits for the lock, and
    the lock holder waits for the handler. It only takes a handler that has started. Outside the model, which does not know waiting for a
    handler: reported by inspection.`,
  severity: 'error',
  confidence: 'high',
  finds: ['deadlock'],
  references: ['kernel/time/timer.c, timer_delete_sync()', 'Documentation/kernel-hacking/locking.rst, Deadlock: Simple and Advanced'],
  knownGaps: ['the handler must be set up in the same file', 'a lock that the handler takes only on some paths counts, unless by trylock'],
  examples: {
    bad: [
      `
struct kettle {
	struct mutex lock;
	struct work_struct boil;
	bool on;
};

static void kettle_boil(struct work_struct *w)
{
	struct kettle *k = container_of(w, struct kettle, boil);

	mutex_lock(&k->lock);
	k->on = true;
	mutex_unlock(&k->lock);
}

void kettle_setup(struct kettle *k)
{
	INIT_WORK(&k->boil, kettle_boil);
}

void kettle_off(struct kettle *k)
{
	mutex_lock(&k->lock);
	cancel_work_sync(&k->boil); /* want: flush-under-handlers-lock "kettle_boil()" */
	k->on = false;
	mutex_unlock(&k->lock);
}`,
      `
static DEFINE_SPINLOCK(kettles);

struct kettle {
	struct timer_list beep;
	int beeps;
};

static void kettle_beep(struct timer_list *t)
{
	struct kettle *k = from_timer(k, t, beep);

	spin_lock(&kettles);
	k->beeps++;
	spin_unlock(&kettles);
}

void kettle_setup(struct kettle *k)
{
	timer_setup(&k->beep, kettle_beep, 0);
}

void kettle_quiet(struct kettle *k)
{
	spin_lock_bh(&kettles);
	timer_delete_sync(&k->beep); /* want: flush-under-handlers-lock "kettle_beep()" */
	spin_unlock_bh(&kettles);
}`,
    ],
    good: [
      `
struct kettle {
	struct mutex lock;
	struct work_struct boil;
	bool on;
};

static void kettle_boil(struct work_struct *w)
{
	struct kettle *k = container_of(w, struct kettle, boil);

	mutex_lock(&k->lock);
	k->on = true;
	mutex_unlock(&k->lock);
}

void kettle_setup(struct kettle *k)
{
	INIT_WORK(&k->boil, kettle_boil);
}

void kettle_off(struct kettle *k)
{
	mutex_lock(&k->lock);
	k->on = false;
	mutex_unlock(&k->lock);
	cancel_work_sync(&k->boil);
}`,
      `
struct kettle {
	struct mutex lock;
	struct work_struct boil;
	bool on;
};

/* The handler gives way. */
static void kettle_boil(struct work_struct *w)
{
	struct kettle *k = container_of(w, struct kettle, boil);

	if (!mutex_trylock(&k->lock))
		return;
	k->on = true;
	mutex_unlock(&k->lock);
}

void kettle_setup(struct kettle *k)
{
	INIT_WORK(&k->boil, kettle_boil);
}

void kettle_off(struct kettle *k)
{
	mutex_lock(&k->lock);
	cancel_work_sync(&k->boil);
	mutex_unlock(&k->lock);
}`,
      `
struct kettle {
	struct mutex lock;
	struct mutex config;
	struct work_struct boil;
	bool on;
};

static void kettle_boil(struct work_struct *w)
{
	struct kettle *k = container_of(w, struct kettle, boil);

	mutex_lock(&k->lock);
	k->on = true;
	mutex_unlock(&k->lock);
}

void kettle_setup(struct kettle *k)
{
	INIT_WORK(&k->boil, kettle_boil);
}

void kettle_off(struct kettle *k)
{
	mutex_lock(&k->config);
	cancel_work_sync(&k->boil);
	mutex_unlock(&k->config);
}`,
      `
struct kettle {
	struct mutex lock;
	struct work_struct boil;
	bool on;
};

static void kettle_boil(struct work_struct *w)
{
	struct kettle *k = container_of(w, struct kettle, boil);

	mutex_lock(&k->lock);
	k->on = true;
	mutex_unlock(&k->lock);
}

void kettle_setup(struct kettle *k)
{
	INIT_WORK(&k->boil, kettle_boil);
}

/* No wait: a running handler goes on. */
void kettle_off(struct kettle *k)
{
	mutex_lock(&k->lock);
	cancel_work(&k->boil);
	mutex_unlock(&k->lock);
}`,
    ],
  },
  checkFile(file, report, world) {
    for (const fn of file.functions) {
      for (const event of fn.events) {
        if (!WAITS.test(event.api) || event.uncertain) continue;
        const key = keyOf(event);
        if (key === null) continue;
        const [handler, ...others] = handlersIn(file.functions).get(key) ?? [];
        if (!handler || others.length > 0) continue;
        const taken = locksOf(handler, file, world);
        for (const lock of heldAt(fn, event, world)) {
          const inner = lock.mode === 'shared' ? undefined : taken.find(t => sameLock(t.lock, lock));
          if (!inner || !same(event, inner)) continue;
          report(
            { event, fn },
            {
              message: `${fn.name}() calls ${called(event)}(), which waits for ${handler.name}(), with ${lockText(lock, inner.event)} held, which ${inner.fn.name}() takes`,
              question: 'How can the handler finish here?',
              dismissal: "Not an issue if the two locks belong to different objects, or the handler can't be running here",
              related: [{ path: inner.fn.path, line: inner.event.line, side: inner.fn.side, note: `${inner.fn.name}() takes it here` }],
              // One section around several waits is one cause.
              shape: `${fn.name}|${lockKey(lock)}`,
            },
          );
          break;
        }
      }
    }
  },
} satisfies Rule;

/** Calls that wait until the handler of the item in argument 0 has run. */
const WAITS =
  /^(?:flush_(?:delayed_)?work|(?:cancel|disable)_(?:delayed_)?work_sync|(?:timer_delete|del_timer|timer_shutdown)_sync|hrtimer_cancel|tasklet_kill|irq_work_sync|kthread_cancel_(?:delayed_)?work_sync|kthread_flush_work)$/;

interface Taken {
  lock: Section;
  event: Event;
  fn: CFunction;
}

/** Locks that the handler waits for, itself or in a function of the file that it calls. */
function locksOf(handler: CFunction, file: CodeFile, world: World): Taken[] {
  const own = (fn: CFunction): Taken[] =>
    fn.events.flatMap(event =>
      takings(fn, event).flatMap(t =>
        t.conditional || isContext(t.lock) || event.kind !== 'lock' || !isIdentity(t.lock, event) ? [] : [{ lock: t.lock, event, fn }],
      ),
    );
  const callees = handler.events.flatMap(e =>
    e.kind === 'call' && !e.opaque ? (file.functions.find(f => runsNamed(e, f.name) && f !== handler) ?? []) : [],
  );
  return [...own(handler), ...[...new Set(callees)].slice(0, 20).flatMap(fn => (world.callers(fn.name).length > 0 ? own(fn) : []))];
}

/** One lock for all, or a lock of the very type that holds the item: there the handler's object is the one waited for. */
function same(wait: Event, taken: Taken): boolean {
  const cell = taken.event.cell;
  if (!cell || cell.base === null) return cell !== null;
  return cell.type !== null && (cell.type === wait.cell?.type || cell.type === wait.cell?.within?.type);
}
