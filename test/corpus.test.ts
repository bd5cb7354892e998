import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tools } from '../src/cli/tools.ts';
import { readThread, review } from '../src/index.ts';
import { corpus } from './beside.ts';
import { grammar } from './code.ts';

async function* bytes(path: string) {
  yield new Uint8Array(readFileSync(path));
}

const reviewed = async (path: string) => review(await readThread(path, bytes(path), tools), { grammar: await grammar() });

describe.skipIf(!existsSync(corpus))('with the corpus beside the project', () => {
  test('the first thread draws one finding of each fault on its first patch, with both places where there are two, and none on the others', async () => {
    const result = await reviewed(join(corpus, 'dualbitmap/t.mbox'));
    expect(result.reviews.map(r => r.coverage.patches)).toEqual([7]);
    const findings = result.reviews.flatMap(r => r.findings);
    expect(findings.map(f => [f.patch.index, f.rule, f.severity, f.related.length])).toEqual([
      [1, 'torn-pair-update', 'warning', 1],
      [1, 'discarded-rmw-result', 'warning', 1],
      [1, 'unbounded-update-window', 'warning', 2],
      [1, 'barrier-orders-nothing', 'note', 1],
      [1, 'cold-inline-helper', 'note', 0],
    ]);
    expect(findings.flatMap(f => (f.witness ? [f.witness.verdict, f.witness.fixedVerdict] : []))).toEqual([
      'Sometimes',
      'Never',
      'Sometimes',
      'Never',
    ]);
    // A lock or one word cures a pair; a barrier never does.
    for (const f of findings) for (const fix of f.fix) expect(fix.text).not.toMatch(/(?:add|insert|use) .*(?:smp_|barrier)/i);
  });

  test('the same patch, saved as a page of text, draws the same', async () => {
    const [mail, page] = await Promise.all([
      reviewed(join(corpus, 'dualbitmap/messages/01-rfc-patch-1of7.eml')),
      reviewed(join(corpus, 'seeds/000_466504a5ae0a9c72.txt')),
    ]);
    const rules = (r: typeof mail) => r.reviews.flatMap(x => x.findings.map(f => `${f.rule} ${f.path}:${f.line}`));
    expect(rules(page)).toEqual(rules(mail));
    expect(rules(page)).toHaveLength(5);
  });
});
