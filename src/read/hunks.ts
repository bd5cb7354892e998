import parseDiff from 'parse-diff';
import type { Hunk, HunkLine } from '../model/series.ts';

/**
 * The hunks of one piece of a diff: text that starts at its first `@@` and holds nothing else, its counts already checked. parse-diff reads
 * them; what it gets wrong on whole mails cannot stand in such a piece. `\ No newline` lines go, as does CR at line ends.
 */
export function readHunks(piece: string): Hunk[] {
  // parse-diff knows the marker in English only and lists it as a change of its own.
  const text = piece.includes('\n\\') ? piece.replace(/\n\\ [^\n]*/g, '') : piece;
  const [file] = parseDiff(text);
  return (file?.chunks ?? []).map(chunk => ({
    oldStart: chunk.oldStart,
    oldCount: chunk.oldLines,
    newStart: chunk.newStart,
    newCount: chunk.newLines,
    section: chunk.content.replace(/^@@[^@]*@@ ?/, '').trimEnd(),
    lines: chunk.changes.map(change => {
      const line: HunkLine = { kind: 'context', text: withoutCr(change.content.slice(1)), oldLine: null, newLine: null };
      if (change.type === 'normal') {
        line.oldLine = change.ln1;
        line.newLine = change.ln2;
      } else if (change.type === 'add') {
        line.kind = 'add';
        line.newLine = change.ln;
      } else {
        line.kind = 'remove';
        line.oldLine = change.ln;
      }
      return line;
    }),
  }));
}

function withoutCr(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
