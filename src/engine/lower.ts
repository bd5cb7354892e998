/**
 * From a claim to a draft of a litmus test, mechanically. A thread is one path through the events that the claim names (`route.ts`); what lies
 * on that path and orders, locks or touches a cell of the claim comes along. An event becomes steps by what its fact says (`steps/facts.ts`), by what
 * the claim says that it means (`steps/declared.ts`); what is done out of view by what the claim assumes (`steps/assumed.ts`). All of them find their
 * places in one memory (`memory.ts`).
 */

import { lockOf } from '../analysis/sections/locknames.ts';
import { called } from '../c/calls/callees.ts';
import { nodesAfter } from '../c/cfg/flow.ts';
import type { CFunction, Event } from '../model/code.ts';
import type { Claim, ClaimThread, Meaning } from '../model/rule.ts';
import { type ContextFamily, exclusive, isIn, lockKey, type Section } from '../model/section.ts';
import { type Draft, type DraftThread, type Guard, stepFor, type ThreadAct, type ThreadStep } from './draft.ts';
import { Memory, touches } from './memory.ts';
import { guardOf, routeBetween } from './route.ts';
import { assumedSteps } from './steps/assumed.ts';
import { declaredSteps } from './steps/declared.ts';
import { actsOn, fenceOf, givesValue, orderingOnly, rcuFenceOf } from './steps/facts.ts';

/** How what is not known is read: as a full barrier, on the side of the bug; as nothing, on the side of the fix. */
export type Reading = 'strongest' | 'weakest';

/** What is held whenever a function begins: its callers' locks and contexts, and what it says of them itself. */
export type OnEntry = (fn: CFunction) => { locks: readonly Section[]; context: readonly Section[] };

/** Lowers the claim's threads, or others over the same cells; a text instead where an event has no meaning in the model. */
export function lower(claim: Claim, reading: Reading, onEntry: OnEntry, threads: ClaimThread[] = claim.threads): Draft | string {
  const lowering: Lowering = { claim, reading, onEntry, memory: new Memory(claim), excluding: excludingLocks(claim, threads, onEntry), opaque: [] };
  const done: DraftThread[] = [];
  for (const [i, thread] of threads.entries()) {
    const steps = new Walk(lowering, thread, i, []).steps();
    if (typeof steps === 'string') return steps;
    done.push({ title: `${thread.fn.name}()`, steps });
  }
  // CPUs out of view stand behind the claim's threads, before those that only settle a state.
  const others = claim.others?.map(o => ({ title: `${o.who} (assumed)`, steps: assumedSteps(o.does, [], lowering.memory) })) ?? [];
  done.splice(claim.threads.length, 0, ...others);
  const name = threads.map(t => t.fn.name).join('+');
  return { name, locations: lowering.memory.settled(), threads: done, assumes: [...claim.assumes], opaque: lowering.opaque };
}

/** What all threads of a draft share. */
interface Lowering {
  claim: Claim;
  reading: Reading;
  onEntry: OnEntry;
  memory: Memory;
  /** Names of the locks that one of the threads at least holds exclusively: where all share a lock, it keeps nobody from anything. */
  excluding: ReadonlySet<string>;
  opaque: Draft['opaque'];
}

function excludingLocks(claim: Claim, threads: readonly ClaimThread[], onEntry: OnEntry): Set<string> {
  const named = new Set<string>();
  const functions = threads.flatMap(t => [t, ...(t.calls ?? [])]).map(t => t.fn);
  for (const fn of functions) {
    for (const lock of exclusive([...onEntry(fn).locks, ...fn.events.flatMap(e => e.locks)])) named.add(lockKey(lock));
    for (const e of fn.events) if ((e.kind === 'lock' || e.kind === 'unlock') && !e.fact?.lock?.shared) named.add(lockKey(lockOf(e, familyOf(e))));
  }
  const assumed = [...(claim.others ?? []).flatMap(o => o.does), ...threads.flatMap(t => [...(t.before ?? []), ...(t.then ?? [])])];
  for (const { does, cell } of assumed) if (does === 'lock') named.add(typeof cell === 'string' ? cell : 'lock');
  for (const meaning of claim.meanings ?? []) if (meaning.under !== undefined) named.add(meaning.under);
  return named;
}

function familyOf(event: Event): string | null {
  return event.fact?.lock?.family ?? null;
}

