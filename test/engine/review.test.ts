import { describe, expect, test } from 'vitest';
import { review } from '../../src/engine/review.ts';
import type { Rule } from '../../src/model/rule.ts';
import type { Patch, Thread } from '../../src/model/series.ts';
import { grammar, hunkPatch, patchOf, threadOf } from '../code.ts';

const header = `struct lane_map {
	spinlock_t lock;
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};
`;
const torn = `
void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i, m->idle);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}
`;

async function reviewed(patches: Patch[], change: (t: Thread) => void = () => undefined, rules?: Rule[]) {
  const thread = threadOf(patches);
  change(thread);
  const [first] = review(thread, { grammar: await grammar(), ...(rules ? { rules } : {}) }).reviews;
  if (!first) throw new Error('no review');
  return first;
}

describe('attribution', () => {
  test('a fault is the patch’s that added its first place', async () => {
    const { findings } = await reviewed([patchOf({ 'include/linux/lane.h': header }, '', 1, 2), patchOf({ 'drivers/lane/lane.c': torn }, '', 2, 2)]);
    expect(findings.map(f => [f.patch.index, f.patch.messageId, f.origin])).toEqual([[2, '2@example.org', 'introduced']]);
  });

  test('functions of two patches make one fault', async () => {
    const [take = '', put = ''] = torn.split(/\n(?=void lane_put)/);
    const { findings } = await reviewed([
      patchOf({ 'drivers/lane/take.c': header + take }, '', 1, 2),
      patchOf({ 'drivers/lane/put.c': put }, '', 2, 2),
    ]);
    expect(findings.map(f => [f.rule, f.related.map(r => r.path)])).toEqual([['torn-pair-update', ['drivers/lane/take.c']]]);
    expect(findings[0]).toMatchObject({ path: 'drivers/lane/put.c', patch: { index: 2 } });
  });

  test('what a later patch of the series cures is told in one line, not reported', async () => {
    const cure = hunkPatch(
      'drivers/lane/lane.c',
      '',
      7,
      `
 void lane_take(struct lane_map *m, unsigned int i)
 {
+	spin_lock(&m->lock);
 	set_bit(i, m->used);
 	clear_bit(i, m->idle);
+	spin_unlock(&m->lock);
 }
 
 void lane_put(struct lane_map *m, unsigned int i)
 {
+	spin_lock(&m->lock);
 	clear_bit(i, m->used);
 	set_bit(i, m->idle);
+	spin_unlock(&m->lock);
 }`,
    );
    const { findings, resolved } = await reviewed([patchOf({ 'drivers/lane/lane.c': header + torn }), { ...cure, title: 'lane: lock the maps' }]);
    expect(findings).toEqual([]);
    expect(resolved.map(f => [f.rule, f.patch.index, f.status, f.statusDetail])).toEqual([
      ['torn-pair-update', 1, 'fixed-later', 'lane: lock the maps'],
    ]);
  });

  test('a fault in lines that were there before is held', async () => {
    const context = `${header}${torn}`
      .trimEnd()
      .split('\n')
      .map(l => ` ${l}`)
      .join('\n');
    const { findings, held } = await reviewed([hunkPatch('drivers/lane/lane.c', '', 1, `${context}\n+/* the end */`)]);
    expect(findings).toEqual([]);
    expect(held.map(h => h.reason)).toContain('pre-existing');
  });

  test('a fault whose places a hunk shows only in part is held below the threshold', async () => {
    const { findings } = await reviewed([
      hunkPatch(
        'drivers/lane/lane.c',
        'void lane_take(struct lane_map *m, unsigned int i)',
        100,
        ' \tcheck(i);\n+\tset_bit(i, m->used);\n+\tclear_bit(i, m->idle);\n \tdone(i);',
      ),
      patchOf({ 'include/linux/lane.h': header }),
      patchOf({ 'drivers/lane/put.c': torn.slice(torn.indexOf('void lane_put')) }),
    ]);
    expect(findings).toEqual([]);
  });
});

