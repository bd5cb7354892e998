/** What the kinds of loss ask of a function on both sides. */
import { called, calleeIn, cellName, guardsAt, hasOwnLock, initOrExit, isAccess, isOwn, runsNamed } from '../../../src/analysis/query.ts';
import { type CFunction, type Event, UNNAMED } from '../../../src/model/code.ts';
import type { Changes, World } from '../../../src/model/rule.ts';
import { isOpen, onOneCell } from './partners.ts';

/** One function on both sides, with the events that only one of them has. */
export interface View {
  before: CFunction;
  after: CFunction;
  series: Changes;
  removed: Event[];
  added: Event[];
  /** The function says that its caller holds a lock. */
  asserted: boolean;
}

/** An event of the old side, and what it is on the new one. */
export interface Stays {
  old: Event;
  now: Event;
}

/** What the series does to the function. */
export function viewOf(before: CFunction, after: CFunction, series: Changes): View {
  const removed = before.events.filter(e => e.addedBy !== null && !e.uncertain && series.stays(e) === null);
  const kept = new Set(removed.length === 0 ? [] : before.events.map(e => series.stays(e)));
  // Other hunks of the function count: what one takes away another may put back in another form.
  const parts = series.functions.filter(c => c.before?.name === before.name && c.before.path === before.path).flatMap(c => c.after ?? []);
  const added = [...new Set([after, ...parts])].flatMap(f => f.events.filter(e => e.addedBy !== null && !kept.has(e)));
  return { before, after, series, removed, added, asserted: [after, ...parts].some(f => f.entryLocks.length > 0) };
}

/** Events of the old side that stand on the new one as well. */
export function staying(view: View, wanted: (old: Event) => boolean): Stays[] {
  return view.before.events.filter(wanted).flatMap(old => {
    const now = view.series.stays(old);
    return now ? [{ old, now }] : [];
  });
}

/** Events that the series adds, in any function of it. */
const everywhere = new WeakMap<Changes, Event[]>();

export function addedAnywhere(series: Changes): Event[] {
  const known = everywhere.get(series) ?? series.after.functions.filter(f => !f.outside).flatMap(f => f.events.filter(e => e.addedBy !== null));
  everywhere.set(series, known);
  return known;
}

/** The same primitive on the same member stands somewhere else in the series: it was moved. */
export function isMoved(view: View, event: Event): boolean {
  return isAdded(view.series, event);
}

function isAdded(series: Changes, event: Event): boolean {
  return addedAnywhere(series).some(e => e.api === event.api && lastWord(e) === lastWord(event));
}

export function lastWord(event: Event): string {
  return /(\w+)\W*$/.exec(event.cell?.path || event.args[0] || '')?.[1] ?? '';
}

/** The series does away with the lock or object itself: its declaration goes, or what initialises it. */
export function isGone({ series }: View, event: Event): boolean {
  const word = lastWord(event);
  if (word === '') return false;
  return series.undeclared(word) || initialised(series.before.functions, series).has(word);
}

const initialisedIn = new WeakMap<Changes, Set<string>>();

/** Members whose initialisation by a call the series takes away, with none of the kind coming in its stead. */
function initialised(functions: readonly CFunction[], series: Changes): Set<string> {
  const known = initialisedIn.get(series);
  if (known) return known;
  const found = new Set<string>();
  for (const fn of functions)
    for (const e of fn.events)
      if (e.kind === 'write' && !e.atomic && e.addedBy !== null && /^\w{3,}$/.test(e.api) && series.stays(e) === null && !isAdded(series, e))
        found.add(lastWord(e));
  initialisedIn.set(series, found);
  return found;
}

/** What stays only reads memory that the series has taken all updates of: it is fixed for as long as others see it. */
export function isFixed({ series }: View, { now }: Stays): boolean {
  if (now.kind !== 'read' || !now.cell) return false;
  const updates = (functions: readonly CFunction[]) =>
    functions.flatMap(fn => fn.events.filter(e => isAccess(e) && e.kind !== 'read' && onOneCell(e, now) && isOpen(fn, e)));
  if (updates(series.after.functions).length > 0) return false;
  return updates(series.before.functions).some(e => e.addedBy !== null && series.stays(e) === null);
}

/** Something that the function gains serialises or orders in a way of its own. */
export function gains(view: View): boolean {
  return view.added.some(
    e =>
      e.kind === 'lock' ||
      e.kind === 'unlock' ||
      e.kind === 'rcu' ||
      e.kind === 'wait' ||
      e.kind === 'publish' ||
      e.takes !== undefined ||
      (e.kind === 'fence' && e.ordering !== 'compiler') ||
      (isAccess(e) && (e.ordering === 'acquire' || e.ordering === 'release' || e.ordering === 'full' || (e.kind === 'rmw' && e.atomic))) ||
      e.api === 'asm' || // Whatever the machine's own instruction orders.
      (e.kind === 'call' && (/lock|guard|sync|barrier|atomic|claim|begin|enter|wait|excl/i.test(e.api) || synchronises(view.series, called(e)))),
  );
}

