/**
 * All interleavings of a program's instructions, each on one memory: the sequentially consistent executions.
 * Every one of them is an execution under the Linux-kernel memory model too, so a state found here is a state of the code. The converse
 * holds only for programs that have no weaker executions; `onlySequential` says which.
 */
import type { Instruction, Program, Update, Value } from './program.ts';

/** One step of a schedule: the thread, the instruction's position in it, and what the cells went through. */
export interface Step {
  thread: number;
  instruction: number;
  changes: { cell: number; before: Value; after: Value; write: boolean }[];
}

/** Where an execution ends: cells by position, registers as `thread:register`. */
export interface Final {
  cells: Value[];
  registers: Map<string, Value>;
  /** One schedule that ends here, with the fewest changes of thread. */
  schedule: Step[];
}

export interface Explored {
  finals: Final[];
  /** Some interleaving ends with a thread that waits for a lock for ever. */
  deadlock: boolean;
  /** States visited; null where the budget ran out and the finals are not all. */
  states: number | null;
}

/** States that one exploration may visit. Counted, never timed: the same program gives the same answer everywhere. */
export const BUDGET = 200_000;

interface State {
  at: number[];
  cells: Value[];
  registers: Map<string, Value>;
  owners: number[];
  last: number;
  switches: number;
  from: State | null;
  step: Step | null;
}

/** Visits every interleaving, fewest changes of thread first. */
export function explore(program: Program, budget = BUDGET): Explored {
  const start: State = {
    at: program.threads.map(() => 0),
    cells: program.cells.map(c => c.initial),
    registers: new Map(),
    owners: program.locks.map(() => -1),
    last: -1,
    switches: 0,
    from: null,
    step: null,
  };
  const seen = new Set<string>();
  const finals = new Map<string, Final>();
  let deadlock = false;
  let visited = 0;
  let level = [start];
  while (level.length > 0) {
    const later: State[] = [];
    for (let state = level.pop(); state; state = level.pop()) {
      const key = keyOf(state);
      if (seen.has(key)) continue;
      seen.add(key);
      if (++visited > budget) return { finals: [...finals.values()], deadlock, states: null };
      const next = program.threads.flatMap((_, thread) => advance(program, state, thread));
      if (next.length === 0) {
        if (state.at.some((at, t) => at < (program.threads[t]?.body.length ?? 0))) deadlock = true;
        else {
          const end = `${state.cells.join()};${registerText(state.registers)}`;
          if (!finals.has(end)) finals.set(end, { cells: state.cells, registers: state.registers, schedule: scheduleOf(state) });
        }
        continue;
      }
      // Pushed last to first, so that the first thread goes on first.
      for (const s of next.reverse()) (s.switches === state.switches ? level : later).push(s);
    }
    level = later.reverse();
  }
  return { finals: [...finals.values()], deadlock, states: visited };
}

function keyOf(s: State): string {
  return `${s.at.join()};${s.cells.join()};${s.owners.join()};${s.last};${registerText(s.registers)}`;
}

function registerText(registers: Map<string, Value>): string {
  return [...registers]
    .map(([k, v]) => `${k}=${v}`)
    .sort()
    .join();
}

function advance(program: Program, state: State, thread: number): State[] {
  const at = state.at[thread] ?? 0;
  const instruction = program.threads[thread]?.body[at];
  if (!instruction) return [];
  const cells = [...state.cells];
  const registers = new Map(state.registers);
  const owners = [...state.owners];
  if (instruction.op === 'lock') {
    if (owners[instruction.lock] !== -1) return [];
    owners[instruction.lock] = thread;
  } else if (instruction.op === 'unlock') owners[instruction.lock] = -1;
  const changes = act(instruction, thread, cells, registers);
  const switches = state.switches + (state.last === thread || state.last === -1 ? 0 : 1);
  const moved = state.at.map((a, t) => (t === thread ? a + 1 : a));
  return [{ at: moved, cells, registers, owners, last: thread, switches, from: state, step: { thread, instruction: at, changes } }];
}

