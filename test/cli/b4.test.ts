import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readTracking } from '../../src/cli/b4tracking.ts';
import { splitMail } from '../../src/cli/git/mail.ts';
import { VERSION } from '../../src/cli/version.ts';
import { agentReview, localCheck, reviewCheck } from '../report/replay.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const single = readFileSync(join(root, 'samples/single/0001-spindle-know-which-channels-wait-for-an-answer.patch'), 'utf8');
const cli = join(root, 'dist/cli.js');

function run(args: string[], { input = '', cwd = root }: { input?: string; cwd?: string } = {}) {
  const done = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', cwd, input });
  return { status: done.status, out: done.stdout, err: done.stderr };
}

const CLEAN = single.replace(/\n---\n[\s\S]*/, '\n---\n\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-int a;\n+int b;\n-- \n2.39.5\n');

describe('as a check of one patch on stdin', () => {
  test('a faulty patch is a warning, a clean one passes, and stderr stays empty whatever else there is to say', () => {
    for (const more of [[], ['--all'], ['--tree', tmpdir()], ['--cache-key', '0.1.0']]) {
      expect(localCheck('fencepost', run(['check', '--format', 'b4', ...more], { input: single }))).toEqual([
        { flag: 'warning', text: expect.stringMatching(/^fencepost: drivers\/spindle\/spindle_mbox\.c:\d+: WARNING: .* \[torn-pair-update\]$/) },
      ]);
      expect(run(['check', '--format', 'b4', ...more, '-'], { input: CLEAN })).toEqual({ status: 0, out: '', err: '' });
    }
  });

  test('a patch that git refuses is a failure', () => {
    const rows = localCheck('fencepost', run(['check', '--format', 'b4'], { input: single.replace(/^(@@ -\d+),\d+/m, '$1,99') }));
    expect(rows.map(row => row.flag)).toContain('fail');
  });

  test('what is no mail is a failure that says so, and so is a tree that is not there', () => {
    for (const [args, input, said] of [
      [[], 'hello\n', 'not a mail or patch'],
      [['--tree', '/nowhere'], single, '/nowhere'],
    ] as const) {
      const done = run(['check', '--format', 'b4', ...args], { input });
      expect([done.status, localCheck('fencepost', done)]).toEqual([2, [{ flag: 'fail', text: expect.stringContaining(said) }]]);
      expect(reviewCheck(run(['check', '--format', 'b4-json', ...args], { input }).out, 2)).toMatchObject([{ status: 'fail' }]);
    }
  });

  test('as JSON it is a check of its own, an empty list for a clean patch, and the same bytes each time', () => {
    const done = run(['check', '--format', 'b4-json', '--all'], { input: single });
    expect([done.status, done.err]).toEqual([1, '']);
    expect(reviewCheck(done.out, done.status)).toMatchObject([
      { tool: 'fencepost', status: 'warn', summary: '1 warning', rows: [{ status: 'warn' }] },
    ]);
    expect(run(['check', '--format', 'b4-json', '--all'], { input: single })).toEqual(done);
    expect(run(['check', '--format', 'b4-json'], { input: CLEAN })).toEqual({ status: 0, out: '[]\n', err: '' });
  });
});

