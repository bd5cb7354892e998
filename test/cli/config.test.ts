import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { renamed } from '../../rules/renamed.ts';
import { readConfig } from '../../src/cli/config.ts';
import { RULES } from '../../src/cli/configured.ts';
import { globOf } from '../../src/engine/globs.ts';
import { rules } from '../../src/index.ts';
import { command } from './command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder with the sample of one finding, a warning of torn-pair-update in drivers/spindle/. */
function folder(files: Record<string, string> = {}): string {
  const made = mkdtempSync(join(tmpdir(), 'fencepost-'));
  const [patch = ''] = readdirSync(join(root, 'samples/single')).filter(name => name.endsWith('.patch'));
  cpSync(join(root, 'samples/single', patch), join(made, 'a.patch'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(made, name, '..'), { recursive: true });
    writeFileSync(join(made, name), text);
  }
  return made;
}

function run(cwd: string, ...args: string[]) {
  return command(args, { cwd });
}

const held = (cwd: string, ...args: string[]) =>
  JSON.parse(run(cwd, 'review', '--format', 'json', ...args, 'a.patch').out).reviews[0].held.filter(
    (h: { reason: string }) => h.reason !== 'not-decided',
  );

describe('fencepost.yaml', () => {
  test('is found in a folder above, and rules that are off are not run and are named', () => {
    const at = folder({ 'fencepost.yaml': 'rules: { torn-pair-update: off }\n', 'sub/deep/x': '' });
    const got = run(join(at, 'sub/deep'), 'review', '../../a.patch');
    expect(got.out).toBe('');
    expect(got.err).toContain('1 rule is off by ../../fencepost.yaml: torn-pair-update');
    expect(run(at, 'check', 'a.patch')).toEqual({ status: 0, out: '', err: '' });
    expect(run(at, 'check', '--all', 'a.patch').err).toContain('1 rule is off by fencepost.yaml');
  });

  test('the nearest one counts, and is passed over by --no-config', () => {
    const at = folder({ 'fencepost.yaml': 'rules: { torn-pair-update: off }\n', 'sub/fencepost.yaml': 'fail-on: note\n' });
    expect(run(join(at, 'sub'), 'check', '../a.patch').status).toBe(1);
    expect(run(at, 'check', '--no-config', 'a.patch').status).toBe(1);
    expect(run(at, 'check', '--config', 'sub/fencepost.yaml', 'a.patch').status).toBe(1);
    expect(run(at, 'check', '--config', 'x', '--no-config', 'a.patch')).toMatchObject({
      status: 2,
      err: 'fencepost: --config and --no-config exclude each other\n',
    });
  });

  test('a rule named on the command line is run though it is off', () => {
    const at = folder({ 'fencepost.yaml': 'rules: { torn-pair-update: off }\n' });
    expect(run(at, 'check', '--rule', 'torn-pair-update', 'a.patch').out).toContain('[torn-pair-update]');
  });

  test('a severity goes by rule and path, and the last entry that matches counts', () => {
    const entry = (is: string, more: string) => `  - { is: ${is}${more} }\n`;
    const said = (...entries: string[]) => run(folder({ 'fencepost.yaml': `severity:\n${entries.join('')}` }), 'check', 'a.patch').out.split(' ')[1];
    expect(said(entry('error', ''))).toBe('ERROR:');
    expect(said(entry('error', ''), entry('note', ', paths: [drivers/spindle/]'))).toBe('NOTE:');
    expect(said(entry('error', ''), entry('note', ', paths: [drivers/net/]'))).toBe('ERROR:');
    expect(said(entry('note', ', rule: torn-pair-update, paths: ["drivers/**/*.c"]'))).toBe('NOTE:');
    expect(said(entry('note', ', rule: lock-taken-twice'))).toBe('WARNING:');
  });

  test('its gate is that of check, the command line comes first, and review fails only by the command line', () => {
    const at = folder({ 'fencepost.yaml': 'fail-on: error\n' });
    expect(run(at, 'check', 'a.patch').status).toBe(0);
    expect(run(at, 'check', '--fail-on', 'warning', 'a.patch').status).toBe(1);
    const strict = folder({ 'fencepost.yaml': 'fail-on: note\n' });
    expect(run(strict, 'review', 'a.patch').status).toBe(0);
  });

  test('findings in ignored paths are held and counted, with the line that says so', () => {
    const at = folder({ 'fencepost.yaml': 'ignore:\n  - net/\n  - spindle_*.c\n' });
    expect(run(at, 'check', 'a.patch')).toEqual({ status: 0, out: '', err: '' });
    expect(held(at)).toMatchObject([{ reason: 'dismissed-by-fact', detail: 'fencepost.yaml, line 3: spindle_*.c is ignored' }]);
    expect(run(at, 'review', 'a.patch').err).toContain('3 held');
    expect(run(at, 'review', '--no-config', 'a.patch').err).toContain('2 held');
  });

  test('facts files are those beside it, and none that leave its folder', () => {
    const facts = 'invariants:\n  - { serialised: struct spindle, by: caller, why: one handler }\n';
    const at = folder({ 'conf/fencepost.yaml': 'facts: [facts/own.yaml]\n', 'conf/facts/own.yaml': facts, 'outside.yaml': 'secret: 1\n' });
    expect(held(at, '--config', 'conf/fencepost.yaml')).toMatchObject(
      Array(3).fill({ reason: 'dismissed-by-fact', detail: expect.stringContaining('conf/facts/own.yaml, line 2') }),
    );
    symlinkSync(join(at, 'outside.yaml'), join(at, 'conf/link.yaml'));
    for (const name of ['../outside.yaml', join(at, 'outside.yaml'), 'link.yaml', 'missing.yaml', 'facts']) {
      writeFileSync(join(at, 'conf/bad.yaml'), `rules: {}\nfacts:\n  - ${name}\n`);
      expect(run(at, 'check', '--config', 'conf/bad.yaml', 'a.patch')).toEqual({
        status: 2,
        out: '',
        err: `fencepost: conf/bad.yaml, line 3: facts.0: ${name}: no such file below the folder of this one\n`,
      });
    }
  });

  test('applies to scan too', () => {
    const code = `static int kiln_fire(struct kiln *k, int heat)\n{\n\tspin_lock(&k->lock);\n\tif (heat < 0)\n\t\treturn -EINVAL;\n\tspin_unlock(&k->lock);\n\treturn 0;\n}\n`;
    const at = folder({ 'drivers/kiln.c': code, 'c.yaml': 'severity: [{ is: note, paths: [drivers/] }]\n', 'i.yaml': 'ignore: [kiln.c]\n' });
    expect(run(at, 'scan', 'drivers').out).toContain('ERROR');
    expect(run(at, 'scan', '--config', 'c.yaml', 'drivers').out).toContain('NOTE');
    expect(run(at, 'scan', '--config', 'i.yaml', 'drivers')).toMatchObject({ out: '', err: '1 file, 1 function, 2 events, 0 findings, 1 held\n' });
  });
});

