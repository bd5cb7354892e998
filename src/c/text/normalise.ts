/**
 * Kernel C made readable for a C grammar, at the same length: every offset, line and column stays what it was.
 * The grammar knows no kernel macros; what it stumbles over is blanked or given a word of C of the same width.
 */
import {
  blockArgument,
  emptyArgument,
  type Jumps,
  jumpArgument,
  offsetMember,
  operatorArgument,
  pointerArgument,
  typeArgument,
} from './arguments.ts';
import { assembler } from './asm.ts';
import { blankOf, codeOnly, type TextRange } from './bare.ts';
import { brokenConditionals } from './conditionals.ts';
import { bareCall, bareHead } from './heads.ts';
import { closing, indentOf, isCapital, isDigit, isLetter, isWord, nextSolid, previousSolid, type TextEdit, wordBefore, wordEnd } from './scan.ts';
import { besideStrings } from './strings.ts';
import { typeOfWords } from './typeofs.ts';
import { ALONE, likeness, VOCABULARY } from './vocabulary.ts';

export { codeOnly } from './bare.ts';

export interface Normalised {
  text: string;
  /** The text as it was, comments, strings and directives blanked. */
  code: string;
  /** Offset of a `while` that stands for a loop macro -> the macro's name. */
  macros: Map<number, string>;
  /** Offset of a `__free()` or `__cleanup()` -> the function that it names. */
  cleanups: Map<number, string>;
  /** Offset of a `while` that stands for scoped_cond_guard() -> the statement that runs where it fails, as written. */
  failures: Map<number, string>;
  /** Offset of a macro's argument -> the keyword of the statement that it is, as `return -EINVAL`; the value alone is left. */
  jumps: Jumps;
}

