import { type Breach, breachesIn, called, isAsked, type LeftRunning, leftRunningIn } from '../../../src/analysis/query.ts';
import type { Event } from '../../../src/model/code.ts';
import type { Remark, Rule } from '../../../src/model/rule.ts';
import { examples } from './examples.ts';

export default {
  id: 'freed-under-handler',
  title: 'What a handler uses is freed or switched off before the handler is stopped',
  why: `
    An interrupt, a timer, a work item, a thread or an operation that a core of the kernel calls may run on another CPU until the call that stops it
    has returned. What its handler uses must be there until then: buffers, queues, references, clocks. A teardown that frees first and stops
    afterwards, or that leaves the stop to the end of the device's managed resources while it frees by hand, lets the handler use freed memory or
    reach for a device that is off. Certain by inspection of the whole file, and outside the model, which has no handlers.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['lifetime-teardown', 'use-after-handover'],
  references: [
    'Documentation/driver-api/driver-model/devres.rst, Devres',
    'kernel/workqueue.c, cancel_work_sync()',
    'kernel/irq/manage.c, free_irq()',
    'kernel/time/timer.c, timer_shutdown_sync()',
  ],
  knownGaps: [
    'the handler, its registration and the teardown stand in one file',
    'any flag that the handler tests and the teardown writes before counts as a protection, whatever it means',
    'a handler that tests the pointer counts as protected, though the test alone does not keep the memory',
    'of an interrupt, anything that may have told the device to be quiet counts',
  ],
  examples,
  checkFile(file, report, world) {
    if (!file.whole || file.isHeader) return;
    for (const breach of breachesIn(file, world)) {
      const { taken, root } = breach;
      const [first] = taken.trail;
      if (first) report(taken.fn === root ? { event: taken.event, fn: root } : { event: first.event, fn: root }, remarkOn(breach));
    }
    for (const left of leftRunningIn(file, world)) report({ event: left.start.event, fn: left.start.fn }, remarkOnFailure(left));
  },
} satisfies Rule;

function remarkOnFailure({ source, start, free, exit }: LeftRunning): Remark {
  const { fn, event } = start;
  const handler = `${source.entry.name}()`;
  const asked = isAsked(event);
  return {
    message: free
      ? `${fn.name}() fails after ${called(event)}() and frees ${free.args[0] ?? 'the object'}, and nothing on that path ${asked ? 'waits for' : 'stops'} ${handler}`
      : `${fn.name}() fails after ${called(event)}(), and nothing on that path ${asked ? 'waits for' : 'stops'} ${handler} before the device's managed resources are released`,
    question: `What keeps ${handler} from running then?`,
    dismissal: `Not an issue if ${handler} can't run on that path`,
    related: [{ path: fn.path, line: exit.line, side: fn.side, note: 'fails here' }],
    quote: [event, ...(free ? [free] : []), { path: fn.path, line: exit.line, side: fn.side }],
    shape: `${fn.name}|failed`,
  };
}

function remarkOn({ root, source, taking, taken, stop, use, quiet }: Breach): Remark {
  const handler = `${source.entry.name}()`;
  const at = ({ path, line, side }: Event, note: string) => ({ path, line, side, note });
  const stops = stop && `${called(stop.event)}()`;
  const what = taking.resource.name;
  const registration = source.setUp?.event;
  return {
    message: stops
      ? `${root.name}() ${taking.how} ${what} before ${stops}, but until that ${handler} may run and ${usesIt(taking.how)}`
      : `${root.name}() ${taking.how} ${what}, but ${handler} may run and ${usesIt(taking.how)} until the device's managed resources are released, after ${root.name}()`,
    detail: [
      ...(taken.fn === root ? [] : [`${taken.fn.name}() does it`]),
      ...(use.fn === source.entry ? [] : [`${handler} comes to it in ${use.fn.name}()`]),
    ],
    question: stops ? `Should ${stops} come first?` : `What keeps ${handler} from running then?`,
    dismissal: `Not an issue if ${handler} can't run any more by then`,
    related: [
      at(use.event, taking.how === 'switches off' ? 'reaches the device here' : 'used here'),
      ...(stop ? [at(stop.event, 'stopped here')] : []),
      ...(registration ? [at(registration, 'registered here')] : []),
    ],
    quote: [...(stop || !registration ? [] : [registration]), use.event, taken.event, ...(stop ? [stop.event] : [])],
    // What one step comes too early for is one cause, whichever handler is named first.
    shape: `${root.name}|${stop?.event.index ?? 'device'}|${taken.fn.name}`,
    ...(quiet ? { severity: 'note' as const } : {}),
  };
}

function usesIt(how: Breach['taking']['how']): string {
  return how === 'switches off' ? 'reach the device' : 'use it';
}
