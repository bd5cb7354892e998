/** One line of a text, without its line end. */
export interface Line {
  start: number;
  end: number;
  text: string;
}

/** The line that the place stands in. */
export function lineAt(text: string, at: number): Line {
  const start = at <= 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const newline = text.indexOf('\n', at);
  const end = newline < 0 ? text.length : newline;
  return { start, end, text: text.slice(start, end) };
}

/** The line above the one that starts at the place. */
export function lineBefore(text: string, start: number): Line {
  return start <= 0 ? { start: 0, end: 0, text: '' } : lineAt(text, start - 1);
}

/** The lines from a place up to a blank one, and where the text behind that goes on. */
export function linesFrom(text: string, from: number, limit: number, most: number): { lines: string[]; end: number } {
  const lines: string[] = [];
  let at = from;
  while (at < limit && lines.length < most) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? limit : Math.min(newline, limit);
    const line = text.slice(at, end);
    at = Math.min(end + 1, limit);
    if (line.trim() === '') break;
    lines.push(line);
  }
  return { lines, end: at };
}
