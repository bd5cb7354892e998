/** Expressions and statements of C, as far as rules need them: the grammar's tree without its punctuation. */
import { child, named, type SyntaxNode } from './tree.ts';

interface At {
  at: number;
  end: number;
  /** 1-based line in the file. */
  line: number;
}

export type Expr = At &
  (
    | { k: 'name'; name: string }
    | { k: 'number'; value: number | null }
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
    | { k: 'block'; list: Stmt[] }
    | { k: 'expr'; of: Expr }
    | { k: 'declare'; type: string; pointer: number; name: string; init: Expr | null }
    | { k: 'if'; test: Expr; yes: Stmt; no: Stmt | null }
    | { k: 'loop'; form: 'while' | 'do' | 'for'; init: Stmt | null; test: Expr | null; step: Expr | null; body: Stmt }
    | { k: 'macro'; name: string; args: Expr[]; body: Stmt }
    | { k: 'switch'; on: Expr; body: Stmt }
    | { k: 'case'; value: Expr | null; list: Stmt[] }
    | { k: 'label'; name: string; body: Stmt | null }
    | { k: 'goto'; name: string }
    | { k: 'return'; of: Expr | null }
    | { k: 'break' }
    | { k: 'continue' }
    | { k: 'arms'; list: Stmt[] }
    | { k: 'unread' }
  );

/** What the conversion needs to know of the text. */
export interface SourceText {
  text: string;
  macros: Map<number, string>;
  /** Line in the file of the text's first row. */
  firstLine: number;
}

/** Turns the grammar's nodes of one text into expressions and statements. */
export class Syntax {
  readonly source: SourceText;

  constructor(source: SourceText) {
    this.source = source;
  }

  slice(node: { at: number; end: number }): string {
    return this.source.text.slice(node.at, node.end);
  }

  private place(node: SyntaxNode): At {
    return { at: node.at, end: node.end, line: node.row + this.source.firstLine };
  }

  private span(node: SyntaxNode): At & { endLine: number } {
    return { ...this.place(node), endLine: node.endRow + this.source.firstLine };
  }

  expr(node: SyntaxNode): Expr {
    const at = this.place(node);
    const part = (field: string): Expr => {
      const found = child(node, field);
      return found ? this.expr(found) : { ...at, k: 'unread', list: [] };
    };
    const only = (): Expr => {
      const inner = named(node);
      return inner.length === 1 && inner[0] ? this.expr(inner[0]) : { ...at, k: 'comma', list: inner.map(n => this.expr(n)) };
    };
    switch (node.type) {
      case 'identifier':
      case 'field_identifier':
      case 'type_identifier':
        return { ...at, k: 'name', name: this.slice(node) };
      case 'number_literal':
      case 'char_literal':
        return { ...at, k: 'number', value: numberOf(this.slice(node)) };
      case 'true':
      case 'false':
      case 'null':
        return { ...at, k: 'name', name: this.slice(node) };
      case 'string_literal':
      case 'concatenated_string':
      case 'sizeof_expression':
      case 'offsetof_expression':
      case 'alignof_expression':
      case 'type_descriptor':
        return { ...at, k: 'text' };
      case 'parenthesized_expression':
        return only();
      case 'comma_expression':
        return { ...at, k: 'comma', list: named(node).map(n => this.expr(n)) };
      case 'call_expression':
        return {
          ...at,
          k: 'call',
          callee: part('function'),
          args: named(child(node, 'arguments') ?? { ...node, children: [] }).map(n => this.expr(n)),
        };
      case 'field_expression': {
        const name = child(node, 'field');
        return { ...at, k: 'member', of: part('argument'), name: name ? this.slice(name) : '?', arrow: node.children.some(c => c.type === '->') };
      }
      case 'subscript_expression':
        return { ...at, k: 'index', of: part('argument'), index: part('index') };
      case 'pointer_expression':
        return { ...at, k: node.children[0]?.type === '&' ? 'address' : 'deref', of: part('argument') };
      case 'unary_expression':
        return { ...at, k: 'unary', op: node.children[0]?.type ?? '?', of: part('argument') };
      case 'update_expression':
        return {
          ...at,
          k: 'update',
          op: node.children.some(c => c.type === '++') ? '++' : '--',
          prefix: node.children[0]?.type === '++' || node.children[0]?.type === '--',
          of: part('argument'),
        };
      case 'binary_expression':
        return { ...at, k: 'binary', op: child(node, 'operator')?.type ?? '?', left: part('left'), right: part('right') };
      case 'assignment_expression':
        return { ...at, k: 'assign', op: child(node, 'operator')?.type ?? '=', left: part('left'), right: part('right') };
      case 'conditional_expression': {
        const yes = child(node, 'consequence');
        return { ...at, k: 'choice', test: part('condition'), yes: yes ? this.expr(yes) : null, no: part('alternative') };
      }
      case 'cast_expression': {
        const type = child(node, 'type');
        return { ...at, k: 'cast', type: type ? squeeze(this.slice(type)) : '', of: part('value') };
      }
      case 'compound_literal_expression':
        return part('value');
      case 'initializer_list':
        return { ...at, k: 'list', list: named(node).map(n => this.expr(n)) };
      case 'initializer_pair':
        return part('value');
      case 'compound_statement':
        return { ...at, k: 'block', body: this.stmt(node) };
      default:
        return { ...at, k: 'unread', list: named(node).map(n => this.expr(n)) };
    }
  }

