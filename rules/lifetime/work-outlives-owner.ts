import { called, type Deferred, deferredIn, isTold, keepsOwner, partnersOf, runBy, type Unawaited, unawaitedIn } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Remark, Rule, World } from '../../src/model/rule.ts';
import { examples as ends } from './work-outlives-owner/ends.ts';
import { examples } from './work-outlives-owner/examples.ts';
import {
  actsOutOfView,
  ENDS,
  endOf,
  isManaged,
  isOwnersOf,
  isQueuedHere,
  isRemoval,
  isUnloading,
  isWaitedFor,
  livesOn,
  mayWait,
  probeOf,
  settles,
} from './work-outlives-owner/owner.ts';

export default {
  id: 'work-outlives-owner',
  title: 'A device is removed without waiting for the deferred work of its object',
  why: `
    The handler of a work item, timer or tasklet uses the object that contains the item. When a driver's remove function ends, the object is
    freed, by the function itself or by the core, which frees what was allocated for the device. An item that is still queued, or a handler
    that is running, then uses freed memory. Freeing the interrupt does not help: what the interrupt has queued is still queued. Certain by
    inspection of the whole file, and outside the model, which has no queues.`,
  severity: 'error',
  confidence: 'medium',
  finds: ['lifetime-teardown', 'use-after-handover'],
  references: [
    'Documentation/driver-api/driver-model/devres.rst, Devres',
    'kernel/workqueue.c, cancel_work_sync()',
    'kernel/time/timer.c, timer_shutdown_sync()',
  ],
  knownGaps: [
    'the item is initialised, queued and freed in one file',
    'a wait on a path other than the removal counts, unless it is only on the suspend path',
    'a wait before the source of the item is stopped counts',
    'work on a queue of its own counts as waited for if draining that queue is not visible',
  ],
  examples: { bad: [...examples.bad, ...ends.bad], good: [...examples.good, ...ends.good] },
  checkFile(file, report, world) {
    if (!file.whole || file.isHeader) return;
    const items = deferredIn(file.functions).filter(item => isQueuedHere(item) && !isTold(item, file, world, 'completion'));
    const told = new Set<Event>();
    const removals = file.functions.flatMap(fn => (isRemoval(fn, world) ? [{ fn, run: runBy(fn, world) }] : []));
    for (const { fn, run } of removals) {
      if ([...run].some(f => f.broken || !f.whole || f.events.some(settles))) continue;
      const left = items.flatMap(item => {
        if (isWaitedFor(item, run, world) || mayWait(item, fn, run) || keepsOwner(item, world) || !livesOn(item, run, world)) return [];
        const end = isUnloading(fn, world) ? { event: null } : endOf(item, fn, run, file);
        return end && (isUnloading(fn, world) ? item.type === null : isOwnersOf(item, fn, run, removals.length === 1, file, world))
          ? [{ item, end }]
          : [];
      });
      const [first] = left;
      if (!first) continue;
      for (const { item } of left) told.add(item.setUp.event);
      const { event } = first.end;
      const at = event ? { event, fn } : { place: { path: fn.path, line: fn.endLine, side: fn.side }, fn };
      report(
        at,
        remarkOn(
          fn,
          left.map(l => l.item),
          run,
          event,
          world,
        ),
      );
    }
    if (removals.length === 0 && !file.functions.some(fn => world.mentions(fn).some(m => ENDS.test(m.member ?? ''))))
      for (const item of items) {
        const probe = probeOf(item, file, world);
        if (!probe || item.type === null || isWaitedFor(item, NOTHING, world) || keepsOwner(item, world) || !livesOn(item, NOTHING, world)) continue;
        if (!isManaged(item, file) || world.designated(file.path).has('suppress_bind_attrs') || file.functions.some(fn => actsOutOfView(fn, file)))
          continue;
        told.add(item.setUp.event);
        report({ event: item.setUp.event, fn: item.setUp.fn }, remarkOn(null, [item], NOTHING, null, world));
      }
    for (const lone of unawaitedIn(file, world)) {
      if (told.has(lone.item.setUp.event) || (lone.off && (lone.end.how === 'object' || lone.end.how === 'part'))) continue;
      const { fn, event } = lone.off ?? lone.end.site ?? lone.item.setUp;
      report({ event, fn }, remarkOnLone(lone, world));
    }
  },
} satisfies Rule;

const NOTHING: ReadonlySet<CFunction> = new Set();

