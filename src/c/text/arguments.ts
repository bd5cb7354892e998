/** What macros take for an argument and functions cannot: a type, an operator, a statement, nothing. Each is given a form that is an expression. */
import { blankOf } from './bare.ts';
import { closing, type Edit, isSpace, nextSolid, previousSolid, wordBefore } from './scan.ts';

/** A statement that a macro is given, `return -EINVAL`: the offset of what stands for it, and the keyword. */
export type Jumps = Map<number, 'return' | 'goto' | 'break' | 'continue'>;

const TYPE = /(?:(?:const|volatile|struct|union|enum|unsigned|signed|long|short|int|char)\s+)*[A-Za-z_]\w*(?=\s*(\**)\s*(?:const\s*)?([,)]))/y;
/** Operators whose operand, or statements whose condition, stands in the parentheses. */
const NO_MACRO = /^(?:sizeof|typeof|__typeof__|__typeof|_Alignof|__alignof__|if|while|for|switch|return|offsetof|case)$/;

/** `container_of(p, struct foo, m)`, `min_t(unsigned int, a, b)`: a type of several words as an argument becomes one word, its stars blanks. */
export function typeArgument(code: string, at: number, edits: Edit[]): void {
  const before = previousSolid(code, at);
  const opener = code[before];
  if (opener !== ',' && opener !== '(') return;
  TYPE.lastIndex = at;
  const [words = '', stars = '', closer = ''] = TYPE.exec(code) ?? [];
  if (words === '' || words.includes('\n') || (stars === '' && !/\s/.test(words))) return;
  if (opener === '(') {
    // Alone in parentheses it is a cast or an operand of sizeof, unless a function's name stands before.
    const callee = previousSolid(code, before);
    const word = code.slice(wordBefore(code, callee + 1), callee + 1);
    if (word === '' || NO_MACRO.test(word) || (stars !== '' && closer === ')')) return;
  }
  const qualifiers = /^(?:(?:const|volatile)\s+)*/.exec(words)?.[0].length ?? 0;
  const name = words.slice(qualifiers);
  edits.push({ at, end: at + words.length, text: ' '.repeat(qualifiers) + name.replace(/\s/g, '_') });
  if (stars === '') return;
  const star = code.indexOf('*', at + words.length);
  edits.push({ at: star, end: star + stars.length, text: ' '.repeat(stars.length) });
}

const OPERATOR = /\s*(?:[=!<>]=|<<|>>|&&|\|\||[-+*/%&|^]=?|[<>=])(?=\s*[,)])/y;

/** `ASSERTCMP(a, ==, b)`: an operator as an argument becomes a 0. `comma` is where the comma before it stands. */
export function operatorArgument(code: string, comma: number, edits: Edit[]): void {
  OPERATOR.lastIndex = comma + 1;
  const found = OPERATOR.exec(code)?.[0];
  if (found === undefined) return;
  const operator = found.trimStart();
  const at = comma + 1 + found.length - operator.length;
  edits.push({ at, end: at + operator.length, text: '0'.padEnd(operator.length) });
}

/** `f(a, )`, where a comment says why there is nothing: a 0, if there is room. */
export function emptyArgument(text: string, code: string, comma: number, edits: Edit[]): void {
  const next = nextSolid(code, comma + 1);
  const c = code.charCodeAt(next);
  if ((c !== 44 && c !== 41) || next === comma + 1) return;
  const gap = blankOf(text, comma + 1, next);
  const room = gap.indexOf(' ');
  if (room >= 0) edits.push({ at: comma + 1, end: next, text: `${gap.slice(0, room)}0${gap.slice(room + 1)}` });
}

/** `offsetof(struct foo, a.b[1])`: the grammar knows a single name for a member. */
export function offsetMember(code: string, open: number, edits: Edit[]): void {
  const close = closing(code, open);
  const comma = code.indexOf(',', open);
  if (close < 0 || comma < 0 || comma > close) return;
  const member = /^\s*\w+/.exec(code.slice(comma + 1, close - 1))?.[0];
  if (member === undefined) return;
  const from = comma + 1 + member.length;
  edits.push({ at: from, end: close - 1, text: code.slice(from, close - 1).replace(/[^\n]/g, ' ') });
}

/**
 * `CHECK(x, return -EINVAL)` and `poll(n, if (ready()) break;)`: a statement as an argument. Of a jump alone its value stays, and `jumps` says what it is;
 * others become a block, whose `break` ends the macro's own loop. `at` is where the statement's first word begins; gives where the argument ends, or -1.
 */
export function statementArgument(text: string, code: string, at: number, word: string, jumps: Jumps, edits: Edit[]): number {
  const before = previousSolid(code, at);
  if (code[before] !== ',' && code[before] !== '(') return -1;
  const end = endOfArgument(code, at);
  if (end < 0) return -1;
  const written = code.slice(at, end);
  const jump = /^(return|goto|break|continue)\b\s*([^;{}]*?)\s*;?\s*$/.exec(written);
  if (jump) {
    const value = jump[2] ?? '';
    const to = value === '' ? at : at + written.indexOf(value, word.length);
    const kind = jump[1];
    if (kind !== 'return' && kind !== 'goto' && kind !== 'break' && kind !== 'continue') return -1;
    jumps.set(to, kind);
    const rest = to + value.length;
    if (value === '') edits.push({ at, end, text: `0${blankOf(text, at + 1, end)}` });
    else edits.push({ at, end: to, text: blankOf(text, at, to) }, { at: rest, end, text: blankOf(text, rest, end) });
    return end;
  }
  if (!/[;}]\s*$/.test(written)) return -1;
  // The braces take the place of white space around, or of the last semicolon.
  const solid = previousSolid(code, end);
  const closes = isSpace(code.charCodeAt(end - 1)) && code[end - 1] !== '\n' ? end - 1 : code[solid] === ';' ? solid : -1;
  if (at - 1 <= before || code[at - 1] === '\n' || closes < 0) return -1;
  edits.push({ at: at - 1, end: at, text: '{' }, { at: closes, end: closes + 1, text: '}' });
  for (const inner of written.matchAll(/\bbreak\b(?=\s*;)/g)) edits.push({ at: at + inner.index, end: at + inner.index + 5, text: '     ' });
  return -1;
}

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
