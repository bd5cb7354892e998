/** Decides a claim with the checker, and tells the execution that shows it. */
import { called } from '../c/calls/callees.ts';
import type { Budget } from '../lkmm/budget.ts';
import { executions } from '../lkmm/executions.ts';
import type { LitmusTest, Observed } from '../lkmm/litmus.ts';
import { type Strength, scheduleOf, strengthOf } from '../lkmm/order.ts';
import { printLitmus } from '../lkmm/text.ts';
import type { Fix, HeldReason, ShownStep, Verdict, Witness } from '../model/finding.ts';
import type { Claim } from '../model/rule.ts';
import { compile } from './compile.ts';
import { loweredSteps } from './describe.ts';
import { type Draft, stepOf } from './draft.ts';
import { edited } from './edits.ts';
import { reorderingOf, shownSteps } from './explanation.ts';
import { lower, type OnEntry, type Reading } from './lower.ts';
import { type Pair, pairOf } from './pair.ts';
import { type Question, questionOf } from './question.ts';
import { describeUnnamed } from './unnamed.ts';
import { settlePointers, settleValues } from './values.ts';

/** Steps of a program beyond which nothing is decided. */
const MOST_STEPS = 64;

/** Checks of candidates that one program of a claim may take, and those of a whole review; counted, so that the answer is the same on every machine. */
const BUDGET = 5_000;
export const REVIEW_BUDGET = 500_000;

/** `refuted`: the checker has decided that no execution shows this; else a claim that is held was not decided at all. */
export type WitnessOrHeld = { witness: Witness; fixes: Fix[] } | { held: HeldReason; detail: string; refuted: boolean };

/** Of a function by itself: what it says of its callers. */
const BY_ITSELF: OnEntry = fn => ({ locks: fn.entryLocks, context: [] });

/**
 * Decides the claim: the bug must be possible, an edit must make it impossible, and what the code is for must stay possible in both. `onEntry` gives what
 * the callers of a function hold.
 */
export function decideClaim(claim: Claim, review: Budget = { left: REVIEW_BUDGET }, onEntry: OnEntry = BY_ITSELF): WitnessOrHeld {
  const who = [...claim.threads.map(t => `${t.fn.name}()`), ...(claim.others ?? []).map(o => o.who)].join(' against ');
  const bug = decide(claim, draftsOf(claim, 'strongest', null, onEntry), review);
  if ('reason' in bug) return { held: bug.reason.startsWith('more than') ? 'too-large' : 'not-decided', detail: bug.reason, refuted: false };
  if (bug.verdict === 'unsupported') return { held: 'not-decided', detail: `${who}: too many executions`, refuted: false };
  if (!bug.shown) return notShown(claim, who, bug, review, onEntry);
  const { shown } = bug;
  const fixes: Fix[] = [];
  const enough = new Set<Claim['edits'][number]>();
  let fixed: Ran | null = null;
  for (const edit of claim.edits) {
    // Where one half does, nobody needs both.
    if (edit.kind === 'both' && edit.edits.some(half => enough.has(half))) continue;
    const drafts = draftsOf(claim, 'weakest', edit, onEntry);
    if (typeof drafts === 'string') continue;
    const after = decide(claim, drafts, review);
    if ('reason' in after) continue;
    fixes.push({ text: edit.text, edit: edit.kind, fixedVerdict: after.verdict });
    if (after.verdict === 'Never') enough.add(edit);
    if (after.verdict === 'Never' && after.reach === 'Sometimes') fixed ??= after;
  }

  if (!fixed || bug.reach !== 'Sometimes')
    return {
      held: 'not-decided',
      detail: fixed ? `${who}: the intended outcome can't happen either` : `${who}: no fix was found that rules it out`,
      refuted: false,
    };
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
        ...claim.threads.map(t => ({ name: describeUnnamed(`${t.fn.name}()`), function: t.fn.name })),
        ...(claim.others ?? []).map(o => ({ name: `${o.who} (assumed)`, function: null })),
      ],
      steps: shown.steps,
      outcome: shown.outcome,
      reordering: shown.reordering,
      litmus: printLitmus(shown.test),
      fixedLitmus: printLitmus(fixed.likeShown(shown)),
      lowered: loweredSteps(shown.draft),
      fixedLowered: loweredSteps(fixed.draft),
    },
  };
}

