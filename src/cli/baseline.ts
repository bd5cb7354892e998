/** The baseline file: findings that are known and accepted, each with a reason. */
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, Document as YamlDocument } from 'yaml';
import { z } from 'zod';
import type { BaselineEntry, Problem } from '../index.ts';
import type { Rules } from './config.ts';
import { readYaml } from './yaml.ts';

const text = z.string().max(10_000);
const SCHEMA = 'fencepost.baseline/1';

const known = z.strictObject({
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'the 16 digits that `fencepost baseline update` writes')
    .describe('the fingerprint of the finding'),
  rule: text.min(1),
  path: text.min(1),
  function: text,
  message: text.default('').describe('what the finding says, for people'),
  reason: text.nullable().default('').describe('why it is accepted'),
});

/** The form of a baseline; its JSON Schema is generated from this. */
export const baselineFile = z.strictObject({ schema: z.literal(SCHEMA), findings: z.array(known).nullable().default([]) });

/** The JSON Schema (draft 2020-12) of a baseline. */
export function baselineSchema(): object {
  return { title: 'fencepost baseline', description: 'Findings that are known and accepted', ...z.toJSONSchema(baselineFile, { io: 'input' }) };
}

/** Larger baselines are those of another tool. */
const LARGEST = 50_000_000;

/** Reads a baseline; rules are given their present ids. Each fault is a problem that names file, line and key. */
export function readBaseline(file: string, source: string, rules: Rules): { value: BaselineEntry[]; problems: Problem[] } {
  const value: BaselineEntry[] = [];
  const { parts, problems, lineOf, complain, entry } = readYaml(file, source, 'baseline', Object.keys(baselineFile.shape), LARGEST);
  if (problems.length > 0) return { value, problems };
  entry(baselineFile.shape.schema, parts.schema, ['schema']);
  const list = parts.findings ?? [];
  if (!Array.isArray(list)) complain(lineOf(['findings']), 'findings: expected a list');
  else
    for (const [i, raw] of list.entries()) {
      const said = entry(known, raw, ['findings', i]);
      if (!said) continue;
      const { fingerprint, path, function: fn } = said;
      value.push({
        file,
        line: lineOf(['findings', i]),
        fingerprint,
        rule: rules.current(said.rule),
        path,
        function: fn,
        message: said.message,
        reason: (said.reason ?? '').trim(),
      });
    }
  return { value, problems };
}

/** An entry to write. */
export type Written = Omit<BaselineEntry, 'file' | 'line'>;

const HEAD = ` Findings that are known and accepted. \`fencepost baseline update\` adds and
 removes entries and keeps what is written under \`reason\`: say there why the
 code is right, or when it will be mended.`;

/** The baseline with these entries, in order of path, function and rule; what `source` says besides of an entry, comments too, stays with it. */
export function writeBaseline(source: string, entries: Written[]): string {
  const before: Document = parseDocument(source, { logLevel: 'error' });
  const old = new Map<string, YAMLMap>();
  const list: unknown = before.getIn(['findings'], true);
  if (isSeq(list))
    for (const [i, item] of list.items.entries()) {
      const print: unknown = before.getIn(['findings', i, 'fingerprint']);
      if (typeof print === 'string' && isMap(item) && !old.has(print)) old.set(print, item);
    }
  const document = new YamlDocument({ schema: SCHEMA, findings: [] });
  document.commentBefore = before.commentBefore ?? HEAD;
  const sorted = entries.toSorted(
    (a, b) => order(a.path, b.path) || order(a.function, b.function) || order(a.rule, b.rule) || order(a.fingerprint, b.fingerprint),
  );
  const findings: unknown = document.getIn(['findings'], true);
  if (isSeq(findings)) {
    findings.flow = false;
    for (const { fingerprint, rule, path, function: fn, message, reason } of sorted) {
      const fields = { fingerprint, rule, path, function: fn, message, reason };
      const was = old.get(fingerprint);
      const made = was ?? document.createNode(fields);
      // Only what has changed is set: comments stand at the values.
      if (was) for (const [key, value] of Object.entries(fields)) if (was.get(key) !== value) was.set(key, value);
      findings.items.push(made);
    }
  }
  return document.toString({ lineWidth: 100 });
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
