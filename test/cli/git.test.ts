import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { carriedBy } from '../../src/cli/git/changes.ts';
import { openInputs } from '../../src/cli/input.ts';
import { CLEAN, commit, edit, GAUGE, git, LIMIT, repository, WAIT } from './repository.ts';

const command = join(fileURLToPath(new URL('../..', import.meta.url)), 'dist/cli.js');
let work = '';
/** Three commits: the driver, a return with the lock held, a sleep under it that only the header shows. */
let repo = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'commits-'));
  repo = repository(join(work, 'repo'));
  edit(repo, LIMIT);
  commit(repo, 'gauge: refuse what is over the limit');
  edit(repo, WAIT);
  commit(repo, 'gauge: wait before the value is set');
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function run(cwd: string, args: string[], env: Record<string, string> = {}) {
  const done = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', cwd, env: { ...process.env, ...env }, input: '' });
  return { status: done.status, out: done.stdout, err: done.stderr };
}

/** Rule and line of each finding. */
function found(out: string): string[] {
  return out
    .split('\n')
    .filter(Boolean)
    .map(line => line.replace(/^[^:]*:(\d+): .* \[([\w-]+)\]$/, '$2 $1'));
}

function lineOf(folder: string, text: string): number {
  return (
    readFileSync(join(folder, GAUGE), 'utf8')
      .split('\n')
      .findIndex(line => line.includes(text)) + 1
  );
}

function clone(name: string, from = repo): string {
  const copy = join(work, name);
  spawnSync('cp', ['-r', from, copy]);
  return copy;
}

