/** Why a section counts as held at a line: where it was acquired, what it was kept over, and where it was lost. */

import { asWritten, called, calleeOf, isCall } from '../../c/calls/callees.ts';
import { nodesBefore } from '../../c/cfg/flow.ts';
import { walk } from '../../c/cfg/order.ts';
import type { CFunction, Event, FlowNode } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';
import { holds, isContext, type Section, sameLock } from '../../model/section.ts';
import type { Why, WhyStep } from '../../model/why.ts';
import { dropsAt, dropsOf } from '../sections/locking.ts';
import { type LockFlow, lockFlowOf } from '../sections/locksets.ts';
import type { State } from '../sections/protocol.ts';
import { saidLocks } from '../sections/saidlocks.ts';
import { callersOf, heldOnEntry } from './callers.ts';
import { registrationsOf } from './registrations.ts';

/** What is held at the first event of a line, and what was and is no longer; null where the function has no code on the line. */
export function whyHeld(fn: CFunction, line: number, world: World): Why[] | null {
  const at = fn.events.find(e => e.line === line)?.node ?? fn.flow.findIndex(n => n.line === line && n.kind !== 'entry');
  if (at < 0) return null;
  const flow = lockFlowOf(fn);
  const state = flow?.states.at(at) ?? null;
  const found: Why[] = [];
  if (flow)
    for (const section of sectionsOf(fn, flow)) {
      const trail = trailTo(fn, flow, section, at, world);
      const held = state && isSure(state, section) ? 'every' : state && isPossible(state, section) ? 'some' : 'none';
      if (held !== 'none' || trail.some(s => s.kind === 'acquired' || s.kind === 'released')) found.push({ section, held, trail });
    }
  const earlier = nodesBefore(fn, at);
  for (const section of aboveOf(fn, world)) {
    const own = found.findIndex(w => sameLock(w.section, section));
    if (found[own]?.held === 'every') continue;
    const above = callSteps(fn, section, world);
    const lost = fn.events.filter(e => earlier.has(e.node) && holds(dropsAt(fn, e, world.functions), section));
    const why: Why =
      lost.length === 0 && above.every(s => s.kind !== 'bare-caller')
        ? { section, held: 'callers', trail: above }
        : {
            section,
            held: found[own]?.held ?? 'none',
            trail: distinct([...above, ...(found[own]?.trail ?? []).filter(s => s.kind !== 'without'), ...lost.map(e => stepOf(fn, 'released', e))]),
          };
    if (own < 0) found.push(why);
    else found[own] = why;
  }
  return found;
}

/** The steps on all paths to a node, from where the section is acquired, released or known to be held by the caller. */
function trailTo(fn: CFunction, flow: LockFlow, section: Section, to: number, world: World): WhyStep[] {
  const steps: WhyStep[] = [];
  const visit = (at: number) => {
    if (at === 0) steps.push(...entrySteps(fn, flow, section));
    return true;
  };
  // Whether the path is followed further back over the edge.
  const takes = (node: FlowNode, slot: number, from: number) => {
    const before = flow.states.at(from);
    const after = flow.states.after(from, slot);
    const here = flow.states.at(node.next[slot] ?? -1);
    if (!before || !after) return false;
    const event = node.event === null ? undefined : fn.events[node.event];
    const step = edgeStep(fn, flow, section, world, { node, event, before, after });
    const isApart = here && isPossible(here, section) && !isPossible(after, section);
    if (step) steps.push(step);
    else if (isApart) steps.push(placed('without', fn, node.line, ''));
    const isEnd = step && step.kind !== 'kept' && !(step.kind === 'tested' && isPossible(before, section));
    return !isEnd && !isApart;
  };
  walk(fn.flow, [to], visit, 'backwards', takes);
  return distinct(steps.sort((a, b) => a.line - b.line || Number(a.kind === 'tested') - Number(b.kind === 'tested')));
}

function distinct(steps: readonly WhyStep[]): WhyStep[] {
  const isSame = (a: WhyStep, b: WhyStep) => a.kind === b.kind && a.path === b.path && a.line === b.line && a.text === b.text;
  return steps.filter((s, i) => steps.findIndex(o => isSame(o, s)) === i);
}

/** An edge of the flow with what is held on both its sides. */
interface Crossing {
  node: FlowNode;
  event: Event | undefined;
  before: State;
  after: State;
}

/** What an edge does to the section; null where nothing, and where nothing stands there that could. */
function edgeStep(fn: CFunction, flow: LockFlow, section: Section, world: World, { node, event, before, after }: Crossing): WhyStep | null {
  const effect = event ? flow.effects[event.index] : null;
  if (event && effect) {
    const acquires = holds(isContext(section) ? effect.enter : effect.lock, section);
    if (acquires && isPossible(after, section)) return stepOf(fn, effect.lock.some(l => l.by === 'assertion') ? 'asserted' : 'acquired', event);
    if (isPossible(before, section) && !isPossible(after, section)) return stepOf(fn, 'released', event);
  }
  if (isSure(before, section) && !isSure(after, section)) return placed('unseen', fn, node.line, '');
  if (!isSure(before, section) && isSure(after, section)) return placed('tested', fn, node.line, node.condition ?? '');
  if (!event || !isCall(event) || event.via || !isPossible(after, section)) return null;
  return { ...stepOf(fn, 'kept', event), ...(mayRelease(fn, event, section, world) ? { doubt: 'may-release' as const } : {}) };
}

