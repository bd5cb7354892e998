/** Who runs a function: an interrupt, a timer, a work item, a system call, as far as its file registers it. */
import { effectOfKind, effectsOfKind } from '../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { Runner } from '../../model/effect.ts';
import type { Mention, World } from '../../model/rule.ts';
import { callersOf } from './callers.ts';
import { maySleep } from './sleeping.ts';

/** hardirq: with interrupts off; softirq: over tasks; task: in process context. */
export type Role = 'hardirq' | 'softirq' | 'task';

/** Where a handler runs, by what runs it. */
const RUNS: Partial<Record<Runner, Role>> = {
  irq: 'hardirq',
  'irq-thread': 'task',
  'cpu-call': 'hardirq',
  timer: 'softirq',
  tasklet: 'softirq',
  softirq: 'softirq',
  rcu: 'softirq',
  napi: 'softirq',
  work: 'task',
  'delayed-work': 'task',
  'kthread-work': 'task',
  kthread: 'task',
  init: 'task',
  exit: 'task',
  attribute: 'task',
  debugfs: 'task',
};

const known = new WeakMap<World, Map<CFunction, Set<Role>>>();

/** Who runs the function, by where its file hands out its address. Empty where nothing tells. */
export function rolesOf(fn: CFunction, world: World): ReadonlySet<Role> {
  const kept = known.get(world) ?? new Map<CFunction, Set<Role>>();
  known.set(world, kept);
  const before = kept.get(fn);
  if (before) return before;
  const found = new Set<Role>();
  kept.set(fn, found);
  for (const mention of world.mentions(fn)) {
    const role = roleBy(mention, fn, world);
    // A timer of high resolution may be one that fires in softirq context; so is a handler that itself holds off bottom halves.
    const soft = role === 'hardirq' && (fn.events.some(e => /_bh$/.test(e.api)) || (mention.member === 'function' && startsSoft(fn, world)));
    if (role) found.add(soft ? 'softirq' : role);
  }
  return found;
}

/** Does the function run in a softirq, with bottom halves off: a handler that is registered so, or what a NAPI poll hands itself to? */
export function runsInSoftirq(fn: CFunction, world: World): boolean {
  return rolesOf(fn, world).has('softirq') || fn.parameters.some(p => /\bstruct napi_struct\b/.test(p.type));
}

function startsSoft(fn: CFunction, world: World): boolean {
  return world.functions.some(f => f.path === fn.path && f.events.some(e => startsHrtimer(e) && e.args.some(arg => arg.endsWith('_SOFT'))));
}

function startsHrtimer(event: Event): boolean {
  return effectOfKind(event, 'arm')?.runner === 'hrtimer' || effectOfKind(event, 'register')?.runner === 'hrtimer';
}

function roleBy({ call, argument, member, table }: Mention, fn: CFunction, world: World): Role | null {
  if (member !== null) {
    if (member === 'function' && /\bhrtimer_restart\b/.test(fn.head)) return 'hardirq';
    return world.member(table, member)?.runs ?? null;
  }
  for (const effect of call === null ? [] : effectsOfKind({ fact: world.fact(call) }, 'register')) {
    if (effect.thread === argument) return 'task';
    if (effect.handler === argument || effect.handler === null) return RUNS[effect.runner] ?? null;
  }
  return null;
}

const DEEPEST = 3;

/** The handler by which an interrupt comes to run the function, through functions of the same file; null where none is in view. */
export function irqHandlerOf(fn: CFunction, world: World, depth = 0): CFunction | null {
  if (rolesOf(fn, world).has('hardirq')) return fn;
  if (depth >= DEEPEST) return null;
  for (const site of world.callers(fn.name)) {
    if (site.fn === fn || site.fn.path !== fn.path || site.event.opaque) continue;
    const handler = irqHandlerOf(site.fn, world, depth + 1);
    if (handler) return handler;
  }
  return null;
}

/** Does the function surely run in a task that may sleep: a work item, an operation of a file, or code that sleeps itself? */
export function runsInTask(fn: CFunction, world: World, depth = 0): boolean {
  const roles = rolesOf(fn, world);
  if (roles.has('hardirq') || roles.has('softirq')) return false;
  if (roles.has('task')) return true;
  if (fn.events.some(e => maySleep(e) && e.context.length === 0)) return true;
  if (depth >= DEEPEST) return false;
  const callers = callersOf(fn, world);
  return callers?.every(site => site.fn !== fn && runsInTask(site.fn, world, depth + 1)) ?? false;
}
