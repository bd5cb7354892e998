/**
 * The moment that a Date header names, as ISO 8601 in UTC to the second; null where the text names none. Read word by word as git does
 * (date.c, parse_date_basic), so in any order that a mailer has come up with, ctime's among them, and in the forms of RFC 5322 3.3 and 4.3.
 * Where git takes the zone of the machine, as for a name that it does not know, this takes UTC, as RFC 5322 4.3 has it.
 */
export function readDate(text: string): string | null {
  const date: PartialDate = { year: -1, month: -1, day: -1, hour: -1, minute: -1, second: -1, offset: null, isUtc: false };
  const value = text.slice(0, MAX_LENGTH);
  for (let at = 0; at < value.length && value.charAt(at) !== '\n'; ) {
    const first = value.charCodeAt(at);
    if (isLetter(first)) at += readWord(value, at, date);
    else if (isDigit(first)) at += readNumber(value, at, date);
    else if ((first === PLUS || first === MINUS) && date.hour >= 0 && isDigit(value.charCodeAt(at + 1))) at += readZone(value, at, date);
    else at++;
  }
  const { year, month, day, hour, minute, second, offset } = date;
  if (year < 1970 || year > 2099 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return null;
  const seconds = dayNumber(year, month + 1, day) * 86_400 + hour * 3600 + (minute - (date.isUtc ? 0 : (offset ?? 0))) * 60 + second;
  return seconds < 0 ? null : format(seconds);
}

/** Seconds since 1970 of a date that `readDate` gave. */
export function secondsOf(iso: string): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = iso.split(/[-T:Z]/).map(Number);
  return dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

/** A date on its way; -1 where nothing was said yet. Months count from 0, the offset is in minutes. */
interface PartialDate {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  offset: number | null;
  /** It was given as seconds since 1970: no zone moves it. */
  isUtc: boolean;
}

/** A longer one is no date. */
const MAX_LENGTH = 200;
const PLUS = 43;
const MINUS = 45;

/** Words by each of their beginnings from the third letter on, as git knows them; the first of two wins. */
function beginnings<T>(words: [string, T][]): Map<string, T> {
  const known = new Map<string, T>();
  for (const [word, value] of words)
    for (let length = Math.min(3, word.length); length <= word.length; length++) {
      const key = word.slice(0, length).toLowerCase();
      if (!known.has(key)) known.set(key, value);
    }
  return known;
}

const MONTHS = beginnings(
  'January February March April May June July August September October November December'.split(' ').map((name, at): [string, number] => [name, at]),
);
const WEEKDAYS = beginnings('Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ').map((name): [string, true] => [name, true]));
/** Hours east of Greenwich, summer time counted in: git's table, AST as it stands there. Those of the last line git does not know. */
const ZONES = beginnings(
  [
    'IDLW-12 NT-11 CAT-10 HST-10 HDT-9 YST-9 YDT-8 PST-8 PDT-7 MST-7 MDT-6 CST-6 CDT-5 EST-5 EDT-4 AST-3 ADT-2 WAT-1 GMT+0 UTC+0 Z+0 WET+0',
    'BST+1 CET+1 MET+1 MEWT+1 MEST+2 CEST+2 MESZ+2 FWT+1 FST+2 EET+2 EEST+3 WAST+7 WADT+8 CCT+8 JST+9 EAST+10 EADT+11 GST+10 NZT+12 NZST+12',
    'NZDT+13 IDLE+12',
    'UT+0 WEST+1 MSK+3 AEST+10 AEDT+11',
  ]
    .join(' ')
    .split(' ')
    .map((zone): [string, number] => [zone.replace(/[+-]\d+$/, ''), Number(/[+-]\d+$/.exec(zone)?.[0])]),
);

/** git's match_alpha: a month, a day of the week, a zone by name, AM or PM; any other word is passed over. Gives how far it read. */
function readWord(text: string, at: number, date: PartialDate): number {
  let end = at;
  while (isLetter(text.charCodeAt(end)) || isDigit(text.charCodeAt(end))) end++;
  const word = text.slice(at, end).toLowerCase();
  const month = MONTHS.get(word);
  const zone = ZONES.get(word);
  if (month !== undefined) date.month = month;
  else if (WEEKDAYS.has(word)) return word.length;
  else if (zone !== undefined) date.offset ??= zone * 60;
  else if (word === 'pm' || word === 'am') date.hour = (Math.max(date.hour, 0) % 12) + (word === 'pm' ? 12 : 0);
  else {
    let letters = at;
    while (isLetter(text.charCodeAt(letters))) letters++;
    // ISO 8601 has the time behind a T.
    return letters - at;
  }
  return word.length;
}

