import {
  called,
  cellName,
  comesBefore,
  isOwn,
  isTest,
  keyOf,
  nodesAfter,
  objectOf,
  onward,
  runsAlone,
  variablesIn,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';
import { examples } from './initialised-after-publication/examples.ts';
import { type Publication, publicationOf, throughHelper } from './initialised-after-publication/publications.ts';

export default {
  id: 'initialised-after-publication',
  title: 'A part of an object is initialised after the object is published',
  why: `
    Once a handler is registered with an object, a thread is started with it or a table holds it, others use it at once. A lock, completion,
    work item or wait queue in it that is initialised only after that may be used before: it is zeroed, or the initialisation wipes out what
    the other side has stored. Initialise all of the object first, and publish it last.`,
  severity: 'warning', // A note where an interrupt of its own has to be raised first by a device that may still be quiet.
  confidence: 'medium',
  finds: ['publish-before-init'],
  references: [
    'Documentation/RCU/checklist.rst, item 4e',
    'tools/memory-model/Documentation/recipes.txt, Assign and dereference',
    'kernel/irq/manage.c, request_threaded_irq()',
  ],
  knownGaps: [
    'the user of the object must be visible, and what it waits for first is not considered',
    'a device that raises no interrupt until enabled is not recognised',
  ],
  examples,
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || fn.attributes.some(a => a.startsWith('__init'))) return;
    for (const publish of fn.events) {
      const by = publicationOf(fn, publish, world) ?? throughHelper(fn, publish, world);
      if (!by) continue;
      const { events } = onward(fn, publish, {
        variables: variablesIn(by.object),
        stop: e => /^(?:free_irq|kthread_stop|xa_erase|idr_remove)$/.test(e.api),
      });
      const late = events.filter(
        e => INITIALISES.test(e.api) && e.cell !== null && objectOf(e.cell) === by.object && !e.uncertain && !setBefore(fn, e, publish),
      );
      if (late.length === 0 || gated(events, by.object)) continue;
      const user = userOf(fn, by, late, world);
      if (!user) continue;
      const { init, use, found } = user;
      const name = init.cell ? cellName(init.cell) : 'part of it';
      const handler = by.handlers.length > 0;
      const quiet = handler && /irq/.test(publish.api) && !publish.args.some(a => /\bIRQF_SHARED\b/.test(a));
      report(
        { event: init, fn },
        {
          message: `${fn.name}() initialises ${name} after ${called(publish)}() has published ${by.object.replace(/\./g, '->')}, and ${user.fn.name}() uses it`,
          detail: [
            handler
              ? `${user.fn.name}() may run as soon as ${called(publish)}() is called`
              : `${user.fn.name}() may find it as soon as it is in ${publish.cell ? cellName(publish.cell) : 'the table'}`,
          ],
          question: `What keeps ${user.fn.name}() from using ${name} before it is initialised?`,
          dismissal: handler
            ? `Not an issue if the device stays quiet until ${name} is initialised`
            : `Not an issue if nobody can look it up before ${fn.name}() is done`,
          related: [
            { path: publish.path, line: publish.line, side: publish.side, note: 'published here' },
            { path: use.path, line: use.line, side: use.side, note: `the use, in ${user.fn.name}()` },
          ],
          quote: [publish, init],
          ...(quiet ? { severity: 'note' as const } : {}),
          claim: {
            threads: [
              { fn, events: [publish, init] },
              handler ? { fn: user.fn, events: [use], startedBy: publish } : { fn: user.fn, events: found ? [found, use] : [use] },
            ],
            bad: {
              kind: 'sees',
              reads: [
                ...(found ? [{ read: found, from: publish, thread: 1 }] : []),
                { read: use, from: 'before' as const, thread: 1, ...(use.kind === 'lock' ? { cell: 'part' } : {}) },
              ],
            },
            meanings: [
              { event: init, access: 'write', cell: 'part', ordering: 'plain' },
              // A lock is taken as it was found.
              { event: use, access: 'read', cell: 'part', ordering: 'plain', ...(use.kind === 'lock' ? { besides: 'always' as const } : {}) },
              ...(found
                ? [
                    { event: publish, access: 'write' as const, cell: 'table', ordering: 'release' as const },
                    { event: found, access: 'read' as const, cell: 'table', ordering: 'acquire' as const },
                  ]
                : []),
            ],
            edits: [{ kind: 'move', event: init, where: 'before', to: publish, text: `Initialising ${name} before ${called(publish)}()` }],
            assumes: ['both work on one object'],
          },
        },
      );
    }
  },
} satisfies Rule;

