import { idOfLink, type Letter, letterHeaders, letterOf, letterWith } from './letter.ts';
import { MAX_HEAD_LINES, MAX_LETTERS, MAX_LOOK } from './limits.ts';
import { lineAt, lineBefore, linesFrom } from './lines.ts';
import { tieOverview } from './overview.ts';
import type { Sheet } from './sheet.ts';

/**
 * The messages on a page of public-inbox, as lore.kernel.org serves it: a single message, or a thread nested or flat. Null where the page
 * is none of these. Follows PublicInbox::View (eml_entry, _msg_page_prepare_obuf, attach_link).
 */
export function readInbox(sheet: Sheet): Letter[] | null {
  const found = readThreadPage(sheet) ?? readMessagePage(sheet);
  for (const letter of found ?? []) {
    letter.body = withoutRepeats(letter.body);
    readAttachments(letter);
    showAddresses(letter);
    // A text that kept its tabs, or has no use for any, lost no blanks on the way.
    letter.exact ||= letter.body.includes('\t') || !letter.body.includes('@@ -');
  }
  return found;
}

/** Whether a text that starts like a mail is a message page that was saved from its headers on. */
export function isInboxHead(text: string): boolean {
  return RAW.test(text);
}

/** The line of a single message's head that no mail has. */
const RAW = /^Message-ID: <[^<>\n]{1,900}> \(raw\)$/m;
/** The first line of a message on a thread page. */
const ENTRY = /^([ \t]*)From: (.*) @ (\d{4}-\d\d-\d\d +\d?\d:\d\d) UTC \(permalink \/ raw\)$/;
const ENTRY_END = ' UTC (permalink / raw)';
const LF = 10;

