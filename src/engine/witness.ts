/** Decides a claim with the checker, and tells the execution that shows it. */
import type { Budget } from '../lkmm/budget.ts';
import { type Execution, executions } from '../lkmm/executions.ts';
import type { Condition, LitmusTest, Observed, Value } from '../lkmm/litmus.ts';
import { races } from '../lkmm/model.ts';
import { type Schedule, type Strength, scheduleOf, strengthOf } from '../lkmm/order.ts';
import { IS, type PathEvent } from '../lkmm/paths.ts';
import { printLitmus } from '../lkmm/text.ts';
import type { Event } from '../model/code.ts';
import type { Fix, HeldReason, Step as Told, Verdict, Witness } from '../model/finding.ts';
import type { Claim, Deed } from '../model/rule.ts';
import { compile, registerOf, resultOf, settlePointers, settleValues, startOf, valueAfter } from './compile.ts';
import { describe } from './describe.ts';
import { type Draft, stepOf } from './draft.ts';
import { edited } from './edits.ts';
import { lower } from './lower.ts';
import { type Pair, pairOf } from './pair.ts';

/** Steps of a program beyond which nothing is decided. */
const MOST_STEPS = 64;

/** Checks of candidates that one program of a claim may take, and those of a whole review; counted, so that the answer is the same on every machine. */
const BUDGET = 5_000;
export const REVIEW_BUDGET = 500_000;

/** `refuted`: the checker has decided that no execution ends so; else a claim that is held was not decided at all. */
export type Decided = { witness: Witness; fixes: Fix[] } | { held: HeldReason; detail: string; refuted: boolean };

/** Decides the claim: the bug must be possible, an edit must make it impossible, and what the code is for must stay possible in both. */
export function decideClaim(claim: Claim, review: Budget = { left: REVIEW_BUDGET }): Decided {
  const who = [...claim.threads.map(t => `${t.fn.name}()`), ...(claim.others ?? []).map(o => o.who)].join(' against ');
  const bug = decide(claim, draftsOf(claim, 'strongest', null), review);
  if ('reason' in bug) return { held: bug.reason.startsWith('more than') ? 'too-large' : 'not-decided', detail: bug.reason, refuted: false };
  if (bug.verdict === 'unsupported') return { held: 'not-decided', detail: `${who}: too many executions`, refuted: false };
  if (!bug.shown) {
    const [call] = bug.opaque;
    const weak = call && decide(claim, draftsOf(claim, 'weakest', null), review);
    if (weak && !('reason' in weak) && weak.shown)
      return { held: 'opaque-in-between', detail: `${who}: not if ${call.api}() in ${call.fn.name}() is a full barrier`, refuted: false };
    // Where not even what the code is for can happen, the threads as lowered say nothing of the code.
    if (claim.stands && bug.reach !== 'Sometimes')
      return { held: 'not-decided', detail: `${who}: what the code is for can't happen`, refuted: false };
    return { held: 'not-decided', detail: `${who}: no execution ends so`, refuted: true };
  }
  const { shown } = bug;
  const fixes: Fix[] = [];
  const enough = new Set<Claim['edits'][number]>();
  let fixed: Ran | null = null;
  for (const edit of claim.edits) {
    // Where one half does, nobody needs both.
    if (edit.kind === 'both' && edit.edits.some(half => enough.has(half))) continue;
    const drafts = draftsOf(claim, 'weakest', edit);
    if (typeof drafts === 'string') continue;
    const after = decide(claim, drafts, review);
    if ('reason' in after) continue;
    fixes.push({ text: edit.text, edit: edit.kind, fixedVerdict: after.verdict });
    if (after.verdict === 'Never') enough.add(edit);
    if (after.verdict === 'Never' && after.reach === 'Sometimes') fixed ??= after;
  }

  if (!fixed || bug.reach !== 'Sometimes')
    return { held: 'not-decided', detail: fixed ? `${who}: what the code is for can't happen` : `${who}: no edit was decided Never`, refuted: false };
  return {
    fixes: fixes.filter(f => f.fixedVerdict === 'Never'),
    witness: {
      kind: claim.bad.kind === 'race' ? 'race' : 'state',
      verdict: bug.verdict,
      fixedVerdict: 'Never',
      reach: bug.reach,
      strength: shown.strength,
      assumes: shown.draft.assumes,
      threads: [
        ...claim.threads.map(t => ({ name: `${t.fn.name}()`, function: t.fn.name })),
        ...(claim.others ?? []).map(o => ({ name: `${o.who} (assumed)`, function: null })),
      ],
      steps: shown.steps,
      outcome: shown.outcome,
      reordering: shown.reordering,
      litmus: printLitmus(shown.test),
      fixedLitmus: printLitmus(fixed.likeShown(shown)),
      lowered: describe(shown.draft),
      fixedLowered: describe(fixed.draft),
    },
  };
}

