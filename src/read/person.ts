import type { Person } from '../model/series.ts';

/**
 * The name and address of a From header whose encoded words are decoded, as git mailinfo reads them (handle_from): the text around the
 * first `@` is the address, what is left the name; a name that is empty, longer than 60 bytes or holds `@<>` gives way to the address.
 * Null where there is no address at all.
 */
export function readPerson(value: string): Person | null {
  const header = squeeze(value);
  let text = unquote(header);
  const at = text.indexOf('@');
  if (at < 0) return bogus(header);
  let start = at;
  while (start > 0) {
    const before = text.charAt(start - 1);
    if (/[ \t\n\v\f\r]/.test(before)) break;
    if (before === '<') {
      text = `${text.slice(0, start - 1)} ${text.slice(start)}`;
      break;
    }
    start--;
  }
  const length = text.slice(start).search(/[ \n\t\r\v\f>]/);
  const end = length < 0 ? text.length : start + length;
  const address = text.slice(start, end);
  let name = squeeze(text.slice(0, start) + text.slice(end + 1)).trim();
  if (name.startsWith('(') && name.endsWith(')')) name = name.slice(1, -1);
  return { name: saneName(name, address), address };
}

/** Runs of white space as one space: git's cleanup_space. */
export function squeeze(text: string): string {
  return text.replace(/[ \t\n\v\f\r]+/g, ' ');
}

const MAX_NAME_BYTES = 60;
const utf8 = new TextEncoder();

/** The name, or the address where a name is empty, longer than 60 bytes or holds `@<>` (git's get_sane_name). */
export function saneName(name: string, address: string): string {
  return name === '' || /[@<>]/.test(name) || utf8.encode(name).length > MAX_NAME_BYTES ? address : name;
}

/** `Name <local>`: an address without `@`. */
function bogus(header: string): Person | null {
  const open = header.indexOf('<');
  const close = open < 0 ? -1 : header.indexOf('>', open);
  if (close < 0) return null;
  const address = header.slice(open + 1, close);
  return { name: saneName(header.slice(0, open).trim(), address), address };
}

/** Quoted strings without their quotes, quoted pairs without the backslash; comments stay, with their parentheses (RFC 5322 3.2). */
function unquote(text: string): string {
  let out = '';
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quoted || depth > 0) {
      if (char === '\\') {
        out += text.charAt(++at);
        continue;
      }
      if (quoted && char === '"') {
        quoted = false;
        continue;
      }
      if (depth > 0 && char === '(') depth++;
      if (depth > 0 && char === ')') depth--;
      out += char;
    } else if (char === '"') quoted = true;
    else {
      if (char === '(') depth = 1;
      out += char;
    }
  }
  return out;
}
