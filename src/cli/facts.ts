/** Facts that users declare, read from YAML; a file of its own, loaded only where there are some. */
import { isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import type { Fact, Problem, Read, UserFacts } from '../index.ts';

const position = z.number().int().min(0).max(20).nullable();
const text = z.string().min(1).max(200);
/** `struct foo.member` or `member.path`; subscripts may be left out. */
const cellName = text.regex(/^(?:(?:struct|union) \w+\.)?\w+(?:(?:\.|->)\w+|\[\w*\])*$/, 'is no cell: write `struct foo.member`');

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

const like = z.strictObject({ like: z.string().regex(/^\w+$/).describe('a kernel function that it behaves like, arguments in the same places') });

const invariant = z.union([
  z.strictObject({
    paired: z.tuple([cellName, cellName]).describe('two cells that belong together'),
    relation: z.enum(['complement', 'equal', 'unknown']).default('unknown'),
  }),
  z.strictObject({ guarded: cellName.describe('a cell that is only touched under the lock'), by: cellName }),
  z.strictObject({
    serialised: text.describe('a type: `struct foo`'),
    by: z.literal('caller'),
    why: text.max(2000).describe('why two calls on one object never meet'),
  }),
]);

/** The form of a facts file; its JSON Schema is generated from this. */
export const factsFile = z.strictObject({
  functions: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.union([like, described])).default({}),
  invariants: z.array(invariant).max(1000).default([]),
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
  if (source.length > LARGEST) return { value, problems: [{ severity: 'odd', where: file, message: `has more than ${LARGEST} characters` }] };
  const document = parseDocument(source, { lineCounter: counter, prettyErrors: false, uniqueKeys: true });
  for (const error of document.errors) complain(counter.linePos(error.pos[0]).line, error.message.split('\n')[0] ?? '');
  if (document.errors.length > 0 || document.contents === null) return { value, problems };
  if (!isMap(document.contents)) {
    complain(1, 'must hold `functions` and `invariants`');
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
    if (key !== 'functions' && key !== 'invariants') complain(lineOf([key]), `${key}: no such field; there are \`functions\` and \`invariants\``);
  /** One entry by its own schema, so that a fault in it costs nothing else. */
  const entry = <T>(schema: z.ZodType<T>, raw: unknown, path: (string | number)[]): T | null => {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return parsed.data;
    for (const issue of flatten(parsed.error.issues))
      complain(lineOf([...path, ...issue.path]), `${[...path, ...issue.path].join('.')}: ${issue.message}`);
    return null;
  };
  const functions: unknown = 'functions' in parts ? parts.functions : {};
  if (typeof functions !== 'object' || functions === null || Array.isArray(functions))
    complain(lineOf(['functions']), 'functions: must map names to what they do');
  else {
    for (const [name, raw] of Object.entries(functions)) {
      const path = ['functions', name];
      const line = lineOf(path);
      if (!/^[A-Za-z_]\w*$/.test(name)) complain(line, `functions.${name}: is no C name`);
      else if (typeof raw === 'object' && raw !== null && 'like' in raw) {
        const said = entry(like, raw, path);
        if (said) value.functions.push({ name, file, line, like: said.like });
      } else {
        const said = entry(described, raw, path);
        if (said) value.functions.push({ name, file, line, fact: factOf(name, said, `${file}, line ${line}`) });
      }
    }
  }
  const invariants: unknown = 'invariants' in parts ? parts.invariants : [];
  if (!Array.isArray(invariants)) complain(lineOf(['invariants']), 'invariants: must be a list');
  else {
    for (const [i, raw] of invariants.entries()) {
      const said = entry(invariant, raw, ['invariants', i]);
      const at = { file, line: lineOf(['invariants', i]) };
      if (!said) continue;
      if ('paired' in said) value.invariants.push({ ...at, kind: 'paired', cells: said.paired, relation: said.relation });
      else if ('guarded' in said) value.invariants.push({ ...at, kind: 'guarded', cell: said.guarded, by: said.by });
      else value.invariants.push({ ...at, kind: 'serialised', type: said.serialised, why: said.why });
    }
  }
  return { value, problems };
}

interface Issue {
  path: (string | number)[];
  message: string;
}

/** An arm that lacks a key and has one too many is not what was meant. */
const FAR = 20;

/** zod nests the issues of a union's arms; the arm that comes nearest is the one the writer meant. */
function flatten(issues: z.core.$ZodIssue[]): Issue[] {
  return issues.flatMap(issue => {
    const path = issue.path.map(p => (typeof p === 'number' ? p : String(p)));
    if (issue.code !== 'invalid_union') return [{ path, message: issue.message }];
    const arms = issue.errors.map(flatten).sort((a, b) => score(a) - score(b));
    const [nearest = []] = arms;
    if (score(nearest) >= FAR) return [{ path, message: 'has none of the forms that the schema knows' }];
    return nearest.map(inner => ({ path: [...path, ...inner.path], message: inner.message }));
  });
}

/** An arm whose own key is there, and only its values are wrong, is nearer than one that lacks its key. */
function score(issues: Issue[]): number {
  return issues.reduce((n, issue) => n + (/expected \w+, received undefined|Unrecognized key/i.test(issue.message) ? FAR / 2 : 1), 0);
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
