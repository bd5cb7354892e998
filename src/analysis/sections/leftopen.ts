/** Critical sections that a change leaves open: on a path that ended outside of the section before, it ends inside of it now. */

import { isGuard } from '../../c/calls/callees.ts';
import { nodeDominates } from '../../c/cfg/dominance.ts';
import { nodesAfter, nodesBefore } from '../../c/cfg/flow.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { holds, isContext, type Section, sameLock } from '../../model/section.ts';
import { mayGive, releasesSection, takings } from './locking.ts';
import { annotated, leavesByContract } from './locknames.ts';
import { lockFlowOf } from './locksets.ts';
import { isHandedOn } from './releases.ts';

/** A lock, or a context that a call began, that is held where a path ends now and was not before. */
export interface LeftOpen {
  lock: Section;
  /** What acquires it, on the new side; null where that is out of view. */
  from: Event | null;
  /** What released it on that path, on the old side; null where the path ended before the lock was taken. */
  release: Event | null;
  /** The end of the path, on the new side. */
  exit: FlowNode;
  /** The end may be that of the piece, and the function run on. */
  cut: boolean;
}

/** The same function before the change and after it, and what pairs them. */
export interface Sides {
  before: CFunction;
  after: CFunction;
  /** The other parts of the function that hunks show, on both sides. */
  parts: readonly { before: CFunction | null; after: CFunction | null }[];
  /** The line of the new side where a line of the old one stands; null where it is removed. */
  lineNow(line: number): number | null;
  stays(event: Event): Event | null;
  functions: readonly CFunction[];
}

/** Every path of the function that a change lets end with a lock held which it ended without before. */
export function leftOpen(sides: Sides): LeftOpen[] {
  const { before, after } = sides;
  if (before.broken || after.broken || after.isMacro || [before, after].some(isContract)) return [];
  return after.flow.flatMap((exit, at): LeftOpen[] => {
    if (exit.kind !== 'exit' || exit.stops) return [];
    const ends = before.flow.flatMap((node, n) =>
      node.kind === 'exit' && node.returned === exit.returned && sides.lineNow(node.line) === exit.line ? [n] : [],
    );
    if (ends.length === 0) return [];
    const cut = !after.whole && exit.returned === undefined && exit.line === after.endLine;
    return [...acquiredAbove(sides, at, ends), ...acquiredOutOfView(sides, at, ends)]
      .filter(open => !isHandedOn(open.lock) && !(cut && (open.release === null || endsElsewhere(sides, open))))
      .map(open => ({ ...open, exit, cut }));
  });
}

type Open = Pick<LeftOpen, 'lock' | 'from' | 'release'>;

function isContract(fn: CFunction): boolean {
  return leavesByContract(fn) || annotated(fn).length > 0;
}

/** Sections that the new side begins in view, and is surely in at the end of the path. */
function acquiredAbove(sides: Sides, at: number, ends: readonly number[]): Open[] {
  const { before, after } = sides;
  const above = nodesBefore(after, at);
  const state = lockFlowOf(after)?.states.at(at);
  const flow = lockFlowOf(before);
  if (!state) return [];
  return after.events.flatMap((from): Open[] => {
    if (!above.has(from.node) || isGuard(from)) return [];
    return takings(after, from).flatMap(({ lock }): Open[] => {
      const context = isContext(lock);
      const held = holds(context ? state.context : state.must, lock);
      const was = ends.some(n => {
        const old = flow?.states.at(n);
        return old ? holds(context ? old.context : old.may, lock) : false;
      });
      if (!held || was || holds(before.entryLocks, lock) || mayEnd(sides, lock, from, at)) return [];
      const release = removedRelease(sides, lock, ends);
      // The section must be the change's own: what ended it goes, or it begins earlier than it did.
      if (!release && (context || !isMovedUp(sides, from, lock))) return [];
      return [{ lock, from, release }];
    });
  });
}

/** The lock was taken further down before, and what released it there still does. */
function isMovedUp(sides: Sides, from: Event, lock: Section): boolean {
  const { before, after } = sides;
  const was = before.events.some(e => e.addedBy !== null && takings(before, e).some(t => sameLock(t.lock, lock)));
  return from.addedBy !== null && was && after.events.some(e => releasesSection(after, e, lock) && nodesAfter(after, from.node).has(e.node));
}

