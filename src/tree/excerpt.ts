/** Of a file's text what its record needs: what no other file can call, directly or by a function that one can, is blanked. */
import { layoutOf, type TextDefinition } from '../c/text/layout.ts';

/** Longer files hold registers. */
const LONGEST = 1_500_000;

interface Excerpt {
  /** The text at the same lines; null where there is nothing to read. */
  text: string | null;
  exported: ReadonlySet<string>;
  /** Functions that the file keeps to itself. */
  statics: string[];
}

export function excerptOf(path: string, text: string): Excerpt {
  const exported = new Set<string>();
  if (text.length > LONGEST) return { text: null, exported, statics: [] };
  for (const [, name = ''] of text.matchAll(/\bEXPORT_(?:[A-Z_]*_)?SYMBOL\w*\s*\(\s*(\w+)/g)) exported.add(name);
  const layout = layoutOf(text);
  const isHeader = path.endsWith('.h');
  if (isHeader) return { text: layout.functions.size > 0 || layout.types.size > 0 ? text : null, exported, statics: [] };
  const statics = [...layout.functions.values()].filter(d => d.isStatic).map(d => d.name);
  const needed = new Set<TextDefinition>();
  const work: TextDefinition[] = [];
  const want = (d: TextDefinition) => {
    if (needed.has(d)) return;
    needed.add(d);
    work.push(d);
  };
  for (const d of layout.functions.values()) if (!d.isStatic && !isMacro(layout.lines, d)) want(d);
  for (const d of work) {
    for (let row = d.from; row <= d.to; row++) {
      for (const [, name = ''] of (layout.lines[row] ?? '').matchAll(/\b([A-Za-z_]\w*)\s*\(/g)) {
        const callee = layout.functions.get(name);
        if (callee) want(callee);
      }
    }
  }
  if (needed.size === 0 && layout.types.size === 0) return { text: null, exported, statics };
  const lines = [...layout.lines];
  for (const d of layout.functions.values()) if (!needed.has(d)) for (let row = d.from; row <= d.to; row++) lines[row] = '';
  return { text: lines.join('\n'), exported, statics };
}

function isMacro(lines: readonly string[], { from }: TextDefinition): boolean {
  return lines[from]?.startsWith('#') === true;
}
