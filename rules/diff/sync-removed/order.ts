/** Two accesses that have lost their order, against a function in view that makes the other two of the pair. */
import {
  between,
  called,
  comesBefore,
  conditionOn,
  heldAt,
  nodesAfter,
  ordersAll,
  ordersLoads,
  ordersStores,
  sameLock,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Changes, Claim, Edit } from '../../../src/model/rule.ts';
import { formerly, isOpen, onOneCell, running } from './partners.ts';
import type { View } from './view.ts';

const reads = (e: Event) => e.kind === 'read';
const stores = (e: Event) => e.kind === 'write' || e.kind === 'publish' || e.kind === 'rmw';

/** Accesses of another function, in its order. */
interface Half {
  fn: CFunction;
  early: Event;
  late: Event;
}

/**
 * The new side against another function in view that touches both cells, with what was removed put back as the cure: the diff itself hands over
 * both forms of the test. Null where nobody in view does the other half in an order that could matter.
 */
export function orderClaim(view: View, one: Event, other: Event, cure: Edit, fits: (half: Half) => boolean = () => true): Claim | null {
  const shape = shapeOf(one, other);
  if (shape === null || onOneCell(one, other)) return null;
  for (const half of halves(view, one, other, shape)) {
    const lost = lostIn(view.series, half);
    // Unless the other half is in order, or was, putting back this one cures nothing.
    if ((!lost && !inOrder(half, shape)) || !fits(half)) continue;
    const { fn, early, late } = half;
    return {
      threads: [
        { fn: view.after, events: [one, other] },
        { fn, events: [early, late] },
      ],
      bad: {
        kind: 'sees',
        reads:
          shape === 'writer'
            ? [
                { read: early, from: other },
                { read: late, from: 'before' },
              ]
            : shape === 'reader'
              ? [
                  { read: one, from: late },
                  { read: other, from: 'before' },
                ]
              : [
                  { read: other, from: 'before' },
                  { read: late, from: 'before' },
                ],
      },
      edits: [cure, ...(lost ? [{ kind: 'both' as const, text: `${cure.text}, and ${lost.text} in ${fn.name}()`, edits: [cure, lost] }] : [])],
      assumes: ['both run on one object'],
      stands: true,
    };
  }
  return null;
}

/** The claim of a finding that does not stand without it. */
export function decidedOnly({ stands, ...claim }: Claim): Claim {
  return claim;
}

type Shape = 'writer' | 'reader' | 'buffered';

function shapeOf(one: Event, other: Event): Shape | null {
  if (stores(one) && stores(other)) return 'writer';
  if (reads(one) && reads(other)) return 'reader';
  return stores(one) && reads(other) ? 'buffered' : null;
}

/** Those who read what is written, or write what is read, the other way round. */
function halves(view: View, one: Event, other: Event, shape: Shape): Half[] {
  const { after, series } = view;
  const held = heldAt(after, one, series.after);
  const [first, second] = shape === 'writer' ? [reads, reads] : shape === 'reader' ? [stores, stores] : [stores, reads];
  return running(series).flatMap(fn => {
    if (fn === after) return [];
    return fn.events.flatMap(early => {
      if (!first(early) || !onOneCell(early, other) || !isOpen(fn, early)) return [];
      const ahead = nodesAfter(fn, early.node);
      const late = fn.events.find(e => second(e) && onOneCell(e, one) && isOpen(fn, e) && ahead.has(e.node));
      // Who is called under one lock with the other is kept apart by it.
      if (!late || heldAt(fn, early, series.after).some(lock => held.some(own => sameLock(lock, own)))) return [];
      const half = { fn, early, late };
      const contradicted =
        shape === 'writer' ? misses(other, conditionOn(fn, early, late)) : shape === 'reader' && misses(late, conditionOn(after, one, other));
      return contradicted ? [] : [half];
    });
  });
}

/** What runs under this condition does not run where the store's value is found. */
function misses(store: Event, condition: ReturnType<typeof conditionOn>): boolean {
  const value = (store.operand ?? '').trim();
  const zero = store.operation === 'clear' || /^(?:0|NULL|false)$/.test(value);
  const nonzero = store.operation === 'set' || /^(?:true|[1-9]\d*)$/.test(value);
  return (zero && condition === 'nonzero') || (nonzero && condition === 'zero');
}

/** Does something between the two keep them in order, or one of them itself? */
function inOrder({ fn, early, late }: Half, shape: Shape): boolean {
  const inner = between(fn, early, late);
  if (inner.some(ordersAll) || (early.kind === 'rmw' && early.ordering === 'full')) return true;
  if (shape === 'buffered') return false;
  if (shape === 'reader') return late.ordering === 'release' || late.ordering === 'full' || inner.some(ordersStores);
  const leads = early.ordering === 'address' || (early.ordering !== 'plain' && early.into !== null && late.cell?.base === early.into);
  return early.ordering === 'acquire' || leads || inner.some(ordersLoads);
}

/** The order that the other half has lost in the same series, as an edit. */
function lostIn(series: Changes, { fn, early, late }: Half): Edit | null {
  for (const event of [early, late]) {
    const was = formerly(series, fn, event);
    const ordering = event === early ? 'acquire' : 'release';
    if (was && (was.ordering === ordering || was.ordering === 'full')) return { kind: 'order', event, ordering, text: `${called(was)}()` };
  }
  const old = series.functions.find(c => c.after === fn)?.before;
  const gone = old?.events.filter(e => e.kind === 'fence' && e.addedBy !== null && series.stays(e) === null) ?? [];
  for (const barrier of gone) {
    const fence = fenceOf(barrier);
    const [above, below] = [early, late].map(now => old?.events.find(e => series.stays(e) === now));
    if (old && fence && above && below && comesBefore(old, above, barrier) && comesBefore(old, barrier, below))
      return { kind: 'fence', fence, where: 'after', event: early, text: `${called(barrier)}()` };
  }
  return null;
}

/** The fence that the barrier comes to between CPUs; null for what orders the compiler alone, or a device. */
export function fenceOf({ fact, ordering }: Event): 'full' | 'rmb' | 'wmb' | null {
  if (fact?.scope === 'device') return null;
  if (ordering === 'before-atomic' || ordering === 'after-atomic') return 'full';
  return ordering === 'full' || ordering === 'rmb' || ordering === 'wmb' ? ordering : null;
}
