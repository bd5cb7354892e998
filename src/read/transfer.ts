/**
 * The bytes behind a content transfer encoding (RFC 2045 6), by the rules of git mailinfo rather than the RFC's: quoted-printable keeps
 * spaces at line ends, base64 starts anew on every line and skips what is no base64. Any other encoding leaves the bytes as they are.
 */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array {
  const name = encoding.toLowerCase();
  if (name.includes('base64')) return decodeBase64(bytes);
  if (name.includes('quoted-printable')) return decodeQuoted(bytes, false);
  return bytes;
}

/** `=XX` and soft line breaks undone; with `underscore` also `_` for a space (RFC 2047 4.2). Escapes that are none stay as they are. */
export function decodeQuoted(bytes: Uint8Array, underscore: boolean): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = at < bytes.length ? (bytes[at] ?? 0) : 0;
    if (byte === EQUALS) {
      if (at + 1 >= bytes.length) break;
      if (bytes[at + 1] === LF) {
        at++;
        continue;
      }
      const high = HEX[bytes[at + 1] ?? 0] ?? -1;
      const low = HEX[bytes[at + 2] ?? 0] ?? -1;
      if (high >= 0 && low >= 0 && at + 2 < bytes.length) {
        out[length++] = (high << 4) | low;
        at += 2;
        continue;
      }
    }
    out[length++] = underscore && byte === UNDERSCORE ? SPACE : byte;
  }
  return out.subarray(0, length);
}

/** Base64, line by line. */
export function decodeBase64(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 4) * 3 + 3);
  let length = 0;
  let held = 0;
  let bits = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const value = BASE64[byte] ?? -1;
    if (value < 0) {
      if (byte === LF) held = bits = 0;
      continue;
    }
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[length++] = (held >> bits) & 0xff;
    }
  }
  return out.subarray(0, length);
}

const LF = 10;
const SPACE = 32;
const EQUALS = 61;
const UNDERSCORE = 95;

const HEX = table('0123456789abcdef');
for (let digit = 10; digit < 16; digit++) HEX['0123456789ABCDEF'.charCodeAt(digit)] = digit;
const BASE64 = table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

function table(digits: string): Int8Array {
  const values = new Int8Array(256).fill(-1);
  for (let at = 0; at < digits.length; at++) values[digits.charCodeAt(at)] = at;
  return values;
}
