/** The values of a draft: what its locations start with, what its stores put, what an act gives and leaves where it finds a value. */
import type { LitmusValue } from '../lkmm/litmus.ts';
import type { Draft, ThreadAct } from './draft.ts';

/**
 * Gives every store of an unknown value a number of its own, and every location whose claim writes 0 another value to start with, so that
 * what a read gives tells which write it read. In place.
 */
export function settleValues(draft: Draft, starts: boolean): void {
  for (const [i, location] of draft.locations.entries()) {
    const acts = draft.threads
      .flatMap(t => t.steps.flatMap(s => (s.act.op === 'word' ? [] : [s.act])))
      .filter(a => 'location' in a && a.location === i);
    const numbers = new Set(acts.flatMap(a => (a.op === 'store' ? [a.value] : a.op === 'rmw' ? [a.operand] : [])));
    if (starts && location.initial === 0 && !location.given) {
      const clears = acts.flatMap(a => (a.op === 'rmw' && a.update === '&~' ? [a.operand ?? 0] : []));
      if (clears.length > 0 && !acts.some(a => a.op === 'rmw' && a.update === '|')) location.initial = clears.reduce((x, y) => x | y, 0);
      else if (acts.some(a => a.op === 'store' && a.value === 0)) location.initial = numbers.has(1) ? 9 : 1;
    }
    let last = 1;
    const fresh = () => {
      do last++;
      while (numbers.has(last) || last === location.initial);
      return last;
    };
    for (const act of acts) {
      if (act.op === 'store' && act.value === null) act.value = fresh();
      else if (act.op === 'rmw' && act.operand === null) act.operand = fresh();
    }
  }
}

/** Pointers point to what is read through them: a store publishes it, and the pointer starts at another object, or the other way round. */
export function settlePointers(draft: Draft, retires: (location: number) => boolean): void {
  for (const [i, location] of [...draft.locations.entries()]) {
    if (location.target === undefined) continue;
    const name = draft.locations[location.target]?.name ?? 'object';
    const other = draft.locations.push({ name: retires(i) ? `new_${name}` : `old_${name}`, type: 'int', initial: 0 }) - 1;
    location.initial = { to: retires(i) ? location.target : other };
    location.target = retires(i) ? other : location.target;
  }
}

/** The value that the location holds after the act, were it the first on what it starts with. */
export function valueAfter(draft: Draft, act: ThreadAct): LitmusValue {
  if (!('location' in act)) return 0;
  const location = draft.locations[act.location];
  const pointer = location?.target;
  if (pointer !== undefined && act.op === 'store') return act.value === 0 ? 0 : (draft.locations[pointer]?.name ?? 0);
  return putBy(act, startOf(draft, act.location));
}

/** What the act leaves where it found the value. */
export function putBy(act: ThreadAct, before: LitmusValue): LitmusValue {
  if (act.op === 'store') return act.value ?? 0;
  if (typeof before !== 'number') return before;
  switch (act.op) {
    case 'rmw':
      return applied(before, act.update, act.operand ?? 0);
    case 'add-unless':
      return before === act.unless ? before : before + act.operand;
    case 'cmpxchg':
      return before === act.expected ? act.desired : before;
    default:
      return before;
  }
}

/** What the location starts with. */
export function startOf(draft: Draft, location: number): LitmusValue {
  const initial = draft.locations[location]?.initial ?? 0;
  return typeof initial === 'number' ? initial : (draft.locations[initial.to]?.name ?? 0);
}

/** What the step's register holds where the access found the value. */
export function resultOf(act: ThreadAct, found: LitmusValue): LitmusValue {
  if (typeof found !== 'number') return found;
  switch (act.op) {
    case 'load':
      return act.mask === null ? found : found & act.mask;
    case 'rmw': {
      const after = applied(found, act.update, act.operand ?? 0);
      if (act.gives === 'old') return act.mask === null ? found : found & act.mask;
      return act.gives === 'is-zero' ? Number(after === 0) : act.gives === 'is-negative' ? Number(after < 0) : after;
    }
    case 'add-unless':
      return Number(found !== act.unless);
    case 'cmpxchg':
      return act.success ? Number(found === act.expected) : found;
    default:
      return found;
  }
}

function applied(before: number, update: string, operand: number): number {
  switch (update) {
    case '+':
      return before + operand;
    case '-':
      return before - operand;
    case '&':
      return before & operand;
    case '|':
      return before | operand;
    case '^':
      return before ^ operand;
    case '&~':
      return before & ~operand;
    default:
      return operand;
  }
}
