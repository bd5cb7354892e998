import { called, calleeIn, deferredIn, isTest, keyOf, objectOf, onward, releasesIn, unawaitedIn } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'timer-alive-at-free',
  title: 'An object is freed while the handler of its timer or work item may still run',
  why: `
    timer_delete() and cancel_work() remove an item from its queue. A handler that has started continues on another CPU, and uses the object
    that contains the item; if the object is freed after such a call, it is freed under the handler. The _sync variants wait for the
    handler, and timer_shutdown_sync() also keeps the timer from being armed again. Outside the model, which has no handlers to wait for:
    reported by inspection.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['lifetime-teardown', 'use-after-handover'],
  references: ['kernel/time/timer.c, timer_delete_sync()', 'Documentation/kernel-hacking/locking.rst, Racing Timers: A Kernel Pastime'],
  knownGaps: [
    'the item must be initialised in the same file',
    'an object that is freed with its timer left alone entirely is not reported: mostly the handler, or another file, stops it',
  ],
  examples: {
    bad: [
      `
struct lamp {
	struct timer_list blink;
	int level;
};

static void lamp_blink(struct timer_list *t)
{
	struct lamp *l = from_timer(l, t, blink);

	l->level = !l->level;
}

void lamp_start(struct lamp *l)
{
	timer_setup(&l->blink, lamp_blink, 0);
	mod_timer(&l->blink, jiffies + HZ);
}

void lamp_drop(struct lamp *l)
{
	timer_delete(&l->blink);
	kfree(l); /* want: timer-alive-at-free "lamp_blink()" */
}`,
      `
struct lamp {
	struct delayed_work dim;
	int level;
};

static void lamp_dim(struct work_struct *w)
{
	struct lamp *l = container_of(w, struct lamp, dim.work);

	l->level--;
}

void lamp_start(struct lamp *l)
{
	INIT_DELAYED_WORK(&l->dim, lamp_dim);
	schedule_delayed_work(&l->dim, HZ);
}

void lamp_drop(struct lamp *l)
{
	cancel_delayed_work(&l->dim);
	lamp_off(l);
	kfree(l); /* want: timer-alive-at-free "lamp_dim()" */
}`,
      // What the lamp owns goes, and with it the lamp, out of view.
      `
struct lamp {
	struct timer_list blink;
	char *name;
	int level;
};

static void lamp_blink(struct timer_list *t)
{
	struct lamp *l = from_timer(l, t, blink);

	l->level = !l->level;
	mod_timer(&l->blink, jiffies + HZ);
}

void lamp_start(struct lamp *l)
{
	timer_setup(&l->blink, lamp_blink, 0);
	mod_timer(&l->blink, jiffies + HZ);
}

void lamp_undo(void *data)
{
	struct lamp *l = data;

	timer_delete(&l->blink); /* want: timer-alive-at-free "a part of struct lamp is freed afterwards" */
	kfree(l->name);
}`,
    ],
    good: [
      `
struct lamp {
	struct timer_list blink;
	struct timer_list fade;
	struct work_struct dim;
	refcount_t refs;
	int level;
};

static void lamp_blink(struct timer_list *t)
{
	struct lamp *l = from_timer(l, t, blink);

	l->level = !l->level;
}

static void lamp_dim(struct work_struct *w)
{
	struct lamp *l = container_of(w, struct lamp, dim);

	l->level--;
}

void lamp_start(struct lamp *l)
{
	timer_setup(&l->blink, lamp_blink, 0);
	INIT_WORK(&l->dim, lamp_dim);
}

static void lamp_quiet(struct lamp *l)
{
	timer_shutdown_sync(&l->blink);
}

void lamp_drop(struct lamp *l)
{
	timer_delete(&l->blink);
	timer_delete_sync(&l->blink);
	kfree(l);
}

/* A helper waits. */
void lamp_drop_quiet(struct lamp *l)
{
	timer_delete(&l->blink);
	lamp_quiet(l);
	kfree(l);
}

/* Where it was pending nobody else runs it: the reference was the handler's. */
void lamp_put(struct lamp *l)
{
	if (timer_delete(&l->blink))
		kfree(l);
}

/* All work of the queue is waited for. */
void lamp_drop_all(struct lamp *l)
{
	cancel_work(&l->dim);
	destroy_workqueue(l->wq);
	kfree(l);
}

/* The timer of another lamp. */
void lamp_next(struct lamp *l, struct lamp *next)
{
	timer_delete(&next->blink);
	kfree(l);
}

/* It is freed where it is known not to be the one with the timer. */
void lamp_swap(struct lamp *l)
{
	if (l->level) {
		timer_delete(&l->blink);
		return;
	}
	kfree(l);
}`,
      `
/* It is waited for, and looked for where it was not on. */
struct lamp {
	struct timer_list blink;
	struct timer_list fade;
	char *name;
	int level;
};

static void lamp_blink(struct timer_list *t)
{
	struct lamp *l = from_timer(l, t, blink);

	l->level = !l->level;
	mod_timer(&l->blink, jiffies + HZ);
}

static void lamp_fade(struct timer_list *t)
{
	struct lamp *l = from_timer(l, t, fade);

	l->level--;
	mod_timer(&l->fade, jiffies + HZ);
}

void lamp_start(struct lamp *l)
{
	timer_setup(&l->blink, lamp_blink, 0);
	timer_setup(&l->fade, lamp_fade, 0);
	mod_timer(&l->blink, jiffies + HZ);
	mod_timer(&l->fade, jiffies + HZ);
}

void lamp_undo(void *data)
{
	struct lamp *l = data;

	timer_delete_sync(&l->blink);
	if (!timer_delete(&l->fade))
		return;
	kfree(l->name);
}`,
      `
