/**
 * The sections of one function as a protocol of the typestate solver (`c/cfg/typestate.ts`): the transfer functions of locks and contexts.
 *
 * Each lock is an instance. It is free, held since the entry, or held or tried since an acquisition of its own, so that a state tells where what is
 * held was acquired; a try is settled by the branch that tests its result. Of a context the states are depths: sections nest, and interrupts are on or off.
 */

import { orderOf } from '../../c/cfg/order.ts';
import { type Move, only, type Protocol, type Row, type Situation, type Solution, solve, statesOf } from '../../c/cfg/typestate.ts';
import type { CFunction, FlowNode } from '../../model/code.ts';
import { holds, isContext, likeLock, type Section, sameLock, sameSection } from '../../model/section.ts';
import type { Conditional, SectionEffect } from './lockeffects.ts';

/** What is held at a node of the flow. */
export interface State {
  /** Locks held on every path, in the order in which they were acquired. */
  must: readonly Section[];
  /** Locks held on some path, those of `must` among them. */
  may: readonly Section[];
  /** Contexts that every path is in. */
  context: readonly Section[];
  /** Contexts that some path is in. */
  mayContext: readonly Section[];
  /** What all paths have decided alike. */
  decided: Situation['decided'];
}

/** What is held along the flow of one function. */
export interface SectionStates {
  /** On arrival at a node, before its event; null where no path leads there. */
  at(node: number): State | null;
  /** After an edge out of a node; null where no path takes it. */
  after(node: number, slot: number): State | null;
}

const FREE = 0;
const ENTRY = 1;
const FIRST = 2;
/** Acquisitions of one lock that have states of their own; further ones share the last. */
const MOST_ACQUISITIONS = 14;
const STATES = FIRST + 2 * MOST_ACQUISITIONS;
/** Sections nested deeper count as this deep. */
const DEEPEST = 8;

interface Instance {
  /** As the first event that acquires or releases it has it. */
  section: Section;
  /** As it is held when the function begins; null where it is not. */
  entry: Section | null;
  isContext: boolean;
  /** Events that acquire it, and for each the section and its place in the order of the flow. */
  acquisitions: { event: number; section: Section; order: number }[];
}

const heldBy = (acquisition: number): number => FIRST + 2 * Math.min(acquisition, MOST_ACQUISITIONS - 1);
const triedBy = (acquisition: number): number => heldBy(acquisition) + 1;
const isTried = (state: number): boolean => state >= FIRST && state % 2 === 1;

/** Solves the locks and contexts of a function, of which `held` are held when it begins. */
export function solveSections(fn: CFunction, effects: readonly (SectionEffect | null)[], held: readonly Section[]): SectionStates {
  const instances = instancesOf(fn, effects, held);
  const solution = solve(fn.flow, protocolOf(effects, instances));
  const known = new Map<Situation, State>();
  const stateOf = (situation: Situation | null): State | null => {
    if (!situation) return null;
    let state = known.get(situation);
    if (!state) {
      state = stateIn(situation, instances, solution);
      known.set(situation, state);
    }
    return state;
  };
  return { at: node => stateOf(solution.at(node)), after: (node, slot) => stateOf(solution.after(node, slot)) };
}

function instancesOf(fn: CFunction, effects: readonly (SectionEffect | null)[], held: readonly Section[]): Instance[] {
  const found: Instance[] = [];
  const of = (section: Section): Instance => {
    let known = found.find(i => sameSection(i.section, section));
    if (!known) {
      known = { section, entry: null, isContext: isContext(section), acquisitions: [] };
      found.push(known);
    }
    return known;
  };
  for (const section of held) of(section).entry = section;
  const order = orderOf(fn.flow);
  for (const [event, effect] of effects.entries()) {
    if (!effect) continue;
    const position = order.position[fn.events[event]?.node ?? 0] ?? 0;
    for (const section of [...effect.lock, ...effect.enter]) of(section).acquisitions.push({ event, section, order: position });
    for (const section of effect.leave) of(section);
  }
  return found;
}

