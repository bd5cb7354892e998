/** Small concurrent programs: cells, threads, instructions. What they mean is in explore.ts. */

/** Numbers, or symbols that are equal only to themselves. */
export type Value = number | string;

/** As in tools/memory-model: relaxed is ONCE; full is an access with a full barrier on both sides. */
export type Order = 'plain' | 'relaxed' | 'acquire' | 'release' | 'full';

export type Update =
  | { kind: 'put'; value: Value }
  /** Numbers only. */
  | { kind: 'add'; value: number }
  /** 0 becomes 1, anything else 0. */
  | { kind: 'flip' };

interface Instructed {
  /** Where in the code the instruction comes from; null for what stands for something out of view. */
  place: { path: string; line: number } | null;
  /** Runs only where the register, set earlier in the thread, is zero (or is not). */
  when?: { register: string; zero: boolean };
}

/** Cells, locks and threads are named by their position in the program. */
export type Instruction = Instructed &
  (
    | { op: 'load'; cell: number; into: string; order: Order }
    | { op: 'store'; cell: number; value: Value; order: Order }
    | { op: 'rmw'; cell: number; update: Update; into: string; order: Order }
    | { op: 'fence'; order: 'full' | 'rmb' | 'wmb' }
    | { op: 'lock' | 'unlock'; lock: number }
    /** One access to one word that holds the cells: its parts happen at once. */
    | { op: 'together'; parts: Instruction[] }
  );

export interface Thread {
  name: string;
  body: Instruction[];
}

export interface Program {
  name: string;
  cells: { name: string; initial: Value }[];
  locks: string[];
  threads: Thread[];
}

/** Instructions of a program, parts counted one by one. */
export function size(program: Program): number {
  const count = (list: Instruction[]): number => list.reduce((n, i) => n + (i.op === 'together' ? count(i.parts) : 1), 0);
  return program.threads.reduce((n, t) => n + count(t.body), 0);
}
