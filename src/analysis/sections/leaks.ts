/** Ways out of a function that keep a lock which it took. */

import { isGuard } from '../../c/calls/callees.ts';
import { nodesBefore } from '../../c/cfg/flow.ts';
import { walk } from '../../c/cfg/order.ts';
import { CUT, GIVE_UP, nodesOf, search } from '../../c/cfg/paths.ts';
import { effectsOfKind } from '../../c/syntax/effects.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { holds, isContext, type Section, sameLock } from '../../model/section.ts';
import { nullWay } from '../lifetimes/lifetime.ts';
import { dropsOf, enteredUnder, givenFirst, type LockTaking, mayGive, releasesSection, takings } from './locking.ts';
import { type LockFlow, lockFlowOf } from './locksets.ts';
import { outcome } from './protocol.ts';
import { conditionalRelease, isHandedOn } from './releases.ts';

/** Ways through one function beyond which nothing is said of it. */
export const MOST_WAYS = 4000;

/** A way out of a function on which a lock stays held that other ways give back. */
export interface Leak {
  taking: LockTaking;
  from: Event;
  exit: FlowNode;
  /** Where the way turns off from those that give the lock back. */
  line: number;
  /** An event at that place, where there is one. */
  event: Event | null;
  /** Exits behind a release, and the releases. */
  released: FlowNode[];
  /** Nodes of the way, the acquisition first. */
  way: number[];
  releases: Event[];
}

/** Every way out of a whole function that keeps a lock or context which the function took itself, where other ways give it back. */
export function leaksOf(fn: CFunction, functions: readonly CFunction[]): Leak[] {
  const flow = lockFlowOf(fn);
  if (!flow || !fn.whole || fn.broken || fn.isMacro) return [];
  const found: Leak[] = [];
  const entered = enteredUnder(fn);
  const drops = dropsOf(fn, functions);
  for (const from of fn.events) {
    // A result that is looked at where no fact tells what it means: the lock may not be taken at all.
    if (from.opaque && from.used) continue;
    if (isGuard(from) || !flow.states.at(from.node)) continue;
    for (const taking of takings(fn, from)) {
      const { lock } = taking;
      if (entered.some(own => sameLock(own, lock) || own.by === 'convention') || holds(from.locks, lock)) continue;
      if (isContext(lock) ? !beginsSurely(from, lock) || holds(drops, lock) : holds(drops, lock) || givenFirst(fn, lock) || isTaken(fn, from, lock))
        continue;
      // Held here on some way already: by another acquisition, unless it is this very one on its way round.
      const others = fn.events.some(e => e !== from && takings(fn, e).some(t => sameLock(t.lock, lock)));
      if (others && holds(from.maybeLocks, lock)) continue;
      if (isContext(lock) && holds(from.context, lock)) continue;
      const ways = waysFrom(fn, flow, from, taking, functions);
      if (!ways || ways.released.size === 0) continue;
      // These are given back by whoever ends the work on them.
      if (isHandedOn(lock)) continue;
      const inLoop = (event: Event) =>
        fn.shape.loops.some(l => l.line <= event.line && l.endLine >= event.line && !(l.line <= from.line && l.endLine >= from.line));
      const retakes = fn.events.some(e => e !== from && takings(fn, e).some(t => sameLock(t.lock, lock)) && inLoop(e));
      if (retakes && ways.releases.some(inLoop)) continue;
      if (ways.releases.length === 0 || ways.releases.every(inLoop)) continue;
      for (const way of ways.leaks) {
        const at = turnOf(fn, way, ways.releases);
        if (at === null || !isFeasible(fn, way)) continue;
        // What a loop leaves held it may tell by its counter.
        if (fn.shape.loops.some(l => l.line <= from.line && l.endLine >= from.line && (at.line < l.line || at.line > l.endLine))) continue;
        found.push({
          taking,
          from,
          exit: fn.flow[way.at(-1) ?? 0] ?? { event: null, next: [], kind: 'exit', line: from.line },
          ...at,
          way,
          released: [...ways.released].flatMap(n => fn.flow[n] ?? []),
          releases: ways.releases,
        });
      }
    }
  }
  return found;
}