function protocolOf(effects: readonly (SectionEffect | null)[], instances: readonly Instance[]): Protocol {
  const indexOf = (section: Section) => instances.findIndex(i => sameSection(i.section, section));
  // What an event acquires, and the contexts that it changes, are the same however it is reached.
  const fixed = effects.map((effect, event) => (effect ? fixedMoves(effect, event, instances, indexOf) : null));
  const edges = new Map<FlowNode, readonly (readonly Move[] | null)[]>();
  return {
    instances: instances.length,
    states: STATES,
    entry: i => only(instances[i]?.entry ? ENTRY : FREE),
    event: ({ event }, _, before) => {
      const effect = event === null ? null : effects[event];
      if (!effect || event === null) return null;
      const moves = fixed[event] ?? null;
      if (effect.unlock.length === 0) return moves;
      const released = releasedBy(effect.unlock, before, instances).map(instance => ({ instance, to: RELEASE }));
      return moves ? [...released, ...moves] : released;
    },
    edge: (node, slot) => {
      if (node.kind !== 'branch' || node.decides?.length !== 1) return null;
      let moves = edges.get(node);
      if (!moves) {
        moves = node.next.map((_, way) => triedOn(node, way, effects, instances, indexOf));
        edges.set(node, moves);
      }
      return moves[slot] ?? null;
    },
    gap: () => GAP,
  };
}

const states = Array.from({ length: STATES }, (_, state) => state);
const KEEP: Row = states.map(only);
const RELEASE: Row = states.map(() => only(FREE));
/** Lines that are not shown may release anything. */
const GAP: Row = states.map(state => only(state) | only(FREE));
const DEEPER: Row = states.map(depth => only(Math.min(DEEPEST, depth + 1)));
const LESS: Row = states.map(depth => only(Math.max(0, depth - 1)));
const BEGUN: Row = states.map(depth => only(Math.max(1, depth)));

/** What is held already stays held since then. */
function acquire(acquisition: number, conditional: boolean): Row {
  const to = only(conditional ? triedBy(acquisition) : heldBy(acquisition));
  return states.map(state => (state === FREE || isTried(state) ? to : only(state)));
}

function fixedMoves(effect: SectionEffect, event: number, instances: readonly Instance[], indexOf: (section: Section) => number): Move[] | null {
  const moves: Move[] = [];
  for (const lock of effect.lock) {
    const instance = indexOf(lock);
    const acquisition = instances[instance]?.acquisitions.findIndex(a => a.event === event) ?? 0;
    moves.push({ instance, to: acquire(acquisition, effect.when !== null) });
    // What an assertion spoke of is the lock that is acquired now.
    if (effect.when === null && lock.by === 'events')
      for (const [other, { section }] of instances.entries())
        if (section.family === null && sameLock(section, lock)) moves.push({ instance: other, to: RELEASE });
  }
  if (effect.when === null) for (const context of effect.enter) moves.push({ instance: indexOf(context), to: DEEPER });
  for (const context of effect.leave)
    for (const instance of leftBy(context, instances, indexOf)) moves.push({ instance, to: context.family === 'irqs-off' ? RELEASE : LESS });
  return moves.length > 0 ? moves : null;
}

/** The contexts that the event leaves: where no call enters the SRCU section of that object, those of the family, since the object may be a copy. */
function leftBy(context: Section, instances: readonly Instance[], indexOf: (section: Section) => number): number[] {
  const own = indexOf(context);
  if (context.object === null || (instances[own]?.acquisitions.length ?? 0) > 0) return [own];
  const others = instances.flatMap((i, n) => (i.section.family === context.family && i.acquisitions.length > 0 ? [n] : []));
  return others.length > 0 ? others : [own];
}

