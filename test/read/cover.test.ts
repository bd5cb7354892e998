import { describe, expect, test } from 'vitest';
import { readDiffstat } from '../../src/read/diffstat.ts';
import { DIFF, mail, mbox, patch, read } from './reading.ts';

const other = (name: string) => DIFF.replaceAll('mm/pool.c', name);
const cover = (body: string, subject = '[PATCH 0/2] both') => mail({ Subject: subject, 'Message-ID': '<c@e>' }, `About it.\n\n${body}`);
/** What a cover letter with this text is told, over patches that each add one line to the files named. */
async function told(body: string, first = [DIFF], second = [other('mm/map.c')]): Promise<string[]> {
  const { problems } = await read(
    mbox(cover(body), patch('[PATCH 1/2] one', 'p1@e', 'c@e', {}, first.join('')), patch('[PATCH 2/2] two', 'p2@e', 'c@e', {}, second.join(''))),
  );
  return problems.map(({ where, message }) => `${where}: ${message}`);
}

const NEW = 'diff --git a/mm/new.c b/mm/new.c\nnew file mode 100644\n--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1,2 @@\n+a\n+b\n';
const UNDONE = DIFF.replace('+10,7', '+10,5').replace('-10,6', '-10,6').replace('+\tsmp_rmb();\n', '').replace(' \tint bit;', '-\tint bit;');
const MOVED = 'diff --git a/mm/old.c b/mm/young.c\nsimilarity index 100%\nrename from mm/old.c\nrename to mm/young.c\n';

describe('the diffstat of a cover letter', () => {
  test('that agrees is not spoken of', async () => {
    expect(await told(' mm/map.c  | 1 +\n mm/pool.c | 1 +\n 2 files changed, 2 insertions(+)\n')).toEqual([]);
  });

  test.each([
    [
      'names a file that no patch touches',
      ' mm/gap.c  | 1 +\n mm/map.c  | 1 +\n mm/pool.c | 1 +\n 3 files changed, 3 insertions(+)\n',
      'the diffstat says 1 line in mm/gap.c, the patches say none',
    ],
    [
      'lacks a file that one patch touches',
      ' mm/map.c | 1 +\n 1 file changed, 1 insertion(+)\n',
      'the diffstat says none in mm/pool.c, the patches say 1',
    ],
    [
      'counts more lines than the patches have',
      ' mm/map.c  |  1 +\n mm/pool.c | 30 +++++---\n 2 files changed, 26 insertions(+), 5 deletions(-)\n',
      'the diffstat says 30 lines in mm/pool.c, the patches say 1',
    ],
    [
      'is wrong of several files',
      ' mm/gap.c | 1 +\n mm/map.c | 2 ++\n 2 files changed, 3 insertions(+)\n',
      'the diffstat says 1 line in mm/gap.c, the patches say none; it says 2 lines in mm/map.c, the patches say 1; it says none in mm/pool.c, the patches say 1',
    ],
  ])('that %s is a problem of the cover letter', async (_, body, message) => {
    expect(await told(body)).toEqual([`message 1: ${message}`]);
  });

  test('a file that several patches touch may have fewer lines in it, or none', async () => {
    expect(await told(' mm/map.c | 1 +\n 1 file changed, 1 insertion(+)\n', [DIFF], [UNDONE, other('mm/map.c')])).toEqual([]);
    expect(
      await told(' mm/map.c  | 1 +\n mm/pool.c | 3 +--\n 2 files changed, 2 insertions(+), 2 deletions(-)\n', [DIFF], [DIFF, other('mm/map.c')]),
    ).toEqual(['message 1: the diffstat says 3 lines in mm/pool.c, the patches say 2']);
  });

  test('names cut short, new files, binaries and renames are read', async () => {
    const body = ` .../binding/deep.yaml     |   1 +
 .../pool.c                |   1 +
 fw.bin                    | Bin 0 -> 12 bytes
 mm/new.c (new)            |   2 ++
 mm/{old.c => young.c}     |   0
 5 files changed, 4 insertions(+)
 create mode 100644 mm/new.c
 rename mm/{old.c => young.c} (100%)
`;
    const binary = 'diff --git a/fw.bin b/fw.bin\nindex 1..2 100644\nBinary files a/fw.bin and b/fw.bin differ\n';
    expect(await told(body, [DIFF, binary], [other('doc/very/long/binding/deep.yaml'), NEW, MOVED])).toEqual([]);
  });

  test.each([
    ['a list that was cut by --stat-count', ' mm/map.c | 1 +\n ...\n 2 files changed, 2 insertions(+)\n'],
    ['a table that a mailer broke', ' mm/map.c  | 9\n +\n mm/pool.c | 1 +\n 2 files changed, 2 insertions(+)\n'],
    ['a summary alone', ' 9 files changed, 20 insertions(+)\n'],
    ['a table that does not come out at its sum', ' mm/map.c  | 5 +\n mm/pool.c | 1 +\n 2 files changed, 2 insertions(+)\n'],
    ['prose with a bar', ' a | 1\n'],
  ])('%s contradicts nothing', async (_, body) => {
    expect(await told(body)).toEqual([]);
  });

  test('nothing is said while a patch is missing or broken', async () => {
    const body = ' mm/gap.c | 1 +\n 1 file changed, 1 insertion(+)\n';
    const partial = await read(mbox(cover(body), patch('[PATCH 1/2] one', 'p1@e', 'c@e')));
    expect(partial.problems.map(problem => problem.message)).toEqual(['patch 2 is missing']);
    expect(await told(body, [DIFF.replace('+10,7', '+10,9')])).toEqual([]);
  });

  test('of two tables the last counts', () => {
    expect(readDiffstat(' a.c | 1 +\n 1 file changed, 1 insertion(+)\n\n b.c | 2 -\n 1 file changed, 2 deletions(-)\n')?.rows).toEqual([
      { names: [{ text: 'b.c', isTail: false }], lines: 2 },
    ]);
  });

  test('an outline says the same', async () => {
    const text = mbox(cover(' mm/gap.c | 1 +\n 1 file changed, 1 insertion(+)\n', '[PATCH 0/1] one'), patch('[PATCH 1/1] one', 'p1@e', 'c@e'));
    const { problems } = await read(text);
    expect(problems).toHaveLength(1);
    expect((await read(text, { outline: true, onMessage: () => {} })).problems).toEqual(problems);
  });
});

