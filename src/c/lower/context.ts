/** One function while it is walked: its graph, its events, and what its variables hold. */
import type { Cell, Comparison, Event, Loop, Mutable, Phase } from '../../model/code.ts';
import type { Contracted, Fact } from '../../model/fact.ts';
import type { Section } from '../../model/section.ts';
import type { BranchCondition, Cases } from '../cfg/correlated.ts';
import { Graph, type OpenEdge } from '../cfg/graph.ts';
import type { Setting } from '../cfg/returned.ts';
import { callNames } from '../syntax/calls.ts';
import { type Expr, oneSpaced, type Stmt, type Survey } from '../syntax/syntax.ts';
import type { TargetsOf } from '../syntax/targets.ts';
import type { FieldType, Types } from '../syntax/types.ts';
import type { KnownTypes } from './knowntypes.ts';
import type { Scope } from './scope.ts';

/** A value, as far as it is followed: the events it comes from, or the parameter that it is. */
export interface Value {
  sources: number[];
  parameter: number | null;
  inverted: boolean;
  /** How its truth follows from that of its source: true where that is zero, or in no way that is followed; absent where the two agree. */
  truth?: 'zero' | 'other';
}

export const NOTHING: Value = { sources: [], parameter: null, inverted: false };

/** What surrounds a function in its file. */
export interface FileScope {
  path: string;
  side: Event['side'];
  types: Types;
  global(name: string): FieldType | undefined;
  fact(api: string): Fact | undefined;
  contract(api: string): Contracted | undefined;
  convention(api: string): Fact | undefined;
  /** The line as it stands in the file, and the patch that added it. */
  line(n: number): { text: string; addedBy: number | null };
  /** Functions that the code in view defines. */
  defined(name: string): boolean;
  /** Null where calls through pointers are not followed. */
  targets: TargetsOf | null;
  /** False where a hunk shows only part of the function: undeclared names may be its locals. */
  whole: boolean;
  slice(e: { at: number; end: number }): string;
  known: KnownTypes;
  /** What the uses of an expression tell of its type. */
  guess(e: Expr): FieldType | null;
  /** Also the calls of known functions say what each argument points to. */
  objects: boolean;
}

/** Ends that a `break` or a `continue` leaves open, for the loop or switch around it, and how many scopes are open around that. */
export interface OpenJumps {
  breaks: OpenEdge[];
  continues: OpenEdge[];
  scopes: number;
}

/** What is known of an event before it has its place. */
export type Described = Mutable<Pick<Event, 'kind' | 'api' | 'cell' | 'ordering'> & Partial<Event>>;

/** What ends with a block: guards and `__free()` variables, the last first. */
export interface Ending {
  kind: Event['kind'];
  api: string;
  fact: Fact | undefined;
  cell: Cell | null;
  args: readonly string[];
  ordering: Event['ordering'];
  /** The event that began it. */
  from?: number;
}

export interface OpenScope {
  at: number;
  end: number;
  endings: Ending[];
}

/** What a variable holds where the walk stands. */
interface Held {
  value: Value | null;
  copy: Expr | null;
  /** Rises with every change, so that two tests of it are known to be of one value. */
  version: number;
}

const UNSET: Held = { value: null, copy: null, version: 0 };
const NO_CHANGE = { name: '', before: undefined };
const UNCHANGED: ReadonlyMap<string, Held> = new Map();

/** Follows variables through the flow. A change is noted, so that one way of a branch can be undone before the next is walked. */
export class Variables {
  private readonly held = new Map<string, Held>();
  private readonly trail: { name: string; before: Held | undefined }[] = [];
  private versions = 0;
  /** Variables that are copies of something now. */
  readonly copies = new Set<string>();

  of(name: string): Held {
    return this.held.get(name) ?? UNSET;
  }

  set(name: string, value: Value | null, copy: Expr | null): void {
    this.put(name, { value, copy, version: ++this.versions });
  }

  private put(name: string, held: Held): void {
    this.trail.push({ name, before: this.held.get(name) });
    this.held.set(name, held);
    this.mind(name, held);
  }

  private mind(name: string, held: Held | undefined): void {
    if (held?.copy) this.copies.add(name);
    else this.copies.delete(name);
  }

  mark(): number {
    return this.trail.length;
  }

