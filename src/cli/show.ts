import { setFlagsFromString } from 'node:v8';
import { readThread, threadJson, threadProblems, threadText } from '../index.ts';
import type { Message, Thread } from '../model/series.ts';
import { type Input, openInputs, reasonOf } from './input.ts';
import { tools } from './tools.ts';

/**
 * `fencepost show [--json] INPUT...`: what was read of each input, as text for people or as JSON Lines. Gives the exit status: 0, or 2
 * where an input could not be opened. Problems inside an input go to `err` in text mode and change no status.
 */
export async function show(args: string[], out: (text: string) => void, err: (text: string) => void): Promise<number> {
  const json = args.includes('--json');
  const unknown = args.find(arg => arg.startsWith('-') && arg !== '-' && arg !== '--json' && arg !== '--');
  if (unknown !== undefined) {
    err(`fencepost show: unknown option ${unknown}\n`);
    return 2;
  }
  let status = 0;
  for (const source of await openInputs(args.filter(arg => arg !== '--json' && arg !== '--'))) {
    if ('error' in source) {
      err(`fencepost: ${source.error}\n`);
      status = 2;
      continue;
    }
    try {
      if (json) await writeJson(source, out);
      else {
        const thread = await readThread(source.input, source.open(), tools, { outline: true });
        out(threadText(thread));
        for (const line of threadProblems(thread)) err(`fencepost: ${line}\n`);
      }
    } catch (error) {
      err(`fencepost: ${source.input}: ${reasonOf(error)}\n`);
      status = 2;
    }
  }
  return status;
}

/** Writes one document on one line, each message as soon as it is read: an mbox may be larger than memory. */
async function writeJson(source: Input, out: (text: string) => void): Promise<void> {
  // Left alone, V8 lets the heap grow to four times what a large mbox needs before it collects.
  setFlagsFromString('--heap-growing-percent=80');
  const empty: Thread = { input: source.input, messages: [], series: [], comments: [], problems: [] };
  const mark = '"messages":[';
  /** The document around its messages; the quotes of the mark cannot stand in a string of JSON. */
  const frame = (thread: Thread): [string, string] => {
    const text = JSON.stringify(threadJson(thread));
    const at = text.indexOf(mark) + mark.length;
    return [text.slice(0, at), text.slice(at)];
  };
  let begun = false;
  let held = '';
  const write = (message: Message) => {
    held += `${begun ? ',' : frame(empty)[0]}${JSON.stringify(threadJson({ ...empty, messages: [message] }).messages[0])}`;
    begun = true;
    if (held.length < PIECE) return;
    out(held);
    held = '';
  };
  try {
    const [head, tail] = frame(await readThread(source.input, source.open(), tools, { outline: true, onMessage: write }));
    out(`${held}${begun ? '' : head}${tail}\n`);
  } catch (error) {
    if (begun) out(`${held}${frame({ ...empty, problems: [{ severity: 'odd', where: source.input, message: reasonOf(error) }] })[1]}\n`);
    throw error;
  }
}

/** Characters gathered before they are written. */
const PIECE = 1 << 16;
