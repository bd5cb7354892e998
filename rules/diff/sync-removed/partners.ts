/** The other half of what goes: functions in view that touch the same memory, and may run beside the one that changes. */
import { isAccess, isOwn, isTest, keyOf, runsAlone } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Changes } from '../../../src/model/rule.ts';

const beside = new WeakMap<Changes, CFunction[]>();

/** Functions after the series that may run beside others: neither set-up or teardown nor tests. */
export function running(series: Changes): CFunction[] {
  let found = beside.get(series);
  if (!found) {
    found = series.after.functions.filter(fn => !fn.isMacro && !fn.broken && !isTest(fn) && !runsAlone(fn, series.after));
    beside.set(series, found);
  }
  return found;
}

/** Both are on one cell. Without a type only the path matches, and that means something in one file alone; a task's own is no other task's. */
export function onOneCell(a: Event, b: Event): boolean {
  const key = keyOf(a);
  if (key === null || key !== keyOf(b) || (key.startsWith('|') && a.path !== b.path)) return false;
  return a.cell?.path !== '*' && a.cell?.bit === b.cell?.bit && !(a.cell?.base === 'current' && b.cell?.base === 'current');
}

/** An access, not in doubt, to memory that others may see while it runs. */
export function isOpen(fn: CFunction, event: Event): boolean {
  return (
    isAccess(event) &&
    !event.uncertain &&
    event.object === undefined &&
    !event.phase.includes('init') &&
    !event.phase.includes('exit') &&
    !isOwn(fn, event)
  );
}

/** What stood in the place of an event that the series has rewritten: another access of the kind to the same cell, which went. */
export function formerly(series: Changes, fn: CFunction, event: Event): Event | null {
  const old = event.addedBy === null ? undefined : series.functions.find(c => c.after === fn)?.before;
  const gone = old?.events.filter(e => e.addedBy !== null && series.stays(e) === null && (e.kind === 'read') === (event.kind === 'read'));
  return gone?.find(e => isAccess(e) && onOneCell(e, event)) ?? null;
}
