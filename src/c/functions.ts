/** From an image to its functions with their events. */
import type { CFunction, SourceComment } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import type { CodeFile } from '../model/rule.ts';
import type { Problem } from '../model/series.ts';
import type { FieldType, Scope, Types } from './cells.ts';
import { isConstantText } from './cells.ts';
import { Context, type FileScope } from './context.ts';
import { declarationsOf, type Head, sourceComment } from './declarations.ts';
import type { Image } from './images.ts';
import { entryLocks, fillLocksets } from './locksets.ts';
import { normalise } from './normalise.ts';
import { open } from './pieces.ts';
import { walk } from './statements.ts';
import { type Expr, type Stmt, Syntax, squeeze } from './syntax.ts';
import type { Grammar, SyntaxNode } from './tree.ts';

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
  syntax: Syntax;
  /** The text as it was before normalisation. */
  source: string;
  /** First and last line of the piece in the file. */
  first: number;
  last: number;
  /** The head was made up, because the piece begins inside the function. */
  opened: boolean;
}

/** Files of more characters are not read as C; the largest in the kernel that is written by hand has 1.3 million. */
export const LARGEST_FILE = 4_000_000;

/** Parses the image and notes what it declares in `types`. */
export function draft(image: Image, grammar: Grammar, types: Types): Draft {
  const result: Draft = { image, includes: [], comments: [], heads: [], problems: [] };
  for (const piece of image.pieces) {
    const opened = image.whole ? { text: `${piece.lines.join('\n')}\n`, firstLine: piece.firstLine, enclosing: null } : open(piece);
    if (opened.text.length > LARGEST_FILE) {
      result.problems.push({ severity: 'odd', where: image.path, message: `has more than ${LARGEST_FILE} characters and was not read as C` });
      continue;
    }
    const { text, macros } = normalise(opened.text);
    const root = grammar.parse(text);
    if (!root) {
      result.problems.push({ severity: 'odd', where: image.path, message: 'could not be parsed as C' });
      continue;
    }
    const found = declarationsOf(root, text, types);
    const syntax = new Syntax({ text, macros, firstLine: opened.firstLine });
    const last = piece.firstLine + piece.lines.length - 1;
    result.includes.push(...found.includes);
    result.comments.push(...found.comments.map(c => sourceComment(c.node, opened.text.slice(c.node.at, c.node.end), opened.firstLine)));
    for (const head of found.heads) {
      const made = opened.enclosing !== null && head.node.row === 0;
      result.heads.push({ head, syntax, source: opened.text, first: piece.firstLine, last, opened: made });
    }
  }
  return result;
}

/** Walks the functions of a draft. */
export function fileOf(it: Draft, types: Types, defined: (name: string) => boolean, factOf: (api: string) => Fact | undefined): CodeFile {
  const lines = new Map<number, { text: string; addedBy: number | null }>();
  for (const piece of it.image.pieces) piece.lines.forEach((text, i) => lines.set(piece.firstLine + i, { text, addedBy: piece.origin[i] ?? null }));
  const line = (n: number) => lines.get(n) ?? { text: '', addedBy: null };
  return {
    path: it.image.path,
    whole: it.image.whole,
    isHeader: it.image.path.endsWith('.h'),
    functions: it.heads.map(head => functionOf(head, it, line, types, defined, factOf)),
    comments: it.comments,
    includes: it.includes,
    addedBy: it.image.addedBy,
  };
}

function functionOf(
  it: DraftHead,
  file: Draft,
  line: FileScope['line'],
  types: Types,
  defined: (name: string) => boolean,
  factOf: (api: string) => Fact | undefined,
): CFunction {
  const { head, syntax } = it;
  const firstLine = syntax.source.firstLine;
  const start = Math.max(it.first, head.node.row + firstLine);
  const closed = head.node.endRow + firstLine;
  const endLine = Math.min(it.last, closed);
  const whole = !it.opened && closed <= it.last;
  const body = syntax.stmt(head.body);
  const locals = new Map<string, FieldType>();
  for (const p of head.parameters)
    locals.set(p.name, { type: p.type.replace(/[ *]+$/, ''), pointer: (p.type.match(/\*/g) ?? []).length, array: false });
  const slice = (e: { at: number; end: number }) => syntax.source.text.slice(e.at, e.end);
  const scope: Scope = { types, locals, aliases: new Map(), slice };
  const cx = new Context(
    { path: file.image.path, fact: factOf, line, defined, whole, slice },
    scope,
    new Map(head.parameters.map((p, i) => [p.name, i])),
  );
  survey(body, cx);
  walk(body, cx);
  if (cx.graph.ends.length > 0) cx.graph.exit({ line: endLine });
  cx.graph.seal();
  if (!whole) for (const event of cx.events) event.uncertain = event.line <= it.first || event.line >= it.last;
  const raw = it.source.slice(head.node.at, head.body.at);
  const attributes = raw.match(/\b__(?:init|exit|must_hold|acquires|releases|always_inline|meminit|net_init|net_exit)\b(?:\([^()]*\))?/g) ?? [];
  const above = it.opened ? undefined : file.comments.find(c => c.endLine === start - 1);
  const fn: CFunction = {
    path: file.image.path,
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
    doc: above ?? null,
    comments: file.comments.filter(c => c.line > start && c.endLine < endLine),
    addedBy: it.opened ? null : line(start).addedBy,
    attributes: attributes.map(squeeze),
    entryLocks: [],
    ...(isBroken(head.node) ? { broken: true as const } : {}),
  };
  fn.entryLocks = entryLocks(fn);
  fillLocksets(fn.events, fn.flow, fn.entryLocks, factOf);
  return fn;
}

