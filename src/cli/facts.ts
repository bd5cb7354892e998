/** Facts that users declare, read from YAML; a file of its own, loaded only where there are some. */
import { z } from 'zod';
import type { Fact, Read, UserFacts } from '../index.ts';
import { isObject, noKey, readYaml } from './yaml.ts';

const C_NAME = /^[A-Za-z_]\w*$/;
const position = z.number().int().min(0).max(20).nullable();
const text = z.string().min(1).max(200);
/** `struct foo.member` or `member.path`; subscripts may be left out. */
const cellName = text.regex(/^(?:(?:struct|union) \w+\.)?\w+(?:(?:\.|->)\w+|\[\w*\])*$/, 'a cell as `struct foo.member`');

const described = z.strictObject({
  kind: z
    .enum(['read', 'write', 'rmw', 'fence', 'lock', 'unlock', 'rcu', 'publish', 'free', 'wait', 'wake', 'call'])
    .describe('what a call is to other CPUs'),
  cell: position.default(0).describe('the argument, counted from 0, that names the memory or the lock'),
  by: z.enum(['pointer', 'lvalue']).default('pointer').describe('whether that argument is a pointer or the thing itself'),
  bit: position.default(null).describe('the argument with the bit number'),
  operation: z
    .enum(['load', 'store', 'set', 'clear', 'flip', 'assign', 'add', 'sub', 'inc', 'dec', 'and', 'or', 'xor', 'andnot', 'xchg', 'cmpxchg'])
    .nullable()
    .default(null),
  operand: position.default(null).describe('the argument with the value'),
  result: z.enum(['none', 'old', 'new', 'success', 'test', 'value']).default('none'),
  ordering: z.enum(['none', 'plain', 'relaxed', 'address', 'acquire', 'release', 'full', 'rmb', 'wmb', 'compiler', 'before-atomic', 'after-atomic']),
  sleeps: z.enum(['no', 'yes', 'maybe']).default('no'),
  family: text.optional().describe('of a lock: which locks exclude each other'),
});

const like = z.strictObject({
  like: z.string().regex(C_NAME, 'the name of a kernel function').describe('a kernel function that it behaves like, arguments in the same places'),
});

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
  functions: z.record(z.string().regex(C_NAME), z.union([like, described])).default({}),
  invariants: z
    .array(z.union([invariants.paired, invariants.guarded, invariants.serialised]))
    .max(1000)
    .default([]),
});

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
  const value: UserFacts = { functions: [], invariants: [] };
  const { parts, problems, lineOf, complain, entry } = readYaml(file, source, 'facts', ['functions', 'invariants']);
  const functions: unknown = 'functions' in parts ? parts.functions : {};
  if (typeof functions !== 'object' || functions === null || Array.isArray(functions))
    complain(lineOf(['functions']), 'functions: expected names, each with what that function does');
  else {
    for (const [name, raw] of Object.entries(functions)) {
      const path = ['functions', name];
      const line = lineOf(path);
      if (!C_NAME.test(name)) complain(line, `functions.${name}: expected a C name`);
      else if (typeof raw === 'object' && raw !== null && 'like' in raw) {
        const said = entry(like, raw, path);
        if (said) value.functions.push({ name, file, line, like: said.like });
      } else {
        const said = entry(described, raw, path, ['like']);
        if (said) value.functions.push({ name, file, line, fact: factOf(name, said, `${file}, line ${line}`) });
      }
    }
  }
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

function factOf(api: string, said: z.infer<typeof described>, source: string): Fact {
  const lock =
    said.kind === 'lock' || said.kind === 'unlock'
      ? { family: said.family ?? api.replace(/_?(?:un)?lock$/, ''), shared: false, conditional: false, global: said.cell === null }
      : null;
  const { kind, cell, by, bit, operation, operand, result, ordering, sleeps } = said;
  return {
    api,
    kind,
    cell,
    by,
    bit,
    operation,
    operand,
    result,
    atomic: ordering !== 'plain',
    ordering,
    orderingOnFailure: null,
    lock,
    context: [],
    sleeps,
    source,
  };
}
