/** Line numbers as the patches of a series have them: a mail is read with the patch at hand, not with the files as the last patch leaves them. */
import type { Place } from '../model/code.ts';
import type { FileDiff, Patch } from '../model/series.ts';

/** A line of some state of the series, as one of its patches numbers it. */
export interface Numbered extends Place {
  /** The patch that adds the line (on the old side: removes it), an index into the series; null of a line that was there before and stays. */
  patch: number | null;
}

/** What became of the lines that were there before the series. */
export interface LinesBefore {
  /** `path:line` before the series -> as the removing patch numbers it. */
  removed: ReadonlyMap<string, { patch: number; path: string; line: number }>;
  /** A line before the series that stays, where it stands after the series; null where that is not known. */
  now(path: string, line: number): { path: string; line: number } | null;
}

/**
 * Where the line at `place` is in the numbering of patch `by`: of a line of the new side, on that patch's new side; a line that a later patch
 * adds, or that any patch removes, is numbered by that patch. `state` is the last patch applied in the state that `place` is of.
 */
export function numberedIn(patches: readonly (Patch | null)[], place: Place, state: number, by: number): Numbered {
  let { path, line } = place;
  let found: { path: string; line: number } | null = by >= state ? { path, line } : null;
  for (let i = state; i >= 0; i--) {
    if (i === by) found = { path, line };
    const file = patches[i]?.files.find(f => f.path === path && !f.binary);
    if (!file) continue;
    const was = before(file, line);
    if (was === null) return { ...(found ?? { path, line }), side: 'new', patch: i };
    path = file.oldPath ?? path;
    line = was;
  }
  return { ...(found ?? { path, line }), side: 'new', patch: null };
}

/** The same of a place of the old side, `lines` telling what became of its line. */
export function numberedBefore(patches: readonly (Patch | null)[], lines: LinesBefore, place: Place, by: number): Numbered {
  const gone = lines.removed.get(`${place.path}:${place.line}`);
  if (gone) return { path: gone.path, line: gone.line, side: 'old', patch: gone.patch };
  const now = lines.now(place.path, place.line);
  if (now) return numberedIn(patches, { ...now, side: 'new' }, patches.length - 1, by);
  return { path: place.path, line: place.line, side: 'old', patch: null };
}

/** The line's number in the file before the diff; null where the diff adds it. */
function before(file: FileDiff, line: number): number | null {
  if (file.change === 'add') return null;
  let shift = 0;
  for (const hunk of file.hunks) {
    // A hunk without new lines names the line above it.
    const start = hunk.newCount === 0 ? hunk.newStart + 1 : hunk.newStart;
    if (line < start) break;
    if (line < start + hunk.newCount) return hunk.lines.find(l => l.newLine === line)?.oldLine ?? null;
    shift += hunk.oldCount - hunk.newCount;
  }
  return line + shift;
}

/** Does a hunk of the patch show the line? */
export function isShown(patch: Patch | null | undefined, place: Place): boolean {
  return linesOf(patch, place.path).some(l => (place.side === 'old' ? l.kind === 'remove' && l.oldLine === place.line : l.newLine === place.line));
}

/** All lines that the patch's hunks of the file show. */
export function linesOf(patch: Patch | null | undefined, path: string) {
  return patch?.files.filter(f => f.path === path).flatMap(f => f.hunks.flatMap(h => h.lines)) ?? [];
}
