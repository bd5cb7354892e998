/** What lock an event is about, so that the same lock is one value in every function, and what a function says of the locks of its caller. */

import { cellKey } from '../../c/lower/cells.ts';
import { plainType } from '../../c/lower/typeof.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { EffectOf } from '../../model/effect.ts';
import type { Fact } from '../../model/fact.ts';
import {
  type Acquired,
  contextSection,
  isContext,
  lastMember,
  objectType,
  type Section,
  sameLock,
  sameSection,
  section,
} from '../../model/section.ts';
import { saidLocks } from './saidlocks.ts';

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

/** What a call asserts of the sections of its caller; it holds from there on. */
export function assertionOf(fact: Fact | undefined): EffectOf<'assert'> | undefined {
  return fact?.effects.find((effect): effect is EffectOf<'assert'> => effect.does === 'assert');
}

/** A plain load or store is no call, and does nothing to locks. */
export function isPlainAccess({ kind, ordering, args }: Event): boolean {
  return ordering === 'plain' && args.length === 0 && (kind === 'read' || kind === 'write');
}

/** Locks that the caller holds, as the function itself says: lockdep assertions, annotations, its name. */
export function entryLocks(fn: Pick<CFunction, 'attributes' | 'name' | 'events' | 'parameters' | 'doc'>): Section[] {
  const held: Section[] = [];
  const taken: Section[] = [];
  for (const event of fn.events) {
    if (event.kind === 'lock' || event.kind === 'unlock') taken.push(lockOf(event, null));
    const lock = event.via || isPlainAccess(event) ? null : assertedLock(event);
    // An assertion behind a lock or unlock of the function's own says nothing of the caller.
    if (lock && !taken.some(own => sameLock(own, lock))) held.push(lock);
  }
  held.push(...annotated(fn));
  // A lock that the function acquires itself is none that its comment says of the caller.
  held.push(...saidLocks(fn).filter(lock => !isContext(lock) && !taken.some(own => sameLock(own, lock) || likeSaid(own, lock))));
  held.push(...byConvention(fn));
  return held.filter((lock, i) => held.findIndex(other => sameSection(other, lock)) === i);
}

/** May a comment's lock, whose type it does not tell, be that one? */
function likeSaid(own: Section, said: Section): boolean {
  return objectType(said) === null && lastMember(own) === lastMember(said);
}

/** A lock that callers hold by the convention that `foo_locked()` is called with it held: which one, nothing says. */
export function byConvention(fn: Pick<CFunction, 'name'>): Section[] {
  return fn.name.endsWith('_locked') ? [section(null, null, 'exclusive', 'convention', fn.name)] : [];
}

/** The lock that the event asserts to be held; null where it asserts none. A lock of which there is only one has the name of its family. */
export function assertedLock(event: Event): Section | null {
  const said = assertionOf(event.fact);
  if (!said || isContext(contextSection(said.section))) return null;
  const mode = said.mode === 'shared' ? 'shared' : 'exclusive';
  return said.object === null ? section(null, said.section, mode, 'assertion') : lockOf(event, null, mode === 'shared', 'assertion');
}

/** Does an annotation say that the function comes back with another set of locks than it was called with? */
export function leavesByContract({ attributes }: Pick<CFunction, 'attributes'>): boolean {
  return attributes.some(attribute => /^__(?:acquires|cond_acquires|releases)/.test(attribute));
}

/** The context that the event asserts its function to run in; null where it asserts none. */
export function assertedContext(event: Event): Section | null {
  const said = assertionOf(event.fact);
  const context = said ? contextSection(said.section) : null;
  return context && isContext(context) ? context : null;
}

/** Locks that hold from the first line by an annotation. */
export function annotated(fn: Pick<CFunction, 'attributes' | 'parameters'>): Section[] {
  return fn.attributes.flatMap(attribute => {
    const [, shared, words] = /^__(?:must_hold|releases)(_shared)?\((.*)\)$/.exec(attribute) ?? [];
    if (words === undefined || words.trim() === 'RCU') return [];
    return [section(null, named(words.trim(), fn), shared ? 'shared' : 'exclusive', 'annotation')];
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
