/** The grammar's nodes of one function as statements and expressions, each name resolved by the block that it stands in. */
import { declared, type Expr, numberOf, type Stmt, type Survey, squeeze, tagOf, type Variable } from './syntax.ts';
import { child, named, type SyntaxNode } from './tree.ts';

/** What the conversion needs to know of the text. */
export interface SourceText {
  text: string;
  /** Offset of a `while` that stands for a loop macro -> the macro's name. */
  macros: Map<number, string>;
  /** Variables with a `__free()` in their declaration: offset of the name -> the cleanup's name. */
  cleanups: Map<number, string>;
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
  readonly survey: Survey = { variables: new Map(), changes: new Map(), first: new Map(), assigned: new Set(), labels: new Map() };
  private readonly source: SourceText;
  /** Innermost last: what a name of the text means in the block. */
  private readonly scopes: Map<string, Variable>[] = [new Map()];

  constructor(source: SourceText, parameters: { name: string; type: string }[]) {
    this.source = source;
    for (const { name, type } of parameters) {
      const pointer = (type.match(/\*/g) ?? []).length;
      if (name !== '') this.define({ name, type: type.replace(/[ *]+$/, ''), pointer, array: false, isStatic: false, cleanup: null });
    }
  }

  slice(node: { at: number; end: number }): string {
    return this.source.text.slice(node.at, node.end);
  }

  private define(variable: Variable): Variable {
    const { variables } = this.survey;
    const written = variable.name;
    for (let n = 2; variables.has(variable.name); n++) variable.name = `${written}#${n}`;
    variables.set(variable.name, variable);
    this.scopes.at(-1)?.set(written, variable);
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
    this.scopes.push(new Map());
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

  private part(node: SyntaxNode, field: string): Expr {
    const found = child(node, field);
    return found ? this.expr(found) : { at: node.at, end: node.end, line: node.row + this.source.firstLine, k: 'unread', list: [] };
  }

  expr(node: SyntaxNode): Expr {
    const { at, end } = node;
    const line = node.row + this.source.firstLine;
    switch (node.type) {
      case 'identifier':
      case 'field_identifier':
      case 'type_identifier': {
        const name = this.slice(node);
        const variable = this.resolve(name);
        return { at, end, line, k: 'name', name: variable?.name ?? name, local: variable !== undefined && !variable.isStatic };
      }
      case 'number_literal':
      case 'char_literal':
        return { at, end, line, k: 'number', value: numberOf(this.slice(node)) };
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
        const inner = named(node);
        const [only] = inner;
        return inner.length === 1 && only ? this.expr(only) : { at, end, line, k: 'comma', list: inner.map(n => this.expr(n)) };
      }
      case 'comma_expression': {
        // The grammar nests to the right what is one list to a reader.
        const list = named(node).map(n => this.expr(n));
        return { at, end, line, k: 'comma', list: list.flatMap((e, i) => (e.k === 'comma' && i > 0 ? e.list : [e])) };
      }
      case 'call_expression': {
        const args = child(node, 'arguments');
        return { at, end, line, k: 'call', callee: this.part(node, 'function'), args: args ? named(args).map(n => this.expr(n)) : [] };
      }
      case 'gnu_asm_expression':
        return { at, end, line, k: 'call', callee: { at, end: at, line, k: 'name', name: 'asm', local: false }, args: this.asmOperands(node) };
      case 'field_expression': {
        const name = child(node, 'field');
        const arrow = node.children.some(c => c.type === '->');
        return { at, end, line, k: 'member', of: this.part(node, 'argument'), name: name ? this.slice(name) : '?', arrow };
      }
      case 'subscript_expression':
        return { at, end, line, k: 'index', of: this.part(node, 'argument'), index: this.part(node, 'index') };
      case 'pointer_expression': {
        const of = this.part(node, 'argument');
        if (node.children[0]?.type !== '&') return { at, end, line, k: 'deref', of };
        this.changed(of, null);
        return { at, end, line, k: 'address', of };
      }
      case 'unary_expression':
        return { at, end, line, k: 'unary', op: node.children[0]?.type ?? '?', of: this.part(node, 'argument') };
      case 'update_expression': {
        const of = this.part(node, 'argument');
        const first = node.children[0]?.type;
        this.changed(of, null);
        const op = node.children.some(c => c.type === '++') ? '++' : '--';
        return { at, end, line, k: 'update', op, prefix: first === '++' || first === '--', of };
      }
      case 'binary_expression':
        return {
          at,
          end,
          line,
          k: 'binary',
          op: child(node, 'operator')?.type ?? '?',
          left: this.part(node, 'left'),
          right: this.part(node, 'right'),
        };
      case 'assignment_expression': {
        const [left, right] = [this.part(node, 'left'), this.part(node, 'right')];
        const op = child(node, 'operator')?.type ?? '=';
        this.changed(left, op === '=' ? right : null);
        return { at, end, line, k: 'assign', op, left, right };
      }
      case 'conditional_expression': {
        const yes = child(node, 'consequence');
        const test = this.part(node, 'condition');
        return { at, end, line, k: 'choice', test, yes: yes ? this.expr(yes) : null, no: this.part(node, 'alternative') };
      }
      case 'cast_expression': {
        const type = child(node, 'type');
        return { at, end, line, k: 'cast', type: type ? squeeze(this.slice(type)) : '', of: this.part(node, 'value') };
      }
      case 'compound_literal_expression':
      case 'initializer_pair':
        return this.part(node, 'value');
      case 'initializer_list':
        return { at, end, line, k: 'list', list: named(node).map(n => this.expr(n)) };
      case 'compound_statement':
        return { at, end, line, k: 'block', body: this.stmt(node) };
      default:
        return { at, end, line, k: 'unread', list: named(node).map(n => this.expr(n)) };
    }
  }

