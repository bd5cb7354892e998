/** Questions to the effects of an event. */

import type { CFunction, Event } from '../../model/code.ts';
import type { Does, Effect, EffectOf, Ordering } from '../../model/effect.ts';
import type { Fact } from '../../model/fact.ts';

/** The event's effects of one kind, as its fact says them; none where nothing is known of the callee. */
export function effectsOfKind<D extends Does>(event: { fact?: Fact | undefined }, does: D): EffectOf<D>[] {
  return event.fact?.effects.filter(effect => isOf(effect, does)) ?? [];
}

/** The first effect of that kind, or undefined. */
export function effectOfKind<D extends Does>(event: { fact?: Fact | undefined }, does: D): EffectOf<D> | undefined {
  for (const effect of event.fact?.effects ?? []) if (isOf(effect, does)) return effect;
  return undefined;
}

function isOf<D extends Does>(effect: Effect, does: D): effect is EffectOf<D> {
  return effect.does === does;
}

/** The same, or what the name alone lets expect of a function of which nothing else is known. */
export function likelyEffect<D extends Does>(event: { fact?: Fact | undefined; inferred?: Fact | undefined }, does: D): EffectOf<D> | undefined {
  return effectOfKind(event, does) ?? effectOfKind({ fact: event.inferred }, does);
}

/** The argument at a position that an effect names, as written; null where there is none. */
export function argumentAt(event: Event, position: number | null): string | null {
  return position === null ? null : (event.args[position] ?? null);
}

/** The name of the kernel function that is called, or that the callee is declared to be like. */
export function primitive(event: Event): string {
  return event.fact?.api ?? event.api;
}

/** A count that goes up: `unlessZero` where it does so only from another value than 0. */
export function countsUp(event: Event): { unlessZero: boolean } | null {
  const { fact } = event;
  if (event.kind !== 'rmw' || event.operation !== 'inc' || fact?.counter !== true) return null;
  return fact.result === 'none' || fact.result === 'success' ? { unlessZero: fact.result === 'success' } : null;
}

/** A count that goes down and tells whether it has come to 0, and does nothing else then. */
export function countsDownAndTells(event: Event): boolean {
  if (event.kind !== 'rmw' || (event.operation !== 'dec' && event.operation !== 'sub')) return false;
  return event.fact?.counter === true && event.fact.result === 'test' && !effectOfKind(event, 'register') && !effectOfKind(event, 'open');
}

/** The function that a put runs when the count comes to 0, as it is written; null where the put runs none. */
export function releaseAtZero(event: Event): string | null {
  const register = effectOfKind(event, 'register');
  return register?.runner === 'kref' ? argumentAt(event, register.handler) : null;
}

/** Does the call set up what others wait on, lock, queue or count? */
export function initialises(event: Event): boolean {
  return effectsOfKind(event, 'access').some(access => access.access === 'init');
}

/** Does a section of that word begin, or end, with the call: RCU's, or interrupts switched off? A lock's own does not count. */
export function bounds(event: Event, does: 'open' | 'close', word: string): boolean {
  return event.kind !== 'lock' && event.kind !== 'unlock' && effectsOfKind(event, does).some(bound => bound.section === word);
}

/** The fences between CPUs of that order, as smp_rmb() is one: none that is there for a device, or for an operation beside it. */
export function fencesOf(fn: CFunction, ordering: Ordering): Event[] {
  return fn.events.filter(event => isCpuFence(event, ordering));
}

export function isCpuFence(event: Event, ordering: Ordering): boolean {
  return event.kind === 'fence' && event.ordering === ordering && event.fact?.scope === undefined;
}

/** A wait whose condition the call tests itself: wait_event(). */
export function waitsUntil(event: Event): boolean {
  const wait = effectOfKind(event, 'wait');
  return wait?.on === 'queue' && wait.condition !== null;
}

/** A load of a pointer that RCU or a lock keeps what it points to for. */
export function isDereference(event: Event): boolean {
  return event.kind === 'read' && effectOfKind(event, 'consume')?.by === 'pointer';
}

/** A store to a pointer that readers load under RCU. */
export function setsRcuPointer(event: Event): boolean {
  return (
    event.fact !== undefined &&
    (event.kind === 'publish' || event.kind === 'write') &&
    effectOfKind(event, 'publish')?.by === 'pointer' &&
    effectOfKind(event, 'publish')?.rcu === true
  );
}

/** Does the call leave its work to the end of a grace period: a callback or a free? */
export function isDeferred(event: Event): boolean {
  return effectOfKind(event, 'free')?.when === 'grace-period' || effectOfKind(event, 'register')?.runner === 'rcu';
}