describe('a configuration that is wrong reviews nothing, and names file, line, key and what was expected', () => {
  test.each([
    [
      'rules: {}\nignor: [a]\n',
      2,
      'ignor: no such key here; expected one of rules, severity, ignore, fail-on, facts, baseline; did you mean ignore?',
    ],
    ['rules:\n  torn-pair-updat: off\n', 2, 'rules.torn-pair-updat: no rule is called torn-pair-updat; did you mean torn-pair-update?'],
    ['rules:\n  torn-pair-update: of\n', 2, 'rules.torn-pair-update: is "of"; expected one of on, off; did you mean on?'],
    ['rules: [a]\n', 1, 'rules: expected names of rules, each with on or off'],
    ['severity:\n  - { is: note }\n  - { is: notes }\n', 3, 'severity.1.is: is "notes"; expected one of error, warning, note; did you mean note?'],
    ['severity:\n  - is: note\n    path: [a]\n', 3, 'severity.0.path: no such key here; expected one of is, rule, paths; did you mean paths?'],
    ['severity:\n  - { is: note, rule: nothing-like-it }\n', 2, 'severity.0.rule: no rule is called nothing-like-it; `fencepost rules` lists them'],
    ['severity: note\n', 1, 'severity: expected a list'],
    ['ignore: ["[a]"]\n', 1, 'ignore.0: is "[a]"; expected a path, in which * and ? stay inside one name'],
    ['fail-on: warnings\n', 1, 'fail-on: is "warnings"; expected one of error, warning, note, never; did you mean warning?'],
    ['facts: x.yaml\n', 1, 'facts: expected a list'],
    ['baseline: 3\n', 1, 'baseline: is 3; expected text'],
    ['- a\n', 1, 'expected the keys `rules`, `severity`'],
    ['rules: {}\nrules: {}\n', 2, 'rules: stands here twice; expected once'],
    ['ignore: [\n', 2, 'not valid YAML'],
  ])('%j', (text, line, message) => {
    const [first] = readConfig('fencepost.yaml', text, RULES).problems;
    expect(first?.where).toBe(`fencepost.yaml, line ${line}`);
    expect(first?.message).toContain(message);
    expect(first?.message).not.toContain('\n');
  });

  test('exit 2 and no finding', () => {
    const at = folder({ 'fencepost.yaml': 'ignor: [a]\n' });
    for (const command of ['review', 'check'])
      expect(run(at, command, 'a.patch')).toMatchObject({
        status: 2,
        out: '',
        err: expect.stringContaining('fencepost.yaml, line 1: ignor: no such key'),
      });
    expect(run(at, 'check', '--config', 'no.yaml', 'a.patch')).toMatchObject({ status: 2, err: 'fencepost: no.yaml: no such file or folder\n' });
  });

  test('never throws, and control characters do not reach the terminal', () => {
    for (const text of ['', '\0', 'a: &x [*x]', '? [a]\n: b', `${'['.repeat(3000)}`, `a: &a [1]\n${'b: [*a]\n'.repeat(3)}`])
      expect(() => readConfig('f', text, RULES)).not.toThrow();
    const at = folder({ 'fencepost.yaml': '"\\e[31mred": 1\n' });
    expect(run(at, 'check', 'a.patch').err).not.toContain('\x1b');
  });
});

