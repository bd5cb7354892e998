import {
  called,
  cellName,
  comesBefore,
  effectOfKind,
  initialises,
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
        stop: takesBack,
      });
      const late = events.filter(e => setsUp(e) && e.cell !== null && objectOf(e.cell) === by.object && !e.uncertain && !setBefore(fn, e, publish));
      if (late.length === 0 || gated(events, by.object)) continue;
      const user = userOf(fn, by, late, world);
      if (!user) continue;
      const { init, use, found } = user;
      const name = init.cell ? cellName(init.cell) : 'part of it';
      const handler = by.handlers.length > 0;
      const quiet = handler && effectOfKind(publish, 'register')?.runner === 'irq' && !publish.args.some(a => /\bIRQF_SHARED\b/.test(a));
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

/** Set-up of what others wait on, lock or queue, by plain stores. */
function setsUp(event: Event): boolean {
  return initialises(event) && event.ordering === 'plain';
}

/** What ends a publication: the handler is gone, or the object is out of its table. */
function takesBack(event: Event): boolean {
  const quiesce = effectOfKind(event, 'quiesce');
  const unpublish = effectOfKind(event, 'unpublish');
  return (quiesce?.bars === true && (quiesce.of === 'irq' || quiesce.of === 'kthread')) || unpublish?.by === 'xarray' || unpublish?.by === 'idr';
}

/** The same part was set up before as well: what comes later begins anew. */
function setBefore(fn: CFunction, init: Event, publish: Event): boolean {
  return fn.events.some(e => e !== init && comesBefore(fn, e, publish) && setsUp(e) && keyOf(e) === keyOf(init));
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
    if (!init || setsUp(use) || use.kind === 'read' || isOwn(fn, use) || (found && !nodesAfter(fn, found.node).has(use.node))) continue;
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

/** A look into a table, or the lock that goes by the table's own name, as xa_lock() has it. */
function looksInto(event: Event): boolean {
  const consume = effectOfKind(event, 'consume');
  if (event.kind === 'lock') return event.cell !== null;
  return consume !== undefined && !consume.each && (consume.by === 'xarray' || consume.by === 'idr');
}

const loads = new WeakMap<World, Map<string, { fn: CFunction; load: Event }[]>>();

/** Looks into the table, by its cell. */
function usersOf(table: string, world: World): { fn: CFunction; load: Event }[] {
  let known = loads.get(world);
  if (!known) {
    known = new Map();
    loads.set(world, known);
    for (const fn of world.functions) {
      let sites: ReturnType<typeof lookups> | undefined;
      for (const event of fn.events) {
        // Under the table's own lock it is looked into by some other call.
        if (!looksInto(event)) continue;
        const key = keyOf(event) ?? '';
        const list = known.get(key) ?? [];
        if (event.kind !== 'lock') list.push({ fn, load: event });
        // Whoever calls a lookup that gives what it found, or a lookup of that, looks into the table as well.
        sites ??= lookups(fn, world);
        for (const site of sites) {
          list.push(site);
          if (/\*/.test(site.fn.head)) list.push(...lookups(site.fn, world));
        }
        known.set(key, list);
      }
    }
  }
  return known.get(table) ?? [];
}
