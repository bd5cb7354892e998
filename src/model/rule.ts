/** What a rule is, what it sees, and what it may say. A rule looks and claims; it decides nothing. */
import type { CFunction, Event, Place, SourceComment } from './code.ts';
import type { Fact, MemberFact, TypeFact } from './fact.ts';
import type { Confidence, Related, Said, Severity } from './finding.ts';
import type { ContextFamily } from './section.ts';

/** One function that runs in a claim, by one path through the events named. */
export interface ClaimThread {
  fn: CFunction;
  /** The events that take part, in the order of the path. */
  events: Event[];
  /** An event of another thread without which this one does not run: it starts the thread, or registers the handler. */
  startedBy?: Event;
  /**
   * What calls on the path run in the same thread, by events of the functions that they call. Where the call gives something, as kref_put()
   * tells whether it was the last, they run only where that is not 0.
   */
  calls?: { call: Event; fn: CFunction; events: Event[] }[];
  /** What the caller has done before, and what it does afterwards: `assumes` says so. */
  before?: AssumedStep[];
  then?: AssumedStep[];
}

/**
 * Something that is done out of view, from a closed list: no line shows it, so that somebody does it is an assumption, which the claim states.
 * `add` counts up; `put` counts down and gives whether that was the last; `section` to `end` is read under RCU;
 * `take` puts something else where `value` is, as a lock word is taken, and gives whether it did.
 */
export interface AssumedStep {
  does: 'read' | 'write' | 'add' | 'put' | 'take' | 'lock' | 'unlock' | 'section' | 'end' | 'grace-period' | 'fence';
  /** The cell of an event, or memory by the name that a meaning has for it; of a lock its name. */
  cell?: Event | string;
  /** `relaxed` where absent, of a `put` or `take` `full`. */
  ordering?: Meaning['ordering'];
  /** What a write puts there, else a number of its own, and what a `take` looks for; a text is a constant as the code writes it. */
  value?: number | string;
  /** It is done only where this one, before it in the thread, gave something else than 0, or 0. */
  where?: { gave: Event | AssumedStep; zero?: true };
  /** The address is what this one read. */
  through?: AssumedStep;
  says?: Meaning['says'];
}

/** A CPU of which nothing is in view. */
export interface Other {
  /** Who that is: `another holder of c`. */
  who: string;
  does: AssumedStep[];
}

/** Cells that an invariant ties, and how that is known. */
export interface Tie {
  /** Normal forms of the two cells, as `cellKey` gives them. */
  keys: [string, string];
  /** How a reader would name them. */
  names: [string, string];
  type: string | null;
  /** complement: the two differ always. equal: they agree. unknown: only that they belong together. */
  relation: 'complement' | 'equal' | 'unknown';
  evidence: TieEvidence[];
}

export interface TieEvidence extends Place {
  kind: 'stated' | 'compared' | 'mirrored';
  text: string;
}

/**
 * Why a cell is taken for shared.
 * - `atomic`: an atomic type, or an atomic read-modify-write of any type.
 * - `marked`: READ_ONCE(), WRITE_ONCE(), smp_load_acquire() and what is made of them.
 * - `data-race`: a plain access inside data_race().
 * - `barrier`: a fence between CPUs stands beside an access.
 * - `rcu`: it is assigned, dereferenced or walked as RCU's readers or updaters do.
 * - `lock`: an access under a lock of its own object, or a global one.
 */
export interface SharedEvidence extends Place {
  kind: 'atomic' | 'marked' | 'data-race' | 'barrier' | 'rcu' | 'lock';
  text: string;
}

/**
 * What a read of the bad state gives: what the write put there, or what was there before any of the threads ran. `effect`: the event, an
 * operation that may be one with a condition by an edit, did what it is for.
 */
export interface Sight {
  read: Event | AssumedStep;
  from: Event | AssumedStep | 'before' | 'effect';
  /** Which of the claim's threads, where several run the read. */
  thread?: number;
  /** What a meaning of the event reads besides, by the name of its cell. */
  cell?: string;
  /** Which of the threads wrote it, where several run the write. */
  by?: number;
}

/**
 * The bad state of a claim, from a closed list.
 * - `unserialisable`: the tied cells end in a state that no order of whole calls, one after the other, ends in.
 * - `false-alarm`: every sample that the second thread takes sees the pair inconsistent, while the pair ends consistent.
 * - `sees`: each read gives what the claim says, and each cell of `ends` is left as the write left it.
 * - `race`: two accesses, one of them plain, that nothing orders.
 */
export type Bad =
  | { kind: 'unserialisable' }
  | { kind: 'false-alarm'; samples: [Event, Event][] }
  | { kind: 'sees'; reads: Sight[]; ends?: (Event | AssumedStep)[] }
  | { kind: 'race' };

