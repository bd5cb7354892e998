import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The two lines under a heading's sentence that links the page. */
function linesFor(page: string): string[] {
  const [, block = ''] = new RegExp(`\\(docs/${page}\\)\\):\\n\\n\`\`\`\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  return block.trimEnd().split('\n');
}

/** A folder as the README has it: patches in outgoing/, a thread, a driver; `fencepost`, and what else is named, on the PATH. */
function folder() {
  const at = mkdtempSync(join(tmpdir(), 'fencepost-'));
  for (const name of ['bin', 'outgoing', 'drivers/net/ethernet/foo', 'include/linux']) mkdirSync(join(at, name), { recursive: true });
  const mbox = join(root, 'samples/paired-bitmaps/series.mbox');
  cpSync(mbox, join(at, 'outgoing/series.mbox'));
  writeFileSync(join(at, 't.mbox.gz'), gzipSync(readFileSync(mbox)));
  writeFileSync(join(at, 'drivers/net/ethernet/foo/foo.c'), 'int foo;\n');
  const tool = (name: string, script: string) => {
    writeFileSync(join(at, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(at, 'bin', name), 0o755);
  };
  tool('fencepost', `exec '${process.execPath}' '${join(root, 'dist/cli.js')}' "$@"`);
  // What reads the output is not what is tested: the editor shows the list it is given, and jq the text.
  tool('vim', 'cat "$2"');
  tool('jq', 'cat');
  return (line: string) => {
    const done = spawnSync('bash', ['-c', line], {
      cwd: at,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${join(at, 'bin')}:${process.env.PATH}` },
    });
    return { status: done.status, out: done.stdout, err: done.stderr };
  };
}

test.each(['editors.md', 'configuration.md', 'facts.md', 'json.md'])('the two lines of the README for docs/%s work as written', page => {
  const lines = linesFor(page);
  expect(lines).toHaveLength(2);
  const run = folder();
  for (const line of lines) {
    const got = run(line);
    expect(got.err, line).not.toMatch(/no option|no such|not found|no key|fault/);
    // Findings of the sample are a warning, and `check` says so by its status.
    expect([0, 1], `${line}\n${got.err}`).toContain(got.status);
  }
  const last = run(lines[1] ?? '');
  if (page === 'configuration.md') expect(last).toMatchObject({ status: 0, out: expect.stringMatching(/^known\.yaml: \d+ entries, 0 new/) });
  else expect(last.out).toMatch(page === 'json.md' ? /fencepost\.show/ : /\[torn-pair-update\]/);
});
