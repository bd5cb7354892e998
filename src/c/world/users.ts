/** Which memory a series touches that other files of its folder may touch too, by its text alone: members of the folder's own types, and globals. */

import type { Image } from '../text/images.ts';
import type { FileLayout } from '../text/layout.ts';

/** Names of members and of globals that added lines speak of. */
export interface TouchedNames {
  members: ReadonlySet<string>;
  globals: ReadonlySet<string>;
}

const MEMBER = /(?:->|\.)\s*([A-Za-z_]\w*)(?!\w*\s*\()/g;
const WORD = /(?<![.>]\s*)\b([A-Za-z_]\w*)\b(?!\s*\()/g;
/** A variable that is defined for other files, or declared by a header. */
const DEFINED = /^(?!static\b|typedef\b|return\b)(?:extern\s+)?[A-Za-z_][\w\s*]*?\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*(?:=|;)/;

/**
 * What added lines of the images touch, as far as others may: of members those of a type that one of the layouts declares (the files of the series, and
 * headers beside them), of globals those that they define or declare.
 */
export function touchedIn(images: readonly Image[], layouts: readonly FileLayout[]): TouchedNames {
  const members = new Set<string>();
  const words = new Set<string>();
  for (const image of images)
    for (const piece of image.pieces)
      for (const [i, line] of piece.lines.entries()) {
        if (piece.origin[i] === null || /^\s*(?:\*|\/[*/])/.test(line)) continue;
        for (const [, name = ''] of line.matchAll(MEMBER)) members.add(name);
        for (const [, name = ''] of line.matchAll(WORD)) words.add(name);
      }
  const own = new Set<string>();
  const globals = new Set<string>();
  for (const { lines, types, functions } of layouts) {
    for (const { from, to } of types.values())
      for (const line of lines.slice(from + 1, to))
        for (const [, name = ''] of line.matchAll(/\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*[;,:]/g)) own.add(name);
    for (const line of lines) {
      const name = DEFINED.exec(line)?.[1];
      if (name !== undefined && words.has(name) && !functions.has(name)) globals.add(name);
    }
  }
  return { members: new Set([...members].filter(name => own.has(name))), globals };
}

/** The rows of a file that may touch one of them. */
export function rowsTouching(lines: readonly string[], { members, globals }: TouchedNames): number[] {
  const parts = [
    ...(members.size > 0 ? [`(?:->|\\.)\\s*(?:${[...members].join('|')})\\b`] : []),
    ...(globals.size > 0 ? [`(?<![.>\\w])(?:${[...globals].join('|')})\\b`] : []),
  ];
  if (parts.length === 0) return [];
  const touches = new RegExp(parts.join('|'));
  return lines.flatMap((line, row) => (touches.test(line) ? [row] : []));
}

/** The rows of a file that name one of the functions other than by calling or defining it. */
export function rowsNaming(lines: readonly string[], names: readonly string[]): number[] {
  if (names.length === 0) return [];
  const named = new RegExp(`(?<![.>\\w])(?:${names.join('|')})\\b(?!\\s*\\()`);
  return lines.flatMap((line, row) => (named.test(line) && !/^\s*(?:\*|\/[*/]|#)/.test(line) ? [row] : []));
}
