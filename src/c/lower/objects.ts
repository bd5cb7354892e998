/** Objects that nobody else knows yet, and objects that were given back. */
import type { CFunction, Event } from '../../model/code.ts';
import { nodesAfter } from '../cfg/flow.ts';
import { walk } from '../cfg/order.ts';
import { effectOfKind } from '../syntax/effects.ts';

/** Calls that set an object up and tell nobody. */
const SETS_UP =
  /^(?:memset\w*|memcpy|memmove|strscpy\w*|strcpy|strncpy|strlcpy|snprintf|scnprintf|sprintf|INIT_\w+|init_\w+|\w+_init|\w+_set|\w+_INIT|kref_get|bitmap_\w+|IS_ERR\w*|PTR_ERR\w*|WARN\w*|pr_\w+|dev_\w+|timer_setup\w*|seqcount_init|lockdep_set_class\w*|sizeof)$/;

/** Events on objects that are surely private or surely freed. Only variables that are set once are followed. */
export function objectsIn(fn: CFunction): ReadonlyMap<Event, NonNullable<Event['object']>> {
  const found = new Map<Event, NonNullable<Event['object']>>();
  const mark = (from: Event, name: string, as: NonNullable<Event['object']>, ends: (event: Event) => boolean) => {
    for (const use of usesAfter(fn, from, name, ends)) found.set(use, as);
  };
  const once = (name: string | null) => name !== null && (fn.changes?.get(name)?.length ?? 0) <= 1;
  const born = fn.events.filter(e => e.into !== null && once(e.into) && effectOfKind(e, 'alloc') !== undefined);
  for (const event of born) if (event.into) mark(event, event.into, 'private', e => tells(e, event.into ?? ''));
  for (const event of fn.events) {
    const { cell } = event;
    if (event.kind !== 'free' || event.ends || cell?.path !== '*' || cell.base === null || !/^\w+(?:#\d+)?$/.test(cell.base) || !once(cell.base))
      continue;
    // Memory that RCU frees stays readable to the end of the grace period.
    if (effectOfKind(event, 'free')?.when !== 'grace-period') mark(event, cell.base, 'freed', () => false);
  }
  return found;
}

/** Uses of the variable to which every path passes `from`, and none `ends` in between. */
function usesAfter(fn: CFunction, from: Event, name: string, ends: (event: Event) => boolean): Event[] {
  const uses = fn.events.filter(e => e !== from && e.cell && (e.cell.base === name || e.cell.base?.startsWith(`${name}.`)));
  if (uses.length === 0) return uses;
  // From the entry without passing `from`, and from what ends it: whatever those reach is in doubt.
  const reach = nodesAfter(fn, from.node);
  const starts = [0];
  for (const e of fn.events) if (e !== from && reach.has(e.node) && ends(e)) starts.push(...(fn.flow[e.node]?.next ?? []));
  for (const [i, node] of fn.flow.entries()) if (node.kind === 'gap') starts.push(i);
  const doubt = walk(fn.flow, starts, at => at !== from.node);
  return uses.filter(use => reach.has(use.node) && !doubt.has(use.node));
}

/** Does the event give the object away: as a stored value, or to a call that may keep it? */
function tells(event: Event, name: string): boolean {
  if (event.kind === 'expanded') return false;
  const word = new RegExp(`\\b${name.replace(/#.*/, '')}\\b`); // As it is written.
  if (event.operand !== null && (event.kind === 'write' || event.kind === 'rmw' || event.kind === 'publish') && word.test(event.operand)) return true;
  const own = event.cell?.base === name;
  if (own && ['read', 'write', 'rmw', 'lock', 'unlock', 'free'].includes(event.kind)) return false;
  return event.args.some(arg => word.test(arg)) && !SETS_UP.test(event.api);
}
