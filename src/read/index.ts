import type { Message, Problem, Thread } from '../model/series.ts';
import { GZIP_ALLOWANCE, MAX_GZIP_RATIO } from './limits.ts';
import { type Mail, type ReadTools, readMail } from './mail.ts';
import { splitMails } from './mbox.ts';
import { readSeries } from './series.ts';

export type { ReadTools } from './mail.ts';
export type { MimeNode } from './mime.ts';

/**
 * Reads one input whole: an mbox, a mail, a diff, or several of them one after the other, an empty chunk standing between two; each may be
 * compressed by gzip. Gives every message in it, in order, and the series, follow-ups and comments that they make. Never throws for what
 * the bytes are; an error of the source itself comes through.
 */
export async function readThread(input: string, bytes: AsyncIterable<Uint8Array>, tools: ReadTools): Promise<Thread> {
  const problems: Problem[] = [];
  const mails: Mail[] = [];
  for await (const document of documents(bytes)) {
    for await (const raw of splitMails(unpacked(document, input, () => mails.length, problems, tools))) {
      mails.push(await readMail(raw, mails.length + 1, tools));
    }
  }
  const messages: Message[] = mails.map(mail => mail.message);
  if (messages.length === 0) problems.push({ severity: 'odd', where: input, message: 'is empty' });
  const series = readSeries(mails);
  return { input, messages, series: series.value, comments: [], problems: [...problems, ...series.problems] };
}

/** The documents of a stream: an empty chunk ends one. */
async function* documents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<AsyncIterable<Uint8Array>> {
  const source = bytes[Symbol.asyncIterator]();
  let done = false;
  async function* one(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const step = await source.next();
      if (step.done) done = true;
      if (step.done || step.value.length === 0) return;
      yield step.value;
    }
  }
  while (!done) yield one();
}

/** The bytes themselves, or what they hold where they start with gzip's magic (RFC 1952 2.3.1). */
async function* unpacked(
  bytes: AsyncIterable<Uint8Array>,
  input: string,
  count: () => number,
  problems: Problem[],
  tools: Pick<ReadTools, 'gunzip'>,
): AsyncGenerator<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  const first = await source.next();
  if (first.done) return;
  let packed = 0;
  async function* all(): AsyncGenerator<Uint8Array> {
    for (let step: IteratorResult<Uint8Array> = first as IteratorResult<Uint8Array>; !step.done; step = await source.next()) {
      packed += step.value.length;
      yield step.value;
    }
  }
  if (!(first.value[0] === 0x1f && first.value[1] === 0x8b)) {
    yield* all();
    return;
  }
  let size = 0;
  try {
    for await (const chunk of tools.gunzip(all())) {
      size += chunk.length;
      if (size > GZIP_ALLOWANCE && size > packed * MAX_GZIP_RATIO) {
        problems.push({
          severity: 'odd',
          where: `${input}, after message ${count()}`,
          message: `grows to more than ${MAX_GZIP_RATIO} times its size; the rest is not read`,
        });
        return;
      }
      if (chunk.length > 0) yield chunk;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown fault';
    problems.push({
      severity: 'odd',
      where: `${input}, after message ${count()}`,
      message: `the compressed data cannot be read to its end: ${reason}`,
    });
  }
}
