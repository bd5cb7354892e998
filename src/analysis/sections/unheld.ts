/** Ways on which a function gives back a lock that it has given back before, or never took. */

import { calleeOf, isGuard, runsNamed } from '../../c/calls/callees.ts';
import { CUT, GIVE_UP, search } from '../../c/cfg/paths.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { holds, type Section, sameLock } from '../../model/section.ts';
import { mayGive, releasesSection, seemsToAcquire, takings } from './locking.ts';
import { lockFlowOf } from './locksets.ts';
import { conditionalRelease, isFlag } from './releases.ts';

/** A release of a lock that is not held on some way there. */
export interface UnheldRelease {
  lock: Section;
  release: Event;
  /** The release before it on that way; null where the way never took the lock. */
  earlier: Event | null;
  /** Where a way that never took it turns off. */
  turn: FlowNode | null;
  taken: Event;
}

/** Ways through one function beyond which nothing is said of it. */
const MOST_WAYS = 4000;
/** Whoever ends the work on these gives them back, from wherever. */
const HANDED_ON: ReadonlySet<string | null> = new Set(['buffer', 'page', 'semaphore', 'seqlock', 'rtnl']);

/** Every lock that a whole function takes itself and then gives back where it has already done so, or on a way by which it was not taken. */
export function unheldReleases(fn: CFunction, functions: readonly CFunction[]): UnheldRelease[] {
  const flow = lockFlowOf(fn);
  if (!flow || !fn.whole || fn.broken || fn.isMacro) return [];
  const found: UnheldRelease[] = [];
  const followed: Section[] = [];
  for (const taken of fn.events) {
    if (taken.kind !== 'lock' || isGuard(taken)) continue;
    const [taking] = takings(fn, taken);
    if (!taking || holds(followed, taking.lock) || HANDED_ON.has(taking.lock.family)) continue;
    followed.push(taking.lock);
    if (!isOneLock(fn, taking.lock, taken)) continue;
    for (const release of unheldOn(fn, taking.lock, taken, functions)) found.push(release);
  }
  return found;
}

/** The lock is written one way throughout, is surely taken where it is, and nothing sets what it is reached by once it has been taken. */
function isOneLock(fn: CFunction, lock: Section, taken: Event): boolean {
  const root = /[A-Za-z_]\w*/.exec(taken.args[0] ?? '')?.[0] ?? '';
  const deeper = (taken.args[0] ?? '').match(/[A-Za-z_]\w*/g) ?? [];
  if (deeper.some(name => name !== root && fn.settings?.some(s => s.name === name && fn.parameters.every(p => p.name !== name)))) return false;
  for (const event of fn.events) {
    const takes = takings(fn, event).filter(t => sameLock(t.lock, lock));
    const mine = takes.length > 0 || releasesSection(fn, event, lock);
    if (!mine) continue;
    if (event.ends || (event.kind !== 'lock' && event.kind !== 'unlock')) return false;
    if (takes.some(t => t.conditional || t.lock.mode === 'shared') || plain(event.args[0]) !== plain(taken.args[0])) return false;
  }
  return true;
}

function plain(arg: string | undefined): string {
  return (arg ?? '').replace(/^&|\s/g, '');
}

/** Nothing was done to the lock yet, it is held, or an event, by its index, has released it. */
type Phase = 'before' | 'held' | number;

/** The state of a search as text: the phase, and before anything was done the last branch and whether a label has been passed since. */
const stateOf = (phase: Phase, turn: number, jumped: boolean) => (phase === 'before' ? `before ${turn} ${jumped ? 1 : 0}` : `${phase}`);

function phaseOf(state: string): { phase: Phase; turn: number; jumped: boolean } {
  const [phase = '', turn, jumped] = state.split(' ');
  return { phase: phase === 'before' || phase === 'held' ? phase : Number(phase), turn: Number(turn ?? NEVER), jumped: jumped === '1' };
}

/** No branch has been passed. */
const NEVER = -1;

