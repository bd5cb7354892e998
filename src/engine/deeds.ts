/** What a claim assumes to be done out of view, as steps of a draft. */
import type { Deed } from '../model/rule.ts';
import { countDown, gives } from './acts.ts';
import type { Act, Guard, Step } from './draft.ts';
import type { Memory } from './memory.ts';

/** The steps of the deeds, in their order; `before` are those of the same thread that came already. */
export function stepsOfDeeds(deeds: readonly Deed[], before: readonly Step[], memory: Memory): Step[] {
  const steps: Step[] = [];
  const doneAs = (what: Step['event'] | Deed) => [...before, ...steps].findLast(s => (s.event === what || s.deed === what) && s.register !== null);
  for (const deed of deeds) {
    const when: Guard[] = [];
    if (deed.where) {
      const register = doneAs(deed.where.gave)?.register;
      if (register) when.push({ register, test: deed.where.zero ? 'zero' : 'nonzero' });
    }
    const act = actOf(deed, memory);
    const pointer = deed.through && doneAs(deed.through);
    if (pointer && 'location' in pointer.act && 'location' in act) memory.points(pointer.act.location, act.location);
    steps.push({
      event: null,
      deed,
      act,
      register: gives(act) ? memory.register() : null,
      when,
      via: pointer?.register ?? null,
      ...(deed.says && (act.op === 'load' || act.op === 'store' || act.op === 'fence') ? { says: deed.says } : {}),
      ...(typeof deed.cell === 'string' ? { means: deed.cell } : {}),
    });
  }
  return steps;
}

/** What a word holds that another CPU has taken: no number that the code is given for a constant, nor a write by itself. */
const TAKEN = 90;

function actOf(deed: Deed, memory: Memory): Act {
  switch (deed.does) {
    case 'lock':
    case 'unlock':
      return { op: deed.does, location: memory.lock(typeof deed.cell === 'string' ? deed.cell : 'lock') };
    case 'section':
      return { op: 'fence', fence: 'rcu-lock' };
    case 'end':
      return { op: 'fence', fence: 'rcu-unlock' };
    case 'grace-period':
      return { op: 'fence', fence: 'sync-rcu' };
    case 'fence':
      return { op: 'fence', fence: 'mb' };
    default:
      return accessOf(deed, deed.does, memory);
  }
}

function accessOf(deed: Deed, does: 'read' | 'write' | 'add' | 'put' | 'take', memory: Memory): Act {
  const order = deed.ordering ?? (does === 'put' || does === 'take' ? 'full' : 'relaxed');
  const value = typeof deed.value === 'string' ? memory.numberOf(deed.value) : (deed.value ?? null);
  const location = memory.meant(deed.cell ?? 'object');
  const mask = () => (typeof deed.cell === 'object' ? memory.maskOf(deed.cell) : null);
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