describe('a range of commits', () => {
  test('of the log of a branch is no Message-ID', () => {
    expect(run(repo, ['check', 'HEAD@{0}'])).toEqual(run(repo, ['check', 'HEAD']));
    expect(run(repo, ['check', 'id@example.org']).err).toContain('b4 mbox id@example.org');
  });

  test('of several authors is one series', () => {
    const shared = clone('shared');
    git(shared, 'commit', '-q', '--amend', '--no-edit', '--author', 'other <other@example.org>');
    expect(run(shared, ['check', 'HEAD~2..'])).toEqual(run(repo, ['check', 'HEAD~2..']));
  });

  test('with a commit that changes nothing is the series of the others', () => {
    const gap = clone('gap');
    git(gap, 'commit', '-q', '--allow-empty', '-m', 'nothing');
    edit(gap, CLEAN);
    commit(gap, 'gauge: an end');
    const { out, err } = run(gap, ['review', 'HEAD~4..']);
    expect(err).not.toContain('missing');
    expect(out).toContain('[PATCH 2/3] gauge: wait before the value is set');
  });

  test('is what was committed, whatever the messages hold', () => {
    const quoting = clone('quoting');
    const id = git(quoting, 'rev-parse', 'HEAD~1');
    const message = `gauge: wait before the value is set

From ${id} Mon Sep 17 00:00:00 2001
From: other <other@example.org>
Subject: [PATCH 7/9] none

---
diff --git a/x.c b/x.c
--- a/x.c
+++ b/x.c
@@ -1 +1,9 @@
-a
+b
`;
    git(quoting, 'commit', '-q', '--amend', '--cleanup=verbatim', '-m', message);
    expect(run(quoting, ['check', 'HEAD~2..'])).toEqual(run(repo, ['check', 'HEAD~2..']));
    expect(run(quoting, ['review', 'HEAD~2..']).out).toContain('[PATCH 2/2] gauge: wait before the value is set');
  });

  test('is for commands that read commits, and the others say so', () => {
    for (const name of ['show', 'events', 'scan'])
      expect(run(repo, [name, 'HEAD~1..'])).toMatchObject({
        status: 2,
        out: '',
        err: expect.stringMatching(/^.*HEAD~1\.\.: no such file or folder; .*commits.*\n$/),
      });
  });

  test('is accepted in a baseline by the findings that a check of it has', () => {
    const file = join(work, 'accepted.yaml');
    expect(run(repo, ['baseline', 'update', file, 'HEAD~2..'])).toMatchObject({
      status: 0,
      err: '',
      out: expect.stringContaining('2 entries, 2 new'),
    });
    expect(run(repo, ['check', '--baseline', file, 'HEAD~2..'])).toMatchObject({ status: 0, out: '' });
  });

  test('is reviewed with the tree that it was made on, and its lines are those after the last commit', () => {
    const { status, out, err } = run(repo, ['check', 'HEAD~2..']);
    expect({ status, err }).toEqual({ status: 1, err: '' });
    expect(found(out)).toEqual([`unlock-missing-on-path ${lineOf(repo, 'return -EINVAL')}`, `sleep-in-atomic ${lineOf(repo, 'gauge_wait(g);')}`]);
  });

  test('is read from its own commits, whatever the work tree holds', () => {
    const dirty = clone('dirty');
    const before = run(dirty, ['check', 'HEAD~2..']).out;
    writeFileSync(join(dirty, 'drivers/gauge/gauge.h'), 'nothing of what was there\n');
    rmSync(join(dirty, GAUGE));
    expect(run(dirty, ['check', 'HEAD~2..']).out).toBe(before);
    expect(run(join(dirty, 'drivers'), ['check', 'HEAD~2..'], { GIT_DIFF_OPTS: '-u0' }).out).toBe(before);
  });

  test('looks the same under any configuration of diffs and patches', () => {
    const odd = clone('odd');
    const before = run(odd, ['review', 'HEAD~2..']);
    const settings = {
      'diff.noprefix': 'true',
      'diff.context': '0',
      'diff.relative': 'true',
      'diff.mnemonicPrefix': 'true',
      'diff.orderFile': 'nowhere',
      'color.ui': 'always',
      'format.attach': 'true',
      'format.coverLetter': 'true',
      'format.pretty': 'oneline',
      'format.useAutoBase': 'true',
      'format.subjectPrefix': 'other',
      'format.numbered': 'false',
      'format.outputDirectory': 'elsewhere',
    };
    for (const [key, value] of Object.entries(settings)) git(odd, 'config', key, value);
    expect(run(odd, ['review', 'HEAD~2..'])).toEqual(before);
    expect(run(join(odd, 'drivers'), ['review', 'HEAD~2..'])).toEqual(before);
    expect(before.out).toContain('[PATCH 2/2] gauge: wait before the value is set');
  });

  test('reads the facts of the tree as they were before it', () => {
    const declared = clone('declared');
    git(declared, 'reset', '-q', '--hard', 'HEAD~2');
    writeFileSync(join(declared, '.fencepost.yaml'), 'wrong: 1\n');
    commit(declared, 'facts that are wrong');
    const { status, err } = run(declared, ['check', 'HEAD^!']);
    // The commit that adds them is reviewed without; what is made on it is not.
    expect(status).toBe(0);
    expect(err).toContain('the series is reviewed with those from before it');
    edit(declared, LIMIT);
    commit(declared, 'gauge: limit');
    expect(run(declared, ['check', 'HEAD^!'])).toMatchObject({ status: 2, err: expect.stringContaining('.fencepost.yaml') });
  });

  test('is the input of the JSON as it was given', () => {
    const document = JSON.parse(run(repo, ['check', '--format', 'json', 'HEAD~2..']).out);
    expect(document).toMatchObject({ input: 'HEAD~2..' });
    expect(document.reviews[0].coverage).toMatchObject({ patches: 2, functions: { whole: 2, partial: 0 } });
  });

  test('is plain mail, and no attachment', async () => {
    const text = await within(repo, async () => {
      const [input] = await openInputs(['HEAD~2..'], true);
      let all = '';
      if (input && 'open' in input) for await (const chunk of input.open()) all += Buffer.from(chunk).toString('utf8');
      return all;
    });
    expect(text.match(/^Subject: .*$/gm)).toEqual([
      'Subject: [PATCH 1/2] gauge: refuse what is over the limit',
      'Subject: [PATCH 2/2] gauge: wait before the value is set',
    ]);
    expect(text).not.toContain('multipart');
  });

  test('gives the tree before it, in which links and what leads out are not there', async () => {
    const linked = clone('links');
    symlinkSync('gauge.h', join(linked, 'drivers/gauge/link.h'));
    symlinkSync('/etc', join(linked, 'out'));
    writeFileSync(join(linked, 'drivers/gauge/a b.c'), 'int a;\n');
    commit(linked, 'links');
    edit(linked, CLEAN);
    commit(linked, 'gauge: a comment');
    await within(linked, async () => {
      const [input] = await openInputs(['HEAD'], true);
      const tree = input && 'open' in input ? input.tree : undefined;
      expect(tree?.list('drivers/gauge')).toEqual(['a b.c', 'gauge.c', 'gauge.h']);
      expect(tree?.list('')).toEqual(['Kconfig']);
      expect(tree?.read(GAUGE)).toBe(`${git(linked, 'show', `HEAD~1:${GAUGE}`)}\n`);
      expect(tree?.read('drivers/gauge/a b.c')).toBe('int a;\n');
      for (const path of [
        'drivers/gauge/link.h',
        'out/passwd',
        '/etc/passwd',
        '../repo/Kconfig',
        'drivers/../Kconfig',
        './Kconfig',
        'drivers',
        '',
        ':Kconfig',
        '*',
      ])
        expect(tree?.read(path), path).toBeNull();
      for (const folder of ['nowhere', '..', '/', ':/', GAUGE, 'dri*']) expect(tree?.list(folder), folder).toEqual([]);
    });
  });

  test('explains its findings at the lines that check lists', () => {
    const document = JSON.parse(run(repo, ['check', '--format', 'json', 'HEAD~2..']).out);
    const prints: string[] = document.reviews[0].findings.map((f: { fingerprint: string }) => f.fingerprint);
    const places = prints.map(print => /^(\S+:\d+)[, ]/m.exec(run(repo, ['explain', print, 'HEAD~2..']).out)?.[1]);
    expect(places).toEqual(found(run(repo, ['check', 'HEAD~2..']).out).map(line => `${GAUGE}:${line.split(' ')[1]}`));
    expect(places).toHaveLength(2);
    // The first patch's line is moved by the second.
    expect(run(repo, ['explain', prints[0] ?? '', 'HEAD~2..']).out).toMatch(/:\d+ \(line \d+ in the patch\), gauge_store\(\)/);
  });

  test('may be the first commit of all', () => {
    expect(run(repo, ['review', 'HEAD~2'])).toMatchObject({ status: 0, err: expect.stringMatching(/^1 patch, 3 functions/) });
  });

  test('follows a line through the patches that come after it', () => {
    const moved = clone('moved');
    git(moved, 'reset', '-q', '--hard', 'HEAD~2');
    edit(moved, text => LIMIT(text).replace('\t\treturn -EINVAL;', '\t\tgoto out;').replace('\tspin_unlock(&g->lock);\n\treturn 0;', 'out:\n$&'));
    commit(moved, 'gauge: refuse what is over the limit');
    // What is wrong is a line that is gone.
    edit(moved, text => text.replace('out:\n\tspin_unlock(&g->lock);\n', '\tspin_unlock(&g->lock);\nout:\n'));
    commit(moved, 'gauge: leave earlier');
    edit(moved, text => text.replace('#include', '/*\n * The gauge\n * of the tank.\n */\n#include'));
    commit(moved, 'gauge: say what it is');
    expect(found(run(moved, ['check', 'HEAD~2..']).out)).toEqual([`unlock-missing-on-path ${lineOf(moved, 'value > g->limit')}`]);
    expect(found(run(moved, ['check', 'HEAD~1']).out)).toEqual([`unlock-missing-on-path ${lineOf(moved, 'value > g->limit') - 4}`]);
  });
});

