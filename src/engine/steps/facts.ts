/** What an event does in the terms of the model, by what its fact says: accesses to its location, or the ordering that it provides. */
import { called } from '../../c/calls/callees.ts';
import { effectOfKind } from '../../c/syntax/effects.ts';
import type { FenceKind, UpdateOp } from '../../lkmm/litmus.ts';
import type { Event } from '../../model/code.ts';
import type { Gives, Marking, ThreadAct } from '../draft.ts';
import type { Memory } from '../memory.ts';

/** The accesses to the location; a text instead where the event has no meaning in the model. */
export function actsOn(location: number, event: Event, memory: Memory): ThreadAct[] | string {
  const order = strengthOf(event);
  const mask = memory.maskOf(event);
  // A load that is full is a full fence and then the load.
  if (event.kind === 'read')
    return order === 'full' ? [MB, { op: 'load', location, order: 'relaxed', mask }] : [{ op: 'load', location, order, mask }];
  if (event.kind === 'write' || event.kind === 'publish') {
    const value = event.operation === 'clear' ? 0 : event.operation === 'set' ? (mask ?? 1) : memory.numberOf(event.operand);
    return [{ op: 'store', location, order: order === 'full' ? 'relaxed' : order, value }, ...(order === 'full' ? [MB] : [])];
  }
  return update(location, event, order, mask, memory);
}

/** The ordering that an event on no cell of the claim provides for other accesses; null where none. */
export function orderingOnly(event: Event, memory: Memory): ThreadAct | null {
  const { kind, ordering } = event;
  if (kind === 'rmw' && event.atomic && (ordering === 'full' || ordering === 'acquire' || ordering === 'release')) {
    const location = memory.elsewhere(event);
    return { op: 'rmw', location, order: ordering, update: '=', operand: 1, gives: 'old', mask: null, atomic: true };
  }
  if (kind === 'read' && ordering === 'acquire') return { op: 'load', location: memory.elsewhere(event), order: ordering, mask: null };
  if (kind === 'write' && ordering === 'release') return { op: 'store', location: memory.elsewhere(event), order: ordering, value: 1 };
  return ordering === 'full' ? MB : null;
}

/** The fence that the event is; null where it orders nothing. */
export function fenceOf(event: Event): FenceKind | null {
  switch (event.ordering) {
    case 'full':
      return 'mb';
    case 'rmb':
    case 'wmb':
    case 'before-atomic':
    case 'after-atomic':
      return event.ordering;
    case 'compiler':
      return 'barrier';
    default:
      return null;
  }
}

/** Begin or end of a section that RCU's grace periods wait for, or a grace period; `sections` are the contexts that count as one. */
export function rcuFenceOf(event: Event, sections: readonly string[]): 'rcu-lock' | 'rcu-unlock' | 'sync-rcu' | null {
  const quiesce = effectOfKind(event, 'quiesce');
  // Readers of one srcu_struct are not those of RCU, nor are those of a Tasks flavour, whose grace period orders nothing by its fact.
  if (quiesce?.of === 'readers' && quiesce.waits && quiesce.object === null && event.ordering === 'full') return 'sync-rcu';
  const effect = event.fact?.context ?? [];
  const begins = sections.some(word => effect.includes(`+${word}`));
  // The end of a guard carries the fact of its beginning.
  if (begins) return event.ends ? 'rcu-unlock' : 'rcu-lock';
  return sections.some(word => effect.includes(`-${word}`)) ? 'rcu-unlock' : null;
}

/** Does the act give what a register may take? */
export function givesValue(act: ThreadAct): boolean {
  if (act.op === 'rmw') return act.gives !== 'none' || !act.atomic;
  return act.op === 'load' || act.op === 'add-unless' || act.op === 'cmpxchg';
}

/** A count down that tells whether it was the last. */
export function countDown(location: number, order: Marking): ThreadAct {
  return { op: 'rmw', location, order, update: '-', operand: 1, gives: 'is-zero', mask: null, atomic: true };
}

const MB: ThreadAct = { op: 'fence', fence: 'mb' };

function strengthOf(event: Event): Marking {
  const o = event.ordering;
  return o === 'full' || o === 'acquire' || o === 'release' || o === 'plain' ? o : 'relaxed';
}

/** What the update gives to its function. */
function givenBy(event: Event): Gives {
  switch (event.fact?.result) {
    case 'old':
      return 'old';
    case 'new':
    case 'value':
      return 'new';
    case 'test':
      return /negative/.test(event.api) ? 'is-negative' : 'is-zero';
    default:
      return 'none';
  }
}

function update(location: number, event: Event, order: Marking, mask: number | null, memory: Memory): ThreadAct[] | string {
  const success = event.fact?.result === 'success';
  const number = memory.numberOf(event.operand);
  const given = givenBy(event);
  const make = (update: UpdateOp, operand: number | null): ThreadAct[] => [
    { op: 'rmw', location, order, update, operand, gives: given, mask: given === 'old' ? mask : null, atomic: event.atomic },
  ];
  switch (event.operation) {
    case 'set':
      return make('|', mask ?? 1);
    case 'clear':
      return make('&~', mask ?? 1);
    case 'flip':
      return make('^', mask ?? 1);
    case 'store':
    case 'xchg':
    case 'assign':
      return make('=', number);
    case 'inc':
    case 'add':
    case 'dec':
    case 'sub': {
      const by =
        (event.operation === 'inc' || event.operation === 'dec' ? 1 : (number ?? 1)) *
        (event.operation === 'inc' || event.operation === 'add' ? 1 : -1);
      if (success) return [{ op: 'add-unless', location, order, operand: by, unless: 0 }];
      return by < 0 ? make('-', -by) : make('+', by);
    }
    case 'and':
      return make('&', number ?? 0);
    case 'or':
      return make('|', number ?? 1);
    case 'xor':
      return make('^', number ?? 1);
    case 'andnot':
      return make('&~', number ?? 1);
    case 'cmpxchg': {
      const expected = memory.numberOf(event.args[1] ?? null);
      const desired = memory.numberOf(event.args[2] ?? null) ?? memory.symbolOf(event.args[2] ?? '');
      if (expected === null) return `${called(event)}() expects a value that is not in view`;
      return [{ op: 'cmpxchg', location, order, expected, desired, success }];
    }
    default:
      return `${called(event)}() has no meaning in the model`;
  }
}
