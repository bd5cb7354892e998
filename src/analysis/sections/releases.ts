/** Releases that go with how the lock was taken: under a condition, by a flag, by somebody else. */
import { postDominatorsOf } from '../../c/cfg/dominance.ts';
import { predecessors, walk } from '../../c/cfg/order.ts';
import { CUT, GIVE_UP, search } from '../../c/cfg/paths.ts';
import type { CFunction, FlowNode } from '../../model/code.ts';
import type { Section } from '../../model/section.ts';
import { releasesSection } from './locking.ts';

const HANDED_ON: ReadonlySet<string | null> = new Set(['buffer', 'page', 'semaphore']);

/** Is it a lock that whoever ends the work on its object releases, from wherever that is? */
export function isHandedOn(lock: Section): boolean {
  return HANDED_ON.has(lock.family);
}

/** `if (c) unlock`: of the two short arms of a branch, which meet again at once, one releases the lock. What it tests goes with how the lock was taken. */
export function conditionalRelease(fn: CFunction, branch: number, lock: Section): boolean {
  const [yes, no] = fn.flow[branch]?.next ?? [];
  const meet = meetingOf(fn.flow, branch);
  if (yes === undefined || no === undefined || meet === null || fn.flow[meet]?.label !== undefined) return false;
  // The end of an if, not of the switch or loop that a break leaves: to that others lead as well.
  const arms = walk(fn.flow, [yes, no], at => at !== meet);
  const near = (n: number) => fn.flow[n]?.kind === 'branch' && isCondition(fn, n, branch);
  if (predecessors(fn.flow)[meet]?.some(n => n !== branch && !arms.has(n) && !near(n))) return false;
  const [first, second] = [yes, no].map(from => releasesUntil(fn, from, meet, lock));
  return first !== undefined && second !== undefined && first !== second;
}

/** Where all paths out of a branch meet again; null where they do not. */
function meetingOf(flow: readonly FlowNode[], branch: number): number | null {
  const meet = postDominatorsOf(flow).parent[branch];
  return meet === undefined || meet < 0 || meet >= flow.length ? null : meet;
}

/** Are the two branches parts of one condition, with nothing but its own values between them? */
function isCondition(fn: CFunction, first: number, second: number): boolean {
  return (fn.flow[first]?.next ?? []).some(start => {
    let at = start;
    for (let steps = 0; steps < MOST_CONDITION; steps++) {
      if (at === second) return true;
      const node = fn.flow[at];
      const event = node?.event == null ? undefined : fn.events[node.event];
      if (node?.kind !== 'step' || event?.kind === 'lock' || event?.kind === 'unlock' || event?.kind === 'write') return false;
      at = node.next[0] ?? -1;
    }
    return false;
  });
}

/** Events between two parts of one condition. */
const MOST_CONDITION = 6;

/** Most nodes of an arm that counts as short. */
const SHORT = 14;

/** Whether all paths from a node to another release the lock; undefined where some do, one leads elsewhere or the arm is not short. */
function releasesUntil(fn: CFunction, from: number, meet: number, lock: Section): boolean | undefined {
  const found = new Set<boolean>();
  const { exhausted } = search<number>(fn.flow, {
    starts: [{ node: from, state: 0 }],
    budget: 2 * SHORT,
    at: (state, at, node) => {
      if (at === meet) {
        found.add(state === 1);
        return CUT;
      }
      if (node.kind === 'exit' || node.kind === 'gap') return GIVE_UP;
      const event = node.event === null ? undefined : fn.events[node.event];
      return event && releasesSection(fn, event, lock) ? 1 : state;
    },
  });
  return !exhausted && found.size === 1 ? found.has(true) : undefined;
}

/** A test of a local that is only ever set to constants: it may well say whether the lock is held. */
export function isFlag(fn: CFunction, { condition }: FlowNode): boolean {
  const name = /^\(?!?(\w+)\)?$/.exec(condition ?? '')?.[1];
  const set = name === undefined ? [] : (fn.settings ?? []).filter(s => s.name === name);
  return set.length > 0 && set.every(s => s.sources.length === 0);
}
