import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/model/series.ts';
import * as limits from '../../src/read/limits.ts';
import { DIFF, mail, mbox, numstat, patch, read, reply } from './reading.ts';

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
    const outlineOf = ({ patch, body: _, recipients: __, ...rest }: Message) => ({
      ...rest,
      files: patch?.files.map(file => [file.path, file.added]),
    });
    expect(outline.messages.map(outlineOf)).toEqual(whole.messages.map(outlineOf));
    expect(outline.messages.every(message => message.recipients === undefined)).toBe(true);
    expect(taken).toEqual(outline.messages);
    expect(streamed).toEqual({ ...outline, messages: [] });
    expect(outline).toMatchObject({ series: whole.series, comments: whole.comments, problems: whole.problems });
  });
});

/** A mail of a thread, with what is to be read of it. */
const written = fc.record({
  kind: fc.constantFrom('cover', 'patch', 'reply', 'quote', 'pull', 'other'),
  index: fc.integer({ min: 1, max: 5 }),
  version: fc.integer({ min: 1, max: 3 }),
  parent: fc.nat({ max: 30 }),
  words: fc.array(fc.constantFrom('lock', 'From ', '>From me', '--', '---', 'x: y', '> +\tsmp_rmb();', '+ 1', 'From 12:00 2026', ''), {
    maxLength: 6,
  }),
  encoding: fc.constantFrom('plain', 'base64', 'flowed', 'mixed'),
});
type Written = typeof written extends fc.Arbitrary<infer T> ? T : never;

function mailOf({ kind, index, version, parent, words, encoding }: Written, at: number): string {
  const tag = `[PATCH v${version} ${kind === 'cover' ? 0 : index}/5]`;
  const subject = { cover: tag, patch: tag, reply: `Re: ${tag}`, quote: `Re: ${tag}`, pull: '[GIT PULL]', other: 'About' }[kind];
  const body = `${words.join('\n')}\n${kind === 'patch' ? `---\n${DIFF}` : kind === 'quote' ? DIFF.replace(/^/gm, '> ') : ''}`;
  const headers = { Subject: `${subject} word ${index}`, 'Message-ID': `<${at}@e>`, 'In-Reply-To': parent < at ? `<${parent}@e>` : '' };
  if (encoding === 'base64') return mail({ ...headers, 'Content-Transfer-Encoding': 'base64' }, Buffer.from(body).toString('base64'));
  if (encoding === 'flowed' && kind !== 'patch') return mail({ ...headers, 'Content-Type': 'text/plain; format=flowed' }, body);
  if (encoding === 'mixed')
    return mail({ ...headers, 'Content-Type': 'multipart/mixed; boundary="=-b"' }, `--=-b\nContent-Type: text/plain\n\n${body}\n--=-b--\n`);
  return mail(headers, body);
}

