// Reads every C file of a kernel tree as `fencepost events` does, and prints what came of it:
//   node scripts/kernel.mjs DIR [folder...] [--every N] [--jobs N] [--verbose]
// On one core first, with the bare parse of each file beside the whole stage; then the stage alone on all cores, or on N.
// Bounds are held against braces in the first column, the whole stage's time against tree-sitter's bare parse of the same text in the same run.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { build } from 'esbuild';
import { root } from './prepare.mjs';

const FOLDERS = ['mm', 'kernel', 'fs', 'net', 'block', 'drivers/net', 'drivers/infiniband', 'lib', 'include'];
/** A file that takes longer than this is named. */
const SLOW_MS = 1000;

if (isMainThread) await main(process.argv.slice(2));
else await work(workerData);

async function main(args) {
  const option = (name, unless) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : unless);
  const [every, jobs] = [option('--every', 1), option('--jobs', availableParallelism())];
  const verbose = args.includes('--verbose');
  const [dir, ...folders] = args.filter((arg, i) => !arg.startsWith('--') && !/^--(?:every|jobs)$/.test(args[i - 1] ?? ''));
  if (!dir) {
    process.stderr.write('node scripts/kernel.mjs DIR [folder...] [--every N] [--jobs N] [--verbose]\n');
    process.exit(2);
  }
  const files = (folders.length > 0 ? folders : FOLDERS).flatMap(folder => list(join(dir, folder))).filter((_, i) => i % every === 0);
  const out = mkdtempSync(join(tmpdir(), 'kernel-'));
  try {
    const bundle = join(out, 'index.mjs');
    await build({
      entryPoints: [join(root, 'src/index.ts')],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'warning',
    });
    const one = await run(bundle, files, dir, 1, true);
    const all = jobs > 1 ? await run(bundle, files, dir, jobs, false) : null;
    print(one, all, jobs, verbose);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function list(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? list(path) : entry.isFile() && /\.[ch]$/.test(path) ? [path] : [];
    });
}

/** Reads the files on so many cores; `bare` also times the bare parse of each. Gives the sums, and the seconds that the slowest core took for the stage. */
async function run(bundle, files, dir, jobs, bare) {
  const parts = await Promise.all(
    Array.from({ length: jobs }, (_, n) =>
      shard({
        bundle,
        files: files.filter((_, i) => i % jobs === n),
        dir,
        bare,
      }),
    ),
  );
  return { ...parts.reduce(sum), longest: Math.max(...parts.map(part => part.stage)) };
}

