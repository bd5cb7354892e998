// The checker of the memory model on a folder of litmus tests, in process, beside the seconds that herd7 took where the folder has a verdicts.csv.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../prepare.mjs';
import { median } from './measure.mjs';

/** LITMUS names the folder; else the shared corpus, else the tests that the repository carries. */
function corpus() {
  const shared = join(root, '../shared/corpus/litmus');
  return process.env.LITMUS ?? (existsSync(shared) ? shared : join(root, 'test/lkmm/litmus'));
}

/** By file name: herd7's verdict and seconds; nothing where the folder has no verdicts.csv. */
function recorded(folder) {
  const path = join(folder, 'verdicts.csv');
  if (!existsSync(path)) return new Map();
  const [head, ...rows] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const column = name => head.split(',').indexOf(name);
  return new Map(
    rows
      .map(row => row.split(','))
      .map(cells => [cells[column('test')], { verdict: cells[column('verdict')], seconds: Number(cells[column('seconds')]) }]),
  );
}

/** Milliseconds of user CPU, which other work on the machine changes little. */
function timed(run) {
  const start = process.cpuUsage();
  const value = run();
  return { value, spent: process.cpuUsage(start).user / 1000 };
}

export async function run() {
  const { decideTest, parseLitmus } = await import(join(root, 'dist/index.js'));
  const folder = corpus();
  const herd = recorded(folder);
  const every = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.litmus'))
    .sort();
  const limit = Number(process.env.BUDGET ?? 100_000);
  const tests = every.filter(name => herd.size === 0 || herd.has(name)).map(name => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  const results = [];
  for (const { name, text } of tests) {
    const { value: done, spent } = timed(() => {
      const { value } = parseLitmus(text);
      return value && decideTest(value, { budget: limit });
    });
    results.push({ name, spent, checked: done?.checked ?? 0, decided: done !== null && done.verdict !== 'unsupported' });
  }
  const times = results.map(r => r.spent).sort((a, b) => a - b);
  const at = share => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2);
  const sum = list => list.reduce((total, n) => total + n, 0);
  const slowest = results.reduce((a, b) => (b.spent > a.spent ? b : a));
  const decided = results.filter(r => r.decided);
  process.stdout.write(`${results.length} litmus tests of ${folder}, in process, at most ${limit} checks each; milliseconds of user CPU\n`);
  process.stdout.write(`  decided ${decided.length}  total ${sum(times).toFixed(0)}  checks ${sum(results.map(r => r.checked))}\n`);
  process.stdout.write(`  median ${at(0.5)}  p90 ${at(0.9)}  p99 ${at(0.99)}  max ${slowest.spent.toFixed(2)} (${slowest.name})\n`);
  const both = decided.filter(r => (herd.get(r.name)?.seconds ?? 0) > 0 && herd.get(r.name).verdict !== 'TIMEOUT');
  if (both.length === 0) {
    process.stdout.write('  herd7: no verdicts.csv with its seconds in the folder\n');
    return;
  }
  const ratios = both.map(r => (herd.get(r.name).seconds * 1000) / Math.max(r.spent, 0.01));
  const seconds = sum(both.map(r => herd.get(r.name).seconds));
  process.stdout.write(
    `  herd7's recorded time / this, ${both.length} tests: ${((seconds * 1000) / sum(both.map(r => r.spent))).toFixed(1)} in total, `,
  );
  process.stdout.write(`${median(ratios).toFixed(1)} in the median (a process each, start-up included)\n`);
}