/** Why a bug that no execution shows is held: an unknown call may hide it, the threads may say nothing, or the checker has refuted it. */
function notShown(claim: Claim, who: string, bug: Ran, review: Budget, onEntry: OnEntry): WitnessOrHeld {
  const [call] = bug.opaque;
  const weak = call && decide(claim, draftsOf(claim, 'weakest', null, onEntry), review);
  if (weak && !('reason' in weak) && weak.shown)
    return { held: 'opaque-in-between', detail: `${who}: can't happen if ${called(call)}() in ${call.fn.name}() is a full barrier`, refuted: false };
  // Where not even what the code is for can happen, the threads as lowered say nothing of the code.
  if (claim.stands && bug.reach !== 'Sometimes')
    return { held: 'not-decided', detail: `${who}: the intended outcome can't happen either`, refuted: false };
  return { held: 'not-decided', detail: `${who}: no execution shows this`, refuted: true };
}

/** An execution that shows the bug, already in words: what the checker hands out is gone after the visit. */
interface Shown {
  draft: Draft;
  test: LitmusTest;
  strength: Strength;
  steps: ShownStep[] | null;
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
function draftsOf(claim: Claim, reading: Reading, edit: Claim['edits'][number] | null, onEntry: OnEntry): Drafts | string {
  const all = lower(claim, reading, onEntry, [...claim.threads, ...(claim.settledBy ?? [])]);
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

/** Every execution of the program, from each of the states that it may start from: can it end badly, can it do what it is for, and which one tells it best. */
function decide(claim: Claim, drafts: Drafts | string, review: Budget): Ran | { reason: string } {
  if (typeof drafts === 'string') return { reason: drafts };
  const { draft, pair } = drafts;
  const programs: { test: LitmusTest; question: Question }[] = [];
  let verdict: Verdict = 'Never';
  let reach: Verdict = 'Never';
  let best: Shown | null = null;
  let over = false;
  for (const [start, program] of (pair ? pair.starts(draft) : [draft]).entries()) {
    const question = pair ? pair.question(program) : questionOf(claim, program);
    if (typeof question === 'string') return { reason: question };
    const test = compile(program, { kind: 'true' }, question.watched);
    programs.push({ test, question });
    const names = test.locations.map(l => l.name);
    const budget = { left: Math.min(BUDGET, review.left) };
    const given = budget.left;
    const reason = executions(test, budget, execution => {
      const ends = (o: Observed) => {
        if (o.kind === 'register') return execution.register(o.thread, o.name);
        const at = names.indexOf(o.name);
        return at < 0 ? 0 : execution.location(at);
      };
      const bad = question.bad(execution, ends);
      // Two accesses that nothing orders race in every execution in which both run: that is no sign that nothing else can happen.
      if ((!bad || claim.bad.kind === 'race') && question.reached(execution, ends)) reach = 'Sometimes';
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
      const scene = { claim, draft: program, execution, names };
      best = {
        draft: program,
        test: { ...test, condition: question.condition(execution) },
        strength,
        steps: schedule && shownSteps(scene, schedule),
        outcome: question.outcome(execution),
        reordering: schedule ? reorderingOf(scene, schedule) : 'a store reaches one CPU before another',
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
      const program = programs[s.start] ?? programs[0];
      return program ? { ...program.test, condition: program.question.likewise(s.test.condition) } : s.test;
    },
  };
}

const RANK: Record<Strength, number> = { sc: 0, tso: 1, weak: 2 };

function compare(a: number[], b: number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x - (b[i] ?? 0);
  return 0;
}
