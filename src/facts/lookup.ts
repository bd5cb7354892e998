import type { Fact, Knowledge } from '../model/fact.ts';
import { factFrom } from './describe.ts';
import { memberOf, typeFactOf } from './members.ts';
import { conventions, names, shapes, sources } from './tables.ts';

/**
 * What is known of a kernel function or macro; undefined when nothing is. The guards of include/linux/cleanup.h have one name per class:
 * `factOf('guard(mutex)')`, whose arguments are those of the second list.
 */
export function factOf(api: string): Fact | undefined {
  let known = decoded.get(api);
  if (known === undefined) {
    known = decode(find(api)) ?? null;
    if (decoded.size >= MOST_NAMES) decoded.clear();
    decoded.set(api, known);
  }
  return known ?? undefined;
}

/** What is built in, without anything declared. */
export const builtIn: Knowledge = {
  fact: factOf,
  contract: () => undefined,
  tables: null,
  convention: conventionOf,
  member: memberOf,
  type: typeFactOf,
};

/** Every fact, ordered by name. */
export function allFacts(): Fact[] {
  return names.split('\n').flatMap(line => decode(line) ?? []);
}

/** The family of the lock that a call takes or gives back; null for every other call. */
export function lockFamilyOf(api: string): string | null {
  return factOf(api)?.lock?.family ?? null;
}

/** Of each name that was asked for its fact; null where there is none. */
const decoded = new Map<string, Fact | null>();
/** Names in one run; more are not kept. */
const MOST_NAMES = 50_000;
const shaped = new Map<number, Fact>();
let shapeLines: string[] | undefined;
let sourceLines: string[] | undefined;

/** The line of a name, by halving the text: a run asks for a few dozen names, and an index of all costs more than it saves. */
function find(api: string): string | undefined {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const start = names.lastIndexOf('\n', middle - 1) + 1;
    const line = names.slice(start, names.indexOf('\n', start));
    const name = line.slice(0, line.indexOf(' '));
    if (name === api) return line;
    if (name < api) low = start + line.length + 1;
    else high = start;
  }
  return undefined;
}

function decode(line: string | undefined): Fact | undefined {
  if (line === undefined || line === '') return undefined;
  const [api = '', shape = '', source] = line.split(' ');
  sourceLines ??= sources.split('\n');
  return { ...shapeOf(Number(shape)), api, source: sourceLines[Number(source)] ?? '' };
}

/** What the functions of one line of `shapes` have in common; decoded once, so that they share their effects. */
function shapeOf(at: number): Fact {
  shapeLines ??= shapes.split('\n');
  const known = shaped.get(at) ?? factFrom('', JSON.parse(shapeLines[at] ?? '{}'), '');
  shaped.set(at, known);
  return known;
}

/** A pattern of names: how it must begin and end, or a word that it must have. */
type Pattern = (name: string, words: readonly string[]) => boolean;

let patterns: { fits: Pattern; except: Pattern[]; shape: number; source: string }[] | undefined;
const conventional = new Map<string, Fact | null>();

/** What the name alone lets expect of a function: the effects of all conventions that it follows. */
export function conventionOf(api: string): Fact | undefined {
  let known = conventional.get(api);
  if (known === undefined) {
    known = inferred(api);
    if (conventional.size >= MOST_NAMES) conventional.clear();
    conventional.set(api, known);
  }
  return known ?? undefined;
}

function inferred(api: string): Fact | null {
  sourceLines ??= sources.split('\n');
  patterns ??= conventions.split('\n').map(line => {
    const [pattern = '', shape, source, ...except] = line.split(' ');
    return { fits: patternOf(pattern), except: except.map(patternOf), shape: Number(shape), source: sourceLines?.[Number(source)] ?? '' };
  });
  const words = api.split('_');
  const fitting = patterns.filter(p => p.fits(api, words) && !p.except.some(fits => fits(api, words)));
  const [first] = fitting;
  if (!first) return null;
  const shaped = fitting.map(p => shapeOf(p.shape));
  const form = shaped.find(fact => fact.form !== null)?.form ?? null;
  return {
    ...shapeOf(first.shape),
    api,
    form,
    effects: shaped.flatMap(fact => fact.effects),
    part: true,
    ...(shaped.some(fact => fact.keepsNothing) ? { keepsNothing: true } : {}),
    ...(shaped.some(fact => fact.core) ? { core: true } : {}),
    inferred: true,
    source: first.source,
  };
}

function patternOf(pattern: string): Pattern {
  const [one, ...others] = pattern.split('+').map(each => (pattern === each ? null : patternOf(each)));
  if (one) return (name, words) => one(name, words) && others.every(other => other?.(name, words));
  const bare = pattern.replace(/^[_*]|[_*]+$/g, '');
  if (pattern.startsWith('*') && pattern.endsWith('*')) return name => name.includes(pattern.slice(1, -1));
  if (pattern.startsWith('*')) return name => name.endsWith(pattern.slice(1));
  if (!pattern.startsWith('_') || !pattern.endsWith('_')) return name => name.startsWith(pattern.slice(0, -1));
  return pattern.endsWith('*_') ? (_, words) => words.some(word => word.startsWith(bare)) : (_, words) => words.includes(bare);
}
