/** The grammar's tree as plain data, read in one walk: what follows never crosses into wasm again. */
import { Language, Parser, type Tree, type TreeCursor } from 'web-tree-sitter';

/** A node of a tree by its number. The root is 0; since it is nobody's child, 0 also stands for no node. */
export type SyntaxNode = number;

/** A node's words in the table: what it is, its place, its first child and the sibling that follows. */
const WORDS = 7;
const AT = 1;
const END = 2;
const ROW = 3;
const END_ROW = 4;
const FIRST = 5;
const NEXT = 6;
/** In the first word: the type, the field that the node stands in, and whether the grammar could not read it. */
const TYPE = 0xffff;
const FIELD_SHIFT = 16;
const FIELD = 0xff;
const BROKEN = 1 << 24;

/** A text as the grammar read it: a table of its named nodes and of the operators of expressions. Other punctuation is left out, comments stand apart. */
export class SyntaxTree {
  /** All comments, in the order of the text. */
  readonly comments: SyntaxNode[];
  private readonly table: Int32Array;
  private readonly kinds: readonly Kind[];
  private readonly fields: readonly (string | null)[];

  constructor(table: Int32Array, comments: SyntaxNode[], kinds: readonly Kind[], fields: readonly (string | null)[]) {
    this.table = table;
    this.comments = comments;
    this.kinds = kinds;
    this.fields = fields;
  }

  private word(node: SyntaxNode, which: number): number {
    return this.table[node * WORDS + which] ?? 0;
  }

  private kind(node: SyntaxNode): Kind {
    return this.kinds[this.word(node, 0) & TYPE] ?? ERROR;
  }

  type(node: SyntaxNode): string {
    return this.kind(node).type;
  }

  named(node: SyntaxNode): boolean {
    return this.kind(node).named;
  }

  /** The grammar's name of the node's place in its parent. */
  field(node: SyntaxNode): string | null {
    return this.fields[(this.word(node, 0) >> FIELD_SHIFT) & FIELD] ?? null;
  }

  at(node: SyntaxNode): number {
    return this.word(node, AT);
  }

  end(node: SyntaxNode): number {
    return this.word(node, END);
  }

  /** 0-based row of the parsed text. */
  row(node: SyntaxNode): number {
    return this.word(node, ROW);
  }

  endRow(node: SyntaxNode): number {
    return this.word(node, END_ROW);
  }

  /** The grammar could not read it, or a part of it. */
  broken(node: SyntaxNode): boolean {
    return (this.word(node, 0) & BROKEN) !== 0;
  }

  /** The first child, operators included. */
  first(node: SyntaxNode): SyntaxNode {
    return this.word(node, FIRST);
  }

  /** The sibling that follows. */
  next(node: SyntaxNode): SyntaxNode {
    return this.word(node, NEXT);
  }

  /** The child in the field. */
  child(node: SyntaxNode, field: string): SyntaxNode {
    for (let at = this.first(node); at; at = this.next(at)) if (this.field(at) === field) return at;
    return 0;
  }

  /** The children, operators included. */
  children(node: SyntaxNode): SyntaxNode[] {
    const found: SyntaxNode[] = [];
    for (let at = this.first(node); at; at = this.next(at)) found.push(at);
    return found;
  }

  /** The children without operators. */
  parts(node: SyntaxNode): SyntaxNode[] {
    const found: SyntaxNode[] = [];
    for (let at = this.firstPart(node); at; at = this.nextPart(at)) found.push(at);
    return found;
  }

  /** The first child that is no operator. */
  firstPart(node: SyntaxNode): SyntaxNode {
    const at = this.first(node);
    return at === 0 || this.named(at) ? at : this.nextPart(at);
  }

  /** The sibling that follows and is no operator. */
  nextPart(node: SyntaxNode): SyntaxNode {
    let at = this.next(node);
    while (at && !this.named(at)) at = this.next(at);
    return at;
  }
}

/** Holds the grammar. `parse` gives a tree that lasts until the next call, or null where the parser gives up. */
export interface Grammar {
  parse(text: string): SyntaxTree | null;
}

/** Loads the runtime and the C grammar from their wasm bytes. */
export async function loadGrammar(runtime: Uint8Array, grammar: Uint8Array): Promise<Grammar> {
  const options: Record<string, unknown> = { wasmBinary: runtime };
  await Parser.init(options);
  const language = await Language.load(grammar);
  const parser = new Parser();
  parser.setLanguage(language);
  const kinds = language.types.map((type, id): Kind => kindOf(type ?? 'ERROR', language.nodeTypeIsNamed(id)));
  // One table serves every text: a tree is read into plain data before the next is made.
  let table: Int32Array = new Int32Array(WORDS * 4096);
  return {
    parse(text) {
      const tree: Tree | null = parser.parse(text);
      if (!tree) return null;
      const { hasError } = tree.rootNode;
      const cursor = tree.walk();
      const walk = new Walk(directCursor(options, cursor, tree) ?? plainCursor(cursor), kinds, table, text, hasError);
      walk.read();
      cursor.delete();
      tree.delete();
      table = walk.table;
      return new SyntaxTree(table.subarray(0, walk.size), walk.comments, kinds, language.fields);
    },
  };
}

