import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openInputs } from '../../src/cli/input.ts';
import { show } from '../../src/cli/show.ts';
import { mbox, patch } from '../read/reading.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inputs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
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

/** Message-ids by input. */
async function ids(...args: string[]): Promise<[string, string[]][]> {
  const { out } = await run('--json', ...args);
  return out
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
    .map(({ input, messages }) => [input, messages.map((message: { messageId: string }) => message.messageId)]);
}

describe('inputs', () => {
  test('files are inputs of their own, in order', async () => {
    const [a, b] = [put('b.patch', patch('[PATCH] one', '1@e')), put('a.mbox.gz', gzipSync(mbox(patch('[PATCH] two', '2@e'))))];
    expect(await ids(a, b)).toEqual([
      [a, ['1@e']],
      [b, ['2@e']],
    ]);
  });

  test('a folder of patches is one input, its files in order of number and name', async () => {
    put('set/10-last.patch', patch('[PATCH 3/3] three', '3@e'));
    put('set/2-next.patch', patch('[PATCH 2/3] two', '2@e'));
    put('set/1-first.patch', patch('[PATCH 1/3] one', '1@e'));
    put('set/notes.md', 'not mail');
    expect(await ids(join(folder, 'set'))).toEqual([[join(folder, 'set'), ['1@e', '2@e', '3@e']]]);
  });

  test('a maildir is one input', async () => {
    mkdirSync(join(folder, 'box/tmp'), { recursive: true });
    put('box/cur/1.a:2,S', patch('[PATCH 1/2] one', '1@e'));
    put('box/new/2.b', patch('[PATCH 2/2] two', '2@e', '1@e'));
    expect(await ids(join(folder, 'box'))).toEqual([[join(folder, 'box'), ['1@e', '2@e']]]);
  });

  test('a folder of folders is as many inputs', async () => {
    put('all/b/1.patch', patch('[PATCH] one', '1@e'));
    put('all/a/1.patch', patch('[PATCH] two', '2@e'));
    mkdirSync(join(folder, 'all/empty'));
    expect(await ids(join(folder, 'all'))).toEqual([
      [join(folder, 'all/a'), ['2@e']],
      [join(folder, 'all/b'), ['1@e']],
    ]);
  });

  test('a folder as git mailsplit or MH leaves it is one input', async () => {
    for (const [name, ...files] of [
      ['split', '0001', '0002', '0010'],
      ['mh', '1', '2', '10'],
    ]) {
      for (const [at, file] of files.entries()) put(`${name}/${file}`, patch(`[PATCH ${at + 1}/3] step`, `${at}@e`));
      put(`${name}/.mh_sequences`, 'cur: 1\n');
      expect(await ids(join(folder, name ?? ''))).toEqual([[join(folder, name ?? ''), ['0@e', '1@e', '2@e']]]);
    }
  });

  test('no argument is stdin', async () => {
    expect((await openInputs([])).map(input => input.input)).toEqual(['-']);
  });
});

describe('inputs that cannot be opened', () => {
  test('give one line each and the status 2; the others are shown', async () => {
    const good = put('a.patch', patch('[PATCH] one', '1@e'));
    mkdirSync(join(folder, 'empty'));
    const { status, out, err } = await run('--json', join(folder, 'missing'), good, join(folder, 'empty'));
    expect(status).toBe(2);
    expect(out.split('\n').filter(Boolean)).toHaveLength(1);
    expect(err).toBe(
      `fencepost: ${join(folder, 'missing')}: no such file or folder\nfencepost: ${join(folder, 'empty')}: no mail or patch in this folder\n`,
    );
  });

  test.skipIf(process.getuid?.() === 0)('among them what may not be read', async () => {
    const path = put('a.patch', 'x');
    chmodSync(path, 0);
    expect(await run(path)).toMatchObject({ status: 2, err: `fencepost: ${path}: permission denied\n` });
  });

  test('an unknown option is not taken for a file', async () => {
    expect(await run('--jsn')).toMatchObject({ status: 2, out: '', err: 'fencepost show: no option is called --jsn; did you mean --json?\n' });
  });
});

describe('inputs with trouble inside', () => {
  test('a problem in a folder names the file beside the message', async () => {
    put('set/0001-one.patch', patch('[PATCH 1/3] one', '1@e'));
    put('set/0002-two.patch', patch('[PATCH 2/3] two', '2@e').replace('+10,7', '+10,9'));
    put('set/0003-three.mbox.gz', gzipSync(Buffer.from(patch('[PATCH 3/3] three', '3@e').repeat(50))).subarray(0, 300));
    const set = join(folder, 'set');
    const { err, out } = await run('--json', set);
    expect(err).toBe('');
    const { messages, problems } = JSON.parse(out);
    expect(messages[0].file).toBe('0001-one.patch');
    expect([...messages[1].problems, ...(messages[1].patch?.problems ?? [])]).toMatchObject([
      { where: expect.stringMatching(/^message 2, 0002-two\.patch, line \d+ of the diff$/) },
    ]);
    expect(problems[0].where).toBe(`${set}, 0003-three.mbox.gz, after message 2`);
    expect((await run(set)).err).toMatch(new RegExp(`^fencepost: ${set}, message 2, 0002-two\\.patch, line \\d+ of the diff: git refuses it: `, 'm'));
  });

  test('one file is named once', async () => {
    const path = put('0002-two.patch', patch('[PATCH 2/3] two', '2@e').replace('+10,7', '+10,9'));
    expect((await run(path)).err).toMatch(new RegExp(`^fencepost: ${path}, message 1, line \\d+ of the diff: git refuses it: [^\n]*\n$`));
  });

  test('one patch of a series is shown as that, without a complaint', async () => {
    const { out, err } = await run(put('0002-two.patch', patch('[PATCH 2/3] two', '2@e')));
    expect(out).toContain('3 patches, 2 patches missing');
    expect(err).toBe('');
  });

  test.each([
    ['empty', '', '(empty)'],
    ['binary', Uint8Array.from({ length: 3000 }, (_, at) => (at * 7919) % 256), '(binary data)'],
    ['packed.gz', gzipSync(new Uint8Array(3000)), '(binary data)'],
    ['text', 'No header and no diff.\n', '(text without mail headers and without a diff)'],
  ])('%s: one line that says why it is no mail, status 2', async (name, content, words) => {
    const path = put(name, content);
    expect(await run(path)).toEqual({ status: 2, out: '', err: `fencepost: ${path}: not a mail or patch ${words}\n` });
    expect(await run('--json', path)).toMatchObject({ status: 2, err: `fencepost: ${path}: not a mail or patch ${words}\n` });
  });

  test.each([
    ['talk', 'From: A <a@example.org>\nSubject: x\n\nText.\n', 'holds no patch'],
    ['cut.gz', gzipSync(Buffer.from(patch('[PATCH] one', '1@e').repeat(50))).subarray(0, 300), 'the compressed data cannot be read to its end'],
    ['counts', patch('[PATCH] one', '1@e').replace('+10,7', '+10,9'), 'corrupt patch: the hunk at line 9'],
  ])('%s: one line that names input and place, status 0', async (name, content, words) => {
    const path = put(name, content);
    const { status, err } = await run(path);
    expect(status).toBe(0);
    const lines = err.split('\n').filter(line => line.includes(words));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.startsWith(`fencepost: ${path}`)).toBe(true);
    expect(err).not.toMatch(/\n\s+at /);
  });
});
