import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Severity, safe } from '../index.ts';
import { COLOR_OPTIONS, colorOf } from './color.ts';
import { BaselineTally, configured, offLine } from './configured.ts';
import { chosen, FINDING_OPTIONS, FORMATS, type Format, type Gate, isGated } from './gate.ts';
import { type Options, readOptions } from './options.ts';
import { openOutput } from './output.ts';
import { progress } from './progress.ts';
import { reasonOf } from './reason.ts';
import type { Job, Reported, ScanOptions } from './scanfile.ts';
import { scanAll } from './scanpool.ts';
import { RANGE } from './spelling.ts';
import { checkTables } from './tables.ts';
import { isTerminal } from './terminal.ts';
import { treeOf, within } from './tree.ts';

type Out = (text: string) => void;

/** `fencepost scan PATH...`: C files and folders of them as they stand, findings in the order of the paths. Gives the exit status; without `--fail-on` findings are none. */
export async function scanCommand(args: string[], out: Out, err: Out): Promise<number> {
  const options = settingsOf(args);
  if (typeof options === 'string') {
    err(`fencepost scan: ${safe(options)}\n`);
    return 2;
  }
  const tree = treeOf(options.tree, err);
  if (tree === undefined) return 2;
  const known = await configured(options.given, tree, err);
  if (known === null) return 2;
  const { facts, policy } = known;
  const tally = new BaselineTally(policy);
  let status = 0;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    status = 2;
  };
  const output = openOutput(options.file, out);
  if (typeof output === 'string') {
    fail(output);
    return 2;
  }
  const jobs = await jobsOf(options.paths, options.tree, fail);
  if (jobs.length === 0) {
    if (status === 0) fail(`${options.paths.join(', ')}: no C file among these`);
    return 2;
  }
  const total: Total = { files: 0, functions: 0, events: 0, held: 0, rules: new Map(), severities: [] };
  let done = 0;
  const settings: ScanOptions = {
    format: options.format,
    rules: options.only,
    all: options.all,
    tree: options.tree,
    facts,
    policy,
    color: options.color,
  };
  checkTables(err);
  await scanAll(jobs, settings, (job, reported) => {
    if ('error' in reported) fail(`${job.file}: ${reported.error}`);
    else {
      add(total, reported);
      tally.add([reported]);
      if (reported.out) output.write(reported.out);
      if (reported.err) err(reported.err);
    }
    done++;
    progress.show(() => `scanning ${done}/${jobs.length}: ${job.path}`);
  });
  const unwritten = output.close();
  if (unwritten !== null) fail(unwritten);
  tally.say(err);
  const off = offLine(known);
  err(`${off === null ? '' : `fencepost: ${safe(off)}\n`}${summary(total)}\n`);
  return status === 0 && isGated(total.severities, options.gate) ? 1 : status;
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
/** What is as a rule given to the wrong command. */
const MAIL_FILE = /\.(?:patch|diff|eml|mbox)(?:\.gz)?$/i;

/** The files to scan, each once: by name as given and, within the tree, as the tree names it. */
export async function jobsOf(paths: string[], tree: string | null, fail: Out): Promise<Job[]> {
  const jobs = new Map<string, Job>();
  const take = (file: string) => {
    jobs.set(file, { file, path: within(tree, file) ?? file });
  };
  for (const path of paths) {
    try {
      if ((await stat(path)).isDirectory()) for await (const file of filesIn(path)) take(file);
      else if (C_FILE.test(path)) take(join(path));
      else fail(`${path}: not a C file by its name${MAIL_FILE.test(path) ? `; \`fencepost check ${path}\` reads mails and patches` : ''}`);
    } catch (error) {
      fail(`${path}: ${reasonOf(error)}${RANGE.test(path) ? `; \`fencepost check ${path}\` reads commits` : ''}`);
    }
  }
  return [...jobs.values()];
}

interface Total {
  files: number;
  functions: number;
  events: number;
  held: number;
  rules: Map<string, number>;
  /** Each once. */
  severities: Severity[];
}

function add(total: Total, reported: Exclude<Reported, { error: string }>): void {
  total.files++;
  total.functions += reported.functions;
  total.events += reported.events;
  total.held += reported.held;
  for (const { rule, severity } of reported.found) {
    total.rules.set(rule, (total.rules.get(rule) ?? 0) + 1);
    if (!total.severities.includes(severity)) total.severities.push(severity);
  }
}

/** `3 files, 20 functions, 80 events, 2 findings (rule-a 1, rule-b 1), 0 held`. */
function summary(total: Total): string {
  const found = [...total.rules].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const sum = found.reduce((n, [, count]) => n + count, 0);
  const by = found.length > 0 ? ` (${found.map(([id, n]) => `${id} ${n}`).join(', ')})` : '';
  const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  return `${counted(total.files, 'file')}, ${counted(total.functions, 'function')}, ${counted(total.events, 'event')}, ${counted(sum, 'finding')}${by}, ${total.held} held`;
}

interface Settings {
  paths: string[];
  format: Format;
  gate: Gate;
  file: string | null;
  only: string[];
  all: boolean;
  tree: string | null;
  given: Options;
  color: boolean;
}

function settingsOf(args: string[]): Settings | string {
  const options = readOptions(args, { ...FINDING_OPTIONS, ...COLOR_OPTIONS });
  if (typeof options === 'string') return options;
  const choice = chosen(options, FORMATS, { format: 'lines', gate: 'never' });
  if (typeof choice === 'string') return choice;
  const file = options.value('output');
  const color = colorOf(options, file === null && isTerminal(1));
  if (typeof color === 'string') return color;
  if (options.names.length === 0) return 'no PATH given; see `fencepost scan --help`';
  return { ...choice, color, paths: options.names, file, all: options.has('all'), tree: options.value('tree'), given: options };
}