describe('one revision', () => {
  test('is that commit alone', () => {
    for (const word of ['HEAD', '@', 'HEAD^!', git(repo, 'rev-parse', 'HEAD').slice(0, 12)])
      expect(found(run(repo, ['check', word]).out), word).toEqual([`sleep-in-atomic ${lineOf(repo, 'gauge_wait(g);')}`]);
    expect(found(run(repo, ['check', 'HEAD~1']).out)[0]).toMatch(/^unlock-missing-on-path /);
  });

  test('that is a tag is the commit that it names', () => {
    const tagged = clone('tagged');
    git(tagged, 'tag', '-a', '-m', 'one', 'v1', 'HEAD~1');
    expect(found(run(tagged, ['check', 'v1']).out).map(f => f.split(' ')[0])).toEqual(['unlock-missing-on-path']);
  });

  test('that is a branch is what it holds and HEAD does not', () => {
    const other = clone('other');
    git(other, 'checkout', '-q', '-b', 'side', 'HEAD~2');
    edit(other, CLEAN);
    commit(other, 'gauge: a comment');
    expect(run(other, ['review', 'main']).err).toMatch(/^2 patches/m);
    // From where the two part, not from where HEAD is now.
    git(other, 'checkout', '-q', 'main');
    expect(run(other, ['review', 'side']).err).toMatch(/^1 patch,/m);
  });

  test('that is the branch of HEAD is what its upstream lacks', () => {
    const copy = join(work, 'upstream');
    git(work, 'clone', '-q', repo, copy);
    edit(copy, CLEAN);
    commit(copy, 'gauge: a comment');
    expect(run(copy, ['review', 'main']).err).toMatch(/^1 patch,/m);
    expect(run(repo, ['check', 'main'])).toEqual({
      status: 2,
      out: '',
      err: 'fencepost: main: the branch that you are on, and it has no upstream; say where it begins, as in HEAD~3..\n',
    });
  });

  test('that is a path as well is the path', () => {
    const both = clone('both');
    writeFileSync(join(both, 'main'), git(both, 'format-patch', '--stdout', '-1', 'HEAD~1'));
    expect(found(run(both, ['check', 'main']).out).map(f => f.split(' ')[0])[0]).toMatch(/unlock/);
  });
});

