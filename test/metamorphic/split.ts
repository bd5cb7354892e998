/** Declarations of types, and inline functions, in a header that the source file includes. */
import { type Edit, edited } from './edit.ts';
import { added, type Kind, type Transformed } from './kind.ts';
import { child, type Definition, type Node, type Source, textOf, within } from './source.ts';

export interface Moved {
  /** What the header holds. */
  text: string;
  /** The edits that remove it from the source file. */
  edits: Edit[];
  /** Names declared at file level that stay in the source file. */
  stay: string[];
}

/** The types and macros that the file declares at its own level, and these functions with them. */
export function declarationsOf(source: Source, functions: readonly Definition[]): Moved {
  const nodes = source.root.children.filter(n => isType(n) || functions.some(f => f.node === n));
  const stay = source.root.children.filter(n => !nodes.includes(n)).flatMap(n => declaredIn(source, n));
  const ranges = nodes.map(n => {
    const start = source.functions.find(f => f.node === n)?.start ?? lineStart(source.text, n.start);
    // The semicolon of a type is no part of its node.
    const line = source.text.indexOf('\n', n.end);
    const end = line < 0 ? source.text.length : line + 1;
    return { start, end: source.text[end] === '\n' ? end + 1 : end };
  });
  return {
    text: ranges.map(r => `${source.text.slice(r.start, r.end).trimEnd()}\n\n`).join(''),
    edits: ranges.map(r => ({ ...r, text: '' })),
    stay,
  };
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

function isType(node: Node): boolean {
  if (/^(?:struct|union|enum)_specifier$/.test(node.type)) return true;
  return node.type === 'type_definition' || /^preproc_(?:function_)?def$/.test(node.type);
}

function declaredIn(source: Source, node: Node): string[] {
  let found = node.children.filter(n => n.field === 'declarator');
  for (let inner = found; inner.length > 0; ) {
    found = inner;
    inner = found.flatMap(n => n.children.filter(c => c.field === 'declarator'));
  }
  const names = found.filter(n => n.type === 'identifier').map(n => textOf(source, n));
  // DEFINE_MUTEX(lock) declares what it is given.
  const given = within(node)
    .filter(n => n.type === 'identifier' && n.parent?.type !== 'initializer_list')
    .map(n => textOf(source, n));
  return names.length > 0 && node.type === 'function_definition' ? names : [...names, ...given];
}

/** The header beside a source file. */
export function headerOf(path: string): string {
  return path.replace(/(?:\.[ch])?$/, '_parts.h');
}

/** The line that includes it, at the top or after the file's other includes. */
export function includedAt(source: Source, header: string): Edit {
  const last = source.root.children.filter(n => n.type === 'preproc_include').at(-1);
  const at = last ? last.end : (/^\/\* file: .*\n/.exec(source.text)?.[0].length ?? 0);
  return { start: at, end: at, text: `#include "${header.slice(header.lastIndexOf('/') + 1)}"\n` };
}

function inlines(source: Source): Definition[] {
  const chosen: Definition[] = [];
  for (const fn of source.functions) {
    const names = within(fn.body)
      .filter(n => n.type === 'identifier')
      .map(n => textOf(source, n));
    const others = source.functions.filter(f => f !== fn && names.includes(f.name));
    if (fn.isInline && fn.isStatic && others.every(f => chosen.includes(f))) chosen.push(fn);
  }
  return chosen;
}

export const split: Kind = {
  name: 'header and source',
  title: 'types and inline functions moved to a header of the series',
  reason: {
    silent: 'what a header of the series declares is not seen as if the file declared it',
    alarm: 'what a header of the series declares is not seen as if the file declared it',
  },
  floor: { transformed: 95, agree: 98 },
  concerns: ({ source }) => source?.root.children.some(n => isType(n) && (child(n, 'body') !== null || n.type !== 'struct_specifier')) ?? false,
  transform(example): Transformed | null {
    const { source, path } = example;
    if (!source || path.endsWith('.h')) return null;
    const bare = declarationsOf(source, []);
    const full = declarationsOf(source, inlines(source));
    const moved = full.stay.some(name => new RegExp(`\\b${name}\\b`).test(full.text)) ? bare : full;
    if (moved.edits.length === 0 || moved.stay.some(name => new RegExp(`\\b${name}\\b`).test(moved.text.replace(/(?:\.|->)\w+/g, '')))) return null;
    const header = headerOf(path);
    return added(example, { [header]: moved.text, [path]: edited(source.text, [includedAt(source, header), ...moved.edits]) });
  },
};