describe('drafts on the command line', () => {
  test('go to stdout or a file, and stderr says how much was understood', () => {
    const done = run(['review', '--format', 'mail'], { input: single });
    expect([done.status, done.err]).toEqual([0, expect.stringMatching(/^1 patch, .*\n1 warning in 1 of 1 patch\n$/)]);
    expect(done.out).toMatch(/^From mboxrd@z .*\nTo: /);
    expect(run(['review', '--format', 'mail', '--color', 'always'], { input: single }).out).toBe(done.out);
  });

  test('scan has no mail to answer', () => {
    expect(run(['scan', '--format', 'mail', 'src']).err).toContain('--format takes notes, lines, json, not mail');
  });

  const sender = spawnSync('git', ['send-email', '-h'], { encoding: 'utf8' });
  test.skipIf(!/usage:|git send-email/.test(sender.stdout + sender.stderr))('git send-email takes one, with its threading', () => {
    const folder = repository({});
    const file = join(folder, 'draft');
    writeFileSync(file, run(['review', '--format', 'mail', join(root, 'samples/paired-bitmaps/series.mbox')]).out);
    const sent = spawnSync('git', ['-c', 'sendemail.smtpserver=/bin/true', 'send-email', '--dry-run', '--confirm=never', file], {
      encoding: 'utf8',
      cwd: folder,
    });
    expect(sent.status, sent.stderr).toBe(0);
    for (const line of [
      'To: Patch Author <author@example.org>',
      'Subject: Re: [RFC PATCH 1/5] dma: add slot pairs, a table kept twice',
      'In-Reply-To: <20260310101500.1-2-author@example.org>',
      'References: <20260310101500.1-1-author@example.org> <20260310101500.1-2-author@example.org>',
    ])
      expect(sent.stdout).toContain(`\n${line}\n`);
  });
});

const LANE = `struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i, m->idle);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}
`;

function git(cwd: string, args: string[], input = ''): string {
  return execFileSync('git', ['-c', 'user.name=A Maintainer', '-c', 'user.email=maintainer@example.org', ...args], {
    cwd,
    input,
    encoding: 'utf8',
  }).trim();
}

function put(cwd: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  git(cwd, ['add', '-A']);
}

/** A repository with one commit. */
function repository(files: Record<string, string>): string {
  const cwd = mkdtempSync(join(tmpdir(), 'fencepost-b4-'));
  git(cwd, ['init', '-q']);
  put(cwd, { Makefile: 'all:\n', ...files });
  git(cwd, ['commit', '-qm', 'base']);
  return cwd;
}

interface Patch {
  message: string;
  files: Record<string, string>;
  skipped?: true;
}

/** A review branch as b4 makes one: the patches, and on top a commit with what b4 keeps. */
function branch(patches: Patch[], base: Record<string, string> = {}): { cwd: string; folder: string; commits: string[] } {
  const cwd = repository(base);
  const commits = patches.map(({ message, files }) => {
    put(cwd, files);
    git(cwd, ['commit', '-q', '--cleanup=verbatim', '-F', '-'], message);
    return git(cwd, ['rev-parse', 'HEAD']);
  });
  const tracking = {
    series: { subject: '[PATCH 0/2] lanes', 'first-patch-commit': commits[0], 'base-commit': git(cwd, ['rev-parse', `${commits[0]}~1`]) },
    followups: [],
    patches: patches.map(({ message, skipped }) => ({
      title: message,
      ...(skipped ? { reviews: { 'm@example.org': { name: 'M', 'patch-state': 'skip' } } } : {}),
    })),
  };
  const message = `lanes\n\nWords of the cover letter.\n\n--- b4-review-tracking ---\n# This section is used internally by b4 review for tracking purposes.\n${JSON.stringify(tracking, null, 2)}`;
  git(cwd, ['commit', '-q', '--allow-empty', '--cleanup=verbatim', '-F', '-'], message);
  return { cwd, folder: join(cwd, '.git/b4-review', git(cwd, ['rev-parse', 'HEAD'])), commits };
}

const agent = (cwd: string, ...args: string[]) => run(['b4-agent', ...args, 'Read and execute the prompt from /some/where.md'], { cwd });
const written = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');

const OTHER = { message: 'other: begin\n', files: { 'other.c': 'int other(void)\n{\n\treturn 0;\n}\n' } };
const FAULTY = { message: 'lanes: keep them twice\n\nSo be it.\n', files: { 'drivers/lane.c': LANE } };

