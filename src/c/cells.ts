/** Which memory an expression names. */
import type { Cell } from '../model/code.ts';
import { type Expr, squeeze } from './syntax.ts';

/** A member's declared type, `struct foo` without stars and dimensions, and whether it is a pointer or an array. */
export interface FieldType {
  type: string;
  pointer: number;
  array: boolean;
}

/** Types that the code in view declares. */
export interface Types {
  /** `struct foo` -> its members. */
  structs: Map<string, Map<string, FieldType>>;
  globals: Map<string, FieldType>;
  /** Enumerators and number macros. */
  constants: Map<string, number>;
}

export interface Scope {
  types: Types;
  /** Parameters and locals. */
  locals: Map<string, FieldType>;
  /** Locals that are set once, to a path: they stand for it. */
  aliases: Map<string, Expr>;
  slice(e: { at: number; end: number }): string;
}

type Segment = { kind: 'member'; name: string; arrow: boolean } | { kind: 'index'; text: string };

interface Path {
  root: string;
  rootType: FieldType | null;
  /** The root is a variable of the function itself, not memory it points to. */
  local: boolean;
  /** Something was dereferenced on the way. */
  indirect: boolean;
  segments: Segment[];
}

/** How often names may stand for other names before the search is given up. */
const MOST_ALIASES = 16;

/** The cell of an lvalue, or null where it is the function's own variable or no path at all. */
export function cellOfLvalue(e: Expr, scope: Scope): Cell | null {
  const path = lvalue(e, scope, 0);
  return path && (!path.local || path.indirect) ? cell(path, scope, false) : null;
}

/** The cell that a pointer points to, or null. */
export function cellOfPointer(e: Expr, scope: Scope): Cell | null {
  const path = pointer(e, scope, 0);
  if (!path || (path.local && !path.indirect)) return null;
  return cell(path, scope, !names(e, scope));
}

/** True where the expression is the address of a named object, not the value of a pointer variable. */
function names(e: Expr, scope: Scope): boolean {
  if (e.k === 'cast') return names(e.of, scope);
  if (e.k === 'name') {
    const alias = scope.aliases.get(e.name);
    return alias ? names(alias, scope) : false;
  }
  return e.k === 'address';
}

/** A type's tag: struct, union, or a typedef name; without qualifiers. */
export function plainType(type: string): string {
  return squeeze(type.replace(/\b(?:const|volatile|static|extern|register|inline|unsigned|signed)\b/g, ' '));
}

function lvalue(e: Expr, scope: Scope, depth: number): Path | null {
  if (depth > MOST_ALIASES) return null;
  switch (e.k) {
    case 'name': {
      const local = scope.locals.get(e.name);
      return { root: e.name, rootType: local ?? scope.types.globals.get(e.name) ?? null, local: local !== undefined, indirect: false, segments: [] };
    }
    case 'member': {
      const of = e.arrow ? pointer(e.of, scope, depth + 1) : lvalue(e.of, scope, depth + 1);
      if (!of) return null;
      return { ...of, indirect: of.indirect || e.arrow, segments: [...of.segments, { kind: 'member', name: e.name, arrow: e.arrow }] };
    }
    case 'index': {
      const of = lvalue(e.of, scope, depth + 1) ?? pointer(e.of, scope, depth + 1);
      if (!of) return null;
      const viaPointer = e.of.k === 'name' && (scope.locals.get(e.of.name)?.pointer ?? 0) > 0;
      const target = viaPointer ? (pointer(e.of, scope, depth + 1) ?? of) : of;
      return {
        ...target,
        indirect: target.indirect || viaPointer,
        segments: [...target.segments, { kind: 'index', text: squeeze(scope.slice(e.index)) }],
      };
    }
    case 'deref':
      return pointer(e.of, scope, depth + 1);
    case 'cast':
      return lvalue(e.of, scope, depth + 1);
    default:
      return null;
  }
}

function pointer(e: Expr, scope: Scope, depth: number): Path | null {
  if (depth > MOST_ALIASES) return null;
  switch (e.k) {
    case 'address':
      return lvalue(e.of, scope, depth + 1);
    case 'cast':
      return pointer(e.of, scope, depth + 1);
    case 'name': {
      const alias = scope.aliases.get(e.name);
      if (alias) return pointer(alias, scope, depth + 1);
      const path = lvalue(e, scope, depth + 1);
      return path && { ...path, indirect: true };
    }
    case 'member':
    case 'index': {
      const path = lvalue(e, scope, depth + 1);
      return path && { ...path, indirect: true };
    }
    case 'binary':
      if (e.op !== '+' && e.op !== '-') return null;
      {
        const of = pointer(e.left, scope, depth + 1);
        return of && { ...of, segments: [...of.segments, { kind: 'index', text: squeeze(scope.slice(e.right)) }] };
      }
    case 'call':
      return { root: squeeze(scope.slice(e)), rootType: null, local: false, indirect: true, segments: [] };
    default:
      return null;
  }
}

function cell(path: Path, scope: Scope, pointee: boolean): Cell {
  let type = path.rootType ? plainType(path.rootType.type) : null;
  let from = -1;
  let container: string | null = null;
  for (let i = 0; i < path.segments.length; i++) {
    const segment = path.segments[i];
    if (segment?.kind !== 'member') continue;
    if (type !== null && isTag(type)) {
      from = i;
      container = type;
    }
    const field: FieldType | undefined = type === null ? undefined : scope.types.structs.get(type)?.get(segment.name);
    type = field ? plainType(field.type) : null;
  }
  if (container !== null && from >= 0) {
    const base = spell(path.root, path.segments.slice(0, from));
    return { type: container, path: spell('', path.segments.slice(from)), bit: null, base, ...(pointee ? { pointee } : {}) };
  }
  if (path.segments.some(s => s.kind === 'member') || !path.local) {
    const rooted = path.local ? spell('', path.segments) : spell(path.root, path.segments);
    return { type: null, path: rooted, bit: null, base: path.local ? path.root : null, ...(pointee ? { pointee } : {}) };
  }
  return { type, path: `*${spell('', path.segments)}`, bit: null, base: path.root };
}

function isTag(type: string): boolean {
  return /^(?:struct|union) \w+$/.test(type) || /^\w+_t$/.test(type);
}

function spell(root: string, segments: Segment[]): string {
  let text = root;
  for (const s of segments) {
    if (s.kind === 'index') text += `[${s.text}]`;
    else text += text === '' ? s.name : `${s.arrow ? '->' : '.'}${s.name}`;
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
  const path = cell.path.replace(/\[([^\]]*)\]/g, (all, text: string) => (isConstantText(text) ? all : '[]'));
  const words = cell.pointee && !path.endsWith('[]') ? `${path}[]` : path;
  return `${cell.type ?? ''}|${words}`;
}

/** The cell's name as a person would write it: the path without variable subscripts. */
export function cellName(cell: Cell): string {
  return cell.path.replace(/\[([^\]]*)\]/g, (all, text: string) => (isConstantText(text) ? all : ''));
}
