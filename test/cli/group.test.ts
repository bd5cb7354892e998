import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openInputs } from '../../src/cli/input.ts';
import { show } from '../../src/cli/show.ts';
import { mbox, patch } from '../read/reading.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'groups-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A patch as format-patch writes it without threading: no Message-ID. */
const loose = (subject: string) => patch(subject, 'none@e').replace(/^Message-I[dD]:.*\n/m, '');

/** The inputs by the names of their files in the folder; what can't be opened as its line. */
async function grouped(...paths: string[]): Promise<(string[] | string)[]> {
  const inputs = await openInputs(paths);
  return inputs.map(i => ('error' in i ? i.error.replace(`${folder}/`, '') : (i.inputs ?? [i.input]).map(p => p.replace(`${folder}/`, ''))));
}

async function shown(...args: string[]) {
  const got = { out: '', err: '' };
  const status = await show(
    args,
    text => {
      got.out += text;
    },
    text => {
      got.err += text;
    },
  );
  return { status, ...got };
}

function run(...args: string[]) {
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  const done = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
  return { status: done.status, out: done.stdout, err: done.stderr };
}

describe('files of one run of format-patch are one input', () => {
  test('by their numbers, where nothing ties them', async () => {
    const files = [1, 2, 3].map(n => put(`000${n}-x.patch`, loose(`[PATCH ${n}/3] x`)));
    expect(await grouped(...files)).toEqual([['0001-x.patch', '0002-x.patch', '0003-x.patch']]);
  });

  test('by Message-IDs, whatever they are called and wherever they lie', async () => {
    const cover = put('a/cover', patch('[PATCH 0/2] x', '0@e').split('---\n')[0] ?? '');
    expect(await grouped(cover, put('b/one', patch('[PATCH 1/2] x', '1@e', '0@e')), put('c/two', patch('[PATCH 2/2] x', '2@e', '0@e')))).toEqual([
      ['a/cover', 'b/one', 'c/two'],
    ]);
  });

  test('by their names alone, where the subjects have no numbers; they are one series then', async () => {
    const files = [1, 2].map(n => put(`000${n}-x.patch`, loose('[PATCH] x')));
    expect(await grouped(...files)).toEqual([['0001-x.patch', '0002-x.patch']]);
    for (const args of [files, ['--json', ...files]]) expect((await shown(...args)).err).toBe('');
    expect(JSON.parse((await shown('--json', ...files)).out).series).toMatchObject([{ expected: 2, complete: true }]);
    expect((await shown(...files)).out).toContain('2 patches, complete');
  });

  test('a large patch among them, of which only the start is read', async () => {
    const large = put('0002-x.patch', loose('[PATCH 2/2] x').replace('---\n', `${'A long log.\n'.repeat(40_000)}---\n`));
    expect(await grouped(put('0001-x.patch', loose('[PATCH 1/2] x')), large)).toEqual([['0001-x.patch', '0002-x.patch']]);
  });
});

describe('files of different series stay apart, in the order of their first', () => {
  test('by version', async () => {
    const of = (name: string, v: string) => [1, 2].map(n => put(`${name}000${n}-x.patch`, loose(`[PATCH${v} ${n}/2] x`)));
    expect(await grouped(...of('', ''), ...of('v2-', ' v2'))).toEqual([
      ['0001-x.patch', '0002-x.patch'],
      ['v2-0001-x.patch', 'v2-0002-x.patch'],
    ]);
  });

  test('by total, and where a number comes twice', async () => {
    const one = put('0001-a.patch', loose('[PATCH 1/2] a'));
    const two = put('0002-a.patch', loose('[PATCH 2/2] a'));
    const again = put('0001-b.patch', loose('[PATCH 1/2] b'));
    const other = put('0002-b.patch', loose('[PATCH 2/3] b'));
    expect(await grouped(one, again, two, other)).toEqual([['0001-a.patch', '0002-a.patch'], ['0001-b.patch'], ['0002-b.patch']]);
  });

  test('by thread, though numbers and names fit', async () => {
    const a = put('0001-a.patch', patch('[PATCH 1/2] a', '1@e', 'a@e'));
    const b = put('0002-b.patch', patch('[PATCH 2/2] b', '2@e', 'b@e'));
    expect(await grouped(a, b)).toEqual([['0001-a.patch'], ['0002-b.patch']]);
  });

  test('by subject, where a number before the name is somebody’s own', async () => {
    expect(await grouped(put('0001-pre.patch', loose('[PATCH] 0001 state pre')), put('0002-pre.patch', loose('[PATCH] 0002 state pre')))).toEqual([
      ['0001-pre.patch'],
      ['0002-pre.patch'],
    ]);
    expect(await grouped(put('0001-a.patch', loose('[PATCH] a')), put('0007-b.patch', loose('[PATCH] b')))).toEqual([
      ['0001-a.patch'],
      ['0007-b.patch'],
    ]);
  });

  test('by Message-IDs that nothing ties, though one sender has numbered them', async () => {
    expect(await grouped(put('one.eml', patch('[PATCH 1/3] a', '1@e')), put('two.eml', patch('[PATCH 2/3] b', '2@e')))).toEqual([
      ['one.eml'],
      ['two.eml'],
    ]);
  });

  test('by folder, where only the numbers fit', async () => {
    expect(await grouped(put('a/0001-x.patch', loose('[PATCH 1/2] x')), put('b/0002-x.patch', loose('[PATCH 2/2] x')))).toEqual([
      ['a/0001-x.patch'],
      ['b/0002-x.patch'],
    ]);
  });

  test('single patches, and what is no patch', async () => {
    expect(await grouped(put('one.patch', loose('[PATCH] one')), put('two.patch', loose('[PATCH] two')), put('0001-x.patch', ''))).toEqual([
      ['one.patch'],
      ['two.patch'],
      ['0001-x.patch'],
    ]);
  });

  test('a mailbox of several messages is by itself, among files of a run', async () => {
    const [one, two] = [1, 2].map(n => put(`000${n}-x.patch`, loose(`[PATCH ${n}/4] x`)));
    const box = put('0003-x.mbox', mbox(loose('[PATCH 3/4] x'), loose('[PATCH 4/4] x')).toString());
    expect(await grouped(one ?? '', box, two ?? '', '-')).toEqual([['0001-x.patch', '0002-x.patch'], ['0003-x.mbox'], ['-']]);
  });

  test('a file named twice is read twice', async () => {
    const one = put('0001-x.patch', loose('[PATCH 1/2] x'));
    expect(await grouped(one, one)).toEqual([['0001-x.patch'], ['0001-x.patch']]);
  });
});

