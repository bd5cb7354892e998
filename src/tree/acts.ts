/** What one event of a function does, in the words of a contract. */
import type { CFunction, Event } from '../model/code.ts';
import type { Act, When, Where } from '../model/contract.ts';
import type { Effect } from '../model/effect.ts';
import type { Fact } from '../model/fact.ts';
import { NONE, type Roots, UNNAMED_PLACE, whereOf, whereOfText } from './where.ts';

export const ALWAYS: When = { on: 'always' };
export const SOME: When = { on: 'some' };

/** The function around an event. */
export interface Body {
  fn: CFunction;
  roots: Roots;
  /** Is the call's result what the function returns? */
  isResult(event: Event): boolean;
}

/** An act without an object, of that kind. */
export function act(does: string, of = '', object: Where = NONE, more: Partial<Act> = {}): Act {
  return { does, of, object, more: [], marks: [], when: ALWAYS, result: null, ...more };
}

/** The acts of an event by its fact. */
export function actsOf(event: Event, body: Body): Act[] {
  const { fact } = event;
  if (!fact) return guardOf(event, body);
  const ends = event.ends === true && fact.effects.some(e => e.does === 'open');
  const object = (position: number | null): Where =>
    position === null ? (body.isResult(event) ? 'r' : UNNAMED_PLACE) : argumentWhere(event, position, body);
  const found = fact.effects.flatMap(effect => (effect.does === 'sleep' ? sleepOf(effect, event, body) : actOf(effect, object)) ?? []);
  return ends ? found.flatMap(a => (a.does === 'open' ? [{ ...a, does: 'close', result: null }] : [])) : found;
}

/** The guard of a class that no fact knows: a lock, as most are. */
function guardOf(event: Event, body: Body): Act[] {
  const name = /^(?:scoped_)?guard\((.*)\)$/.exec(event.api)?.[1];
  if (name === undefined) return [];
  return [act(event.ends ? 'close' : 'open', name.replace(/_/g, '-'), argumentWhere(event, 0, body))];
}

/** The acts of any call of a known function, its arguments as they are. */
export function actsOfFact(fact: Fact): Act[] {
  const object = (position: number | null): Where => (position === null ? 'r' : String(position));
  return fact.effects.flatMap(effect => {
    if (effect.does !== 'sleep') return actOf(effect, object) ?? [];
    return act('sleep', '', NONE, {
      when: effect.when === 'always' ? ALWAYS : effect.gfp === null ? SOME : { on: 'gfp', argument: effect.gfp, sure: true },
    });
  });
}

/** What the argument at a position points to. */
export function argumentWhere(event: Event, position: number, body: Body): Where {
  if (event.fact && event.fact.cell === position && event.cell) {
    const where = whereOf(event.cell, body.roots);
    if (where !== UNNAMED_PLACE) return where;
  }
  const cell = event.argCells?.[position];
  if (cell) {
    const where = whereOf(cell, body.roots);
    if (where !== UNNAMED_PLACE) return where;
  }
  return whereOfText(event.args[position] ?? '', body.roots);
}

/** `object` says what a position means; null is the value that the call returns. */
function actOf(effect: Effect, object: (position: number | null) => Where): Act | null {
  const at = (position: number | null): Where => (position === null ? NONE : object(position));
  const marks = (of: Record<string, boolean>) => Object.keys(of).filter(key => of[key]);
  switch (effect.does) {
    case 'open':
    case 'close':
      return act(effect.does, effect.section, at(effect.object), {
        marks: marks({ shared: effect.mode === 'shared' && effect.object !== null }),
        result: effect.when,
      });
    case 'assert':
      return act('hold', effect.section, at(effect.object), { marks: marks({ shared: effect.mode === 'shared' }) });
    case 'publish':
      return act('publish', effect.by, object(effect.object), { more: [at(effect.into)], marks: marks({ rcu: effect.rcu }) });
    case 'unpublish':
      return act('unpublish', effect.by, object(effect.object), { more: [at(effect.from)], marks: marks({ rcu: effect.rcu }) });
    case 'quiesce':
      return act('quiesce', effect.of, at(effect.object), { marks: marks({ waits: effect.waits, cancels: effect.cancels, bars: effect.bars }) });
    case 'free':
      return act('free', '', object(effect.object), { marks: marks({ 'grace-period': effect.when === 'grace-period', private: effect.private }) });
    case 'ref':
      return effect.by === 'put'
        ? act('put', '', object(effect.object), { marks: marks({ frees: effect.frees }) })
        : act('get', '', object(effect.object), { result: effect.by === 'get-unless-zero' ? 'nonzero' : null });
    case 'register':
      return act('register', effect.runner, at(effect.object), {
        more: [at(effect.handler), at(effect.thread), at(effect.data)],
        marks: marks({ managed: effect.managed }),
      });
    case 'queue':
    case 'arm':
      return act(effect.does, effect.runner, at(effect.object));
    case 'wait':
    case 'wake':
      return act(effect.does, effect.on, at(effect.object));
    case 'alloc':
      return act('alloc', '', object(null));
    default:
      return null;
  }
}

/** Flags with which an allocation may sleep, and those with which it may not (include/linux/gfp_types.h). */
const SLEEPING = /\bGFP_(?:KERNEL|USER|NOFS|NOIO|HIGHUSER|HIGHUSER_MOVABLE|KERNEL_ACCOUNT|TRANSHUGE|DMA32)\b/;
const ATOMIC = /\bGFP_(?:ATOMIC|NOWAIT)\b/;

/** Do the flags as written allow to sleep? Null where they do not say. */
export function sleepsWith(flags: string): boolean | null {
  if (/[?~]/.test(flags)) return null;
  return ATOMIC.test(flags) ? false : SLEEPING.test(flags) ? true : null;
}

function sleepOf(effect: Extract<Effect, { does: 'sleep' }>, event: Event, { fn }: Body): Act | null {
  if (effect.when === 'always') return act('sleep');
  const isFlags = (text: string) => /\b_*GFP_/.test(text) || fn.parameters.some(p => p.name === text && p.type === 'gfp_t');
  const flags = effect.gfp !== null ? event.args[effect.gfp] : event.args.find(isFlags);
  if (flags === undefined) return act('sleep', '', NONE, { when: SOME });
  const said = sleepsWith(flags);
  if (said !== null) return said ? act('sleep') : null;
  // Bits that are added leave the caller's flags to decide.
  const name = /^(\w+)(?: \| [\w |()]+)?$/.exec(flags)?.[1];
  const argument = fn.parameters.findIndex(p => p.name === name && !fn.changes?.has(p.name));
  return act('sleep', '', NONE, { when: argument < 0 ? SOME : { on: 'gfp', argument, sure: true } });
}
