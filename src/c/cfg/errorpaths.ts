/** Which events stand on paths that only fail, and which run at initialisation or removal, as the function's attributes say. */
import type { CFunction, FlowNode, Phase } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import type { Expr } from '../syntax/syntax.ts';
import { isReached, walk } from './order.ts';
import { returnedAt, type Setting } from './returned.ts';
import { either, leadsTo, only, type Row, type StateSet, solve, surely } from './typestate.ts';

/** What of a function says which of its paths fail. */
export type Failing = Pick<CFunction, 'flow' | 'head' | 'attributes'>;

/** Where a function fails, and when its nodes run. */
export interface Phases {
  /** The phase of an event at the node. */
  at(node: number): readonly Phase[];
  /** Does every path to the exit, or to any other node, and from it on, fail? */
  fails(node: number): boolean;
}

/**
 * Which nodes are `init`, `exit` and `error-path`; null where none is. A node is on an error path where every path from it ends in
 * a return of an error: of a negative errno, of ERR_PTR() or PTR_ERR(), of NULL where others return an object, or of a variable that holds an
 * error on the whole path. A function that cannot but fail has no such path; the names of labels say nothing.
 */
export function phasesOf(fn: Failing, settings: readonly Setting[]): Phases | null {
  const place = initOrExit(fn);
  const failing = errorPaths(fn, settings);
  if (place === null && failing === null) return null;
  const plain: Phase[] = place === null ? [] : [place];
  const failed: Phase[] = [...plain, 'error-path'];
  const fails = (node: number) => failing?.[node] === true;
  return { at: node => (fails(node) ? failed : plain), fails };
}

/** Does the function run at initialisation or at removal alone, by its section attribute (include/linux/init.h)? */
export function initOrExit(fn: Pick<CFunction, 'attributes'>): 'init' | 'exit' | null {
  const words = fn.attributes.map(attribute => /^__(?:mem|net_)?(init|exit)\b/.exec(attribute)?.[1]);
  return words.includes('init') ? 'init' : words.includes('exit') ? 'exit' : null;
}

/** The value of an expression that is an error by its form. */
export function isError(e: Expr, factOf: (api: string) => Fact | undefined): boolean {
  if (e.k === 'cast') return isError(e.of, factOf);
  if (e.k === 'unary' && e.op === '-') return (e.of.k === 'name' && ERRNO.test(e.of.name)) || (e.of.k === 'number' && e.of.value !== 0);
  if (e.k === 'number') return e.negative === true;
  return e.k === 'call' && e.callee.k === 'name' && factOf(e.callee.name)?.error === true;
}

const ERRNO = /^E[A-Z][A-Z0-9]*$/;

/** For each node whether every path through it fails; null where none does. */
function errorPaths(fn: Failing, settings: readonly Setting[]): boolean[] | null {
  const { flow } = fn;
  const exits = flow.filter(node => node.kind === 'exit');
  const variable = returnedVariable(exits);
  const objects = fn.head.includes('*') && exits.some(node => node.returned !== undefined && !isFailure(node, true));
  const plain = exits.some(node => node.returned !== undefined && isFailure(node, objects));
  if (!plain && variable === null) return null;
  // `if (ret)` tells an error from 0 only where the function returns a number, and elsewhere a plain 0 or an errno.
  const numbers = !fn.head.includes('*') && /\b(?:int|long|ssize_t|loff_t)\b/.test(fn.head) && !/\bunsigned\b/.test(fn.head);
  const errnos = numbers && (plain || exits.some(node => returnedAt(node) === '0') || settings.some(s => s.fails && s.name === variable));
  const about: About = { variable, objects, numbers, errnos, on: edgesOf(settings, variable), failing: [] };
  about.failing = flow.map(node => failingWay(node, about));
  const state = forwards(flow, about);
  const succeeding = backwards(flow, about);
  // A loop without an end fails as little as it succeeds.
  const ending = walk(
    flow,
    flow.flatMap((node, i) => (node.kind === 'exit' ? [i] : [])),
    () => true,
    'backwards',
  );
  const isSure = (at: number, error: boolean) => ending.has(at) && ((succeeding[at] ?? 0) & only(error ? FAILED : OTHER)) === 0;
  // Where every run fails, there is nothing to tell a path from.
  if (isSure(0, false)) return null;
  const found = flow.map((_, i) => {
    const error = state[i] ?? null;
    return error !== null && isSure(i, error);
  });
  return found.includes(true) ? found : null;
}

