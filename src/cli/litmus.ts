import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { decideTest, herdWords, type LitmusTest, type Outcome, parseLitmus, safe, stateWords } from '../index.ts';
import { reasonOf } from './input.ts';

type Out = (text: string) => void;

/**
 * `fencepost litmus [--json] [--states] FILE...`: decides each test under the Linux-kernel memory model, in herd7's words or as JSON Lines.
 * A test that is not understood is `unsupported`, and the others are decided all the same. Gives the exit status: 0, or 2 where a file
 * could not be opened.
 */
export async function litmusCommand(args: string[], out: Out, err: Out): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    err(`fencepost litmus: ${reasonOf(error)}\n`);
    return 2;
  }
  const { values, positionals: files } = parsed;
  if (files.length === 0) {
    err('fencepost litmus: no FILE is named\n');
    return 2;
  }
  let status = 0;
  for (const file of files) {
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
    const seconds = (performance.now() - began) / 1000;
    for (const p of problems) err(`fencepost: ${safe(`${file}:${p.line}:${p.column}: ${p.message}`)}\n`);
    if (values.json) out(`${JSON.stringify(document(file, test, outcome, seconds, values.states ?? false))}\n`);
    else if (test) out(safe(herdWords(test, outcome, seconds), true));
  }
  return status;
}

const UNDECIDED: Outcome = { verdict: 'unsupported', flags: [], positive: 0, negative: 0, states: [], checked: 0 };

function reasonsOf(problems: { line: number; column: number; message: string }[]): string {
  return problems.map(p => `line ${p.line}, column ${p.column}: ${p.message}`).join('; ');
}

/** fencepost.litmus/1 */
function document(input: string, test: LitmusTest | null, outcome: Outcome, seconds: number, states: boolean): object {
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
    seconds: Math.round(seconds * 1e6) / 1e6,
  };
}

function parse(args: string[]) {
  return parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' }, states: { type: 'boolean' } } });
}
