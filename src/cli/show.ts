import { setFlagsFromString } from 'node:v8';
import { jsonText, safe, threadJson, threadProblems, threadText } from '../index.ts';
import type { Message, Thread } from '../model/series.ts';
import { type Input, openInputs, withInputs } from './input.ts';
import { readOptions } from './options.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';

/**
 * `fencepost show [--json] INPUT...`: what was read of each input, as text for people or as JSON Lines. Gives the exit status: 0, or 2
 * where an input could not be opened or is no mail. Problems inside an input go to `err` in text mode and change no status.
 */
export async function show(args: string[], out: (text: string) => void, err: (text: string) => void): Promise<number> {
  const options = readOptions(args, { json: null });
  let status = 0;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    status = 2;
  };
  if (typeof options === 'string') {
    err(`fencepost show: ${safe(options)}\n`);
    return 2;
  }
  for (const source of await openInputs(options.names)) {
    if ('error' in source) {
      fail(source.error);
      continue;
    }
    try {
      if (options.has('json')) {
        const unread = await writeJson(source, out);
        if (unread !== null) fail(unread);
      } else {
        const { thread, unread } = await readInput(source, { outline: true });
        if (unread !== null) fail(unread);
        else {
          out(threadText(thread));
          for (const line of threadProblems(thread, source.inputs)) err(`fencepost: ${line}\n`);
        }
      }
      for (const line of source.lost) fail(line);
    } catch (error) {
      fail(`${source.input}: ${reasonOf(error)}`);
    }
  }
  return status;
}

/**
 * Writes one document on one line, each message as soon as it is read: an mbox may be larger than memory. Gives one line where nothing in it
 * is mail.
 */
async function writeJson(source: Input, out: (text: string) => void): Promise<string | null> {
  // Left alone, V8 lets the heap grow to four times what a large mbox needs before it collects.
  setFlagsFromString('--heap-growing-percent=80');
  const empty: Thread = { input: source.input, messages: [], series: [], comments: [], problems: [] };
  const mark = '"messages":[';
  /** The document around its messages; the quotes of the mark cannot stand in a string of JSON. */
  const frame = (thread: Thread): [string, string] => {
    const text = jsonText(withInputs(threadJson(thread), source));
    const at = text.indexOf(mark) + mark.length;
    return [text.slice(0, at), text.slice(at)];
  };
  let begun = false;
  let held = '';
  const write = (message: Message) => {
    held += `${begun ? ',' : frame(empty)[0]}${jsonText(threadJson({ ...empty, messages: [message] }).messages[0])}`;
    begun = true;
    if (held.length < PIECE) return;
    out(held);
    held = '';
  };
  try {
    const { thread, unread } = await readInput(source, { outline: true, onMessage: write });
    const [head, tail] = frame(thread);
    out(`${held}${begun ? '' : head}${tail}\n`);
    return unread;
  } catch (error) {
    if (begun) out(`${held}${frame({ ...empty, problems: [{ severity: 'odd', where: source.input, message: reasonOf(error) }] })[1]}\n`);
    throw error;
  }
}

/** Characters gathered before they are written. */
const PIECE = 1 << 16;
