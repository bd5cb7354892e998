/** From an image to its functions with their events. */
import { type CFunction, type Parameter, type SourceComment, UNNAMED } from '../../model/code.ts';
import type { Contracted, Fact } from '../../model/fact.ts';
import type { CodeFile } from '../../model/rule.ts';
import type { Problem } from '../../model/series.ts';
import { correlationsOf } from '../cfg/correlated.ts';
import { phasesOf } from '../cfg/errorpaths.ts';
import { splitReturns } from '../cfg/returned.ts';
import { Converter } from '../syntax/convert.ts';
import { declarationsOf, sourceComment } from '../syntax/declarations.ts';
import { misledIn } from '../syntax/indentation.ts';
import { oneSpaced, type Stmt, type Survey } from '../syntax/syntax.ts';
import { type TargetsOf, targetsIn } from '../syntax/targets.ts';
import type { Grammar } from '../syntax/tree.ts';
import type { FieldType, Types } from '../syntax/types.ts';
import { bodiesByColumn } from '../text/columns.ts';
import type { Image } from '../text/images.ts';
import { accessorsIn, macrosOf } from '../text/macros.ts';
import { normalise } from '../text/normalise.ts';
import { open } from '../text/pieces.ts';
import { call } from './callevents.ts';
import { Context, type FileScope, type Lowering } from './context.ts';
import { Guesses, type TypeIn } from './guesses.ts';
import type { KnownTypes } from './knowntypes.ts';
import { lowerStatement } from './statements.ts';
import { plainType, typeOf } from './typeof.ts';

/** A file parsed, its functions not walked yet: what they mean may depend on what other files declare. */
export interface ParsedFile {
  image: Image;
  includes: string[];
  comments: SourceComment[];
  heads: ParsedHead[];
  problems: Problem[];
}

interface ParsedHead {
  name: string;
  parameters: Parameter[];
  /** The words before the name. */
  head: string;
  /** The head as it was before normalisation, up to the body. */
  written: string;
  body: Stmt;
  survey: Survey;
  /** First and last line of the function, and of the piece in the file. */
  line: number;
  endLine: number;
  first: number;
  last: number;
  slice(e: { at: number; end: number }): string;
  /** The head was made up, because the piece begins inside the function. */
  opened: boolean;
  /** The piece ends before the function does. */
  cut: boolean;
  isMacro: boolean;
  /** The grammar could not read part of it. */
  broken: boolean;
}

/** Files of more characters are not read as C; the largest in the kernel that is written by hand has 1.3 million. */
export const LARGEST_FILE = 4_000_000;

/** Parses the image and notes what it declares in `types`. */
export function parseFile(image: Image, grammar: Grammar, types: Types): ParsedFile {
  const result: ParsedFile = { image, includes: [], comments: [], heads: [], problems: [] };
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
      const { text, code, macros, cleanups, failures, jumps } = normalise(written);
      const tree = grammar.parse(text);
      if (!tree) {
        odd('could not be parsed as C');
        return code;
      }
      const found = declarationsOf(tree, text, written, types);
      const source = { text, macros, cleanups, failures, jumps, firstLine };
      const slice = (e: { at: number; end: number }) => text.slice(e.at, e.end);
      for (const { node, body, name, parameters, head } of found.heads) {
        const converter = new Converter(tree, source, parameters);
        const endLine = tree.endRow(node) + firstLine;
        result.heads.push({
          name,
          parameters,
          head,
          written: `${AHEAD.exec(written.slice(Math.max(0, tree.at(node) - 120), tree.at(node)))?.[0] ?? ''}${written.slice(tree.at(node), tree.at(body))}`,
          body: converter.stmt(body),
          survey: converter.survey,
          line: tree.row(node) + firstLine,
          endLine,
          first: piece.firstLine,
          last,
          slice,
          opened: !isMacro && opened.enclosing !== null && tree.row(node) === 0,
          cut: endLine > last,
          isMacro,
          broken: tree.broken(node),
        });
      }
      if (isMacro) return code;
      result.includes.push(...found.includes);
      for (const c of tree.comments) result.comments.push(sourceComment(tree, c, written.slice(tree.at(c), tree.end(c)), firstLine));
      return code;
    };
    const code = read(opened.text, opened.firstLine, false);
    if (image.whole) rescue(result, opened.text, code, opened.firstLine, read);
    for (const [name, { type, pointer }] of accessorsIn(opened.text)) {
      types.accessors ??= new Map();
      types.accessors.set(name, { type, pointer, array: false });
    }
    const bodies = macrosOf(opened.text);
    if (bodies !== null) read(bodies, opened.firstLine, true);
  }
  result.heads.sort((a, b) => a.line - b.line);
  return result;
}

