import { describe, expect, test } from 'vitest';
import type { Thread } from '../../src/model/series.ts';
import { jsonText, safe } from '../../src/report/safe.ts';
import { threadJson, threadProblems, threadText } from '../../src/report/thread.ts';
import { DIFF, mail, mbox, patch, read, reply } from '../read/reading.ts';

const thread = (): Promise<Thread> =>
  read(
    mbox(
      mail({ Subject: '[RFC v2 0/3] mm: order the map', 'Message-ID': '<c@e>' }, 'About it.\n'),
      patch('[RFC v2 1/3] mm: take', 'p1@e', 'c@e'),
      patch('[RFC v2 3/3] mm: put', 'p3@e', 'c@e'),
      reply('Re: [RFC v2 1/3] mm: take', 'r1@e', 'p1@e', '> +\tsmp_rmb();\nPairs?\n\nReviewed-by: Reviewer <reviewer@example.org>\n'),
      mail({ Subject: 'a question', 'Message-ID': '<q@e>' }, 'Text.\n'),
    ),
  );

describe('a thread as text', () => {
  test('shows versions, patches, what is missing, who reviewed and who said something', async () => {
    expect(threadText(await thread())).toBe(`input: 5 messages, 1 series, 1 comment

[RFC v2] mm: order the map
  Patch Author, 2026-03-03, 3 patches, 1 patch missing
  0/3  cover letter: mm: order the map
  1/3  mm: take  (1 file, +1 -0)
       Reviewed-by: Reviewer <reviewer@example.org>
       1 comment by Reviewer
  2/3  missing
  3/3  mm: put  (1 file, +1 -0)

Not in a series:
  other: a question, Patch Author

1 reply, by Reviewer
`);
  });

  test('shows versions of one set together, each with what it is to be applied to', async () => {
    const versions = await read(
      mbox(
        patch('[PATCH v2] mm: take', 'b@e').replace(
          '-- \n',
          `\nbase-commit: ${'0123456789'.repeat(4)}\nprerequisite-patch-id: ${'a'.repeat(40)}\n-- \n`,
        ),
        patch('[PATCH] mm: something else', 'x@e'),
        patch('[PATCH] mm: take', 'a@e').replace('-- \n', '\nchange-id: 20260101-take-0123456789ab\n-- \n'),
      ),
    );
    expect(threadText(versions)).toBe(`input: 3 messages, 3 series, 0 comments

Versions of one set: v1, v2

[PATCH v1] mm: take
  Patch Author, 2026-03-03, 1 patch, complete
  change-id 20260101-take-0123456789ab
  1/1  mm: take  (1 file, +1 -0)

[PATCH v2] mm: take
  Patch Author, 2026-03-03, 1 patch, complete
  base 012345678901, 1 prerequisite
  1/1  mm: take  (1 file, +1 -0)

[PATCH v1] mm: something else
  Patch Author, 2026-03-03, 1 patch, complete
  1/1  mm: something else  (1 file, +1 -0)
`);
  });

  test('shows what of a recovered patch is there, at the reply that quotes it', async () => {
    const quoting = await read(reply('Re: [PATCH] mm: take', 'r@e', 'p@e', `${DIFF.replace(/^(?=.)/gm, '> ')}\nPairs?\n`));
    expect(threadText(quoting)).toContain('  reply with a recovered patch: Re: [PATCH] mm: take, Reviewer  (1 file, +1 -0)\n');
  });

  test('says what git refuses at the patch itself', async () => {
    const broken = await read(patch('[PATCH] mm: take', 'p@e').replace('+10,7', '+10,9'));
    expect(threadText(broken)).toContain('       git refuses it: corrupt patch: the hunk at line 9 says 6 old and 9 new lines');
    expect(threadProblems(broken)).toEqual([expect.stringMatching(/^input, message 1, line \d+ of the diff: git refuses it: corrupt patch: /)]);
  });

  test('names the place of every problem once', async () => {
    expect(threadProblems(await thread())).toEqual(['input, series v2 of 3, message 1: patch 2 is missing']);
    expect(threadProblems(await read(''))).toEqual(['input: is empty']);
  });

  test('lets no control character of a mail through', async () => {
    const nasty = await read(mail({ Subject: '[PATCH] a\x1b[2J\x07\u202eb', From: 'A\x9b31m <a@example.org>' }, 'x\n'));
    const text = threadText(nasty);
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
    expect(text).toContain('a\\x1b[2J\\x07\\u{202e}b');
  });
});

