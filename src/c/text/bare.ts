/** What is code in a text: without comments, strings and directives. */

/** A part of a text. */
export interface TextRange {
  at: number;
  end: number;
}

/** Comments, strings and preprocessor lines blanked, at the same length: what is left is code alone. The places of strings and directives go into `apart`. */
export function codeOnly(text: string, apart?: { strings: TextRange[]; directives: TextRange[] }): string {
  const out: string[] = [];
  const special = /["'#]|\/[/*]/g;
  let done = 0;
  for (let match = special.exec(text); match; match = special.exec(text)) {
    const at = match.index;
    const end = endOf(text, at, match[0]);
    if (end === at) continue;
    if (match[0] === '"') apart?.strings.push({ at, end });
    else if (match[0] === '#') apart?.directives.push({ at, end });
    out.push(text.slice(done, at), blankOf(text, at, end));
    done = end;
    special.lastIndex = end;
  }
  out.push(text.slice(done));
  return out.join('');
}

/** Where what begins at the offset ends; the offset itself where it is no beginning after all. */
function endOf(text: string, at: number, begins: string): number {
  if (begins === '/*') return endOfComment(text, at);
  if (begins === '//') return endOfLine(text, at);
  if (begins === '#') return startsLine(text, at) ? endOfDirective(text, at) : at;
  const quote = begins.charCodeAt(0);
  for (let i = at + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 92) i++;
    else if (c === quote) return i + 1;
    else if (c === 10) return i;
  }
  return text.length;
}

function endOfComment(text: string, at: number): number {
  const end = text.indexOf('*/', at + 2);
  return end < 0 ? text.length : end + 2;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function startsLine(text: string, at: number): boolean {
  let i = at - 1;
  while (i >= 0 && (text.charCodeAt(i) === 32 || text.charCodeAt(i) === 9)) i--;
  return i < 0 || text.charCodeAt(i) === 10;
}

/** A directive goes on behind a backslash and through a comment that its line opens. */
function endOfDirective(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 10) return i;
    if (c === 92) i += text.charCodeAt(i + 1) === 13 ? 2 : 1;
    else if (c === 47 && text.charCodeAt(i + 1) === 42) i = endOfComment(text, i) - 1;
  }
  return text.length;
}

/** As many blanks, with the same line breaks. */
export function blankOf(text: string, at: number, end: number): string {
  let out = '';
  let from = at;
  for (let next = text.indexOf('\n', from); next >= 0 && next < end; next = text.indexOf('\n', from)) {
    out += `${' '.repeat(next - from)}\n`;
    from = next + 1;
  }
  return out + ' '.repeat(end - from);
}
