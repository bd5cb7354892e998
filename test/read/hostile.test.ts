import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIFF, mail, mbox, patch, read, reply } from './reading.ts';

const SEED = mbox(
  patch('[PATCH 1/2] one', 'p1@e'),
  patch('=?utf-8?Q?[PATCH_2/2]_zw=C3=B6lf?=', 'p2@e', 'p1@e', { 'Content-Type': 'text/plain; charset=utf-8; format=flowed' }),
  reply('Re: [PATCH 1/2] one', 'r@e', 'p1@e', '> +\tsmp_rmb();\nPairs?\n\nReviewed-by: Reviewer <reviewer@example.org>\n'),
  mail(
    { 'Content-Type': 'multipart/mixed; boundary="b"', 'Message-ID': '<m@e>' },
    `--b\nContent-Type: text/plain\n\nText.\n--b\nContent-Type: text/x-patch\nContent-Transfer-Encoding: base64\n\n${Buffer.from(DIFF).toString('base64')}\n--b--\n`,
  ),
);

/** Lines that mean something to the reader. */
const pieces = fc.constantFrom(
  ...SEED.split(/(?<=\n)/),
  'From mboxrd@z Thu Jan  1 00:00:00 1970\n',
  'Content-Type: multipart/mixed; boundary="b"\n',
  'Content-Transfer-Encoding: base64\n',
  'Content-Transfer-Encoding: quoted-printable\n',
  '--b\n',
  '--b--\n',
  'GIT binary patch\n',
  'literal 5\n',
  'rename from a\n',
  'diff --git "a/\\303" "b/\\377\\"\n',
  '=?utf-8?B?////?=\n',
  '\0\x1b\x9b\u202e\n',
  '@@ -1,99999999999999999999 +1 @@\n',
);

describe('no input makes the reader throw', () => {
  test('any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async bytes => {
        const thread = await read(bytes);
        expect(thread.messages.map(message => message.n)).toEqual(thread.messages.map((_, at) => at + 1));
      }),
      { numRuns: 300 },
    );
  });

  test('mails cut up and put together anew; every message is accounted for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 4, arbitrary: pieces }, { weight: 1, arbitrary: fc.string({ maxLength: 40 }) }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 300 }),
        async (lines, size) => {
          const text = lines.join('');
          const thread = await read(text, { size });
          expect(await read(text)).toEqual(thread);
          for (const series of thread.series)
            for (const id of [series.cover, ...series.patches])
              if (id !== null) expect(thread.messages.some(message => message.messageId === id)).toBe(true);
          for (const comment of thread.comments)
            expect(thread.messages.some(message => message.messageId === comment.patch && message.patch !== null)).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('an outline says the same of the messages', async () => {
    const whole = await read(SEED);
    const outline = await read(SEED, { outline: true });
    const taken: unknown[] = [];
    const streamed = await read(SEED, { outline: true, onMessage: message => taken.push(structuredClone(message)) });
    expect(
      outline.messages.map(({ patch: read, body: _, ...rest }) => ({ ...rest, files: read?.files.map(file => [file.path, file.added]) })),
    ).toEqual(whole.messages.map(({ patch: read, body: _, ...rest }) => ({ ...rest, files: read?.files.map(file => [file.path, file.added]) })));
    expect(taken).toEqual(outline.messages);
    expect(streamed).toEqual({ ...outline, messages: [] });
    expect(outline).toMatchObject({ series: whole.series, comments: whole.comments, problems: whole.problems });
  });
});

