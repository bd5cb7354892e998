/** What is kept of one file of a kernel tree: plain data that can be stored, and is true of the file's text alone and the facts that read it. */
import type { Act, Where } from '../model/contract.ts';

/** Of one text, named by git's id of it. */
export interface FileRecord {
  blob: string;
  functions: FunctionRecord[];
  structs: StructRecord[];
  /** Object-like macros that are another name of a function. */
  aliases: [name: string, of: string][];
  /** Of functions that facts say all of only what they are given and return. */
  signatures: [name: string, result: string, parameters: string[]][];
  /** Names that mean functions of this file alone. */
  statics: string[];
}

/** One body of a function or function-like macro. */
export interface FunctionRecord {
  name: string;
  line: number;
  kind: 'exported' | 'global' | 'static' | 'inline' | 'macro';
  result: string;
  parameters: string[];
  /** What it returns may be a pointer. */
  pointer?: true;
  /** The graph of what matters; the first node is the entry. Empty where the grammar could not read the body. */
  nodes: RecordStep[];
  /** The body itself orders, stores to memory of others, loads from it, calls through pointers, or is an empty stub. */
  orders?: true;
  stores?: true;
  loads?: true;
  unknown?: true;
  stub?: true;
}

/** A node of the reduced graph. */
export interface RecordStep {
  next: number[];
  acts?: Act[];
  call?: Call;
  /** On a node with two ways: what it tests. */
  test?: Test;
  exit?: Exit;
}

export interface Call {
  name: string;
  /** What each argument points to. */
  args: Where[];
  /** Each argument as written, where it is a constant. */
  texts: (string | null)[];
  /** The function returns what the call does. */
  result: boolean;
  /** A fact says what it does, but not all: of its body only what no fact has. */
  rest?: true;
}

/** What the first way of a branch says: of a call's result, or of a parameter, its bits or the sleep that its GFP flags allow. */
export type Test =
  | { of: 'call'; node: number; holds: 'nonzero' | 'zero' | 'negative' | 'positive' }
  | { of: 'argument'; argument: number; mask: string | null; holds: 'nonzero' | 'zero' }
  | { of: 'gfp'; argument: number; holds: 'nonzero' | 'zero' };

/** How a run ends: what it returns. */
export interface Exit {
  returns: 'errno' | 'pointer-error' | 'null' | 'zero' | 'positive' | 'value' | 'nothing';
  value?: Where;
  /** The node of the call whose result is returned as it is, or negated. */
  call?: number;
  negated?: true;
}

/** A structure or union, by its tag with its word, and its members. */
export interface StructRecord {
  tag: string;
  members: [name: string, type: string, pointer: number, array: boolean][];
}
