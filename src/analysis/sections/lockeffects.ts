/** What one event does to the locks that are held and to the context. */

import { inCaller } from '../../c/calls/effects.ts';
import type { CalledSection, Cell, CFunction, Event } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import { contextSection, type Section, section } from '../../model/section.ts';
import { assertedLock, assertionOf, isPlainAccess, lockOf } from './locknames.ts';

/** The outcome of a call that got the lock. */
export type Conditional = 'nonzero' | 'zero';

export interface SectionEffect {
  lock: readonly Section[];
  unlock: readonly Section[];
  /** Of those given back by a function in view, the ones that it may have taken where nobody sees it. */
  unsure?: readonly Section[];
  enter: readonly Section[];
  leave: readonly Section[];
  /** What is taken and entered, is so only with this outcome; null where always. */
  when: Conditional | null;
  /** The lock is one that is only tried for, also where the graph has branched on the outcome already. */
  tried?: true;
}

/** A lock as the function that takes it names it. */
export interface SummaryLock {
  family: string;
  shared: boolean;
  cell: Cell | null;
  args: readonly string[];
  api: string;
  /** Given back, perhaps after it was taken by a call that is not seen to take it. */
  unsure?: true;
}

/** What a function in view leaves taken or given back. */
export interface LockSummary {
  callee: CFunction;
  lock: SummaryLock[];
  unlock: SummaryLock[];
  enter: readonly Section[];
  leave: readonly Section[];
  when: Conditional | null;
}

/** What of a call's name matters to locks. */
interface Word {
  fact: Fact | undefined;
  /** The class of a guard. */
  guard: string | null;
  asserts: boolean;
  enter: readonly Section[];
  leave: readonly Section[];
}

const words = new WeakMap<(api: string) => Fact | undefined, Map<string, Word | null>>();

/** The same few names come again and again; null where a name says nothing of locks or context. */
function wordOf(api: string, factOf: (api: string) => Fact | undefined): Word | null {
  let known = words.get(factOf);
  if (!known) {
    known = new Map();
    words.set(factOf, known);
  }
  let word = known.get(api);
  if (word === undefined) {
    const guard = /^(?:scoped_)?guard\((.*)\)$|^CLASS\((.*)\)$/.exec(api);
    const name = guard ? (guard[1] ?? guard[2] ?? '') : null;
    const fact = factOf(name === null ? api : `guard(${name})`);
    const asserted = assertionOf(fact) !== undefined;
    const relevant = name !== null || asserted || fact?.lock || (fact?.context.length ?? 0) > 0;
    word = relevant ? { fact, guard: name, asserts: asserted, enter: signed(fact, '+'), leave: signed(fact, '-') } : null;
    known.set(api, word);
  }
  return word;
}

/** The effect of an event, or null where it has none. */
export function effectOf(
  event: Event,
  factOf: (api: string) => Fact | undefined,
  summariesOf: (event: Event) => readonly (LockSummary | null)[],
  pairs: Set<string>,
): SectionEffect | null {
  if (isPlainAccess(event) || event.kind === 'expanded') return null;
  const word = wordOf(event.api, factOf);
  if (event.takes) {
    const lock = lockOf({ api: event.api, cell: event.takes.cell, args: event.args.slice(1) }, event.takes.family);
    return { lock: [lock], unlock: [], enter: word?.enter ?? NONE, leave: [], when: 'nonzero' };
  }
  if (word?.guard != null) return guardEffect(event, word, word.guard);
  if (event.sections) return calledEffect(event, event.sections, word);
  if (event.kind === 'call' && event.argCells && !event.fact?.contract)
    return joined(summariesOf(event).map(summary => summaryEffect(event, summary)));
  if (!word) return event.opaque && pairs.size > 0 ? pairEffect(event, pairs) : null;
  // What a callee says of its caller is not the caller's own word.
  if (word.asserts) {
    const lock = event.via ? null : assertedLock(event);
    return lock && { lock: [lock], unlock: [], enter: [], leave: [], when: null };
  }
  const { fact } = word;
  const [enter, leave] = [ofObject(word.enter, event), ofObject(word.leave, event)];
  if (fact?.lock && (event.kind === 'lock' || event.kind === 'unlock')) {
    const { family, shared } = fact.lock;
    if (event.kind === 'unlock') return { lock: [], unlock: [lockOf(event, family, shared)], enter, leave, when: null };
    return { lock: [lockOf(event, family, shared)], unlock: [], enter, leave, when: conditional(fact) };
  }
  return enter.length + leave.length > 0 ? { lock: [], unlock: [], enter, leave, when: fact?.lock ? conditional(fact) : null } : null;
}

function conditional(fact: Fact): Conditional | null {
  if (!fact.lock?.conditional) return null;
  return fact.result === 'value' ? 'zero' : 'nonzero';
}

