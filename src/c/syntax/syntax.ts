/** Expressions and statements of C, as far as rules need them: the grammar's tree without its punctuation, names resolved to variables. */
import type { SyntaxNode, SyntaxTree } from './tree.ts';

interface At {
  at: number;
  end: number;
  /** 1-based line in the file. */
  line: number;
}

/** A name keeps no text alive (`ownName`). `local` names are variables of the function itself; a second variable of one name is `name#2`, a third `name#3`. */
export type Expr = At &
  (
    | { k: 'name'; name: string; local: boolean }
    | { k: 'number'; value: number | null; negative?: true }
    | { k: 'text' }
    | { k: 'call'; callee: Expr; args: Expr[] }
    | { k: 'member'; of: Expr; name: string; arrow: boolean }
    | { k: 'index'; of: Expr; index: Expr }
    | { k: 'unary'; op: string; of: Expr }
    | { k: 'deref'; of: Expr }
    | { k: 'address'; of: Expr }
    | { k: 'update'; op: '++' | '--'; prefix: boolean; of: Expr }
    | { k: 'binary'; op: string; left: Expr; right: Expr }
    | { k: 'assign'; op: string; left: Expr; right: Expr }
    | { k: 'choice'; test: Expr; yes: Expr | null; no: Expr }
    | { k: 'comma'; list: Expr[] }
    | { k: 'cast'; type: string; of: Expr }
    | { k: 'list'; list: Expr[] }
    | { k: 'block'; body: Stmt }
    | { k: 'unread'; list: Expr[] }
  );

export type Stmt = At & { endLine: number } & (
    | { k: 'block'; list: Stmt[]; scope: boolean }
    | { k: 'expr'; of: Expr }
    | { k: 'declare'; variable: Variable; init: Expr | null }
    | { k: 'if'; test: Expr; yes: Stmt; no: Stmt | null }
    | { k: 'loop'; form: 'while' | 'do' | 'for'; init: Stmt | null; test: Expr | null; step: Expr | null; body: Stmt }
    | { k: 'macro'; name: string; args: Expr[]; fails: string | null; body: Stmt }
    | { k: 'switch'; on: Expr; body: Stmt }
    | { k: 'case'; value: Expr | null; list: Stmt[] }
    | { k: 'label'; name: string; body: Stmt | null }
    | { k: 'goto'; name: string }
    | { k: 'return'; of: Expr | null }
    | { k: 'break' }
    | { k: 'continue' }
    | { k: 'arms'; list: Stmt[] }
    | { k: 'unread'; list: Expr[] }
  );

/** A parameter or a local, or a `static` of the function, which is memory that all its callers share. */
export interface Variable {
  name: string;
  type: string;
  pointer: number;
  array: boolean;
  isStatic: boolean;
  /** Of a `__free(name)` cleanup the name; the function runs where the scope ends. */
  cleanup: string | null;
}

/** What a walk over a function's body needs to know of it beforehand. */
export interface Survey {
  /** Each variable by its name, parameters included. */
  variables: Map<string, Variable>;
  /** Where in the text a variable is set, moved or has its address taken. */
  changes: Map<string, number[]>;
  /** The first value that a variable is set to. */
  first: Map<string, Expr>;
  /** Names of no variable in view that the function assigns to: they must be globals. */
  assigned: Set<string>;
  /** Where each label stands. */
  labels: Map<string, number>;
  /** Members that are used as no array can be: assigned, tested, followed. */
  values: Set<string>;
  /** Members whose elements are counted by ARRAY_SIZE(). */
  arrays: Set<string>;
}

/** The child statements, in the order of the text. */
export function statementsIn(stmt: Stmt): Stmt[] {
  switch (stmt.k) {
    case 'block':
    case 'case':
    case 'arms':
      return stmt.list;
    case 'if':
      return stmt.no ? [stmt.yes, stmt.no] : [stmt.yes];
    case 'loop':
    case 'macro':
    case 'switch':
      return [stmt.body];
    case 'label':
      return stmt.body ? [stmt.body] : [];
    default:
      return [];
  }
}

/** The child expressions, in the order of the text. */
export function partsOf(e: Expr): Expr[] {
  switch (e.k) {
    case 'call':
      return [e.callee, ...e.args];
    case 'member':
    case 'unary':
    case 'deref':
    case 'address':
    case 'update':
    case 'cast':
      return [e.of];
    case 'index':
      return [e.of, e.index];
    case 'binary':
    case 'assign':
      return [e.left, e.right];
    case 'choice':
      return e.yes ? [e.test, e.yes, e.no] : [e.test, e.no];
    case 'comma':
    case 'list':
    case 'unread':
      return e.list;
    default:
      return [];
  }
}

/** `struct foo { ... }` -> `struct foo`. */
export function tagOf(type: string): string {
  const brace = type.indexOf('{');
  return oneSpaced(brace < 0 ? type : type.slice(0, brace));
}

/** The name a declarator declares, and how many stars and dimensions stand before the plain type. */
export function declared(
  tree: SyntaxTree,
  node: SyntaxNode,
  text: (n: SyntaxNode) => string,
): { name: string | null; pointer: number; array: boolean; isFunction: boolean } {
  let pointer = 0;
  let array = false;
  let isFunction = false;
  let at = node;
  for (let depth = 0; at && depth < 30; depth++) {
    const type = tree.type(at);
    if (type === 'identifier' || type === 'field_identifier' || type === 'type_identifier') return { name: text(at), pointer, array, isFunction };
    if (type === 'pointer_declarator' || type === 'abstract_pointer_declarator') pointer++;
    if (type === 'array_declarator') array = true;
    if (type === 'function_declarator') isFunction = true;
    at = tree.child(at, 'declarator') || tree.firstPart(at);
  }
  return { name: null, pointer, array, isFunction };
}

/** A C integer constant's value, or null. */
export function numberOf(text: string): number | null {
  const match = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*$/.exec(text.trim());
  if (!match?.[1]) return null;
  const digits = match[1];
  return /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
}

/** White space folded to single spaces. */
export function oneSpaced(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    // Most texts are names and short paths, which a replacement would only copy.
    if (c === 9 || c === 10 || c === 13 || (c === 32 && (i === 0 || i === text.length - 1 || text.charCodeAt(i + 1) === 32)))
      return text.replace(/\s+/g, ' ').trim();
  }
  return text;
}

/** Gives a line of the file as it stands, and the patch that added it; empty and null where it is not shown. */
export type LineOf = (n: number) => { text: string; addedBy: number | null };

/** Gives the text of a piece of syntax. */
export type SliceOf = (e: { at: number; end: number }) => string;
