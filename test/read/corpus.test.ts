import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Message, Thread } from '../../src/model/series.ts';
import { readMail } from '../../src/read/mail.ts';
import { splitMails } from '../../src/read/mbox.ts';
import { readTree } from '../../src/read/mime.ts';
import { corpus } from '../beside.ts';
import { chunks, numstat, read, refusals, tools } from './reading.ts';

const lore = `${corpus}/mail/real/lore`;
const at = (path: string) => `${corpus}/mail/${path}`;
// biome-ignore lint/suspicious/noExplicitAny: the truth files are data of many shapes, read field by field.
const json = (path: string): any => JSON.parse(readFileSync(path, 'utf8'));
const bytesOf = (path: string): Uint8Array => (path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path));
const squeeze = (text: string | undefined) => (text ?? '').replace(/\s+/g, ' ').trim();
const names = existsSync(lore)
  ? readdirSync(lore)
      .filter(name => name.endsWith('.mbox.gz'))
      .sort()
  : [];

describe.skipIf(names.length === 0)('threads from lists, as git and b4 read them', () => {
  const threads = new Map<string, Promise<Thread>>();
  const thread = (name: string): Promise<Thread> => {
    const known = threads.get(name) ?? read(bytesOf(`${lore}/${name}`));
    threads.set(name, known);
    return known;
  };

  test('author, title and numstat are git’s on every mail; nothing is lost, invented or wrongly refused', async () => {
    const wrong: string[] = [];
    for (const name of names) {
      const { messages } = await thread(name);
      const mails = json(`${lore}/${name.replace('.mbox.gz', '.truth.json')}`).mails;
      expect(messages).toHaveLength(mails.length);
      for (const [place, mail] of mails.entries()) {
        const message: Message | undefined = messages[place];
        if (mail.mailinfo.exit !== 0) continue;
        const patch = message?.patch;
        const none = mail.numstat === undefined && /No valid patches/.test(mail.numstatError ?? 'No valid patches');
        const right =
          mail.numstat !== undefined
            ? refusals(message).length === 0 &&
              squeeze(patch?.author.name) === squeeze(mail.mailinfo.Author) &&
              patch?.author.address === mail.mailinfo.Email &&
              squeeze(patch?.title) === squeeze(mail.mailinfo.Subject) &&
              JSON.stringify(numstat(message).sort()) ===
                JSON.stringify(
                  mail.numstat
                    .split('\0')
                    .filter(Boolean)
                    .map((row: string) => row.split('\t').slice(0, 3).join('\t'))
                    .sort(),
                )
            : none
              ? patch === null
              : refusals(message).length > 0;
        if (!right) wrong.push(`${name} ${mail.n}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  test('follow-up trailers are b4’s, and those that another posting of the patch was given', async () => {
    const [missing, more]: [string[], string[]] = [[], []];
    for (const name of names) {
      const mine = new Set(
        (await thread(name)).series.flatMap(series => series.followUps.map(given => `${given.patch} ${squeeze(given.trailer).toLowerCase()}`)),
      );
      const theirs = new Set<string>();
      for (const series of Object.values<{ patches: ({ messageId: string; followupTrailers: string[] } | null)[] }>(
        json(`${lore}/${name.replace('.mbox.gz', '.b4.json')}`).series ?? {},
      ))
        for (const patch of series.patches)
          for (const trailer of patch?.followupTrailers ?? []) theirs.add(`${patch?.messageId} ${squeeze(trailer).toLowerCase()}`);
      missing.push(...[...theirs].filter(trailer => !mine.has(trailer)));
      // b4 carries trailers from version to version, and not to what is sent again within one.
      const patches = new Map((await thread(name)).messages.map(({ messageId, patch }) => [messageId, patch]));
      const lines = (id: string) =>
        JSON.stringify(patches.get(id)?.files.map(file => [file.path, file.hunks.map(hunk => hunk.lines.map(l => l.text))]));
      const parted = (given: string): [id: string, trailer: string] => [given.slice(0, given.indexOf(' ')), given.slice(given.indexOf(' '))];
      const elsewhere = (given: string) => {
        const [id, trailer] = parted(given);
        return [...theirs].map(parted).some(([other, same]) => same === trailer && lines(other) === lines(id));
      };
      more.push(...[...mine].filter(trailer => !theirs.has(trailer) && !elsewhere(trailer)));
    }
    expect([missing, more]).toEqual([[], []]);
  }, 120_000);

  test('hunks agree with the counts of their headers', async () => {
    for (const name of names)
      for (const message of (await thread(name)).messages)
        for (const file of message.patch?.files ?? []) {
          const lines = file.hunks.flatMap(hunk => hunk.lines);
          expect([lines.filter(line => line.kind === 'add').length, lines.filter(line => line.kind === 'remove').length]).toEqual(
            file.binary ? [0, 0] : [file.added, file.removed],
          );
          for (const hunk of file.hunks)
            expect([hunk.lines.filter(line => line.kind !== 'add').length, hunk.lines.filter(line => line.kind !== 'remove').length]).toEqual([
              hunk.oldCount,
              hunk.newCount,
            ]);
        }
  }, 120_000);

  test('a plain mail reads the same through mailparser', async () => {
    let compared = 0;
    for (const name of names) {
      let n = 0;
      for await (const raw of splitMails(chunks(bytesOf(`${lore}/${name}`)))) {
        const bytes = raw.bytes.slice();
        const mail = await readMail({ ...raw, bytes }, ++n, { parseMime: () => Promise.reject(new Error('not plain')) });
        if (mail.message.problems.length > 0) continue;
        // Of several parts, and of flowed text, git makes a diff in a way of its own; that is held against git above.
        const head =
          Buffer.from(bytes)
            .toString('latin1')
            .split(/\r?\n\r?\n/, 1)[0]
            ?.replace(/\r?\n[ \t]+/g, ' ') ?? '';
        if (mail.diff && /^content-type:.*(?:multipart\/|format="?flowed)/im.test(head)) continue;
        // A From_ line is the mailbox's, and no header to mailparser.
        const start = Buffer.from(bytes.subarray(0, 5)).toString() === 'From ' ? bytes.indexOf(10) + 1 : 0;
        const tree = readTree(await tools.parseMime(bytes.subarray(start)));
        if (mail.diff) expect(tree.text.trimEnd().endsWith(mail.diff.text().trimEnd()), `${name} ${n}`).toBe(true);
        else expect(mail.reading.trimEnd(), `${name} ${n}`).toBe(tree.text.trimEnd());
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(2900);
  }, 120_000);
});

describe.skipIf(!existsSync(at('diff-shapes/truth.json')))('diff shapes', () => {
  const shapes = existsSync(at('diff-shapes/truth.json'))
    ? Object.values<{ file: string; gitError: string | null; gitNumstat: string[] }>(json(at('diff-shapes/truth.json')))
    : [];
  test.each(shapes.map(shape => [shape.file, shape] as const))('%s', async (_, shape) => {
    const [message] = (await read(bytesOf(at(`diff-shapes/${shape.file}`)))).messages;
    if (shape.gitError !== null) expect(refusals(message).length > 0 || message?.patch === null).toBe(true);
    else expect([numstat(message).sort(), refusals(message)]).toEqual([[...shape.gitNumstat].sort(), []]);
  });
});

describe.skipIf(!existsSync(at('real/mangled/cases.json')))('patch mails that git refuses', () => {
  const mangled: { input: string }[] = existsSync(at('real/mangled/cases.json')) ? json(at('real/mangled/cases.json')).cases : [];
  test.each(mangled.map(one => one.input))('%s', async input => {
    expect(refusals((await read(bytesOf(at(`real/mangled/${input}`)))).messages[0]).length).toBeGreaterThan(0);
  });
});

describe.skipIf(!existsSync(`${corpus}/dualbitmap/t.mbox`))('the thread that the project started from', () => {
  test('has a cover letter, seven patches and twenty replies', async () => {
    const { messages, series } = await read(bytesOf(`${corpus}/dualbitmap/t.mbox`));
    const kinds = messages.map(message => message.kind);
    expect(['cover', 'patch', 'reply'].map(kind => kinds.filter(one => one === kind).length)).toEqual([1, 7, 20]);
    expect(series).toMatchObject([{ expected: 7, complete: true }]);
  });
});
