/** How code out of view comes to run a function: by which registration, where, in which phase of the object, under what, through which calls. */

import { called, calleesOf } from '../../c/calls/callees.ts';
import { initOrExit } from '../../c/cfg/errorpaths.ts';
import type { CFunction, Event, Place } from '../../model/code.ts';
import type { MemberFact } from '../../model/fact.ts';
import type { World } from '../../model/rule.ts';
import { distinctSections, holds, includesSection, isContext, type Section } from '../../model/section.ts';
import { dropsOf } from '../sections/locking.ts';
import { type Registration, registrationsOf } from './registrations.ts';
import { spins } from './sleeping.ts';

/** Where code runs; `atomic`: where it may not sleep, more is not known. */
export type EntryContext = 'task' | 'softirq' | 'hardirq' | 'atomic';

/** Of an object: it is set up or started, it is in use, it is taken down or stopped. `unknown`: nothing says so. */
export type LifePhase = 'setup' | 'runtime' | 'teardown' | 'unknown';

/** One road by which a function is reached from outside. */
export interface EntryPoint {
  /** The function that is run from outside: the one asked for, or one that leads to it. */
  root: CFunction;
  /**
   * `table`, `handler`, `address`: a registration; `attribute`: __init or __exit and nothing else; `outside`: code out of view may call it by its
   * name.
   */
  by: Registration['by'] | 'attribute' | 'outside';
  registration: Registration | null;
  /** Where the root begins to run; null where that is not known. */
  context: EntryContext | null;
  phase: LifePhase;
  /** In set-up or teardown: others know the object meanwhile, as between open and stop of a network device. */
  known: boolean;
  /** A name of a member alone says what is said here, or a fact of it may be given up elsewhere. */
  inferred: boolean;
  /** Sections that surely hold when the function that was asked for begins. */
  locks: readonly Section[];
  /** The registration, else the root's head. */
  at: Place;
  /** The calls that lead from the root to the function, the root's own first; empty where it is the root. */
  chain: readonly { fn: CFunction; event: Event }[];
}

/** Callers are asked so far up, and so many functions in all. */
const DEEPEST = 8;
const MOST = 400;

const known = new WeakMap<World, Map<CFunction, readonly EntryPoint[]>>();

/**
 * Every road by which code out of view reaches the function, nearest first, each root by its shortest chain of calls. Never empty: where nothing in
 * view leads to it, code out of view does.
 */
export function entriesOf(fn: CFunction, world: World): readonly EntryPoint[] {
  const kept = known.get(world) ?? new Map<CFunction, readonly EntryPoint[]>();
  known.set(world, kept);
  let found = kept.get(fn);
  if (!found) {
    found = search(fn, world);
    kept.set(fn, found);
  }
  return found;
}

function search(fn: CFunction, world: World): EntryPoint[] {
  const found: EntryPoint[] = [];
  const queue: { at: CFunction; chain: EntryPoint['chain'] }[] = [{ at: fn, chain: [] }];
  const seen = new Set([fn]);
  for (const { at, chain } of queue) {
    const callers = callersIn(at, world);
    found.push(...rootsAt(at, chain, callers, world));
    if (chain.length >= DEEPEST || seen.size >= MOST) {
      if (callers.length > 0) found.push(outside(at, chain, world));
      continue;
    }
    for (const site of callers) {
      if (seen.has(site.fn)) continue;
      seen.add(site.fn);
      queue.push({ at: site.fn, chain: [site, ...chain] });
    }
  }
  return found;
}

/** The calls of a function that are in view, through pointers too whose targets are visible. */
function callersIn(fn: CFunction, world: World): { fn: CFunction; event: Event }[] {
  return world.callers(fn.name).filter(site => {
    if (site.fn === fn || site.fn.isMacro || site.fn.side !== fn.side) return false;
    return calleesOf(site.fn, site.event, world.functions).some(
      callee => callee === fn || (callee.name === fn.name && callee.path === fn.path && callee.line === fn.line),
    );
  });
}

