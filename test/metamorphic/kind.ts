/** What a transformation is, and what it makes of an example. */
import type { Rule } from '../../src/model/rule.ts';
import type { Patch } from '../../src/model/series.ts';
import type { UserFacts } from '../../src/model/userfacts.ts';
import { patchOf } from '../code.ts';
import { fileOf, isDiff } from '../rules/examples.ts';
import { unmarked } from './edit.ts';
import type { Source } from './source.ts';

/** An example of a rule. `source` is null where it is a diff, or is not read by the grammar as a whole. */
export interface Example {
  /** `rule bad 1`, counted from 1. */
  id: string;
  rule: Rule;
  verdict: 'bad' | 'good';
  path: string;
  text: string;
  source: Source | null;
}

/** An example transformed: what is reviewed, and where the rule may report. */
export interface Transformed {
  patches: Patch[];
  facts?: UserFacts;
  /** The one file of the patch is scanned, as it stands in a tree. */
  scanned?: true;
  /** Findings below a warning do not count. */
  loud?: true;
  /** Files as they are before the patches. */
  before?: ReadonlyMap<string, string>;
  /** For each place that the example wants a finding at those where it may stand now: `path:line`, with `-` before the line of the old side. */
  places: string[][];
}

export interface Kind {
  /** Its key in the table of exceptions. */
  name: string;
  title: string;
  /** Why a bad example falls silent, or a good one raises an alarm, where an exception has no reason of its own. */
  reason: { silent: string; alarm: string };
  /** The least share of its examples that it transforms, and of those transformed that keep their verdict, in percent. */
  floor: { transformed: number; agree: number };
  /** Does the example have what is transformed? */
  concerns(example: Example): boolean;
  /** Null where the program would not stay the same, or the generator does not know. */
  transform(example: Example, all: readonly Example[]): Transformed | null;
}

/** Each example of the rule, with its place among them. */
export function examplesOf(rule: Rule, parsed: (text: string) => Source | null): Example[] {
  return (['bad', 'good'] as const).flatMap(verdict =>
    rule.examples[verdict].map((example, i) => {
      const { path, text } = fileOf(example);
      const source = isDiff(text) ? null : parsed(text);
      return { id: `${rule.id} ${verdict} ${i + 1}`, rule, verdict, path, text, source: source?.sound ? source : null };
    }),
  );
}

/** The transformed files as a patch that adds them. */
export function added(example: Example, files: Record<string, string>, facts?: UserFacts): Transformed {
  const plain = Object.entries(files).map(([path, text]) => ({ path, ...unmarked(text) }));
  const marked = plain.flatMap(f => f.lines.map(line => `${f.path}:${line}`));
  const patch = patchOf(Object.fromEntries(plain.map(f => [f.path, f.text])));
  return { patches: [patch], places: wantedIn(patch, example.rule).map(want => [want, ...marked]), ...(facts ? { facts } : {}) };
}

const WANT = /\/\* want: (\S+) "[^"]*" \*\//g;

/** The places of the patch that want a finding of the rule: `path:line`, with `-` before the line of a removed one. */
export function wantedIn(patch: Patch, rule: Rule): string[] {
  return patch.files.flatMap(f =>
    f.hunks.flatMap(h =>
      h.lines.flatMap(l =>
        [...l.text.matchAll(WANT)].filter(m => m[1] === rule.id).map(() => `${f.path}:${l.kind === 'remove' ? `-${l.oldLine}` : l.newLine}`),
      ),
    ),
  );
}

/** The text without its wishes for findings; each line stays where it is. */
export function withoutWants(text: string): string {
  return text.replace(/[ \t]*\/\* want: (\S+) "[^"]*" \*\//g, '');
}

/** Offsets of the lines that want a finding of the rule, where their code begins. */
export function wantedLines(text: string, rule: Rule): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (const m of text.matchAll(WANT)) {
    if (m[1] !== rule.id) continue;
    const line = text.lastIndexOf('\n', m.index - 1) + 1;
    found.push({ start: line + (/^[ \t]*/.exec(text.slice(line))?.[0].length ?? 0), end: m.index });
  }
  return found;
}

/** Does a line of the stretch want a finding of the rule? */
export function wantsOn({ text, rule }: Example, { start, end }: { start: number; end: number }): boolean {
  const line = text.indexOf('\n', end);
  return wantedLines(text.slice(text.lastIndexOf('\n', start - 1) + 1, line < 0 ? text.length : line), rule).length > 0;
}
