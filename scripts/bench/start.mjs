// What `fencepost check` costs on one patch file beside `node -e 0` and, where a kernel source is unpacked, checkpatch.pl: CPU time, user and system.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../prepare.mjs';
import { cost, median } from './measure.mjs';

/** checkpatch.pl of an unpacked Debian kernel source; CHECKPATCH names another. */
function checkpatch() {
  const places = [process.env.CHECKPATCH ?? ''];
  if (existsSync('/usr/src')) {
    for (const name of readdirSync('/usr/src')) if (/^linux-source-[\d.]+$/.test(name)) places.push(join('/usr/src', name, 'scripts/checkpatch.pl'));
  }
  return places.find(place => place !== '' && existsSync(place));
}

/** The patches: a sample with a finding that is decided by the checker, and one without anything to find. */
function patches() {
  const folder = join(root, 'samples/single');
  const sample = join(folder, readdirSync(folder).find(name => name.endsWith('.patch')) ?? '');
  return { sample, plain: join(root, 'scripts/bench/plain.patch') };
}

export function run() {
  const rounds = Number(process.env.ROUNDS ?? 40);
  const perl = checkpatch();
  // In a git tree, checkpatch.pl checks a tracked file as source, not as a patch.
  const folder = mkdtempSync(join(tmpdir(), 'fencepost-start-'));
  try {
    const runners = Object.entries(patches()).flatMap(([which, from]) => {
      const patch = join(folder, `${which}.patch`);
      copyFileSync(from, patch);
      return [
        { which, name: 'fencepost check', command: [process.execPath, join(root, 'dist/cli.js'), 'check', patch] },
        { which, name: 'node -e 0', command: [process.execPath, '-e', '0'] },
        ...(perl ? [{ which, name: 'checkpatch.pl --no-tree', command: ['perl', perl, '--no-tree', '--terse', '-q', patch] }] : []),
      ].map(runner => ({ ...runner, times: [] }));
    });
    for (let round = 0; round < rounds; round++)
      for (const { command, times } of runners) {
        const spent = cost(command, { cwd: folder });
        if (spent === null) {
          process.stdout.write('  python3 is needed to count CPU time\n');
          return;
        }
        times.push(spent.cpu * 1000);
      }
    process.stdout.write(`one patch file, ${rounds} rounds in turn; milliseconds of CPU time, user and system\n`);
    for (const { which, name, times } of runners) {
      const ours = runners.find(runner => runner.which === which)?.times ?? [];
      const [least, middle] = [Math.min(...times), median(times)].map(t => t.toFixed(0).padStart(5));
      const ratio = [Math.min(...ours) / Math.min(...times), median(ours) / median(times)].map(r => r.toFixed(2));
      process.stdout.write(`  ${which.padEnd(7)} ${name.padEnd(24)} min ${least}  median ${middle}  fencepost / this ${ratio.join(', ')}\n`);
    }
    if (!perl) process.stdout.write('  checkpatch.pl: no unpacked kernel source found (CHECKPATCH may name one)\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
