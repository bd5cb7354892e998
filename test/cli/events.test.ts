import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from './command.ts';

const work = mkdtempSync(join(tmpdir(), 'fencepost-events-'));
mkdirSync(join(work, 'tree/drivers'), { recursive: true });
mkdirSync(join(work, 'tree/include'), { recursive: true });
writeFileSync(join(work, 'tree/MAINTAINERS'), '');
writeFileSync(
  join(work, 'tree/drivers/lane.c'),
  '#include <lane.h>\n\nvoid lane_take(struct lane *l)\n{\n\tl->n = 1;\n\tl->m = 2;\n\tl->k = 3;\n\tl->j = 4;\n}\n',
);
writeFileSync(join(work, 'tree/include/lane.h'), 'static inline void lane_lock(struct lane *l)\n{\n\tspin_lock(&l->lock);\n}\n');
const patch = join(work, '0001-lane.patch');
writeFileSync(
  patch,
  `From: Patch Author <author@example.org>
Subject: [PATCH] lane: take it under its lock

The lock is there for this.
---
 drivers/lane.c | 1 +
 1 file changed, 1 insertion(+)

diff --git a/drivers/lane.c b/drivers/lane.c
--- a/drivers/lane.c
+++ b/drivers/lane.c
@@ -5,3 +5,4 @@ void lane_take(struct lane *l)
 	l->n = 1;
+	lane_lock(l);
 	l->m = 2;
 	l->k = 3;
-- 
2.39.5
`,
);

function run(...args: string[]) {
  return command(['events', ...args]);
}

test('with a tree the events are those of the whole file, and a call is known by what it calls in a header', () => {
  const { status, out, err } = run('--tree', join(work, 'tree'), patch);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).toMatch(/^drivers\/lane\.c:3: lane_take\(\)/);
  expect(out).toMatch(/call +lane_lock *\n/);
  expect(out).toMatch(/ j of l +plain; under spin:struct lane\.lock/);
  expect(out).not.toContain('include/lane.h');
});

test('without a tree the call is opaque', () => {
  const { out } = run(patch);
  expect(out).toMatch(/call +lane_lock \?/);
  expect(out).not.toContain('under');
});

test('the JSON of a series has the functions of the series alone', () => {
  const { out } = run('--json', `--tree=${join(work, 'tree')}`, patch);
  const functions: { path: string; name: string; whole: boolean }[] = JSON.parse(out).functions;
  expect(functions.map(f => [f.path, f.name, f.whole])).toEqual([['drivers/lane.c', 'lane_take', true]]);
});

test('a tree that is not there is one line and exit 2', () => {
  const { status, out, err } = run('--tree', join(work, 'nowhere'), patch);
  expect({ status, out }).toEqual({ status: 2, out: '' });
  expect(err.trim().split('\n')).toHaveLength(1);
});

test('an option without its folder, or one that is not known, is one line and exit 2', () => {
  for (const args of [['--tree'], ['--gone', patch]]) {
    const { status, err } = run(...args);
    expect(status).toBe(2);
    expect(err.trim().split('\n')).toHaveLength(1);
  }
});
