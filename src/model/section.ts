/** Sections: whatever is acquired and released, a lock of any family or a context such as interrupts off, as values that may be compared. */

/** A context that a call begins and another ends: it excludes nobody by itself. Only SRCU's has an object. The words are those of `Fact.context`. */
export type ContextFamily = 'irqs-off' | 'preempt-off' | 'bh-off' | 'migrate-off' | 'pagefault-off' | 'rcu-read' | 'srcu-read';

/**
 * Where a section was acquired: by events of the function; by its caller, which the function shows by releasing it first; or not in view, as an
 * assertion (`lockdep_assert_held()`), an annotation (`__must_hold()`), the convention of a `_locked` name or the table of operations that has the
 * function says.
 */
export type Acquired = 'events' | 'caller' | 'assertion' | 'annotation' | 'convention' | 'table' | 'comment';

/** A section that is held. Whether two are the same lock, `sameLock()` says: what acquired them may differ. */
export interface Section {
  /** What excludes what: `spin`, `mutex`, `seqcount`, or a context; null where what says that it is held does not say of what kind it is. */
  readonly family: string | null;
  /**
   * The normal form of the lock's cell, `struct foo.lock`, or the name of a global; of an SRCU section that of its srcu_struct. Null for any other
   * context, and where it is not known.
   */
  readonly object: string | null;
  /** Holders of a shared section do not exclude each other. */
  readonly mode: 'exclusive' | 'shared';
  readonly by: Acquired;
  /** Of a convention the function whose name says so: nothing else tells two such locks apart. */
  readonly name: string | null;
}

const CONTEXTS: ReadonlySet<string | null> = new Set<ContextFamily>([
  'irqs-off',
  'preempt-off',
  'bh-off',
  'migrate-off',
  'pagefault-off',
  'rcu-read',
  'srcu-read',
]);

const made = new Map<string, Section>();

/** The section with these properties. Equal ones are one object, so that a file's events share a few. */
export function section(
  family: string | null,
  object: string | null,
  mode: Section['mode'] = 'exclusive',
  by: Acquired = 'events',
  name: string | null = null,
): Section {
  const key = `${by} ${mode} ${family ?? '?'} ${object ?? '?'} ${name ?? ''}`;
  let known = made.get(key);
  if (!known) {
    known = { family, object, mode, by, name };
    made.set(key, known);
  }
  return known;
}

/** The context of that word. */
export function contextSection(family: string): Section {
  return section(family, null, 'shared');
}

/** Is it a context, not a lock? */
export function isContext({ family }: Section): boolean {
  return CONTEXTS.has(family);
}

/**
 * The section that a text names: `rtnl`, `rcu-read`, `mutex:struct foo.lock`, `rwsem:struct foo.sem (shared)`. A word alone is a context, or the
 * family of a lock of which the system has one.
 */
export function readSection(text: string, by: Acquired): Section {
  const [, family = '', object, shared] = /^([a-z-]+)(?::(.*?))?( \(shared\))?$/.exec(text) ?? [];
  if (object === undefined && CONTEXTS.has(family)) return contextSection(family);
  return section(family, object ?? family, shared === undefined ? 'exclusive' : 'shared', by);
}

/**
 * The same lock, whatever its mode and whoever acquired it; its family may be unknown to an assertion. Of contexts the same kind, and of SRCU the same
 * srcu_struct where both are known.
 */
export function sameLock(a: Section, b: Section): boolean {
  if (a === b) return true;
  if (isContext(a) || isContext(b)) return a.family === b.family && (a.object === b.object || a.object === null || b.object === null);
  if (a.object === null || b.object === null) return a.object === b.object && a.family === b.family && a.name === b.name;
  return a.object === b.object;
}

/** The same lock, known by the same family and held in the same mode. */
export function sameSection(a: Section, b: Section): boolean {
  return a === b || (a.family === b.family && a.mode === b.mode && sameLock(a, b));
}

/** Each section once, the first of those that are the same. */
export function distinctSections(sections: readonly Section[]): Section[] {
  return sections.filter((one, i) => sections.findIndex(other => sameSection(other, one)) === i);
}

/** What may be one lock: the same family, and the same last member of the object. */
export function likeLock(a: Section, b: Section): boolean {
  if (a.object === null || b.object === null) return sameLock(a, b);
  return a.family === b.family && lastMember(a) === lastMember(b);
}

/** One text for what `sameLock()` takes for one lock: for a key, not to be shown. */
export function lockKey({ family, object, name }: Section): string {
  return object ?? `${family ?? ''} ${name ?? ''}`;
}

/** The type that the lock is a member of, `struct foo`; null for a global, and where it is not known. */
export function objectType({ object }: Section): string | null {
  return /^((?:struct|union) \w+|\w+_t)\./.exec(object ?? '')?.[1] ?? null;
}

/** The last member of the lock's object: what is left of it where the type is not in view; empty where there is none. */
export function lastMember({ object }: Section): string {
  return /[\w[\]]+$/.exec(object ?? '')?.[0] ?? '';
}

/** Is the lock among the sections, in whatever mode? */
export function holds(sections: readonly Section[], lock: Section): boolean {
  return sections.some(held => sameLock(held, lock));
}

/** Is the very section among them: the same lock in the same mode? */
export function includesSection(sections: readonly Section[], one: Section): boolean {
  return sections.includes(one) || sections.some(held => sameSection(held, one));
}

/** The lock is surely held at the event, as far as its function shows. */
export function isHeld(event: { locks: readonly Section[] }, lock: Section): boolean {
  return holds(event.locks, lock);
}

/** The event surely runs inside of the context, as far as its function shows. */
export function isIn(event: { context: readonly Section[] }, family: ContextFamily): boolean {
  return event.context.some(c => c.family === family);
}

/** Those of the sections whose holders exclude each other. */
export function exclusive(sections: readonly Section[]): Section[] {
  return sections.filter(s => s.mode === 'exclusive');
}

/** The first section of the one list that is in the other too: both run under it. */
export function sharedSection(a: readonly Section[], b: readonly Section[]): Section | undefined {
  return a.find(one => includesSection(b, one));
}

/** What stands for the family of a lock where it is not known. */
const UNKNOWN_FAMILY: Readonly<Record<Acquired, string>> = {
  events: 'lock',
  caller: 'given',
  assertion: 'asserted',
  annotation: 'asserted',
  convention: 'named',
  table: 'given',
  comment: 'asserted',
};

/** The section in one line: `spin:struct foo.lock`, `rwsem:struct foo.sem (shared)`, `rcu-read`, `srcu-read:struct foo.srcu`. */
export function sectionText(one: Section): string {
  if (isContext(one)) return one.object === null ? (one.family ?? '') : `${one.family}:${one.object}`;
  const shared = one.mode === 'shared' ? ' (shared)' : '';
  return `${one.family ?? UNKNOWN_FAMILY[one.by]}:${one.object ?? one.name ?? ''}${shared}`;
}
