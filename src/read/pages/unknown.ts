import { type Letter, letterHeaders, letterWith } from './letter.ts';
import { MAX_HEAD_LINES } from './limits.ts';
import { linesFrom } from './lines.ts';
import type { Sheet } from './sheet.ts';

/**
 * Any other HTML page: a preformatted block that starts with the headers of a mail is one; else the whole page is, under its title, so that
 * a diff which stands in it is found.
 */
export function readUnknown(sheet: Sheet): Letter[] {
  const lost = ['the page is of no archive that is known; it is read as its text stands'];
  for (const pre of sheet.pres) {
    const blank = /^\s*/.exec(sheet.text.slice(pre.start, pre.start + BLANKS))?.[0].length ?? 0;
    const head = linesFrom(sheet.text, pre.start + blank, pre.end, MAX_HEAD_LINES);
    const headers = letterHeaders(head.lines);
    if (headers.has('from') && headers.has('subject')) return [letterWith(headers, { body: sheet.text.slice(head.end, pre.end), lost })];
  }
  return [letterWith(new Map([['subject', sheet.title]]), { body: sheet.text, lost })];
}

const BLANKS = 100;