/**
 * Is it a call that does nothing but begin the section, whatever it returns? pte_offset_map() may give NULL and none, and of srcu_read_lock() whoever has
 * the index ends it.
 */
function beginsSurely(event: Event, { family }: Section): boolean {
  if (event.kind !== 'fence' && event.kind !== 'rcu') return false;
  return effectsOfKind(event, 'open').some(open => open.section === family && open.when === null && open.section !== 'srcu-read');
}

/** Is a lock of the same name, of another object, taken elsewhere in the function? */
function isTaken(fn: CFunction, from: Event, lock: Section): boolean {
  return fn.events.some(e => e !== from && e.args[0] !== from.args[0] && !e.ends && takings(fn, e).some(t => sameLock(t.lock, lock)));
}

interface Ways {
  /** Nodes of each way on which the lock stays held, one for each exit and turning. */
  leaks: number[][];
  /** Exits that a release leads to. */
  released: Set<number>;
  releases: Event[];
}

/** States of the search: the lock is held, and the attempt to take it has surely succeeded. */
const HELD = 1;
const SURE = 2;

/** Every path from the acquisition; null where the flow is too wide or the outcome of a try is not tested in a way that tells. */
function waysFrom(fn: CFunction, flow: LockFlow, from: Event, taking: LockTaking, functions: readonly CFunction[]): Ways | null {
  const { lock } = taking;
  const when = flow.effects[from.index]?.when ?? null;
  const released = new Set<number>();
  const releases: Event[] = [];
  const decided = flow.states.at(from.node)?.decided ?? new Map<number, boolean>();
  const object = /^&?(\w+)(?:->[\w.>-]+)?$/.exec(from.args[from.fact?.cell ?? 0] ?? '')?.[1];
  const { ends, exhausted } = search<number>(fn.flow, {
    starts: [{ node: from.node, state: when === null ? HELD | SURE : HELD, decided }],
    budget: MOST_WAYS,
    at: (state, at, node) => {
      if (node.kind === 'gap') return GIVE_UP;
      if (node.kind === 'exit') {
        if (node.stops) return CUT;
        if ((state & HELD) === 0) released.add(at);
        else if ((state & SURE) === 0) return GIVE_UP;
        return (state & HELD) === 0 ? CUT : state;
      }
      const event = node.event === null ? undefined : fn.events[node.event];
      // From where it is taken again, that acquisition is the one to follow.
      if ((state & HELD) === 0) return event && takings(fn, event).some(t => sameLock(t.lock, lock)) ? CUT : state;
      if (event && event !== from) {
        if (releasesSection(fn, event, lock)) {
          if (!releases.includes(event)) releases.push(event);
          return state & ~HELD;
        }
        if (mayGive(fn, event, lock, from, functions)) return state & ~HELD;
      }
      return node.kind === 'branch' && conditionalRelease(fn, at, lock) ? state & ~HELD : state;
    },
    along: (state, _, slot, node) => {
      if (node.next[slot] === from.node) return CUT;
      // Whose lock is held is no NULL pointer.
      if ((state & HELD) !== 0 && object !== undefined && node.kind === 'branch' && nullWay(node, object) === slot) return CUT;
      if (node.kind !== 'branch' || slot > 1 || state !== HELD || !node.decides?.includes(from.index)) return state;
      const got = node.decides.length === 1 && when ? outcome(when, node.tests, slot) : null;
      if (got === null) return node.tests === 'negative' || node.tests === 'positive' ? state : GIVE_UP;
      return got ? state | SURE : CUT;
    },
  });
  return exhausted ? null : { leaks: ends.map(nodesOf), released, releases };
}

