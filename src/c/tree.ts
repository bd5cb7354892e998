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
  /** The grammar could not read what is here. */
  broken: boolean;
  children: SyntaxNode[];
}

/** Deeper than any sane code; what nests deeper is left out, so that no input can exhaust the stack. */
const DEEPEST = 400;

/** Holds the grammar. `parse` gives the root, or null where the parser gives up. */
export interface Grammar {
  parse(text: string): SyntaxNode | null;
}

/** Loads the runtime and the C grammar from their wasm bytes. */
export async function loadGrammar(runtime: Uint8Array, grammar: Uint8Array): Promise<Grammar> {
  await Parser.init({ wasmBinary: runtime });
  const language = await Language.load(grammar);
  const parser = new Parser();
  parser.setLanguage(language);
  return {
    parse(text) {
      const tree: Tree | null = parser.parse(text);
      if (!tree) return null;
      const cursor = tree.walk();
      const root = read(cursor, 0);
      cursor.delete();
      tree.delete();
      return root;
    },
  };
}

function read(cursor: TreeCursor, depth: number): SyntaxNode {
  const type = cursor.nodeType;
  const node: SyntaxNode = {
    type,
    field: cursor.currentFieldName,
    at: cursor.startIndex,
    end: cursor.endIndex,
    row: cursor.startPosition.row,
    endRow: cursor.endPosition.row,
    named: cursor.nodeIsNamed,
    broken: type === 'ERROR' || cursor.nodeIsMissing,
    children: [],
  };
  if (depth < DEEPEST && cursor.gotoFirstChild()) {
    do node.children.push(read(cursor, depth + 1));
    while (cursor.gotoNextSibling());
    cursor.gotoParent();
  }
  return node;
}

/** The child in the field, or undefined. */
export function child(node: SyntaxNode, field: string): SyntaxNode | undefined {
  return node.children.find(c => c.field === field);
}

export function named(node: SyntaxNode): SyntaxNode[] {
  return node.children.filter(c => c.named && c.type !== 'comment');
}
