/** The cases of other readers' own tests, from ../shared/corpus where it is there: each runs, or is left out for a reason that is printed. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/model/series.ts';
import { readDiffstat } from '../../src/read/diffstat.ts';
import { readMail } from '../../src/read/mail.ts';
import { givenTrailers } from '../../src/read/trailers.ts';
import { corpus } from '../beside.ts';
import { numstat, read, refusals, tools } from './reading.ts';

interface Case {
  id: string;
  kind: string;
  input: string;
  message?: number;
  // biome-ignore lint/suspicious/noExplicitAny: the cases are data of many shapes, read field by field.
  expected: any;
  options?: unknown;
  note?: string;
}
type Check = () => Promise<void>;

/** All cases of a peer as tests, and one test whose name has the figures. `checkOf` gives a check, or why there is none. */
function peer(name: string, checkOf: (one: Case, file: (path: string) => Buffer) => Check | string): void {
  const folder = `${corpus}/mail/${name}/`;
  if (!existsSync(`${folder}cases.json`)) return void describe.skip(`the cases of ${name}`, () => test('are not there', () => {}));
  const cases: Case[] = JSON.parse(readFileSync(`${folder}cases.json`, 'utf8')).cases;
  const checks = cases.map(one => [one, checkOf(one, path => readFileSync(folder + path))] as const);
  const left = new Map<string, number>();
  for (const [, check] of checks) if (typeof check === 'string') left.set(check, (left.get(check) ?? 0) + 1);
  const runs = checks.filter(([, check]) => typeof check !== 'string');
  const reasons = [...left].map(([reason, count]) => `${count} ${reason}`).join('; ');
  describe(`the cases of ${name}`, () => {
    test(`${runs.length} of ${cases.length} run${reasons && `; left out: ${reasons}`}`, () => {
      expect(runs.length).toBeGreaterThan(0);
    });
    for (const [one, check] of runs) test(one.id, check as Check);
  });
}

const squeeze = (text: string | undefined) => (text ?? '').replace(/\s+/g, ' ').trim();
const own = (message: Message | undefined) => message?.patch?.trailers.map(({ key, value }) => `${key}: ${value}`) ?? [];
const first = async (bytes: Buffer, n = 1): Promise<Message | undefined> => (await read(bytes)).messages[n - 1];

/** The body of a mail as a reader sees it, be it a reply's. */
const reading = async (bytes: Uint8Array): Promise<string> => (await readMail({ bytes, dropped: 0 }, 1, tools)).reading;

peer('git', ({ kind, input, message: n, expected, options }, file) => {
  const chosen = Array.isArray(options) ? options.filter(option => option !== '-u' && option !== '--mboxrd') : [];
  if (chosen.length > 0) return 'set an option, and fencepost has git’s defaults';
  switch (kind) {
    case 'mailinfo':
      return async () => {
        const message = await first(file(input), n);
        const text = expected.infoFile ? file(expected.infoFile).toString() : '';
        const field = (name: string): string | undefined => expected.info?.[name] ?? new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
        const author = message?.patch?.author ?? message?.from;
        expect(message).toBeDefined();
        if (field('Subject') !== undefined) expect(squeeze(message?.patch?.title ?? message?.title)).toBe(squeeze(field('Subject')));
        if (field('Author') !== undefined)
          expect([squeeze(author?.name), author?.address ?? '']).toEqual([squeeze(field('Author')), field('Email') ?? '']);
      };
    case 'mbox-split':
      return async () => expect((await read(file(input))).messages).toHaveLength(expected.messages);
    case 'format-patch-stdout':
      return async () => {
        const { messages } = await read(file(input));
        expect(messages.map(message => message.subject)).toEqual(expected.subjects);
        expect(messages.every(message => (message.patch !== null || message.kind === 'cover') && refusals(message).length === 0)).toBe(true);
      };
    case 'diff-stat':
      return async () => {
        const message = await first(file(input));
        const stat = readDiffstat(file(expected.statSummaryFile).toString());
        expect(refusals(message)).toEqual([]);
        expect(message?.patch?.files.map(({ added, removed }) => added + removed)).toEqual(stat?.rows.map(({ lines }) => lines ?? 0));
      };
    case 'diff-apply':
      if (expected.gitKnownFailure) return 'are known to git’s authors to fail';
      return async () => {
        const message = await first(file(input));
        expect(refusals(message)).toEqual([]);
        if (expected.paths) expect(message?.patch?.files.map(({ path }) => path)).toEqual(expected.paths);
        for (const { path, hunks } of message?.patch?.files ?? [])
          expect(applied(expected.preimageText[path] ?? '', hunks)).toBe(expected.postimageText[path].trimEnd());
      };
    default:
      return 'apply mails to a tree, which fencepost never does';
  }
});

/** A text with hunks applied, without its last line end. */
function applied(text: string, hunks: { oldStart: number; oldCount: number; lines: { kind: string; text: string }[] }[]): string {
  const old = text === '' ? [] : text.trimEnd().split('\n');
  const out: string[] = [];
  let at = 0;
  for (const { oldStart, oldCount, lines } of hunks) {
    while (at < oldStart - (oldCount > 0 ? 1 : 0)) out.push(old[at++] ?? '');
    for (const line of lines) {
      if (line.kind !== 'add') expect(old[at++]).toBe(line.text);
      if (line.kind !== 'remove') out.push(line.text);
    }
  }
  return [...out, ...old.slice(at)].join('\n');
}