/** Gives the text as the grammar can read it, and where loop macros stood. */
export function normalise(text: string): Normalised {
  const apart: { strings: TextRange[]; directives: TextRange[] } = { strings: [], directives: [] };
  const all = codeOnly(text, apart);
  const ranges = brokenConditionals(text, all);
  const code = without(all, ranges);
  const macros = new Map<number, string>();
  const cleanups = new Map<number, string>();
  const failures = new Map<number, string>();
  const jumps: Jumps = new Map();
  const edits: TextEdit[] = [];
  const blank = (at: number, end: number) => edits.push({ at, end, text: blankOf(text, at, end) });
  for (const { at, end } of ranges) blank(at, end);
  // Macros of several lines are read apart.
  for (const { at, end } of apart.directives) if (text.slice(at, end).includes('\n') && /^#\s*define\b/.test(text.slice(at, at + 40))) blank(at, end);
  let depth = 0;
  /** Where the arguments end that have been seen to already. */
  let done = 0;
  /** Inside a function: where the last comma of each open parenthesis stands, or itself where it has none yet; of a brace -1. */
  const commas: number[] = [];
  const opens: number[] = [];
  for (let at = 0, end = 0; at < code.length; at = end) {
    const begins = code.charCodeAt(at);
    end = at + 1;
    if (!isLetter(begins)) {
      if (begins === 123 || begins === 40) {
        if (begins === 123) depth++;
        if (depth > 0) {
          opens.push(at);
          commas.push(begins === 123 ? -1 : at);
        }
      } else if (begins === 125 || begins === 41) {
        // A brace closes what stands open inside of it.
        if (begins === 125) while (commas.length > 0 && commas.at(-1) !== -1) commas.pop();
        if ((commas.at(-1) === -1) === (begins === 125)) commas.pop();
        if (begins === 125 && --depth <= 0) depth = commas.length = 0;
        opens.length = commas.length;
      } else if (begins === 44 && depth > 0) {
        if ((commas.at(-1) ?? -1) >= 0) commas[commas.length - 1] = at;
        const next = code.charCodeAt(nextSolid(code, end));
        if (next === 44 || next === 41) emptyArgument(text, code, at, edits);
        else if (!isWord(next)) operatorArgument(code, at, edits);
        else if (at >= done && (next === 114 || next === 103 || next === 98 || next === 99))
          done = Math.max(done, jumpArgument(text, code, at, jumps, edits));
      } else if (begins === 59 && at >= done) {
        const comma = commas.at(-1) ?? -1;
        if (comma >= 0) done = Math.max(done, blockArgument(code, opens.at(-1) ?? comma, comma, edits));
      } else if (begins === 42 && depth > 0) {
        const next = code.charCodeAt(nextSolid(code, end));
        if (next === 44 || next === 41) pointerArgument(code, at, opens.at(-1) ?? 0, edits);
      } else if (begins === 58 && depth > 0 && isDigit(code.charCodeAt(nextSolid(code, end)))) {
        unnamedBits(code, at, edits);
      } else if (begins === 46 && code.startsWith('...', at)) {
        caseRange(text, code, at, edits);
        end = at + 3;
      } else if (isDigit(begins)) {
        while (isWord(code.charCodeAt(end))) end++;
        // `PHY(1000baseX)`: part of a name that the macro pastes.
        const pasted = depth === 0 && code[at - 1] === '(' && code[end] === ')';
        if (pasted || (end > at + 2 && !/^(?:0[xX][\da-fA-F]+|0[bB][01]+|\d+(?:[eE]\d*)?)(?:[uUlLzZ]*|[fF])$/.test(code.slice(at, end))))
          edits.push({ at, end: at + 1, text: '_' });
      }
      continue;
    }
    while (isWord(code.charCodeAt(end))) end++;
    const next = nextSolid(code, end);
    const isCall = code.charCodeAt(next) === 40;
    const begun = depth === 0 && (at === 0 || code.charCodeAt(at - 1) === 10);
    if (begun && !isCall) bareHead(text, code, at, edits);
    // Most words are nothing to look at more closely, and are not cut out.
    if (depth > 0 && !isCall && begins === 95 && code.charCodeAt(at + 1) === 95 && isAttribute(code, at, next)) blank(at, end);
    if (!isCall && begins !== 75 && !ALONE.has(likeness(begins, end - at))) continue;
    const name = code.slice(at, end);
    const meaning = VOCABULARY.get(name);
    if (meaning === 'specifier') {
      blank(at, end);
      continue;
    }
    if (meaning === 'asm') {
      if (isCall && name.length > 7) edits.push({ at, end, text: 'asm goto'.padEnd(name.length) });
      assembler(text, code, at, end, edits);
      continue;
    }
    if (!isCall) {
      if (depth > 0 && meaning === 'type') typeArgument(code, at, edits);
      else if (meaning === 'if' && isLetter(code.charCodeAt(next))) bareCondition(code, next, edits);
      // `printk(KERN_ERR MESSAGE, x)`: a level and a name are no two arguments.
      else if (begins === 75 && name.startsWith('KERN_') && isLetter(code.charCodeAt(next))) blank(at, end);
      continue;
    }
    if (meaning === 'specifier()') {
      const close = closing(code, next);
      if (close > 0) {
        blank(at, close);
        if (name === '__free' || name === '__cleanup') cleanups.set(at, code.slice(next + 1, close - 1).trim());
      }
      continue;
    }
    // The grammar knows the alignment of types alone.
    if (meaning === 'alignof') edits.push({ at, end, text: 'sizeof'.padEnd(end - at) });
    if (meaning === 'typeof') typeOfWords(text, code, at, next, edits);
    if (meaning !== undefined) continue;
    if (isCapital(begins) && /^(?:COMPAT_)?SYSCALL_DEFINE\d$|^BPF_CALL_\d$|^COMPAT_SYSCALL_DEFINEx$/.test(name)) {
      systemCall(code, at, next, edits);
      continue;
    }
    if (begins === 68 && /^DEFINE_|^DECLARE_/.test(name)) {
      const before = code.slice(Math.max(0, at - 14), at).match(/\bstatic\s+(?:const\s+)?$/);
      if (before) blank(at - before[0].length, at);
      if (depth > 0) withoutValue(text, code, next, edits);
      continue;
    }
    if (begun) bareCall(text, code, at, at, next, edits);
    if (depth === 0) continue;
    if (name === 'offsetof') {
      offsetMember(code, next, edits);
      continue;
    }
    if (name === 'scoped_cond_guard') {
      failures.set(at, plainFailure(code, next, edits));
      done = Math.max(done, closing(code, next));
    }
    const previous = previousSolid(code, at);
    if (previous >= 0 && !endsStatement(code, previous)) continue;
    const close = closing(code, next);
    if (close < 0) continue;
    const follows = nextSolid(code, close);
    const after = code[follows] ?? '';
    const form = after === '{' ? 'loop' : isValues(code, opens, commas) ? null : followed(code, { at, name, close, follows, after });
    if (form === 'statement') {
      // A macro that wants no semicolon gets one where a blank follows its line's end.
      const gap = /^[ \t]*\n+([ \t])/.exec(text.slice(close, close + 200));
      if (gap) edits.push({ at: close + gap[0].length - 1, end: close + gap[0].length, text: ';' });
    } else if (form === 'loop' && name.length >= 5) {
      edits.push({ at, end, text: 'while'.padEnd(name.length) });
      macros.set(at, name);
    }
  }
  const live = ranges.length === 0 ? apart.strings : apart.strings.filter(it => !ranges.some(range => it.at >= range.at && it.at < range.end));
  besideStrings(text, code, live, edits);
  edits.sort((a, b) => a.at - b.at);
  const out: string[] = [];
  let from = 0;
  for (const edit of edits) {
    if (edit.at < from) continue;
    out.push(text.slice(from, edit.at), edit.text);
    from = edit.end;
  }
  out.push(text.slice(from));
  return { text: out.join(''), code, macros, cleanups, failures, jumps };
}

/** Do the braces around hold values, not statements? */
function isValues(code: string, opens: number[], commas: number[]): boolean {
  return commas.at(-1) === -1 && code[previousSolid(code, opens.at(-1) ?? 0)] === '=';
}

/** Is the word with two underscores a macro: `psw_t psw __uninitialized;`, `int __outvar n;`? A name may have as many. */
function isAttribute(code: string, at: number, next: number): boolean {
  const before = previousSolid(code, at);
  if (code[before] === ']') return /[;=,]/.test(code[next] ?? '');
  const from = wordBefore(code, before + 1);
  const word = code.slice(from, before + 1);
  if (word === '' || NO_TYPE.test(word)) return false;
  if (isLetter(code.charCodeAt(next))) return true;
  if (NO_NAME.test(word)) return false;
  if (!/[;=]/.test(code[next] ?? '') || code[next + 1] === '=') return false;
  const further = previousSolid(code, from);
  return code[further] === '*' || (isWord(code.charCodeAt(further)) && !NO_TYPE.test(code.slice(wordBefore(code, further + 1), further + 1)));
}

/** Words after which the type of a declaration, or a statement, is still to come. */
const NO_TYPE =
  /^(?:struct|union|enum|const|volatile|static|extern|register|inline|unsigned|signed|long|short|return|case|else|goto|do|sizeof|typedef|\d.*)$/;
/** Words that are a type, so that a name follows. */
const NO_NAME = /^(?:int|char|void|float|double|bool)$/;

/** `u32 : 8;` and `a : 8, : 24;`: bits without a name get one. */
function unnamedBits(code: string, at: number, edits: TextEdit[]): void {
  const end = wordEnd(code, nextSolid(code, at + 1));
  const before = previousSolid(code, at);
  const from = wordBefore(code, before + 1);
  const named = from <= before && !/[;{]/.test(code[previousSolid(code, from)] ?? '');
  if (
    named ||
    (from > before && code[before] !== ',') ||
    !/[;,]/.test(code[nextSolid(code, end)] ?? '') ||
    code.slice(from, before + 1) === 'default'
  )
    return;
  edits.push({ at, end, text: `_${code.slice(at + 1, end).replace(/[^\n]/g, ' ')}` });
}

/**
 * What `name(...)` at the beginning of a statement is where no brace, semicolon or operator follows. Only the name tells of a loop or scope macro
 * on one line with what it holds; where the next statement is on the next line, it is held if it is indented more.
 */
function followed(code: string, it: { at: number; name: string; close: number; follows: number; after: string }): 'loop' | 'statement' | null {
  const { at, name, close, follows, after } = it;
  if (/for_each|^list_for|^scoped_guard$|^scoped_cond_guard$/.test(name)) return after !== ';' && after !== ',' && after !== ')' ? 'loop' : null;
  if (!/[A-Za-z_}+-]/.test(after) || !code.slice(close, follows).includes('\n')) return null;
  const lineStart = code.lastIndexOf('\n', at) + 1;
  if (
    (/^[A-Za-z_]/.test(after) || /^(?:\+\+|--)\w/.test(code.slice(follows, follows + 3))) &&
    code.slice(lineStart, at).trim() === '' &&
    indentOf(code, follows) > indentOf(code, at)
  )
    return 'loop';
  return /[A-Za-z_}]/.test(after) ? 'statement' : null;
}

