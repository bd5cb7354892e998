import { readFile } from 'node:fs/promises';
import { eventsJson, eventsText, factOf, readThread, safe, threadProblems, viewOfText, viewOfThread } from '../index.ts';
import { grammar } from './grammar.ts';
import { openInputs, reasonOf } from './input.ts';
import { tools } from './tools.ts';

type Out = (text: string) => void;

/**
 * `fencepost events [--json] INPUT|FILE.c...`: what the code does, of each input as text for people or as JSON Lines. A C file is read as
 * it stands; of anything else the code is shown as the series leaves it. Gives the exit status: 0, or 2 where an input could not be opened.
 */
export async function eventsCommand(args: string[], out: Out, err: Out): Promise<number> {
  const json = args.includes('--json');
  const unknown = args.find(arg => arg.startsWith('-') && arg !== '-' && arg !== '--json' && arg !== '--');
  if (unknown !== undefined) {
    err(`fencepost events: unknown option ${safe(unknown)}\n`);
    return 2;
  }
  const names = args.filter(arg => arg !== '--json' && arg !== '--');
  // One small input ends sooner when the grammar is not optimised first; a hundred do not.
  const short = names.length <= 1;
  let status = 0;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    status = 2;
  };
  const write = (input: string, functions: Parameters<typeof eventsText>[0], problems: Parameters<typeof eventsJson>[2]) => {
    if (json) return out(`${JSON.stringify(eventsJson(input, functions, problems))}\n`);
    out(eventsText(functions));
    for (const p of problems) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
  };
  for (const name of names.length === 0 ? ['-'] : names) {
    if (/\.[ch]$/.test(name)) {
      try {
        const { world, problems } = viewOfText(name, await readFile(name, 'utf8'), await grammar(short), factOf);
        write(name, world.functions, problems);
      } catch (error) {
        fail(`${name}: ${reasonOf(error)}`);
      }
      continue;
    }
    for (const source of await openInputs([name])) {
      if ('error' in source) {
        fail(source.error);
        continue;
      }
      try {
        const thread = await readThread(source.input, source.open(), tools);
        const { worlds, problems } = viewOfThread(thread, await grammar(short), factOf);
        if (!json) for (const line of threadProblems(thread)) err(`fencepost: ${line}\n`);
        write(
          source.input,
          worlds.flatMap(w => w.functions),
          json ? [...thread.problems, ...thread.messages.flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])]), ...problems] : problems,
        );
      } catch (error) {
        fail(`${source.input}: ${reasonOf(error)}`);
      }
    }
  }
  return status;
}
