// `npm run check`: everything but the tests. Types, lint, layers, generated files fresh, build.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, root } from './prepare.mjs';

install();
const { breaches, circles, namesakes } = await import('./layers.mjs');
const { rises } = await import('./names.mjs');
const { stale } = await import('./generate.mjs');
const { bundle } = await import('./build.mjs');
const { library, troubles } = await import('./contracts.mjs');

let failed = false;
async function step(name, run) {
  const trouble = await run();
  process.stdout.write(`${trouble.length ? 'FAIL' : 'ok  '} ${name}\n`);
  for (const line of trouble) process.stdout.write(`     ${line}\n`);
  failed ||= trouble.length > 0;
}
const tool = (path, args) => () => {
  const done = spawnSync(process.execPath, [join(root, path), ...args], { cwd: root, encoding: 'utf8' });
  return done.status === 0 ? [] : `${done.stdout}${done.stderr}`.trim().split('\n');
};

await step('types', tool('node_modules/typescript/bin/tsc', ['-p', '.']));
await step('lint and format', tool('node_modules/@biomejs/biome/bin/biome', ['check', '--max-diagnostics=40', '.']));
await step('layers', () => [...breaches(), ...circles(), ...namesakes()]);
await step('spelled names', () => rises());
await step('generated files', () => stale());
await step('build', async () => {
  try {
    await bundle({ declarations: true });
    return [];
  } catch (error) {
    return [String(error)];
  }
});
// `npm run check -- --tree DIR` also holds the tables against the tree that they were read from.
const at = process.argv.indexOf('--tree');
await step('tables of the kernel', () => troubles(library(), at < 0 ? null : process.argv[at + 1]));
process.exitCode = failed ? 1 : 0;
