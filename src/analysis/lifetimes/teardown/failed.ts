/** What a failed start leaves running though its object goes: the law of teardown on error paths. */
import { calleeOf, isCall } from '../../../c/calls/callees.ts';
import { effectOfKind, effectsOfKind } from '../../../c/syntax/effects.ts';
import type { CFunction, Event, FlowNode } from '../../../model/code.ts';
import type { CodeFile, World } from '../../../model/rule.ts';
import { isNamedAs } from '../../entry/phase.ts';
import type { Site } from '../deferred.ts';
import { isHandedOver, onward, pointedTo } from '../lifetime.ts';
import { endActionsIn, type Source, sourcesIn } from './sources.ts';
import { stepsOf } from './steps.ts';

/** A source that is started, and on a path that fails not stopped before its object goes. */
export interface LeftRunning {
  source: Source;
  /** Where it is made known, or asked to run. */
  start: Site;
  /** Where the object is freed; null where it goes with its device. */
  free: Event | null;
  exit: FlowNode;
}

/** The sources that failed starts of a whole file leave running, each start once. */
export function leftRunningIn(file: CodeFile, world: World): LeftRunning[] {
  const found: LeftRunning[] = [];
  for (const source of sourcesIn(file, world))
    for (const start of startsOf(source)) {
      if (start.fn.broken || !start.fn.whole || start.event.via || found.some(f => f.start.event === start.event)) continue;
      const left = leftBy(source, start, world);
      if (left) found.push(left);
    }
  return found;
}

/** Where the source begins to run: an interrupt or an operation where it is made known, an item where it is asked for. */
function startsOf(source: Source): Site[] {
  if (source.managed) return [];
  // Whoever looks at what the call gives may fail since nothing was started.
  if (source.by) return source.by.queued.filter(site => site.fn === source.by?.setUp.fn && !site.event.used);
  const starts = source.runner === 'irq' || source.runner === 'operations';
  return source.setUp && starts ? [source.setUp] : [];
}

function leftBy(source: Source, start: Site, world: World): LeftRunning | null {
  const { fn, event } = start;
  if (!fn.flow.some(node => node.fails)) return null;
  const stops = (e: Event) => isStop(source, e) || mayStop(source, fn, e, world);
  const tells = source.by === null;
  const { events, exits } = onward(fn, event, { stop: stops, ...(tells ? { value: 'zero' as const } : {}) });
  const exit = exits.find(node => node.fails);
  if (!exit || isStoppedByDevice(source, fn, world)) return null;
  const object = objectOf(source, start);
  if (object === null) return null;
  const free = events.find(e => e.phase.includes('error-path') && e.kind === 'free' && e.cell && pointedTo(e.cell) === object);
  if (free) return { source, start, free, exit };
  return isManagedHere(fn, object) && isNamedAs('bind', fn, world) ? { source, start, free: null, exit } : null;
}

function isStop(source: Source, event: Event): boolean {
  if (source.isStoppedBy(event) || source.isAwaitedBy(event) || source.isQuietedBy(event)) return true;
  return source.by?.takenOff.some(site => site.event === event) ?? false;
}

/** Does what the call runs stop it, or may it, out of view and with the object at hand? */
function mayStop(source: Source, fn: CFunction, event: Event, world: World): boolean {
  if (!isCall(event)) return false;
  const callee = calleeOf(fn, event, world.functions);
  if (callee) return stepsOf(callee, world).some(step => isStop(source, step.event));
  return event.phase.includes('error-path') && event.opaque && !event.fact && !event.inferred?.keepsNothing && event.args.length > 0;
}

/** Is the stop asked for, to be made when the device goes (devm_add_action())? */
function isStoppedByDevice(source: Source, fn: CFunction, world: World): boolean {
  return endActionsIn(fn).some(({ name }) => {
    const action = world.functions.find(f => f.path === fn.path && f.name === name);
    return !action || stepsOf(action, world).some(step => isStop(source, step.event));
  });
}

/** The pointer to the object that the handler works on, as the function spells it; null where that is not sure. */
function objectOf(source: Source, { fn, event }: Site): string | null {
  if (source.data !== null && /^\w+$/.test(source.data) && (fn.locals?.has(source.data) ?? false)) return source.data;
  const base = source.by && event.cell?.base;
  return base && fn.locals?.has(base) && event.cell?.type === source.by?.type ? base : null;
}

/** Was the object allocated in the function for its device? */
function isManagedHere(fn: CFunction, object: string): boolean {
  return fn.events.some(e => e.into === object && e.fact?.managed === true && effectOfKind(e, 'alloc') !== undefined && !isHandedOver(e, object));
}

/** Does the call ask an item to run, where others make a handler known? */
export function isAsked(event: Event): boolean {
  return effectsOfKind(event, 'queue').length > 0 || effectsOfKind(event, 'arm').length > 0;
}
