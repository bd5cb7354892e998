import { safe } from '../index.ts';
import { eventsCommand } from './events.ts';
import { litmusCommand } from './litmus.ts';
import { suggestion } from './options.ts';
import { reasonOf } from './reason.ts';
import { reviewCommand } from './review.ts';
import { explainCommand, rulesCommand } from './rules.ts';
import { scanCommand } from './scan.ts';
import { isScanThread, scanThread } from './scanpool.ts';
import { show } from './show.ts';
import { baselineCommand } from './update.ts';
import { VERSION } from './version.ts';

type Out = (text: string) => void;
type Command = (args: string[], out: Out, err: Out) => number | Promise<number>;

const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

const COMMANDS: Record<string, Command> = {
  review: (args, out, err) => reviewCommand('review', args, out, err),
  check: (args, out, err) => reviewCommand('check', args, out, err),
  scan: scanCommand,
  show,
  events: eventsCommand,
  litmus: litmusCommand,
  rules: rulesCommand,
  explain: explainCommand,
  baseline: baselineCommand,
};

/** Runs the command that the arguments name; gives the exit status. */
async function main([word, ...args]: string[]): Promise<number> {
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
  const end = args.indexOf('--');
  if (isHelp || (end < 0 ? args : args.slice(0, end)).some(arg => arg === '--help' || arg === '-h')) {
    const { COMMAND_HELP } = await import('./help.js');
    out(COMMAND_HELP[name] ?? '');
    return 0;
  }
  return command(args, out, err);
}

process.stdout.on('error', error => {
  // A reader that goes away (a pager, `head`) is no fault of ours.
  if (!('code' in error && error.code === 'EPIPE')) err(`fencepost: stdout: can't be written: ${reasonOf(error)}\n`);
  process.exit('code' in error && error.code === 'EPIPE' ? 0 : 2);
});
// There is nowhere left to say it.
process.stderr.on('error', () => {});

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