peer('b4', ({ id, kind, input, expected }, file) => {
  if (/non-git|stripped-lines/.test(id)) return 'have diffs that b4 mends and git does not read';
  switch (kind) {
    case 'series-am':
      if (!id.endsWith('defaults')) return 'set an option of `b4 am`, which only say what b4 writes';
      return async () => {
        const { messages, series } = await read(file(input));
        const last = series.at(-1);
        const wanted = (await read(file(expected.amMboxFile))).messages.filter(message => message.patch !== null);
        // b4 adds a sign-off of its own.
        const sorted = (trailers: string[]) =>
          [...new Set(trailers.map(trailer => squeeze(trailer).toLowerCase()))].filter(trailer => !trailer.includes('test override')).sort();
        expect(wanted.length).toBeGreaterThan(0);
        wanted.forEach((message, place) => {
          const patch = last?.patches[place];
          const given = last?.followUps.filter(one => one.patch === patch || one.patch === last.cover).map(({ trailer }) => trailer) ?? [];
          expect(sorted([...own(messages.find(one => one.messageId === patch)), ...given])).toEqual(sorted(own(message)));
        });
      };
    case 'series':
      return async () => {
        const { messages, series } = await read(file(input));
        if (expected.hasCover === undefined)
          expect(
            series
              .flatMap(one => one.followUps)
              .filter(({ trailer }) => expected.mismatchedTrailerNames.some((name: string) => trailer.startsWith(name))),
          ).toEqual([]);
        else expect(messages.find(message => message.messageId === series[0]?.cover)?.title ?? null).toBe(expected.coverSubject);
      };
    case 'thread':
      return async () => {
        const { series } = await read(file(input));
        for (const { msgid } of expected.patchesWithFollowups)
          expect(series.flatMap(one => one.followUps).map(({ patch }) => patch)).toContain(msgid);
      };
    case 'trailers':
      return async () => {
        const got = givenTrailers(file(input).toString()).map(({ key, value }) => squeeze(`${key}: ${value}`));
        for (const { type, name, value, extinfo } of expected.trailers)
          if (type === 'person') expect(got).toContain(squeeze(`${name}: ${value} ${extinfo ?? ''}`));
      };
    case 'mbox-header':
    case 'mail-header':
      return async () => expect(`From: ${(await first(file(input)))?.from?.name}`).toContain(expected.decodedHeaderContains);
    default:
      return 'compare the log of a tree after `b4 shazam` or `b4 trailers`, which fencepost never writes';
  }
});

peer('public-inbox', ({ id, kind, input, expected }, file) => {
  if (kind === 'mime-parts' && expected.partCount !== undefined)
    return async () => expect(await reading(file(input))).toMatch(new RegExp(expected.part0BodyMatches.replace(/^\(\?m\)/, ''), 'm'));
  if (kind === 'mime-parts')
    return async () => expect((await reading(file(input))).split(/\s+/).filter(Boolean)).toEqual(expected.textParts.map(([text]: [string]) => text));
  if (kind === 'mail')
    return async () => {
      const body = await reading(file(input));
      expect(body.trim()).not.toBe('');
      for (const text of expected.bodyContains ?? []) expect(body).toContain(text);
      for (const text of expected.bodyNotContains ?? []) expect(body).not.toContain(text);
      for (const pattern of expected.bodyMatches ?? []) expect(body).toMatch(new RegExp(pattern.replace(/^\(\?m\)/, ''), 'm'));
    };
  if (expected.mustParse)
    return async () => {
      const message = await first(file(input));
      expect([message?.kind, refusals(message)]).toEqual(['patch', []]);
      expect(numstat(message).length).toBeGreaterThan(0);
    };
  return `ask what fencepost does not say (${id})`;
});

peer('python-unidiff', ({ id, expected, input }, file) => {
  if (expected.parsesOnlyIfLinesSplitOnLF) return 'ask only that the reader parts lines at LF, and nothing of what it reads';
  if (id === 'debdiff') return 'ask for files whose names git does not read';
  const refused = (message: Message | undefined) => refusals(message).length > 0;
  return async () => {
    const message = await first(file(input));
    const files = message?.patch?.files ?? [];
    if (expected.malformed) return void expect(refused(message) || message?.patch === null).toBe(true);
    // git is right where it refuses what unidiff reads.
    if (refused(message)) return void expect(id).toBe('git_no_prefix');
    const sum = (side: 'added' | 'removed') => files.reduce((total, one) => total + one[side], 0);
    expect(files).toHaveLength(expected.files);
    if (expected.additions !== undefined) expect([sum('added'), sum('removed')]).toEqual([expected.additions, expected.deletions]);
    if (expected.binary) expect(files.map(({ binary }) => binary)).toEqual(expected.binary);
    const status: Record<string, string> = { add: 'added', delete: 'removed' };
    if (expected.fileStatus) expect(files.map(({ change }) => status[change] ?? 'modified')).toEqual(expected.fileStatus);
    for (const { path, additions, deletions } of expected.added ?? [])
      expect(files.filter(one => one.path.endsWith(path)).map(({ change, added, removed }) => [change, added, removed])).toEqual([
        ['add', additions, deletions],
      ]);
  };
});
