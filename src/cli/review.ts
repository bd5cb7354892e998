import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  coverageLine,
  foundLine,
  heldLines,
  jsonText,
  lines,
  notes,
  preExistingLine,
  type Review,
  refusals,
  review,
  reviewJson,
  rules,
  safe,
  type Tree,
  threadProblems,
} from '../index.ts';
import { COLOR_OPTIONS, colored, colorOf } from './color.ts';
import { BaselineTally, type Configured, configured, offLine } from './configured.ts';
import { declaredFacts } from './declared.ts';
import { chosen, FINDING_OPTIONS, type Gate, isGated, SERIES_FORMATS, type SeriesFormat } from './gate.ts';
import { grammar } from './grammar.ts';
import { type Input, openInputs, withInputs } from './input.ts';
import { type Options, readOptions } from './options.ts';
import { makeFolder, openOutput } from './output.ts';
import { progress } from './progress.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import { tables } from './tables.ts';
import { isTerminal } from './terminal.ts';
import { treeOf } from './tree.ts';

type Out = (text: string) => void;

interface Settings {
  inputs: string[];
  format: SeriesFormat;
  gate: Gate;
  file: string | null;
  only: string[];
  all: boolean;
  /** As given: the configuration, the facts and the baseline are named there. */
  options: Options;
  tree: string | null;
  /** Folder for the litmus tests of the findings. */
  litmus: string | null;
  color: boolean;
  /** What is not committed yet, in place of inputs. */
  changes: 'staged' | 'worktree' | null;
}

/** `fencepost review` and `fencepost check`; gives the exit status. The tree is used where neither an option nor an input has one. */
export async function reviewCommand(command: 'review' | 'check', args: string[], out: Out, err: Out, known: Tree | null = null): Promise<number> {
  const settings = settingsOf(command, args);
  if (typeof settings === 'string') {
    err(`fencepost ${command}: ${safe(settings)}\n`);
    return 2;
  }
  if (!isForB4(settings.format)) return run(command, settings, out, err, known);
  // To b4 each line on stderr is a failure of the patch: they are for a run that has failed.
  const told: string[] = [];
  const status = await run(command, settings, out, text => told.push(text), known);
  if (status === 2) for (const text of told) err(text);
  return status;
}

function isForB4(format: SeriesFormat): boolean {
  return format === 'b4' || format === 'b4-json';
}

async function run(command: 'review' | 'check', settings: Settings, out: Out, err: Out, known: Tree | null): Promise<number> {
  let status = 0;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    status = 2;
  };
  // Whatever would make the run of no use is told before anything is reviewed.
  const tree = treeOf(settings.tree, err);
  if (tree === undefined) return 2;
  const told = await configured(settings.options, tree, err);
  if (told === null) return 2;
  const { facts, policy } = told;
  // `review` is for reading: it fails only where the command line says so.
  if (command === 'check' && !settings.options.has('fail-on')) settings.gate = told.failOn ?? settings.gate;
  const tally = new BaselineTally(policy);
  const output = openOutput(settings.file, out);
  const refused = typeof output === 'string' ? output : settings.litmus === null ? null : makeFolder(settings.litmus);
  if (typeof output === 'string' || refused !== null) {
    fail(refused ?? '');
    return 2;
  }
  const inputs = settings.changes === null ? await openInputs(settings.inputs, true) : [(await import('./git.js')).changesInput(settings.changes)];
  const short = inputs.length === 1;
  for (const [at, source] of inputs.entries()) {
    const of = inputs.length > 1 ? ` ${at + 1}/${inputs.length}` : '';
    progress.show(() => `reviewing${of}: ${source.input}`);
    if ('error' in source) {
      if (source.nothing) err(`fencepost: ${safe(source.error)}\n`);
      else fail(source.error);
      continue;
    }
    try {
      const around = tree ?? source.tree ?? known;
      const declared = around === tree ? facts : await declaredFacts(told.files, around, err);
      if (declared === null) {
        status = 2;
        continue;
      }
      const { thread, unread } = await readInput(source);
      for (const line of source.lost) fail(line);
      if (unread !== null) fail(unread);
      if (unread !== null && settings.format !== 'json') continue;
      const which = settings.only.length > 0 ? { rules: rules.filter(r => settings.only.includes(r.id)) } : { holdTrials: settings.all };
      const result = review(thread, {
        grammar: await grammar(short),
        ...which,
        tables: tables(err),
        facts: declared,
        ...(around ? { tree: around } : {}),
        ...(policy ? { policy } : {}),
        onStep: step => progress.show(() => `reviewing${of}: ${step}`),
      });
      tally.add(result.reviews);
      output.write(await report(result, source, settings, command));
      const unwritten = settings.litmus === null ? null : writeLitmus(settings.litmus, result);
      if (unwritten !== null) fail(unwritten);
      if (unread === null) await tell(result, source, settings, inputs.length > 1 ? `${safe(source.input)}: ` : '', err);
      if (isStopped(result, settings.gate, command)) status = Math.max(status, 1);
    } catch (error) {
      fail(`${source.input}: ${reasonOf(error)}`);
    }
  }
  tally.say(err);
  sayOff(told, settings, err);
  const unwritten = output.close();
  if (unwritten !== null) fail(unwritten);
  return status;
}

