import { readFile } from 'node:fs/promises';
import {
  eventsJson,
  eventsText,
  jsonText,
  knowledgeOf,
  safe,
  threadProblems,
  viewOfText,
  viewOfThread,
  type World,
  whyHeld,
  whyText,
} from '../index.ts';
import { CONFIG_OPTIONS, configured } from './configured.ts';
import { grammar } from './grammar.ts';
import { openInputs, withInputs } from './input.ts';
import { readOptions } from './options.ts';
import { progress } from './progress.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import { tables } from './tables.ts';
import { treeOf, within } from './tree.ts';

type Out = (text: string) => void;

/**
 * `fencepost events [--json] [--why LINE] [--tree DIR] [--facts FILE] INPUT|FILE.c...`: what the code does, of each input as text for people or as JSON Lines, or
 * why each lock and context counts as held at a line (LINE, or PATH:LINE where an input shows several files). A C file is
 * read as it stands; of anything else the code is shown as the series leaves it, with a tree in whole files, and calls known by what they call
 * there. Facts are those of a review: the built-in ones and what the options, the configuration and the tree declare. Gives the exit status: 0, or 2
 * where an input, the tree or a file of facts could not be opened or is wrong, or an input is no mail.
 */
export async function eventsCommand(args: string[], out: Out, err: Out): Promise<number> {
  const options = readOptions(args, {
    json: null,
    tree: 'the folder of a kernel tree',
    facts: 'a file of facts',
    why: 'LINE or PATH:LINE',
    ...CONFIG_OPTIONS,
  });
  const json = typeof options !== 'string' && options.has('json');
  const why = typeof options === 'string' ? null : whereOf(options.value('why'));
  const fault = typeof options === 'string' ? options : typeof why === 'string' ? why : why && json ? '--why takes no --json' : null;
  if (typeof options === 'string' || typeof why === 'string' || fault !== null) {
    err(`fencepost events: ${safe(fault ?? '')}\n`);
    return 2;
  }
  const tree = treeOf(options.value('tree'), err);
  if (tree === undefined) return 2;
  const configuration = await configured(options, tree, err, false);
  if (configuration === null) return 2;
  const { known } = knowledgeOf(configuration.facts, tables(err));
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
    const write = (worlds: World[], problems: Parameters<typeof eventsJson>[2]) => {
      if (why) {
        const texts = worlds.flatMap(world => whyTexts(why, world));
        if (texts.length === 0) fail(`${source.input}: no function has code on line ${why.line}${why.path === null ? '' : ` of ${why.path}`}`);
        out([...new Set(texts)].join(''));
        return;
      }
      const functions = worlds.flatMap(w => w.functions.filter(f => !f.outside));
      if (json) return out(`${jsonText(withInputs(eventsJson(source.input, functions, problems), source))}\n`);
      out(eventsText(functions));
      for (const p of problems) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
    };
    try {
      if (/\.[ch]$/.test(source.input)) {
        const inside = within(options.value('tree'), source.input);
        const text = await readFile(source.input, 'utf8');
        const { world, problems } = viewOfText(inside ?? source.input, text, await grammar(short), known, inside === null ? null : tree);
        write([world], problems);
        continue;
      }
      const { thread, unread } = await readInput(source);
      if (unread !== null) fail(unread);
      if (unread !== null && !json) continue;
      const { worlds, problems } = viewOfThread(thread, await grammar(short), known, tree);
      if (!json) for (const line of threadProblems(thread, source.inputs)) err(`fencepost: ${line}\n`);
      write(
        worlds,
        json ? [...thread.problems, ...thread.messages.flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])]), ...problems] : problems,
      );
      for (const line of source.lost) fail(line);
    } catch (error) {
      fail(`${source.input}: ${reasonOf(error)}`);
    }
  }
  return status;
}

interface Where {
  path: string | null;
  line: number;
}

/** The place that `--why` names; a sentence where it names none, null where it is not given. */
function whereOf(said: string | null): Where | string | null {
  if (said === null) return null;
  const words = /^(?:(.+):)?([1-9]\d{0,8})$/.exec(said);
  return words ? { path: words[1] ?? null, line: Number(words[2]) } : `--why ${said}: is no LINE and no PATH:LINE`;
}

function whyTexts({ path, line }: Where, world: World): string[] {
  const functions = world.functions.filter(
    f => !f.outside && f.side === 'new' && f.line <= line && f.endLine >= line && (path === null || f.path === path),
  );
  return functions.flatMap(fn => {
    const found = whyHeld(fn, line, world);
    return found ? [whyText(fn, line, found)] : [];
  });
}
