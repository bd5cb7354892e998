import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** What a git command gave: its status (null where git could not be run), its output, and the first line of what it complained of. */
export interface Done {
  status: number | null;
  out: Buffer;
  fault: string;
}

/** On every command line. What else must not run is turned off by `gitEnvironment`, whatever the configuration of the repository says. */
const SETTINGS = ['-c', 'core.fsmonitor=false', '-c', 'format.attach=false'];

/** How a diff is written, whoever asks for it. */
export const DIFF_OPTIONS = ['--no-ext-diff', '--no-textconv', '--no-color', '--src-prefix=a/', '--dst-prefix=b/'];

/**
 * Configuration that outranks every file. The first lines keep git from running or fetching anything; the rest keep the form of a patch, and so
 * the findings, from depending on who asks.
 */
const CONFIG: Record<string, string> = {
  'protocol.allow': 'never',
  'core.hooksPath': '/dev/null',
  'core.pager': 'cat',
  // Checks signatures by gpg.program.
  'log.showSignature': 'false',
  // `diff` starts git inside the submodule, by that one's configuration.
  'diff.submodule': 'short',
  'diff.ignoreSubmodules': 'all',
  'diff.orderFile': '/dev/null',
  'diff.relative': 'false',
  'diff.noprefix': 'false',
  'diff.context': '3',
  'diff.interHunkContext': '0',
  'diff.suppressBlankEmpty': 'false',
  'diff.algorithm': 'default',
  'diff.indentHeuristic': 'true',
  'diff.renames': 'true',
  'format.coverLetter': 'false',
  'format.encodeEmailHeaders': 'true',
  'format.forceInBodyFrom': 'false',
  'format.from': 'false',
  'format.mboxrd': 'false',
  'format.notes': 'false',
  'format.numbered': 'auto',
  'format.signOff': 'false',
  'format.subjectPrefix': 'PATCH',
  'format.thread': 'false',
  'format.useAutoBase': 'false',
  'i18n.logOutputEncoding': 'UTF-8',
};

/** What these of the caller's own would change: what a diff looks like, and where it comes from. */
const DROPPED = ['GIT_EXTERNAL_DIFF', 'GIT_DIFF_OPTS', 'GIT_TRACE', 'GIT_TRACE2', 'GIT_TRACE2_EVENT', 'GIT_TRACE2_PERF'];

/** The environment of every git command: nothing is fetched, written, asked for or run, and names of files are names. */
export function gitEnvironment(config: Record<string, string> = CONFIG): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    GIT_NO_LAZY_FETCH: '1',
    // Git older than that, and `protocol.NAME.allow` of the repository: with this set none is allowed but those listed.
    GIT_ALLOW_PROTOCOL: '',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LITERAL_PATHSPECS: '1',
    LC_ALL: 'C',
  };
  for (const name of DROPPED) delete env[name];
  // Those that the caller has set so come first, and the last one counts.
  const first = /^\d{1,4}$/.test(env.GIT_CONFIG_COUNT ?? '') ? Number(env.GIT_CONFIG_COUNT) : 0;
  const entries = Object.entries(config);
  entries.forEach(([key, value], i) => {
    env[`GIT_CONFIG_KEY_${first + i}`] = key;
    env[`GIT_CONFIG_VALUE_${first + i}`] = value;
  });
  env.GIT_CONFIG_COUNT = String(first + entries.length);
  return env;
}

/** More than the sources of any folder. */
const MOST_BYTES = 1 << 29;

/** Runs one git command to its end, without a shell. Throws nothing. */
export function git(args: string[], { input = '', env = gitEnvironment() }: { input?: string; env?: NodeJS.ProcessEnv } = {}): Done {
  const done = spawnSync('git', [...SETTINGS, ...args], { env, input, maxBuffer: MOST_BYTES, stdio: ['pipe', 'pipe', 'pipe'] });
  if (done.error)
    return { status: null, out: Buffer.alloc(0), fault: 'code' in done.error && done.error.code === 'ENOENT' ? NO_GIT : done.error.message };
  return { status: done.status, out: done.stdout, fault: firstLine(done.stderr.toString('utf8')) };
}

const NO_GIT = 'git is not there';

/** The output of a git command piece by piece; throws one line where the command fails. */
export async function* gitOutput(args: string[], env: NodeJS.ProcessEnv = gitEnvironment()): AsyncGenerator<Uint8Array> {
  const child = spawn('git', [...SETTINGS, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let fault = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (fault.length < 4096) fault += chunk.toString('utf8');
  });
  const ended = endOf(child);
  try {
    for await (const chunk of child.stdout) if (chunk instanceof Uint8Array) yield chunk;
    const status = await ended;
    if (status !== 0) throw new Error(`git ${args[0]}: ${status === null ? NO_GIT : firstLine(fault) || 'failed'}`);
  } finally {
    // Nobody reads on where the reader has failed.
    if (child.exitCode === null) child.kill();
  }
}

/** The status; null where the program could not be started. */
function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise(resolve => {
    child.on('error', () => resolve(null));
    child.on('close', (status, signal) => resolve(status ?? (signal === null ? null : 128)));
  });
}

function firstLine(text: string): string {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('warning: ') && !line.startsWith('hint: '));
  return (lines[0] ?? '').replace(/^(?:fatal|error): /, '');
}

/** One line of output without its end, of a command that succeeded; null of one that did not. */
export function line(args: string[]): string | null {
  const { status, out } = git(args);
  return status === 0 ? out.toString('utf8').replace(/\n$/, '') : null;
}
