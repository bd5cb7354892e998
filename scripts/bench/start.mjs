// The wall time of `fencepost check` on one patch file beside `node -e 0` and, where a kernel source is unpacked, checkpatch.pl.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../prepare.mjs';
import { median, wall } from './measure.mjs';

/** checkpatch.pl of an unpacked Debian kernel source; CHECKPATCH names another. */
function checkpatch() {
  const places = [process.env.CHECKPATCH ?? ''];
  if (existsSync('/usr/src')) {
    for (const name of readdirSync('/usr/src')) if (/^linux-source-[\d.]+$/.test(name)) places.push(join('/usr/src', name, 'scripts/checkpatch.pl'));
  }
  return places.find(place => place !== '' && existsSync(place));
}

export async function run() {
  const rounds = Number(process.env.ROUNDS ?? 25);
  const folder = join(root, 'samples/single');
  const patch = join(folder, readdirSync(folder).find(name => name.endsWith('.patch')) ?? '');
  const perl = checkpatch();
  const runners = [
    { name: 'node -e 0', command: [process.execPath, '-e', '0'] },
    { name: 'fencepost check', command: [process.execPath, join(root, 'dist/cli.js'), 'check', patch] },
    ...(perl ? [{ name: 'checkpatch.pl --no-tree', command: ['perl', perl, '--no-tree', '--terse', '-q', patch] }] : []),
  ].map(r => ({ ...r, times: [] }));
  for (let round = 0; round < rounds; round++) for (const r of runners) r.times.push(wall(r.command));

  const ours = median(runners[1].times);
  process.stdout.write(`one patch file, ${rounds} rounds in turn; milliseconds of wall time\n`);
  for (const r of runners) {
    const [least, middle] = [Math.min(...r.times), median(r.times)].map(t => t.toFixed(0).padStart(5));
    process.stdout.write(`  ${r.name.padEnd(26)} min ${least}  median ${middle}  fencepost / this ${(ours / median(r.times)).toFixed(2)}\n`);
  }
  if (!perl) process.stdout.write('  checkpatch.pl: no unpacked kernel source found (CHECKPATCH may name one)\n');
  process.stdout.write(`  over node -e 0: ${(ours - median(runners[0].times)).toFixed(0)} ms in the median (target: at most 100)\n`);
}