function isFailure(exit: FlowNode, objects: boolean): boolean {
  return exit.fails === true || (objects && returnedAt(exit) === 'NULL');
}

/** The local that most exits return. */
function returnedVariable(exits: FlowNode[]): string | null {
  const counts = new Map<string, number>();
  for (const exit of exits) {
    const returned = returnedAt(exit);
    if (returned !== undefined && /^[a-z_]\w*$/.test(returned)) counts.set(returned, (counts.get(returned) ?? 0) + 1);
  }
  let best: string | null = null;
  for (const [name, count] of counts) if (best === null || count > (counts.get(best) ?? 0)) best = name;
  return best;
}

type Edges = Map<number, boolean>;

interface About {
  variable: string | null;
  objects: boolean;
  numbers: boolean;
  errnos: boolean;
  on: Edges;
  /** Of each node the way on which a test finds an error (`failingWay`). */
  failing: number[];
}

/** Switches have fewer ways. */
const MOST_WAYS = 4096;
const edge = (node: number, slot: number) => node * MOST_WAYS + slot;

/** What the variable is set to on an edge, the last setting counting. */
function edgesOf(settings: readonly Setting[], variable: string | null): Edges {
  const found: Edges = new Map();
  for (const { name, ends, fails } of settings) if (name === variable) for (const end of ends) found.set(edge(end.node, end.slot), fails);
  return found;
}

/** Of a branch the way on which the variable is tested to hold an error, -1 where its condition tells nothing of that. */
function failingWay(node: FlowNode, { variable, numbers, errnos }: About): number {
  if (node.kind !== 'branch' || variable === null || !node.condition?.includes(variable)) return -1;
  const words = /^(?:IS_ERR(?:_OR_NULL|_VALUE)?\((\w+)\)|\(?(\w+)(?: = [^=].*)?\)?(?: (<|!=|==|>=) 0)?)$/.exec(node.condition);
  const pointer = words?.[1];
  if ((pointer ?? words?.[2]) !== variable) return -1;
  if (pointer !== undefined || (numbers && node.tests === 'negative') || (errnos && node.tests === 'nonzero')) return 0;
  return (numbers && words?.[3] === '>=') || (errnos && node.tests === 'zero') ? 1 : -1;
}

/** Whether the variable holds an error behind an edge; null where the edge cannot be taken with an error in it. */
function afterEdge(at: number, slot: number, { on, failing }: About, before: boolean): boolean | null {
  const set = on.size > 0 ? on.get(edge(at, slot)) : undefined;
  if (set !== undefined) return set;
  const way = slot > 1 ? -1 : (failing[at] ?? -1);
  return way < 0 ? before : way === slot ? true : before ? null : false;
}

const [OTHER, FAILED] = [0, 1];

/** What an edge does to the variable; null for nothing. */
function rowOf(at: number, slot: number, about: About): Row | null {
  if (!about.on.has(edge(at, slot)) && (about.failing[at] ?? -1) < 0) return null;
  const after = (error: boolean) => {
    const holds = afterEdge(at, slot, about, error);
    return holds === null ? 0 : only(holds ? FAILED : OTHER);
  };
  return [after(false), after(true)];
}

/** For each node whether the variable surely holds an error there; null where nothing leads to it. */
function forwards(flow: readonly FlowNode[], about: About): (boolean | null)[] {
  if (about.on.size === 0 && about.failing.every(slot => slot < 0)) return flow.map((_, i) => (isReached(flow, i) ? false : null));
  const { at } = solve(flow, {
    instances: 1,
    states: 2,
    entry: () => only(OTHER),
    event: () => null,
    edge: (_, slot, __, from) => {
      const to = rowOf(from, slot, about);
      return to ? [{ instance: 0, to }] : null;
    },
  });
  return flow.map((_, i) => (at(i) ? surely(at(i), 0, only(FAILED)) : null));
}

/** For each node the states of the variable in which some path from it ends otherwise than in a failing return. */
function backwards(flow: readonly FlowNode[], about: About): StateSet[] {
  const { variable, objects } = about;
  return leadsTo(
    flow,
    node => {
      if (node.kind === 'gap') return either(OTHER, FAILED);
      if (node.kind !== 'exit') return 0;
      if (node.returned !== undefined && returnedAt(node) === variable) return only(OTHER);
      return node.returned !== undefined && isFailure(node, objects) ? 0 : either(OTHER, FAILED);
    },
    (slot, at) => rowOf(at, slot, about),
  );
}
