/** What the code does: cells, events, functions. Plain data, which nobody changes once it is made. */
import type { EventKind, Fact, Operation, Ordering } from './fact.ts';
import type { Section } from './section.ts';

/**
 * The memory that an event touches. `path` is the member path behind the last pointer, constant subscripts kept (`bitmap[PRIMARY]`), other
 * subscripts as written (`slot[i]`); `*` is what a pointer without a name for it points to. It is the same whatever types are in view.
 * `base` is the expression that the path starts from, after following copies inside the function.
 */
export interface Cell {
  /** The type of the object that the path starts from: `struct dual_bitmap`, or null where it is not in view. */
  readonly type: string | null;
  readonly path: string;
  /** The bit number as written, where the event is on one bit. */
  readonly bit: string | null;
  readonly base: string | null;
  /** The memory is what the pointer at `path` points to, not the pointer itself. */
  readonly pointee?: true;
  /** No declaration says of what type the object is: it is the only structure of the kernel with the members that are used. */
  inferred?: true;
  /** The same memory as a path in the nearest object whose type is known, where that is another than `type`. */
  readonly within?: { type: string; path: string };
}

/** A value that the step which makes it still fills: nobody else has it yet. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A place in an image. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly side: 'new' | 'old';
}

/** `init` and `exit` where an attribute (__init, __exit) says so; `error-path` where every path from the event returns an error. */
export type Phase = 'init' | 'exit' | 'error-path';

export interface Event extends Place {
  /** `expanded`: a call whose callee's events follow in this function, each with `via`; the call does nothing besides. */
  readonly kind: EventKind | 'expanded';
  /**
   * The function or macro called, of a wrapper that is declared `like` a kernel function that one, so that all that is known by the name holds of
   * the wrapper; for plain accesses `=`, `++`, `read` and the like.
   */
  readonly api: string;
  /** What the code spells, where that is another name than `api`. */
  readonly written?: string;
  /** What is known of the callee, built in or declared; absent for a plain access and for a function whose body is in view. */
  readonly fact?: Fact;
  /** Of a call of which nothing else is known: what its name alone lets expect. */
  readonly inferred?: Fact;
  readonly cell: Cell | null;
  /** All memory that a call touches where that is more than `cell`, that one first. */
  readonly cells?: readonly Cell[];
  readonly operation: Operation | null;
  /** The stored, added or compared value, as written. */
  readonly operand: string | null;
  readonly ordering: Ordering | null;
  readonly orderingOnFailure: Ordering | null;
  readonly atomic: boolean;
  /** The variable that takes the result; null where it goes into an expression or nowhere. */
  readonly into: string | null;
  /** False where the result is thrown away. */
  readonly used: boolean;
  /** A call of something not in view: it may do anything. */
  readonly opaque: boolean;
  /** Locks held on every path here, as far as seen in the function. */
  readonly locks: readonly Section[];
  /** Locks held on some path only. */
  readonly maybeLocks: readonly Section[];
  /** Contexts that every path here is in, as far as seen in the function. */
  readonly context: readonly Section[];
  /** Contexts that some path only is in. */
  readonly maybeContext: readonly Section[];
  readonly phase: readonly Phase[];
  /** Arguments of a call, as written. */
  readonly args: readonly string[];
  /** For each argument the events that its value comes from. */
  readonly argSources: readonly (readonly number[])[];
  /** Index in the function's events. */
  readonly index: number;
  /** Last line of the statement that holds it. */
  readonly endLine: number;
  /** The patch (index into the series) that added the line, on the old side that removes it; null on lines that stand on both sides. */
  readonly addedBy: number | null;
  /** True where a piece's edge leaves in doubt what was read. */
  readonly uncertain: boolean;
  /** Position in the function's flow graph. */
  readonly node: number;
  /** The source line, as it stands. */
  readonly text: string;
  /** The object that the cell is part of: surely still known to nobody else, or surely given back before. */
  readonly object?: 'private' | 'freed';
  /** The code says that the access needs no lock that an annotation asks for: context_unsafe(), data_race(). */
  readonly unlocked?: true;
  /** A call of a function in view that returns a new object, known to nobody else. */
  readonly fresh?: true;
  /** The head of a loop that a macro makes: list_for_each_entry(). */
  readonly each?: true;
  /** The end of the scope of a guard(): what began there ends here. */
  readonly ends?: true;
  /** A lock that the call takes besides where it returns true, as atomic_dec_and_lock() does. */
  readonly takes?: { family: string; cell: Cell | null };
  /** Sections that a call of a function out of view opens and closes, where they are not the one lock that the event is about. */
  readonly sections?: readonly CalledSection[];
  /** The event is that of a small function in view which the call on this line runs: that function, and its own line. */
  readonly via?: Via;
  /** Of an `expanded` event: the first and last node of the callee's graph in this function's. */
  readonly body?: { from: number; to: number };
  /** Of a call through a pointer: the names of all functions that it may run, where they are visible. With several of them it is `opaque` all the same. */
  readonly targets?: readonly string[];
  /** Of a call of a function in view: what each argument points to. */
  readonly argCells?: readonly (Cell | null)[];
}