  /** Takes back what has changed since the mark; gives what it was changed to. */
  undo(mark: number): ReadonlyMap<string, Held> {
    if (this.trail.length === mark) return UNCHANGED;
    const changed = new Map<string, Held>();
    for (let i = this.trail.length - 1; i >= mark; i--) {
      const { name, before } = this.trail[i] ?? NO_CHANGE;
      if (!changed.has(name)) changed.set(name, this.of(name));
      if (before) this.held.set(name, before);
      else this.held.delete(name);
      this.mind(name, before);
    }
    this.trail.length = mark;
    return changed;
  }

  /**
   * Where ways meet: a value may come from any of them, also from one that ends in a jump, since a label may bring it back; a copy must be
   * the same on all that run on.
   */
  merge(ways: { left: ReadonlyMap<string, Held>; alive: boolean }[], fallback: (name: string) => Value): void {
    if (ways.every(way => way.left.size === 0)) return;
    const names = new Set<string>();
    for (const way of ways) for (const name of way.left.keys()) names.add(name);
    const some = ways.some(way => way.alive);
    for (const name of names) {
      const before = this.of(name);
      const all = ways.map(way => way.left.get(name) ?? before);
      const running = some ? all.filter((_, i) => ways[i]?.alive) : all;
      const [first] = running;
      const value = all.map(held => held.value ?? fallback(name)).reduce(union);
      const copy = first && running.every(held => held.copy === first.copy) ? first.copy : null;
      const version = first && running.every(held => held.version === first.version) ? first.version : ++this.versions;
      this.put(name, { value, copy, version });
    }
  }
}

/** What expressions hold that is lowered elsewhere: calls, and statements inside an expression. */
export interface Lowering {
  call(e: Extract<Expr, { k: 'call' }>, cx: Context, used: boolean): Value;
  walk(body: Stmt, cx: Context): void;
}

export class Context implements Scope {
  readonly graph = new Graph();
  readonly events: Mutable<Event>[] = [];
  readonly loops: Loop[] = [];
  readonly comparisons: Comparison[] = [];
  readonly calls = new Set<string>();
  /** Comparison lines and events inside a loop name it. */
  readonly loopStack: number[] = [];
  /** What `break` and `continue` lead out of, innermost last. */
  readonly breaks: OpenJumps[] = [];
  readonly continues: OpenJumps[] = [];
  /** Open switches: their branch node, how many ways it has so far, and whether one of them is `default`. */
  readonly cases: { node: number; slot: number; closed: boolean }[] = [];
  /** Blocks that the walk is in, outermost first. */
  readonly scopes: OpenScope[] = [];
  /** Guards that surely got no lock where the walk stands. */
  readonly failed = new Set<number>();
  /** Where locals are set, and whether to an error. */
  readonly settings: Setting[] = [];
  /** What branch nodes test. */
  readonly conditions = new Map<number, BranchCondition>();
  readonly switches = new Map<number, Cases>();
  statements = 0;
  /** Last line of the statement that is being walked. */
  statementEnd = 0;
  readonly held = new Variables();

  readonly lowering: Lowering;
  readonly file: FileScope;
  readonly survey: Survey;
  readonly parameters: Map<string, number>;
  readonly types: Types;
  readonly variables: Survey['variables'];
  readonly whole: boolean;
  readonly slice: FileScope['slice'];
  readonly known: KnownTypes;

  constructor(lowering: Lowering, file: FileScope, survey: Survey, parameters: Map<string, number>) {
    this.lowering = lowering;
    this.file = file;
    this.survey = survey;
    this.parameters = parameters;
    this.types = file.types;
    this.variables = survey.variables;
    this.whole = file.whole;
    this.slice = file.slice;
    this.known = file.known;
  }

  global(name: string): FieldType | undefined {
    const known = this.file.global(name);
    if (known) return known;
    // What a whole function assigns to without declaring it is a global out of view.
    return this.whole && this.survey.assigned.has(name) ? UNKNOWN_TYPE : undefined;
  }

  guess(e: Expr): FieldType | null {
    return this.file.guess(e);
  }

  fact(api: string): Fact | undefined {
    return this.file.fact(api);
  }

  copyOf(name: string): Expr | null {
    return this.held.of(name).copy;
  }

  text(e: { at: number; end: number }): string {
    return oneSpaced(this.file.slice(e));
  }

