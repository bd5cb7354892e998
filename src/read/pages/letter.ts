import { MAX_VALUE } from './limits.ts';

/** A message as a page shows it. Header values are decoded and without line ends; '' where the page does not show one. */
export interface Letter {
  from: string;
  to: string;
  cc: string;
  subject: string;
  date: string;
  /** Ids without `<` and `>`. */
  messageId: string;
  inReplyTo: string;
  references: string[];
  /** The place on the page of the letter that it answers, from 0; null where In-Reply-To says so, or nothing does. */
  answers: number | null;
  body: string;
  /** What the page has lost or changed, one sentence each. */
  lost: string[];
  /** The body is the mail's own to the last blank, so that nothing in it needs mending. */
  exact: boolean;
  /** No mail at all: it has no Message-ID to be missed. */
  isCommit: boolean;
}

/** A letter of these words and nothing else. */
export function letterOf(given: Partial<Letter>): Letter {
  return {
    from: '',
    to: '',
    cc: '',
    subject: '',
    date: '',
    messageId: '',
    inReplyTo: '',
    references: [],
    answers: null,
    body: '',
    lost: [],
    exact: false,
    isCommit: false,
    ...given,
  };
}

/** A letter as the mail that it was, UTF-8 throughout, for the ordinary reader. */
export function mailOf(letter: Letter): Uint8Array {
  const ids = (list: string[]) => list.map(id => `<${id}>`).join(' ');
  const headers: [string, string][] = [
    ['From', senderOf(letter.from)],
    ['To', letter.to],
    ['Cc', letter.cc],
    ['Subject', letter.subject],
    ['Date', letter.date],
    ['Message-ID', ids(letter.messageId === '' ? [] : [letter.messageId])],
    ['In-Reply-To', ids(letter.inReplyTo === '' ? [] : [letter.inReplyTo])],
    ['References', ids(letter.references)],
    ['MIME-Version', '1.0'],
    ['Content-Type', 'text/plain; charset=UTF-8'],
    ['Content-Transfer-Encoding', '8bit'],
  ];
  const head = headers.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${oneLine(value)}\n`);
  return new TextEncoder().encode(`${head.join('')}\n${letter.body.endsWith('\n') ? letter.body : `${letter.body}\n`}`);
}

/** The header lines at the start of a page's head: names in lower case; a folded line, and one that is broken within addresses, is joined. */
export function letterHeaders(lines: string[]): Map<string, string> {
  const found = new Map<string, string>();
  let last = '';
  for (const line of lines) {
    const [, name, value] = /^([A-Za-z][A-Za-z-]{1,40}):[ \t]*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !(last !== '' && /^[ \t]/.test(line))) {
      last = name.toLowerCase();
      if (found.has(last)) last = '';
      else found.set(last, value.trim());
    } else if (last !== '') found.set(last, `${found.get(last) ?? ''} ${line.trim()}`.slice(0, MAX_VALUE));
  }
  return found;
}

/** A letter with the headers that `headersOf` found. */
export function letterWith(headers: Map<string, string>, given: Partial<Letter>): Letter {
  const value = (name: string) => headers.get(name) ?? '';
  return letterOf({
    from: value('from'),
    to: value('to'),
    cc: value('cc'),
    subject: value('subject'),
    date: value('date'),
    messageId: idsIn(value('message-id'))[0] ?? '',
    inReplyTo: idsIn(value('in-reply-to'))[0] ?? '',
    references: idsIn(value('references')),
    ...given,
  });
}

/** The message-ids in a text, without their angle brackets. */
export function idsIn(text: string): string[] {
  return [...text.slice(0, MAX_VALUE).matchAll(/<([^<>\s]{1,900})>/g)].flatMap(([, id]) => id ?? []);
}

/** The message-id at the end of a link to a message: its last part, decoded; '' where it is none. */
export function idOfLink(href: string): string {
  const path = href.split(/[?#]/, 1)[0] ?? '';
  const id = decodePercents(path.replace(/\/+$/, '').split('/').at(-1) ?? '');
  return /^[^\s<>]{1,900}$/.test(id) && id.includes('@') ? id : '';
}

/** `%40` and the like decoded, where the whole is UTF-8. */
export function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A From of a name alone needs brackets to be read as one. */
function senderOf(from: string): string {
  return from === '' || from.includes('@') || from.includes('<') ? from : `${from} <>`;
}

function oneLine(value: string): string {
  return value.replace(/[\r\n\0]+/g, ' ').slice(0, MAX_VALUE);
}
