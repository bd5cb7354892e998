/** One function while it is walked: its graph, its events, and what its variables hold. */
import type { Cell, Comparison, Event, Loop } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import type { Scope } from './cells.ts';
import { type End, Graph } from './graph.ts';
import { type Expr, squeeze } from './syntax.ts';

/** A value, as far as it is followed: the events it comes from, or the parameter that it is. */
export interface Value {
  sources: number[];
  parameter: number | null;
  inverted: boolean;
}

export const NOTHING: Value = { sources: [], parameter: null, inverted: false };

/** What surrounds a function in its file. */
export interface FileScope {
  path: string;
  fact(api: string): Fact | undefined;
  /** The line as it stands in the file, and the patch that added it. */
  line(n: number): { text: string; addedBy: number | null };
  /** Functions that the code in view defines. */
  defined(name: string): boolean;
  /** False where a hunk shows only part of the function: undeclared names may be its locals. */
  whole: boolean;
  slice(e: { at: number; end: number }): string;
}

/** Ends that a `break` or a `continue` leaves open, for the loop or switch around it. */
export interface Jumps {
  breaks: End[];
  continues: End[];
}

export class Context {
  readonly graph = new Graph();
  readonly events: Event[] = [];
  readonly loops: Loop[] = [];
  readonly comparisons: Comparison[] = [];
  readonly calls = new Set<string>();
  /** Comparison lines and events inside a loop name it. */
  readonly loopStack: number[] = [];
  /** What `break` and `continue` lead out of, innermost last. */
  readonly breaks: Jumps[] = [];
  readonly continues: Jumps[] = [];
  /** Open switches: their branch node, how many ways it has so far, and whether one of them is `default`. */
  readonly cases: { node: number; slot: number; closed: boolean }[] = [];
  /** Locals that are set to a constant, by name. */
  readonly starts = new Map<string, { text: string; value: number | null }>();
  statements = 0;
  /** Variables and what they were last set from, in the order of the text. */
  values = new Map<string, Value>();
  /** Last line of the statement that is being walked. */
  statementEnd = 0;

  readonly file: FileScope;
  readonly scope: Scope;
  readonly parameters: Map<string, number>;

  constructor(file: FileScope, scope: Scope, parameters: Map<string, number>) {
    this.file = file;
    this.scope = scope;
    this.parameters = parameters;
  }

  text(e: { at: number; end: number }): string {
    return squeeze(this.file.slice(e));
  }

  /** Adds an event where the walk stands; returns its index. */
  emit(at: Expr | { line: number }, event: Pick<Event, 'kind' | 'api' | 'cell' | 'ordering'> & Partial<Event>): number {
    const line = this.file.line(at.line);
    const index = this.events.length;
    const node = this.graph.add({ event: index, kind: 'step', line: at.line });
    this.events.push({
      path: this.file.path,
      side: 'new',
      line: at.line,
      endLine: Math.max(at.line, this.statementEnd),
      operation: null,
      operand: null,
      orderingOnFailure: null,
      atomic: false,
      into: null,
      used: true,
      opaque: false,
      locks: [],
      maybeLocks: [],
      context: [],
      args: [],
      argSources: [],
      addedBy: line.addedBy,
      uncertain: false,
      text: line.text,
      ...event,
      index,
      node,
    });
    return index;
  }

  access(at: Expr, kind: 'read' | 'write', api: string, cell: Cell | null, extra: Partial<Event> = {}): number {
    return this.emit(at, { kind, api, cell, ordering: 'plain', operation: kind === 'read' ? 'load' : 'store', ...extra });
  }

  /** The value that a name holds here. */
  valueOf(name: string): Value {
    const value = this.values.get(name);
    if (value) return value;
    const parameter = this.parameters.get(name);
    return parameter === undefined ? NOTHING : { sources: [], parameter, inverted: false };
  }
}

export function union(a: Value, b: Value): Value {
  if (a === NOTHING) return b;
  if (b === NOTHING) return a;
  return {
    sources: [...new Set([...a.sources, ...b.sources])],
    parameter: a.parameter === b.parameter ? a.parameter : null,
    inverted: a.inverted && b.inverted,
  };
}
