import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DIFF_OPTIONS, git, gitEnvironment, line } from './run.ts';

/** What is not committed yet: the index or the work tree, against HEAD. */
export type Which = 'staged' | 'worktree';

/** The diff, and the commit that it is against (null before the first one); or one sentence on what is in the way. */
export type Changes = { diff: Buffer; base: string | null } | { fault: string };

/** What is not committed yet, as git diff writes it. Files that git does not track are not in it. */
export function changesOf(which: Which): Changes {
  const top = line(['rev-parse', '--show-toplevel']);
  if (top === null || top === '') return { fault: top === null ? git(['rev-parse', '--show-toplevel']).fault : 'this repository has no work tree' };
  const base = line(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (base === null && which === 'worktree') return { fault: 'no commit to compare the work tree with yet; --staged compares what is staged' };
  const [index, objects] = [line(['rev-parse', '--git-path', 'index']), line(['rev-parse', '--git-path', 'objects'])];
  if (index === null || objects === null) return { fault: 'git does not say where its index is' };
  const scratch = mkdtempSync(join(tmpdir(), 'fencepost-'));
  try {
    bare(scratch, resolve(index), base);
    const { GIT_COMMON_DIR: _, ...usual } = gitEnvironment();
    const env = {
      ...usual,
      GIT_DIR: scratch,
      GIT_WORK_TREE: top,
      GIT_OBJECT_DIRECTORY: resolve(objects),
      GIT_INDEX_FILE: join(scratch, 'index'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
    };
    const against = which === 'staged' ? ['--cached', ...(base === null ? [] : [base])] : [base ?? ''];
    const done = git(['diff', ...DIFF_OPTIONS, '--ignore-submodules=all', ...against, '--'], { env });
    return done.status === 0 ? { diff: done.out, base } : { fault: `git diff: ${done.fault || 'failed'}` };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * A git folder with an index and nothing else. Before git compares a file of the work tree it runs the clean filter that .gitattributes names and
 * the configuration of the repository defines; no option turns that off. Here is no configuration that could define one, and the copied index is
 * the only one that git may refresh.
 */
function bare(folder: string, index: string, head: string | null): void {
  mkdirSync(join(folder, 'refs'));
  mkdirSync(join(folder, 'objects'));
  writeFileSync(join(folder, 'HEAD'), head === null ? 'ref: refs/heads/none\n' : `${head}\n`);
  const sha256 = head?.length === 64;
  writeFileSync(
    join(folder, 'config'),
    `[core]\n\trepositoryformatversion = ${sha256 ? 1 : 0}\n\tbare = false\n${sha256 ? '[extensions]\n\tobjectFormat = sha256\n' : ''}`,
  );
  const { mtimeMs, atimeMs } = statSync(index, { throwIfNoEntry: false }) ?? { mtimeMs: null, atimeMs: 0 };
  if (mtimeMs === null) return;
  copyFileSync(index, join(folder, 'index'));
  // A split index has its larger part in a file beside it.
  for (const name of readdirSync(dirname(index)))
    if (/^sharedindex\.[0-9a-f]+$/.test(name)) copyFileSync(join(dirname(index), name), join(folder, name));
  // A file that is no older than the index is compared by its content: a later time would hide a change.
  utimesSync(join(folder, 'index'), Math.floor(atimeMs / 1000), Math.floor(mtimeMs / 1000));
}
