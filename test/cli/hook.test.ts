import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLEAN, commit, edit, git, LIMIT, repository, WAIT } from './repository.ts';

const command = join(fileURLToPath(new URL('../..', import.meta.url)), 'dist/cli.js');
const hasSendEmail = spawnSync('git', ['send-email', '--dump-aliases'], { encoding: 'utf8', cwd: tmpdir() }).status === 0;
if (!hasSendEmail) process.stdout.write('Skipped, as git send-email is not there: the tests of the hook in a real one\n');

let work = '';
beforeAll(() => {
  // What a shell would act on stands in every path.
  work = join(mkdtempSync(join(tmpdir(), 'hooks-')), `it's "a" $HOME\\ \`folder\``);
  mkdirSync(work);
});
afterAll(() => rmSync(join(work, '..'), { recursive: true, force: true }));

/** A driver, and two commits that are wrong each, on `main`; the branch `clean` has two that are not. */
function faulty(name: string): string {
  const repo = repository(join(work, name));
  git(repo, 'checkout', '-q', '-b', 'clean');
  edit(repo, CLEAN);
  commit(repo, 'gauge: an end');
  edit(repo, CLEAN);
  commit(repo, 'gauge: another end');
  git(repo, 'checkout', '-q', 'main');
  edit(repo, LIMIT);
  commit(repo, 'gauge: refuse what is over the limit');
  edit(repo, WAIT);
  commit(repo, 'gauge: wait before the value is set');
  return repo;
}

function hook(cwd: string, args: string[], env: Record<string, string> = {}) {
  const done = spawnSync(process.execPath, [command, 'hook', ...args], { encoding: 'utf8', cwd, env: { ...process.env, ...env } });
  return { status: done.status, out: done.stdout, err: done.stderr };
}

/** Patch files of the last commits. */
function patches(repo: string, folder: string, ...args: string[]): string[] {
  return git(repo, 'format-patch', '-o', join(work, folder), ...args).split('\n');
}

/** The rules that are named, in order. */
function rules(text: string): string[] {
  return [...text.matchAll(/\[([\w-]+)\]$/gm)].map(([, rule = '']) => rule);
}

const BOTH = ['unlock-missing-on-path', 'sleep-in-atomic'];
test('options that are right are installed without a word on the mail that they were tried on', () => {
  const repo = repository(join(work, 'quiet'));
  expect(hook(repo, ['install', '--fail-on', 'error'])).toMatchObject({ status: 0, err: '' });
  expect(hook(repo, ['install', '--fail-on', 'bad'])).toMatchObject({ status: 2, err: expect.stringContaining('--fail-on') });
});

const SENT = ['send-email', '--dry-run', '--to=list@example.org', '--from=author@example.org', '--confirm=never', '--suppress-cc=all'];

