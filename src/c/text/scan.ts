/** Small questions to a text of code, comments and strings blanked. */

/** Text to put in place of as many characters. */
export interface TextEdit {
  at: number;
  end: number;
  text: string;
}

/** The offset after the parenthesis that closes the one at `open`, or -1. */
export function closing(code: string, open: number): number {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    const c = code.charCodeAt(i);
    if (c === 40) depth++;
    else if (c === 41 && --depth === 0) return i + 1;
  }
  return -1;
}

/** The offset of the parenthesis that opens the one at `close`, or -1. */
export function opening(code: string, close: number): number {
  let depth = 0;
  for (let i = close; i >= 0; i--) {
    const c = code.charCodeAt(i);
    if (c === 41) depth++;
    else if (c === 40 && --depth === 0) return i;
  }
  return -1;
}

/** The offset of the first character from `from` on that is no white space. */
export function nextSolid(code: string, from: number): number {
  let i = from;
  while (isSpace(code.charCodeAt(i))) i++;
  return i;
}

/** The offset of the last character before `from` that is no white space, or -1. */
export function previousSolid(code: string, from: number): number {
  let i = from - 1;
  while (i >= 0 && isSpace(code.charCodeAt(i))) i--;
  return i;
}

/** Where the word that ends before `end` begins; `end` itself where there is none. */
export function wordBefore(code: string, end: number): number {
  let i = end;
  while (i > 0 && isWord(code.charCodeAt(i - 1))) i--;
  return i;
}

/** Where the word that begins at `at` ends. */
export function wordEnd(code: string, at: number): number {
  let i = at;
  while (isWord(code.charCodeAt(i))) i++;
  return i;
}

/** Columns of white space before the first solid character of the line that holds the offset, a tab for eight. */
export function indentOf(code: string, at: number): number {
  let columns = 0;
  for (let i = code.lastIndexOf('\n', at - 1) + 1; i < code.length; i++) {
    const c = code.charCodeAt(i);
    if (c === 9) columns += 8 - (columns % 8);
    else if (c === 32) columns++;
    else break;
  }
  return columns;
}

export function isLetter(c: number): boolean {
  return (c >= 97 && c <= 122) || c === 95 || isCapital(c);
}

export function isCapital(c: number): boolean {
  return c >= 65 && c <= 90;
}

export function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

export function isWord(c: number): boolean {
  return isLetter(c) || isDigit(c);
}

export function isSpace(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13) || (c > 127 && /\s/.test(String.fromCharCode(c)));
}
