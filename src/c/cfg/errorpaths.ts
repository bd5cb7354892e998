/** Which events stand on paths that only fail, and which run at initialisation or removal, as the function's attributes say. */
import type { CFunction, FlowNode, Phase } from '../../model/code.ts';
import type { Fact } from '../../model/fact.ts';
import type { Expr } from '../syntax/syntax.ts';
import { isReached } from './order.ts';
import { returnedAt, type Setting } from './returned.ts';
import { only, solve, surely } from './typestate.ts';

/**
 * Says of the function's events which are `init`, `exit` and `error-path`. An event is on an error path where every way on from it ends in
 * a return of an error: of a negative errno, of ERR_PTR() or PTR_ERR(), of NULL where others return an object, or of a variable that holds an
 * error on the whole way. A function that cannot but fail has no such path; labels' names tell nothing.
 */
export function markPhase(fn: CFunction, settings: readonly Setting[]): void {
  const place = initOrExit(fn);
  const failing = errorPaths(fn, settings);
  if (place === null && failing === null) return;
  for (const [i, node] of fn.flow.entries()) if (node.kind === 'exit' && failing?.[i]) node.fails = true;
  const words: Phase[][] = [place === null ? [] : [place], place === null ? ['error-path'] : [place, 'error-path']];
  for (const event of fn.events) {
    const phase = words[failing?.[event.node] ? 1 : 0];
    if (phase && phase.length > 0) event.phase = phase;
  }
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
/** Flow that needs more rounds than this to settle has no error path. */
const MOST_ROUNDS = 60;

/** For each node whether every way on from it fails; null where none does. */
function errorPaths(fn: CFunction, settings: readonly Setting[]): boolean[] | null {
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
  const sure = backwards(flow, about);
  // Where the way in fails already, there is nothing to tell a path from.
  if (sure[0] === 1) return null;
  const found = flow.map((_, i) => state[i] !== null && sure[2 * i + (state[i] ? 1 : 0)] === 1);
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

/** For each node whether the variable surely holds an error there; null where nothing leads to it. */
function forwards(flow: FlowNode[], about: About): (boolean | null)[] {
  if (about.on.size === 0 && about.failing.every(slot => slot < 0)) return flow.map((_, i) => (isReached(flow, i) ? false : null));
  const after = (at: number, slot: number, error: boolean) => {
    const holds = afterEdge(at, slot, about, error);
    return holds === null ? 0 : only(holds ? FAILED : OTHER);
  };
  const { at } = solve(flow, {
    instances: 1,
    states: 2,
    entry: () => only(OTHER),
    event: () => null,
    edge: (_, slot, __, from) =>
      about.on.has(edge(from, slot)) || (about.failing[from] ?? -1) >= 0
        ? [{ instance: 0, to: [after(from, slot, false), after(from, slot, true)] }]
        : null,
  });
  return flow.map((_, i) => (at(i) ? surely(at(i), 0, only(FAILED)) : null));
}

/** For each node, without (at twice its number) and with (behind that) an error in the variable, 1 where every way on ends in a failing return. */
function backwards(flow: FlowNode[], about: About): Uint8Array {
  const { variable, objects } = about;
  const sure = new Uint8Array(flow.length * 2).fill(1);
  const ends = new Uint8Array(flow.length);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let changed = false;
    for (let at = flow.length - 1; at >= 0; at--) {
      const node = flow[at];
      if (!node) continue;
      if (ends[at] === 0 && (node.kind === 'exit' || node.next.some(to => ends[to] === 1))) {
        ends[at] = 1;
        changed = true;
      }
      for (let before = 0; before < 2; before++) {
        if (sure[2 * at + before] === 0 || holds(node, at, before === 1)) continue;
        sure[2 * at + before] = 0;
        changed = true;
      }
    }
    // A loop without an end fails as little as it succeeds.
    if (!changed) return sure.map((known, i) => (ends[i >> 1] === 1 ? known : 0));
  }
  return sure.fill(0);

  function holds(node: FlowNode, at: number, before: boolean): boolean {
    if (node.kind === 'gap') return false;
    if (node.kind === 'exit') return node.returned !== undefined && (returnedAt(node) === variable ? before : isFailure(node, objects));
    for (let slot = 0; slot < node.next.length; slot++) {
      const after = afterEdge(at, slot, about, before);
      if (after !== null && sure[2 * (node.next[slot] ?? 0) + (after ? 1 : 0)] === 0) return false;
    }
    return true;
  }
}
