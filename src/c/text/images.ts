/** Files as the series leaves them: whole where the series itself shows all of them, else in pieces. */
import type { FileDiff, Hunk, HunkLine, Patch, Problem } from '../../model/series.ts';

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
      const before = history.get(source)?.at(-1) ?? (file.change === 'add' ? undefined : fromTree(tree, source, file.hunks));
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
function fromTree(tree: Tree | null, path: string, hunks: Hunk[]): Image | undefined {
  const text = tree?.read(path);
  if (text === null || text === undefined) return undefined;
  const lines = text.replace(/\n$/, '').split('\n');
  const piece: Piece = { firstLine: 1, lines, origin: lines.map(() => null), section: '' };
  const image = (p: Piece): Image => ({ path, whole: true, pieces: [p], addedBy: null, after: -1 });
  if (apply(piece, hunks, () => 0)) return image(piece);
  const undone = apply(piece, hunks.map(reversed), () => 0);
  return undone ? image({ ...undone, origin: undone.lines.map(() => null) }) : undefined;
}

/** A line that the series removes, as the patch that does so numbers it. */
export interface Removed {
  patch: number;
  path: string;
  line: number;
}

/** The files that the series changes as they stood before it; the origin of a line is the patch that removes it. */
export interface Before {
  images: Image[];
  /** By path and line before the series: `path:line`. */
  removed: Map<string, Removed>;
  /** For each path before the series the path after it. */
  now: Map<string, string>;
}

/** The way back from the files as the series leaves them, `history` being what `imagesOf` says of the same patches. */
export function imagesBefore(patches: (Patch | null)[], history: Images['history']): Before {
  const files = new Map<string, { image: Image; now: string | null }>();
  for (const [path, states] of history) {
    const image = states.at(-1);
    const pieces = image?.pieces.map(p => ({ ...p, origin: p.lines.map(() => null) })) ?? [];
    if (image) files.set(path, { image: { ...image, pieces, addedBy: null }, now: path });
  }
  const lines: Removed[] = [];
  for (let index = patches.length - 1; index >= 0; index--) {
    for (const file of patches[index]?.files ?? []) {
      if (file.binary) continue;
      const known = files.get(file.path);
      files.delete(file.path);
      if (file.change === 'add' || file.change === 'copy') continue;
      const path = file.oldPath ?? file.path;
      const mark: Mark = line => lines.push({ patch: index, path: file.path, line: line.newLine ?? 0 }) - 1;
      const back: FileDiff = {
        path,
        change: file.change === 'delete' ? 'add' : 'modify',
        added: 0,
        removed: 0,
        binary: false,
        hunks: file.hunks.map(reversed),
      };
      files.set(path, { image: next(known?.image, back, index, mark), now: known?.now ?? null });
    }
  }
  const removed = new Map<string, Removed>();
  const now = new Map<string, string>();
  const images = [...files].map(([path, file]): Image => {
    if (file.now !== null) now.set(path, file.now);
    const pieces = file.image.pieces.map(piece => {
      const origin = piece.origin.map((id, i) => {
        const line = id === null ? undefined : lines[id];
        if (line) removed.set(`${path}:${piece.firstLine + i}`, line);
        return line?.patch ?? null;
      });
      return { ...piece, origin };
    });
    return { ...file.image, path, pieces, addedBy: null };
  });
  return { images, removed, now };
}

function reversed(hunk: Hunk): Hunk {
  const kinds = { add: 'remove', remove: 'add', context: 'context' } as const;
  const lines = hunk.lines.map(l => ({ ...l, kind: kinds[l.kind], oldLine: l.newLine, newLine: l.oldLine }));
  return { ...hunk, oldStart: hunk.newStart, oldCount: hunk.newCount, newStart: hunk.oldStart, newCount: hunk.oldCount, lines };
}

/** What stands as the origin of a line that a hunk adds. */
type Mark = (line: HunkLine) => number;

function next(before: Image | undefined, file: FileDiff, patch: number, mark: Mark = () => patch): Image {
  if (file.change === 'add') {
    const kept = file.hunks.flatMap(h => h.lines.filter(l => l.kind !== 'remove'));
    const piece: Piece = { firstLine: 1, lines: kept.map(l => l.text), origin: kept.map(mark), section: '' };
    return { path: file.path, whole: true, pieces: [piece], addedBy: patch, after: patch };
  }
  const whole = before?.whole ? before.pieces[0] : undefined;
  if (before && whole) {
    const applied = apply(whole, file.hunks, mark);
    if (applied) return { path: file.path, whole: true, pieces: [applied], addedBy: before.addedBy, after: patch };
  }
  const known = before && !before.whole ? before.pieces : [];
  return { path: file.path, whole: false, pieces: joined(known, file.hunks, mark), addedBy: null, after: patch };
}

interface Line {
  text: string;
  origin: number | null;
  section: string;
}

/** What is known of a file in pieces after one more patch: its hunks, and the earlier lines where it has moved them to. */
function joined(known: Piece[], hunks: Hunk[], mark: Mark): Piece[] {
  const before = new Map<number, Line>();
  for (const piece of known)
    for (const [i, text] of piece.lines.entries()) before.set(piece.firstLine + i, { text, origin: piece.origin[i] ?? null, section: piece.section });
  const after = new Map<number, Line>();
  const gone = new Set<number>();
  for (const hunk of hunks) {
    let line = hunk.newCount === 0 ? hunk.newStart + 1 : hunk.newStart;
    let old = hunk.oldCount === 0 ? hunk.oldStart + 1 : hunk.oldStart;
    for (const changed of hunk.lines) {
      const { kind, text } = changed;
      const was = kind === 'add' ? undefined : before.get(old);
      if (kind !== 'add') gone.add(old++);
      if (kind === 'remove') continue;
      // A line that an earlier patch shows otherwise has been changed in between, by a patch that is not here.
      const same = was !== undefined && was.text === text;
      after.set(line++, same ? was : { text, origin: kind === 'add' ? mark(changed) : null, section: hunk.section });
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
function apply(piece: Piece, hunks: Hunk[], mark: Mark): Piece | null {
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
        origin.push(mark(line));
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
