/**
 * File names in diff headers, by the rules of git apply (find_name and its kin in apply.c). `line` is what follows the keyword, with its
 * line feed; `strip` is the number of leading path components to take off. Names come back raw, not C-quoted; null where there is none.
 */
export function nameAt(line: string, strip: number, terminators: string, fallback: string | null = null): string | null {
  if (line.startsWith('"')) {
    const quoted = quotedName(line, strip);
    if (quoted !== null) return quoted;
  }
  return plainName(line, fallback, strip, null, terminators);
}

/** The name on a `---` or `+++` line of a diff that is not git's: a time stamp behind it, in any of the forms of GNU and POSIX diff, goes. */
export function traditionalName(line: string, fallback: string | null, strip: number): string | null {
  if (line.startsWith('"')) {
    const quoted = quotedName(line, strip);
    if (quoted !== null) return quoted;
  }
  const newline = line.indexOf('\n');
  const text = newline < 0 ? line : line.slice(0, newline);
  const stamp = stampLength(text);
  return stamp === 0 ? plainName(line, fallback, strip, null, '\t') : plainName(line, fallback, strip, text.length - stamp, '');
}

/** The name that stands twice, alike, in `diff --git a/NAME b/NAME`; null for a rename, whose names are told by lines of their own. */
export function gitHeaderName(rest: string, strip: number): string | null {
  const end = rest.endsWith('\n') ? rest.length - 1 : rest.length;
  if (rest.startsWith('"')) {
    const first = unquote(rest, 0);
    if (!first) return null;
    const name = stripped(first.value, strip);
    if (name === null) return null;
    let at = first.end;
    while (at < end && isSpace(rest.charCodeAt(at))) at++;
    if (at >= end) return null;
    if (rest.charAt(at) === '"') {
      const second = unquote(rest, at);
      return second && stripped(second.value, strip) === name ? name : null;
    }
    return stripped(rest.slice(at), strip)?.replace(/\n$/, '') === name ? name : null;
  }
  const skip = skipComponents(rest, 0, rest.length, strip);
  if (skip < 0) return null;
  const quote = rest.indexOf('"', skip);
  if (quote >= 0) {
    const second = unquote(rest, quote);
    const name = second ? stripped(second.value, strip) : null;
    if (name === null) return null;
    return name.length < quote - skip && rest.startsWith(name, skip) && isSpace(rest.charCodeAt(skip + name.length)) ? name : null;
  }
  if (!rest.endsWith('\n') || rest.length > MAX_NAMES) return null;
  for (let at = skip; at < end; at++) {
    const code = rest.charCodeAt(at);
    if (code !== 32 && code !== 9) continue;
    const second = skipComponents(rest, at + 1, end, strip);
    if (second < 0) continue;
    const length = at - skip;
    if (second + length === end && rest.slice(skip, at) === rest.slice(second, end)) return rest.slice(skip, at);
  }
  return null;
}

/** Whether the rest of a `---` or `+++` line is /dev/null. */
export function isDevNull(line: string): boolean {
  return line.startsWith('/dev/null') && isSpace(line.charCodeAt(9));
}

/** Whether the line's time stamp is the epoch, by which GNU diff marks a file that is not there. */
export function hasEpochStamp(line: string): boolean {
  const newline = line.indexOf('\n');
  const text = newline < 0 ? line : line.slice(0, newline);
  const [, day, hour, minute, sign, zoneHour, zoneMinute] =
    /^(1969-12-31|1970-01-01) ([0-2]\d):([0-5]\d):00(?:\.0+)? ([-+])([0-2]\d):?([0-5]\d)$/.exec(text.slice(text.lastIndexOf('\t') + 1)) ?? [];
  if (day === undefined || !text.includes('\t')) return false;
  const offset = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1);
  return Number(hour) * 60 + Number(minute) - offset === (day === '1969-12-31' ? 24 * 60 : 0);
}

/** Two paths of PATH_MAX; each blank of a longer line would have to be tried as the place where they part. */
const MAX_NAMES = 8300;
const utf8 = new TextEncoder();
const text8 = new TextDecoder('utf-8');
const ESCAPES: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92, '"': 34 };

