/** Function-like macros that do something, as functions: a lock or an update that a macro wraps is seen by name. */

/** More than this is a table, not a function. */
const LONGEST = 20_000;

/**
 * The text with every macro of that kind as a function on its own rows, all else blank; null where there is none. Parameters have no type.
 * Macros that paste or quote their arguments are left out: what they say depends on the call.
 */
export function macrosOf(text: string): string | null {
  const out: string[] = [];
  let done = 0;
  for (const match of text.matchAll(/^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)\(([^()\n]*)\)((?:[^\n\\]|\\\n|\\.)*)/gm)) {
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
