/** The other side of a fault: who can run against a place, the likeliest first. */
import { standsHere } from '../../c/calls/callees.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';
import { exclusive, type Section, sharedSection } from '../../model/section.ts';
import { callersOf, heldAt } from './callers.ts';
import { canOverlap } from './overlap.ts';
import { bringsUpOrDown, isOwn, isTest, runsAlone } from './phase.ts';
import { rolesOf } from './roles.ts';

/** An event in its function. */
export interface Party {
  fn: CFunction;
  event: Event;
}

/**
 * Those of the sites that another CPU can come to while the place runs, the likeliest first, else in their order. Left out are set-up and teardown
 * of the whole, tests, objects that nobody else knows, and helpers that only the function itself calls, or that alone call it: they are one thread.
 * So is what one lock of the whole system keeps from running beside it. What holds a lock that the place holds too comes last: where nothing else is
 * there, the checker refutes the claim; and so does what never runs beside it for one object, as the two may be at different ones.
 */
export function partnersOf<T extends Party>(sites: readonly T[], at: Party, world: World): T[] {
  const held = exclusiveAt(at, world);
  const can = sites.filter(({ fn, event }) => {
    // What a helper in view does is its own: there it stands once, with all that its callers hold.
    if (!standsHere(event)) return false;
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world) || event.object !== undefined || isOwn(fn, event)) return false;
    if (event.phase.includes('init') || event.phase.includes('exit')) return false;
    const overlap = canOverlap(at.fn, fn, world);
    if (overlap.can === 'no' && !overlap.ofOneObject) return false;
    return fn === at.fn || !(callsAlone(at.fn, fn, world) || callsAlone(fn, at.fn, world));
  });
  const excluded = (site: Party) =>
    (held.length > 0 && sharedSection(exclusiveAt(site, world), held) !== undefined) || canOverlap(at.fn, site.fn, world).can === 'no';
  return can
    .map((site, order) => ({ site, order, rank: rankOf(site, world) + (excluded(site) ? LAST : 0) }))
    .sort((a, b) => a.rank - b.rank || a.order - b.order)
    .map(({ site }) => site);
}

const LAST = 4;

/** What the kernel itself calls comes before what is called from somewhere, and what runs now and then before what runs when something fails or comes up. */
function rankOf({ fn, event }: Party, world: World): number {
  const seldom = event.phase.includes('error-path') || bringsUpOrDown(fn, world) ? 2 : 0;
  return seldom + (rolesOf(fn, world).size > 0 ? 0 : 1);
}

function exclusiveAt({ fn, event }: Party, world: World): Section[] {
  return exclusive(heldAt(fn, event, world));
}

/** Is the second function called by the first alone? */
function callsAlone(caller: CFunction, fn: CFunction, world: World): boolean {
  return callersOf(fn, world)?.every(site => site.fn === caller) ?? false;
}