/** A section that a call of a function out of view opens or closes. */
export interface CalledSection {
  does: 'open' | 'close';
  family: string;
  shared: boolean;
  cell: Cell | null;
  /** The lock as this function would write it. */
  text: string;
  /** The result that it goes with. */
  result: 'zero' | 'nonzero' | null;
}

/** Where an expanded event comes from: the function that it is an event of, however deep, with its line there. */
export interface Via {
  readonly function: string;
  readonly path: string;
  readonly line: number;
  /** That is a macro: its own lines say nothing of types, so what it does counts where it is called. */
  readonly isMacro?: true;
  /** The `expanded` event, by its index, that stands for the call on this function's own line. */
  readonly call: number;
}

export interface Parameter {
  readonly name: string;
  readonly type: string;
}

/** A comment, its text without delimiters and leading stars. */
export interface SourceComment {
  readonly line: number;
  readonly endLine: number;
  readonly text: string;
}

/** A node of a flow graph; at most one event each. Node 0 is the entry. */
export interface FlowNode {
  readonly event: number | null;
  readonly next: readonly number[];
  /** `gap` may do anything; `branch` holds a condition. */
  readonly kind: 'entry' | 'exit' | 'step' | 'branch' | 'join' | 'gap';
  /** Line of the statement. */
  readonly line: number;
  /** On a branch: the condition as written; `next[0]` is taken when it holds. */
  readonly condition?: string;
  /** On a branch: the events that the condition's value comes from. */
  readonly decides?: readonly number[];
  /** On a branch: what the deciding value is where the condition holds; absent where it is more than a test against zero. */
  readonly tests?: 'nonzero' | 'zero' | 'negative' | 'positive';
  /** On a branch: for each way what it decides of the function's conditions, where another branch tests one of those too. */
  readonly settles?: readonly (readonly Decision[])[];
  /** On a branch: the condition reads memory, so that a second test of it is a second read, which may give another value. */
  readonly reads?: true;
  /** For each edge the conditions that it makes undecided again, since it sets what they test. */
  readonly forgets?: readonly (readonly number[])[];
  /** On a join: the label that stands here. */
  readonly label?: string;
  /** On an exit: the run ends here and nobody is returned to, as behind BUG(). */
  readonly stops?: true;
  /** On an exit: the returned expression as written, and the events that its value comes from. */
  readonly returned?: string;
  /** On an exit: that is an error, by its form (a negative errno, a pointer made of one) or by what every path to it has tested. */
  readonly fails?: true;
  /** On an exit that returns a local: the name or constant that all paths to it set that to right before. */
  readonly value?: string;
  readonly returns?: readonly number[];
}

/** A condition of a function by its number, and whether it holds. */
export type Decision = readonly [condition: number, holds: boolean];

