import { describe, expect, test } from 'vitest';
import { rules } from '../../rules/index.ts';
import { review } from '../../src/engine/review.ts';
import { grammar, threadOf } from '../code.ts';
import { patchOfExample, wanted } from './examples.ts';

const reviewed = new Map<string, ReturnType<typeof reviewedBy>>();

/** Every rule runs on every example, one on trial on its own alone: what another rule says there must be wanted too. An example is reviewed once. */
function found(example: string, rule?: (typeof rules)[number]) {
  const trial = rule?.trial ? rule.id : '';
  const key = `${trial}\n${example}`;
  const known = reviewed.get(key) ?? reviewedBy(example, trial);
  reviewed.set(key, known);
  return known;
}

async function reviewedBy(example: string, trial: string) {
  const result = review(threadOf([patchOfExample(example)]), { grammar: await grammar(), rules: rules.filter(r => !r.trial || r.id === trial) });
  const places = result.reviews.flatMap(r =>
    r.findings.flatMap(f => [f, ...f.related.filter(p => p.note.startsWith('the same')).map(p => ({ ...f, line: p.line, side: p.side }))]),
  );
  return { result, places };
}

describe.each(rules.map(rule => ({ id: rule.id, rule })))('$id', ({ rule }) => {
  test('says why, cites the kernel, and has examples both ways', () => {
    expect(rule.why.trim().length).toBeGreaterThan(100);
    expect(rule.references.length).toBeGreaterThan(0);
    expect(rule.examples.bad.length).toBeGreaterThan(0);
    expect(rule.examples.good.length).toBeGreaterThan(1);
    expect(rule.title).not.toMatch(/\.$/);
    expect(rule.finds.length).toBeLessThanOrEqual(4);
  });

  test.each(rule.examples.bad.map((text, i) => ({ i: i + 1, text })))(
    'speaks on bad example $i, where it says so and nowhere else',
    async ({ text }) => {
      const { places, result } = await found(text, rule);
      expect(wanted(text).some(w => w.rule === rule.id)).toBe(true);
      const got = places.map(f => ({ line: `${f.side === 'old' ? '-' : ''}${f.line}`, rule: f.rule, message: f.message }));
      expect(
        got.map(g => `${g.line} ${g.rule}`).sort(),
        JSON.stringify(result.reviews.flatMap(r => r.held.map(h => [h.reason, h.detail, h.finding.message]))),
      ).toEqual(
        wanted(text)
          .map(w => `${w.line} ${w.rule}`)
          .sort(),
      );
      for (const w of wanted(text)) expect(got.find(g => g.line === w.line && g.rule === w.rule)?.message).toContain(w.part);
    },
  );

  test.each(rule.examples.good.map((text, i) => ({ i: i + 1, text })))('is silent on good example $i', async ({ text }) => {
    const { places, result } = await found(text, rule);
    expect(places.map(f => `${f.line} ${f.rule}: ${f.message}`)).toEqual([]);
    expect(result.reviews.flatMap(r => r.problems)).toEqual([]);
  });
});

test('every claim that an example tells has a cure that the checker decided', async () => {
  let told = 0;
  for (const rule of rules) {
    for (const text of rule.examples.bad) {
      const { result } = await found(text);
      for (const finding of result.reviews.flatMap(r => r.findings)) {
        if (!finding.witness) continue;
        told++;
        expect([finding.witness.verdict, finding.witness.fixedVerdict, finding.witness.reach], finding.message).toEqual([
          'Sometimes',
          'Never',
          'Sometimes',
        ]);
        expect(finding.fix.some(f => f.fixedVerdict === 'Never')).toBe(true);
      }
    }
  }
  expect(told).toBeGreaterThan(4);
});

/** Rules of objects, their references and their readers that argue by claims. */
const DECIDED = [
  'done-flag-before-work',
  'found-object-used-after-unlock',
  'get-races-final-put',
  'id-released-before-slot-cleared',
  'idr-unlocked',
  'list-under-two-locks',
  'no-recheck-after-claim',
  'protected-pointer-escapes',
  'rcu-free-before-replace',
  'rcu-free-without-gp',
  'read-after-failed-put',
  'stale-read-used-under-lock',
];

test('a barrier that goes is decided where the other side of its pair is in view, with the barrier put back as the cure', async () => {
  const rule = rules.find(r => r.id === 'sync-removed');
  const { result } = await found(rule?.examples.bad[0] ?? '', rule);
  const witnesses = result.reviews.flatMap(r => r.findings).map(f => f.witness);
  expect(witnesses.map(w => [w?.verdict, w?.fixedVerdict, w?.strength, w?.threads.map(t => t.function)])).toEqual([
    ['Sometimes', 'Never', 'weak', ['tray_put', 'tray_take']],
  ]);
});

/** Rules of order and of ownership that have a witness on every bad example, where it takes an assumed CPU as well. */
const WITNESSED = [
  'done-mark-without-release',
  'lock-taken-relaxed',
  'payload-changed-after-publication',
  'read-section-compared-by-hand',
  'recheck-after-unlock-unordered',
  'recheck-missing-after-queueing',
  'used-after-ownership-given',
];

test.each(WITNESSED)('%s shows an execution on every bad example, and says whom it assumes', async id => {
  const rule = rules.find(r => r.id === id);
  for (const text of rule?.examples.bad ?? []) {
    const { result } = await found(text, rule);
    const own = result.reviews.flatMap(r => r.findings).filter(f => f.rule === id);
    expect(own).not.toEqual([]);
    for (const { witness } of own) {
      expect([witness?.verdict, witness?.fixedVerdict, witness?.reach]).toEqual(['Sometimes', 'Never', 'Sometimes']);
      expect(witness?.assumes).not.toEqual([]);
    }
  }
});

describe.each(DECIDED)('%s', id => {
  const rule = rules.find(r => r.id === id);

  test('shows an execution on a bad example, and the cure that makes it impossible', async () => {
    const witnesses = [];
    for (const text of rule?.examples.bad ?? []) {
      const { result } = await found(text, rule);
      for (const f of result.reviews.flatMap(r => r.findings)) if (f.rule === id && f.witness) witnesses.push(f.witness);
    }
    expect(witnesses.map(w => [w.verdict, w.fixedVerdict, w.reach])).toContainEqual(['Sometimes', 'Never', 'Sometimes']);
    for (const w of witnesses) expect(w.threads.length).toBeGreaterThan(1);
  });

  test('has a good example that the checker refutes, and nothing else would', async () => {
    const refuted = [];
    for (const text of rule?.examples.good ?? []) {
      const { result } = await found(text, rule);
      for (const r of result.reviews) {
        const own = r.held.filter(h => h.finding.rule === id && h.detail.endsWith('no execution shows this'));
        if (own.length > 0) expect(r.coverage.claims.decided).toBeGreaterThanOrEqual(own.length);
        refuted.push(...own);
      }
    }
    expect(refuted.map(h => h.reason)).toContain('not-decided');
  });
});

test('the checker also refutes: among the torn pair’s examples are claims that no execution bears out', async () => {
  const rule = rules.find(r => r.id === 'torn-pair-update');
  const details: string[] = [];
  for (const text of [...(rule?.examples.bad ?? []), ...(rule?.examples.good ?? [])]) {
    const { result } = await found(text);
    details.push(...result.reviews.flatMap(r => r.held.map(h => h.detail)));
  }
  expect(details.filter(d => d.endsWith('no execution shows this'))).not.toEqual([]);
});
