/** Rules' examples as patches: what one stands for, and the places at which it wants a finding. */
import type { Patch } from '../../src/model/series.ts';
import { diffPatch, patchOf } from '../code.ts';

/** An example's path: what its first line says, else a driver's. */
export function fileOf(example: string): { path: string; text: string } {
  const named = /^\/\* file: (\S+) \*\//.exec(example);
  return { path: named?.[1] ?? 'drivers/example/example.c', text: example.replace(/^\n/, '') };
}

/** What the example stands for: a patch that adds its text as a file, or the diff that it is. */
export function patchOfExample(example: string): Patch {
  const { path, text } = fileOf(example);
  return isDiff(text) ? diffPatch(text) : patchOf({ [path]: text });
}

export function isDiff(text: string): boolean {
  return text.startsWith('--- a/');
}

const WANT = /\/\* want: (\S+) "([^"]*)" \*\//g;

/** The places that want a finding: by line, a minus before it where the line is a removed one. */
export function wanted(example: string): { line: string; rule: string; part: string }[] {
  const { text } = fileOf(example);
  const lines = isDiff(text)
    ? patchOfExample(example).files.flatMap(f =>
        f.hunks.flatMap(h => h.lines.map(l => ({ text: l.text, line: l.kind === 'remove' ? `-${l.oldLine}` : String(l.newLine) }))),
      )
    : text.split('\n').map((line, i) => ({ text: line, line: String(i + 1) }));
  return lines.flatMap(l => [...l.text.matchAll(WANT)].map(m => ({ line: l.line, rule: m[1] ?? '', part: m[2] ?? '' })));
}
