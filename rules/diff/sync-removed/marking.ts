/** A marked, ordered or atomic access that becomes a lesser one. */
import { called, cellKey, isAccess, isOwn, keyOf, nodesAfter, nodesBefore, ofOneObject, runsAlone } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Claim, Edit, Remark } from '../../../src/model/rule.ts';
import { decidedOnly, orderClaim } from './order.ts';
import { formerly, isOpen, onOneCell, running } from './partners.ts';
import { meaningsOf, type Update } from './updates.ts';
import { calledUnderLock, callOf, gains, inFunction, isFixed, isHeld, spelled, type View } from './view.ts';

/** The access stays, and no longer as a marked or atomic one. */
export function lostMarking(view: View, event: Event): Remark | null {
  const { after, series } = view;
  const same = becomes(view, event);
  // A type that changes takes all accesses with it.
  if (same === null || isHeld(view.before, event, view.series.before) || same.some(e => e.ordering !== 'plain')) return null;
  const plain = same.find(e => (event.kind === 'read' ? e.kind === 'read' : e.kind !== 'read'));
  if (!plain || isHeld(after, plain, view.series.after) || isOwn(after, plain) || isFixed(view, { old: event, now: plain })) return null;
  if (calledUnderLock(view)) return null;
  const key = keyOf(event);
  const [other] = series.after.functions.flatMap(f =>
    f.events.filter(e => e.addedBy === null && keyOf(e) === key && e.ordering !== 'plain').map(() => f),
  );
  const atomic = event.kind === 'rmw' && event.atomic;
  const orders = event.ordering === 'acquire' || event.ordering === 'release' || event.ordering === 'full';
  const order = atomic ? null : lostOrderClaim(view, event, plain);
  const claim = atomic ? lostUpdate(view, event, plain, same) : (order ?? raceClaim(view, event, plain));
  return {
    ...(claim ? { claim } : {}),
    message: atomic
      ? `${callOf(event)} becomes a plain update of ${spelled(plain)} in ${inFunction(after)}: an update of another CPU in between is lost`
      : `${callOf(event)} becomes ${/^\w{3,}$/.test(plain.api) && plain.args.length > 0 ? callOf(plain) : `a plain ${plain.kind === 'read' ? 'read' : 'write'}`} in ${inFunction(after)}${orders ? ', which orders nothing' : ''}`,
    detail: other ? [`${other.name}() still marks its access to the same memory`] : [],
    question: atomic
      ? 'What serialises the updates now?'
      : order || orders
        ? 'What orders the accesses around it now?'
        : 'Which lock excludes the other accesses now?',
    dismissal: 'Not an issue if all accesses are under one lock, or the object is not shared here',
    quote: [event, plain],
    shape: `marking:${key}`,
    ...(atomic || other ? {} : { severity: 'note' as const }),
  };
}

/** The access stays marked, but gives no order any more: told only where the checker shows what that order was for. */
export function lostOrder(view: View, event: Event): Remark | null {
  const { after } = view;
  const now = becomes(view, event)?.find(e => e.ordering === 'relaxed' && (e.kind === 'read') === (event.kind === 'read'));
  if (!now || !(event.ordering === 'acquire' || event.ordering === 'release') || gains(view)) return null;
  const claim = lostOrderClaim(view, event, now);
  if (!claim) return null;
  return {
    claim: decidedOnly(claim),
    message: `${callOf(event)} becomes ${callOf(now)} in ${inFunction(after)}, which orders nothing`,
    question: 'What orders the accesses around it now?',
    dismissal: 'Not an issue if the other side of the pair is removed as well, or something else orders them',
    quote: [event, now],
    shape: `order:${keyOf(event)}`,
  };
}

/** What the function gains on the cell of a marked access that went; null where it is no such access, or nobody else sees the object. */
function becomes({ before, after, series, added }: View, event: Event): Event[] | null {
  if (!isAccess(event) || event.cell === null || event.ordering === 'plain' || event.ordering === null || runsAlone(after, series.after)) return null;
  if (isOwn(before, event) || series.stays(event)) return null;
  const key = cellKey(event.cell);
  // What a pointer points to is another cell than the pointer, whatever names it.
  return added.filter(
    e =>
      isAccess(e) &&
      keyOf(e) === key &&
      e.cell?.base === event.cell?.base &&
      e.cell?.path === event.cell?.path &&
      e.cell?.pointee === event.cell?.pointee,
  );
}

/** An access that is marked, or was before the series, which an unmarked one races with. */
function raceClaim(view: View, gone: Event, plain: Event): Claim | null {
  const { after, series } = view;
  if (!isOpen(after, plain)) return null;
  const sites = running(series).flatMap(fn =>
    fn === after
      ? []
      : fn.events.flatMap(event => {
          if (!onOneCell(event, plain) || !isOpen(fn, event) || (event.kind === 'read' && plain.kind === 'read')) return [];
          const was = event.ordering === 'plain' ? formerly(series, fn, event) : null;
          return event.ordering !== 'plain' || (was && was.ordering !== 'plain') ? [{ fn, event, was }] : [];
        }),
  );
  const site = sites.find(s => s.was === null) ?? sites[0];
  if (!site) return null;
  const { fn, event, was } = site;
  const cure: Edit = { kind: 'order', event: plain, ordering: 'relaxed', text: `Keeping ${called(gone)}()` };
  return {
    threads: [
      { fn: after, events: [plain] },
      { fn, events: [event] },
    ],
    bad: { kind: 'race' },
    edits: was
      ? [
          {
            kind: 'both',
            text: was.api === gone.api ? `Keeping both ${called(gone)}()` : `Keeping ${called(gone)}() and ${called(was)}()`,
            edits: [cure, { kind: 'order', event, ordering: 'relaxed', text: '' }],
          },
        ]
      : [cure],
    assumes: ['both work on one object'],
    stands: true,
  };
}

