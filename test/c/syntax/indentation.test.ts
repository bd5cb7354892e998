import { expect, test } from 'vitest';
import { hunkPatch, worldIn, worldOfText } from '../../code.ts';

async function misled(body: string) {
  const [fn] = (await worldOfText(`void f(struct s *s)\n{\n${body}\n}\n`)).functions;
  return fn?.shape.misled?.map(m => [m.line, m.body, m.next]) ?? [];
}

test.each([
  ['an if', '\tif (s->a)\n\t\tb(s);\n\t\tc(s);', [[3, 4, 5]]],
  ['an else on a line of its own', '\tif (s->a)\n\t\tb(s);\n\telse\n\t\tc(s);\n\t\td(s);', [[3, 6, 7]]],
  ['a loop', '\twhile (s->a)\n\t\tb(s);\n\t\tc(s);', [[3, 4, 5]]],
  ['a loop macro', '\tlist_for_each_entry(s, h, n)\n\t\tb(s);\n\t\tc(s);', [[3, 4, 5]]],
  ['an if within an if', '\tif (s->a)\n\t\tif (s->b)\n\t\t\tb(s);\n\t\t\tc(s);', [[4, 5, 6]]],
  ['blank lines between', '\tif (s->a)\n\t\tb(s);\n\n\t\tc(s);', [[3, 4, 6]]],
])('%s without braces misleads where the next statement stands below its own', async (_name, body, places) => {
  expect(await misled(body)).toEqual(places);
});

test.each([
  ['braces', '\tif (s->a) {\n\t\tb(s);\n\t\tc(s);\n\t}'],
  ['the indentation of the condition', '\tif (s->a)\n\t\tb(s);\n\tc(s);'],
  ['a statement on the line of its condition', '\tif (s->a) b(s);\n\t\tc(s);'],
  ['a continued statement', '\tif (s->a)\n\t\tb(s,\n\t\t  c(s));\n\td(s);'],
  ['an #ifdef between', '\tif (s->a)\n\t\tb(s);\n#ifdef X\n\t\tc(s);\n#endif'],
  ['a condition in an #ifdef', '#ifdef X\n\tif (s->a)\n#endif\n\t\tb(s);\n\t\tc(s);'],
  ['a label', '\tif (s->a)\n\t\tgoto out;\nout:\n\tc(s);'],
  ['spaces that make up a tab', '\tif (s->a)\n\t\tb(s);\n        c(s);'],
])('%s does not mislead', async (_name, body) => {
  expect(await misled(body)).toEqual([]);
});

test('tabs count to eight, and a hunk tells as well as a file', async () => {
  const world = await worldIn([hunkPatch('x.c', 'void f(struct s *s)', 10, ' \tif (s->a)\n \t\tb(s);\n+                c(s);\n \td(s);')]);
  expect(world.functions[0]?.shape.misled).toMatchObject([{ next: 12, addedBy: 0, text: { next: 'c(s);' } }]);
});