/** Deeper than any sane code; what nests deeper is left out, so that no input can exhaust the stack. */
const DEEPEST = 400;

/** What the walk needs to know of a type of node. Every question put to the cursor crosses into wasm, so none is put in vain. */
interface Kind {
  type: string;
  named: boolean;
  /** It has no children, or none that matter. */
  leaf: boolean;
  /** Its children stand in fields. */
  fields: boolean;
  /** Its punctuation says what it means. */
  operators: boolean;
  /** Its end is where its letters end. */
  isName: boolean;
  isComment: boolean;
  isError: boolean;
  isStatement: boolean;
  isSemicolon: boolean;
  /** It only holds others together. */
  punctuation: boolean;
  /** Its end may lie behind its last child's. */
  ownEnd: boolean;
}

const LEAVES = new Set([
  ...['identifier', 'field_identifier', 'type_identifier', 'statement_identifier', 'primitive_type', 'number_literal', 'char_literal'],
  ...['string_literal', 'comment', 'preproc_arg', 'preproc_directive', 'sized_type_specifier', 'storage_class_specifier', 'type_qualifier'],
  ...['true', 'false', 'null', 'system_lib_string', 'break_statement', 'continue_statement'],
]);
const WITHOUT_FIELDS = new Set([
  ...['translation_unit', 'compound_statement', 'argument_list', 'expression_statement', 'parenthesized_expression', 'comma_expression'],
  ...['parameter_list', 'field_declaration_list', 'enumerator_list', 'declaration_list', 'initializer_list', 'else_clause', 'return_statement'],
]);
const WITH_OPERATORS = new Set([
  ...['binary_expression', 'assignment_expression', 'unary_expression', 'update_expression', 'pointer_expression', 'field_expression'],
]);

function kindOf(type: string, named: boolean): Kind {
  const leaf = !named || LEAVES.has(type);
  return {
    type: Object.keys({ [type]: 0 })[0] ?? type,
    named,
    leaf,
    fields: !WITHOUT_FIELDS.has(type),
    operators: WITH_OPERATORS.has(type),
    isName: named && /(?:^|_)identifier$/.test(type),
    isComment: type === 'comment',
    isError: type === 'ERROR',
    isStatement: type === 'expression_statement',
    isSemicolon: type === ';',
    punctuation: PUNCTUATION.has(type),
    ownEnd: OWN_END.test(type),
  };
}

const PUNCTUATION = new Set(['(', ')', '[', ']', ';', ',', '{', '}']);
/** What the grammar could not read may end in what is no node, and a directive ends with its line. */
const OWN_END = /^(?:ERROR|translation_unit|preproc_\w+)$/;

const ERROR: Kind = kindOf('ERROR', true);

/** What the walk asks of a cursor. */
interface Steps {
  type(): number;
  field(): number;
  start(): number;
  end(): number;
  missing(): boolean;
  down(): boolean;
  next(): boolean;
  up(): void;
}

function plainCursor(cursor: TreeCursor): Steps {
  return {
    type: () => cursor.nodeTypeId,
    field: () => cursor.currentFieldId,
    start: () => cursor.startIndex,
    end: () => cursor.endIndex,
    missing: () => cursor.nodeIsMissing,
    down: () => cursor.gotoFirstChild(),
    next: () => cursor.gotoNextSibling(),
    up: () => void cursor.gotoParent(),
  };
}

/**
 * The same by the runtime's own functions, or null where it does not hand them out. The binding copies the cursor's four words into wasm's memory
 * and out again at every question; they can as well stay there for the whole walk, which then costs half. See tree.why.md.
 */
function directCursor(runtime: Record<string, unknown>, cursor: TreeCursor, tree: Tree): Steps | null {
  const call = (name: string) => {
    const found = runtime[`_ts_tree_cursor_${name}_wasm`];
    return isStep(found) ? found : null;
  };
  const address: unknown = Reflect.get(tree, 0);
  const [type, field, start, end] = [call('current_node_type_id'), call('current_field_id'), call('start_index'), call('end_index')];
  const [missing, down, next, up] = [call('current_node_is_missing'), call('goto_first_child'), call('goto_next_sibling'), call('goto_parent')];
  if (typeof address !== 'number' || !type || !field || !start || !end || !missing || !down || !next || !up) return null;
  // The binding leaves the words of a cursor that it was just asked about where the runtime reads them.
  void cursor.nodeTypeId;
  return {
    type: () => type(address),
    field: () => field(address),
    start: () => start(address),
    end: () => end(address),
    missing: () => missing(address) === 1,
    down: () => down(address) === 1,
    next: () => next(address) === 1,
    up: () => void up(address),
  };
}

function isStep(it: unknown): it is (tree: number) => number {
  return typeof it === 'function';
}

