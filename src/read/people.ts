import type { Person } from '../model/series.ts';
import { saneName, squeeze } from './person.ts';
import { decodeWords } from './words.ts';

/** People of one header that are taken; longer lists are those of attacks. */
const MAX_PEOPLE = 1000;

/**
 * The people of a To, Cc or Reply-To header, in order (RFC 5322 3.4): the list is split before its encoded words are decoded, so that no name
 * can bring an address of its own. What has no address, as `undisclosed-recipients:;`, is left out. A name is as git has that of an author.
 */
export function readPeople(value: string): Person[] {
  const people: Person[] = [];
  for (const { text, comment, address } of mailboxes(value)) {
    if (!address.includes('@')) continue;
    const name = squeeze(decodeWords(text === '' ? comment : text).value).trim();
    people.push({ name: saneName(name, address), address });
    if (people.length === MAX_PEOPLE) break;
  }
  return people;
}

interface Mailbox {
  /** The phrase before an address in angle brackets, quotes taken off. */
  text: string;
  comment: string;
  address: string;
}

/** Cuts a list at its commas. Quoted strings, comments and the brackets of an address keep theirs; a group's name and its end are no mailbox. */
function* mailboxes(value: string): Generator<Mailbox> {
  let box: Mailbox = { text: '', comment: '', address: '' };
  let quoted = false;
  let depth = 0;
  let angle = false;
  let closed = false;
  const done = (): Mailbox => {
    const { text, comment, address } = box;
    box = { text: '', comment: '', address: '' };
    angle = closed = false;
    const plain = text.trim();
    return closed || address !== '' ? { text: plain, comment, address: address.trim() } : { text: '', comment, address: plain };
  };
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if ((quoted || depth > 0) && char === '\\') {
      const next = value.charAt(++at);
      if (depth > 0) box.comment += next;
      else if (angle) box.address += next;
      else box.text += next;
    } else if (quoted) {
      if (char === '"') quoted = false;
      else if (angle) box.address += char;
      else box.text += char;
    } else if (depth > 0) {
      if (char === '(') depth++;
      if (char === ')') depth--;
      if (depth > 0) box.comment += char;
    } else if (char === '"') quoted = true;
    else if (char === '(') depth = 1;
    else if (char === '<' && !angle) angle = true;
    else if (char === '>' && angle) {
      angle = false;
      closed = true;
    } else if (angle) box.address += char;
    else if (char === ',' || char === ';') yield done();
    else if (char === ':') box.text = '';
    else if (!closed) box.text += char;
  }
  yield done();
}
