/** Transformed examples whose verdict is not that of the example, with the reason: exceptions.json, by kind. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Measured } from './measure.ts';

/** Exceptions of one reason: of each rule its examples, `bad 1 3, good 2`. */
export interface Group {
  reason: string;
  rules: Record<string, string>;
}

export type Exceptions = Record<string, Group[]>;

const PATH = fileURLToPath(new URL('./exceptions.json', import.meta.url));

export function readExceptions(): Exceptions {
  const value: unknown = JSON.parse(readFileSync(PATH, 'utf8'));
  if (!isExceptions(value)) throw new Error(`${PATH}: expected of each kind a list of groups with a reason and rules`);
  return value;
}

function isExceptions(value: unknown): value is Exceptions {
  return isRecord(value) && Object.values(value).every(list => Array.isArray(list) && list.every(isGroup));
}

function isGroup(value: unknown): value is Group {
  if (!isRecord(value) || typeof value.reason !== 'string' || value.reason === '' || !isRecord(value.rules)) return false;
  return Object.values(value.rules).every(examples => typeof examples === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `rule bad 1`, one for each exception of the kind. */
export function idsOf(groups: readonly Group[]): string[] {
  return groups.flatMap(g => Object.entries(g.rules).flatMap(([rule, list]) => examplesIn(list).map(example => `${rule} ${example}`)));
}

function examplesIn(list: string): string[] {
  return list.split(', ').flatMap(part => {
    const [verdict = '', ...numbers] = part.split(' ');
    return numbers.map(n => `${verdict} ${n}`);
  });
}

/** Writes what was measured: what fails still keeps its reason, what is new gets that of its kind. */
export function writeExceptions(before: Exceptions, all: readonly Measured[]): void {
  const now: Exceptions = {};
  for (const { kind, verdicts } of all) {
    const known = before[kind.name] ?? [];
    const reasonOf = new Map(known.flatMap(g => idsOf([g]).map(id => [id, g.reason])));
    const groups = new Map<string, string[]>();
    for (const { id, verdict } of verdicts) {
      if (verdict === 'same') continue;
      const reason = reasonOf.get(id) ?? (verdict === 'alarm' ? kind.reason.alarm : kind.reason.silent);
      groups.set(reason, [...(groups.get(reason) ?? []), id]);
    }
    now[kind.name] = [...groups].map(([reason, ids]) => ({ reason, rules: byRule(ids) }));
  }
  writeFileSync(PATH, `${JSON.stringify(now, null, 2)}\n`);
}

function byRule(ids: readonly string[]): Record<string, string> {
  const found = new Map<string, Map<string, string[]>>();
  for (const id of ids) {
    const [rule = '', verdict = '', n = ''] = id.split(' ');
    const verdicts = found.get(rule) ?? new Map<string, string[]>();
    verdicts.set(verdict, [...(verdicts.get(verdict) ?? []), n]);
    found.set(rule, verdicts);
  }
  return Object.fromEntries([...found].map(([rule, verdicts]) => [rule, [...verdicts].map(([v, numbers]) => [v, ...numbers].join(' ')).join(', ')]));
}
