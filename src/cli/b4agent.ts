import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { b4Review, coverageLine, foundLine, IDENTITY, type Review, type review, safe, type Thread } from '../index.ts';
import { readTracking, type Tracking } from './b4tracking.ts';
import type { CONFIG_OPTIONS, Configured, configured, offLine } from './configured.ts';
import { type CommitMail, splitMail } from './git/mail.ts';
import { DIFF_OPTIONS, git, line } from './git/run.ts';
import { commitTree, objectsOf } from './git/tree.ts';
import type { grammar } from './grammar.ts';
import { readOptions } from './options.ts';
import { makeFolder } from './output.ts';
import type { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import type { tables } from './tables.ts';

type Out = (text: string) => void;

/** What the command itself has loaded already. */
export interface AgentTools {
  readInput: typeof readInput;
  review: typeof review;
  grammar: typeof grammar;
  tables: typeof tables;
  configured: typeof configured;
  offLine: typeof offLine;
  configOptions: typeof CONFIG_OPTIONS;
}

/**
 * `fencepost b4-agent`: reviews the branch of b4's review command that is checked out, and leaves the review where b4 looks for that of its agent:
 * `b4-review/HEAD/` in the folder of the repository. b4 adds one argument, a sentence for a model, which means nothing here. Gives the exit status.
 */
export async function b4AgentCommand(args: string[], out: Out, err: Out, tools: AgentTools): Promise<number> {
  const fail = (text: string) => {
    err(`fencepost b4-agent: ${safe(text)}\n`);
    return 2;
  };
  const options = readOptions(args, { facts: 'a file of facts', ...tools.configOptions });
  if (typeof options === 'string') return fail(options);
  const branch = openBranch();
  if (typeof branch === 'string') return fail(branch);
  const tree = commitTree(branch.base);
  const known = await tools.configured(options, tree, err);
  if (known === null) return 2;
  const { facts, policy } = known;
  const mails = branch.commits.map(mailOf);
  const missing = mails.indexOf(null);
  if (missing >= 0) return fail(`${branch.commits[missing]?.id.slice(0, 12)}: git format-patch gives no patch of it`);
  try {
    const thread = await readMails(mails, branch.tracking, tools);
    const changed = options.has('config') ? null : changedSettings(known, thread);
    if (changed !== null) return fail(`${changed}: these patches change what they are reviewed by; name another with --config, or --no-config`);
    const result = tools.review(thread, {
      grammar: await tools.grammar(true),
      tables: tools.tables(err),
      facts,
      tree,
      ...(policy ? { policy } : {}),
    });
    const files = filesOf(result, branch, mails);
    const folder = line(['rev-parse', '--git-path', `b4-review/${branch.head}`]);
    const unwritten = folder === null ? 'git names no folder of its own' : write(folder, files);
    if (unwritten !== null) return fail(unwritten);
    out(`${foundLine(result)}\n`);
    err(`${coverageLine(result)}\n`);
    const off = tools.offLine(known);
    if (off !== null) err(`fencepost: ${safe(off)}\n`);
    return 0;
  } catch (error) {
    return fail(reasonOf(error));
  }
}

/**
 * A file of the configuration that the patches change, or null. The branch is checked out, so that what they bring lies where a configuration is
 * looked for: an author must not switch off the rules that judge the patches.
 */
function changedSettings({ file, files, policy }: Configured, thread: Thread): string | null {
  if (file === null) return null;
  const named = [file, ...files.flatMap(f => (typeof f === 'string' ? [] : f.file)), ...(policy?.baseline ?? []).map(e => e.file)];
  const top = line(['rev-parse', '--show-toplevel']);
  if (top === null || top === '') return null;
  const touched = new Set(thread.messages.flatMap(m => m.patch?.files.flatMap(f => [f.path, f.oldPath ?? f.path]) ?? []));
  const inTree = (path: string) => [resolve(path), realpathSync(path)].map(p => relative(realpathSync(top), p));
  return [...new Set(named)].find(path => inTree(path).some(p => touched.has(p))) ?? null;
}

interface Commit {
  id: string;
  /** Null of a root commit. */
  parent: string | null;
  isMerge: boolean;
  message: string;
}

interface Branch {
  head: string;
  tracking: Tracking;
  /** The commit that the first patch is made on. */
  base: string | null;
  /** One for each patch, in order. */
  commits: Commit[];
}

/** Patches of one series, at most; as many as a series of mails may have. */
const MOST_PATCHES = 2000;
const AT_ONCE = 64;

/** The branch that is checked out: base, patches, and on top the commit that b4 keeps its own in. One sentence where it is none. */
function openBranch(): Branch | string {
  const head = line(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (head === null) {
    const { status, fault } = git(['rev-parse', '--git-dir']);
    return status === null ? fault : 'no git repository with a commit here';
  }
  const [top] = commitsOf([head]);
  const tracking = top ? readTracking(top.message) : null;
  if (tracking === null) return 'HEAD is not the last commit of a review branch of b4 (`b4 review` makes one)';
  const commits: Commit[] = [];
  while (commits.length < MOST_PATCHES) {
    const names = Array.from({ length: AT_ONCE }, (_, i) => `${head}~${commits.length + i + 1}`);
    for (const commit of commitsOf(names)) {
      if (commit === null) return `the branch does not reach its first patch, ${tracking.first.slice(0, 12)}`;
      if (commit.isMerge) return `${commit.id.slice(0, 12)} is a merge, and no patch of a series`;
      commits.unshift(commit);
      if (commit.id === tracking.first) return { head, tracking, base: commit.parent, commits };
    }
  }
  return `the branch has more than ${MOST_PATCHES} patches`;
}

/** Commits by name; null where there is none of it. */
function commitsOf(names: string[]): (Commit | null)[] {
  const { out } = git(['cat-file', '--batch'], { input: names.map(name => `${name}\n`).join('') });
  return objectsOf(out).map(object => {
    if (object?.type !== 'commit') return null;
    const text = object.bytes.toString('utf8');
    const end = text.indexOf('\n\n');
    const parents = [...text.slice(0, Math.max(0, end)).matchAll(/^parent ([0-9a-f]+)$/gm)].flatMap(([, id]) => id ?? []);
    return { id: object.id, parent: parents[0] ?? null, isMerge: parents.length > 1, message: end < 0 ? '' : text.slice(end + 2) };
  });
}

/** A commit as git mails it; null where it changes nothing. */
function mailOf({ id, parent, message }: Commit): CommitMail | null {
  const range = parent === null ? ['--root', id] : [`${parent}..${id}`];
  const { status, out } = git(['format-patch', '--stdout', '--no-attach', ...DIFF_OPTIONS, '--no-signature', ...range]);
  return status === 0 ? splitMail(out.toString('utf8'), message) : null;
}

/** The patches as one series. Which file a mail stands in says which commit it is, whatever its subject says. */
async function readMails(mails: (CommitMail | null)[], tracking: Tracking, tools: AgentTools): Promise<Thread> {
  const inputs = mails.map((_, i) => fileName(i));
  async function* open(): AsyncGenerator<Uint8Array | string> {
    for (const [i, mail] of mails.entries()) {
      yield fileName(i);
      if (mail) yield Buffer.from(mail.text);
    }
  }
  const { thread } = await tools.readInput({ input: 'HEAD', inputs, files: inputs.length, lost: [], open });
  const patches = inputs.map(file => thread.messages.find(m => m.file === file && m.patch !== null)?.messageId ?? null);
  const complete = !patches.includes(null);
  const series = { id: tracking.first, version: 1, title: tracking.subject, expected: patches.length, complete, cover: null, patches, followUps: [] };
  return { ...thread, series: [series], comments: [] };
}

function fileName(index: number): string {
  return `${String(index + 1).padStart(4, '0')}.txt`;
}

/** The files by name. A patch without a finding has none, and neither has one that the maintainer has marked. */
function filesOf(result: Review, { commits, tracking }: Branch, mails: (CommitMail | null)[]): Map<string, string> {
  const files = new Map([['identity.txt', `${IDENTITY}\n`]]);
  if (!tracking.isCoverSkipped) files.set('series.txt', `${capital(foundLine(result))}\n\n${coverageLine(result)}\n`);
  const findings = result.reviews.flatMap(r => r.findings);
  for (const i of commits.keys()) {
    const message = result.thread.messages.find(m => m.file === fileName(i) && m.patch !== null);
    const found = findings.filter(f => f.patch.messageId === message?.messageId);
    const mail = mails[i];
    if (!message?.patch || !mail || found.length === 0 || tracking.skipped[i]) continue;
    files.set(fileName(i), b4Review(found, message.patch, mail.diff));
  }
  return files;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Writes the files in place of those of an earlier run; gives one line where that can't be. The review of someone else is left alone. */
function write(folder: string, files: Map<string, string>): string | null {
  const unmade = makeFolder(folder);
  if (unmade !== null) return unmade;
  try {
    const identity = join(folder, 'identity.txt');
    const whose = existsSync(identity) ? readFileSync(identity, 'utf8').trim() : IDENTITY;
    if (whose !== IDENTITY) return `${folder}: holds a review by ${whose}, which b4 has not read yet`;
    for (const name of readdirSync(folder)) if (/^(?:series|\d{4})\.txt$/.test(name)) rmSync(join(folder, name));
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    return null;
  } catch (error) {
    return `${folder}: cannot write: ${reasonOf(error)}`;
  }
}
