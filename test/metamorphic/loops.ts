/** The body of each function in a loop that runs once. */
import { type Edit, edited, MARK } from './edit.ts';
import { added, type Example, type Kind, wantsOn } from './kind.ts';
import { type Definition, freshName, indentAt, type Node, type Source, textOf } from './source.ts';

/** The whole lines of the body's statements after its leading declarations; null where it is not written so. */
function linesOf(source: Source, fn: Definition): { start: number; end: number; first: Node; last: Node } | null {
  const { text } = source;
  const first = fn.body.children.find(n => n.type !== 'declaration');
  const last = fn.body.children.at(-1);
  if (!first || !last) return null;
  const start = text.lastIndexOf('\n', first.start) + 1;
  const end = text.lastIndexOf('\n', fn.body.end - 1) + 1;
  const before = text.slice(start, first.start);
  return before.trim() === '' && text.slice(end, fn.body.end).trim() === '}' && start > fn.body.start ? { start, end, first, last } : null;
}

/** One step further in; labels and directives stand at the margin. */
function indented(text: string): string {
  return text.replace(/^(?=[^\n#])(?![A-Za-z_]\w*:)/gm, '\t');
}

function once(source: Source, fn: Definition): Edit[] {
  const lines = linesOf(source, fn);
  if (!lines) return [];
  const { start, end } = lines;
  return [{ start, end, text: `\tdo {\n${indented(source.text.slice(start, end))}\t} while (0);\n` }];
}

/** A value returned at the end is kept for after the loop: nothing else follows it. */
function counted(source: Source, fn: Definition, example: Example): Edit[] {
  const lines = linesOf(source, fn);
  if (!lines) return [];
  const { start, end, last } = lines;
  const { text } = source;
  const turn = freshName(text, 'turn');
  const kept = freshName(text, 'kept');
  const top = text.indexOf('\n', fn.body.start) + 1;
  const loop = (body: string) => `\tfor (${turn} = 0; ${turn} < 1; ${turn}++) {\n${indented(body)}\t}\n`;
  const declared: Edit = { start: top, end: top, text: `\tint ${turn};\n` };
  if (fn.returns === 'void') {
    // With declarations alone above it the loop begins where they end.
    return [declared, { start, end, text: loop(text.slice(start, end)) }];
  }
  const value = last.type === 'return_statement' ? last.children[0] : undefined;
  if (!value || /^(?:struct|union) \w+$/.test(fn.returns)) return [];
  const type = fn.returns.endsWith('*') ? fn.returns : `${fn.returns} `;
  const body = edited(text.slice(start, end), [{ start: last.start - start, end: last.end - start, text: `${kept} = ${textOf(source, value)};` }]);
  return [
    { ...declared, text: `\t${type}${kept};\n${declared.text}` },
    { start, end, text: `${loop(body)}${indentAt(text, last.start)}return ${kept};${wantsOn(example, last) ? MARK : ''}\n` },
  ];
}

function looped(name: string, title: string, agree: number, edits: (source: Source, fn: Definition, example: Example) => Edit[]): Kind {
  return {
    name,
    title,
    reason: {
      silent: 'the loop counts as one that may run never, or again',
      alarm: 'a false alarm: the loop counts as one that may run never, or again',
    },
    floor: { transformed: 95, agree },
    concerns: ({ source }) => source?.functions.some(fn => fn.body.children.some(n => n.type !== 'declaration')) ?? false,
    transform(example) {
      const { source } = example;
      if (!source) return null;
      const all = source.functions.flatMap(fn => edits(source, fn, example));
      return all.length > 0 ? added(example, { [example.path]: edited(source.text, all) }) : null;
    },
  };
}

export const loopOnce = looped('do once', 'bodies in do { } while (0)', 98, once);
export const loopCounted = looped('counted once', 'bodies in a for loop that runs once', 98, counted);
