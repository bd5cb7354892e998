import { currentRule, rules, type Severity } from '../index.ts';
import type { Options, OptionTable } from './options.ts';
import { unknownRule } from './rulenames.ts';

/** How findings can be written. */
export const FORMATS = ['notes', 'lines', 'json'] as const;
/** The same of a series: the last three are for what was mailed, and loaded when they are asked for. */
export const SERIES_FORMATS = [...FORMATS, 'mail', 'b4', 'b4-json'] as const;
export type Format = (typeof FORMATS)[number];
export type SeriesFormat = (typeof SERIES_FORMATS)[number];

const GATES = ['error', 'warning', 'note', 'never'] as const;
/** The severity from which on findings make the exit status 1. */
export type Gate = (typeof GATES)[number];

const RANK: Record<Severity, number> = { error: 0, warning: 1, note: 2 };

/** Is one of the severities at or above the gate? */
export function isGated(severities: Severity[], gate: Gate): boolean {
  return gate !== 'never' && severities.some(severity => RANK[severity] <= RANK[gate]);
}

/** The options that review, check and scan share. */
export const FINDING_OPTIONS: OptionTable = {
  format: FORMATS.join(', '),
  output: 'a file',
  rule: 'the name of a rule',
  'fail-on': GATES.join(', '),
  tree: 'the folder of a kernel tree',
  facts: 'a file of facts',
  config: 'a configuration file',
  'no-config': null,
  baseline: 'a baseline file',
  all: null,
  // Taken by the command as a whole before it comes here.
  'no-pager': null,
};

/** What they say of format, one of `formats`, of gate and rules; one sentence where a word is not known. */
export function chosen<F extends SeriesFormat>(
  options: Options,
  formats: readonly F[],
  usual: { format: F; gate: Gate },
): { format: F; gate: Gate; only: string[] } | string {
  const format = options.value('format') ?? usual.format;
  const gate = options.value('fail-on') ?? usual.gate;
  const isFormat = (x: string): x is F => (formats as readonly string[]).includes(x);
  const isGate = (x: string): x is Gate => (GATES as readonly string[]).includes(x);
  if (!isFormat(format)) return `--format takes ${formats.join(', ')}, not ${format}`;
  if (!isGate(gate)) return `--fail-on takes ${GATES.join(', ')}, not ${gate}`;
  const only = options.values('rule').map(currentRule);
  const unknown = only.find(id => !rules.some(r => r.id === id));
  return unknown === undefined ? { format, gate, only } : unknownRule(unknown);
}
