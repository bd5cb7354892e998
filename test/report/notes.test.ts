import { describe, expect, test } from 'vitest';
import { coverageLine, lines, notes, refusals, review } from '../../src/index.ts';
import { wrap } from '../../src/report/wrap.ts';
import { grammar, hunkPatch, patchOf, threadOf } from '../code.ts';
import { code } from './lane.ts';

async function of(text: string, log = '') {
  return review(threadOf([patchOf({ 'drivers/lane.c': text }, log)]), { grammar: await grammar() });
}

describe('a note', () => {
  test('quotes whole statements as the patch has them', async () => {
    expect(notes(await of(code))).toContain('> +\tset_bit(i, m->used);\n> +\tclear_bit(i,\n> +\t\t  m->idle);\n');
  });

  test('calls a function whose name no hunk shows so, and no name stands in its heading', async () => {
    const body = ' \tt->busy = 1;\n-\tsmp_wmb();\n \tt->ready = 1;';
    const result = review(threadOf([hunkPatch('drivers/tank.c', 'static unsigned int', 40, body)]), { grammar: await grammar() });
    const text = notes(result);
    expect(text).toContain('\n  drivers/tank.c  ');
    expect(text).toMatch(/is removed\s+from the function shown, and both stay/);
    expect(text).not.toContain('unnamed');
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

  test('has a heading of 80 columns that ends with digits for explain, and breaks it before the severity where it is longer', async () => {
    const result = await of(code);
    const [finding] = result.reviews.flatMap(r => r.findings);
    const end = `warning: torn-pair-update [${finding?.fingerprint.slice(0, 8)}]`;
    const heading = notes(result).split('\n')[1] ?? '';
    expect(heading).toMatch(/^ {2}lane_take\(\), drivers\/lane\.c {2,}warning/);
    expect([heading.slice(-end.length), heading.length]).toEqual([end, 80]);
    const long = review(threadOf([patchOf({ 'drivers/a/rather/long/folder/name/lane.c': code })]), { grammar: await grammar() });
    expect(notes(long).split('\n').slice(1, 3)).toEqual([
      '  lane_take(), drivers/a/rather/long/folder/name/lane.c',
      expect.stringMatching(/^ {2}warning: torn-pair-update \[[0-9a-f]{8}\]$/),
    ]);
  });

  test('prints the message as the rule wrote it, letter by letter', async () => {
    const result = await of(code);
    for (const finding of result.reviews.flatMap(r => r.findings)) {
      finding.message = 'If (unlikely(x)) is code to nobody';
      finding.detail = ['mm is read by a plain load', 'if (!m) has no braces'];
    }
    const text = notes(result);
    for (const sentence of ['If (unlikely(x)) is code to nobody:', 'mm is read by a plain load.', 'if (!m) has no braces.'])
      expect(text).toContain(`\n\n${sentence}\n\n`);
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
