// `npm run bench -- view LABELS FOLDER [--tree DIR]`: how much of the code near labelled places is understood. LABELS is a file of JSON lines with
// `id` and `pre` (places: path, from, to); FOLDER holds for each label ID-pre.patch, or the files themselves by their paths.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../prepare.mjs';

/** Events so many lines from a place count. */
const NEAR = 12;
const ACCESSES = new Set(['read', 'write', 'rmw', 'publish', 'free']);

/** The events of an input, as the command prints them. */
function eventsOf(input, tree) {
  const args = [join(root, 'dist/cli.js'), 'events', '--json', ...(tree ? ['--tree', tree] : []), input];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  return stdout
    .split('\n')
    .filter(Boolean)
    .flatMap(line => JSON.parse(line).functions ?? []);
}

/** Counts of one group of labels: calls and those unknown, accesses and those of no type. */
function count(labels, folder, tree) {
  const seen = new Map();
  const counts = { labels: 0, calls: 0, unknown: 0, accesses: 0, untyped: 0 };
  for (const label of labels) {
    const patch = join(folder, `${label.id}-pre.patch`);
    const inputs = existsSync(patch) ? [patch] : [...new Set(label.pre.map(p => join(folder, p.path)))].filter(existsSync);
    if (inputs.length === 0) continue;
    counts.labels++;
    for (const input of inputs) {
      if (!seen.has(input)) seen.set(input, eventsOf(input, tree));
      for (const fn of seen.get(input)) {
        const places = label.pre.filter(p => fn.path === p.path || fn.path.endsWith(`/${p.path}`));
        for (const event of fn.events) {
          if (event.via || !places.some(p => event.line >= p.from - NEAR && event.line <= p.to + NEAR)) continue;
          if (event.kind === 'call') {
            counts.calls++;
            if (event.known === false) counts.unknown++;
          } else if (ACCESSES.has(event.kind)) {
            counts.accesses++;
            if (!event.cell?.type && event.cell?.base !== null) counts.untyped++;
          }
        }
      }
    }
  }
  return counts;
}

const share = (part, all) => `${part} of ${all} (${all === 0 ? '-' : ((100 * part) / all).toFixed(1)} %)`;

export async function run([file, folder, ...options]) {
  const at = options.indexOf('--tree');
  const tree = at < 0 ? null : options[at + 1];
  if (!file || !folder) throw new Error('npm run bench -- view LABELS FOLDER [--tree DIR]');
  const labels = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
    .filter(l => Array.isArray(l.pre));
  console.log(`Events within ${NEAR} lines of a labelled place. A call is known where its body, a fact or a row of the contracts was read;`);
  console.log('an access has a type where the object that its cell starts from has one, or is a global.');
  const groups = new Map();
  for (const label of labels) groups.set(label.state ?? 'files', [...(groups.get(label.state ?? 'files') ?? []), label]);
  for (const [name, of] of groups) {
    const c = count(of, folder, tree);
    console.log(
      `${name.padEnd(12)} labels ${c.labels}; calls unknown ${share(c.unknown, c.calls)}; accesses without a type ${share(c.untyped, c.accesses)}`,
    );
  }
}
