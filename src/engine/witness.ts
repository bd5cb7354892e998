/** Decides a claim, and tells the execution in words. */
import { type Decision, decide } from '../lkmm/decide.ts';
import type { Final, Step } from '../lkmm/explore.ts';
import { litmus } from '../lkmm/print.ts';
import { type Program, size } from '../lkmm/program.ts';
import type { Fix, HeldReason, Step as Told, Verdict, Witness } from '../model/finding.ts';
import type { Claim } from '../model/rule.ts';
import { type Lowered, lower, resultText, serialEnds, serialResults } from './lower.ts';

/** Programs of more instructions are not decided. */
export const MOST_EVENTS = 64;

/** `refuted`: the checker has decided that no execution ends so; else a claim that is held was not decided at all. */
export type Decided = { witness: Witness; fixes: Fix[] } | { held: HeldReason; detail: string; refuted: boolean };

export function decideClaim(claim: Claim): Decided {
  const lowered = lower(claim, null);
  if (typeof lowered === 'string') return { held: 'not-decided', detail: lowered, refuted: false };
  if (lowered.programs.some(p => size(p) > MOST_EVENTS)) return { held: 'too-large', detail: `more than ${MOST_EVENTS} events`, refuted: false };
  const bug = run(claim, lowered);
  if (bug.verdict !== 'Sometimes' && bug.verdict !== 'Always') {
    const reason = bug.verdict === 'Never' ? 'no execution ends so' : (bug.decision?.reason ?? bug.verdict);
    return {
      held: 'not-decided',
      detail: `${claim.threads.map(t => `${t.fn.name}()`).join(' against ')}: ${reason}`,
      refuted: bug.verdict === 'Never',
    };
  }
  const fixes: Fix[] = [];
  let fixed: { lowered: Lowered; reach: Verdict } | null = null;
  for (const edit of claim.edits) {
    const cured = lower(claim, edit);
    if (typeof cured === 'string') continue;
    const after = run(claim, cured);
    fixes.push({ text: edit.text, edit: edit.kind, fixedVerdict: after.verdict });
    if (after.verdict === 'Never' && after.reach === 'Sometimes') fixed ??= { lowered: cured, reach: after.reach };
  }
  if (!fixed || !bug.final || !bug.program) return { held: 'not-decided', detail: 'no edit was decided Never', refuted: false };
  const condition = conditionOf(claim, bug.program, bug.final);
  return {
    fixes: fixes.filter(f => f.fixedVerdict === 'Never'),
    witness: {
      kind: 'state',
      verdict: bug.verdict,
      fixedVerdict: 'Never',
      reach: bug.reach,
      strength: 'sc',
      assumes: lowered.assumes,
      threads: claim.threads.map(t => ({ name: `${t.fn.name}()`, function: t.fn.name })),
      steps: tell(claim, bug.program, bug.final, lowered),
      outcome: outcomeOf(claim, bug.program, bug.final, lowered),
      reordering: '',
      litmus: litmus(bug.program, condition),
      fixedLitmus: litmus(fixed.lowered.programs.find(p => sameStart(p, bug.program)) ?? bug.program, condition),
    },
  };
}

function sameStart(a: Program, b: Program | undefined): boolean {
  return a.cells.every((c, i) => c.initial === b?.cells[i]?.initial);
}

interface Ran {
  verdict: Verdict;
  reach: Verdict;
  decision?: Decision;
  program?: Program;
  final?: Final;
}

/** Decides the claim from each start that the cells may have. */
function run(claim: Claim, lowered: Lowered): Ran {
  let reach: Verdict = 'Never';
  let unshown: Decision | null = null;
  const shown: (Ran & { rank: number[] })[] = [];
  for (const program of lowered.programs) {
    const bad = badOf(claim, program, lowered);
    const decision = decide(program, bad);
    if (decision.finals.some(final => !bad(final))) reach = 'Sometimes';
    if (unshown === null || decision.verdict !== 'Never') unshown = decision;
    if (decision.verdict !== 'Sometimes' && decision.verdict !== 'Always') continue;
    const legal = serialResults(program, lowered.results);
    for (const final of decision.witnesses) {
      const noticed = legal.has(resultText(final, lowered.results)) ? 0 : 1;
      shown.push({ verdict: decision.verdict, reach, decision, program, final, rank: [noticed, idleStarts(final), final.schedule.length] });
    }
  }
  // Of several executions the one told is that which no caller notices, and in which every call begins by changing something.
  const [best] = shown.sort((a, b) => compare(a.rank, b.rank));
  if (best) return { ...best, reach };
  return unshown ? { verdict: unshown.verdict, reach, decision: unshown } : { verdict: 'unsupported', reach };
}

