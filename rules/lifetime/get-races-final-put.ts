import {
  alwaysRuns,
  cellName,
  comesBefore,
  countsDownAndTells,
  countsUp,
  effectOfKind,
  effectsOf,
  includesSection,
  isTest,
  keyOf,
  makesObject,
  objectOf,
  onward,
  originsOf,
  releaseAtZero,
  releasesIn,
  type Section,
  sameLock,
  serialiserOf,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, World } from '../../src/model/rule.ts';
import { examples } from './get-races-final-put/examples.ts';

export default {
  id: 'get-races-final-put',
  title: 'A lookup takes a reference on an object whose count may be zero already',
  why: `
    The last put drops the count to zero and only then takes the lock to unlink the object. A lookup that gets the lock in between still
    finds it, raises the count from zero and returns an object that is freed as soon as the lock is dropped. Either the lookup refuses a
    count of zero, with get-unless-zero, or the last put takes the lock before it drops the count, as kref_put_lock() does.`,
  severity: 'error',
  confidence: 'high',
  finds: ['refcount-lifetime', 'check-then-act', 'lifetime-teardown'],
  references: ['Documentation/core-api/kref.rst, Kref rules', 'include/linux/kref.h, kref_put_lock()'],
  knownGaps: [
    'a put whose callers hold the lock counts as one without, if they are not visible',
    'a lookup through more than one helper is not seen',
  ],
  examples,
  checkFile(file, report, world) {
    for (const fn of file.functions) {
      if (fn.isMacro || fn.broken || isTest(fn)) continue;
      const removals = removalsOf(world);
      if (removals.length === 0) return;
      for (const get of fn.events) {
        if (get.locks.length === 0 || (get.kind !== 'rmw' && get.kind !== 'call')) continue;
        const near = removals.filter(
          r => get.locks.some(l => r.locks.some(m => sameLock(l, m))) && !serialiserOf({ fn, event: get }, { fn: r.fn, event: r.put }, world),
        );
        const counted = near.length > 0 ? countedBy(fn, get, world) : null;
        const found =
          counted &&
          near
            .filter(r => r.key === counted.key)
            .flatMap(r => {
              const find = looksUp(fn, get, counted.root, r);
              return find ? [{ ...r, find }] : [];
            })[0];
        if (!counted || !found || (!counted.asks && provesOwner(fn, get, counted.key))) continue;
        report(
          { event: get, fn },
          {
            message: `${fn.name}() raises ${counted.name} of an object found under the lock, but the last put may have dropped it to zero already`,
            detail: [
              `${found.fn.name}() drops the count without the lock and takes the lock only to unlink: in between the object is still found, and then freed`,
            ],
            question: 'Should the lookup refuse a count of zero, or the last put take the lock before it drops the count?',
            dismissal: 'Not an issue if something else holds a reference to every object that can be found',
            related: [
              { path: found.put.path, line: found.put.line, side: found.put.side, note: 'the last put, without the lock' },
              { path: found.removal.path, line: found.removal.line, side: found.removal.side, note: 'unlinked here, under the lock' },
            ],
            quote: [get, found.put],
            advice: ['Use kref_get_unless_zero() or refcount_inc_not_zero() in the lookup, or kref_put_lock() or refcount_dec_and_lock() in the put'],
            claim: claimOf(fn, get, counted, found),
          },
        );
      }
    }
  },
} satisfies Rule;

/** A put that may be the last, outside the lock that its zero path takes to unlink the object. */
interface Removal {
  fn: CFunction;
  put: Event;
  key: string;
  removal: Event;
  locks: Section[];
  /** Where the object is given back behind the removal, in view. */
  free: Event | null;
  /** The function that the put calls at zero; null where it goes on itself. */
  release: CFunction | null;
}

const known = new WeakMap<World, Removal[]>();

function removalsOf(world: World): Removal[] {
  let found = known.get(world);
  if (!found) {
    const byName = new Map(world.functions.map(fn => [fn.name, fn]));
    found = world.functions.flatMap(fn => fn.events.flatMap(put => removalBehind(fn, put, byName, world) ?? []));
    known.set(world, found);
  }
  return found;
}

function removalBehind(fn: CFunction, put: Event, byName: ReadonlyMap<string, CFunction>, world: World): Removal | null {
  const key = keyOf(put);
  if (put.kind !== 'rmw' || key === null || key.startsWith('|')) return null;
  // What runs at zero under a lock of the put's own excludes the lookup.
  if ((effectOfKind(put, 'register')?.under ?? null) !== null) return null;
  const release = byName.get(releaseAtZero(put) ?? '');
  const zero = release ? release.events : countsDownAndTells(put) ? onlyAtZero(fn, put) : [];
  // What the put's own locks cover, the lookup under them excludes.
  // Where the release function asks first whether it is still there, who took it out has dropped the container's own reference.
  const surely = (e: Event) => !release || alwaysRuns(release, e);
  const removal = zero.find(e => effectOfKind(e, 'unpublish') && surely(e) && lockedSince(e, put).length > 0);
  if (!removal) return null;
  const inside = release ?? fn;
  const object = removal.cell ? objectOf(removal.cell) : null;
  const frees = releasesIn(inside, world.functions).filter(r => r.kind === 'free' && comesBefore(inside, removal, r.event) && zero.includes(r.event));
  const free = (frees.find(r => r.object === object) ?? frees.at(-1))?.event ?? null;
  return { fn, put, key, removal, locks: lockedSince(removal, put), free, release: release ?? null };
}

