import { lockKey, lockText, runsAlone, runsInTask } from '../../src/analysis/query.ts';
import type { CFunction } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';
import { examples } from './lock-irq-inconsistent/examples.ts';
import { plainCaller } from './lock-irq-inconsistent/silenced.ts';
import { isTask, mayInterrupt, type Site, seemsInterrupt, sitesOf } from './lock-irq-inconsistent/sites.ts';

export default {
  id: 'lock-irq-inconsistent',
  title: 'A lock taken in interrupt context is also taken with interrupts enabled',
  why: `
    If an interrupt handler takes a spinlock, everybody else who takes it must keep that handler off their own CPU meanwhile. A task that
    holds the lock with interrupts enabled will be interrupted sooner or later, and the handler then spins for a lock that its own CPU
    cannot release. Outside the model, which has no interrupts: reported by inspection.`,
  severity: 'note',
  confidence: 'high',
  finds: ['irq-context', 'deadlock'],
  references: [
    'Documentation/locking/lockdep-design.rst, Single-lock state rules:',
    'Documentation/kernel-hacking/locking.rst, Hard IRQ Context',
    'Documentation/kernel-hacking/locking.rst, Table of Minimum Requirements',
  ],
  knownGaps: [
    'a lock is identified by the type that contains it; one whose type is not visible is not followed',
    'handlers registered in another file are not known as such',
    'bottom halves are not checked',
  ],
  examples,
  checkFile(file, report, world) {
    if (!file.whole) return;
    for (const { lock, sites } of sitesOf(file, world)) {
      const open = sites.filter(s => !s.off && !s.handler && !s.quiet);
      const handled = sites.find(s => s.handler !== null && !s.threadsToo);
      const told = new Set<CFunction>();
      for (const site of open) {
        if (told.has(site.fn) || !runsInTask(site.fn, world)) continue;
        const off = sites.filter(s => s.off && s.fn !== site.fn);
        // Tasks that switch interrupts off say nothing of an interrupt that takes the lock, unless one is seen to come by it.
        const counted = off.some(s => seemsInterrupt(s, world)) ? off : off.filter(s => mayInterrupt(s, world));
        const functions = new Set(counted.map(s => s.fn));
        const name = lockText(lock, site.event);
        if (handled?.handler && !(handled.shared && site.shared)) {
          told.add(site.fn);
          report(
            { event: site.event, fn: site.fn },
            {
              message: `${site.fn.name}() takes ${name} with interrupts enabled, and the interrupt handler ${handled.handler.name}() takes it too`,
              detail: [`An interrupt on this CPU between lock and unlock spins in ${handled.fn.name}() for a lock that its own CPU holds`],
              question: 'Should this be spin_lock_irq() or spin_lock_irqsave()?',
              dismissal: "Not an issue if the interrupt can't fire here, or its handler is always threaded",
              related: [related(handled, `${handled.fn.name}() takes it here`)],
              shape: `${lockKey(lock)}|${site.fn.name}`,
            },
          );
        } else if (
          functions.size >= 2 &&
          functions.size > 2 * new Set(open.map(s => s.fn)).size &&
          isTask(site.fn, world) &&
          !off.every(s => runsAlone(s.fn, world))
        ) {
          told.add(site.fn);
          report(
            { event: site.event, fn: site.fn },
            {
              message: `${site.fn.name}() takes ${name} with interrupts enabled, and the ${new Set(off.map(s => s.fn)).size} other functions in the file take it with interrupts disabled`,
              question: `Is ${name} taken in interrupt context?`,
              dismissal: `Not an issue if no interrupt handler takes ${name}`,
              related: off.slice(0, 2).map(s => related(s, `${s.fn.name}() takes it with interrupts disabled`)),
              confidence: 'medium',
              shape: `${lockKey(lock)}|${site.fn.name}`,
            },
          );
        }
      }
      for (const site of sites) {
        const caller = site.handler === site.fn && !site.off && !told.has(site.fn) ? plainCaller(site.fn, world) : null;
        if (!caller) continue;
        told.add(site.fn);
        report(
          { event: site.event, fn: site.fn },
          {
            message: `${site.fn.name}(), an interrupt handler, takes ${lockText(lock, site.event)} without disabling interrupts, and ${caller.fn.name}() calls it outside interrupt context`,
            detail: [`The interrupt may arrive on the CPU where ${caller.fn.name}() runs, and spin for the lock held there`],
            question: 'Should this be spin_lock_irqsave()?',
            dismissal: `Not an issue if ${caller.fn.name}() runs only while the interrupt is disabled`,
            related: [{ path: caller.fn.path, line: caller.event.line, side: caller.fn.side, note: `${caller.fn.name}() calls it here` }],
            shape: `${lockKey(lock)}|${site.fn.name}`,
          },
        );
      }
    }
  },
} satisfies Rule;

function related(site: Site, note: string): { path: string; line: number; side: 'new' | 'old'; note: string } {
  return { path: site.fn.path, line: site.event.line, side: site.fn.side, note };
}
