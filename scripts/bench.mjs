// `npm run bench`: the wall time of `fencepost check` on one patch file beside that of peers, run in turn, so that the machine's mood hits all alike.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, install, root } from './prepare.mjs';

install();
await build();

const patch = join(root, 'samples/single', readdirSync(join(root, 'samples/single')).find(name => name.endsWith('.patch')) ?? '');
const ROUNDS = Number(process.env.ROUNDS ?? 25);

/** checkpatch.pl of an unpacked kernel source, wherever one lies; CHECKPATCH names another. */
function checkpatch() {
  const places = [process.env.CHECKPATCH ?? ''];
  for (const folder of ['/usr/src']) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) if (/^linux-source-[\d.]+$/.test(name)) places.push(join(folder, name, 'scripts/checkpatch.pl'));
  }
  return places.find(place => place !== '' && existsSync(place));
}

const perl = checkpatch();
const runners = [
  { name: 'node -e 0', run: [process.execPath, ['-e', '0']] },
  { name: 'fencepost check', run: [process.execPath, [join(root, 'dist/cli.js'), 'check', patch]] },
  ...(perl ? [{ name: 'checkpatch.pl --no-tree', run: ['perl', [perl, '--no-tree', '--terse', '-q', patch]] }] : []),
].map(r => ({ ...r, times: [] }));

for (let round = 0; round < ROUNDS; round++) {
  for (const runner of runners) {
    const start = process.hrtime.bigint();
    const done = spawnSync(runner.run[0], runner.run[1], { stdio: 'ignore' });
    if (done.error) throw done.error;
    runner.times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
}

const median = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const base = runners.find(r => r.name === 'fencepost check');
process.stdout.write(`one patch file, ${ROUNDS} rounds in turn; milliseconds of wall time\n`);
for (const r of runners) {
  const ratio = (median(base.times) / median(r.times)).toFixed(2);
  process.stdout.write(
    `  ${r.name.padEnd(26)} min ${Math.min(...r.times)
      .toFixed(0)
      .padStart(5)}  median ${median(r.times).toFixed(0).padStart(5)}  fencepost check / this ${ratio}\n`,
  );
}
if (!perl) process.stdout.write('  checkpatch.pl: no unpacked kernel source found (set CHECKPATCH to its path)\n');
const node = runners.find(r => r.name === 'node -e 0');
process.stdout.write(`over node -e 0: ${(median(base.times) - median(node.times)).toFixed(0)} ms in the median (target: at most 100)\n`);
