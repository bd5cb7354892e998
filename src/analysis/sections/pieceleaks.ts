/** Ways out of a function of which a hunk shows a part: what stands below tells which lock was taken above. */
import { CUT, GIVE_UP, search } from '../../c/cfg/paths.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { type Section, sameLock } from '../../model/section.ts';
import { madeOf, nullWay } from '../lifetimes/lifetime.ts';
import { mayGive, seemsToAcquire, takings } from './locking.ts';
import { leavesByContract } from './locknames.ts';
import { lockFlowOf } from './locksets.ts';

/** A return of an error beside a way on which a lock is given back that was taken out of view. */
export interface PieceLeak {
  lock: Section;
  exit: FlowNode;
  /** What gives the lock back on the way past the return. */
  release: Event;
}

/** Nodes of an arm that does nothing but fail. */
const MOST_IN_ARM = 12;
/** Nodes on the way past it to where the lock is given back. */
const MOST_BEYOND = 60;

/**
 * Every return of an errno that the ways past it tell to be under a lock: all of them give it back, with nothing between that could have taken it, so
 * that it was held at the turning already.
 */
export function pieceLeaksOf(fn: CFunction, functions: readonly CFunction[]): PieceLeak[] {
  if (fn.whole || fn.broken || fn.isMacro || leavesByContract(fn)) return [];
  return fn.flow.flatMap((node, at): PieceLeak[] => {
    if (node.kind !== 'branch' || node.next.length !== 2) return [];
    return [0, 1].flatMap((slot): PieceLeak[] => {
      const exit = failing(fn, node.next[slot] ?? -1);
      if (!exit) return [];
      const release = givenBeyond(fn, node.next[1 - slot] ?? -1);
      if (
        !release ||
        tellsOfTheLock(fn, node, release) ||
        givesOnTheWay(fn, node.next[slot] ?? -1, release, functions) ||
        leavesEarlier(fn, at, release.lock)
      )
        return [];
      return [{ lock: release.lock, exit, release: release.event }];
    });
  });
}

/** The exit of an arm that leads nowhere else, where it returns an errno. */
function failing(fn: CFunction, from: number): FlowNode | null {
  let at = from;
  for (let i = 0; i < MOST_IN_ARM; i++) {
    const node = fn.flow[at];
    if (!node || node.kind === 'gap' || node.kind === 'branch' || node.label !== undefined) return null;
    if (node.kind === 'exit') return /^\(?-\s*E[A-Z0-9]+\)?$/.test(node.returned ?? '') ? node : null;
    at = node.next[0] ?? -1;
  }
  return null;
}

interface Given {
  lock: Section;
  event: Event;
}

/** The one lock that every path releases first, with nothing taken before and not taken again behind. */
function givenBeyond(fn: CFunction, from: number): Given | null {
  const effects = lockFlowOf(fn)?.effects ?? [];
  const given: Given[] = [];
  const { exhausted } = search(fn.flow, {
    starts: [{ node: from, state: 0 }],
    budget: MOST_BEYOND,
    at: (state, _, node) => {
      if (node.kind === 'gap' || node.kind === 'exit') return GIVE_UP;
      const event = node.event === null ? undefined : fn.events[node.event];
      const lock = event ? effects[event.index]?.unlock[0] : undefined;
      if (event && lock) {
        if (event.kind !== 'unlock' || event.ends) return GIVE_UP;
        given.push({ lock, event });
        return CUT;
      }
      return event && (takings(fn, event).length > 0 || (event.kind === 'call' && seemsToAcquire(event))) ? GIVE_UP : state;
    },
  });
  const [first] = exhausted ? [] : given;
  if (!first || !given.every(g => sameLock(g.lock, first.lock))) return null;
  // Who takes it again had it from the caller.
  const again = fn.events.some(e => e.index > first.event.index && takings(fn, e).some(t => sameLock(t.lock, first.lock)));
  return again ? null : first;
}

/** Does the turning ask what took the lock, or something that was given its object and may have taken it or let go of it? */
function tellsOfTheLock(fn: CFunction, branch: FlowNode, { event: release }: Given): boolean {
  const root = /\w+/.exec(release.args[0] ?? '')?.[0] ?? '';
  if (nullWay(branch, root) !== -1) return true;
  return madeOf(fn, branch.decides ?? []).some(
    e =>
      e.into === root ||
      (e.args.length > 0 && (e.kind === 'call' ? seemsToAcquire(e) || e.args.some(arg => new Set(arg.match(/\w+/g)).has(root)) : e.kind === 'lock')),
  );
}

/** May the arm itself give it back, by a call? */
function givesOnTheWay(fn: CFunction, from: number, { lock, event: release }: Given, functions: readonly CFunction[]): boolean {
  let at = from;
  for (let i = 0; i < MOST_IN_ARM; i++) {
    const node = fn.flow[at];
    if (!node || node.kind === 'exit') return false;
    const event = node.event === null ? undefined : fn.events[node.event];
    if (event && (event.kind === 'unlock' || mayGive(fn, event, lock, release, functions))) return true;
    at = node.next[0] ?? -1;
  }
  return false;
}

/** Does another return of an error stand above under the same lock by the same argument? Then callers may well give it back on failure. */
function leavesEarlier(fn: CFunction, at: number, lock: Section): boolean {
  const line = fn.flow[at]?.line ?? 0;
  const bare = (node: FlowNode) => node.kind === 'exit' && /^\(?-\s*E[A-Z0-9]+\)?$/.test(node.returned ?? '') && node.line < line;
  return fn.flow.some(bare) && !fn.events.some(e => e.line < line && takings(fn, e).some(t => sameLock(t.lock, lock)));
}
