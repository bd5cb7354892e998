/** What configuration, facts and baseline say of a run: files found and opened; the readers of YAML are loaded only where there is one. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type BaselineEntry, currentRule, type Policy, type Problem, type Review, rules, safe, type Tree, type UserFacts } from '../index.ts';
import { declaredFacts, sayProblems } from './declared.ts';
import type { Gate } from './gate.ts';
import type { Options, OptionTable } from './options.ts';
import { reasonOf } from './reason.ts';
import { openTree } from './tree.ts';

type Out = (text: string) => void;

/** The options that name a configuration. */
export const CONFIG_OPTIONS: OptionTable = { config: 'a configuration file', 'no-config': null };

/** What is known before anything is reviewed. */
export interface Configured {
  facts: UserFacts;
  /** Where the facts stand, besides those of a tree: an input may have a tree of its own. */
  files: (string | { file: string; text: string })[];
  /** Null where nothing is said of findings. */
  policy: Policy | null;
  /** The configuration's gate for `check`. */
  failOn: Gate | null;
  /** The name of the configuration file. */
  file: string | null;
}

const NAME = 'fencepost.yaml';
export const RULES = { known: rules.map(r => r.id), current: currentRule };

/**
 * Reads the configuration, the facts and the baseline that the options name: the configuration of `--config`, else `fencepost.yaml` of the
 * current folder or of the nearest above it. Null where one of the files can't be opened or is wrong, with a line for each fault.
 */
export async function configured(options: Options, tree: Tree | null, err: Out, baselineAsked = true): Promise<Configured | null> {
  const fail = (line: string): null => {
    err(`fencepost: ${safe(line)}\n`);
    return null;
  };
  if (options.has('config') && options.has('no-config')) return fail('--config and --no-config exclude each other');
  const named = options.value('config');
  const file = named ?? (options.has('no-config') ? null : nearestConfig());
  const config = file === null ? null : await readConfigFile(file, fail, err);
  if (file !== null && config === null) return null;
  const folder = file === null ? null : openTree(dirname(resolve(file)));
  /** A file that the configuration names: below its own folder, since it may come with the code under review. */
  const below = ({ name, line }: { name: string; line: number }, key: string): { file: string; text: string } | null => {
    const text = folder?.read(name) ?? null;
    return text === null
      ? fail(`${file}, line ${line}: ${key}: ${name}: no such file below the folder of this one`)
      : { file: beside(file ?? '', name), text };
  };
  const given = config?.facts.map((f, i) => below(f, `facts.${i}`)) ?? [];
  const sound = given.filter(f => f !== null);
  if (sound.length < given.length) return null;
  const files = [...sound, ...options.values('facts')];
  const facts = await declaredFacts(files, tree, err);
  if (facts === null) return null;
  const asked = baselineAsked ? options.value('baseline') : null;
  const own = !baselineAsked || asked !== null || !config?.baseline ? null : below(config.baseline, 'baseline');
  if (own === null && baselineAsked && asked === null && config?.baseline) return null;
  const text = asked === null ? own : readText(asked, fail);
  if (asked !== null && text === null) return null;
  const baseline = text === null ? null : await readBaselineFile(text.file, text.text, err);
  if (text !== null && baseline === null) return null;
  const only = options.values('rule').map(currentRule);
  const wanted = ({ rule }: BaselineEntry) => (only.length > 0 ? only.includes(rule) : !config?.off.includes(rule));
  const policy = config || baseline ? policyOf(config, baseline?.filter(wanted) ?? []) : null;
  return { facts, files, policy, failOn: config?.failOn ?? null, file };
}

/** The policy of a configuration and of the entries of a baseline. */
export function policyOf(config: Pick<Policy, 'off' | 'on' | 'severities' | 'ignored'> | null, baseline: BaselineEntry[]): Policy {
  const { off, on, severities, ignored } = config ?? { off: [], on: [], severities: [], ignored: [] };
  return { off, on, severities, ignored, baseline, collects: false };
}

/** `fencepost.yaml` of the current folder, or of the nearest above it, as one would type it here. */
function nearestConfig(): string | null {
  // A folder that is gone, or that may not be read, holds none.
  try {
    const here = process.cwd();
    for (let at = here; ; at = dirname(at)) {
      const path = join(at, NAME);
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) return relative(here, path);
      if (dirname(at) === at) return null;
    }
  } catch {
    return null;
  }
}

function beside(file: string, name: string): string {
  return join(dirname(file), name);
}

function readText(file: string, fail: (line: string) => null): { file: string; text: string } | null {
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    return fail(`${file}: ${reasonOf(error)}`);
  }
}

async function readConfigFile(file: string, fail: (line: string) => null, err: Out) {
  const read = readText(file, fail);
  if (read === null) return null;
  const { readConfig } = await import('./userfiles.js');
  const { value, problems } = readConfig(file, read.text, RULES);
  return sayProblems(file, problems, err) ? value : null;
}

/** The entries of a baseline; null where it is wrong, with a line for each fault. */
export async function readBaselineFile(file: string, text: string, err: Out): Promise<BaselineEntry[] | null> {
  const { readBaseline } = await import('./userfiles.js');
  const { value, problems }: { value: BaselineEntry[]; problems: Problem[] } = readBaseline(file, text, RULES);
  return sayProblems(file, problems, err) ? value : null;
}

/** What became of the baseline over all inputs of a run. */
export class BaselineTally {
  private readonly entries: BaselineEntry[];
  readonly asked = new Set<number>();
  readonly used = new Set<number>();

  constructor(policy: Policy | null) {
    this.entries = policy?.baseline ?? [];
  }

  add(reviews: readonly Pick<Review['reviews'][number], 'baseline'>[]): void {
    for (const { baseline } of reviews) {
      for (const at of baseline?.asked ?? []) this.asked.add(at);
      for (const at of baseline?.used ?? []) this.used.add(at);
    }
  }

  /** Entries whose code was read and shows no such finding any more. */
  unused(): BaselineEntry[] {
    return this.entries.filter((_, at) => this.asked.has(at) && !this.used.has(at));
  }

  /** One line for each entry that is not needed any more, and one for all that have no reason. */
  say(err: Out): void {
    const unused = this.unused();
    for (const { file, line, rule, path, function: fn } of unused.slice(0, MOST_SAID))
      err(`fencepost: ${safe(`${file}, line ${line}: unused: no ${rule} in ${fn === '' ? path : `${fn}(), ${path}`}`)}\n`);
    if (unused.length > MOST_SAID) err(`fencepost: ${unused.length - MOST_SAID} more entries of the baseline are unused\n`);
    const bare = this.entries.filter((e, at) => this.used.has(at) && e.reason === '');
    const [first] = bare;
    if (first)
      err(
        `fencepost: ${safe(first.file)}: ${bare.length === 1 ? `the entry of line ${first.line} has` : `${bare.length} entries have`} no reason${bare.length === 1 ? '' : ` (the first in line ${first.line})`}\n`,
      );
  }
}

const MOST_SAID = 10;

/** One line on rules that a configuration switches off; silence would be taken for their answer. */
export function offLine({ policy, file }: Configured): string | null {
  const off = policy?.off ?? [];
  return off.length === 0 ? null : `${off.length === 1 ? '1 rule is' : `${off.length} rules are`} off by ${file ?? ''}: ${off.join(', ')}`;
}
