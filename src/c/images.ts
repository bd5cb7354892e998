/** Files as the series leaves them: whole where the series itself shows all of them, else in pieces. */
import type { FileDiff, Hunk, Patch } from '../model/series.ts';

/** A run of lines of a file. `origin[i]` is the patch that added line i, null where it was there before. */
export interface Piece {
  firstLine: number;
  lines: string[];
  origin: (number | null)[];
  /** What the hunk's header says of the enclosing function. */
  section: string;
}

export interface Image {
  path: string;
  whole: boolean;
  pieces: Piece[];
  /** The patch that created the file; null where it was there before. */
  addedBy: number | null;
  /** The patch after which the file looks like this. */
  after: number;
}

/** Every state of every file that the patches touch, in the order of the patches. */
export interface Images {
  /** For each path its states, oldest first. */
  history: Map<string, Image[]>;
}

export function imagesOf(patches: (Patch | null)[]): Images {
  const history = new Map<string, Image[]>();
  patches.forEach((patch, index) => {
    for (const file of patch?.files ?? []) {
      if (file.binary || file.change === 'delete') {
        if (file.change === 'delete') history.delete(file.path);
        continue;
      }
      const before = history.get(file.oldPath ?? file.path)?.at(-1);
      const image = next(before, file, index);
      if (file.oldPath !== undefined && file.change === 'rename') history.delete(file.oldPath);
      const states = history.get(file.path);
      if (states) states.push(image);
      else history.set(file.path, [image]);
    }
  });
  return { history };
}

function next(before: Image | undefined, file: FileDiff, patch: number): Image {
  if (file.change === 'add') {
    const lines = file.hunks.flatMap(h => h.lines.filter(l => l.kind !== 'remove').map(l => l.text));
    const piece: Piece = { firstLine: 1, lines, origin: lines.map(() => patch), section: '' };
    return { path: file.path, whole: true, pieces: [piece], addedBy: patch, after: patch };
  }
  const whole = before?.whole ? before.pieces[0] : undefined;
  if (before && whole) {
    const applied = apply(whole, file.hunks, patch);
    if (applied) return { path: file.path, whole: true, pieces: [applied], addedBy: before.addedBy, after: patch };
  }
  const fresh = file.hunks.map(h => pieceOf(h, patch));
  const kept = before && !before.whole ? before.pieces.flatMap(p => shifted(p, file.hunks)) : [];
  const pieces = [...kept, ...fresh].sort((a, b) => a.firstLine - b.firstLine);
  return { path: file.path, whole: false, pieces, addedBy: null, after: patch };
}

function pieceOf(hunk: Hunk, patch: number): Piece {
  const kept = hunk.lines.filter(l => l.kind !== 'remove');
  return {
    firstLine: hunk.newCount === 0 ? hunk.newStart + 1 : hunk.newStart,
    lines: kept.map(l => l.text),
    origin: kept.map(l => (l.kind === 'add' ? patch : null)),
    section: hunk.section,
  };
}

/** Hunks applied exactly, or null where a line differs. */
function apply(piece: Piece, hunks: Hunk[], patch: number): Piece | null {
  const lines: string[] = [];
  const origin: (number | null)[] = [];
  let at = 0;
  for (const hunk of hunks) {
    const start = hunk.oldCount === 0 ? hunk.oldStart : hunk.oldStart - 1;
    if (start < at || start > piece.lines.length) return null;
    for (; at < start; at++) {
      lines.push(piece.lines[at] ?? '');
      origin.push(piece.origin[at] ?? null);
    }
    for (const line of hunk.lines) {
      if (line.kind === 'add') {
        lines.push(line.text);
        origin.push(patch);
        continue;
      }
      if (piece.lines[at] !== line.text) return null;
      if (line.kind === 'context') {
        lines.push(line.text);
        origin.push(piece.origin[at] ?? null);
      }
      at++;
    }
  }
  for (; at < piece.lines.length; at++) {
    lines.push(piece.lines[at] ?? '');
    origin.push(piece.origin[at] ?? null);
  }
  return { firstLine: 1, lines, origin, section: '' };
}

/** An earlier piece where the later patch has moved it to; none where the patch changes the same lines. */
function shifted(piece: Piece, hunks: Hunk[]): Piece[] {
  let by = 0;
  const last = piece.firstLine + piece.lines.length - 1;
  for (const hunk of hunks) {
    const oldLast = hunk.oldStart + Math.max(hunk.oldCount, 1) - 1;
    if (hunk.oldStart <= last && oldLast >= piece.firstLine) return [];
    if (oldLast < piece.firstLine) by += hunk.newCount - hunk.oldCount;
  }
  return [{ ...piece, firstLine: piece.firstLine + by }];
}