test('the example of docs/configuration.md is sound, and says what it says', () => {
  const [, yaml = ''] = /```yaml\n(rules:[\s\S]*?)```/.exec(readFileSync(join(root, 'docs/configuration.md'), 'utf8')) ?? [];
  const { value, problems } = readConfig('fencepost.yaml', yaml, RULES);
  expect(problems).toEqual([]);
  expect(value).toMatchObject({ off: ['cold-inline-helper'], on: ['test-then-modify-bit'], failOn: 'error' });
  expect(value.severities).toHaveLength(2);
});

describe('paths', () => {
  test.each([
    ['net/', ['net/a.c', 'net/core/a.c'], ['nets/a.c', 'net']],
    ['drivers/net/', ['drivers/net/a.c', 'drivers/net/x/a.c'], ['net/a.c', 'x/drivers/net/a.c']],
    ['*.h', ['a.h', 'include/linux/a.h'], ['a.c', 'a.h/b.c']],
    ['foo_*.c', ['drivers/foo_main.c'], ['drivers/foo/main.c', 'xfoo_a.c']],
    ['drivers/*/foo.c', ['drivers/net/foo.c'], ['drivers/net/x/foo.c', 'drivers/foo.c']],
    ['drivers/**/foo.c', ['drivers/foo.c', 'drivers/a/b/foo.c'], ['x/drivers/foo.c']],
    ['drivers/**', ['drivers/a.c', 'drivers/a/b.c'], ['drivers.c']],
    ['/kernel/?o.c', ['kernel/fo.c'], ['kernel/foo.c', 'x/kernel/fo.c']],
    ['./mm/*.c', ['mm/slub.c'], ['mm/kasan/a.c']],
    ['a.c', ['a.c', 'x/a.c'], ['aXc', 'a.cc']],
    ['**', ['a', 'a/b'], []],
  ])('%s', (pattern, yes, no) => {
    const matches = globOf(pattern);
    expect(yes.filter(path => !matches(path))).toEqual([]);
    expect(no.filter(path => matches(path))).toEqual([]);
  });

  test('a pattern of many stars takes no longer than its length times the path’s', () => {
    const began = performance.now();
    expect(globOf(`${'*a'.repeat(400)}b`)('a'.repeat(4000))).toBe(false);
    expect(globOf(`${'**/a/'.repeat(300)}b`)('a/'.repeat(1500))).toBe(false);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

test('ids in the table of renamed rules are gone, and each leads to a rule that is there', () => {
  const ids = rules.map(r => r.id);
  expect(Object.keys(renamed).filter(id => ids.includes(id))).toEqual([]);
  expect(Object.values(renamed).filter(id => !ids.includes(id))).toEqual([]);
  expect(Object.keys(renamed).length).toBeGreaterThan(0);
});

test('an id that a rule had before does in --rule, explain and the configuration', () => {
  const at = folder({ 'fencepost.yaml': 'rules: { page-read-before-reference: off }\n' });
  expect(run(at, 'check', '--rule', 'stale-entry-used-under-lock', 'a.patch').status).toBe(0);
  expect(run(at, 'explain', 'stale-entry-used-under-lock').out).toMatch(/^stale-read-used-under-lock: /);
  expect(run(at, 'review', 'a.patch').err).toContain('off by fencepost.yaml: use-before-ref');
});
