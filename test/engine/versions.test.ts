import { describe, expect, test } from 'vitest';
import { review } from '../../src/engine/review.ts';
import type { Patch, Series, Thread } from '../../src/model/series.ts';
import { coverageLine } from '../../src/report/coverage.ts';
import { reviewJson } from '../../src/report/json.ts';
import { notes } from '../../src/report/notes.ts';
import { grammar, hunkPatch, patchOf, threadOf } from '../code.ts';

const drop = (name: string) => `void ${name}(struct s *s)\n{\n\tatomic_inc_return(&s->hits);\n}\n`;
const keep = (name: string) => `void ${name}(struct s *s)\n{\n\tatomic_inc(&s->hits);\n}\n`;

/** A thread with the versions of one series, the first version first. */
function versions(...all: Patch[][]): Thread {
  const thread = threadOf(all.flat());
  let at = 0;
  thread.series = all.map((patches, i): Series => {
    const ids = thread.messages.slice(at, at + patches.length).map(m => m.messageId);
    at += patches.length;
    return { id: `v${i + 1}`, version: i + 1, title: 's', expected: ids.length, complete: true, cover: null, patches: ids, followUps: [], set: 'v1' };
  });
  return thread;
}

async function reviewed(thread: Thread) {
  return review(thread, { grammar: await grammar() });
}

describe('two versions of a series', () => {
  test('the newest alone is reviewed, its findings marked against the one before', async () => {
    const thread = versions(
      [patchOf({ 'a.c': drop('one'), 'b.c': drop('two') })],
      [patchOf({ 'a.c': keep('one'), 'b.c': `int n;\n${drop('two')}`, 'c.c': drop('three') })],
    );
    const result = await reviewed(thread);
    expect(result.reviews.map(r => [r.version, r.since])).toEqual([[2, { version: 1, resolved: 1, open: 1, new: 1 }]]);
    const [of] = result.reviews;
    expect(of?.findings.map(f => [f.path, f.sincePrevious])).toEqual([
      ['b.c', 'open'],
      ['c.c', 'new'],
    ]);
    expect(of?.resolved.map(f => [f.path, f.sincePrevious])).toEqual([['a.c', 'resolved']]);
    expect(coverageLine(result)).toMatch(/; since v1: 1 resolved, 1 still open, 1 new$/);
    expect(notes(result).split('\n')[0]).toBe('since v1: 1 resolved, 1 still open, 1 new');
    expect(JSON.stringify(reviewJson(result))).toContain('"sincePrevious":"open"');
  });

  test('a clean new version says nothing on stdout', async () => {
    const result = await reviewed(versions([patchOf({ 'a.c': drop('one') })], [patchOf({ 'a.c': keep('one') })]));
    expect(notes(result)).toBe('');
    expect(coverageLine(result)).toContain('since v1: 1 resolved, 0 still open, 0 new');
  });

  test('nothing is compared with a version that is not complete', async () => {
    const thread = versions([patchOf({ 'a.c': drop('one') })], [patchOf({ 'a.c': drop('one') })]);
    if (thread.series[0]) thread.series[0].complete = false;
    const [of] = (await reviewed(thread)).reviews;
    expect([of?.since, of?.findings.map(f => f.sincePrevious)]).toEqual([undefined, [undefined]]);
  });

  test('a version sent twice is reviewed once, two patches of one title both', async () => {
    const twice = versions([patchOf({ 'a.c': drop('one') })], [patchOf({ 'a.c': drop('one') })]);
    for (const s of twice.series) s.version = 1;
    expect((await reviewed(twice)).reviews).toHaveLength(1);
    const apart = versions([patchOf({ 'a.c': drop('one') })], [patchOf({ 'b.c': drop('one') })]);
    for (const s of apart.series) s.version = 1;
    expect((await reviewed(apart)).reviews).toHaveLength(2);
  });
});

test('a fault is the patch’s that brought it, also where a later one has touched its line', async () => {
  const later = hunkPatch(
    'a.c',
    '',
    1,
    ' void one(struct s *s)\n {\n-\tatomic_inc_return(&s->hits);\n+\tatomic_inc_return(&s->hits); /* one more */\n }',
  );
  const { reviews } = await reviewed(threadOf([patchOf({ 'a.c': drop('one') }, '', 1, 2), { ...later, index: 2, total: 2 }]));
  expect(reviews[0]?.findings).toMatchObject([{ line: 3, patch: { index: 1, messageId: '1@example.org' }, origin: 'introduced' }]);
  expect(reviews[0]?.resolved).toEqual([]);
});
