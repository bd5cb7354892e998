/** Can two functions run at the same time, and what says so? */

import type { CFunction } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';
import { exclusive, type Section, sectionText, sharedSection } from '../../model/section.ts';
import { type EntryPoint, entriesOf, entryText } from './entries.ts';
import { registrationsOf } from './registrations.ts';

/** Whether two functions can run at the same time. */
export interface Overlap {
  /** `no`: on one object no two entries of theirs run together. `unknown`: an entry of one of them is not known. */
  can: 'yes' | 'no' | 'unknown';
  /** What serialises them; for `yes` and `unknown` the two entries that may run together. */
  why: string;
  /** `no` holds of one object only: by a lock of it, or by what is said of one table's members. */
  ofOneObject: boolean;
  entries: readonly [EntryPoint, EntryPoint];
}

const known = new WeakMap<World, Map<CFunction, Map<CFunction, Overlap>>>();

/**
 * Can the two functions run at the same time, on two CPUs, for one object? By the locks that hold when each begins, by members of a table that never
 * run together, by handlers that don't run beside themselves; for every pair of entries. What is not known of one entry makes the answer unknown
 * where no other pair says yes.
 */
export function canOverlap(a: CFunction, b: CFunction, world: World): Overlap {
  const kept = known.get(world) ?? new Map<CFunction, Map<CFunction, Overlap>>();
  known.set(world, kept);
  const of = kept.get(a) ?? new Map<CFunction, Overlap>();
  kept.set(a, of);
  let found = of.get(b);
  if (!found) {
    found = answer(a, b, world);
    of.set(b, found);
  }
  return found;
}

/** So many pairs of entries are asked; where there are more, two of them may well run together. */
const MOST_PAIRS = 2_000;

function answer(a: CFunction, b: CFunction, world: World): Overlap {
  let best: Overlap | null = null;
  let asked = 0;
  for (const x of entriesOf(a, world)) {
    for (const y of entriesOf(b, world)) {
      const one = overlapOf(x, y);
      if (one.can === 'yes') return one;
      if (++asked > MOST_PAIRS) return { can: 'unknown', why: `${entryText(x)} and ${entryText(y)}`, ofOneObject: false, entries: [x, y] };
      if (best === null || strength(one) > strength(best)) best = one;
    }
  }
  // entriesOf() is never empty.
  if (!best) throw new Error(`no entry of ${a.name}() or ${b.name}()`);
  return best;
}

/** Of several answers the one that counts: what is not known over what one object keeps apart, and that over what the system does. */
function strength({ can, ofOneObject }: Overlap): number {
  return can === 'unknown' ? 2 : ofOneObject ? 1 : 0;
}

/** Can the two entries run at the same time? */
function overlapOf(a: EntryPoint, b: EntryPoint): Overlap {
  const entries = [a, b] as const;
  const never = (why: string, ofOneObject: boolean): Overlap => ({ can: 'no', why, ofOneObject, entries });
  const lock = sharedSection(exclusive(a.locks), exclusive(b.locks));
  if (lock) return never(`both run under ${sectionText(lock)}`, !isGlobal(lock));
  const together = `${entryText(a)} and ${entryText(b)}`;
  const apart = neverTogether(a, b) ?? neverTogether(b, a);
  if (apart !== null) return never(apart, true);
  const isKnown = [a, b].every(e => e.by === 'table' || e.by === 'handler') && [a, b].every(e => e.registration?.fact && !e.inferred);
  return { can: isKnown ? 'yes' : 'unknown', why: together, ofOneObject: false, entries };
}

/** A lock of which the system has one: a family without an object of its own, or a global. */
function isGlobal({ object }: Section): boolean {
  return object !== null && /^\w[\w-]*$/.test(object);
}

/** What is said of the one that keeps it from running beside the other; null where nothing is. */
function neverTogether({ registration: a }: EntryPoint, { registration: b }: EntryPoint): string | null {
  if (!a?.fact || !b?.fact || a.fact.struct !== b.fact.struct) return null;
  // Of two tables of one type, each is of an object of its own; of handlers the object is what registers them.
  if (a.instance !== b.instance && a.at.path === b.at.path) return null;
  if (a.runner !== null && (a.site?.event !== b.site?.event || a.at.line !== b.at.line)) return null;
  const { member, neverWith, ended, by, source } = a.fact;
  const other = b.fact.member;
  if (!neverWith.includes(other) && !ended.includes(other)) return null;
  const how = ended.includes(other) ? `${other} has ended when ${member} runs` : `${member} and ${other} never run together`;
  return `${how} (${by ?? source})`;
}

/** Does the function never run twice at once on one object: a handler that its runner keeps from that, or a thread's, which is made once for each? */
export function neverBesideItself(fn: CFunction, world: World): boolean {
  if (canOverlap(fn, fn, world).can === 'no') return true;
  const registrations = registrationsOf(fn, world);
  return registrations.length > 0 && registrations.every(r => r.runner === 'kthread') && world.callers(fn.name).length === 0;
}