describe.skipIf(!hasSendEmail)('in a real git send-email', () => {
  const send = (repo: string, ...args: string[]) => {
    const done = spawnSync('git', [...SENT, ...args], { cwd: repo, encoding: 'utf8', input: '' });
    return { status: done.status, sent: (done.stdout.match(/^Subject: /gm) ?? []).length, said: done.stdout + done.stderr };
  };

  test('a clean series passes, a faulty one is stopped with all its findings, and --no-validate passes', () => {
    const repo = faulty('real');
    expect(send(repo, 'HEAD~2').sent).toBe(2);
    expect(hook(repo, ['install']).status).toBe(0);
    expect(send(repo, 'main~2..clean')).toMatchObject({ status: 0, sent: 2 });
    const stopped = send(repo, 'HEAD~2');
    expect(stopped.status).not.toBe(0);
    expect(stopped.sent).toBe(0);
    expect(rules(stopped.said)).toEqual(BOTH);
    expect(stopped.said).toContain('--no-validate');
    expect(send(repo, '--no-validate', 'HEAD~2')).toMatchObject({ status: 0, sent: 2 });
    expect(readdirSync(join(repo, '.git')).filter(name => name.startsWith('fencepost'))).toEqual([]);
    expect(hook(repo, ['uninstall']).status).toBe(0);
    expect(send(repo, 'HEAD~2')).toMatchObject({ status: 0, sent: 2 });
  });

  test('files with a cover letter are one series, from a subfolder and a linked work tree too', () => {
    const repo = faulty('cover');
    const files = patches(repo, 'cover-files', '--cover-letter', '-2');
    for (const file of files)
      writeFileSync(file, readFileSync(file, 'utf8').replace('*** SUBJECT HERE ***', 'gauge').replace('*** BLURB HERE ***', 'Text.'));
    hook(repo, ['install']);
    expect(rules(send(join(repo, 'drivers'), ...files).said)).toEqual(BOTH);
    const linked = join(work, 'linked');
    git(repo, 'worktree', 'add', '-q', '--detach', linked);
    expect(rules(send(linked, ...files).said)).toEqual(BOTH);
  });

  test('mail without a diff is sent', () => {
    const repo = faulty('mail');
    hook(repo, ['install']);
    const mail = join(work, 'mail.txt');
    writeFileSync(mail, 'Subject: a meeting\n\nOn Monday.\n');
    expect(send(repo, mail)).toMatchObject({ status: 0, sent: 1 });
  });
});

describe('one call a file', () => {
  test('with counters: nothing is said before the last, then everything, and nothing stays', () => {
    const repo = faulty('counted');
    const files = patches(repo, 'counted-files', '-2');
    const call = (n: number, total = 2) =>
      hook(repo, ['run', '--', files[n - 1] ?? '', join(repo, '.git/headers')], {
        GIT_SENDEMAIL_FILE_COUNTER: String(n),
        GIT_SENDEMAIL_FILE_TOTAL: String(total),
      });
    for (let round = 0; round < 2; round++) {
      // A run that was broken off after its first file.
      expect(call(1, 3)).toEqual({ status: 0, out: '', err: '' });
      expect(call(1)).toEqual({ status: 0, out: '', err: '' });
      const last = call(2);
      expect(last.status).toBe(1);
      expect(rules(last.out)).toEqual(BOTH);
      expect(readdirSync(join(repo, '.git')).filter(name => name.startsWith('fencepost'))).toEqual([]);
    }
  });

  test('with counters, files of several folders that say no number are all reviewed', () => {
    const repo = faulty('folders');
    const [one = ''] = patches(repo, 'folder-1', '-1', '--start-number=1', 'HEAD~1');
    const [two = ''] = patches(repo, 'folder-2', '-1', 'HEAD');
    const env = (n: number) => ({ GIT_SENDEMAIL_FILE_COUNTER: String(n), GIT_SENDEMAIL_FILE_TOTAL: '2' });
    expect(hook(repo, ['run', one], env(1)).out).toBe('');
    expect(rules(hook(repo, ['run', two], env(2)).out)).toContain('unlock-missing-on-path');
  });

  test('with counters, at the last the series is reviewed where the calls before were not seen', () => {
    const repo = faulty('unseen');
    const [one = '', two = ''] = patches(repo, 'unseen-files', '-2');
    const env = { GIT_SENDEMAIL_FILE_COUNTER: '2', GIT_SENDEMAIL_FILE_TOTAL: '2' };
    expect(rules(hook(repo, ['run', '--', two], env).out)).toEqual(BOTH);
    // Sent in another order, and from a folder that is no repository.
    expect(rules(hook(work, ['run', '--', one], env).out)[0]).toMatch(/^unlock-missing/);
  });

  test('without counters: the series is known from the numbers of the files beside it', () => {
    const repo = faulty('beside');
    const [one = '', two = ''] = patches(repo, 'beside-files', '-2');
    expect(hook(repo, ['run', '--', one])).toEqual({ status: 0, out: '', err: '' });
    expect(rules(hook(repo, ['run', '--', two]).out)).toEqual(BOTH);
    // An older run under another name lies beside it.
    const old = join(work, 'beside-files/0001-gauge-an-older-title.patch');
    writeFileSync(old, git(repo, 'format-patch', '--stdout', '--subject-prefix=PATCH 1/2', '-N', '-1', 'clean'));
    utimesSync(old, 1e9, 1e9);
    expect(rules(hook(repo, ['run', '--', two]).out)).toEqual(BOTH);
    // Where the last is not there, the last that is there is the last.
    rmSync(two);
    expect(rules(hook(repo, ['run', '--', one]).out)).toEqual(['unlock-missing-on-path']);
  });

  test('without counters and numbers each file is by itself', () => {
    const repo = faulty('single');
    const [one = ''] = patches(repo, 'single-files', '-1', 'HEAD~1');
    const { status, out } = hook(repo, ['run', '--', one]);
    expect({ status, found: rules(out) }).toEqual({ status: 1, found: ['unlock-missing-on-path'] });
  });

  test('reads what is around a patch from the commit that it was made on, and does without elsewhere', () => {
    const repo = faulty('around');
    const [one = ''] = patches(repo, 'around-files', '-1', 'HEAD');
    writeFileSync(join(repo, 'drivers/gauge/gauge.h'), 'of no use\n');
    expect(rules(hook(repo, ['run', '--', one]).out)).toEqual(['sleep-in-atomic']);
    expect(hook(work, ['run', '--', one])).toMatchObject({ err: expect.not.stringContaining('fault') });
  });

  test('says where the file is not there, and stops the mail', () => {
    expect(hook(work, ['run', '--', 'nowhere.patch'])).toEqual({
      status: 2,
      out: '',
      err: 'fencepost hook: nowhere.patch: no such file or folder\n',
    });
    expect(hook(work, ['run'])).toMatchObject({ status: 2, err: expect.stringContaining('run takes the file') });
  });
});

