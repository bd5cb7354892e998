/** Where the locks of a file are taken, with interrupts on or off, and by whom. */
import {
  bringsUpOrDown,
  callersOf,
  comesBefore,
  effectOfKind,
  heldOnEntry,
  irqHandlerOf,
  isIdentity,
  isIn,
  lockKey,
  maySleep,
  rolesOf,
  runsAlone,
  runsInTask,
  type Section,
  spins,
  standsHere,
  takings,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { CodeFile, World } from '../../../src/model/rule.ts';
import { silencedBefore, silences } from './silenced.ts';

/** A place where a spinning lock is taken, and who comes by it. */
export interface Site {
  fn: CFunction;
  event: Event;
  shared: boolean;
  /** Interrupts are off once it is taken. */
  off: boolean;
  /** The handler by which an interrupt comes here. */
  handler: CFunction | null;
  /** The handler's function is called by others as well: it may ask where it runs. */
  threadsToo: boolean;
  /** Nothing else runs, or the interrupt is switched off at its source. */
  quiet: boolean;
}

/** Every taking of a spinning lock in the file, by the lock. */
export function sitesOf(file: CodeFile, world: World): { lock: Section; sites: Site[] }[] {
  const found = new Map<string, { lock: Section; sites: Site[] }>();
  for (const fn of file.functions) {
    if (fn.isMacro) continue;
    for (const event of fn.events) {
      for (const taking of takings(fn, event)) {
        if (!spins(taking.lock) || !isIdentity(taking.lock, event) || event.object === 'private') continue;
        // A helper that returns with the lock takes it for its caller.
        if (!standsHere(event) && !isPassedOn(fn, event)) continue;
        const off = taking.irqsOff || isIn(event, 'irqs-off') || isIn(heldOnEntry(fn, world), 'irqs-off');
        const handler = irqHandlerOf(fn, world);
        const quiet =
          alone(fn, world) ||
          !fn.whole ||
          silencedBefore(fn, event, world) ||
          fn.events.some(e => !e.via && silences(e) && comesBefore(fn, e, event));
        const site = {
          fn,
          event,
          shared: taking.lock.mode === 'shared',
          off,
          handler,
          threadsToo: handler !== null && handler !== fn && asksWhere(fn),
          quiet,
        };
        const known = found.get(lockKey(taking.lock));
        if (known) known.sites.push(site);
        else found.set(lockKey(taking.lock), { lock: taking.lock, sites: [site] });
      }
    }
  }
  return [...found.values()];
}

/** Does the function sleep itself, or does a table name it that tasks run? Being called by such does not tell where the call stands. */
export function isTask(fn: CFunction, world: World): boolean {
  if (/\birqreturn_t\b/.test(fn.head)) return false;
  return rolesOf(fn, world).has('task') || fn.events.some(e => maySleep(e) && e.context.length === 0 && e.phase.length === 0 && e.locks.length === 0);
}

/**
 * May an interrupt come to run the function, for all that is in view? Not where it sleeps, switches interrupts on outright when it gives the lock
 * back, or says of a lock that sleeps that its caller holds it.
 */
export function mayInterrupt({ fn, event }: Site, world: World): boolean {
  if (runsAlone(fn, world) || runsInTask(fn, world) || switchesOutright(event)) return false;
  return !fn.events.some(e => maySleep(e) || (effectOfKind(e, 'assert') !== undefined && e.cell !== null && sleepingLock(e.cell.path, world)));
}

/** The lock disables interrupts, and keeps no flags: what gives it back enables them whatever they were. */
function switchesOutright({ fact }: Event): boolean {
  return fact?.saves !== true && (fact?.context.includes('+irqs-off') ?? false);
}

/** How far up an interrupt is looked for. */
const HIGHEST = 3;

/** May an interrupt come to run the function, and is it handed out to be called by nobody knows whom, or called in the end from a softirq or an interrupt? */
export function seemsInterrupt(site: Site, world: World, height = 0): boolean {
  if (!mayInterrupt(site, world)) return false;
  const roles = rolesOf(site.fn, world);
  if (roles.has('softirq') || roles.has('hardirq')) return true;
  if (!roles.has('task') && world.mentions(site.fn).some(m => m.member !== null)) return true;
  if (height >= HIGHEST) return false;
  return world
    .callers(site.fn.name)
    .some(c => c.fn !== site.fn && c.fn.path === site.fn.path && seemsInterrupt({ ...site, ...c }, world, height + 1));
}

/** Is the lock at this path one that a function in view sleeps for? */
function sleepingLock(path: string, world: World): boolean {
  return world.functions.some(f => f.events.some(e => e.kind === 'lock' && e.cell?.path === path && maySleep(e)));
}

/** Set-up and teardown, where the interrupt is not requested yet or no more. */
function alone(fn: CFunction, world: World): boolean {
  const is = (f: CFunction) => runsAlone(f, world) || bringsUpOrDown(f, world);
  return is(fn) || (callersOf(fn, world)?.every(site => is(site.fn)) ?? false);
}

function asksWhere(fn: CFunction): boolean {
  return fn.events.some(e => e.fact?.asks === 'context');
}

/** Does the helper that this stands in return with the lock that it takes here? */
function isPassedOn(fn: CFunction, event: Event): boolean {
  return !fn.events.some(e => e.kind === 'unlock' && e.via?.call === event.via?.call && comesBefore(fn, event, e));
}
