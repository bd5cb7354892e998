import { spawnSync } from 'node:child_process';
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

test('V8 accepts the machine code that is kept of the command', () => {
  // The launcher says nothing of it: code that is refused only makes it slow.
  const asked = `
    const vm = require('node:vm');
    vm.Script = class extends vm.Script {
      constructor(...given) { super(...given); console.log('refused', this.cachedDataRejected); }
    };
    process.argv.push('--version');
    require('./dist/cli.js');`;
  const done = spawnSync(process.execPath, ['-e', asked, 'cli.js'], { cwd: root, encoding: 'utf8' });
  expect(done.stdout).toContain('refused false');
});

test('the library is imported by its names', async () => {
  const library = await import(join(root, main));
  for (const name of ['review', 'scan', 'loadGrammar', 'readThread', 'decideTest', 'rules']) expect(library[name], name).toBeDefined();
});