class Walk {
  readonly comments: SyntaxNode[] = [];
  table: Int32Array;
  /** Words in use. */
  size = 0;
  /** The row of the last start that was asked for: starts come in order. */
  private row = 0;
  private nextLine: number;
  private readonly cursor: Steps;
  private readonly kinds: Kind[];
  private readonly text: string;
  private readonly errors: boolean;

  constructor(cursor: Steps, kinds: Kind[], table: Int32Array, text: string, errors: boolean) {
    this.cursor = cursor;
    this.kinds = kinds;
    this.table = table;
    this.text = text;
    this.errors = errors;
    this.nextLine = this.lineAfter(0);
  }

  read(): void {
    this.node(this.cursor.type(), this.cursor.start(), 0, 0);
  }

  private lineAfter(at: number): number {
    const found = this.text.indexOf('\n', at);
    return found < 0 ? Number.POSITIVE_INFINITY : found + 1;
  }

  private rowOf(at: number): number {
    while (at >= this.nextLine) {
      this.row++;
      this.nextLine = this.lineAfter(this.nextLine);
    }
    return this.row;
  }

  /** Reading a name's letters here is cheaper than asking. */
  private endOfName(at: number): number {
    const { text } = this;
    let end = at;
    for (; end < text.length; end++) {
      const c = text.charCodeAt(end);
      if (!((c >= 97 && c <= 122) || c === 95 || (c >= 65 && c <= 90) || (c >= 48 && c <= 57))) {
        // Other letters than C's own, `$` and `\\u`: the grammar knows better.
        return c > 127 || c === 36 || c === 92 || end === at ? this.cursor.end() : end;
      }
    }
    return end;
  }

  /** Notes the node that the cursor stands on, and what is in it; gives where it stands in the table. */
  private node(type: number, at: number, field: number, depth: number): number {
    const { cursor } = this;
    const kind = this.kinds[type] ?? ERROR;
    const place = this.add(type, field, at);
    const row = this.rowOf(at);
    this.table[place + ROW] = row;
    let end = -1;
    let flags = kind.isError ? BROKEN : 0;
    if (kind.isName) end = this.endOfName(at);
    if (!kind.leaf && depth < DEEPEST && cursor.down()) {
      let last = 0;
      let isFirst = true;
      do {
        const innerType = cursor.type();
        const inner = this.kinds[innerType] ?? ERROR;
        end = -1;
        if (inner.named) {
          const innerField = kind.fields ? cursor.field() : 0;
          // A node begins where its first child does.
          const made = this.node(innerType, isFirst ? at : cursor.start(), innerField, depth + 1);
          if (((this.table[made] ?? 0) & BROKEN) !== 0) flags |= BROKEN;
          end = this.table[made + END] ?? 0;
          if (inner.isComment) this.comments.push(made / WORDS);
          else last = this.link(place, last, made);
        } else if (kind.operators && !inner.punctuation) {
          const made = this.add(innerType, kind.fields ? cursor.field() : 0, at);
          this.table[made + END] = at;
          this.table[made + ROW] = row;
          this.table[made + END_ROW] = row;
          last = this.link(place, last, made);
        } else if (this.errors && flags === 0 && cursor.missing() && !(kind.isStatement && inner.isSemicolon && this.endsItself(last)))
          flags = BROKEN;
        isFirst = false;
      } while (cursor.next());
      cursor.up();
    }
    // It ends where a named last child does, but for the line ends of directives, which are no nodes.
    if (end < 0 || kind.ownEnd) end = cursor.end();
    if (this.errors && flags === 0 && end === at && cursor.missing()) flags = BROKEN;
    const { table } = this;
    if (flags !== 0) table[place] = (table[place] ?? 0) | flags;
    table[place + END] = end;
    // As the grammar counts it: behind a line's end lies the next row.
    table[place + END_ROW] = this.rowOf(end > at ? end - 1 : end) + (this.text.charCodeAt(end - 1) === 10 ? 1 : 0);
    return place;
  }

  /** Is the statement read well without its semicolon: a label with nothing behind it, or a macro that wants none? */
  private endsItself(last: number): boolean {
    return last === 0 || this.kinds[(this.table[last] ?? 0) & TYPE]?.type === 'call_expression';
  }

  private add(type: number, field: number, at: number): number {
    const place = this.size;
    this.size += WORDS;
    if (this.size > this.table.length) {
      const more = new Int32Array(this.table.length * 2);
      more.set(this.table);
      this.table = more;
    }
    const { table } = this;
    table[place] = (type & TYPE) | ((field & FIELD) << FIELD_SHIFT);
    table[place + AT] = at;
    table[place + FIRST] = 0;
    table[place + NEXT] = 0;
    return place;
  }

  /** Makes `made` the child behind `last`, or the first. */
  private link(parent: number, last: number, made: number): number {
    if (last === 0) this.table[parent + FIRST] = made / WORDS;
    else this.table[last + NEXT] = made / WORDS;
    return made;
  }
}
