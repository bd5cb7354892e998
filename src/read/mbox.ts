import { MAX_MAIL_BYTES } from './limits.ts';

/** One mail as it stands in a mailbox. */
export interface RawMail {
  /** Its bytes, the From_ line among them, CR before LF off and `>From ` unescaped; valid only until the next mail is asked for. */
  bytes: Uint8Array;
  /** Bytes left unread because the mail is past the bound. */
  dropped: number;
}

/**
 * The mails of one document, as git mailsplit -b splits it: white space at the start skipped; a document whose first line is a From_ line
 * is a mailbox and parted at every From_ line, any other is one mail. `>From ` is unescaped (`--mboxrd`) in mails whose From_ line says
 * `mboxrd@z`, the mark of public-inbox and b4; elsewhere git leaves it, as `>From` may be a quote. Reads as the bytes come.
 */
export async function* splitMails(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RawMail> {
  let buffer = new Uint8Array(1 << 17);
  /** The mail being gathered is buffer[start, end); lines up to `scan` have been looked at. */
  let start = 0;
  let end = 0;
  let scan = 0;
  /** The line at `scan` has no line feed up to here. */
  let seen = 0;
  let dropped = 0;
  let begun = false;
  let bare = false;
  let last = false;
  const source = chunks[Symbol.asyncIterator]();
  while (!last) {
    const step = await source.next();
    last = step.done === true;
    let chunk = step.done ? EMPTY : step.value;
    if (!begun) {
      chunk = skipStart(chunk);
      begun = chunk.length > 0;
      if (!begun) continue;
    }
    if (end - start + chunk.length > MAX_MAIL_BYTES + SLACK) {
      const room = Math.max(0, MAX_MAIL_BYTES + SLACK - (end - start));
      dropped += chunk.length - room;
      chunk = chunk.subarray(0, room);
    }
    if (end + chunk.length > buffer.length) {
      const grown = end - start + chunk.length > buffer.length ? new Uint8Array(2 * (end - start + chunk.length)) : buffer;
      grown.set(buffer.subarray(start, end));
      buffer = grown;
      end -= start;
      scan -= start;
      seen -= start;
      start = 0;
    }
    buffer.set(chunk, end);
    end += chunk.length;
    const filled = buffer.subarray(0, end);
    while (scan < end) {
      const found = filled.indexOf(LF, Math.max(scan, seen));
      const lf = found < 0 ? end : found;
      seen = lf;
      if (lf === end && !last) break;
      if (buffer[scan] === UPPER_F && !bare) {
        const isFrom = isFromLine(buffer, scan, Math.min(lf + 1, end));
        if (scan === start) bare = !isFrom;
        else if (isFrom) {
          yield { bytes: clean(buffer, start, scan), dropped };
          start = scan;
          dropped = 0;
        }
      } else if (scan === start) bare = true;
      if (bare) {
        // A bare mail is never parted: nothing to look at before its end.
        scan = end;
        break;
      }
      scan = lf + 1;
    }
  }
  if (end > start) yield { bytes: clean(buffer, start, end), dropped };
}

const EMPTY = new Uint8Array(0);
const LF = 10;
const CR = 13;
const UPPER_F = 70;
const GREATER = 62;
const COLON = 58;
/** Room past the bound, so that a mail of just that size is whole. */
const SLACK = 1 << 16;
const FROM = [70, 114, 111, 109, 32];
const BOM = [0xef, 0xbb, 0xbf];
/** `From mboxrd@z `. */
const MBOXRD = [70, 114, 111, 109, 32, 109, 98, 111, 120, 114, 100, 64, 122, 32];

/** git mailsplit's is_from_line: `From `, a time `hh:mm` or `h:mm:ss` near the end, and a year past 90 behind it. */
function isFromLine(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 20 || !startsWith(bytes, start, FROM)) return false;
  let colon = end - 3;
  while (colon >= start + 5 && bytes[colon] !== COLON) colon--;
  if (colon < start + 5) return false;
  for (const at of [-4, -2, -1, 1, 2]) if (!isDigit(bytes[colon + at])) return false;
  let year = 0;
  let at = colon + 3;
  while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++;
  for (; at < end && isDigit(bytes[at]) && year < 1e9; at++) year = year * 10 + (bytes[at] ?? 0) - 48;
  return year > 90;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

function startsWith(bytes: Uint8Array, at: number, prefix: readonly number[]): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}

/** A byte order mark and white space before the first line are no part of a mail. */
function skipStart(chunk: Uint8Array): Uint8Array {
  let at = startsWith(chunk, 0, BOM) ? BOM.length : 0;
  while (at < chunk.length && isBlank(chunk[at])) at++;
  return chunk.subarray(at);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);
}

/** The mail's bytes without CR before LF, and with one `>` less before `From ` where the mail is mboxrd's. A view where nothing changes. */
function clean(buffer: Uint8Array, start: number, end: number): Uint8Array {
  const mail = buffer.subarray(start, end);
  const escaped = startsWith(mail, 0, MBOXRD);
  let out: Uint8Array | null = null;
  let copied = 0;
  let length = 0;
  const skip = (at: number) => {
    out ??= new Uint8Array(mail.length);
    out.set(mail.subarray(copied, at), length);
    length += at - copied;
    copied = at + 1;
  };
  let cr = mail.indexOf(CR);
  let quote = escaped ? mail.indexOf(GREATER) : -1;
  while (cr >= 0 || quote >= 0) {
    if (quote < 0 || (cr >= 0 && cr < quote)) {
      if (mail[cr + 1] === LF) skip(cr);
      cr = mail.indexOf(CR, cr + 1);
      continue;
    }
    if (mail[quote - 1] === LF) {
      let after = quote + 1;
      while (mail[after] === GREATER) after++;
      if (startsWith(mail, after, FROM)) skip(quote);
    }
    quote = mail.indexOf(GREATER, quote + 1);
  }
  if (out === null) return mail;
  skip(mail.length);
  return (out as Uint8Array).subarray(0, length);
}
