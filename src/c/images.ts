/** Files as the series leaves them: whole where the series itself shows all of them, else in pieces. */
import type { FileDiff, Hunk, Patch, Problem } from '../model/series.ts';

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
  /** Parts of a file that the series does not touch, from a tree. */
  outside?: true;
}

/** Every state of every file that the patches touch, in the order of the patches. */
export interface Images {
  /** For each path its states, oldest first. */
  history: Map<string, Image[]>;
  problems: Problem[];
}

/** A kernel tree, read only. */
export interface Tree {
  /** A file's text, or null where there is none. */
  read(path: string): string | null;
  /** Names of the files that stand in a folder, in order; none where there is no such folder. */
  list(folder: string): string[];
}

/**
 * The files as each patch leaves them. With a tree, a file that a patch changes is whole where the patch applies exactly, or has been
 * applied already; never with fuzz. Else it is known in pieces, and the problem says that the tree does not match.
 */
export function imagesOf(patches: (Patch | null)[], tree: Tree | null = null): Images {
  const history = new Map<string, Image[]>();
  const problems: Problem[] = [];
  const mismatched = new Set<string>();
  patches.forEach((patch, index) => {
    for (const file of patch?.files ?? []) {
      if (file.binary) continue;
      if (file.change === 'delete') {
        history.delete(file.path);
        continue;
      }
      const source = file.oldPath ?? file.path;
      const before = history.get(source)?.at(-1) ?? (file.change === 'add' ? undefined : fromTree(tree, source, file.hunks, index));
      if (tree && file.change !== 'add' && !before?.whole && !mismatched.has(source)) {
        mismatched.add(source);
        problems.push({ severity: 'odd', where: source, message: `the tree does not match patch ${index + 1}: the file is seen by its hunks alone` });
      }
      const image = next(before, file, index);
      if (file.oldPath !== undefined && file.change === 'rename') history.delete(file.oldPath);
      const states = history.get(file.path);
      if (states) states.push(image);
      else history.set(file.path, [image]);
    }
  });
  return { history, problems };
}

/** The file as it stands before the hunks, from a tree that holds it before or after them. */
function fromTree(tree: Tree | null, path: string, hunks: Hunk[], patch: number): Image | undefined {
  const text = tree?.read(path);
  if (text === null || text === undefined) return undefined;
  const lines = text.replace(/\n$/, '').split('\n');
  const piece: Piece = { firstLine: 1, lines, origin: lines.map(() => null), section: '' };
  const image = (p: Piece): Image => ({ path, whole: true, pieces: [p], addedBy: null, after: -1 });
  if (apply(piece, hunks, patch)) return image(piece);
  const undone = apply(piece, hunks.map(reversed), patch);
  return undone ? image({ ...undone, origin: undone.lines.map(() => null) }) : undefined;
}

function reversed(hunk: Hunk): Hunk {
  const lines = hunk.lines.map(l => ({ ...l, kind: l.kind === 'add' ? ('remove' as const) : l.kind === 'remove' ? ('add' as const) : l.kind }));
  return { ...hunk, oldStart: hunk.newStart, oldCount: hunk.newCount, newStart: hunk.oldStart, newCount: hunk.oldCount, lines };
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
  const known = before && !before.whole ? before.pieces : [];
  return { path: file.path, whole: false, pieces: joined(known, file.hunks, patch), addedBy: null, after: patch };
}

interface Line {
  text: string;
  origin: number | null;
  section: string;
}

/** What is known of a file in pieces after one more patch: its hunks, and the earlier lines where it has moved them to. */
function joined(known: Piece[], hunks: Hunk[], patch: number): Piece[] {
  const before = new Map<number, Line>();
  for (const piece of known)
    for (const [i, text] of piece.lines.entries()) before.set(piece.firstLine + i, { text, origin: piece.origin[i] ?? null, section: piece.section });
  const after = new Map<number, Line>();
  const gone = new Set<number>();
  for (const hunk of hunks) {
    let line = hunk.newCount === 0 ? hunk.newStart + 1 : hunk.newStart;
    let old = hunk.oldCount === 0 ? hunk.oldStart + 1 : hunk.oldStart;
    for (const { kind, text } of hunk.lines) {
      const was = kind === 'add' ? undefined : before.get(old);
      if (kind !== 'add') gone.add(old++);
      if (kind === 'remove') continue;
      // A line that an earlier patch shows otherwise has been changed in between, by a patch that is not here.
      const same = was !== undefined && was.text === text;
      after.set(line++, same ? was : { text, origin: kind === 'add' ? patch : null, section: hunk.section });
    }
  }
  for (const [old, line] of before) {
    if (gone.has(old)) continue;
    const moved = old + shift(old, hunks);
    if (!after.has(moved)) after.set(moved, line);
  }
  const pieces: Piece[] = [];
  let last = -1;
  for (const [at, { text, origin, section }] of [...after].sort((a, b) => a[0] - b[0])) {
    const piece = at === last + 1 ? pieces.at(-1) : undefined;
    if (piece) {
      piece.lines.push(text);
      piece.origin.push(origin);
    } else pieces.push({ firstLine: at, lines: [text], origin: [origin], section });
    last = at;
  }
  return pieces;
}

/** How far the hunks move a line that none of them holds. */
function shift(line: number, hunks: Hunk[]): number {
  let by = 0;
  for (const hunk of hunks)
    if (hunk.oldStart + hunk.oldCount <= line && (hunk.oldCount > 0 || hunk.oldStart < line)) by += hunk.newCount - hunk.oldCount;
  return by;
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
    // Lines added behind the last context stand at the end of the file, else the same hunk would fit again where it has been applied.
    const open = hunk.lines.at(-1)?.kind !== 'context' && hunk.lines.some(l => l.kind === 'context');
    if (open && at < piece.lines.length) return null;
  }
  for (; at < piece.lines.length; at++) {
    lines.push(piece.lines[at] ?? '');
    origin.push(piece.origin[at] ?? null);
  }
  return { firstLine: 1, lines, origin, section: '' };
}
