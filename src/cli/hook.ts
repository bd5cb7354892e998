/** `fencepost hook`: git send-email's sendemail-validate; a file of its own, loaded only where it is asked for. */
import {
  accessSync,
  appendFileSync,
  chmodSync,
  constants,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Tree } from '../index.ts';
import { git, line } from './git/run.ts';
import { commitTree } from './git/tree.ts';
import type { FileStart } from './group.ts';
import { makeFolder } from './output.ts';
import { reasonOf } from './reason.ts';

type Out = (text: string) => void;

/** What the command lends, so that this file holds none of it twice. */
export interface Lent {
  /** `fencepost check` with its arguments, and the tree that the patches are for where no option names one. */
  check(args: string[], out: Out, err: Out, tree: Tree | null): Promise<number>;
  /** What the start of a file says of the one mail in it; null where it is none, or holds several. */
  headOf(path: string): Promise<FileStart | null>;
  safe(text: string): string;
  /** Absolute paths of node and of the command's script. */
  node: string;
  script: string;
}

const NAME = 'sendemail-validate';
/** A hook that was there before is kept under this name beside it. */
const KEPT = `${NAME}.before-fencepost`;
/** The second line of the hook, by which it is known. */
const MARK = '# fencepost hook: `fencepost hook uninstall` removes it';
const USAGE = 'expected install, uninstall or run';

/** `fencepost hook install|uninstall|run`; gives the exit status. */
export async function hookCommand([word, ...args]: string[], out: Out, err: Out, lent: Lent): Promise<number> {
  const fail = (text: string): 2 => {
    err(`fencepost hook: ${lent.safe(text)}\n`);
    return 2;
  };
  if (word === 'run') return run(args, out, err, lent, fail);
  if (word !== 'install' && word !== 'uninstall') return fail(word === undefined ? USAGE : `no action is called ${word}; ${USAGE}`);
  if (word === 'uninstall' && args.length > 0) return fail(`uninstall takes no argument, and ${args[0]} is one`);
  const files = args.filter((arg, i) => !arg.startsWith('-') && !args[i - 1]?.startsWith('-'));
  if (files.length > 0) return fail(`install takes options of check, and ${files[0]} is none`);
  if (args.length > 0) {
    const status = await tried(args, err, lent);
    if (status !== 0) return status;
  }
  const folder = hooksFolder();
  if ('fault' in folder) return fail(folder.fault);
  const said = (text: string) => out(`${lent.safe(text)}\n`);
  try {
    const fault = word === 'install' ? install(folder.path, args, lent, said) : uninstall(folder.path, said);
    return fault === null ? 0 : fail(fault);
  } catch (error) {
    return fail(`${folder.path}: ${reasonOf(error)}`);
  }
}

