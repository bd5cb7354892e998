// `npm run bench -- parse TREE [--seed N] [--files N] [--list]`: of the functions in files drawn by a seed from a kernel tree, how many the grammar
// can't read all of, and whether the first column shows functions that are not found.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../prepare.mjs';
import { random } from '../random.mjs';

/** Code for other machines and other builds is no code of the kernel. */
const OTHER = new Set(['tools', 'scripts', 'samples', 'Documentation', 'debian', 'usr']);

function files(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(e => (e.isDirectory() ? files(join(folder, e.name)) : e.isFile() && /\.[ch]$/.test(e.name) ? [join(folder, e.name)] : []));
}

/** As many files as asked for, drawn by the seed. */
export function drawn(tree, seed, count) {
  const folders = readdirSync(tree, { withFileTypes: true }).filter(e => e.isDirectory() && !OTHER.has(e.name));
  const all = folders.flatMap(e => files(join(tree, e.name))).sort();
  const next = random(seed);
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, count);
}

export async function run(args) {
  const option = (name, unless) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : unless);
  const tree = args.find((arg, i) => !arg.startsWith('--') && !/^--(?:seed|files)$/.test(args[i - 1] ?? ''));
  if (tree === undefined) {
    process.stderr.write('npm run bench -- parse TREE [--seed N] [--files N] [--list]\n');
    process.exitCode = 2;
    return;
  }
  const [seed, count] = [option('--seed', 1), option('--files', 2000)];
  const { builtIn, loadGrammar, viewOfText } = await import(pathToFileURL(join(root, 'dist/index.js')).href);
  const wasm = name => readFileSync(join(root, 'node_modules', name));
  const grammar = await loadGrammar(wasm('web-tree-sitter/web-tree-sitter.wasm'), wasm('tree-sitter-c/tree-sitter-c.wasm'));
  const counts = { functions: 0, macros: 0, broken: 0, brokenMacros: 0 };
  const list = [];
  for (const file of drawn(tree, seed, count)) {
    const path = file.slice(tree.length).replace(/^\/+/, '');
    for (const fn of viewOfText(path, readFileSync(file, 'utf8'), grammar, builtIn).world.functions) {
      if (fn.isMacro) counts.macros++;
      else counts.functions++;
      if (!fn.broken) continue;
      if (fn.isMacro) counts.brokenMacros++;
      else counts.broken++;
      list.push(`    ${path}:${fn.line}: ${fn.name}()${fn.isMacro ? ', a macro' : ''}`);
    }
  }
  const share = (n, of) => `${((100 * n) / Math.max(1, of)).toFixed(3)} %`;
  process.stdout.write(`${count} files drawn by seed ${seed}; functions that the grammar can't read all of\n`);
  process.stdout.write(
    `  functions              ${String(counts.functions).padStart(6)}  broken ${String(counts.broken).padStart(4)}  ${share(counts.broken, counts.functions)}\n`,
  );
  process.stdout.write(
    `  macros with statements ${String(counts.macros).padStart(6)}  broken ${String(counts.brokenMacros).padStart(4)}  ${share(counts.brokenMacros, counts.macros)}\n`,
  );
  if (args.includes('--list')) process.stdout.write(`${list.join('\n')}\n`);
}
