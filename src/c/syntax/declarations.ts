/** What a file declares at its top level: types, globals, constants, comments, and where its functions stand. */
import type { Parameter, SourceComment } from '../../model/code.ts';
import { closing } from '../text/scan.ts';
import { declared, numberOf, oneSpaced, tagOf } from './syntax.ts';
import type { SyntaxNode, SyntaxTree } from './tree.ts';
import type { FieldType, Types } from './types.ts';

/** A function as its head shows it. */
export interface FunctionHead {
  node: SyntaxNode;
  body: SyntaxNode;
  name: string;
  parameters: Parameter[];
  /** The words before the name. */
  head: string;
}

export interface Declarations {
  heads: FunctionHead[];
  includes: string[];
}

/** Reads the top level of a parsed text; types go into `types`, shared by all files of the series. `written`: the text with what the grammar is not shown. */
export function declarationsOf(tree: SyntaxTree, text: string, written: string, types: Types): Declarations {
  const found: Declarations = { heads: [], includes: [] };
  const slice = (n: SyntaxNode) => text.slice(tree.at(n), tree.end(n));
  const visit = (node: SyntaxNode) => {
    switch (tree.type(node)) {
      case 'function_definition': {
        const head = headOf(tree, node, text);
        if (head) found.heads.push(head);
        return;
      }
      case 'preproc_include':
        found.includes.push(slice(tree.child(node, 'path') || node).replace(/^[<"]|[>"]$/g, ''));
        return;
      case 'preproc_def': {
        const [name, value] = [tree.child(node, 'name'), tree.child(node, 'value')];
        const number = value ? numberOf(slice(value).replace(/^\((.*)\)$/, '$1')) : null;
        if (name && number !== null) types.constants.set(slice(name), number);
        return;
      }
      case 'struct_specifier':
      case 'union_specifier':
      case 'enum_specifier':
        aggregate(node, null);
        return;
      case 'declaration':
      case 'type_definition': {
        const type = tree.child(node, 'type');
        const tag = type && tree.type(type).endsWith('_specifier') ? aggregate(type, declarator(node)) : null;
        for (let d = tree.first(node); d; d = tree.next(d)) {
          if (tree.field(d) !== 'declarator') continue;
          const { name, pointer, array, isFunction } = declared(tree, plain(d), slice);
          if (name !== null && !isFunction && tree.type(node) === 'declaration')
            types.globals.set(name, { type: tag ?? (type ? oneSpaced(tagOf(slice(type))) : ''), pointer, array, ...guard(node) });
        }
        return;
      }
      case 'expression_statement':
        defineMacro(node);
        return;
      default:
        for (let c = tree.firstPart(node); c; c = tree.nextPart(c)) visit(c);
    }
  };
  /** The declarator without its initial value. */
  const plain = (d: SyntaxNode) => (tree.type(d) === 'init_declarator' && tree.child(d, 'declarator')) || d;
  const declarator = (node: SyntaxNode): string | null => {
    const d = tree.child(node, 'declarator');
    return d ? declared(tree, plain(d), slice).name : null;
  };
  /** What the declaration says that guards it (include/linux/compiler-context-analysis.h). */
  const guard = (node: SyntaxNode): Pick<FieldType, 'guard'> => {
    const said = written.slice(tree.at(node), tree.end(node));
    const at = said.indexOf(GUARDED);
    const end = at < 0 ? -1 : closing(said, at + GUARDED.length - 1);
    return end < 0 ? {} : { guard: { lock: said.slice(at + GUARDED.length, end - 1).trim(), pointee: said.startsWith('pt_', at - 3) } };
  };
  /** Notes the members of a struct, union or enum; gives its tag, made up from the variable's name where it has none. */
  const aggregate = (node: SyntaxNode, variable: string | null): string | null => {
    const body = tree.child(node, 'body');
    const word = tree.type(node).replace('_specifier', '');
    const tagNode = tree.child(node, 'name');
    const tag = tagNode ? `${word} ${slice(tagNode)}` : variable ? `${word} <${variable}>` : null;
    if (!body) return tag;
    if (word === 'enum') {
      let value = 0;
      for (const e of tree.parts(body)) {
        if (tree.type(e) !== 'enumerator') continue;
        const given = tree.child(e, 'value');
        const number = given ? numberOf(slice(given)) : value;
        const name = tree.child(e, 'name');
        if (number === null) value = Number.NaN;
        else {
          if (name && !Number.isNaN(number)) types.constants.set(slice(name), number);
          value = number + 1;
        }
      }
      return tag;
    }
    const fields = new Map<string, FieldType>();
    members(body, fields);
    if (tag) types.structs.set(tag, fields);
    return tag;
  };
  const members = (body: SyntaxNode, into: Map<string, FieldType>) => {
    for (const field of tree.parts(body)) {
      if (tree.type(field).startsWith('preproc_')) {
        members(field, into);
        continue;
      }
      if (tree.type(field) !== 'field_declaration') continue;
      const type = tree.child(field, 'type');
      const declarators = tree.children(field).filter(c => tree.field(c) === 'declarator');
      const first = declarators[0] ? declared(tree, declarators[0], slice).name : null;
      const word = type ? tree.type(type) : '';
      const tag = word.endsWith('_specifier') && word !== 'sized_type_specifier' ? aggregate(type, first) : null;
      const inner = type && declarators.length === 0 ? tree.child(type, 'body') : 0;
      if (inner) members(inner, into); // An anonymous struct's members are its parent's.
      for (const d of declarators) {
        const { name, pointer, array } = declared(tree, d, slice);
        if (name !== null) into.set(name, { type: tag ?? (type ? oneSpaced(tagOf(slice(type))) : ''), pointer, array, ...guard(field) });
      }
    }
  };
  /** `DEFINE_SPINLOCK(name)` and the like declare a global. */
  const defineMacro = (node: SyntaxNode) => {
    const call = tree.firstPart(node);
    const callee = call && tree.type(call) === 'call_expression' ? tree.child(call, 'function') : 0;
    const argument = call ? tree.firstPart(tree.child(call, 'arguments') || call) : 0;
    if (callee && argument && tree.type(argument) === 'identifier' && /^(?:DEFINE|DECLARE)_/.test(slice(callee)))
      types.globals.set(slice(argument), { type: '', pointer: 0, array: false });
  };
  visit(0);
  return found;
}