/** An execution that shows the bug, already in words: what the checker hands out is gone after the visit. */
interface Shown {
  draft: Draft;
  test: LitmusTest;
  strength: Strength;
  steps: Told[] | null;
  outcome: string;
  reordering: string;
  rank: number[];
  /** Which of the starting states. */
  start: number;
}

interface Ran {
  verdict: Verdict;
  reach: Verdict;
  shown: Shown | null;
  opaque: Draft['opaque'];
  draft: Draft;
  /** The program that starts as the one shown does, with the same condition. */
  likeShown(shown: Shown): LitmusTest;
}

interface Drafts {
  draft: Draft;
  pair: Pair | null;
}

/** The claim's threads as a draft, with the pair's consistent states where the claim is about a pair; a text where it can't be lowered. */
function draftsOf(claim: Claim, reading: 'strongest' | 'weakest', edit: Claim['edits'][number] | null): Drafts | string {
  const all = lower(claim, reading, [...claim.threads, ...(claim.settledBy ?? [])]);
  if (typeof all === 'string') return all;
  const pair = claim.tie ? pairOf(claim, all) : null;
  settleValues(all, pair === null);
  settlePointers(all, location => retires(claim, all, location));
  const ran = claim.threads.length + (claim.others?.length ?? 0);
  const draft: Draft = { ...all, name: claim.threads.map(t => t.fn.name).join('+'), threads: all.threads.slice(0, ran) };
  if (draft.threads.reduce((n, t) => n + t.steps.length, 0) > MOST_STEPS) return `more than ${MOST_STEPS} steps`;
  if (edit === null) return { draft, pair };
  const cured = edited(draft, edit);
  if (!cured) return 'the edit has no place';
  return { draft: { ...cured, name: `${cured.name}+${edit.kind}` }, pair };
}

/** Is the pointer at the location seen as it was before, so that what it points to at first is the object in question? */
function retires(claim: Claim, draft: Draft, location: number): boolean {
  if (claim.bad.kind !== 'sees') return false;
  return claim.bad.reads.some(s => {
    const step = stepOf(draft, s.read, 'read', s.thread, s.cell)?.step;
    return s.from === 'before' && step?.act.op === 'load' && step.act.location === location;
  });
}

/** What makes an execution bad, what makes it one that the code is for, and the condition of the printed test. */
interface Question {
  bad(execution: Execution, valueIn: (name: string) => Value): boolean;
  reached(execution: Execution, valueIn: (name: string) => Value): boolean;
  condition(execution: Execution): Condition;
  watched: ReadonlySet<string>;
  rank(execution: Execution, schedule: Schedule | null): number[];
  outcome(execution: Execution): string;
}

