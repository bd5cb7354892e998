/**
 * The law of teardown: whatever can still run is stopped, with the wait that fits it, before what it uses is freed, cleared or switched off.
 */
import { effectsOfKind } from '../../../c/syntax/effects.ts';
import type { CFunction, Event } from '../../../model/code.ts';
import type { CodeFile, World } from '../../../model/rule.ts';
import { sameLock } from '../../../model/section.ts';
import { heldAt } from '../../entry/callers.ts';
import { entriesOf } from '../../entry/entries.ts';
import { unbindsDevice } from '../../entry/phase.ts';
import { deferredIn, runBy, type Site } from '../deferred.ts';
import { isCopyOf, isReplaced, lastName, type Source, sourcesIn } from './sources.ts';
import { mayPrecede, type Step, stepsOf } from './steps.ts';
import { reachesDevice, type Taking, takingOf, usesOf } from './uses.ts';

/** A teardown that takes something from a handler that may still run. */
export interface Breach {
  /** The function that takes it and, later, stops the handler, itself or by what it calls. */
  root: CFunction;
  source: Source;
  taking: Taking;
  /** Where it is taken. */
  taken: Step;
  /** Where the handler is stopped, too late; null where it ends with the device, behind the function. */
  stop: Step | null;
  /** Where the handler uses it. */
  use: Site;
  /** The device may ask for nothing any more: a question, not a finding. */
  quiet: boolean;
}

/** The breaches in the functions of a file, each once, by the function nearest to both steps. */
export function breachesIn(file: CodeFile, world: World): Breach[] {
  const sources = sourcesIn(file, world);
  if (sources.length === 0) return [];
  const found: Breach[] = [];
  const seen = new Set<string>();
  for (const root of file.functions) {
    if (root.isMacro || root.broken || !root.whole || entriesOf(root, world).every(e => e.phase === 'setup')) continue;
    const steps = stepsOf(root, world);
    const takings = steps.flatMap(taken => {
      const taking = takingOf(taken.event);
      return taking ? [{ taken, taking }] : [];
    });
    if (takings.length === 0) continue;
    for (const source of sources) {
      const run = runBy(source.entry, world);
      if (run.has(root)) continue;
      for (const { taken, taking } of takings) {
        const use = useOf(source, taking, world);
        if (!use || isTakenByHandler(taken, run) || drainsFor(taken.event, run, file)) continue;
        const stop = lateStop(source, taken, steps);
        if (stop === undefined || (stop === null && !outlives(source, root, world))) continue;
        if (stop && stop.trail[0]?.event === taken.trail[0]?.event) continue;
        const key = `${taken.fn.name}:${taken.event.index}|${source.entry.name}|${stop?.event.line ?? ''}`;
        const breach = { root, source, taking, taken, stop, use, quiet: mayBeQuiet(source, taking, taken, steps) };
        if (seen.has(key) || !holds(breach, steps, file, world)) continue;
        seen.add(key);
        found.push(breach);
      }
    }
  }
  return found;
}

/** Does the handler take it itself, in what it runs? Then whoever comes first has it. */
function isTakenByHandler({ fn, event }: Step, run: ReadonlySet<CFunction>): boolean {
  return run.has(fn) || (event.via !== undefined && [...run].some(f => f.name === event.via?.function && f.path === event.via.path));
}

/** Is the queue that is destroyed one that the handler puts an item on? Then the drain is a wait that comes too early, which is another breach. */
function drainsFor(event: Event, run: ReadonlySet<CFunction>, file: CodeFile): boolean {
  return deferredIn(file.functions).some(
    item => item.queued.some(site => run.has(site.fn)) && item.drained.some(site => site.event === event || isCopyOf(event, site.event)),
  );
}

/** How the handler uses what is taken. */
function useOf(source: Source, taking: Taking, world: World): Site | null {
  if (taking.how === 'switches off') return reachesDevice(source.entry, world);
  const use = usesOf(source.entry, world).get(taking.resource.key);
  if (!use || use.tested) return null;
  // Whoever is given the pointer may look whether it is there.
  const isGiven = use.fn.events.some(e => e.argSources.some(sources => sources.includes(use.event.index)));
  return taking.how === 'clears' && isGiven ? null : use;
}

/** The stop of the source that comes after the step; undefined where one may come before it, null where none comes at all. */
function lateStop(source: Source, taken: Step, steps: readonly Step[]): Step | null | undefined {
  let late: Step | null = null;
  for (const step of steps) {
    if (!source.isAwaitedBy(step.event) && !source.isStoppedBy(step.event)) continue;
    if (!mayPrecede(taken, step) || mayPrecede(step, taken)) return undefined;
    late ??= step;
  }
  return late;
}

/** Does the source end with the device, behind the function that is the driver's remove()? */
function outlives(source: Source, root: CFunction, world: World): boolean {
  return source.managed && !world.designated(root.path).has('suppress_bind_attrs') && unbindsDevice(root, world);
}