  /** Adds an event where the walk stands; returns its index. */
  emit(at: { line: number }, event: Described): number {
    const line = this.file.line(at.line);
    const index = this.events.length;
    const node = this.graph.add('step', at.line, index);
    const names = callNames(event.api, event.fact);
    const made: Mutable<Event> = {
      path: this.file.path,
      side: this.file.side,
      line: at.line,
      endLine: Math.max(at.line, this.statementEnd),
      kind: event.kind,
      api: names.api,
      cell: event.cell,
      operation: event.operation ?? null,
      operand: event.operand ?? null,
      ordering: event.ordering,
      orderingOnFailure: event.orderingOnFailure ?? null,
      atomic: event.atomic ?? false,
      into: null,
      used: event.used ?? true,
      opaque: event.opaque ?? false,
      locks: NO_SECTIONS,
      maybeLocks: NO_SECTIONS,
      context: NO_SECTIONS,
      maybeContext: NO_SECTIONS,
      phase: NO_PHASE,
      args: event.args ?? NONE,
      argSources: event.argSources ?? NO_SOURCES,
      index,
      addedBy: line.addedBy,
      uncertain: event.uncertain ?? false,
      node,
      text: line.text,
    };
    if (names.written !== undefined) made.written = names.written;
    if (event.cells) made.cells = event.cells;
    if (event.fact) made.fact = event.fact;
    if (event.inferred) made.inferred = event.inferred;
    if (event.each) made.each = true;
    if (event.ends) made.ends = true;
    if (event.sections) made.sections = event.sections;
    if (event.takes) made.takes = event.takes;
    if (event.targets) made.targets = event.targets;
    if (event.argCells) made.argCells = event.argCells;
    this.events.push(made);
    return index;
  }

  /** The value that a name holds here. */
  valueOf(name: string): Value {
    return this.held.of(name).value ?? this.firstOf(name);
  }

  private firstOf(name: string): Value {
    const parameter = this.parameters.get(name);
    return parameter === undefined ? NOTHING : { sources: [], parameter, inverted: false };
  }

  /** Forgets what variables hold that change anywhere between two offsets: a loop's body may have run before. */
  forget(from: number, to: number): void {
    for (const [name, offsets] of this.survey.changes) {
      if (!offsets.some(at => at >= from && at < to)) continue;
      this.held.set(name, this.held.of(name).value, null);
      this.dependents(name);
    }
  }

  /** Copies that start from a variable that has changed are copies no more. */
  dependents(changed: string): void {
    for (const name of this.held.copies) {
      const { copy, value } = this.held.of(name);
      if (copy && name !== changed && startsFrom(copy, changed)) this.held.set(name, value, null);
    }
  }

  /** Behind a label any way may have come: only what is set once still holds. */
  forgetAtLabel(): void {
    for (const [name, offsets] of this.survey.changes) {
      if (offsets.length < 2 && !this.parameters.has(name)) continue;
      this.held.set(name, this.held.of(name).value, null);
      this.dependents(name);
    }
  }

  /** Runs ways as alternatives; what they leave in variables is merged. */
  fork(ways: { ends: OpenEdge[]; run: () => void }[], line: number): void {
    const left: Parameters<Variables['merge']>[0] = [];
    const ends: OpenEdge[] = [];
    for (const way of ways) {
      const mark = this.held.mark();
      this.graph.ends = way.ends;
      way.run();
      left.push({ left: this.held.undo(mark), alive: this.graph.ends.length > 0 });
      ends.push(...this.graph.ends);
    }
    this.held.merge(left, name => this.firstOf(name));
    this.graph.ends = ends;
    if (ends.length > 1) this.graph.meet(line);
  }
}

const NONE: string[] = [];
const NO_SECTIONS: readonly Section[] = [];
const NO_PHASE: readonly Phase[] = [];
const NO_SOURCES: number[][] = [];
const UNKNOWN_TYPE: FieldType = { type: '', pointer: 0, array: false };

function startsFrom(e: Expr, name: string): boolean {
  if (e.k === 'name') return e.name === name;
  if (e.k === 'index') return startsFrom(e.of, name) || startsFrom(e.index, name);
  if (e.k === 'call') return e.args.some(arg => startsFrom(arg, name));
  return 'of' in e && startsFrom(e.of, name);
}

/** The one value that two ways may leave. */
export function union(a: Value, b: Value): Value {
  if (a === NOTHING || a === b) return b;
  if (b === NOTHING) return a;
  const sources = a.sources.length === 0 ? b.sources : b.sources.length === 0 ? a.sources : [...new Set([...a.sources, ...b.sources])];
  const value: Value = { sources, parameter: a.parameter === b.parameter ? a.parameter : null, inverted: a.inverted && b.inverted };
  const truth = a.truth === b.truth ? a.truth : 'other';
  return truth === undefined ? value : { ...value, truth };
}