/**
 * The edits of a fix, from a closed list, weakest first. Events are those of the claim's threads; each thread that runs the event is edited.
 * - `fence`: insert a fence right before or after the event.
 * - `order`: give the event's access another order of its family.
 * - `move`: take the event to right before or after another of its thread; with `effect` only where that one did what it is for.
 * - `reuse`: what the first read gave stands in for the event's own read.
 * - `join`: one atomic read-modify-write at the read in place of it and the write.
 * - `grace-period`: wait for a grace period right before the event; with `cell` before what it does to the memory that a meaning names so.
 * - `reference`: one more reference, taken before all else in the thread, on the count that the event brings down.
 * - `unless-zero`: an increment that does nothing where the value is 0, and what comes after in the thread only where it did something.
 * - `read-section`: an RCU read section from right before the event to right behind another of its thread.
 * - `section`: take the event into the lock or RCU section of its thread that ends before it.
 * - `lock`: one lock over each of the threads.
 * - `one-word`: the tied cells in one word.
 * - `both`: two edits, one on each of two threads.
 */
export type Edit = { text: string } & (
  | { kind: 'fence'; fence: 'full' | 'rmb' | 'wmb'; where: 'before' | 'after'; event: Event }
  | { kind: 'order'; event: Event; ordering: 'relaxed' | 'acquire' | 'release' | 'full' }
  | { kind: 'move'; event: Event; where: 'before' | 'after'; to: Event; effect?: true }
  | { kind: 'reuse'; event: Event; first: Event }
  | { kind: 'join'; event: Event; write: Event }
  | { kind: 'grace-period'; event: Event; cell?: string }
  | { kind: 'read-section'; event: Event; to: Event }
  | { kind: 'reference'; event: Event }
  | { kind: 'unless-zero'; event: Event }
  | { kind: 'section'; event: Event | AssumedStep }
  | { kind: 'lock' }
  | { kind: 'one-word' }
  | { kind: 'both'; edits: Edit[] }
);

/**
 * What an event does to a cell besides what it says itself: a free overwrites what a read looks at, a call that wakes looks at the queue.
 * `cell` is an event on that cell, or a name for memory that no event names.
 */
export interface Meaning {
  event: Event;
  /** `update`: a read and then a write, which another CPU may come between. Atomic are `put`, a count down, and `try`, a count up unless it is 0. */
  access: 'read' | 'write' | 'update' | 'put' | 'try';
  /** What the event gives to its function is something else than what is read here: a status, an errno. */
  aside?: true;
  cell: Event | string;
  ordering: 'plain' | 'relaxed' | 'acquire' | 'release' | 'full';
  /** The name of a lock that the call takes around the access, as prepare_to_wait() and wake_up() take the queue's. */
  under?: string;
  /** The event does this besides its own access, right behind it; with `nonzero` only where that gives something else than 0. */
  besides?: 'always' | 'nonzero';
  /** Only in this of the claim's threads, where several run the event. */
  thread?: number;
  /** What a write puts there, where a test looks for it; else a number of its own. */
  value?: number;
  /** How a step of the execution is told: a read of what was there before, and a read of what another thread left or a write. */
  says?: { before: string; after: string };
}

/** "These threads can reach this bad state, and one of these edits prevents it." The engine lowers and decides it. */
export interface Claim {
  threads: ClaimThread[];
  /** CPUs besides, of which nothing is in view: `assumes` says that there are such. */
  others?: Other[];
  /** What makes a read-side section besides RCU's own; that whoever frees waits for it is assumed. */
  section?: Extract<ContextFamily, 'srcu-read' | 'irqs-off'>;
  /** For `unserialisable` and `false-alarm`: functions whose ends, each run alone, are the states that count as consistent. */
  settledBy?: ClaimThread[];
  /** The cells of `unserialisable` and `false-alarm`. */
  tie?: Tie;
  bad: Bad;
  /** Tried in order; the claim stands only if one of them is decided Never. */
  edits: Edit[];
  assumes: string[];
  meanings?: Meaning[];
  /** The finding stands by what is seen in the code: where the claim is not decided it is told without a witness, and held only where it is refuted. */
  stands?: true;
  /** Values that cells start with, each named by an event on it or by the name of a meaning, 0 or 1 for one on a bit, a text for a constant as the code writes it; else 0, or 1 where the claim's writes put 0 there. */
  starts?: { cell: Event | string; value: number | string }[];
}

/** What a rule says at a place. */
export interface Remark {
  message: string;
  detail?: string[];
  question?: string;
  dismissal?: string;
  said?: Said[];
  related?: Related[];
  /** Advice that no verdict decides. */
  advice?: string[];
  /** Lines to quote in the note; the place itself where absent. */
  quote?: Place[];
  /** Lower than the rule's own, never higher, unless the rule says so in its docs. */
  severity?: Severity;
  confidence?: Confidence;
  claim?: Claim;
  /** Findings of one rule in one patch with the same shape become one. Defaults to the rule itself. */
  shape?: string;
}

/** A place that no event marks is as old as its line where the rule says so, else as the function. */
export type Report = (at: { event: Event; fn: CFunction } | { place: Place; fn: CFunction; addedBy?: number | null }, remark: Remark) => void;

/** A file as it stands after the series, whole or in pieces. */
export interface CodeFile {
  path: string;
  whole: boolean;
  isHeader: boolean;
  functions: CFunction[];
  comments: SourceComment[];
  /** Files it includes, as written between the brackets. */
  includes: string[];
  /** Index of the patch that added the file; null where it was there before. */
  addedBy: number | null;
  /** Parts of a file that the series does not touch, from a tree. */
  outside?: true;
}