/** What is said of an item that nothing in the file waits for. Where another file can name it, that is a question. */
function remarkOnLone({ item, off, end, certain }: Unawaited, world: World): Remark {
  const handler = item.handler ? `${item.handler.name}()` : `the handler of ${item.path}`;
  const queuer = armingOf(item, NOTHING, world);
  const setUp = item.setUp.event;
  const at = end.site;
  const sure = certain && end.how !== 'source' && end.how !== 'sibling';
  return {
    message: off
      ? `${called(off.event)}() in ${off.fn.name}() does not wait for ${handler}, which may be running when ${item.type} is gone`
      : at && end.how === 'object'
        ? `${at.fn.name}() frees ${item.type}, and nothing in this file waits for ${handler}, which may be queued or running`
        : at && end.how === 'source'
          ? `${called(at.event)}() in ${at.fn.name}() stops what queues ${item.path}, and nothing in this file waits for ${handler}, which may be queued or running`
          : `${at?.fn.name ?? item.setUp.fn.name}() waits for another item of ${item.type}, and nothing in this file waits for ${handler}`,
    detail: queuer ? [armedBy(queuer, item)] : [],
    question: `What keeps ${handler} from running after ${item.type} is gone?`,
    dismissal: `Not an issue if ${item.path} of ${item.type} can't be queued or running by then${certain ? '' : ', or another file waits for it'}`,
    ...(sure ? {} : { severity: 'note' as const }),
    related: [
      { path: setUp.path, line: setUp.line, side: setUp.side, note: 'initialised here' },
      ...(queuer ? [{ path: queuer.event.path, line: queuer.event.line, side: queuer.event.side, note: 'queued here' }] : []),
    ],
    quote: [...(queuer ? [queuer.event] : [setUp]), ...(off ? [off.event] : []), ...(at ? [at.event] : [])],
    shape: `${item.type}.${item.path}`,
  };
}

/** What is said of the items that a removal leaves alone; of those that no removal is there for, where there is none. */
function remarkOn(removal: CFunction | null, items: readonly Deferred[], run: ReadonlySet<CFunction>, free: Event | null, world: World): Remark {
  const [item, ...others] = items;
  const off = item?.takenOff.find(site => run.has(site.fn));
  const drain = item?.drained.find(site => run.has(site.fn));
  const queuer = item && armingOf(item, run, world);
  const queued = queuer?.event;
  const setUp = item?.setUp.event;
  const handler = `${item?.handler?.name}()`;
  const gone = item?.type ?? 'the module';
  const state = off ? 'may be running' : 'may be queued or running';
  return {
    message: removal
      ? `${removal.name}() does not wait for ${handler}, which ${state} when ${gone} is gone`
      : `Nothing waits for ${handler}, which ${state} when ${gone} is freed with its device`,
    detail: [
      ...(queuer ? [armedBy(queuer, item)] : []),
      ...(off ? [`${called(off.event)}() removes ${item?.path} from its queue but does not wait for a running handler`] : []),
      ...(drain ? [`${called(drain.event)}() waits for what is on the queue, but ${item?.path} gets there only when its delay has passed`] : []),
      ...others.map(o => `Nothing waits for ${o.handler?.name}() of ${o.path} either`),
    ],
    question: `What keeps ${handler} from running after ${gone} is gone?`,
    dismissal: `Not an issue if ${item?.path}${item?.type ? ` of ${item.type}` : ''} can't be queued or running by then`,
    related: [
      ...(setUp && removal ? [{ path: setUp.path, line: setUp.line, side: setUp.side, note: 'initialised here' }] : []),
      ...(queued ? [{ path: queued.path, line: queued.line, side: queued.side, note: 'queued here' }] : []),
    ],
    quote: [
      ...(queued ? [queued] : setUp ? [setUp] : []),
      ...(removal ? [{ path: removal.path, line: removal.line, side: removal.side }] : []),
      ...(free ? [free] : []),
    ],
    shape: removal?.name ?? item?.path ?? '',
  };
}

/** The sentence about the place that queues the item. */
function armedBy({ fn, event }: Deferred['queued'][number], item: Deferred): string {
  const [does, what] = /timer/.test(event.api) ? ['arms', 'timer'] : ['queues', 'work'];
  return fn === item.handler
    ? `${fn.name}() ${does} itself again with ${called(event)}()`
    : `${fn.name}() ${does} the ${what} with ${called(event)}()`;
}

/**
 * What queues the item beside the removal: neither the removal itself nor what brings the device up, where there is another; the handler, which
 * only queues itself again, where nothing else does.
 */
function armingOf(item: Deferred, run: ReadonlySet<CFunction>, world: World): Deferred['queued'][number] | undefined {
  const beside = item.queued.filter(site => !run.has(site.fn));
  const ranked = [...partnersOf(beside, item.setUp, world), ...beside];
  return ranked.find(site => site.fn !== item.handler) ?? ranked[0] ?? item.queued[0];
}
