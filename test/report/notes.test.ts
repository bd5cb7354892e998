import { describe, expect, test } from 'vitest';
import { coverageLine, lines, notes, refusals, review } from '../../src/index.ts';
import { wrap } from '../../src/report/wrap.ts';
import { grammar, patchOf, threadOf } from '../code.ts';

const code = `struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i,
		  m->idle);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}
`;

async function of(text: string, log = '') {
  return review(threadOf([patchOf({ 'drivers/lane.c': text }, log)]), { grammar: await grammar() });
}

describe('a note', () => {
  test('quotes whole statements as the patch has them', async () => {
    expect(notes(await of(code))).toContain('> +\tset_bit(i, m->used);\n> +\tclear_bit(i,\n> +\t\t  m->idle);\n');
  });

  test('names no line numbers, and ends with the question', async () => {
    const text = notes(await of(code));
    expect(text).not.toMatch(/:\d+/);
    expect(text.trim()).toMatch(/\?$/);
  });

  test('quotes what the log says of the matter, cut to its sentence', async () => {
    const text = notes(await of(code, 'Lanes are kept twice.\n\nA race between\nthe two resolves by itself. Nothing else changes.\n'));
    expect(text).toContain('The log says: "A race between the two resolves by itself."');
  });

  test('wraps prose and leaves code and executions alone', async () => {
    for (const line of notes(await of(code)).split('\n')) if (!/^> |^ {2}|^\[PATCH/.test(line)) expect(line.length).toBeLessThanOrEqual(76);
  });

  test('is nothing where there is nothing to say', async () => {
    const result = await of('int nothing(void)\n{\n\treturn 0;\n}\n');
    expect([notes(result), lines(result)]).toEqual(['', '']);
    expect(coverageLine(result)).toBe('1 patch, 1 function, 0 events, 0 claims decided, 0 held');
  });
});

test('a line holds path, line, level, sentence and rule, and nothing that would break it', async () => {
  const result = await of(code);
  expect(lines(result)).toMatch(/^drivers\/lane\.c:8: WARNING: lane_take\(\) and lane_put\(\) .* \[torn-pair-update\]\n$/);
});

test('what git refuses is an error line of its own', async () => {
  const result = await of(code);
  result.thread.messages[0]?.problems.push(
    { severity: 'refused', where: 'message 1, line 3 of the diff', message: 'corrupt patch' },
    { severity: 'odd', where: 'message 1', message: 'no date' },
  );
  expect(refusals(result)).toEqual(['test:1: ERROR: message 1, line 3 of the diff: corrupt patch [refused]\n']);
});

test('wrapping keeps words whole and the indent', () => {
  expect(wrap('one two three', 9, '  ')).toBe('  one two\n  three');
  expect(wrap('incredibly', 4)).toBe('incredibly');
  expect(wrap('', 10)).toBe('');
});