/** SRCU readers are those of one srcu_struct, which the call names (include/linux/srcu.h). */
function ofObject(contexts: readonly Section[], event: Event): readonly Section[] {
  if (event.cell === null || !contexts.some(c => c.family === 'srcu-read')) return contexts;
  return contexts.map(c => (c.family === 'srcu-read' ? lockOf(event, c.family, true) : c));
}

function signed(fact: Fact | undefined, sign: '+' | '-'): readonly Section[] {
  const words = (fact?.context ?? []).filter(c => c.startsWith(sign));
  return words.length > 0 ? words.map(c => contextSection(c.slice(1))) : NONE;
}

const NONE: readonly Section[] = [];

/** A guard's beginning takes the lock outright: where it may fail, the flow has branched already, or ACQUIRE_ERR() tells. */
function guardEffect(event: Event, word: Word, name: string): SectionEffect | null {
  const { fact } = word;
  const enter = ofObject(word.enter, event);
  const family = fact?.lock?.family ?? name.replace(/_/g, '-');
  const isLock = event.kind === 'lock' || event.kind === 'unlock';
  const lock = isLock ? [lockOf(event, family, fact?.lock?.shared)] : [];
  if (event.ends) return { lock: [], unlock: lock, enter: [], leave: enter, when: null };
  // ACQUIRE_ERR() gives 0 for the lock, whatever the class is made of; the variable of a CLASS() is not zero with it.
  const scoped = event.api.startsWith('scoped_');
  const tested = scoped || !fact?.lock?.conditional ? null : event.api.startsWith('guard(') ? 'zero' : 'nonzero';
  const tried = fact?.lock?.conditional ? { tried: true as const } : {};
  return lock.length + enter.length > 0 ? { lock, unlock: [], enter, leave: [], when: tested, ...tried } : null;
}

/** What a call does that runs one of several functions: it acquires what all of them do, and releases what any of them does. */
function joined(effects: readonly (SectionEffect | null)[]): SectionEffect | null {
  const [first = null, ...others] = effects;
  if (others.length === 0 || effects.every(effect => effect === null)) return first;
  const all = effects.map(effect => effect ?? { lock: [], unlock: [], enter: [], leave: [], when: null });
  const when = first?.when ?? null;
  const same = all.every(effect => effect.when === when);
  const inAll = (of: (effect: SectionEffect) => readonly Section[]) =>
    same ? all.map(of).reduce((a, b) => a.filter(section => b.includes(section))) : NONE;
  const inAny = (of: (effect: SectionEffect) => readonly Section[]) => [...new Set(all.flatMap(of))];
  const unlock = inAny(effect => effect.unlock);
  return {
    lock: inAll(effect => effect.lock),
    unlock,
    unsure: unlock,
    enter: inAll(effect => effect.enter),
    leave: inAny(effect => effect.leave),
    when,
  };
}

function summaryEffect(event: Event, summary: LockSummary | null): SectionEffect | null {
  if (!summary) return null;
  const name = (lock: SummaryLock) => {
    const cell = inCaller(lock.cell, summary.callee, event);
    return lockOf({ api: lock.api, cell, args: lock.args }, lock.family, lock.shared);
  };
  const unsure = summary.unlock.filter(lock => lock.unsure).map(name);
  return {
    lock: summary.lock.map(name),
    unlock: summary.unlock.map(name),
    ...(unsure.length > 0 ? { unsure } : {}),
    enter: summary.enter,
    leave: summary.leave,
    when: summary.when,
  };
}

/** What a function out of view leaves of several locks, where one result goes with all of them. */
function calledEffect(event: Event, sections: readonly CalledSection[], word: Word | null): SectionEffect | null {
  const [first] = sections;
  if (!first || sections.some(s => s.result !== first.result)) return null;
  const name = ({ cell, text, family, shared }: CalledSection) => lockOf({ api: event.api, cell, args: [text] }, family, shared);
  const of = (does: CalledSection['does']) => sections.filter(s => s.does === does).map(name);
  return { lock: of('open'), unlock: of('close'), enter: word?.enter ?? NONE, leave: word?.leave ?? NONE, when: first.result };
}

function pairEffect(event: Event, pairs: Set<string>): SectionEffect | null {
  const word = /^(\w+?)_(un)?lock$/.exec(event.api);
  const key = word ? `${word[1]}(${event.args[0] ?? ''})` : '';
  if (!word || !pairs.has(key)) return null;
  const name = section(word[1] ?? null, (event.args[0] ?? '').replace(/^&/, ''));
  return { lock: word[2] ? [] : [name], unlock: word[2] ? [name] : [], enter: [], leave: [], when: null };
}
