/** Facts that users declare, read from YAML; a file of its own, loaded only where there are some. */
import { z } from 'zod';
import { describeMember, describeType, FIELDS, type Field, factFrom, MEMBER_FIELDS, ORDERED, TYPE_FIELDS } from '../facts/describe.ts';
import type { Fact, Read, UserFacts } from '../index.ts';
import { isObject, noKey, readYaml, type YamlFile } from './yaml.ts';

const C_NAME = /^[A-Za-z_]\w*$/;
const C_TYPE = /^(?:(?:struct|union) )?[A-Za-z_]\w*$/;
const position = z.number().int().min(0).max(20).nullable();
const text = z.string().min(1).max(200);
/** `struct foo.member` or `member.path`; subscripts may be left out. */
const cellName = text.regex(/^(?:(?:struct|union) \w+\.)?\w+(?:(?:\.|->)\w+|\[\w*\])*$/, 'a cell as `struct foo.member`');

/** A function or macro, or a class of guards: `guard(foo)`. */
const C_CALL = new RegExp(`${C_NAME.source}|^guard\\([A-Za-z_]\\w*\\)$`);

/** What the reader of a schema is told of a key; the words are those of docs/facts.md. */
const ABOUT: Record<string, string> = {
  kind: 'what a call is to other CPUs',
  cell: 'the argument, counted from 0, that names the memory or the lock; 0 where it is not said',
  also: 'further arguments whose memory is touched in the same way',
  by: 'whether that argument is a pointer or the thing itself',
  bit: 'the argument with the bit number',
  operand: 'the argument with the value',
  lock: 'of a lock: its family; locks of one family exclude each other',
  conditional: 'a lock that is taken only where the call says so',
  global: 'a lock that no argument names',
  context: 'what begins (+) or ends (-) on this CPU: +irqs-off',
  gfp: 'the argument with the GFP flags that decide whether it sleeps',
  form: 'a call that is no event: its first argument itself, a test of it, or arithmetic',
  pointer: 'what the returned pointer points to: what the argument does, or the object around it',
  part: 'what is said holds, and the function may do anything besides',
  quiesce: 'whose runs it waits for, or keeps from running',
  register: 'the handler that it makes known',
  runs: 'where the kernel runs it',
  holds:
    'what its caller surely holds: FAMILY:OBJECT of N (shared), N the argument whose object it is of; a word alone is a context, or a lock of which there is one',
  unless: 'members that a file sets, or functions that it calls, with which nothing of that is sure',
  never_with: 'members that never run at the same time on one object',
  ended: 'members that have returned and do not run again meanwhile, on one object',
  phase: 'what it does to its object: set it up, take it down, start or stop it, begin or end one use of it',
  pair: 'the members that undo it',
  keeps_lock: 'it returns with a lock that another member releases',
};

/** The schema of one key of a function, from the form that the built-in facts have. */
function schemaOf(field: Field): z.ZodType {
  switch (field.is) {
    case 'words':
      return field.nullable ? z.enum(Object.keys(field.words)).nullable() : z.enum(Object.keys(field.words));
    case 'argument':
      return position;
    case 'arguments':
      return z.array(z.number().int().min(0).max(20));
    case 'flag':
      return z.boolean();
    case 'family':
      return text;
    case 'context':
      return text.regex(/^[+-][a-z]+(?:-[a-z]+)*(?: [+-][a-z]+(?:-[a-z]+)*)*$/, 'words such as +irqs-off');
    case 'text':
      return text;
    case 'texts':
      return z.array(text);
    case 'effect': {
      const [noun] = Object.values(field.parts);
      const one = z.union([schemaOf(noun ?? { is: 'text' }), z.strictObject(optional(field.parts))]);
      return z.union([one, z.array(one)]);
    }
  }
}

function optional(fields: Record<string, Field>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const about = ABOUT[name];
      return [name, (about === undefined ? schemaOf(field) : schemaOf(field).describe(about)).optional()];
    }),
  );
}

const required: Record<string, z.ZodType> = { kind: z.enum(wordsOf('kind')).describe(ABOUT.kind ?? '') };
const described = z.strictObject({ ...optional(FIELDS), ...required });

const like = z.strictObject({
  like: z.string().regex(C_CALL, 'the name of a kernel function').describe('a kernel function that it behaves like, arguments in the same places'),
});

const member = z.strictObject(optional(MEMBER_FIELDS));
const typed = z.strictObject({ ...optional(TYPE_FIELDS), is: schemaOf(TYPE_FIELDS.is ?? { is: 'text' }) });

/** The forms of an invariant, by the key that only it has. */
const invariants = {
  paired: z.strictObject({
    paired: z.tuple([cellName, cellName]).describe('two cells that belong together'),
    relation: z.enum(['complement', 'equal', 'unknown']).default('unknown'),
  }),
  guarded: z.strictObject({ guarded: cellName.describe('a cell that is only touched under the lock'), by: cellName }),
  serialised: z.strictObject({
    serialised: text.describe('a type: `struct foo`'),
    by: z.literal('caller'),
    why: text.max(2000).describe('why two calls on one object never meet'),
  }),
};

/** The form of a facts file; its JSON Schema is generated from this. */
export const factsFile = z.strictObject({
  functions: z.record(z.string().regex(C_CALL), z.union([like, described])).default({}),
  tables: z
    .record(z.string().regex(C_TYPE), z.record(z.string().regex(C_NAME), member))
    .default({})
    .describe('operations tables by their type: where and under what each member is run'),
  types: z.record(z.string().regex(C_TYPE), typed).default({}).describe('what objects of a type are to other CPUs'),
  invariants: z
    .array(z.union([invariants.paired, invariants.guarded, invariants.serialised]))
    .max(1000)
    .default([]),
});