/** Threads whose first update leaves its cell as it was: the caller did something out of turn already. */
function idleStarts(final: Final): number {
  const begun = new Set<number>();
  let idle = 0;
  for (const step of final.schedule) {
    if (begun.has(step.thread) || !step.changes.some(c => c.write)) continue;
    begun.add(step.thread);
    if (step.changes.every(c => c.before === c.after)) idle++;
  }
  return idle;
}

function compare(a: number[], b: number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x - (b[i] ?? 0);
  return 0;
}

function badOf(claim: Claim, program: Program, lowered: Lowered): (final: Final) => boolean {
  const { bad } = claim;
  if (bad.kind === 'unserialisable') {
    const ends = serialEnds(program);
    return final => !ends.has(final.cells.join());
  }
  const consistent = new Set(lowered.consistent.map(state => state.join()));
  return final =>
    consistent.has(final.cells.join()) &&
    lowered.samples.length > 0 &&
    lowered.samples.every(([a, b]) => {
      const seen = sampleOf(claim, lowered, final, a, b);
      return seen !== null && !consistent.has(seen.join());
    });
}

/** What a sample saw, in the order of the cells. */
function sampleOf(claim: Claim, lowered: Lowered, final: Final, a: string, b: string): [unknown, unknown] | null {
  const program = lowered.programs[0];
  const cellOf = (register: string) => {
    const [thread = '', name = ''] = register.split(':');
    const load = program?.threads[Number(thread)]?.body
      .flatMap(i => (i.op === 'together' ? i.parts : [i]))
      .find(i => i.op === 'load' && i.into === name);
    return load?.op === 'load' ? load.cell : -1;
  };
  const [x, y] = [final.registers.get(a), final.registers.get(b)];
  if (x === undefined || y === undefined || claim.tie.keys.length !== 2) return null;
  return cellOf(a) === 0 ? [x, y] : [y, x];
}

function conditionOf(claim: Claim, program: Program, final: Final): string {
  const cells = program.cells.map((c, i) => `${c.name}=${final.cells[i]}`);
  if (claim.bad.kind === 'unserialisable') return cells.join(' /\\ ');
  const registers = [...final.registers].filter(([k]) => k.startsWith('1:')).map(([k, v]) => `${k}=${v}`);
  return [...registers, ...cells].join(' /\\ ');
}

/** The schedule as steps for people; what a thread does unchanged again and again is told once. */
function tell(claim: Claim, program: Program, final: Final, lowered: Lowered): Told[] {
  const told: Told[] = [];
  const names = claim.tie.names;
  let reads: { thread: number; step: Step }[] = [];
  const flush = () => {
    const first = reads[0];
    if (!first) return;
    const seen = reads.flatMap(r => r.step.changes.map(c => ({ name: names[c.cell], value: c.before })));
    const distinct = [...new Set(seen.map(s => `${s.name} ${s.value}`))];
    const place = placeOf(program, first.step);
    const samples = lowered.samples.length > 0 ? seen.length / 2 : 0;
    const times = samples >= 2 && distinct.length === 2 ? `, ${countOf(samples)} times` : '';
    told.push({ thread: first.thread, text: `reads ${distinct.join(', ')}${times}`, ...place });
    reads = [];
  };
  for (const step of final.schedule) {
    if (step.changes.length === 0) continue;
    if (reads.length > 0 && (reads[0]?.thread !== step.thread || step.changes.some(c => c.write))) flush();
    if (step.changes.every(c => !c.write)) {
      reads.push({ thread: step.thread, step });
      continue;
    }
    const text = step.changes
      .map(c => `${names[c.cell]}: ${c.before === c.after ? `${c.before}, stays ${c.after}` : `${c.before} -> ${c.after}`}`)
      .join('; ');
    told.push({ thread: step.thread, text, ...placeOf(program, step) });
  }
  flush();
  return told;
}

function countOf(n: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'][n] ?? String(n);
}

function placeOf(program: Program, step: Step): { path: string; line: number } {
  return program.threads[step.thread]?.body[step.instruction]?.place ?? { path: '', line: 0 };
}

function outcomeOf(claim: Claim, program: Program, final: Final, lowered: Lowered): string {
  const cells = claim.tie.names.map((name, i) => `${name} ${final.cells[i]}`).join(', ');
  if (claim.bad.kind === 'false-alarm') {
    const reader = claim.threads[1]?.fn.name ?? 'the reader';
    return `${reader}() has reported a fault; the pair ends consistent: ${cells}`;
  }
  const legal = serialResults(program, lowered.results).has(resultText(final, lowered.results)) && lowered.results.some(r => r !== null);
  return `${cells}${legal ? '; both calls return what they return when one runs after the other' : ''}`;
}
