/** What macros take for an argument and functions cannot: a type, an operator, a statement, nothing. Each is given a form that is an expression. */
import { blankOf } from './bare.ts';
import { closing, isSpace, nextSolid, previousSolid, type TextEdit, wordBefore } from './scan.ts';

/** A statement that a macro is given, `return -EINVAL`: the offset of what stands for it, and the keyword. */
export type Jumps = Map<number, 'return' | 'goto' | 'break' | 'continue'>;

const TYPE = /(?:(?:const|volatile|struct|union|enum|unsigned|signed|long|short|int|char)\s+)*[A-Za-z_]\w*(?=\s*(\**)\s*(?:const\s*)?([,)]))/y;
/** Operators whose operand, or statements whose condition, stands in the parentheses. */
const NO_MACRO = new Set('sizeof typeof __typeof__ __typeof if while for switch return offsetof case'.split(' '));

/** `container_of(p, struct foo, m)`, `min_t(unsigned int, a, b)`: a type of several words as an argument becomes one word, its stars blanks. */
export function typeArgument(code: string, at: number, edits: TextEdit[]): void {
  const before = previousSolid(code, at);
  const opener = code[before];
  if (opener !== ',' && opener !== '(') return;
  TYPE.lastIndex = at;
  const [words = '', stars = ''] = TYPE.exec(code) ?? [];
  if (words === '' || (stars === '' && !/\s/.test(words))) return;
  if (opener === '(') {
    // Alone in parentheses it is a cast or an operand of sizeof, unless a function's name stands before.
    const callee = previousSolid(code, before);
    const word = code.slice(wordBefore(code, callee + 1), callee + 1);
    if (word === '' || NO_MACRO.has(word)) return;
  }
  const qualifiers = /^(?:(?:const|volatile)\s+)*/.exec(words)?.[0].length ?? 0;
  const name = words.slice(qualifiers);
  // Across the end of a line there is no one word, and the last names the type.
  const plain = name.includes('\n') ? name.replace(/\S+(?=\s)/g, word => ' '.repeat(word.length)) : name.replace(/\s/g, '_');
  edits.push({ at, end: at + words.length, text: words.slice(0, qualifiers).replace(/\S/g, ' ') + plain });
  if (stars === '') return;
  const star = code.indexOf('*', at + words.length);
  edits.push({ at: star, end: star + stars.length, text: ' '.repeat(stars.length) });
}

/**
 * `va_arg(args, char *)`: the stars of a type of one word are blanked; of others `typeArgument` does. `at` is where a star stands, `open` the
 * parenthesis around.
 */
export function pointerArgument(code: string, at: number, open: number, edits: TextEdit[]): void {
  const before = previousSolid(code, at);
  const from = wordBefore(code, before + 1);
  const opener = code[previousSolid(code, from)];
  if (from > before || (opener !== ',' && opener !== '(')) return;
  const callee = previousSolid(code, open);
  const word = code.slice(wordBefore(code, callee + 1), callee + 1);
  if (word !== '' && !NO_MACRO.has(word)) edits.push({ at, end: at + 1, text: ' ' });
}

const OPERATOR = /\s*(?:[=!<>]=|<<|>>|&&|\|\||[-+*/%&|^]=?|[<>=])(?=\s*[,)])/y;

/** `ASSERTCMP(a, ==, b)`: an operator as an argument becomes a 0. `comma` is where the comma before it stands. */
export function operatorArgument(code: string, comma: number, edits: TextEdit[]): void {
  OPERATOR.lastIndex = comma + 1;
  const found = OPERATOR.exec(code)?.[0];
  if (found === undefined) return;
  const operator = found.trimStart();
  const at = comma + 1 + found.length - operator.length;
  edits.push({ at, end: at + operator.length, text: '0'.padEnd(operator.length) });
}

/** `f(a, )`, where a comment may say why there is nothing: a 0 if there is room, else no comma. */
export function emptyArgument(text: string, code: string, comma: number, edits: TextEdit[]): void {
  const next = nextSolid(code, comma + 1);
  const c = code.charCodeAt(next);
  if (c !== 44 && c !== 41) return;
  // A string is white space in `code`.
  if (
    text
      .slice(comma + 1, next)
      .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
      .trim() !== ''
  )
    return;
  const gap = blankOf(text, comma + 1, next);
  const room = gap.indexOf(' ');
  if (room >= 0) edits.push({ at: comma + 1, end: next, text: `${gap.slice(0, room)}0${gap.slice(room + 1)}` });
  else if (next === comma + 1) edits.push({ at: comma, end: comma + 1, text: ' ' });
}

