/** Which memory an expression names. */
import type { Cell } from '../../model/code.ts';
import { ownName } from '../syntax/calls.ts';
import { type Expr, oneSpaced } from '../syntax/syntax.ts';
import type { FieldType } from '../syntax/types.ts';
import type { Scope } from './scope.ts';
import { castType, DEEPEST, isSamePointer, loadsThrough, plainType, typeOf } from './typeof.ts';

/** Memory as a path from an object. */
interface Path {
  /** How the object is reached, after copies; null where the path starts from a global. */
  base: string | null;
  type: FieldType | null;
  /** The object is the function's own variable. */
  own: boolean;
  /** Nothing tells whether the object is the function's own. */
  unsure: boolean;
  /** It is what a pointer at the end of the path points to. */
  pointee: boolean;
  segments: Segment[];
  /** The path as seen from an object further out, across pointers. */
  outer: { type: string; path: string } | null;
}

type Segment = { kind: 'member'; name: string } | { kind: 'index'; text: string };

/** The cell of an lvalue, or null where it is the function's own variable, not known, or no path at all. */
export function cellOfLvalue(e: Expr, scope: Scope): Cell | null {
  const path = lvalue(e, scope, 0);
  return path && !path.own && !path.unsure ? cell(path, scope) : null;
}

/** The cell that a pointer points to, or null. */
export function cellOfPointer(e: Expr, scope: Scope): Cell | null {
  const path = pointer(e, scope, 0);
  return path && !path.own && !path.unsure ? cell(path, scope) : null;
}

/** True where the lvalue is surely, or may be, a variable of the function itself. */
export function isLocalVariable(e: Expr, scope: Scope): boolean {
  const path = lvalue(e, scope, 0);
  return path !== null && (path.own || path.unsure);
}

function lvalue(e: Expr, scope: Scope, depth: number): Path | null {
  if (depth > DEEPEST) return null;
  switch (e.k) {
    case 'name':
      return variable(e, scope);
    case 'member': {
      if (e.arrow) return behind(e.of, e.name, scope, depth + 1);
      const of = lvalue(e.of, scope, depth + 1);
      return of && then(of, { kind: 'member', name: e.name });
    }
    case 'index': {
      const text = oneSpaced(scope.slice(e.index));
      if (e.of.k === 'name' && !isArray(e.of, scope)) {
        const to = pointer(e.of, scope, depth + 1);
        return to && then(to, { kind: 'index', text });
      }
      const of = lvalue(e.of, scope, depth + 1) ?? pointer(e.of, scope, depth + 1);
      return of && then(of, { kind: 'index', text });
    }
    case 'deref':
      return pointer(e.of, scope, depth + 1);
    case 'cast':
      return lvalue(e.of, scope, depth + 1);
    case 'comma': {
      const last = e.list.at(-1);
      return last ? lvalue(last, scope, depth + 1) : null;
    }
    default:
      return null;
  }
}

function variable(e: Extract<Expr, { k: 'name' }>, scope: Scope): Path {
  const known = scope.variables.get(e.name);
  const type = known ?? scope.global(e.name) ?? null;
  if (e.local) return { base: e.name, type, own: true, unsure: false, pointee: false, segments: [], outer: null };
  const unsure = type === null && !scope.whole;
  return { base: null, type, own: false, unsure, pointee: false, segments: [{ kind: 'member', name: e.name }], outer: null };
}

function isArray(e: Extract<Expr, { k: 'name' }>, scope: Scope): boolean {
  const type = scope.variables.get(e.name) ?? scope.global(e.name);
  return type ? type.array : !e.local;
}

/** One step further into an object. A pointer's own memory ends where a subscript goes behind it. */
function then(of: Path, segment: Segment): Path {
  const outer = of.outer && { type: of.outer.type, path: spell(of.outer.path, [segment]) };
  // A global's members are counted from the global, as those of an object behind a pointer are.
  if (segment.kind === 'member' && of.base === null && of.segments.length > 0)
    return { ...of, base: spell('', of.segments), segments: [segment], outer, pointee: false };
  return { ...of, segments: [...of.segments, segment], outer, pointee: false };
}

/** The member of what a pointer points to. */
function behind(of: Expr, name: string, scope: Scope, depth: number): Path | null {
  const base = spellPointer(of, scope, depth);
  const type = typeOf(of, scope, depth);
  const from = type === null || !isTag(plainType(type.type)) ? outerOf(of, scope, depth) : null;
  const outer = from && { type: from.type, path: `${from.path}->${name}` };
  return {
    base,
    type: type && { ...type, pointer: 0, array: false },
    own: ownArray(of, scope),
    unsure: false,
    pointee: false,
    segments: [{ kind: 'member', name }],
    outer,
  };
}

