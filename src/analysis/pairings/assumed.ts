/** Claims against a CPU of which nothing is in view: it does what the order in view can only be there for. */

import { bitOrPath, cellName } from '../../c/lower/cells.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { AssumedStep, Claim, Edit } from '../../model/rule.ts';

/**
 * A store that must be seen before the function looks: whether something else changed, or at a call that wakes whether anybody waits. The other
 * CPU does the same the other way round, with a full barrier between, and neither sees the other. `events` begin with the store and end with the look.
 */
export function storeThenLook(fn: CFunction, events: [Event, ...Event[], Event], edit: Edit): Claim {
  const [store] = events;
  const look = events.at(-1) ?? store;
  const wakes = look.kind === 'wake';
  const queue = 'the queue';
  const set: AssumedStep = { does: 'write', cell: wakes ? queue : look, ...(wakes ? { says: { before: '', after: 'queues itself' } } : {}) };
  const sees: AssumedStep = { does: 'read', cell: store };
  const [name, other] = [nameOf(store), nameOf(look)];
  return {
    threads: [{ fn, events }],
    others: [{ who: wakes ? 'a waiter' : `a CPU that changes ${other}`, does: [set, { does: 'fence' }, sees] }],
    bad: {
      kind: 'sees',
      reads: [
        { read: look, from: 'before' },
        { read: sees, from: 'before' },
      ],
    },
    meanings: wakes
      ? [{ event: look, access: 'read', cell: queue, ordering: 'relaxed', says: { before: 'finds nobody to wake', after: 'finds the waiter' } }]
      : [],
    edits: [edit],
    assumes: [
      wakes
        ? `a waiter queues itself and then reads ${name}, with a full barrier in between`
        : `another CPU changes ${other} and then reads ${name}, with a full barrier in between`,
    ],
    stands: true,
  };
}

/** What the event is on, as a person would name it. */
function nameOf({ cell }: Event): string {
  if (!cell) return 'the cell';
  return bitOrPath({ ...cell, path: cell.path === '*' ? (cell.base ?? 'the cell') : cellName(cell) });
}
