import { eventsCommand } from './events.ts';
import { HELP } from './help.ts';
import { litmusCommand } from './litmus.ts';
import { reviewCommand } from './review.ts';
import { explainCommand, rulesCommand } from './rules.ts';
import { scanCommand } from './scan.ts';
import { isScanThread, scanThread } from './scanpool.ts';
import { show } from './show.ts';
import { VERSION } from './version.ts';

const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

/** Runs the command that the arguments name; gives the exit status. */
async function main([command, ...args]: string[]): Promise<number> {
  switch (command) {
    case 'review':
    case 'check':
      if (args.includes('--help')) return help();
      return reviewCommand(command, args, out, err);
    case 'show':
      if (args.includes('--help')) return help();
      return show(args, out, err);
    case 'events':
      if (args.includes('--help')) return help();
      return eventsCommand(args, out, err);
    case 'scan':
      if (args.includes('--help')) return help();
      return scanCommand(args, out, err);
    case 'litmus':
      if (args.includes('--help')) return help();
      return litmusCommand(args, out, err);
    case 'rules':
      return rulesCommand(args, out);
    case 'explain':
      return explainCommand(args, out, err);
    case '--help':
    case '-h':
    case 'help':
      return help();
    case '--version':
      out(`fencepost ${VERSION}\n`);
      return 0;
    default:
      err(command === undefined ? HELP : `fencepost: no command is called ${JSON.stringify(command)}; \`fencepost --help\` lists them\n`);
      return 2;
  }
}

function help(): number {
  out(HELP);
  return 0;
}

// A reader that goes away (a pager, `head`) is no fault of ours.
process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') process.exit(0);
  throw error;
});

async function start(): Promise<void> {
  try {
    if (isScanThread) await scanThread();
    else process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    err(`fencepost: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}\n`);
    process.exitCode = 2;
  }
}

void start();
