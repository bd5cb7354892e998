import type { SyntaxProblem } from './litmus.ts';

/** A word of a litmus test; `end` stands after the last. */
export interface LitmusToken {
  kind: 'name' | 'number' | 'string' | 'sign' | 'end';
  text: string;
  /** Where it begins, in UTF-16 units. */
  at: number;
}

/** Longer texts are no litmus tests. */
const LONGEST = 1_000_000;
/** Deeper nesting of blocks, expressions or conditions is refused; the checker walks them recursively. */
const DEEPEST = 100;

/** Ends the parsing of a text at one place; `parseLitmus` turns it into a problem. */
export class Fault extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Walks over the words of a text, from left to right. */
export class Cursor {
  readonly text: string;
  readonly problems: SyntaxProblem[] = [];
  private tokens: LitmusToken[] = [];
  private place = 0;
  private depth = 0;
  private readonly lines: number[];

  constructor(text: string) {
    this.text = text;
    this.lines = [0];
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.lines.push(i + 1);
  }

  /** Reads the words from `from` on. */
  start(from: number): void {
    if (this.text.length > LONGEST) throw new Fault(0, `a test has at most ${LONGEST} characters`);
    this.tokens = words(withoutComments(this.text, from), from);
    this.place = 0;
  }

  peek(ahead = 0): LitmusToken {
    return this.tokens[Math.min(this.place + ahead, this.tokens.length - 1)] ?? { kind: 'end', text: '', at: this.text.length };
  }

  next(): LitmusToken {
    const token = this.peek();
    if (this.place < this.tokens.length - 1) this.place++;
    return token;
  }

  /** Is the next word this one? Strings in quotes are never. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && token.kind !== 'string' && token.kind !== 'end';
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }

  expect(text: string): LitmusToken {
    if (!this.is(text)) throw this.expected(`\`${text}\``);
    return this.next();
  }

  name(what: string): LitmusToken {
    if (this.peek().kind !== 'name') throw this.expected(what);
    return this.next();
  }

  /** A number, a sign before it. */
  integer(what: string): number {
    const minus = this.accept('-');
    const token = this.peek();
    if (token.kind !== 'number') throw this.expected(what);
    this.next();
    const value = Number(token.text.replace(/[uUlL]+$/, ''));
    if (!Number.isSafeInteger(value)) throw new Fault(token.at, `no integer is written ${shown(token)}`);
    return minus && value !== 0 ? -value : value;
  }

  expected(what: string): Fault {
    return new Fault(this.peek().at, `expected ${what}, found ${shown(this.peek())}`);
  }

  /** What `inner` gives, one level deeper. */
  nested<T>(inner: () => T): T {
    if (this.depth >= DEEPEST) throw new Fault(this.peek().at, `nothing may nest deeper than ${DEEPEST} levels`);
    this.depth++;
    const value = inner();
    this.depth--;
    return value;
  }

  /** Notes a problem and goes on. */
  complain(at: number, message: string): void {
    const { line, column } = this.position(at);
    this.problems.push({ line, column, message });
  }

  private position(at: number): { line: number; column: number } {
    let low = 0;
    let high = this.lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.lines[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - (this.lines[low] ?? 0) + 1 };
  }
}

function shown(token: LitmusToken): string {
  return token.kind === 'end' ? 'the end' : `\`${token.text.length > 40 ? `${token.text.slice(0, 40)}...` : token.text}\``;
}

/**
 * The text with its comments made blank, from `from` on, at the same length. `(*` opens a comment, which may hold others, only outside
 * braces or in those of the init section: in a thread's body it begins an argument.
 */
function withoutComments(text: string, from: number): string {
  const parts: string[] = [text.slice(0, from)];
  let kept = from;
  let braces = 0;
  let bodies = 0;
  const drop = (start: number, end: number) => {
    parts.push(text.slice(kept, start), text.slice(start, end).replace(/[^\n]/g, ' '));
    kept = end;
  };
  const sign = /\(\*|\/\*|\/\/|"|[{}]/g;
  sign.lastIndex = from;
  for (let found = sign.exec(text); found; found = sign.exec(text)) {
    const start = found.index;
    const inBody = braces > 0 && bodies > 0;
    let end = start + found[0].length;
    if (found[0] === '{') braces++;
    else if (found[0] === '}') {
      if (braces > 0 && --braces === 0) bodies++;
    } else if (found[0] === '"') {
      const quote = text.indexOf('"', end);
      if (quote >= 0 && !inBody) sign.lastIndex = quote + 1;
    } else if (found[0] === '(*') {
      if (inBody) continue;
      end = closing(text, start);
      drop(start, end);
      sign.lastIndex = end;
    } else {
      const close = text.indexOf(found[0] === '/*' ? '*/' : '\n', end);
      if (close < 0 && found[0] === '/*') throw new Fault(start, 'this comment has no end');
      end = close < 0 ? text.length : found[0] === '/*' ? close + 2 : close;
      drop(start, end);
      sign.lastIndex = end;
    }
  }
  parts.push(text.slice(kept));
  return parts.join('');
}

/** Where the comment that opens at `start` is over. */
function closing(text: string, start: number): number {
  let depth = 0;
  const sign = /\(\*|\*\)/g;
  sign.lastIndex = start;
  for (let found = sign.exec(text); found; found = sign.exec(text)) {
    depth += found[0] === '(*' ? 1 : -1;
    if (depth === 0) return sign.lastIndex;
  }
  throw new Fault(start, 'this comment has no end');
}

const WORD = /\s*(?:([A-Za-z_]\w*)|(\d\w*)|"([^"]*)"|(\/\\|\\\/|=>|==|!=|<=|>=|<<|>>|&&|\|\||\S)|$)/y;

function words(text: string, from: number): LitmusToken[] {
  const found: LitmusToken[] = [];
  WORD.lastIndex = from;
  for (let match = WORD.exec(text); match; match = WORD.exec(text)) {
    const [all, name, number, string, sign] = match;
    const word = name ?? number ?? string ?? sign;
    if (word === undefined) break;
    const at = match.index + all.length - word.length - (string === undefined ? 0 : 2);
    found.push({ kind: name !== undefined ? 'name' : number !== undefined ? 'number' : string !== undefined ? 'string' : 'sign', text: word, at });
  }
  found.push({ kind: 'end', text: '', at: text.trimEnd().length });
  return found;
}

/** The first place from which on the text is neither blank nor a comment. */
export function afterComments(text: string): number {
  for (let at = 0; ; ) {
    const rest = /\S/g;
    rest.lastIndex = at;
    const start = rest.exec(text)?.index;
    if (start === undefined) return text.length;
    if (text.startsWith('(*', start)) at = closing(text, start);
    else if (text.startsWith('//', start)) at = (text.indexOf('\n', start) + 1 || text.length + 1) - 1;
    else if (text.startsWith('/*', start) && text.includes('*/', start + 2)) at = text.indexOf('*/', start + 2) + 2;
    else return start;
  }
}