/** Reads by themselves the functions that the first column shows and the grammar lost, as it does behind an #if that cuts a statement. */
function rescue(
  it: ParsedFile,
  text: string,
  code: string,
  firstLine: number,
  read: (text: string, firstLine: number, isMacro: boolean) => string,
): void {
  const found = new Set(it.heads.map(h => h.endLine));
  const lost = bodiesByColumn(code).filter(({ close }) => !found.has(close + firstLine));
  if (lost.length === 0) return;
  const lines = text.split('\n');
  const comments = it.comments.length;
  for (const { head, open, close } of lost) {
    const inside = (line: number) => line >= open + firstLine && line <= close + firstLine;
    // What the grammar took for functions inside were pieces of this one.
    it.heads = it.heads.filter(h => !inside(h.line));
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
  /** Whether the file is read as it is after the series or as it was before; one that the series does not touch is always `new`. */
  side: CFunction['side'];
  types: Types;
  global(name: string): FieldType | undefined;
  defined(name: string): boolean;
  /** Is the structure declared in the file itself? Absent where calls through pointers are not followed. */
  declares?(type: string): boolean;
  fact(api: string): Fact | undefined;
  contract(api: string): Contracted | undefined;
  convention(api: string): Fact | undefined;
  /** Also the calls of known functions say what each argument points to. */
  objects?: true;
  known: KnownTypes;
}

/** Walks the functions of a draft. */
export function fileOf(it: ParsedFile, around: Surroundings): CodeFile {
  const line = linesOf(it.image);
  const endsAt = new Map(it.comments.map(c => [c.endLine, c]));
  const comments = [...it.comments].sort((a, b) => a.line - b.line);
  const targets = around.declares ? targetsIn(it.image, around.declares, around.defined) : null;
  // Hunks of one function know each other.
  const parts = new Map<string, ParsedHead[]>();
  for (const head of it.heads)
    if (!it.image.whole && !head.isMacro && head.name !== UNNAMED) parts.set(head.name, [...(parts.get(head.name) ?? []), head]);
  const made = new Map<readonly ParsedHead[], Guesses>();
  let names: Map<string, FieldType | null> | null = null;
  const named = (name: string): FieldType | null => {
    names ??= namesIn(it.heads);
    return names.get(name) ?? null;
  };
  const guessesOf = (head: ParsedHead): Guesses => {
    const all = parts.get(head.name) ?? [head];
    const known = made.get(all) ?? new Guesses(all, { known: around.known, fact: around.fact, named }, typesOf(around));
    made.set(all, known);
    return known;
  };
  return {
    path: it.image.path,
    whole: it.image.whole,
    isHeader: it.image.path.endsWith('.h'),
    functions: it.heads.map(head => functionOf(head, it.image, line, around, targets, endsAt, comments, guessesOf(head))),
    comments: it.comments,
    includes: it.includes,
    addedBy: it.image.addedBy,
    ...(it.image.outside ? { outside: true as const } : {}),
  };
}

/** What the functions declare each name as; null where they disagree. */
function namesIn(heads: readonly ParsedHead[]): Map<string, FieldType | null> {
  const found = new Map<string, FieldType | null>();
  for (const { survey, isMacro } of heads) {
    if (isMacro) continue;
    for (const [name, { type, pointer, array }] of survey.variables) {
      const known = found.get(name);
      if (known === undefined) found.set(name, { type: plainType(type), pointer, array });
      else if (known && (known.type !== plainType(type) || known.pointer !== pointer)) found.set(name, null);
    }
  }
  return found;
}

/** Types of expressions by declarations alone, and by guesses at what they are made of. */
function typesOf(around: Surroundings): TypeIn {
  return (e, part, guesses) =>
    typeOf(
      e,
      {
        types: around.types,
        global: around.global,
        variables: part.survey.variables,
        copyOf: () => null,
        whole: false,
        known: around.known,
        guess: inner => guesses.of(inner, part),
        fact: around.fact,
        slice: part.slice,
      },
      0,
    );
}

const NO_LINE: ReturnType<FileScope['line']> = { text: '', addedBy: null };

/** Reads single lines of an image; asked mostly for lines near the last one. */
function linesOf(image: Image): FileScope['line'] {
  const { pieces } = image;
  let at = 0;
  let [asked, last] = [-1, NO_LINE];
  return n => {
    if (n === asked) return last;
    asked = n;
    last = read(n);
    return last;
  };

  function read(n: number): ReturnType<FileScope['line']> {
    for (let tried = 0; tried < pieces.length; tried++) {
      const piece = pieces[at];
      const text = piece?.lines[n - piece.firstLine];
      if (piece && text !== undefined) return { text, addedBy: piece.origin[n - piece.firstLine] ?? null };
      at = (at + 1) % pieces.length;
    }
    return NO_LINE;
  }
}

const LOWERING: Lowering = { call, walk: lowerStatement };

/** Attributes before the head, which the grammar is not shown. */
const AHEAD = /(?:\b__\w+(?:\([^()]*\))?[ \t]+)+$/;

/** Sections and annotations that say when and under what a function runs. */
const ATTRIBUTES: ReadonlySet<string> = new Set(
  `__init __exit __meminit __net_init __net_exit __sched __kprobes __cpuidle __always_inline __must_hold __must_hold_shared __must_not_hold __acquires
  __acquires_shared __releases __releases_shared __cond_acquires __no_context_analysis __context_unsafe`.split(/\s+/),
);

function attributesIn(written: string): string[] {
  const words = written.matchAll(/\b(__\w+)\b(?:\((?:[^()]|\([^()]*\))*\))?/g);
  return [...words].flatMap(([all, word = '']) => (ATTRIBUTES.has(word) ? [oneSpaced(all)] : []));
}

function functionOf(
  it: ParsedHead,
  { path, outside }: Image,
  line: FileScope['line'],
  around: Surroundings,
  targets: TargetsOf | null,
  endsAt: Map<number, SourceComment>,
  comments: SourceComment[],
  guesses: Guesses,
): CFunction {
  const { parameters, survey, slice } = it;
  const start = Math.max(it.first, it.line);
  const endLine = Math.min(it.last, it.endLine);
  const whole = !it.opened && !it.cut;
  const { types, global, defined, fact, contract, convention, objects, known } = around;
  const side = outside ? 'new' : around.side;
  const file: FileScope = {
    path,
    side,
    types,
    global,
    fact,
    contract,
    convention,
    line,
    defined,
    targets,
    whole: whole || it.isMacro,
    slice,
    objects: objects === true,
    known,
    guess: e => guesses.of(e, it),
  };
  const cx = new Context(LOWERING, file, survey, new Map(parameters.map((p, i) => [p.name, i])));
  lowerStatement(it.body, cx);
  if (cx.graph.ends.length > 0) cx.graph.exit(endLine);
  cx.graph.seal();
  if (!whole) for (const event of cx.events) if (event.line <= it.first || event.line >= it.last) event.uncertain = true;
  const { events } = cx;
  const flow = cx.graph.nodes;
  const head = oneSpaced(it.head);
  const attributes = attributesIn(it.written);
  splitReturns(flow, cx.settings);
  const phases = phasesOf({ flow, head, attributes }, cx.settings);
  if (phases) {
    for (const [i, node] of flow.entries()) if (node.kind === 'exit' && phases.fails(i)) node.fails = true;
    for (const event of events) event.phase = phases.at(event.node);
  }
  for (const [at, more] of correlationsOf({ flow, events, settings: cx.settings }, cx.conditions, cx.switches)) Object.assign(flow[at] ?? {}, more);
  const misled = it.isMacro || it.broken ? [] : misledIn(it.body, line, slice);
  return {
    path,
    side,
    name: it.name,
    line: start,
    endLine,
    whole,
    isStatic: /\bstatic\b/.test(it.written),
    isInline: /\binline\b/.test(it.written),
    head,
    parameters,
    events,
    flow,
    shape: {
      statements: cx.statements,
      loops: cx.loops,
      comparisons: cx.comparisons,
      calls: [...cx.calls],
      ...(misled.length > 0 ? { misled } : {}),
    },
    doc: (it.opened ? undefined : endsAt.get(start - 1)) ?? null,
    comments: between(comments, start, endLine),
    addedBy: it.opened ? null : line(start).addedBy,
    attributes,
    entryLocks: [],
    settings: cx.settings,
    changes: survey.changes,
    locals: new Set([...survey.variables.values()].flatMap(v => (v.isStatic || parameters.some(p => p.name === v.name) ? [] : v.name))),
    ...(it.broken ? { broken: true as const } : {}),
    ...(it.isMacro ? { isMacro: true as const } : {}),
    ...(outside ? { outside: true as const } : {}),
  };
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