describe('a hook that is there', () => {
  const there = (repo: string) => join(repo, '.git/hooks/sendemail-validate');

  test('is run first, stops the mail where it fails, and is restored as it was', () => {
    const repo = faulty('chained');
    const [one = ''] = patches(repo, 'chained-files', '-1', 'HEAD~1');
    const text = `#!/bin/sh\necho "first: $1 $2" >&2\n[ ! -e "$(dirname "$0")/stop" ]\n`;
    writeFileSync(there(repo), text);
    chmodSync(there(repo), 0o750);
    expect(hook(repo, ['install']).out).toContain('is run first');
    expect(hook(repo, ['install']).status).toBe(0);
    const call = () => spawnSync(there(repo), [one, 'headers'], { cwd: repo, encoding: 'utf8' });
    const both = call();
    expect(both.stderr.startsWith(`first: ${one} headers\n`)).toBe(true);
    expect(rules(both.stdout)).toEqual(['unlock-missing-on-path']);
    writeFileSync(join(repo, '.git/hooks/stop'), '');
    expect(call()).toMatchObject({ status: 1, stdout: '', stderr: `first: ${one} headers\n` });
    expect(hook(repo, ['uninstall']).status).toBe(0);
    expect(readFileSync(there(repo), 'utf8')).toBe(text);
    expect(lstatSync(there(repo)).mode & 0o777).toBe(0o750);
    expect(readdirSync(join(repo, '.git/hooks')).filter(name => name.includes('fencepost'))).toEqual([]);
    // What is not fencepost's stays.
    expect(hook(repo, ['uninstall'])).toMatchObject({ status: 2, err: expect.stringContaining("is not fencepost's, and stays") });
  });

  test('is restored as a link where it was one, and as of no use where it was not executable', () => {
    const repo = faulty('link');
    mkdirSync(join(repo, '.git/hooks'), { recursive: true });
    symlinkSync('../../check.sh', there(repo));
    hook(repo, ['install']);
    const [one = ''] = patches(repo, 'link-files', '-1', 'clean');
    expect(spawnSync(there(repo), [one], { cwd: repo, encoding: 'utf8' }).status).toBe(0);
    hook(repo, ['uninstall']);
    expect(lstatSync(there(repo)).isSymbolicLink()).toBe(true);
  });

  test('of an earlier time is never written over', () => {
    const repo = faulty('twice');
    writeFileSync(there(repo), '#!/bin/sh\n');
    hook(repo, ['install']);
    writeFileSync(there(repo), '#!/bin/sh\n# another\n');
    expect(hook(repo, ['install'])).toMatchObject({ status: 2, err: expect.stringContaining('is there already') });
    expect(readFileSync(there(repo), 'utf8')).toBe('#!/bin/sh\n# another\n');
  });
});

