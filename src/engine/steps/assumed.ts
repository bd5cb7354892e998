/** What a claim assumes to be done out of view, as steps of a draft. */
import type { AssumedStep } from '../../model/rule.ts';
import type { Guard, ThreadAct, ThreadStep } from '../draft.ts';
import type { Memory } from '../memory.ts';
import { countDown, givesValue } from './facts.ts';

/** The draft steps for what a claim assumes, in their order; `before` are those of the same thread that came already. */
export function assumedSteps(all: readonly AssumedStep[], before: readonly ThreadStep[], memory: Memory): ThreadStep[] {
  const steps: ThreadStep[] = [];
  const doneAs = (what: ThreadStep['event'] | AssumedStep) =>
    [...before, ...steps].findLast(s => (s.event === what || s.assumed === what) && s.register !== null);
  for (const assumed of all) {
    const when: Guard[] = [];
    if (assumed.where) {
      const register = doneAs(assumed.where.gave)?.register;
      if (register) when.push({ register, test: assumed.where.zero ? 'zero' : 'nonzero' });
    }
    const act = actOf(assumed, memory);
    const pointer = assumed.through && doneAs(assumed.through);
    if (pointer && 'location' in pointer.act && 'location' in act) memory.points(pointer.act.location, act.location);
    steps.push({
      event: null,
      assumed,
      act,
      register: givesValue(act) ? memory.register() : null,
      when,
      via: pointer?.register ?? null,
      ...(assumed.says && (act.op === 'load' || act.op === 'store' || act.op === 'fence') ? { says: assumed.says } : {}),
      ...(typeof assumed.cell === 'string' ? { means: assumed.cell } : {}),
    });
  }
  return steps;
}

/** What a word holds that another CPU has taken: no number that the code is given for a constant, nor a write by itself. */
const TAKEN = 90;

function actOf(assumed: AssumedStep, memory: Memory): ThreadAct {
  switch (assumed.does) {
    case 'lock':
    case 'unlock':
      return { op: assumed.does, location: memory.lock(typeof assumed.cell === 'string' ? assumed.cell : 'lock') };
    case 'section':
      return { op: 'fence', fence: 'rcu-lock' };
    case 'end':
      return { op: 'fence', fence: 'rcu-unlock' };
    case 'grace-period':
      return { op: 'fence', fence: 'sync-rcu' };
    case 'fence':
      return { op: 'fence', fence: 'mb' };
    default:
      return accessOf(assumed, assumed.does, memory);
  }
}

function accessOf(assumed: AssumedStep, does: 'read' | 'write' | 'add' | 'put' | 'take', memory: Memory): ThreadAct {
  const order = assumed.ordering ?? (does === 'put' || does === 'take' ? 'full' : 'relaxed');
  const value = typeof assumed.value === 'string' ? memory.numberOf(assumed.value) : (assumed.value ?? null);
  const location = memory.meant(assumed.cell ?? 'object');
  const mask = () => (typeof assumed.cell === 'object' ? memory.maskOf(assumed.cell) : null);
  switch (does) {
    case 'read':
      return { op: 'load', location, order, mask: mask() };
    case 'write':
      return { op: 'store', location, order, value: value ?? mask() };
    case 'add':
      return { op: 'rmw', location, order, update: '+', operand: 1, gives: 'none', mask: null, atomic: true };
    case 'put':
      return countDown(location, order);
    case 'take':
      return { op: 'cmpxchg', location, order, expected: value ?? 0, desired: TAKEN, success: true };
  }
}