/** One thread, or what a call in it runs under the locks that it holds (`outer`), walked from its first event to its last. */
class Walk {
  private readonly lowering: Lowering;
  private readonly memory: Memory;
  private readonly thread: ClaimThread;
  private readonly fn: CFunction;
  /** Which of the claim's threads. */
  private readonly index: number;
  private readonly outer: readonly string[];
  private readonly done: ThreadStep[] = [];
  private readonly held: string[] = [];
  /** Branches behind the walk: nodes on the arm that was not taken lead out of the guard. */
  private readonly crossed: { other: number[]; guard: Guard }[] = [];
  /** What holds for the whole thread. */
  private readonly always: Guard[] = [];
  private inRcu = 0;

  constructor(lowering: Lowering, thread: ClaimThread, index: number, outer: readonly string[]) {
    this.lowering = lowering;
    this.memory = lowering.memory;
    this.thread = thread;
    this.fn = thread.fn;
    this.index = index;
    this.outer = outer;
  }

  /** A text where an event has no meaning in the model, or no path leads from one to the next. */
  steps(): ThreadStep[] | string {
    const { events, before, then } = this.thread;
    if (before) this.done.push(...assumedSteps(before, [], this.memory));
    const [first, ...rest] = events;
    if (!first) return 'a thread without events';
    this.enter(first);
    let trouble = this.pass(first);
    let at = first.node;
    for (const next of rest) {
      trouble ??= this.walk(at, next);
      at = next.node;
    }
    if (trouble !== null) return trouble;
    this.leave();
    if (then) this.done.push(...assumedSteps(then, this.done, this.memory));
    return this.done;
  }

  /** What the thread has, or waits for, before its first event. */
  private enter(first: Event): void {
    const { startedBy } = this.thread;
    if (startedBy) {
      const register = this.memory.register();
      this.emit(null, { op: 'load', location: this.memory.start(startedBy), order: 'acquire', mask: null }, null, register);
      this.always.push({ register, test: 'nonzero' });
    }
    const entry = this.lowering.onEntry(this.fn);
    for (const lock of [...first.locks, ...entry.locks]) {
      const name = lockKey(lock);
      if (this.holds(name)) continue;
      this.held.push(name);
      if (this.excludes(name)) this.emit(null, { op: 'lock', location: this.memory.lock(name) }, null);
    }
    if (!this.sections().some(word => isIn(first, word) || isIn(entry, word))) return;
    this.inRcu = 1;
    this.emit(null, { op: 'fence', fence: 'rcu-lock' }, null);
  }

  /** What the thread still has behind its last event is given back. */
  private leave(): void {
    if (this.inRcu > 0) this.emit(null, { op: 'fence', fence: 'rcu-unlock' }, null);
    for (const name of this.held.reverse()) if (this.excludes(name)) this.emit(null, { op: 'unlock', location: this.memory.lock(name) }, null);
  }

  /** From a node to the next event that the claim names. */
  private walk(from: number, next: Event): string | null {
    const { fn } = this;
    const path = routeBetween(fn, from, next.node);
    if (path === null) return `no path leads from ${fn.name}() line ${fn.flow[from]?.line ?? 0} to line ${next.line}`;
    for (const [i, node] of path.entries()) {
      const flow = fn.flow[node];
      if (!flow) continue;
      const to = path[i + 1];
      if (flow.kind === 'branch' && to !== undefined) {
        const guard = guardOf(flow, to, this.done, register => this.memory.isAside(register));
        if (guard) this.crossed.push({ other: flow.next.filter(n => n !== to), guard });
      }
      if (flow.kind === 'gap') this.unknown('lines that are not shown', null);
      const event = i === 0 || flow.event === null ? undefined : fn.events[flow.event];
      const trouble = event ? this.pass(event) : null;
      if (trouble !== null) return trouble;
    }
    return next.node === from ? this.pass(next) : null;
  }

  /** The event's own steps, then what it means besides, then what it calls. */
  private pass(event: Event): string | null {
    const trouble = this.own(event);
    if (trouble !== null) return trouble;
    for (const m of this.meaningsOf(event)) if (m.besides) this.mean(m);
    for (const call of this.thread.calls ?? []) {
      if (call.call !== event) continue;
      const inner = new Walk(this.lowering, { fn: call.fn, events: call.events }, this.index, [...this.outer, ...this.held]).steps();
      if (typeof inner === 'string') return inner;
      const gave = this.done.findLast(s => s.event === event && s.register !== null)?.register;
      const when = [...this.guards(event.node), ...(gave ? [{ register: gave, test: 'nonzero' as const }] : [])];
      this.done.push(...inner.map(s => ({ ...s, when: [...when, ...s.when] })));
    }
    return null;
  }

