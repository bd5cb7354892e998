/** Claims about two cells that an invariant ties: which states count as consistent is computed from the functions that update them. */
import type { Execution } from '../lkmm/executions.ts';
import type { Condition, LitmusValue } from '../lkmm/litmus.ts';
import type { Schedule } from '../lkmm/order.ts';
import { IS } from '../lkmm/paths.ts';
import type { Claim } from '../model/rule.ts';
import { compile } from './compile.ts';
import { type Draft, type DraftThread, LANE, writes } from './draft.ts';
import { type Question, registerOf, switchesIn } from './question.ts';
import { runSerially } from './serial.ts';
import { startOf } from './values.ts';

type State = [LitmusValue, LitmusValue];

export interface Pair {
  /** The program from each consistent state of the two cells. */
  starts(draft: Draft): Draft[];
  question(program: Draft): Question | string;
}

/** Threads of a claim are few; more than this many have no use for all their orders. */
const MOST_PERMUTED = 5;

/** What the claim's pair comes to: the two cells are the first two locations of the draft, and the threads after the claim's own settle them. */
export function pairOf(claim: Claim, all: Draft): Pair {
  const settlers = all.threads.slice(claim.threads.length);
  const consistent = consistentStates(all, settlers);
  const states = new Set(consistent.map(s => s.join()));
  return {
    starts: draft => consistent.map(state => startingAt(draft, state)),
    question: program => questionOf(claim, program, states),
  };
}

function startingAt(draft: Draft, state: State): Draft {
  const number = (v: LitmusValue | undefined) => (typeof v === 'number' ? v : 0);
  const [a, b] = state;
  return {
    ...draft,
    locations: draft.locations.map((l, i) =>
      draft.word ? (i === 0 ? { ...l, initial: number(a) + (number(b) << LANE) } : l) : i < 2 ? { ...l, initial: number(state[i]) } : l,
    ),
  };
}

/**
 * The states in which one of the updating functions leaves the cells when it runs alone. What is consistent is what they establish: it is
 * computed from them, and the cells may start in each of these states.
 */
function consistentStates(draft: Draft, settlers: DraftThread[]): State[] {
  const updating = settlers.filter(t => t.steps.some(s => writes(s.act)));
  const counts = updating.some(t => t.steps.some(s => s.act.op === 'rmw' && (s.act.update === '+' || s.act.update === '-')));
  if (counts || updating.length === 0) return [[0, 0]];
  const guesses: State[] = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ];
  const ends = new Map<string, State>();
  for (const guess of guesses) {
    for (const thread of updating) {
      const start = startingAt(draft, guess);
      const end = runSerially(start, [thread]);
      const cells = cellsOf(start, end.location);
      ends.set(cells.join(), cells);
    }
  }
  return ends.size === 0 ? [[0, 0]] : [...ends.values()].sort((x, y) => (x.join() < y.join() ? -1 : 1));
}

function registersOf(step: Draft['threads'][number]['steps'][number]): string[] {
  if (step.act.op === 'word') return step.act.parts.flatMap(p => p.register ?? []);
  return step.register === null ? [] : [step.register];
}

/** The values of the two cells, of which the locations are told. */
function cellsOf(draft: Draft, at: (location: number) => LitmusValue): State {
  const first = at(0);
  if (!draft.word) return [first, at(1)];
  return typeof first === 'number' ? [first & 255, (first >> LANE) & 255] : [first, 0];
}

