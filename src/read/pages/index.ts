import type { Message, Problem } from '../../model/series.ts';
import { decodeText, decodeUtf8, latin1 } from '../charset.ts';
import { firstOf, readHeaders } from '../headers.ts';
import type { Mail } from '../mail.ts';
import type { RawMail } from '../mbox.ts';
import { patchText } from '../mime.ts';
import { walkParts } from '../parts.ts';
import { messagePlace } from '../place.ts';
import { isExpanded, isFolded, recoverDamaged } from '../recovered.ts';
import { showTrailers } from '../trailers.ts';
import { readCommit } from './commit.ts';
import { isFlattened, readFlattened } from './flattened.ts';
import { readHypermail } from './hypermail.ts';
import { isInboxHead, readInbox } from './inbox.ts';
import { type Letter, mailOf } from './letter.ts';
import { MAX_LETTERS, MAX_LOOK, MAX_PAGE } from './limits.ts';
import { readOpenwall } from './openwall.ts';
import { readPipermail } from './pipermail.ts';
import { type Sheet, sheetOfHtml, sheetOfText } from './sheet.ts';
import { readUnknown } from './unknown.ts';

/** A mail for the ordinary reader, and the letter that it was made from where it stood on a page. */
export interface PageMail extends RawMail {
  letter: Letter | null;
}

/**
 * The messages of a document that is a page of a mail archive or of a commit, saved from a browser as HTML, as MHTML or as text, each made a
 * mail again, in the order of the page; a document that is none comes back as it is. Told by its content alone, and anything that starts as
 * a mail, an mbox or a diff is none. `n` is the place in the input that the first message takes.
 */
export function pagesOf(raw: RawMail, n: number): PageMail[] {
  const letters = lettersOf(raw.bytes);
  if (letters === null) return [{ ...raw, letter: null }];
  letters.forEach((letter, at) => {
    if (letter.messageId !== '') return;
    letter.messageId = `message-${n + at}`;
    if (letter.isCommit) return;
    if (isReply(letter) && letter.inReplyTo === '' && letter.answers === null)
      letter.lost.push('the page shows neither its Message-ID nor what it answers');
    else letter.lost.push('the page does not show its Message-ID');
  });
  return letters.map((letter, at) => {
    if (letter.inReplyTo === '' && letter.answers !== null) letter.inReplyTo = letters[letter.answers]?.messageId ?? '';
    return { bytes: mailOf(letter), dropped: at === 0 ? raw.dropped : 0, letter };
  });
}

/** The mails of a document, those of a page in its place. `count` says how many messages of the input came before. */
export async function* withPages(mails: AsyncIterable<RawMail>, count: () => number): AsyncGenerator<PageMail> {
  for await (const raw of mails) yield* pagesOf(raw, count() + 1);
}

/**
 * Says of a mail read from a page what the page lost, and recovers a patch that git's rules do not find in it because the page ate white
 * space. Letters that are exact are left as the reader has them.
 */
export function settlePage(mail: Mail, letter: Letter): void {
  const { message } = mail;
  message.problems.push(...letter.lost.map(text => odd(message, text)));
  if (letter.exact) return;
  const refused = [...message.problems, ...(message.patch?.problems ?? [])].some(problem => problem.severity === 'refused');
  if (message.patch !== null && !refused) {
    const text = mail.diff?.text() ?? '';
    if (isFolded(text)) message.problems.push(odd(message, 'the page has lost the white space at line starts'));
    else if (isExpanded(text)) message.problems.push(odd(message, 'the page shows blanks in place of tabs'));
    return;
  }
  recoverDamaged(mail, letter.body);
}

function odd(message: Message, text: string): Problem {
  return { severity: 'odd', where: messagePlace(message), message: text };
}

function isReply({ subject }: Letter): boolean {
  return /^re:/i.test(subject);
}

/** The messages on a page; null where the bytes are no page. */
function lettersOf(bytes: Uint8Array): Letter[] | null {
  const start = textStart(bytes);
  const first = bytes[start];
  if (first === undefined || bytes.length - start < MIN_PAGE) return null;
  // Most mails come out of an mbox, and are known by their first line.
  if (FROM.every((byte, at) => bytes[start + at] === byte)) return null;
  const look = latin1(bytes.subarray(start, start + LOOK));
  if (first === LESS) return isHtml(look) ? htmlLetters(pageText(bytes.subarray(start), look)) : null;
  if (/^(?:>From |diff |Index: |--- |\+\+\+ |commit [0-9a-f]{40}\b)/.test(look)) return null;
  if (/^[!-9;-~]{1,80}:/.test(look)) {
    const letters = headedLetters(bytes.subarray(start), look);
    const { fields } = readHeaders(look);
    if (letters !== null || ['from', 'subject', 'date', 'message-id'].some(name => fields.has(name))) return letters;
    // A subject such as `Re: x` or `mm: x` at the top of a page looks like a header.
  }
  return textLetters(decodeUtf8(bytes.subarray(start, start + MAX_PAGE)) ?? latin1(bytes.subarray(start, start + MAX_PAGE)));
}