/** Sections that began out of view: the old side released the lock on the path, and the new side does nothing of the kind. */
function acquiredOutOfView(sides: Sides, at: number, ends: readonly number[]): Open[] {
  const { before, after, parts } = sides;
  if (after.whole) return [];
  const effects = lockFlowOf(before)?.effects ?? [];
  return before.events.flatMap((release): Open[] => {
    const lock = effects[release.index]?.unlock[0];
    if (
      lock === undefined ||
      tail(lock) === '' ||
      release.kind !== 'unlock' ||
      !isRemoved(sides, release) ||
      !ends.some(n => nodesAfter(before, release.node).has(n))
    )
      return [];
    const touches = (fn: CFunction, e: Event) => takings(fn, e).some(t => alike(t.lock, lock)) || releasesSection(fn, e, lock);
    // It is taken in view, or on the way to the end: another case.
    if ([before, after].some(fn => fn.events.some(e => takings(fn, e).some(t => alike(t.lock, lock))))) return [];
    // A lock that is no longer taken needs no release.
    if (parts.some(p => p.before?.events.some(e => e.addedBy !== null && touches(p.before ?? before, e) && e.kind !== 'unlock'))) return [];
    if (!surelyPasses(before, release, ends) || mayEnd(sides, lock, null, at, release)) return [];
    return [{ lock, from: null, release }];
  });
}

/** Does every path to the end run through the event? */
function surelyPasses(fn: CFunction, event: Event, ends: readonly number[]): boolean {
  return ends.every(n => nodeDominates(fn.flow, event.node, n));
}

function alike(a: Section, b: Section): boolean {
  return sameLock(a, b) || tail(a) === tail(b);
}

function tail(lock: Section): string {
  return /\w+$/.exec(lock.object ?? '')?.[0] ?? '';
}

function isRemoved({ stays }: Sides, event: Event): boolean {
  return event.addedBy !== null && !event.ends && stays(event) === null;
}

/** What released the lock before the old ends of the path, and is removed from there. */
function removedRelease(sides: Sides, lock: Section, ends: readonly number[]): Event | null {
  const { before } = sides;
  return (
    before.events.findLast(
      e => e.addedBy !== null && !e.ends && releasesSection(before, e, lock) && ends.some(n => nodesAfter(before, e.node).has(n)),
    ) ?? null
  );
}

/** May something on the path release it: surely known to, or new and able to? */
function mayEnd({ after, functions }: Sides, lock: Section, from: Event | null, at: number, like: Event | null = from): boolean {
  const [below, above] = [from ? nodesAfter(after, from.node) : null, nodesBefore(after, at)];
  const root = /[A-Za-z_]\w*/.exec(like?.args[0] ?? '')?.[0];
  return after.flow.some((node, n) => {
    if (n !== at && (!above.has(n) || (below && !below.has(n)))) return false;
    if (node.kind === 'gap') return true;
    const event = node.event === null ? undefined : after.events[node.event];
    if (!event || event === from) return false;
    if (!from && releasesSection(after, event, lock)) return true;
    if (event.addedBy === null || !like) return false;
    const given = event.kind === 'call' && event.opaque && root !== undefined && event.args.some(arg => new Set(arg.match(/\w+/g)).has(root));
    return given || mayGive(after, event, lock, like, functions);
  });
}

/** Another part of the function gains a release of the lock, or loses an acquisition: there the section ends, or a second one began. */
function endsElsewhere({ before, after, parts, stays }: Sides, { lock }: Open): boolean {
  return parts.some(part => {
    const gained = part.after?.events.some(
      e =>
        part.after &&
        part.after !== after &&
        e.addedBy !== null &&
        (releasesSection(part.after, e, lock) || (e.kind === 'unlock' && tail(lock) === (/\w+$/.exec(e.cell?.path ?? '')?.[0] ?? ''))),
    );
    const lost = part.before?.events.some(
      e => part.before && part.before !== before && e.addedBy !== null && stays(e) === null && takings(part.before, e).some(t => alike(t.lock, lock)),
    );
    return gained || lost;
  });
}
