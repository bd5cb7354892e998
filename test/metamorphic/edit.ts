/** Edits of a text by offset. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** The text with all edits made; insertions at one place come in the order given. Edits that overlap are an error. */
export function edited(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (edit.start < from) throw new Error(`edits overlap at offset ${edit.start}`);
    parts.push(text.slice(from, edit.start), edit.text);
    from = edit.end;
  }
  return parts.join('') + text.slice(from);
}

/** Marks a line of a transformed text on which the finding may stand as well: the place that its statement was moved to. No review sees it. */
export const MARK = '/*@*/';

/** The text without the marks, and the numbers of the lines that had one, from 1. */
export function unmarked(text: string): { text: string; lines: number[] } {
  const lines = text.split('\n').flatMap((line, i) => (line.includes(MARK) ? [i + 1] : []));
  return { text: text.replaceAll(MARK, ''), lines };
}
