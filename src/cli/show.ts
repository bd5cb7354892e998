import { readThread } from '../read/index.ts';
import { threadJson, threadProblems, threadText } from '../report/thread.ts';
import { openInputs, reasonOf } from './input.ts';
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
      const thread = await readThread(source.input, source.open(), tools);
      if (json) out(`${JSON.stringify(threadJson(thread))}\n`);
      else {
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
