/** The grammar's nodes of one function as statements and expressions, each name resolved by the block that it stands in. */

import type { Jumps } from '../text/arguments.ts';
import { isNever } from '../text/conditionals.ts';
import { ownName } from './calls.ts';
import { declared, type Expr, numberOf, oneSpaced, type Stmt, type Survey, tagOf, type Variable } from './syntax.ts';
import type { SyntaxNode, SyntaxTree } from './tree.ts';

/** What the conversion needs to know of the text. */
export interface SourceText {
  text: string;
  /** Offset of a `while` that stands for a loop macro -> the macro's name. */
  macros: Map<number, string>;
  /** Variables with a `__free()` in their declaration: offset of the name -> the cleanup's name. */
  cleanups: Map<number, string>;
  /** Offset of a `while` that stands for scoped_cond_guard() -> the statement that runs where it fails. */
  failures: Map<number, string>;
  /** Offset of a macro's argument -> the keyword of the statement that it is; the text has its value. */
  jumps: Jumps;
  /** Line in the file of the text's first row. */
  firstLine: number;
}

/** Macros that declare the variable named by an argument; those of `shared` are never on the stack. */
const DECLARES =
  /^(?:DEFINE|DECLARE)_\w+$|^(?:LIST_HEAD|HLIST_HEAD|XA_STATE|XA_STATE_ORDER|VMA_ITERATOR|MA_STATE|BIO_LIST_ON_STACK|LLIST_HEAD|KLIST_INIT)$/;
const SECOND_ARGUMENT = /PER_CPU|_FLEX$|^DEFINE_(?:XARRAY_FLAGS_OF|STATIC_CALL)/;
const SHARED =
  /^DEFINE_(?:SPINLOCK|RAW_SPINLOCK|RWLOCK|MUTEX|SEMAPHORE|SEQLOCK|RATELIMIT_STATE|PER_CPU\w*|IDA|IDR|STATIC_\w+|S?RCU|STATIC_SRCU|TIMER|XARRAY\w*|XA\w*)$/;
const OF_MACRO: Record<string, string> = {
  DECLARE_BITMAP: 'unsigned long',
  LIST_HEAD: 'struct list_head',
  HLIST_HEAD: 'struct hlist_head',
  DEFINE_SPINLOCK: 'spinlock_t',
  DEFINE_MUTEX: 'struct mutex',
  DEFINE_WAIT: 'struct wait_queue_entry',
  DECLARE_COMPLETION_ONSTACK: 'struct completion',
  XA_STATE: 'struct xa_state',
};

/** Converts one function's body; `survey` tells afterwards which variables it has and where they change. */
export class Converter {
  readonly survey: Survey = {
    variables: new Map(),
    changes: new Map(),
    first: new Map(),
    assigned: new Set(),
    labels: new Map(),
    values: new Set(),
    arrays: new Set(),
  };
  private readonly tree: SyntaxTree;
  private readonly source: SourceText;
  /** Innermost last: what a name of the text means in the block. */
  private readonly scopes: (Map<string, Variable> | null)[] = [null];

  constructor(tree: SyntaxTree, source: SourceText, parameters: { name: string; type: string }[]) {
    this.tree = tree;
    this.source = source;
    for (const { name, type } of parameters) {
      const pointer = (type.match(/\*/g) ?? []).length;
      if (name !== '') this.define({ name, type: type.replace(/[ *]+$/, ''), pointer, array: false, isStatic: false, cleanup: null });
    }
  }

  private slice(node: SyntaxNode): string {
    return this.source.text.slice(this.tree.at(node), this.tree.end(node));
  }

  private define(variable: Variable): Variable {
    const { variables } = this.survey;
    const written = variable.name;
    for (let n = 2; variables.has(variable.name); n++) variable.name = `${written}#${n}`;
    variables.set(variable.name, variable);
    const scope = this.scopes.at(-1) ?? new Map<string, Variable>();
    this.scopes[this.scopes.length - 1] = scope.set(written, variable);
    return variable;
  }

