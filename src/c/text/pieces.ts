/**
 * A piece of a file made into text that the grammar can read: what its closers ask for is opened before it, what it leaves open is closed after it.
 * `} else` asks for an `if (0) {`, a bare `case` for a `switch (0) {`, `} while (...);` for a `do {`; so alternatives never become sequences.
 */

import { UNNAMED } from '../../model/code.ts';
import { codeOnly } from './bare.ts';
import type { Piece } from './images.ts';

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
  if (/^\s*(?:struct|union|enum)\s+\w+\s*\{?\s*$/.test(section) || /[;=]/.test(section) || /^\s*#/.test(section)) return null;
  const macro = /^(?:COMPAT_)?SYSCALL_DEFINE\d?\s*\(\s*(\w+)/.exec(section);
  if (macro) return macro[1] ?? null;
  const names = [...section.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map(m => m[1] ?? '');
  return names.find(name => !/^(?:__\w+|[A-Z][A-Z0-9_]*|typeof)$/.test(name)) ?? names.at(-1) ?? headWithoutParameters(section);
}

/** The name in a head whose parameters are on the next line: `static ssize_t tank_read`. */
function headWithoutParameters(section: string): string | null {
  const [, before, name] = /^([A-Za-z_][\w\s*]*[\s*])([A-Za-z_]\w*)\s*$/.exec(section) ?? [];
  if (before === undefined || name === undefined) return null;
  return /\b(?:struct|union|enum|typedef|extern)\s*$/.test(before) || TYPE_WORD.test(name) ? null : name;
}

/** A head cut after its type ends in one of these. */
const TYPE_WORD =
  /^(?:void|bool|char|short|int|long|float|double|signed|unsigned|const|volatile|static|inline|extern|register|noinline|asmlinkage|size_t|ssize_t|loff_t|\w+_t|[us](?:8|16|32|64)|__\w+)$/;

/** Opens and closes a piece. `whole` files stay as they are. */
export function open(piece: Piece): Opened {
  const body = withoutDirectives(withoutCommentTail(piece.lines.join('\n')));
  const code = codeOnly(body);
  const start = beginning(code, piece.section);
  const name = start === 'body' || start === 'head' ? (sectionName(piece.section) ?? UNNAMED) : null;
  const parameters = start === 'head' ? '' : parametersOf(piece.section);
  const head: string[] = [];
  if (start === 'struct') head.push(structHead(piece.section));
  if (start === 'list') head.push('int unseen[] = {');
  if (start === 'head') head.push(headBefore(code, name ?? UNNAMED, piece.section));
  if (start === 'body') head.push(`void ${name}(${parameters})`, '{', ...openersOf(code), ...cutStatement(code));
  const text = [...head, body].join('\n');
  const rest = closersOf(text);
  return { text: `${text}${rest.text}`, firstLine: piece.firstLine - head.length, enclosing: name, cut: rest.braces > 0 };
}

/** A comment that began above the piece, blanked. Its lines start with ` *`, as the kernel's coding style has them, or it ends with no beginning. */
function withoutCommentTail(text: string): string {
  const [opens, closes] = [text.indexOf('/*'), text.indexOf('*/')];
  if (closes >= 0 && (opens < 0 || closes < opens)) return blank(text.slice(0, closes + 2)) + text.slice(closes + 2);
  const stars = /^(?:[ \t]* \*(?:[ \t][^\n]*)?(?:\n|$))+/.exec(text)?.[0] ?? '';
  return blank(stars) + text.slice(stars.length);
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** Directives whose `#if` or `#endif` is out of view, blanked: both arms then stand one after the other, as when neither excludes the other. */
function withoutDirectives(text: string): string {
  const lines = text.split('\n');
  const open: number[] = [];
  const lone = new Set<number>();
  lines.forEach((line, i) => {
    const word = /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b/.exec(line)?.[1];
    if (word === undefined) return;
    if (word.startsWith('if')) open.push(i);
    else if (open.length === 0) lone.add(i);
    else if (word === 'endif') open.pop();
  });
  for (const i of open) {
    lone.add(i);
    // The arms of an `#if` that stays open go with it.
    for (let n = i + 1; n < lines.length; n++) if (/^[ \t]*#[ \t]*(?:elif|else)\b/.test(lines[n] ?? '')) lone.add(n);
  }
  return lone.size === 0 ? text : lines.map((line, i) => (lone.has(i) ? blank(line) : line)).join('\n');
}

type Beginning = 'top' | 'head' | 'body' | 'struct' | 'list';

/** Where a piece begins: at the top level, in a function's head or body, in a struct's members, in a list of initial values. */
function beginning(code: string, section: string): Beginning {
  const inFunction = sectionName(section) !== null;
  let depth = 0;
  let parens = 0;
  let statements = 0;
  let members = 0;
  let values = 0;
  for (const line of code.split('\n')) {
    if (/^\{/.test(line) && depth === 0) return statements + members === 0 && inFunction ? 'head' : 'top';
    if (depth === 0 && /^\}/.test(line)) {
      if (!/^\}\s*(?:$|EXPORT|[A-Z_]+\()/.test(line)) return values > members ? 'list' : 'struct';
      return 'body';
    }
    if (depth === 0 && parens <= 0 && /^[A-Za-z_]/.test(line) && !/^(?!default\b|case\b)\w+\s*:(?!:)/.test(line)) {
      // A line in the first column begins something new, unless what stands above it shows that a body is still open.
      return statements > 0 && inFunction ? 'body' : 'top';
    }
    if (depth === 0 && /^\w+\s*:(?!:)/.test(line)) return 'body';
    if (depth <= 0 && /^\s+\S/.test(line)) {
      if (
        /^\s*(?:if|for|while|do|switch|return|goto|break|continue|case|default|else)\b|\w\s*\([^;]*\)\s*;\s*$|[^=!<>]=[^=].*;\s*$|(?:\+\+|--)\s*;|->/.test(
          line,
        )
      )
        statements++;
      else if (/^\s*(?:const |struct |unsigned |union |enum )?\w+[\w\s*]*[\s*]\w+(?:\[[^\]]*\])*(?:\s*:\s*\d+)?\s*;\s*$/.test(line)) members++;
      else if (/^\s*(?:\.\w+\s*=|\{.*\}\s*,?\s*$|[\w"&].*,\s*$)/.test(line)) values++;
    }
    for (const c of line) {
      if (c === '{') depth++;
      else if (c === '}') {
        depth--;
        if (depth < 0 && /^\s+\}\s*(?:\w[\w\s,*[\]]*)?;/.test(line) && statements === 0) return inFunction && values > members ? 'body' : 'struct';
        if (depth < 0) return inFunction || statements > 0 ? 'body' : members >= values ? 'struct' : 'list';
      } else if (c === '(') parens++;
      else if (c === ')') parens--;
    }
  }
  if (/^\s*(?:typedef\s+)?(?:struct|union)\b[^()=]*$/.test(section)) return statements > members ? 'body' : 'struct';
  if (/=\s*\{?\s*$/.test(section)) return statements > values ? 'body' : 'list';
  if (inFunction) return 'body';
  return statements > 0 && section !== '' ? 'body' : 'top';
}

function structHead(section: string): string {
  const tag = /\b(struct|union)\s+(\w+)\s*\{?\s*$/.exec(section);
  return tag ? `${tag[1]} ${tag[2]} {` : 'struct unseen {';
}

/** The head's first line, where the piece begins among its parameters or with the body's brace. */
function headBefore(code: string, name: string, section: string): string {
  const before = code.slice(0, code.search(/^\{/m));
  const known = parametersOf(section);
  if (!/\S/.test(before)) return `void ${name}(${known})`;
  return `void ${name}(${known === '' ? '' : `${known}, `}`;
}

/** The parameters that a section heading shows whole; diff cuts long headings. */
function parametersOf(section: string): string {
  if (/SYSCALL_DEFINE/.test(section)) return '';
  const name = sectionName(section);
  const from = name === null ? -1 : section.indexOf('(', section.indexOf(name));
  if (from < 0) return '';
  const list = section.slice(from + 1);
  const end = list.lastIndexOf(')');
  const parts = (
    end >= 0 && !list.includes('(') ? list.slice(0, end) : list.includes('(') ? '' : list.slice(0, Math.max(0, list.lastIndexOf(',')))
  ).split(',');
  return parts.every(part => /^[\w\s*[\]]+$/.test(part)) ? parts.join(',') : '';
}

/** What the closers of a body that began above ask for, outermost first. */
function openersOf(code: string): string[] {
  const openers: string[] = [];
  let depth = 0;
  let cases = false;
  let conditions = false;
  for (const match of code.matchAll(/[{}]|\b(?:case\b[^:;{}?]*|default\s*):|\bif\b|\belse\b/g)) {
    const token = match[0];
    if (token === '{') depth++;
    else if (token === '}') {
      if (depth > 0) {
        depth--;
        continue;
      }
      if (match.index === 0 || code[match.index - 1] === '\n' || openers.length >= DEEPEST) break;
      const rest = code.slice(match.index + 1, match.index + 60);
      openers.push(cases ? 'switch (0) {' : /^\s*else\b/.test(rest) ? 'if (0) {' : /^\s*while\b[^;{]*;/.test(rest) ? 'do {' : '{');
      cases = false;
      conditions = true;
    } else if (depth > 0) continue;
    else if (token === 'if') conditions = true;
    else if (token === 'else') {
      // What stands before it alone is what its `if` runs.
      if (!conditions) openers.push(/;/.test(code.slice(0, match.index)) ? 'if (0)' : 'if (0) ;');
      conditions = true;
    } else cases = true;
  }
  if (cases) openers.push('switch (0) {');
  return openers.reverse();
}

/** The beginning that the first statement needs, where the piece begins in its middle: inside its parentheses, or behind its left side. */
function cutStatement(code: string): string[] {
  let depth = 0;
  let lowest = 0;
  let after = '';
  for (let i = 0; i < code.length; i++) {
    const c = code[i];
    if (c === '(') depth++;
    else if (c === ')' && --depth < lowest) {
      lowest = depth;
      after = /^\s*(\S)/.exec(code.slice(i + 1, i + 200))?.[1] ?? '';
    } else if (depth <= 0 && lowest <= depth && (c === ';' || c === '{' || c === '}')) break;
  }
  if (lowest < 0) {
    const inner = 'unseen('.repeat(-lowest - 1);
    return [/[;,)=+\-*/|&?:<>.]/.test(after) || after === '' ? `unseen(${inner}` : `if (${inner}`];
  }
  return /^\s*(?:=[^=]|\?|\|\||&&|->|\.\w|,|==|!=|<=|>=|\||%)/.test(code) ? ['unseen'] : [];
}

/** What the text leaves open, closed: a comment, a string, parentheses, a statement, braces. */
function closersOf(text: string): { text: string; braces: number } {
  const comment = text.lastIndexOf('/*') > text.lastIndexOf('*/') && codeOnly(text).slice(text.lastIndexOf('/*')).trim() === '';
  const code = codeOnly(text);
  let braces = 0;
  let parens = 0;
  for (let i = 0; i < code.length; i++) {
    const c = code.charCodeAt(i);
    if (c === 123) {
      braces++;
      parens = 0;
    } else if (c === 125) braces = Math.max(0, braces - 1);
    else if (c === 40) parens++;
    else if (c === 41) parens = Math.max(0, parens - 1);
    else if (c === 59 && parens > 0 && !/\bfor\s*\([^()]*(?:\([^()]*\)[^()]*)*$/.test(code.slice(Math.max(0, i - 200), i))) parens = 0;
  }
  const last = /(\S)\s*$/.exec(code)?.[1] ?? ';';
  // A statement that the piece cuts off ends here; an operator at its end gets a right side.
  const open = braces > 0 && (parens > 0 || !/[;{}:]/.test(last));
  const operand = /[-+*/%&|^=<>!?,(]/.test(last) ? 'unseen' : '';
  const end = open ? `${operand}${')'.repeat(Math.min(parens, DEEPEST))};\n` : '';
  return { text: `${comment ? '*/' : ''}\n${end}${'}\n'.repeat(Math.min(braces, DEEPEST * 2))}`, braces };
}
