import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTree } from '../../src/cli/tree.ts';
import { review } from '../../src/engine/review.ts';
import { grammar, hunkPatch, threadOf } from '../code.ts';

const file = `struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i, m->idle);
}
`;

const patch = () =>
  hunkPatch(
    'drivers/lane.c',
    'void lane_take(struct lane_map *m, unsigned int i)',
    8,
    ` 	set_bit(i, m->used);
 	clear_bit(i, m->idle);
 }
+
+void lane_put(struct lane_map *m, unsigned int i)
+{
+	clear_bit(i, m->used);
+	set_bit(i, m->idle);
+}`,
  );

async function reviewed(text: string | null, patches = [patch()]) {
  const tree = { read: (path: string) => (path === 'drivers/lane.c' ? text : null), list: () => [] };
  const [first] = review(threadOf(patches), { grammar: await grammar(), tree }).reviews;
  return first;
}

const after = `${file}
void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}
`;

describe('with a tree', () => {
  test('a function that the hunk shows in part is whole, and the fault of both is told', async () => {
    const result = await reviewed(file);
    expect(result?.coverage.functions).toEqual({ whole: 2, partial: 0, broken: 0 });
    expect(result?.findings.map(f => [f.rule, f.function, f.origin])).toEqual([['torn-pair-update', 'lane_take', 'introduced']]);
    expect(result?.problems).toEqual([]);
  });

  test('a tree that has the patch already is read back', async () => {
    const result = await reviewed(after);
    expect(result?.coverage.functions).toEqual({ whole: 2, partial: 0, broken: 0 });
    expect(result?.problems).toEqual([]);
  });

  test('a later patch sees the earlier one applied', async () => {
    const more = hunkPatch(
      'drivers/lane.c',
      '',
      12,
      ' void lane_put(struct lane_map *m, unsigned int i)\n {\n+	might_sleep();\n 	clear_bit(i, m->used);\n 	set_bit(i, m->idle);\n }',
    );
    expect((await reviewed(file, [patch(), more]))?.problems).toEqual([]);
  });

  test('a tree that does not match is a problem, and the hunks are read all the same', async () => {
    const result = await reviewed(file.replace('clear_bit(i, m->idle)', 'clear_bit(i, m->other)'));
    expect(result?.problems).toEqual([
      { severity: 'odd', where: 'drivers/lane.c', message: 'the tree does not match patch 1: the file is seen by its hunks alone' },
    ]);
    expect(result?.coverage.functions.partial).toBe(1);
  });

  test('a patch that changes the declared facts is told, and they are not read from it', async () => {
    const facts = { ...hunkPatch('.fencepost.yaml', '', 1, '+invariants: []') };
    expect((await reviewed(file, [patch(), facts]))?.problems.map(p => p.where)).toEqual(['.fencepost.yaml']);
  });
});

describe('with a tree around the series', () => {
  const half = (name: string, first: string, second: string) =>
    `static inline void ${name}(struct lane_map *m, unsigned int i)\n{\n\t${first}(i, m->used);\n\t${second}(i, m->idle);\n}\n`;
  const types = 'struct lane_map {\n\tunsigned long *used;\t/* used == ~idle */\n\tunsigned long *idle;\n};\n';
  const own = '#include <linux/lane.h>\n\nvoid lane_use(struct lane_map *m, unsigned int i)\n{\n\tunseen(m);\n}\n';

  async function around(header: string, lines: string) {
    const files: Record<string, string> = { 'drivers/lane.c': own, 'include/linux/lane.h': header };
    const tree = { read: (path: string) => files[path] ?? null, list: (folder: string) => (folder === 'drivers' ? ['lane.c'] : []) };
    const patches = [hunkPatch('drivers/lane.c', '', 3, ` void lane_use(struct lane_map *m, unsigned int i)\n {\n${lines}\n \tunseen(m);\n }`)];
    const [first] = review(threadOf(patches), { grammar: await grammar(), tree }).reviews;
    return first;
  }

  test('a fault that the series has no part in is not told', async () => {
    const header = `${types}\n${half('lane_take', 'set_bit', 'clear_bit')}\n${half('lane_put', 'clear_bit', 'set_bit')}`;
    const result = await around(header, '+\tlane_take(m, i);\n+\tlane_put(m, i);');
    expect(result?.findings).toEqual([]);
    expect(result?.held.filter(h => h.finding.path !== 'drivers/lane.c')).toEqual([]);
    expect(result?.coverage.functions).toEqual({ whole: 1, partial: 0, broken: 0 });
  });

  test('a function of a header is the other side of what the series adds, and the fault is told where the series stands', async () => {
    const header = `${types}\n${half('lane_put', 'clear_bit', 'set_bit')}`;
    const result = await around(header, '+\tlane_put(m, i + 1);\n+\tset_bit(i, m->used);\n+\tclear_bit(i, m->idle);');
    expect(result?.findings.map(f => [f.rule, f.path, f.function, f.origin])).toEqual([
      ['torn-pair-update', 'drivers/lane.c', 'lane_use', 'introduced'],
    ]);
    expect(result?.findings[0]?.witness?.threads.map(t => t.function).sort()).toEqual(['lane_put', 'lane_use']);
  });
});

describe('a tree is read inside its folder alone', () => {
  const base = mkdtempSync(join(tmpdir(), 'fencepost-tree-'));
  mkdirSync(join(base, 'tree/mm'), { recursive: true });
  writeFileSync(join(base, 'secret'), 'secret');
  writeFileSync(join(base, 'tree/mm/a.c'), 'int a;\n');
  writeFileSync(join(base, 'tree/..b.c'), 'int b;\n');
  symlinkSync(join(base, 'secret'), join(base, 'tree/link.c'));
  symlinkSync(base, join(base, 'tree/up'));
  const tree = openTree(join(base, 'tree'));

  test.each(['../secret', 'mm/../../secret', '/etc/passwd', 'link.c', 'up/secret', 'mm', 'nothing.c', 'mm/a.c\0', '..', ''])(
    '%j is not there',
    path => {
      expect(tree.read(path)).toBeNull();
    },
  );

  test.each(['..', '/', 'up', 'mm/..', 'nothing', 'mm/a.c', 'mm\0'])('no file stands in %j', path => {
    expect(tree.list(path)).toEqual([]);
  });

  test('the files of a folder are listed in order, links and folders not', () => {
    expect(tree.list('')).toEqual(['..b.c']);
    expect(tree.list('mm')).toEqual(['a.c']);
  });

  test('its own files are', () => {
    expect(tree.read('mm/a.c')).toBe('int a;\n');
    expect(tree.read('..b.c')).toBe('int b;\n');
  });
});