function rootsAt(root: CFunction, chain: EntryPoint['chain'], callers: readonly { event: Event }[], world: World): EntryPoint[] {
  const isCalled = callers.length > 0;
  // Of a table of the file's own all calls are in view, as those through its pointers are.
  const isOwn = callers.some(({ event }) => event.targets !== undefined);
  const registrations = registrationsOf(root, world).filter(r => !(isOwn && r.by === 'table' && r.fact === null));
  const found = registrations.map(r => registered(root, r, chain, world));
  const attribute = initOrExit(root);
  if (registrations.length === 0 && attribute !== null && !isCalled)
    return [{ ...outside(root, chain, world), by: 'attribute', context: 'task', phase: attribute === 'init' ? 'setup' : 'teardown' }];
  const isHidden = root.isStatic && isFileWhole(root, world);
  if (isHidden ? registrations.length === 0 && !isCalled : attribute === null) found.push(outside(root, chain, world));
  return found;
}

/** Is all of the file in view, so that what it does not name nobody does? A header's functions are there for others. */
function isFileWhole(fn: CFunction, world: World): boolean {
  return !fn.path.endsWith('.h') && world.files.some(file => file.path === fn.path && file.whole);
}

function registered(root: CFunction, registration: Registration, chain: EntryPoint['chain'], world: World): EntryPoint {
  const { fact, by, inferred, at } = registration;
  const held = (fact?.holds ?? []).map(h => h.section);
  return {
    root,
    by,
    registration,
    context: contextBy(registration, held, world),
    ...phaseBy(registration),
    inferred,
    locks: along(chain, held, world),
    at,
    chain,
  };
}

function outside(root: CFunction, chain: EntryPoint['chain'], world: World): EntryPoint {
  const at = { path: root.path, line: root.line, side: root.side };
  return {
    root,
    by: 'outside',
    registration: null,
    context: null,
    phase: 'unknown',
    known: true,
    inferred: false,
    locks: along(chain, [], world),
    at,
    chain,
  };
}

function contextBy({ fact, runner, site }: Registration, held: readonly Section[], world: World): EntryContext | null {
  // A timer of high resolution fires with interrupts off, or in a softirq where that is asked for (include/linux/hrtimer.h).
  if (runner === 'hrtimer' || (fact?.struct === 'struct hrtimer' && fact.member === 'function')) return hrtimerContext(site, world);
  if (fact?.runs) return fact.runs;
  return fact?.sleeps === false || held.some(spins) ? 'atomic' : null;
}

function hrtimerContext(site: Registration['site'], world: World): EntryContext {
  const isSoft = (e: Event) => e.args.some(arg => arg.endsWith('_SOFT'));
  if (site && isSoft(site.event)) return 'softirq';
  const path = site?.fn.path;
  const soft = world.functions.some(fn => fn.path === path && fn.events.some(e => e.fact !== undefined && isSoft(e)));
  return soft ? 'atomic' : 'hardirq';
}

const PHASES: Readonly<Record<NonNullable<MemberFact['phase']>, Pick<EntryPoint, 'phase' | 'known'>>> = {
  setup: { phase: 'setup', known: false },
  teardown: { phase: 'teardown', known: false },
  up: { phase: 'setup', known: true },
  down: { phase: 'teardown', known: true },
  open: { phase: 'setup', known: true },
  close: { phase: 'teardown', known: true },
};

function phaseBy({ by, fact }: Registration): Pick<EntryPoint, 'phase' | 'known'> {
  if (by === 'address' || !fact) return { phase: 'unknown', known: true };
  if (fact.phase) return PHASES[fact.phase];
  // A driver may part from a device that others still have open.
  return { phase: fact.driver === 'bind' ? 'setup' : fact.driver === 'unbind' ? 'teardown' : 'runtime', known: true };
}

/** What holds when the last of the calls begins, of what holds when the root does and what the functions on the chain acquire. */
function along(chain: EntryPoint['chain'], held: readonly Section[], world: World): Section[] {
  let now = [...held];
  for (const { fn, event } of chain) {
    const drops = now.length > 0 ? dropsOf(fn, world.functions) : [];
    const kept = now.filter(one => !holds(drops, one) && !includesSection(event.locks, one));
    now = [...event.locks, ...event.context, ...kept.filter(one => !isContext(one) || !holds(event.context, one))];
  }
  return distinctSections(now);
}

/** How a person names the road: `.ndo_stop of foo_ops`, `INIT_WORK()`, `foo()` where code out of view calls it. */
export function entryText({ by, registration, root }: EntryPoint): string {
  if (registration?.member) return `.${registration.member}${registration.instance ? ` of ${registration.instance}` : ''}`;
  if (registration?.site) return `${called(registration.site.event)}()`;
  if (registration?.call) return `${registration.call}()`;
  return by === 'attribute' ? `__${initOrExit(root)} ${root.name}()` : `${root.name}()`;
}
