import { describe, expect, test } from 'vitest';
import type { LitmusTest, Outcome } from '../../src/lkmm/litmus.ts';
import { parseLitmus } from '../../src/lkmm/syntax.ts';
import { herdWords, stateWords } from '../../src/lkmm/words.ts';

function testOf(end: string): LitmusTest {
  const { value } = parseLitmus(`C words\n{}\nP0(int *x) { r0 = *x; }\nP1(int *x) { *x = 1; }\n${end}`);
  if (value === null) throw new Error('no test');
  return value;
}

const outcome: Outcome = {
  verdict: 'Sometimes',
  flags: ['data-race'],
  positive: 2,
  negative: 3,
  checked: 5,
  states: [
    ['0:r0=0', '[x]=1'],
    ['0:r0=1', '[x]=1'],
  ],
};

describe('the words are herd7’s', () => {
  test('for a condition that may hold', () => {
    expect(herdWords(testOf('exists (0:r0=1 /\\ ~(x=0 \\/ x=2))'), outcome, 0.125)).toBe(`Test words Allowed
States 2
0:r0=0; [x]=1;
0:r0=1; [x]=1;
Ok
Witnesses
Positive: 2 Negative: 3
Flag data-race
Condition exists (0:r0=1 /\\ not ([x]=0 \\/ [x]=2))
Observation words Sometimes 2 3
Time words 0.13
`);
  });

  test.each([
    ['exists (x=1)', 2, 3, 'Allowed', 'Ok', '2 Negative: 3', 'Sometimes 2 3'],
    ['exists (x=1)', 0, 3, 'Allowed', 'No', '0 Negative: 3', 'Never 0 3'],
    ['exists (x=1)', 2, 0, 'Allowed', 'Ok', '2 Negative: 0', 'Always 2 0'],
    ['exists (x=1)', 0, 0, 'Allowed', 'No', '0 Negative: 0', 'Never 0 0'],
    // A forbidden end is borne out by executions that do not end so; what is observed is told of the end itself.
    ['~exists (x=1)', 2, 3, 'Forbidden', 'No', '3 Negative: 2', 'Sometimes 2 3'],
    ['~exists (x=1)', 0, 3, 'Forbidden', 'Ok', '3 Negative: 0', 'Never 0 3'],
    ['forall (x=1)', 2, 3, 'Required', 'No', '2 Negative: 3', 'Sometimes 2 3'],
    ['forall (x=1)', 2, 0, 'Required', 'Ok', '2 Negative: 0', 'Always 2 0'],
  ])('for %s, which holds in %i executions and fails in %i', (end, positive, negative, kind, ok, witnesses, observation) => {
    const lines = herdWords(testOf(end), { ...outcome, positive, negative, flags: [], states: [] }).split('\n');
    expect(lines).toEqual([
      `Test words ${kind}`,
      'States 0',
      ok,
      'Witnesses',
      `Positive: ${witnesses}`,
      `Condition ${end.replace('x=1', '[x]=1')}`,
      `Observation words ${observation}`,
      '',
    ]);
  });
});

test('an atomic_t in memory is unsigned, a register is not', () => {
  const { value } = parseLitmus('C a\n{ atomic_t x = ATOMIC_INIT(0); int y = 0; }\nP0(atomic_t *x, int *y) {}\nlocations [x; y;]\nexists (0:r0=0)');
  expect(value && stateWords(value, ['0:r0=-2', '[x]=-2', '[y]=-2'])).toBe('0:r0=-2; [x]=4294967294; [y]=-2;');
});

test('where nothing was decided one line says why', () => {
  expect(herdWords(testOf('exists (x=1)'), { ...outcome, verdict: 'unsupported', reason: 'too many executions' }, 1)).toBe(
    'Test words unsupported: too many executions\n',
  );
});