/** `offsetof(struct foo, a.b[1])`: the grammar knows a single name for a member. */
export function offsetMember(code: string, open: number, edits: TextEdit[]): void {
  const close = closing(code, open);
  const comma = code.indexOf(',', open);
  if (close < 0 || comma < 0 || comma > close) return;
  const member = /^\s*\w+/.exec(code.slice(comma + 1, close - 1))?.[0];
  if (member === undefined) return;
  const from = comma + 1 + member.length;
  edits.push({ at: from, end: close - 1, text: code.slice(from, close - 1).replace(/[^\n]/g, ' ') });
}

const JUMP = /\s*(?:(return|goto|break|continue)\b)/y;

/**
 * `CHECK(x, return -EINVAL)`: a jump as an argument leaves its value, and `jumps` says what it is. `comma` is where the comma before it stands; gives
 * where the argument ends, or -1.
 */
export function jumpArgument(text: string, code: string, comma: number, jumps: Jumps, edits: TextEdit[]): number {
  JUMP.lastIndex = comma + 1;
  const word = JUMP.exec(code)?.[1];
  if (word !== 'return' && word !== 'goto' && word !== 'break' && word !== 'continue') return -1;
  const at = nextSolid(code, comma + 1);
  const end = endOfArgument(code, at);
  const written = code.slice(at, end);
  const value = end < 0 ? undefined : /^\w+\b\s*([^;{}]*?)\s*;?\s*$/.exec(written)?.[1];
  if (value === undefined) return -1;
  const from = value === '' ? at : at + written.indexOf(value, word.length);
  const to = from + value.length;
  jumps.set(from, word);
  if (value === '') edits.push({ at, end, text: `0${blankOf(text, at + 1, end)}` });
  else edits.push({ at, end: from, text: blankOf(text, at, from) }, { at: to, end, text: blankOf(text, to, end) });
  return end;
}

/**
 * `poll(n, if (ready()) break;)`: statements as an argument become a block; its braces take the place of white space, or of the last semicolon. A
 * `break` in it ends the macro's own loop. `open` and `comma` are where the parenthesis and the comma before it stand; gives where the argument ends, or -1.
 */
export function blockArgument(code: string, open: number, comma: number, edits: TextEdit[]): number {
  const callee = previousSolid(code, open);
  const name = code.slice(wordBefore(code, callee + 1), callee + 1);
  if (name === '' || NO_MACRO.has(name)) return -1;
  const at = nextSolid(code, comma + 1);
  const end = endOfArgument(code, at);
  const written = code.slice(at, end);
  if (end < 0 || end - at > LONGEST || at === comma + 1 || code[at - 1] === '\n' || !/[;}]\s*$/.test(written)) return -1;
  const roomy = isSpace(code.charCodeAt(end - 1)) && code[end - 1] !== '\n';
  const closes = roomy ? end - 1 : at + written.lastIndexOf(';');
  edits.push({ at: at - 1, end: at, text: '{' }, { at: closes, end: closes + 1, text: '}' });
  for (const inner of written.matchAll(/\bbreak\b(?=(\s*);)/g)) {
    const from = at + inner.index;
    edits.push({ at: from, end: from + 5, text: from + 5 + (inner[1]?.length ?? 0) === closes ? ';    ' : '     ' });
  }
  return end;
}

/** Arguments of more characters are none: a parenthesis is missing. */
const LONGEST = 4000;

/** The offset of the comma or parenthesis that ends the argument, or -1. */
function endOfArgument(code: string, at: number): number {
  let depth = 0;
  for (let i = at; i < code.length; i++) {
    const c = code.charCodeAt(i);
    if (c === 40 || c === 123 || c === 91) depth++;
    else if ((c === 41 || c === 125 || c === 93) && --depth < 0) return c === 41 ? i : -1;
    else if (c === 44 && depth === 0) return i;
  }
  return -1;
}
