import { lockText } from '../../src/c/query.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'flush-of-system-workqueue',
  title: 'A system-wide workqueue is flushed',
  why: `
    Flushing a queue that the whole kernel shares waits for work of strangers. Where the caller runs on that queue itself, or holds a lock that
    any work on it wants, it waits for ever; which work is on it no driver can know.
    Outside the model, which knows no work items: told by inspection.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['deadlock'],
  references: ['include/linux/workqueue.h, comment above __warn_flushing_systemwide_wq()', 'Documentation/core-api/workqueue.rst, Guidelines'],
  knownGaps: ['a system queue that is reached through a variable is not recognised'],
  examples: {
    bad: [
      `
void kiosk_remove(struct kiosk *k)
{
	mutex_lock(&k->lock);
	k->gone = true;
	flush_workqueue(system_long_wq); /* want: flush-of-system-workqueue "system_long_wq" */
	mutex_unlock(&k->lock);
}`,
      `
void kiosk_exit(void)
{
	flush_scheduled_work(); /* want: flush-of-system-workqueue "flush_scheduled_work()" */
}`,
    ],
    good: [
      `
void kiosk_remove(struct kiosk *k)
{
	flush_work(&k->work);
	flush_workqueue(k->wq);
}`,
      `
void kiosk_start(struct kiosk *k)
{
	queue_work(system_long_wq, &k->work);
}`,
    ],
  },
  checkFunction(fn, report) {
    for (const event of fn.events) {
      const queue = /^(?:flush|drain)_workqueue$/.test(event.api) ? (event.args[0] ?? '') : '';
      if (!/^system_\w*wq$/.test(queue) && event.api !== 'flush_scheduled_work') continue;
      const what = queue === '' ? 'flush_scheduled_work()' : `${event.api}(${queue})`;
      const [held] = event.locks.filter(lock => !/^(?:named|asserted):/.test(lock));
      report(
        { event, fn },
        {
          message: `${fn.name}() waits by ${what} for all work that anyone has queued there`,
          detail: held ? [`${lockText(held)} is held meanwhile: one work item that wants it is enough for a deadlock`] : [],
          question: 'Which items must have finished here?',
          dismissal: 'Not an issue if nothing that is ever queued there waits for this caller',
          advice: ['flush_work() on the items that matter, or a workqueue of its own'],
        },
      );
    }
  },
} satisfies Rule;