/** A C-quoted string that starts at `at` (git's unquote_c_style), and the place past its closing quote. */
function unquote(text: string, at: number): { value: string; end: number } | null {
  const bytes: number[] = [];
  for (let i = at + 1; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '"') return { value: text8.decode(new Uint8Array(bytes)), end: i + 1 };
    if (char === '\n') return null;
    if (char !== '\\') {
      const code = text.charCodeAt(i);
      if (code < 0x80) bytes.push(code);
      else {
        const whole = String.fromCodePoint(text.codePointAt(i) ?? 0xfffd);
        bytes.push(...utf8.encode(whole));
        i += whole.length - 1;
      }
      continue;
    }
    const escaped = text.charAt(++i);
    const octal = /^[0-3][0-7]{2}/.exec(text.slice(i, i + 3))?.[0];
    const known = Object.hasOwn(ESCAPES, escaped) ? ESCAPES[escaped] : undefined;
    if (octal !== undefined) {
      bytes.push(Number.parseInt(octal, 8));
      i += 2;
    } else if (known !== undefined) bytes.push(known);
    else return null;
  }
  return null;
}

function quotedName(line: string, strip: number): string | null {
  const read = unquote(line, 0);
  if (!read) return null;
  let at = 0;
  for (let left = strip; left > 0; left--) {
    at = read.value.indexOf('/', at) + 1;
    if (at === 0) return null;
  }
  return squash(read.value.slice(at));
}

/** git's find_name_common: up to `end`, or to the line's end or a space that terminates; the shorter of two names that differ by a tail. */
function plainName(line: string, fallback: string | null, strip: number, end: number | null, terminators: string): string | null {
  let left = strip;
  let start = strip === 0 ? 0 : -1;
  let at = 0;
  for (; at !== end && at < line.length; at++) {
    const char = line.charAt(at);
    if (end === null && isSpace(line.charCodeAt(at))) {
      if (char === '\n' || (char !== ' ' && char !== '\t') || terminators.includes(char)) break;
    }
    if (char === '/' && --left === 0) start = at + 1;
  }
  if (start < 0 || at <= start) return fallback === null ? null : squash(fallback);
  const name = line.slice(start, at);
  return squash(fallback !== null && fallback.length < name.length && name.startsWith(fallback) ? fallback : name);
}

function squash(name: string): string {
  return name.includes('//') ? name.replace(/\/{2,}/g, '/') : name;
}

function stripped(name: string, strip: number): string | null {
  const at = skipComponents(name, 0, name.length, strip);
  return at < 0 ? null : name.slice(at);
}

/** git's skip_tree_prefix: past `strip` components; -1 where there are fewer, or the path is absolute. */
function skipComponents(text: string, from: number, end: number, strip: number): number {
  if (strip === 0) return text.charAt(from) === '/' && end > from ? -1 : from;
  if (strip === 1) {
    const slash = text.indexOf('/', from);
    return slash < 0 || slash >= end || slash === from ? -1 : slash + 1;
  }
  let left = strip;
  for (let at = from; at < end; at++) if (text.charAt(at) === '/' && --left <= 0) return at === from ? -1 : at + 1;
  return -1;
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** Length of the time stamp at the end of `text`, the blank before it included; 0 where there is none (git's diff_timestamp_len). */
function stampLength(text: string): number {
  if (!/\d$/.test(text)) return 0;
  let rest = text.slice(-MAX_STAMP);
  const cut = text.length - rest.length;
  rest = rest.replace(/ [+-]\d{2}:?\d{2}$/, '');
  rest = rest.replace(/ \d\d:\d\d:\d\d(?:\.\d+)?$/, '');
  const dated = rest.replace(/(?:\d\d)?\d\d-\d\d-\d\d$/, '');
  if (dated === rest || (dated === '' && cut === 0)) return 0;
  let end = cut + dated.length;
  const before = text.charAt(end - 1);
  if (before === '\t') return text.length - end + 1;
  if (before !== ' ') return 0;
  while (end > 0 && text.charAt(end - 1) === ' ') end--;
  return text.length - end;
}

/** A time stamp with nanoseconds and zone is 35 characters. */
const MAX_STAMP = 80;
