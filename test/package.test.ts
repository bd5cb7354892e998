import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const { scripts, bin, main, files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('what is packed is built first, declarations too, and holds the command and the library', () => {
  expect(scripts.prepack).toBe(scripts.build);
  for (const path of [bin.fencepost, main]) {
    expect(files).toContain(path.split('/')[0]);
    expect(existsSync(join(root, path)), path).toBe(true);
  }
});