function decide(claim: Claim, drafts: Drafts | string, review: Budget): Ran | { reason: string } {
  if (typeof drafts === 'string') return { reason: drafts };
  const { draft, pair } = drafts;
  const programs = pair ? pair.starts(draft) : [draft];
  let verdict: Verdict = 'Never';
  let reach: Verdict = 'Never';
  let best: Shown | null = null;
  let over = false;
  for (const [start, program] of programs.entries()) {
    const question = pair ? pair.question(program) : questionOf(claim, program);
    if (typeof question === 'string') return { reason: question };
    const test = compile(program, { kind: 'true' }, question.watched);
    const index = new Map(test.locations.map((l, i) => [l.name, i]));
    const budget = { left: Math.min(BUDGET, review.left) };
    const given = budget.left;
    const reason = executions(test, budget, execution => {
      const valueIn = (name: string): Value => {
        const at = index.get(name);
        return at === undefined ? 0 : execution.location(at);
      };
      const bad = question.bad(execution, valueIn);
      // Two accesses that nothing orders race in every execution in which both run: that is no sign that nothing else can happen.
      if ((!bad || claim.bad.kind === 'race') && question.reached(execution, valueIn)) reach = 'Sometimes';
      if (!bad) {
        if (verdict === 'Always') verdict = 'Sometimes';
        return;
      }
      if (verdict === 'Never') verdict = 'Sometimes';
      const strength = strengthOf(execution);
      if (best && (best.rank[0] ?? 0) < RANK[strength]) return;
      const schedule = scheduleOf(execution);
      const rank = [RANK[strength], schedule === null ? 1 : 0, schedule?.reordered.length ?? 0, ...question.rank(execution, schedule)];
      if (best && compare(best.rank, rank) <= 0) return;
      best = {
        draft: program,
        test: { ...test, condition: question.condition(execution) },
        strength,
        steps: schedule && tell(claim, program, execution, schedule),
        outcome: question.outcome(execution),
        reordering: schedule ? reorderingOf(program, schedule, execution) : 'a store has reached one CPU before another',
        rank,
        start,
      };
    });
    review.left -= given - Math.max(0, budget.left);
    if (reason !== null) over = true;
  }
  const shown = best as Shown | null;
  if (over && !shown) verdict = 'unsupported';
  return {
    verdict,
    reach,
    shown,
    opaque: draft.opaque,
    draft,
    likeShown: s => {
      const program = programs[s.start] ?? programs[0] ?? draft;
      const question = pair ? pair.question(program) : questionOf(claim, program);
      const watched = typeof question === 'string' ? new Set<string>() : question.watched;
      return {
        ...compile(program, { kind: 'true' }, watched),
        condition: pair ? pair.translated(program, s.test.condition) : conditionFor(claim, program, s),
      };
    },
  };
}

const RANK: Record<Strength, number> = { sc: 0, tso: 1, weak: 2 };

function compare(a: number[], b: number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x - (b[i] ?? 0);
  return 0;
}

/** The condition of the fixed program: its registers may stand in other steps by now. */
function conditionFor(claim: Claim, program: Draft, shown: Shown): Condition {
  const condition = claim.bad.kind === 'sees' ? seen(claim, program) : null;
  return condition && typeof condition !== 'string' ? condition.bad : shown.test.condition;
}

/** The question of a claim that names what is read, or a race. */
function questionOf(claim: Claim, draft: Draft): Question | string {
  if (claim.bad.kind === 'race') {
    const lines = new Set(claim.threads.flatMap(t => t.events.map(e => `${e.path}:${e.line}`)));
    const ofClaim = (e: PathEvent | undefined) => e?.source != null && lines.has(`${e.source.path}:${e.source.line}`);
    return {
      bad: ({ skeleton, derived }) => races(skeleton, derived).some(([i, j]) => ofClaim(skeleton.events[i]) && ofClaim(skeleton.events[j])),
      reached: () => true,
      condition: () => ({ kind: 'true' }),
      watched: new Set(),
      rank: () => [],
      outcome: () => 'nothing orders the two accesses, and not both are marked: the compiler may tear, repeat or leave out one',
    };
  }
  const condition = seen(claim, draft);
  if (typeof condition === 'string') return condition;
  const { bad, reach, watched } = condition;
  return {
    bad: (execution, valueIn) => holds(bad, execution, valueIn),
    reached: (execution, valueIn) => reach === null || holds(reach, execution, valueIn),
    condition: () => bad,
    watched,
    rank: (_, schedule) => [switches(schedule)],
    outcome: () => outcomeOf(claim, draft),
  };
}