/** `arr->x` of an array on the stack is the function's own. */
function ownArray(of: Expr, scope: Scope): boolean {
  if (of.k === 'address') return isOwnVariable(of.of, scope);
  if (of.k !== 'name' || !of.local) return false;
  if (scope.variables.get(of.name)?.array === true) return true;
  const copy = scope.copyOf(of.name);
  return copy !== null && copy.k === 'address' && isOwnVariable(copy.of, scope);
}

function isOwnVariable(e: Expr, scope: Scope): boolean {
  if (e.k === 'member') return !e.arrow && isOwnVariable(e.of, scope);
  if (e.k === 'index') return e.of.k === 'name' ? e.of.local && scope.variables.get(e.of.name)?.array === true : isOwnVariable(e.of, scope);
  return e.k === 'name' && e.local;
}

/** The path of a pointer expression from the nearest object of a known type, where there is one. */
function outerOf(e: Expr, scope: Scope, depth: number): { type: string; path: string } | null {
  if (e.k !== 'member' || depth > DEEPEST) return null;
  const path = lvalue(e, scope, depth + 1);
  if (!path) return null;
  if (path.outer) return path.outer;
  const type = path.type ? plainType(path.type.type) : null;
  return type !== null && isTag(type) ? { type, path: spell('', path.segments) } : null;
}

function pointer(e: Expr, scope: Scope, depth: number): Path | null {
  if (depth > DEEPEST) return null;
  switch (e.k) {
    case 'address':
      return lvalue(e.of, scope, depth + 1);
    case 'cast': {
      const of = pointer(e.of, scope, depth + 1);
      const type = of && of.segments.length === 0 ? castType(e.type) : null;
      return of && type ? { ...of, type: { ...type, pointer: Math.max(0, type.pointer - 1) } } : of;
    }
    case 'name': {
      if (e.local && scope.variables.get(e.name)?.array === true) return variable(e, scope);
      const copy = e.local ? scope.copyOf(e.name) : null;
      const to = copy && pointer(copy, scope, depth + 1);
      if (to) return to;
      if (!e.local) {
        const of = variable(e, scope);
        return isArray(e, scope) ? of : { ...of, pointee: true };
      }
      const type = scope.variables.get(e.name) ?? null;
      return { base: e.name, type, own: false, unsure: false, pointee: true, segments: [], outer: null };
    }
    case 'member':
    case 'index': {
      const path = lvalue(e, scope, depth + 1);
      if (!path) return null;
      const type = typeOf(e, scope, depth + 1);
      return { ...path, own: type?.array === true && path.own, unsure: path.unsure, pointee: true };
    }
    case 'deref': {
      const base = spellPointer(e, scope, depth + 1);
      return { base, type: typeOf(e, scope, depth + 1), own: false, unsure: false, pointee: true, segments: [], outer: null };
    }
    case 'binary': {
      if (e.op !== '+' && e.op !== '-') return null;
      const of = pointer(e.left, scope, depth + 1);
      return of && then(of, { kind: 'index', text: `${e.op === '-' ? '-' : ''}${oneSpaced(scope.slice(e.right))}` });
    }
    case 'assign':
      return pointer(e.right, scope, depth + 1);
    case 'update':
      return pointer(e.of, scope, depth + 1);
    case 'comma': {
      const last = e.list.at(-1);
      return last ? pointer(last, scope, depth + 1) : null;
    }
    case 'call': {
      const [first] = e.args;
      const fact = e.callee.k === 'name' ? scope.fact(e.callee.name) : undefined;
      if (fact && first && isSamePointer(fact)) {
        const of = pointer(first, scope, depth + 1);
        if (of) return of;
      }
      if (fact && loadsThrough(fact) && first?.k === 'address') return pointer(first.of, scope, depth + 1);
      const base = oneSpaced(scope.slice(e));
      return { base, type: typeOf(e, scope, depth + 1), own: false, unsure: false, pointee: true, segments: [], outer: null };
    }
    default:
      return null;
  }
}

