import { describe, expect, test } from 'vitest';
import { MAX_WAIT } from '../../src/read/limits.ts';
import { DIFF, mail, mbox, numstat, patch, read, reply } from './reading.ts';

const quote = (text: string, mark = '> ') => text.replace(/\n$/, '').replace(/^/gm, mark);
const TITLE = 'Re: [PATCH 1/2] mm: order the read';
const LOG = 'What it does.\n\nSigned-off-by: Patch Author <author@example.org>\n---\n';
const answer = (body: string, id = 'r@e', parent = 'p@e') => reply(TITLE, id, parent, body);
const WHOLE = `On Tue, 3 Mar 2026, Patch Author wrote:\n${quote(LOG + DIFF)}\n\nIs this enough?\n`;
const said = (thread: Awaited<ReturnType<typeof read>>) =>
  thread.comments.map(({ messageId, patch: target, line, text }) => `${messageId} on ${target}:${line} ${text}`);

describe('a patch that is only there as a quote', () => {
  test('is recovered, marked, and outside of every series', async () => {
    const thread = await read(mbox(answer(WHOLE), mail({ Subject: 'another', 'Message-ID': '<o@e>' }, 'Text.\n')));
    const [message] = thread.messages;
    expect(message).toMatchObject({
      kind: 'reply',
      patch: {
        recovered: true,
        title: 'mm: order the read',
        author: { name: 'Patch Author', address: 'author@example.org' },
        log: 'What it does.',
        problems: [{ severity: 'odd', where: 'message 1', message: 'the patch is put together from the lines that are quoted' }],
      },
    });
    expect(numstat(message)).toEqual(['1\t0\tmm/pool.c']);
    expect(message?.patch?.files[0]?.hunks[0]?.lines).toHaveLength(7);
    expect([thread.series, thread.problems]).toEqual([[], []]);
  });

  test('has the comments of the reply that quotes it', async () => {
    const [head = '', tail = ''] = DIFF.split(/(?<=smp_rmb\(\);\n)/);
    expect(said(await read(answer(`${quote(head)}\nPairs with what?\n${quote(tail)}\nFine.\n`)))).toEqual([
      'r@e on r@e:13 Pairs with what?',
      'r@e on r@e:16 Fine.',
    ]);
  });

  test('has those of replies to that reply, in whatever order they come', async () => {
    const deeper = answer(`${quote(quote(DIFF))}\n> > Is this enough?\n\n${quote('+\tsmp_rmb();', '> > ')}\nIt is.\n`, 's@e', 'r@e');
    for (const mails of [
      [answer(WHOLE), deeper],
      [deeper, answer(WHOLE)],
    ]) {
      const thread = await read(mbox(...mails));
      expect(thread.messages.filter(message => message.patch !== null).map(message => message.messageId)).toEqual(['r@e']);
      expect(said(thread)).toContain('s@e on r@e:13 It is.');
    }
  });

  test('is marked where the quote is cut', async () => {
    const cut = DIFF.slice(0, DIFF.indexOf(' \tif (bit'));
    const { messages } = await read(answer(`${quote(cut)}\n> [...]\nEnough.\n`));
    expect(numstat(messages[0])).toEqual(['1\t0\tmm/pool.c']);
    expect(messages[0]?.patch?.problems[0]?.message).toContain(
      'the lines do not come out at the 6 old and 7 new ones in the hunk of mm/pool.c at @@ -10,6 +10,7 @@',
    );
  });

  test('has lines together again that a mailer broke, and says so', async () => {
    const { messages } = await read(answer(`${quote(DIFF.replace('(p->map, ', '(p->map,\n'))}\nEnough.\n`));
    expect(messages[0]?.patch?.files[0]?.hunks[0]?.lines.map(line => line.text)).toContain('\tbit = find_first_zero_bit(p->map, p->size);');
    expect(messages[0]?.patch?.problems[0]?.message).toContain('lines that were broken are joined again in the hunk of mm/pool.c');
  });

  test.each([
    ['lines without their header', quote('+\tsmp_rmb();')],
    ['a header without a hunk', quote(DIFF.slice(0, DIFF.indexOf('@@')))],
    ['context alone', quote(DIFF.replace('+\tsmp_rmb();\n', ''))],
    ['a text that speaks of diffs', '> diff is a tool\n> --- and a rule'],
  ])('is not made of %s', async (_, body) => {
    const { messages } = await read(answer(`${body}\nEnough.\n`));
    expect(messages[0]).toMatchObject({ patch: null, problems: [] });
  });
});

describe('nothing is recovered', () => {
  const recovered = async (...mails: string[]) => (await read(mbox(...mails))).messages.filter(message => message.patch?.recovered).length;

  test.each([
    ['before', (mails: string[]) => mails],
    ['behind', (mails: string[]) => mails.toReversed()],
  ])('where the patch stands %s the reply', async (_, order) => {
    expect(await recovered(...order([patch('[PATCH 1/2] mm: order the read', 'p@e'), answer(WHOLE)]))).toBe(0);
  });

  test('where a mail of its title has it, tied to the reply or not', async () => {
    expect(await recovered(patch('[PATCH 1/2] mm: order the read', 'elsewhere@e'), answer(WHOLE))).toBe(0);
    expect(await recovered(patch('[PATCH v2 1/2] mm: order the read', 'elsewhere@e'), answer(WHOLE))).toBe(1);
  });

  test('where git refuses the patch that is answered', async () => {
    expect(await recovered(patch('[PATCH 1/2] x', 'p@e').replace('+10,7', '+10,9'), answer(WHOLE))).toBe(0);
  });

  test('after more messages than a reply waits for', async () => {
    const many = Array.from({ length: MAX_WAIT + 1 }, (_, at) => mail({ Subject: 'x', 'Message-ID': `<${at}@e>` }, 'x\n'));
    expect(await recovered(answer(WHOLE), ...many.slice(2))).toBe(1);
    expect(await recovered(answer(WHOLE), ...many)).toBe(0);
  });
});

test('messages are handed on in their order, a recovered patch in its place', async () => {
  const text = mbox(answer(WHOLE), patch('[PATCH 2/2] two', 'q@e'), answer('> x\nNo.\n', 't@e'));
  const taken: unknown[] = [];
  await read(text, { outline: true, onMessage: message => taken.push([message.n, message.patch?.recovered, message.patch?.log]) });
  expect(taken).toEqual([
    [1, true, ''],
    [2, false, ''],
    [3, undefined, undefined],
  ]);
});
