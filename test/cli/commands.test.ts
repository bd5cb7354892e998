import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
// @ts-expect-error Scripts are plain JavaScript.
import { namesFile, WITH_VALUE } from '../../scripts/run.mjs';
import { COMMAND_HELP, HELP } from '../../src/cli/help.ts';
import { nearestWord } from '../../src/cli/options.ts';
import { command, root, started } from './command.ts';

const work = mkdtempSync(join(tmpdir(), 'fencepost-'));
const single = readFileSync(join(root, 'samples/single/0001-spindle-know-which-channels-wait-for-an-answer.patch'), 'utf8');

function run(...args: string[]) {
  return command(args);
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(work, name);
  writeFileSync(path, content);
  return path;
}

function read(input: string, ...args: string[]) {
  return started(args, { input });
}

describe('the exit status', () => {
  test('is 1 where check finds something, with one line a finding on stdout and nothing on stderr', () => {
    const { status, out, err } = run('check', 'samples/single');
    expect({ status, err }).toEqual({ status: 1, err: '' });
    expect(out).toMatch(/^drivers\/spindle\/spindle_mbox\.c:\d+: WARNING: .* \[torn-pair-update\]\n$/);
  });

  test('is 0 on the clean series, silent but for what was understood and what was found', () => {
    expect(run('check', 'samples/clean')).toEqual({ status: 0, out: '', err: '' });
    const review = run('review', 'samples/clean');
    expect(review.out).toBe('');
    expect(review.err).toMatch(/^3 patches, \d+ functions, \d+ events, \d+ claims decided, \d+ held\nno findings\n$/);
  });

  test('is 1 on the paired bitmaps, and 0 where the gate is never', () => {
    expect(run('check', 'samples/paired-bitmaps').status).toBe(1);
    expect(run('check', '--fail-on', 'never', 'samples/paired-bitmaps').status).toBe(0);
    expect(run('check', '--fail-on', 'error', 'samples/paired-bitmaps').status).toBe(0);
    expect(run('review', 'samples/paired-bitmaps').status).toBe(0);
    expect(run('review', '--fail-on', 'warning', 'samples/paired-bitmaps').status).toBe(1);
  });

  test('a note alone does not fail the check', () => {
    expect(run('check', '--rule', 'cold-inline-helper', 'samples/paired-bitmaps').status).toBe(0);
    expect(run('check', '--rule', 'cold-inline-helper', '--fail-on', 'note', 'samples/paired-bitmaps').status).toBe(1);
  });
});