/** Something done as if from that folder, on a terminal. */
async function within<T>(folder: string, act: () => Promise<T>): Promise<T> {
  const before = { cwd: process.cwd(), tty: process.stdin.isTTY };
  process.chdir(folder);
  process.stdin.isTTY = true;
  try {
    return await act();
  } finally {
    process.stdin.isTTY = before.tty;
    process.chdir(before.cwd);
  }
}

describe('check alone on a terminal', () => {
  const terminal = (folder: string) => within(folder, () => openInputs([], true));

  test('is what the upstream lacks, and says where there is nothing, or no upstream', async () => {
    const copy = join(work, 'unsent');
    git(work, 'clone', '-q', repo, copy);
    expect(await terminal(copy)).toEqual([
      { input: '@{upstream}..HEAD', error: '@{upstream}..HEAD: nothing to check, the upstream has all commits of this branch' },
    ]);
    edit(copy, CLEAN);
    commit(copy, 'gauge: a comment');
    expect((await terminal(copy)).map(({ input }) => input)).toEqual(['@{upstream}..HEAD']);
    expect((await terminal(copy)).some(input => 'error' in input)).toBe(false);
    expect(await terminal(repo)).toMatchObject([{ error: expect.stringContaining('the branch has no upstream') }]);
    expect(await terminal(work)).toMatchObject([{ error: expect.stringContaining('stdin is a terminal') }]);
  });
});