describe('the review agent', () => {
  test('leaves who reviews, what was found, and each patch with findings: its whole diff with comments', () => {
    const { cwd, folder, commits } = branch([OTHER, FAULTY]);
    expect(agent(cwd)).toMatchObject({ status: 0, out: '1 warning in 1 of 2 patches\n', err: expect.stringMatching(/^2 patches, /) });
    expect(readdirSync(folder).sort()).toEqual(['0002.txt', 'identity.txt', 'series.txt']);
    expect(written(folder, 'identity.txt')).toMatch(/^\S+ <\S+@\S+>\n$/);
    expect(written(folder, 'series.txt')).toMatch(/^1 warning in 1 of 2 patches\n\n2 patches, /);
    const { note, comments, diff } = agentReview(written(folder, '0002.txt'));
    expect(diff.join('\n')).toBe(git(cwd, ['diff', `${commits[1]}~1`, commits[1] ?? '']));
    expect(note).toBe('1 warning: torn-pair-update');
    expect(comments.map(c => [c.path, c.line, c.content])).toEqual([['b/drivers/lane.c', 8, '+\tset_bit(i, m->used);']]);
  });

  test('writes the same bytes again, and nothing of an earlier run stays', () => {
    const { cwd, folder } = branch([FAULTY]);
    agent(cwd);
    const before = readdirSync(folder).map(name => [name, written(folder, name)]);
    writeFileSync(join(folder, '0009.txt'), 'old');
    expect(agent(cwd).status).toBe(0);
    expect(readdirSync(folder).map(name => [name, written(folder, name)])).toEqual(before);
  });

  test('leaves the review of another agent alone', () => {
    const { cwd, folder } = branch([FAULTY]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'identity.txt'), 'Other Agent <other@example.org>\n');
    expect(agent(cwd)).toMatchObject({ status: 2, out: '', err: expect.stringContaining('holds a review by Other Agent') });
    expect(existsSync(join(folder, '0001.txt'))).toBe(false);
  });

  test('says nothing of a patch that the maintainer has marked as one to skip', () => {
    const { cwd, folder } = branch([{ ...FAULTY, skipped: true }]);
    expect(agent(cwd).status).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['identity.txt', 'series.txt']);
  });

  test('reads what git commits, whatever a message holds', () => {
    const message = `lanes: keep
 them twice

From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
---
diff --git a/x.c b/x.c
--- a/x.c
+++ b/x.c
@@ -1 +1,999 @@
-a
+b
---  

> From x
`;
    const { cwd, folder, commits } = branch([{ message, files: { ...FAULTY.files, 'z.bin': '\0\x01' } }]);
    expect(agent(cwd).status).toBe(0);
    const { comments, diff } = agentReview(written(folder, '0001.txt'));
    expect(comments.map(c => c.line)).toEqual([8]);
    const text = (lines: string[]) =>
      lines.slice(
        0,
        lines.findIndex(line => line.startsWith('diff --git a/z.bin')),
      );
    expect(text(diff)).toEqual(text(git(cwd, ['diff', `${commits[0]}~1`, commits[0] ?? '']).split('\n')));
  });

  test('takes the facts of the code before the series, not those that a patch brings, and not the work tree', () => {
    const facts = { '.fencepost.yaml': 'invariants:\n  - serialised: struct lane_map\n    by: caller\n    why: one owner at a time\n' };
    const found = (base: Record<string, string>, patch: Record<string, string>) => {
      const { cwd, folder } = branch([{ ...FAULTY, files: { ...FAULTY.files, ...patch } }], base);
      writeFileSync(join(cwd, 'drivers/lane.c'), 'not what was committed');
      expect(agent(cwd).status).toBe(0);
      return existsSync(join(folder, '0001.txt'));
    };
    expect([found({}, facts), found(facts, {})]).toEqual([true, false]);
  });

  test('is told by fencepost.yaml what to leave out, unless the patches bring or change it', () => {
    const off = { 'fencepost.yaml': 'rules:\n  torn-pair-update: off\n' };
    const { cwd, folder } = branch([FAULTY], off);
    expect(agent(cwd)).toMatchObject({ status: 0, out: 'no findings\n', err: expect.stringContaining('1 rule is off by fencepost.yaml') });
    expect(existsSync(join(folder, '0001.txt'))).toBe(false);
    expect(agent(cwd, '--no-config').out).toBe('1 warning in 1 of 1 patch\n');
    const brought = branch([{ ...FAULTY, files: { ...FAULTY.files, ...off } }]);
    const refused = agent(brought.cwd);
    expect(refused).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringMatching(/^fencepost b4-agent: fencepost\.yaml: these patches change .*\n$/),
    });
    expect(agent(brought.cwd, '--config', 'fencepost.yaml').out).toBe('no findings\n');
    const below = branch(
      [
        {
          ...FAULTY,
          files: {
            ...FAULTY.files,
            'mine/ok.yaml':
              'schema: fencepost.baseline/1\nfindings: [{fingerprint: "0000000000000000", rule: torn-pair-update, path: x.c, function: f}]\n',
          },
        },
      ],
      {
        'fencepost.yaml': 'baseline: mine/ok.yaml\n',
      },
    );
    expect(agent(below.cwd).err).toContain('mine/ok.yaml: these patches change');
  });

  test('runs nothing of the tree: no hook, no filter, no external diff', () => {
    const { cwd } = branch([{ ...FAULTY, files: { ...FAULTY.files, '.gitattributes': '*.c diff=x filter=x\n' } }]);
    for (const key of ['diff.external', 'diff.x.command', 'diff.x.textconv', 'filter.x.smudge', 'filter.x.clean', 'core.fsmonitor'])
      git(cwd, ['config', key, 'touch ran #']);
    expect(agent(cwd).status).toBe(0);
    expect(existsSync(join(cwd, 'ran'))).toBe(false);
  });

  test('says in one line what is no review branch', () => {
    const oneLine = (cwd: string) => {
      const { status, out, err } = agent(cwd);
      expect([status, out, err.split('\n').length]).toEqual([2, '', 2]);
      return err;
    };
    expect(oneLine(mkdtempSync(join(tmpdir(), 'fencepost-b4-')))).toContain('no git repository');
    expect(oneLine(repository({}))).toContain('not the last commit of a review branch');
    const { cwd } = branch([FAULTY]);
    git(
      cwd,
      ['commit', '-q', '--allow-empty', '-F', '-'],
      `x\n\n--- b4-review-tracking ---\n{"series":{"first-patch-commit":"${'1'.repeat(40)}"},"patches":[]}`,
    );
    expect(oneLine(cwd)).toContain('does not reach its first patch');
  });
});

