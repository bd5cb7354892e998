/**
 * Text of bytes in a charset as mail names it, by the labels of the Encoding Standard with mail's own aliases.
 * A label that is missing, ASCII or a stand-in (`unknown-8bit`) is read as UTF-8 and, where that fails, as ISO 8859-1: kernel text is one
 * of the two, whatever git makes of the label (see conversionFault). A label nobody knows gives a problem and the same reading.
 */
export function decodeText(bytes: Uint8Array, label: string): { value: string; problem: string | null } {
  const name = canonical(label);
  if (name === 'utf-8') return { value: decodeUtf8(bytes) ?? lossyUtf8.decode(bytes), problem: null };
  if (name === 'unknown') return { value: decodeUtf8(bytes) ?? latin1(bytes), problem: null };
  if (name === 'iso-8859-1') return { value: latin1(bytes), problem: null };
  const decoder = decoderOf(name);
  if (decoder === null) return { value: decodeUtf8(bytes) ?? latin1(bytes), problem: `charset ${label.slice(0, 40)} is not known` };
  return { value: decoder.decode(bytes), problem: null };
}

/**
 * Why git mailinfo gives a mail up that has this text in its log or in an encoded word: it cannot convert it from the charset to UTF-8
 * (convert_to_utf8, by glibc's iconv). Text in UTF-8 or in no charset is never converted; ASCII has no other characters, be they UTF-8;
 * of others a byte that stands for none was read as U+FFFD. Null where git reads it.
 */
export function conversionFault(text: string, label: string): string | null {
  const named = nameOf(label);
  const name = canonical(label);
  if (named === '' || name === 'utf-8' || text === '') return null;
  const known = ASCII.has(named) || (!NOT_OF_ICONV.test(named) && (decoderOf(name) !== null || OF_ICONV.test(named)));
  if (known && !(ASCII.has(named) ? /[^\x00-\x7f]/ : /\ufffd/).test(text)) return null;
  return `git cannot convert from ${label.replace(/["']/g, '').trim().slice(0, 40)} to UTF-8`;
}

/** The text of UTF-8 bytes, or null where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

/** Bytes as characters of the same code, ISO 8859-1 proper: TextDecoder's `latin1` is windows-1252. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}

type Decoder = InstanceType<typeof TextDecoder>;
const CHUNK = 8192;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const lossyUtf8 = new TextDecoder('utf-8');
const decoders = new Map<string, Decoder | null>();
/** Labels come from mail: without a bound a hostile mbox would fill the table. */
const MAX_DECODERS = 100;

/** ASCII's names in mail and in iconv (IANA's character-sets, `iconv -l`). */
const ASCII = new Set([
  'us-ascii',
  'ascii',
  'us',
  'ansi_x3.4-1968',
  'ansi_x3.4-1986',
  'ansi_x3.4',
  'iso_646.irv:1991',
  'iso646-us',
  'iso-ir-6',
  'cp367',
  'ibm367',
  'csascii',
]);
/** Names that mail bears and glibc's iconv 2.36 has not, and charsets of several bytes a character, which git cannot convert line by line. */
const NOT_OF_ICONV = new RegExp(
  `^(?:${[
    'x-.*|cp-.*|unknown(?:-8bit)?|[78]bit|binary|default|iso-latin-1|iso8859_\\d+|646',
    'unicode.*|csunicode|utf-?(?:16|32)(?:[bl]e)?|ucs-?[24](?:[bl]e)?|iso-10646-ucs-2',
    'iso-8859-[68]-[ei]|csiso885(?:96|98)[ei]|logical|visual|csisolatin9|koi|koi8_r|dos-874|sun_eu_greek',
    'chinese|gb_2312(?:-80)?|csiso58gb231280|iso-ir-58|csbig5',
    'korean|ksc?_?(?:c_)?5601(?:-19\\d\\d)?|csksc56011987|iso-ir-149|windows-949',
  ].join('|')})$`,
);
/** Names of iconv's that the Encoding Standard has not, as far as mail may bear them; what they say is read without them. */
const OF_ICONV =
  /^(?:(?:cs)?(?:cp|ibm-?)\d{3,5}|\d{3,4}|8859_\d{1,2}|(?:cs)?iso[-_]?\S*\d\S*|big-?(?:5-?hkscs|five|5)|cn-gb|uhc|johab|euc-?\w+|gb2312|utf-?7|viscii|tcvn\S*|armscii-?8|georgian-\w+|koi-?8\S*|mac\S*|hp\S*8|roman8|r8|pt154|rk1048)$/;

const ALIASES: Record<string, string> = {
  '': 'unknown',
  'unknown-8bit': 'unknown',
  'x-unknown': 'unknown',
  unknown: 'unknown',
  '8bit': 'unknown',
  '7bit': 'unknown',
  binary: 'unknown',
  default: 'unknown',
  utf8: 'utf-8',
  latin1: 'iso-8859-1',
  'iso8859-1': 'iso-8859-1',
  'iso_8859-1': 'iso-8859-1',
  'iso-latin-1': 'iso-8859-1',
  cp936: 'gbk',
  cp932: 'shift_jis',
  cp949: 'euc-kr',
  cp950: 'big5',
  'ks_c_5601-1987': 'euc-kr',
};

function nameOf(label: string): string {
  return label.replace(/^["'\s]+|["'\s]+$/g, '').toLowerCase();
}

function canonical(label: string): string {
  const name = nameOf(label);
  if (ASCII.has(name)) return 'unknown';
  return (Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined) ?? name.replace(/^cp-?(125\d)$/, 'windows-$1');
}

function decoderOf(name: string): Decoder | null {
  const known = decoders.get(name);
  if (known !== undefined) return known;
  let decoder: Decoder | null = null;
  try {
    decoder = new TextDecoder(name);
  } catch {
    // RangeError: no such label.
  }
  if (decoders.size < MAX_DECODERS) decoders.set(name, decoder);
  return decoder;
}
