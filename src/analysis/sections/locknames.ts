/** What lock an event is about, so that the same lock is one value in every function, and what a function says of the locks of its caller. */

import { cellKey } from '../../c/lower/cells.ts';
import { plainType } from '../../c/lower/typeof.ts';
import type { CFunction, Event } from '../../model/code.ts';
import { type Acquired, type Section, sameLock, sameSection, section } from '../../model/section.ts';

/** What of an event says which lock it is about. */
type Named = { api: string; cell: Event['cell']; args: readonly string[] };

/** The lock that an event acquires or releases; the family is null where the event does not tell it. */
export function lockOf(event: Named, family: string | null, shared = false, by: Acquired = 'events'): Section {
  return section(family, objectOf(event, family), shared ? 'shared' : 'exclusive', by);
}

function objectOf(event: Named, family: string | null): string {
  // A lock without an argument is one for the whole system, whatever takes it.
  if (!event.cell && event.args.length === 0 && family !== null) return family;
  const key = event.cell ? cellKey(event.cell).replace('|', event.cell.type || event.cell.within ? '.' : '') : (event.args[0] ?? event.api);
  return key.endsWith('[]') ? key.slice(0, -2) : key;
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
export function entryLocks(fn: Pick<CFunction, 'attributes' | 'name' | 'events' | 'parameters'>): Section[] {
  const held: Section[] = [];
  const taken: Section[] = [];
  for (const event of fn.events) {
    if (event.kind === 'lock' || event.kind === 'unlock') taken.push(lockOf(event, null));
    if (event.via || isPlain(event) || !asserts(event.api)) continue;
    const lock = assertedLock(event);
    // An assertion behind a lock or unlock of the function's own says nothing of the caller.
    if (!taken.some(own => sameLock(own, lock))) held.push(lock);
  }
  held.push(...annotated(fn));
  held.push(...byConvention(fn));
  return held.filter((lock, i) => held.findIndex(other => sameSection(other, lock)) === i);
}

/** A lock that callers hold by the convention that `foo_locked()` is called with it held: which one, nothing says. */
export function byConvention(fn: Pick<CFunction, 'name'>): Section[] {
  return fn.name.endsWith('_locked') ? [section(null, null, 'exclusive', 'convention', fn.name)] : [];
}

/** The lock that an assertion is about. */
export function assertedLock(event: Event): Section {
  return /RTNL|rtnl/.test(event.api) ? section(null, 'rtnl', 'exclusive', 'assertion') : lockOf(event, null, false, 'assertion');
}

/** Locks that hold from the first line by an annotation. */
export function annotated(fn: Pick<CFunction, 'attributes' | 'parameters'>): Section[] {
  return fn.attributes.flatMap(attribute => {
    const words = /^__(?:must_hold|must_hold_shared|releases|releases_shared)\((.*)\)$/.exec(attribute)?.[1];
    if (words === undefined || words.trim() === 'RCU') return [];
    return [section(null, named(words.trim(), fn), 'exclusive', 'annotation')];
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
