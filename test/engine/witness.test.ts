import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../src/engine/fingerprint.ts';
import { review } from '../../src/engine/review.ts';
import { grammar, patchOf, threadOf } from '../code.ts';

async function findingsOf(text: string) {
  const [first] = review(threadOf([patchOf({ 'drivers/example.c': text })]), { grammar: await grammar() }).reviews;
  return first ?? { findings: [], held: [] };
}

const pair = (take: string, put: string) => `
/* held == ~spare, for every bit */
struct shelf {
	unsigned long *held;
	unsigned long *spare;
};

bool shelf_take(struct shelf *s, int n)
{
${take}
}

bool shelf_put(struct shelf *s, int n)
{
${put}
}
`;

describe('the order that breaks a pair is found, not known', () => {
  test('whichever cell is updated first, by whichever of the calls', async () => {
    const orders = [
      [
        '	bool was = test_and_set_bit(n, s->held);\n	clear_bit(n, s->spare);\n	return was;',
        '	bool was = test_and_clear_bit(n, s->held);\n	set_bit(n, s->spare);\n	return was;',
      ],
      [
        '	clear_bit(n, s->spare);\n	return test_and_set_bit(n, s->held);',
        '	bool was = test_and_clear_bit(n, s->held);\n	set_bit(n, s->spare);\n	return was;',
      ],
    ] as const;
    const ends = [];
    for (const [take, put] of orders) {
      const { findings } = await findingsOf(pair(take, put));
      const witness = findings.find(f => f.rule === 'torn-pair-update')?.witness;
      expect(witness).toMatchObject({ verdict: 'Sometimes', fixedVerdict: 'Never', reach: 'Sometimes', strength: 'sc' });
      ends.push(witness?.steps?.map(s => `${s.thread} ${s.text}`));
    }
    expect(ends[0]).not.toEqual(ends[1]);
  });

  test('each step names the line of the event that it comes from', async () => {
    const text = pair(
      '	set_bit(n, s->held);\n	clear_bit(n, s->spare);\n	return true;',
      '	clear_bit(n, s->held);\n	set_bit(n, s->spare);\n	return true;',
    );
    const { findings } = await findingsOf(text);
    const steps = findings[0]?.witness?.steps ?? [];
    expect(steps).toHaveLength(4);
    const lines = text.split('\n');
    for (const step of steps) expect(lines[step.line - 1]).toContain(step.text.startsWith('held') ? 's->held' : 's->spare');
  });

  test('two calls of one function never contradict each other, and that is held as decided', async () => {
    const { held } = await findingsOf(
      pair(
        '	bool was = test_and_set_bit(n, s->held);\n	test_and_clear_bit(n, s->spare);\n	return was;',
        '	bool was = test_and_clear_bit(n, s->held);\n	test_and_set_bit(n, s->spare);\n	return was;',
      ),
    );
    expect(held.filter(h => h.reason === 'not-decided').map(h => h.detail)).toEqual([
      'shelf_take() against shelf_take(): no execution shows this',
      'shelf_put() against shelf_put(): no execution shows this',
    ]);
  });

  test('an update that runs only for the winner of the first is run so', async () => {
    const { findings } = await findingsOf(
      pair(
        '	if (test_and_set_bit(n, s->held))\n		return false;\n	clear_bit(n, s->spare);\n	return true;',
        '	if (!test_and_clear_bit(n, s->held))\n		return false;\n	set_bit(n, s->spare);\n	return true;',
      ),
    );
    const witness = findings.find(f => f.rule === 'torn-pair-update')?.witness;
    expect(witness?.litmus).toMatch(/if \(r0 [!=]= 0\)/);
    expect(witness?.verdict).toBe('Sometimes');
  });

  test('the litmus tests hold both threads, and the fixed one a lock', async () => {
    const { findings } = await findingsOf(
      pair('	set_bit(n, s->held);\n	clear_bit(n, s->spare);\n	return true;', '	clear_bit(n, s->held);\n	set_bit(n, s->spare);\n	return true;'),
    );
    const witness = findings[0]?.witness;
    expect(witness?.litmus).toMatch(/^C shelf_take\+shelf_put\n[\s\S]*P0\([\s\S]*P1\([\s\S]*exists \(held=. \/\\ spare=.\)\n$/);
    expect(witness?.fixedLitmus).toContain('spin_lock(l);');
  });
});

test('a fingerprint is 16 digits, and of its parts and their borders', () => {
  expect(fingerprint(['a', 'b'])).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprint(['a', 'b'])).toBe(fingerprint(['a', 'b']));
  expect(new Set([fingerprint(['ab', '']), fingerprint(['a', 'b']), fingerprint(['', 'ab']), fingerprint(['b', 'a'])]).size).toBe(4);
});
