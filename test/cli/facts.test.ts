import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readFacts } from '../../src/cli/facts.ts';
import { contradictions, review } from '../../src/index.ts';
import { grammar, patchOf, threadOf } from '../code.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('a facts file', () => {
  test('declares functions like kernel functions, or by what they do, and invariants', () => {
    const { value, problems } = readFacts(
      'f.yaml',
      `functions:
  lane_lock: { like: spin_lock }
  lane_get: { kind: rmw, operation: inc, ordering: relaxed }
invariants:
  - paired: [struct lane_map.used, struct lane_map.idle]
    relation: complement
  - { guarded: struct lane.state, by: struct lane.lock }
  - serialised: struct lane_map
    by: caller
    why: the core hands each lane to one owner at a time
`,
    );
    expect(problems).toEqual([]);
    expect(value.functions.map(f => [f.name, f.line])).toEqual([
      ['lane_lock', 2],
      ['lane_get', 3],
    ]);
    expect(value.invariants.map(i => [i.kind, i.line])).toEqual([
      ['paired', 5],
      ['guarded', 7],
      ['serialised', 8],
    ]);
  });

  test.each([
    ['functions:\n  a: { like: spin_lock }\n  b: { kind: wrt, ordering: full }\n', 'f.yaml, line 3', 'functions.b.kind'],
    ['functions:\n  b: { kind: rmw }\n', 'f.yaml, line 2', 'functions.b.ordering'],
    ['functions:\n  b: { kind: rmw, ordering: full, cel: 1 }\n', 'f.yaml, line 2', 'functions.b.cel: no such key here; expected one of kind, cell,'],
    ['functions:\n  b:\n    kind: rmw\n    ordering: fulll\n', 'f.yaml, line 4', 'functions.b.ordering: is "fulll"; expected one of none, plain,'],
    ['functions:\n  b: { like: [1] }\n', 'f.yaml, line 2', 'functions.b.like: wrong; expected text'],
    ['invariants:\n  - oops: 1\n', 'f.yaml, line 2', 'invariants.0.oops: no such key here; expected one of paired, guarded, serialised'],
    ['invariants:\n  - paired: [struct a.x]\n', 'f.yaml, line 2', 'invariants.0.paired'],
    ['invariants:\n  - { guarded: "a b c", by: struct a.l }\n', 'f.yaml, line 2', 'expected a cell as `struct foo.member`'],
    ['functions:\n  c: { liek: spin_lock }\n', 'f.yaml, line 2', 'assert, like; did you mean like?'],
    ['functon: {}\n', 'f.yaml, line 1', 'functon: no such key here; expected one of functions, tables, types, invariants; did you mean functions?'],
    ['functions:\n  a: { kind: wait, quiesce: reader }\n', 'f.yaml, line 2', 'functions.a.quiesce'],
    [
      'tables:\n  struct x: { go: { runs: sofirq } }\n',
      'f.yaml, line 2',
      'tables.struct x.go.runs: is "sofirq"; expected one of task, softirq, hardirq',
    ],
    ['types:\n  struct x: { family: lane }\n', 'f.yaml, line 2', 'types.struct x.is'],
    ['functions: [1, 2]\n', 'f.yaml, line 1', 'functions'],
    ['functions:\n  a: { like: spin_lock }\n  a: { like: mutex_lock }\n', 'f.yaml, line 3', 'a: stands here twice'],
    ['- just\n- a list\n', 'f.yaml, line 1', 'expected the keys'],
    ['a: [\n', 'f.yaml', 'not valid YAML'],
  ])('%j is refused with file, line and field', (text, where, message) => {
    const { problems } = readFacts('f.yaml', text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]?.where).toContain(where);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.message).not.toContain('\n');
  });

  test('declares effects, operations tables and types in the words of the built-in facts', () => {
    const { value, problems } = readFacts(
      'f.yaml',
      `functions:
  lane_quiet: { kind: wait, quiesce: { of: work, object: 1, cancels: true } }
  lane_put: { kind: rmw, operation: dec, ordering: release, ref: { by: put, frees: true } }
tables:
  struct lane_ops:
    start: { runs: softirq, holds: [lane], never_with: [stop] }
types:
  struct lane_lock: { is: lock, family: lane }
`,
    );
    expect(problems).toEqual([]);
    const effects = value.functions.map(f => ('fact' in f ? f.fact.effects : []));
    expect(effects[0]).toMatchObject([{ does: 'quiesce', of: 'work', object: 1, waits: true, cancels: true }]);
    expect(effects[1]).toMatchObject([{ does: 'access' }, { does: 'ref', by: 'put', frees: true, object: 0 }]);
    expect(value.members.map(m => m.fact)).toMatchObject([
      {
        struct: 'struct lane_ops',
        member: 'start',
        runs: 'softirq',
        sleeps: false,
        holds: [{ section: { family: 'lane', object: 'lane' } }],
        neverWith: ['stop'],
      },
    ]);
    expect(value.types.map(t => t.fact)).toMatchObject([{ type: 'struct lane_lock', is: 'lock', family: 'lane' }]);
  });

  test('a key that is spelt wrong is one problem, though its right spelling is missing', () => {
    expect(readFacts('f.yaml', 'functions:\n  c: { liek: spin_lock }\n').problems).toHaveLength(1);
    expect(readFacts('f.yaml', 'functions:\n  c: { kind: rmw, ordring: full }\n').problems.map(p => p.message)).toEqual([
      expect.stringMatching(/^functions\.c\.ordring: .*; did you mean ordering\?$/),
    ]);
  });

  test('keeps what is right beside what is wrong', () => {
    expect(
      readFacts('f.yaml', 'functions:\n  a: { like: spin_lock }\n  b: { kind: wrt, ordering: full }\n').value.functions.map(f => f.name),
    ).toEqual(['a']);
  });

  test('never throws, whatever stands in it', () => {
    for (const text of ['', ' ', '\0', 'a: &x [*x]', 'a: &a [1]\nb: [*a, *a]', '? [a]\n: b', '!!js/function x', `${'['.repeat(3000)}`])
      expect(() => readFacts('f.yaml', text)).not.toThrow();
  });
});

