/**
 * Text of bytes in a charset as mail names it, by the labels of the Encoding Standard with mail's own aliases.
 * A label that is missing, ASCII or a stand-in (`unknown-8bit`) is read as UTF-8 and, where that fails, as ISO 8859-1: git mailinfo hands
 * such bytes on as they are, and kernel text is UTF-8 or one of the two. A label nobody knows gives a problem and the same reading.
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

const ALIASES: Record<string, string> = {
  '': 'unknown',
  ascii: 'unknown',
  'us-ascii': 'unknown',
  'ansi_x3.4-1968': 'unknown',
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

function canonical(label: string): string {
  const name = label.replace(/^["'\s]+|["'\s]+$/g, '').toLowerCase();
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
