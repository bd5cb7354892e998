/** Commits and changes of a git repository as inputs; a file of its own, loaded only where there is no file of the name given. */
import { carriedBy, changesOf, type Which } from './git/changes.ts';
import { withWholeMessages } from './git/mail.ts';
import { isShallow, rangeOf } from './git/range.ts';
import { DIFF_OPTIONS, git, gitOutput } from './git/run.ts';
import { commitTree } from './git/tree.ts';
import type { Input, InputError } from './input.ts';
import { RANGE } from './spelling.ts';

/** What this branch would send. */
const UNSENT = '@{upstream}..HEAD';

/**
 * The commits that a word names, read as git format-patch writes them, with the tree that they are made on; with null those that the branch's
 * upstream lacks. An error where they are no series; null where the word names no commits.
 */
export function commitsInput(word: string | null): Input | InputError | null {
  const input = word ?? UNSENT;
  const repository = git(['rev-parse', '--git-dir']);
  if (repository.status !== 0) {
    if (word === null || !RANGE.test(word)) return null;
    // Git refuses a repository that belongs to another user.
    const why = /not a git repository/.test(repository.fault) ? 'no git repository here' : repository.fault;
    return { input, error: `${input}: no such file or folder, and ${why}` };
  }
  const range = rangeOf(input);
  if ('fault' in range) return { input, error: range.fault };
  if ('none' in range) {
    if (word === null) return { input, error: 'no INPUT is named, and the branch has no upstream; name a range (HEAD~3..), a file, or - for stdin' };
    if (!RANGE.test(word)) return null;
    return { input, error: `${input}: no such file or folder, and no commits that git knows${isShallow() ? ' in this shallow clone' : ''}` };
  }
  const { base, tip, ids, hasEmpty, odd } = range;
  // To git, format.attach=false asks for attachments with the word false as their boundary.
  const options = ['--stdout', '--no-attach', ...DIFF_OPTIONS, '--no-signature'];
  const commits = base === null ? ['--root', tip] : [`${base}..${tip}`];
  const mails = () => gitOutput(['format-patch', ...options, ...commits]);
  async function* whole(): AsyncGenerator<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of mails()) chunks.push(chunk);
    yield Buffer.from(withWholeMessages(Buffer.concat(chunks).toString('latin1'), ids, odd), 'latin1');
  }
  return { input, lost: [], tree: commitTree(base), shown: (_, at) => at, open: hasEmpty || odd.size > 0 ? whole : mails };
}

/** What is not committed yet, as one patch without a message. */
export function changesInput(which: Which): Input | InputError {
  const input = `--${which}`;
  const changes = changesOf(which);
  if ('fault' in changes) return { input, error: `${input}: ${changes.fault}` };
  const what = which === 'staged' ? 'staged changes' : 'changes of the work tree';
  if (changes.diff.length === 0) return { input, error: `${input}: nothing is ${which === 'staged' ? 'staged' : 'changed'}`, nothing: true };
  async function* open(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`Subject: [PATCH] ${what}\n\n---\n`);
    if ('diff' in changes) yield changes.diff;
  }
  return { input, lost: [], tree: commitTree(changes.base), shown: carriedBy(changes.later), open };
}
