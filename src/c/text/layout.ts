/** Where a file's functions, macros and types stand, by the kernel's own layout: fast enough to ask of files that are not parsed. */

/** Rows from 0, both inclusive. */
export interface TextDefinition {
  name: string;
  from: number;
  to: number;
  isStatic: boolean;
}

export interface FileLayout {
  lines: string[];
  /** Functions and function-like macros; of two with one name the first. */
  functions: Map<string, TextDefinition>;
  /** `struct foo` -> its declaration. */
  types: Map<string, TextDefinition>;
  includes: string[];
}

/** A head of more lines is none. */
const LONGEST_HEAD = 16;
/** Words with parentheses that stand before or behind a function's name; where there is no other, it is the name. */
const ANNOTATION = /^(?:__\w+|noinline\w*|typeof|[A-Z][A-Z0-9_]*)$/;

/** Reads the layout of a text: heads begin in the first column, bodies end with a brace there. */
export function layoutOf(text: string): FileLayout {
  const lines = text.split('\n');
  const found: FileLayout = { lines, functions: new Map(), types: new Map(), includes: [] };
  const note = (into: Map<string, TextDefinition>, definition: TextDefinition) => {
    if (!into.has(definition.name)) into.set(definition.name, definition);
  };
  for (let row = 0; row < lines.length; row++) {
    const line = lines[row] ?? '';
    const first = line.charCodeAt(0);
    if (first === 35) {
      const include = /^#\s*include\s*[<"]([^>"]+)[>"]/.exec(line)?.[1];
      if (include !== undefined) found.includes.push(include);
      const macro = /^#\s*define\s+(\w+)\(/.exec(line)?.[1];
      const to = endOfDirective(lines, row);
      if (macro !== undefined) note(found.functions, { name: macro, from: row, to, isStatic: false });
      row = to;
      continue;
    }
    if (!isWord(first)) continue;
    const type = /^(?:typedef\s+)?((?:struct|union)\s+\w+)\s*(?:__\w+\s*)*\{/.exec(line)?.[1];
    if (type !== undefined) {
      const to = endOfBody(lines, row);
      note(found.types, { name: type.replace(/\s+/, ' '), from: row, to, isStatic: false });
      row = to;
      continue;
    }
    if (!line.includes('(')) continue;
    const body = bodyOf(lines, row);
    if (!body) continue;
    const head = lines
      .slice(row, body.open + 1)
      .join(' ')
      .replace(/\{.*/, '');
    const names = [...head.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map(m => m[1] ?? '');
    const name = names.find(word => !ANNOTATION.test(word)) ?? names[0];
    const above = lines[row - 1] ?? '';
    // The words before the name may stand on a line of their own.
    const from = row > 0 && /^[A-Za-z_][\w\s*]*$/.test(above) && !/^(?:else|do)\b/.test(above) ? row - 1 : row;
    if (name !== undefined)
      note(found.functions, { name, from, to: body.close, isStatic: /\bstatic\b/.test(`${from < row ? above : ''} ${head.slice(0, 200)}`) });
    row = body.close;
  }
  return found;
}

/** The definition that holds a row, or null. */
export function around(layout: FileLayout, row: number): TextDefinition | null {
  for (const definition of layout.functions.values()) if (row >= definition.from && row <= definition.to) return definition;
  return null;
}

/**
 * What holds a row outside of functions and types: the initialiser of a variable from its first line to its last, or a macro's call in the first column.
 * Null where neither stands there.
 */
export function standingAround({ lines }: FileLayout, row: number): TextDefinition | null {
  let from = row;
  while (from > 0 && row - from < LONGEST_TABLE && !isWord((lines[from] ?? '').charCodeAt(0))) from--;
  const first = lines[from] ?? '';
  if (!isWord(first.charCodeAt(0))) return null;
  if (/^[A-Za-z_]\w*\s*\(/.test(first)) return { name: '', from, to: row, isStatic: false };
  if (!/=\s*(?:\{|$)/.test(first) && !/=\s*\{/.test(lines[from + 1] ?? '')) return null;
  let to = row;
  while (to < lines.length - 1 && to - from < LONGEST_TABLE && !/^\}|\};\s*$/.test(lines[to] ?? '')) to++;
  return { name: '', from, to, isStatic: false };
}

/** An initialiser of more lines is no table of operations. */
const LONGEST_TABLE = 300;

function isWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
}

function endOfDirective(lines: string[], row: number): number {
  let to = row;
  while (to + 1 < lines.length && lines[to]?.endsWith('\\')) to++;
  return to;
}

function endOfBody(lines: string[], row: number): number {
  if (/\}[^{]*$/.test(lines[row] ?? '')) return row;
  let to = row + 1;
  while (to < lines.length - 1 && !lines[to]?.startsWith('}')) to++;
  return to;
}

/** Where the body of a head opens and closes; null where it is a declaration. */
function bodyOf(lines: string[], row: number): { open: number; close: number } | null {
  for (let open = row; open < Math.min(lines.length, row + LONGEST_HEAD); open++) {
    const line = lines[open] ?? '';
    const brace = line.indexOf('{');
    const end = line.search(/[;=]/);
    if (end >= 0 && (brace < 0 || end < brace)) return null;
    if (open > row && line.startsWith('}')) return null;
    if (brace >= 0) return { open, close: endOfBody(lines, open) };
  }
  return null;
}