describe('commits that are no series', () => {
  const one = (folder: string, ...args: string[]) => {
    const { status, out, err } = run(folder, ['check', ...args]);
    expect({ status, out, lines: err.split('\n').length }).toEqual({ status: 2, out: '', lines: 2 });
    return err;
  };

  test('give one line each: an empty range, two ends, no end, no commits', () => {
    expect(one(repo, 'HEAD..')).toBe('fencepost: HEAD..: no commits\n');
    expect(one(repo, 'HEAD..HEAD~1')).toBe('fencepost: HEAD..HEAD~1: no commits\n');
    expect(one(repo, '^HEAD')).toContain('names no commits');
    expect(one(repo, 'HEAD~99..')).toContain('no such file or folder, and no commits that git knows');
    expect(one(repo, 'HEAD:Kconfig')).toBe('fencepost: HEAD:Kconfig: no such file or folder\n');
    expect(one(repo, 'nothing.patch')).toBe('fencepost: nothing.patch: no such file or folder\n');
    expect(one(work, 'HEAD~1..')).toContain('no git repository here');
    const ends = clone('ends');
    git(ends, 'checkout', '-q', '-b', 'side', 'HEAD~1');
    edit(ends, CLEAN);
    commit(ends, 'gauge: a comment');
    expect(one(ends, 'main...side')).toContain('has 2 ends');
    git(ends, 'commit', '-q', '--allow-empty', '-m', 'nothing');
    expect(one(ends, 'HEAD^!')).toContain('change no file');
  });

  test('give one line: a merge, which git format-patch leaves out without a word', () => {
    const merged = clone('merged');
    git(merged, 'checkout', '-q', '-b', 'side', 'HEAD~2');
    writeFileSync(join(merged, 'other.c'), 'int other;\n');
    commit(merged, 'another file');
    git(merged, 'checkout', '-q', 'main');
    git(merged, 'merge', '-q', '--no-ff', '-m', 'Merge the side', 'side');
    const id = git(merged, 'rev-parse', 'HEAD').slice(0, 12);
    for (const range of ['HEAD~1..', 'HEAD^!', 'HEAD']) expect(one(merged, range)).toContain(`holds a merge (${id} Merge the side)`);
    edit(merged, CLEAN);
    commit(merged, 'gauge: a comment');
    expect(one(merged, 'HEAD~2..')).toContain('holds a merge');
    expect(run(merged, ['check', 'HEAD~1..']).status).toBe(0);
  });

  test('give one line: what reaches past a shallow clone, and histories that never met', () => {
    const shallow = join(work, 'shallow');
    git(work, 'clone', '-q', '--depth', '2', `file://${repo}`, shallow);
    expect(run(shallow, ['check', 'HEAD~1..']).status).toBe(1);
    for (const range of ['HEAD~1', 'HEAD~1^!']) expect(one(shallow, range)).toContain('reaches past what this shallow clone holds');
    expect(one(shallow, 'HEAD~2..')).toContain('in this shallow clone');
    const apart = clone('apart');
    git(apart, 'checkout', '-q', '--orphan', 'other');
    git(apart, 'commit', '-q', '-m', 'from nothing');
    expect(one(apart, 'main..other')).toContain('share no history');
  });

  test('are no options of git', () => {
    const made = join(work, 'made-by-option');
    expect(one(repo, '--', `--output-directory=${made}`)).toBe(`fencepost: --output-directory=${made}: no such file or folder\n`);
    expect(existsSync(made)).toBe(false);
  });
});

