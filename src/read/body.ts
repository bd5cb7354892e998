import { readHeaders } from './headers.ts';
import { decodeWords } from './words.ts';

/** A mail's body in its two parts, and the headers that stand in it. */
export interface MailBody {
  /** The commit message: what stands before the patch, without in-body headers. */
  log: string;
  /** From the first line that starts a patch or cuts the message off (`---`); '' where there is none. */
  patch: string;
  /** In-body From, Subject and Date; they count only where there is a patch. */
  headers: Map<string, string>;
  problem: string | null;
}

/**
 * Splits a decoded body as git mailinfo does with its defaults (handle_commit_msg): in-body headers at the top, folded ones joined, `>From
 * <commit>` lines among them; then the log up to a line that starts a patch. Scissors are off, as they are for git.
 */
export function splitBody(text: string): MailBody {
  const headers = new Map<string, string>();
  let problem: string | null = null;
  let held = '';
  const flush = () => {
    if (!held) return;
    const [name, values] = [...readHeaders(held).fields][0] ?? ['', []];
    const read = decodeWords(values[0] ?? '');
    if (name && !headers.has(name)) headers.set(name, read.value);
    problem ??= read.problem;
    held = '';
  };
  let at = 0;
  while (at < text.length) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const next = Math.min(end + 1, text.length);
    if (end === at) {
      at = next;
      if (!held) continue;
      flush();
      break;
    }
    const first = text.charCodeAt(at);
    if (held && (first === 32 || first === 9)) {
      held = `${held}\n${text.slice(at, end)}`;
      at = next;
      continue;
    }
    flush();
    if (text.startsWith('[PATCH]', at) && isSpace(text.charCodeAt(at + 7))) headers.set('subject', text.slice(at, end));
    else if (isHeader(text, at, headers)) held = text.slice(at, end);
    else if (!(text.startsWith('>From ', at) && isCommitSeparator(text.slice(at + 1, end)))) break;
    at = next;
  }
  flush();
  const start = patchStart(text, at);
  return { log: text.slice(at, start), patch: text.slice(start), headers, problem };
}

/** Where the patch starts: at `diff -`, `Index: `, `--- name` or a line of `---` and blanks (patchbreak); the length where it does not. */
function patchStart(text: string, from: number): number {
  let limit = text.length;
  for (const mark of ['diff -', 'Index: ']) {
    const at = text.startsWith(mark, from) ? from : text.slice(0, limit).indexOf(`\n${mark}`, Math.max(from - 1, 0)) + 1;
    if (at > 0 || text.startsWith(mark, from)) limit = Math.min(limit, at);
  }
  for (let at = text.startsWith('---', from) ? from : next(text, from); at >= 0 && at < limit; at = next(text, at)) if (isDashes(text, at)) return at;
  return limit;
}

const NAMES = ['from', 'subject', 'date'];

function next(text: string, from: number): number {
  const at = text.indexOf('\n---', from);
  return at < 0 ? -1 : at + 1;
}

function isDashes(text: string, at: number): boolean {
  if (text.charCodeAt(at + 3) === 32 && at + 4 < text.length && !isSpace(text.charCodeAt(at + 4))) return true;
  for (let i = at + 3; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 10) return true;
    if (!isSpace(code)) return false;
  }
  return false;
}

function isHeader(text: string, at: number, seen: Map<string, string>): boolean {
  const colon = text.indexOf(':', at);
  if (colon < 0 || colon - at > 7) return false;
  const name = text.slice(at, colon).toLowerCase();
  return NAMES.includes(name) && !seen.has(name);
}

/** `From <commit> Mon Sep 17 00:00:00 2001`, which git format-patch writes. */
function isCommitSeparator(line: string): boolean {
  return /^From [0-9a-f]{40} Mon Sep 17 00:00:00 2001$/.test(line);
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