/** The condition that a `sees` claim comes to; `reach` is what leads up to the last look of a thread, null where nothing does. */
function seen(claim: Claim, draft: Draft): { bad: Condition; reach: Condition | null; watched: Set<string> } | string {
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
        if (part.register.kind === 'register') watched.add(`${part.register.thread}:${part.register.name}`);
        parts.push(part.holds);
        effects.push(part.holds);
      }
      continue;
    }
    if (!found?.step.register) return `${nameOf(read)} gives nothing that could be looked at`;
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
    parts.push({
      kind: 'equals',
      left: { kind: 'location', name: draft.locations[found.step.act.location]?.name ?? '' },
      right: valueAfter(draft, found.step.act),
    });
  }
  // What a thread looks at before its last look is what brings it there: the flag is seen, the pointer is found.
  const reach = [...steps.filter(s => steps.some(o => o.thread === s.thread && o.at > s.at)).map(s => s.part), ...effects];
  return { bad: { kind: 'and', of: parts }, reach: reach.length > 0 ? { kind: 'and', of: reach } : null, watched };
}

/** What must hold for the operation to have done what it is for: it ran, and what it asks for was so. */
function effectOf(draft: Draft, event: Event | Deed, thread?: number): Needed[] | string {
  const found = stepOf(draft, event, 'write', thread);
  if (!found) return `${nameOf(event)} has no meaning in the model`;
  const { act, register, when } = found.step;
  const equals = (name: string, right: Value, not = false): Needed => {
    const left = registerOf(found.thread, name);
    const is: Condition = { kind: 'equals', left, right };
    return { register: left, holds: not ? { kind: 'not', of: is } : is };
  };
  if (act.op === 'add-unless' || (act.op === 'cmpxchg' && act.success)) {
    return register === null ? `${nameOf(event)} gives nothing that could be looked at` : [equals(register, 1)];
  }
  return when.flatMap(guard => (guard.test === 'dependent' ? [] : [equals(guard.register, 0, guard.test === 'nonzero')]));
}

function nameOf(event: Event | Deed): string {
  return 'api' in event ? `${event.api}()` : `an assumed ${event.does}`;
}

interface Needed {
  register: Observed;
  holds: Condition;
}

function holds(condition: Condition, execution: Execution, valueIn: (name: string) => Value): boolean {
  switch (condition.kind) {
    case 'true':
      return true;
    case 'not':
      return !holds(condition.of, execution, valueIn);
    case 'and':
      return condition.of.every(c => holds(c, execution, valueIn));
    case 'or':
      return condition.of.some(c => holds(c, execution, valueIn));
    case 'equals': {
      const { left, right } = condition;
      const value = left.kind === 'register' ? execution.register(left.thread, left.name) : valueIn(left.name);
      return typeof right !== 'object' && value === right;
    }
  }
}

function switches(schedule: Schedule | null): number {
  return (schedule?.order ?? []).reduce((n, e, i, all) => n + (i > 0 && e.thread !== all[i - 1]?.thread ? 1 : 0), 0);
}