describe('no input keeps the reader busy', () => {
  const many = (text: string, count: number) => text.repeat(count);
  const size = 1 << 20;
  test.each([
    ['one line', many('x', size)],
    ['one header', `Subject: ${many('=?utf-8?q?', size / 10)}`],
    ['open brackets', `Subject: ${many('[', size)}\n\nx`],
    ['brackets', `Subject: ${many('[a]', size / 3)}\n\nx`],
    ['many Re:', `Subject: ${many('re:', size / 3)}\n\nx`],
    ['many headers', many('A: b\n', size / 5)],
    ['folds', `Subject: x\n${many(' y\n', size / 3)}`],
    ['From lines that are none', `From a Thu Jan  1 00:00:00 1970\n${many('From \n', size / 6)}`],
    ['a long line in an mbox', `From a Thu Jan  1 00:00:00 1970\n\nFrom ${many(': ', size / 2)}`],
    ['addresses', `From: ${many('a@', size / 2)}\n\nx`],
    ['comments in an address', `From: ${many('(', size)}\n\nx`],
    ['message-ids', `References: ${many('<', size)}\n\nx`],
    ['blanks in a git header', `\n---\ndiff --git a/${many(' x', size / 2)}\n`],
    ['git headers with blanks', `\n---\n${many(`diff --git a/${many('x ', 4000)}\nmode\n`, 128)}`],
    ['at signs in trailers', mail({ 'In-Reply-To': '<p@e>', Subject: 'Re: x' }, many(`Key: ${many('@', 1900)}\n`, 500))],
    ['trailers', mail({ 'In-Reply-To': '<p@e>', Subject: 'Re: x' }, many('Acked-by: A <a@example.org>\n', size / 28))],
    ['blank lines', mail({}, many(' \n', size / 2))],
    ['digits in a diffstat', mail({}, many(` 1 file ${many('1', 200)}\n`, size / 210))],
    ['dashes', mail({}, many('---x\n', size / 5))],
    ['tags', mail({ 'Content-Type': 'text/html' }, many('<a', size / 2))],
    ['boundaries', mail({ 'Content-Type': 'multipart/mixed; boundary=b' }, many('--b\nContent-Type: text/plain\n\n', size / 32))],
    [
      'multiparts in multiparts',
      mail(
        { 'Content-Type': 'multipart/mixed; boundary=b0' },
        Array.from({ length: 9000 }, (_, at) => `--b${at}\nContent-Type: multipart/mixed; boundary=b${at + 1}\n\n`).join(''),
      ),
    ],
    ['quoted-printable', mail({ 'Content-Transfer-Encoding': 'quoted-printable' }, many('=', size))],
    ['flowed lines', mail({ 'Content-Type': 'text/plain; format=flowed' }, many('x \n', size / 3))],
    [
      'flowed and encoded',
      mail({ 'Content-Type': 'text/plain; format=flowed', 'Content-Transfer-Encoding': 'quoted-printable' }, many('x \n', size / 3)),
    ],
    ['hunks', mail({}, `---\n--- a/x\n+++ b/x\n${many('@@ -1 +1 @@\n-a\n+b\n', size / 18)}`)],
    [
      'quotes of one line',
      mbox(
        patch('[PATCH] one', 'p@e', '', {}, `--- a/x\n+++ b/x\n@@ -0,0 +1,20000 @@\n${many('+same_line_again();\n', 20000)}`),
        reply('Re: x', 'r@e', 'p@e', many('> +same_line_again();\n', 20000)),
      ),
    ],
    [
      'quotes that are nowhere',
      mbox(
        patch('[PATCH] one', 'p@e', '', {}, `--- a/x\n+++ b/x\n@@ -0,0 +1,20000 @@\n${many('+same_line_again();\n', 20000)}`),
        reply('Re: x', 'r@e', 'p@e', many('> +same_line_agai\n', 30000)),
      ),
    ],
  ])('%s', async (_, text) => {
    const started = performance.now();
    await read(text);
    // A second per MB, with room for a busy machine; what is quadratic takes minutes.
    expect(performance.now() - started).toBeLessThan(4000);
  });

  test('a chain of replies', async () => {
    const chain = Array.from({ length: 4000 }, (_, at) =>
      reply('Re: x', `${at + 1}@e`, `${at}@e`, '> x\nAcked-by: Reviewer <reviewer@example.org>\n'),
    );
    const started = performance.now();
    await read(mbox(patch('[PATCH] x', '0@e'), ...chain));
    expect(performance.now() - started).toBeLessThan(6000);
  });
});
