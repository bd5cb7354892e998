/** The configuration file, read from YAML. */
import { z } from 'zod';
import type { DecisionPlace, Policy, Problem, Severity } from '../index.ts';
import type { Gate } from './gate.ts';
import { suggestion } from './options.ts';
import { isObject, readYaml } from './yaml.ts';

const severity = z.enum(['error', 'warning', 'note']);
/** No brackets and braces: what they mean differs from tool to tool. */
const glob = z
  .string()
  .max(1000)
  .regex(/^[^[\]{}!\\\0-\x1f]+$/, 'a path, in which * and ? stay inside one name and ** is any number of folders')
  .describe('a path from the top of the kernel tree; * and ? stay inside one name, ** is any number of folders');
const file = z.string().min(1).max(1000).describe('a file below the folder of this one');

const severities = z.strictObject({
  is: severity.describe('the severity that findings have'),
  rule: z.string().max(100).optional().describe('findings of this rule; without it of all'),
  paths: z.array(glob).min(1).max(1000).optional().describe('findings in these paths; without it in all'),
});

/** The form of a configuration file; its JSON Schema is generated from this. */
export const configFile = z.strictObject({
  rules: z
    .record(z.string(), z.enum(['on', 'off']).describe('off: the rule is not run; on: a rule on trial reports'))
    .default({})
    .describe('rules by their names'),
  severity: z.array(severities).max(1000).default([]).describe('severity by rule and path; the last entry that matches counts'),
  ignore: z.array(glob).max(1000).default([]).describe('paths of which findings are held'),
  'fail-on': z.enum(['error', 'warning', 'note', 'never']).optional().describe('the severity from which on `check` exits with 1'),
  facts: z.array(file).max(100).default([]).describe('files of facts'),
  baseline: file.optional().describe('a file of findings that are accepted'),
});

/** The JSON Schema (draft 2020-12) of a configuration file. */
export function configSchema(): object {
  return { title: 'fencepost configuration', description: 'What fencepost.yaml may hold', ...z.toJSONSchema(configFile, { io: 'input' }) };
}

/** What a configuration says. Files are named as they are written there. */
export interface Config extends Pick<Policy, 'off' | 'on' | 'severities' | 'ignored'> {
  failOn: Gate | null;
  facts: (DecisionPlace & { name: string })[];
  baseline: (DecisionPlace & { name: string }) | null;
}

/** The rules that there are, and the id that a rule has now by one that it had. */
export interface Rules {
  known: readonly string[];
  current(id: string): string;
}

/** Reads a configuration. Each fault is a problem that names file, line and key. */
export function readConfig(file: string, source: string, rules: Rules): { value: Config; problems: Problem[] } {
  const value: Config = { off: [], on: [], severities: [], ignored: [], failOn: null, facts: [], baseline: null };
  const { shape } = configFile;
  const { parts, problems, lineOf, complain, entry } = readYaml(file, source, 'configuration', Object.keys(shape));
  const at = (path: (string | number)[]): DecisionPlace => ({ file, line: lineOf(path) });
  /** The rule's present id; null, and a problem, where there is none. */
  const ruleOf = (id: string, path: (string | number)[]): string | null => {
    const now = rules.current(id);
    if (rules.known.includes(now)) return now;
    complain(lineOf(path), `${path.join('.')}: no rule is called ${id}${suggestion(id, rules.known) || '; `fencepost rules` lists them'}`);
    return null;
  };
  /** The entries of a list; a problem where it is none. */
  const list = (key: string): unknown[] => {
    const raw = parts[key] ?? [];
    if (Array.isArray(raw)) return raw;
    complain(lineOf([key]), `${key}: expected a list`);
    return [];
  };

  const switched = parts.rules ?? {};
  if (!isObject(switched)) complain(lineOf(['rules']), 'rules: expected names of rules, each with on or off');
  else
    for (const [id, raw] of Object.entries(switched)) {
      const rule = ruleOf(id, ['rules', id]);
      const said = entry(shape.rules.unwrap().valueType, raw, ['rules', id]);
      if (rule !== null && said !== null) value[said].push(rule);
    }
  for (const [i, raw] of list('severity').entries()) {
    const said = entry(severities, raw, ['severity', i]);
    const rule = said?.rule === undefined ? null : ruleOf(said.rule, ['severity', i, 'rule']);
    if (said && (said.rule === undefined || rule !== null))
      value.severities.push({ ...at(['severity', i]), rule, paths: said.paths ?? null, severity: said.is satisfies Severity });
  }
  for (const [i, raw] of list('ignore').entries()) {
    const path = entry(glob, raw, ['ignore', i]);
    if (path !== null) value.ignored.push({ ...at(['ignore', i]), path });
  }
  for (const [i, raw] of list('facts').entries()) {
    const name = entry(shape.facts.unwrap().element, raw, ['facts', i]);
    if (name !== null) value.facts.push({ ...at(['facts', i]), name });
  }
  value.failOn = entry(shape['fail-on'], parts['fail-on'], ['fail-on']) ?? null;
  const baseline = entry(shape.baseline, parts.baseline, ['baseline']);
  value.baseline = typeof baseline === 'string' ? { ...at(['baseline']), name: baseline } : null;
  return { value, problems };
}
