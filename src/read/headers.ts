import { MAX_HEADER_BYTES, MAX_HEADER_VALUE } from './limits.ts';

/** The headers that the reader looks at; names in lower case, values unfolded but not decoded, in the order of the mail. */
export interface Headers {
  fields: Map<string, string[]>;
  /** Where the body starts: past the blank line, or at the first line that is no header. */
  end: number;
  /** Whether a blank line ended the block. */
  blank: boolean;
}

/**
 * The header block at the start of `text`, by the rules of git mailinfo: a `From ` line counts as a header, a folded line is joined with
 * one space, white space at line ends goes, and the first line that is neither starts the body. Never fails.
 */
export function readHeaders(text: string, from = 0): Headers {
  const fields = new Map<string, string[]>();
  let at = from;
  let blank = false;
  const limit = Math.min(text.length, from + MAX_HEADER_BYTES);
  while (at < limit) {
    const end = lineEnd(text, at);
    const colon = nameEnd(text, at, end);
    if (colon < 0) {
      // A blank line goes with the headers; a line that is no header is the first of the body.
      blank = text.slice(at, end).trim() === '';
      if (blank) at = Math.min(end + 1, text.length);
      break;
    }
    let next = end + 1;
    while (next < text.length && isFold(text.charCodeAt(next))) next = lineEnd(text, next) + 1;
    if (isWanted(text, at, colon)) {
      const name = text.slice(at, colon).toLowerCase();
      const value = unfold(text, colon + 1, end, Math.min(next - 1, colon + 1 + MAX_HEADER_VALUE));
      const values = fields.get(name);
      if (values) values.push(value);
      else fields.set(name, [value]);
    }
    at = Math.min(next, text.length);
  }
  return { fields, end: at, blank };
}

/** The first value of a header, '' where there is none. */
export function firstOf(headers: Headers, name: string): string {
  return headers.fields.get(name)?.[0] ?? '';
}

/** The last value of a header, '' where there is none: git mailinfo lets a later From, Subject or Date of the block win. */
export function lastOf(headers: Headers, name: string): string {
  return headers.fields.get(name)?.at(-1) ?? '';
}

/** The value of a parameter such as `charset` as git mailinfo finds it: anywhere in the line, quoted or up to `;` or a blank; null where absent. */
export function parameter(value: string, name: string): string | null {
  const at = value.toLowerCase().indexOf(`${name}=`);
  if (at < 0) return null;
  const start = at + name.length + 1;
  if (value.charAt(start) === '"') {
    const end = value.indexOf('"', start + 1);
    return value.slice(start + 1, end < 0 ? value.length : end);
  }
  const rest = value.slice(start);
  const end = rest.search(/[; \t]/);
  return end < 0 ? rest : rest.slice(0, end);
}

const WANTED = new Set([
  'from',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'to',
  'cc',
  'reply-to',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
]);
/** Lengths of the wanted names, and their first letters: most headers of list mail are neither and need no substring. */
const LENGTHS = new Set([...WANTED].map(name => name.length));
const LETTERS = new Set([...WANTED].map(name => name.charCodeAt(0)));

function isWanted(text: string, at: number, colon: number): boolean {
  return LETTERS.has(text.charCodeAt(at) | 0x20) && LENGTHS.has(colon - at) && WANTED.has(text.slice(at, colon).toLowerCase());
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function isFold(code: number): boolean {
  return code === 32 || code === 9;
}

/** Where the name of a header line ends (RFC 5322 3.6.8: printable ASCII but the colon); -1 where the line is no header. */
function nameEnd(text: string, at: number, end: number): number {
  if (text.startsWith('From ', at) || text.startsWith('>From ', at)) return at;
  for (let i = at; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === 58) return i;
    if (code < 33 || code > 126) return -1;
  }
  return -1;
}

function unfold(text: string, at: number, firstEnd: number, end: number): string {
  let value = text.slice(at, Math.min(firstEnd, end)).trimEnd();
  for (let line = firstEnd + 1; line < end; ) {
    const stop = Math.min(lineEnd(text, line), end);
    value += ` ${text.slice(line + 1, stop).trimEnd()}`;
    line = stop + 1;
  }
  return value.trimStart();
}