/** The cells of the bad state as a person would put it. */
function outcomeOf(claim: Claim, draft: Draft): string {
  if (claim.bad.kind !== 'sees') return '';
  const cellOf = (event: Event | Deed) => {
    const act = stepOf(draft, event, 'write')?.step.act;
    return (act && 'location' in act && draft.locations[act.location]?.name) || 'the cell';
  };
  const reads = claim.bad.reads.map(({ read, from, thread, cell, by }) => {
    const found = stepOf(draft, read, 'read', thread, cell);
    const reader = thread ?? found?.thread ?? 0;
    const says = found?.step.says;
    if (from === 'effect') return { cpu: reader, text: 'does' in read && read.does === 'take' ? `takes ${cellOf(read)}` : `does ${nameOf(read)}` };
    if (says) return { cpu: reader, text: from === 'before' ? says.before : says.after };
    const writer = from === 'before' ? null : (stepOf(draft, from, 'write', by)?.thread ?? 0);
    const at = found?.step.means ?? (found && 'location' in found.step.act ? draft.locations[found.step.act.location]?.name : undefined);
    const finds = `finds ${at ?? 'the cell'}`;
    return { cpu: reader, finds, text: `${finds} ${writer === null ? 'as it was before' : `as CPU ${writer} left it`}` };
  });
  const ends = (claim.bad.ends ?? []).map(e => {
    const found = stepOf(draft, e, 'write');
    const writer = found?.thread ?? 0;
    return found?.step.says ? { cpu: writer, text: found.step.says.after } : { cpu: null, text: `${cellOf(e)} stays as CPU ${writer} left it` };
  });
  const all: { cpu: number | null; finds?: string; text: string }[] = [...reads, ...ends];
  return all
    .map(({ cpu, finds, text }, i) => {
      const before = all[i - 1];
      const goesOn = cpu !== null && before?.cpu === cpu;
      if (goesOn && finds !== undefined && before.finds === finds) return `, then${text.slice(finds.length)}`;
      const last = goesOn && all[i + 1]?.cpu !== cpu;
      return `${i === 0 ? '' : last ? ' and ' : ', '}${cpu === null || goesOn ? '' : `CPU ${cpu} `}${text}`;
    })
    .join('');
}

/** What ran before its turn, in one sentence. */
function reorderingOf(draft: Draft, schedule: Schedule, execution: Execution): string {
  const known = schedule.reordered.filter(([a, b]) => a.source !== null && b.source !== null && accessOf(a) && accessOf(b));
  const [pair] = known.length > 0 ? known : schedule.reordered;
  if (!pair) return '';
  const [first, second] = pair;
  const name = (e: PathEvent) => draftName(draft, execution, e);
  const cpu = `CPU ${first.thread}`;
  const reads = (e: PathEvent) => (e.is & IS.read) !== 0;
  const plain = ((first.is | second.is) & IS.plain) !== 0 ? ', and since not both are marked the compiler may do the same on any machine' : '';
  if (reads(first) && reads(second)) return `${cpu}'s load of ${name(second)} may be satisfied before its load of ${name(first)}${plain}`;
  if (reads(second)) return `${cpu}'s load of ${name(second)} may be satisfied before its store to ${name(first)} is visible${plain}`;
  if (reads(first)) return `${cpu}'s store to ${name(second)} may be visible before its load of ${name(first)} is satisfied${plain}`;
  return `${cpu}'s store to ${name(second)} may be visible before its store to ${name(first)}${plain}`;
}

function accessOf(e: PathEvent): boolean {
  return (e.is & (IS.read | IS.write)) !== 0;
}

function draftName(draft: Draft, execution: Execution, e: PathEvent): string {
  const used = usedLocations(draft);
  return used[execution.locations[e.id] ?? -1] ?? 'the cell';
}

/** Names of the locations in the order of the compiled test. */
function usedLocations(draft: Draft): string[] {
  return compile(draft, { kind: 'true' }).locations.map(l => l.name);
}