/** A function in view that locks, orders or starts a section. */
function synchronises(series: Changes, name: string): boolean {
  return series.after.functions.some(f => f.name === name && f.events.some(e => e.kind === 'lock' || e.kind === 'rcu' || e.kind === 'fence'));
}

/** Touches memory that others may see, or may do anything, and keeps nobody away by itself. */
export function matters(view: View, event: Event): boolean {
  const { before, series } = view;
  if (hasOwnLock(event) || locksInside(view, event)) return false;
  // What names the entry to a call that locks for itself is the caller's own matter.
  if (event.kind === 'read' && before.events.some(e => e.line === event.line && hasOwnLock(e) && e.args.includes(spelled(event)))) return false;
  if (event.kind === 'call') return event.opaque || series.before.functions.some(f => runsNamed(event, f.name));
  return (isAccess(event) && event.cell !== null && !isOwn(before, event)) || event.kind === 'free';
}

/** Runs while nothing else does, by what its head says. */
export function runsOnce(fn: CFunction): boolean {
  return initOrExit(fn) !== null;
}

/** The function gains a call on the object of the removed one: the one stands for the other. */
export function isReplaced({ added }: View, event: Event): boolean {
  const [object] = event.args;
  return object !== undefined && added.some(e => e.args.some(a => a === object));
}

/** Serialised by what is still in view: a lock that may be the one of the cell, the function's own or, by its word, its caller's. */
export function isHeld(fn: CFunction, event: Event, world: World): boolean {
  return guardsAt({ fn, event }, world).own !== null;
}

export function calledUnderLock({ series, after }: View): boolean {
  return series.after.callers(after.name).some(c => guardsAt(c, series.after).own !== null);
}

/** The call is of a function in view that the series makes take a lock, or begin a section, itself. */
function locksInside({ after, series }: View, event: Event): boolean {
  const now = event.kind === 'call' ? series.stays(event) : null;
  const callee = now && calleeIn(after, now, series.after.functions);
  return callee?.events.some(e => e.addedBy !== null && (e.kind === 'lock' || e.kind === 'rcu')) ?? false;
}

/** The function, as a sentence names it: a hunk may not show its name. */
export function inFunction(fn: CFunction): string {
  return fn.name === UNNAMED ? 'the function shown' : `${fn.name}()`;
}

/** Characters of a call beyond which its arguments are left out. */
const MOST_CALL = 60;

/** The memory of an access as the code spells it: `t->users`; the path alone where the line names it by a copy. */
export function spelled({ cell, text }: Event): string {
  if (!cell) return 'it';
  const { base } = cell;
  if (cell.path === '*') return base === null ? 'it' : `*${base}`;
  if (base === null) return cell.path;
  const dots = ['->', '.'].find(dot => text.includes(`${base}${dot}`));
  return dots === undefined ? cellName(cell) : `${base}${dots}${cell.path}`;
}

/** The access or call, as a note names it: by its memory or its name, never by a line of source. */
export function named(event: Event): string {
  if (!isAccess(event) || !event.cell) return callOf(event);
  if (/^\w{3,}$/.test(event.api) && event.args.length > 0) return callOf(event);
  const done = event.kind === 'read' ? 'read of' : event.kind === 'rmw' ? 'update of' : 'write to';
  return `the ${done} ${spelled(event)}`;
}

/** The same at the head of a sentence. */
export function namedFirst(event: Event): string {
  return named(event).replace(/^the /, 'The ');
}

/** The call as written, or its name alone where that is long. */
export function callOf(event: Event): string {
  if (!/^[\w()>.-]+$/.test(event.api) || (isAccess(event) && event.args.length === 0)) return spelled(event);
  const call = `${called(event)}(${event.args.map(arg => arg.replace(/\s+/g, ' ').trim()).join(', ')})`;
  return call.length > MOST_CALL ? `${called(event)}()` : call;
}

/** At least half of what it was around must be there still: else the code was rewritten, and its synchronisation with it. */
export function mostStay(all: Event[], left: Stays[]): boolean {
  return left.length > 0 && 2 * left.length >= all.length;
}

/** What a note names of what stays: an update before a read, an access before a call, a call before a macro, which may be a debug print. */
export function telling(left: Stays[]): Stays | undefined {
  // What is only read to be passed to a call on the same line is named as the call.
  const call = ({ old }: Stays) =>
    old.kind === 'read' ? left.find(s => s.old.kind === 'call' && s.old.line === old.line && s.old.args.includes(spelled(old))) : undefined;
  const rank = (s: Stays) => {
    const { old } = call(s) ?? s;
    if (old.kind === 'write' || old.kind === 'rmw' || old.kind === 'publish' || old.kind === 'free') return 0;
    return old.kind === 'read' ? 1 : /^[A-Z][A-Z0-9_]*$/.test(old.api) ? 3 : 2;
  };
  const [one] = left.toSorted((a, b) => rank(a) - rank(b) || a.old.index - b.old.index);
  return one && (call(one) ?? one);
}
