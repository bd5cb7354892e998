import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { command, started } from './command.ts';

const work = mkdtempSync(join(tmpdir(), 'fencepost-litmus-'));

function run(args: string[], input = '') {
  return input === '' ? command(['litmus', ...args]) : started(['litmus', ...args], { input });
}

function file(name: string, content: string): string {
  const path = join(work, name);
  writeFileSync(path, content);
  return path;
}

const documents = (out: string) =>
  out
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));

const race = 'test/lkmm/litmus/pairs/race-plain.litmus';

describe('fencepost litmus', () => {
  test('speaks herd7’s words', () => {
    const { status, out, err } = run([race]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toBe(`Test race-plain Allowed
States 2
1:r0=0;
1:r0=1;
Ok
Witnesses
Positive: 1 Negative: 1
Flag data-race
Condition exists (1:r0=1)
Observation race-plain Sometimes 1 1
`);
  });

  test('says what it took only where it is asked', () => {
    expect(run(['--time', race]).out).toMatch(/\nTime race-plain \d+\.\d\d\n$/);
    expect(documents(run(['--json', '--time', race]).out)[0].seconds).toEqual(expect.any(Number));
    expect(run([race]).out).toBe(run([race]).out);
  });

  test('gives one JSON document a file, in their order; states where they are asked for', () => {
    const [first, second] = documents(run(['--json', race, 'test/lkmm/litmus/pairs/race-once.litmus']).out);
    expect(first).toEqual({
      schema: 'fencepost.litmus/1',
      input: race,
      test: 'race-plain',
      verdict: 'Sometimes',
      flags: ['data-race'],
      positive: 1,
      negative: 1,
    });
    expect(second).toMatchObject({ test: 'race-once', flags: [] });
    expect(documents(run(['--json', '--states', race]).out)[0].states).toEqual(['1:r0=0;', '1:r0=1;']);
  });

  test('a file that is no test is unsupported, with the place, and stops no other', () => {
    const bad = file('bad.litmus', 'C bad\n{}\nP0(int *x)\n{\n\tfoo(x);\n}\nexists (x=1)\n');
    const { status, out, err } = run(['--json', '--states', bad, race]);
    const [first, second] = documents(out);
    expect(first).toMatchObject({ input: bad, test: null, verdict: 'unsupported', reason: 'line 5, column 2: unknown function foo()', states: [] });
    expect(second.verdict).toBe('Sometimes');
    expect({ status, err }).toEqual({ status: 0, err: `fencepost: ${bad}:5:2: unknown function foo()\n` });
    expect(run([bad]).out).toBe('');
  });

  test('a file that cannot be opened gives 2 after the others', () => {
    const { status, out, err } = run(['--json', join(work, 'nowhere.litmus'), work, race]);
    expect(status).toBe(2);
    expect(documents(out).map(d => d.test)).toEqual(['race-plain']);
    expect(err).toBe(`fencepost: ${join(work, 'nowhere.litmus')}: no such file or folder\nfencepost: ${work}: is a folder\n`);
  });

  test('- is stdin', () => {
    expect(run(['-'], 'C none\n{}\nP0(int *x) { *x = 1; }\nexists (x=0)\n').out).toContain('Observation none Never 0 1\n');
  });

  test('says what it takes', () => {
    expect(run([])).toEqual({ status: 2, out: '', err: 'fencepost litmus: no FILE given; see `fencepost litmus --help`\n' });
    expect(run(['--jsno', race])).toMatchObject({ status: 2, out: '' });
    expect(run(['--help']).out).toContain('fencepost litmus [--json] [--states] [--time] FILE...');
  });
});
