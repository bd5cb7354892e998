// The table of test/metamorphic: of each transformation how many examples it applies to, and how many of these keep their verdict.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../prepare.mjs';

export async function run() {
  const args = ['run', '--dir', 'test', '--reporter', 'dot', 'test/metamorphic/metamorphic.test.ts'];
  const done = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], { stdio: 'inherit', cwd: root });
  process.exitCode = done.status ?? 2;
}