  private resolve(name: string): Variable | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const found = this.scopes[i]?.get(name);
      if (found) return found;
    }
    return undefined;
  }

  private within<T>(run: () => T): T {
    this.scopes.push(null); // Most blocks declare nothing.
    const value = run();
    this.scopes.pop();
    return value;
  }

  private changed(of: Expr, value: Expr | null): void {
    if (of.k === 'cast') this.changed(of.of, value);
    if (of.k !== 'name') return;
    const { changes, first, assigned } = this.survey;
    const all = changes.get(of.name);
    if (all) all.push(of.at);
    else changes.set(of.name, [of.at]);
    if (value && !first.has(of.name)) first.set(of.name, value);
    if (!of.local && !this.survey.variables.has(of.name)) assigned.add(of.name);
  }

  /** Notes that a member has a value of its own: an array can be neither assigned nor tested. */
  private value<T extends Expr>(e: T): T {
    if (e.k === 'member') this.survey.values.add(e.name);
    return e;
  }

  private part(node: SyntaxNode, field: string): Expr {
    const found = this.tree.child(node, field);
    return found ? this.expr(found) : { ...this.place(node), k: 'unread', list: [] };
  }

  private exprs(node: SyntaxNode): Expr[] {
    const { tree } = this;
    const found: Expr[] = [];
    for (let at = tree.firstPart(node); at; at = tree.nextPart(at)) found.push(this.expr(at));
    return found;
  }

  private place(node: SyntaxNode): { at: number; end: number; line: number } {
    return { at: this.tree.at(node), end: this.tree.end(node), line: this.tree.row(node) + this.source.firstLine };
  }

  private hasOperator(node: SyntaxNode, operator: string): boolean {
    const { tree } = this;
    for (let at = tree.first(node); at; at = tree.next(at)) if (tree.type(at) === operator) return true;
    return false;
  }

  private typeOfFirst(node: SyntaxNode): string {
    const first = this.tree.first(node);
    return first ? this.tree.type(first) : '?';
  }

  private expr(node: SyntaxNode): Expr {
    const { tree } = this;
    const at = tree.at(node);
    const end = tree.end(node);
    const line = tree.row(node) + this.source.firstLine;
    switch (tree.type(node)) {
      case 'identifier':
      case 'field_identifier':
      case 'type_identifier': {
        const name = this.slice(node);
        const variable = this.resolve(name);
        return { at, end, line, k: 'name', name: variable?.name ?? ownName(name), local: variable !== undefined && !variable.isStatic };
      }
      case 'number_literal':
      case 'char_literal':
        return number(this.slice(node), { at, end, line });
      case 'true':
      case 'false':
      case 'null':
        return { at, end, line, k: 'name', name: this.slice(node), local: false };
      case 'string_literal':
      case 'concatenated_string':
      case 'sizeof_expression':
      case 'offsetof_expression':
      case 'alignof_expression':
      case 'type_descriptor':
        return { at, end, line, k: 'text' };
      case 'parenthesized_expression': {
        const inner = tree.parts(node);
        const [only] = inner;
        return inner.length === 1 && only ? this.expr(only) : { at, end, line, k: 'comma', list: inner.map(n => this.expr(n)) };
      }
      case 'comma_expression': {
        // The grammar nests to the right what is one list to a reader.
        const list = this.exprs(node);
        return { at, end, line, k: 'comma', list: list.flatMap((e, i) => (e.k === 'comma' && i > 0 ? e.list : [e])) };
      }
      case 'call_expression': {
        const list = tree.child(node, 'arguments');
        const callee = this.part(node, 'function');
        const args = list ? this.exprs(list).map(e => this.jump(e)) : [];
        if (callee.k === 'name' && callee.name === 'ARRAY_SIZE' && args[0]?.k === 'member') this.survey.arrays.add(args[0].name);
        return { at, end, line, k: 'call', callee, args };
      }
      case 'gnu_asm_expression':
        return { at, end, line, k: 'call', callee: { at, end: at, line, k: 'name', name: 'asm', local: false }, args: this.asmOperands(node) };
      case 'field_expression': {
        const name = tree.child(node, 'field');
        const arrow = this.hasOperator(node, '->');
        const of = this.part(node, 'argument');
        if (arrow) this.value(of);
        return { at, end, line, k: 'member', of, name: name ? this.slice(name) : '?', arrow };
      }
      case 'subscript_expression':
        return { at, end, line, k: 'index', of: this.part(node, 'argument'), index: this.part(node, 'index') };
      case 'pointer_expression': {
        const of = this.part(node, 'argument');
        if (this.typeOfFirst(node) !== '&') return { at, end, line, k: 'deref', of: this.value(of) };
        this.changed(of, null);
        return { at, end, line, k: 'address', of };
      }
      case 'unary_expression':
        return { at, end, line, k: 'unary', op: this.typeOfFirst(node), of: this.value(this.part(node, 'argument')) };
      case 'update_expression': {
        const of = this.part(node, 'argument');
        const first = this.typeOfFirst(node);
        this.changed(this.value(of), null);
        const op = this.hasOperator(node, '++') ? '++' : '--';
        return { at, end, line, k: 'update', op, prefix: first === '++' || first === '--', of };
      }
      case 'binary_expression': {
        const operator = tree.child(node, 'operator');
        const op = operator ? tree.type(operator) : '?';
        const [left, right] = [this.part(node, 'left'), this.part(node, 'right')];
        // Of the operators only + and - take an array, for its address.
        if (op !== '+' && op !== '-') {
          this.value(left);
          this.value(right);
        }
        return { at, end, line, k: 'binary', op, left, right };
      }
      case 'assignment_expression': {
        const [left, right] = [this.part(node, 'left'), this.part(node, 'right')];
        const operator = tree.child(node, 'operator');
        const op = operator ? tree.type(operator) : '=';
        this.changed(this.value(left), op === '=' ? right : null);
        return { at, end, line, k: 'assign', op, left, right };
      }
      case 'conditional_expression': {
        const yes = tree.child(node, 'consequence');
        const test = this.part(node, 'condition');
        return { at, end, line, k: 'choice', test, yes: yes ? this.expr(yes) : null, no: this.part(node, 'alternative') };
      }
      case 'cast_expression': {
        const type = tree.child(node, 'type');
        return { at, end, line, k: 'cast', type: type ? oneSpaced(this.slice(type)) : '', of: this.part(node, 'value') };
      }
      case 'compound_literal_expression':
      case 'initializer_pair':
        return this.part(node, 'value');
      case 'initializer_list':
        return { at, end, line, k: 'list', list: this.exprs(node) };
      case 'compound_statement':
        return { at, end, line, k: 'block', body: this.stmt(node) };
      default:
        return { at, end, line, k: 'unread', list: this.exprs(node) };
    }
  }

  /** A statement that a macro is given runs on some path of it: `CHECK(x, return -EINVAL)`. */
  private jump(e: Expr): Expr {
    const kind = this.source.jumps.get(e.at);
    if (kind === undefined) return e;
    const place = { at: e.at, end: e.end, line: e.line };
    const span = { ...place, endLine: e.line };
    const of = e.k === 'number' && this.source.text[e.at] === '0' && e.end === e.at + 1 && kind !== 'return' ? null : e;
    const name = of?.k === 'name' ? this.source.text.slice(of.at, of.end) : '?';
    const yes: Stmt = kind === 'return' ? { ...span, k: kind, of } : kind === 'goto' ? { ...span, k: kind, name } : { ...span, k: kind };
    return { ...place, k: 'block', body: { ...span, k: 'if', test: { ...place, k: 'unread', list: [] }, yes, no: null } };
  }

  private asmOperands(node: SyntaxNode): Expr[] {
    const { tree } = this;
    const found: Expr[] = [];
    const visit = (n: SyntaxNode) => {
      if (/^gnu_asm_(?:out|in)put_operand$/.test(tree.type(n))) {
        const value = tree.child(n, 'value');
        if (value) found.push(this.expr(value));
      } else for (const c of tree.parts(n)) visit(c);
    };
    visit(node);
    return found;
  }

  stmt(node: SyntaxNode): Stmt {
    const { tree } = this;
    const at = tree.at(node);
    const end = tree.end(node);
    const line = tree.row(node) + this.source.firstLine;
    const endLine = tree.endRow(node) + this.source.firstLine;
    switch (tree.type(node)) {
      case 'compound_statement':
        return { at, end, line, endLine, k: 'block', scope: true, list: this.within(() => this.stmts(node)) };
      case 'expression_statement': {
        const of = tree.firstPart(node);
        if (!of) return { at, end, line, endLine, k: 'block', list: [], scope: false };
        return this.defining(of, node) ?? { at, end, line, endLine, k: 'expr', of: this.expr(of) };
      }
      case 'declaration':
        return { at, end, line, endLine, k: 'block', scope: false, list: this.declarations(node) };
      case 'if_statement': {
        const alternative = tree.child(node, 'alternative');
        const otherwise = tree.type(alternative) === 'else_clause' ? tree.firstPart(alternative) : alternative;
        const test = this.value(this.part(node, 'condition'));
        return { at, end, line, endLine, k: 'if', test, yes: this.inner(node, 'consequence'), no: otherwise ? this.stmt(otherwise) : null };
      }
      case 'while_statement': {
        const macro = this.source.macros.get(at);
        const test = this.part(node, 'condition');
        if (macro === undefined)
          return { at, end, line, endLine, k: 'loop', form: 'while', init: null, test, step: null, body: this.inner(node, 'body') };
        const args = test.k === 'comma' ? test.list : [test];
        for (const arg of args) if (arg.k === 'name' && arg.local) this.changed(arg, null);
        const fails = this.source.failures.get(at) ?? null;
        return { at, end, line, endLine, k: 'macro', name: macro, args, fails, body: this.inner(node, 'body') };
      }
      case 'do_statement': {
        const body = this.inner(node, 'body');
        return { at, end, line, endLine, k: 'loop', form: 'do', init: null, test: this.part(node, 'condition'), step: null, body };
      }
      case 'for_statement':
        return this.within(() => {
          const init = tree.child(node, 'initializer');
          const test = tree.child(node, 'condition');
          const step = tree.child(node, 'update');
          const first: Stmt | null = init
            ? tree.type(init) === 'declaration'
              ? this.stmt(init)
              : { ...this.span(init), k: 'expr', of: this.expr(init) }
            : null;
          const [condition, update] = [test ? this.expr(test) : null, step ? this.expr(step) : null];
          return { at, end, line, endLine, k: 'loop', form: 'for', init: first, test: condition, step: update, body: this.inner(node, 'body') };
        });
      case 'switch_statement':
        return { at, end, line, endLine, k: 'switch', on: this.part(node, 'condition'), body: this.inner(node, 'body') };
      case 'case_statement': {
        const value = tree.child(node, 'value');
        const test = value ? this.expr(value) : null;
        return { at, end, line, endLine, k: 'case', value: test, list: this.stmts(node, n => tree.field(n) !== 'value') };
      }
      case 'labeled_statement': {
        const label = tree.child(node, 'label');
        const body = tree.parts(node).find(n => n !== label);
        const name = label ? this.slice(label) : '?';
        this.survey.labels.set(name, at);
        return { at, end, line, endLine, k: 'label', name, body: body ? this.stmt(body) : null };
      }
      case 'goto_statement': {
        const label = tree.child(node, 'label') || tree.firstPart(node);
        return { at, end, line, endLine, k: 'goto', name: label ? this.slice(label) : '?' };
      }
      case 'return_statement': {
        const of = tree.firstPart(node);
        return { at, end, line, endLine, k: 'return', of: of ? this.expr(of) : null };
      }
      case 'break_statement':
        return { at, end, line, endLine, k: 'break' };
      case 'continue_statement':
        return { at, end, line, endLine, k: 'continue' };
      case 'preproc_if':
      case 'preproc_ifdef':
        return { at, end, line, endLine, k: 'arms', list: this.arms(node) };
      case 'attributed_statement':
        return { at, end, line, endLine, k: 'block', scope: false, list: this.stmts(node, n => tree.type(n) !== 'attribute_declaration') };
      case 'function_definition': // A nested head is a macro that the grammar took for one; its body still runs.
        return this.inner(node, 'body');
      case 'preproc_def':
      case 'preproc_function_def':
      case 'preproc_call':
      case 'preproc_include':
      case 'type_definition':
      case 'struct_specifier':
      case 'union_specifier':
      case 'enum_specifier':
      case ';':
        return { at, end, line, endLine, k: 'block', list: [], scope: false };
      case 'ERROR':
        return { at, end, line, endLine, k: 'unread', list: this.calls(node) };
      default:
        return { at, end, line, endLine, k: 'expr', of: this.expr(node) };
    }
  }

  private span(node: SyntaxNode) {
    const { firstLine } = this.source;
    return { ...this.place(node), endLine: this.tree.endRow(node) + firstLine };
  }

  private inner(node: SyntaxNode, field: string): Stmt {
    const found = this.tree.child(node, field);
    return found ? this.stmt(found) : { ...this.span(node), k: 'block', list: [], scope: false };
  }

  private stmts(node: SyntaxNode, wanted?: (part: SyntaxNode) => boolean): Stmt[] {
    const { tree } = this;
    const found: Stmt[] = [];
    for (let at = tree.firstPart(node); at; at = tree.nextPart(at)) if (!wanted || wanted(at)) found.push(this.stmt(at));
    return found;
  }

  /** The calls in what the grammar could not read: these at least are known. */
  private calls(node: SyntaxNode): Expr[] {
    const { tree } = this;
    return tree.parts(node).flatMap(c => (tree.type(c) === 'call_expression' ? [this.expr(c)] : this.calls(c)));
  }

  /** The arms of an `#if`: alternatives, of which one is compiled. An absent `#else` is an empty arm. */
  private arms(node: SyntaxNode): Stmt[] {
    const { tree } = this;
    const alternative = tree.child(node, 'alternative');
    const condition = tree.child(node, 'condition');
    const never = condition !== 0 && isNever(this.slice(condition));
    const own = never ? [] : this.stmts(node, n => n !== alternative && tree.field(n) !== 'condition' && tree.field(n) !== 'name');
    const first: Stmt = { ...this.span(node), k: 'block', scope: false, list: own };
    if (!alternative) return [first, { ...this.span(node), k: 'block', scope: false, list: [] }];
    if (tree.type(alternative) === 'preproc_else')
      return [first, { ...this.span(alternative), k: 'block', scope: false, list: this.stmts(alternative) }];
    return [first, ...this.arms(alternative)];
  }

  /** `DEFINE_WAIT(w);` and the like inside a function: a declaration. */
  private defining(node: SyntaxNode, statement: SyntaxNode): Stmt | null {
    const { tree } = this;
    const callee = tree.type(node) === 'call_expression' ? tree.child(node, 'function') : 0;
    if (callee && tree.type(callee) === 'call_expression') return this.scoped(node, callee, statement);
    if (!callee || tree.type(callee) !== 'identifier') return null;
    const macro = this.slice(callee);
    const args = tree.parts(tree.child(node, 'arguments') || node);
    const at = SECOND_ARGUMENT.test(macro) ? 1 : 0;
    const argument = args[at];
    if (!argument || tree.type(argument) !== 'identifier' || !DECLARES.test(macro)) return null;
    const type = OF_MACRO[macro] ?? (at === 1 && args[0] ? this.slice(args[0]).replace(/^(struct|union)_+/, '$1 ') : '');
    const pointer = macro.endsWith('_FLEX') ? 1 : 0;
    const isArray = macro === 'DECLARE_BITMAP' || /HASHTABLE|PER_CPU_ARRAY/.test(macro);
    const variable = { name: this.slice(argument), type, pointer, array: isArray, isStatic: SHARED.test(macro), cleanup: null };
    const place = this.span(statement);
    const others = args.slice(at + 1).map(n => this.expr(n));
    return { ...place, k: 'declare', variable: this.define(variable), init: others.length > 0 ? { ...place, k: 'list', list: others } : null };
  }

  /** `CLASS(fd, f)(n);` and `ACQUIRE(mutex_intr, lock)(&x->m);` declare what their second argument names. */
  private scoped(node: SyntaxNode, head: SyntaxNode, statement: SyntaxNode): Stmt | null {
    const { tree } = this;
    const word = tree.child(head, 'function');
    const name = tree.parts(tree.child(head, 'arguments') || head)[1];
    if (!word || !name || tree.type(name) !== 'identifier' || !/^(?:CLASS|ACQUIRE)$/.test(this.slice(word))) return null;
    const variable = this.define({ name: this.slice(name), type: '', pointer: 0, array: false, isStatic: false, cleanup: null });
    return { ...this.span(statement), k: 'declare', variable, init: this.expr(node) };
  }

  private declarations(node: SyntaxNode): Stmt[] {
    const { tree } = this;
    const typeNode = tree.child(node, 'type');
    const type = typeNode ? oneSpaced(tree.type(typeNode).endsWith('_specifier') ? tagOf(this.slice(typeNode)) : this.slice(typeNode)) : '';
    const isStatic = tree.parts(node).some(c => tree.type(c) === 'storage_class_specifier' && this.slice(c) === 'static');
    const out: Stmt[] = [];
    for (let declarator = tree.first(node); declarator; declarator = tree.next(declarator)) {
      if (tree.field(declarator) !== 'declarator') continue;
      const sets = tree.type(declarator) === 'init_declarator';
      const value = sets ? tree.child(declarator, 'value') : 0;
      const bare = (sets && tree.child(declarator, 'declarator')) || declarator;
      const { name, pointer, array, isFunction } = declared(tree, bare, n => this.slice(n));
      if (name === null || (isFunction && pointer === 0 && !value)) continue;
      const cleanup = this.cleanupIn(tree.at(bare), value ? tree.at(value) : tree.end(node));
      const variable = this.define({ name, type, pointer, array, isStatic, cleanup });
      const init = value ? this.expr(value) : null; // A variable is in scope in its own initialiser (C11 6.2.1p7).
      const span = this.span(declarator);
      if (init) this.changed({ at: span.at, end: span.end, line: span.line, k: 'name', name: variable.name, local: true }, init);
      out.push({ ...span, k: 'declare', variable, init });
    }
    return out;
  }

  private cleanupIn(from: number, to: number): string | null {
    for (const [at, name] of this.source.cleanups) if (at > from && at < to && !this.source.text.slice(from, at).includes(',')) return name;
    return null;
  }
}

/** A number, with the sign that the grammar takes for a part of it; what a negative one is worth depends on the type that it meets. */
function number(text: string, place: { at: number; end: number; line: number }): Expr {
  return text.startsWith('-') ? { ...place, k: 'number', value: null, negative: true } : { ...place, k: 'number', value: numberOf(text) };
}
