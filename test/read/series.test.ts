import { describe, expect, test } from 'vitest';
import { DIFF, mail, mbox, patch, read, reply } from './reading.ts';

const other = (name: string) => DIFF.replaceAll('pool.c', name);
const cover = (subject: string, id: string, extra: Record<string, string> = {}) =>
  mail({ Subject: subject, 'Message-ID': `<${id}>`, ...extra }, 'About it.\n\n 2 files changed, 2 insertions(+)\n');

describe('series', () => {
  test('cover and patches come in the order of their numbers', async () => {
    const { series, messages, problems } = await read(
      mbox(patch('[PATCH 2/2] two', 'p2@e', 'c@e', {}, other('b.c')), cover('[PATCH 0/2] both', 'c@e'), patch('[PATCH 1/2] one', 'p1@e', 'c@e')),
    );
    expect(series).toEqual([
      { id: 'c@e', version: 1, title: 'both', expected: 2, complete: true, cover: 'c@e', patches: ['p1@e', 'p2@e'], followUps: [] },
    ]);
    expect(messages.map(message => message.kind)).toEqual(['patch', 'cover', 'patch']);
    expect(problems).toEqual([]);
  });

  test('a missing patch has a place and is named', async () => {
    const { series, problems } = await read(mbox(cover('[PATCH v3 0/4] all', 'c@e'), patch('[PATCH v3 2/4] two', 'p2@e', 'c@e')));
    expect(series).toMatchObject([{ version: 3, expected: 4, complete: false, patches: [null, 'p2@e', null, null] }]);
    expect(problems).toEqual([{ severity: 'odd', where: 'series v3 of 4, message 1', message: 'patch 1 and 3, 4 are missing' }]);
  });

  test('patches that nothing ties are one series where their frame agrees', async () => {
    const { series } = await read(
      mbox(
        patch('[PATCH 1/2] one', 'p1@e'),
        patch('[PATCH 2/2] two', 'p2@e'),
        patch('[PATCH 1/2] of another', 'q1@e', '', { From: 'Other <other@example.org>' }),
      ),
    );
    expect(series.map(one => one.patches)).toEqual([
      ['p1@e', 'p2@e'],
      ['q1@e', null],
    ]);
  });

  test('patches that were not sent yet are one series, whoever wrote them, as long as their numbers follow', async () => {
    const by = (subject: string, name: string) =>
      mail({ Subject: subject, From: `${name} <${name}@example.org>` }, `A log.\n---\n${other(`${name}.c`)}`).replace(/^Message-ID: .*\n/m, '');
    const { series, problems } = await read(
      mbox(
        by('[PATCH 1/3] one', 'a'),
        by('[PATCH 2/3] two', 'b'),
        by('[PATCH 3/3] three', 'a'),
        by('[PATCH 1/3] next', 'a'),
        by('[PATCH 3/3] last', 'b'),
      ),
    );
    expect(series.map(one => one.patches)).toEqual([
      ['message-1', 'message-2', 'message-3'],
      ['message-4', null, null],
      [null, null, 'message-5'],
    ]);
    expect(problems.length).toBe(2);
    const sent = await read(
      mbox(patch('[PATCH 1/2] one', 'p1@e'), patch('[PATCH 2/2] of another', 'q2@e', '', { From: 'Other <other@example.org>' })),
    );
    expect(sent.series.length).toBe(2);
  });

  test('versions in one thread stand apart', async () => {
    const { series } = await read(mbox(patch('[PATCH] one', 'v1@e'), patch('[PATCH v2] one', 'v2@e', 'v1@e')));
    expect(series.map(one => [one.version, one.patches])).toEqual([
      [1, ['v1@e']],
      [2, ['v2@e']],
    ]);
  });

  test('a version of some patches only keeps the others of the version before', async () => {
    const { series } = await read(
      mbox(
        patch('[PATCH 1/2] one', 'p1@e'),
        patch('[PATCH 2/2] two', 'p2@e', 'p1@e', {}, other('b.c')),
        patch('[PATCH v2 2/2] two', 'q2@e', 'p2@e', {}, other('b.c')),
      ),
    );
    expect(series.map(one => one.patches)).toEqual([
      ['p1@e', 'p2@e'],
      ['p1@e', 'q2@e'],
    ]);
  });

  test('a patch without a version takes that of its cover letter', async () => {
    const { series } = await read(mbox(cover('[PATCH v5 0/1] all', 'c@e'), patch('[PATCH 1/1] one', 'p1@e', 'c@e')));
    expect(series).toMatchObject([{ version: 5, cover: 'c@e', patches: ['p1@e'] }]);
  });

  test('the total of the cover letter counts', async () => {
    const { series } = await read(
      mbox(cover('[PATCH 0/3] all', 'c@e'), patch('[PATCH 1/2] one', 'p1@e', 'c@e'), patch('[PATCH 2/2] two', 'p2@e', 'c@e', {}, other('b.c'))),
    );
    expect(series).toMatchObject([{ expected: 3, complete: false, patches: ['p1@e', 'p2@e', null] }]);
  });

  test('an answer with a diff of its own is outside', async () => {
    const { series, messages } = await read(
      mbox(patch('[PATCH 1/1] one', 'p1@e'), reply('Re: [PATCH 1/1] one', 'r@e', 'p1@e', `Rather:\n\n${DIFF}`)),
    );
    expect(series).toMatchObject([{ patches: ['p1@e'] }]);
    expect(messages[1]).toMatchObject({ kind: 'reply', patch: { files: [{ path: 'mm/pool.c' }] } });
  });

  test('a mail that comes twice counts once', async () => {
    const { series, problems } = await read(mbox(patch('[PATCH] one', 'p@e'), patch('[PATCH] one', 'p@e')));
    expect(series).toMatchObject([{ patches: ['p@e'] }]);
    expect(problems).toMatchObject([{ where: 'message 2', message: 'has the Message-ID of message 1 and is not counted again' }]);
  });

  test('a pull request is no patch', async () => {
    const { messages } = await read(mail({ Subject: '[GIT PULL] things for 7.1' }, 'The following changes since commit 1234567890ab:\n\n  x\n'));
    expect(messages[0]?.kind).toBe('pull');
  });
});

