/** Facts that users declare, read from YAML; a file of its own, loaded only where there are some. */
import { isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import type { Fact, Problem, Read, UserFacts } from '../index.ts';
import { suggestion } from './options.ts';

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

/** Files larger than this are no facts. */
const LARGEST = 1_000_000;

/** Reads a facts file. What is wrong is a problem that names file, line and field; the rest counts. */
export function readFacts(file: string, source: string): Read<UserFacts> {
  const value: UserFacts = { functions: [], invariants: [] };
  const problems: Problem[] = [];
  const counter = new LineCounter();
  const complain = (line: number, message: string) => problems.push({ severity: 'odd', where: `${file}, line ${line}`, message });
  if (source.length > LARGEST)
    return { value, problems: [{ severity: 'odd', where: file, message: `too large for a facts file: more than ${LARGEST} characters` }] };
  const document = parseDocument(source, { lineCounter: counter, prettyErrors: false, logLevel: 'error', uniqueKeys: true });
  // The first fault of the form is as a rule the cause of the others.
  const [broken] = document.errors;
  if (broken) complain(counter.linePos(broken.pos[0]).line, formFault(broken, source));
  if (broken || document.contents === null) return { value, problems };
  if (!isMap(document.contents)) {
    complain(1, 'expected the keys `functions` and `invariants`');
    return { value, problems };
  }
  const lineOf = (path: (string | number)[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as Node | undefined;
      if (node?.range) return counter.linePos(node.range[0]).line;
    }
    return 1;
  };
  const plain: unknown = document.toJS({ maxAliasCount: 100 });
  const parts = typeof plain === 'object' && plain !== null ? plain : {};
  for (const key of Object.keys(parts))
    if (key !== 'functions' && key !== 'invariants') complain(lineOf([key]), `${key}: ${noKey(key, ['functions', 'invariants'])}`);
  /** One entry by its own schema, so that a fault in it costs nothing else. */
  const entry = <S extends z.ZodObject>(schema: S, raw: unknown, path: (string | number)[]): z.infer<S> | null => {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const at = [...path, ...issue.path.map(p => (typeof p === 'number' ? p : String(p)))];
      if (issue.code === 'unrecognized_keys')
        for (const key of issue.keys) complain(lineOf([...at, key]), `${[...at, key].join('.')}: ${noKey(key, Object.keys(schema.shape))}`);
      else complain(lineOf(at), `${at.join('.')}: ${expectation(issue, document.getIn(at) ?? undefined)}`);
    }
    return null;
  };
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
        const said = entry(described, raw, path);
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

function isObject(raw: unknown): raw is object {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** What is said of a key that is not known here. */
function noKey(key: string, known: string[]): string {
  return `no such key here; expected ${oneOf(known)}${key === '' ? '' : suggestion(key, known)}`;
}

function oneOf(words: readonly string[]): string {
  return words.length > 1 ? `one of ${words.join(', ')}` : (words[0] ?? '');
}

const NOUNS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  tuple: 'a list',
  object: 'keys and values',
};

/** What was expected of a value, in one sentence that also says what stands there. */
function expectation(issue: z.core.$ZodIssue, given: unknown): string {
  const is =
    given === undefined ? 'missing' : typeof given === 'string' || typeof given === 'number' ? `is ${JSON.stringify(given).slice(0, 60)}` : 'wrong';
  const expected = (what: string) => `${is}; expected ${what}`;
  switch (issue.code) {
    case 'invalid_value': {
      const known = issue.values.map(String);
      return `${expected(oneOf(known))}${typeof given === 'string' ? suggestion(given, known) : ''}`;
    }
    case 'invalid_type':
      return expected(Object.hasOwn(NOUNS, issue.expected) ? (NOUNS[issue.expected] ?? '') : issue.expected);
    case 'too_small':
    case 'too_big': {
      const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      const of = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
      return expected(`${bound}${of}`);
    }
    case 'invalid_format':
      return expected(issue.message);
    default:
      return expected('what the schema says (schema/facts.schema.json)');
  }
}

/** A fault of the YAML itself. */
function formFault({ code, message, pos }: { code: string; message: string; pos: [number, number] }, source: string): string {
  if (code === 'DUPLICATE_KEY') return `${/^[\w.-]+/.exec(source.slice(pos[0]))?.[0] ?? 'a key'}: stands here twice; expected once`;
  return `not valid YAML: ${message.split('\n')[0]?.replace(/ at line .*/, '') ?? ''}`;
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