describe('install', () => {
  test('finds the folder of core.hooksPath, from the top where it is relative', () => {
    const repo = faulty('path');
    for (const [set, folder] of [
      ['my hooks', join(repo, 'my hooks')],
      [join(work, 'shared hooks'), join(work, 'shared hooks')],
    ]) {
      git(repo, 'config', 'core.hooksPath', set ?? '');
      expect(hook(join(repo, 'drivers'), ['install']).status).toBe(0);
      expect(existsSync(join(folder ?? '', 'sendemail-validate'))).toBe(true);
      expect(hook(join(repo, 'drivers'), ['uninstall']).status).toBe(0);
      expect(existsSync(join(folder ?? '', 'sendemail-validate'))).toBe(false);
    }
  });

  test('in a linked work tree is in the hooks that all of them share', () => {
    const repo = faulty('main-tree');
    git(repo, 'worktree', 'add', '-q', '--detach', join(work, 'second-tree'));
    expect(hook(join(work, 'second-tree'), ['install']).status).toBe(0);
    expect(existsSync(join(repo, '.git/hooks/sendemail-validate'))).toBe(true);
  });

  test('outside a repository says so', () => {
    for (const word of ['install', 'uninstall'])
      expect(hook(work, [word])).toEqual({ status: 2, out: '', err: 'fencepost hook: not in a git repository\n' });
  });

  test('keeps the options of check, and takes no wrong one', () => {
    const repo = faulty('options');
    expect(hook(repo, ['install', '--nothing'])).toMatchObject({ status: 2, err: expect.stringContaining('no option is called --nothing') });
    expect(existsSync(join(repo, '.git/hooks/sendemail-validate'))).toBe(false);
    expect(hook(repo, ['install', '--fail-on', 'never']).status).toBe(0);
    const [one = ''] = patches(repo, 'option-files', '-1', 'HEAD~1');
    const done = spawnSync(join(repo, '.git/hooks/sendemail-validate'), [one], { cwd: repo, encoding: 'utf8' });
    expect({ status: done.status, found: rules(done.stdout) }).toEqual({ status: 0, found: ['unlock-missing-on-path'] });
  });

  test('has a hook that says so where the command has gone', () => {
    const repo = faulty('gone');
    hook(repo, ['install']);
    const path = join(repo, '.git/hooks/sendemail-validate');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^fencepost=.*$/m, "fencepost='/nowhere/cli.js'"));
    const done = spawnSync(path, ['x'], { cwd: repo, encoding: 'utf8' });
    expect(done).toMatchObject({ status: 1, stderr: expect.stringContaining('/nowhere/cli.js is gone; install the hook again') });
  });

  test('is one of three words', () => {
    expect(hook(work, [])).toMatchObject({ status: 2, err: 'fencepost hook: expected install, uninstall or run\n' });
    expect(hook(work, ['instal\x1b[31m'])).toMatchObject({ status: 2, err: expect.not.stringContaining('\x1b') });
    expect(hook(work, ['install', '--help'])).toMatchObject({ status: 0, out: expect.stringMatching(/^fencepost hook install/) });
  });
});
