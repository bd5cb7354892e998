import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { renamed } from '../../rules/renamed.ts';
import { readBaseline, writeBaseline } from '../../src/cli/baseline.ts';
import { RULES } from '../../src/cli/configured.ts';
import { fingerprint, wordsOf } from '../../src/engine/fingerprint.ts';
import { builtIn, type Policy, rules, scan, viewOfText } from '../../src/index.ts';
import { grammar } from '../code.ts';
import { command } from './command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function run(cwd: string, ...args: string[]) {
  return command(args, { cwd });
}

const faulty = (name: string, body = '') => `static int ${name}(struct kiln *k, int heat)
{
${body}	spin_lock(&k->lock);
	if (heat < 0)
		return -EINVAL;
	k->heat = heat;
	spin_unlock(&k->lock);
	return 0;
}
`;
const sound = (name: string) => faulty(name).replace('\t\treturn -EINVAL', '\t\theat = 0');

function folder(files: Record<string, string>): { at: string; put(name: string, text: string): void; get(name: string): string } {
  const at = mkdtempSync(join(tmpdir(), 'fencepost-'));
  const put = (name: string, text: string) => writeFileSync(join(at, name), text);
  for (const [name, text] of Object.entries(files)) put(name, text);
  return { at, put, get: name => readFileSync(join(at, name), 'utf8') };
}

