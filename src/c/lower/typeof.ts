/** Declared types of expressions, as far as the declarations are in view. */

import type { Fact } from '../../model/fact.ts';
import { type Expr, oneSpaced } from '../syntax/syntax.ts';
import type { FieldType } from '../syntax/types.ts';
import type { Scope } from './scope.ts';

/** How deep expressions may nest and names stand for other names before the search is given up. */
export const DEEPEST = 24;

/** A type's tag: struct, union, or a typedef name; without qualifiers. */
export function plainType(type: string): string {
  return /\b(?:const|volatile|static|extern|register|inline)\b/.test(type)
    ? oneSpaced(type.replace(/\b(?:const|volatile|static|extern|register|inline)\b/g, ' '))
    : type;
}

/** The declared type of an expression's value, or null where a declaration on the way is not in view. */
export function typeOf(e: Expr, scope: Scope, depth: number): FieldType | null {
  if (depth > DEEPEST) return null;
  return declaredType(e, scope, depth) ?? scope.guess(e);
}

/** By declarations in view, and for what they leave open those of a kernel tree. */
function declaredType(e: Expr, scope: Scope, depth: number): FieldType | null {
  switch (e.k) {
    case 'name': {
      const known = scope.variables.get(e.name) ?? scope.global(e.name) ?? null;
      if (known && known.type !== '' && known.type !== '__auto_type' && known.type !== 'typeof') return known;
      return copied(e, scope, depth) ?? WELL_KNOWN.get(e.local ? '' : e.name) ?? null;
    }
    case 'member': {
      const of = typeOf(e.of, scope, depth + 1);
      const member = of && scope.known.member(plainType(of.type), e.name);
      if (!member) return null;
      return of?.inferred ? { ...member, inferred: true } : member;
    }
    case 'index':
    case 'deref': {
      const of = typeOf(e.of, scope, depth + 1);
      return of && (of.array ? { ...of, array: false } : { ...of, pointer: Math.max(0, of.pointer - 1) });
    }
    case 'address': {
      const of = typeOf(e.of, scope, depth + 1);
      return of && { ...of, pointer: of.pointer + 1, array: false };
    }
    case 'cast':
      return castType(e.type);
    case 'call': {
      const fact = e.callee.k === 'name' ? scope.fact(e.callee.name) : undefined;
      const [first, second] = e.args;
      if (fact?.pointer === 'container') return second ? castType(`${oneSpaced(scope.slice(second)).replace(/^(struct|union)_+/, '$1 ')} *`) : null;
      if (first && fact && isSamePointer(fact)) return typeOf(first, scope, depth + 1);
      return (e.callee.k === 'name' && scope.known.returned(e.callee.name)) || null;
    }
    case 'choice':
      return (e.yes && typeOf(e.yes, scope, depth + 1)) ?? typeOf(e.no, scope, depth + 1);
    case 'assign':
      return typeOf(e.left, scope, depth + 1);
    default:
      return null;
  }
}

/** Names that mean one object everywhere: `current` (include/asm-generic/current.h). */
const WELL_KNOWN: ReadonlyMap<string, FieldType> = new Map([['current', { type: 'struct task_struct', pointer: 1, array: false }]]);

/** Does the call return its argument, or what the lvalue that it names holds? A load through an address (smp_load_acquire) does not. */
export function isSamePointer(fact: Fact): boolean {
  return fact.pointer === 'same' && !loadsThrough(fact);
}

/** Does the call return the pointer that stands where its argument points to? */
export function loadsThrough(fact: Fact): boolean {
  return fact.pointer === 'same' && fact.kind === 'read' && fact.by === 'pointer';
}

function copied(e: Extract<Expr, { k: 'name' }>, scope: Scope, depth: number): FieldType | null {
  const copy = e.local ? scope.copyOf(e.name) : null;
  return copy && typeOf(copy, scope, depth + 1);
}

/** The type that a cast names. */
export function castType(type: string): FieldType {
  return { type: plainType(oneSpaced(type.replace(/\*/g, ' '))), pointer: (type.match(/\*/g) ?? []).length, array: false };
}
