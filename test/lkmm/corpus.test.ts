import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { LitmusTest, Outcome } from '../../src/lkmm/litmus.ts';
import { parseLitmus } from '../../src/lkmm/syntax.ts';
import { decideTest } from '../../src/lkmm/verdict.ts';
import { stateWords } from '../../src/lkmm/words.ts';
import { shared } from '../beside.ts';

const own = fileURLToPath(new URL('litmus', import.meta.url));
const corpus = `${shared}/corpus/litmus`;
const here = existsSync(`${corpus}/verdicts.csv`);

/** What herd7 7.58 says of a test under the model of Linux 7.2. */
interface Expected {
  test: string;
  verdict: string;
  flags: string[];
  states?: string[];
}

function outcomeOf(path: string): Outcome & { test: LitmusTest } {
  const { value, problems } = parseLitmus(readFileSync(path, 'utf8'));
  if (value === null) throw new Error(`${path}: ${problems[0]?.message}`);
  return { test: value, ...decideTest(value) };
}

/** The names in a state in one order, whatever prints it. */
const ordered = (state: string) => state.replace(/;$/, '').split('; ').sort().join('; ');

/** One line for a test that ends otherwise than it must. */
function difference(path: string, want: Expected): string[] {
  const { test: decided, verdict, flags, states } = outcomeOf(path);
  const found = `${verdict} ${flags.join(' ')}`.trim();
  const expected = `${want.verdict} ${want.flags.join(' ')}`.trim();
  if (found !== expected) return [`${want.test}: ${found}, not ${expected}`];
  if (!want.states) return [];
  const have = states.map(s => ordered(stateWords(decided, s))).sort();
  return JSON.stringify(have) === JSON.stringify(want.states.map(ordered).sort()) ? [] : [`${want.test}: other states`];
}

const lines = (path: string) => readFileSync(path, 'utf8').trim().split('\n');

/** One with the columns by their names; no field of these files holds a comma. */
function table(path: string): Record<string, string>[] {
  const [head = '', ...rows] = lines(path);
  const keys = head.split(',');
  return rows.map(row => Object.fromEntries(row.split(',').map((field, i) => [keys[i] ?? '', field])));
}

const words = (text: string | undefined) => (text ?? '').split(' ').filter(Boolean);

describe('herd7 and the checker agree', () => {
  const expected: Expected[] = lines(`${own}/expected.jsonl`).map(line => JSON.parse(line));

  test('on the tests here', () => {
    expect(expected.length).toBeGreaterThan(100);
    expect(expected.flatMap(e => difference(`${own}/${e.test}.litmus`, e))).toEqual([]);
  });

  test.skipIf(!here)('on buggy and fixed pairs', () => {
    const rows = table(`${corpus}/pairs/pairs.csv`);
    expect(rows.length).toBeGreaterThan(30);
    expect(
      rows.flatMap(({ name = '', herd7 = '', flags }) =>
        difference(`${corpus}/pairs/${name}.litmus`, { test: name, verdict: herd7, flags: words(flags) }),
      ),
    ).toEqual([]);
  });

  test.skipIf(!here)('on the shapes of the rules', () => {
    const rows = table(`${corpus}/shapes/verdicts.csv`);
    expect(rows.length).toBeGreaterThan(100);
    expect(
      rows.flatMap(({ name = '', verdict = '', flags }) =>
        difference(`${corpus}/shapes/${name}.litmus`, { test: name, verdict, flags: words(flags) }),
      ),
    ).toEqual([]);
  });

  test.skipIf(!here)('on every state of random tests', { timeout: 120_000 }, () => {
    const oracle: Expected[] = lines(`${corpus}/fuzz/oracle.jsonl`).map(line => JSON.parse(line));
    expect(oracle.length).toBe(300);
    expect(oracle.flatMap(e => difference(`${corpus}/fuzz/tests/${e.test}.litmus`, e))).toEqual([]);
  });

  test.skipIf(!here)('on one in nine of the corpus, to the number of executions', { timeout: 120_000 }, () => {
    const rows = table(`${corpus}/verdicts.csv`).filter((row, n) => n % 9 === 0 && row.verdict !== 'TIMEOUT');
    expect(rows.length).toBeGreaterThan(200);
    const wrong = rows.filter(row => {
      const o = outcomeOf(`${corpus}/${row.test}`);
      const found = [o.verdict, o.flags.join(' '), o.positive, o.negative].join();
      return found !== [row.verdict, row.flags, row.positive, row.negative].join();
    });
    expect(wrong.map(row => row.test)).toEqual([]);
  });
});
