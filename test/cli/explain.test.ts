import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { command } from './command.ts';

const work = mkdtempSync(join(tmpdir(), 'fencepost-explain-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function run(...args: string[]) {
  return command(args);
}

test('the digits at the end of a heading are enough for explain', () => {
  const { out: text } = run('review', 'samples/single');
  const [, short = ''] = /\[([0-9a-f]{8})\]$/m.exec(text) ?? [];
  const { status, out } = run('explain', short, 'samples/single');
  expect(status).toBe(0);
  expect(out).toMatch(new RegExp(`^${short}[0-9a-f]{8}: torn-pair-update, warning`));
});

/** A patch that adds a file with a function of each name, each with one finding. */
function patchWith(names: string[]): string {
  const lines = names.flatMap(name => [`void ${name}(struct item *p)`, '{', '\tkfree(p);', '\tp->x = 1;', '}']);
  const path = join(work, `${names.length}.patch`);
  const head =
    'From: Patch Author <author@example.org>\nSubject: [PATCH] many\n\n---\ndiff --git a/drivers/many.c b/drivers/many.c\nnew file mode 100644\n';
  const body = lines.map(l => `+${l}\n`).join('');
  writeFileSync(path, `${head}--- /dev/null\n+++ b/drivers/many.c\n@@ -0,0 +1,${lines.length} @@\n${body}`);
  return path;
}

test('a fingerprint whose first digits several findings share is refused, and they are listed', () => {
  // Of so many findings two begin alike in four digits.
  const many = patchWith(Array.from({ length: 400 }, (_, i) => `drop_${i}`));
  const found = [...run('review', '--format', 'json', many).out.matchAll(/"function":"(\w+)".*?"fingerprint":"([0-9a-f]{16})"/g)];
  const all = found.map(([, name = '', print = '']) => ({ name, print, short: print.slice(0, 4) }));
  const pair = all.map(one => all.filter(other => other.short === one.short)).find(alike => alike.length > 1) ?? [];
  const [one] = pair;
  if (!one) throw new Error('no two findings begin alike');
  const few = patchWith(pair.map(p => p.name));
  const { status, out, err } = run('explain', one.short, few);
  expect([status, out]).toEqual([2, '']);
  expect(err.split('\n')).toEqual([
    `fencepost explain: ${one.short} is ambiguous:`,
    ...pair.map((p, i) => `  ${p.print}  use-after-put, drivers/many.c:${5 * i + 4}`),
    '',
  ]);
  expect(run('explain', one.print, few).out).toMatch(new RegExp(`^${one.print}: use-after-put`));
}, 60_000);

test('a removed line is explained at the line that check lists, with its number before the patch', () => {
  const patch = join(work, 'removed.patch');
  const code = [
    ' static void tank_show(struct tank *t)',
    ' {',
    '-\tspin_lock(&t->lock);',
    ' \tlist_del(&t->entry);',
    '-\tspin_unlock(&t->lock);',
    ' }',
  ];
  writeFileSync(
    patch,
    `From: Patch Author <author@example.org>\nSubject: [PATCH] tank: no lock\n\n---\n--- a/tank.c\n+++ b/tank.c\n@@ -10,6 +10,4 @@\n${code.join('\n')}\n`,
  );
  const [finding] = JSON.parse(run('review', '--format', 'json', patch).out).reviews[0].findings;
  expect(finding).toMatchObject({ rule: 'sync-removed', side: 'old', line: 12 });
  expect(run('check', patch).out).toMatch(/^tank\.c:12: /);
  expect(run('explain', finding.fingerprint, patch).out).toContain('tank.c:12 (line 12 before the patch, which removes it), tank_show()');
});

test('a configuration is applied to what is explained: severities, paths and the baseline count, and a rule that is off is explained all the same', () => {
  const [, print = ''] = /"fingerprint":"([0-9a-f]{16})"/.exec(run('review', '--format', 'json', '--no-config', 'samples/single').out) ?? [];
  const explained = (config: string) => {
    const file = join(work, 'fencepost.yaml');
    writeFileSync(file, config);
    const { status, out } = run('explain', print, 'samples/single', '--config', file);
    expect(status).toBe(0);
    return out;
  };
  const plain = run('explain', print, 'samples/single', '--no-config').out;
  expect(explained('rules: {torn-pair-update: off}\n')).toBe(plain);
  expect(explained('severity: [{is: note, rule: torn-pair-update}]\n')).toBe(plain.replace('warning', 'note'));
  expect(explained('ignore: [drivers/]\n')).toContain('drivers/ is ignored');
  const entry = `{fingerprint: "${print}", rule: torn-pair-update, path: x.c, function: f, reason: one owner}`;
  writeFileSync(join(work, 'accepted.yaml'), `schema: fencepost.baseline/1\nfindings: [${entry}]\n`);
  expect(explained('baseline: accepted.yaml\n')).toContain('one owner');
});
