// `npm test`: installs what is missing and runs all tests. UPDATE=1 rewrites the golden files of the samples.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, install, root } from './prepare.mjs';

install();
await build();
const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)];
const done = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root });
process.exitCode = done.status ?? 2;
