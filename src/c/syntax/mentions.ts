/** Where functions are named as values: whoever holds such a pointer may call them. */
import type { Mention } from '../../model/rule.ts';
import type { Image } from '../text/images.ts';

/** What is known of calls and macros that functions are given to. */
export interface Callees {
  /** The kernel function that the callee is declared to be like, or the name itself. */
  nameOf(call: string): string;
  /** Its value is its first argument. */
  isTransparent(call: string): boolean;
  /** The names that a macro makes: of the arguments `prefix` and `argument` and of each suffix. */
  pastes(call: string): readonly Paste[];
}

export interface Paste {
  prefix: number | null;
  argument: number;
  suffixes: readonly string[];
}

/**
 * For each of the names where an image says it other than as the name of a call or of a definition, ordered by line. Comments and strings are
 * passed over.
 */
export function mentionsIn(image: Image, names: ReadonlySet<string>, callees: Callees): Map<string, Mention[]> {
  const found = new Map<string, Mention[]>();
  const add = (name: string, mention: Mention) => {
    const known = found.get(name);
    if (known) known.push(mention);
    else found.set(name, [mention]);
  };
  for (const piece of image.pieces) {
    const text = piece.lines.join('\n');
    const starts = startsOf(piece.lines);
    let tables: OpenTable[] | null = null;
    const tableOf = (at: number) => {
      tables ??= tablesIn(text, piece.section);
      // The innermost is the last that begins before it.
      return tables.findLast(table => table.from < at && at < table.to);
    };
    WORD.lastIndex = 0;
    for (let match = WORD.exec(text); match; match = WORD.exec(text)) {
      const [word] = match;
      if (MACRO.test(word) && text[match.index + word.length] === '(') {
        const line = lineAt(starts, match.index) + piece.firstLine;
        for (const { name, argument } of pastedBy(text, match.index + word.length, callees.pastes(word)))
          if (names.has(name)) add(name, { ...NOWHERE, path: image.path, line, call: callees.nameOf(word), argument });
      }
      if (!names.has(word)) continue;
      const after = AFTER.exec(text.slice(match.index + word.length, match.index + word.length + 24))?.[1] ?? '';
      // A call, a member of that name, and the declarator of a pointer: `(*name)(void)`.
      const before = text.slice(Math.max(0, match.index - 24), match.index);
      if (after === '(' || /(?:\.|->)\s*$/.test(before) || (after === ')' && /\(\s*\*\s*$/.test(before))) continue;
      const mention = { ...aboutOf(text, match.index, callees, tableOf), path: image.path, line: lineAt(starts, match.index) + piece.firstLine };
      add(word, mention.call === null ? mention : { ...mention, call: callees.nameOf(mention.call) });
    }
  }
  return found;
}

/** The names that a macro makes of its arguments, which are words. */
function pastedBy(text: string, open: number, pastes: readonly Paste[]): { name: string; argument: number }[] {
  if (pastes.length === 0) return [];
  const words = (/^\(([\w\s,]*)/.exec(text.slice(open, open + REACH))?.[1] ?? '').split(',').map(word => word.trim());
  return pastes.flatMap(({ prefix, argument, suffixes }) => {
    const stem = `${prefix === null ? '' : (words[prefix] ?? '')}${words[argument] ?? ''}`;
    return stem === '' ? [] : suffixes.map(suffix => ({ name: stem + suffix, argument }));
  });
}

const WORD = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|[A-Za-z_]\w*/g;
/** A macro by its spelling: of no other the facts are asked whether it makes names. */
const MACRO = /^_*[A-Z][A-Z0-9_]*$/;
const AFTER = /^\s*(\S)/;
/** Calls whose arguments take more text than this are not told. */
const REACH = 400;

/** What of a mention is said by the text before it. */
type About = Omit<Mention, 'path' | 'line'>;
const NOWHERE: About = { member: null, table: null, instance: null, call: null, argument: 0 };

/** What stands before the name: a member that it is put into, or the call that it is an argument of. */
function aboutOf(text: string, at: number, callees: Callees, tableOf: (at: number) => OpenTable | undefined): About {
  const before = text.slice(Math.max(0, at - REACH), at);
  const member = /(?:\.|->)\s*(\w+)\s*(?:\[[^\]]*\]\s*)?=\s*&?\s*(?:\([^()]*\)\s*)?$/.exec(before)?.[1] ?? null;
  if (member !== null) {
    const around = tableOf(at);
    return { ...NOWHERE, member, table: around?.type ?? null, instance: around?.name ?? null };
  }
  let depth = 0;
  let argument = 0;
  for (let i = before.length - 1; i >= 0; i--) {
    const c = before[i];
    // A string may hold commas and parentheses.
    if (c === '"') {
      const open = before.lastIndexOf('"', i - 1);
      if (open < 0) break;
      i = open;
      continue;
    }
    if (c === ';' || c === '{' || c === '}') break;
    if (c === ')') depth++;
    else if (c === ',' && depth === 0) argument++;
    else if (c === '(') {
      if (depth > 0) depth--;
      else {
        const callee = /(\w+)\s*$/.exec(before.slice(0, i));
        const call = callee?.[1] ?? null;
        if (callee && call !== null && callees.isTransparent(call)) return aboutOf(text, at - before.length + callee.index, callees, tableOf);
        // A cast or parentheses around the name.
        if (call !== null) return { ...NOWHERE, call, argument };
        argument = 0;
      }
    }
  }
  return NOWHERE;
}

/** An initialiser: its type, the variable, and where its braces stand. */
export interface OpenTable {
  type: string;
  name: string;
  from: number;
  to: number;
}

/** `static const struct file_operations foo = {`, up to the brace. */
const OPENS = /\b((?:struct|union)[ \t]+\w+|[a-z]\w*_t)[ \t]+(\w+)[ \t]*(?:\[[^\]\n]*\][ \t]*)*(?:__\w+(?:\([^()\n]*\))?[ \t\n]*)*=[ \t\n]*\{/g;

/** The initialisers of the text, in its order; the one that a hunk's section names is open where the text begins. */
export function tablesIn(text: string, section = ''): OpenTable[] {
  const found: OpenTable[] = [];
  const open = [...`${section} {`.matchAll(OPENS)].at(-1);
  if (open && !/[;}]/.test(section)) {
    const close = text.search(/^\}/m);
    found.push({ type: typeOf(open[1]), name: open[2] ?? '', from: -1, to: close < 0 ? text.length : close });
  }
  for (const match of text.matchAll(OPENS)) {
    const from = match.index + match[0].length - 1;
    found.push({ type: typeOf(match[1]), name: match[2] ?? '', from, to: closingBrace(text, from) });
  }
  return found;
}

function typeOf(words: string | undefined): string {
  return (words ?? '').replace(/[ \t]+/, ' ');
}

/** The offset of the brace that closes the one at `open`; the end where none does. Strings and comments hold no lone brace often enough to matter. */
function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 123) depth++;
    else if (c === 125 && --depth === 0) return i;
  }
  return text.length;
}

function startsOf(lines: readonly string[]): number[] {
  const starts: number[] = [];
  let at = 0;
  for (const line of lines) {
    starts.push(at);
    at += line.length + 1;
  }
  return starts;
}

function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

/** Members that designated initialisers name anywhere in the image. */
export function designatedIn(image: Image): Set<string> {
  const found = new Set<string>();
  for (const piece of image.pieces)
    for (const line of piece.lines) for (const [, name] of line.matchAll(/(?:^|[{,(\s])\.(\w+)(?:\.\w+)*\s*=[^=]/g)) if (name) found.add(name);
  return found;
}