/** The schedule as steps for people: what each access found and left; reads of one thread in a row are told at once. */
function tell(claim: Claim, draft: Draft, execution: Execution, schedule: Schedule): Told[] {
  const told: Told[] = [];
  const names = usedLocations(draft);
  const shown = (value: Value) => (typeof value === 'string' ? `&${value}` : String(value));
  const label = (e: PathEvent) => {
    const name = names[execution.locations[e.id] ?? -1] ?? 'the cell';
    const at = draft.locations.findIndex(l => l.name === name);
    const meant = draft.threads.flatMap(t => t.steps).find(s => s.means !== undefined && 'location' in s.act && s.act.location === at)?.means;
    return claim.tie?.names[at] || meant || name;
  };
  const lockBits = IS.lockRead | IS.lockWrite | IS.unlock | IS.lockFail | IS.lockFree;
  const before = new Map<number, Value>();
  for (const e of execution.skeleton.events) if ((e.is & IS.init) !== 0) before.set(execution.locations[e.id] ?? -1, execution.valueAt(e));
  let reads: { e: PathEvent; text: string }[] = [];
  const flush = () => {
    const first = reads[0];
    if (!first) return;
    const distinct = [...new Set(reads.map(r => r.text))];
    const times = reads.length > distinct.length && reads.length % distinct.length === 0 ? `, ${countOf(reads.length / distinct.length)} times` : '';
    told.push({ thread: first.e.thread, text: `reads ${distinct.join(', ')}${times}`, ...placeOf(first.e) });
    reads = [];
  };
  const initial = new Map(before);
  /** How the claim tells the step that the event is, where it does. */
  const saysOf = (e: PathEvent) =>
    draft.threads[e.thread]?.steps.find(
      s =>
        s.says &&
        s.event?.path === e.source?.path &&
        s.event?.line === e.source?.line &&
        'location' in s.act &&
        draft.locations[s.act.location]?.name === names[execution.locations[e.id] ?? -1] &&
        (s.deed === undefined || (s.act.op === 'store') === ((e.is & IS.write) !== 0)),
    )?.says;
  const written = new Set(execution.skeleton.events.flatMap(e => (e.reads ? [e.reads] : [])));
  for (const e of schedule.order) {
    const at = execution.locations[e.id] ?? -1;
    if (reads.length > 0 && reads[0]?.e.thread !== e.thread) flush();
    if ((e.is & lockBits) !== 0) {
      if ((e.is & (IS.lockWrite | IS.unlock)) === 0) continue;
      flush();
      told.push({ thread: e.thread, text: `${(e.is & IS.unlock) !== 0 ? 'unlocks' : 'locks'} ${label(e)}`, ...placeOf(e) });
      continue;
    }
    if ((e.is & (IS.read | IS.write)) === 0) {
      if (e.fence !== 'sync-rcu') continue;
      flush();
      const says = e.source
        ? undefined
        : draft.threads[e.thread]?.steps.find(s => s.says && s.act.op === 'fence' && s.act.fence === 'sync-rcu')?.says;
      told.push({ thread: e.thread, text: says?.after ?? 'waits for a grace period', ...placeOf(e) });
      continue;
    }
    if ((e.is & IS.read) !== 0) {
      const says = saysOf(e);
      if (says) {
        flush();
        told.push({ thread: e.thread, text: execution.valueAt(e) === initial.get(at) ? says.before : says.after, ...placeOf(e) });
      } else if (!written.has(e)) reads.push({ e, text: `${label(e)} ${shown(execution.valueAt(e))}` });
      continue;
    }
    flush();
    const says = saysOf(e);
    if (says) {
      told.push({ thread: e.thread, text: says.after, ...placeOf(e) });
      before.set(at, execution.valueAt(e));
      continue;
    }
    const old = before.get(at) ?? 0;
    const fresh = execution.valueAt(e);
    const [from, to] = [shown(old), shown(fresh)];
    told.push({ thread: e.thread, text: `${label(e)}: ${from === to ? `${from}, stays ${to}` : `${from} -> ${to}`}`, ...placeOf(e) });
    before.set(at, fresh);
  }
  flush();
  return told;
}

function countOf(n: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'][n] ?? String(n);
}

function placeOf(e: PathEvent): { path: string; line: number } {
  return e.source ? { path: e.source.path, line: e.source.line } : { path: '', line: 0 };
}
