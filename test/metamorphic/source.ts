/** An example's C text as the grammar reads it: functions, variables and statements with their offsets, so that edits know what they move. */
import { normalise } from '../../src/c/text/normalise.ts';
import type { grammar } from '../code.ts';
import type { Edit } from './edit.ts';

/** A node of the grammar's tree. Punctuation is left out, operators are not. */
export interface Node {
  type: string;
  field: string | null;
  start: number;
  end: number;
  parent: Node | null;
  children: Node[];
  /** The result of `within`, kept after the first call. */
  all?: readonly Node[];
}

/** A parameter or a local. `type` is the text before its name, stars included; an array's is that of its elements. */
export interface Variable {
  name: string;
  type: string;
  array: boolean;
  parameter: boolean;
  /** Where it can be named. */
  from: number;
  to: number;
}

export interface Definition {
  name: string;
  /** The beginning of the line that the head begins on; comments right above belong to it. */
  start: number;
  node: Node;
  body: Node;
  /** The type of what it returns. */
  returns: string;
  isStatic: boolean;
  isInline: boolean;
  variables: Variable[];
  /** Names that a macro with arguments may declare: their types are not known. */
  obscure: Set<string>;
}

export interface Source {
  text: string;
  root: Node;
  functions: Definition[];
  /** The grammar read all of it. */
  sound: boolean;
}

type Grammar = Awaited<ReturnType<typeof grammar>>;
type Tree = NonNullable<ReturnType<Grammar['parse']>>;

/** The text parsed; null where the grammar gives up. */
export function sourceOf(text: string, parser: Grammar): Source | null {
  const tree = parser.parse(normalise(text).text);
  if (!tree) return null;
  const root = copied(tree, 0, null);
  const functions = root.children.filter(n => n.type === 'function_definition').flatMap(n => definitionOf(text, n) ?? []);
  return { text, root, functions, sound: !tree.broken(0) };
}

function copied(tree: Tree, at: number, parent: Node | null): Node {
  const node: Node = { type: tree.type(at), field: tree.field(at), start: tree.at(at), end: tree.end(at), parent, children: [] };
  node.children = tree.children(at).map(child => copied(tree, child, node));
  return node;
}

/** The node and all below it, in the order of the text. */
export function within(node: Node): readonly Node[] {
  node.all ??= [node, ...node.children.flatMap(within)];
  return node.all;
}

export function child(node: Node, field: string): Node | null {
  return node.children.find(n => n.field === field) ?? null;
}

export function textOf(source: Source, node: Node): string {
  return source.text.slice(node.start, node.end);
}

/** A call by name, with the nodes of its arguments; null where the node is none, or has what the grammar reads as no expression. */
export function callOf(source: Source, node: Node): { api: string; args: Node[] } | null {
  if (node.type !== 'call_expression') return null;
  const callee = child(node, 'function');
  const list = child(node, 'arguments');
  if (callee?.type !== 'identifier' || !list) return null;
  return { api: textOf(source, callee), args: list.children };
}

/** A value that nothing but the function itself decides: it reads no memory and calls nothing. */
export function isBare(value: Node): boolean {
  return within(value).every(n => !/call_expression|field_expression|subscript_expression|pointer_expression|assignment|update/.test(n.type));
}

/** The names of variables in the node, callees left out. */
export function namesIn(node: Node): Node[] {
  return within(node).filter(n => n.type === 'identifier' && !(n.field === 'function' && n.parent?.type === 'call_expression'));
}

/** The variable that the name means there; null where it is none of the function's. */
export function variableOf(fn: Definition, name: string, at: number): Variable | null {
  const found = fn.variables.filter(v => v.name === name && v.from <= at && at < v.to);
  return found.reduce<Variable | null>((near, v) => (near && near.from > v.from ? near : v), null);
}

/** White space at the beginning of the line with the offset. */
export function indentAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1))?.[0] ?? '';
}

/**
 * The edits that put statements in the place of one; a branch without braces is given some. Null where the statement is not laid out on lines of
 * its own.
 */