describe('what a series is to be applied to', () => {
  const COMMIT = '0123456789abcdef0123456789abcdef01234567';
  const INFO = `base-commit: ${COMMIT}\nprerequisite-patch-id: ${'a'.repeat(40)}\nprerequisite-message-id: <q@e>\nchange-id: 20260101-pool-0123456789ab\n`;
  const wanted = {
    base: {
      commit: COMMIT,
      prerequisites: [
        { kind: 'patch', id: 'a'.repeat(40) },
        { kind: 'message', id: 'q@e' },
      ],
    },
    changeId: '20260101-pool-0123456789ab',
  };

  test('stands in the cover letter', async () => {
    const { series } = await read(mbox(cover(`---\n${INFO}`, '[PATCH 0/1] all'), patch('[PATCH 1/1] one', 'p1@e', 'c@e')));
    expect(series).toMatchObject([wanted]);
  });

  test('or in the first patch, behind its diff', async () => {
    const { series } = await read(patch('[PATCH] one', 'p@e').replace('-- \n', `\n${INFO}-- \n`));
    expect(series).toMatchObject([wanted]);
  });

  test('is not taken from a diff, from words or from a reply', async () => {
    const text = patch('[PATCH] one', 'p@e').replace(
      'What it does.',
      `See base-commit: ${COMMIT} for it.\n\nbase-commit: next\nChange-Id: I0123456789`,
    );
    const [series] = (await read(text.replace('+\tsmp_rmb();', `+base-commit: ${COMMIT}`))).series;
    expect(Object.keys(series ?? {})).toEqual(['id', 'version', 'title', 'expected', 'complete', 'cover', 'patches', 'followUps']);
  });
});

describe('versions of one set', () => {
  const sets = async (...mails: string[]) => (await read(mbox(...mails))).series.map(({ id, set }) => [id, set]);
  const CHANGE = (text: string, id = '20260101-pool-0123456789ab') => text.replace('-- \n', `\nchange-id: ${id}\n-- \n`);

  test('share a change-id', async () => {
    expect(await sets(CHANGE(patch('[PATCH v2] new title', 'b@e')), CHANGE(patch('[PATCH] old title', 'a@e')))).toEqual([
      ['b@e', 'a@e'],
      ['a@e', 'a@e'],
    ]);
  });

  test('or title and author', async () => {
    expect(await sets(patch('[PATCH] one', 'a@e'), patch('[PATCH v2] one', 'b@e'))).toEqual([
      ['a@e', 'a@e'],
      ['b@e', 'a@e'],
    ]);
    expect(await sets(patch('[PATCH] one', 'a@e'), patch('[PATCH v2] one', 'b@e', '', { From: 'Other <other@example.org>' }))).toEqual([
      ['a@e', undefined],
      ['b@e', undefined],
    ]);
  });

  test('or the later answers the cover letter of the former', async () => {
    const late = { From: 'Other <other@example.org>' };
    expect(await sets(patch('[PATCH] one', 'a@e'), patch('[PATCH v2] another', 'b@e', 'a@e', late))).toEqual([
      ['a@e', 'a@e'],
      ['b@e', 'a@e'],
    ]);
  });
});

describe('one mail of a series alone', () => {
  test('is short of the others, and that is no problem', async () => {
    const { series, problems } = await read(patch('[PATCH 3/7] three', 'p3@e'));
    expect(series).toMatchObject([{ expected: 7, complete: false, patches: [null, null, 'p3@e', null, null, null, null] }]);
    expect(problems).toEqual([]);
  });

  test('two are short of the others, and that is one', async () => {
    const { problems } = await read(mbox(patch('[PATCH 3/7] three', 'p3@e'), patch('[PATCH 4/7] four', 'p4@e', 'p3@e')));
    expect(problems.map(problem => problem.message)).toEqual(['patch 1, 2 and 5 to 7 are missing']);
  });
});
