/** Names of locks, so that the same lock has one name in every function, and what a function says of the locks of its caller. */

import { cellKey } from '../../c/lower/cells.ts';
import { plainType } from '../../c/lower/typeof.ts';
import type { CFunction, Event } from '../../model/code.ts';

/** A lock's name: its family and the cell. */
export function lockName(event: { api: string; cell: Event['cell']; args: string[] }, family: string): string {
  // A lock without an argument is one for the whole system, whatever takes it.
  if (!event.cell && event.args.length === 0 && family !== '') return `${family}:${family}`;
  const key = event.cell ? cellKey(event.cell).replace('|', event.cell.type || event.cell.within ? '.' : '') : (event.args[0] ?? event.api);
  return `${family}:${key.replace(/\[\]$/, '')}`;
}

/** Two names of one lock: the family may be unknown (`lockdep_assert_held()` does not tell it). */
export function sameLock(a: string, b: string): boolean {
  return lockPath(a) === lockPath(b);
}

/** Two names that may be of one lock: the same family, and the same last member. */
export function likeLock(a: string, b: string): boolean {
  const end = (name: string) => /[\w[\]]+$/.exec(lockPath(name))?.[0] ?? '';
  return a.slice(0, a.indexOf(':')) === b.slice(0, b.indexOf(':')) && end(a) === end(b);
}

/** The lock without its family: `struct foo.lock`, or the name of a global. */
export function lockPath(name: string): string {
  return name.slice(name.indexOf(':') + 1).replace(/ \(shared\)$/, '');
}

const ASSERTS =
  /^(?:lockdep_assert_held(?:_write|_read|_exclusive|_once)?|assert_spin_locked|assert_raw_spin_locked|(?:mmap|vma)_assert_(?:write_|read_)?locked|ASSERT_RTNL|lockdep_rtnl_is_held|lockdep_sock_is_held|assert_held_\w+|lockdep_assert_(?:cpus|rq|wiphy|rtnl|wq_pool_mutex)_?held|i_mmap_assert_(?:write_)?locked|device_lock_assert|xa_assert_locked)$/;
const asserting = new Map<string, boolean>();

/** Calls that assert that a lock is held; they hold from there on. */
export function asserts(api: string): boolean {
  let known = asserting.get(api);
  if (known === undefined) {
    known = ASSERTS.test(api);
    asserting.set(api, known);
  }
  return known;
}

/** A plain load or store is no call, and does nothing to locks. */
export function isPlain({ kind, ordering, args }: Event): boolean {
  return ordering === 'plain' && args.length === 0 && (kind === 'read' || kind === 'write');
}

/** Locks that the caller holds, as the function itself says: lockdep assertions, annotations, its name. */
export function entryLocks(fn: Pick<CFunction, 'attributes' | 'name' | 'events' | 'parameters'>): string[] {
  const held: string[] = [];
  const taken = new Set<string>();
  for (const event of fn.events) {
    if (event.kind === 'lock' || event.kind === 'unlock') taken.add(lockPath(lockName(event, '')));
    if (event.via || isPlain(event) || !asserts(event.api)) continue;
    const name = assertedName(event);
    // An assertion behind a lock or unlock of the function's own says nothing of the caller.
    if (!taken.has(lockPath(name))) held.push(name);
  }
  held.push(...annotated(fn));
  if (/_locked$/.test(fn.name)) held.push(`named:${fn.name}`);
  return [...new Set(held)];
}

/** The lock that an assertion names. */
export function assertedName(event: Event): string {
  return /RTNL|rtnl/.test(event.api) ? 'asserted:rtnl' : lockName(event, 'asserted');
}

/** Locks that hold from the first line by an annotation. */
export function annotated(fn: Pick<CFunction, 'attributes' | 'parameters'>): string[] {
  return fn.attributes.flatMap(attribute => {
    const words = /^__(?:must_hold|must_hold_shared|releases|releases_shared)\((.*)\)$/.exec(attribute)?.[1];
    if (words === undefined || words.trim() === 'RCU') return [];
    return [`asserted:${named(words.trim(), fn)}`];
  });
}

/** `&x->lock` as the lock's own events name it: by the type of x where the head tells it. */
function named(text: string, fn: Pick<CFunction, 'parameters'>): string {
  const plain = text.replace(/^&\s*/, '').replace(/^\((.*)\)$/, '$1');
  const path = /^(\w+)->([\w.]+)$/.exec(plain);
  const type = path && fn.parameters.find(p => p.name === path[1])?.type;
  if (!path?.[2]) return plain;
  const tag = type ? plainType(type.replace(/[ *]+$/, '')) : '';
  return /^(?:struct|union) \w+$|_t$/.test(tag) ? `${tag}.${path[2]}` : path[2];
}
