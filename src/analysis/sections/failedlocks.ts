/** Releases that a failed attempt to take the lock leads to. */

import { type Decided, decidedKey, follow } from '../../c/cfg/flow.ts';
import type { CFunction, Event } from '../../model/code.ts';
import { holds, type Section, sameLock } from '../../model/section.ts';
import { MOST_WAYS } from './leaks.ts';
import { gives, takings } from './locking.ts';
import { lockFlowOf, outcome } from './locksets.ts';
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
        if (isHandedOn(lock) || holds(flow.states[i]?.must ?? [], lock)) continue;
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

/** Is the branch the first on some way that tests what the attempt gave? */
function reaches(fn: CFunction, from: Event, to: number): boolean {
  const seen = new Set([from.node]);
  for (const at of seen) {
    const node = fn.flow[at];
    if (at !== to && node?.kind === 'branch' && node.decides?.includes(from.index)) continue;
    for (const next of node?.next ?? []) seen.add(next);
  }
  return seen.has(to);
}

function releaseFrom(fn: CFunction, branch: number, slot: number, to: number, lock: Section, root: string): Event | null {
  const changes = new Set((fn.settings ?? []).filter(s => s.name === root).flatMap(s => s.ends.map(end => `${end.node}|${end.slot}`)));
  const start = new Map(fn.flow[branch]?.settles?.[slot] ?? []);
  const seen = new Set<string>();
  const work: { node: number; decided: Decided }[] = [{ node: to, decided: start }];
  for (let step = work.pop(); step; step = work.pop()) {
    const node = fn.flow[step.node];
    const key = `${step.node}|${decidedKey(step.decided)}`;
    if (!node || seen.has(key)) continue;
    if (seen.size > MOST_WAYS) return null;
    seen.add(key);
    const event = node.event === null ? undefined : fn.events[node.event];
    if (event && !event.ends && gives(fn, event, lock)) return event;
    // Whatever sets the pointer or takes a lock of that kind starts anew.
    if (event && takings(fn, event).some(t => sameLock(t.lock, lock) || t.lock.family === lock.family)) continue;
    if (event?.kind === 'call' && /lock/.test(event.api)) continue;
    if (node.kind === 'branch' && (conditionalRelease(fn, step.node, lock) || isFlag(fn, node))) continue;
    for (const [way, next] of node.next.entries()) {
      const decided = changes.has(`${step.node}|${way}`) ? null : follow(step.decided, node, way);
      if (decided) work.push({ node: next, decided });
    }
  }
  return null;
}
