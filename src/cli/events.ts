import { readFile } from 'node:fs/promises';
import { builtIn, eventsJson, eventsText, jsonText, safe, threadProblems, viewOfText, viewOfThread } from '../index.ts';
import { grammar } from './grammar.ts';
import { openInputs, withInputs } from './input.ts';
import { readOptions } from './options.ts';
import { progress } from './progress.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import { treeOf } from './tree.ts';

type Out = (text: string) => void;

/**
 * `fencepost events [--json] [--tree DIR] INPUT|FILE.c...`: what the code does, of each input as text for people or as JSON Lines. A C file is
 * read as it stands; of anything else the code is shown as the series leaves it, with a tree in whole files, and calls known by what they call
 * there. Gives the exit status: 0, or 2 where an input or the tree could not be opened, or an input is no mail.
 */
export async function eventsCommand(args: string[], out: Out, err: Out): Promise<number> {
  const options = readOptions(args, { json: null, tree: 'the folder of a kernel tree' });
  if (typeof options === 'string') {
    err(`fencepost events: ${safe(options)}\n`);
    return 2;
  }
  const json = options.has('json');
  const tree = treeOf(options.value('tree'), err);
  if (tree === undefined) return 2;
  let status = 0;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    status = 2;
  };
  const sources = await openInputs(options.names);
  // One small input ends sooner when the grammar is not optimised first; a hundred do not.
  const short = sources.length <= 1;
  for (const [at, source] of sources.entries()) {
    progress.show(() => `reading ${at + 1}/${sources.length}: ${source.input}`);
    if ('error' in source) {
      fail(source.error);
      continue;
    }
    const write = (functions: Parameters<typeof eventsText>[0], problems: Parameters<typeof eventsJson>[2]) => {
      if (json) return out(`${jsonText(withInputs(eventsJson(source.input, functions, problems), source))}\n`);
      out(eventsText(functions));
      for (const p of problems) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
    };
    try {
      if (/\.[ch]$/.test(source.input)) {
        const { world, problems } = viewOfText(source.input, await readFile(source.input, 'utf8'), await grammar(short), builtIn);
        write(world.functions, problems);
        continue;
      }
      const { thread, unread } = await readInput(source);
      if (unread !== null) fail(unread);
      if (unread !== null && !json) continue;
      const { worlds, problems } = viewOfThread(thread, await grammar(short), builtIn, tree);
      if (!json) for (const line of threadProblems(thread, source.inputs)) err(`fencepost: ${line}\n`);
      write(
        worlds.flatMap(w => w.functions.filter(f => !f.outside)),
        json ? [...thread.problems, ...thread.messages.flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])]), ...problems] : problems,
      );
      for (const line of source.lost) fail(line);
    } catch (error) {
      fail(`${source.input}: ${reasonOf(error)}`);
    }
  }
  return status;
}
