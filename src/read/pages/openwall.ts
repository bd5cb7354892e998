import { type Letter, letterHeaders, letterWith } from './letter.ts';
import { MAX_HEAD_LINES, MAX_LOOK } from './limits.ts';
import { lineAt, linesFrom } from './lines.ts';
import type { Sheet } from './sheet.ts';

/**
 * The message on a page of blists, Openwall's archive: Date, From, To, Cc and Subject as the mail has them, then the body. Three characters
 * behind each `@` are gone, in the body too. Null where the page is none. Follows blists' html.c.
 */
export function readOpenwall(sheet: Sheet): Letter[] | null {
  const { text } = sheet;
  const foot = text.lastIndexOf('Powered by blists - more mailing lists');
  const look = text.slice(0, MAX_LOOK);
  const bar = /^(?:\[(?:<prev|next>|<thread-prev|thread-next>)\] ){0,4}\[day\] \[month\] \[year\] \[list\][ \t]*$/m.exec(look);
  if (foot < 0 && !bar) return null;
  const start = headStart(sheet, bar ? bar.index + bar[0].length : 0);
  if (start === null) return null;
  const limit = sheet.pres.find(pre => pre.start <= start && start < pre.end)?.end ?? (foot > start ? lineAt(text, foot).start : text.length);
  const head = linesFrom(text, start, limit, MAX_HEAD_LINES);
  const letter = letterWith(letterHeaders(head.lines), { body: text.slice(head.end, limit) });
  if (letter.from === '' || letter.date === '') return null;
  if (/\S@\.\.\./.test(`${letter.from}\n${letter.to}\n${letter.cc}\n${letter.body}`))
    letter.lost.push('the page masks addresses (`user@...host`), also within the text');
  if (/^\[ CONTENT OF TYPE \S+ SKIPPED \]$/m.test(letter.body)) letter.lost.push('the page does not show an attachment');
  if (/^\[ TRUNCATED \]/m.test(text.slice(limit, limit + 100))) letter.lost.push('the page shows the message only in part');
  return [letter];
}

/** The first `Date:`, `From:` or `Message-ID:` line behind the bar of links; in HTML at the start of its block. */
function headStart(sheet: Sheet, from: number): number | null {
  const mark = /^(?:date|from|message-id):[ \t]+\S/i;
  for (const pre of sheet.pres) {
    const blank = /^\s*/.exec(sheet.text.slice(pre.start, pre.start + BLANKS))?.[0].length ?? 0;
    if (mark.test(sheet.text.slice(pre.start + blank, pre.start + blank + BLANKS))) return pre.start + blank;
  }
  if (sheet.isHtml) return null;
  for (let at = from, n = 0; at < sheet.text.length && n < HEAD_LINES; n++) {
    const line = lineAt(sheet.text, at);
    if (mark.test(line.text)) return line.start;
    at = line.end + 1;
  }
  return null;
}

const BLANKS = 100;
const HEAD_LINES = 40;
