/** `typeof(x)`, which the grammar does not know, as one word; as a cast it is left out. */
import { blankOf } from './bare.ts';
import { closing, isLetter, nextSolid, previousSolid, type TextEdit, wordBefore } from './scan.ts';

/** `(typeof(x))y` and `(typeof(x) *)y` become `y`, `typeof(x) y` a type of that name. */
export function typeOfWords(text: string, code: string, at: number, open: number, edits: TextEdit[]): void {
  const close = closing(code, open);
  if (close < 0) return;
  const before = previousSolid(code, at);
  const cast = code[before] === '(' ? /^[\s*]*(?:const\s*)?\)(?=\s*[\w(&*~!"+-])/.exec(code.slice(close, close + 200)) : null;
  const callee = previousSolid(code, before);
  const word = cast ? code.slice(wordBefore(code, callee + 1), callee + 1) : '';
  // After a name the parenthesis holds an argument.
  if (cast && (word === '' || word === 'return')) {
    edits.push({ at: before, end: close + cast[0].length, text: blankOf(text, before, close + cast[0].length) });
    return;
  }
  const stars = /^[\s*]*(?=[,)])/.exec(code.slice(close, close + 100))?.[0] ?? '';
  const end = isLetter(code.charCodeAt(nextSolid(code, close))) ? close : close + stars.trimEnd().length;
  edits.push({ at, end, text: `typeof${blankOf(text, at + 6, end)}` });
}
