import type { Fact, Knowledge } from '../model/fact.ts';
import { describe } from './describe.ts';
import { names, shapes, sources } from './tables.ts';

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
export const builtIn: Knowledge = { fact: factOf };

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
  const known = shaped.get(at) ?? describe('', JSON.parse(shapeLines[at] ?? '{}'), '');
  shaped.set(at, known);
  return known;
}
