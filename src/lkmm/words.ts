import type { LitmusTest, Observed, Outcome } from './litmus.ts';
import { conditionText } from './text.ts';

const KIND = { exists: 'Allowed', 'not-exists': 'Forbidden', forall: 'Required' } as const;

/**
 * The outcome of a test in the words of herd7, line by line as it prints them, for tools that read those (the kernel's
 * tools/memory-model/scripts/judgelitmus.sh). `seconds` is what it took. Where nothing was decided, one line says why.
 */
export function herdWords(test: LitmusTest, outcome: Outcome, seconds?: number): string {
  const { positive, negative } = outcome;
  if (outcome.verdict === 'unsupported') return `Test ${test.name} unsupported: ${outcome.reason ?? 'not decided'}\n`;
  const forbidden = test.quantifier === 'not-exists';
  const ok = test.quantifier === 'exists' ? positive > 0 : test.quantifier === 'forall' ? negative === 0 : positive === 0;
  // A witness is what bears the whole condition out; what was observed is told of the proposition in it.
  const witnesses = forbidden ? [negative, positive] : [positive, negative];
  const observed = positive === 0 ? 'Never' : negative === 0 ? 'Always' : 'Sometimes';
  const proposition = conditionText(test.condition, { observed: nameOf, value: String, not: 'not ' });
  return [
    `Test ${test.name} ${KIND[test.quantifier]}`,
    `States ${outcome.states.length}`,
    ...outcome.states.map(state => stateWords(test, state)),
    ok ? 'Ok' : 'No',
    'Witnesses',
    `Positive: ${witnesses[0]} Negative: ${witnesses[1]}`,
    ...outcome.flags.map(flag => `Flag ${flag}`),
    `Condition ${forbidden ? '~exists' : test.quantifier} (${proposition})`,
    `Observation ${test.name} ${observed} ${positive} ${negative}`,
    ...(seconds === undefined ? [] : [`Time ${test.name} ${seconds.toFixed(2)}`]),
    '',
  ].join('\n');
}

/** A final state on one line: `0:r1=0; [x]=2;`. To herd7 an atomic_t in memory is unsigned, and what registers hold is not. */
export function stateWords(test: LitmusTest, state: readonly string[]): string {
  const part = (text: string) => {
    const [, name, value] = /^\[(.*)\]=(-\d+)$/.exec(text) ?? [];
    const unsigned = name !== undefined && test.locations.some(l => l.name === name && l.type === 'atomic_t');
    return unsigned ? `[${name}]=${BigInt.asUintN(32, BigInt(value ?? 0))};` : `${text};`;
  };
  return state.map(part).join(' ');
}

function nameOf(o: Observed): string {
  return o.kind === 'register' ? `${o.thread}:${o.name}` : `[${o.name}]`;
}