/** A function's name standing as a value. */
export interface Mention {
  path: string;
  line: number;
  /** The member that it is put into: `.open = foo_open`. */
  member: string | null;
  /** The type of the table that holds the member, `struct file_operations`, where the text shows it. */
  table: string | null;
  /** The variable of that type, by which members of one table are known; null where the text does not show it. */
  instance: string | null;
  /** The call or macro that it is an argument of, by the name that an event of it would have as `api`, and which argument, from 0. */
  call: string | null;
  argument: number;
}

/** A lock that the declaration of a cell names as its guard: __guarded_by(). */
export interface DeclaredGuard {
  /** The normal form of the lock's cell, as sections have it. */
  lock: string;
  /** What the declaration spells. */
  written: string;
  /** What the pointer points to is guarded, not the pointer: __pt_guarded_by(). */
  pointee: boolean;
  path: string;
}

/** All the code in view, over the whole series. */
export interface World {
  files: CodeFile[];
  functions: CFunction[];
  /** What is known of a function by its name, built in or declared, whoever calls it; an event of a call has it in `fact`. */
  fact(api: string): Fact | undefined;
  /** What a name alone lets expect, for a call that has neither a body in view nor a fact; inferred. */
  convention(api: string): Fact | undefined;
  /** A member of an operations table, by the type of the table where that is known, else by its name alone. */
  member(struct: string | null, member: string): MemberFact | undefined;
  /** What an object of the type is to other CPUs: `struct mutex`, `spinlock_t`. */
  type(name: string): TypeFact | undefined;
  ties: Tie[];
  /** Paths of a file that include the header, as far as in view. */
  includers(path: string): string[];
  /** Functions in view that call the one named. */
  callers(name: string): { fn: CFunction; event: Event }[];
  /** The patch that added the line; null where it was there before. */
  addedBy(path: string, line: number): number | null;
  /** Members of a struct or union (`struct foo`) that a file in view declares, with their types, and the file; null where none does. */
  declared(tag: string): { path: string; members: ReadonlyMap<string, { type: string; pointer: number; array: boolean }> } | null;
  /** Members that the file's initialisers name: `.lock = ...`. */
  designated(path: string): ReadonlySet<string>;
  /** What declares a lock to guard the cell with this key; null where nothing in view does. */
  guard(key: string): DeclaredGuard | null;
  /** The file declares a licence, as every module has to in one of its files: MODULE_LICENSE(). */
  licensed(path: string): boolean;
  /** Where it is named as a value, in a table of operations or as a handler: by its own file, and by every file in view where it is not static. */
  mentions(fn: CFunction): Mention[];
  /** What in view says that the cell with this key is touched by several CPUs; empty where nothing does. */
  shared(key: string): SharedEvidence[];
  /** What the author wrote that names the function or one of the words. */
  said(fn: CFunction, words: string[]): Said[];
}

/**
 * A function, or as much of it as a hunk shows, as it stands before the series and after it; null where it is not there on that side. On the
 * old side an event's `addedBy` is the patch that removes its line.
 */
export interface ChangedFunction {
  before: CFunction | null;
  after: CFunction | null;
}

/** The whole series as one change. */
export interface Changes {
  before: World;
  after: World;
  /** Functions of which a line was added or removed. */
  functions: ChangedFunction[];
  /** What an event of the old side still stands as on the new one: on its line, or written anew in the function; null where it is gone. */
  stays(event: Event): Event | null;
  /** The line of the new side where a line of the old one stands; null where the series removes it. */
  lineNow(path: string, line: number): number | null;
  /** Does the series take away a declaration of a member or global of this name, with none coming in its stead? */
  undeclared(name: string): boolean;
}

/** A cell, or a pair that an invariant ties, with all that is done to it in view. */
export interface Subject {
  tie: Tie | null;
  key: string;
}

export interface Use {
  fn: CFunction;
  event: Event;
  /** For a pair: 0 or 1, which of the two cells. */
  side: 0 | 1;
}

export interface Rule {
  /** Names the fault. */
  id: string;
  title: string;
  why: string;
  severity: Severity;
  confidence: Confidence;
  /** Classes of fault that it speaks of. */
  finds: string[];
  references: string[];
  knownGaps: string[];
  /** Not reported unless asked for by name. */
  trial?: boolean;
  /**
   * C text. Bad ones carry `want: rule-id "part of message"` in a comment on the line; good ones are near misses. One that begins with `--- `
   * is a unified diff, and its comments may stand on removed lines.
   */
  examples: { bad: string[]; good: string[] };
  checkFunction?(fn: CFunction, report: Report, world: World): void;
  checkCell?(subject: Subject, uses: Use[], report: Report, world: World): void;
  checkFile?(file: CodeFile, report: Report, world: World): void;
  /** Called for each function that the series changes. A report may name a place of the old side. */
  checkChange?(before: CFunction | null, after: CFunction | null, series: Changes, report: Report): void;
}