describe('trailers that replies give', () => {
  const REVIEWED = 'Reviewed-by: Reviewer <reviewer@example.org>';
  const given = async (...mails: string[]) =>
    (await read(mbox(...mails))).series.flatMap(one => one.followUps.map(({ trailer, patch: target }) => `${target} ${trailer}`));

  test('go to the patch or cover letter that is answered', async () => {
    expect(
      await given(
        cover('[PATCH 0/1] all', 'c@e'),
        patch('[PATCH 1/1] one', 'p1@e', 'c@e'),
        reply('Re: [PATCH 1/1] one', 'r1@e', 'p1@e', `> What it does.\n\nGood.\n\n${REVIEWED}\n`),
        reply('Re: [PATCH 0/1] all', 'r2@e', 'c@e', `Tested-by: Reviewer <reviewer@example.org> # on arm64\n`),
      ),
    ).toEqual(['c@e Tested-by: Reviewer <reviewer@example.org> # on arm64', `p1@e ${REVIEWED}`]);
  });

  test('go up through other replies', async () => {
    expect(
      await given(
        patch('[PATCH] one', 'p@e'),
        reply('Re: [PATCH] one', 'r1@e', 'p@e', 'Why?\n'),
        reply('Re: [PATCH] one', 'r2@e', 'r1@e', `${REVIEWED}\n`),
      ),
    ).toEqual([`p@e ${REVIEWED}`]);
  });

  test('count only in the name of the sender', async () => {
    expect(
      await given(
        patch('[PATCH] one', 'p@e'),
        reply(
          'Re: [PATCH] one',
          'r@e',
          'p@e',
          'Reviewed-by: Someone Else <else@example.org>\nAcked-by: Reviewer <reviewer+kernel@mail.example.org>\n',
        ),
      ),
    ).toEqual(['p@e Acked-by: Reviewer <reviewer+kernel@mail.example.org>']);
  });

  test('are not taken from quotes, signatures and what only looks like them', async () => {
    expect(
      await given(
        patch('[PATCH] one', 'p@e'),
        reply(
          'Re: [PATCH] one',
          'r@e',
          'p@e',
          `> ${REVIEWED}\nNote: me@example.org\nlink: https://example.org\nSee-also: https://a@example.org/b\n-- \n${REVIEWED}\n`,
        ),
      ),
    ).toEqual(['p@e Note: me@example.org', 'p@e link: https://example.org'].slice(1));
  });

  test('a trailer folded behind the name is one', async () => {
    expect(
      await given(patch('[PATCH] one', 'p@e'), reply('Re: [PATCH] one', 'r@e', 'p@e', 'Reviewed-by: Reviewer\n<reviewer@example.org>\n')),
    ).toEqual([`p@e ${REVIEWED}`]);
  });

  test.each([
    ['sent again in the thread', '[RESEND PATCH] one', 'p@e', DIFF],
    ['sent again in a thread of its own', '[RESEND PATCH] one', '', DIFF],
    ['of a new version in a thread of its own', '[PATCH v2] one', '', DIFF],
    ['of a new version at other lines', '[PATCH v2] one', '', DIFF.replace('@@ -10,6 +10,7 @@', '@@ -20,6 +20,7 @@')],
  ])('go along to the same patch %s, and back', async (_, subject, parent, diff) => {
    const mails = (...replies: string[]) => [
      patch('[PATCH] one', 'p@e'),
      patch(subject, 'q@e', parent, {}, diff),
      ...replies.map((id, at) => reply('Re: one', `r${at}@e`, id, `${REVIEWED}\n`)),
    ];
    const both = [`p@e ${REVIEWED}`, `q@e ${REVIEWED}`];
    for (const replies of [['p@e'], ['q@e'], ['p@e', 'q@e']]) expect((await given(...mails(...replies))).sort()).toEqual(both);
  });

  test('do not go along to another patch of the series, be its diff the same', async () => {
    const two = [patch('[PATCH 1/2] one', 'p@e'), patch('[PATCH 2/2] two', 'q@e', 'p@e')];
    expect(await given(...two, reply('Re: one', 'r@e', 'p@e', `${REVIEWED}\n`))).toEqual([`p@e ${REVIEWED}`]);
  });

  test('do not go along to a patch that says otherwise, be it in one sign', async () => {
    const first = [patch('[PATCH] one', 'p@e'), reply('Re: one', 'r@e', 'p@e', `${REVIEWED}\n`)];
    for (const diff of [DIFF.replace('+\tsmp_rmb', '+\tsmp_wmb'), DIFF.replace(' \tint bit', ' \tint bet'), other('b.c')])
      expect(await given(...first, patch('[PATCH v2] one', 'q@e', '', {}, diff))).toEqual([`p@e ${REVIEWED}`]);
  });

  test('go along to the same patch of another version', async () => {
    expect(
      await given(
        patch('[PATCH] one', 'p@e'),
        reply('Re: [PATCH] one', 'r@e', 'p@e', `${REVIEWED}\n`),
        patch('[PATCH v2] one', 'q@e', 'p@e'),
        patch('[PATCH v3] one', 's@e', 'q@e', {}, other('b.c')),
      ),
    ).toEqual([`p@e ${REVIEWED}`, `q@e ${REVIEWED}`]);
  });
});