function act(instruction: Instruction, thread: number, cells: Value[], registers: Map<string, Value>): Step['changes'] {
  const { when } = instruction;
  if (when && (registers.get(`${thread}:${when.register}`) === 0) !== when.zero) return [];
  switch (instruction.op) {
    case 'load':
    case 'store':
    case 'rmw': {
      const { cell } = instruction;
      const before = cells[cell] ?? 0;
      const after = instruction.op === 'load' ? before : instruction.op === 'store' ? instruction.value : updated(before, instruction.update);
      if (instruction.op !== 'store') registers.set(`${thread}:${instruction.into}`, before);
      cells[cell] = after;
      return [{ cell, before, after, write: instruction.op !== 'load' }];
    }
    case 'together':
      return instruction.parts.flatMap(part => act(part, thread, cells, registers));
    default:
      return [];
  }
}

function updated(before: Value, update: Update): Value {
  switch (update.kind) {
    case 'put':
      return update.value;
    case 'add':
      return typeof before === 'number' ? before + update.value : `${before}${update.value < 0 ? '' : '+'}${update.value}`;
    case 'flip':
      return before === 0 ? 1 : 0;
  }
}

function scheduleOf(end: State): Step[] {
  const steps: Step[] = [];
  for (let state: State | null = end; state?.step; state = state.from) steps.push(state.step);
  return steps.reverse();
}

/** The states in which the program ends when its threads run one after the other, in each order. */
export function serial(program: Program): Final[] {
  return permutations(program.threads.map((_, i) => i)).flatMap(order => {
    const cells = program.cells.map(c => c.initial);
    const registers = new Map<string, Value>();
    const schedule: Step[] = [];
    for (const thread of order) {
      for (const [instruction, it] of (program.threads[thread]?.body ?? []).entries())
        schedule.push({ thread, instruction, changes: act(it, thread, cells, registers) });
    }
    return [{ cells, registers, schedule }];
  });
}

/** Threads of a claim are few; more than this many have no use for all their orders. */
const MOST_PERMUTED = 5;

function permutations(list: number[]): number[][] {
  if (list.length <= 1 || list.length > MOST_PERMUTED) return [list];
  return list.flatMap((x, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map(rest => [x, ...rest]));
}

/**
 * True where the program has no executions but the interleavings: every access is a fully ordered read-modify-write, or every access to a
 * cell stands under one lock that all its users take, or all accesses are to one word (coherence).
 */
export function onlySequential(program: Program): boolean {
  const unguarded = program.cells.map((_, cell) => {
    const guards = program.threads.flatMap(t => guardsOf(t.body, cell));
    return guards.length > 0 && !program.locks.some((_, lock) => guards.every(held => held.has(lock)));
  });
  if (!unguarded.includes(true)) return true;
  const open = program.threads.flatMap(t => t.body).filter(i => i.op === 'load' || i.op === 'store' || i.op === 'rmw' || i.op === 'together');
  if (open.every(i => i.op === 'together' && cellsOf(i).length === program.cells.length)) return true;
  if (program.cells.length === 1) return true;
  return open.every(i => i.op === 'rmw' && i.order === 'full');
}

function cellsOf(i: Instruction): number[] {
  if (i.op === 'together') return [...new Set(i.parts.flatMap(cellsOf))];
  return i.op === 'load' || i.op === 'store' || i.op === 'rmw' ? [i.cell] : [];
}

/** For each access of the thread to the cell, the locks held. */
function guardsOf(body: Instruction[], cell: number): Set<number>[] {
  const held = new Set<number>();
  const found: Set<number>[] = [];
  for (const i of body) {
    if (i.op === 'lock') held.add(i.lock);
    else if (i.op === 'unlock') held.delete(i.lock);
    else if (cellsOf(i).includes(cell)) found.push(new Set(held));
  }
  return found;
}