describe('bad input gives one clear line and never a stack trace', () => {
  const oneLine = (r: ReturnType<typeof run>) => {
    expect(r.err).not.toMatch(/\n\s+at /);
    expect(r.err.trim().split('\n')).toHaveLength(1);
    return r;
  };

  test('a file that is not there: exit 2, and the others are read all the same', () => {
    const r = oneLine(run('check', join(work, 'nowhere.mbox'), 'samples/single'));
    expect(r.status).toBe(2);
    expect(r.err).toContain('nowhere.mbox: no such file');
    expect(r.out).toContain('torn-pair-update');
  });

  test('an empty file', () => {
    const r = oneLine(run('check', file('empty.mbox', '')));
    expect(r.status).toBe(2);
    expect(r.err).toMatch(/empty\.mbox: not a mail or patch \(empty\)\n$/);
    expect(oneLine(read('', 'review', '-')).err).toBe('fencepost: stdin: not a mail or patch (empty)\n');
    expect(read('', 'review', '-').status).toBe(2);
  });

  test('a binary', () => {
    const r = oneLine(
      run(
        'check',
        file(
          'noise.bin',
          Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256),
        ),
      ),
    );
    expect(r.status).toBe(2);
    expect(r.err).toMatch(/noise\.bin: not a mail or patch \(binary data\)\n$/);
  });

  test('what is called .gz and is not compressed, and what is compressed and holds no mail', () => {
    expect(oneLine(run('check', file('plain.mbox.gz', 'hello\n')))).toMatchObject({
      status: 2,
      err: expect.stringContaining('not compressed by gzip'),
    });
    expect(oneLine(run('check', file('notes.gz', gzipSync(Buffer.from('hello\n')))))).toMatchObject({
      status: 2,
      err: expect.stringContaining('without mail headers'),
    });
    expect(oneLine(run('check', file('damaged.gz', gzipSync(Buffer.from(single)).subarray(0, 12))))).toMatchObject({
      status: 2,
      err: expect.stringContaining('damaged gzip data'),
    });
  });

  test('a mail is told by what is in it, whatever it is called', () => {
    expect(run('check', file('mail.gz', single)).status).toBe(1);
    expect(run('check', file('mail.c', single)).status).toBe(1);
  });

  test('a C file is pointed to scan, a patch given to scan to check', () => {
    const path = file('x.c', 'int x;\n');
    expect(oneLine(run('check', path))).toMatchObject({ status: 2, err: expect.stringContaining(`\`fencepost scan ${path}\``) });
    expect(oneLine(run('scan', file('x.patch', single)))).toMatchObject({ status: 2, err: expect.stringContaining('`fencepost check ') });
  });

  test('what is no mail has a JSON document beside the others, and counts', () => {
    const r = run('review', '--format', 'json', file('void.mbox', ''), 'samples/clean');
    expect(r.status).toBe(2);
    expect(
      r.out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).reviews.length),
    ).toEqual([0, 1]);
  });

  test.each([
    ['Subject: [GIT PULL] locking fixes', 'The following changes since commit 0123456789abcdef:\n\n  one (2026-01-01)\n'],
    ['Subject: [PATCH 0/2] locking fixes', 'Two fixes.\n'],
  ])('%s alone is a mail without a patch: exit 0, and said', (subject, body) => {
    const r = oneLine(run('check', file('alone.eml', `From: Patch Author <author@example.org>\n${subject}\nMessage-ID: <1@example.org>\n\n${body}`)));
    expect(r).toMatchObject({ status: 0, out: '' });
    expect(r.err).toContain('no patch');
  });

  test('an address or a Message-ID in place of a file: how to save the thread', () => {
    for (const [name, said] of [
      ['https://lore.kernel.org/all/20260101.1-2@example.org/', 'b4 mbox 20260101.1-2@example.org'],
      ['https://lore.kernel.org/all/a%2Bb@example.org/T/#u', 'b4 mbox a+b@example.org'],
      ['20260101.1-2@example.org', 'b4 mbox 20260101.1-2@example.org'],
      ['<20260101.1-2@example.org>', 'b4 mbox 20260101.1-2@example.org'],
      ['x;reboot@example.org', 'b4 mbox MESSAGE-ID'],
      ['https://example.org/', 'b4 mbox MESSAGE-ID'],
    ] as const) {
      const r = oneLine(run('review', name));
      expect(r.status).toBe(2);
      expect(r.err.trimEnd().endsWith(said), r.err).toBe(true);
    }
  });

  test('an mbox without a patch', () => {
    const mail =
      'From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Patch Author <author@example.org>\nSubject: hello\nMessage-ID: <1@example.org>\n\nNo diff here.\n';
    const r = oneLine(run('check', file('talk.mbox', mail)));
    expect(r.status).toBe(0);
    expect(r.err).toContain('talk.mbox');
  });

  test('a truncated .gz: what could be read is reviewed', () => {
    const whole = gzipSync(Buffer.from(readFileSync(join(root, 'samples/paired-bitmaps/series.mbox'))));
    const r = run('check', file('cut.mbox.gz', whole.subarray(0, Math.floor(whole.length * 0.8))));
    expect(r.status).toBe(1);
    expect(r.err.split('\n')[0]).toMatch(/cut\.mbox\.gz.*after message \d+/);
    expect(r.err).not.toMatch(/\n\s+at /);
  });

  test('a patch whose hunk counts disagree: refused, an error to check, a problem beside the rest to review', () => {
    const bad = file(
      'short.patch',
      single.replace(/@@ -(\d+),(\d+) \+(\d+),(\d+) @@/, (_, a, b, c, d) => `@@ -${a},${Number(b) + 7} +${c},${Number(d) + 9} @@`),
    );
    const checked = run('check', bad);
    expect(checked.status).toBe(1);
    expect(checked.out).toMatch(/ERROR: .*\[refused\]/);
    const reviewed = run('review', bad);
    expect(reviewed.status).toBe(0);
    expect(reviewed.err).toMatch(/short\.patch.*(?:line|hunk)/);
  });

  test('a folder without a mail', () => {
    const r = oneLine(run('check', mkdtempSync(join(work, 'folder-'))));
    expect(r.status).toBe(2);
    expect(r.err).toContain('no mail or patch');
  });

  test('an unknown command, with the nearest one', () => {
    for (const [word, said] of [
      ['reviw', 'no command is called reviw; did you mean review?'],
      ['--versoin', 'no option is called --versoin; did you mean --version?'],
      ['constructor', 'no command is called constructor; `fencepost --help` lists them'],
    ] as const)
      expect(run(word)).toEqual({ status: 2, out: '', err: `fencepost: ${said}\n` });
  });

  test('an unknown option or rule, with the nearest one', async () => {
    for (const [said, command, ...args] of [
      ['no option is called --colour; did you mean --color?', 'review', '--colour', 'samples/clean'],
      ['no option is called --jsno; did you mean --json?', 'rules', '--jsno'],
      ['no option is called --fail-no; did you mean --fail-on?', 'scan', '--fail-no', 'note', 'src'],
      ['no option is called --bogus; --help lists them', 'rules', '--bogus'],
      ['no rule is called torn-pair-updaet; did you mean torn-pair-update?', 'check', '--rule', 'torn-pair-updaet', 'samples/clean'],
      ['no rule is called torn-pair; did you mean torn-pair-update?', 'explain', 'torn-pair'],
      ['no rule is called no-such-rule; `fencepost rules` lists them', 'explain', 'no-such-rule'],
      ['-o needs a value: a file', 'review', '-o'],
      ['--tree needs a value: the folder of a kernel tree', 'review', '--tree', '--all', 'samples/clean'],
      ['--all takes no value', 'review', '--all=yes', 'samples/clean'],
      ['--color takes auto, always, never, not red', 'check', '--color', 'red', 'samples/clean'],
      ['takes no argument', 'rules', 'torn-pair-update'],
      ['name the INPUT', 'explain', '0123abcd'],
    ]) {
      const r = run(command ?? '', ...args);
      expect({ status: r.status, out: r.out }, args.join(' ')).toEqual({ status: 2, out: '' });
      expect(r.err.trim().split('\n')).toHaveLength(1);
      expect(r.err).toContain(said);
    }
  });

  test('an unknown format, rule or gate', () => {
    expect(oneLine(run('review', '--format', 'pdf', 'samples/clean')).status).toBe(2);
    expect(oneLine(run('check', '--rule', 'no-such-rule', 'samples/clean')).status).toBe(2);
    expect(oneLine(run('explain', 'no-such-rule')).status).toBe(2);
  });
});

