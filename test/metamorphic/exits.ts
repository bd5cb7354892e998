/** One return at the end of each function, which the others jump to. */
import { type Edit, edited, MARK } from './edit.ts';
import { added, type Example, type Kind, wantsOn } from './kind.ts';
import { type Definition, freshName, type Node, replaced, type Source, textOf, within } from './source.ts';

/** Cleanups of a scope, over whose declaration no jump may lead. */
const CLEANUP = /\b(?:guard|__free|CLASS|__cleanup)\s*\(/;

function returnsOf(fn: Definition): Node[] {
  return within(fn.body).filter(n => n.type === 'return_statement');
}

/** The return at the end, with a label or without. */
function lastOf(fn: Definition): Node | undefined {
  const last = fn.body.children.at(-1);
  return last?.type === 'labeled_statement' ? last.children.at(-1) : last;
}

function isEarly(fn: Definition): boolean {
  return returnsOf(fn).some(n => n !== lastOf(fn));
}

/** The edits; none where the text is not laid out one statement a line. */
function joined(source: Source, fn: Definition, example: Example): Edit[] {
  const { text } = source;
  if (!isEarly(fn) || CLEANUP.test(textOf(source, fn.body)) || /^const \w+$|^(?:struct|union) \w+$/.test(fn.returns)) return [];
  const [label, kept] = [freshName(text, 'out'), freshName(text, 'kept')];
  const isVoid = fn.returns === 'void';
  const last = lastOf(fn);
  const top = text.indexOf('\n', fn.body.start) + 1;
  const end = text.lastIndexOf('\n', fn.body.end - 1) + 1;
  if (text.slice(end, fn.body.end) !== '}' || top > (fn.body.children[0]?.start ?? 0)) return [];
  const edits: Edit[] = [];
  let marked = false;
  for (const node of returnsOf(fn)) {
    const mark = wantsOn(example, node) ? MARK : '';
    marked ||= mark !== '';
    const [value] = node.children;
    const assigned = value ? `${kept} = ${textOf(source, value)};${mark}` : '';
    if (node === last) {
      edits.push({ start: node.start, end: node.end, text: assigned });
      continue;
    }
    const jump = replaced(text, node, [...(value ? [assigned] : []), `goto ${label};${mark}`]);
    if (!jump) return [];
    edits.push(...jump);
    // A path may be reported where it branches off, and at what it does last.
    const block = node.parent?.type === 'compound_statement' ? node.parent : null;
    const branch = block ? block.parent : node.parent;
    if (!mark || branch?.type !== 'if_statement') continue;
    for (const { start } of [branch, ...(block?.children ?? []).filter(n => n.start < node.start)]) edits.push({ start, end: start, text: MARK });
  }
  const type = fn.returns.endsWith('*') ? fn.returns : `${fn.returns} `;
  if (!isVoid) edits.push({ start: top, end: top, text: `\t${type}${kept};\n` });
  edits.push({ start: end, end, text: `${label}:\n\treturn${isVoid ? '' : ` ${kept}`};${marked ? MARK : ''}\n` });
  return edits;
}

export const oneExit: Kind = {
  name: 'one exit',
  title: 'one return at the end, the others a goto',
  reason: {
    silent: 'a path to the one return is not read as the path of the return that was there',
    alarm: 'a false alarm: a path to the one return is not read as the path of the return that was there',
  },
  floor: { transformed: 95, agree: 98 },
  concerns: ({ source }) => source?.functions.some(isEarly) ?? false,
  transform(example) {
    const { source } = example;
    if (!source) return null;
    const edits = source.functions.flatMap(fn => joined(source, fn, example));
    return edits.length > 0 ? added(example, { [example.path]: edited(source.text, edits) }) : null;
  },
};
