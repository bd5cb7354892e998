import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { rules } from '../../rules/index.ts';
import readAfterFailedPut from '../../rules/lifetime/read-after-failed-put.ts';
import storedAfterReleaseCallback from '../../rules/lifetime/stored-after-release-callback.ts';
import { tools } from '../../src/cli/tools.ts';
import { readThread, review } from '../../src/index.ts';
import { grammar } from '../code.ts';

/** Real mail for measuring, where it lies beside the project; the project holds none of it. */
const corpus = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));

/** The rules of objects, their references and their readers. */
const FAMILIES =
  /^(?:read-after|stored-after|use-|get-races|id-released|kref-|rcu-|protected-|module-exit|lockless-walk|offset-|stale-read|relock-|done-flag|tlb-)/;
const mine = rules.filter(rule => FAMILIES.test(rule.id));

async function* bytes(path: string) {
  yield new Uint8Array(readFileSync(path));
}

async function told(path: string, only = mine) {
  const result = review(await readThread(path, bytes(join(corpus, path)), tools), { grammar: await grammar(), rules: only });
  return result.reviews.flatMap(r => [...r.findings, ...r.held.map(h => h.finding)].map(f => `${f.rule} ${f.function}()`));
}

describe.skipIf(!existsSync(corpus))('on the mails beside the project', () => {
  test('a count that is stored after the driver got its page back is told', async () => {
    expect(await told('seed-threads/004-dax-gup/20220916T2036-Dan_Williams-ed7f0c13.eml', [storedAfterReleaseCallback])).toEqual([
      'stored-after-release-callback free_zone_device_page()',
    ]);
  });

  test('a page that is read after a put that was not the last is told', async () => {
    expect(await told('seed-threads/003-speculative-ref/thread-and-aftermath.txt', [readAfterFailedPut])).toEqual([
      'read-after-failed-put __free_pages()',
    ]);
  });

  test.each([
    'seed-threads/001-anon-exclusive/v2-10of15-20220315-patch.eml',
    'seed-threads/002-ptdump/v5-20250723-patch.eml',
    'seed-threads/002-ptdump/v6-20250922-patch-MERGED-fa93b45fd397.eml',
    'seed-threads/004-dax-gup/alistair-20220926-2of7-final-form-ef233450898f.eml',
    'seed-threads/004-dax-gup/20221015T1659-Dan_Williams-6655e03a.eml',
    'dualbitmap/t.mbox',
    'seeds/001_4ecbdc220a2b70ed.txt',
    'seeds/004_976e6bd54836d2c0.txt',
  ])('what is right in %s is left alone', async path => {
    expect(await told(path)).toEqual([]);
  });
});