describe('one of the files is wrong', () => {
  test('it cannot be opened: it is named, and the rest is one input', async () => {
    const [one, three] = [1, 3].map(n => put(`000${n}-x.patch`, loose(`[PATCH ${n}/3] x`)));
    expect(await grouped(one ?? '', join(folder, '0002-x.patch'), three ?? '')).toEqual([
      ['0001-x.patch', '0003-x.patch'],
      '0002-x.patch: no such file or folder',
    ]);
    const { status, out, err } = await shown('--json', one ?? '', join(folder, '0002-x.patch'), three ?? '');
    expect(status).toBe(2);
    expect(err).toContain('0002-x.patch: no such file or folder');
    expect(JSON.parse(out).messages).toHaveLength(2);
  });

  test('it goes away while the others are read, from a list or a folder', async () => {
    const [one, two] = [1, 2].map(n => put(`set/000${n}-x.patch`, loose(`[PATCH ${n}/2] x`)));
    const [input] = await openInputs([one ?? '', two ?? '']);
    rmSync(two ?? '');
    if (!input || 'error' in input) throw new Error('no input');
    for await (const _ of input.open());
    expect(input.lost).toEqual([`${two}: no such file or folder`]);
    symlinkSync(join(folder, 'nowhere'), two ?? '');
    const { status, out, err } = await shown(join(folder, 'set'));
    expect(status).toBe(2);
    expect(err).toContain(`fencepost: ${two}: no such file or folder\n`);
    expect(out).toContain('1/2  x');
  });

  test('git refuses it: it is named as it was given', async () => {
    const one = put('0001-x.patch', loose('[PATCH 1/2] x'));
    const two = put('0002-x.patch', loose('[PATCH 2/2] x').replace('+10,7', '+10,9'));
    expect((await shown(one, two)).err).toMatch(new RegExp(`^fencepost: ${two}, line \\d+ of the diff: git refuses it: [^\n]*\n$`));
    const { status, out } = run('check', one, two);
    expect(status).toBe(1);
    expect(out).toMatch(new RegExp(`^${two}:1: ERROR: [^\n]*\\[refused\\]\n$`));
  });
});

/** A patch that adds a file. */
function adds(n: number, path: string, code: string): string {
  const lines = code.trimEnd().split('\n');
  return `From: Patch Author <author@example.org>
Subject: [PATCH ${n}/2] lane: part ${n}

Part of it.
---
diff --git a/${path} b/${path}
new file mode 100644
--- /dev/null
+++ b/${path}
@@ -0,0 +1,${lines.length} @@
${lines.map(line => `+${line}`).join('\n')}
-- 
2.39.5
`;
}

const head = 'struct lane_map {\n\tunsigned long *used;\t/* used == ~idle */\n\tunsigned long *idle;\n};\n';
const take = 'void lane_take(struct lane_map *m, unsigned int i)\n{\n\tset_bit(i, m->used);\n\tclear_bit(i, m->idle);\n}\n';
const give = 'void lane_put(struct lane_map *m, unsigned int i)\n{\n\tclear_bit(i, m->used);\n\tset_bit(i, m->idle);\n}\n';

describe('one input is one document', () => {
  const files = () => [
    put('0001-lane.patch', adds(1, 'lane/lane.h', head + take)),
    put('0002-lane.patch', adds(2, 'lane/put.c', `#include "lane.h"\n\n${give}`)),
  ];

  test('the two sides of a fault are seen together, though each is in a patch of its own', () => {
    const [one, two] = files();
    const check = (...args: string[]) => run('check', ...args);
    expect(check(one ?? '').out).toBe('');
    expect(check(two ?? '').out).toBe('');
    expect(check(one ?? '', two ?? '').out).toContain('[torn-pair-update]');
    expect(check(folder).out).toBe(check(one ?? '', two ?? '').out);
  });

  test('`input` is the first and `inputs` are all, behind it; with one file there is no `inputs`', async () => {
    const both = files();
    const json = (...args: string[]) => run('review', '--format', 'json', ...args);
    const documents = [json(...both), await shown('--json', ...both), run('events', '--json', ...both)].map(r => JSON.parse(r.out));
    expect(documents.map(d => Object.keys(d))).toEqual([
      ['schema', 'input', 'inputs', 'reviews', 'problems'],
      ['schema', 'input', 'inputs', 'messages', 'series', 'comments', 'problems'],
      ['schema', 'input', 'inputs', 'functions', 'problems'],
    ]);
    for (const d of documents) expect([d.input, d.inputs]).toEqual([both[0], both]);
    expect(Object.keys(JSON.parse(json(both[0] ?? '').out))).toEqual(['schema', 'input', 'reviews', 'problems']);
    expect(Object.keys(JSON.parse(json(folder).out))).toEqual(['schema', 'input', 'reviews', 'problems']);
  });
});
