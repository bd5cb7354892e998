import { describe, expect, test } from 'vitest';
import { leaksOf } from '../../../src/analysis/query.ts';
import { CUT, search } from '../../../src/c/cfg/paths.ts';
import type { CFunction } from '../../../src/model/code.ts';
import { worldOfText } from '../../code.ts';

async function functionOf(body: string): Promise<CFunction> {
  const [fn] = (await worldOfText(`int work(struct box *b, int x, int y)\n{\n${body}\n}\n`)).functions;
  if (!fn) throw new Error('no function');
  return fn;
}

/** What runs on each path that no condition rules out: the calls of a(), b() and so on, in their order. */
async function paths(body: string, rereads = false): Promise<string[]> {
  const fn = await functionOf(body);
  const { ends } = search<string>(fn.flow, {
    starts: [{ node: 0, state: '' }],
    rereads,
    at: (calls, _, node) => {
      const api = node.event === null ? '' : (fn.events[node.event]?.api ?? '');
      const after = /^[a-e]$/.test(api) ? calls + api : calls;
      return after.length > 3 ? CUT : after;
    },
  });
  return [...new Set(ends.map(end => end.state))].sort();
}

const twice = (first: string, second: string, between = '', rereads = false) =>
  paths(`if (${first}) a();\n${between}\nif (${second}) b();\nreturn 0;`, rereads);
const FREE = ['', 'a', 'ab', 'b'];

describe('a condition after an earlier one', () => {
  test.each([
    ['x == 1', 'x == 1', ['', 'ab']],
    ['x == 1', '1 == x', ['', 'ab']],
    ['x == 1', 'x != 1', ['a', 'b']],
    ['x == 1', '!(x != 1)', ['', 'ab']],
    ['x == 1', 'x == 2', ['', 'a', 'b']],
    ['x == 1', 'x != 2', ['', 'ab', 'b']],
    ['x == 1', 'x', ['', 'ab', 'b']],
    ['x == 1', 'x > 1', ['', 'a', 'b']],
    ['x == 1', 'x >= 1', ['', 'ab', 'b']],
    ['x == 1', 'x < 2', ['', 'ab', 'b']],
    ['x', '!x', ['a', 'b']],
    ['x', 'x == 0', ['a', 'b']],
    ['!x', 'x > 0', ['', 'a', 'b']],
    ['x > 3', 'x > 2', ['', 'ab', 'b']],
    ['x > 3', 'x >= 4', ['', 'ab']],
    ['x > 3', 'x <= 3', ['a', 'b']],
    ['x > 3', 'x == 3', ['', 'a', 'b']],
    ['x < 0', 'x', ['', 'ab', 'b']],
    ['x == -EINVAL', 'x < 0', ['', 'ab', 'b']],
    ['x == -EINVAL', 'x == 1', ['', 'a', 'b']],
    ['x < y', 'y > x', ['', 'ab']],
    ['x < y', 'x <= y', ['', 'ab', 'b']],
    ['x == y', 'x < y', ['', 'a', 'b']],
    ['x == y', 'x != y', ['a', 'b']],
    ['x == MODE_A', 'x != MODE_A', ['a', 'b']],
    ['(x = box_next(b)) < 0', 'x >= 0', ['a', 'b']],
  ])('%s, then %s', async (first, second, expected) => {
    expect(await twice(first, second)).toEqual(expected);
  });

  test.each([
    ['x > 3', 'x > 4', ['', 'a', 'ab']],
    ['x', 'x > 0', ['', 'a', 'ab']],
    ['x != 1', 'x != 2', ['a', 'ab', 'b']],
    ['x < y', 'x < 5', FREE],
    ['x == MODE_A', 'x == MODE_B', FREE],
    ['x == MODE_A', 'x > 0', FREE],
    ['x == -1', 'x > 5', FREE],
    ['x & 1', 'x == 1', FREE],
    ['b->mode == 1', 'b->mode == 2', FREE],
    ['READ_ONCE(b->mode) == 1', 'READ_ONCE(b->mode) > 1', FREE],
  ])('%s leaves %s open as far as it does not follow', async (first, second, expected) => {
    expect(await twice(first, second)).toEqual(expected);
  });

  test.each(['b->mode', 'READ_ONCE(b->mode) == 1', 'b->mode & x', 'box_open(b)'])(
    '%s is another read the second time, where that is asked',
    async test => {
      expect(await twice(test, test)).toEqual(['', 'ab']);
      expect(await twice(test, test, '', true)).toEqual(FREE);
    },
  );

  test.each(['x', 'x == 1', 'x & MODE_A', '(x = b->mode) > 0'])('%s is the same value the second time, whoever asks', async test => {
    expect(await twice(test, test.replace(/^\(x = b->mode\)/, 'x'), '', true)).toEqual(['', 'ab']);
  });

  test.each(['x = y;', 'x++;', 'x |= 4;', 'box_ask(b, &x);', 'if (b->deep)\n\tx = 0;', 'x = READ_ONCE(b->mode);'])(
    'is open again behind %s',
    async between => {
      expect(await twice('x == 1', 'x == 2')).toEqual(['', 'a', 'b']);
      expect(await twice('x == 1', 'x == 2', between)).toEqual(FREE);
    },
  );
});

