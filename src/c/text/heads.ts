/** What stands before the name in the head of a declaration at the top level: words that are neither a type nor one of C's own are macros. */
import { blankOf } from './bare.ts';
import { closing, previousSolid, type TextEdit } from './scan.ts';
import { VOCABULARY } from './vocabulary.ts';

/** C's own words, and attributes that are blanked wherever they stand. */
const STORAGE = new Set(['static', 'extern', 'inline', '__inline', '__inline__', 'const', 'volatile', 'register', 'typedef', 'restrict']);
const PRIMITIVE = new Set(['void', 'char', 'short', 'int', 'long', 'float', 'double', 'signed', 'unsigned', '_Bool', '__int128']);
const TAGGED = new Set(['struct', 'union', 'enum']);
/** Names that are types by the way they are formed. */
const TYPE = /^(?:[us](?:8|16|32|64)|bool|\w+_t|__[bl]e(?:16|32|64)|__[us](?:8|16|32|64)|__wsum|__sum16)$/;
/** The forms of names of macros. */
const MACRO = /^(?:__\w+|[A-Z][A-Z0-9_]{2,})$/;
/** Macros by whose names it is told what they define. */
const DEFINES = ['DEFINE_', 'DECLARE_', 'SYSCALL_', 'COMPAT_SYSCALL_', 'BPF_CALL_'];
/** A longer head is none. */
const LONGEST = 300;

/**
 * Blanks the macros before the name of a function: `MEM_STATIC void f(`, `static map_t __xipram f(`. A macro stands where a type stands already, or
 * where two names could be one: then the one that is written as a macro. `at` is where the head begins.
 */
export function bareHead(text: string, code: string, at: number, edits: TextEdit[]): void {
  const open = code.indexOf('(', at);
  if (open < 0 || open - at > LONGEST) return;
  const head = code.slice(at, open);
  if (!/^[\w\s*]+\w\s*$/.test(head)) return;
  const words = [...head.matchAll(/\w+/g)].map(m => ({ word: m[0], at: at + m.index }));
  const name = words.pop();
  // `static int count __guarded_by(&lock);` is no function.
  if (name && VOCABULARY.get(name.word) === 'specifier()') return;
  if (name && words.length > 0 && words.every(it => STORAGE.has(it.word))) bareCall(text, code, at, name.at, open, edits);
  const names: { word: string; at: number }[] = [];
  let typed = false;
  let tag = false;
  for (const it of words) {
    if (tag) tag = false;
    else if (TAGGED.has(it.word)) {
      tag = true;
      typed = true;
    } else if (PRIMITIVE.has(it.word)) typed = true;
    else if (!STORAGE.has(it.word) && VOCABULARY.get(it.word) !== 'specifier') names.push(it);
  }
  const type = typed ? undefined : (names.find(n => TYPE.test(n.word)) ?? names.findLast(n => !MACRO.test(n.word)) ?? names.at(-1));
  for (const it of names) {
    if (it === type || (!typed && !MACRO.test(it.word))) continue;
    edits.push({ at: it.at, end: it.at + it.word.length, text: blankOf(text, it.at, it.at + it.word.length) });
  }
}

/**
 * Blanks a call at the top level that wants no semicolon and has another declaration behind it: `ACPI_EXPORT_SYMBOL(f)`, `module_init(f)`. What
 * defines something by its name stays, since it is asked for. `from` is where the declaration begins, `at` the name, `open` the parenthesis.
 */
export function bareCall(text: string, code: string, from: number, at: number, open: number, edits: TextEdit[]): void {
  const name = code.slice(at, open).trimEnd();
  if (DEFINES.some(word => name.startsWith(word))) return;
  const close = closing(code, open);
  const gap = close < 0 ? null : /^[ \t]*\n\s*(?=[A-Za-z_])/.exec(code.slice(close, close + 4000));
  if (!gap?.[0].endsWith('\n') || !/[;})]|^$/.test(code[previousSolid(code, from)] ?? '')) return;
  // A name in small letters may be that of a function with an annotation behind its head.
  if (!/^[A-Z][A-Z0-9_]+$/.test(name)) {
    const argument = /^\s*(\w+)\s*$/.exec(code.slice(open + 1, close - 1))?.[1];
    if (from !== at || argument === undefined) return;
    if (!/^\d/.test(argument) && !/\n\s*\n/.test(gap[0]) && !code.startsWith(`${name}(`, close + gap[0].length)) return;
  }
  edits.push({ at: from, end: close, text: blankOf(text, from, close) });
}