describe('what is not committed', () => {
  test('is what is staged, or what the work tree holds, against HEAD', () => {
    const open = clone('open');
    git(open, 'reset', '-q', '--hard', 'HEAD~2');
    expect(run(open, ['check', '--staged'])).toEqual({ status: 0, out: '', err: 'fencepost: --staged: nothing is staged\n' });
    expect(run(open, ['check', '--worktree'])).toEqual({ status: 0, out: '', err: 'fencepost: --worktree: nothing is changed\n' });
    edit(open, LIMIT);
    git(open, 'add', '-A');
    edit(open, WAIT);
    expect(found(run(open, ['check', '--staged']).out).map(f => f.split(' ')[0])).toEqual(['unlock-missing-on-path']);
    // The line is that of the file, which has two lines more above it than what is staged.
    expect(found(run(open, ['check', '--staged']).out)).toEqual([`unlock-missing-on-path ${lineOf(open, 'return -EINVAL')}`]);
    expect(found(run(join(open, 'drivers'), ['check', '--worktree']).out)).toEqual([
      `unlock-missing-on-path ${lineOf(open, 'return -EINVAL')}`,
      `sleep-in-atomic ${lineOf(open, 'gauge_wait(g);')}`,
    ]);
    const { input, reviews } = JSON.parse(run(open, ['check', '--staged', '--format', 'json']).out);
    expect(input).toBe('--staged');
    expect(reviews).toHaveLength(1);
    expect(run(open, ['check', '--staged', '--format', 'notes']).out).toContain('[PATCH] staged changes');
  });

  test('is seen in a linked work tree, with a split index, and before the first commit', () => {
    const first = clone('first');
    git(first, 'reset', '-q', '--hard', 'HEAD~2');
    const linked = join(work, 'linked');
    git(first, 'worktree', 'add', '-q', linked);
    git(linked, 'update-index', '--split-index');
    edit(linked, LIMIT);
    expect(found(run(linked, ['check', '--worktree']).out).map(f => f.split(' ')[0])).toEqual(['unlock-missing-on-path']);
    expect(run(first, ['check', '--worktree']).err).toContain('nothing is changed');
    git(linked, 'checkout', '-q', '--orphan', 'fresh');
    git(linked, 'add', '-A');
    expect(found(run(linked, ['check', '--staged']).out).map(f => f.split(' ')[0])).toEqual(['unlock-missing-on-path']);
    expect(run(linked, ['check', '--worktree'])).toMatchObject({ status: 2, err: expect.stringContaining('no commit to compare') });
  });

  test('changes nothing in the repository', () => {
    const quiet = clone('quiet');
    edit(quiet, CLEAN);
    const before = readdirSync(join(quiet, '.git'));
    const index = readFileSync(join(quiet, '.git/index'));
    run(quiet, ['check', '--worktree']);
    run(quiet, ['check', '--staged']);
    run(quiet, ['check', 'HEAD~2..']);
    expect(readdirSync(join(quiet, '.git'))).toEqual(before);
    expect(readFileSync(join(quiet, '.git/index')).equals(index)).toBe(true);
  });

  test('is named by the lines of the files: moved, kept, and gone', () => {
    const shown = carriedBy(
      [
        'diff --git a/a.c b/a.c',
        '--- a/a.c',
        '+++ b/a.c',
        '@@ -2,4 +2,5 @@ int f(void)',
        ' two',
        '-three',
        '+3',
        '+3a',
        ' four',
        ' five',
        '@@ -20,3 +21,2 @@',
        ' twenty',
        '--- a/b.c',
        ' last',
        'diff --git a/b.c b/b.c',
        '--- a/b.c',
        '+++ b/b.c',
        '@@ -0,0 +1 @@',
        '+one',
        '',
      ].join('\n'),
    );
    expect([1, 2, 3, 4, 5, 6, 19, 20, 21, 22, 23].map(n => shown('a.c', n))).toEqual([1, 2, 3, 5, 6, 7, 20, 21, 22, 22, 23]);
    expect(shown('b.c', 1)).toBe(2);
    expect(shown('c.c', 7)).toBe(7);
  });

  test('takes no INPUT, and is one of the two', () => {
    expect(run(repo, ['check', '--staged', 'HEAD']).err).toContain('--staged takes no INPUT');
    expect(run(repo, ['check', '--staged', '--worktree']).err).toContain('name one of them');
    expect(run(work, ['check', '--staged'])).toMatchObject({ status: 2, err: expect.stringMatching(/^fencepost: --staged: not a git repository/) });
  });
});