  private own(event: Event): string | null {
    if (this.lowering.claim.threads.some(t => t.startedBy === event))
      this.emit(event, { op: 'store', location: this.memory.start(event), order: 'release', value: 1 });
    if (event.kind === 'lock' || event.kind === 'unlock') {
      this.lock(event);
      return null;
    }
    const meant = this.meaningsOf(event).filter(m => !m.besides);
    for (const m of meant) this.mean(m);
    if (meant.length > 0 || this.section(event)) return null;
    if (event.kind === 'fence') {
      const fence = fenceOf(event);
      if (fence) this.emit(event, { op: 'fence', fence });
      return null;
    }
    const location = this.memory.known(event);
    if (location === null || !touches(event)) {
      this.aside(event);
      return null;
    }
    const acts = actsOn(location, event, this.memory);
    if (typeof acts === 'string') return acts;
    for (const act of acts) {
      const register = givesValue(act) ? this.memory.register() : null;
      const via = this.memory.pointerOf(event, this.done);
      this.emit(event, act, event.node, register, via);
    }
    return null;
  }

  private lock(event: Event): void {
    const name = lockKey(lockOf(event, familyOf(event)));
    const act: ThreadAct = { op: event.kind === 'lock' ? 'lock' : 'unlock', location: this.memory.lock(name) };
    const at = this.held.indexOf(name);
    if (event.kind === 'lock') {
      if (at >= 0) return;
      this.held.push(name);
    } else if (at >= 0) this.held.splice(at, 1);
    // Taken before the first event of the path, and not by anyone in view: a lock that the function has held since.
    else if (this.excludes(name)) this.done.unshift(stepFor(null, { ...act, op: 'lock' }));
    if (this.excludes(name)) this.emit(event, act);
  }

  /** Is the event there for RCU alone? Its fence, if it has one, is made a step. */
  private section(event: Event): boolean {
    const fence = event.kind === 'rcu' || this.lowering.claim.section ? rcuFenceOf(event, this.sections()) : null;
    if (fence === null) return event.kind === 'rcu';
    if (fence === 'rcu-lock') this.inRcu++;
    if (fence === 'rcu-unlock' && --this.inRcu < 0) {
      this.done.unshift(stepFor(null, { op: 'fence', fence: 'rcu-lock' }));
      this.inRcu = 0;
    }
    this.emit(event, { op: 'fence', fence });
    return true;
  }

  /** What an event on no cell of the claim does to the order. */
  private aside(event: Event): void {
    if (event.opaque || (event.kind === 'call' && event.fact?.contract?.orders)) {
      this.unknown(called(event), event);
      return;
    }
    const act = orderingOnly(event, this.memory);
    if (act) this.emit(event, act, event.node, givesValue(act) ? this.memory.aside() : null);
  }

  private unknown(api: string, event: Event | null): void {
    this.lowering.opaque.push({ api, fn: this.fn });
    if (this.lowering.reading === 'strongest') this.emit(event, { op: 'fence', fence: 'mb' });
  }

  private mean(m: Meaning): void {
    const guards = this.guards(m.event.node);
    const steps = declaredSteps(m, this.done, this.memory, lock => this.holds(lock));
    this.done.push(...steps.map(s => ({ ...s, when: [...guards, ...s.when] })));
  }

  private meaningsOf(event: Event): Meaning[] {
    return this.lowering.claim.meanings?.filter(m => m.event === event && (m.thread === undefined || m.thread === this.index)) ?? [];
  }

  private excludes(lock: string): boolean {
    return this.lowering.excluding.has(lock);
  }

  private holds(lock: string): boolean {
    return this.held.includes(lock) || this.outer.includes(lock);
  }

  private sections(): ContextFamily[] {
    const { section } = this.lowering.claim;
    return section ? ['rcu-read', section] : ['rcu-read'];
  }

  private emit(event: Event | null, act: ThreadAct, node = event?.node ?? null, register: string | null = null, via: string | null = null): void {
    this.done.push({ ...stepFor(event, act, register), when: this.guards(node), via });
  }

  /** What must hold for the node to be reached, of all that was tested on the way. */
  private guards(node: number | null): Guard[] {
    const inside = (other: number) => other !== node && !nodesAfter(this.fn, other).has(node as number);
    return [...this.always, ...this.crossed.filter(c => node !== null && c.other.every(inside)).map(c => c.guard)];
  }
}