/** What starts as a mail does, and may be one: only what no mail has makes it a page. */
function headedLetters(bytes: Uint8Array, look: string): Letter[] | null {
  const text = () => decodeUtf8(bytes.subarray(0, MAX_PAGE)) ?? latin1(bytes.subarray(0, MAX_PAGE));
  if (/^From: <Saved by [^>\n]{1,80}>\n/.test(look) || /^Snapshot-Content-Location: /m.test(look)) return archiveLetters(bytes);
  if (isInboxHead(look.slice(0, readHeaders(look).end))) return readInbox(sheetOfText(text()));
  if (isFlattened(look.length < LOOK ? look : text())) {
    const letter = readFlattened(text());
    return letter && [letter];
  }
  // Hypermail's head starts so too; its form of a date is no mail's.
  return / \d{4} - \d\d:\d\d:\d\d/.test(firstOf(readHeaders(look), 'date')) ? readHypermail(sheetOfText(text())) : null;
}

function htmlLetters(html: string): Letter[] {
  const sheet = sheetOfHtml(html.slice(0, MAX_PAGE));
  const letters = readInbox(sheet) ?? readPipermail(sheet) ?? readHypermail(sheet) ?? readOpenwall(sheet) ?? readCommit(sheet) ?? readUnknown(sheet);
  return checked(letters, sheet, html.length > MAX_PAGE);
}

function textLetters(text: string): Letter[] | null {
  const sheet = sheetOfText(text);
  const letters = readInbox(sheet) ?? readOpenwall(sheet) ?? readHypermail(sheet) ?? readPipermail(sheet) ?? readCommit(sheet);
  return letters && checked(letters, sheet, false);
}

/** A page that a browser saved as one file (RFC 2557): its first part that is HTML. */
function archiveLetters(bytes: Uint8Array): Letter[] | null {
  const text = latin1(bytes.subarray(0, MAX_PAGE));
  const headers = readHeaders(text);
  for (const part of walkParts(text, headers.end, headers.fields.get('content-type') ?? [], '').parts) {
    const html = patchText(bytes.subarray(part.start, part.end), part).text.trimStart();
    if (isHtml(html.slice(0, LOOK))) return htmlLetters(html);
  }
  return null;
}

function checked(letters: Letter[], sheet: Sheet, isCut: boolean): Letter[] {
  const last = letters.at(-1);
  if (letters.length >= MAX_LETTERS) last?.lost.push(`the page holds ${MAX_LETTERS} messages or more; those past that are not read`);
  if (isCut) last?.lost.push('the page is too large and not read to its end');
  for (const letter of letters) {
    const shown = letter.exact ? letter.body : showTrailers(letter.body);
    if (shown !== letter.body && !letter.lost.some(text => text.includes('masks addresses')))
      letter.lost.push('the page masks addresses (`user at host`); those in trailers are put together again');
    letter.body = shown;
  }
  return sheet.text.trim() === '' && last ? [last] : letters;
}

/** Bytes that are looked at to know a page from a mail. */
const LOOK = Math.min(16 << 10, MAX_LOOK);
/** No page has fewer bytes. */
const MIN_PAGE = 40;
const LESS = 60;
/** `From `. */
const FROM = [70, 114, 111, 109, 32];

/** Where the text starts: behind a byte order mark and white space. */
function textStart(bytes: Uint8Array): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (let byte = bytes[at]; byte !== undefined && (byte === 32 || (byte >= 9 && byte <= 13)); byte = bytes[at]) at++;
  return at;
}

/** Whether a text starts as an HTML document does: with its doctype or one of the tags that can stand first, comments before them aside. */
function isHtml(look: string): boolean {
  const text = look.replace(/^(?:\s*(?:<!--[\s\S]{0,2000}?-->|<\?xml[^>]{0,200}\?>))+/, '').trimStart();
  return /^<(?:!doctype\s+html|html|head|title|meta|body)\b/i.test(text);
}

/** The page's text: UTF-8 where it is that, else in the charset that it names for itself. */
function pageText(bytes: Uint8Array, look: string): string {
  const within = bytes.subarray(0, MAX_PAGE + 4);
  return decodeUtf8(bytes) ?? decodeText(within, /charset=["']?([\w.:-]{1,40})/i.exec(look)?.[1] ?? 'windows-1252').value;
}
