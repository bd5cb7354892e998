/** Reads one input, and says where it is no mail at all. */
import { type Message, type ReadTools, readThread, type Thread } from '../index.ts';
import type { Input } from './input.ts';
import { isMail } from './ismail.ts';
import { progress } from './progress.ts';
import { tools } from './tools.ts';

/** An input as read. */
export interface InputRead {
  thread: Thread;
  /** One line where nothing in it is a mail or a patch. */
  unread: string | null;
}

/**
 * Reads an input. A mail is told by what was read of it: a patch, a cover letter, a pull request, a reply, or who sent it and when; names of
 * files decide nothing, and serve only to say what to do instead. Files that could not be read to their end are in `input.lost`.
 */
export async function readInput(source: Input, options: Parameters<typeof readThread>[3] = {}): Promise<InputRead> {
  const look: Look = { bytes: 0, packed: false, binary: false };
  const lent: ReadTools = { ...tools, gunzip: bytes => unpackedTap(tools.gunzip(bytes), look) };
  let mail = false;
  let handed = 0;
  const { onMessage } = options;
  const seen: Seen[] = [];
  const hand = (message: Message) => {
    handed++;
    mail ||= isMail(message);
    if (source.inputs) seen.push(seenOf(message));
    onMessage?.(message);
  };
  const thread = await readThread(source.input, tap(source.open(), look), lent, onMessage ? { ...options, onMessage: hand } : options);
  if (source.inputs) joinUnnumbered(thread, onMessage ? seen : thread.messages.map(seenOf));
  if (mail || thread.series.length > 0 || thread.messages.some(isMail)) return { thread, unread: null };
  return { thread, unread: source.lost.length > 0 && look.bytes === 0 ? null : unreadLine(source, look, handed + thread.messages.length) };
}

/** What stays of a message that was handed on. */
interface Seen {
  id: string;
  isUnnumbered: boolean;
}

function seenOf({ messageId, patch, numbering }: Message): Seen {
  return { id: messageId, isUnnumbered: patch !== null && numbering.index === null };
}

/**
 * Files of one run that say no number (`format-patch -N`) are each a series of one patch to the reader: only their names say that they are
 * one, in the order given.
 */
function joinUnnumbered(thread: Thread, messages: Seen[]): void {
  const { series } = thread;
  const [first] = series;
  if (!first || series.length < 2 || series.length !== messages.length || !messages.every(m => m.isUnnumbered)) return;
  const { set: _set, ...rest } = first;
  const patches = messages.map(m => m.id);
  thread.series = [{ ...rest, expected: patches.length, patches, followUps: series.flatMap(s => s.followUps) }];
}

interface Look {
  bytes: number;
  /** Some of it is compressed, and so binary until it is unpacked. */
  packed: boolean;
  binary: boolean;
}

async function* tap(chunks: AsyncIterable<Uint8Array | string>, look: Look): AsyncGenerator<Uint8Array | string> {
  let packed = false;
  let first = true;
  for await (const chunk of chunks) {
    if (typeof chunk === 'string' || chunk.length === 0) first = true;
    else {
      if (first) packed = chunk[0] === 0x1f && chunk[1] === 0x8b;
      look.packed ||= packed;
      first = false;
      if (!packed && look.bytes < BINARY_LOOK) look.binary ||= chunk.subarray(0, BINARY_LOOK).includes(0);
      look.bytes += chunk.length;
      progress.show(() => `reading: ${Math.round(look.bytes / 1e6)} MB`);
    }
    yield chunk;
  }
}

async function* unpackedTap(chunks: AsyncIterable<Uint8Array>, look: Look): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of chunks) {
    if (seen < BINARY_LOOK) look.binary ||= chunk.subarray(0, BINARY_LOOK).includes(0);
    seen += chunk.length;
    yield chunk;
  }
}

/** As git looks for NUL in the first 8000 bytes of a file. */
const BINARY_LOOK = 8000;

function unreadLine({ input, files }: Input, look: Look, messages: number): string {
  const name = input === '-' ? 'stdin' : input;
  if (files !== undefined && files > 1) return `${name}: no mail or patch in ${files} files`;
  const is = (why: string) => `${name}: not a mail or patch (${why})`;
  if (look.bytes === 0) return is('empty');
  if (messages === 0 && look.packed) return is('damaged gzip data');
  if (/\.gz$/i.test(input) && !look.packed) return is('not compressed by gzip either');
  if (look.binary) return is('binary data');
  if (/\.[ch]$/i.test(input)) return `${is('C code')}; \`fencepost scan ${input}\` reads it`;
  return is(look.packed ? 'compressed text without mail headers and without a diff' : 'text without mail headers and without a diff');
}