/** Before the walk: what is declared where, which locals stand for a path, and which start from a constant. */
function survey(body: Stmt, cx: Context): void {
  const set = new Map<string, Expr[]>();
  const assign = (name: string, value: Expr) => {
    const all = set.get(name);
    if (all) all.push(value);
    else set.set(name, [value]);
  };
  const changed = new Set<string>();
  const expr = (e: Expr): void => {
    if (e.k === 'assign' && e.left.k === 'name') {
      if (e.op === '=') assign(e.left.name, e.right);
      else changed.add(e.left.name);
    }
    if (e.k === 'update' && e.of.k === 'name') changed.add(e.of.name);
    if (e.k === 'address' && e.of.k === 'name') changed.add(e.of.name);
    for (const part of partsOf(e)) expr(part);
    if (e.k === 'block') stmt(e.body);
  };
  const stmt = (s: Stmt): void => {
    if (s.k === 'declare') {
      cx.scope.locals.set(s.name, { type: s.type, pointer: s.pointer, array: false });
      if (s.init) assign(s.name, s.init);
    }
    if (s.k === 'macro' && s.args[0]?.k === 'name') changed.add(s.args[0].name);
    for (const e of expressionsOf(s)) expr(e);
    for (const inner of statementsOf(s)) stmt(inner);
  };
  stmt(body);
  for (const [name, values] of set) {
    if (!cx.scope.locals.has(name)) continue;
    const only = values.length === 1 ? values[0] : undefined;
    const root = only ? rootOf(only) : null;
    const stays = root !== null && !changed.has(root) && (set.get(root)?.length ?? 0) <= (cx.parameters.has(root) ? 0 : 1);
    if (only && stays && !changed.has(name) && !cx.parameters.has(name)) cx.scope.aliases.set(name, only);
    const first = values[0];
    const constant = first?.k === 'number' || (first?.k === 'name' && isConstantText(first.name)) ? first : null;
    if (constant) {
      const text = cx.text(constant);
      cx.starts.set(name, { text, value: constant.k === 'number' ? constant.value : (cx.scope.types.constants.get(text) ?? null) });
    }
  }
}

/** The variable that a path starts from; null where the expression is no path: it computes or calls. */
function rootOf(e: Expr): string | null {
  if (e.k === 'name') return e.name;
  if (e.k === 'member' || e.k === 'address' || e.k === 'cast') return rootOf(e.of);
  if (e.k === 'index') return e.index.k === 'name' || e.index.k === 'number' ? rootOf(e.of) : null;
  return null;
}

function partsOf(e: Expr): Expr[] {
  switch (e.k) {
    case 'call':
      return [e.callee, ...e.args];
    case 'member':
    case 'unary':
    case 'deref':
    case 'address':
    case 'update':
    case 'cast':
      return [e.of];
    case 'index':
      return [e.of, e.index];
    case 'binary':
    case 'assign':
      return [e.left, e.right];
    case 'choice':
      return e.yes ? [e.test, e.yes, e.no] : [e.test, e.no];
    case 'comma':
    case 'list':
    case 'unread':
      return e.list;
    default:
      return [];
  }
}

function expressionsOf(s: Stmt): Expr[] {
  switch (s.k) {
    case 'expr':
      return [s.of];
    case 'declare':
      return s.init ? [s.init] : [];
    case 'if':
      return [s.test];
    case 'loop':
      return [s.test, s.step].filter(e => e !== null);
    case 'macro':
      return s.args;
    case 'switch':
      return [s.on];
    case 'return':
      return s.of ? [s.of] : [];
    default:
      return [];
  }
}

function statementsOf(s: Stmt): Stmt[] {
  switch (s.k) {
    case 'block':
    case 'arms':
    case 'case':
      return s.list;
    case 'if':
      return s.no ? [s.yes, s.no] : [s.yes];
    case 'loop':
      return s.init ? [s.init, s.body] : [s.body];
    case 'macro':
    case 'switch':
      return [s.body];
    case 'label':
      return s.body ? [s.body] : [];
    default:
      return [];
  }
}

/** True where the grammar could not read part of the node. */
export function isBroken(node: SyntaxNode): boolean {
  return node.broken || node.children.some(isBroken);
}
