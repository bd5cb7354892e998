/** Where functions are named as values: whoever holds such a pointer may call them. */
import type { Mention } from '../../model/rule.ts';
import type { Image } from '../text/images.ts';

/**
 * For each of the names where an image says it other than as the name of a call or of a definition, ordered by line. Comments and strings are
 * passed over. `nameOf` gives of a call the kernel function that its callee is declared to be like, or the name itself.
 */
export function mentionsIn(image: Image, names: ReadonlySet<string>, nameOf: (call: string) => string): Map<string, Mention[]> {
  const found = new Map<string, Mention[]>();
  const add = (name: string, mention: Mention) => {
    const known = found.get(name);
    if (known) known.push(mention);
    else found.set(name, [mention]);
  };
  for (const piece of image.pieces) {
    const text = piece.lines.join('\n');
    const starts = startsOf(piece.lines);
    WORD.lastIndex = 0;
    for (let match = WORD.exec(text); match; match = WORD.exec(text)) {
      const [word] = match;
      const pasted = PASTES.get(word);
      if (pasted) {
        const name = /^\s*\(\s*(\w+)/.exec(text.slice(match.index + word.length, match.index + word.length + 80))?.[1];
        const line = lineAt(starts, match.index) + piece.firstLine;
        for (const end of pasted)
          if (name !== undefined && names.has(name + end)) add(name + end, { ...NOWHERE, path: image.path, line, call: word });
      }
      if (!names.has(word)) continue;
      const after = AFTER.exec(text.slice(match.index + word.length, match.index + word.length + 24))?.[1] ?? '';
      // A call, a member of that name, and the declarator of a pointer: `(*name)(void)`.
      const before = text.slice(Math.max(0, match.index - 24), match.index);
      if (after === '(' || /(?:\.|->)\s*$/.test(before) || (after === ')' && /\(\s*\*\s*$/.test(before))) continue;
      const mention = { ...aboutOf(text, match.index), path: image.path, line: lineAt(starts, match.index) + piece.firstLine };
      add(word, mention.call === null ? mention : { ...mention, call: nameOf(mention.call) });
    }
  }
  return found;
}

const WORD = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|[A-Za-z_]\w*/g;
/** Macros that make the names of functions from the name that they are given. */
const PASTES = new Map<string, string[]>([
  ['DEFINE_SHOW_ATTRIBUTE', ['_show']],
  ['DEFINE_SHOW_STORE_ATTRIBUTE', ['_show', '_write']],
  ['DEFINE_PROC_SHOW_ATTRIBUTE', ['_show']],
  ['DEVICE_ATTR_RO', ['_show']],
  ['DEVICE_ATTR_WO', ['_store']],
  ['DEVICE_ATTR_RW', ['_show', '_store']],
  ['DRIVER_ATTR_RO', ['_show']],
  ['DRIVER_ATTR_RW', ['_show', '_store']],
  ['CLASS_ATTR_RO', ['_show']],
  ['CLASS_ATTR_RW', ['_show', '_store']],
  ['BUS_ATTR_RO', ['_show']],
  ['BUS_ATTR_RW', ['_show', '_store']],
]);
const AFTER = /^\s*(\S)/;
/** Calls whose arguments take more text than this are not told. */
const REACH = 400;
/** Tables whose first line stands farther up are not told by type. */
export const TABLE_REACH = 3000;

/** What of a mention is said by the text before it. */
type About = Omit<Mention, 'path' | 'line'>;
const NOWHERE: About = { member: null, table: null, instance: null, call: null, argument: 0 };

/** What stands before the name: a member that it is put into, or the call that it is an argument of. */
function aboutOf(text: string, at: number): About {
  const before = text.slice(Math.max(0, at - REACH), at);
  const member = /(?:\.|->)\s*(\w+)\s*(?:\[[^\]]*\]\s*)?=\s*&?\s*(?:\([^()]*\)\s*)?$/.exec(before)?.[1] ?? null;
  if (member !== null) return { ...NOWHERE, member, ...tableAround(text.slice(Math.max(0, at - TABLE_REACH), at)) };
  let depth = 0;
  let argument = 0;
  for (let i = before.length - 1; i >= 0; i--) {
    const c = before[i];
    if (c === ';' || c === '{' || c === '}') break;
    if (c === ')') depth++;
    else if (c === ',' && depth === 0) argument++;
    else if (c === '(') {
      if (depth > 0) depth--;
      else {
        const call = /(\w+)\s*$/.exec(before.slice(0, i))?.[1] ?? null;
        // A cast or parentheses around the name.
        if (call !== null) return { ...NOWHERE, call, argument };
        argument = 0;
      }
    }
  }
  return NOWHERE;
}

/** The type and the name of the initialiser that the text ends in: `static const struct file_operations foo = {`. */
export function tableAround(before: string): Pick<Mention, 'table' | 'instance'> {
  const open = /^[^\n]*\b((?:struct|union)[ \t]+\w+)[ \t]+(\w+)(?:\[[^\]\n]*\])?[^=;(){}\n]*=[ \t]*\{(?![\s\S]*\n\})/m.exec(
    before.slice(before.lastIndexOf('\n}') + 1),
  );
  return { table: open?.[1]?.replace(/[ \t]+/, ' ') ?? null, instance: open?.[2] ?? null };
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
