import type { Comment, Message, Numbering, Person, Problem, Thread } from '../model/series.ts';
import { Comments } from './comments.ts';
import type { DiffPiece } from './diff.ts';
import { touchedBy } from './diffstat.ts';
import { readHunks } from './hunks.ts';
import { GZIP_ALLOWANCE, MAX_GZIP_RATIO } from './limits.ts';
import { type Mail, type ReadTools, readMail } from './mail.ts';
import { splitMails } from './mbox.ts';
import { settlePage, withPages } from './pages/index.ts';
import { readSeries } from './series.ts';

export type { ReadTools } from './mail.ts';
export type { MimeNode } from './mime.ts';

/** How much of a thread is wanted. */
export interface ReadOptions {
  /** An outline has no bodies, logs and hunks, and needs memory only for what it holds. */
  outline?: boolean;
  /** Takes each message of an outline as it is read; the thread then has none, and memory does not grow with what they hold. */
  onMessage?: (message: Message) => void;
}

/**
 * Reads one input whole: an mbox, a mail, a diff, a saved page, or several of them one after the other, an empty chunk standing between two,
 * or the name of the file that the next one is; each may be compressed by gzip. Gives every message in it, in order, and the series, follow-ups and comments that they make. Never throws
 * for what the bytes are; an error of the source itself comes through.
 */
export async function readThread(
  input: string,
  bytes: AsyncIterable<Uint8Array | string>,
  tools: ReadTools,
  options: ReadOptions = {},
): Promise<Thread> {
  const problems: Problem[] = [];
  const mails: Mail[] = [];
  const comments = new Comments(options.outline === true);
  const shared = new Shared();
  let handed = 0;
  /** Hands on the messages before a position. */
  const handOn = (position: number) => {
    for (let mail = mails[handed]; options.onMessage && mail && mail.message.n < position; mail = mails[++handed]) {
      options.onMessage(mail.message);
      forget(mail);
    }
  };
  for await (const document of documents(bytes)) {
    const { file } = document;
    const place = file === undefined ? input : `${input}, ${file}`;
    const raws = splitMails(unpacked(document.bytes, () => `${place}, after message ${mails.length}`, problems, tools));
    for await (const raw of withPages(raws, () => mails.length)) {
      const mail = await readMail(raw, mails.length + 1, tools, file, options.outline === true);
      if (raw.letter) settlePage(mail, raw.letter);
      if (options.outline) dropTexts(mail, shared);
      mails.push(mail);
      comments.add(mail);
      handOn(comments.firstOpen);
    }
  }
  const found: Comment[] = comments.finish();
  handOn(Number.POSITIVE_INFINITY);
  problems.push(...comments.problems, ...summary(input, mails, problems));
  const series = readSeries(mails);
  if (!options.outline) for (const mail of mails) fillHunks(mail);
  const messages = options.onMessage ? [] : mails.map(mail => mail.message);
  return { input, messages, series: series.value, comments: found, problems: [...problems, ...series.problems] };
}

/** Cuts the hunks of a mail's diff into its files. */
function fillHunks({ message, diff }: Mail): void {
  if (!diff) return;
  const text = diff.text();
  message.patch?.files.forEach((file, at) => {
    const piece = diff.pieces[at];
    if (piece && !piece.binary) file.hunks = readHunks(text.slice(piece.start, piece.end));
  });
}

/**
 * Lets go of all text that an outline does not show. A string cut from a mail keeps the whole mail in memory; going through JSON makes
 * each anew.
 */
function dropTexts(mail: Mail, shared: Shared): void {
  mail.message.body = '';
  if (mail.message.patch) mail.message.patch.log = '';
  const { message, subject, trailers, diffstat, basis } = mail;
  const anew: Pick<Mail, 'message' | 'subject' | 'trailers' | 'diffstat' | 'basis'> = JSON.parse(
    JSON.stringify({ message, subject, trailers, diffstat, basis }),
  );
  Object.assign(mail, anew);
  if (mail.diff) {
    // As bytes, for the same reason, and because they lie outside the heap that the short-lived texts of mails pass through.
    const bytes = encoder.encode(mail.diff.text());
    const pieces: DiffPiece[] = JSON.parse(JSON.stringify(mail.diff.pieces));
    mail.diff = { length: mail.diff.length, pieces, text: () => decoder.decode(bytes) };
  }
  if (mail.reading !== '') mail.reading = decoder.decode(encoder.encode(mail.reading));
  const kept = mail.message;
  kept.messageId = shared.id(kept.messageId);
  kept.references = kept.references.map(id => shared.id(id));
  if (kept.inReplyTo !== null) kept.inReplyTo = shared.id(kept.inReplyTo);
  if (kept.from !== null) kept.from = shared.person(kept.from);
  kept.numbering = mail.subject.numbering = shared.numbering(kept.numbering);
  if (mail.touched && kept.patch) mail.touched = touchedBy(kept.patch).map(one => ({ ...one, path: shared.id(one.path) }));
  if (mail.trailers.length === 0) mail.trailers = NONE;
}

