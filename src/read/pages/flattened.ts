import { idsIn, type Letter, letterHeaders, letterOf } from './letter.ts';
import { MAX_FLAT_HEAD } from './limits.ts';

/**
 * A mail that was copied from a page, or put through an extractor, so that all its lines are one: its headers are found by name, and the
 * body as far as one line can give it. Null where the text is none: a mail has From, Subject and Date each at the start of a line.
 */
export function readFlattened(text: string): Letter | null {
  if (!isFlattened(text)) return null;
  const head = text.slice(0, MAX_FLAT_HEAD);
  const labels = [...head.matchAll(LABEL)].flatMap(({ index, 0: { length }, 1: name }) =>
    name !== undefined && isKnown(name.toLowerCase()) ? [{ name: name.toLowerCase(), start: index, end: index + length }] : [],
  );
  const values = new Map<string, string>();
  let body = text.length;
  for (const [at, label] of labels.entries()) {
    const next = labels[at + 1]?.start ?? head.length;
    const single = SINGLE[label.name];
    let value = head.slice(label.end, next).trim();
    if (single !== undefined && (value !== '' || at === labels.length - 1)) {
      // What such a header holds ends by itself; words behind it that are no header are the body.
      const length = single.exec(head.slice(label.end, Math.min(next, label.end + MAX_SINGLE)))?.[0].length ?? 0;
      const rest = head.slice(label.end + length, next);
      value = head.slice(label.end, label.end + length).trim();
      if (rest.trim() !== '' && NEEDED.every(name => values.has(name.toLowerCase()) || name.toLowerCase() === label.name)) {
        values.set(label.name, value);
        body = label.end + length;
        break;
      }
    }
    // git's rule for two of a name; the trace headers stand above those of the sender.
    if (!values.has(label.name)) values.set(label.name, value);
  }
  const found = letterHeaders([...values].map(([name, value]) => `${name}: ${value}`));
  const value = (name: string) => found.get(name) ?? '';
  const letter = letterOf({
    from: value('from'),
    to: value('to'),
    cc: value('cc'),
    subject: value('subject'),
    date: value('date'),
    messageId: idsIn(value('message-id'))[0] ?? '',
    inReplyTo: idsIn(value('in-reply-to'))[0] ?? '',
    references: idsIn(value('references')),
    body: text.slice(body).trim(),
    lost: ['all lines of the mail are joined into one; its headers are found by name, and where lines of its body end is lost'],
  });
  if (letter.body === '') letter.lost.push('where its headers end is not to be seen');
  if (letter.from !== '' && !letter.from.includes('@')) letter.lost.push('the page does not show the address of the sender');
  if (/ diff --git a\//.test(letter.body)) letter.lost.push('a diff in it cannot be read without its lines');
  return letter;
}

/** Whether the first line has the headers that each start a line in a mail. */
export function isFlattened(text: string): boolean {
  const newline = text.indexOf('\n');
  const line = text.slice(0, Math.min(newline < 0 ? text.length : newline, MAX_FLAT_HEAD));
  if (line.length < MIN_LENGTH || !/^[A-Za-z][A-Za-z-]{1,40}: /.test(line)) return false;
  if (!NEEDED.every(name => line.startsWith(`${name}: `) || line.includes(` ${name}: `))) return false;
  // A header that is long and quotes others does not make its mail one line.
  const rest = `\n${text.slice(newline < 0 ? text.length : newline + 1, MAX_FLAT_HEAD)}`;
  return !NEEDED.some(name => rest.includes(`\n${name}: `));
}

function isKnown(name: string): boolean {
  return KNOWN.has(name) || EXTENSION.test(name);
}

const MIN_LENGTH = 100;
const NEEDED = ['From', 'Subject', 'Date'];
const LABEL = /(?:^|[ \t])([A-Z][A-Za-z0-9-]{1,60}):(?=[ \t])/g;
/** Names of mail's headers; any other word before a colon is text. */
const KNOWN = new Set(
  'from to cc bcc subject date message-id in-reply-to references reply-to sender received received-spf return-path delivered-to authentication-results dkim-signature domainkey-signature mime-version content-type content-transfer-encoding content-disposition content-language content-length user-agent precedence organization autocrypt errors-to lines status mail-followup-to importance priority thread-topic thread-index accept-language feedback-id'.split(
    ' ',
  ),
);
const EXTENSION = /^(?:x|arc|list)-./;

/** Headers whose value ends by itself, and how. */
const WORD = /^[ \t]*[^\s]+/;
const SINGLE: Record<string, RegExp> = {
  'x-mailing-list': WORD,
  precedence: WORD,
  'mime-version': /^[ \t]*\d\.\d(?: \([^()]{0,80}\))?/,
  'content-type': /^[ \t]*[^\s;]+(?:;[ \t]*[a-zA-Z-]{1,40}=(?:"[^"]{0,200}"|[^\s;"]{1,200}))*;?/,
  'content-transfer-encoding': WORD,
  'content-disposition': /^[ \t]*[^\s;]+(?:;[ \t]*[a-zA-Z-]{1,40}=(?:"[^"]{0,200}"|[^\s;"]{1,200}))*;?/,
  'content-language': WORD,
  'message-id': /^[ \t]*<[^<>]{1,900}>/,
  'in-reply-to': /^[ \t]*<[^<>]{1,900}>/,
  references: /^(?:[ \t]*<[^<>]{1,900}>)+/,
  date: /^[ \t]*[A-Za-z]{3},[ \t]+\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)? [+-]\d{4}(?: \([A-Za-z ]{1,30}\))?/,
  'list-id': /^[ \t]*<?[\w.@-]+>?/,
  lines: WORD,
};
/** Characters of such a value. */
const MAX_SINGLE = 20_000;