  stmt(node: SyntaxNode): Stmt {
    const at = this.span(node);
    const part = (field: string): Expr => {
      const found = child(node, field);
      return found ? this.expr(found) : { ...at, k: 'unread', list: [] };
    };
    const inner = (field: string): Stmt => {
      const found = child(node, field);
      return found ? this.stmt(found) : { ...at, k: 'block', list: [] };
    };
    switch (node.type) {
      case 'compound_statement':
        return { ...at, k: 'block', list: this.stmts(named(node)) };
      case 'expression_statement': {
        const of = named(node)[0];
        return of ? { ...at, k: 'expr', of: this.expr(of) } : { ...at, k: 'block', list: [] };
      }
      case 'declaration':
        return { ...at, k: 'block', list: this.declarations(node) };
      case 'if_statement': {
        const alternative = child(node, 'alternative');
        const otherwise = alternative?.type === 'else_clause' ? named(alternative)[0] : alternative;
        return { ...at, k: 'if', test: part('condition'), yes: inner('consequence'), no: otherwise ? this.stmt(otherwise) : null };
      }
      case 'while_statement': {
        const macro = this.source.macros.get(node.at);
        if (macro) {
          const test = part('condition');
          return { ...at, k: 'macro', name: macro, args: test.k === 'comma' ? test.list : [test], body: inner('body') };
        }
        return { ...at, k: 'loop', form: 'while', init: null, test: part('condition'), step: null, body: inner('body') };
      }
      case 'do_statement':
        return { ...at, k: 'loop', form: 'do', init: null, test: part('condition'), step: null, body: inner('body') };
      case 'for_statement': {
        const init = child(node, 'initializer');
        const test = child(node, 'condition');
        const step = child(node, 'update');
        return {
          ...at,
          k: 'loop',
          form: 'for',
          init: init ? (init.type === 'declaration' ? this.stmt(init) : { ...this.span(init), k: 'expr', of: this.expr(init) }) : null,
          test: test ? this.expr(test) : null,
          step: step ? this.expr(step) : null,
          body: inner('body'),
        };
      }
      case 'switch_statement':
        return { ...at, k: 'switch', on: part('condition'), body: inner('body') };
      case 'case_statement': {
        const value = child(node, 'value');
        return { ...at, k: 'case', value: value ? this.expr(value) : null, list: this.stmts(named(node).filter(n => n !== value)) };
      }
      case 'labeled_statement': {
        const label = child(node, 'label');
        const body = named(node).find(n => n !== label);
        return { ...at, k: 'label', name: label ? this.slice(label) : '?', body: body ? this.stmt(body) : null };
      }
      case 'goto_statement': {
        const label = child(node, 'label');
        return { ...at, k: 'goto', name: label ? this.slice(label) : '?' };
      }
      case 'return_statement': {
        const of = named(node)[0];
        return { ...at, k: 'return', of: of ? this.expr(of) : null };
      }
      case 'break_statement':
        return { ...at, k: 'break' };
      case 'continue_statement':
        return { ...at, k: 'continue' };
      case 'preproc_if':
      case 'preproc_ifdef':
        return { ...at, k: 'arms', list: this.arms(node) };
      case 'preproc_def':
      case 'preproc_function_def':
      case 'preproc_call':
      case 'preproc_include':
      case 'type_definition':
      case 'struct_specifier':
      case 'attributed_statement':
      case ';':
        return { ...at, k: 'block', list: [] };
      case 'ERROR':
        return { ...at, k: 'unread' };
      default:
        return { ...at, k: 'expr', of: this.expr(node) };
    }
  }