/** What `check` says to these options, of a mail with nothing in it: a hook with a wrong one would stop every mail. */
async function tried(options: string[], err: Out, lent: Lent): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'fencepost-'));
  try {
    const mail = join(scratch, 'empty.eml');
    writeFileSync(mail, 'From: author <author@example.org>\nSubject: [PATCH 0/1] nothing\n\n');
    const told: string[] = [];
    const status = await lent.check(
      [...options, '--', mail],
      () => {},
      text => told.push(text),
      null,
    );
    // What is said of the empty mail itself is of no use to anybody.
    if (status !== 0) for (const text of told) err(text);
    return status;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The folder of the hooks: core.hooksPath, else that of the repository, which its worktrees share. */
function hooksFolder(): { path: string } | { fault: string } {
  const found = git(['rev-parse', '--git-path', 'hooks'], { env: ownEnvironment() });
  if (found.status === null) return { fault: found.fault };
  if (found.status !== 0) return { fault: /not a git repository/.test(found.fault) ? 'not in a git repository' : found.fault };
  const path = found.out.toString('utf8').replace(/\n$/, '');
  const set = git(['config', '--get', 'core.hooksPath'], { env: ownEnvironment() });
  if (set.status !== 0 || isAbsolute(path)) return { path: resolve(path) };
  // Git runs hooks at the top of the work tree, and takes a relative path from there.
  const top = line(['rev-parse', '--show-toplevel']) || line(['rev-parse', '--absolute-git-dir']) || '.';
  return { path: resolve(top, set.out.toString('utf8').replace(/\n$/, '')) };
}

/** Git's environment with core.hooksPath as the user has set it: here it is only read. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' };
}

/** Gives one sentence where the hook is not installed. */
function install(folder: string, options: string[], lent: Lent, said: Out): string | null {
  const [hook, kept] = [join(folder, NAME), join(folder, KEPT)];
  const old = whatIs(hook);
  if (old === 'other') {
    if (whatIs(kept) !== null) return `${kept} is there already, and ${hook} is not fencepost's; move one of them away`;
    renameSync(hook, kept);
  }
  try {
    const unmade = makeFolder(folder);
    if (unmade !== null) return unmade;
    // A whole file or none: a hook that is cut short would stop every mail, or none.
    writeFileSync(`${hook}.new`, hookScript(options, lent), { mode: 0o755 });
    chmodSync(`${hook}.new`, 0o755);
    renameSync(`${hook}.new`, hook);
  } catch (error) {
    rmSync(`${hook}.new`, { force: true });
    if (old === 'other') renameSync(kept, hook);
    throw error;
  }
  said(`installed ${hook}${whatIs(kept) === null ? '' : `; the hook that was there is run first, as ${KEPT}`}`);
  return null;
}

function uninstall(folder: string, said: Out): string | null {
  const [hook, kept] = [join(folder, NAME), join(folder, KEPT)];
  if (whatIs(hook) !== 'own') return whatIs(hook) === null ? `no hook at ${hook}` : `${hook} is not fencepost's, and stays`;
  if (whatIs(kept) === null) rmSync(hook);
  else renameSync(kept, hook);
  said(whatIs(hook) === null ? `removed ${hook}` : `removed; ${hook} is again what it was`);
  return null;
}

/** Whose the file is; null where there is none. A link is another's, wherever it leads. */
function whatIs(path: string): 'own' | 'other' | null {
  const about = lstatSync(path, { throwIfNoEntry: false });
  if (about === undefined) return null;
  return about.isFile() && readFileSync(path, 'utf8').split('\n')[1] === MARK ? 'own' : 'other';
}

/** The hook: it runs the one that was there first, and stops where that does. */
function hookScript(options: string[], { node, script }: Lent): string {
  return `#!/bin/sh
${MARK}
node=${quoted(node)}
fencepost=${quoted(script)}
if [ -x "$0.before-fencepost" ]; then
	"$0.before-fencepost" "$@" || exit $?
fi
if [ ! -x "$node" ] || [ ! -f "$fencepost" ]; then
	echo "fencepost hook: $node or $fencepost is gone; install the hook again, or send with --no-validate" >&2
	exit 1
fi
exec "$node" "$fencepost" hook run${options.map(option => ` ${quoted(option)}`).join('')} -- "$@"
`;
}

/** A word that a shell reads as it stands (POSIX 2.2.2). */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * One call of the hook: `[OPTIONS] -- FILE [HEADERS]`. Git calls once a file and stops at the first that fails; so nothing is said before the last, and
 * then of all.
 */
async function run(args: string[], out: Out, err: Out, lent: Lent, fail: (text: string) => 2): Promise<number> {
  const end = args.indexOf('--');
  const at = end >= 0 ? end + 1 : Math.max(0, args.findLastIndex(arg => arg.startsWith('-')) + 1);
  const [file] = args.slice(at);
  const options = end >= 0 ? args.slice(0, end) : args.slice(0, at);
  if (file === undefined) return fail('run takes the file that git send-email hands to the hook');
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    return fail(`${file}: ${reasonOf(error)}`);
  }
  const { counter, total } = counted();
  const files = noted(resolve(file), counter, total) ?? (await siblings(resolve(file), counter > 0 && counter === total, lent));
  const mails = await withDiffs(files, lent);
  if (mails.length === 0) return 0;
  const status = await lent.check([...options, '--', ...mails], out, err, treeOf(mails));
  if (status !== 0) err('fencepost: nothing is sent; `git send-email --no-validate` sends all the same\n');
  return status;
}

/** Which file of how many the call is for, as git 2.41 says; zeros where it does not. */
function counted(): { counter: number; total: number } {
  const { GIT_SENDEMAIL_FILE_COUNTER: n = '', GIT_SENDEMAIL_FILE_TOTAL: of = '' } = process.env;
  const isNumber = (text: string) => /^[1-9]\d{0,5}$/.test(text);
  return isNumber(n) && isNumber(of) && Number(n) <= Number(of) ? { counter: Number(n), total: Number(of) } : { counter: 0, total: 0 };
}