function questionOf(claim: Claim, program: Draft, consistent: ReadonlySet<string>): Question | string {
  const names = claim.tie?.names ?? ['', ''];
  const results = claim.threads.map((thread, t) => {
    const returned = new Set(thread.fn.flow.flatMap(n => n.returns ?? []));
    const parts = (program.threads[t]?.steps ?? []).flatMap(s => registersOf(s).map(register => ({ register, event: s.event })));
    return parts.find(s => s.event !== null && s.event.kind === 'rmw' && returned.has(s.event.index))?.register ?? null;
  });
  const orders = permutations(program.threads.map((_, i) => i)).map(order =>
    runSerially(
      program,
      order.flatMap(i => program.threads[i] ?? []),
    ),
  );
  const ends = new Set(orders.map(e => cellsOf(program, e.location).join()));
  const legal = new Set(orders.map(e => results.map(r => (r === null ? '' : e.register(r))).join()));
  const resultText = (execution: Execution) => results.map((r, t) => (r === null ? '' : execution.register(t, r))).join();
  const samples = samplesOf(claim, program);
  const index = new Map(compile(program, { kind: 'true' }).locations.map((l, i) => [l.name, i]));
  // Locations of the test by those of the program: what no step touches is not in the test, and stays as it starts.
  const at = program.locations.map(l => index.get(l.name));
  const cells = (execution: Execution) =>
    cellsOf(program, location => {
      const known = at[location];
      return known === undefined ? startOf(program, location) : execution.location(known);
    });
  const cellCondition = (execution: Execution): Condition[] => {
    const state = cells(execution);
    return program.locations
      .slice(0, 2)
      .map((l, i): Condition => ({ kind: 'equals', left: { kind: 'location', name: l.name }, right: state[i] ?? 0 }));
  };
  const falseAlarm = claim.bad.kind === 'false-alarm';
  if (falseAlarm && samples.length === 0) return 'no sample of the pair is in the path';
  return {
    bad: execution => {
      const state = cells(execution).join();
      if (!falseAlarm) return !ends.has(state);
      return consistent.has(state) && samples.every(s => !consistent.has(s.map(r => execution.register(1, r)).join()));
    },
    reached: () => true,
    condition: execution => ({
      kind: 'and',
      of: [
        ...(falseAlarm ? samples.flat().map((r): Condition => ({ kind: 'equals', left: registerOf(1, r), right: execution.register(1, r) })) : []),
        ...cellCondition(execution),
      ],
    }),
    likewise: condition => (program.word ? inOneWord(program, condition) : condition),
    watched: new Set(),
    // Of several executions the one told is that which no caller notices, and in which every call begins by changing something.
    rank: (execution, schedule) => [
      legal.has(resultText(execution)) ? 0 : 1,
      idleStarts(execution, schedule),
      switchesIn(schedule),
      schedule?.order.length ?? 0,
    ],
    outcome: execution => {
      const state = cells(execution);
      const text = names.map((name, i) => `${name} ${state[i]}`).join(', ');
      if (falseAlarm) return `${claim.threads[1]?.fn.name ?? 'the reader'}() reports a mismatch although the pair ends consistent: ${text}`;
      const unnoticed = legal.has(resultText(execution)) && results.some(r => r !== null);
      return `${text}${unnoticed ? '; both calls return what they would if one ran after the other' : ''}`;
    },
  };
}

/** For each sample the registers of the second thread with what it saw, in the order of the cells. A retried sample has several. */
function samplesOf(claim: Claim, program: Draft): [string, string][] {
  if (claim.bad.kind !== 'false-alarm') return [];
  const loads = (program.threads[1]?.steps ?? []).flatMap(s =>
    s.act.op === 'word'
      ? s.act.parts.flatMap(p => (p.act.op === 'load' && p.register !== null ? [{ location: p.shift / LANE, register: p.register }] : []))
      : s.act.op === 'load' && s.act.location < 2 && s.register !== null
        ? [{ location: s.act.location, register: s.register }]
        : [],
  );
  const of = (cell: number) => loads.filter(l => l.location === cell).map(l => l.register);
  const [first, second] = [of(0), of(1)];
  return first.slice(0, second.length).map((r, i): [string, string] => [r, second[i] ?? '']);
}

/** A condition on the two cells, for a program that keeps them in one word. */
function inOneWord(program: Draft, condition: Condition): Condition {
  const parts = condition.kind === 'and' ? condition.of : [condition];
  const values = parts.flatMap(p => (p.kind === 'equals' && p.left.kind === 'location' && typeof p.right === 'number' ? [p.right] : []));
  const word = values.reduce((sum, v, i) => sum + (v << (LANE * i)), 0);
  const registers = parts.filter(p => p.kind === 'equals' && p.left.kind === 'register');
  return { kind: 'and', of: [...registers, { kind: 'equals', left: { kind: 'location', name: program.locations[0]?.name ?? '' }, right: word }] };
}

/** Threads whose first update leaves its cell as it was: the caller did something out of turn already. */
function idleStarts(execution: Execution, schedule: Schedule | null): number {
  const values = new Map<number, LitmusValue>();
  for (const e of execution.skeleton.events) if ((e.is & IS.init) !== 0) values.set(execution.locations[e.id] ?? -1, execution.valueAt(e));
  const begun = new Set<number>();
  let idle = 0;
  for (const e of schedule?.order ?? []) {
    if ((e.is & IS.write) === 0 || (e.is & (IS.lockWrite | IS.unlock)) !== 0) continue;
    const at = execution.locations[e.id] ?? -1;
    const fresh = execution.valueAt(e);
    if (!begun.has(e.thread) && values.get(at) === fresh) idle++;
    begun.add(e.thread);
    values.set(at, fresh);
  }
  return idle;
}

function permutations(list: number[]): number[][] {
  if (list.length <= 1 || list.length > MOST_PERMUTED) return [list];
  return list.flatMap((x, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map(rest => [x, ...rest]));
}