/** What a release is after, or an acquire before, against who relies on it. */
function lostOrderClaim(view: View, gone: Event, now: Event): Claim | null {
  const { after } = view;
  const { ordering } = gone;
  if (!isOpen(after, now) || (ordering !== 'acquire' && ordering !== 'release')) return null;
  const cure: Edit = { kind: 'order', event: now, ordering, text: `Keeping ${called(gone)}()` };
  if (now.kind === 'read') {
    const ahead = nodesAfter(after, now.node);
    for (const later of after.events) {
      if (later.kind !== 'read' || !ahead.has(later.node) || !belongs(later, now)) continue;
      const claim = orderClaim(view, now, later, cure, half => belongs(half.early, half.late));
      if (claim) return claim;
    }
    return null;
  }
  const behind = nodesBefore(after, now.node);
  for (const earlier of after.events.toReversed()) {
    if (earlier.kind !== 'write' || !behind.has(earlier.node) || !belongs(earlier, now)) continue;
    const claim = orderClaim(view, earlier, now, cure, half => belongs(half.late, half.early));
    if (claim) return claim;
  }
  return null;
}

/** Parts of one object, or what the pointer that is stored or loaded leads to. */
function belongs(payload: Event, flag: Event): boolean {
  const base = payload.cell?.base;
  if (base == null) return flag.cell?.base === null;
  if (ofOneObject(payload, flag)) return true;
  const pointer = flag.kind === 'read' ? flag.into : flag.operand;
  const place = flag.cell?.base ? `${flag.cell.base}->${flag.cell.path}` : flag.cell?.path;
  return base === pointer || (flag.kind === 'read' && base === place);
}

/** A plain update against another of the same cell, or against itself where no other is in view. */
function lostUpdate(view: View, gone: Event, plain: Event, same: readonly Event[]): Claim | null {
  const { after, series } = view;
  const update = partsOf(plain, same);
  if (!update || !isOpen(after, plain)) return null;
  const site = running(series)
    .filter(fn => fn !== after)
    .flatMap(fn =>
      fn.events.flatMap((event): Site[] => {
        if (!onOneCell(event, plain) || !isOpen(fn, event) || event.kind === 'read') return [];
        if (event.kind === 'rmw' && event.atomic) return [{ fn, reads: event, writes: event, was: null }];
        const parts = partsOf(event, fn.events);
        const was = event.addedBy === null ? null : lostAtomic(view, fn, event);
        return parts && was ? [{ fn, ...parts, was }] : [];
      }),
    )
    .sort((a, b) => Number(a.was !== null) - Number(b.was !== null))[0];
  const cure = joined(update, `Keeping ${called(gone)}()`);
  const twice = site === undefined;
  const other: Site = site ?? { fn: after, ...update, was: null };
  const events = ({ reads, writes }: Update) => (reads === writes ? [writes] : [reads, writes]);
  return {
    threads: [
      { fn: after, events: events(update) },
      { fn: other.fn, events: events(other) },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: update.reads, from: 'before', thread: 0 },
        ...(twice || other.was ? [{ read: other.reads, from: 'before' as const, thread: 1 }] : []),
      ],
      ends: [update.writes],
    },
    edits: other.was ? [{ kind: 'both', text: `Keeping ${called(gone)}() and ${called(other.was)}()`, edits: [cure, joined(other, '')] }] : [cure],
    meanings: [...meaningsOf(update), ...(other.was ? meaningsOf(other) : [])],
    assumes: [twice ? `two calls of ${after.name}() run on one object concurrently` : 'both work on one object'],
    stands: true,
  };
}

interface Site extends Update {
  fn: CFunction;
  /** What it was before the series, where it has become plain as well. */
  was: Event | null;
}

function partsOf(event: Event, events: readonly Event[]): Update | null {
  if (event.kind === 'rmw') return event.atomic ? null : { reads: event, writes: event };
  const reads = events.find(e => e.kind === 'read' && e.api === event.api && e.line === event.line && keyOf(e) === keyOf(event));
  return event.kind === 'write' && reads ? { reads, writes: event } : null;
}

function joined({ reads, writes }: Update, text: string): Edit {
  return { kind: 'join', event: reads, write: writes, text };
}

/** The atomic update that stood there before the series. */
function lostAtomic({ series }: View, fn: CFunction, event: Event): Event | null {
  const was = formerly(series, fn, event);
  return was?.kind === 'rmw' && was.atomic ? was : null;
}