export function replaced(text: string, node: Node, statements: readonly string[]): Edit[] | null {
  const indent = indentAt(text, node.start);
  const here: Edit = { start: node.start, end: node.end, text: statements.join(`\n${indent}`) };
  if (/^(?:compound|case|labeled)_statement$/.test(node.parent?.type ?? '') || statements.length < 2) return [here];
  const line = text.indexOf('\n', node.end);
  const before = text.slice(0, node.start).trimEnd();
  const rest = text.slice(node.end, line).replace(/\/\*.*?\*\//g, '');
  if (rest.trim() !== '' || before.slice(before.lastIndexOf('\n')).includes('//') || !text.slice(before.length, node.start).includes('\n'))
    return null;
  return [{ start: before.length, end: before.length, text: ' {' }, here, { start: line, end: line, text: `\n${indent.slice(1)}}` }];
}

/** A name that begins so and that the text does not hold. */
export function freshName(text: string, stem: string): string {
  for (let n = 1; ; n++) if (!new RegExp(`\\b${stem}_${n}\\b`).test(text)) return `${stem}_${n}`;
}

const SPECIFIERS = /\b(?:static|inline|extern|register|__\w+|noinline)\b(?:\([^()]*\))?/g;

function plainType(text: string): string {
  return text.replace(SPECIFIERS, ' ').replace(/\s+/g, ' ').trim();
}

/** The name that a declarator declares, the stars before it, and whether it is an array; null for functions and what else is no plain variable. */
function declaratorOf(text: string, node: Node): { name: string; stars: string; array: boolean } | null {
  if (node.type === 'identifier') return { name: text.slice(node.start, node.end), stars: '', array: false };
  const inner = node.children.find(n => n.field === 'declarator') ?? node.children.find(n => /declarator|^identifier$/.test(n.type));
  if (!inner) return null;
  const known = declaratorOf(text, inner);
  if (!known) return null;
  if (node.type === 'pointer_declarator') return { ...known, stars: `*${known.stars}` };
  if (node.type === 'init_declarator') return known;
  if (node.type === 'array_declarator') return known.array || known.stars ? null : { ...known, array: true };
  return null;
}

function variablesOf(text: string, node: Node, parameter: boolean, to: number): Variable[] {
  const type = child(node, 'type');
  if (!type || child(type, 'body')) return [];
  const declarators = node.children.filter(n => n.field === 'declarator');
  const first = declarators[0];
  const base = plainType(text.slice(node.start, first?.start ?? type.end));
  return declarators.flatMap(d => {
    const known = declaratorOf(text, d);
    return known ? [{ name: known.name, type: `${base} ${known.stars}`.trim(), array: known.array, parameter, from: d.start, to }] : [];
  });
}

function definitionOf(text: string, node: Node): Definition | null {
  const body = child(node, 'body');
  let head = child(node, 'declarator');
  const headStart = head?.start ?? node.start;
  let stars = '';
  while (head?.type === 'pointer_declarator') {
    stars += '*';
    head = child(head, 'declarator');
  }
  const name = head && child(head, 'declarator');
  const list = head && child(head, 'parameters');
  if (!body || head?.type !== 'function_declarator' || name?.type !== 'identifier' || !list) return null;
  const specifiers = text.slice(node.start, headStart);
  const variables = list.children.filter(n => n.type === 'parameter_declaration').flatMap(n => variablesOf(text, n, true, body.end));
  const obscure = new Set<string>();
  for (const n of within(body)) {
    if (n.type === 'declaration') variables.push(...variablesOf(text, n, false, n.parent?.end ?? body.end));
    if (n.type !== 'call_expression') continue;
    const callee = child(n, 'function');
    if (callee && /^(?:DE(?:FINE|CLARE)_|LIST_HEAD|HLIST_HEAD|XA_STATE|CLASS)/.test(text.slice(callee.start, callee.end)))
      for (const used of namesIn(n)) obscure.add(text.slice(used.start, used.end));
  }
  return {
    name: text.slice(name.start, name.end),
    start: startOf(text, node.start),
    node,
    body,
    returns: `${plainType(specifiers)} ${stars}`.trim(),
    isStatic: /\bstatic\b/.test(specifiers),
    isInline: /\binline\b|__always_inline/.test(specifiers),
    variables,
    obscure,
  };
}

/** The beginning of the line, or of the comment that ends on the line above. */
function startOf(text: string, at: number): number {
  let start = text.lastIndexOf('\n', at - 1) + 1;
  while (text.slice(0, start).endsWith('*/\n')) {
    const comment = text.lastIndexOf('/*', start - 1);
    // A comment after code belongs to that line.
    if (comment > 0 && text[comment - 1] !== '\n') break;
    start = comment;
  }
  return start;
}
