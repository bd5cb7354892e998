/** What keeps an object over a put that is not its last, or keeps those apart who put it. */
import {
  calleeIn,
  comesBefore,
  effectOfKind,
  guardsAt,
  isIn,
  keyOf,
  returnedAt,
  sameStatement,
  takesReference,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { World } from '../../../src/model/rule.ts';

/** A lock, an RCU section or another reference keeps the object over the put. */
export function keepsAlive(fn: CFunction, put: Event, object: string, world: World): boolean {
  return (
    (put.locks.length === 0 && guardsAt({ fn, event: put }, world).own !== null) ||
    isIn(put, 'rcu-read') ||
    isIn(put, 'srcu-read') ||
    fn.events.some(e => comesBefore(fn, e, put) && (takesReference(e, object) || countsInside(fn, e, put, world)))
  );
}

/** Does the call, by its body, raise or set the very count that the put brings down? */
function countsInside(fn: CFunction, call: Event, put: Event, world: World): boolean {
  const callee = call.argCells ? calleeIn(fn, call, world.functions) : null;
  const raises = (e: Event) => e.fact?.counter === true && (e.kind === 'write' || e.operation === 'inc' || e.operation === 'add');
  return callee?.events.some(e => raises(e) && keyOf(e) === keyOf(put)) ?? false;
}

/** Is it what a wait looks at, as a count in the condition of wait_event()? */
export function isAwaited(fn: CFunction, event: Event): boolean {
  return fn.events.some(e => e.kind === 'wait' && comesBefore(fn, event, e) && sameStatement(event, e));
}

/** Do all others in view give their references back without a look at what is left, so that nobody but this function lets the object go? */
export function othersOnlyCount(fn: CFunction, put: Event, world: World): boolean {
  const key = keyOf(put);
  if (key === null || key.startsWith('|')) return false;
  const puts = world.functions.flatMap(f =>
    f === fn ? [] : f.events.filter(e => e.kind === 'rmw' && (e.operation === 'dec' || e.operation === 'sub') && keyOf(e) === key),
  );
  return puts.length > 0 && puts.every(e => !e.used);
}

/**
 * The object was found on a list, and the last put takes it off that list, all without a lock, RCU or a reference: callers who ran at once would
 * break the list itself, so something that they hold keeps them apart.
 */
export function isSerialised(fn: CFunction, put: Event, object: string, zero: readonly Event[], world: World): boolean {
  const isOpen = (f: CFunction, event: Event) => !guardsAt({ fn: f, event }, world).own && !isIn(event, 'rcu-read') && !isIn(event, 'srcu-read');
  const walks = (f: CFunction, variable: string) =>
    f.events.flatMap(e => (walksEntries(e) && e.args[0] === variable && isOpen(f, e) && (f !== fn || comesBefore(fn, e, put)) ? [e.args] : []));
  const found = (fn.settings ?? []).flatMap(s => (s.name === object ? s.sources : [])).flatMap(i => fn.events[i] ?? []);
  const members = new Set(
    [
      ...walks(fn, object),
      ...found.flatMap(call => {
        const callee = comesBefore(fn, call, put) && isOpen(fn, call) ? calleeIn(fn, call, world.functions) : null;
        const given = (callee?.flow ?? []).flatMap(node => (node.kind === 'exit' ? (returnedAt(node) ?? []) : []));
        return callee ? [...new Set(given)].flatMap(variable => walks(callee, variable)) : [];
      }),
    ].map(args => args.at(-1)),
  );
  return zero.some(e => takesOff(e) && isOpen(fn, e) && e.cell?.base === object && members.has(e.cell.path));
}

/** A walk over entries by a plain list; the first argument is the entry, the last the member that links it. */
function walksEntries(event: Event): boolean {
  const consume = effectOfKind(event, 'consume');
  return consume?.by === 'list' && consume.each && !consume.rcu && consume.member !== null;
}

function takesOff(event: Event): boolean {
  const unpublish = effectOfKind(event, 'unpublish');
  return unpublish?.by === 'list' && !unpublish.rcu && !effectOfKind(event, 'publish');
}
