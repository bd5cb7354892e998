import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadGrammar, type SyntaxNode } from '../../../src/c/syntax/tree.ts';

const wasm = (path: string) => readFileSync(fileURLToPath(new URL(`../../../node_modules/${path}`, import.meta.url)));
const load = () => loadGrammar(wasm('web-tree-sitter/web-tree-sitter.wasm'), wasm('tree-sitter-c/tree-sitter-c.wasm'));
const TEXT =
  '/* one */ static int f(struct s *x)\n{\n\tif (x->n == 1 && !g(x)) /* two */\n\t\treturn x ? -1 : (int)y[2];\n\t) broken\n}\n#ifdef A\nint b;\n#endif\n';

test('the walk by the runtime gives what the walk by the binding gives', async () => {
  // Only the first loading of the runtime hands out its functions.
  const [first, second] = [await load(), await load()];
  expect(first.parse(TEXT)).toEqual(second.parse(TEXT));
  expect(first.parse(TEXT)?.children(0).length).toBeGreaterThan(0);
});

test('comments stand apart, and a break is known at every node around it', async () => {
  const tree = (await load()).parse(TEXT);
  expect(tree?.comments.map(c => TEXT.slice(tree.at(c), tree.end(c)))).toEqual(['/* one */', '/* two */']);
  expect(tree?.broken(0)).toBe(true);
});

test('every node lies in its parent, in the order of the text', async () => {
  const tree = (await load()).parse(TEXT);
  const inside = (node: SyntaxNode): boolean =>
    tree
      ?.parts(node)
      .every(
        (c, i, all) =>
          tree.at(c) >= (i > 0 ? tree.end(all[i - 1] ?? 0) : tree.at(node)) &&
          tree.end(c) <= tree.end(node) &&
          tree.row(c) >= tree.row(node) &&
          tree.endRow(c) <= tree.endRow(node) &&
          inside(c),
      ) ?? false;
  expect(inside(0)).toBe(true);
});
