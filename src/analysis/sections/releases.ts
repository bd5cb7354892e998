/** Releases that go with how the lock was taken: under a condition, by a flag, by somebody else. */
import type { CFunction, FlowNode } from '../../model/code.ts';
import type { Section } from '../../model/section.ts';
import { gives } from './locking.ts';

const HANDED_ON: ReadonlySet<string | null> = new Set(['buffer', 'page', 'semaphore']);

/** Is it a lock that whoever ends the work on its object releases, from wherever that is? */
export function isHandedOn(lock: Section): boolean {
  return HANDED_ON.has(lock.family);
}

/** `if (c) unlock`: of the two short ways of a branch, which meet again at once, one gives the lock back. What it tests goes with how the lock was taken. */
export function conditionalRelease(fn: CFunction, branch: number, lock: Section): boolean {
  const [yes, no] = fn.flow[branch]?.next ?? [];
  if (yes === undefined || no === undefined) return false;
  const ways = [reachOf(fn, yes), reachOf(fn, no)] as const;
  const [a, b] = ways;
  const meet = [...a.keys()].find(n => b.has(n));
  if (meet === undefined || fn.flow[meet]?.label !== undefined) return false;
  // The end of an if, not of the switch or loop that a break leaves: to that others lead as well.
  const near = (n: number) => fn.flow[n]?.kind === 'branch' && isCondition(fn, n, branch);
  if (fn.flow.some((node, n) => node.next.includes(meet) && n !== branch && !a.has(n) && !b.has(n) && !near(n))) return false;
  const [first, second] = [yes, no].map(from => releasesUntil(fn, from, meet, lock));
  return first !== undefined && second !== undefined && first !== second;
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

function reachOf(fn: CFunction, from: number): Set<number> {
  const seen = new Set([from]);
  for (const at of seen) {
    if (seen.size > SHORT) break;
    for (const to of fn.flow[at]?.next ?? []) seen.add(to);
  }
  return seen;
}

/** Whether all ways from a node to another give the lock back; undefined where some do, or one leads elsewhere. */
function releasesUntil(fn: CFunction, from: number, meet: number, lock: Section): boolean | undefined {
  const seen = new Set<string>();
  const work: [number, boolean][] = [[from, false]];
  const ends = new Set<boolean>();
  for (let next = work.pop(); next; next = work.pop()) {
    const [at, before] = next;
    if (at === meet) {
      ends.add(before);
      continue;
    }
    const key = `${at}|${before}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const node = fn.flow[at];
    if (!node || node.kind === 'exit' || node.kind === 'gap' || seen.size > 2 * SHORT) return undefined;
    const event = node.event === null ? undefined : fn.events[node.event];
    const given = before || (event !== undefined && gives(fn, event, lock));
    for (const to of node.next) work.push([to, given]);
  }
  return ends.size === 1 ? ends.has(true) : undefined;
}

/** A test of a local that is only ever set to constants: it may well say whether the lock is held. */
export function isFlag(fn: CFunction, { condition }: FlowNode): boolean {
  const name = /^\(?!?(\w+)\)?$/.exec(condition ?? '')?.[1];
  const set = name === undefined ? [] : (fn.settings ?? []).filter(s => s.name === name);
  return set.length > 0 && set.every(s => s.sources.length === 0);
}
