import type { Numbering } from '../model/series.ts';
import { MAX_SERIES } from './limits.ts';

/** What a subject says of its mail. */
export interface SubjectLine {
  /** On one line, white space squeezed. */
  text: string;
  /** Without brackets and `Re:`, as git mailinfo cleans it. */
  title: string;
  /** An answer or a forwarded mail by its first word. */
  reply: boolean;
  numbering: Numbering;
  /** The brackets hold a word of their own for the version or the numbers; else both are 1 by default. */
  versioned: boolean;
  numbered: boolean;
}

/**
 * A decoded Subject: git mailinfo's title (cleanup_subject), and of the brackets what b4 takes from them: `n/m`, `vN`, and every word as a
 * prefix. Brackets in brackets count as one. Numbers past the bound stand as a prefix only. `answers` says that the mail's other headers tie it
 * to another: only then is a short word before the brackets (`回复: [`, but also `mm: [`) taken for a `Re:`.
 */
export function readSubject(value: string, answers = false): SubjectLine {
  const text = value.replace(/\s+/g, ' ').trim();
  const numbering: Numbering = { prefixes: [], version: 1, index: null, total: null };
  let versioned = false;
  const front = ANSWERS.exec(text)?.[0] ?? (answers ? FOREIGN.exec(text)?.[0] : undefined);
  for (const word of bracketed(text.slice(front?.length ?? 0))) {
    const [, index, total] = /^(\d{1,4})\/(\d{1,4})$/.exec(word) ?? [];
    const version = /^v(\d{1,4})$/i.exec(word)?.[1];
    if (index !== undefined && total !== undefined && Number(total) <= MAX_SERIES && Number(index) <= MAX_SERIES) {
      numbering.index = Number(index);
      numbering.total = Number(total);
    } else if (version !== undefined) {
      numbering.version = Number(version);
      versioned = true;
    } else numbering.prefixes.push(word);
  }
  return { text, title: cleanTitle(text), reply: front !== undefined, numbering, versioned, numbered: numbering.index !== null };
}

/** git mailinfo's cleanup_subject: `Re:`, white space, colons and whole brackets at the front go. */
export function cleanTitle(subject: string): string {
  let rest = subject;
  for (;;) {
    const first = rest.charAt(0);
    if (first === ' ' || first === '\t' || first === ':') rest = rest.replace(/^[ \t:]+/, '');
    else if ((first === 'r' || first === 'R') && rest.length > 3 && /^re:/i.test(rest)) rest = rest.slice(3);
    else if (first === '[' && rest.includes(']')) rest = rest.slice(rest.indexOf(']') + 1);
    else return rest.replace(/\s+/g, ' ').trim();
  }
}

/** `Re:` in the tongues that mailers know. */
const ANSWERS = /^(?:(?:re|aw|fwd?|sv|vs|antw)(?:\[\d+\])?\s*:\s*){1,20}/iu;
/** b4's mark of other tongues: words of two or three letters with a colon, right before the brackets. */
const FOREIGN = /^(?:[\p{L}\p{N}]{2,3}[:：]\s*){1,9}(?=\[)/u;
/** Brackets in front of a subject that are looked at. */
const MAX_BRACKETS = 20;

/** The words in the brackets at the front. */
function bracketed(subject: string): string[] {
  const words: string[] = [];
  let rest = subject;
  for (let count = 0; count < MAX_BRACKETS && rest.startsWith('['); count++) {
    const end = closing(rest);
    if (end < 0) break;
    const inside = rest.slice(1, end).replace(/[[\]]/g, ' ');
    // `[PATCHv3]` and `[PATCH 2/3v2]` are two words each.
    for (const word of inside.replace(/(patch)(v\d+)/gi, '$1 $2').split(/[\s,;]+/)) if (word) words.push(word);
    rest = rest.slice(end + 1).trimStart();
  }
  return words;
}

/** Where the bracket at the front closes, brackets in it counted; the first `]` where they do not balance; -1 where there is none. */
function closing(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '[') depth++;
    else if (char === ']' && --depth === 0) return at;
  }
  return text.indexOf(']');
}
