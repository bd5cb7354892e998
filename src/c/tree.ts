/** The grammar's tree as plain data, read in one walk: what follows never crosses into wasm again. */
import { Language, Parser, type Tree, type TreeCursor } from 'web-tree-sitter';

export interface SyntaxNode {
  type: string;
  /** The grammar's field name of this node in its parent. */
  field: string | null;
  at: number;
  end: number;
  /** 0-based rows of the parsed text. */
  row: number;
  endRow: number;
  named: boolean;
  /** The grammar could not read it, or a part of it. */
  broken: boolean;
  /** Named children, and the operators of expressions; other punctuation and comments are left out. */
  children: SyntaxNode[];
}

/** A text as the grammar read it. */
export interface SyntaxTree extends SyntaxNode {
  /** All comments, in the order of the text. */
  comments: SyntaxNode[];
}

/** Holds the grammar. `parse` gives the root, or null where the parser gives up. */
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
  return {
    parse(text) {
      const tree: Tree | null = parser.parse(text);
      if (!tree) return null;
      const { hasError } = tree.rootNode;
      const cursor = tree.walk();
      const walk = new Walk(directCursor(options, cursor, tree) ?? plainCursor(cursor), kinds, language.fields, text, hasError);
      const root = walk.read(0, false);
      cursor.delete();
      tree.delete();
      return { ...root, comments: walk.comments };
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
    type,
    named,
    leaf,
    fields: !WITHOUT_FIELDS.has(type),
    operators: WITH_OPERATORS.has(type),
    isName: named && /(?:^|_)identifier$/.test(type),
  };
}

const ERROR: Kind = { type: 'ERROR', named: true, leaf: false, fields: true, operators: false, isName: false };

/** All leaves share their lack of children. */
const LEAF: SyntaxNode[] = [];

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
  /** The row of the last start that was asked for: starts come in order. */
  private row = 0;
  private nextLine: number;
  private readonly cursor: Steps;
  private readonly kinds: Kind[];
  private readonly fields: readonly (string | null)[];
  private readonly text: string;
  private readonly errors: boolean;

  constructor(cursor: Steps, kinds: Kind[], fields: readonly (string | null)[], text: string, errors: boolean) {
    this.cursor = cursor;
    this.kinds = kinds;
    this.fields = fields;
    this.text = text;
    this.errors = errors;
    this.nextLine = this.lineAfter(0);
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

  read(depth: number, inFields: boolean): SyntaxNode {
    return this.node(this.kinds[this.cursor.type()] ?? ERROR, depth, inFields);
  }

  private node(kind: Kind, depth: number, inFields: boolean): SyntaxNode {
    const { cursor } = this;
    const at = cursor.start();
    const end = kind.isName ? this.endOfName(at) : cursor.end();
    const row = this.rowOf(at);
    const field = inFields ? (this.fields[cursor.field()] ?? null) : null;
    const children = kind.leaf ? LEAF : [];
    const node: SyntaxNode = { type: kind.type, field, at, end, row, endRow: row, named: kind.named, broken: kind.type === 'ERROR', children };
    if (this.errors && at === end && cursor.missing()) node.broken = true;
    if (!kind.leaf && depth < DEEPEST && cursor.down()) {
      do {
        const inner = this.kinds[cursor.type()] ?? ERROR;
        if (inner.named) {
          const made = this.node(inner, depth + 1, kind.fields);
          if (made.broken) node.broken = true;
          if (made.type === 'comment') this.comments.push(made);
          else node.children.push(made);
        } else if (kind.operators && !PUNCTUATION.has(inner.type)) node.children.push(this.operator(inner, node, kind.fields));
        else if (this.errors && !node.broken && cursor.missing()) node.broken = true;
      } while (cursor.next());
      cursor.up();
    }
    node.endRow = this.rowOf(end > at ? end - 1 : end);
    if (this.text.charCodeAt(end - 1) === 10) node.endRow++; // As the grammar counts it: the end lies on the next row.
    return node;
  }

  /** An operator takes its place from the expression that it stands in. */
  private operator(kind: Kind, of: SyntaxNode, inFields: boolean): SyntaxNode {
    const field = inFields ? (this.fields[this.cursor.field()] ?? null) : null;
    return { type: kind.type, field, at: of.at, end: of.at, row: of.row, endRow: of.row, named: false, broken: false, children: LEAF };
  }
}

const PUNCTUATION = new Set(['(', ')', '[', ']', ';', ',', '{', '}']);

/** The child in the field, or undefined. */
export function child(node: SyntaxNode, field: string): SyntaxNode | undefined {
  for (const c of node.children) if (c.field === field) return c;
  return undefined;
}

/** The children without operators. */
export function named(node: SyntaxNode): SyntaxNode[] {
  for (const c of node.children) if (!c.named) return node.children.filter(other => other.named);
  return node.children;
}
