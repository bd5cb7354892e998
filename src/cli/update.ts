import { chmodSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type Policy, review, safe } from '../index.ts';
import type { Written } from './baseline.ts';
import { BaselineTally, CONFIG_OPTIONS, configured, policyOf, readBaselineFile } from './configured.ts';
import { declaredFacts } from './declared.ts';
import { grammar } from './grammar.ts';
import { openInputs } from './input.ts';
import { readOptions, suggestion } from './options.ts';
import { progress } from './progress.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import { jobsOf } from './scan.ts';
import { type Collected, collectedOf } from './scanfile.ts';
import { scanAll } from './scanpool.ts';
import { checkTables, tables } from './tables.ts';
import { treeOf } from './tree.ts';

type Out = (text: string) => void;

/**
 * `fencepost baseline update FILE INPUT...`: makes FILE name what the inputs show, mails as `check` reads them and C files or folders of
 * them as `scan` does. Reasons stay; entries of functions that were read and show no such finding are dropped, and said; entries of other code
 * stay. Gives the exit status: 0, or 2 where something could not be read or written, and then FILE is left alone.
 */
export async function baselineCommand(args: string[], out: Out, err: Out): Promise<number> {
  const options = readOptions(args, { tree: 'the folder of a kernel tree', facts: 'a file of facts', ...CONFIG_OPTIONS });
  const wrong = (text: string): 2 => {
    err(`fencepost baseline: ${safe(text)}\n`);
    return 2;
  };
  if (typeof options === 'string') return wrong(options);
  const [verb, file, ...names] = options.names;
  if (verb !== 'update')
    return wrong(
      verb === undefined
        ? 'usage: fencepost baseline update FILE INPUT...'
        : `can't ${verb}${suggestion(verb, ['update']) || '; `fencepost baseline --help` says what it can'}`,
    );
  if (file === undefined || names.length === 0) return wrong('name the baseline and an INPUT: `fencepost baseline update FILE INPUT...`');
  let failed = false;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    failed = true;
  };
  const tree = treeOf(options.value('tree'), err);
  if (tree === undefined) return 2;
  const known = await configured(options, tree, err, false);
  if (known === null) return 2;
  let source = '';
  try {
    const about = statSync(file, { throwIfNoEntry: false });
    if (about && !about.isFile() && !about.isDirectory()) {
      fail(`${file}: is no file that can be made anew`);
      return 2;
    }
    if (about) source = readFileSync(file, 'utf8');
  } catch (error) {
    fail(`${file}: ${reasonOf(error)}`);
    return 2;
  }
  const before = source.trim() === '' ? [] : await readBaselineFile(file, source, err);
  if (before === null) return 2;
  const { facts } = known;
  const policy: Policy = { ...(known.policy ?? policyOf(null, [])), baseline: before, collects: true };
  const tally = new BaselineTally(policy);
  const found = new Map<string, Written>();
  const take = (all: Collected[]) => {
    for (const { finding, reason } of all) {
      const { fingerprint, rule, path, message } = finding;
      found.set(fingerprint, { fingerprint, rule, path: safe(path), function: safe(finding.function), message: safe(message), reason });
    }
  };

  const code: string[] = [];
  const mails: string[] = [];
  for (const name of names) ((await isCode(name)) ? code : mails).push(name);
  if (code.length > 0) {
    let done = 0;
    const jobs = await jobsOf(code, options.value('tree'), fail);
    checkTables(err);
    await scanAll(jobs, { format: 'lines', rules: [], all: false, tree: options.value('tree'), facts, policy, color: false }, (job, reported) => {
      done++;
      progress.show(() => `scanning ${done}/${jobs.length}: ${job.path}`);
      if ('error' in reported) fail(`${job.file}: ${reported.error}`);
      else {
        tally.add([reported]);
        take(reported.collected ?? []);
      }
    });
  }
  for (const input of mails.length > 0 ? await openInputs(mails, true) : []) {
    if ('error' in input) {
      fail(input.error);
      continue;
    }
    try {
      progress.show(() => `reviewing ${input.input}`);
      const { thread, unread } = await readInput(input);
      for (const line of [...input.lost, ...(unread === null ? [] : [unread])]) fail(line);
      if (unread !== null) continue;
      const around = tree ?? input.tree ?? null;
      const declared = around === tree ? facts : await declaredFacts(known.files, around, err);
      if (declared === null) {
        failed = true;
        continue;
      }
      const result = review(thread, {
        grammar: await grammar(false),
        tables: tables(err),
        facts: declared,
        policy,
        ...(around ? { tree: around } : {}),
      });
      tally.add(result.reviews);
      take(collectedOf(result));
    } catch (error) {
      fail(`${input.input}: ${reasonOf(error)}`);
    }
  }
  if (failed) {
    err(`fencepost: ${safe(file)}: left as it is\n`);
    return 2;
  }

  const dropped = new Set(tally.unused());
  const kept = before.filter((e, at) => !dropped.has(e) && !tally.used.has(at) && !found.has(e.fingerprint));
  const entries = [...found.values(), ...kept];
  const { writeBaseline } = await import('./userfiles.js');
  const unwritten = replaceFile(file, writeBaseline(source, entries));
  if (unwritten !== null) {
    fail(unwritten);
    return 2;
  }
  for (const { rule, path, function: fn, reason } of dropped)
    out(safe(`dropped: ${rule} in ${fn === '' ? path : `${fn}(), ${path}`}${reason === '' ? '' : `: ${reason.replace(/\s+/g, ' ')}`}`).concat('\n'));
  const fresh = [...found.values()].filter(e => !before.some(b => b.fingerprint === e.fingerprint) && e.reason === '').length;
  const bare = entries.filter(e => e.reason === '').length;
  out(
    `${safe(file)}: ${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}, ${fresh} new, ${dropped.size} dropped, ${bare} without a reason\n`,
  );
  return 0;
}

/** A C file by its name, or a folder without mails: what `scan` reads. */
async function isCode(name: string): Promise<boolean> {
  if (statSync(name, { throwIfNoEntry: false })?.isDirectory()) return (await openInputs([name])).some(input => 'error' in input);
  return /\.[ch]$/.test(name);
}

/** Writes the file anew, whole or not at all, where a link leads and with the mode that it had; gives one line where that fails. */
function replaceFile(file: string, text: string): string | null {
  let next: string | null = null;
  try {
    const about = statSync(file, { throwIfNoEntry: false });
    const real = about ? realpathSync(file) : file;
    next = `${real}.${process.pid}.new`;
    writeFileSync(next, text);
    if (about) chmodSync(next, about.mode & 0o7777);
    renameSync(next, real);
    return null;
  } catch (error) {
    if (next !== null) rmSync(next, { force: true });
    return `${file}: cannot write: ${reasonOf(error)}`;
  }
}
