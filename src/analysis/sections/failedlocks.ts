/** Releases that a failed attempt to take the lock leads to. */

import { walk } from '../../c/cfg/order.ts';
import { CUT, GIVE_UP, search } from '../../c/cfg/paths.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import { holds, type Section, sameLock } from '../../model/section.ts';
import { MOST_WAYS } from './leaks.ts';
import { releasesSection, seemsToAcquire, takings } from './locking.ts';
import { lockFlowOf } from './locksets.ts';
import { outcome } from './protocol.ts';
import { conditionalRelease, isFlag, isHandedOn } from './releases.ts';

/** A lock that is given back on a way on which the attempt to take it failed. */
export interface FailedRelease {
  lock: Section;
  from: Event;
  release: Event;
}

/** Every release that a failed attempt leads to without another acquisition between. */
export function failedReleases(fn: CFunction): FailedRelease[] {
  const flow = lockFlowOf(fn);
  if (!flow || fn.broken || fn.isMacro) return [];
  const found: FailedRelease[] = [];
  for (const from of fn.events) {
    const effect = flow.effects[from.index];
    const when = effect?.when ?? null;
    if (!effect || when === null || from.kind !== 'lock' || from.locks.length + from.maybeLocks.length > 0) continue;
    for (const [i, node] of fn.flow.entries()) {
      if (node.kind !== 'branch' || node.decides?.length !== 1 || node.decides[0] !== from.index) continue;
      if (!reaches(fn, from, i)) continue;
      for (const lock of effect.lock) {
        // Where it is held for sure the attempt has been tested before.
        if (isHandedOn(lock) || holds(flow.states.at(i)?.must ?? [], lock)) continue;
        const root = /\w+/.exec(from.args[from.fact?.cell ?? 0] ?? '')?.[0] ?? '';
        for (const [slot, to] of node.next.entries()) {
          const release = outcome(when, node.tests, slot) === false ? releaseFrom(fn, i, slot, to, lock, root) : null;
          if (release && !found.some(f => f.release === release)) found.push({ lock, from, release });
        }
      }
    }
  }
  return found;
}

/** Is the branch the first on some path that tests what the attempt gave? */
function reaches(fn: CFunction, from: Event, to: number): boolean {
  const passes = (at: number, node: FlowNode) => at === to || node.kind !== 'branch' || !node.decides?.includes(from.index);
  return walk(fn.flow, [from.node], passes).has(to);
}

/** The first release on a path from the edge on which nothing takes such a lock, and nothing sets the pointer that leads to it. */
function releaseFrom(fn: CFunction, branch: number, slot: number, to: number, lock: Section, root: string): Event | null {
  const changes = new Set((fn.settings ?? []).filter(s => s.name === root).flatMap(s => s.ends.map(end => `${end.node}|${end.slot}`)));
  let found: Event | null = null;
  search(fn.flow, {
    starts: [{ node: to, state: 0, decided: new Map(fn.flow[branch]?.settles?.[slot] ?? []) }],
    budget: MOST_WAYS,
    at: (state, at, node) => {
      const event = node.event === null ? undefined : fn.events[node.event];
      if (event && !event.ends && releasesSection(fn, event, lock)) {
        found = event;
        return GIVE_UP;
      }
      // Whatever takes a lock of that kind starts anew.
      if (event && takings(fn, event).some(t => sameLock(t.lock, lock) || t.lock.family === lock.family)) return CUT;
      if (event?.kind === 'call' && seemsToAcquire(event)) return CUT;
      return node.kind === 'branch' && (conditionalRelease(fn, at, lock) || isFlag(fn, node)) ? CUT : state;
    },
    along: (state, at, way) => (changes.has(`${at}|${way}`) ? CUT : state),
  });
  return found;
}