/** The object behind a pointer as text, after copies. */
function spellPointer(e: Expr, scope: Scope, depth: number): string {
  if (depth > DEEPEST) return oneSpaced(scope.slice(e));
  switch (e.k) {
    case 'name': {
      const copy = e.local ? scope.copyOf(e.name) : null;
      return copy ? spellPointer(copy, scope, depth + 1) : e.name;
    }
    case 'member':
      return `${spellPointer(e.of, scope, depth + 1)}${e.arrow ? '->' : '.'}${e.name}`;
    case 'index':
      return `${spellPointer(e.of, scope, depth + 1)}[${oneSpaced(scope.slice(e.index))}]`;
    case 'deref':
      return `*${spellPointer(e.of, scope, depth + 1)}`;
    case 'address':
    case 'cast':
      return spellPointer(e.of, scope, depth + 1);
    case 'call': {
      const [first] = e.args;
      const fact = e.callee.k === 'name' ? scope.fact(e.callee.name) : undefined;
      if (first && fact && isSamePointer(fact)) return spellPointer(first, scope, depth + 1);
      return oneSpaced(scope.slice(e));
    }
    default:
      return oneSpaced(scope.slice(e));
  }
}

function cell(path: Path, scope: Scope): Cell {
  const type = path.type ? plainType(path.type.type) : null;
  const { segments, base } = path;
  const pointee = path.pointee ? { pointee: true as const } : {};
  // A whole variable has no object around it.
  if (base === null) return { type: null, path: spell('', segments), bit: null, base: null, ...pointee };
  if (segments.length === 0) return { type, path: '*', bit: null, base };
  const text = segments[0]?.kind === 'index' ? `*${spell('', segments)}` : spell('', segments);
  const known = type !== null && (isTag(type) || text.startsWith('*')) ? type : null;
  const within = innermost(known, segments, scope) ?? (known === null ? path.outer : null);
  const inferred = known !== null && path.type?.inferred ? { inferred: true as const } : {};
  return { type: known, path: text, bit: null, base, ...pointee, ...(within ? { within } : {}), ...inferred };
}

/** The path from the innermost object on it whose type is declared in view, so that `&db->map` passed down and `db->map.x` meet. */
function innermost(from: string | null, segments: Segment[], scope: Scope): { type: string; path: string } | null {
  let type = from;
  let found: { type: string; path: string } | null = null;
  for (const [i, segment] of segments.entries()) {
    // Elements that constants name are not alike.
    if (segment.kind === 'index' && isConstantText(segment.text)) return found;
    if (segment.kind !== 'member') continue;
    if (i > 0 && type !== null && isTag(type)) found = { type, path: spell('', segments.slice(i)) };
    const field: FieldType | undefined = type === null ? undefined : scope.known.member(type, segment.name);
    type = field ? plainType(field.type) : null;
  }
  return found;
}

const tags = new Map<string, boolean>();
/** Names of types in one run; more are not kept. */
const MOST_TAGS = 20_000;

function isTag(type: string): boolean {
  let known = tags.get(type);
  if (known === undefined) {
    known = /^(?:(?:struct|union) \w+|\w+_t)$/.test(type);
    if (tags.size >= MOST_TAGS) tags.clear();
    tags.set(ownName(type), known);
  }
  return known;
}

function spell(from: string, segments: Segment[]): string {
  let text = from;
  for (const s of segments) {
    if (s.kind === 'index') text += `[${s.text}]`;
    else text += text === '' ? s.name : `.${s.name}`;
  }
  return text;
}

/** A subscript that always means the same element: a number or a constant's name. */
export function isConstantText(text: string): boolean {
  return /^(?:\d\w*|[A-Z][A-Z0-9_]*)$/.test(text);
}

/**
 * The normal form of a cell, under which uses in different functions meet: type and path, variable subscripts left out.
 * The words behind `db->map` when it is given to test_bit() and `db->map[i]` are one cell.
 */
export function cellKey(cell: Cell): string {
  const { type, path: full } = cell.within ?? cell;
  const path = full.includes('[') ? full.replace(/\[([^\]]*)\]/g, (all, text: string) => (isConstantText(text) ? all : '[]')) : full;
  const words = cell.pointee && !path.endsWith('[]') ? `${path}[]` : path;
  return `${type ?? ''}|${words}`;
}

/** The bit by its name, or by its number and the word that it is a bit of; without a bit the cell's path, as written. */
export function bitOrPath({ bit, path }: Cell): string {
  return bit === null ? path : /^[A-Za-z_]\w*$/.test(bit) ? bit : `bit ${bit} of ${path}`;
}

/** The cell's name as a person would write it: the path without variable subscripts. */
export function cellName(cell: Cell): string {
  return cell.path.replace(/\[([^\]]*)\]/g, (all, text: string) => (isConstantText(text) ? all : ''));
}