/** What says that the section is held when the function begins, or that it is not. */
function entrySteps(fn: CFunction, flow: LockFlow, section: Section): WhyStep[] {
  const held = flow.states.at(0)?.must.find(one => sameLock(one, section));
  if (!held) return [placed('without', fn, fn.line, '')];
  if (held.by === 'annotation') return [placed('annotated', fn, fn.line, fn.attributes.filter(a => a.startsWith('__')).join(' '))];
  if (held.by === 'convention') return [placed('convention', fn, fn.line, fn.name)];
  const release = fn.events.find(e => holds(flow.effects[e.index]?.unlock ?? [], section));
  return release ? [stepOf(fn, 'releases-first', release)] : [];
}

/** Each call of the function, with the section held or without; where callers are not all in view, what the function shows of them. */
function callSteps(fn: CFunction, section: Section, world: World): WhyStep[] {
  const said: WhyStep[] = fn.doc && holds(saidLocks(fn), section) ? [placed('comment', fn, fn.doc.line, '')] : [];
  const tables = registrationsOf(fn, world).flatMap(({ fact, at }) =>
    fact &&
    holds(
      fact.holds.map(h => h.section),
      section,
    )
      ? [placed('table', { ...fn, path: at.path }, at.line, `.${fact.member} of ${fact.struct}`)]
      : [],
  );
  if (said.length + tables.length > 0) return [...said, ...tables];
  const sites = callersOf(fn, world);
  if (sites)
    return sites.map(({ fn: caller, event }) => {
      const entry = heldOnEntry(caller, world);
      const held = [...event.locks, ...event.context, ...entry.locks, ...entry.context];
      return placed(holds(held, section) ? 'caller' : 'bare-caller', caller, event.line, caller.name);
    });
  const effects = lockFlowOf(fn)?.effects;
  const ends = fn.events.find(e => holds(effects?.[e.index]?.leave ?? [], section));
  return ends ? [stepOf(fn, 'releases-first', ends)] : fn.events.filter(e => e.api.startsWith('lockdep_assert_')).map(e => stepOf(fn, 'asserted', e));
}

function mayRelease(fn: CFunction, event: Event, section: Section, world: World): boolean {
  const effect = lockFlowOf(fn)?.effects[event.index];
  if (effect && holds([...effect.unlock, ...effect.leave], section)) return true;
  const callee = event.kind === 'call' ? calleeOf(fn, event, world.functions) : null;
  return callee !== null && callee !== fn && holds(dropsOf(callee, world.functions), section);
}

function stepOf(fn: CFunction, kind: WhyStep['kind'], event: Event): WhyStep {
  const written = asWritten(fn, event);
  const inside = event.via ? `, by ${called(event)}() in ${event.via.function}()` : '';
  const text = event.ends ? `the end of the scope of ${called(event)}` : `${called(written)}(${written.args.join(', ')})${inside}`;
  return { kind, path: event.path, line: event.line, side: event.side, text, doubt: event.opaque ? 'not-visible' : null };
}

function placed(kind: WhyStep['kind'], { path, side }: CFunction, line: number, text: string): WhyStep {
  return { kind, path, line, side, text, doubt: null };
}

/** Every section that the function has to do with, once. */
function sectionsOf(fn: CFunction, flow: LockFlow): Section[] {
  const all = flow.effects.flatMap(effect => (effect ? [...effect.lock, ...effect.enter, ...effect.unlock, ...effect.leave] : []));
  const entered = [...(flow.states.at(0)?.must ?? []), ...all];
  return entered.filter((one, i) => entered.findIndex(other => sameLock(other, one)) === i && (one.by !== 'convention' || fn.name === one.name));
}

/** What callers hold, all or some, that the function does not speak of itself. */
function aboveOf(fn: CFunction, world: World): Section[] {
  const entry = heldOnEntry(fn, world);
  const own = lockFlowOf(fn)?.states.at(0)?.must ?? [];
  const some = (callersOf(fn, world) ?? []).flatMap(({ event }) => [...event.locks, ...event.context]);
  const all = [...entry.locks, ...entry.context, ...some].filter(one => !holds(own, one) && one.by !== 'assertion');
  return all.filter((one, i) => all.findIndex(other => sameLock(other, one)) === i);
}

function isSure(state: State, section: Section): boolean {
  return holds(isContext(section) ? state.context : state.must, section);
}

function isPossible(state: State, section: Section): boolean {
  return holds(isContext(section) ? state.mayContext : state.may, section);
}
