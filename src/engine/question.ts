/** What a claim asks of the executions of a program: which are bad, which do what the code is for, and how a bad one is told. */
import { truthOf } from '../lkmm/conditions.ts';
import type { Execution } from '../lkmm/executions.ts';
import type { Condition, LitmusValue, Observed } from '../lkmm/litmus.ts';
import { races } from '../lkmm/model.ts';
import type { Schedule } from '../lkmm/order.ts';
import type { PathEvent } from '../lkmm/paths.ts';
import type { Event } from '../model/code.ts';
import type { AssumedStep, Claim } from '../model/rule.ts';
import { type Draft, stepOf } from './draft.ts';
import { nameOf, outcomeOf } from './explanation.ts';
import { resultOf, startOf, valueAfter } from './values.ts';

/** What a register or a location ends with. */
export type Ends = (observed: Observed) => LitmusValue;

/** What is asked of one program, and of each of its executions. */
export interface Question {
  bad(execution: Execution, ends: Ends): boolean;
  reached(execution: Execution, ends: Ends): boolean;
  /** The condition of the printed test, for a bad execution. */
  condition(execution: Execution): Condition;
  /** What the condition on an execution of the unedited program comes to in this one. */
  likewise(condition: Condition): Condition;
  /** Registers that the condition names, by thread and name. */
  watched: ReadonlySet<string>;
  /** Of several bad executions the one told is the least by these numbers, all else being equal. */
  rank(execution: Execution, schedule: Schedule | null): number[];
  outcome(execution: Execution): string;
}

/** The question of a claim that names what is read, or a race; a text where the program has no such read. */
export function questionOf(claim: Claim, draft: Draft): Question | string {
  if (claim.bad.kind === 'race') return raceOf(claim);
  const condition = sightsOf(claim, draft);
  if (typeof condition === 'string') return condition;
  const { bad, reach, watched } = condition;
  return {
    bad: (_, ends) => truthOf(bad, ends) === true,
    reached: (_, ends) => reach === null || truthOf(reach, ends) === true,
    condition: () => bad,
    // Its registers may stand in other steps by now.
    likewise: () => bad,
    watched,
    rank: (_, schedule) => [switchesIn(schedule)],
    outcome: () => outcomeOf(claim, draft),
  };
}

function raceOf(claim: Claim): Question {
  const lines = new Set(claim.threads.flatMap(t => t.events.map(e => `${e.path}:${e.line}`)));
  const ofClaim = (e: PathEvent | undefined) => e?.source != null && lines.has(`${e.source.path}:${e.source.line}`);
  return {
    bad: ({ skeleton, derived }) => races(skeleton, derived).some(([i, j]) => ofClaim(skeleton.events[i]) && ofClaim(skeleton.events[j])),
    reached: () => true,
    condition: () => ({ kind: 'true' }),
    likewise: condition => condition,
    watched: new Set(),
    rank: () => [],
    outcome: () => 'nothing orders the two accesses, and not both are marked: the compiler may tear, repeat or omit either',
  };
}

/** The register of a thread, as a condition names it. */
export function registerOf(thread: number, name: string): Observed {
  return { kind: 'register', thread, name };
}

/** How often the schedule changes from one CPU to another. */
export function switchesIn(schedule: Schedule | null): number {
  return (schedule?.order ?? []).reduce((n, e, i, all) => n + (i > 0 && e.thread !== all[i - 1]?.thread ? 1 : 0), 0);
}

/** What a `sees` claim comes to; `reach` is what leads up to the last look of a thread, null where nothing does. */
interface Sights {
  bad: Condition;
  reach: Condition | null;
  watched: Set<string>;
}

function sightsOf(claim: Claim, draft: Draft): Sights | string {
  if (claim.bad.kind !== 'sees') return 'not a claim of what is read';
  const watched = new Set<string>();
  const parts: Condition[] = [];
  const steps: { thread: number; at: number; part: Condition }[] = [];
  const effects: Condition[] = [];
  for (const { read, from, thread, cell, by } of claim.bad.reads) {
    const found = stepOf(draft, read, 'read', thread, cell);
    if (from === 'effect') {
      const taken = effectOf(draft, read, thread);
      if (typeof taken === 'string') return taken;
      for (const part of taken) {
        watched.add(part.watched);
        parts.push(part.holds);
        effects.push(part.holds);
      }
      continue;
    }
    if (!found?.step.register) return `${nameOf(read)} has no result to check`;
    const { act, register } = found.step;
    if (!('location' in act)) return `${nameOf(read)} reads no cell of the claim`;
    const source =
      from === 'before' ? null : ((cell === undefined ? null : stepOf(draft, from, 'write', by, cell)) ?? stepOf(draft, from, 'write', by));
    if (from !== 'before' && !source) return `${nameOf(from)} has no meaning in the model`;
    const value = resultOf(act, source ? valueAfter(draft, source.step.act) : startOf(draft, act.location));
    const part: Condition = { kind: 'equals', left: registerOf(found.thread, register), right: value };
    watched.add(`${found.thread}:${register}`);
    parts.push(part);
    steps.push({ thread: found.thread, at: found.at, part });
  }
  for (const write of claim.bad.ends ?? []) {
    const found = stepOf(draft, write, 'write');
    if (!found || !('location' in found.step.act)) return `${nameOf(write)} has no meaning in the model`;
    const name = draft.locations[found.step.act.location]?.name ?? '';
    parts.push({ kind: 'equals', left: { kind: 'location', name }, right: valueAfter(draft, found.step.act) });
  }
  // What a thread looks at before its last look is what brings it there: the flag is seen, the pointer is found.
  const reach = [...steps.filter(s => steps.some(o => o.thread === s.thread && o.at > s.at)).map(s => s.part), ...effects];
  return { bad: { kind: 'and', of: parts }, reach: reach.length > 0 ? { kind: 'and', of: reach } : null, watched };
}

/** A condition on one register, and the register's name among those watched. */
interface Needed {
  watched: string;
  holds: Condition;
}

/** What must hold for the operation to have done what it is for: it ran, and what it asks for was so. */
function effectOf(draft: Draft, event: Event | AssumedStep, thread?: number): Needed[] | string {
  const found = stepOf(draft, event, 'write', thread);
  if (!found) return `${nameOf(event)} has no meaning in the model`;
  const { act, register, when } = found.step;
  const equals = (name: string, right: LitmusValue, not = false): Needed => {
    const is: Condition = { kind: 'equals', left: registerOf(found.thread, name), right };
    return { watched: `${found.thread}:${name}`, holds: not ? { kind: 'not', of: is } : is };
  };
  if (act.op === 'add-unless' || (act.op === 'cmpxchg' && act.success)) {
    return register === null ? `${nameOf(event)} has no result to check` : [equals(register, 1)];
  }
  return when.flatMap(guard => (guard.test === 'dependent' ? [] : [equals(guard.register, 0, guard.test === 'nonzero')]));
}
