import { expect, test } from 'vitest';
import rule from '../../rules/diff/sync-removed.ts';
import freed from '../../rules/rcu/rcu-free-without-gp.ts';
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

/** The free that a grace period was before. */
const unwaited = `--- a/drivers/tray/card.c
+++ b/drivers/tray/card.c
@@ -1,22 +1,21 @@
 struct card {
 	struct list_head node;
 	int value;
 };
 
 int tray_sum(struct tray *t)
 {
 	struct card *c;
 	int sum = 0;
 
 	rcu_read_lock();
 	list_for_each_entry_rcu(c, &t->cards, node)
 		sum += c->value;
 	rcu_read_unlock();
 	return sum;
 }
 void tray_drop(struct card *c)
 {
 	list_del_rcu(&c->node);
-	synchronize_rcu();
-	kfree(c);
+	kfree(c);
 }
`;

test('a grace period that goes is decided against the reader in view, and put back it is the cure', async () => {
  expect(await decided(unwaited)).toEqual([['grace-period', 'tray_sum', 'tray_drop']]);
});

test('what another rule says of the line that stays is shown in its stead, with the removed line beside it', async () => {
  const result = review(threadOf([diffPatch(unwaited)]), { grammar: await grammar(), rules: [rule, freed] });
  const findings = result.reviews.flatMap(r => r.findings);
  expect(findings.map(f => f.rule)).toEqual(['rcu-free-without-gp']);
  expect(findings[0]?.related.map(r => `${r.side} ${r.note}`)).toContain('old removed here');
});

/** Messages of the rule on a diff. */
async function messages(diff: string) {
  const result = review(threadOf([diffPatch(diff)]), { grammar: await grammar(), rules: [rule] });
  return result.reviews.flatMap(r => r.findings).map(f => f.message);
}

test('an access is named by its cell, whatever the line looks like', async () => {
  const diff = `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -30,7 +30,5 @@
 	tray_trace(t);
-	mutex_lock(&t->lock);
 	if (t->users\t\t==
 	    LIMIT) t->users = 0;
-	mutex_unlock(&t->lock);
 out:
 	tray_show(t);
 	tray_trace(t);
`;
  const [message = ''] = await messages(diff);
  expect(message).toContain('The write to t->users');
  expect(message).not.toMatch(/\t|unnamed|LIMIT/);
});

test('a section that two hunks show is told once', async () => {
  const diff = `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -30,5 +30,4 @@ static void tray_open(struct tray *t)
 	tray_trace(t);
-	mutex_lock(&t->lock);
 	t->users++;
 	t->state = 1;
 	t->mark = 2;
@@ -60,5 +59,4 @@ static void tray_open(struct tray *t)
 	t->size = 3;
 	t->last = 4;
 	t->next = 5;
-	mutex_unlock(&t->lock);
 	tray_show(t);
`;
  expect(await messages(diff)).toHaveLength(1);
});

test('an acquire that becomes a plain read is asked about order, not about a lock', async () => {
  const diff = `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -30,4 +30,4 @@ static bool tray_ready(struct tray *t)
 	tray_trace(t);
-	if (!smp_load_acquire(&t->ready))
+	if (!t->ready)
 		return false;
 	return tray_check(t);
`;
  const result = review(threadOf([diffPatch(diff)]), { grammar: await grammar(), rules: [rule] });
  expect(result.reviews.flatMap(r => r.findings).map(f => f.question)).toEqual(['What orders the accesses around it now?']);
});
