import {
  called,
  calleeIn,
  comesBefore,
  type Found,
  foundIn,
  heldAt,
  includesSection,
  isHandedOver,
  isPartHandedOver,
  isTest,
  isUseOf,
  keyOf,
  lockText,
  loopsAround,
  objectOf,
  onward,
  type Removal,
  releasesSection,
  removalsOf,
  runsAlone,
  type Section,
  sameContainer,
  sameLock,
  takings,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Remark, Rule, World } from '../../src/model/rule.ts';
import { examples } from './found-object-used-after-unlock/examples.ts';

export default {
  id: 'found-object-used-after-unlock',
  title: 'An object found under a lock is used after the unlock, when another CPU may remove and free it',
  why: `
    What a lookup finds stays there as long as the lookup's lock is held, since removing it needs the same lock. The unlock ends that:
    another CPU may remove the object and free it at once, and the finder uses freed memory. It needs its own reference, taken before the
    unlock, or the use must move inside.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['refcount-lifetime', 'use-after-handover', 'lifetime-teardown', 'missing-lock'],
  references: ['Documentation/core-api/kref.rst, Kref rules', 'Documentation/kernel-hacking/locking.rst, Locking Only In User Context'],
  knownGaps: [
    'a lookup helper that takes and drops the lock itself is not followed: what else its callers hold is seldom visible',
    'an object kept alive by a protocol, such as a request owned by hardware, is recognised only by what the function does to it under the lock',
    'trees that are walked by hand are not seen',
  ],
  examples,
  checkFile(file, report, world) {
    const removals = removalsOf(world).filter(r => r.fn.path === file.path);
    if (removals.length === 0) return;
    for (const fn of file.functions) {
      if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) continue;
      const told = new Set<string>();
      for (const found of foundIn(fn, world.functions)) {
        for (const removal of removals) {
          if (removal.fn === fn || removal.fn === found.via?.fn || !sameContainer(found.container, removal.container)) continue;
          const hit = usedBehind(fn, found, removal, world);
          if (!hit || told.has(hit.name) || reaches(fn, removal.fn, world)) continue;
          told.add(hit.name);
          report({ event: hit.use, fn }, remarkOf(fn, found, removal, hit));
          break;
        }
      }
    }
  },
} satisfies Rule;

interface Hit {
  name: string;
  /** What ends the lock's section. */
  end: Event;
  use: Event;
  lock: Section;
}

function usedBehind(fn: CFunction, found: Found, removal: Removal, world: World): Hit | null {
  const shared = found.event.locks.filter(l => removal.locks.some(o => sameLock(o, l)));
  const [lock] = shared;
  if (lock === undefined || (found.via && isKeptBy(found.via))) return null;
  // A queue that is worked off: each entry belongs to whoever works on it.
  if (/^list_(?:first|last)/.test(found.event.api) && loopsAround(fn, found.event).length > 0) return null;
  if (fn.events.some(e => removalKey(e, found))) return null;
  for (const name of found.names) {
    const { events } = onward(fn, found.event, { variables: [name], alive: name, result: true });
    const ends = events.filter(e => e.kind === 'unlock' && shared.some(l => releasesSection(fn, e, l)));
    for (const end of ends) {
      const later = onward(fn, end, { variables: [name], alive: name }).events;
      const use = later.find(e => isLook(e, name));
      if (!use || use.maybeLocks.length > 0 || use.uncertain) continue;
      const inside = events.filter(e => comesBefore(fn, e, end));
      if (later.some(e => givesBack(e, found.names)) || inside.some(e => marks(e, found.names) || holdsPart(e, found.names))) continue;
      if (claimsByState(inside, later, name)) continue;
      // What its own locks keep away, the checker says; of those of its callers it knows nothing.
      const above = heldAt(fn, use, world).filter(l => !includesSection(use.locks, l));
      if (above.some(l => l.by === 'convention' || removal.locks.some(o => sameLock(o, l)))) continue;
      return { name, end, use, lock };
    }
  }
  return null;
}

/** The helper that finds it does something for it besides. */
function isKeptBy({ fn, names }: NonNullable<Found['via']>): boolean {
  return fn.events.some(e => marks(e, names) || holdsPart(e, names) || givesBack(e, names));
}

/** The function takes something out of the map itself. */
function removalKey(e: Event, found: Found): boolean {
  return found.container.kind === 'map' && /erase|remove|delete|replace/.test(e.api) && keyOf(e) === found.container.key;
}

/** The memory of the object is looked at, by the function or by one that it is handed to. */
function isLook(e: Event, name: string): boolean {
  if (e.kind === 'unlock' || e.kind === 'free') return false;
  if (isUseOf(e, name)) return true;
  return e.kind === 'call' && isHandedOver(e, name) && !PRINTS.test(e.api);
}

const PRINTS = /trace|print|pr_|dbg|debug|_err$|_warn$|_info$|entry_is_head|IS_ERR|PTR_ERR/;
const COMPARES = /match|cmp|equal|same|^is_|_is_|print|dbg|trace|valid|empty|hash/;

/** Something in the object is held that may keep it, as the module that it belongs to. */
function holdsPart(e: Event, names: readonly string[]): boolean {
  return (
    /(?:^|_)(?:try_?)?(?:get|hold|grab|pin|ref|inc|acquire)(?:_|$)/.test(e.api) &&
    names.some(name => e.args.some(arg => arg.startsWith(`${name}->`) || arg.startsWith(`&${name}->`)))
  );
}

/** The function gives the object back, takes it away or tells somebody that it has done with it: a share of it was its own. */
function givesBack(e: Event, names: readonly string[]): boolean {
  const over = e.kind === 'free' || e.kind === 'wake' || /(?:^|_)(?:put|release|free|destroy|unlink|del|remove|complete)(?:_|$)/.test(e.api);
  return over && names.some(name => isHandedOver(e, name) || isPartHandedOver(e, name));
}

/** Under the lock the function leaves a mark on the object, takes a lock of it, links it elsewhere, or hands it to somebody who may. */
function marks(e: Event, names: readonly string[]): boolean {
  return names.some(
    name =>
      ((e.kind === 'write' || e.kind === 'rmw' || e.kind === 'lock') && e.cell !== null && objectOf(e.cell) === name) ||
      (e.kind !== 'read' && e.kind !== 'unlock' && (isHandedOver(e, name) || isPartHandedOver(e, name)) && !COMPARES.test(e.api)),
  );
}

/** What it tested under the lock it changes behind it: the state of the object says that it is its own. */
function claimsByState(inside: readonly Event[], later: readonly Event[], name: string): boolean {
  const tested = new Set(inside.filter(e => e.kind === 'read' && isUseOf(e, name)).map(keyOf));
  return later.some(e => (e.kind === 'write' || e.kind === 'rmw') && isUseOf(e, name) && tested.has(keyOf(e)));
}

/** Does the function come to the removal itself, by calls in view? */
function reaches(fn: CFunction, target: CFunction, world: World, depth = 0, seen = new Set<CFunction>()): boolean {
  if (depth > 4 || seen.has(fn)) return false;
  seen.add(fn);
  return fn.events.some(e => {
    const callee = calleeIn(fn, e, world.functions);
    return callee !== null && (callee === target || reaches(callee, target, world, depth + 1, seen));
  });
}

function remarkOf(fn: CFunction, found: Found, removal: Removal, { name, end, use, lock }: Hit): Remark {
  const what = name.replace(/#\d+$/, '');
  const by = removal.fn.name;
  const taken = removal.via?.event ?? removal.event;
  // A lock that is known by a pointer alone is named by the call that gives the pointer.
  const taker = fn.events.find(e => e.kind === 'lock' && takings(fn, e).some(t => sameLock(t.lock, lock)));
  const within = /^\W*$/.test(lockText(lock)) ? lockText(lock, taker) : lockText(lock);
  const frees = removal.free.kind === 'free' ? 'frees' : 'puts';
  return {
    message: `${fn.name}() uses ${what} after ${end.ends ? `the scope of ${called(end)}` : `${called(end)}()`}, when ${by}() may have removed it under ${within} and freed it`,
    question: `What keeps ${what} alive after the unlock, and does it need a reference taken before?`,
    dismissal: `Not an issue if something else keeps ${what} alive, or keeps ${by}() from running meanwhile`,
    quote: [found.event, end, use],
    shape: fn.name,
    related: [
      { path: found.event.path, line: found.event.line, side: fn.side, note: 'found here' },
      { path: taken.path, line: taken.line, side: fn.side, note: 'removed here, under the lock' },
      { path: removal.free.path, line: removal.free.line, side: fn.side, note: `${by}() frees it here` },
    ],
    claim: {
      threads: [
        { fn, events: [found.event, use] },
        { fn: removal.fn, events: [removal.event, removal.free] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: found.event, from: 'before' },
          { read: use, from: removal.free },
        ],
      },
      meanings: [
        {
          event: found.event,
          access: 'read',
          cell: `${what} linked`,
          ordering: 'relaxed',
          says: { before: `finds ${what}`, after: `no longer finds ${what}` },
        },
        {
          event: use,
          access: 'read',
          cell: what,
          ordering: 'plain',
          says: { before: `dereferences ${what}`, after: `dereferences ${what}, which is freed` },
        },
        {
          event: removal.event,
          access: 'write',
          cell: `${what} linked`,
          ordering: 'relaxed',
          value: 0,
          says: { before: '', after: `removes ${what}` },
          ...(removal.via && removal.event.locks.every(l => !sameLock(l, lock)) ? { under: within } : {}),
        },
        { event: removal.free, access: 'write', cell: what, ordering: 'plain', says: { before: '', after: `${frees} ${what}` } },
      ],
      edits: [{ kind: 'section', event: use, text: 'Moving the use before the unlock or taking a reference there' }],
      assumes: ['both work on one object'],
    },
  };
}
