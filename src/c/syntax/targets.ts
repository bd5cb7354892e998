/** The functions that a call through a pointer may run, where one file shows all of them. */
import type { Image } from '../text/images.ts';
import { tablesIn } from './mentions.ts';

/** What a call goes through: a member of an object, of which the type or, for a global, the name is known. */
export interface CalledPointer {
  type: string | null;
  global: string | null;
  member: string;
}

/** The functions that a pointer may lead to; empty where they are not all visible. */
export type TargetsOf = (pointer: CalledPointer) => readonly string[];

/** More than so many functions say nothing together. */
const MOST_TARGETS = 8;

/**
 * Reads the targets of pointers in one file. All are visible where the structure is declared in a source file, which no other file sees, and where the
 * pointer is a member of a `static const` table. Whatever else sets the member, or takes its address, leaves them open.
 */
export function targetsIn(image: Image, declares: (type: string) => boolean, defines: (name: string) => boolean): TargetsOf {
  const known = new Map<string, readonly string[]>();
  let code: string | null = null;
  return pointer => {
    if (!image.whole || image.path.endsWith('.h')) return NONE;
    const { type, global, member } = pointer;
    const isPrivate = type !== null && declares(type);
    if (!isPrivate && global === null) return NONE;
    const key = `${isPrivate ? type : global} ${member}`;
    let found = known.get(key);
    if (!found) {
      code ??= image.pieces.map(p => p.lines.join('\n').replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ' ')).join('\n');
      const names = isPrivate ? ofMember(code, type, member) : ofTable(code, global ?? '', member);
      found = names?.every(defines) && names.length <= MOST_TARGETS ? names : NONE;
      known.set(key, found);
    }
    return found;
  };
}

const NONE: readonly string[] = [];
/** What a member may be set to besides functions: it is then not called. */
const NOTHING = new Set(['NULL', '0']);

/** All that the file sets the member of the structure to; null where that is more than names. */
function ofMember(code: string, type: string, member: string): string[] | null {
  const tag = type.replace(' ', '\\s+');
  if (new RegExp(`&\\s*[\\w.>[\\]-]+(?:->|\\.)${member}\\b`).test(code)) return null;
  // An initialiser without names of members may set it.
  if (new RegExp(`\\b${tag}\\b[^;={}()]*=\\s*\\{\\s*[^.}\\s]`).test(code)) return null;
  const names = new Set<string>();
  const tables = tablesIn(code);
  const sets = new RegExp(`(?:\\.|->)\\s*${member}\\s*(?:\\[[^\\]]*\\]\\s*)?=(?!=)\\s*([^,;}]*)`, 'g');
  for (const { index, 1: value = '' } of code.matchAll(sets)) {
    const table = code[index] === '.' ? (tables.findLast(t => t.from < index && index < t.to)?.type ?? null) : null;
    if (table !== null && table !== type) continue;
    const name = nameIn(value);
    if (name === null) return null;
    if (!NOTHING.has(name)) names.add(name);
  }
  return [...names];
}

/** What the initialiser of a `static const` table sets the member to; null where that is no name. */
function ofTable(code: string, table: string, member: string): string[] | null {
  const head = new RegExp(`\\bstatic\\s+(?:const\\s+struct\\s+\\w+|struct\\s+\\w+\\s+const)\\s+${table}\\s*=\\s*\\{`).exec(code);
  const body = head && code.slice(head.index, code.indexOf('\n}', head.index));
  const value = body && new RegExp(`\\.${member}\\s*=(?!=)\\s*([^,}]*)`).exec(`${body},`)?.[1];
  const name = value ? nameIn(value) : null;
  return name === null || NOTHING.has(name) ? null : [name];
}

function nameIn(value: string): string | null {
  return /^&?\s*(\w+)\s*$/.exec(value)?.[1] ?? null;
}
