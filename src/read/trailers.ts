import type { Person, Trailer } from '../model/series.ts';
import { squeeze } from './person.ts';

/** The commit message without its last block of trailers, and those trailers in order (git interpret-trailers; keys as they stand). */
export function readTrailers(message: string): { log: string; trailers: Trailer[] } {
  const whole = message.trim();
  const start = whole.lastIndexOf('\n\n') + 1;
  const lines = whole.slice(start === 0 ? 0 : start + 1).split('\n');
  const trailers: Trailer[] = [];
  for (const line of lines) {
    const found = parseTrailer(line);
    const last = trailers.at(-1);
    if (found) trailers.push(found);
    else if (last && /^\s+\S/.test(line)) last.value = `${last.value} ${line.trim()}`;
    // `[name: what was changed]` stands between sign-offs; other lines make it a paragraph of the log.
    else if (!/^\[.*\]?$/.test(line) && trailers.length * 4 < lines.length * 3) return { log: whole, trailers: [] };
  }
  return trailers.length === 0 ? { log: whole, trailers } : { log: whole.slice(0, start).trim(), trailers };
}

/** A trailer that a reply gives, and the address in it: null where it names no one (`Fixes:`, `Link:`). */
export interface GivenTrailer extends Trailer {
  person: Person | null;
}

/**
 * The trailers that a reply gives, by b4's rules (find_trailers with followup): any line `Key: value` outside quotes and above the
 * signature that names a person or a commit; not what mailers and patch headers write in that form. A trailer folded into the next line is
 * joined.
 */
export function givenTrailers(body: string): GivenTrailer[] {
  const end = body.indexOf('\n-- \n');
  const text = (end < 0 ? body : body.slice(0, end)).trim();
  // Most replies give none; this is the one thing that every accepted line has.
  if (!text.includes(': ') && !text.includes(':\t')) return [];
  const found: GivenTrailer[] = [];
  const lines = text.split('\n');
  /** Headers such as From count only above all else. */
  let others = false;
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? '').replace(/\r/g, '');
    const first = line.charCodeAt(0);
    if (first === GREATER || line.length > MAX_LINE) {
      others = true;
      continue;
    }
    const parsed = /^\s*(\w\S{1,80}):\s+(\S.*)/.exec(line);
    if (!parsed) {
      others = true;
      continue;
    }
    const [, key = '', rest = ''] = parsed;
    const next = (lines[at + 1] ?? '').replace(/\r/g, '');
    const folded = (/^[\da-f]+\s+\([^)]+$/.test(rest) && next.includes(')')) || (!rest.includes('<') && /^<[^>]+>$/.test(next));
    if (folded) at++;
    const name = key.toLowerCase();
    if (IGNORED.has(name) || (HEADERS.has(name) && others)) continue;
    const value = (folded ? `${rest} ${next}` : rest).trimEnd();
    const isPerson = ADDRESS.test(value);
    if (!isPerson && !IMPERSONAL.has(name)) continue;
    if (/https?:\/\//.test(value) && !LINKS.has(name)) continue;
    if (METADATA.has(name)) continue;
    // `[what was changed]` on the line below belongs to the trailer.
    const remark = /^\s*\[[^\]]+\]\s*$/.test(lines[at + 1] ?? '') ? ` ${(lines[++at] ?? '').trim()}` : '';
    const hash = value.lastIndexOf('#');
    const noted = hash > 0 && /\s/.test(value.charAt(hash - 1)) && hash < value.length - 1;
    const bare = (noted ? value.slice(0, hash) : value).replace(/<mailto:[^>]*>/g, '').trim();
    const person = isPerson && !UTILITY.has(name) && !value.includes('://') ? personOf(bare) : null;
    const note = (noted ? ` ${value.slice(hash)}` : '') + remark;
    found.push({ key, value: (person && person.name === '' ? person.address : bare) + note, person });
  }
  return found;
}

/**
 * Whether the sender of a mail is the one that a trailer in it names, as b4 decides: the addresses agree, a `+word` or one part of the
 * domain aside, or the names do.
 */
export function isOfSender(person: Person, sender: Person): boolean {
  if (sameAddress(person.address.toLowerCase(), sender.address.toLowerCase())) return true;
  const [given, own] = [person.name.toLowerCase(), sender.name.toLowerCase()];
  // b4 takes any name for one that it finds as `Last, First` in the header.
  return given === own || own.indexOf(',') > 0;
}

/** `Key: Name <user at host>` with its address put together again; other text may mean what it says. */
export function showTrailers(body: string): string {
  return body.replace(/^([> ]{0,20}[A-Z][A-Za-z-]{1,40}: [^<>\n]{0,120}<[^<>@\s]{1,80}) at ([\w-]+(?:\.[\w-]+)+>)/gm, '$1@$2');
}

/** `Key: value`; null where the line is none. */
function parseTrailer(line: string): Trailer | null {
  const [, key, value] = /^([A-Za-z][A-Za-z0-9-]{1,60}):\s+(\S.*)$/.exec(line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line) ?? [];
  return key === undefined || value === undefined ? null : { key, value: value.trimEnd() };
}

const GREATER = 62;
/** An address, roughly, as b4 has it; no second `@` in it, or long runs of them would be looked at over and over. */
const ADDRESS = /\S@[^\s@]+\.\S/;
/** A trailer is shorter, and the patterns need not look at more. */
const MAX_LINE = 2000;
const IGNORED = new Set(['phone', 'mail', 'email', 'e-mail', 'prerequisite-message-id']);
const HEADERS = new Set(['subject', 'date', 'from']);
const LINKS = new Set(['link', 'buglink', 'closes']);
const IMPERSONAL = new Set([...LINKS, 'fixes', 'subject', 'date', 'obsoleted-by', 'change-id', 'base-commit']);
const UTILITY = new Set(['fixes', 'link', 'buglink', 'closes', 'obsoleted-by', 'message-id', 'change-id', 'base-commit', 'based-on']);
/** What belongs to a patch or a mail rather than to a review of it. */
const METADATA = new Set(['from', 'author', 'cc', 'to', 'date', 'subject', 'subscribe', 'unsubscribe', 'base-commit', 'change-id']);

function personOf(value: string): Person | null {
  const close = value.lastIndexOf('>');
  const open = value.lastIndexOf('<', close);
  if (open >= 0 && close > open + 1)
    return {
      name: squeeze(value.slice(0, open))
        .trim()
        .replace(/^"(.*)"$/, '$1'),
      address: value.slice(open + 1, close).trim(),
    };
  const word = value.split(/\s+/).find(part => ADDRESS.test(part));
  return word === undefined ? null : { name: '', address: word };
}

function sameAddress(left: string, right: string): boolean {
  if (left === right) return true;
  const [a, b] = [left, right].map(address => address.replace(/\+[^@]*(?=@)/, ''));
  if (a === undefined || b === undefined || !a.includes('@') || !b.includes('@')) return false;
  if (a === b) return true;
  const [localA, domainA] = halves(a);
  const [localB, domainB] = halves(b);
  if (localA !== localB || Math.abs(domainA.split('.').length - domainB.split('.').length) !== 1) return false;
  return domainA.endsWith(`.${domainB}`) || domainB.endsWith(`.${domainA}`);
}

function halves(address: string): [string, string] {
  const at = address.indexOf('@');
  return [address.slice(0, at), address.slice(at + 1)];
}
