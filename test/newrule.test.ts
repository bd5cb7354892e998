import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
// @ts-expect-error a script without declarations
import { examplesModule } from '../scripts/generate.mjs';
// @ts-expect-error a script without declarations
import { ruleName, scaffold } from '../scripts/new-rule.mjs';
import { review } from '../src/engine/review.ts';
import type { Rule } from '../src/model/rule.ts';
import { grammar, threadOf } from './code.ts';
import { patchOfExample, wanted } from './rules/examples.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('a new rule', () => {
  const copy = mkdtempSync(join(tmpdir(), 'fencepost-rule-'));
  afterAll(() => rmSync(copy, { recursive: true, force: true }));
  const files: Record<string, string> = scaffold('late-release');
  const folder = join(copy, 'rules/rmw/late-release');
  const inExamples = Object.entries(files).flatMap(([path, text]) => (path.startsWith('examples/') ? [[path.slice(9), text]] : []));
  for (const [path, text] of Object.entries({ ...files, 'examples.ts': examplesModule(Object.fromEntries(inExamples)) })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const name of ['src', 'node_modules', 'package.json']) symlinkSync(join(root, name), join(copy, name));

  test('compiles as it is made', () => {
    const config = { extends: join(root, 'tsconfig.json'), include: ['rules/**/*.ts'] };
    writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(config));
    const done = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', copy, '--noEmit'], { encoding: 'utf8' });
    expect(done.stdout).toBe('');
    expect(done.status).toBe(0);
  });

  test('reports what its examples want and nothing else', async () => {
    const outfile = join(copy, 'rule.mjs');
    await build({ entryPoints: [join(folder, 'rule.ts')], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' });
    const { default: rule }: { default: Rule } = await import(/* @vite-ignore */ pathToFileURL(outfile).href);
    expect([rule.id, rule.trial, rule.examples.bad.length, rule.examples.good.length]).toEqual(['late-release', true, 1, 2]);
    for (const example of [...rule.examples.bad, ...rule.examples.good]) {
      const { reviews } = review(threadOf([patchOfExample(example)]), { grammar: await grammar(), rules: [rule] });
      expect(reviews.flatMap(r => r.findings).map(f => [String(f.line), f.message])).toEqual(wanted(example).map(w => [w.line, w.part]));
    }
  });

  test.each(['rmw/late', 'rmw/Late-release', 'other/late-release', 'late-release', '../rmw/late-release', ''])('is not called %j', name => {
    expect(ruleName(name)).toBeNull();
  });

  test('has a family and an id', () => {
    expect(ruleName('seqcount/late-release')).toEqual({ family: 'seqcount', id: 'late-release' });
  });
});

describe('examples in files', () => {
  const read = async (files: Record<string, string>) => {
    const url = `data:text/javascript,${encodeURIComponent(examplesModule(files).replace(/: \{ bad: string\[\]; good: string\[\] \}/, ''))}`;
    return (await import(/* @vite-ignore */ url)).examples;
  };

  test('come in the order of their numbers, each with its text kept', async () => {
    const text = ['printk("\\n" `a` $', '{b} $c);'].join('');
    expect(await read({ 'bad-10.c': 'ten\n', 'bad-2.c': `${text}\n`, 'good-1.diff': '--- a/x.c\n+++ b/x.c\n' })).toEqual({
      bad: [`\n${text}`, '\nten'],
      good: ['\n--- a/x.c\n+++ b/x.c\n'],
    });
  });

  test.each([
    ['another name', { 'worse-1.c': 'x' }, 'worse-1.c: an example is called bad-N or good-N'],
    ['another kind of file', { 'bad-1.txt': 'x' }, 'bad-1.txt: an example is called'],
    ['one number twice', { 'bad-1.c': 'x', 'bad-1.diff': '--- a/x.c\n' }, 'there is another bad example 1'],
    ['a diff that is none', { 'bad-1.diff': 'x' }, 'bad-1.diff: a .diff begins with'],
    ['a diff called C', { 'bad-1.c': '--- a/x.c\n' }, 'bad-1.c: a .diff begins with'],
  ])('are refused with %s', (_name, files, error) => {
    expect(() => examplesModule(files)).toThrow(error);
  });
});
