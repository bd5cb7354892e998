import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  coverageLine,
  foundLine,
  heldLines,
  lines,
  notes,
  preExistingLine,
  type Review,
  refusals,
  review,
  reviewJson,
  rules,
  safe,
  threadProblems,
} from '../index.ts';
import { COLOR_OPTIONS, colored, colorOf } from './color.ts';
import { BaselineTally, type Configured, configured, offLine } from './configured.ts';
import { chosen, FINDING_OPTIONS, type Format, type Gate, isGated } from './gate.ts';
import { grammar } from './grammar.ts';
import { type Input, openInputs, withInputs } from './input.ts';
import { type Options, readOptions } from './options.ts';
import { makeFolder, openOutput } from './output.ts';
import { progress } from './progress.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import { treeOf } from './tree.ts';

type Out = (text: string) => void;

interface Settings {
  inputs: string[];
  format: Format;
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
}

/** `fencepost review` and `fencepost check`; gives the exit status. */
export async function reviewCommand(command: 'review' | 'check', args: string[], out: Out, err: Out): Promise<number> {
  const settings = settingsOf(command, args);
  let status = 0;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    status = 2;
  };
  if (typeof settings === 'string') {
    err(`fencepost ${command}: ${safe(settings)}\n`);
    return 2;
  }
  // Whatever would make the run of no use is told before anything is reviewed.
  const tree = treeOf(settings.tree, err);
  if (tree === undefined) return 2;
  const known = await configured(settings.options, tree, err);
  if (known === null) return 2;
  const { facts, policy } = known;
  // `review` is for reading: it fails only where the command line says so.
  if (command === 'check' && !settings.options.has('fail-on')) settings.gate = known.failOn ?? settings.gate;
  const tally = new BaselineTally(policy);
  const output = openOutput(settings.file, out);
  const refused = typeof output === 'string' ? output : settings.litmus === null ? null : makeFolder(settings.litmus);
  if (typeof output === 'string' || refused !== null) {
    fail(refused ?? '');
    return 2;
  }
  const inputs = await openInputs(settings.inputs);
  const short = inputs.length === 1;
  for (const [at, source] of inputs.entries()) {
    const of = inputs.length > 1 ? ` ${at + 1}/${inputs.length}` : '';
    progress.show(() => `reviewing${of}: ${source.input}`);
    if ('error' in source) {
      fail(source.error);
      continue;
    }
    try {
      const { thread, unread } = await readInput(source);
      for (const line of source.lost) fail(line);
      if (unread !== null) fail(unread);
      if (unread !== null && settings.format !== 'json') continue;
      const run = settings.only.length > 0 ? { rules: rules.filter(r => settings.only.includes(r.id)) } : { holdTrials: settings.all };
      const result = review(thread, {
        grammar: await grammar(short),
        ...run,
        facts,
        ...(tree ? { tree } : {}),
        ...(policy ? { policy } : {}),
        onStep: step => progress.show(() => `reviewing${of}: ${step}`),
      });
      tally.add(result.reviews);
      output.write(report(result, source, settings, command));
      const unwritten = settings.litmus === null ? null : writeLitmus(settings.litmus, result);
      if (unwritten !== null) fail(unwritten);
      if (unread === null) tell(result, source, settings, inputs.length > 1 ? `${safe(source.input)}: ` : '', err);
      if (isStopped(result, settings.gate, command)) status = Math.max(status, 1);
    } catch (error) {
      fail(`${source.input}: ${reasonOf(error)}`);
    }
  }
  tally.say(err);
  sayOff(known, settings, err);
  const unwritten = output.close();
  if (unwritten !== null) fail(unwritten);
  return status;
}

/** What is said beside the findings: what was wrong with the input, how much was understood, what was found, what is held. */
function tell(result: Review, source: Input, settings: Settings, label: string, err: Out): void {
  for (const line of threadProblems(result.thread, source.inputs)) err(`fencepost: ${line}\n`);
  for (const r of result.reviews) for (const p of r.problems) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
  if (settings.format === 'json') return;
  if (settings.all) err(heldLines(result));
  const hint = settings.all ? null : preExistingLine(result);
  if (hint !== null) err(`${label}${hint}\n`);
  if (settings.format === 'notes') err(`${label}${coverageLine(result)}\n${label}${foundLine(result)}\n`);
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
      return `${name}.litmus: can't be written: ${reasonOf(error)}`;
    }
  }
  return null;
}

function report(result: Review, source: Input, settings: Settings, command: 'review' | 'check'): string {
  if (settings.format === 'json') return `${JSON.stringify(withInputs(reviewJson(result), source))}\n`;
  const text = settings.format === 'notes' ? notes(result) : `${command === 'check' ? refused(result, source).join('') : ''}${lines(result)}`;
  return settings.color ? colored(text) : text;
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
  const options = readOptions(args, { ...FINDING_OPTIONS, litmus: 'a folder', ...COLOR_OPTIONS });
  if (typeof options === 'string') return options;
  const choice = chosen(options, command === 'check' ? { format: 'lines', gate: 'warning' } : { format: 'notes', gate: 'never' });
  if (typeof choice === 'string') return choice;
  const file = options.value('output');
  const color = colorOf(options, file === null && process.stdout.isTTY === true);
  if (typeof color === 'string') return color;
  return {
    ...choice,
    color,
    inputs: options.names,
    file,
    all: options.has('all'),
    options,
    tree: options.value('tree'),
    litmus: options.value('litmus'),
  };
}
