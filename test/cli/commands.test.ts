import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'fencepost-'));
const single = readFileSync(join(root, 'samples/single/0001-spindle-know-which-channels-wait-for-an-answer.patch'), 'utf8');

function run(...args: string[]) {
  const done = spawnSync(process.execPath, [join(root, 'dist/cli.js'), ...args], { encoding: 'utf8', cwd: root });
  return { status: done.status, out: done.stdout, err: done.stderr };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(work, name);
  writeFileSync(path, content);
  return path;
}

describe('the exit status', () => {
  test('is 1 where check finds something, with one line a finding on stdout and nothing on stderr', () => {
    const { status, out, err } = run('check', 'samples/single');
    expect({ status, err }).toEqual({ status: 1, err: '' });
    expect(out).toMatch(/^drivers\/spindle\/spindle_mbox\.c:\d+: WARNING: .* \[torn-pair-update\]\n$/);
  });

  test('is 0 on the clean series, silent but for the line of coverage', () => {
    expect(run('check', 'samples/clean')).toEqual({ status: 0, out: '', err: '' });
    const review = run('review', 'samples/clean');
    expect(review.out).toBe('');
    expect(review.err).toMatch(/^3 patches, \d+ functions, \d+ events, \d+ claims decided, \d+ held\n$/);
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
    expect(r.status).toBe(0);
    expect(r.err).toMatch(/empty\.mbox: .*empty/);
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
    expect(r.status).toBe(0);
    expect(r.err).toContain('noise.bin');
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

  test('an unknown command, option, format or rule', () => {
    expect(oneLine(run('reviw')).status).toBe(2);
    expect(oneLine(run('review', '--colour', 'samples/clean')).status).toBe(2);
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
  const done = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'check', '-'], { encoding: 'utf8', input: single });
  expect(done.status).toBe(1);
  expect(done.stdout).toContain('torn-pair-update');
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

test('explain shows the rule with its examples', () => {
  const { out } = run('explain', 'torn-pair-update');
  expect(out).toContain('Not reported:');
  expect(out).toContain('Documentation/atomic_t.txt');
});

test('--help, --version and the README agree', () => {
  const help = run('--help').out;
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect(readme).toContain(help.trim());
  expect(run('--version').out).toBe(`fencepost ${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}\n`);
});
