/** A file that changes: from a correct example of the rule to the faulty one, and back. */
import type { FileDiff, Hunk, HunkLine, Patch } from '../../src/model/series.ts';
import { patchOf } from '../code.ts';
import { added, type Example, type Kind, wantedIn, withoutWants } from './kind.ts';

/** Lines of context around a change, as git has it. */
const CONTEXT = 3;

/** The lines of both texts in one row, by a longest common subsequence. */
export function compared(before: string, after: string): HunkLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  const length = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => length[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const row = length[i];
    if (row) for (let j = b.length - 1; j >= 0; j--) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const found: HunkLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) found.push({ kind: 'context', text: a[i] ?? '', oldLine: ++i, newLine: ++j });
    else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1)))
      found.push({ kind: 'remove', text: a[i] ?? '', oldLine: ++i, newLine: null });
    else found.push({ kind: 'add', text: b[j] ?? '', oldLine: null, newLine: ++j });
  }
  return found;
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

function changes(lines: readonly HunkLine[]): number {
  return lines.filter(l => l.kind !== 'context').length;
}

/** The change of one file as a patch. */
export function changePatch(path: string, before: string, after: string): Patch {
  const lines = compared(before, after);
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some(l => l.kind !== 'context'));
  const hunks: Hunk[] = [];
  for (const [i, line] of lines.entries()) {
    if (!near[i]) continue;
    let hunk = near[i - 1] ? hunks.at(-1) : undefined;
    if (!hunk) {
      const above = lines.slice(0, i);
      const [oldAbove, newAbove] = [above.filter(l => l.kind !== 'add').length, above.filter(l => l.kind !== 'remove').length];
      hunk = { oldStart: oldAbove + 1, oldCount: 0, newStart: newAbove + 1, newCount: 0, section: '', lines: [] };
      hunks.push(hunk);
    }
    hunk.lines.push(line);
    if (line.kind !== 'add') hunk.oldCount++;
    if (line.kind !== 'remove') hunk.newCount++;
  }
  const count = (kind: HunkLine['kind']) => lines.filter(l => l.kind === kind).length;
  const file: FileDiff = { path, change: 'modify', added: count('add'), removed: count('remove'), binary: false, hunks };
  return { ...patchOf({}), files: [file] };
}

/** The correct example of the same rule and path that differs in the fewest lines. */
function nearest(example: Example, all: readonly Example[]): Example | null {
  const plain = withoutWants(example.text);
  const others = all.filter(e => e.rule === example.rule && e.verdict === 'good' && e.source && e.path === example.path);
  const far = others.map(e => changes(compared(e.text, plain)));
  return others[far.indexOf(Math.min(...far))] ?? null;
}

const concerns = ({ source, verdict }: Example) => source !== null && verdict === 'bad';

export const toBad: Kind = {
  name: 'patch to bad',
  title: 'a patch that makes the correct example the faulty one',
  reason: { silent: 'what the patch does to code that was there is not seen as what a new file does', alarm: '' },
  floor: { transformed: 95, agree: 98 },
  concerns,
  transform(example, all) {
    const good = nearest(example, all);
    if (!good) return null;
    const { path, rule, text } = example;
    const places = wantedIn(patchOf({ [path]: text }), rule).map(place => [place]);
    return { patches: [changePatch(path, good.text, withoutWants(text))], before: new Map([[path, good.text]]), places };
  },
};

export const toGood: Kind = {
  name: 'patch to good',
  title: 'a patch that makes the faulty example the correct one',
  reason: { silent: '', alarm: 'a false alarm on a patch that repairs the fault' },
  floor: { transformed: 95, agree: 98 },
  concerns,
  transform(example, all) {
    const good = nearest(example, all);
    if (!good) return null;
    const { path } = example;
    const bad = withoutWants(example.text);
    return { patches: [changePatch(path, bad, good.text)], before: new Map([[path, bad]]), places: [], loud: true };
  },
};

export const scannedFile: Kind = {
  name: 'scanned file',
  title: 'the file scanned, not added by a patch',
  reason: { silent: 'the rule reports only what a patch changes', alarm: 'a false alarm on the file as it stands' },
  floor: { transformed: 100, agree: 98 },
  concerns: ({ source }) => source !== null,
  transform: example => ({ ...added(example, { [example.path]: example.text }), scanned: true }),
};
