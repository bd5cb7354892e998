import { describe, expect, test } from 'vitest';
import { review } from '../../src/engine/review.ts';
import { lines, notes } from '../../src/index.ts';
import type { Patch } from '../../src/model/series.ts';
import { diffPatch, grammar, threadOf } from '../code.ts';

/** A driver of which one function is right, and one leaks its lock on an error since before any patch. */
const file = `#include <linux/mutex.h>

struct lane {
	struct mutex lock;
	int busy;
	int id;
};

int lane_take(struct lane *l)
{
	mutex_lock(&l->lock);
	if (l->busy) {
		mutex_unlock(&l->lock);
		return -EBUSY;
	}
	l->busy = 1;
	mutex_unlock(&l->lock);
	return 0;
}

int lane_move(struct lane *l, int to)
{
	mutex_lock(&l->lock);
	if (l->busy)
		return -EBUSY;
	l->id = to;
	mutex_unlock(&l->lock);
	return 0;
}
`;

/** The unified diff between two texts of one run of changed lines, with three lines of context. */
function diff(before: string, after: string, path = 'drivers/lane.c'): Patch {
  const [a, b] = [before.split('\n').slice(0, -1), after.split('\n').slice(0, -1)];
  let head = 0;
  while (head < a.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const from = Math.max(0, head - 3);
  const ends = [Math.min(a.length, a.length - tail + 3), Math.min(b.length, b.length - tail + 3)] as const;
  const body = [
    ...a.slice(from, head).map(l => ` ${l}`),
    ...a.slice(head, a.length - tail).map(l => `-${l}`),
    ...b.slice(head, b.length - tail).map(l => `+${l}`),
    ...a.slice(a.length - tail, ends[0]).map(l => ` ${l}`),
  ];
  return diffPatch(
    `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -${from + 1},${ends[0] - from} +${from + 1},${ends[1] - from} @@\n${body.join('\n')}\n`,
  );
}

/** The series that takes the file from one text to the next, reviewed with the tree that holds the first. */
async function reviewed(texts: string[]) {
  const patches = texts.slice(1).map((text, i) => ({ ...diff(texts[i] ?? '', text), index: i + 1, total: texts.length - 1 }));
  const tree = { read: (path: string) => (path === 'drivers/lane.c' ? (texts[0] ?? null) : null), list: () => [] };
  const result = review(threadOf(patches), { grammar: await grammar(), tree });
  const [first] = result.reviews;
  if (!first) throw new Error('no review');
  return { ...first, result };
}

const without = (text: string, line: string) => text.replace(`${line}\n`, '');
const dropped = without(file, '		mutex_unlock(&l->lock);');

describe('what a patch brings is what is found after it and not before it', () => {
  test('an unlock that is only deleted is the fault of the patch that deletes it, and the note quotes the deleted line', async () => {
    const { findings, held, result } = await reviewed([file, dropped]);
    expect(findings.map(f => [f.rule, f.function, f.origin, f.patch.index])).toEqual([['unlock-missing-on-path', 'lane_take', 'introduced', 1]]);
    expect(held.map(h => [h.finding.function, h.reason])).toEqual([['lane_move', 'pre-existing']]);
    expect(notes(result)).toContain('> -\t\tmutex_unlock(&l->lock);\n');
  });

  test('an edit beside a fault that was there makes it nobody’s', async () => {
    const { findings, held } = await reviewed([file, file.replace('	l->id = to;\n', '	l->id = to;\n	l->busy = 0;\n')]);
    expect(findings).toEqual([]);
    expect(held.map(h => [h.finding.function, h.reason])).toEqual([['lane_move', 'pre-existing']]);
  });

  test('a function that only gets another name keeps its fault as it was', async () => {
    const { findings, held } = await reviewed([file, file.replace('int lane_move(', 'int lane_shift(')]);
    expect(findings).toEqual([]);
    expect(held.map(h => h.finding.function)).toEqual(['lane_shift']);
  });

  test('faulty lines written anew are touched, not introduced', async () => {
    const { findings } = await reviewed([file, file.replace('	if (l->busy)\n		return -EBUSY;\n', '	if (l->busy == 1)\n		return  -EBUSY;\n')]);
    expect(findings.map(f => [f.function, f.origin])).toEqual([['lane_move', 'touched']]);
  });

  test('of several patches the one is named after which the fault is there, though a later one touches the file too', async () => {
    const shifted = `#include <linux/kernel.h>\n${file}`;
    const broken = without(shifted, '		mutex_unlock(&l->lock);');
    const { findings } = await reviewed([file, shifted, broken, `#include <linux/list.h>\n#include <linux/slab.h>\n${broken}`]);
    expect(findings.map(f => [f.function, f.patch.index])).toEqual([['lane_take', 2]]);
  });

  test('lines that one patch adds are not its fault where a later patch takes away what made them right', async () => {
    const empty = file.slice(0, file.indexOf('int lane_take'));
    const good = `${empty}${file.slice(file.indexOf('int lane_take'), file.indexOf('int lane_move'))}`;
    const { findings } = await reviewed([empty, good, without(good, '		mutex_unlock(&l->lock);')]);
    expect(findings.map(f => [f.function, f.patch.index, f.origin])).toEqual([['lane_take', 2, 'introduced']]);
  });
});

describe('code of two CPUs that two patches add', () => {
  const head = '#include "tank.h"\n';
  const [writer, reader] = [
    `${head}\nvoid tank_fill(struct tank *t, int v)\n{\n\tt->level = v;\n\tWRITE_ONCE(t->ready, 1);\n}\n`,
    `${head}\nint tank_level(struct tank *t)\n{\n\tif (!READ_ONCE(t->ready))\n\t\treturn -1;\n\tsmp_rmb();\n\treturn t->level;\n}\n`,
  ];
  const write = diff(head, writer, 'drivers/fill.c');
  const read = diff(head, reader, 'drivers/level.c');
  const document = diff(writer, writer.replace('\nvoid', '\n/*\n * Filling is\n * for one CPU.\n */\n\nvoid'), 'drivers/fill.c');

  test.each([
    ['the patch that adds the reader is the last', [write, read]],
    ['a later patch adds a comment above the function', [write, read, document]],
  ])('the finding is at the line of the writer: %s', async (_, patches) => {
    const numbered = patches.map((p, i) => ({ ...p, index: i + 1, total: patches.length }));
    const result = review(threadOf(numbered), { grammar: await grammar() });
    expect(result.reviews.flatMap(r => r.findings).map(f => [f.rule, f.patch.index, f.path, f.line])).toEqual([
      ['flag-published-without-release', 1, 'drivers/fill.c', 6],
    ]);
    expect(notes(result)).toContain('> +\tt->level = v;\n> +\tWRITE_ONCE(t->ready, 1);\n');
  });
});

describe('what a series repairs', () => {
  const locked = file.replace('	if (l->busy)\n		return -EBUSY;\n', '	if (l->busy) {\n		mutex_unlock(&l->lock);\n		return -EBUSY;\n	}\n');

  test('is resolved by the patch that does, in the lines that this patch shows', async () => {
    const { findings, held, resolved } = await reviewed([file, `#include <linux/list.h>\n${file}`, `#include <linux/list.h>\n${locked}`]);
    expect([findings, held]).toEqual([[], []]);
    expect(resolved.map(f => [f.function, f.status, f.patch.index, f.origin])).toEqual([['lane_move', 'repaired', 2, 'pre-existing']]);
  });

  test('is nothing that it leaves, and nothing that it never had', async () => {
    const { resolved } = await reviewed([file, dropped, file]);
    expect(resolved.map(f => [f.function, f.status])).toEqual([]);
  });
});

describe('a place is numbered by the patch that it is told of', () => {
  test('a later patch that shifts the file moves neither line nor quote', async () => {
    const shifted = `#include <linux/list.h>\n#include <linux/slab.h>\n#include <linux/kernel.h>\n${dropped}`;
    const { findings, result } = await reviewed([file, dropped, shifted]);
    expect(findings.map(f => [f.line, f.now?.line])).toEqual([[13, 16]]);
    expect(notes(result)).toContain('> -\t\tmutex_unlock(&l->lock);\n>  \t\treturn -EBUSY;\n');
    expect(lines(result)).toMatch(/^drivers\/lane\.c:13: /);
  });
});
