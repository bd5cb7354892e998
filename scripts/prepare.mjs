// Makes a fresh clone usable: installs what package-lock.json names when it is not there, builds when the sources are newer.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs a program in the project, its output on stderr; exits with its status when it fails. */
export function must(program, args, { quiet = false } = {}) {
  const done = spawnSync(program, args, { cwd: root, stdio: ['ignore', quiet ? 'pipe' : 2, quiet ? 'pipe' : 2], encoding: 'utf8' });
  if (done.status === 0) return;
  if (quiet) process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}`);
  process.stderr.write(`fencepost: \`${program} ${args.join(' ')}\` failed${done.error ? `: ${done.error.message}` : ''}\n`);
  process.exit(done.status || 2);
}

/** Installs the pinned packages unless the last install was of this very lock file. */
export function install() {
  const mark = join(root, 'node_modules', '.fencepost-lock');
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  process.stderr.write('fencepost: installing the packages that package-lock.json names\n');
  must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { quiet: true });
  writeFileSync(mark, lock);
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map(name => newest(join(path, name))));
}

/** Builds dist/ when a source is newer than what stands there. */
export async function build({ always = false } = {}) {
  const made = join(root, 'dist', 'cli.js');
  const sources = ['src', 'rules', 'scripts/build.mjs', 'package.json', 'package-lock.json'].map(name => join(root, name));
  if (!always && existsSync(made) && statSync(made).mtimeMs > Math.max(...sources.map(newest))) return;
  const { bundle } = await import('./build.mjs');
  try {
    await bundle();
  } catch (error) {
    process.stderr.write(`fencepost: the build failed: ${error.message}\n`);
    process.exit(2);
  }
}