test('a line that a reply has quoted and commented on is marked, not hidden', async () => {
  const { findings } = await reviewed([patchOf({ 'drivers/lane/lane.c': header + torn })], thread => {
    thread.comments.push({
      from: { name: 'Reviewer', address: 'reviewer@example.org' },
      messageId: 'r@example.org',
      patch: '1@example.org',
      path: 'drivers/lane/lane.c',
      line: 9,
      side: 'new',
      text: 'is this safe?',
    });
  });
  expect(findings.map(f => [f.status, f.statusDetail])).toEqual([['raised', 'Reviewer']]);
});

test('places of one fault in one patch are one finding with related places', async () => {
  const twice = `
void one(struct s *s)
{
	atomic_inc_return(&s->n);
}

void two(struct s *s)
{
	atomic_inc_return(&s->n);
}
`;
  const { findings } = await reviewed([patchOf({ 'drivers/x.c': twice })]);
  expect(findings.map(f => [f.rule, f.line, f.related.map(r => r.line)])).toEqual([['discarded-rmw-result', 4, [9]]]);
});

test('a rule that crashes is a problem and hides nothing else', async () => {
  const base = {
    title: '',
    why: '',
    severity: 'note',
    confidence: 'high',
    finds: [],
    references: [],
    knownGaps: [],
    examples: { bad: [], good: [] },
  } as const;
  const crash: Rule = {
    ...base,
    id: 'crash',
    finds: [],
    references: [],
    knownGaps: [],
    examples: { bad: [], good: [] },
    checkFunction() {
      throw new Error('oh');
    },
  };
  const speak: Rule = { ...crash, id: 'speak', checkFunction: (fn, report) => report({ place: fn, fn }, { message: fn.name }) };
  const { findings, problems } = await reviewed([patchOf({ 'drivers/x.c': 'void f(void)\n{\n}\n' })], undefined, [crash, speak]);
  expect(findings.map(f => f.message)).toEqual(['f']);
  expect(problems).toEqual([{ severity: 'odd', where: 'drivers/x.c, f()', message: 'the rule crash failed: oh' }]);
});

test('a fingerprint survives lines that are added above', async () => {
  const [a, b] = await Promise.all([
    reviewed([patchOf({ 'drivers/lane/lane.c': header + torn })]),
    reviewed([patchOf({ 'drivers/lane/lane.c': `/* more */\nint n;\n${header}${torn}` })]),
  ]);
  expect(a.findings[0]?.fingerprint).toBe(b.findings[0]?.fingerprint);
  expect(a.findings[0]?.line).not.toBe(b.findings[0]?.line);
});

test('coverage says what was understood and what was skipped', async () => {
  const { coverage } = await reviewed([patchOf({ 'drivers/lane/lane.c': header + torn, Kconfig: 'config LANE\n', 'a.h': '#define A 1\n' })]);
  expect(coverage).toMatchObject({
    patches: 1,
    filesC: 2,
    filesSkipped: [{ path: 'Kconfig', why: 'not C' }],
    functions: { whole: 2, partial: 0 },
    claims: { decided: 3, held: 2 },
  });
});

test('what a rule on trial says is held where it was not named, and is not looked for at all unless asked', async () => {
  const trial: Rule = {
    id: 'trial-rule',
    title: '',
    why: '',
    severity: 'warning',
    confidence: 'high',
    finds: [],
    references: [],
    knownGaps: [],
    trial: true,
    examples: { bad: [], good: [] },
    checkFunction(fn, report) {
      report({ place: { path: fn.path, line: fn.line, side: 'new' }, fn }, { message: 'spoken' });
    },
  };
  const thread = threadOf([patchOf({ 'drivers/x.c': 'void one(void)\n{\n}\n' })]);
  const run = async (options: object) => review(thread, { grammar: await grammar(), rules: [trial], ...options }).reviews[0];
  expect((await run({}))?.findings.map(f => f.rule)).toEqual(['trial-rule']);
  expect((await run({ holdTrials: true }))?.held.map(h => h.reason)).toEqual(['trial']);
  expect((await run({ holdTrials: true }))?.findings).toEqual([]);
});
