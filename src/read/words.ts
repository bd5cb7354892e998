import { conversionFault, decodeText } from './charset.ts';
import { MAX_ENCODED_WORDS } from './limits.ts';
import { decodeBase64, decodeQuoted } from './transfer.ts';

/**
 * A header value with its encoded words (RFC 2047) decoded, as git mailinfo does: white space between two of them goes. Unlike git, words
 * in a row of one charset are decoded together, so that a character split over two survives. A word that is not well-formed makes git give
 * the mail up; here the value stays as it stands and `problem` says so.
 */
export function decodeWords(value: string): { value: string; problem: string | null } {
  if (!value.includes('=?')) return { value, problem: null };
  let out = '';
  let at = 0;
  let held: Uint8Array[] = [];
  let charset = '';
  let problem: string | null = null;
  const flush = () => {
    if (held.length === 0) return;
    const read = decodeText(concat(held), charset);
    out += read.value;
    problem ??= conversionFault(read.value, charset);
    held = [];
  };
  for (let count = 0; count < MAX_ENCODED_WORDS; count++) {
    const start = value.indexOf('=?', at);
    if (start < 0) break;
    const between = value.slice(at, start);
    const first = value.indexOf('?', start + 2);
    const text = first + 3;
    const end = first < 0 ? -1 : value.indexOf('?=', text);
    const encoding = value.charAt(first + 1).toLowerCase();
    if (first < 0 || value.charAt(first + 2) !== '?' || end < 0 || (encoding !== 'q' && encoding !== 'b'))
      return { value, problem: 'an encoded word of a header is not well-formed' };
    if (at === 0 ? between !== '' : /\S/.test(between)) {
      flush();
      out += between;
    }
    // RFC 2231 5: a language may follow the charset.
    const label = value.slice(start + 2, first).replace(/\*.*$/, '');
    if (label.toLowerCase() !== charset.toLowerCase()) flush();
    charset = label;
    const raw = utf8.encode(value.slice(text, end));
    held.push(encoding === 'b' ? decodeBase64(raw) : decodeQuoted(raw, true));
    at = end + 2;
  }
  flush();
  return { value: out + value.slice(at), problem };
}

const utf8 = new TextEncoder();

function concat(pieces: Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only && pieces.length === 1) return only;
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