describe('a thread as JSON', () => {
  test('has the fields of fencepost.show/1 and no more', async () => {
    const json = JSON.parse(JSON.stringify(threadJson(await thread())));
    expect(Object.keys(json)).toEqual(['schema', 'input', 'messages', 'series', 'comments', 'problems']);
    expect(json.schema).toBe('fencepost.show/1');
    expect(Object.keys(json.messages[1])).toEqual(['n', 'messageId', 'kind', 'subject', 'title', 'from', 'date', 'inReplyTo', 'problems', 'patch']);
    expect(Object.keys(json.messages[1].patch)).toEqual([
      'title',
      'author',
      'index',
      'total',
      'version',
      'prefixes',
      'recovered',
      'trailers',
      'problems',
      'files',
    ]);
    expect(json.messages[1].patch.files).toEqual([{ path: 'mm/pool.c', change: 'modify', added: 1, removed: 0, binary: false }]);
    expect(json.messages[0].patch).toBeNull();
    expect(Object.keys(json.series[0])).toEqual(['id', 'version', 'title', 'expected', 'complete', 'cover', 'patches', 'followUps']);
    expect(json.comments).toEqual([
      { from: { name: 'Reviewer', address: 'reviewer@example.org' }, messageId: 'r1@e', patch: 'p1@e', path: 'mm/pool.c', line: 13, text: 'Pairs?' },
    ]);
  });
});

describe('what the JSON has beyond its first fields', () => {
  test('stands behind them, and only where there is something', async () => {
    const text = patch('[PATCH] mm: take', 'a@e').replace(
      '-- \n',
      `\nbase-commit: ${'0123456789'.repeat(4)}\nchange-id: 20260101-take-0123456789ab\n-- \n`,
    );
    const json = JSON.parse(JSON.stringify(threadJson(await read(mbox(text, patch('[PATCH v2] mm: take', 'b@e'))))));
    expect(Object.keys(json.series[0]).slice(8)).toEqual(['base', 'changeId', 'set']);
    expect(Object.keys(json.series[1]).slice(8)).toEqual(['set']);
  });
});

describe('safe', () => {
  test.each([
    ['plain ascii', 'plain ascii'],
    ['Größe 张 🙂', 'Größe 张 🙂'],
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['\0\x7f\x85', '\\x00\\x7f\\x85'],
    ['\u2066x\u2069\u200b\ufeff', '\\u{2066}x\\u{2069}\\u{200b}\\u{feff}'],
    ['\ud800x', '\\u{d800}x'],
  ])('%j', (text, shown) => {
    expect(safe(text)).toBe(shown);
  });

  test('lines stay lines where they may', () => {
    expect(safe('a\tb\n\x1b', true)).toBe('a\tb\n\\x1b');
  });
});

describe('jsonText', () => {
  test('what a terminal acts on is escaped, and the document is the same', () => {
    const value = { name: 'a\x1b\x9b31m\u202eb\u2028\ud800 Größe 🙂', tag: '\u{e0041}' };
    expect(jsonText(value)).toBe('{"name":"a\\u001b\\u009b31m\\u202eb\\u2028\\ud800 Größe 🙂","tag":"\\udb40\\udc41"}');
    expect(JSON.parse(jsonText(value))).toEqual(value);
  });
});
