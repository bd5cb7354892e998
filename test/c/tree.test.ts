import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadGrammar, type SyntaxNode } from '../../src/c/tree.ts';

const wasm = (path: string) => readFileSync(fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url)));
const load = () => loadGrammar(wasm('web-tree-sitter/web-tree-sitter.wasm'), wasm('tree-sitter-c/tree-sitter-c.wasm'));
const TEXT =
  '/* one */ static int f(struct s *x)\n{\n\tif (x->n == 1 && !g(x)) /* two */\n\t\treturn x ? -1 : (int)y[2];\n\t) broken\n}\n#ifdef A\nint b;\n#endif\n';

test('the walk by the runtime gives what the walk by the binding gives', async () => {
  // Only the first loading of the runtime hands out its functions.
  const [first, second] = [await load(), await load()];
  expect(first.parse(TEXT)).toEqual(second.parse(TEXT));
});

test('comments stand apart, and a break is known at every node around it', async () => {
  const root = (await load()).parse(TEXT);
  expect(root?.comments.map(c => TEXT.slice(c.at, c.end))).toEqual(['/* one */', '/* two */']);
  expect(root?.broken).toBe(true);
  const rows = (node: SyntaxNode): boolean => node.children.every(c => c.row >= node.row && c.endRow <= node.endRow && rows(c));
  expect(root && rows(root)).toBe(true);
});
