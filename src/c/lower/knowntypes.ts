/** Types as the code in view declares them, and for what it does not declare as a kernel tree does. */
import type { KernelTables } from '../../model/contract.ts';
import { oneSpaced } from '../syntax/syntax.ts';
import type { FieldType, Types } from '../syntax/types.ts';

/** What is declared of members and functions. */
export interface KnownTypes {
  member(tag: string, name: string): FieldType | undefined;
  /** Are the members of the structure known? */
  declares(tag: string): boolean;
  /** What a function returns and takes. */
  returned(api: string): FieldType | undefined;
  parameter(api: string, at: number): FieldType | undefined;
  /** The only structure that has all of the members; undefined where there are several or none. */
  onlyStructWith(members: ReadonlySet<string>): string | undefined;
}

/** A function by its head: the words before its name, and its parameters. */
interface Signature {
  head: string;
  parameters: { type: string }[];
}

/** `functions` are those of the code in view, by name; `tables` what was read of a kernel. */
export function knownTypes(types: Types, functions: ReadonlyMap<string, Signature>, tables: KernelTables | null): KnownTypes {
  const structs = tables?.structs;
  const only = new Map<string, string | undefined>();
  return {
    member: (tag, name) => types.structs.get(tag)?.get(name) ?? structs?.member(tag, name),
    declares: tag => types.structs.has(tag) || structs?.has(tag) === true,
    returned: api => {
      const own = functions.get(api);
      if (own) return declaredType(own.head);
      const accessor = types.accessors?.get(api);
      if (accessor) return accessor;
      const text = tables?.contracts.signature(api)?.result;
      return text === undefined ? undefined : tableType(text);
    },
    parameter: (api, at) => {
      const own = functions.get(api);
      if (own) return own.parameters[at] && declaredType(own.parameters[at].type);
      const text = tables?.contracts.signature(api)?.parameters[at];
      return text === undefined ? undefined : tableType(text);
    },
    onlyStructWith: members => {
      const names = [...members].sort();
      const key = names.join(' ');
      if (!only.has(key)) only.set(key, onlyOne(names, types, structs));
      return only.get(key);
    },
  };
}

function onlyOne(names: readonly string[], types: Types, structs: KernelTables['structs'] | undefined): string | undefined {
  const [tag, ...others] = structs?.structsWith(names) ?? [];
  if (tag === undefined || others.length > 0) return undefined;
  // The series may bring another one.
  for (const [own, members] of types.structs)
    if (own !== tag && /^(?:struct|union) \w+$/.test(own) && names.every(name => members.has(name))) return undefined;
  return tag;
}

/** `static struct foo *` -> a pointer to `struct foo`; undefined where it is no object's. */
function declaredType(text: string): FieldType | undefined {
  const plain = oneSpaced(text.replace(/\b(?:static|extern|inline|const|volatile|noinline\w*|__\w+)\b(?:\([^()]*\))?/g, ' ').replace(/\*/g, ' * '));
  const [, type = '', stars = ''] = /^((?:struct |union )?\w+)((?: \*)*)$/.exec(plain) ?? [];
  return /^(?:(?:struct|union) \w+|\w+_t)$/.test(type) ? { type, pointer: stars.replace(/ /g, '').length, array: false } : undefined;
}

/** `foo*` of a table: a pointer to a pointer to `struct foo`; typedefs begin with `=`. */
function tableType(text: string): FieldType | undefined {
  const [, typedef = '', name = '', stars = ''] = /^(=?)((?:union )?\w+)(\**)$/.exec(text) ?? [];
  if (name === '') return undefined;
  if (typedef !== '') return { type: name, pointer: stars.length, array: false };
  return { type: name.startsWith('union ') ? name : `struct ${name}`, pointer: stars.length + 1, array: false };
}
