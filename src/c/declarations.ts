/** What a file declares at its top level: types, globals, constants, comments, and where its functions stand. */
import type { Parameter, SourceComment } from '../model/code.ts';
import type { FieldType, Types } from './cells.ts';
import { declared, numberOf, squeeze, tagOf } from './syntax.ts';
import { child, named, type SyntaxNode } from './tree.ts';

export interface Head {
  node: SyntaxNode;
  body: SyntaxNode;
  name: string;
  parameters: Parameter[];
  /** The words before the name. */
  head: string;
}

export interface Declarations {
  heads: Head[];
  includes: string[];
}

/** Reads the top level of a parsed text; types go into `types`, shared by all files of the series. */
export function declarationsOf(root: SyntaxNode, text: string, types: Types): Declarations {
  const found: Declarations = { heads: [], includes: [] };
  const slice = (n: { at: number; end: number }) => text.slice(n.at, n.end);
  const visit = (node: SyntaxNode) => {
    switch (node.type) {
      case 'function_definition': {
        const head = headOf(node, slice);
        if (head) found.heads.push(head);
        return;
      }
      case 'preproc_include':
        found.includes.push(slice(child(node, 'path') ?? node).replace(/^[<"]|[>"]$/g, ''));
        return;
      case 'preproc_def': {
        const value = numberOf(slice(child(node, 'value') ?? { at: 0, end: 0 }).replace(/^\((.*)\)$/, '$1'));
        const name = child(node, 'name');
        if (name && value !== null) types.constants.set(slice(name), value);
        return;
      }
      case 'struct_specifier':
      case 'union_specifier':
      case 'enum_specifier':
        aggregate(node, null);
        return;
      case 'declaration':
      case 'type_definition': {
        const type = child(node, 'type');
        const tag = type && /_specifier$/.test(type.type) ? aggregate(type, declarator(node)) : null;
        for (const d of node.children.filter(c => c.field === 'declarator')) {
          const inner = d.type === 'init_declarator' ? (child(d, 'declarator') ?? d) : d;
          const { name, pointer, array, isFunction } = declared(inner, slice);
          if (name !== null && !isFunction && node.type === 'declaration')
            types.globals.set(name, { type: tag ?? (type ? squeeze(tagOf(slice(type))) : ''), pointer, array });
        }
        return;
      }
      case 'expression_statement':
        defineMacro(node);
        return;
      default:
        for (const c of node.children) if (c.named) visit(c);
    }
  };
  const declarator = (node: SyntaxNode): string | null => {
    const d = child(node, 'declarator');
    return d ? declared(d.type === 'init_declarator' ? (child(d, 'declarator') ?? d) : d, slice).name : null;
  };
  /** Notes the members of a struct, union or enum; gives its tag, made up from the variable's name where it has none. */
  const aggregate = (node: SyntaxNode, variable: string | null): string | null => {
    const body = child(node, 'body');
    const word = node.type.replace('_specifier', '');
    const tagNode = child(node, 'name');
    const tag = tagNode ? `${word} ${slice(tagNode)}` : variable ? `${word} <${variable}>` : null;
    if (!body) return tag;
    if (word === 'enum') {
      let value = 0;
      for (const e of named(body)) {
        if (e.type !== 'enumerator') continue;
        const given = child(e, 'value');
        const number = given ? numberOf(slice(given)) : value;
        const name = child(e, 'name');
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
    for (const field of named(body)) {
      if (field.type.startsWith('preproc_')) {
        members(field, into);
        continue;
      }
      if (field.type !== 'field_declaration') continue;
      const type = child(field, 'type');
      const declarators = field.children.filter(c => c.field === 'declarator');
      const first = declarators[0] ? declared(declarators[0], slice).name : null;
      const tag = type && /_specifier$/.test(type.type) && type.type !== 'sized_type_specifier' ? aggregate(type, first) : null;
      if (declarators.length === 0 && type && child(type, 'body')) members(child(type, 'body') ?? type, into); // An anonymous struct's members are its parent's.
      for (const d of declarators) {
        const { name, pointer, array } = declared(d, slice);
        if (name !== null) into.set(name, { type: tag ?? (type ? squeeze(tagOf(slice(type))) : ''), pointer, array });
      }
    }
  };
  /** `DEFINE_SPINLOCK(name)` and the like declare a global. */
  const defineMacro = (node: SyntaxNode) => {
    const call = named(node)[0];
    const callee = call?.type === 'call_expression' ? child(call, 'function') : undefined;
    const argument = call ? named(child(call, 'arguments') ?? call)[0] : undefined;
    if (callee && argument?.type === 'identifier' && /^(?:DEFINE|DECLARE)_/.test(slice(callee)))
      types.globals.set(slice(argument), { type: '', pointer: 0, array: false });
  };
  visit(root);
  return found;
}

function headOf(node: SyntaxNode, slice: (n: { at: number; end: number }) => string): Head | null {
  const body = child(node, 'body');
  let at = child(node, 'declarator');
  for (let depth = 0; at && at.type !== 'function_declarator' && depth < 10; depth++) at = child(at, 'declarator');
  if (!body || !at) return null;
  const nameNode = child(at, 'declarator');
  const list = child(at, 'parameters');
  const name = nameNode ? declared(nameNode, slice).name : null;
  if (name === null || !list) return null;
  const parameters = named(list)
    .filter(p => p.type === 'parameter_declaration')
    .map(p => {
      const d = child(p, 'declarator');
      const type = child(p, 'type');
      const what = d ? declared(d, slice) : { name: null, pointer: 0, array: false };
      return { name: what.name ?? '', type: `${type ? squeeze(tagOf(slice(type))) : ''}${' *'.repeat(what.pointer + (what.array ? 1 : 0))}` };
    });
  return { node, body, name, parameters, head: squeeze(slice({ at: node.at, end: nameNode?.at ?? node.at })) };
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

export function sourceComment(node: SyntaxNode, raw: string, firstLine: number): SourceComment {
  return { line: node.row + firstLine, endLine: node.endRow + firstLine, text: commentText(raw) };
}