/**
 * The files of a run by git's counters: all at the last, none before; null without counters, or where the calls before were not seen. They are noted in
 * the git folder from the first call to the last.
 */
function noted(file: string, counter: number, total: number): string[] | null {
  if (counter === 0) return null;
  if (total === 1) return [file];
  const place = line(['rev-parse', '--git-path', 'fencepost-send-email']);
  // Outside a repository every file is by itself where its series is not known from its name.
  if (place === null) return null;
  try {
    // A run that was broken off leaves its notes; the first call of the next one writes them anew.
    (counter === 1 ? writeFileSync : appendFileSync)(place, `${JSON.stringify([counter, total, file])}\n`, { mode: 0o600 });
    if (counter < total) return [];
    const notes = readFileSync(place, 'utf8').split('\n').filter(Boolean);
    rmSync(place, { force: true });
    const files = notes.flatMap((note, i) => {
      const [n, of, path]: unknown[] = JSON.parse(note);
      return n === i + 1 && of === total && typeof path === 'string' ? [path] : [];
    });
    return files.length === total && notes.length === total ? files : null;
  } catch {
    return null;
  }
}

/**
 * The series that the file is the last of, by `[PATCH n/m]` and the files beside it; none where a later one is still to come, unless it is known to be the
 * last that is sent. A mail without a number is by itself.
 */
async function siblings(file: string, isLast: boolean, lent: Lent): Promise<string[]> {
  const own = await lent.headOf(file);
  const place = own === null ? null : placeOf(own);
  if (own === null || place === null) return [file];
  const folder = dirname(file);
  const time = statSync(file).mtimeMs;
  const found = new Map<number, { path: string; away: number }>([[place, { path: file, away: -1 }]]);
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (path === file || name.startsWith('.') || !statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    const head = await lent.headOf(path);
    const other = head === null ? null : placeOf(head);
    if (head === null || other === null || !isAlike(own, head)) continue;
    // An older run of format-patch may lie beside it, under other names.
    const away = Math.abs(statSync(path).mtimeMs - time);
    const known = found.get(other);
    if (!known || away < known.away) found.set(other, { path, away });
  }
  const places = [...found.keys()].sort((a, b) => a - b);
  return isLast || places.at(-1) === place ? places.map(n => found.get(n)?.path ?? file) : [];
}

function placeOf({ message: { numbering, kind } }: FileStart): number | null {
  return kind !== 'reply' && (numbering.total ?? 1) > 1 ? numbering.index : null;
}

function isAlike(a: FileStart, b: FileStart): boolean {
  // From is the author's, and not the sender's, as long as the mail has no Message-ID: the authors of one series may differ.
  const said = ({ id, message: { numbering: n, from } }: FileStart) =>
    JSON.stringify([n.prefixes, n.version, n.total, id === null ? null : from?.address]);
  return said(a) === said(b);
}

/** The files that hold a diff, with their cover letters. Other mail is nothing to check, and nothing to stop. */
async function withDiffs(files: string[], lent: Lent): Promise<string[]> {
  const heads = await Promise.all(files.map(async path => ({ path, head: await lent.headOf(path) })));
  const mails = heads.filter(({ path, head }) => (head === null ? holdsDiff(path) : head.message.patch !== null || head.message.kind === 'cover'));
  return mails.some(({ head }) => head?.message.kind !== 'cover') ? mails.map(m => m.path) : [];
}

/** The tree that the first patch was made on, where format-patch says which commit it was and this repository has it. */
function treeOf(mails: string[]): Tree | null {
  for (const mail of mails) {
    const [, id] = /^From ([0-9a-f]{40,64}) Mon Sep 17 00:00:00 2001$/m.exec(readFileSync(mail, 'latin1').slice(0, 120)) ?? [];
    // A cover letter is under the last commit's name.
    if (id === undefined || !holdsDiff(mail)) continue;
    const base = line(['rev-parse', '--verify', '--quiet', `${id}~1`]);
    return base === null || base === '' ? null : commitTree(base);
  }
  return null;
}

function holdsDiff(path: string): boolean {
  return /^(?:diff --git |--- )/m.test(readFileSync(path, 'latin1'));
}
