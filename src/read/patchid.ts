import type { Mail } from './mail.ts';

/**
 * What stays the same of a diff when it is sent again: names and lines, white space and line numbers aside (git patch-id --stable). Null
 * where there is no diff. Kept with the mail, as its text may go.
 */
export function patchKey(mail: Mail): string | null {
  const { diff } = mail;
  if (mail.patchKey !== null || !diff) return mail.patchKey;
  const text = diff.text();
  mail.patchKey = diff.pieces
    .map(piece => `${piece.path}\n${hash(text, piece.start, piece.end)}`)
    .sort()
    .join('\n');
  return mail.patchKey;
}

/** 64 bits over the characters that are no white space, hunk headers left out: enough to tell the patches of one thread apart. */
function hash(text: string, start: number, end: number): string {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  let isLineStart = true;
  for (let at = start; at < end; at++) {
    // A hunk header stands at the start of a line; what is left of it says nothing.
    while (isLineStart && text.startsWith('@@ ', at)) at = Math.min(lineEnd(text, at, end) + 1, end);
    if (at >= end) break;
    const code = text.charCodeAt(at);
    isLineStart = code === 10;
    if (code <= 32) continue;
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + (a >>> 15)), 0x85ebca6b);
  }
  return `${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`;
}

function lineEnd(text: string, at: number, end: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? end : newline;
}
