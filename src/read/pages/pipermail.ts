import { decodePercents, idsIn, type Letter, letterOf } from './letter.ts';
import { MAX_LOOK } from './limits.ts';
import { lineAt } from './lines.ts';
import type { Sheet } from './sheet.ts';

/**
 * The message on a page of pipermail, Mailman's archive: the subject, the sender as `Name user at host`, the date, then the body. Null where
 * the page is none. Follows Mailman/Archiver/HyperArch.py. In a page saved as text the lines of the head may be parted.
 */
export function readPipermail(sheet: Sheet): Letter[] | null {
  const begin = sheet.comments.find(comment => comment.text === 'beginarticle');
  if (sheet.isHtml && !begin) return null;
  const head = headOf(sheet.text, begin?.at ?? Math.min(sheet.text.length, MAX_LOOK));
  if (head === null) return null;
  const start = begin?.at ?? bodyStart(sheet.text, head.end);
  const finish = sheet.comments.find(comment => comment.text === 'endarticle')?.at ?? bodyEnd(sheet.text, start);
  const letter = letterOf({ ...head, body: sheet.text.slice(start, Math.max(start, finish)) });
  readLinks(sheet, letter);
  readParts(letter);
  if (!/^re:/i.test(letter.subject) && answers(letter.body)) {
    letter.subject = `Re: ${letter.subject}`;
    letter.lost.push('the page takes `Re:` off subjects; the message quotes another and is taken for a reply');
  }
  return [letter];
}

/** `Thu Jul 24 00:20:22 PDT 2025`, and the date as it stood in the mail, which old archives show. */
const DATE =
  /^(?:[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d{1,2}:\d\d:\d\d (?:[A-Za-z]{1,5} |[+-]\d{4} )?\d{4}|(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d\d:\d\d [+-]\d{4})$/;
const MASKED = /(?:^|[ \t])([^\s<>()@]{1,80}) at ([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)$/;
const PLAIN = /(?:^|[ \t])([^\s<>()@]{1,80}@[^\s<>()@]{1,200})$/;
/** Lines that a head stands in. */
const HEAD_LINES = 40;
/** Characters of a line of the head; a longer one is none. */
const MAX_LINE = 2000;

/** Subject, sender and date at the top of the page. */
function headOf(text: string, limit: number): (Pick<Letter, 'subject' | 'from' | 'date' | 'lost'> & { end: number }) | null {
  const above: string[] = [];
  for (let at = 0, n = 0; at < limit && n < HEAD_LINES; n++) {
    const line = lineAt(text, at);
    at = line.end + 1;
    const shown = line.text.trim();
    if (shown === '') continue;
    if (shown.length > MAX_LINE) return null;
    if (!DATE.test(shown)) {
      above.push(shown);
      continue;
    }
    const sender = above.at(-1) ?? '';
    const masked = MASKED.exec(sender);
    const address = masked ? `${masked[1]}@${masked[2]}` : PLAIN.exec(sender)?.[1];
    if (address === undefined) return null;
    let name = sender.slice(0, (masked ?? PLAIN.exec(sender))?.index).trim();
    let subjects = above.slice(0, -1);
    // The name on a line of its own, as text extractors part what the page shows in bold.
    if (name === '' && subjects.length > 1) {
      name = subjects.at(-1) ?? '';
      subjects = subjects.slice(0, -1);
    }
    if (subjects.length === 0) return null;
    const lost = masked ? ['the page masks addresses (`user at host`); those of the sender and in trailers are put together again'] : [];
    return {
      subject: subjects.at(-1) ?? '',
      from: `${name === '' ? address : name.replace(/[<>"@]/g, '')} <${address}>`,
      date: shown,
      lost,
      end: at,
    };
  }
  return null;
}

/** In a page saved as text the links to the neighbours may stand between head and body. */
function bodyStart(text: string, from: number): number {
  let start = from;
  for (let at = from, n = 0; at < text.length && n < HEAD_LINES; n++) {
    const line = lineAt(text, at);
    at = line.end + 1;
    if (/^\s*(?:[*•-] *)?(?:Previous message|Next message|Messages sorted by)\b.*:/i.test(line.text) || /^\s*[_-]{10,}\s*$/.test(line.text))
      start = at;
    else if (line.text.trim() !== '' && !/^\s*\[ (?:date|thread|subject|author) \]/.test(line.text) && n > 0 && start < at - line.text.length - 200)
      break;
  }
  return start;
}

/** The foot of a page saved as text: the neighbours again, and a link to the list. */
function bodyEnd(text: string, from: number): number {
  let end = text.length;
  for (const words of ['\nMore information about the ', '\nPrevious message (by thread):', '\nPrevious message:', '\nMessages sorted by:']) {
    const at = text.lastIndexOf(words);
    if (at >= from && at < end) end = at + 1;
  }
  return end;
}

/** What the page's mailto link says: the id of the message itself, as the answer to it would, and its whole subject. */
function readLinks(sheet: Sheet, letter: Letter): void {
  for (const { href } of sheet.links.slice(0, MAILTO_LINKS)) {
    if (!/^mailto:/i.test(href)) continue;
    const query = new Map(
      href
        .slice(href.indexOf('?') + 1)
        .split('&')
        .map(pair => [pair.split('=', 1)[0]?.toLowerCase() ?? '', decodePercents(pair.slice(pair.indexOf('=') + 1))] as const),
    );
    const id = query.get('in-reply-to') ?? '';
    letter.messageId = idsIn(id)[0] ?? (/^[^\s<>]{1,900}@[^\s<>]{1,900}$/.test(id) ? id : '');
    const subject = (query.get('subject') ?? '').replace(/\s+/g, ' ').trim();
    // The link puts a `Re: ` of its own before it.
    const own = subject.replace(/^Re:\s*/i, '');
    if (own !== subject && /^re:/i.test(own) && own.replace(/^(?:re:\s*)+/i, '') === letter.subject) letter.subject = own;
    return;
  }
}

/** The mailto link stands at the top of the page. */
const MAILTO_LINKS = 10;

/** Takes the marks of a multipart mail off, and says which parts are not on the page. */
function readParts(letter: Letter): void {
  const mark = '-------------- next part --------------\n';
  if (!letter.body.includes(mark)) return;
  const [first = '', ...rest] = letter.body.split(mark);
  letter.body = [first, ...rest.filter(part => !SCRUBBED.test(part))].join('');
  if (rest.some(part => SCRUBBED.test(part))) letter.lost.push('the page does not show an attachment');
}

const SCRUBBED =
  /^(?:An? (?:non-text|HTML|embedded|embedded and charset-unspecified text) (?:attachment|message|and charset-unspecified text)? ?(?:attachment )?was scrubbed|An HTML attachment was scrubbed)/;

/** Whether a body answers another: by a line that introduces a quote, and a quote below it. */
export function answers(body: string): boolean {
  return /(?:wrote|writes):[ \t]*\n(?:[ \t]*\n)?[ \t]?>/.test(body);
}