/** `if IS_ERR(p)`, whose parentheses are the macro's own, gets another pair, if there is room. */
function bareCondition(code: string, at: number, edits: TextEdit[]): void {
  const open = nextSolid(code, wordEnd(code, at));
  const close = code.charCodeAt(open) === 40 ? closing(code, open) : -1;
  const gap = close < 0 ? null : /^\s*?[ \t](?=\s*[\w{(*])/.exec(code.slice(close, close + 100));
  if (!gap || code[at - 1] === '\n') return;
  const end = close + gap[0].length;
  edits.push({ at: at - 1, end: at, text: '(' }, { at: end - 1, end, text: ')' });
}

/** `case 1 ... 5:` is read as its first value. */
function caseRange(text: string, code: string, at: number, edits: TextEdit[]): void {
  if (!/(?:^|[^\w])case\s[^:;{}]*$/.test(code.slice(Math.max(0, at - 200), at))) return;
  const end = code.indexOf(':', at);
  if (end >= 0 && end - at < 200 && !/[;{}]/.test(code.slice(at, end))) edits.push({ at, end, text: blankOf(text, at, end) });
}

/** `DECLARE_BITMAP(busy, N) = { 0 };` inside a function is read without its initial value. */
function withoutValue(text: string, code: string, open: number, edits: TextEdit[]): void {
  const close = closing(code, open);
  const value = close < 0 ? null : /^\s*=\s*\{[^;{}]*\}(?=\s*;)/.exec(code.slice(close, close + 200));
  if (value) edits.push({ at: close, end: close + value[0].length, text: blankOf(text, close, close + value[0].length) });
}

function without(code: string, ranges: { at: number; end: number }[]): string {
  if (ranges.length === 0) return code;
  const out: string[] = [];
  let done = 0;
  for (const { at, end } of [...ranges].sort((a, b) => a.at - b.at)) {
    if (end <= done) continue;
    const from = Math.max(at, done);
    out.push(code.slice(done, from), code.slice(from, end).replace(/[^\n]/g, ' '));
    done = end;
  }
  out.push(code.slice(done));
  return out.join('');
}

/** `SYSCALL_DEFINE2(name, int, fd, ...)`: the head of a function `name(int  fd, ...)`. */
function systemCall(code: string, at: number, open: number, edits: TextEdit[]): void {
  const close = closing(code, open);
  const comma = code.indexOf(',', open);
  const end = close < 0 ? -1 : comma >= 0 && comma < close ? comma : close - 1;
  const words = end < 0 ? '' : code.slice(at, end);
  if (end < 0 || !/^\s*\w+\s*$/.test(code.slice(open + 1, end))) {
    edits.push({ at, end: at + 4, text: 'int ' });
    return;
  }
  // The name moves one place to the right, over the comma, so that the parenthesis fits behind it.
  const name = code
    .slice(open + 1, end)
    .trim()
    .replace(/^\d/, '_');
  const breaks = words.includes('\n');
  if (breaks) {
    edits.push({ at, end: at + 4, text: 'int ' });
    return;
  }
  edits.push({
    at,
    end: end + (end === close - 1 ? 0 : 1),
    text: `int${' '.repeat(Math.max(1, end - at - 3 - name.length))}${name}${end === close - 1 ? '' : '('}`,
  });
  if (end === close - 1) {
    // No parameters: `SYSCALL_DEFINE0(name)` gives up a blank for its parenthesis.
    edits.pop();
    edits.push({ at, end: close, text: `int${' '.repeat(Math.max(1, close - at - 5 - name.length))}${name}()` });
    return;
  }
  let isType = true;
  let depth = 0;
  for (let i = end + 1; i < close - 1; i++) {
    const c = code[i];
    if (c === '(') depth++;
    else if (c === ')') depth--;
    else if (c === ',' && depth === 0) {
      if (isType) edits.push({ at: i, end: i + 1, text: ' ' });
      isType = !isType;
    }
  }
}

/** `scoped_cond_guard(class, return -EINTR, lock)`: of the statement among the arguments a value is left, or a number. Gives the statement. */
function plainFailure(code: string, open: number, edits: TextEdit[]): string {
  const from = code.indexOf(',', open) + 1;
  let depth = 0;
  for (let i = from; i > 0 && i < code.length && i < from + 400; i++) {
    const c = code[i];
    const isLast = (c === ')' || c === '}') && --depth < 0;
    if (c === '(' || c === '{') depth++;
    if (!isLast && (c !== ',' || depth > 0)) continue;
    const failure = code.slice(from, i);
    const value = /^\s*return\b(?=\s*[^\s;])/.exec(failure)?.[0];
    if (value !== undefined) edits.push({ at: from, end: from + value.length, text: value.replace(/[^\n]/g, ' ') });
    else if (/^\s*(?:return|break|continue|goto|\{)/.test(failure))
      edits.push({ at: from, end: i, text: `0${failure.slice(1).replace(/[^\n]/g, ' ')}` });
    return failure.trim();
  }
  return '';
}

/** May a statement begin behind the character? */
function endsStatement(code: string, at: number): boolean {
  switch (code.charCodeAt(at)) {
    case 59: // ;
    case 123: // {
    case 125: // }
    case 41: // )
    case 58: // :
      return true;
    case 101: // else
    case 111: // do
      return /\b(?:else|do)$/.test(code.slice(Math.max(0, at - 4), at + 1));
    default:
      return false;
  }
}
