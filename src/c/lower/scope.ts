/** What is known of names where an expression stands. */

import type { Fact } from '../../model/fact.ts';
import type { Expr, Variable } from '../syntax/syntax.ts';
import type { FieldType, Types } from '../syntax/types.ts';
import type { KnownTypes } from './knowntypes.ts';

/** What is known of names where an expression stands. */
export interface Scope {
  types: Types;
  /** Globals that the function's file sees, and those that the function itself assigns to. */
  global(name: string): FieldType | undefined;
  /** Parameters, locals, and statics of the function. */
  variables: Map<string, Variable>;
  /** What a local holds a copy of here: the expression that it was set to, where nothing has changed since. */
  copyOf(name: string): Expr | null;
  /** False where undeclared names may be locals out of view. */
  whole: boolean;
  known: KnownTypes;
  /** What the uses of an expression tell of its type, that no declaration in view tells. */
  guess(e: Expr): FieldType | null;
  /** What is known of a function by its name, or by its name alone expected. */
  fact(api: string): Fact | undefined;
  slice(e: { at: number; end: number }): string;
}
