import { expect, test } from 'vitest';
import rule from '../../rules/diff/sync-removed.ts';
import { review } from '../../src/engine/review.ts';
import { diffPatch, grammar, threadOf } from '../code.ts';

/** What the rule says of the example: of each finding the edit that the checker has decided, or null, and who runs. */
async function decided(example: string) {
  const result = review(threadOf([diffPatch(example)]), { grammar: await grammar(), rules: [rule] });
  return result.reviews
    .flatMap(r => r.findings)
    .map(f => [f.fix.find(x => x.fixedVerdict === 'Never')?.edit ?? null, ...(f.witness?.threads.map(t => t.function) ?? [])]);
}

/** The bad example on whose removed line this stands. */
function removing(text: string): string {
  const found = rule.examples.bad.filter(e => e.split('\n').some(l => l.startsWith('-\t') && l.includes(text)) && /^@@ -1,/m.test(e));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

test.each([
  { gone: 'smp_wmb()', edit: 'fence', threads: ['tray_put', 'tray_take'] },
  { gone: 'spin_lock(&t->lock)', edit: 'lock', threads: ['tray_enter', 'tray_leave'] },
  { gone: 'atomic_inc(&t->users)', edit: 'both', threads: ['tray_enter', 'tray_leave'] },
  { gone: 'READ_ONCE(t->state)', edit: 'order', threads: ['tray_idle', 'tray_turn'] },
  { gone: 'smp_store_release(&t->full', edit: 'order', threads: ['tray_put', 'tray_take'] },
  { gone: 'rcu_read_lock()', edit: 'read-section', threads: ['tray_value', 'tray_change'] },
  { gone: 'synchronize_rcu()', edit: 'grace-period', threads: ['tray_sum', 'tray_drop'] },
  { gone: 'tray_get(t)', edit: 'reference', threads: ['tray_show', null] },
])('$gone that goes is decided against the other half in view, and put back it is the cure', async ({ gone, edit, threads }) => {
  expect(await decided(removing(gone))).toEqual([[edit, ...threads]]);
});

test('the half that both sides have lost is put back on both', async () => {
  const example = removing('smp_wmb()');
  const both = example
    .replace(/^ \tsmp_rmb/m, '-\tsmp_rmb')
    .replace(/^@@ -1,(\d+) \+1,(\d+)/m, (_, old, now) => `@@ -1,${old} +1,${Number(now) - 1}`);
  expect((await decided(both))[0]).toEqual(['both', 'tray_put', 'tray_take']);
});

test('where nobody else touches the memory in view the finding stays a question', async () => {
  const example = removing('READ_ONCE(t->state)').replaceAll('state', 'other').replace('WRITE_ONCE(t->other, other)', 'WRITE_ONCE(t->third, other)');
  expect(await decided(example)).toEqual([[null]]);
});