/** Set-up of what others wait on, lock or queue. */
const INITIALISES =
  /^(?:init_completion|(?:__)?mutex_init|(?:raw_)?spin_lock_init|rwlock_init|init_rwsem|init_waitqueue_head|init_swait_queue_head|sema_init|INIT_(?:DELAYED_)?WORK|timer_setup|tasklet_setup|tasklet_init|hrtimer_init|hrtimer_setup|idr_init|ida_init|xa_init|xa_init_flags)$/;

/** The same part was set up before as well: what comes later begins anew. */
function setBefore(fn: CFunction, init: Event, publish: Event): boolean {
  return fn.events.some(e => e !== init && comesBefore(fn, e, publish) && INITIALISES.test(e.api) && keyOf(e) === keyOf(init));
}

/** A count or a flag that is set last, by a release, lets nobody in before. */
function gated(events: Event[], object: string): boolean {
  return events.some(e => e.kind === 'write' && e.ordering === 'release' && e.cell !== null && objectOf(e.cell) === object);
}

interface User {
  fn: CFunction;
  init: Event;
  use: Event;
  /** The look into the table. */
  found: Event | null;
}

/** Who uses, of an object that it was given or has looked up, what is set up late. */
function userOf(fn: CFunction, by: Publication, late: Event[], world: World): User | null {
  const keys = new Map(late.map(e => [keyOf(e), e]));
  if (by.handlers.length > 0) {
    for (const handler of world.functions.filter(f => by.handlers.includes(f.name) && f.path === fn.path)) {
      const found = useIn(handler, keys, null);
      if (found) return found;
    }
    return null;
  }
  for (const user of usersOf(by.table ?? '', world)) {
    if (user.fn === fn || runsAlone(user.fn, world) || isTest(user.fn)) continue;
    const found = useIn(user.fn, keys, user.load);
    if (found) return found;
  }
  return null;
}

function useIn(fn: CFunction, keys: Map<string | null, Event>, found: Event | null): User | null {
  for (const use of fn.events) {
    const init = use.cell ? keys.get(keyOf(use)) : undefined;
    if (!init || INITIALISES.test(use.api) || use.kind === 'read' || isOwn(fn, use) || (found && !nodesAfter(fn, found.node).has(use.node))) continue;
    if (found && (found.into === null || use.cell?.base !== found.into)) continue;
    if (!found && heldBack(fn, use)) continue;
    return { fn, init, use, found };
  }
  return null;
}

/** Calls of a function whose value is kept: what it returns is what it found. */
function lookups(fn: CFunction, world: World): { fn: CFunction; load: Event }[] {
  return world
    .callers(fn.name)
    .filter(site => site.event.into !== null && site.fn.path === fn.path)
    .map(site => ({ fn: site.fn, load: site.event }));
}

/** The handler first asks the object itself whether there is anything to do. */
function heldBack(fn: CFunction, use: Event): boolean {
  const object = use.cell ? objectOf(use.cell) : null;
  return fn.flow.some(node => {
    if (node.kind !== 'branch' || node.decides === undefined || !node.decides.some(i => isOf(fn.events[i], object))) return false;
    const ways = node.next.map(to => to === use.node || nodesAfter(fn, to).has(use.node));
    return ways.includes(true) && ways.includes(false);
  });
}

function isOf(event: Event | undefined, object: string | null): boolean {
  return event?.kind === 'read' && event.cell !== null && objectOf(event.cell) === object;
}

const loads = new WeakMap<World, Map<string, { fn: CFunction; load: Event }[]>>();

/** Looks into the table, by its cell. */
function usersOf(table: string, world: World): { fn: CFunction; load: Event }[] {
  let known = loads.get(world);
  if (!known) {
    known = new Map();
    loads.set(world, known);
    for (const fn of world.functions) {
      for (const event of fn.events) {
        // Under the table's own lock it is looked into by some other call.
        if (!/^(?:xa_load|idr_find|xa_lock\w*)$/.test(event.api)) continue;
        const key = keyOf(event) ?? '';
        const list = known.get(key) ?? [];
        if (event.kind !== 'lock') list.push({ fn, load: event });
        // Whoever calls a lookup that gives what it found, or a lookup of that, looks into the table as well.
        for (const site of lookups(fn, world)) {
          list.push(site);
          if (/\*/.test(site.fn.head)) list.push(...lookups(site.fn, world));
        }
        known.set(key, list);
      }
    }
  }
  return known.get(table) ?? [];
}
