/**
 * The built command for tests. A process of its own for each call would spend most of its time on starting Node and on code that is not yet
 * compiled, so that one process serves the calls, one after the other (served.mjs); where a process itself matters, and with standard input,
 * a test starts one (`started`).
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The exit status, null where a signal ended it, and what was written. */
export interface Ended {
  status: number | null;
  out: string;
  err: string;
}

/** Runs the command in a process of its own. */
export function started(args: string[], { cwd = root, input = '' }: { cwd?: string; input?: string | Uint8Array } = {}): Ended {
  const done = spawnSync(process.execPath, [join(root, 'dist/cli.js'), ...args], { encoding: 'utf8', cwd, input });
  return { status: done.status, out: done.stdout, err: done.stderr };
}

/** Runs the command as a fresh program, in the process that serves all calls. */
export function command(args: string[], { cwd = root }: { cwd?: string } = {}): Ended {
  server ??= serve();
  writeSync(server.to, `${JSON.stringify({ args, cwd })}\n`);
  const chunks: Buffer[] = [];
  while (chunks.at(-1)?.at(-1) !== LF) {
    const chunk = Buffer.alloc(1 << 16);
    const length = readSync(server.from, chunk);
    if (length === 0) throw new Error(`the command ended the process: ${args.join(' ')}`);
    chunks.push(chunk.subarray(0, length));
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

const LF = 10;
let server: { to: number; from: number } | null = null;

function serve(): { to: number; from: number } {
  const folder = mkdtempSync(join(tmpdir(), 'fencepost-command-'));
  const [calls, ends] = [join(folder, 'calls'), join(folder, 'ends')];
  // Pipes with names can be read and written without an event loop, as a test wants it.
  const made = spawnSync('mkfifo', [calls, ends]);
  if (made.status !== 0) throw new Error(`mkfifo: ${made.error?.message ?? made.stderr}`);
  const script = fileURLToPath(new URL('served.mjs', import.meta.url));
  spawn(process.execPath, [script, calls, ends, join(root, 'dist')], { stdio: ['ignore', 'ignore', 'inherit'] }).unref();
  const opened = { to: openSync(calls, 'w'), from: openSync(ends, 'r') };
  rmSync(folder, { recursive: true });
  return opened;
}