/** False where the way takes a variable for set that was last set to a plain constant: `int err = 0; ...; if (err)`. */
function isFeasible(fn: CFunction, way: readonly number[]): boolean {
  const all = fn.settings ?? [];
  const earlier = nodesBefore(fn, way[0] ?? 0);
  for (const [i, at] of way.entries()) {
    const node = fn.flow[at];
    const variable = node?.kind === 'branch' && node.tests === 'nonzero' ? /^\(?(\w+)\)?(?: < 0)?$/.exec(node.condition ?? '')?.[1] : undefined;
    if (!node || variable === undefined || node.next.indexOf(way[i + 1] ?? -1) !== 0) continue;
    const constant = (s: (typeof all)[number]) => s.sources.length === 0 && !('fails' in s && s.fails === true);
    const own = all.filter(s => s.name === variable);
    const along = own.filter(s => s.ends.some(end => way.slice(0, i).some((n, j) => n === end.node && fn.flow[n]?.next[end.slot] === way[j + 1])));
    const relevant = along.length > 0 ? along.slice(-1) : own.filter(s => s.ends.some(end => earlier.has(end.node)));
    if (relevant.length > 0 && relevant.every(constant)) return false;
  }
  return true;
}

/** The place at which a way leaves those that give the lock back; null where it merely passes by a block that does. */
function turnOf(fn: CFunction, way: number[], releases: Event[]): { line: number; event: Event | null } | null {
  const leads = leadingTo(fn, releases, way[0] ?? 0);
  let at = way.findIndex((node, i) => i > 0 && !leads.has(node));
  if (at < 0) at = way.length - 1;
  const arm = way.slice(at);
  const last = fn.flow[arm.at(-1) ?? 0];
  const branch = fn.flow[way[at - 1] ?? 0];
  // Where the other way through an if has ended, running on is the way itself.
  const passes = branch?.kind === 'branch' && branch.next[1] === arm[0] && branch.next[0] !== arm[0];
  if (
    passes &&
    ((fn.flow[arm[0] ?? 0]?.kind === 'join' && fn.flow[arm[0] ?? 0]?.label === undefined) || last?.line === fn.endLine) &&
    last?.returned === undefined
  )
    return null;
  const joined = arm.find(n => fn.flow[n]?.kind === 'join');
  // A value that is set before a return that others come to as well has its exit there.
  if (joined === undefined && last && last.value === undefined) return { line: last.line, event: null };
  for (const n of arm) {
    const node = fn.flow[n];
    if (!node || node.kind === 'join') break;
    if (node.event !== null) return { line: node.line, event: fn.events[node.event] ?? null };
  }
  return { line: branch?.line ?? last?.line ?? fn.line, event: null };
}

/** Nodes from which one of the events can still come, no further up than the start. */
function leadingTo(fn: CFunction, events: Event[], start: number): Set<number> {
  return walk(
    fn.flow,
    events.map(e => e.node),
    at => at !== start,
    'backwards',
  );
}

/** Does the variable surely hold an error at the end of the way: set to one last, or tested to be one since it was set? */
export function failsAlong(fn: CFunction, variable: string, way: readonly number[]): boolean {
  const pointer = fn.head.includes('*');
  const number = /\b(?:int|long|ssize_t|loff_t)\b/.test(fn.head) && !/\bunsigned\b/.test(fn.head);
  const set = new Map<string, boolean>();
  for (const s of fn.settings ?? [])
    if (s.name === variable) for (const end of s.ends) set.set(`${end.node}|${end.slot}`, 'fails' in s && s.fails === true);
  let fails = false;
  for (const [i, at] of way.entries()) {
    const node = fn.flow[at];
    const slot = node?.next.indexOf(way[i + 1] ?? -1) ?? -1;
    if (!node || slot < 0) continue;
    const given = set.get(`${at}|${slot}`);
    if (given !== undefined) fails = given;
    else if (node.kind === 'branch' && node.condition !== undefined) {
      const words = /^\(?!?(?:IS_ERR(?:_OR_NULL|_VALUE)?\()?\(?(\w+)\b/.exec(node.condition);
      if (words?.[1] !== variable) continue;
      const nonzero = node.tests === 'nonzero' || node.tests === 'negative' || node.condition.startsWith('IS_ERR');
      if (!pointer && !number) continue;
      if (nonzero && (pointer ? node.condition.startsWith('IS_ERR') : true)) fails = slot === 0 || (fails && node.tests === 'negative');
      else if (node.tests === 'zero' && !pointer) fails = slot === 1;
    }
  }
  return fails;
}
