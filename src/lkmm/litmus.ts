/** A litmus test as data: what herd7's C language says for the Linux kernel, and what claims are lowered to. What it means is in model.ts. */

/** Where in some code an access comes from; absent on what was read from a litmus file or stands for something out of view. */
export interface LitmusSource {
  path: string;
  line: number;
}

/** What bears on the order of one access, as in tools/memory-model/linux-kernel.def. `noreturn` marks read-modify-writes that give no value. */
export type Tag = 'plain' | 'once' | 'acquire' | 'release' | 'mb' | 'noreturn';

/** The fences of tools/memory-model/linux-kernel.bell; the RCU markers and grace periods count among them. */
export type FenceKind =
  | 'mb'
  | 'rmb'
  | 'wmb'
  | 'barrier'
  | 'before-atomic'
  | 'after-atomic'
  | 'after-spinlock'
  | 'after-unlock-lock'
  | 'after-srcu-read-unlock'
  | 'rcu-lock'
  | 'rcu-unlock'
  | 'sync-rcu';

/** `&~` is and-not; `=` puts the operand whatever was there (xchg). */
export type UpdateOp = '+' | '-' | '&' | '|' | '^' | '&~' | '=';

export type BinaryOp = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '&&' | '||';

/** An integer, or the address of a location by its name. */
export type LitmusValue = number | string;

/** Pure parts, and accesses that give a value. `at` gives an address. */
export type Expression =
  | { kind: 'value'; value: LitmusValue }
  | { kind: 'register'; name: string }
  | { kind: 'unary'; op: '!' | '~' | '-'; of: Expression }
  | { kind: 'binary'; op: BinaryOp; left: Expression; right: Expression }
  | { kind: 'load'; tag: Tag; at: Expression; source?: LitmusSource }
  /** Gives the value before or after; `none` gives nothing that may be used. */
  | { kind: 'rmw'; op: UpdateOp; tag: Tag; at: Expression; operand: Expression; gives: 'old' | 'new' | 'none'; source?: LitmusSource }
  /** Gives the value before; without effect, and without order, where that is not `expected`. */
  | { kind: 'cmpxchg'; tag: Tag; at: Expression; expected: Expression; desired: Expression; source?: LitmusSource }
  /** atomic_add_unless(): gives 1 where it added, 0 where the value was `unless`. */
  | { kind: 'add-unless'; tag: Tag; at: Expression; operand: Expression; unless: Expression; source?: LitmusSource }
  /** Give 1 or 0. */
  | { kind: 'trylock' | 'is-locked'; at: Expression; source?: LitmusSource }
  /** srcu_read_lock(): gives the index to hand to the unlock. */
  | { kind: 'srcu-lock'; at: Expression; source?: LitmusSource };

export type Statement =
  | { kind: 'assign'; register: string; value: Expression }
  | { kind: 'store'; tag: Tag; at: Expression; value: Expression; source?: LitmusSource }
  /** An access whose value is not used. */
  | { kind: 'evaluate'; value: Expression }
  | { kind: 'fence'; fence: FenceKind; source?: LitmusSource }
  | { kind: 'lock' | 'unlock'; at: Expression; source?: LitmusSource }
  | { kind: 'srcu-unlock'; at: Expression; value: Expression; source?: LitmusSource }
  | { kind: 'sync-srcu'; at: Expression; source?: LitmusSource }
  | { kind: 'if'; condition: Expression; then: Statement[]; else: Statement[] };

export interface LitmusThread {
  /** What it stands for; a litmus file names none. */
  title?: string;
  body: Statement[];
}

export interface Location {
  name: string;
  /** As C writes it, without the name: `int`, `int *`, `spinlock_t`, `struct srcu_struct`, `atomic_t`. */
  type: string;
  initial: LitmusValue;
}

/** A register of a thread, or a location, at the end of an execution. */
export type Observed = { kind: 'register'; thread: number; name: string } | { kind: 'location'; name: string };

export type Condition =
  | { kind: 'true' }
  | { kind: 'not'; of: Condition }
  | { kind: 'and' | 'or'; of: Condition[] }
  /** `value` may be observed too. */
  | { kind: 'equals'; left: Observed; right: LitmusValue | Observed };

export interface LitmusTest {
  name: string;
  /** Every location that a thread can name, in the order of the init section, then of first use; those it does not set start as 0. */
  locations: Location[];
  /** Registers that the init section sets. */
  registers: { thread: number; name: string; value: LitmusValue }[];
  threads: LitmusThread[];
  /** What a state shows beside the condition's own. */
  shown: Observed[];
  /** Executions that end otherwise are not counted. */
  filter: Condition | null;
  quantifier: 'exists' | 'not-exists' | 'forall';
  condition: Condition;
}

/** Trouble in the text of a test. Lines and columns count from 1. */
export interface SyntaxProblem {
  line: number;
  column: number;
  message: string;
}

export type TestVerdict = 'Never' | 'Sometimes' | 'Always' | 'DEADLOCK' | 'unsupported';

/** What the checker says of a test. */
export interface Outcome {
  verdict: TestVerdict;
  /** Why nothing was decided. */
  reason?: string;
  /** herd7's names: data-race, mixed-accesses, unmatched-rcu-lock and others. */
  flags: string[];
  /** Executions in which the condition holds, and in which it does not. */
  positive: number;
  negative: number;
  /** Each final state once, as `0:r1=0` and `[x]=2`, in the order of `shownBy`; sorted. */
  states: string[][];
  /** Checks of parts of executions and of whole ones that it took, larger ones counted more than once. */
  checked: number;
}
