import { called, lockText } from '../../../src/analysis/query.ts';
import type { Rule } from '../../../src/model/rule.ts';
import { examples } from './examples.ts';

export default {
  id: 'flush-of-system-workqueue',
  title: 'A system-wide workqueue is flushed',
  why: `
    Flushing a workqueue that the whole kernel shares waits for everybody's work. If the caller runs on that queue itself, or holds a lock
    that any work item on it needs, it deadlocks; and no driver can know which items are queued there. Outside the model, which has no work
    items: reported by inspection.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['deadlock'],
  references: ['include/linux/workqueue.h, comment above __warn_flushing_systemwide_wq()', 'Documentation/core-api/workqueue.rst, Guidelines'],
  knownGaps: ['a system queue reached through a variable is not recognised'],
  examples,
  checkFunction(fn, report) {
    for (const event of fn.events) {
      const queue = /^(?:flush|drain)_workqueue$/.test(event.api) ? (event.args[0] ?? '') : '';
      if (!/^system_\w*wq$/.test(queue) && event.api !== 'flush_scheduled_work') continue;
      const what = `${called(event)}(${queue})`;
      const [held] = event.locks.filter(lock => lock.family !== null);
      report(
        { event, fn },
        {
          message: `${fn.name}() calls ${what}, which waits for all work that anyone has queued there`,
          detail: held ? [`${lockText(held)} is held across the flush: one work item that needs it is enough for a deadlock`] : [],
          question: 'Which items must have finished here?',
          dismissal: 'Not an issue if no work item that is ever queued there waits for this caller',
          advice: ['Use flush_work() on the items that matter, or a workqueue of your own'],
        },
      );
    }
  },
} satisfies Rule;
