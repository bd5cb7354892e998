import { isTest, onward, variablesIn } from '../../src/c/query.ts';
import type { Event } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'id-released-before-slot-cleared',
  title: 'An id is given back before the slot that it stands for is cleared',
  why: `
    Once the id is free, another CPU may get it and put its own object into the slot. The store of NULL that follows then wipes out the new
    owner's object, and between the two a lookup by the id finds the old one. The slot is cleared first, the id released last.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['publish-before-init', 'use-after-handover', 'lifetime-teardown'],
  references: ['Documentation/memory-barriers.txt, VARIETIES OF MEMORY BARRIER'],
  knownGaps: ['an allocator of ids of the subsystem’s own is known only by its name'],
  examples: {
    bad: [
      `
void queue_end(struct queue *q)
{
	ida_free(&queue_ids, q->id);
	queue_table[q->id] = NULL; /* want: id-released-before-slot-cleared "queue_table" */
}`,
    ],
    good: [
      `
void queue_end(struct queue *q)
{
	queue_table[q->id] = NULL;
	ida_free(&queue_ids, q->id);
}`,
      `
void queue_end(struct queue *q)
{
	mutex_lock(&queue_lock);
	ida_free(&queue_ids, q->id);
	queue_table[q->id] = NULL;
	mutex_unlock(&queue_lock);
}`,
      `
void queue_end(struct queue *q, int other)
{
	ida_free(&queue_ids, q->id);
	queue_table[other] = NULL;
}`,
      `
/* The slot belongs to the object, not to the id. */
void queue_end(struct queue *q)
{
	ida_free(&queue_ids, q->id);
	q->owner = NULL;
}`,
    ],
  },
  checkFunction(fn, report) {
    if (fn.isMacro || fn.broken || isTest(fn) || fn.entryLocks.length > 0) return;
    for (const release of fn.events) {
      const id = releasedId(release);
      if (id === null || release.locks.length > 0 || release.maybeLocks.length > 0) continue;
      const owner = /^\w+/.exec(id)?.[0] ?? id;
      const { events } = onward(fn, release, { variables: variablesIn(owner) });
      const clear = events.find(e => e.kind === 'write' && e.operand === 'NULL' && e.locks.length === 0 && isSlotOf(e, id, owner));
      if (!clear) continue;
      const table = clear.cell?.path.replace(/\[.*/, '') ?? 'the slot';
      report(
        { event: clear, fn },
        {
          message: `the slot of ${id} in ${table} is cleared in ${fn.name}() only after ${release.api}() has given ${id} back`,
          detail: ['Another CPU may have got the id and filled the slot by then, and its object is wiped out'],
          question: `What keeps ${id} from being given out again between the two, and can the slot be cleared first?`,
          dismissal: 'Not an issue if allocation and release are serialised by a lock of the callers',
          related: [{ path: release.path, line: release.line, side: release.side, note: 'given back here' }],
          quote: [release, clear],
        },
      );
    }
  },
} satisfies Rule;

/** The id that the call gives back, a member of an object; null where it gives none. */
function releasedId(event: Event): string | null {
  if (!/^(?:ida_(?:simple_remove|free)|idr_remove|gen_pool_free|bitmap_clear|(?:\w+_)?(?:free|release|put)_\w*id)$/.test(event.api)) return null;
  const id = event.args[event.args.length > 1 ? 1 : 0] ?? '';
  return /^\w+->\w+$/.test(id) ? id : null;
}

/** An element of a table that is chosen by the id, or by another number of the same object. */
function isSlotOf(event: Event, id: string, owner: string): boolean {
  const subscript = /\[([^\]]*)\]$/.exec(event.cell?.path ?? '')?.[1];
  return subscript !== undefined && (subscript === id || subscript.startsWith(`${owner}->`)) && !(event.cell?.base ?? '').startsWith(owner);
}
