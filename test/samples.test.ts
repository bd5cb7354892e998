import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { tools } from '../src/cli/tools.ts';
import { coverageLine, notes, readThread, review, reviewJson, threadText } from '../src/index.ts';
import { grammar } from './code.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Compares with the golden file, or makes it anew under UPDATE=1. */
function golden(path: string, text: string): void {
  const file = join(root, path);
  if (process.env.UPDATE) writeFileSync(file, text);
  expect(existsSync(file) ? readFileSync(file, 'utf8') : `${path} is missing: UPDATE=1 npm test`, path).toBe(text);
}

async function* bytes(path: string) {
  yield new Uint8Array(readFileSync(join(root, path)));
}

const samples = ['paired-bitmaps', 'clean', 'single'].map(folder => {
  const name = readdirSync(join(root, 'samples', folder)).find(n => /\.(?:mbox|patch)$/.test(n));
  return { folder, path: `samples/${folder}/${name}` };
});

describe.each(samples)('samples/$folder', ({ folder, path }) => {
  const reviewed = (async () => review(await readThread(path, bytes(path), tools), { grammar: await grammar() }))();

  test('gives its golden notes and JSON', async () => {
    const result = await reviewed;
    golden(`samples/${folder}/golden.notes`, `${notes(result)}${coverageLine(result)}\n`);
    golden(`samples/${folder}/golden.json`, `${JSON.stringify(reviewJson(result), null, 2)}\n`);
    golden(`samples/${folder}/golden.thread`, threadText(result.thread));
  });

  test('gives the same bytes again', async () => {
    const again = review(await readThread(path, bytes(path), tools), { grammar: await grammar() });
    expect(JSON.stringify(reviewJson(again))).toBe(JSON.stringify(reviewJson(await reviewed)));
  });

  test('is understood: no C file is skipped, no problem is left', async () => {
    const result = await reviewed;
    expect(result.problems).toEqual([]);
    for (const r of result.reviews) expect(r.coverage.filesSkipped.filter(f => /\.[ch]$/.test(f.path))).toEqual([]);
  });
});

const findingsOf = async (path: string) =>
  review(await readThread(path, bytes(path), tools), { grammar: await grammar() }).reviews.flatMap(r => r.findings);

test('on the paired bitmaps patch 1 alone draws findings, one of each fault', async () => {
  const findings = await findingsOf(samples[0]?.path ?? '');
  expect(findings.map(f => [f.patch.index, f.rule]).sort()).toEqual([
    [1, 'barrier-orders-nothing'],
    [1, 'cold-inline-helper'],
    [1, 'discarded-rmw-result'],
    [1, 'torn-pair-update'],
    [1, 'unbounded-update-window'],
  ]);
});

test('nothing is said on the clean series', async () => {
  expect(await findingsOf(samples[1]?.path ?? '')).toEqual([]);
});

test('the single patch has the one fault that it was written with', async () => {
  expect((await findingsOf(samples[2]?.path ?? '')).map(f => f.rule)).toEqual(['torn-pair-update']);
});

test('the README shows the note of the single patch as it is printed', () => {
  const printed = readFileSync(join(root, 'samples/single/golden.notes'), 'utf8').split('\n').slice(0, -2).join('\n').trimEnd();
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\`\`\`\n${printed}\n\`\`\`\n`);
});
