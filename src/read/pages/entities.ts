import { MAX_ENTITY } from './limits.ts';

/**
 * Text with its character references decoded (HTML 13.2.5.72): numbers, and the names of Latin-1 and of common marks. What names no
 * character stays as it stands. Numbers 128 to 159 mean windows-1252, as browsers have it.
 */
export function decodeEntities(text: string): string {
  let at = text.indexOf('&');
  if (at < 0) return text;
  let out = '';
  let copied = 0;
  while (at >= 0) {
    const end = text.indexOf(';', at);
    // No reference is open for long: without this look a text of `&` alone would be searched to its end at each.
    const word = end > at && end - at <= MAX_ENTITY ? text.slice(at + 1, end) : '';
    const char = word === '' ? null : charOf(word);
    if (char !== null) {
      out += text.slice(copied, at) + char;
      copied = end + 1;
    }
    if (end < 0) break;
    // Up to the `;` that was found no other stands: an `&` in between can still be open.
    at = text.indexOf('&', char === null ? at + 1 : end + 1);
    if (at >= 0 && at < end - MAX_ENTITY) at = text.indexOf('&', end - MAX_ENTITY);
  }
  return out + text.slice(copied);
}

function charOf(word: string): string | null {
  if (word.charCodeAt(0) !== 35) return Object.hasOwn(NAMES, word) ? (NAMES[word] ?? null) : null;
  const hex = /^#[xX]([0-9a-fA-F]{1,8})$/.exec(word)?.[1];
  const decimal = /^#(\d{1,10})$/.exec(word)?.[1];
  if (hex === undefined && decimal === undefined) return null;
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  return code >= 128 && code <= 159 ? WINDOWS.charAt(code - 128) : String.fromCodePoint(code);
}

/** Codes 128 to 159 in windows-1252; those that it leaves open stay control characters. */
const WINDOWS = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Names of the characters 160 to 255 in their order. */
const LATIN =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';

const NAMES: Record<string, string> = {
  ...Object.fromEntries(LATIN.split(' ').map((name, at) => [name, String.fromCharCode(160 + at)])),
  amp: '&',
  AMP: '&',
  lt: '<',
  LT: '<',
  gt: '>',
  GT: '>',
  quot: '"',
  QUOT: '"',
  apos: "'",
  commat: '@',
  num: '#',
  lowbar: '_',
  period: '.',
  colon: ':',
  sol: '/',
  lpar: '(',
  rpar: ')',
  lsqb: '[',
  rsqb: ']',
  Tab: '\t',
  NewLine: '\n',
  bull: '•',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  sbquo: '‚',
  ldquo: '“',
  rdquo: '”',
  bdquo: '„',
  lsaquo: '‹',
  rsaquo: '›',
  trade: '™',
  euro: '€',
  rarr: '→',
  larr: '←',
  uarr: '↑',
  darr: '↓',
  minus: '−',
  le: '≤',
  ge: '≥',
  ne: '≠',
  ensp: '\u2002',
  emsp: '\u2003',
  thinsp: '\u2009',
  zwnj: '\u200c',
  zwj: '\u200d',
  OElig: 'Œ',
  oelig: 'œ',
  Scaron: 'Š',
  scaron: 'š',
};