/** `if (!spin_trylock(&l))`: held, and its context begun, on the edge where the call got it. */
function triedOn(
  node: FlowNode,
  slot: number,
  effects: readonly (SectionEffect | null)[],
  instances: readonly Instance[],
  indexOf: (section: Section) => number,
): Move[] | null {
  const event = node.decides?.[0] ?? -1;
  const effect = effects[event];
  const got = effect?.when ? outcome(effect.when, node.tests, slot) : null;
  if (!effect || got === null) return null;
  const moves: Move[] = effect.lock.map(lock => {
    const instance = indexOf(lock);
    const acquisition = instances[instance]?.acquisitions.findIndex(a => a.event === event) ?? 0;
    const to = got ? heldBy(acquisition) : FREE;
    return { instance, to: KEEP.map((set, state) => (state === triedBy(acquisition) ? only(to) : set)) };
  });
  if (got) for (const context of effect.enter) moves.push({ instance: indexOf(context), to: BEGUN });
  return moves;
}

/** Whether a conditional lock is taken on an edge out of a branch; null where the test does not say. */
export function outcome(when: Conditional, tests: FlowNode['tests'], slot: number): boolean | null {
  const isTaken = slot === 0;
  switch (tests) {
    case 'nonzero':
      return when === 'nonzero' ? isTaken : !isTaken;
    case 'zero':
      return when === 'nonzero' ? !isTaken : isTaken;
    case 'negative':
      return when === 'zero' ? !isTaken : isTaken ? false : null;
    case 'positive':
      return when === 'nonzero' ? isTaken : isTaken ? false : null;
    default:
      return null;
  }
}

/** The locks that the unlocks release, of those that may be held. */
function releasedBy(unlocks: readonly Section[], before: Situation, instances: readonly Instance[]): number[] {
  let open = instances.flatMap((instance, i) => (!instance.isContext && ((before.sets[i] ?? 0) & ~only(FREE)) !== 0 ? [i] : []));
  const sectionOf = (i: number) => instances[i]?.section;
  const released: number[] = [];
  for (const unlock of unlocks) {
    const fits = fitting(
      open.flatMap(i => sectionOf(i) ?? []),
      unlock,
    );
    const here = open.filter(i => {
      const section = sectionOf(i);
      return section !== undefined && fits(section, unlock);
    });
    released.push(...here);
    open = open.filter(i => !here.includes(i));
  }
  return released;
}

/** By which likeness the unlock fits one of the locks: the object, its member, or that it is the only one of its family. */
function fitting(held: readonly Section[], unlock: Section): (a: Section, b: Section) => boolean {
  if (holds(held, unlock)) return sameLock;
  // Where no object fits, the member and the family say it: the object may be reached by a call or a copy.
  if (held.some(lock => likeLock(lock, unlock))) return likeLock;
  // An unlock that is given an object, not a lock of it, may have been given another than the lock was.
  if (unlock.object?.includes('.') && !unlock.object.endsWith('.*')) return sameLock;
  return held.filter(lock => lock.family === unlock.family).length === 1 ? (a, b) => a.family === b.family : sameLock;
}

/** The situation in sections. Where the flow did not settle nothing is sure. */
function stateIn(situation: Situation, instances: readonly Instance[], { solved }: Solution): State {
  const locks: { section: Section; sure: boolean; order: number }[] = [];
  const context: Section[] = [];
  const mayContext: Section[] = [];
  for (const [i, instance] of instances.entries()) {
    const set = situation.sets[i] ?? 0;
    if ((set & ~only(FREE)) === 0) continue;
    const isSure = solved && (set & only(FREE)) === 0;
    if (instance.isContext) {
      mayContext.push(instance.section);
      if (isSure) context.push(instance.section);
      continue;
    }
    const found = statesOf(set).filter(state => state !== FREE);
    const since = found.map(state => (state === ENTRY ? -1 : (instance.acquisitions[(state - FIRST) >> 1]?.order ?? 0)));
    const last = found[since.indexOf(Math.max(...since))] ?? ENTRY;
    const section = last === ENTRY ? instance.entry : instance.acquisitions[(last - FIRST) >> 1]?.section;
    locks.push({ section: section ?? instance.section, sure: isSure && !found.some(isTried), order: Math.max(...since) });
  }
  locks.sort((a, b) => a.order - b.order);
  const may = locks.map(l => l.section);
  return {
    must: locks.every(l => l.sure) ? may : locks.flatMap(l => (l.sure ? [l.section] : [])),
    may,
    context,
    mayContext,
    decided: situation.decided,
  };
}