/* The handler itself ends the lamp, by way of the others. */
struct lamp {
	struct timer_list blink;
};

static void lamp_end(struct lamp *l)
{
	timer_delete(&l->blink);
	kfree(l);
}

static void lamp_blink(struct timer_list *t)
{
	struct lamp *l = from_timer(l, t, blink);

	lamp_end(l);
}

void lamp_start(struct lamp *l)
{
	timer_setup(&l->blink, lamp_blink, 0);
}`,
    ],
  },
  checkFile(file, report, world) {
    const items = itemsIn(file);
    if (items.length === 0) return;
    const told = new Set<Event>();
    for (const fn of file.functions) {
      // What goes with its device is another rule's to tell.
      if (fn.isMacro || fn.broken || isTest(fn) || world.mentions(fn).some(m => REMOVALS.test(m.member ?? ''))) continue;
      for (const { event: free, object, kind } of releasesIn(fn, world.functions)) {
        if (kind !== 'free' || free.uncertain || free.object) continue;
        for (const item of items) {
          const stop = stopOf(fn, free, object, item);
          if (!stop || waits(fn, item, world) || comesTo(item.handler, fn, world)) continue;
          const name = object.replace(/\./g, '->');
          told.add(item.setUp);
          report(
            { event: free, fn },
            {
              message: `${fn.name}() frees ${name} after ${called(stop)}(), which does not wait for ${item.handler.name}(): it may still be running`,
              question: `Should this be ${WAITING[stop.api] ?? 'the variant that waits'}?`,
              dismissal: `Not an issue if ${item.handler.name}() can't be running here`,
              related: [
                { path: stop.path, line: stop.line, side: stop.side, note: 'removed from its queue here' },
                { path: item.setUp.path, line: item.setUp.line, side: item.setUp.side, note: 'initialised here' },
              ],
              quote: [...item.queued, stop, free],
            },
          );
          break;
        }
      }
    }
    if (!file.whole || file.isHeader) return;
    for (const { item, off, end, certain } of unawaitedIn(file, world)) {
      if (!off || (end.how !== 'object' && end.how !== 'part') || !end.site || told.has(item.setUp.event)) continue;
      const handler = `${item.handler?.name}()`;
      const freed = end.site.event;
      const stop = `${called(off.event)}()`;
      report(
        { event: off.event, fn: off.fn },
        {
          message: `${stop} in ${off.fn.name}() does not wait for ${handler}, and ${end.how === 'object' ? item.type : `a part of ${item.type}`} is freed afterwards`,
          question: `Should this be ${WAITING[off.event.api] ?? 'the variant that waits'}?`,
          dismissal: `Not an issue if ${handler} can't be running here${certain ? '' : `, or another file waits for ${item.path}`}`,
          related: [
            { path: freed.path, line: freed.line, side: freed.side, note: 'freed here' },
            { path: item.setUp.event.path, line: item.setUp.event.line, side: item.setUp.event.side, note: 'initialised here' },
          ],
          quote: [...item.queued.slice(0, 1).map(site => site.event), off.event, freed],
          shape: `${off.fn.name}|${item.path}`,
        },
      );
    }
  },
} satisfies Rule;

/** A timer or work item in an object, with its handler in view. */
interface Item {
  key: string;
  setUp: Event;
  handler: CFunction;
  /** Where it is armed or queued, the first place alone. */
  queued: Event[];
}

/** Takes the item off its queue and waits for nothing, with the form that waits. */
const WAITING: Record<string, string> = {
  timer_delete: 'timer_shutdown_sync()',
  del_timer: 'timer_shutdown_sync()',
  cancel_work: 'cancel_work_sync()',
  cancel_delayed_work: 'cancel_delayed_work_sync()',
};
const REMOVALS = /^(?:remove|remove_new|disconnect|unbind|detach|port_remove)$/;
const WAITS_FOR_ALL = /^(?:flush|drain|destroy)_workqueue$|^flush_scheduled_work$|^synchronize_/;

function itemsIn(file: CodeFile): Item[] {
  return deferredIn(file.functions).flatMap(({ type, handler, setUp, queued }) => {
    const key = keyOf(setUp.event);
    return type !== null && handler && handler.events.length > 0 && key !== null
      ? [{ key, setUp: setUp.event, handler, queued: queued.slice(0, 1).map(site => site.event) }]
      : [];
  });
}

/** The call before the free that takes the object's item off its queue, and looks at nothing. */
function stopOf(fn: CFunction, free: Event, object: string, item: Item): Event | null {
  const own = fn.events.filter(e => e.api in WAITING && keyOf(e) === item.key && e.cell !== null && objectOf(e.cell) === object);
  return own.find(e => !e.used && onward(fn, e, {}).events.includes(free)) ?? null;
}

const DEEPEST = 3;

/** Does the function wait for the item anywhere, itself or in a function in view that it calls? */
function waits(fn: CFunction, item: Item, world: World, depth = 0): boolean {
  return fn.events.some(e => {
    if ((e.kind === 'wait' && keyOf(e) === item.key) || WAITS_FOR_ALL.test(e.api)) return true;
    const callee = depth < DEEPEST ? calleeIn(fn, e, world.functions) : null;
    return callee !== null && callee !== fn && waits(callee, item, world, depth + 1);
  });
}

/** Is the function part of what the handler does? */
function comesTo(handler: CFunction, fn: CFunction, world: World, depth = 0): boolean {
  if (handler === fn) return true;
  if (depth > DEEPEST) return false;
  return handler.events.some(e => {
    const callee = calleeIn(handler, e, world.functions);
    return callee !== null && callee !== handler && comesTo(callee, fn, world, depth + 1);
  });
}
