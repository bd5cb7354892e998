import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { command, root } from './command.ts';

/** A folder with the files. */
function folder(files: Record<string, string>): string {
  const made = mkdtempSync(join(tmpdir(), 'fencepost-scan-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(made, name)), { recursive: true });
    writeFileSync(join(made, name), text);
  }
  return made;
}

function scan(cwd: string, ...args: string[]) {
  return command(['scan', ...args], { cwd });
}

const drop = (name: string) => `void ${name}(struct s *s)\n{\n\tatomic_inc_return(&s->hits);\n}\n`;
const torn = `struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

static void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i, m->idle);
}

static void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}
`;

test('old code is spoken of, every place by itself, with a summary on stderr', () => {
  const dir = folder({ 'a.c': drop('one') + drop('two') });
  const { status, out, err } = scan(dir, 'a.c');
  expect(out.split('\n').map(l => l.split(': ').slice(0, 2).join(': '))).toEqual(['a.c:3: NOTE', 'a.c:7: NOTE', '']);
  expect({ status, err }).toEqual({ status: 0, err: '1 file, 2 functions, 2 events, 2 findings (discarded-rmw-result 2), 0 held\n' });
});

test('static functions and the ties of one file are seen together, and told as pre-existing code', () => {
  const dir = folder({ 'lane.c': torn });
  const document = JSON.parse(scan(dir, '--format', 'json', 'lane.c').out);
  expect(document).toMatchObject({ schema: 'fencepost.review/1', input: 'lane.c' });
  expect(document.reviews[0].findings).toMatchObject([{ rule: 'torn-pair-update', origin: 'pre-existing', witness: { verdict: 'Sometimes' } }]);
});

test('a note quotes the lines as they stand', () => {
  expect(scan(folder({ 'a.c': drop('one') }), '--format', 'notes', 'a.c').out).toContain('>  \tatomic_inc_return(&s->hits);');
});

describe('a folder', () => {
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d${i % 4}/f${i}.c`, drop(`f${i}`)]));
  const dir = folder({ ...files, 'notes.txt': 'no C', '.hidden/x.c': drop('x') });
  symlinkSync(dir, join(dir, 'd0', 'loop'));

  test('is scanned in the order of its paths, links and hidden folders left out', () => {
    const { out, err } = scan(dir, '.');
    const seen = out
      .trimEnd()
      .split('\n')
      .map(l => l.split(':')[0] ?? '');
    expect(seen).toEqual(Object.keys(files).sort());
    expect(err).toContain('40 files, 40 functions');
  });

  test('gives the same bytes on one core and on several', () => {
    const args = [join(root, 'dist/cli.js'), 'scan', '--format', 'json', '.'];
    const several = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: dir });
    const one = spawnSync('taskset', ['-c', '0', process.execPath, ...args], { encoding: 'utf8', cwd: dir });
    if (one.error) return; // No taskset here.
    expect(one.stdout).toBe(several.stdout);
    expect(one.stderr).toBe(several.stderr);
  });
});

describe('--tree', () => {
  const files = {
    'drivers/lane/lane.h': torn.replace(/static void lane_take[^}]*}\n\n/, ''),
    'drivers/lane/lane.c': `#include "lane.h"\n\n${/static void lane_take[^}]*}\n/.exec(torn)?.[0]}`,
    '.fencepost.yaml': 'invariants:\n  - serialised: struct lane_map\n    by: caller\n    why: one owner\n',
  };

  test('shows the headers beside a file, and calls it by its name in the tree', () => {
    const dir = folder({ ...files, '.fencepost.yaml': '' });
    expect(scan(dir, 'drivers/lane/lane.c').out).toBe('');
    expect(scan(tmpdir(), join(dir, 'drivers'), '--tree', dir).out).toMatch(/^drivers\/lane\/lane\.c:\d+: WARNING: .*\[torn-pair-update\]\n$/);
  });

  test('brings the facts that stand at its top', () => {
    const dir = folder(files);
    const { out, err } = scan(dir, '--all', '--tree', dir, 'drivers/lane/lane.c');
    expect(out).toBe('');
    expect(err).toContain('held (dismissed-by-fact: .fencepost.yaml, line 2');
  });
});

test('-o writes the findings to a file, and --fail-on sets the gate', () => {
  const dir = folder({ 'a.c': drop('one') });
  const path = join(dir, 'found.txt');
  expect(scan(dir, '-o', path, 'a.c')).toMatchObject({ status: 0, out: '' });
  expect(readFileSync(path, 'utf8')).toMatch(/^a\.c:3: NOTE: /);
  expect(scan(dir, '--fail-on', 'note', 'a.c').status).toBe(1);
  expect(scan(dir, '--fail-on', 'warning', 'a.c').status).toBe(0);
  expect(scan(dir, '--fail-on', 'note', 'nowhere.c', 'a.c').status).toBe(2);
  expect(scan(dir, '-o', '/proc/x/y', 'a.c')).toMatchObject({ status: 2, out: '', err: 'fencepost: /proc/x/y: cannot write: no such folder\n' });
});

test('no C file among the paths is one line and exit 2', () => {
  const dir = folder({ 'docs/README': '' });
  expect(scan(dir, 'docs')).toEqual({ status: 2, out: '', err: 'fencepost: docs: no C file among these\n' });
});

test('what cannot be scanned is one line and exit 2, and the rest is scanned', () => {
  const dir = folder({ 'a.c': drop('one'), README: '' });
  const { status, out, err } = scan(dir, 'nowhere.c', 'README', 'a.c');
  expect(status).toBe(2);
  expect(out).toContain('a.c:3');
  expect(err.split('\n').slice(0, 2)).toEqual(['fencepost: nowhere.c: no such file or folder', 'fencepost: README: not a C file by its name']);
  expect(scan(dir).status).toBe(2);
  expect(scan(dir, '--rule', 'no-such-rule', 'a.c').err).toContain('no rule is called no-such-rule');
  expect(scan(dir, '--format', 'pdf', 'a.c').status).toBe(2);
});