describe('a baseline', () => {
  test('is made, holds what it names, keeps its reasons and comments, and loses what is mended', () => {
    const { at, put, get } = folder({ 'kiln.c': faulty('kiln_fire') });
    expect(run(at, 'baseline', 'update', 'known.yaml', 'kiln.c')).toEqual({
      status: 0,
      out: 'known.yaml: 1 entry, 1 new, 0 dropped, 1 without a reason\n',
      err: '',
    });
    const bare = run(at, 'scan', '--fail-on', 'note', '--baseline', 'known.yaml', 'kiln.c');
    expect(bare).toMatchObject({ status: 0, out: '' });
    expect(bare.err).toBe('fencepost: known.yaml: the entry of line 7 has no reason\n1 file, 1 function, 3 events, 0 findings, 1 held\n');

    put('known.yaml', get('known.yaml').replace('reason: ""', '# seen by maintainers\n    reason: heat is never negative'));
    const all = run(at, 'scan', '--all', '--baseline', 'known.yaml', 'kiln.c');
    expect(all.err).toContain('held (baseline: heat is never negative): kiln.c:5:');
    const before = get('known.yaml');
    expect(run(at, 'baseline', 'update', 'known.yaml', 'kiln.c').out).toBe('known.yaml: 1 entry, 0 new, 0 dropped, 0 without a reason\n');
    expect(get('known.yaml')).toBe(before);

    put('kiln.c', sound('kiln_fire'));
    expect(run(at, 'scan', '--baseline', 'known.yaml', 'kiln.c').err).toContain(
      'fencepost: known.yaml, line 7: unused: no unlock-missing-on-path in kiln_fire(), kiln.c\n',
    );
    expect(run(at, 'baseline', 'update', 'known.yaml', 'kiln.c').out).toBe(
      'dropped: unlock-missing-on-path in kiln_fire(), kiln.c: heat is never negative\nknown.yaml: 0 entries, 0 new, 1 dropped, 0 without a reason\n',
    );
  });

  test('leaves entries of code that is not in the input alone, and says nothing of them', () => {
    const { at, put } = folder({ 'kiln.c': faulty('kiln_fire'), 'oven.c': faulty('oven_fire') });
    run(at, 'baseline', 'update', 'known.yaml', 'kiln.c', 'oven.c');
    put('oven.c', sound('oven_fire'));
    expect(run(at, 'scan', '--baseline', 'known.yaml', 'kiln.c').err).not.toContain('unused');
    expect(run(at, 'baseline', 'update', 'known.yaml', 'kiln.c').out).toContain('2 entries, 0 new, 0 dropped');
    expect(run(at, 'baseline', 'update', 'known.yaml', '.').out).toContain('1 entry, 0 new, 1 dropped');
  });

  test('covers places, not kinds: what a note would join to a known place is reported', () => {
    const { at, put } = folder({ 'kiln.c': faulty('kiln_fire') });
    run(at, 'baseline', 'update', 'known.yaml', 'kiln.c');
    put('kiln.c', faulty('kiln_fire') + faulty('kiln_cool'));
    expect(run(at, 'scan', '--baseline', 'known.yaml', 'kiln.c').out).toMatch(/^kiln\.c:14: ERROR: kiln_cool\(\)/);
  });

  test('is the same for mails, and for the same input the same bytes', () => {
    const { at, get } = folder({});
    const sample = join(root, 'samples/paired-bitmaps');
    expect(run(at, 'baseline', 'update', 'a.yaml', sample).status).toBe(0);
    run(at, 'baseline', 'update', 'b.yaml', sample);
    expect(get('a.yaml')).toBe(get('b.yaml'));
    const got = run(at, 'check', '--baseline', 'a.yaml', '--fail-on', 'note', sample);
    expect(got).toMatchObject({ status: 0, out: '' });
    expect(run(at, 'check', '--fail-on', 'note', sample).status).toBe(1);
    const held = JSON.parse(run(at, 'review', '--format', 'json', '--baseline', 'a.yaml', sample).out).reviews[0].held;
    expect(held.some((h: { reason: string }) => h.reason === 'baseline')).toBe(true);
  });

  test('that can’t be read or is wrong is exit 2, whatever reads it, and stays as it is', () => {
    const good = 'schema: fencepost.baseline/1\nfindings:\n';
    const wrong: [string, string][] = [
      ['', 'schema: missing; expected'],
      ['findings: []\n', 'line 1: schema: missing'],
      ['schema: fencepost.baseline/9\n', 'line 1: schema: is "fencepost.baseline/9"; expected fencepost.baseline/1'],
      [
        `${good}  - { fingerprint: 61bb23f3, rule: a, path: b, function: c }\n`,
        'line 3: findings.0.fingerprint: is "61bb23f3"; expected the 16 digits',
      ],
      [`${good}  - { fingerprint: 0123456789abcdef, rule: a, path: b, function: c, why: d }\n`, 'line 3: findings.0.why: no such key here'],
      ['findings: [\n', 'not valid YAML'],
      ['\0\x01', 'expected the keys `schema` and `findings`'],
    ];
    const { at, put, get } = folder({ 'kiln.c': faulty('kiln_fire') });
    for (const [text, said] of wrong) {
      put('bad.yaml', text);
      expect(run(at, 'scan', '--baseline', 'bad.yaml', 'kiln.c')).toMatchObject({ status: 2, out: '' });
      if (text === '') continue;
      const got = run(at, 'baseline', 'update', 'bad.yaml', 'kiln.c');
      expect([got.status, got.err]).toEqual([2, expect.stringContaining(said)]);
      expect(get('bad.yaml')).toBe(text);
    }
    expect(run(at, 'check', '--baseline', 'missing.yaml', join(root, 'samples/single'))).toMatchObject({
      status: 2,
      out: '',
      err: 'fencepost: missing.yaml: no such file or folder\n',
    });
    expect(run(at, 'baseline', 'update', 'new.yaml', 'kiln.c', 'missing.c')).toMatchObject({
      status: 2,
      err: expect.stringContaining('new.yaml: left as it is'),
    });
    expect(() => get('new.yaml')).toThrow();
  });

  test('what an entry holds of hostile mail is escaped, and read again', () => {
    const entry = { fingerprint: '0123456789abcdef', rule: 'lock-taken-twice', path: 'a: b\n- c', function: '', message: '*x "y"\t# z', reason: '' };
    const { value, problems } = readBaseline('b', writeBaseline('', [entry]), RULES);
    expect(problems).toEqual([]);
    expect(value).toMatchObject([entry]);
  });
});

