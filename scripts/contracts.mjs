// `npm run contracts -- TREE`: reads a kernel tree and writes what its functions do and its structures hold to rules/contracts. `--records FILE` keeps
// what was read of each file, by git's id of its text, so that a second run by the same code and facts reads only what has changed; `--text FILE` writes
// the rows of functions as text too. `--only DIR,DIR` reads a part of the tree and leaves the tables alone: it writes no more than these files.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build, install, root } from './prepare.mjs';
import { fileOf, folder, packing, TABLES } from './tables.mjs';

/** Folders of a tree that are read, headers before what includes them. */
export const FOLDERS = 'include arch/x86 arch/arm64 kernel lib mm net fs block drivers sound crypto security io_uring virt ipc init'.split(' ');
/**
 * What is no part of the kernel, holds registers alone, or is how a primitive is made: of those facts say what they do, and their bodies would say
 * something of the machine.
 */
const LEFT_OUT = new RegExp(
  [
    /(?:^|\/)(?:tools|scripts|Documentation|samples|asic_reg|boot|vdso|tests?|selftests?|kunit)(?:\/|$)/,
    /_(?:test|kunit)\.c$/,
    /[-_](?:offset|sh_mask|regs?)\.h$/,
    /^kernel\/locking\//,
    /^include\/(?:linux|asm-generic)\/(?:spinlock|rwlock|mutex|rwsem|seqlock|semaphore|rtmutex|ww_mutex|lockdep|local_lock|bit_spinlock|cleanup)/,
  ]
    .map(r => r.source)
    .join('|'),
);
/** A file that takes longer than this hangs: it is left out, and counted. On any machine that reads the others none does. */
const LONGEST_SECONDS = 300;
const THREADS = 2;

const require = createRequire(import.meta.url);

export function library() {
  return require(join(root, 'dist/index.js'));
}

