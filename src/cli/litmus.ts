import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { decideTest, herdWords, jsonText, type LitmusTest, type Outcome, parseLitmus, safe, stateWords } from '../index.ts';
import { readOptions } from './options.ts';
import { progress } from './progress.ts';
import { reasonOf } from './reason.ts';

type Out = (text: string) => void;

/**
 * `fencepost litmus [--json] [--states] [--time] FILE...`: decides each test under the Linux-kernel memory model, in herd7's words or as JSON
 * Lines; what it took is told only by `--time`, so that the same test gives the same bytes. A test that is not understood is `unsupported`, and the others are decided all the same. Gives the exit status: 0, or 2 where a file
 * could not be opened.
 */
export async function litmusCommand(args: string[], out: Out, err: Out): Promise<number> {
  const options = readOptions(args, { json: null, states: null, time: null });
  if (typeof options === 'string') {
    err(`fencepost litmus: ${safe(options)}\n`);
    return 2;
  }
  const files = options.names;
  if (files.length === 0) {
    err('fencepost litmus: no FILE given; see `fencepost litmus --help`\n');
    return 2;
  }
  let status = 0;
  for (const [at, file] of files.entries()) {
    progress.show(() => `deciding ${at + 1}/${files.length}: ${file}`);
    let source: string;
    try {
      source = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
    } catch (error) {
      err(`fencepost: ${safe(file)}: ${safe(reasonOf(error))}\n`);
      status = 2;
      continue;
    }
    const began = performance.now();
    const { value: test, problems } = parseLitmus(source);
    const outcome: Outcome = test ? decideTest(test) : { ...UNDECIDED, reason: reasonsOf(problems) };
    const seconds = options.has('time') ? (performance.now() - began) / 1000 : undefined;
    for (const p of problems) err(`fencepost: ${safe(`${file}:${p.line}:${p.column}: ${p.message}`)}\n`);
    if (options.has('json')) out(`${jsonText(document(file, test, outcome, seconds, options.has('states')))}\n`);
    else if (test) out(safe(herdWords(test, outcome, seconds), true));
  }
  return status;
}

const UNDECIDED: Outcome = { verdict: 'unsupported', flags: [], positive: 0, negative: 0, states: [], checked: 0 };

function reasonsOf(problems: { line: number; column: number; message: string }[]): string {
  return problems.map(p => `line ${p.line}, column ${p.column}: ${p.message}`).join('; ');
}

/** fencepost.litmus/1 */
function document(input: string, test: LitmusTest | null, outcome: Outcome, seconds: number | undefined, states: boolean): object {
  return {
    schema: 'fencepost.litmus/1',
    input,
    test: test?.name ?? null,
    verdict: outcome.verdict,
    ...(outcome.reason === undefined ? {} : { reason: outcome.reason }),
    flags: outcome.flags,
    positive: outcome.positive,
    negative: outcome.negative,
    ...(states ? { states: test ? outcome.states.map(state => stateWords(test, state)) : [] } : {}),
    ...(seconds === undefined ? {} : { seconds: Math.round(seconds * 1e6) / 1e6 }),
  };
}
