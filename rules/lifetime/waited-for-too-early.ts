import { called, type Deferred, deferredIn, type Queuer, queuersOf, type Site } from '../../src/analysis/query.ts';
import type { Remark, Rule } from '../../src/model/rule.ts';
import { examples } from './waited-for-too-early/examples.ts';
import { examples as managed } from './waited-for-too-early/managed.ts';

import { type Early, earlyWaits } from './waited-for-too-early/teardown.ts';

export default {
  id: 'waited-for-too-early',
  title: 'Work is cancelled while its source can still queue it',
  why: `
    cancel_work_sync(), timer_delete_sync() and the like wait for what is queued when they are called; what is queued later runs later. In a
    teardown the interrupt, timer, other work item or operation that queues an item must therefore be stopped before the item is cancelled.
    Between a premature cancel and that stop the item is queued once more, and its handler then uses freed memory, or a device that is off.
    If two items queue each other, neither order works: one of them must be shut down with timer_shutdown_sync() or disable_work_sync().
    Certain by inspection of the whole file, and outside the model, which has no queues.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['lifetime-teardown', 'use-after-handover'],
  references: [
    'kernel/workqueue.c, cancel_work_sync()',
    'kernel/time/timer.c, timer_shutdown_sync()',
    'Documentation/driver-api/driver-model/devres.rst, Devres',
  ],
  knownGaps: [
    'the wait, the stop and what queues the item stand in one file',
    'any command that quiesces the device before the wait counts, whatever it is',
    'any flag that the handler reads and the teardown writes before the wait counts, whatever it means',
    'a device being opened between the wait and the stop is not considered',
    'a transmission that is in progress when the transmit queue is stopped is not considered, nor what wakes the queue again',
  ],
  examples: { bad: [...examples.bad, ...managed.bad], good: [...examples.good, ...managed.good] },
  checkFile(file, report, world) {
    if (!file.whole || file.isHeader) return;
    const told = new Set<Early['wait']['event']>();
    for (const item of deferredIn(file.functions)) {
      if (!item.handler || item.queued.length === 0 || item.waited.length + item.drained.length === 0) continue;
      for (const source of queuersOf(item, file, world)) {
        for (const early of earlyWaits(item, source, file, world)) {
          if (told.has(early.wait.event)) continue;
          told.add(early.wait.event);
          report({ event: early.wait.event, fn: early.wait.fn }, remarkOn(item, source, early));
        }
      }
    }
  },
} satisfies Rule;

function remarkOn(item: Deferred, source: Queuer, { fn, wait, stop }: Early): Remark {
  const at = ({ event }: Site, note: string) => ({ path: event.path, line: event.line, side: event.side, note });
  // Two calls of one name are told apart by what they wait for.
  const nameOf = ({ event }: Site, other: Site | null) => `${called(event)}(${other?.event.api === event.api ? (event.args[0] ?? '') : ''})`;
  const waits = nameOf(wait, stop);
  const handler = `${item.handler?.name}()`;
  const asks = item.kind === 'timer' ? 'arm' : 'queue';
  const registered = source.setUp;
  return {
    message: stop
      ? `${waits} waits for ${handler} before ${nameOf(stop, wait)}, but until that ${source.entry.name}() may ${asks} it again`
      : `${waits} in ${fn.name}() waits for ${handler}, but ${source.entry.name}() may ${asks} it again until the device's managed resources are released, afterwards`,
    question: stop ? `Should ${waits} come after ${nameOf(stop, wait)}?` : `What keeps ${source.entry.name}() from running after ${fn.name}()?`,
    dismissal: `Not an issue if ${source.entry.name}() can no longer run by then, or no longer queues ${item.path}`,
    related: [...(stop ? [at(stop, 'stopped here')] : registered ? [at(registered, 'made known here')] : []), at(source.queued, 'queued here')],
    quote: [
      ...(stop || !registered ? [] : [registered.event]),
      source.queued.event,
      { path: wait.fn.path, line: wait.fn.line, side: wait.fn.side },
      wait.event,
      ...(stop ? [stop.event] : []),
    ],
    // What one stop comes too late for is one cause, whichever of its items is named first.
    shape: `${wait.fn.name}|${stop?.fn.name ?? ''}|${stop?.event.index ?? 'device'}`,
  };
}