const code = `
struct lane_map {
	unsigned long *used;
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i, m->idle);
}

void lane_put(struct lane_map *m)
{
	bitmap_weight(m->used, 8);
	clear_bit(m->next, m->used);
	set_bit(m->next, m->idle);
}
`;

const reviewed = async (text: string, facts: string) => {
  const [first] = review(threadOf([patchOf({ 'drivers/lane.c': text })]), {
    grammar: await grammar(),
    facts: readFacts('lanes.yaml', facts).value,
  }).reviews;
  return { rules: first?.findings.map(f => f.rule), held: first?.held.map(h => `${h.reason}: ${h.detail}`), problems: first?.problems };
};

test('a declaration that contradicts a built-in fact counts, and is said with what differs', () => {
  const declared = (text: string) => contradictions(readFacts('f.yaml', text).value).map(p => `${p.where}: ${p.message}`);
  expect(declared('functions:\n  msleep: { like: udelay }\n')).toEqual([
    'f.yaml, line 2: functions.msleep contradicts the built-in fact, and counts: kind is "call" here and "wait" there, sleeps is "no" here and "yes" there',
  ]);
  expect(declared('functions:\n  msleep: { like: ssleep }\n  lane_sleep: { like: msleep }\n')).toEqual([]);
  expect(declared('tables:\n  struct net_device_ops:\n    ndo_open: { runs: softirq }\n')[0]).toContain(
    'tables.struct net_device_ops.ndo_open contradicts the built-in fact, and counts: runs is "softirq" here and "task" there',
  );
  expect(declared('types:\n  struct mutex: { is: lock, family: lane }\n')[0]).toContain('family is "lane" here and "mutex" there');
});

