// `node scripts/audit.mjs TREE [--seed N] [--from N] [--count N]`: 150 rows of the contracts that say something and 50 that do not, picked by a seed, each
// with the bodies that the tree has of the name, to be read against each other. `--name NAME` prints the row of that name alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDERS, filesOf, library } from './contracts.mjs';
import { build, install } from './prepare.mjs';
import { random } from './random.mjs';
import { fileOf, packing } from './tables.mjs';

const SAYING = 150;
const NOTHING = 50;
/** Lines of a body that are shown. */
const MOST_LINES = 70;

function picked(lines, count, numbers) {
  const found = new Set();
  while (found.size < Math.min(count, lines.length)) found.add(lines[Math.floor(numbers() * lines.length)]);
  return [...found];
}

/** The definitions of the names in a text: functions by the first column, and function-like macros. */
function definitions(path, text, names) {
  const found = [];
  const lines = text.split('\n');
  for (let row = 0; row < lines.length; row++) {
    const line = lines[row];
    const macro = /^#\s*define\s+(\w+)/.exec(line)?.[1];
    const name = macro ?? [...line.matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].map(m => m[1]).find(n => names.has(n));
    if (!name || !names.has(name) || (macro === undefined && !/^[A-Za-z_*]/.test(line))) continue;
    let to = row;
    if (macro !== undefined) while (lines[to]?.endsWith('\\')) to++;
    else {
      while (to < row + 12 && !/[{;]/.test(lines[to] ?? '')) to++;
      if (/;/.test((lines[to] ?? '').replace(/\{.*/, '')) || !lines[to]?.includes('{')) continue;
      while (to < lines.length - 1 && !/\}/.test(to === row ? line : '') && !lines[to].startsWith('}')) to++;
    }
    const from = macro === undefined && /^\w+\s*\(/.test(line) ? Math.max(0, row - 1) : row;
    found.push({
      name,
      text: `   ${path}:${row + 1}\n${lines
        .slice(from, Math.min(to + 1, from + MOST_LINES))
        .map(l => `   | ${l}`)
        .join('\n')}`,
    });
    row = to;
  }
  return found;
}

/** The rows that the seed picks. */
function sample(fencepost, all, seed) {
  const lines = all.filter(line => !fencepost.contractOfRow(line)?.byFact);
  const says = lines.filter(line => line.split('\t').length > 4);
  const nothing = lines.filter(line => line.split('\t').length <= 4 && fencepost.contractOfRow(line)?.complete);
  const numbers = random(seed);
  return [...picked(says, SAYING, numbers), ...picked(nothing, NOTHING, numbers)];
}

const args = process.argv.slice(2);
const value = (name, otherwise) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : otherwise);
const [seed, first, count] = [value('--seed', 1), value('--from', 0), value('--count', SAYING + NOTHING)].map(Number);
const name = value('--name', null);
const [tree] = args;
if (args.length !== 1 || tree.startsWith('-')) throw new Error('usage: node scripts/audit.mjs TREE [--seed N] [--from N] [--count N] [--name NAME]');
install();
await build();
const fencepost = library();
const opened = fencepost.openTable(readFileSync(fileOf(fencepost.CONTRACTS)), packing);
if (opened.problem) throw new Error(opened.problem);
const named = name === null ? null : opened.table.lines(name);
if (named?.length === 0) throw new Error(`${name}: no row`);
const from = named ? 0 : first;
const rows = named ?? sample(fencepost, opened.table.all(), seed).slice(from, from + count);
const names = new Set(rows.map(row => row.split('\t')[0]));
const bodies = new Map();
for (const path of filesOf(tree, FOLDERS)) {
  const text = readFileSync(join(tree, path), 'utf8');
  for (const one of definitions(path, text, names)) bodies.set(one.name, [...(bodies.get(one.name) ?? []), one.text]);
}
for (const [i, row] of rows.entries()) {
  console.log(`${from + i + 1}. ${row.replaceAll('\t', '  ')}`);
  for (const body of bodies.get(row.split('\t')[0]) ?? ['   no body found']) console.log(body);
}