/** git's match_digit: a time or date of several numbers, or what a single one can mean by its length and by what is known already. */
function readNumber(text: string, at: number, date: PartialDate): number {
  const [whole = ''] = /^\d+/.exec(text.slice(at)) ?? [];
  const { length } = whole;
  const number = Number(whole);
  if (number >= 100_000_000 && date.year < 0 && date.month < 0 && date.day < 0 && date.hour < 0) {
    // Seconds since 1970.
    setSeconds(date, number);
    return length;
  }
  const [several, separator = '', second = '', third] = /^\d+([:/.-])(\d+)(?:\1(\d+))?/.exec(text.slice(at)) ?? [];
  if (several !== undefined) {
    const [b, c] = [Number(second), third === undefined ? -1 : Number(third)];
    if (separator === ':' ? setTime(date, number, b, Math.max(c, 0)) : setNumbers(date, number, b, c, separator === '.')) {
      const fraction = separator === ':' ? /^\.\d+/.exec(text.slice(at + several.length))?.[0].length : undefined;
      return several.length + (date.day >= 0 ? (fraction ?? 0) : 0);
    }
  }
  if (length === 8 || length === 6) {
    const parts: [number, number, number] = [Math.floor(number / 10_000), Math.floor(number / 100) % 100, number % 100];
    if (length === 8) setDate(date, ...parts);
    else setTime(date, ...parts);
    return length;
  }
  if (length === 4) {
    if (number <= 1400 && date.offset === null) date.offset = Math.floor(number / 100) * 60 + (number % 100);
    else if (number > 1900 && number < 2100) date.year = number;
    return length;
  }
  if (length <= 2 && number > 0 && number < 32 && date.day < 0) date.day = number;
  // RFC 5322 4.3, beyond git: two digits up to 49 are of this century, three count from 1900.
  else if ((length === 2 || length === 3) && date.year < 0 && date.day >= 0 && date.month >= 0)
    date.year = number + (length === 2 && number < 50 ? 2000 : 1900);
  else if (length === 2 && date.year < 0 && (number >= 70 || (number < 10 && date.day >= 0))) date.year = number + (number < 10 ? 2000 : 1900);
  else if (length <= 2 && number > 0 && number < 13 && date.month < 0) date.month = number - 1;
  return length;
}

/** git's match_tz: `+hhmm`, `+hh:mm` or `+hh`. */
function readZone(text: string, at: number, date: PartialDate): number {
  const [whole = '', sign, hour, minute = '0'] = /^([+-])(\d\d)(?::?(\d\d))?(?!\d)/.exec(text.slice(at)) ?? [];
  if (hour === undefined) return /^.\d+/.exec(text.slice(at))?.[0].length ?? 1;
  if (Number(minute) < 60 && Number(hour) < 24) date.offset = (sign === '-' ? -1 : 1) * (Number(hour) * 60 + Number(minute));
  return whole.length;
}

/** `2025-07-24`, `7/24/2025`, `24.7.25`: git's match_multi_number, but for its look at today's date. */
function setNumbers(date: PartialDate, a: number, b: number, c: number, hasDots: boolean): boolean {
  if (a > 70 && (setDate(date, a, b, c) || setDate(date, a, c, b))) return true;
  return (!hasDots && setDate(date, c, a, b)) || setDate(date, c, b, a) || (hasDots && setDate(date, c, a, b));
}

function setDate(date: PartialDate, year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > 31) return false;
  const full = year >= 1970 && year < 2100 ? year : year > 70 && year < 100 ? year + 1900 : year >= 0 && year < 38 ? year + 2000 : -1;
  if (full < 0) return false;
  Object.assign(date, { year: full, month: month - 1, day });
  return true;
}

/** A minute may have a 61st second. */
function setTime(date: PartialDate, hour: number, minute: number, second: number): boolean {
  if (hour > 24 || minute > 59 || second > 60) return false;
  Object.assign(date, { hour, minute, second });
  return true;
}

function setSeconds(date: PartialDate, seconds: number): void {
  const [year = -1, month = 0, day = -1, hour = -1, minute = -1, second = -1] = format(seconds)
    .split(/[-T:Z]/)
    .map(Number);
  Object.assign(date, { year, month: month - 1, day, hour, minute, second, isUtc: true });
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

/** Days since 1970-01-01 in the Gregorian calendar, counting years from March so that the leap day comes last. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const inEra = y - era * 400;
  const inYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return era * 146_097 + inEra * 365 + Math.floor(inEra / 4) - Math.floor(inEra / 100) + inYear - 719_468;
}

function format(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const inEra = z - era * 146_097;
  const yearOfEra = Math.floor((inEra - Math.floor(inEra / 1460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096)) / 365);
  const inYear = inEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * inYear + 2) / 153);
  const day = inYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}Z`;
}
