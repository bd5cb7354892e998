import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  coverageLine,
  heldLines,
  lines,
  notes,
  type Review,
  readThread,
  refusals,
  review,
  reviewJson,
  rules,
  type Severity,
  safe,
  type Tree,
  threadProblems,
  type UserFacts,
} from '../index.ts';
import { grammar } from './grammar.ts';
import { openInputs, reasonOf } from './input.ts';
import { tools } from './tools.ts';
import { openTree } from './tree.ts';

type Out = (text: string) => void;

const FORMATS = ['notes', 'lines', 'json'] as const;
type Format = (typeof FORMATS)[number];

const GATES = ['error', 'warning', 'note', 'never'] as const;
type Gate = (typeof GATES)[number];

interface Options {
  inputs: string[];
  format: Format;
  gate: Gate;
  file: string | null;
  only: string[];
  all: boolean;
  /** Files of declared facts. */
  facts: string[];
  tree: string | null;
  /** Folder for the litmus tests of the findings. */
  litmus: string | null;
}

/** `fencepost review` and `fencepost check`; gives the exit status. */
export async function reviewCommand(command: 'review' | 'check', args: string[], out: Out, err: Out): Promise<number> {
  const options = optionsOf(command, args);
  if (typeof options === 'string') {
    err(`fencepost ${command}: ${options}\n`);
    return 2;
  }
  const written: string[] = [];
  const write = options.file === null ? out : (text: string) => void written.push(text);
  const tree = options.tree === null ? null : treeOf(options.tree, err);
  if (options.tree !== null && tree === null) return 2;
  const facts = await declaredFacts(options.facts, tree, err);
  if (facts === null) return 2;
  const inputs = await openInputs(options.inputs);
  const short = inputs.length === 1;
  let status = 0;
  for (const source of inputs) {
    if ('error' in source) {
      err(`fencepost: ${safe(source.error)}\n`);
      status = 2;
      continue;
    }
    try {
      const thread = await readThread(source.input, source.open(), tools);
      const known = options.only.length > 0 ? { rules: rules.filter(r => options.only.includes(r.id)) } : { holdTrials: options.all };
      const result = review(thread, { grammar: await grammar(short), ...known, facts, ...(tree ? { tree } : {}) });
      write(report(result, options, command));
      if (options.litmus !== null) writeLitmus(options.litmus, result);
      for (const line of threadProblems(thread)) err(`fencepost: ${line}\n`);
      for (const r of result.reviews) for (const p of r.problems) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
      if (options.format === 'notes') err(`${inputs.length > 1 ? `${safe(source.input)}: ` : ''}${coverageLine(result)}\n`);
      if (options.all && options.format !== 'json') err(heldLines(result));
      if (gated(result, options.gate, command)) status = Math.max(status, 1);
    } catch (error) {
      err(`fencepost: ${safe(source.input)}: ${safe(reasonOf(error))}\n`);
      status = 2;
    }
  }
  if (options.file !== null) {
    try {
      writeFileSync(options.file, written.join(''));
    } catch (error) {
      err(`fencepost: ${options.file}: ${reasonOf(error)}\n`);
      status = 2;
    }
  }
  return status;
}

/** Two litmus tests a finding with a witness, the bug and the fix; their names hold nothing of the mail's. */
function writeLitmus(folder: string, result: Review): void {
  mkdirSync(folder, { recursive: true });
  for (const finding of result.reviews.flatMap(r => r.findings)) {
    if (!finding.witness) continue;
    const name = join(folder, `${finding.rule}-${finding.fingerprint}`);
    writeFileSync(`${name}.litmus`, finding.witness.litmus);
    writeFileSync(`${name}-fixed.litmus`, finding.witness.fixedLitmus);
  }
}

/** The tree of that name; where it cannot be opened null, and one line that says why. */
export function treeOf(folder: string, err: Out): Tree | null {
  try {
    return openTree(folder);
  } catch (error) {
    err(`fencepost: ${safe(folder)}: ${safe(reasonOf(error))}\n`);
    return null;
  }
}

/** The tree's own facts: read as it stands, before any patch of the series. */
const TREE_FACTS = '.fencepost.yaml';

/** The facts of all files together; null where one cannot be opened. What is wrong inside one is a problem, and the rest of it counts. */
export async function declaredFacts(files: string[], tree: Tree | null, err: Out): Promise<UserFacts | null> {
  const all: UserFacts = { functions: [], invariants: [] };
  const own = tree?.read(TREE_FACTS) ?? null;
  if (files.length === 0 && own === null) return all;
  const { readFacts } = await import('./facts.js');
  const take = (file: string, text: string) => {
    const { value, problems } = readFacts(file, text);
    all.functions.push(...value.functions);
    all.invariants.push(...value.invariants);
    for (const p of problems) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
  };
  if (own !== null) take(TREE_FACTS, own);
  for (const file of files) {
    try {
      take(file, readFileSync(file, 'utf8'));
    } catch (error) {
      err(`fencepost: ${safe(file)}: ${safe(reasonOf(error))}\n`);
      return null;
    }
  }
  return all;
}

function report(result: Review, options: Options, command: 'review' | 'check'): string {
  if (options.format === 'json') return `${JSON.stringify(reviewJson(result))}\n`;
  if (options.format === 'notes') return notes(result);
  return `${command === 'check' ? refusals(result).join('') : ''}${lines(result)}`;
}

const RANK: Record<Severity, number> = { error: 0, warning: 1, note: 2 };

/** Is anything at or above the gate? To the pre-send check a patch that git would refuse is an error of its own. */
function gated(result: Review, gate: Gate, command: 'review' | 'check'): boolean {
  if (gate === 'never') return false;
  const found = result.reviews.flatMap(r => r.findings).some(f => RANK[f.severity] <= RANK[gate]);
  return found || (command === 'check' && refusals(result).length > 0);
}

function optionsOf(command: 'review' | 'check', args: string[]): Options | string {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return reasonOf(error);
  }
  const { values, positionals } = parsed;
  const format = values.format ?? (command === 'check' ? 'lines' : 'notes');
  const gate = values['fail-on'] ?? (command === 'check' ? 'warning' : 'never');
  const isFormat = (x: string): x is Format => (FORMATS as readonly string[]).includes(x);
  const isGate = (x: string): x is Gate => (GATES as readonly string[]).includes(x);
  if (!isFormat(format)) return `--format takes ${FORMATS.join(', ')}, not ${safe(format)}`;
  if (!isGate(gate)) return `--fail-on takes ${GATES.join(', ')}, not ${safe(gate)}`;
  const only = values.rule ?? [];
  const unknown = only.find(id => !rules.some(r => r.id === id));
  if (unknown !== undefined) return `no rule is called ${safe(unknown)}; \`fencepost rules\` lists them`;
  return {
    inputs: positionals,
    format,
    gate,
    file: values.output ?? null,
    only,
    all: values.all ?? false,
    facts: values.facts ?? [],
    tree: values.tree ?? null,
    litmus: values.litmus ?? null,
  };
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      'fail-on': { type: 'string' },
      output: { type: 'string', short: 'o' },
      rule: { type: 'string', multiple: true },
      all: { type: 'boolean' },
      facts: { type: 'string', multiple: true },
      tree: { type: 'string' },
      litmus: { type: 'string' },
      'no-color': { type: 'boolean' },
    },
  });
}
