/** What a note quotes: lines that the finding's own patch shows. */
import type { Place } from '../model/code.ts';
import type { HunkLine, Patch } from '../model/series.ts';
import { isShown, linesOf, type Numbered } from './numbering.ts';
import type { Raised } from './raised.ts';

/** Changed lines of the function that are quoted where the fault is in what the patch changed beside the finding's line. */
const MOST_CHANGED = 3;

/**
 * The places to quote from patch `by`: what the rule names, as far as that patch shows it; and where none of that is the patch's own, what it
 * changes in the function. Never empty for a patch that changes a line. Without a patch, what the rule names.
 */
export function quoteFor({ remark, place, fn }: Raised, inPatch: (place: Place) => Numbered, patch: Patch | null, by: number | null): Place[] {
  const named = (remark.quote ?? [place]).map(inPatch);
  if (!patch) return named.map(placeOf);
  const shown = (all: Numbered[]) => all.filter(p => isShown(patch, p));
  const claimed = () => [place, ...(remark.claim?.threads.flatMap(t => t.events) ?? []), ...(remark.related ?? [])].map(inPatch);
  const found = shown(named);
  const quoted = found.length > 0 ? found : shown(claimed()).slice(0, 1);
  if (quoted.some(p => p.patch === by)) return quoted.map(placeOf);
  const from = inPatch({ path: fn.path, line: fn.line, side: fn.side });
  const to = inPatch({ path: fn.path, line: fn.endLine, side: fn.side });
  const all = [...quoted.map(placeOf), ...changedBetween(patch, from.path, from.line, to.line)];
  return all.length > 0 ? all : firstChanged(patch, from.path);
}

/** The first changed lines between two lines of the new side. */
function changedBetween(patch: Patch, path: string, from: number, to: number): Place[] {
  let next = 0;
  const changed = linesOf(patch, path).filter(l => {
    next = l.newLine ?? next;
    return l.kind !== 'context' && next >= from - 1 && next <= to;
  });
  return changed.slice(0, MOST_CHANGED).map(l => placeOfLine(path, l));
}

function firstChanged(patch: Patch, path: string): Place[] {
  for (const file of [...patch.files.filter(f => f.path === path), ...patch.files]) {
    const changed = file.hunks.flatMap(h => h.lines).find(l => l.kind !== 'context');
    if (changed) return [placeOfLine(file.path, changed)];
  }
  return [];
}

function placeOfLine(path: string, line: HunkLine): Place {
  return line.kind === 'remove' ? { path, line: line.oldLine ?? 0, side: 'old' } : { path, line: line.newLine ?? 0, side: 'new' };
}

function placeOf({ path, line, side }: Place): Place {
  return { path, line, side };
}
