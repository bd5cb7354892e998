/**
 * Which lock keeps two places apart. That some lock is held excuses nothing: it counts where both sides hold that very lock, and where the other side is
 * not in view, where it can be the lock of the cell.
 */
import { comesBefore, heldOver } from '../../c/cfg/flow.ts';
import { cellKey } from '../../c/lower/cells.ts';
import { effectsOfKind } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';
import { holds, likeLock, objectType, type Section, sameLock } from '../../model/section.ts';
import { serialisers, takings } from '../sections/locking.ts';
import { assertedLock } from '../sections/locknames.ts';
import { callersOf, heldAt, perhapsHeldAt } from './callers.ts';
import { rolesOf } from './roles.ts';

/** An event in its function; with `until` all that runs from the one to the other. */
export interface Span {
  fn: CFunction;
  event: Event;
  until?: Event;
}

/** A lock held at a place: `sure` on every path and by every caller, and by a name or a type that is in view. */
export interface Serialiser {
  lock: Section;
  sure: boolean;
}

/**
 * The lock that both sides hold, one of them at least exclusively, so that neither runs while the other does; null where no lock can be that. A side that
 * holds it on some paths only, or by the convention of its name, makes it unsure.
 */
export function serialiserOf(a: Span, b: Span, world: World): Serialiser | null {
  const others = locksAt(b, world);
  const both = locksAt(a, world).flatMap(({ lock, sure }): Serialiser[] =>
    others.flatMap(other => {
      if (lock.mode === 'shared' && other.lock.mode === 'shared') return [];
      if (sameLock(lock, other.lock)) return [{ lock, sure: sure && other.sure }];
      return mayBeOne(lock, other.lock) ? [{ lock, sure: false }] : [];
    }),
  );
  return both.find(s => s.sure) ?? both[0] ?? null;
}

/**
 * A lock that one side holds and the other does not; `later`: the other's function takes it elsewhere, `hidden`: it holds none, and has callers out of
 * view, who may hold the lock.
 */
export interface OneSided {
  lock: Section;
  by: CFunction;
  not: CFunction;
  later: boolean;
  hidden: boolean;
}

/**
 * A lock that one of the sides holds and the other does not; null where there is none. Where the other takes it later, what it does without it is as a
 * rule what it does before it lets the first one run.
 */
export function oneSided(a: Span, b: Span, world: World): OneSided | null {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const there = locksAt(other, world);
    const lock = locksAt(one, world).find(l => l.sure && l.lock.object !== null && !there.some(o => sameLock(o.lock, l.lock)))?.lock;
    if (!lock) continue;
    const later = other.fn.events.some(e => takings(other.fn, e).some(t => sameLock(t.lock, lock)));
    const hidden = there.length === 0 && hasHiddenCallers(other.fn, world);
    return { lock, by: one.fn, not: other.fn, later, hidden };
  }
  return null;
}

/** Callers without a lock are asked in turn so far up. */
const HIGHEST = 4;

/** May code out of view call the function, or one that calls it without a lock, and hold any lock? What runs it as a handler holds none of the code's own. */
function hasHiddenCallers(fn: CFunction, world: World, height = 0): boolean {
  const sites = callersOf(fn, world);
  if (sites === null) return rolesOf(fn, world).size === 0;
  return height >= HIGHEST || sites.some(s => s.fn !== fn && s.event.locks.length === 0 && hasHiddenCallers(s.fn, world, height + 1));
}

/** What a name alone says is held may be any lock of the object; where a type is not in view the member and family may be those of one lock. */
function mayBeOne(a: Section, b: Section): boolean {
  if (a.by === 'convention' || b.by === 'convention') return true;
  // A call that is given an object, and not a lock, may take the lock of one that hangs on it: __task_rq_lock(p).
  if (a.family === b.family && [a, b].some(lock => lock.object?.endsWith('.*'))) return true;
  return (objectType(a) === null) !== (objectType(b) === null) && likeLock(a, b);
}

/** Every lock held at the place, of those that can keep another CPU from data; over a span those that are not given back meanwhile. */
function locksAt({ fn, event, until }: Span, world: World): Serialiser[] {
  const sure = heldAt(fn, event, world);
  const kept = until ? heldOver(fn, event, until) : [];
  const last = until ? heldAt(fn, until, world) : [];
  // A lock of the callers is none of the function's own events.
  const lasts = (lock: Section) => until === undefined || holds(kept, lock) || (!holds(event.locks, lock) && holds(last, lock));
  return [
    ...serialisers(sure).flatMap(lock => (lasts(lock) ? [{ lock, sure: true }] : [])),
    ...serialisers(perhapsHeldAt(fn, event, world)).map(lock => ({ lock, sure: false })),
  ];
}

/** What is held at a place whose other side is not in view. */
export interface Guards {
  /** A lock that may be the one of the cell, so that whoever else touches that may hold it too. */
  own: Section | null;
  /** A lock that is held, and that nothing in view ties to the cell. */
  other: Section | null;
}

/**
 * Of the locks held at the place, surely or perhaps, one that may guard the cell: a lock of the cell's object, of one that it was reached or found by or that
 * the function is given beside it, a lock of the caller's by the convention of a name, or a lock of which there is one, where the cell is touched under it
 * elsewhere or nowhere else in view.
 */