test('control characters of a mail never reach the terminal raw', () => {
  const evil = single
    .replace('spindle: know', 'spindle\u001b[31m\u009b2J\u202e: know')
    .replace(/From: .*\n/, 'From: Patch \u001b]0;x\u0007 Author <author@example.org>\n');
  const path = file('evil.patch', evil.replace('set_bit(chan, sp->pending);', 'set_bit(chan, sp->pending); /* \u001b[2J */'));
  for (const args of [
    ['review', path],
    ['check', path],
    ['show', path],
    ['review', '--all', path],
  ]) {
    const r = run(...args);
    expect(r.out + r.err, args.join(' ')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(r.status, args.join(' ')).toBeLessThan(2);
  }
});

describe('JSON', () => {
  test('is one document a line and input, in order', () => {
    const r = run('review', '--format', 'json', 'samples/single', 'samples/clean');
    const documents = r.out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(documents.map(d => [d.schema, d.input])).toEqual([
      ['fencepost.review/1', 'samples/single'],
      ['fencepost.review/1', 'samples/clean'],
    ]);
    expect(documents[0].reviews[0].findings[0]).toMatchObject({
      rule: 'torn-pair-update',
      side: 'new',
      origin: 'introduced',
      status: 'open',
      witness: { verdict: 'Sometimes', fixedVerdict: 'Never', strength: 'sc' },
    });
    expect(r.err).toBe('');
  });

  test('says why findings were held', () => {
    const [document] = run('review', '--format', 'json', 'samples/paired-bitmaps')
      .out.trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(document.reviews[0].held.map((h: { reason: string; finding: { rule: string } }) => [h.reason, h.finding.rule])).toContainEqual([
      'not-decided',
      'torn-pair-update',
    ]);
  });

  test('lists the rules', () => {
    const listed: { id: string; finds: string[] }[] = JSON.parse(run('rules', '--json').out);
    expect(listed.map(r => r.id)).toContain('torn-pair-update');
    expect(listed.every(r => r.finds.length <= 4)).toBe(true);
  });
});

test('stdin is an input', () => {
  const { status, out } = read(single, 'check', '-');
  expect(status).toBe(1);
  expect(out).toContain('torn-pair-update');
});

test('a folder of folders is reviewed folder by folder', () => {
  const r = run('check', 'samples');
  expect(r.status).toBe(1);
  expect(r.out).toContain('spindle_mbox.c');
  expect(r.out).toContain('slot_pair.h');
});

test('-o writes the report to a file', () => {
  const path = join(work, 'notes.txt');
  expect(run('review', '-o', path, 'samples/single').out).toBe('');
  expect(readFileSync(path, 'utf8')).toContain('torn-pair-update');
});

test('-o and --litmus where nothing can be written are one line and exit 2 before anything is reviewed', () => {
  const plain = file('plain', '');
  for (const [said, ...args] of [
    ['/proc/x/y: cannot write', '-o', '/proc/x/y'],
    [`${work}: cannot write: is a folder`, '-o', work],
    ['cannot write', '-o', join(plain, 'x')],
    ['/proc/x/y: cannot create the folder', '--litmus', '/proc/x/y'],
    ['cannot create the folder', '--litmus', join(plain, 'x')],
    [`${plain}: is a file, and a folder is wanted`, '--litmus', plain],
  ]) {
    const { status, out, err } = run('check', ...args, 'samples/single');
    expect({ status, out, lines: err.trim().split('\n').length }, args.join(' ')).toEqual({ status: 2, out: '', lines: 1 });
    expect(err).toContain(said);
  }
});

test('what stands in the file of -o is kept where the run is refused', () => {
  const path = file('kept.txt', 'kept');
  expect(run('check', '-o', path, '--facts', join(work, 'nowhere.yaml'), 'samples/single').status).toBe(2);
  expect(readFileSync(path, 'utf8')).toBe('kept');
});

test('--litmus makes the folders that are missing', () => {
  const path = join(work, 'a/b/c');
  expect(run('check', '--litmus', path, 'samples/single').status).toBe(1);
  expect(readdirSync(path).length).toBe(2);
});

describe('colours', () => {
  const severity = /\x1b\[33m(?:WARNING|warning)\x1b\[m/;
  test('are there only where they are asked for or the output is a terminal', () => {
    expect(run('check', '--color', 'always', 'samples/single').out).toMatch(severity);
    expect(run('review', '--color=always', 'samples/single').out).toMatch(severity);
    for (const args of [
      [],
      ['--color', 'never'],
      ['--color', 'auto'],
      ['--no-color'],
      ['--color', 'always', '--no-color'],
      ['--color', 'always', '--format', 'json'],
    ])
      expect(run('check', ...args, 'samples/single').out, args.join(' ')).not.toContain('\x1b');
  });
});

describe('review ends with what it found', () => {
  const last = (text: string) => text.trimEnd().split('\n').at(-1);
  test('by severity, and in how many patches', () => {
    expect(last(run('review', 'samples/single').err)).toBe('1 warning in 1 of 1 patch');
    expect(last(run('review', 'samples/paired-bitmaps').err)).toMatch(/^(?:\d+ \w+, )*\d+ (?:warning|note)s? in \d of \d patches$/);
    expect(last(run('review', 'samples/clean').err)).toBe('no findings');
  });

  test('an mbox of repeated mails says so in one line', () => {
    const mails = readFileSync(join(root, 'samples/clean/series.mbox'), 'utf8');
    const lines = run('review', file('twice.mbox', mails + mails))
      .err.trimEnd()
      .split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/twice\.mbox: 4 messages have the Message-ID of an earlier one/);
  });

  test('a tree that is no kernel tree is said to be none, and used', () => {
    const { status, err } = run('review', '--tree', 'samples', 'samples/clean');
    expect(status).toBe(0);
    expect(err.split('\n')[0]).toMatch(/^fencepost: samples: not the top of a kernel tree/);
    expect(err).toContain('no findings');
  });

  test('findings of the code before the series are hinted at, unless --all shows them', () => {
    const tree = mkdtempSync(join(work, 'tree-'));
    writeFileSync(join(tree, 'MAINTAINERS'), '');
    const code = 'void f(struct s *s)\n{\n\tatomic_inc_return(&s->hits);\n}\n\nint a;\nint b;\nint c;\nint d;\n';
    writeFileSync(join(tree, 'a.c'), code);
    const patch = file(
      'far.patch',
      'From: Patch Author <author@example.org>\nSubject: [PATCH] a: drop d\n\nUnused.\n---\n a.c | 1 -\n 1 file changed, 1 deletion(-)\n\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -6,4 +6,3 @@\n int a;\n int b;\n int c;\n-int d;\n',
    );
    const hint = '1 finding of the code before the series is held; --all shows it\n';
    expect(run('check', '--tree', tree, patch)).toEqual({ status: 0, out: '', err: hint });
    expect(run('check', '--all', '--tree', tree, patch).err).toMatch(/^held \(pre-existing/);
  });
});

test('explain shows the rule with its examples', () => {
  const { out } = run('explain', 'torn-pair-update');
  expect(out).toContain('Not reported:');
  expect(out).toContain('Documentation/atomic_t.txt');
});

test('--help, --version and the README agree', () => {
  const help = run('--help').out;
  expect(run('help').out).toBe(help);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect(readme).toContain(help.trim());
  expect(run('--version').out).toBe(`fencepost ${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}\n`);
});

describe('--help', () => {
  const width = (text: string) => Math.max(...text.split('\n').map(line => line.length));

  test.each(Object.keys(COMMAND_HELP))('of %s is its own, fits a terminal, and has two examples', command => {
    const help = COMMAND_HELP[command] ?? '';
    expect(help.startsWith(`fencepost ${command} `)).toBe(true);
    expect(width(help)).toBeLessThan(80);
    const examples = help.slice(help.indexOf('Examples:')).split('\n');
    expect(examples.filter(line => line.includes(`fencepost ${command}`))).toHaveLength(2);
  });

  test('is answered by every command, wherever it stands', () => {
    for (const command of Object.keys(COMMAND_HELP))
      expect(run(command, 'nowhere', '--help'), command).toEqual({ status: 0, out: COMMAND_HELP[command], err: '' });
    expect(run('help', 'scan').out).toBe(COMMAND_HELP.scan);
  });

  test('of the whole fits too, and says what the words of the last lines mean', () => {
    expect(width(HELP)).toBeLessThan(80);
    expect(HELP).toMatch(/^Held: /m);
    expect(HELP).toContain('Partly seen: ');
  });

  test('names only options that the command takes', async () => {
    for (const command of Object.keys(COMMAND_HELP)) {
      // Options of git are git's.
      const help = (COMMAND_HELP[command] ?? '').replace(/\bgit (?:config|format-patch|send-email|switch) [^`\n]*/g, '');
      // With a value that is as a rule none, and an input that is not there, each is wrong in another way than being unknown.
      for (const option of new Set(help.match(/--[a-z][a-z-]*/g) ?? []))
        expect(run(command, option, join(work, 'made'), join(work, 'nowhere')).err, `${command} ${option}`).not.toContain('no option is called');
    }
  });
});

test('a word that is far from all others is given no suggestion', () => {
  expect(nearestWord('xyzzy', ['review', 'check'])).toBeNull();
  expect(nearestWord('chekc', ['review', 'check'])).toBe('check');
  expect(nearestWord('r'.repeat(1000), ['review'])).toBeNull();
});

test('`npm run review` reads the samples where no FILE is among its options', async () => {
  expect(namesFile(['--all'])).toBe(false);
  expect(namesFile(['--rule', 'torn-pair-update'])).toBe(false);
  expect(namesFile(['--rule=torn-pair-update', 'x'])).toBe(true);
  expect(namesFile(['-'])).toBe(true);
  // The list is the command's own: an option with a value says so where the value is missing.
  const valued: string[] = [];
  for (const option of new Set(COMMAND_HELP.review?.match(/(?<![\w-])--?[a-z][a-z-]*/g)))
    if (run('review', join(work, 'nowhere'), option).err.includes('needs a value')) valued.push(option);
  expect([...WITH_VALUE].sort()).toEqual(valued.sort());
});
