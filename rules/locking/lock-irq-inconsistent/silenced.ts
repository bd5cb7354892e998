/** Where the interrupt cannot come: it is switched off at its line, or in the whole. */
import {
  alwaysPasses,
  between,
  calleeIn,
  comesBefore,
  dominates,
  effectsOfKind,
  heldOnEntry,
  irqHandlerOf,
  isCall,
  isIn,
  rolesOf,
  runsAlone,
  runsInTask,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { World } from '../../../src/model/rule.ts';

/** Is the event a call behind which the interrupt of its line does not come: it is switched off, given back, or waited for? */
export function silences(event: Event): boolean {
  return effectsOfKind(event, 'quiesce').some(quiesce => quiesce.of === 'irq');
}

/** Is the line switched off, whoever may still run? */
function switchesOff(event: Event): boolean {
  return effectsOfKind(event, 'quiesce').some(quiesce => quiesce.of === 'irq' && quiesce.bars);
}

function switchesOn(event: Event): boolean {
  return effectsOfKind(event, 'arm').some(arm => arm.runner === 'irq');
}

/** Is the interrupt switched off at its line before the event, on every way, by a function in view that does so on all its ways? */
export function silencedBefore(fn: CFunction, event: Event, world: World): boolean {
  return fn.events.some(call => {
    const callee = isCall(call) ? calleeIn(fn, call, world.functions) : null;
    if (!callee?.whole || !alwaysSilences(callee) || !comesBefore(fn, call, event)) return false;
    return dominates(fn, call, event) && !between(fn, call, event).some(e => speaks(fn, e, world));
  });
}

/** The event, or the function in view that it calls, switches an interrupt on at its line. */
function speaks(fn: CFunction, event: Event, world: World): boolean {
  const callee = calleeIn(fn, event, world.functions);
  return switchesOn(event) || (callee?.events.some(switchesOn) ?? false);
}

/** Does every run of the function that returns switch an interrupt off at its line? */
function alwaysSilences(fn: CFunction): boolean {
  const off = new Set(fn.events.flatMap(e => (switchesOff(e) ? [e.node] : [])));
  return off.size > 0 && alwaysPasses(fn, off);
}

/** A call of the handler from outside of any interrupt, with interrupts not known to be off. */
export function plainCaller(fn: CFunction, world: World): { fn: CFunction; event: Event } | null {
  for (const site of world.callers(fn.name)) {
    if (site.fn === fn || site.fn.path !== fn.path || irqHandlerOf(site.fn, world) || runsAlone(site.fn, world)) continue;
    if (isIn(site.event, 'irqs-off') || isIn(heldOnEntry(site.fn, world), 'irqs-off')) continue;
    if (!rolesOf(site.fn, world).has('softirq') && !runsInTask(site.fn, world)) continue;
    if (quietAbove(site.fn, world)) continue;
    return site;
  }
  return null;
}

/** How far up a device that is polled is looked for. */
const HIGHEST = 3;

/**
 * Does the function, or one of the file that it is called from, switch the interrupt or all interrupts off, or serve transfers of a device in
 * atomic context? Then somebody on the way there has thought of the interrupt: the handler is polled.
 */
function quietAbove(fn: CFunction, world: World, height = 0): boolean {
  if (fn.events.some(e => switchesOff(e) || (e.kind === 'fence' && e.fact?.context.includes('+irqs-off')))) return true;
  if (world.mentions(fn).some(m => m.member?.endsWith('_atomic'))) return true;
  return (
    height < HIGHEST && world.callers(fn.name).some(site => site.fn !== fn && site.fn.path === fn.path && quietAbove(site.fn, world, height + 1))
  );
}