/** The name of a function of which a hunk shows neither the head nor the name. */
export const UNNAMED = 'unnamed';

/** A C function in an image. */
export interface CFunction {
  readonly path: string;
  readonly side: 'new' | 'old';
  readonly name: string;
  readonly line: number;
  readonly endLine: number;
  /** False where a hunk shows only part of it. */
  readonly whole: boolean;
  readonly isStatic: boolean;
  readonly isInline: boolean;
  /** The words before the name, as written. */
  readonly head: string;
  readonly parameters: readonly Parameter[];
  readonly events: readonly Event[];
  readonly flow: readonly FlowNode[];
  /** Loops, comparisons and counts that rules ask for. */
  readonly shape: Shape;
  /** The comment right above. */
  readonly doc: SourceComment | null;
  readonly comments: readonly SourceComment[];
  /** The patch that added the head; null where it was there before. */
  readonly addedBy: number | null;
  /** Section attributes and annotations: __init, __exit, __must_hold(x). */
  readonly attributes: readonly string[];
  /** Locks that the caller holds by lockdep_assert_held, __must_hold or a `_locked` name. */
  readonly entryLocks: readonly Section[];
  /** The grammar could not read part of it. */
  readonly broken?: true;
  /** A function-like macro with statements for a body. */
  readonly isMacro?: true;
  /** Read from a tree, in a file that the series does not touch: it is there to be known, and nothing is said of it. */
  readonly outside?: true;
  /** The variables that the function declares and that live on its stack, by the names that events call them. */
  readonly locals?: ReadonlySet<string>;
  /** Each local or parameter that is set, with the offsets in the text at which it is. */
  readonly changes?: ReadonlyMap<string, readonly number[]>;
  /** Where its local variables are set, in the order of the text. */
  readonly settings?: readonly LocalSetting[];
}

/** A local variable that is set on edges of the flow graph. */
export interface LocalSetting {
  readonly name: string;
  /** The edges: out of a node, by one of its ways. */
  readonly ends: readonly { readonly node: number; readonly slot: number }[];
  /** The events that the new value comes from. */
  readonly sources: readonly number[];
  /** What it is set to as written, where that is a name or a constant. */
  readonly copies?: string;
}

/** Syntax that rules may ask for without walking a tree. */
export interface Shape {
  readonly statements: number;
  readonly loops: readonly Loop[];
  readonly comparisons: readonly Comparison[];
  readonly calls: readonly string[];
  /** Statements on the indentation of the single statement above them, and outside of what holds that one. */
  readonly misled?: readonly Misled[];
}

/** An `if`, `else` or loop without braces, the statement it holds, and the next one, by their first lines. */
export interface Misled {
  readonly line: number;
  readonly body: number;
  readonly next: number;
  /** The lines of the three, without indentation. */
  readonly text: { head: string; body: string; next: string };
  /** The last patch that added one of the three. */
  readonly addedBy: number | null;
}

export interface Loop {
  readonly line: number;
  readonly endLine: number;
  /** The source of the bound: a run-time value, a constant, a retry countdown from a constant, or not known. */
  readonly bound: 'sized' | 'constant' | 'retry' | 'unknown';
  /** The bound as written. */
  readonly boundText: string;
  /** For constant bounds and countdowns: how often the body can run, null where the number is not in view. */
  readonly times: number | null;
  /** Depth of loops around it. */
  readonly depth: number;
}

/** A comparison of two values; each side as the events or the parameter that it comes from. */
export interface Comparison {
  readonly line: number;
  readonly left: Operand;
  readonly right: Operand;
  readonly operator: string;
  /** Index of the innermost loop around it in `shape.loops`, or null. */
  readonly loop: number | null;
}

export interface Operand {
  /** Indices into the function's events. */
  readonly sources: readonly number[];
  /** The parameter that the value is, by position. */
  readonly parameter: number | null;
  /** `~` or `!` stands before it. */
  readonly inverted: boolean;
}