test('a declared pair is a pair, where nothing in view says so', async () => {
  const text = code
    .slice(0, code.indexOf('void lane_put'))
    .concat('void lane_swap(struct lane_map *m, unsigned int i)\n{\n\tchange_bit(i, m->used);\n\tchange_bit(i, m->idle);\n}\n');
  expect((await reviewed(text, '')).rules).toEqual([]);
  expect((await reviewed(text, 'invariants:\n  - paired: [struct lane_map.used, struct lane_map.idle]\n')).rules).toEqual(['torn-pair-update']);
});

test('what a declaration rules out is held with its file and line', async () => {
  const text = code.replaceAll('m->next', 'i').replace('lane_put(struct lane_map *m)', 'lane_put(struct lane_map *m, unsigned int i)');
  expect((await reviewed(text, '')).rules).toEqual(['torn-pair-update']);
  const { rules, held } = await reviewed(text, 'invariants:\n  - serialised: struct lane_map\n    by: caller\n    why: one owner at a time\n');
  expect(rules).toEqual([]);
  expect(held?.[0]).toBe('dismissed-by-fact: lanes.yaml, line 2: struct lane_map is serialised by its callers: one owner at a time');
});

test('a declared wrapper takes a lock', async () => {
  const locked = code
    .replaceAll('m->next', 'i')
    .replace('lane_put(struct lane_map *m)', 'lane_put(struct lane_map *m, unsigned int i)')
    .replaceAll('{\n\t', '{\n\tlane_lock(m);\n\t')
    .replaceAll(';\n}', ';\n\tlane_unlock(m);\n}')
    .replace('struct lane_map {\n\tlane_lock(m);', 'struct lane_map {')
    .replace('idle;\n\tlane_unlock(m);', 'idle;');
  expect((await reviewed(locked, 'functions:\n  lane_lock: { like: spin_lock }\n  lane_unlock: { like: spin_unlock }\n')).rules).toEqual([]);
  expect((await reviewed(locked, 'functions:\n  lane_lock: { like: spin_lokc }\n')).problems).toEqual([
    { severity: 'odd', where: 'lanes.yaml, line 2', message: 'functions.lane_lock.like: nothing is known of spin_lokc()' },
  ]);
});

test('the command takes facts, and with wrong ones reviews nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fencepost-'));
  const path = join(folder, 'facts.yaml');
  const right = 'invariants:\n  - serialised: struct spindle\n    by: caller\n    why: one mailbox, one owner\n';
  writeFileSync(path, right);
  const run = (...args: string[]) => spawnSync(process.execPath, [join(root, 'dist/cli.js'), ...args], { encoding: 'utf8', cwd: root });
  expect(run('check', '--facts', path, 'samples/single')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  const refused = (...args: string[]) => {
    const { status, stdout, stderr } = run(...args);
    expect({ status, stdout, lines: stderr.trim().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
    return stderr;
  };
  writeFileSync(path, `${right}  - oops: 1\n`);
  expect(refused('check', '--facts', path, 'samples/single')).toContain('facts.yaml, line 5: invariants.1.oops: no such key');
  expect(refused('scan', '--facts', path, 'src')).toContain('facts.yaml, line 5');
  writeFileSync(path, 'functions:\n  lane_lock: { like: spin_lokc }\n');
  expect(refused('check', '--facts', path, 'samples/single')).toContain('line 2: functions.lane_lock.like: nothing is known of spin_lokc()');
  writeFileSync(path, 'functions: {\n');
  expect(refused('check', '--facts', path, 'samples/single')).toContain('not valid YAML');
  writeFileSync(join(folder, '.fencepost.yaml'), 'functon: {}\n');
  expect(refused('check', '--tree', folder, 'samples/single')).toContain('.fencepost.yaml, line 1: functon');
  expect(run('check', '--facts', '/nowhere.yaml', 'samples/single').status).toBe(2);
});

test('the schema in the repository is of draft 2020-12 and names all parts', () => {
  const schema = JSON.parse(readFileSync(join(root, 'schema/facts.schema.json'), 'utf8'));
  expect(schema.$schema).toContain('2020-12');
  expect(Object.keys(schema.properties)).toEqual(['functions', 'tables', 'types', 'invariants']);
});
