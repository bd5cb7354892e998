import { readFile } from 'node:fs/promises';
import { eventsJson, eventsText, factOf, readThread, safe, threadProblems, viewOfText, viewOfThread } from '../index.ts';
import { grammar } from './grammar.ts';
import { openInputs, reasonOf } from './input.ts';
import { treeOf } from './review.ts';
import { tools } from './tools.ts';

type Out = (text: string) => void;

/**
 * `fencepost events [--json] [--tree DIR] INPUT|FILE.c...`: what the code does, of each input as text for people or as JSON Lines. A C file is
 * read as it stands; of anything else the code is shown as the series leaves it, with a tree in whole files, and calls known by what they call
 * there. Gives the exit status: 0, or 2 where an input or the tree could not be opened.
 */
export async function eventsCommand(args: string[], out: Out, err: Out): Promise<number> {
  const parsed = optionsOf(args);
  if (typeof parsed === 'string') {
    err(`fencepost events: ${safe(parsed)}\n`);
    return 2;
  }
  const { json, names } = parsed;
  const tree = parsed.tree === null ? null : treeOf(parsed.tree, err);
  if (parsed.tree !== null && tree === null) return 2;
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
        const { worlds, problems } = viewOfThread(thread, await grammar(short), factOf, tree);
        if (!json) for (const line of threadProblems(thread)) err(`fencepost: ${line}\n`);
        write(
          source.input,
          worlds.flatMap(w => w.functions.filter(f => !f.outside)),
          json ? [...thread.problems, ...thread.messages.flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])]), ...problems] : problems,
        );
      } catch (error) {
        fail(`${source.input}: ${reasonOf(error)}`);
      }
    }
  }
  return status;
}

interface EventsOptions {
  json: boolean;
  tree: string | null;
  names: string[];
}

/** The options as given, or what is wrong with them. */
function optionsOf(args: string[]): EventsOptions | string {
  const options: EventsOptions = { json: false, tree: null, names: [] };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--json') options.json = true;
    else if (arg === '--tree') {
      const folder = args[++i];
      if (folder === undefined) return '--tree wants a folder';
      options.tree = folder;
    } else if (arg.startsWith('--tree=')) options.tree = arg.slice('--tree='.length);
    else if (arg.startsWith('-') && arg !== '-' && arg !== '--') return `unknown option ${arg}`;
    else if (arg !== '--') options.names.push(arg);
  }
  return options;
}