/** What is said beside the findings: what was wrong with the input, how much was understood, what was found, what is held. */
async function tell(result: Review, source: Input, settings: Settings, label: string, err: Out): Promise<void> {
  for (const line of threadProblems(result.thread, source.inputs)) err(`fencepost: ${line}\n`);
  for (const r of result.reviews) for (const p of r.problems) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
  if (settings.format === 'json') return;
  if (settings.all) err(heldLines(result));
  const hint = settings.all ? null : preExistingLine(result);
  if (hint !== null) err(`${label}${hint}\n`);
  if (settings.format === 'mail') {
    const raised = (await import('./formats.js')).raisedLine(result);
    if (raised !== null) err(`${label}${raised}\n`);
  }
  if (settings.format === 'notes' || settings.format === 'mail') err(`${label}${coverageLine(result)}\n${label}${foundLine(result)}\n`);
}

function sayOff(known: Configured, settings: Settings, err: Out): void {
  const off = settings.format === 'notes' || settings.all ? offLine(known) : null;
  if (off !== null) err(`fencepost: ${safe(off)}\n`);
}

/** Two litmus tests a finding with a witness, the bug and the fix; their names hold nothing of the mail's. Gives one line where one can't be written. */
function writeLitmus(folder: string, result: Review): string | null {
  for (const finding of result.reviews.flatMap(r => r.findings)) {
    if (!finding.witness) continue;
    const name = join(folder, `${finding.rule}-${finding.fingerprint}`);
    try {
      writeFileSync(`${name}.litmus`, finding.witness.litmus);
      writeFileSync(`${name}-fixed.litmus`, finding.witness.fixedLitmus);
    } catch (error) {
      return `${name}.litmus: cannot write: ${reasonOf(error)}`;
    }
  }
  return null;
}

async function report(result: Review, source: Input, settings: Settings, command: 'review' | 'check'): Promise<string> {
  if (settings.format === 'json') return `${jsonText(withInputs(reviewJson(result), source))}\n`;
  if (settings.format === 'mail') return (await import('./formats.js')).mailDrafts(result);
  if (settings.format === 'b4-json') return `${jsonText((await import('./formats.js')).b4Checks(result))}\n`;
  if (settings.format === 'b4') {
    const least = settings.gate === 'never' ? 'warning' : settings.gate;
    return refusedFor(command, result, source) + (await import('./formats.js')).b4Lines(result, least);
  }
  const text = settings.format === 'notes' ? notes(result) : refusedFor(command, result, source) + lines(result, source.shown);
  return settings.color ? colored(text) : text;
}

/** Only the pre-send check counts a patch that git would refuse. */
function refusedFor(command: 'review' | 'check', result: Review, source: Input): string {
  return command === 'check' ? refused(result, source).join('') : '';
}

/** Refused patches as lines. Of an input of several files each stands at the file that it is in. */
function refused(result: Review, source: Input): string[] {
  const { inputs } = source;
  if (inputs === undefined) return refusals(result);
  const { thread } = result;
  return [
    ...thread.messages.flatMap(m => refusals({ ...result, input: m.file ?? result.input, thread: { ...thread, messages: [m] }, problems: [] })),
    ...refusals({ ...result, thread: { ...thread, messages: [] } }),
  ];
}

/** Is anything at or above the gate? To the pre-send check a patch that git would refuse is an error of its own. */
function isStopped(result: Review, gate: Gate, command: 'review' | 'check'): boolean {
  if (gate === 'never') return false;
  const severities = result.reviews.flatMap(r => r.findings.map(f => f.severity));
  return isGated(severities, gate) || (command === 'check' && refusals(result).length > 0);
}

function settingsOf(command: 'review' | 'check', args: string[]): Settings | string {
  const uncommitted = command === 'check' ? { staged: null, worktree: null } : {};
  const options = readOptions(args, {
    ...FINDING_OPTIONS,
    format: SERIES_FORMATS.join(', '),
    litmus: 'a folder',
    'cache-key': 'a word',
    ...COLOR_OPTIONS,
    ...uncommitted,
  });
  if (typeof options === 'string') return options;
  const changes = options.has('staged') ? 'staged' : options.has('worktree') ? 'worktree' : null;
  if (options.has('staged') && options.has('worktree')) return '--staged and --worktree: name one of them';
  if (changes !== null && options.names.length > 0) return `--${changes} takes no INPUT, and ${options.names[0]} is one`;
  const choice = chosen<SeriesFormat>(
    options,
    SERIES_FORMATS,
    command === 'check' ? { format: 'lines', gate: 'warning' } : { format: 'notes', gate: 'never' },
  );
  if (typeof choice === 'string') return choice;
  const file = options.value('output');
  const color = colorOf(options, file === null && isTerminal(1));
  if (typeof color === 'string') return color;
  return {
    ...choice,
    color,
    changes,
    inputs: options.names,
    file,
    all: options.has('all'),
    options,
    tree: options.value('tree'),
    litmus: options.value('litmus'),
  };
}
