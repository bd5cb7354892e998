/**
 * The moment that a Date header names (RFC 5322 3.3 with its obsolete forms), as ISO 8601 in UTC to the second; null where the text names
 * none. The day of the week, comments and unknown zones (RFC 5322 4.3: as `-0000`) are not looked at.
 */
export function readDate(text: string): string | null {
  const value = text.slice(0, MAX_LENGTH).replace(/\([^()]*\)/g, ' ');
  const written = /(\d{1,2})[ -]+([A-Za-z]{3})[A-Za-z]*[ -]+(\d{2,4})/.exec(value) ?? null;
  const american = written ? null : /([A-Za-z]{3})[A-Za-z]* +(\d{1,2})\b.*?\b(\d{4})\b/.exec(value);
  const numeric = written || american ? null : /\b(\d{4})-(\d{2})-(\d{2})\b/.exec(value);
  const clock = /(\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(value);
  if (!clock) return null;
  let year: number, month: number, day: number;
  if (written) [day, month, year] = [Number(written[1]), monthOf(written[2]), fullYear(written[3] ?? '')];
  else if (american) [day, month, year] = [Number(american[2]), monthOf(american[1]), Number(american[3])];
  else if (numeric) [day, month, year] = [Number(numeric[3]), Number(numeric[2]), Number(numeric[1])];
  else return null;
  const [hour, minute, second] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60 || year < 1970) return null;
  const zone = zoneMinutes(value.slice(clock.index + clock[0].length));
  return format(dayNumber(year, month, day) * 86_400 + hour * 3600 + (minute - zone) * 60 + second);
}

/** Seconds since 1970 of a date that `readDate` gave. */
export function secondsOf(iso: string): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = iso.split(/[-T:Z]/).map(Number);
  return dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

/** A longer one is no date, and the patterns below need not look at it. */
const MAX_LENGTH = 200;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const ZONES: Record<string, number> = {
  UT: 0,
  UTC: 0,
  GMT: 0,
  Z: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
};

function monthOf(name: string | undefined): number {
  return MONTHS.indexOf((name ?? '').toLowerCase()) + 1;
}

/** RFC 5322 4.3: two digits up to 49 are of this century, three digits count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2) return year < 50 ? year + 2000 : year + 1900;
  return digits.length === 3 ? year + 1900 : year;
}

function zoneMinutes(rest: string): number {
  const offset = /([+-])(\d{2}):?(\d{2})\b/.exec(rest);
  if (offset) return (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3]));
  const name = /\b([A-Z]{1,3})\b/.exec(rest)?.[1] ?? '';
  return (Object.hasOwn(ZONES, name) ? ZONES[name] : 0) ?? 0;
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