function unheldOn(fn: CFunction, lock: Section, taken: Event, functions: readonly CFunction[]): UnheldRelease[] {
  const root = /[A-Za-z_]\w*/.exec(taken.args[0] ?? '')?.[0] ?? '';
  const changes = new Set((fn.settings ?? []).filter(s => s.name === root).flatMap(s => s.ends.map(end => `${end.node}|${end.slot}`)));
  const found: UnheldRelease[] = [];
  const heldAt = new Set<Event>();
  let isKept = false;
  const add = (release: Event, earlier: Event | null, turn: FlowNode | null) => {
    if (!found.some(f => f.release === release)) found.push({ lock, release, earlier, turn, taken });
  };
  const { exhausted } = search(fn.flow, {
    starts: [{ node: 0, state: stateOf('before', NEVER, false) }],
    budget: MOST_WAYS,
    at: (state, at, node) => {
      const { phase, turn, jumped } = phaseOf(state);
      if (node.kind === 'exit' && phase === 'held' && !node.stops) isKept = true;
      if (node.kind === 'exit' || node.kind === 'gap') return CUT;
      let after = phase;
      const event = node.event === null ? undefined : fn.events[node.event];
      if (event) {
        if (takings(fn, event).some(t => sameLock(t.lock, lock))) {
          if (phase === 'held') return GIVE_UP; // Taken twice is a fault of its own, or the two are not one lock.
          after = 'held';
        } else if (event.kind === 'unlock' && releasesSection(fn, event, lock)) {
          if (phase === 'held') heldAt.add(event);
          else if (phase === 'before') {
            // It begins with the release: the lock is the caller's.
            if (!jumped || turn === NEVER || found.some(f => f.release === event)) return GIVE_UP;
            add(event, null, fn.flow[turn] ?? null);
            return CUT;
          } else {
            add(event, fn.events[phase] ?? null, null);
            return CUT;
          }
          after = event.index;
        } else if (mayTake(fn, event, functions, root) || (phase === 'held' && mayGive(fn, event, lock, taken, functions))) return CUT;
      }
      if (node.kind === 'branch' && after !== 'held' && (conditionalRelease(fn, at, lock) || isFlag(fn, node))) return CUT;
      return stateOf(after, turn, jumped);
    },
    along: (state, at, slot, node) => {
      const { phase, turn, jumped } = phaseOf(state);
      if (phase !== 'before') return changes.has(`${at}|${slot}`) ? CUT : state;
      const isTurn = node.kind === 'branch' && slot < 2;
      const isLabel = fn.flow[node.next[slot] ?? 0]?.label !== undefined;
      return stateOf(phase, isTurn ? at : turn, isLabel || (jumped && !isTurn));
    },
  });
  if (exhausted) return [];
  // Another way must come to it with the lock held, else this is no slip but what the function is for. A function that keeps the lock for its
  // next call gives back what it took in one before.
  return found.filter(f => heldAt.has(f.release) && (f.earlier !== null || !isKept));
}

/** May the call take the lock: one out of view that is named for it or given the object, or one in view that takes anything? */
function mayTake(fn: CFunction, event: Event, functions: readonly CFunction[], root: string): boolean {
  if (event.kind === 'expanded') return tellsByResult(fn, event, functions);
  if (event.kind !== 'call') return event.kind === 'lock' && event.opaque;
  if (event.opaque) return seemsToAcquire(event) || (/[.>[]/.test(event.api) && event.args.some(arg => arg === root));
  const callee = functions.find(f => runsNamed(event, f.name) && (f.path === fn.path || !f.isStatic));
  return callee?.events.some(e => e.kind === 'lock' || (e.kind === 'call' && seemsToAcquire(e))) ?? false;
}

/** Does the helper return with the lock on some paths only, and tell which by a value that is no constant? */
function tellsByResult(fn: CFunction, call: Event, functions: readonly CFunction[]): boolean {
  const callee = calleeOf(fn, call, functions);
  const states = callee && lockFlowOf(callee)?.states;
  if (!callee || !states) return false;
  const exits = callee.flow.flatMap((node, i) => {
    const state = node.kind === 'exit' && !node.stops ? states.at(i) : null;
    return state ? [{ node, must: state.must.length, may: state.may.length }] : [];
  });
  const [first] = exits;
  const isTold = ({ node }: (typeof exits)[number]) => node.fails || /^(?:\d+|-E[A-Z0-9]+|true|false|NULL)$/.test(node.returned ?? '0');
  return exits.some(e => e.must !== e.may || e.must !== first?.must) && !exits.every(isTold);
}
