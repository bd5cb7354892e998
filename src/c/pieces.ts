/**
 * A piece of a file made into text that the grammar can read: what its closers ask for is opened before it, what it leaves open is closed after it.
 * `} else` asks for an `if (0) {`, a bare `case` for a `switch (0) {`, `} while (...);` for a `do {`; so alternatives never become sequences.
 */
import type { Piece } from './images.ts';
import { codeOnly } from './normalise.ts';

export interface Opened {
  text: string;
  /** Line in the file of the text's first row. */
  firstLine: number;
  /** Name of the function that the piece begins inside of, when it does. */
  enclosing: string | null;
  /** True where the piece ends inside a function. */
  cut: boolean;
}

/** Nothing in a kernel nests deeper. */
const DEEPEST = 60;

/** The function's name in a hunk's section heading, or null. */
export function sectionName(section: string): string | null {
  if (/^\s*(?:struct|union|enum)\s+\w+\s*\{?\s*$/.test(section) || /[;=]/.test(section)) return null;
  return /([A-Za-z_]\w*)\s*\(/.exec(section)?.[1] ?? null;
}

/** Opens and closes a piece. `whole` files stay as they are. */
export function open(piece: Piece): Opened {
  const body = piece.lines.join('\n');
  const code = codeOnly(body);
  const start = insideFunction(code, piece.section);
  const openers: string[] = [];
  let depth = 0;
  const stack: string[] = [];
  const caseAt: number[] = [];
  for (const match of code.matchAll(/[{}]|\b(?:case\b[^:;{}?]*|default\s*):|\belse\b|\bwhile\b/g)) {
    const token = match[0];
    if (token === '{') {
      stack.push('{');
      depth++;
    } else if (token === '}') {
      if (stack.length > 0) {
        stack.pop();
        depth--;
        continue;
      }
      if (!start || openers.length >= DEEPEST) continue;
      const lineStart = code.lastIndexOf('\n', match.index) + 1;
      if (match.index === lineStart) break;
      const rest = code.slice(match.index + 1, match.index + 40);
      openers.push(/^\s*else\b/.test(rest) ? 'if (0) {' : /^\s*while\b/.test(rest) ? 'do {' : caseAt.includes(0) ? 'switch (0) {' : '{');
      caseAt.length = 0;
    } else if ((token.startsWith('case') || token.startsWith('default')) && stack.length === 0) caseAt.push(0);
  }
  if (start && caseAt.length > 0) openers.push('switch (0) {');
  const head: string[] = [];
  const name = start ? (sectionName(piece.section) ?? 'unnamed') : null;
  if (start) head.push(`void ${name}()`, '{');
  head.push(...openers.reverse());
  const text = [...head, body].join('\n');
  const missing = Math.max(0, balance(codeOnly(text)));
  return {
    text: `${text}\n${'}\n'.repeat(Math.min(missing, DEEPEST * 2))}`,
    firstLine: piece.firstLine - head.length,
    enclosing: name,
    cut: missing > 0,
  };
}

function balance(code: string): number {
  let depth = 0;
  for (const match of code.matchAll(/[{}]/g)) depth = match[0] === '{' ? depth + 1 : Math.max(0, depth - 1);
  return depth;
}

/** Does the piece begin inside a function's body? Its closers, its indentation and the section heading tell. */
function insideFunction(code: string, section: string): boolean {
  if (section === '') return false;
  let depth = 0;
  for (const line of code.split('\n')) {
    if (/^\S/.test(line) && !/^[#}]/.test(line) && depth === 0 && !/^\w+:\s*$/.test(line)) return false;
    for (const c of line) {
      if (c === '{') depth++;
      else if (c === '}') {
        if (depth === 0) return sectionName(section) !== null || !/^\s*(?:struct|union|enum)\b/.test(section);
        depth--;
      }
    }
    if (depth === 0 && /^\s+[^\s*].*[;{]\s*$/.test(line)) return sectionName(section) !== null;
  }
  return sectionName(section) !== null;
}