export function blobOf(bytes) {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

/** The C files of the tree in the order in which they are read. */
export function filesOf(tree, folders) {
  const found = [];
  const visit = path => {
    const entries = readdirSync(join(tree, path), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const name = `${path}/${entry.name}`;
      if (LEFT_OUT.test(name)) continue;
      if (entry.isDirectory()) visit(name);
      else if (entry.isFile() && /\.[ch]$/.test(name)) found.push(name);
    }
  };
  for (const name of folders) if (existsSync(join(tree, name))) visit(name);
  return found;
}

/** Tells this tree from any other with other files, as far as they are read. */
export function digestOf(files) {
  const all = createHash('sha1');
  for (const { path, blob } of files) all.update(`${path} ${blob}\n`);
  return all.digest('hex').slice(0, 16);
}

/** The files that are read of a tree, with their ids. */
export function blobsOf(tree, folders = FOLDERS) {
  return filesOf(tree, folders).map(path => ({ path, blob: blobOf(readFileSync(join(tree, path))) }));
}

export function kernelOf(tree) {
  const text = readFileSync(join(tree, 'Makefile'), 'utf8');
  const part = name => new RegExp(`^${name} = (\\d+)`, 'm').exec(text)?.[1] ?? '0';
  return `${part('VERSION')}.${part('PATCHLEVEL')}.${part('SUBLEVEL')}`;
}

async function thread() {
  const fencepost = library();
  const read = name => readFileSync(join(root, 'dist', name));
  const grammar = await fencepost.loadGrammar(read('web-tree-sitter.wasm'), read('tree-sitter-c.wasm'));
  parentPort.on('message', ({ path, blob }) => {
    const text = readFileSync(join(workerData.tree, path), 'utf8');
    try {
      parentPort.postMessage({ record: JSON.stringify(fencepost.recordOf(path, blob, text, grammar, fencepost.factOf)) });
    } catch (error) {
      parentPort.postMessage({ error: String(error) });
    }
  });
}

/** Reads files on several threads; tells of each. */
function readAll(tree, jobs, tell) {
  return new Promise(resolve => {
    let next = 0;
    let open = 0;
    const start = () => {
      if (next >= jobs.length) {
        if (open === 0) resolve();
        return;
      }
      const worker = new Worker(new URL(import.meta.url), { workerData: { tree }, resourceLimits: { maxYoungGenerationSizeMb: 96 } });
      open++;
      let job = null;
      let timer;
      const end = () => {
        clearTimeout(timer);
        worker.removeAllListeners();
        void worker.terminate();
        open--;
        start();
      };
      const give = () => {
        job = jobs[next++] ?? null;
        if (!job) return end();
        timer = setTimeout(() => {
          tell(job, { error: 'took too long' });
          end();
        }, LONGEST_SECONDS * 1000);
        worker.postMessage(job);
      };
      worker.on('message', said => {
        clearTimeout(timer);
        tell(job, said);
        give();
      });
      worker.on('error', error => {
        tell(job, { error: String(error) });
        end();
      });
      give();
    };
    for (let i = 0; i < THREADS; i++) start();
  });
}

/** What is kept of readings by the same code, each by its key. */
function keptRecords(file, reading) {
  const kept = new Map();
  if (!file || !existsSync(file)) return kept;
  // Too long for one string.
  let rest = '';
  const bytes = gunzipSync(readFileSync(file));
  for (let at = 0; at < bytes.length; at += 1 << 26) {
    const lines = (rest + bytes.subarray(at, at + (1 << 26)).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const space = line.indexOf(' ');
      if (line.startsWith(reading)) kept.set(line.slice(0, space), line.slice(space + 1));
    }
  }
  return kept;
}

/** Tells the code, the facts and the grammar that make records from any others. */
function readingOf() {
  const all = createHash('sha1');
  for (const name of ['index.js', 'tree-sitter-c.wasm', 'web-tree-sitter.wasm']) all.update(readFileSync(join(root, 'dist', name)));
  return `${all.digest('hex').slice(0, 16)}:`;
}

const USAGE = 'usage: npm run contracts -- TREE [--records FILE] [--text FILE] [--only DIR,DIR]';

async function main() {
  const args = process.argv.slice(2);
  const value = name => {
    const [, given] = args.includes(name) ? args.splice(args.indexOf(name), 2) : [name, null];
    if (given === undefined) throw new Error(USAGE);
    return given;
  };
  const recordsFile = value('--records');
  const textFile = value('--text');
  const only = value('--only')?.split(',');
  const [tree] = args;
  if (args.length !== 1 || tree.startsWith('-')) throw new Error(USAGE);
  install();
  await build();
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(0)} s`;
  const read = blobsOf(tree, only ?? FOLDERS);
  const paths = read.map(f => f.path);
  const from = digestOf(read);
  const reading = readingOf();
  // A header's functions are no source file's.
  const keyOf = (path, blob) => `${reading}${path.endsWith('.h') ? 'h' : 'c'}:${blob}`;
  const kept = keptRecords(recordsFile, reading);
  const records = new Map();
  const jobs = [];
  for (const { path, blob } of read) {
    const known = kept.get(keyOf(path, blob));
    if (known !== undefined) records.set(path, known);
    else jobs.push({ path, blob });
  }
  const key = new Map(jobs.map(j => [j.path, keyOf(j.path, j.blob)]));
  console.log(`${paths.length} files, ${jobs.length} to read (${seconds()})`);
  const failed = [];
  let done = 0;
  await readAll(tree, jobs, ({ path }, { record, error }) => {
    if (++done % 5000 === 0) console.log(`${done} read (${seconds()})`);
    if (error) failed.push(`${path}: ${error}`);
    else {
      records.set(path, record);
      kept.set(key.get(path), record);
    }
  });
  console.log(`read, ${failed.length} left out (${seconds()})`);
  for (const line of failed.sort()) console.log(`  ${line}`);
  if (recordsFile && jobs.length > 0) {
    const parts = [];
    for (const [name, record] of [...kept].sort(([a], [b]) => (a < b ? -1 : 1))) parts.push(Buffer.from(`${name} ${record}\n`, 'latin1'));
    writeFileSync(recordsFile, gzipSync(Buffer.concat(parts), { level: 1 }));
    console.log(`records kept (${seconds()})`);
  }
  const fencepost = library();
  const files = paths.flatMap(path => (records.has(path) ? [{ path, record: JSON.parse(records.get(path)) }] : []));
  records.clear();
  kept.clear();
  const links = fencepost.linked(files);
  const statics = new Set(files.flatMap(f => f.record.statics));
  console.log(`${links.definitions.length} bodies linked (${seconds()})`);
  const contracts = fencepost.contractsOf(links, statics, fencepost.factOf);
  const lines = fencepost.contractLines(contracts);
  const kernel = kernelOf(tree);
  const bytes = fencepost.writeTable({ what: fencepost.CONTRACTS, kernel, from }, lines, packing);
  const says = contracts.filter(c => c.acts.length > 0).length;
  const complete = contracts.filter(c => c.complete).length;
  console.log(
    `${contracts.length} rows: ${says} say something, ${complete} are wholly read; ${lines.join('\n').length} characters, ${bytes.length} bytes (${seconds()})`,
  );
  if (textFile) writeFileSync(textFile, `${lines.join('\n')}\n`);
  if (only) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(fencepost.CONTRACTS), bytes);
  const { structs, members } = fencepost.structLines(files);
  for (const [what, own] of [
    [fencepost.STRUCTS, structs],
    [fencepost.MEMBERS, members],
  ]) {
    const table = fencepost.writeTable({ what, kernel, from }, own, packing);
    writeFileSync(fileOf(what), table);
    console.log(`${what}: ${own.length} lines, ${table.length} bytes (${seconds()})`);
  }
}

/** What is wrong with the tables: with their form, their checksums and order, and where a tree is given with what they were read from. */
export function troubles(fencepost, tree = null) {
  const from = tree === null ? null : digestOf(blobsOf(tree));
  return TABLES.flatMap(([name, what]) => {
    const file = join(folder, name);
    if (!existsSync(file)) return [`${name}: missing`];
    const opened = fencepost.openTable(readFileSync(file), packing);
    if (opened.problem) return [`${name}: ${opened.problem}`];
    const { head } = opened.table;
    const found = [];
    if (head.what !== what) found.push(`${name}: holds ${head.what}`);
    if (from !== null && head.from !== from)
      found.push(`${name}: stale, it was read from another tree (Linux ${head.kernel}); npm run contracts -- TREE`);
    try {
      const lines = opened.table.all();
      if (lines.length !== head.rows) found.push(`${name}: has ${lines.length} lines, and says ${head.rows}`);
      const words = lines.map(line => line.split('\t', 1)[0]);
      const late = words.findIndex((word, i) => i > 0 && word < words[i - 1]);
      if (late >= 0) found.push(`${name}: ${words[late]} stands too late`);
      if (what === 'contracts') for (const line of lines) if (!fencepost.contractOfRow(line)) found.push(`${name}: ${line}: no row`);
    } catch (error) {
      found.push(`${name}: ${error.message}`);
    }
    return found;
  });
}

if (!isMainThread && workerData?.tree) await thread();
else if (process.argv[1] && pathToFileURL(process.argv[1]).href === import.meta.url) await main();
