import { called, isHandedOver, isTest, objectOf, onward, variablesIn } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'stored-after-release-callback',
  title: 'A reference count is stored after a callback has returned the object to its owner',
  why: `
    Once a driver's free callback has the object, another CPU may take it from the driver's list and count references on it. A store of the
    count after the callback overwrites those: it is not a read-modify-write, so the new owner's references are lost, and the object is
    freed too early or never. The callback's lock does not help, since it has been dropped by then, and later stores may even move up past
    an unlock. The next owner of the object is behind a pointer and not visible: the claim assumes one, which gets it from the callback and
    counts a reference.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['use-after-handover', 'refcount-lifetime'],
  references: ['Documentation/atomic_t.txt, SEMANTICS', 'Documentation/core-api/kref.rst, Kref rules'],
  knownGaps: ['a release callback that is not named as one, or a function that is not visible, is not known to take the object'],
  examples: {
    bad: [
      `
void zone_page_free(struct page *page)
{
	page->mapping = NULL;
	page->pgmap->ops->page_free(page);
	set_page_count(page, 1); /* want: stored-after-release-callback "page_free" */
}`,
      `
void pool_put(struct pool *pool, struct obj *obj)
{
	pool->ops->free(pool, obj);
	atomic_set(&obj->refs, 1); /* want: stored-after-release-callback "obj" */
}`,
    ],
    good: [
      `
void pool_put(struct pool *pool, struct obj *obj)
{
	atomic_set(&obj->refs, 0);
	pool->ops->free(pool, obj);
}`,
      `
/* The new owner stores it. */
struct page *zone_page_alloc(struct zone_dev *z)
{
	struct page *page = z->ops->alloc(z);

	set_page_count(page, 1);
	return page;
}`,
      `
/* It frees a part of the device, which stays the caller's. */
void dev_reset(struct dev *dev)
{
	free_stats(dev);
	atomic_set(&dev->pending, 0);
}`,
      `
void dev_stop(struct dev *dev)
{
	dev->ops->free(dev);
	dev->priv = NULL;
}`,
      `
void pool_renew(struct pool *pool, struct obj *obj)
{
	pool->ops->free(pool, obj);
	obj = pool->ops->alloc(pool);
	atomic_set(&obj->refs, 1);
}`,
      `
void page_drop(struct zone_dev *z, struct page *page)
{
	if (z->ops->page_free) {
		z->ops->page_free(page);
		return;
	}
	set_page_count(page, 1);
}`,
    ],
  },
  checkFunction(fn, report) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const call of fn.events) {
      if (!isRelease(call)) continue;
      const object = (call.args.at(-1) ?? '').replace(/->/g, '.');
      if (!/^\w+$/.test(object)) continue;
      const { events } = onward(fn, call, { variables: variablesIn(object), stop: e => e !== call && isHandedOver(e, object) && e.opaque });
      const store = events.find(e => e.cell !== null && objectOf(e.cell) === object && storesCount(e));
      if (!store) continue;
      report(
        { event: store, fn },
        {
          message: `${called(store)}() in ${fn.name}() stores a reference count of ${object} after ${called(call)}() has returned ${object} to its owner`,
          detail: [
            `Another CPU may get ${object} from its owner and take a reference before the store, which is not a read-modify-write and overwrites it`,
          ],
          question: `Can another CPU have ${object} by then, and should the count be stored before ${called(call)}(), or by the next owner?`,
          dismissal: `Not an issue if ${called(call)}() leaves ${object} with its caller`,
          related: [{ path: call.path, line: call.line, side: call.side, note: 'returned to its owner here' }],
          quote: [call, store],
          claim: claimOf(fn, call, store, object),
        },
      );
    }
  },
} satisfies Rule;

/** The function against the next owner, who counts a reference between the callback and the store. */
function claimOf(fn: CFunction, call: Event, store: Event, object: string): Claim {
  const given = `${object} returned`;
  const got: AssumedStep = {
    does: 'read',
    cell: given,
    ordering: 'acquire',
    says: { before: `does not find ${object}`, after: `gets ${object} from its owner` },
  };
  return {
    threads: [{ fn, events: [call, store] }],
    others: [{ who: `the next owner of ${object}`, does: [got, { does: 'add', cell: store, where: { gave: got } }] }],
    bad: { kind: 'sees', reads: [{ read: got, from: call }], ends: [store] },
    meanings: [
      // Whatever the callback does, the next owner sees all that was done before: else there would be nothing to rely on.
      { event: call, access: 'write', cell: given, ordering: 'release', value: 1, says: { before: '', after: `returns ${object}` } },
      {
        event: store,
        access: 'write',
        cell: store,
        ordering: store.ordering === 'release' ? 'release' : 'relaxed',
        says: { before: '', after: `overwrites the count of ${object}` },
      },
    ],
    edits: [{ kind: 'move', event: store, where: 'before', to: call, text: `Storing the count before ${called(call)}()` }],
    assumes: [`another CPU may get ${object} as soon as ${called(call)}() has it, and takes a reference to it`],
    stands: true,
  };
}

/** A call through a pointer whose member says that it frees what it gets. */
function isRelease(event: Event): boolean {
  return event.kind === 'call' && event.opaque && /(?:->|\.)(?:\w+_)?free$/.test(event.api) && event.args.length > 0 && event.args.length <= 2;
}

/** A plain store of a count, which starts the object's life anew. */
function storesCount(event: Event): boolean {
  return (
    event.kind === 'write' &&
    /^(?:set_page_count|(?:atomic(?:64|_long)?|refcount)_set(?:_release)?|kref_init|(?:page|folio)_ref_unfreeze)$/.test(event.api)
  );
}
