import { expect, test } from 'vitest';
// @ts-expect-error a script without declarations
import { stale } from '../scripts/generate.mjs';

test('generated files are fresh', async () => {
  expect(await stale()).toEqual([]);
});