describe('a fingerprint', () => {
  const g = grammar();
  const printOf = async (text: string) => {
    const [found] = scan('kiln.c', text, { grammar: await g }).reviews[0]?.findings ?? [];
    return found?.fingerprint;
  };

  test('stays where lines move, other code changes, and the place is indented, wrapped or spaced anew', async () => {
    const code = (call: string, before = '', type = 'static int') => `${before}${type} kiln_stop(struct kiln *k, struct rod *r)
{
	spin_lock(&k->lock);
${call}
	spin_unlock(&k->lock);
	return 0;
}
`;
    const first = await printOf(code('\tflush_delayed_work(rod_work(r, k));'));
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    for (const same of [
      code('\tflush_delayed_work(rod_work(r, k));', '#include <linux/a.h>\n\nstatic int other(int renamed) { return renamed; }\n\n'),
      code('\n\n\tk->heat = 0;\n\tflush_delayed_work(rod_work(r, k));'),
      code('\tflush_delayed_work(rod_work(r,\n\t\t\t\t    k));'),
      code('\tflush_delayed_work( rod_work( r,k ) );'),
      code('\tflush_delayed_work(rod_work(r, k)); /* it is short */'),
      code('\tif (k)\n\t\tflush_delayed_work(rod_work(r, k));'),
      code('\tflush_delayed_work(rod_work(r, k));', '', 'int'),
    ])
      expect(await printOf(same), same).toBe(first);
    // The name of the pointer that a member is reached through is not what the place is about.
    expect(await printOf(faulty('kiln_fire').replaceAll('k->', 'kiln->').replace('*k,', '*kiln,'))).toBe(await printOf(faulty('kiln_fire')));
    expect(await printOf(code('\tflush_delayed_work(other_work(r, k));'))).not.toBe(first);
    expect(await printOf(code('\tflush_delayed_work(rod_work(r, k));').replace('kiln_stop', 'kiln_halt'))).not.toBe(first);
  });

  test('of a rule that was called otherwise holds under its new id', async () => {
    const [was = '', is = ''] = Object.entries(renamed)[0] ?? [];
    const code = rules.find(r => r.id === is)?.examples.bad[0] ?? '';
    const reported = async (baseline: string) => {
      const entries = readBaseline('known.yaml', baseline, RULES);
      expect(entries.problems).toEqual([]);
      const policy: Policy = { off: [], on: [], severities: [], ignored: [], baseline: entries.value, collects: false };
      return scan('mm/weir.c', code, { grammar: await g, policy }).reviews[0];
    };
    const empty = 'schema: fencepost.baseline/1\n';
    const found = (await reported(empty))?.findings.find(f => f.rule === is);
    // The same parts under the old id, as the release before would have written them.
    const { world } = viewOfText('mm/weir.c', code, await g, builtIn);
    const parts = world.functions.flatMap(f => f.events.map(e => ['mm/weir.c', f.name, ...wordsOf(e), '0']));
    const [same = []] = parts.filter(p => fingerprint([is, ...p]) === found?.fingerprint);
    expect(same.length).toBeGreaterThan(2);
    const entry = (id: string) =>
      `${empty}findings:\n  - { fingerprint: ${fingerprint([id, ...same])}, rule: ${id}, path: mm/weir.c, function: ${found?.function}, reason: old }\n`;
    for (const id of [was, is]) {
      const now = await reported(entry(id));
      expect(now?.findings.map(f => f.rule)).not.toContain(is);
      expect(now?.held).toContainEqual(expect.objectContaining({ reason: 'baseline', detail: 'old' }));
      expect(now?.baseline?.used).toEqual([0]);
    }
  });
});

describe('the file of a baseline', () => {
  test('stays where a link leads, and keeps its mode', () => {
    const { at, put } = folder({ 'kiln.c': faulty('kiln_set') });
    put('real.yaml', '');
    chmodSync(join(at, 'real.yaml'), 0o600);
    symlinkSync('real.yaml', join(at, 'link.yaml'));
    expect(run(at, 'baseline', 'update', 'link.yaml', 'kiln.c')).toMatchObject({ status: 0 });
    expect(lstatSync(join(at, 'link.yaml')).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(at, 'real.yaml')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(at, 'real.yaml'), 'utf8')).toContain('kiln_set');
  });

  test('is never put in place of what is no file', () => {
    const { at } = folder({ 'kiln.c': faulty('kiln_set') });
    expect(spawnSync('mkfifo', [join(at, 'pipe')]).status).toBe(0);
    expect(run(at, 'baseline', 'update', 'pipe', 'kiln.c')).toMatchObject({ status: 2, out: '', err: expect.stringContaining('pipe: is no file') });
    expect(lstatSync(join(at, 'pipe')).isFIFO()).toBe(true);
  });
});
