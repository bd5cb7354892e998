import { decodeEntities } from './entities.ts';
import { type Letter, letterHeaders, letterOf, letterWith } from './letter.ts';
import { MAX_LOOK } from './limits.ts';
import { lineAt } from './lines.ts';
import { answers } from './pipermail.ts';
import type { Sheet } from './sheet.ts';

/**
 * The message on a page of hypermail or MHonArc, which both write what they know of it in comments: `<!-- subject="..." -->` and
 * `<!--X-Subject: ... -->`. A page of theirs that was saved as text is known by its head and foot. Null where the page is none.
 */
export function readHypermail(sheet: Sheet): Letter[] | null {
  const letter = sheet.isHtml ? (readMarks(sheet) ?? readExtended(sheet)) : readText(sheet.text);
  if (letter === null) return null;
  if (/@x{3,}|_at_|@\[hidden\]|\[email[ \xa0]protected\]/i.test(`${letter.from}\n${letter.body.slice(0, MAX_LOOK)}`))
    letter.lost.push('the page masks addresses');
  if (!/^re:/i.test(letter.subject) && letter.inReplyTo !== '' && answers(letter.body)) letter.subject = `Re: ${letter.subject}`;
  return [letter];
}

/** The address without what masks it; '' where nothing of the host is left. */
function addressOf(text: string): string {
  const plain = text.replace(/_at_/, '@').trim();
  return /^[^\s<>@]{1,100}@[^\s<>@]{1,200}$/.test(plain) ? plain : '';
}

/** A page of hypermail: comments `name="value"`, the body between two more. */
function readMarks(sheet: Sheet): Letter | null {
  const start = sheet.comments.find(comment => comment.text === 'body="start"');
  if (!start) return null;
  const value = (name: string): string => {
    const found = sheet.comments.find(comment => comment.at <= start.at && comment.text.startsWith(`${name}="`));
    return decodeEntities(found ? found.text.slice(name.length + 2).replace(/"$/, '') : '').trim();
  };
  const end = sheet.comments.find(comment => comment.text === 'body="end"')?.at ?? sheet.text.length;
  const head = letterHeaders(lines(sheet.text.slice(0, start.at)));
  const name = value('name') || (head.get('from') ?? '').replace(/[<(].*/, '').trim();
  const address = addressOf(value('email'));
  const id = addressOf(value('id'));
  return letterOf({
    from: name === '' && address === '' ? '' : `${name.replace(/[<>"@]/g, '') || address} <${address}>`,
    subject: value('subject') || sheet.title,
    date: head.get('date') ?? (value('sent') || value('received')),
    messageId: id,
    inReplyTo: addressOf(value('inreplyto')),
    body: sheet.text.slice(start.at, Math.max(start.at, end)).replace(/^\n+/, ''),
    lost: address === '' ? ['the page does not show the address of the sender'] : [],
  });
}

/** A page of MHonArc: comments `X-Name: value`, head and body between marks of their own. */
function readExtended(sheet: Sheet): Letter | null {
  const place = (text: string) => sheet.comments.find(comment => comment.text === text)?.at;
  const start = place('X-Body-of-Message');
  if (start === undefined) return null;
  const values = (name: string): string[] =>
    sheet.comments
      .filter(({ at, text }) => at <= start && text.startsWith(`X-${name}: `))
      .map(({ text }) => decodeEntities(text.slice(name.length + 4)).trim());
  const head = letterHeaders(lines(sheet.text.slice(place('X-Head-of-Message') ?? 0, Math.min(place('X-Head-of-Message-End') ?? start, start))));
  const references = values('Reference');
  const letter = letterWith(head, {
    subject: head.get('subject') || values('Subject')[0] || sheet.title,
    date: head.get('date') || values('Date')[0] || '',
    messageId: values('Message-Id')[0] ?? '',
    references,
    inReplyTo: references.at(-1) ?? '',
    body: sheet.text.slice(start, place('X-Body-of-Message-End') ?? sheet.text.length).replace(/^\n+/, ''),
  });
  if (letter.from === '') letter.from = turn(values('From-R13')[0] ?? '');
  if (!letter.from.includes('@')) letter.lost.push('the page does not show the address of the sender');
  return letter;
}

/** Text with its letters turned by 13, which MHonArc hides addresses with. */
function turn(text: string): string {
  return text.replace(/[A-Za-z]/g, char => {
    const base = char <= 'Z' ? 65 : 97;
    return String.fromCharCode(((char.charCodeAt(0) - base + 13) % 26) + base);
  });
}

/** The lines of a head, bounded. */
function lines(text: string): string[] {
  return text
    .slice(-MAX_LOOK)
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
}

const SORTED =
  /^[ \t]*(?:[*•] *)?(?:Messages sorted by:|This message:|Next message:|Previous message:|Next in thread:|In reply to:|Reply:|Maybe in reply to:|Contemporary messages sorted:|Related messages:|Mail actions:|Mail archives:|\[ )/i;
/** `Mon Jan 04 2021 - 09:26:03 EST`, as no other archive writes it. */
const DATE = /^date: +((?:[a-z]{3},? )?[a-z]{3} \d{1,2} \d{4} - \d\d:\d\d:\d\d(?: [a-z]{1,5})?)$/i;
const HEAD_LINES = 40;

/** The page saved as text: subject, `From:`, `Date:` in hypermail's own form, links to the neighbours, body, the links again. */
function readText(text: string): Letter | null {
  const above: string[] = [];
  let at = 0;
  let date: string | undefined;
  for (let n = 0; at < text.length && n < HEAD_LINES && date === undefined; n++) {
    const line = lineAt(text, at);
    at = line.end + 1;
    date = DATE.exec(line.text.trim())?.[1];
    if (line.text.trim() !== '') above.push(line.text.trim());
  }
  if (date === undefined) return null;
  const head = letterHeaders(above);
  const subject = head.get('subject') ?? above.find(line => !/^(?:from|date):|Archive\b.*\bby\b|^Hypermail/i.test(line)) ?? '';
  const from = (head.get('from') ?? '').replace(/\(([^()]*)_at_([^()]*)\)/, '<$1@$2>');
  // The links to the neighbours are the sign beside the date; the first run of them stands above the body, the last below it.
  let start = at;
  let seen = 0;
  for (let n = 0, place = at; place < text.length && n < HEAD_LINES; n++) {
    const line = lineAt(text, place);
    place = line.end + 1;
    if (SORTED.test(line.text)) {
      seen++;
      start = place;
    } else if (line.text.trim() !== '' && !/^\s*[_-]{10,}\s*$/.test(line.text)) break;
  }
  if (seen === 0) return null;
  let end = text.length;
  for (const words of ['\nThis archive was generated by ', '\nMessages sorted by:', '\nNext message:', '\nPrevious message:']) {
    for (const mark of [words, words.replace('\n', '\n    ')]) {
      const found = text.lastIndexOf(mark);
      if (found >= start - 1 && found < end) end = found + 1;
    }
  }
  return letterOf({
    subject,
    from,
    date,
    body: text.slice(start, Math.max(start, end)),
    lost: from.includes('@') ? [] : ['the page does not show the address of the sender'],
  });
}
