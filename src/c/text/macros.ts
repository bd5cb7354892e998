/** Function-like macros that do something, as functions: a lock or an update that a macro wraps is seen by name. */

import { closing } from './scan.ts';

/** More than this is a table, not a function. */
const LONGEST = 20_000;

/**
 * The text with every macro of that kind as a function on its own rows, all else blank; null where there is none. Parameters have no type.
 * Macros that paste or quote their arguments are left out: what they say depends on the call.
 */
export function macrosOf(text: string): string | null {
  const out: string[] = [];
  let done = 0;
  for (const match of text.matchAll(MACRO)) {
    const [all, name = '', parameters = '', body = ''] = match;
    if (all.length > LONGEST || !acts(body)) continue;
    const names = parameters.split(',').map(p => p.trim());
    if (names.some(p => p !== '' && !/^\w+$/.test(p))) continue;
    const list = names.filter(p => p !== '').map(p => `__auto_type ${p}`);
    const code = body.replace(/\\\n/g, ' \n').replace(/\/\/[^\n]*/g, '');
    // An expression is what the macro gives: its value is used by whoever calls it.
    const result = /[{};]/.test(code) ? '' : 'return ';
    out.push(blank(text.slice(done, match.index)), `void ${name}(${list.join(', ')}) {${result}${code};}`);
    done = match.index + all.length;
  }
  if (out.length === 0) return null;
  return out.join('');
}

/** `#define foo(x) ...`, with its parameters and, behind them, all of its lines. */
const MACRO = /^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)\(([^()\n]*)\)((?:[^\n\\]|\\\n|\\.)*)/gm;

/**
 * What function-like macros give that only cast their argument, or find the structure around it: `#define foo_sk(sk) ((struct foo_sock *)sk)`,
 * `#define to_foo(d) container_of(d, struct foo, dev)`.
 */
export function accessorsIn(text: string): Map<string, { type: string; pointer: number }> {
  const found = new Map<string, { type: string; pointer: number }>();
  for (const [, name = '', , body = ''] of text.matchAll(MACRO)) {
    if (body.length > LONGEST_ACCESSOR || !/\b(?:struct|union)\b/.test(body)) continue;
    const given = pointerOf(body.replace(/\\\n|\/\*.*?\*\//g, ' ').trim());
    if (given) found.set(name, given);
  }
  return found;
}

const LONGEST_ACCESSOR = 200;

/** The type of a pointer expression that says it first. */
function pointerOf(body: string): { type: string; pointer: number } | null {
  let code = body;
  // Parentheses around all of it say nothing.
  while (code.startsWith('(') && closing(code, 0) === code.length && !/^\(\s*(?:const\s+)?(?:struct|union)\b/.test(code))
    code = code.slice(1, -1).trim();
  const cast = /^\(\s*(?:const\s+)?((?:struct|union)\s+\w+)\s*(\*+)\s*\)\s*[&(\w]/.exec(code);
  if (cast) return { type: squeezed(cast[1] ?? ''), pointer: cast[2]?.length ?? 1 };
  const around = /^\w+\(\s*[^,;{}]+,\s*((?:struct|union)\s+\w+)\s*,\s*[\w.[\]]+\s*\)$/.exec(code);
  return around ? { type: squeezed(around[1] ?? ''), pointer: 1 } : null;
}

function squeezed(tag: string): string {
  return tag.replace(/\s+/g, ' ');
}

function blank(text: string): string {
  return '\n'.repeat(text.split('\n').length - 1);
}

/** Does the body call or store something? Arithmetic and pure renaming do not. */
function acts(body: string): boolean {
  const code = body.replace(/"(?:[^"\\]|\\.)*"|\/\*[\s\S]*?\*\//g, ' ');
  if (/#/.test(code)) return false;
  // Values in braces are a list of them.
  if (/^\s*\{/.test(code) && !code.includes(';')) return false;
  return /\bdo\b|\(\{|^\s*\{/.test(code) || /^[\s(]*[A-Za-z_]\w*\s*\([^;{}]*&?\(?\w+\)?(?:->|\.)/.test(code);
}
