/** Strings that macros make up: what stands beside a string, and is none, is blanked. The grammar joins strings and single names alone. */
import { blankOf } from './bare.ts';
import { closing, isLetter, nextSolid, opening, previousSolid, type TextEdit, wordBefore, wordEnd } from './scan.ts';

/** Words that may stand before a string and are no part of it. */
const BEFORE = /^(?:return|case|else|do|extern|goto|asm|__asm__|__asm|volatile|inline|sizeof|L|u|U|u8)$/;
/** Words that begin a statement: before them one has been left open. */
const STATEMENT = /^(?:if|else|for|while|do|switch|case|default|return|goto|break|continue)$/;
/** Words whose parentheses hold no argument. */
const CONDITION = /^(?:if|while|for|switch|asm|__asm__|__asm|volatile|goto|sizeof|return)$/;
/** More macros in a row than that are no string. */
const MOST = 12;

/**
 * `KERN_ERR PFX "text"`, `"text" PRIx64 "text"`, `"text" __stringify(x) "text"`: in C a string stands beside another string and nothing else, so
 * that the rest is macros that expand to strings.
 */
export function besideStrings(text: string, code: string, strings: readonly { at: number; end: number }[], edits: TextEdit[]): void {
  for (const string of strings) {
    walk(string.at, at => before(code, at));
    walk(string.end, at => after(code, at));
  }

  function walk(from: number, next: (at: number) => { at: number; end: number; on: number } | null): void {
    let found = next(from);
    for (let n = 0; found && n < MOST; n++) {
      edits.push({ at: found.at, end: found.end, text: blankOf(text, found.at, found.end) });
      found = next(found.on);
    }
  }
}

/** The macro that ends before the offset, and where to look on; null where something else stands there. */
function before(code: string, at: number): { at: number; end: number; on: number } | null {
  const previous = previousSolid(code, at);
  const called = code.charCodeAt(previous) === 41;
  const open = called ? opening(code, previous) : previous + 1;
  const from = wordBefore(code, open);
  if (open < 0 || from === open || !isLetter(code.charCodeAt(from))) return null;
  if ((called ? CONDITION : BEFORE).test(code.slice(from, open))) return null;
  return { at: from, end: previous + 1, on: from };
}

/** The macro that follows the offset, and where to look on; null where something else follows. */
function after(code: string, at: number): { at: number; end: number; on: number } | null {
  const next = nextSolid(code, at);
  if (!isLetter(code.charCodeAt(next))) return null;
  const end = wordEnd(code, next);
  if (STATEMENT.test(code.slice(next, end))) return null;
  const open = nextSolid(code, end);
  const close = code.charCodeAt(open) === 40 ? closing(code, open) : end;
  return close < 0 ? null : { at: next, end: close, on: close };
}
