/** Headers of a mail: folded, in ASCII, and with nothing in them that a name or subject could add a header with. */
import type { Person } from '../model/series.ts';
import { bare } from './safe.ts';

/** Columns of a header line (RFC 5322 2.1.1). */
const WIDTH = 78;
/** Characters of an encoded word, with room for the name of the header before it (RFC 2047 2 allows 75). */
const LONGEST_WORD = 60;

/** `NAME: VALUE`, folded; the value's pieces are kept whole. */
export function header(name: string, pieces: readonly string[]): string {
  const lines: string[] = [];
  let line = `${name}:`;
  for (const piece of pieces) {
    if (line.length + 1 + piece.length > WIDTH && line !== `${name}:`) {
      lines.push(line);
      line = '';
    }
    line += ` ${piece}`;
  }
  return `${[...lines, line].join('\n')}\n`;
}

/** The pieces of a text without structure, as a subject is. What ASCII does not hold, or no fold can break, becomes encoded words (RFC 2047). */
export function textPieces(text: string): string[] {
  const words = bare(text)
    .split(' ')
    .filter(word => word !== '');
  return words.every(word => isAscii(word) && !word.includes('=?') && word.length < WIDTH - 1) ? words : encodedWords(words.join(' '));
}

/** The pieces of a list of people. One whose address is none is left out, and so is a second one of an address. */
export function peoplePieces(people: readonly Person[]): string[] {
  const sound = distinct(people.filter(person => isAddress(person.address)));
  return sound.flatMap((person, i) => {
    const pieces = personPieces(person);
    return pieces.map((piece, at) => (at === pieces.length - 1 && i < sound.length - 1 ? `${piece},` : piece));
  });
}

/** The people, each address once: the first, whatever the case of its letters. */
export function distinct(people: readonly Person[], known: readonly Person[] = []): Person[] {
  const seen = new Set(known.map(addressKey));
  return people.filter(person => {
    const key = addressKey(person);
    const first = !seen.has(key);
    seen.add(key);
    return first;
  });
}

function addressKey({ address }: Person): string {
  return address.toLowerCase();
}

/** A mail address as RFC 5321 4.1.2 has it, without quoted strings and in ASCII; of bounded length (RFC 5321 4.5.3.1). */
export function isAddress(address: string): boolean {
  return /^[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?$/.test(address);
}

/** `<ID>` of a Message-ID that is one, else null: with an `@`, in printable ASCII, on one line of a mail. */
export function idPiece(id: string): string | null {
  return /^[\x21-\x3b\x3d\x3f-\x7e]{1,450}@[\x21-\x3b\x3d\x3f-\x7e]{1,450}$/.test(id) ? `<${id}>` : null;
}

function personPieces({ name, address }: Person): string[] {
  const plain = bare(name);
  if (plain === '' || plain === address) return [address];
  const end = `<${address}>`;
  if (!isAscii(plain) || plain.includes('=?') || plain.length > LONGEST_WORD) return [...encodedWords(plain), end];
  // A phrase of atoms stands as it is (RFC 5322 3.2.3), any other in quotes.
  const phrase = /^[\w!#$%&'*+/=?^`{|}~ -]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`;
  return phrase.length + end.length < WIDTH - 2 ? [`${phrase} ${end}`] : [phrase, end];
}

/** Encoded words by the letter Q, with no character split over two and nothing in them that a phrase does not allow (RFC 2047 5). */
function encodedWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  for (const char of text) {
    const code = char === ' ' ? '_' : /[A-Za-z0-9!*+/-]/.test(char) ? char : bytesOf(char);
    if (word.length + code.length > LONGEST_WORD - OVERHEAD) {
      words.push(word);
      word = '';
    }
    word += code;
  }
  if (word !== '') words.push(word);
  return words.map(w => `=?UTF-8?q?${w}?=`);
}

const OVERHEAD = '=?UTF-8?q??='.length;
const utf8 = new TextEncoder();

function bytesOf(char: string): string {
  return [...utf8.encode(char)].map(byte => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