/** One of each id, sender and numbering, however many mails have it. */
class Shared {
  private readonly ids = new Map<string, string>();
  private readonly people = new Map<string, Person>();
  private readonly numberings = new Map<string, Numbering>();

  id(id: string): string {
    const known = this.ids.get(id);
    if (known === undefined) this.ids.set(id, id);
    return known ?? id;
  }

  person(person: Person): Person {
    return one(this.people, person);
  }

  numbering(numbering: Numbering): Numbering {
    return one(this.numberings, numbering);
  }
}

function one<T>(known: Map<string, T>, value: T): T {
  const key = JSON.stringify(value);
  const first = known.get(key);
  if (first === undefined) known.set(key, value);
  return first ?? value;
}

const NONE: [] = [];

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Lets go of what only the one who took the message needs; a series is made of what stays. */
function forget({ message, subject }: Mail): void {
  message.problems = NONE;
  message.subject = subject.text = subject.title = '';
  if (message.patch) message.patch = { ...message.patch, files: NONE, trailers: NONE, problems: NONE, prefixes: message.numbering.prefixes };
}

/** What is to be said of an input as a whole: nothing in it, nothing that is mail, or no patch. */
function summary(input: string, mails: Mail[], known: Problem[]): Problem[] {
  const odd = (message: string): Problem[] => [{ severity: 'odd', where: input, message }];
  if (mails.length === 0) return known.length > 0 ? [] : odd('is empty');
  if (mails.length === 1 && mails[0]?.isBinary) return odd('is no mail and no patch: it holds binary data');
  if (mails.some(mail => mail.hasDiff || mail.message.patch !== null)) return [];
  return odd(mails.length === 1 ? 'holds no patch' : `holds ${mails.length} messages and no patch`);
}

/** The documents of a stream: an empty chunk ends one, as does the name of the next. What a reader leaves of one is passed over. */
async function* documents(
  source: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<{ file: string | undefined; bytes: AsyncIterable<Uint8Array> }> {
  const chunks = source[Symbol.asyncIterator]();
  let done = false;
  let name: string | undefined;
  while (!done) {
    const file = name;
    name = undefined;
    let ended = false;
    const next = async (): Promise<Uint8Array | null> => {
      if (ended) return null;
      const step = await chunks.next();
      done = step.done === true;
      if (step.done !== true && typeof step.value !== 'string' && step.value.length > 0) return step.value;
      ended = true;
      if (typeof step.value === 'string') name = step.value;
      return null;
    };
    const bytes = {
      async *[Symbol.asyncIterator]() {
        for (let chunk = await next(); chunk !== null; chunk = await next()) yield chunk;
      },
    };
    yield { file, bytes };
    while ((await next()) !== null);
  }
}

/** The bytes themselves, or what they hold where they start with gzip's magic (RFC 1952 2.3.1). */
async function* unpacked(
  bytes: AsyncIterable<Uint8Array>,
  place: () => string,
  problems: Problem[],
  tools: Pick<ReadTools, 'gunzip'>,
): AsyncGenerator<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  // By its first bytes a document is known, and they may come one by one: gzip's magic, a byte order mark.
  let head = new Uint8Array(0);
  while (head.length < HEAD_BYTES) {
    const step = await source.next();
    if (step.done) break;
    const more = new Uint8Array(head.length + step.value.length);
    more.set(head);
    more.set(step.value, head.length);
    head = more;
  }
  if (head.length === 0) return;
  let packed = 0;
  async function* all(): AsyncGenerator<Uint8Array> {
    packed += head.length;
    yield head;
    for (let step = await source.next(); step.done !== true; step = await source.next()) {
      packed += step.value.length;
      yield step.value;
    }
  }
  if (!(head[0] === 0x1f && head[1] === 0x8b)) {
    yield* all();
    return;
  }
  const odd = (message: string) => problems.push({ severity: 'odd', where: place(), message });
  let size = 0;
  try {
    for await (const chunk of tools.gunzip(all())) {
      size += chunk.length;
      if (size > GZIP_ALLOWANCE && size > packed * MAX_GZIP_RATIO) {
        odd(`the compressed data grows to more than ${MAX_GZIP_RATIO} times its size; the rest is not read`);
        return;
      }
      if (chunk.length > 0) yield chunk;
    }
  } catch (error) {
    odd(`the compressed data cannot be read to its end: ${error instanceof Error ? error.message : 'unknown fault'}`);
  }
}

const HEAD_BYTES = 3;
