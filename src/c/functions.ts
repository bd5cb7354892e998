/** From an image to its functions with their events. */
import type { CFunction, SourceComment } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import type { CodeFile } from '../model/rule.ts';
import type { Problem } from '../model/series.ts';
import type { FieldType, Types } from './cells.ts';
import { bodiesByColumn } from './columns.ts';
import { Context, type FileScope } from './context.ts';
import { Converter, type SourceText } from './convert.ts';
import { declarationsOf, type Head, sourceComment } from './declarations.ts';
import type { Image } from './images.ts';
import { entryLocks } from './locksets.ts';
import { macrosOf } from './macros.ts';
import { normalise } from './normalise.ts';
import { markObjects } from './objects.ts';
import { open } from './pieces.ts';
import { walk } from './statements.ts';
import { squeeze } from './syntax.ts';
import type { Grammar } from './tree.ts';

/** A file parsed, its functions not walked yet: what they mean may depend on what other files declare. */
export interface Draft {
  image: Image;
  includes: string[];
  comments: SourceComment[];
  heads: DraftHead[];
  problems: Problem[];
}

interface DraftHead {
  head: Head;
  source: SourceText;
  /** The text as it was before normalisation. */
  written: string;
  /** First and last line of the piece in the file. */
  first: number;
  last: number;
  /** The head was made up, because the piece begins inside the function. */
  opened: boolean;
  /** The piece ends before the function does. */
  cut: boolean;
  isMacro: boolean;
}

/** Files of more characters are not read as C; the largest in the kernel that is written by hand has 1.3 million. */
export const LARGEST_FILE = 4_000_000;

/** Parses the image and notes what it declares in `types`. */
export function draft(image: Image, grammar: Grammar, types: Types): Draft {
  const result: Draft = { image, includes: [], comments: [], heads: [], problems: [] };
  const odd = (message: string) => result.problems.push({ severity: 'odd', where: image.path, message });
  for (const piece of image.pieces) {
    const whole = { text: `${piece.lines.join('\n')}\n`, firstLine: piece.firstLine, enclosing: null };
    const opened = image.whole ? whole : open(piece);
    if (opened.text.length > LARGEST_FILE) {
      odd(`has more than ${LARGEST_FILE} characters and was not read as C`);
      continue;
    }
    const last = piece.firstLine + piece.lines.length - 1;
    const read = (written: string, firstLine: number, isMacro: boolean) => {
      const { text, code, macros, cleanups } = normalise(written);
      const root = grammar.parse(text);
      if (!root) {
        odd('could not be parsed as C');
        return code;
      }
      const found = declarationsOf(root, text, types);
      const source = { text, macros, cleanups, firstLine };
      for (const head of found.heads) {
        const made = !isMacro && opened.enclosing !== null && head.node.row === 0;
        const cut = head.node.endRow + firstLine > last;
        result.heads.push({ head, source, written, first: piece.firstLine, last, opened: made, cut, isMacro });
      }
      if (isMacro) return code;
      result.includes.push(...found.includes);
      for (const c of root.comments) result.comments.push(sourceComment(c, written.slice(c.at, c.end), firstLine));
      return code;
    };
    const code = read(opened.text, opened.firstLine, false);
    if (image.whole) rescue(result, opened.text, code, opened.firstLine, read);
    const bodies = macrosOf(opened.text);
    if (bodies !== null) read(bodies, opened.firstLine, true);
  }
  result.heads.sort((a, b) => a.head.node.row + a.source.firstLine - (b.head.node.row + b.source.firstLine));
  return result;
}

/** Reads by themselves the functions that the first column shows and the grammar lost, as it does behind an #if that cuts a statement. */
function rescue(it: Draft, text: string, code: string, firstLine: number, read: (text: string, firstLine: number, isMacro: boolean) => string): void {
  const found = new Set(it.heads.map(h => h.head.node.endRow + h.source.firstLine));
  const lost = bodiesByColumn(code).filter(({ close }) => !found.has(close + firstLine));
  if (lost.length === 0) return;
  const lines = text.split('\n');
  const comments = it.comments.length;
  for (const { head, open, close } of lost) {
    const inside = (line: number) => line >= open + firstLine && line <= close + firstLine;
    // What the grammar took for functions inside were pieces of this one.
    it.heads = it.heads.filter(h => !inside(h.head.node.row + h.source.firstLine));
    const alone = `${lines.slice(head, close + 1).join('\n')}\n`;
    const before = it.heads.length;
    read(alone, head + firstLine, false);
    // A head that is a macro has no type before it.
    if (it.heads.length === before) read(`void\n${alone.replace(/^static\b/, '      ')}`, head + firstLine - 1, false);
  }
  it.comments.length = comments;
}

/** What surrounds the functions of a file. */
export interface Surroundings {
  types: Types;
  global(name: string): FieldType | undefined;
  defined(name: string): boolean;
  fact(api: string): Fact | undefined;
}