export function guardsAt(at: Span, world: World): Guards {
  const held = locksAt(at, world).map(s => s.lock);
  const own = held.find(lock => mayGuard(at, lock, world)) ?? null;
  return { own, other: own ? null : (held[0] ?? null) };
}

/**
 * A lock that two runs of the place on one object both hold exclusively: one of which there is one, or one of the object; of memory of which there is one
 * only the first.
 */
export function serialiserOfRuns(at: Span, world: World): Section | null {
  const isGlobal = at.event.cell?.base === null;
  const keeps = ({ lock }: Serialiser) =>
    lock.mode === 'exclusive' && (isOneOfItsKind(lock) || lock.by === 'convention' || (!isGlobal && mayGuard(at, lock, world)));
  return locksAt(at, world).find(keeps)?.lock ?? null;
}

/** A global lock, or one without an object; where the type that it is a member of is not in view it may be any. */
function isOneOfItsKind(lock: Section): boolean {
  return objectType(lock) === null && /^\w+$/.test(lock.object ?? '');
}

function mayGuard({ fn, event }: Span, lock: Section, world: World): boolean {
  const { cell } = event;
  if (lock.by === 'convention') return true;
  const type = objectType(lock);
  if (type !== null && (type === cell?.type || type === cell?.within?.type)) return true;
  const roots = originsIn(fn, cell ? (cell.base ?? cell.path) : event.args.join());
  if (fn.events.some(e => concerns(fn, e, lock) && (isGiven(fn, e) || meet(originsIn(fn, lockedBy(e)), roots)))) return true;
  if (fn.events.some(e => holds([...e.locks, ...e.maybeLocks], lock) && comesBefore(fn, e, event) && finds(e, roots))) return true;
  if (isOneOfItsKind(lock)) return isTouchedUnder(cell?.base === null, event, lock, world, fn);
  return isGivenAlong(fn, lock, type, world);
}

/** The event acquires the lock, or asserts that it is held. */
function concerns(fn: CFunction, event: Event, lock: Section): boolean {
  const asserted = assertedLock(event);
  return (asserted !== null && sameLock(asserted, lock)) || takings(fn, event).some(t => sameLock(t.lock, lock));
}

/** Does the event set one of the variables: by its result, or as the cursor of a walk? */
function finds(event: Event, roots: ReadonlySet<string>): boolean {
  if (event.into !== null && roots.has(event.into)) return true;
  return effectsOfKind(event, 'consume').some(({ cursor }) => cursor !== null && roots.has(event.args[cursor] ?? ''));
}

/** A lock of which there is one: is the cell touched under it elsewhere, or by nobody else in view? A global's is the file's business. */
function isTouchedUnder(isGlobal: boolean, event: Event, lock: Section, world: World, fn: CFunction): boolean {
  if (isGlobal || event.cell === null) return true;
  const others = (touchesIn(world).get(cellKey(event.cell)) ?? []).filter(o => o.fn !== fn);
  return others.length === 0 || others.some(o => holds([...heldAt(o.fn, o.event, world), ...o.event.maybeLocks], lock));
}

const touches = new WeakMap<World, ReadonlyMap<string, { fn: CFunction; event: Event }[]>>();

/** Everything that touches memory which others may know, by the key of its cell. */
function touchesIn(world: World): ReadonlyMap<string, { fn: CFunction; event: Event }[]> {
  const known = touches.get(world);
  if (known) return known;
  const found = new Map<string, { fn: CFunction; event: Event }[]>();
  touches.set(world, found);
  for (const fn of world.functions)
    for (const event of fn.events) {
      if (event.cell === null || event.via || event.object !== undefined) continue;
      const key = cellKey(event.cell);
      const list = found.get(key);
      if (list) list.push({ fn, event });
      else found.set(key, [{ fn, event }]);
    }
  return found;
}

/** Is what the lock belongs to given to the function beside the cell's object, also where callers hold the lock? */
function isGivenAlong(fn: CFunction, lock: Section, type: string | null, world: World): boolean {
  if (type !== null && fn.parameters.some(p => p.type.replace(/[ *]+$/, '').replace(/^const /, '') === type)) return true;
  return (
    callersOf(fn, world)?.some(site => {
      const given = new Set(site.event.args.flatMap(arg => [...wordsOf(arg)]));
      return site.fn.events.some(e => concerns(site.fn, e, lock) && meet(wordsOf(lockedBy(e)), given));
    }) ?? false
  );
}

/** What the lock is reached by, as the function spells it. */
function lockedBy({ cell, args }: Event): string {
  return cell?.base ?? args[0] ?? '';
}

/** The caller gives the function the lock itself: `void fill(struct page *page, spinlock_t *ptl)`. */
function isGiven(fn: CFunction, { cell }: Event): boolean {
  return cell?.path === '*' && fn.parameters.some(p => p.name === cell.base);
}

/** The names in an expression, and those in the arguments of the calls that set them. */
function originsIn(fn: CFunction, text: string): Set<string> {
  const names = wordsOf(text);
  const calls = fn.events.filter(e => e.into !== null && names.has(e.into));
  return new Set([...names, ...calls.flatMap(e => e.args.flatMap(arg => [...wordsOf(arg)]))]);
}

function meet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...a].some(word => b.has(word));
}

/** The names in an expression. */
function wordsOf(text: string): Set<string> {
  return new Set(text.match(/[A-Za-z_]\w*/g));
}
