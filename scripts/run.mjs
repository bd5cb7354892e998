// `npm run review -- FILE`: the command as it is in the sources now, on FILE, or on the samples.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, install, root } from './prepare.mjs';

install();
if (process.argv[2] === '--build') {
  const { bundle } = await import('./build.mjs');
  await bundle({ declarations: true });
} else {
  await build();
  const [command, ...args] = process.argv.slice(2);
  // Where the shell stood when npm was called, names of files mean files there.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const inputs = args.some(arg => !arg.startsWith('-') && existsSync(resolve(cwd, arg))) || args.length > 0 ? args : [join(root, 'samples')];
  const done = spawnSync(process.execPath, [join(root, 'dist', 'cli.js'), command, ...inputs], { stdio: 'inherit', cwd });
  process.exitCode = done.status ?? 2;
}
