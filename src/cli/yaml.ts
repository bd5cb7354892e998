/** Files that users write, read from YAML: what is wrong is a problem that names file, line and key. */
import { type Document, isMap, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Problem } from '../index.ts';
import { suggestion } from './options.ts';

type Path = (string | number)[];

/** A file of keys and values as it was read. */
export interface YamlFile {
  document: Document;
  /** Its keys with their values; empty where the file is wrong as a whole. */
  parts: Record<string, unknown>;
  problems: Problem[];
  /** The line of what stands at the path, or of the nearest above it. */
  lineOf(path: Path): number;
  complain(line: number, message: string): void;
  /**
   * The value at the path where it is of the schema's form, else null, and a problem for each fault. `alternatives` are keys that would have
   * made it a value of another form.
   */
  entry<S extends z.ZodType>(schema: S, raw: unknown, path: Path, alternatives?: string[]): z.infer<S> | null;
}

/** Larger files are not written by people. */
const LARGEST = 1_000_000;

/** Reads a file of which `keys` are the keys at the top; others are problems. `what` is the kind of file, in the plural or as a mass. Throws nothing. */
export function readYaml(file: string, source: string, what: string, keys: string[], largest = LARGEST): YamlFile {
  const problems: Problem[] = [];
  const counter = new LineCounter();
  const complain = (line: number, message: string) => void problems.push({ severity: 'odd', where: `${file}, line ${line}`, message });
  const small = source.length <= largest;
  if (!small) problems.push({ severity: 'odd', where: file, message: `too large for a ${what} file: more than ${largest} characters` });
  const document = parseDocument(small ? source : '', { lineCounter: counter, prettyErrors: false, logLevel: 'error', uniqueKeys: true });
  const lineOf = (path: Path): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = nodeAt(document, path.slice(0, depth));
      if (node?.range) return counter.linePos(node.range[0]).line;
    }
    return 1;
  };
  const entry = <S extends z.ZodType>(schema: S, raw: unknown, path: Path, alternatives: string[] = []): z.infer<S> | null => {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return parsed.data;
    const { issues } = parsed.error;
    // A key that is spelt wrong is as a rule the one that is missing.
    const misspelt = new Set(issues.flatMap(i => (i.code === 'unrecognized_keys' ? [i.path.join('.')] : [])));
    for (const issue of issues) {
      const at = [...path, ...issue.path.map(p => (typeof p === 'number' ? p : String(p)))];
      if (issue.code === 'unrecognized_keys')
        for (const key of issue.keys)
          complain(lineOf([...at, key]), `${[...at, key].join('.')}: ${noKey(key, [...keysOf(schema), ...alternatives])}`);
      else if (document.getIn(at) !== undefined || !misspelt.has(issue.path.slice(0, -1).join('.')))
        complain(lineOf(at), `${at.join('.')}: ${expectation(issue, document.getIn(at) ?? undefined)}`);
    }
    return null;
  };
  const read: YamlFile = { document, parts: {}, problems, lineOf, complain, entry };
  // The first fault of the form is as a rule the cause of the others.
  const [broken] = document.errors;
  if (broken) complain(counter.linePos(broken.pos[0]).line, formFault(broken, source));
  if (broken || document.contents === null) return read;
  if (!isMap(document.contents)) {
    complain(1, `expected the keys ${keys.map(key => `\`${key}\``).join(keys.length === 2 ? ' and ' : ', ')}`);
    return read;
  }
  const parts = partsOf(document, complain);
  for (const key of Object.keys(parts)) if (!keys.includes(key)) complain(lineOf([key]), `${key}: ${noKey(key, keys)}`);
  return { ...read, parts };
}

function nodeAt(document: Document, path: Path): Node | undefined {
  const found: unknown = document.getIn(path, true);
  return typeof found === 'object' && found !== null && 'range' in found ? (found as Node) : undefined;
}

/** The keys with plain values. Aliases that would make a small file large are refused by the reader, and said. */
function partsOf(document: Document, complain: (line: number, message: string) => void): Record<string, unknown> {
  try {
    const plain: unknown = document.toJS({ maxAliasCount: 100 });
    return isObject(plain) ? Object.fromEntries(Object.entries(plain)) : {};
  } catch (error) {
    complain(1, `not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
    return {};
  }
}

/** The keys that a schema of keys and values knows. */
function keysOf(schema: z.ZodType): string[] {
  return 'shape' in schema && isObject(schema.shape) ? Object.keys(schema.shape) : [];
}

export function isObject(raw: unknown): raw is object {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** What is said of a key that is not known here. */
export function noKey(key: string, known: string[]): string {
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
      return expected('what the schema says (schema/ in the sources)');
  }
}

/** A fault of the YAML itself. */
function formFault({ code, message, pos }: { code: string; message: string; pos: [number, number] }, source: string): string {
  if (code === 'DUPLICATE_KEY') return `${/^[\w.-]+/.exec(source.slice(pos[0]))?.[0] ?? 'a key'}: stands here twice; expected once`;
  return `not valid YAML: ${
    message
      .split('\n')[0]
      ?.replace(/ at line .*/, '')
      .slice(0, 120) ?? ''
  }`;
}
