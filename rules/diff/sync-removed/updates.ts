/** What a lock was around, against a function in view that still takes it around the same memory. */
import { cellName, comesBefore, gates, nodesAfter, sameStatement } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Bad, Claim, Meaning } from '../../../src/model/rule.ts';
import { isOpen, onOneCell, running } from './partners.ts';
import type { View } from './view.ts';

/** The load and the store of an update; one event where a call does both. */
export interface Update {
  reads: Event;
  writes: Event;
}

/** An update in two steps, which another CPU may come between, as a note tells it. */
export function meaningsOf({ reads, writes }: Update): Meaning[] {
  const name = writes.cell ? cellName(writes.cell) : 'it';
  const says = { before: `reads ${name} as it was`, after: `stores its own ${name}` };
  if (reads === writes) return [{ event: writes, access: 'update', cell: writes, ordering: 'plain', says }];
  return [
    { event: reads, access: 'read', cell: writes, ordering: 'plain', says },
    { event: writes, access: 'write', cell: writes, ordering: 'plain', says },
  ];
}

/** What one function does to a cell: an update reads what is there and stores what comes of it. */
interface Touch {
  fn: CFunction;
  reads: Event | null;
  writes: Event | null;
  /** In one call, which changes a list or a tree. */
  structure?: true;
}

/**
 * The execution in which one of the two comes between the load and the store of the other, or touches the cell at the same time; the lock is the
 * cure. Where nobody else is in view, an update against itself.
 */
export function lockClaim(view: View, own: readonly Event[], sites: readonly { fn: CFunction; event: Event }[], lock: string): Claim | null {
  const others = sites.filter(s => running(view.series).includes(s.fn));
  let race: Claim | null = null;
  let twice: Claim | null = null;
  for (const event of own) {
    const mine = touchOf(view.after, event, own);
    if (!mine) continue;
    for (const site of others) {
      if (!onOneCell(site.event, event)) continue;
      const theirs = touchOf(site.fn, site.event, site.fn.events);
      const claim = theirs && claimOf(mine, theirs, lock, 'both work on one object');
      if (claim && claim.bad.kind !== 'race') return claim;
      race ??= claim;
    }
    // What is only tested before it is set may be set by its owner alone.
    if (isUpdate(mine) && sameStatement(mine.reads, mine.writes) && onOneCell(event, event) && running(view.series).includes(view.after))
      twice ??= claimOf(mine, mine, lock, `two calls of ${view.after.name}() run on one object at once`);
  }
  return race ?? twice;
}

/** Calls that change a list, a tree or an IDR, and leave it to their callers to keep others away. */
const CHANGES =
  /^(?:h?list_(?:add|del|move|splice|replace)\w*|hash_(?:add|del)\w*|idr_(?:alloc\w*|remove|replace)|rb_(?:insert|erase|link|replace)\w*)$/;

/** What the event does to its cell, with the load before it that it depends on where it is a store. */
function touchOf(fn: CFunction, event: Event, events: readonly Event[]): Touch | null {
  if (!isOpen(fn, event)) return null;
  if (CHANGES.test(event.api)) return { fn, reads: event, writes: event, structure: true };
  if (event.kind === 'read') return { fn, reads: event, writes: null };
  if (event.kind === 'rmw') return event.atomic ? null : { fn, reads: event, writes: event };
  const load = events.findLast(
    e =>
      e.kind === 'read' &&
      comesBefore(fn, e, event) &&
      onOneCell(e, event) &&
      e.cell?.base === event.cell?.base &&
      nodesAfter(fn, e.node).has(event.node) &&
      (sameStatement(e, event) || gates(fn, e, event)),
  );
  return { fn, reads: load ?? null, writes: event };
}

function claimOf(mine: Touch, theirs: Touch, lock: string, assumes: string): Claim | null {
  const bad = badOf(mine, theirs);
  if (!bad) return null;
  const events = ({ reads, writes }: Touch) => (reads === writes ? [] : [reads]).concat(writes ?? []).filter(e => e !== null);
  return {
    threads: [mine, theirs].map(d => ({ fn: d.fn, events: d.writes ? events(d) : d.reads ? [d.reads] : [] })),
    bad,
    meanings: bad.kind === 'race' ? [] : [...new Set([mine, theirs])].flatMap(d => (isUpdate(d) ? meaningsOf(d) : [])),
    edits: [{ kind: 'lock', text: `Keeping ${lock} around it` }],
    assumes: [assumes],
    stands: true,
  };
}

/** One of the updates is lost; else the two accesses race. */
function badOf(mine: Touch, theirs: Touch): Bad | null {
  if ((mine.structure === true) !== (theirs.structure === true)) return null;
  if (isUpdate(mine) && isUpdate(theirs))
    return {
      kind: 'sees',
      reads: [
        { read: mine.reads, from: 'before', thread: 0 },
        { read: theirs.reads, from: 'before', thread: 1 },
      ],
      ends: [mine.writes],
    };
  if (isUpdate(mine) && theirs.writes) return { kind: 'sees', reads: [{ read: mine.reads, from: 'before', thread: 0 }], ends: [mine.writes] };
  if (isUpdate(theirs) && mine.writes) return { kind: 'sees', reads: [{ read: theirs.reads, from: 'before', thread: 1 }], ends: [theirs.writes] };
  const plain = [mine, theirs].some(d => (d.writes ?? d.reads)?.ordering === 'plain');
  return plain && (mine.writes || theirs.writes) ? { kind: 'race' } : null;
}

function isUpdate(touch: Touch): touch is Touch & Update {
  return touch.reads !== null && touch.writes !== null;
}
