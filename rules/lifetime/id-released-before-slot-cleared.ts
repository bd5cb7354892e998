import { called, guardsAt, isTest, keyOf, nodesAfter, onward, serialiserOf, variablesIn } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'id-released-before-slot-cleared',
  title: 'An id is freed before its slot is cleared',
  why: `
    Once the id is free, another CPU may allocate it and store its own object in the slot. The store of NULL that follows then wipes out the
    new owner's object, and between the two a lookup by id finds the old one. Clear the slot first, and free the id last.`,
  severity: 'warning', // A note where who gets the id next is not in view.
  confidence: 'medium',
  finds: ['publish-before-init', 'use-after-handover', 'lifetime-teardown'],
  references: ['Documentation/memory-barriers.txt, VARIETIES OF MEMORY BARRIER'],
  knownGaps: ['a subsystem’s own id allocator is known only by its name'],
  examples: {
    bad: [
      `
void queue_end(struct queue *q)
{
	ida_free(&queue_ids, q->id);
	queue_table[q->id] = NULL; /* want: id-released-before-slot-cleared "queue_table" */
}

int queue_begin(struct queue *q)
{
	int ret = queue_alloc_id(&q->id);

	if (ret)
		return ret;
	queue_table[q->id] = q;
	return 0;
}`,
      `
void queue_end(struct queue *q)
{
	ida_free(&queue_ids, q->id);
	queue_table[q->id] = NULL; /* want: id-released-before-slot-cleared "queue_table" */
}`,
    ],
    good: [
      `
static DEFINE_SPINLOCK(queue_lock);

/* Its caller holds the lock. */
static void queue_clear(struct queue *q)
{
	ida_free(&queue_ids, q->id);
	queue_table[q->id] = NULL;
}

void queue_end(struct queue *q)
{
	spin_lock(&queue_lock);
	queue_clear(q);
	spin_unlock(&queue_lock);
}

int queue_begin(struct queue *q)
{
	spin_lock(&queue_lock);
	q->id = ida_alloc(&queue_ids, GFP_ATOMIC);
	queue_table[q->id] = q;
	spin_unlock(&queue_lock);
	return 0;
}`,
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
}

/* Under the same lock: the checker finds no owner that is wiped out. */
int queue_begin(struct queue *q)
{
	mutex_lock(&queue_lock);
	q->id = ida_alloc(&queue_ids, GFP_KERNEL);
	queue_table[q->id] = q;
	mutex_unlock(&queue_lock);
	return 0;
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
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const release of fn.events) {
      const id = releasedId(release);
      if (id === null) continue;
      const owner = /^\w+/.exec(id)?.[0] ?? id;
      const { events } = onward(fn, release, { variables: variablesIn(owner) });
      const clear = events.find(e => e.kind === 'write' && e.operand === 'NULL' && isSlotOf(e, id, owner));
      if (!clear) continue;
      const next = nextOwner(fn, clear, world);
      const span = { fn, event: release, until: clear };
      // Whether a lock that both surely hold keeps them apart, the checker says.
      const apart = next && serialiserOf(span, { fn: next.fn, event: next.alloc, until: next.store }, world);
      if (next ? apart?.sure === false : guardsAt({ fn, event: clear }, world).own) continue;
      const table = clear.cell?.path.replace(/\[.*/, '') ?? 'the slot';
      report(
        { event: clear, fn },
        {
          message: `${fn.name}() clears the slot of ${id} in ${table} only after ${called(release)}() has freed ${id}`,
          detail: ['Another CPU may have allocated the id and filled the slot by then, and its object is wiped out'],
          question: `What keeps ${id} from being allocated again between the two, and can the slot be cleared first?`,
          dismissal: 'Not an issue if the callers serialise allocation and release',
          related: [{ path: release.path, line: release.line, side: release.side, note: 'freed here' }],
          quote: [release, clear],
          ...(next
            ? {
                claim: {
                  threads: [
                    { fn, events: [release, clear] },
                    { fn: next.fn, events: [next.alloc, next.store] },
                  ],
                  bad: { kind: 'sees' as const, reads: [{ read: next.alloc, from: release }], ends: [clear] },
                  meanings: [
                    {
                      event: release,
                      access: 'write' as const,
                      cell: 'id',
                      ordering: 'release' as const,
                      says: { before: '', after: `frees ${id}` },
                    },
                    {
                      event: next.alloc,
                      access: 'read' as const,
                      aside: true as const,
                      cell: 'id',
                      ordering: 'acquire' as const,
                      says: { before: 'gets another id', after: 'gets the same id' },
                    },
                  ],
                  edits: [
                    {
                      kind: 'move' as const,
                      event: clear,
                      where: 'before' as const,
                      to: release,
                      text: `Clearing the slot in ${table} before ${called(release)}()`,
                    },
                  ],
                  assumes: ['the freed id is the next to be allocated'],
                },
              }
            : { severity: 'note' as const }),
        },
      );
    }
  },
} satisfies Rule;

/** Who gets an id and fills a slot of the same table with its own object. */
function nextOwner(fn: CFunction, clear: Event, world: World): { fn: CFunction; alloc: Event; store: Event } | null {
  for (const other of world.functions) {
    if (other === fn || other.path !== fn.path || other.isMacro || other.broken) continue;
    const store = other.events.find(
      e => e.kind === 'write' && keyOf(e) === keyOf(clear) && e.operand !== null && e.operand !== 'NULL' && !e.uncertain,
    );
    const alloc = store && other.events.find(e => ALLOCATES.test(e.api) && nodesAfter(other, e.node).has(store.node));
    if (store && alloc) return { fn: other, alloc, store };
  }
  return null;
}

const ALLOCATES = /^(?:ida_(?:simple_get|alloc\w*)|idr_alloc\w*|gen_pool_alloc\w*|(?:\w+_)?(?:alloc|get|new)_\w*id)$/;

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
