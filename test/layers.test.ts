import { expect, test } from 'vitest';
// @ts-expect-error a script without declarations
import { breaches, circles, layers, namesakes, sources } from '../scripts/layers.mjs';

test('every source stands in the layer table and keeps to it', () => {
  expect(breaches()).toEqual([]);
});

test('no file is imported by what it imports itself', () => {
  expect(circles()).toEqual([]);
});

test('a name is exported by one file', () => {
  expect(namesakes()).toEqual([]);
  const files: Record<string, string> = {
    'src/a.ts': 'export type Head = 1;\n',
    'src/b.ts': 'export interface Head {}\n',
    'src/c.ts': "export { Head } from './a.ts';\n",
  };
  expect(namesakes((name: string) => files[name] ?? '', Object.keys(files))).toEqual(['Head: exported by src/a.ts and src/b.ts']);
});

test('a circle of imports is told with the files on it', () => {
  const files: Record<string, string> = { 'src/c/a.ts': "import { b } from './b.ts';", 'src/c/b.ts': "import type { A } from './a.ts';" };
  expect(circles((name: string) => files[name] ?? '', Object.keys(files))).toEqual(['src/c/a.ts -> src/c/b.ts -> src/c/a.ts: a circle of imports']);
});

test('the table covers sources that are there', () => {
  for (const layer of Object.keys(layers).filter(l => !l.endsWith('.ts'))) expect(sources(layer).length, layer).toBeGreaterThan(0);
});

const of = (files: Record<string, string>) => breaches((name: string) => files[name] ?? '', Object.keys(files));

test.each([
  ['a rule that imports the engine', { 'rules/rmw/x.ts': "import { review } from '../../src/engine/review.ts';" }],
  ['a report that imports the checker', { 'src/report/x.ts': "import { decide } from '../lkmm/decide.ts';" }],
  ['the checker that imports the model', { 'src/lkmm/x.ts': "import type { Event } from '../model/code.ts';" }],
  ['a parser that opens files', { 'src/read/x.ts': "import { readFileSync } from 'node:fs';" }],
  ['a file outside all layers', { 'src/utils/x.ts': '' }],
  ['an import spread over lines', { 'src/c/x.ts': "import {\n  a,\n  b,\n} from '../engine/sift.ts';" }],
  ['a folder that imports one above it', { 'src/c/text/x.ts': "import { a } from '../lower/y.ts';" }],
  ['an analysis with a door of its own to the facts', { 'src/analysis/x.ts': "import { factOf } from '../facts/lookup.ts';" }],
  ['an engine file that reads the built-in facts', { 'src/engine/x.ts': "import { factOf } from '../facts/lookup.ts';" }],
  ['an export from elsewhere', { 'src/c/x.ts': "export * from '../report/json.ts';" }],
])('%s is a breach', (_name, files) => {
  expect(of(files as unknown as Record<string, string>)).toHaveLength(1);
});

test.each(['process.exit(1)', 'new Date()', 'Math.random()', "await import('x')", "require('x')", 'setTimeout(f, 1)', "fetch('http')", "eval('1')"])(
  '%s has an effect, and only the command may have those',
  code => {
    expect(of({ 'src/c/x.ts': `const y = ${code};` })).toHaveLength(1);
    expect(of({ 'src/cli/x.ts': `const y = ${code};` })).toHaveLength(0);
  },
);

test('words in comments and strings are no effects', () => {
  expect(of({ 'src/c/x.ts': "// process.exit\nconst a = 'new Date()'; /* Math.random() */" })).toEqual([]);
});
