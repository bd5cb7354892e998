import { expect, test } from 'vitest';
import link from '../../rules/rcu/plain-link-into-rcu-list.ts';
import unlink from '../../rules/rcu/plain-unlink-from-rcu-list.ts';
import { review } from '../../src/engine/review.ts';
import type { Rule } from '../../src/model/rule.ts';
import { grammar, patchOf, threadOf } from '../code.ts';

async function witnessesOf(rule: Rule) {
  const found = [];
  for (const text of rule.examples.bad) {
    const result = review(threadOf([patchOf({ 'drivers/example/example.c': text })]), { grammar: await grammar(), rules: [rule] });
    found.push(...result.reviews.flatMap(r => r.findings).map(f => f.witness && [f.witness.verdict, f.witness.fixedVerdict, f.witness.strength]));
  }
  return found;
}

test('a reader on an entry that is taken off plainly is shown on any machine, also where the section is that of all its callers', async () => {
  const found = await witnessesOf(unlink);
  expect(found.length).toBeGreaterThan(1);
  for (const witness of found) expect(witness).toEqual(['Sometimes', 'Never', 'sc']);
});

test('an entry that is linked plainly is seen unfilled on weak machines alone', async () => {
  expect(await witnessesOf(link)).toEqual([
    ['Sometimes', 'Never', 'weak'],
    ['Sometimes', 'Never', 'weak'],
  ]);
});