test('nothing that the configuration of a repository names is run', () => {
  const hostile = clone('hostile');
  const ran = join(work, 'ran');
  const script = join(work, 'evil.sh');
  writeFileSync(script, `#!/bin/sh\necho "$0 $*" >> ${ran}\ncat\n`);
  chmodSync(script, 0o755);
  // A commit whose signature git would check.
  const raw = git(hostile, 'cat-file', 'commit', 'HEAD');
  const signed = raw.replace('\n\n', '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n aaaa\n -----END PGP SIGNATURE-----\n\n');
  const done = spawnSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], { cwd: hostile, input: `${signed}\n`, encoding: 'utf8' });
  git(hostile, 'reset', '-q', '--hard', done.stdout.trim());
  mkdirSync(join(hostile, '.git/info'), { recursive: true });
  writeFileSync(join(hostile, '.git/info/attributes'), '*.c diff=evil filter=evil\n*.h filter=evil\n');
  writeFileSync(join(hostile, '.gitattributes'), '* diff=evil filter=evil\n');
  for (const hook of ['post-index-change', 'fsmonitor-watchman', 'pre-commit', 'reference-transaction', 'post-checkout']) {
    writeFileSync(join(hostile, '.git/hooks', hook), `#!/bin/sh\necho ${hook} >> ${ran}\n`);
    chmodSync(join(hostile, '.git/hooks', hook), 0o755);
  }
  writeFileSync(join(hostile, '.git/more'), `[diff "evil"]\n\ttextconv = ${script} textconv\n\tcommand = ${script} command\n`);
  const settings = {
    'include.path': 'more',
    'core.fsmonitor': `${script} fsmonitor`,
    'core.pager': `${script} pager`,
    'core.sshCommand': `${script} ssh`,
    'core.editor': `${script} editor`,
    'diff.external': `${script} external`,
    'filter.evil.clean': `${script} clean`,
    'filter.evil.smudge': `${script} smudge`,
    'filter.evil.process': `${script} process`,
    'alias.diff': `!${script} alias`,
    'alias.format-patch': `!${script} alias`,
    'gpg.program': `${script} gpg`,
    'log.showSignature': 'true',
    'pager.diff': `${script} pager`,
    'pager.format-patch': `${script} pager`,
    'remote.origin.url': `ext::${script} remote`,
    'remote.origin.promisor': 'true',
    'protocol.ext.allow': 'always',
    'extensions.partialClone': 'origin',
    'core.repositoryFormatVersion': '1',
  };
  for (const [key, value] of Object.entries(settings)) git(hostile, 'config', key, value);
  // A header that is missing would be fetched from the promisor; a file that may have changed would be filtered.
  const blob = git(hostile, 'rev-parse', 'HEAD~2:drivers/gauge/gauge.h');
  rmSync(join(hostile, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  edit(hostile, CLEAN);
  const got = [['HEAD~2..'], ['HEAD'], ['main'], ['--worktree'], ['--staged'], ['HEAD~2']].map(args =>
    run(hostile, ['check', ...args], { GIT_PAGER: `${script} pager` }),
  );
  const patch = join(work, 'hostile.patch');
  writeFileSync(patch, `${git(repo, 'format-patch', '--stdout', '-1')}\n`);
  for (const args of [['install'], ['run', '--', patch], ['uninstall']]) run(hostile, ['hook', ...args]);
  expect(existsSync(ran) ? readFileSync(ran, 'utf8') : '').toBe('');
  expect(got[0]?.status).toBe(1);
  expect(found(got[0]?.out ?? '')[0]).toMatch(/^unlock-missing-on-path /);
  // What can't be had without fetching is one line.
  expect(got[5]).toMatchObject({ status: 2, out: '' });
  // The trap works: git by itself runs it.
  spawnSync('git', ['diff'], { cwd: hostile });
  expect(readFileSync(ran, 'utf8')).not.toBe('');
});

test('an index with conflicts is no change to review yet', () => {
  const torn = clone('torn');
  git(torn, 'checkout', '-q', '-b', 'side', 'HEAD~1');
  edit(torn, text => text.replace('return value;', 'return value - 1;'));
  commit(torn, 'gauge: one less');
  git(torn, 'checkout', '-q', '-b', 'other', 'HEAD~1');
  edit(torn, text => text.replace('return value;', 'return value + 1;'));
  commit(torn, 'gauge: one more');
  expect(() => git(torn, 'merge', '-q', 'side')).toThrow();
  expect(run(torn, ['check', '--staged'])).toEqual({
    status: 2,
    out: '',
    err: `fencepost: --staged: ${GAUGE} is not merged; resolve its conflicts first\n`,
  });
});
