import { describe, expect, test } from 'vitest';
import type { Comment } from '../../src/model/series.ts';
import { mbox, patch, read, reply } from './reading.ts';

const quote = (text: string, mark = '> ') => text.replace(/^/gm, mark);
const CODE =
  '@@ -10,6 +10,7 @@ static int pool_take(struct pool *p)\n {\n \tint bit;\n \n+\tsmp_rmb();\n \tbit = find_first_zero_bit(p->map, p->size);';

async function comments(body: string): Promise<string[]> {
  const thread = await read(mbox(patch('[PATCH] one', 'p@e'), reply('Re: [PATCH] one', 'r@e', 'p@e', body)));
  return thread.comments.map(({ path, line, side, text }: Comment) => `${path}:${line} ${side} ${text}`);
}

describe('comments under quoted code', () => {
  test('stand at the last line quoted above them', async () => {
    expect(
      await comments(
        `On Tuesday, Patch Author wrote:\n${quote(CODE.split('\n').slice(0, 5).join('\n'))}\n\nWhat does this pair with?\n\n> \tbit = find_first_zero_bit(p->map, p->size);\n\nFine.\n`,
      ),
    ).toEqual(['mm/pool.c:13 new What does this pair with?', 'mm/pool.c:14 new Fine.']);
  });

  test.each([
    ['without a space', '>'],
    ['twice', '> > '],
    ['twice, the dense way', '>> '],
    ['with a bar', '| '],
  ])('quoted %s', async (_, mark) => {
    expect(await comments(`${quote('+\tsmp_rmb();', mark)}\nPairs?\n`)).toEqual(['mm/pool.c:13 new Pairs?']);
  });

  test('tabs made spaces and no-break spaces do not matter', async () => {
    expect(await comments('> +\u00a0       smp_rmb();\nPairs?\n')).toEqual(['mm/pool.c:13 new Pairs?']);
  });

  test('a quote that the mailer broke is one line', async () => {
    expect(await comments('>  \tbit = find_first_zero_bit(p->map,\n> p->size);\n\nOne.\n')).toEqual(['mm/pool.c:14 new One.']);
    expect(await comments('>  \tbit = find_first_zero_bit(p->map,\np->size);\n\nOne.\n')).toEqual(['mm/pool.c:14 new One.']);
  });

  test('a removed line is on the old side', async () => {
    const diff = 'diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -5,2 +5 @@\n keep();\n-\tremove_this_one();\n';
    const thread = await read(
      mbox(patch('[PATCH] one', 'p@e', '', {}, diff), reply('Re: [PATCH] one', 'r@e', 'p@e', '> -\tremove_this_one();\nWhy?\n')),
    );
    expect(thread.comments).toEqual([
      {
        from: { name: 'Reviewer', address: 'reviewer@example.org' },
        messageId: 'r@e',
        patch: 'p@e',
        path: 'x.c',
        line: 6,
        side: 'old',
        text: 'Why?',
      },
    ]);
  });

  test('short lines are found where their neighbours are', async () => {
    expect(await comments(`${quote(' {\n \tint bit;\n ')}\nBlank?\n`)).toEqual(['mm/pool.c:12 new Blank?']);
    expect(await comments('> {\nBrace?\n')).toEqual([]);
  });

  test('words under quotes of the log, trailers and signatures are none', async () => {
    expect(await comments('> What it does.\n\nNot only that.\n')).toEqual([]);
    expect(await comments(`${quote(CODE)}\n\nReviewed-by: Reviewer <reviewer@example.org>\n`)).toEqual([]);
    expect(await comments(`${quote(CODE)}\n-- \nReviewer\n`)).toEqual([]);
    expect(await comments(`${quote(CODE)}\n[...]\n${quote('More.')}\n`)).toEqual([]);
  });

  test('a reply to a reply is about the patch above both', async () => {
    const thread = await read(
      mbox(
        reply('Re: [PATCH] one', 'r2@e', 'r1@e', '> > +\tsmp_rmb();\n> Pairs?\n\nWith the smp_wmb() in pool_put().\n', {
          From: 'Patch Author <author@example.org>',
        }),
        reply('Re: [PATCH] one', 'r1@e', 'p@e', '> +\tsmp_rmb();\nPairs?\n'),
        patch('[PATCH] one', 'p@e'),
      ),
    );
    expect(thread.comments.map(({ messageId, line, text }) => [messageId, line, text])).toEqual([
      ['r2@e', 13, 'With the smp_wmb() in pool_put().'],
      ['r1@e', 13, 'Pairs?'],
    ]);
  });

  test('a lost parent is passed over by the references', async () => {
    const thread = await read(
      mbox(patch('[PATCH] one', 'p@e'), reply('Re: [PATCH] one', 'r@e', 'lost@e', '> +\tsmp_rmb();\nPairs?\n', { References: '<p@e> <lost@e>' })),
    );
    expect(thread.comments).toHaveLength(1);
  });

  test('bodies of replies are let go', async () => {
    const thread = await read(mbox(patch('[PATCH] one', 'p@e'), reply('Re: [PATCH] one', 'r@e', 'p@e', '> +\tsmp_rmb();\nPairs?\n')));
    expect(thread.messages[1]?.body).toBe('');
  });
});
