/**
 * `#if` groups that the grammar cannot read as alternatives, because an arm begins or ends inside a statement or a block: the first arm that may
 * be compiled stays, the rest is blanked.
 */
interface Group {
  /** Offsets of the directive lines: `#if`, each `#elif` or `#else`, `#endif`. */
  lines: { at: number; end: number; never: boolean }[];
  /** `#ifndef` of what the text itself has defined before, outside of any group: the first arm is no code. */
  defined: boolean;
}

/** Ranges to blank. `code` is the text without comments, strings and directives. */
export function brokenConditionals(text: string, code: string): { at: number; end: number }[] {
  if (!/^[ \t]*#[ \t]*if/m.test(text)) return [];
  const edits: { at: number; end: number }[] = [];
  const open: Group[] = [];
  const known = new Set<string>();
  for (const match of text.matchAll(/^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif|define|undef)\b((?:[^\n\\]|\\\r?\n|\\.)*)/gm)) {
    const [all, word = '', rest = ''] = match;
    const name = /^\s*(\w+)/.exec(rest)?.[1] ?? '';
    if (word === 'define' || word === 'undef') {
      if (word === 'undef') known.delete(name);
      else if (open.length === 0) known.add(name);
      continue;
    }
    const defined = word === 'ifndef' && known.has(name);
    const line = { at: match.index, end: match.index + all.length, never: defined || (word === 'if' && isNever(rest)) };
    if (word.startsWith('if')) open.push({ lines: [line], defined });
    else open.at(-1)?.lines.push(line);
    if (word !== 'endif') continue;
    const group = open.pop();
    if (!group) continue;
    const [first, second] = group.lines;
    if (!readable(group, code)) edits.push(...blanked(group));
    else if ((group.defined || first?.never) && first && second) edits.push({ at: first.end, end: second.at });
  }
  return edits;
}

/** Is the condition of an `#if` false whatever is configured: 0, or a conjunction with it? */
export function isNever(condition: string): boolean {
  const text = condition.replace(/\/\*.*?(?:\*\/|$)|\/\/.*$|\\\r?\n/g, ' ');
  if (/!\s*\(|\|\||[?=<>]/.test(text)) return false;
  return text.split('&&').some(part => /^[(\s]*0[)\s]*$/.test(part));
}

/** Arms of a group that are statements, declarations or members of their own. */
function readable(group: Group, code: string): boolean {
  const [first] = group.lines;
  if (!first) return true;
  const before = code.slice(Math.max(0, first.at - 400), first.at).trimEnd();
  // Behind a closed parenthesis stands a statement's condition, or at the top level a macro that wants no semicolon.
  if (!/[;{}:]$|^$/.test(before) && !(/\)$/.test(before) && !/\b(?:if|while|for|switch)\s*\([^;{}]*\)$/.test(before))) return false;
  if (/\?[^;{}]*:$/.test(before)) return false;
  const last = group.lines.at(-1);
  const opens = last !== undefined && /^\s*\{/.test(code.slice(last.end, last.end + 200));
  // Heads of one body: the arms end where the brace of all of them follows.
  if (opens && group.lines.slice(0, -1).some((line, i) => /\)\s*$/.test(code.slice(line.end, group.lines[i + 1]?.at ?? line.end)))) return false;
  return group.lines.slice(0, -1).every((line, i) => complete(code.slice(line.end, group.lines[i + 1]?.at ?? line.end)));
}

/** Does the text open and close what is in it, and end where a statement or declaration may end? */
function complete(arm: string): boolean {
  const code = arm.trim();
  if (code === '') return true;
  let braces = 0;
  let parens = 0;
  for (let i = 0; i < code.length; i++) {
    const c = code.charCodeAt(i);
    if (c === 123) braces++;
    else if (c === 125 && --braces < 0) return false;
    else if (c === 40) parens++;
    else if (c === 41 && --parens < 0) return false;
  }
  return (
    braces === 0 &&
    parens === 0 &&
    /[;}:,)]$/.test(code) &&
    !/^(?:else\b|[|&?+*/=<>])/.test(code) &&
    !/\b(?:if|while|for|switch)\s*\([^;{}]*\)$/.test(code)
  );
}

function blanked({ lines }: Group): { at: number; end: number }[] {
  const kept = Math.max(
    0,
    lines.findIndex(line => !line.never),
  );
  return lines.map((line, i) => ({ at: line.at, end: i === kept ? line.end : (lines[i + 1]?.at ?? line.end) }));
}