  private asmOperands(node: SyntaxNode): Expr[] {
    const found: Expr[] = [];
    const visit = (n: SyntaxNode) => {
      if (n.type === 'gnu_asm_output_operand' || n.type === 'gnu_asm_input_operand') {
        const value = child(n, 'value');
        if (value) found.push(this.expr(value));
      } else for (const c of n.children) visit(c);
    };
    visit(node);
    return found;
  }

  stmt(node: SyntaxNode): Stmt {
    const { at, end } = node;
    const line = node.row + this.source.firstLine;
    const endLine = node.endRow + this.source.firstLine;
    const inner = (field: string): Stmt => {
      const found = child(node, field);
      return found ? this.stmt(found) : { at, end, line, endLine, k: 'block', list: [], scope: false };
    };
    switch (node.type) {
      case 'compound_statement':
        return { at, end, line, endLine, k: 'block', scope: true, list: this.within(() => this.stmts(named(node))) };
      case 'expression_statement': {
        const of = named(node)[0];
        if (!of) return { at, end, line, endLine, k: 'block', list: [], scope: false };
        return this.defining(of, node) ?? { at, end, line, endLine, k: 'expr', of: this.expr(of) };
      }
      case 'declaration':
        return { at, end, line, endLine, k: 'block', scope: false, list: this.declarations(node) };
      case 'if_statement': {
        const alternative = child(node, 'alternative');
        const otherwise = alternative?.type === 'else_clause' ? named(alternative)[0] : alternative;
        const test = this.part(node, 'condition');
        return { at, end, line, endLine, k: 'if', test, yes: inner('consequence'), no: otherwise ? this.stmt(otherwise) : null };
      }
      case 'while_statement': {
        const macro = this.source.macros.get(node.at);
        const test = this.part(node, 'condition');
        if (macro === undefined) return { at, end, line, endLine, k: 'loop', form: 'while', init: null, test, step: null, body: inner('body') };
        const args = test.k === 'comma' ? test.list : [test];
        for (const arg of args) if (arg.k === 'name' && arg.local) this.changed(arg, null);
        return { at, end, line, endLine, k: 'macro', name: macro, args, body: inner('body') };
      }
      case 'do_statement': {
        const body = inner('body');
        return { at, end, line, endLine, k: 'loop', form: 'do', init: null, test: this.part(node, 'condition'), step: null, body };
      }
      case 'for_statement':
        return this.within(() => {
          const init = child(node, 'initializer');
          const test = child(node, 'condition');
          const step = child(node, 'update');
          const first: Stmt | null = init
            ? init.type === 'declaration'
              ? this.stmt(init)
              : { ...this.span(init), k: 'expr', of: this.expr(init) }
            : null;
          const [condition, update] = [test ? this.expr(test) : null, step ? this.expr(step) : null];
          return { at, end, line, endLine, k: 'loop', form: 'for', init: first, test: condition, step: update, body: inner('body') };
        });
      case 'switch_statement':
        return { at, end, line, endLine, k: 'switch', on: this.part(node, 'condition'), body: inner('body') };
      case 'case_statement': {
        const value = child(node, 'value');
        const test = value ? this.expr(value) : null;
        return { at, end, line, endLine, k: 'case', value: test, list: this.stmts(named(node).filter(n => n !== value && n.field !== 'value')) };
      }
      case 'labeled_statement': {
        const label = child(node, 'label');
        const body = named(node).find(n => n !== label);
        const name = label ? this.slice(label) : '?';
        this.survey.labels.set(name, at);
        return { at, end, line, endLine, k: 'label', name, body: body ? this.stmt(body) : null };
      }
      case 'goto_statement': {
        const label = child(node, 'label') ?? named(node)[0];
        return { at, end, line, endLine, k: 'goto', name: label ? this.slice(label) : '?' };
      }
      case 'return_statement': {
        const of = named(node)[0];
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
        return { at, end, line, endLine, k: 'block', scope: false, list: this.stmts(named(node).filter(n => n.type !== 'attribute_declaration')) };
      case 'function_definition': // A nested head is a macro that the grammar took for one; its body still runs.
        return inner('body');
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
    return { at: node.at, end: node.end, line: node.row + firstLine, endLine: node.endRow + firstLine };
  }

  private stmts(nodes: SyntaxNode[]): Stmt[] {
    return nodes.map(n => this.stmt(n));
  }

  /** The calls in what the grammar could not read: these at least are known. */
  private calls(node: SyntaxNode): Expr[] {
    return node.children.flatMap(c => (c.type === 'call_expression' ? [this.expr(c)] : c.named && c.children.length > 0 ? this.calls(c) : []));
  }

  /** The arms of an `#if`: alternatives, of which one is compiled. An absent `#else` is an empty arm. */
  private arms(node: SyntaxNode): Stmt[] {
    const alternative = child(node, 'alternative');
    const condition = child(node, 'condition');
    const never = condition !== undefined && /^\(*0\)*$/.test(this.slice(condition));
    const own = never ? [] : named(node).filter(n => n !== alternative && n.field !== 'condition' && n.field !== 'name');
    const first: Stmt = { ...this.span(node), k: 'block', scope: false, list: this.stmts(own) };
    if (!alternative) return [first, { ...this.span(node), k: 'block', scope: false, list: [] }];
    if (alternative.type === 'preproc_else')
      return [first, { ...this.span(alternative), k: 'block', scope: false, list: this.stmts(named(alternative)) }];
    return [first, ...this.arms(alternative)];
  }

  /** `DEFINE_WAIT(w);` and the like inside a function: a declaration. */
  private defining(node: SyntaxNode, statement: SyntaxNode): Stmt | null {
    const callee = node.type === 'call_expression' ? child(node, 'function') : undefined;
    if (callee?.type === 'call_expression') return this.scoped(node, callee, statement);
    if (callee?.type !== 'identifier') return null;
    const macro = this.slice(callee);
    const args = named(child(node, 'arguments') ?? node);
    const at = SECOND_ARGUMENT.test(macro) ? 1 : 0;
    const argument = args[at];
    if (argument?.type !== 'identifier' || !DECLARES.test(macro)) return null;
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
    const word = child(head, 'function');
    const name = named(child(head, 'arguments') ?? head)[1];
    if (!word || name?.type !== 'identifier' || !/^(?:CLASS|ACQUIRE)$/.test(this.slice(word))) return null;
    const variable = this.define({ name: this.slice(name), type: '', pointer: 0, array: false, isStatic: false, cleanup: null });
    return { ...this.span(statement), k: 'declare', variable, init: this.expr(node) };
  }

  private declarations(node: SyntaxNode): Stmt[] {
    const typeNode = child(node, 'type');
    const type = typeNode ? squeeze(typeNode.type.endsWith('_specifier') ? tagOf(this.slice(typeNode)) : this.slice(typeNode)) : '';
    const isStatic = node.children.some(c => c.type === 'storage_class_specifier' && this.slice(c) === 'static');
    const out: Stmt[] = [];
    for (const declarator of node.children) {
      if (declarator.field !== 'declarator') continue;
      const value = declarator.type === 'init_declarator' ? child(declarator, 'value') : undefined;
      const bare = declarator.type === 'init_declarator' ? (child(declarator, 'declarator') ?? declarator) : declarator;
      const { name, pointer, array, isFunction } = declared(bare, n => this.slice(n));
      if (name === null || (isFunction && pointer === 0 && !value)) continue;
      const cleanup = this.cleanupIn(bare.at, value?.at ?? node.end);
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
