/** What a claim assumes to be done out of view, as steps of a draft. */
import type { Deed } from '../model/rule.ts';
import type { Act, Guard, Step } from './draft.ts';

/** What the lowering of the claim knows: where a deed's memory lies, and names for what it reads. */
export interface Places {
  location(deed: Deed): number;
  lock(name: string): number;
  register(): string;
  mask(deed: Deed): number | null;
  /** The number that stands for a constant as the code writes it; null where none is known. */
  number(text: string): number | null;
  /** Says that what the one location holds is the address of the other. */
  points(from: number, to: number): void;
}

/** The steps of the deeds, in their order; `before` are those of the same thread that came already. */
export function stepsOf(deeds: readonly Deed[], before: readonly Step[], places: Places): Step[] {
  const steps: Step[] = [];
  const doneAs = (what: Step['event'] | Deed) => [...before, ...steps].findLast(s => (s.event === what || s.deed === what) && s.register !== null);
  for (const deed of deeds) {
    const when: Guard[] = [];
    if (deed.where) {
      const register = doneAs(deed.where.gave)?.register;
      if (register) when.push({ register, test: deed.where.zero ? 'zero' : 'nonzero' });
    }
    const act = actOf(deed, places);
    const pointer = deed.through && doneAs(deed.through);
    if (pointer && 'location' in pointer.act && 'location' in act) places.points(pointer.act.location, act.location);
    steps.push({
      event: null,
      deed,
      act,
      register: act.op === 'load' || act.op === 'cmpxchg' || (act.op === 'rmw' && act.gives !== 'none') ? places.register() : null,
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

function actOf(deed: Deed, places: Places): Act {
  const order = deed.ordering ?? (deed.does === 'put' || deed.does === 'take' ? 'full' : 'relaxed');
  const value = typeof deed.value === 'string' ? places.number(deed.value) : (deed.value ?? null);
  switch (deed.does) {
    case 'read':
      return { op: 'load', location: places.location(deed), order, mask: places.mask(deed) };
    case 'write':
      return { op: 'store', location: places.location(deed), order, value: value ?? places.mask(deed) };
    case 'add':
    case 'put':
      return {
        op: 'rmw',
        location: places.location(deed),
        order,
        update: deed.does === 'add' ? '+' : '-',
        operand: 1,
        gives: deed.does === 'add' ? 'none' : 'is-zero',
        mask: null,
        atomic: true,
      };
    case 'take':
      return { op: 'cmpxchg', location: places.location(deed), order, expected: value ?? 0, desired: TAKEN, success: true };
    case 'lock':
    case 'unlock':
      return { op: deed.does, location: places.lock(typeof deed.cell === 'string' ? deed.cell : 'lock') };
    case 'section':
      return { op: 'fence', fence: 'rcu-lock' };
    case 'end':
      return { op: 'fence', fence: 'rcu-unlock' };
    case 'grace-period':
      return { op: 'fence', fence: 'sync-rcu' };
    case 'fence':
      return { op: 'fence', fence: 'mb' };
  }
}