/** Must the order of such a call be said? */
function isOrdered(kind: unknown): boolean {
  return ORDERED.some(known => known === kind);
}

function wordsOf(key: string): string[] {
  const field = FIELDS[key];
  return field?.is === 'words' ? Object.keys(field.words) : [];
}

/** The JSON Schema (draft 2020-12) of a facts file. */
export function factsSchema(): object {
  return {
    title: 'fencepost facts',
    description: 'What the maintainers of a subsystem declare of their own code',
    ...z.toJSONSchema(factsFile, { io: 'input' }),
  };
}

/** Reads a facts file. What is wrong is a problem that names file, line and field; the rest counts. */
export function readFacts(file: string, source: string): Read<UserFacts> {
  const value: UserFacts = { functions: [], members: [], types: [], invariants: [] };
  const read = readYaml(file, source, 'facts', ['functions', 'tables', 'types', 'invariants']);
  const { parts, problems, lineOf, complain, entry } = read;
  const functions: unknown = 'functions' in parts ? parts.functions : {};
  if (typeof functions !== 'object' || functions === null || Array.isArray(functions))
    complain(lineOf(['functions']), 'functions: expected names, each with what that function does');
  else {
    for (const [name, raw] of Object.entries(functions)) {
      const path = ['functions', name];
      const line = lineOf(path);
      if (!C_CALL.test(name)) complain(line, `functions.${name}: expected a C name`);
      else if (typeof raw === 'object' && raw !== null && 'like' in raw) {
        const said = entry(like, raw, path);
        if (said) value.functions.push({ name, file, line, like: said.like });
      } else {
        const said = entry(described, raw, path, ['like']);
        if (said && isOrdered(said.kind) && said.ordering === undefined)
          complain(line, `functions.${name}.ordering: missing; expected one of ${wordsOf('ordering').join(', ')}`);
        else if (said) value.functions.push({ name, file, line, fact: factOf(name, said, `${file}, line ${line}`) });
      }
    }
  }
  readTables(parts, { ...read, file }, value);
  readTypes(parts, { ...read, file }, value);
  const listed: unknown = 'invariants' in parts ? parts.invariants : [];
  if (!Array.isArray(listed)) complain(lineOf(['invariants']), 'invariants: expected a list');
  else {
    for (const [i, raw] of listed.entries()) {
      const path = ['invariants', i];
      const at = { file, line: lineOf(path) };
      if (isObject(raw) && 'paired' in raw) {
        const said = entry(invariants.paired, raw, path);
        if (said) value.invariants.push({ ...at, kind: 'paired', cells: said.paired, relation: said.relation });
      } else if (isObject(raw) && 'guarded' in raw) {
        const said = entry(invariants.guarded, raw, path);
        if (said) value.invariants.push({ ...at, kind: 'guarded', cell: said.guarded, by: said.by });
      } else if (isObject(raw) && 'serialised' in raw) {
        const said = entry(invariants.serialised, raw, path);
        if (said) value.invariants.push({ ...at, kind: 'serialised', type: said.serialised, why: said.why });
      } else {
        const [key] = isObject(raw) ? Object.keys(raw) : [];
        complain(at.line, `${[...path, ...(key === undefined ? [] : [key])].join('.')}: ${noKey(key ?? '', Object.keys(invariants))}`);
      }
    }
  }
  return { value, problems };
}

function readTables(parts: Record<string, unknown>, { file, lineOf, complain, entry }: YamlFile & { file: string }, value: UserFacts): void {
  const tables: unknown = 'tables' in parts ? parts.tables : {};
  if (!isObject(tables)) {
    complain(lineOf(['tables']), 'tables: expected types of tables, each with its members');
    return;
  }
  for (const [struct, members] of Object.entries(tables)) {
    if (!C_TYPE.test(struct) || !isObject(members))
      complain(lineOf(['tables', struct]), `tables.${struct}: expected \`struct NAME\` with its members`);
    else
      for (const [name, raw] of Object.entries(members)) {
        const path = ['tables', struct, name];
        const said = entry(member, raw, path);
        const line = lineOf(path);
        if (said) value.members.push({ file, line, fact: describeMember(struct, name, said, `${file}, line ${line}`) });
      }
  }
}

function readTypes(parts: Record<string, unknown>, { file, lineOf, complain, entry }: YamlFile & { file: string }, value: UserFacts): void {
  const types: unknown = 'types' in parts ? parts.types : {};
  if (!isObject(types)) {
    complain(lineOf(['types']), 'types: expected names of types, each with what it is');
    return;
  }
  for (const [name, raw] of Object.entries(types)) {
    const path = ['types', name];
    if (!C_TYPE.test(name)) complain(lineOf(path), `types.${name}: expected the name of a type`);
    const said = C_TYPE.test(name) ? entry(typed, raw, path) : null;
    const line = lineOf(path);
    if (said) value.types.push({ file, line, fact: describeType(name, said, `${file}, line ${line}`) });
  }
}

/** The fact that a declaration makes; it is on the memory of its first argument unless it says another. */
function factOf(api: string, said: Record<string, unknown>, source: string): Fact {
  const name = api.replace(/^guard\((\w+)\)$/, '$1');
  const family = /^(?:un)?lock$/.test(String(said.kind)) ? { lock: name.replace(/_?(?:un)?lock$/, ''), global: said.cell === null } : {};
  return factFrom(api, { cell: 0, atomic: said.ordering !== 'plain', ...family, ...said }, source);
}