function shard(workerData) {
  return new Promise((resolve, reject) => {
    // The room for young objects is that of `fencepost scan`'s threads.
    const worker = new Worker(new URL(import.meta.url), { workerData, resourceLimits: { maxYoungGenerationSizeMb: 96 } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function work({ bundle, files, dir, bare }) {
  const { loadGrammar, viewOfText, builtIn } = await import(pathToFileURL(bundle).href);
  const wasm = name => readFileSync(join(root, 'node_modules', name));
  const bytes = [wasm('web-tree-sitter/web-tree-sitter.wasm'), wasm('tree-sitter-c/tree-sitter-c.wasm')];
  const grammar = await loadGrammar(...bytes);
  const { Language, Parser } = await import('web-tree-sitter');
  await Parser.init({ wasmBinary: bytes[0] });
  const parser = new Parser();
  parser.setLanguage(await Language.load(bytes[1]));
  const total = {
    files: 0,
    characters: 0,
    parse: 0,
    stage: 0,
    functions: 0,
    events: 0,
    opaque: 0,
    braces: 0,
    exact: 0,
    broken: 0,
    crashes: [],
    slow: [],
    missed: [],
    unread: [],
    memory: 0,
  };
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const path = file.slice(dir.length).replace(/^\/+/, '');
    total.files++;
    total.characters += text.length;
    let at = performance.now();
    if (bare) parser.parse(text)?.delete();
    total.parse += performance.now() - at;
    at = performance.now();
    let functions = [];
    try {
      functions = viewOfText(path, text, grammar, builtIn).world.functions;
    } catch (error) {
      total.crashes.push(`${path}: ${error.stack.split('\n').slice(0, 4).join(' ')}`);
    }
    const took = performance.now() - at;
    total.stage += took;
    if (took > SLOW_MS) total.slow.push(`${path}: ${Math.round(took)} ms for ${Math.round(text.length / 1000)} kB`);
    total.functions += functions.length;
    for (const f of functions) {
      total.events += f.events.length;
      total.opaque += f.events.filter(e => e.opaque).length;
      if (f.broken) {
        total.broken++;
        total.unread.push(`${path}:${f.line}: ${f.name}()`);
      }
    }
    const ends = new Map(functions.map(f => [f.endLine, f]));
    let last = 0;
    for (const { open, close } of braces(text)) {
      total.braces++;
      const f = ends.get(close);
      if (f && f.line <= open && f.line > last) total.exact++;
      else total.missed.push(`${path}:${open}-${close}${f ? `: found from ${f.line}` : ''}`);
      last = close;
    }
  }
  total.memory = process.resourceUsage().maxRSS / 1024;
  parentPort.postMessage(total);
}

/** Bodies of functions by the first column: `{` below a line that ends in `)`, up to the next `}`. */
function braces(text) {
  const found = [];
  const lines = text.split('\n');
  let comment = false;
  let before = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const code = comment ? '' : line.replace(/\/\*.*?\*\//g, ' ').trimEnd();
    if (/\/\*(?!.*\*\/)/.test(line)) comment = true;
    if (comment && line.includes('*/')) comment = false;
    if (line.startsWith('{') && !line.startsWith('{}') && !/=/.test(before) && /\)(?:\s*__\w+(?:\([^()]*\))?)*$/.test(before) && !/\\$/.test(line)) {
      const close = lines.findIndex((l, n) => n >= i && l.startsWith('}'));
      if (close >= 0) found.push({ open: i + 1, close: close + 1 });
    }
    if (code.trim() !== '' && !code.startsWith('#')) before = code;
  }
  return found;
}

function sum(a, b) {
  return Object.fromEntries(
    Object.keys(a).map(key => [key, key === 'memory' ? Math.max(a[key], b[key]) : Array.isArray(a[key]) ? [...a[key], ...b[key]] : a[key] + b[key]]),
  );
}

function print(t, all, jobs, verbose) {
  const percent = (part, whole) => `${((100 * part) / Math.max(whole, 1)).toFixed(2)} %`;
  const speed = ms => `${(t.characters / 1000 / Math.max(ms, 1)).toFixed(2)} MB/s`;
  const rows = [
    `files ${t.files}, ${(t.characters / 1e6).toFixed(1)} MB, functions ${t.functions}, events ${t.events}, of them opaque calls ${t.opaque}`,
    `crashes ${t.crashes.length}, files over ${SLOW_MS} ms ${t.slow.length}`,
    `exact bounds ${t.exact} of ${t.braces} (${percent(t.exact, t.braces)})`,
    `functions with a parse error inside ${t.broken} (${percent(t.broken, t.functions)})`,
    `bare parse ${speed(t.parse)}, whole stage ${speed(t.stage)}: the rest costs ${((t.stage - t.parse) / Math.max(t.parse, 1)).toFixed(2)} of the parse`,
    `peak memory ${Math.round(t.memory)} MB on 1 core`,
    ...(all ? [`whole stage on ${jobs} cores ${speed(all.longest)}, peak memory ${Math.round(all.memory)} MB`] : []),
  ];
  process.stdout.write(`${rows.join('\n')}\n`);
  const named = verbose
    ? [...t.crashes, ...t.slow, ...t.missed.map(l => `bounds ${l}`), ...t.unread.map(l => `unread ${l}`)]
    : [...t.crashes.slice(0, 20), ...t.slow.slice(0, 20)];
  for (const line of named) process.stdout.write(`  ${line}\n`);
}