describe('messages in are messages accounted for', () => {
  test('in any mailbox: each in its place, patches in a series or said why not, replies with the comments that they make', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(written, { minLength: 1, maxLength: 14 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.boolean(),
        async (all, size, packed) => {
          const text = mbox(...all.map(mailOf));
          const taken: number[] = [];
          const thread = await read(packed ? gzipSync(text) : text, { size });
          await read(text, { outline: true, size, onMessage: message => taken.push(message.n) });
          const { messages, series, problems } = thread;
          expect(messages.map(({ n, messageId }) => [n, messageId])).toEqual(all.map((_, at) => [at + 1, `${at}@e`]));
          expect(taken).toEqual(messages.map(({ n }) => n));
          const members = new Set(series.flatMap(one => [one.cover, ...one.patches]));
          for (const [at, { kind }] of all.entries()) {
            const message = messages[at];
            expect([kind, message?.kind]).toEqual([
              kind,
              kind === 'quote' ? 'reply' : kind === 'other' && message?.inReplyTo !== null ? 'reply' : kind,
            ]);
            if (kind === 'patch') expect(numstat(message)).toEqual(['1\t0\tmm/pool.c']);
            if (kind === 'patch') expect(members).toContain(message?.messageId);
            if (kind !== 'patch' && message?.patch)
              expect([kind, message.patch.recovered, members.has(message.messageId)]).toEqual(['quote', true, false]);
          }
          for (const one of series) {
            expect(one.complete).toBe(!one.patches.includes(null));
            if (!one.complete && messages.length > 1)
              expect(problems.some(({ where, message }) => where.startsWith(`series v${one.version} `) && message.includes('missing'))).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a bound that is met is named', () => {
  const said = async (text: string | Uint8Array): Promise<string[]> => {
    const { messages, problems } = await read(text);
    return [...problems, ...messages.flatMap(message => [...message.problems, ...(message.patch?.problems ?? [])])].map(problem => problem.message);
  };
  const nested = (depth: number) =>
    mail(
      { 'Content-Type': 'multipart/mixed; boundary=b0' },
      `${Array.from({ length: depth }, (_, at) => `--b${at}\nContent-Type: multipart/mixed; boundary=b${at + 1}\n\n\n`).join('')}--b${depth}\nContent-Type: text/plain\n\nDeep.\n`,
    );

  test('multiparts in multiparts', async () => {
    expect(await said(nested(2))).toEqual(['holds no patch']);
    expect(await said(nested(limits.MAX_MIME_DEPTH + 2))).toEqual(
      expect.arrayContaining([
        `more than ${limits.MAX_MIME_DEPTH} multiparts in one another; the inner ones are not read`,
        'too many boundaries for git',
      ]),
    );
  });

  test('parts', async () => {
    const parts = (count: number) =>
      said(mail({ 'Content-Type': 'multipart/mixed; boundary=b' }, '--b\nContent-Type: text/plain\n\nx\n'.repeat(count)));
    expect(await parts(limits.MAX_MIME_PARTS)).toEqual(['holds no patch']);
    expect(await parts(limits.MAX_MIME_PARTS + 1)).toContain(`more than ${limits.MAX_MIME_PARTS} parts; the rest is not read`);
  });

  test('what compressed data may grow to', async () => {
    expect(await said(gzipSync(Buffer.alloc(limits.GZIP_ALLOWANCE - 1000, 'a')))).toEqual(['holds no patch']);
    expect(await said(gzipSync(Buffer.alloc(2 * limits.GZIP_ALLOWANCE, 'a')))).toContain(
      `the compressed data grows to more than ${limits.MAX_GZIP_RATIO} times its size; the rest is not read`,
    );
  });

  test('bytes of one mail', async () => {
    const large = Buffer.concat([Buffer.from(mail({}, '')), Buffer.alloc(limits.MAX_MAIL_BYTES + (1 << 17), 'a\n')]);
    expect(await said(large)).toContainEqual(expect.stringMatching(/^the mail is too large; \d+ bytes at its end are not read$/));
  }, 30_000);

  test('postings of one patch', async () => {
    const trailers = async (count: number) => {
      const mails = Array.from({ length: count }, (_, at) => patch('[PATCH] x', `${at}@e`));
      const { series, problems } = await read(mbox(...mails, reply('Re: x', 'r@e', '0@e', 'Acked-by: Reviewer <reviewer@example.org>\n')));
      return [series.flatMap(one => one.followUps).length, problems.map(problem => problem.message)];
    };
    expect(await trailers(limits.MAX_POSTINGS)).toEqual([limits.MAX_POSTINGS, []]);
    expect(await trailers(limits.MAX_POSTINGS + 1)).toEqual([
      1,
      [`is posted more than ${limits.MAX_POSTINGS} times; trailers given to one of them are not counted for the others`],
    ]);
  });

  test('files of one diff', async () => {
    const file = (at: number) => `diff --git a/${at} b/${at}\nold mode 100644\nnew mode 100755\n`;
    const text = Array.from({ length: limits.MAX_FILES + 1 }, (_, at) => file(at)).join('');
    expect(await said(text)).toEqual([`more than ${limits.MAX_FILES} files; the rest is not read`]);
  });
});

describe('no input keeps the reader busy', () => {
  const many = (text: string, count: number) => text.repeat(count);
  const size = 1 << 19;
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
    // Half a MB takes a moment; what is quadratic takes minutes, and is ended by the runner.
    await read(text);
  });

  test('a chain of replies', async () => {
    const chain = Array.from({ length: 4000 }, (_, at) =>
      reply('Re: x', `${at + 1}@e`, `${at}@e`, '> x\nAcked-by: Reviewer <reviewer@example.org>\n'),
    );
    await read(mbox(patch('[PATCH] x', '0@e'), ...chain));
  });
});
