import { realpathSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { rules, safe } from '../index.ts';
import { reasonOf } from './input.ts';
import { declaredFacts, treeOf } from './review.ts';
import { FORMATS, type Job, type Reported, type ScanOptions } from './scanfile.ts';
import { scanAll } from './scanpool.ts';

type Out = (text: string) => void;

/** `fencepost scan PATH...`: C files and folders of them as they stand, findings in the order of the paths. Gives the exit status. */
export async function scanCommand(args: string[], out: Out, err: Out): Promise<number> {
  const options = optionsOf(args);
  if (typeof options === 'string') {
    err(`fencepost scan: ${options}\n`);
    return 2;
  }
  const tree = options.tree === null ? null : treeOf(options.tree, err);
  if (options.tree !== null && tree === null) return 2;
  const facts = await declaredFacts(options.facts, tree, err);
  if (facts === null) return 2;
  let status = 0;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    status = 2;
  };
  const jobs = await jobsOf(options.paths, options.tree, fail);
  const total: Total = { files: 0, functions: 0, events: 0, held: 0, rules: new Map() };
  const progress = progressOn(process.stderr, jobs.length);
  const settings: ScanOptions = { format: options.format, rules: options.only, all: options.all, tree: options.tree, facts };
  await scanAll(jobs, settings, (job, reported) => {
    progress.clear();
    if ('error' in reported) fail(`${job.file}: ${reported.error}`);
    else {
      add(total, reported);
      if (reported.out) out(reported.out);
      if (reported.err) err(reported.err);
    }
    progress.show(job.path);
  });
  progress.clear();
  err(`${summary(total)}\n`);
  return status;
}

/** Folders are not followed through links, and hidden ones not entered: a tree would be read twice, or left. */
async function* filesIn(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile() && C_FILE.test(entry.name)) yield path;
  }
}

const C_FILE = /\.[ch]$/;

/** The files to scan, each once: by name as given and, within the tree, as the tree names it. */
async function jobsOf(paths: string[], tree: string | null, fail: Out): Promise<Job[]> {
  const root = tree === null ? null : realpathSync(tree);
  const jobs = new Map<string, Job>();
  const take = (file: string) => {
    const inside = root === null ? null : within(root, file);
    jobs.set(file, { file, path: inside ?? file });
  };
  for (const path of paths) {
    try {
      if ((await stat(path)).isDirectory()) for await (const file of filesIn(path)) take(file);
      else if (C_FILE.test(path)) take(join(path));
      else fail(`${path}: no C file by its name`);
    } catch (error) {
      fail(`${path}: ${reasonOf(error)}`);
    }
  }
  return [...jobs.values()];
}

function within(root: string, file: string): string | null {
  try {
    const path = relative(root, realpathSync(file));
    return path.startsWith('..') || path === '' ? null : path.split(sep).join('/');
  } catch {
    return null;
  }
}

interface Total {
  files: number;
  functions: number;
  events: number;
  held: number;
  rules: Map<string, number>;
}

function add(total: Total, reported: Exclude<Reported, { error: string }>): void {
  total.files++;
  total.functions += reported.functions;
  total.events += reported.events;
  total.held += reported.held;
  for (const id of reported.found) total.rules.set(id, (total.rules.get(id) ?? 0) + 1);
}

/** `3 files, 20 functions, 80 events, 2 findings (rule-a 1, rule-b 1), 0 held`. */
function summary(total: Total): string {
  const found = [...total.rules].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const sum = found.reduce((n, [, count]) => n + count, 0);
  const by = found.length > 0 ? ` (${found.map(([id, n]) => `${id} ${n}`).join(', ')})` : '';
  const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  return `${counted(total.files, 'file')}, ${counted(total.functions, 'function')}, ${counted(total.events, 'event')}, ${counted(sum, 'finding')}${by}, ${total.held} held`;
}

/** Work that takes longer than this says on a terminal how far it is. */
const QUIET_MS = 1000;
const SHOW_EVERY_MS = 100;

function progressOn(stream: NodeJS.WriteStream, files: number) {
  const began = performance.now();
  let last = began;
  let shown = false;
  let done = 0;
  return {
    show(path: string) {
      done++;
      const now = performance.now();
      if (!stream.isTTY || now - began < QUIET_MS || now - last < SHOW_EVERY_MS) return;
      last = now;
      shown = true;
      const text = `${done} of ${files} files: ${safe(path)}`;
      stream.write(`\r\x1b[K${text.slice(0, Math.max((stream.columns ?? 80) - 1, 20))}`);
    },
    clear() {
      if (shown) stream.write('\r\x1b[K');
      shown = false;
    },
  };
}

interface Options {
  paths: string[];
  format: ScanOptions['format'];
  only: string[];
  all: boolean;
  tree: string | null;
  facts: string[];
}

function optionsOf(args: string[]): Options | string {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return reasonOf(error);
  }
  const { values, positionals } = parsed;
  const format = FORMATS.find(f => f === (values.format ?? 'lines'));
  if (format === undefined) return `--format takes ${FORMATS.join(', ')}, not ${safe(values.format ?? '')}`;
  const only = values.rule ?? [];
  const unknown = only.find(id => !rules.some(r => r.id === id));
  if (unknown !== undefined) return `no rule is called ${safe(unknown)}; \`fencepost rules\` lists them`;
  if (positionals.length === 0) return 'no PATH is named';
  return { paths: positionals, format, only, all: values.all ?? false, tree: values.tree ?? null, facts: values.facts ?? [] };
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      rule: { type: 'string', multiple: true },
      all: { type: 'boolean' },
      facts: { type: 'string', multiple: true },
      tree: { type: 'string' },
      'no-color': { type: 'boolean' },
    },
  });
}
