import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Message, Thread } from '../../../src/model/series.ts';
import { corpus } from '../../beside.ts';
import { problemsOf, readInput, readPage } from './pages.ts';

const pages = join(corpus, 'mail/real/html');
const seeds = join(corpus, 'seeds');
const names = existsSync(pages) ? readdirSync(pages).sort() : [];

/** What a page and its mail must agree on; addresses and seconds are not on every page. */
const partsOf = (message: Message) => ({
  messageId: message.messageId,
  kind: message.kind,
  title: message.title,
  inReplyTo: message.inReplyTo,
  files: message.patch?.files ?? [],
  refused: problemsOf(message).filter((_, at) => [...message.problems, ...(message.patch?.problems ?? [])][at]?.severity === 'refused'),
});

describe.skipIf(names.length === 0)('pages of public-inbox', () => {
  test.each(names.filter(name => name.endsWith('.raw')))('%s and its page give the same', async name => {
    const [raw] = (await readInput(readFileSync(join(pages, name)))).messages;
    const page = (await readInput(readFileSync(join(pages, name.replace('.raw', '.html'))))).messages;
    expect(page).toHaveLength(1);
    expect(page.map(message => ({ ...partsOf(message), from: message.from, date: message.date }))).toEqual(
      raw ? [{ ...partsOf(raw), from: raw.from, date: raw.date }] : [],
    );
  });

  test.each(names.filter(name => name.endsWith('.t.mbox.gz')))('%s and the pages of its thread give the same', async name => {
    const series = (thread: Thread) => thread.series.map(({ version, patches, cover, complete }) => ({ version, patches, cover, complete }));
    const byId = (thread: Thread) => thread.messages.map(partsOf).sort((a, b) => (a.messageId < b.messageId ? -1 : 1));
    const mbox = await readInput(readFileSync(join(pages, name)));
    for (const kind of ['T', 't']) {
      const page = await readInput(readFileSync(join(pages, name.replace('.t.mbox.gz', `.${kind}.html`))));
      expect(byId(page)).toEqual(byId(mbox));
      expect(series(page)).toEqual(series(mbox));
      expect(page.comments.length).toBe(mbox.comments.length);
    }
  });
});

describe.skipIf(!existsSync(seeds))('documents saved as text', () => {
  const read = async (start: string) => {
    const { isPage, messages } = await readPage(readFileSync(join(seeds, readdirSync(seeds).find(name => name.startsWith(start)) ?? '')));
    const [message] = messages;
    if (!isPage || !message || messages.length !== 1) throw new Error('no page of one message');
    return message;
  };

  test('a page of lore gives its patch whole', async () => {
    const message = await read('000');
    expect(message).toMatchObject({ kind: 'patch', problems: [], patch: { recovered: false, problems: [] }, numbering: { index: 1, total: 7 } });
    expect(message.patch?.files.map(file => [file.added, file.removed])).toEqual([
      [10, 0],
      [216, 0],
    ]);
  });

  test('a commit page without a diff is said to have none', async () => {
    const message = await read('001');
    expect(message).toMatchObject({ kind: 'other', patch: null });
    expect(problemsOf(message)).toContain('the page shows a commit without its diff');
  });

  test('a patch that a page of pipermail only quotes is recovered', async () => {
    const message = await read('002');
    expect(message).toMatchObject({ kind: 'reply', patch: { recovered: true, version: 5 } });
    expect(message.patch?.files.map(file => [file.added, file.removed])).toEqual([
      [2, 0],
      [2, 4],
      [82, 4],
      [9, 2],
    ]);
    expect(problemsOf(message).at(-1)).toMatch(/parted again .* white space at line starts is lost$/);
  });

  test('a mail flattened to one line keeps what its headers say', async () => {
    const message = await read('003');
    expect(message).toMatchObject({ kind: 'reply', date: '2021-01-13T03:31:07Z', patch: null });
    expect(message.references).toHaveLength(3);
    expect(problemsOf(message)[0]).toMatch(/^all lines of the mail are joined into one/);
  });

  test('a page of Openwall gives a reply with masked addresses', async () => {
    const message = await read('004');
    expect(message).toMatchObject({ kind: 'reply', date: '2022-09-22T00:04:39Z', patch: null });
    expect(problemsOf(message)[0]).toMatch(/^the page masks addresses/);
  });

  test.each(['001', '003', '004'])('%s holds no patch, and says so', async start => {
    const { problems } = await readInput(readFileSync(join(seeds, readdirSync(seeds).find(name => name.startsWith(start)) ?? '')));
    expect(problems.map(problem => problem.message)).toEqual(['holds no patch']);
  });
});
