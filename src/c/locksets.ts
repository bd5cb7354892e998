/** Which locks are held, and in which context, at each event: what holds on every path, and what on some path. */
import type { CFunction, Event, FlowNode } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import { cellKey } from './cells.ts';

/** A lock's name: its family and the cell, so that the same lock has one name in every function. */
export function lockName(event: Pick<Event, 'api' | 'cell' | 'args'>, family: string): string {
  const key = event.cell ? cellKey(event.cell).replace('|', event.cell.type ? '.' : '') : (event.args[0] ?? event.api);
  return `${family}:${key}`;
}

/** Two names of one lock: the family may be unknown (`lockdep_assert_held()` does not tell it). */
export function sameLock(a: string, b: string): boolean {
  return a.slice(a.indexOf(':') + 1) === b.slice(b.indexOf(':') + 1);
}

interface State {
  must: ReadonlySet<string>;
  may: ReadonlySet<string>;
  context: ReadonlySet<string>;
}

interface Effect {
  lock?: string;
  unlock?: string;
  /** Held only where the call says so. */
  conditional?: boolean;
  enter: string[];
  leave: string[];
}

/** Fills `locks`, `maybeLocks` and `context` of every event; `entry` holds throughout. */
export function fillLocksets(events: Event[], flow: FlowNode[], entry: string[], factOf: (api: string) => Fact | undefined): void {
  const effects = events.map(event => effectOf(event, factOf));
  const states: (State | null)[] = flow.map(() => null);
  states[0] = { must: new Set(entry), may: new Set(entry), context: new Set() };
  const work = [0];
  // Each node's must-set only shrinks and its may-set only grows, so this ends; the bound is for what could go wrong.
  for (let steps = 0; work.length > 0 && steps < 64 * (flow.length + 1); steps++) {
    const at = work.pop() ?? 0;
    const node = flow[at];
    const state = states[at];
    if (!node || !state) continue;
    node.next.forEach((to, slot) => {
      const after = through(state, node, slot, events, effects);
      const known = states[to];
      const merged = known ? merge(known, after) : after;
      if (merged === known) return;
      states[to] = merged;
      work.push(to);
    });
  }
  for (const event of events) {
    const state = states[event.node];
    event.locks = state ? [...state.must] : [];
    event.maybeLocks = state ? [...state.may].filter(lock => !state.must.has(lock)) : [];
    event.context = state ? [...state.context] : [];
  }
}

function effectOf(event: Event, factOf: (api: string) => Fact | undefined): Effect | null {
  const guard = /^(?:scoped_)?guard\((.*)\)$/.exec(event.api);
  if (guard) {
    const family = (guard[1] ?? '').replace(/_(?:irqsave|irq|bh|nested|intr|try|kill)$/g, '').replace(/_/g, '-');
    const name = lockName(event, FAMILY[family] ?? family);
    const context = /irq/.test(guard[1] ?? '') ? ['irqs-off'] : guard[1] === 'rcu' ? ['rcu-read'] : guard[1] === 'preempt' ? ['preempt-off'] : [];
    return event.kind === 'lock' ? { lock: name, enter: context, leave: [] } : { unlock: name, enter: [], leave: context };
  }
  const fact = factOf(event.api);
  if (!fact) return null;
  const enter = fact.context.filter(c => c.startsWith('+')).map(c => c.slice(1));
  const leave = fact.context.filter(c => c.startsWith('-')).map(c => c.slice(1));
  if (fact.lock && (event.kind === 'lock' || event.kind === 'unlock')) {
    const name = lockName(event, fact.lock.family);
    if (event.kind === 'unlock') return { unlock: name, enter, leave };
    return { lock: fact.lock.shared ? `${name} (shared)` : name, conditional: fact.lock.conditional, enter, leave };
  }
  return enter.length + leave.length > 0 ? { enter, leave } : null;
}

const FAMILY: Record<string, string> = {
  spinlock: 'spin',
  'raw-spinlock': 'raw-spin',
  'rwsem-read': 'rwsem',
  'rwsem-write': 'rwsem',
  'read-lock': 'rwlock',
  'write-lock': 'rwlock',
};

function through(state: State, node: FlowNode, slot: number, events: Event[], effects: (Effect | null)[]): State {
  if (node.kind === 'branch') {
    // `if (!spin_trylock(&l))`: held on the way where the call succeeded.
    const taken = (node.decides ?? []).map(i => effects[i]).filter(effect => effect?.conditional && effect.lock !== undefined);
    const only = taken.length === 1 && (node.decides ?? []).length === 1 ? taken[0] : undefined;
    if (!only?.lock) return state;
    const failsOnZero = !/interruptible|killable|_cond_guard/.test(events[node.decides?.[0] ?? -1]?.api ?? '');
    const held = (slot === 0) === failsOnZero;
    return held ? { ...state, must: new Set([...state.must, only.lock]) } : { ...state, may: without(state.may, only.lock) };
  }
  if (node.kind === 'gap') return { must: new Set(), may: state.may, context: new Set() };
  if (node.event === null) return state;
  const effect = effects[node.event];
  if (!effect) return state;
  let { must, may } = state;
  if (effect.lock !== undefined) {
    if (!effect.conditional) must = new Set([...must, effect.lock]);
    may = new Set([...may, effect.lock]);
  }
  const unlock = effect.unlock;
  if (unlock !== undefined) {
    must = new Set([...must].filter(lock => !sameLock(lock.replace(/ \(shared\)$/, ''), unlock)));
    may = new Set([...may].filter(lock => !sameLock(lock.replace(/ \(shared\)$/, ''), unlock)));
  }
  const context = new Set([...state.context, ...effect.enter].filter(c => !effect.leave.includes(c)));
  return { must, may, context };
}

function without(set: ReadonlySet<string>, one: string): ReadonlySet<string> {
  return new Set([...set].filter(x => x !== one));
}

function merge(known: State, more: State): State {
  const must = new Set([...known.must].filter(lock => more.must.has(lock)));
  const may = new Set([...known.may, ...more.may]);
  const context = new Set([...known.context].filter(c => more.context.has(c)));
  if (must.size === known.must.size && may.size === known.may.size && context.size === known.context.size) return known;
  return { must, may, context };
}

/** Locks that the caller holds, as the function itself says: lockdep assertions, annotations, its name. */
export function entryLocks(fn: Pick<CFunction, 'attributes' | 'name' | 'events'>): string[] {
  const held: string[] = [];
  for (const event of fn.events) {
    if (/^(?:lockdep_assert_held(?:_write|_exclusive|_once)?|assert_spin_locked|assert_raw_spin_locked|spin_lock_assert)$/.test(event.api))
      held.push(lockName(event, 'asserted'));
    else if (event.api === 'rtnl_is_locked' || event.api === 'ASSERT_RTNL') held.push('asserted:rtnl');
  }
  for (const attribute of fn.attributes) {
    const must = /^__must_hold\((.*)\)$/.exec(attribute);
    if (must) held.push(`asserted:${(must[1] ?? '').replace(/^\s*&/, '').trim()}`);
  }
  if (/_locked$/.test(fn.name)) held.push(`named:${fn.name}`);
  return [...new Set(held)];
}