/** Is nothing in view that keeps the handler from running by then, or from what is taken? */
function holds({ root, source, taken, taking, stop, use, quiet }: Breach, steps: readonly Step[], file: CodeFile, world: World): boolean {
  // What undoes a failed start has not started all of it.
  if ([...taken.trail, ...(stop?.trail ?? [])].some(site => site.event.phase.includes('error-path'))) return false;
  const earlier = steps.filter(step => step !== taken && mayPrecede(step, taken));
  if (earlier.some(({ event }) => source.isQuietedBy(event) || isReplaced(source, event))) return false;
  if (source.isQuietened?.(earlier.map(s => s.event))) return false;
  if (quiet && !stop) return false;
  if (source.kind === 'deferred' && !isArmedElsewhere(source, root, world)) return false;
  if (asksFirst(source, earlier, taking, world) || isRestored(taken, taking, stop, steps)) return false;
  if (isStoppedByCallers(root, source, world) || isStoppedElsewhere(root, source, file, world)) return false;
  if (stop && !isOfOneObject(taken, stop)) return false;
  return !isExcluded(taken, use, world);
}

/** May something before have told the device to ask for no interrupt, or is it off itself, so that only one under way is left? */
function mayBeQuiet(source: Source, taking: Taking, taken: Step, steps: readonly Step[]): boolean {
  if (source.kind !== 'hardware') return false;
  return taking.how === 'switches off' || steps.some(step => step !== taken && mayQuieten(step.event) && mayPrecede(step, taken));
}

/** May the call tell the device to be quiet: by a write to its registers, or out of view? */
function mayQuieten(event: Event): boolean {
  if (effectsOfKind(event, 'io').some(io => io.access === 'write')) return true;
  if (effectsOfKind(event, 'power').some(p => p.to === 'off')) return true;
  // The core closes what is still open as it takes the device from its users.
  if (effectsOfKind(event, 'quiesce').some(q => q.of === 'operations' && q.bars)) return true;
  return event.kind === 'call' && event.opaque && event.args.length > 0 && !event.fact && !event.inferred?.keepsNothing;
}

/** Is the item asked to run by something else than the teardown and what sets it up? A thread runs from when it is made. */
function isArmedElsewhere(source: Source, root: CFunction, world: World): boolean {
  if (!source.by) return true;
  const run = runBy(root, world);
  return source.by.queued.some(site => !run.has(site.fn) && site.fn !== source.by?.setUp.fn);
}

/** Does the handler look at a state that the teardown has written before? */
function asksFirst(source: Source, earlier: readonly Step[], taking: Taking, world: World): boolean {
  const written = new Set<string>();
  for (const { event } of earlier)
    if ((event.kind === 'write' || event.kind === 'rmw' || event.kind === 'publish') && event.cell && !event.cell.pointee)
      written.add(lastName(event.cell.path));
  written.delete('');
  written.delete(lastName(taking.resource.name));
  if (written.size === 0) return false;
  for (const fn of runBy(source.entry, world))
    for (const node of fn.flow)
      for (const i of node.decides ?? []) {
        const event = fn.events[i];
        if (event?.cell && written.has(lastName(event.cell.path))) return true;
      }
  return false;
}

/** Is something else put in the place of what was taken before the stop? */
function isRestored(taken: Step, taking: Taking, stop: Step | null, steps: readonly Step[]): boolean {
  return steps.some(step => {
    const { event } = step;
    if (event.kind !== 'write' || event.operand === 'NULL' || !event.cell || lastName(event.cell.path) !== lastName(taking.resource.name))
      return false;
    return mayPrecede(taken, step) && (stop === null || mayPrecede(step, stop));
  });
}

/** Is the function called from out of view, and the source stopped in another that is too, so that nothing shows which comes first? */
function isStoppedElsewhere(root: CFunction, source: Source, file: CodeFile, world: World): boolean {
  const own = runBy(root, world);
  const isOutside = (fn: CFunction) => entriesOf(fn, world).every(e => e.by === 'outside');
  if (!isOutside(root)) return false;
  return file.functions.some(
    fn =>
      !own.has(fn) &&
      fn.events.some(e => !e.phase.includes('error-path') && source.isAwaitedBy(e)) &&
      entriesOf(fn, world).some(e => e.by === 'outside' && e.root !== root),
  );
}

const DEEPEST = 3;

/** Does a caller stop the source before it calls the function? */
function isStoppedByCallers(fn: CFunction, source: Source, world: World, depth = 0): boolean {
  if (depth > DEEPEST) return false;
  return world.callers(fn.name).some(site => {
    if (site.fn.path !== fn.path || site.fn === fn) return false;
    const steps = stepsOf(site.fn, world);
    const call = steps.find(s => s.event === site.event && s.trail.length === 1);
    if (call && steps.some(s => (source.isAwaitedBy(s.event) || source.isStoppedBy(s.event) || source.isQuietedBy(s.event)) && mayPrecede(s, call)))
      return true;
    return isStoppedByCallers(site.fn, source, world, depth + 1);
  });
}

/** Do both steps work on one object, as far as they stand in one function? */
function isOfOneObject(taken: Step, stop: Step): boolean {
  if (taken.fn !== stop.fn) return true;
  const [a, b] = [taken.event.cell, stop.event.cell];
  return !a || !b || a.type !== b.type || a.base === b.base;
}

/** Does the handler use it under a lock that is held where it is taken, and look again? */
function isExcluded(taken: Step, use: Site, world: World): boolean {
  const under = heldAt(use.fn, use.event, world).filter(l => l.mode === 'exclusive');
  if (under.length === 0) return false;
  return taken.trail.some(({ fn, event }) => heldAt(fn, event, world).some(l => under.some(u => sameLock(l, u))));
}
