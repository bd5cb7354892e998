/** What findings say of declared wrappers, over all bad examples. */
import { expect, test } from 'vitest';
import { review } from '../../src/engine/review.ts';
import { grammar, threadOf } from '../code.ts';
import { declaredCalls, declaredLocks } from './declared.ts';
import type { Transformed } from './kind.ts';
import { allExamples } from './measure.ts';

/** The lines of what is reviewed. */
function linesOf({ patches }: Transformed): string[] {
  return patches.flatMap(p => p.files.flatMap(f => f.hunks.flatMap(h => h.lines.map(l => l.text))));
}

test('a finding on a line that calls a declared wrapper names the wrapper, and not what it wraps', async () => {
  const examples = (await allExamples()).filter(e => e.verdict === 'bad');
  const wrong: string[] = [];
  let named = 0;
  for (const kind of [declaredLocks, declaredCalls]) {
    for (const example of examples.filter(e => kind.concerns(e))) {
      const made = kind.transform(example, examples);
      if (!made?.facts) continue;
      const result = review(threadOf(made.patches), { grammar: await grammar(), rules: [example.rule], facts: made.facts });
      const lines = linesOf(made);
      for (const { message, line, related } of result.reviews.flatMap(r => r.findings)) {
        const here = [lines[line - 1] ?? '', ...related.map(r => lines[r.line - 1] ?? '')].join('\n');
        const calls = [...here.matchAll(/\bmy_(\w+)/g)].map(m => m[1] ?? '');
        for (const name of new Set(calls)) {
          if (message.includes(`my_${name}`)) named++;
          if (new RegExp(`\\b${name}\\b`).test(message) && !new RegExp(`\\b${name}\\b`).test(here)) wrong.push(`${example.id}: ${message}`);
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(named).toBeGreaterThan(50);
});
