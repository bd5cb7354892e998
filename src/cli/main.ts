import { resolve } from 'node:path';
import { review, safe, type Tree } from '../index.ts';
import { CONFIG_OPTIONS, configured, offLine } from './configured.ts';
import { eventsCommand } from './events.ts';
import { grammar } from './grammar.ts';
import { headOf } from './group.ts';
import { litmusCommand } from './litmus.ts';
import { suggestion } from './options.ts';
import { progress } from './progress.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import { reviewCommand } from './review.ts';
import { explainCommand, rulesCommand } from './rules.ts';
import { scanCommand } from './scan.ts';
import { isScanThread, scanThread } from './scanpool.ts';
import { show } from './show.ts';
import { tables } from './tables.ts';
import { isTerminal } from './terminal.ts';
import { baselineCommand } from './update.ts';
import { VERSION } from './version.ts';

type Out = (text: string) => void;
type Command = (args: string[], out: Out, err: Out) => number | Promise<number>;

const out = (text: string) => {
  progress.clear();
  stdout().write(text);
};
const err = (text: string) => {
  progress.clear();
  stderr().write(text);
};

const COMMANDS: Record<string, Command> = {
  review: (args, out, err) => reviewCommand('review', args, out, err),
  check: (args, out, err) => reviewCommand('check', args, out, err),
  scan: scanCommand,
  show,
  events: eventsCommand,
  litmus: litmusCommand,
  rules: rulesCommand,
  explain: explainCommand,
  'b4-agent': async (args, out, err) =>
    (await import('./formats.js')).b4AgentCommand(args, out, err, {
      readInput,
      review,
      grammar,
      tables,
      configured,
      offLine,
      configOptions: CONFIG_OPTIONS,
    }),
  hook: async (args, out, err) => {
    const { hookCommand } = await import('./hook.js');
    const check = (words: string[], out: Out, err: Out, tree: Tree | null) => reviewCommand('check', words, out, err, tree);
    return hookCommand(args, out, err, { check, headOf, safe, node: process.execPath, script: resolve(process.argv[1] ?? '') });
  },
  baseline: baselineCommand,
};

/** Runs the command that the arguments name; gives the exit status. */
async function main(given: string[]): Promise<number> {
  const options = optionsOf(given);
  const [word, ...args] = [...options.filter(arg => arg !== NO_PAGER), ...given.slice(options.length)];
  const isHelp = word === 'help' || word === '--help' || word === '-h';
  if (word === undefined || (isHelp && args.length === 0)) {
    const { HELP } = await import('./help.js');
    (word === undefined ? err : out)(HELP);
    return word === undefined ? 2 : 0;
  }
  if (word === '--version') {
    out(`fencepost ${VERSION}\n`);
    return 0;
  }
  const name = isHelp ? (args[0] ?? '') : word;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const near = suggestion(name, name.startsWith('-') ? ['--help', '--version'] : [...Object.keys(COMMANDS), 'help']);
    err(`fencepost: no ${name.startsWith('-') ? 'option' : 'command'} is called ${safe(name)}${near || '; `fencepost --help` lists them'}\n`);
    return 2;
  }
  if (isHelp || optionsOf(args).some(arg => arg === '--help' || arg === '-h')) {
    const { COMMAND_HELP } = await import('./help.js');
    out(COMMAND_HELP[name] ?? '');
    return 0;
  }
  const pages = isTerminal(1) && !options.includes(NO_PAGER) && isPaged(name, optionsOf(args));
  const pager = pages ? await pagerOnTerminal() : null;
  if (pager === null) return finished(await command(args, out, err));
  try {
    return finished(await command(args, pager.out, pager.err));
  } finally {
    await pager.close();
  }
}

function finished(status: number): number {
  progress.clear();
  return status;
}

const NO_PAGER = '--no-pager';

/** What stands before `--`. */
function optionsOf(args: string[]): string[] {
  const end = args.indexOf('--');
  return end < 0 ? args : args.slice(0, end);
}

/** What is for reading is paged; lines and JSON are for other programs. */
function isPaged(name: string, args: string[]): boolean {
  if (name === 'show' || name === 'events' || name === 'explain' || name === 'rules') return !args.includes('--json');
  if (name !== 'review' && name !== 'check' && name !== 'scan') return false;
  const at = args.findLastIndex(arg => arg === '--format' || arg.startsWith('--format='));
  const format = args[at] === '--format' ? args[at + 1] : args[at]?.slice('--format='.length);
  return (format ?? (name === 'review' ? 'notes' : 'lines')) === 'notes';
}

/** The pager of the user's environment; null where that names none. */
async function pagerOnTerminal() {
  const { openPager, pagerCommand } = await import('./pager.js');
  const paging = pagerCommand(process.env);
  if (paging === null) return null;
  const { rows, columns } = process.stdout;
  const screen = {
    out,
    err,
    rows,
    columns,
    pagesErr: process.stderr.isTTY === true,
    onStart: progress.stop,
    onLeft: (status: number) => process.exit(status),
  };
  return openPager(screen, paging, process.env);
}

// Each stream is made at its first use: most checks print nothing.
let [heardOut, heardErr] = [false, false];

function stdout(): NodeJS.WriteStream {
  if (!heardOut)
    process.stdout.on('error', error => {
      // A reader that goes away (a pager, `head`) is no fault of ours.
      if (!('code' in error && error.code === 'EPIPE')) err(`fencepost: stdout: cannot write: ${reasonOf(error)}\n`);
      process.exit('code' in error && error.code === 'EPIPE' ? 0 : 2);
    });
  heardOut = true;
  return process.stdout;
}

function stderr(): NodeJS.WriteStream {
  // There is nowhere left to say it.
  if (!heardErr) process.stderr.on('error', () => {});
  heardErr = true;
  return process.stderr;
}

async function start(): Promise<void> {
  try {
    if (isScanThread) await scanThread();
    else process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    err(`fencepost: ${safe(reasonOf(error))}\n`);
    process.exitCode = 2;
  }
}

void start();