describe('a switch', () => {
  const again = 'switch (x) {\ncase MODE_A: a(); break;\ncase MODE_B: b(); break;\ndefault: c();\n}\n';

  test('goes the same way again, and another way for another value', async () => {
    expect(await paths(`${again}${again}return 0;`)).toEqual(['aa', 'bb', 'cc']);
    expect(await paths(`${again}x = y;\n${again}return 0;`)).toHaveLength(9);
  });

  test('tells of an if behind it, with and without a default', async () => {
    expect(await paths(`${again}if (x == MODE_A) d();\nreturn 0;`)).toEqual(['ad', 'b', 'c']);
    const open = 'switch (x) {\ncase 1:\ncase 2: a(); break;\n}\n';
    expect(await paths(`${open}if (x == 2) b();\nif (x == 3) c();\nreturn 0;`)).toEqual(['', 'a', 'ab', 'c']);
  });

  test('on memory tells nothing', async () => {
    expect(await paths(`${again.replace('(x)', '(b->mode)')}${again.replace('(x)', '(b->mode)')}return 0;`)).toHaveLength(9);
  });
});

describe('the next round of a loop', () => {
  const loop = (next: string) =>
    `if (x == 1)\n\treturn 0;\nfor (;;) {\n\tif (x == 1) {\n\t\ta();\n\t\tbreak;\n\t}\n\tif (x == 2)\n\t\tbreak;\n\t${next}\n}\nreturn 0;`;

  test('tests the same value where nothing sets it', async () => {
    expect(await paths(loop('b->n++;'))).toEqual(['']);
  });

  test.each(['x = box_next(b);', 'x++;', 'box_ask(b, &x);'])('tests another behind %s', async next => {
    expect(await paths(loop(next))).toEqual(['', 'a']);
  });
});

test('no lock is kept on a path that contradicts itself', async () => {
  const body = `
	if (x != 1) {
		mutex_lock(&b->lock);
		if (x == 1)
			return -EIO;
		mutex_unlock(&b->lock);
	}
	return 0;
`;
  const leaks = async (text: string) => {
    const fn = await functionOf(text);
    return leaksOf(fn, [fn]).map(l => l.exit.returned);
  };
  expect(await leaks(body)).toEqual([]);
  expect(await leaks(body.replace('x == 1', 'x == 2'))).toEqual(['-EIO']);
  expect(await leaks(body.replace('if (x == 1)', 'x = box_next(b);\n\t\tif (x == 1)'))).toEqual(['-EIO']);
});

test('a lock that a condition took is surely held where the condition follows, and surely not where it fails', async () => {
  const fn = await functionOf(`
	if (x > 4)
		mutex_lock(&b->lock);
	a();
	if (x == 5)
		c();
	if (x < 5)
		d();
	if (x > 4)
		mutex_unlock(&b->lock);
	return 0;
`);
  const at = (api: string) => fn.events.find(e => e.api === api);
  expect([at('a')?.locks.length, at('a')?.maybeLocks.length]).toEqual([0, 1]);
  expect([at('c')?.locks.length, at('d')?.maybeLocks.length]).toEqual([1, 0]);
});