  private stmts(nodes: SyntaxNode[]): Stmt[] {
    return nodes.map(n => this.stmt(n));
  }

  /** The arms of an `#if`: alternatives, of which one is compiled. An absent `#else` is an empty arm. */
  private arms(node: SyntaxNode): Stmt[] {
    const alternative = child(node, 'alternative');
    const own = named(node).filter(n => n !== alternative && n.field !== 'condition' && n.field !== 'name');
    const first: Stmt = { ...this.span(node), k: 'block', list: this.stmts(own) };
    if (!alternative) return [first, { ...this.span(node), k: 'block', list: [] }];
    if (alternative.type === 'preproc_else') return [first, { ...this.span(alternative), k: 'block', list: this.stmts(named(alternative)) }];
    return [first, ...this.arms(alternative)];
  }

  private declarations(node: SyntaxNode): Stmt[] {
    const typeNode = child(node, 'type');
    const type = typeNode ? squeeze(typeNode.type.endsWith('_specifier') ? tagOf(this.slice(typeNode)) : this.slice(typeNode)) : '';
    const out: Stmt[] = [];
    for (const declarator of node.children.filter(c => c.field === 'declarator')) {
      let inner = declarator;
      let init: Expr | null = null;
      if (inner.type === 'init_declarator') {
        const value = child(inner, 'value');
        init = value ? this.expr(value) : null;
        inner = child(inner, 'declarator') ?? inner;
      }
      const { name, pointer } = declared(inner, n => this.slice(n));
      if (name !== null) out.push({ ...this.span(declarator), k: 'declare', type, pointer, name, init });
    }
    return out;
  }
}

/** `struct foo { ... }` -> `struct foo`. */
export function tagOf(type: string): string {
  return squeeze(type.replace(/\{[\s\S]*$/, ''));
}

/** The name a declarator declares, and how many stars and dimensions stand before the plain type. */
export function declared(
  node: SyntaxNode,
  text: (n: SyntaxNode) => string,
): { name: string | null; pointer: number; array: boolean; isFunction: boolean } {
  let pointer = 0;
  let array = false;
  let isFunction = false;
  let at: SyntaxNode | undefined = node;
  for (let depth = 0; at && depth < 30; depth++) {
    if (at.type === 'identifier' || at.type === 'field_identifier' || at.type === 'type_identifier')
      return { name: text(at), pointer, array, isFunction };
    if (at.type === 'pointer_declarator' || at.type === 'abstract_pointer_declarator') pointer++;
    if (at.type === 'array_declarator') array = true;
    if (at.type === 'function_declarator') isFunction = true;
    at = child(at, 'declarator') ?? named(at)[0];
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

export function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
