/** Declared types of expressions, as far as the declarations are in view. */

import { type Expr, squeeze } from '../syntax/syntax.ts';
import type { FieldType } from '../syntax/types.ts';
import type { Scope } from './scope.ts';

/** How deep expressions may nest and names stand for other names before the search is given up. */
export const DEEPEST = 24;

/** Calls whose value is that of their argument, as a pointer. */
export const SAME_POINTER =
  /^(?:rcu_dereference\w*|rcu_access_pointer|rcu_replace_pointer|srcu_dereference\w*|READ_ONCE|rtnl_dereference|unrcu_pointer|no_free_ptr|lockless_dereference|(?:raw_|this_|per_)?cpu_ptr|__this_cpu_ptr|get_cpu_ptr|likely|unlikely|WARN_ON(?:_ONCE)?|data_race|ERR_CAST|READ_ONCE_NOCHECK|WRITE_ONCE|rht_dereference\w*)$/;
/** The object around a member: the type is the second argument. */
const CONTAINER =
  /^(?:container_of(?:_const|_safe)?|list_(?:first_|last_|next_|prev_)?entry(?:_or_null|_rcu|_lockless|_circular)?|hlist_entry(?:_safe)?|rb_entry(?:_safe)?|llist_entry|from_timer|timer_container_of|rb_entry_rcu)$/;

/** A type's tag: struct, union, or a typedef name; without qualifiers. */
export function plainType(type: string): string {
  return /\b(?:const|volatile|static|extern|register|inline)\b/.test(type)
    ? squeeze(type.replace(/\b(?:const|volatile|static|extern|register|inline)\b/g, ' '))
    : type;
}

/** The declared type of an expression's value, or null where a declaration on the way is not in view. */
export function typeOf(e: Expr, scope: Scope, depth: number): FieldType | null {
  if (depth > DEEPEST) return null;
  switch (e.k) {
    case 'name': {
      const known = scope.variables.get(e.name) ?? scope.global(e.name) ?? null;
      return known && known.type !== '' && known.type !== '__auto_type' ? known : copied(e, scope, depth);
    }
    case 'member': {
      const of = typeOf(e.of, scope, depth + 1);
      return (of && scope.types.structs.get(plainType(of.type))?.get(e.name)) ?? null;
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
      if (e.callee.k !== 'name') return null;
      const [first, second] = e.args;
      if (CONTAINER.test(e.callee.name) && second) return castType(`${squeeze(scope.slice(second)).replace(/^(struct|union)_+/, '$1 ')} *`);
      return first && SAME_POINTER.test(e.callee.name) ? typeOf(first, scope, depth + 1) : null;
    }
    default:
      return null;
  }
}

function copied(e: Extract<Expr, { k: 'name' }>, scope: Scope, depth: number): FieldType | null {
  const copy = e.local ? scope.copyOf(e.name) : null;
  return copy && typeOf(copy, scope, depth + 1);
}

/** The type that a cast names. */
export function castType(type: string): FieldType {
  return { type: plainType(squeeze(type.replace(/\*/g, ' '))), pointer: (type.match(/\*/g) ?? []).length, array: false };
}
