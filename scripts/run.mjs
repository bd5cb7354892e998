// `npm run review -- FILE`: the command as it is in the sources now, on FILE, or on the samples.
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, install, root } from './prepare.mjs';

/** Options of review and check whose next argument is a value and no FILE; a test holds them against the command's own. */
export const WITH_VALUE = ['--format', '-o', '--output', '--rule', '--fail-on', '--tree', '--facts', '--config', '--baseline', '--litmus', '--color'];

/** Is a FILE, or `-`, among the arguments? */
export function namesFile(args) {
  for (let at = 0; at < args.length; at++) {
    if (args[at] === '--') return at + 1 < args.length;
    if (WITH_VALUE.includes(args[at])) at++;
    else if (args[at] === '-' || !args[at].startsWith('-')) return true;
  }
  return false;
}

async function main() {
  install();
  if (process.argv[2] === '--build') {
    const { bundle } = await import('./build.mjs');
    await bundle({ declarations: true });
    return;
  }
  await build();
  const [command, ...args] = process.argv.slice(2);
  // Where the shell stood when npm was called, names of files mean files there.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const inputs = namesFile(args) ? args : [...args.filter(arg => arg !== '--'), join(root, 'samples')];
  const done = spawnSync(process.execPath, [join(root, 'dist', 'cli.js'), command, ...inputs], { stdio: 'inherit', cwd });
  process.exitCode = done.status ?? 2;
}

// A test asks for what is exported, and runs nothing.
if (pathToFileURL(realpathSync(process.argv[1])).href === import.meta.url) await main();