describe('what b4 keeps in its commit', () => {
  const of = (json: string) => readTracking(`cover\n\n--- b4-review-tracking ---\n# x\n${json}`);

  test('is read where it is what b4 writes, and nothing else is taken for it', () => {
    const first = 'a'.repeat(40);
    expect(
      of(
        `{"series":{"first-patch-commit":"${first}","subject":"s","reviews":{"m":{"patch-state":"skip"}}},"patches":[{},{"reviews":{"m":{"patch-state":"done"}}}]}`,
      ),
    ).toEqual({
      subject: 's',
      first,
      isCoverSkipped: true,
      skipped: [false, false],
    });
    for (const json of [
      '',
      '[]',
      'null',
      '{',
      '{"series":1}',
      '{"series":{"first-patch-commit":"--all"},"patches":[]}',
      `{"series":{"first-patch-commit":"${first}"},"patches":{}}`,
    ])
      expect(of(json), json).toBeNull();
    expect(readTracking('no marker')).toBeNull();
  });
});

test('the lines for b4’s configuration name this version, by which b4 caches', () => {
  const keys = [...readFileSync(join(root, 'docs/b4.md'), 'utf8').matchAll(/^ .*fencepost check .*--cache-key (\S+)$/gm)].map(([, key]) => key);
  expect(keys).toEqual([VERSION, VERSION, VERSION]);
});

test('a mail without a diff is none', () => {
  expect(splitMail('From x\nSubject: y\n\nz\n---\n 0 files changed\n\n', 'y\n\nz\n')).toBeNull();
});
