import type { Piece } from './diff.ts';

/** What stays the same of a diff when it is sent again: names and lines, white space and line numbers aside (git patch-id --stable). */
export function patchKey(text: string, pieces: Piece[]): string {
  return pieces
    .map(
      piece =>
        `${piece.path}\n${hash(
          text
            .slice(piece.start, piece.end)
            .replace(/^@@ [^\n]*/gm, '')
            .replace(/\s+/g, ''),
        )}`,
    )
    .sort()
    .join('\n');
}

/** 64 bits of FNV-1a over code units, in two halves: enough to tell the patches of one thread apart. */
function hash(text: string): string {
  let [a, b] = [0x811c9dc5, 0xcbf29ce4];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ ((code << 7) | (code >> 3)), 0x01000193);
  }
  return `${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}:${text.length}`;
}