function readMessagePage(sheet: Sheet): Letter[] | null {
  const { text } = sheet;
  const letters: Letter[] = [];
  const places = sheet.isHtml ? sheet.pres : [{ start: 0, end: text.length }];
  for (const place of places) {
    const at = RAW.exec(text.slice(place.start, Math.min(place.end, place.start + MAX_LOOK)))?.index;
    if (at === undefined || letters.length >= MAX_LETTERS) continue;
    // The head around that line: headers and their folds, up to a line that is neither.
    let start = place.start + at;
    for (let n = 0; n < MAX_HEAD_LINES && start > place.start; n++) {
      const line = lineBefore(text, start);
      if (line.start < place.start || !/^(?:[A-Za-z][A-Za-z-]*:|[ \t]+\S)/.test(line.text) || /^ help \//.test(line.text)) break;
      start = line.start;
    }
    const head = linesFrom(text, start, place.end, MAX_HEAD_LINES);
    const headers = letterHeaders(head.lines.map(line => line.replace(/\t? ?\[thread overview\]$/, '')));
    const end = sheet.isHtml ? place.end : footerOf(text, head.end);
    letters.push(letterWith(headers, { body: text.slice(head.end, end), exact: sheet.isHtml }));
  }
  return letters.length > 0 ? letters : null;
}

/** Where the body of a message page saved as text ends: at the links to its neighbours. What stands above the last of them can be a quote. */
function footerOf(text: string, from: number): number {
  const mark = text.lastIndexOf('other threads:[~');
  if (mark > from) return lineAt(text, mark).start;
  for (const words of ['\nThread overview:', '\nReply instructions:']) {
    const at = text.lastIndexOf(words);
    if (at >= from - 1) return at + 1;
  }
  return text.length;
}

function readThreadPage(sheet: Sheet): Letter[] | null {
  const entries = entriesOf(sheet);
  if (entries.length === 0) return null;
  const letters = entries.map((entry, at): Letter => {
    const limit = entry.limit ?? entries[at + 1]?.start ?? sheet.text.length;
    const head = linesFrom(sheet.text, entry.end + 1, limit, MAX_HEAD_LINES);
    // The line end above the body counts, as the body may be empty.
    const rest = sheet.text.slice(head.end - 1, limit);
    const footer = rest.lastIndexOf(`\n${entry.indent}^ permalink`);
    const body = rest.slice(1, footer < 0 ? rest.length : Math.max(1, footer));
    const headers = letterHeaders(
      head.lines.map(line => line.trimStart().replace(/^(To: .*); \+Cc: /, '$1\nCc: ')).flatMap(line => line.split('\n')),
    );
    const letter = letterWith(headers, {
      from: entry.from,
      subject: entry.subject,
      date: `${entry.date} +0000`,
      messageId: idOfLink(sheet.links[entry.link]?.href ?? ''),
      body: entry.indent === '' ? body : body.replaceAll(`\n${entry.indent}`, '\n').slice(body.startsWith(entry.indent) ? entry.indent.length : 0),
      exact: sheet.isHtml,
    });
    if (!letter.from.includes('@')) letter.lost.push('the page does not show the address of the sender');
    return letter;
  });
  tieOverview(sheet, entries, letters);
  return letters;
}

/** A message on a thread page: where its head starts, where the line `From: ` ends, and what they say. */
interface Entry {
  start: number;
  end: number;
  /** Where the message ends at the latest, where the page itself says so. */
  limit: number | null;
  indent: string;
  from: string;
  date: string;
  subject: string;
  /** The first link on the `From: ` line: the message's own. -1 where there is none. */
  link: number;
}

function entriesOf(sheet: Sheet): Entry[] {
  const { text } = sheet;
  const entries: Entry[] = [];
  let pre = 0;
  let link = 0;
  let taken = -1;
  /** Where the line of the mark before ends: the head of this one starts below it. */
  let floor = 0;
  for (let at = text.indexOf(ENTRY_END); at >= 0 && entries.length < MAX_LETTERS; at = text.indexOf(ENTRY_END, at + 1)) {
    if (at + ENTRY_END.length < text.length && text.charCodeAt(at + ENTRY_END.length) !== LF) continue;
    const line = lineAt(text, at);
    const [, indent, from, date] = ENTRY.exec(line.text) ?? [];
    if (indent === undefined || from === undefined || date === undefined) continue;
    const above = floor;
    floor = line.end;
    let limit: number | null = null;
    if (sheet.isHtml) {
      // One message a block: what looks like the head of another is quoted in it.
      while (pre < sheet.pres.length && (sheet.pres[pre]?.end ?? 0) <= line.start) pre++;
      const place = sheet.pres[pre];
      if (!place || place.start > line.start || pre === taken) continue;
      taken = pre;
      limit = place.end;
    }
    const head = headAbove(text, line.start, Math.max(above, sheet.pres[pre]?.start ?? 0), indent);
    if (head === null) continue;
    while (link < sheet.links.length && (sheet.links[link]?.start ?? 0) < line.start) link++;
    const own = (sheet.links[link]?.start ?? text.length) < line.end ? link : -1;
    entries.push({ start: head.start, end: line.end, limit, indent, from, date, subject: head.subject, link: own });
  }
  return entries;
}

/** The line `* SUBJECT` above a `From: ` line; between them stand the neighbours in the thread, without a blank line. */
function headAbove(text: string, from: number, limit: number, indent: string): { start: number; subject: string } | null {
  let at = from;
  for (let n = 0; n < MAX_HEAD_LINES && at > limit; n++) {
    const line = lineBefore(text, at);
    if (line.text.trim() === '') return null;
    if (line.text.startsWith(`${indent}* `) && n > 0) return { start: line.start, subject: line.text.slice(indent.length + 2) };
    at = line.start;
  }
  return null;
}

/** Some versions show the hunks of a file once more behind the `-- ` that ends them, and then the rest of the mail; no mail has that. */
function withoutRepeats(body: string): string {
  const mark = '\n-- \n';
  let out = '';
  let copied = 0;
  for (let at = body.indexOf(`${mark}@@ -`); at >= 0; at = body.indexOf(`${mark}@@ -`, at + 1)) {
    const start = at + mark.length;
    const next = body.indexOf(mark, start);
    if (next < 0) break;
    // It is the same text to the letter: what only looks like it stays.
    const length = next + 1 - start;
    const first = at + 1 - length;
    if (first < copied || !body.startsWith(body.slice(start, next + 1), first)) continue;
    out += body.slice(copied, at);
    copied = next;
  }
  return out + body.slice(copied);
}

/** Takes the marks of a multipart mail off: git reads the parts one behind the other. A part that is only named is lost. */
function readAttachments(letter: Letter): void {
  if (!letter.body.includes('[-- ')) return;
  const kept: string[] = [];
  /** The attachment that no line of text was seen of yet. */
  let open: string | null = null;
  const lose = () => {
    if (open !== null) letter.lost.push(`the page does not show ${open}`);
    open = null;
  };
  for (const line of letter.body.split('\n')) {
    const number = /^\[-- Attachment #(\d[\d.]*): .* --\]$/.exec(line)?.[1];
    if (number !== undefined) {
      lose();
      open = `attachment ${number}`;
    } else if (/^\[-- Warning: decoded text below may be mangled.* --\]$/.test(line)) letter.lost.push('the page warns that its text may be mangled');
    else if (!/^\[-- Type: .* --\]$/.test(line)) {
      if (line.trim() !== '') open = null;
      kept.push(line);
    }
  }
  lose();
  letter.body = kept.join('\n');
}

/** Some inboxes write `user@example•org`: the mark stands for a dot. */
function showAddresses(letter: Letter): void {
  const shown = (text: string) => text.replace(/@([\w-]{1,63})•(?=\w)/g, '@$1.');
  const given = letterOf({ ...letter, from: shown(letter.from), to: shown(letter.to), cc: shown(letter.cc), body: shown(letter.body) });
  if (given.from === letter.from && given.to === letter.to && given.cc === letter.cc && given.body === letter.body) return;
  Object.assign(letter, given);
  letter.lost.push('the page masks addresses (`user@host•org`); they are put together again');
}