const GUARDED = 'guarded_by(';

function headOf(tree: SyntaxTree, node: SyntaxNode, text: string): FunctionHead | null {
  const slice = (n: SyntaxNode) => text.slice(tree.at(n), tree.end(n));
  const body = tree.child(node, 'body');
  let at = tree.child(node, 'declarator');
  for (let depth = 0; at && tree.type(at) !== 'function_declarator' && depth < 10; depth++) at = tree.child(at, 'declarator');
  if (!body || !at) return null;
  const nameNode = tree.child(at, 'declarator');
  const list = tree.child(at, 'parameters');
  const name = nameNode ? declared(tree, nameNode, slice).name : null;
  if (name === null || !list) return null;
  const parameters: Parameter[] = [];
  for (let p = tree.firstPart(list); p; p = tree.nextPart(p)) {
    if (tree.type(p) !== 'parameter_declaration') continue;
    const d = tree.child(p, 'declarator');
    const type = tree.child(p, 'type');
    const what = d ? declared(tree, d, slice) : { name: null, pointer: 0, array: false };
    parameters.push({
      name: what.name ?? '',
      type: `${type ? oneSpaced(tagOf(slice(type))) : ''}${' *'.repeat(what.pointer + (what.array ? 1 : 0))}`,
    });
  }
  return { node, body, name, parameters, head: oneSpaced(text.slice(tree.at(node), tree.at(nameNode))) };
}

/** A comment's words, without its delimiters and leading stars. */
export function commentText(raw: string): string {
  return raw
    .replace(/^\/\*+|\*+\/$/g, '')
    .replace(/^\/\//, '')
    .split('\n')
    .map(line => line.replace(/^\s*\*(?!\/)\s?/, '').trimEnd())
    .join('\n')
    .trim();
}

export function sourceComment(tree: SyntaxTree, node: SyntaxNode, raw: string, firstLine: number): SourceComment {
  return { line: tree.row(node) + firstLine, endLine: tree.endRow(node) + firstLine, text: commentText(raw) };
}
