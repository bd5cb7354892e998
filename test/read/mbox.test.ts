import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readThread } from '../../src/read/index.ts';
import { chunks, DIFF, mail, mbox, numstat, patch, read, readOne, tools } from './reading.ts';

describe('containers', () => {
  test('an mbox of public-inbox is parted at its From_ lines and unescaped', async () => {
    const text = mbox(mail({}, 'From here on it is text.\n>From a quote.\n'), mail({ 'Message-ID': '<2@example.org>' }, 'Second.\n'));
    const { messages } = await read(text);
    expect(messages.map(message => message.messageId)).toEqual(['1@example.org', '2@example.org']);
    expect(messages[0]?.body).toBe('From here on it is text.\n>From a quote.\n\n');
  });

  test('a From line in a body that is no From_ line does not part it', async () => {
    const one = `From author@example.org Tue Mar  3 10:00:00 2026\n${mail({}, 'From time to time: 12 things.\nFrom 1990 on.\n')}`;
    expect((await read(one)).messages).toHaveLength(1);
  });

  test('elsewhere than in mboxrd a quoted From stays as it is, as git leaves it', async () => {
    const text = `From author@example.org Tue Mar  3 10:00:00 2026\n${mail({}, '>From the log.\n')}`;
    expect((await readOne(text)).body).toBe('>From the log.\n');
  });

  test('format-patch mails one behind the other are parted', async () => {
    const from = 'From 1234567890123456789012345678901234567890 Mon Sep 17 00:00:00 2001\n';
    const { messages, series } = await read(`${from}${patch('[PATCH 1/2] one', 'a@example.org')}${from}${patch('[PATCH 2/2] two', 'b@example.org')}`);
    expect(messages.map(message => message.patch?.title)).toEqual(['one', 'two']);
    expect(series).toMatchObject([{ expected: 2, complete: true, patches: ['a@example.org', 'b@example.org'] }]);
  });

  test('a bare mail is one mail, From_ lines in it or not', async () => {
    const { messages } = await read(mail({}, 'Text.\nFrom author@example.org Tue Mar  3 10:00:00 2026\nMore.\n'));
    expect(messages).toHaveLength(1);
  });

  test('a diff without any header is a patch', async () => {
    const message = await readOne(DIFF);
    expect(numstat(message)).toEqual(['1\t0\tmm/pool.c']);
    expect(message).toMatchObject({ kind: 'patch', from: null, messageId: 'message-1' });
  });

  test('CRLF and a byte order mark change nothing', async () => {
    const plain = await readOne(patch('[PATCH] one', 'a@example.org'));
    const marked = `\ufeff${patch('[PATCH] one', 'a@example.org').replace(/\n/g, '\r\n')}`;
    for (const size of [1, 2, 1000]) expect((await read(marked, { size })).messages).toEqual([plain]);
  });

  test('chunks may end anywhere', async () => {
    const text = mbox(patch('[PATCH 1/2] one', 'a@example.org'), patch('[PATCH 2/2] zwölf', 'b@example.org', 'a@example.org'));
    const whole = await read(text);
    for (const size of [1, 2, 3, 7, 64]) expect(await read(text, { size })).toEqual(whole);
  });

  test('an empty chunk stands between two documents, each of its own kind', async () => {
    async function* three() {
      yield* chunks(Buffer.from(patch('[PATCH 1/2] one', 'a@example.org')), 100);
      yield new Uint8Array(0);
      yield* chunks(gzipSync(mbox(patch('[PATCH 2/2] two', 'b@example.org', 'a@example.org'))), 100);
      yield new Uint8Array(0);
    }
    const thread = await readThread('folder', three(), tools);
    expect(thread.messages.map(message => [message.n, message.patch?.title])).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
    expect(thread.series).toHaveLength(1);
  });
});

describe('bad input', () => {
  test('nothing at all', async () => {
    expect((await read('')).problems).toEqual([{ severity: 'odd', where: 'input', message: 'is empty' }]);
    expect((await read('\n\n')).problems).toMatchObject([{ message: 'is empty' }]);
  });

  test('a binary', async () => {
    const { problems } = await read(Uint8Array.from({ length: 5000 }, (_, at) => (at * 7919) % 256));
    expect(problems).toMatchObject([{ where: 'input', message: 'is no mail and no patch: it holds binary data' }]);
  });

  test('an mbox without a patch', async () => {
    const { problems } = await read(
      mbox(mail({ Subject: 'a question' }, 'Text.\n'), mail({ Subject: 'another', 'Message-ID': '<2@example.org>' }, 'Text.\n')),
    );
    expect(problems).toMatchObject([{ where: 'input', message: 'holds 2 messages and no patch' }]);
  });

  test('a truncated gzip gives what could be read, and says where it stopped', async () => {
    const packed = gzipSync(
      Buffer.from(Array.from({ length: 400 }, (_, at) => mbox(patch(`[PATCH] number ${at * 7919}`, `${at}@example.org`))).join('')),
    );
    const thread = await read(packed.subarray(0, packed.length - 2000), { size: 1000 });
    expect(thread.messages.length).toBeGreaterThan(100);
    expect(thread.problems.at(-1)?.where ?? '').toBeDefined();
    const [problem] = thread.problems.filter(({ where }) => /^input, after message \d+$/.test(where));
    expect(problem?.message).toMatch(/^the compressed data cannot be read to its end: /);
  });

  test('a gzip bomb is cut off', async () => {
    const thread = await read(gzipSync(Buffer.alloc(64 << 20, 'a')));
    expect(thread.problems).toContainEqual(expect.objectContaining({ message: expect.stringMatching(/grows to more than 200 times/) }));
  });

  test('what is left of a cut document is no document of its own', async () => {
    async function* two() {
      yield* chunks(gzipSync(Buffer.alloc(64 << 20, 'a')), 1000);
      yield new Uint8Array(0);
      yield Buffer.from(patch('[PATCH] one', 'a@example.org'));
    }
    const { messages } = await readThread('folder', two(), tools);
    expect(messages).toHaveLength(2);
    expect(messages[1]?.patch?.title).toBe('one');
  });
});
