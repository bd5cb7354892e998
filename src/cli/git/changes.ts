import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DIFF_OPTIONS, git, gitEnvironment, line } from './run.ts';

/** What is not committed yet: the index or the work tree, against HEAD. */
export type Which = 'staged' | 'worktree';

/**
 * The diff, the commit that it is against (null before the first one), and the diff from what was compared to the files; or one sentence on what is in
 * the way.
 */
export type Uncommitted = { diff: Buffer; base: string | null; later: string } | { fault: string };

/** What is not committed yet, as git diff writes it. Files that git does not track are not in it. */
export function changesOf(which: Which): Uncommitted {
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
    const options = ['diff', ...DIFF_OPTIONS, '--ignore-submodules=all'];
    const done = git([...options, ...against, '--'], { env });
    if (done.status !== 0) return { fault: `git diff: ${done.fault || 'failed'}` };
    const [, unmerged] = /^\* Unmerged path (.*)$/m.exec(done.out.toString('utf8')) ?? [];
    if (unmerged !== undefined) return { fault: `${unmerged} is not merged; resolve its conflicts first` };
    const unstaged = which === 'staged' && done.out.length > 0 ? git([...options, '--'], { env }).out : '';
    return { diff: done.out, base, later: unstaged.toString('latin1') };
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

/** The line that a line of the old files is in the new ones; of one that is gone, that of the next that stays. Names that git quotes are left out. */
export function carriedBy(diff: string): (path: string, line: number) => number {
  const hunks = new Map<string, { from: number; next: number; shift: number; lines: Map<number, number> }[]>();
  const rows = diff.split('\n');
  let path = '';
  for (let at = 0; at < rows.length; at++) {
    const [, name] = /^--- a\/(.*?)\t?$/.exec(rows[at] ?? '') ?? [];
    if (name !== undefined) path = name;
    const [, ...numbers] = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(rows[at] ?? '') ?? [];
    if (numbers.length === 0) continue;
    const [oldStart = 0, old = 1, newStart = 0, count = 1] = numbers.map(n => (n === undefined ? undefined : Number(n)));
    // Of no lines the one before is named.
    const [from, start] = [oldStart + (old === 0 ? 1 : 0), newStart + (count === 0 ? 1 : 0)];
    const lines = new Map<number, number>();
    for (let [before, after] = [from, start]; before < from + old || after < start + count; ) {
      const mark = rows[++at]?.charAt(0);
      if (mark === undefined) break;
      if (mark === ' ' || mark === '-') lines.set(before++, after);
      if (mark === ' ' || mark === '+') after++;
    }
    const all = hunks.get(path) ?? [];
    hunks.set(path, [...all, { from, next: from + old, shift: start + count - from - old, lines }]);
  }
  return (path, line) => {
    let shift = 0;
    for (const hunk of hunks.get(path) ?? []) {
      if (line < hunk.from) break;
      if (line < hunk.next) return hunk.lines.get(line) ?? line + shift;
      shift = hunk.shift;
    }
    return line + shift;
  };
}
