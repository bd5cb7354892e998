/** The steps of a draft in words, beside the lines that they come from: what `explain` shows of a claim. */
import type { LoweredStep } from '../model/finding.ts';
import type { Draft, Guard, ThreadAct } from './draft.ts';

/** Every step of every thread, in order. */
export function loweredSteps(draft: Draft): LoweredStep[] {
  return draft.threads.flatMap((thread, t) =>
    thread.steps.map(step => ({
      thread: t,
      text: `${step.when.map(conditionOf).join('')}${actOf(draft, step.act, step.register, step.via)}`,
      code: step.event?.text.trim() ?? null,
      path: step.event?.path ?? null,
      line: step.event?.line ?? null,
    })),
  );
}

function conditionOf({ register, test }: Guard): string {
  return test === 'dependent' ? `after a test of ${register}: ` : `if ${register} ${test === 'zero' ? 'is 0' : 'is not 0'}: `;
}

function actOf(draft: Draft, act: ThreadAct, register: string | null, via: string | null): string {
  const into = register === null ? '' : ` into ${register}`;
  const name = (location: number) =>
    via === null ? (draft.locations[location]?.name ?? '?') : `what ${via} points to (${draft.locations[location]?.name ?? '?'})`;
  switch (act.op) {
    case 'load':
      return `${act.order} load of ${name(act.location)}${act.mask === null ? '' : `, bit ${act.mask.toString(2)}`}${into}`;
    case 'store': {
      const target = draft.locations[act.location]?.target;
      const value = target === undefined || act.value === 0 ? act.value : `&${draft.locations[target]?.name}`;
      return `${act.order} store of ${value} to ${name(act.location)}`;
    }
    case 'rmw':
      return `${act.atomic ? `atomic ${act.order}` : 'plain'} ${name(act.location)} ${act.update === '=' ? '=' : `${act.update}=`} ${act.operand}${act.gives === 'none' ? '' : `, ${act.gives} value${into}`}`;
    case 'add-unless':
      return `atomic ${act.order} ${name(act.location)} += ${act.operand} unless it is ${act.unless}${into}`;
    case 'cmpxchg':
      return `atomic ${act.order} compare and exchange of ${name(act.location)}, ${act.expected} by ${act.desired}${into}`;
    case 'fence':
      return act.fence === 'sync-rcu' ? 'grace period' : act.fence === 'rcu-lock' || act.fence === 'rcu-unlock' ? act.fence : `fence ${act.fence}`;
    case 'lock':
    case 'unlock':
      return `${act.op} ${name(act.location)}`;
    case 'copy':
      return `${into.trim() === '' ? '' : `${into.trim()} `}what ${act.register} holds already`;
    case 'word':
      return `one access to one word: ${act.parts.map(p => actOf(draft, p.act, p.register, null)).join('; ')}`;
  }
}