/** Walks the functions of a draft. */
export function fileOf(it: Draft, around: Surroundings): CodeFile {
  const line = linesOf(it.image);
  const endsAt = new Map(it.comments.map(c => [c.endLine, c]));
  const comments = [...it.comments].sort((a, b) => a.line - b.line);
  return {
    path: it.image.path,
    whole: it.image.whole,
    isHeader: it.image.path.endsWith('.h'),
    functions: it.heads.map(head => functionOf(head, it.image.path, line, around, endsAt, comments)),
    comments: it.comments,
    includes: it.includes,
    addedBy: it.image.addedBy,
  };
}

/** Reads single lines of an image; asked mostly for lines near the last one. */
function linesOf(image: Image): FileScope['line'] {
  const { pieces } = image;
  let at = 0;
  return n => {
    for (let tried = 0; tried < pieces.length; tried++) {
      const piece = pieces[at];
      const text = piece?.lines[n - piece.firstLine];
      if (piece && text !== undefined) return { text, addedBy: piece.origin[n - piece.firstLine] ?? null };
      at = (at + 1) % pieces.length;
    }
    return { text: '', addedBy: null };
  };
}

/** Sections and annotations that say when and under what a function runs. */
const ATTRIBUTE =
  /\b__(?:init|exit|must_hold(?:_shared)?|acquires(?:_shared)?|releases(?:_shared)?|cond_acquires|always_inline|meminit|net_init|net_exit|sched|kprobes|cpuidle)\b(?:\((?:[^()]|\([^()]*\))*\))?/g;

function functionOf(
  it: DraftHead,
  path: string,
  line: FileScope['line'],
  around: Surroundings,
  endsAt: Map<number, SourceComment>,
  comments: SourceComment[],
): CFunction {
  const { head, source } = it;
  const { firstLine } = source;
  const start = Math.max(it.first, head.node.row + firstLine);
  const endLine = Math.min(it.last, head.node.endRow + firstLine);
  const whole = !it.opened && !it.cut;
  const converter = new Converter(source, head.parameters);
  const body = converter.stmt(head.body);
  const slice = (e: { at: number; end: number }) => source.text.slice(e.at, e.end);
  const { types, global, defined, fact } = around;
  const file: FileScope = { path, types, global, fact, line, defined, whole: whole || it.isMacro, slice };
  const cx = new Context(file, converter.survey, new Map(head.parameters.map((p, i) => [p.name, i])));
  walk(body, cx);
  if (cx.graph.ends.length > 0) cx.graph.exit(endLine);
  cx.graph.seal();
  if (!whole) for (const event of cx.events) if (event.line <= it.first || event.line >= it.last) event.uncertain = true;
  const raw = it.written.slice(head.node.at, head.body.at);
  const attributes = raw.match(ATTRIBUTE) ?? [];
  const fn: CFunction = {
    path,
    side: 'new',
    name: head.name,
    line: start,
    endLine,
    whole,
    isStatic: /\bstatic\b/.test(raw),
    isInline: /\binline\b/.test(raw),
    head: squeeze(head.head),
    parameters: head.parameters,
    events: cx.events,
    flow: cx.graph.nodes,
    shape: { statements: cx.statements, loops: cx.loops, comparisons: cx.comparisons, calls: [...cx.calls] },
    doc: (it.opened ? undefined : endsAt.get(start - 1)) ?? null,
    comments: between(comments, start, endLine),
    addedBy: it.opened ? null : line(start).addedBy,
    attributes: attributes.map(squeeze),
    entryLocks: [],
    ...(head.node.broken ? { broken: true as const } : {}),
    ...(it.isMacro ? { isMacro: true as const } : {}),
  };
  fn.entryLocks = entryLocks(fn);
  repeated(cx, fn);
  markObjects(fn, converter.survey);
  return fn;
}

/** Comments that stand inside the lines, by halving the ordered list. */
function between(comments: SourceComment[], start: number, end: number): SourceComment[] {
  let low = 0;
  let high = comments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((comments[middle]?.line ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  const found: SourceComment[] = [];
  for (let i = low; i < comments.length; i++) {
    const comment = comments[i];
    if (!comment || comment.line >= end) break;
    if (comment.endLine < end) found.push(comment);
  }
  return found;
}

/** Marks branches that test the same thing, so that what one of them decided is known at the next. */
function repeated(cx: Context, fn: CFunction): void {
  const seen = new Map<string, number[]>();
  for (const [node, key] of cx.conditions) {
    const nodes = seen.get(key);
    if (nodes) nodes.push(node);
    else seen.set(key, [node]);
  }
  for (const nodes of seen.values()) {
    const [first] = nodes;
    if (nodes.length < 2 || first === undefined) continue;
    for (const node of nodes) {
      const branch = fn.flow[node];
      if (branch) branch.alike = first;
    }
  }
}
