import {
  bringsUpOrDown,
  callersOf,
  exclusive,
  heldAt,
  heldOnEntry,
  isTest,
  keyOf,
  lockText,
  objectType,
  onward,
  originsOf,
  rolesOf,
  runsAlone,
  type Section,
  sameLock,
  sameSection,
  section,
  standsHere,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';
import { examples } from './guarded-field-unlocked/examples.ts';

export default {
  id: 'guarded-field-unlocked',
  title: 'A counter that is guarded by a lock elsewhere is changed without it',
  why: `
    A plain ++ or -- loads, adds and stores. If every other place does so under a lock, one that does not can lose its own update or that of
    the lock holder whenever the two overlap. Reported by inspection of the other visible accesses.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['missing-lock'],
  references: [
    'Documentation/kernel-hacking/locking.rst, The Problem With Concurrency',
    'tools/memory-model/Documentation/access-marking.txt, Lock-Protected Writes With Lockless Reads',
  ],
  knownGaps: [
    'locks held by callers in other files are not seen: such functions are reported only on request',
    'a single store is not checked, only read-modify-writes',
  ],
  examples,
  checkFile(file, report, world) {
    if (!file.whole || file.isHeader) return;
    for (const [key, sites] of changesIn(file, world)) {
      const all = sites.flatMap(s => s.locks);
      const locks = all.filter((lock, i) => all.findIndex(other => sameSection(other, lock)) === i);
      const guard = locks
        .map(lock => ({ lock, under: sites.filter(s => s.locks.some(held => sameLock(held, lock))) }))
        .sort((a, b) => b.under.length - a.under.length)[0];
      if (!guard || guard.under.length < 2 || new Set(guard.under.map(s => s.fn)).size < 2) continue;
      const open = sites.filter(s => s.open);
      // Any other lock may be the one that matters where one is held.
      if (open.length === 0 || open.length >= guard.under.length || open.length + guard.under.length < sites.length) continue;
      const sure = guard.under.length >= 3 && new Set(open.map(s => s.fn)).size === 1 && open.every(s => s.entry) && isDecidedOn(file, key);
      for (const { fn, event } of open) {
        const name = `${event.cell?.path}`;
        const [first, second] = guard.under;
        report(
          { event, fn },
          {
            message: `${fn.name}() changes ${name} without ${lockText(guard.lock)}, which guards it in ${[...new Set(guard.under.map(s => `${s.fn.name}()`))].slice(0, 3).join(', ')}`,
            question: `What excludes those updates between the load and the store of ${name} here?`,
            dismissal: `Not an issue if callers of ${fn.name}() hold ${lockText(guard.lock)}, or the object is not yet visible to others here`,
            related: [first, second].flatMap(s =>
              s ? [{ path: s.fn.path, line: s.event.line, side: s.fn.side, note: `${s.fn.name}() changes it under the lock` }] : [],
            ),
            said: world.said(fn, ['lock', 'locked', 'serialis\\w*', 'serializ\\w*']).slice(0, 1),
            // Lock and field are tied by use alone, and many a counter changes under a lock by the way.
            ...(sure ? {} : { confidence: 'low' as const }),
          },
        );
      }
    }
  },
} satisfies Rule;

interface Site {
  fn: CFunction;
  event: Event;
  /** Exclusive locks of the object that are held. */
  locks: Section[];
  /** Surely no lock is held, as far as the file shows, and the object is known to others. */
  open: boolean;
  /** No caller can hold the object's lock: the kernel calls the function, or it finds the object itself. */
  entry: boolean;
}

const RMW = /^(?:\+\+|--|\+=|-=)$/;

/** Every plain read-modify-write of a member of a type in view, by cell. */
function changesIn(file: CodeFile, world: World): Map<string, Site[]> {
  const found = new Map<string, Site[]>();
  for (const fn of file.functions) {
    if (fn.isMacro || !fn.whole || isTest(fn)) continue;
    const alone = isQuiet(fn, world) || isReachedQuietly(fn, world);
    for (const event of fn.events) {
      if (!standsHere(event)) continue; // Counted where it stands.
      const { cell } = event;
      if (event.kind === 'read' || !RMW.test(event.api) || !cell?.type || event.uncertain || cell.path.includes('[')) continue;
      if (cell.base === null || event.object || isOwnHere(fn, event)) continue;
      const key = keyOf(event);
      if (key === null) continue;
      const held = exclusive(heldAt(fn, event, world));
      const locks = [...held.filter(lock => objectType(lock) === cell.type), ...givenBehind(fn, event, cell.type)];
      if (alone && locks.length === 0) continue;
      const open =
        held.length === 0 &&
        locks.length === 0 &&
        heldOnEntry(fn, world).locks.length === 0 &&
        event.maybeLocks.length === 0 &&
        event.context.length === 0 &&
        event.phase.length === 0 &&
        (!fn.isStatic || callersOf(fn, world) !== null || world.mentions(fn).length > 0);
      const site = { fn, event, locks, open, entry: open && (isEntry(fn, world) || findsItself(fn, event, world)) };
      const known = found.get(key);
      if (known) known.push(site);
      else found.set(key, [site]);
    }
  }
  return found;
}

function isQuiet(fn: CFunction, world: World): boolean {
  return runsAlone(fn, world) || bringsUpOrDown(fn, world);
}

/** Every caller holds a lock, or sets up, brings up or takes down the device, as far up as is asked. */
function isReachedQuietly(fn: CFunction, world: World, depth = 0): boolean {
  const sites = depth < DEEPEST ? callersOf(fn, world) : null;
  return (
    sites?.every(s => s.fn !== fn && (isQuiet(s.fn, world) || heldAt(s.fn, s.event, world).length > 0 || isReachedQuietly(s.fn, world, depth + 1))) ??
    false
  );
}

/** The object is this CPU's own, or was allocated here. */
function isOwnHere(fn: CFunction, event: Event): boolean {
  const root = /^\w+/.exec(event.cell?.base ?? '')?.[0] ?? '';
  return originsOf(fn, root).some(e => /(?:^|_)(?:this_cpu_ptr|raw_cpu_ptr|get_cpu_ptr)$|alloc|dup/.test(e.api));
}

/** Locks of the object that are given back further down with nothing between that takes them: a helper took them. */
function givenBehind(fn: CFunction, event: Event, type: string): Section[] {
  const next = onward(fn, event, {}).events.find(e => (e.kind === 'lock' || e.kind === 'unlock') && e.cell?.type === type);
  return next?.kind === 'unlock' && next.cell ? [section(null, keyOf(next)?.replace('|', '.') ?? '', 'exclusive', 'caller')] : [];
}

/** The object is none that a caller names, and one of the callers holds nothing: the function looks it up, by no helper that locks. */
function findsItself(fn: CFunction, event: Event, world: World): boolean {
  const root = /^\w+/.exec(event.cell?.base ?? '')?.[0] ?? '';
  const origins = originsOf(fn, root);
  if (fn.parameters.some(p => p.name === root) || !origins.some(e => e.kind === 'call' || e.kind === 'read')) return false;
  if (origins.some(e => /lock|begin|start|container_of|entry/.test(e.api))) return false;
  return (
    callersOf(fn, world)?.some(({ fn: caller, event: call }) => call.locks.length + call.maybeLocks.length === 0 && !runsAlone(caller, world)) ??
    false
  );
}

const DEEPEST = 3;

/** The kernel calls the function itself, as a handler or an operation on a file, or all its callers are such functions. */
function isEntry(fn: CFunction, world: World, depth = 0): boolean {
  if (rolesOf(fn, world).size > 0) return true;
  const sites = depth < DEEPEST ? callersOf(fn, world) : null;
  return sites?.every(s => s.fn !== fn && isEntry(s.fn, world, depth + 1)) ?? false;
}

/** Something is decided by the value: it is no number that only people read. */
function isDecidedOn(file: CodeFile, key: string): boolean {
  return file.functions.some(fn =>
    fn.flow.some(n => n.kind === 'branch' && (n.decides ?? []).some(i => fn.events[i] && keyOf(fn.events[i] as Event) === key)),
  );
}