/** What runs where the put was the last, and not also where it was not. */
function onlyAtZero(fn: CFunction, put: Event): Event[] {
  const others = new Set(onward(fn, put, { value: 'zero' }).events);
  return onward(fn, put, { value: 'nonzero' }).events.filter(e => !others.has(e));
}

function lockedSince(removal: Event, put: Event): Section[] {
  return removal.locks.filter(lock => ![...put.locks, ...put.maybeLocks].some(held => sameLock(held, lock)));
}

/** A count that is raised in the lookup. */
interface Counted {
  key: string;
  /** The variable that leads to it. */
  root: string;
  name: string;
  /** It is raised from another value than zero only. */
  asks: boolean;
  /** Where a helper in view raises it: which, and there. */
  by: { fn: CFunction; event: Event } | null;
}

/** The count that the event raises, itself or by a helper in view. */
function countedBy(fn: CFunction, event: Event, world: World): Counted | null {
  if (event.kind === 'rmw') {
    const get = countsUp(event);
    if (!get || !event.cell) return null;
    const root = /^\w+/.exec(objectOf(event.cell) ?? '')?.[0];
    const key = keyOf(event);
    const name = event.args[0]?.replace(/^&/, '') ?? event.cell.path;
    return root === undefined || key === null ? null : { key, root, name, asks: get.unlessZero, by: null };
  }
  const root = event.args.length === 1 ? event.args[0] : undefined;
  if (event.opaque || root === undefined || !/^\w+$/.test(root)) return null;
  for (const effect of effectsOf(fn, event, world.functions) ?? []) {
    if (countsUp(effect.event)?.unlessZero !== false) continue;
    const key = keyOf(effect.event);
    const by = effect.via.length === 1 ? { fn: effect.fn, event: effect.event } : null;
    if (key !== null) return { key, root, name: `${root}->${effect.event.cell?.path ?? ''}`, asks: false, by };
  }
  return null;
}

/** What finds the object, under the lock, in what the zero path takes it out of; null where nothing does. */
function looksUp(fn: CFunction, get: Event, root: string, { removal }: Removal): Event | null {
  if (fn.parameters.some(p => p.name === root)) return null;
  const words = wordsOf(removal.args);
  const earlier = fn.events.filter(
    e =>
      e.kind !== 'publish' &&
      comesBefore(fn, e, get) &&
      e.locks.some(l => includesSection(get.locks, l)) &&
      wordsOf(e.args).some(w => words.includes(w)),
  );
  if (earlier.length === 0) return null;
  const origins = originsOf(fn, root);
  if (origins.some(makesObject)) return null;
  return earlier.find(e => origins.includes(e) || e.args.some(arg => arg === root || arg.endsWith(root))) ?? null;
}

/** The lookup against the last put: the object is found and its count raised, and it is given back all the same. */
function claimOf(
  fn: CFunction,
  get: Event,
  { root, asks, by }: Counted,
  { find, put, removal, free, release, fn: putter }: Removal & { find: Event },
): Claim {
  const raise = by?.event ?? get;
  const last = free ? [removal, free] : [removal];
  const lock = release?.events.find(
    e => e.kind === 'lock' && comesBefore(release, e, removal) && !last.some(l => l.locks.length === 0 && comesBefore(release, l, e)),
  );
  const within = lock ? [lock, ...last] : last;
  const place = find.cell ? cellName(find.cell) : (wordsOf(find.args).find(w => wordsOf(removal.args).includes(w)) ?? 'the list');
  return {
    threads: [
      { fn, events: [find, get], ...(by ? { calls: [{ call: get, fn: by.fn, events: [by.event] }] } : {}) },
      release ? { fn: putter, events: [put], calls: [{ call: put, fn: release, events: within }] } : { fn: putter, events: [put, ...last] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: find, from: 'before' },
        { read: raise, from: 'effect' },
      ],
      ends: [free ?? removal],
    },
    starts: [{ cell: put, value: 1 }],
    meanings: [
      {
        event: find,
        access: 'read',
        cell: `${root} linked`,
        ordering: 'relaxed',
        says: { before: `finds ${root} in ${place}`, after: `no longer finds ${root} in ${place}` },
      },
      {
        event: removal,
        access: 'write',
        cell: `${root} linked`,
        ordering: 'relaxed',
        value: 0,
        says: { before: '', after: `removes ${root} from ${place}` },
      },
      ...(free
        ? [{ event: free, access: 'write' as const, cell: root, ordering: 'relaxed' as const, says: { before: '', after: `frees ${root}` } }]
        : []),
    ],
    edits: asks
      ? []
      : [
          {
            kind: 'unless-zero',
            event: raise,
            text: 'A get that refuses a count of zero (kref_get_unless_zero(), refcount_inc_not_zero())',
          },
          ...(lock
            ? [
                {
                  kind: 'move' as const,
                  event: put,
                  where: 'after' as const,
                  to: lock,
                  text: 'Dropping the count under the lock as kref_put_lock() does',
                },
              ]
            : []),
        ],
    assumes: [`the last reference is dropped while ${fn.name}() runs`],
    ...(asks ? {} : { stands: true as const }),
  };
}

/** Names of members and globals in arguments, as the last word of each. */
function wordsOf(args: readonly string[]): string[] {
  return args.flatMap(arg => /^&?(?:[\w[\].>-]*(?:->|\.))?([A-Za-z_]\w{2,})$/.exec(arg)?.[1] ?? []);
}

/** The function knows another holder: it compares the object with a pointer that somebody has, or it asks for zero elsewhere. */
function provesOwner(fn: CFunction, get: Event, key: string): boolean {
  return fn.events.some(e => e !== get && countsUp(e)?.unlessZero && keyOf(e) === key);
}
