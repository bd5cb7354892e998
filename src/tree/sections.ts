/** Sections and references that a body leaves otherwise than it found them, as states along its graph. */
import type { Act, When } from '../model/contract.ts';
import { ALWAYS, act, SOME } from './acts.ts';
import type { Exit, RecordStep } from './record.ts';
import { isOfResult, NONE, UNNAMED_PLACE } from './where.ts';

/** Depths from -2 on are a bit each; the same while a try is not tested yet, where it got it with another result than 0, and with 0. */
const WIDTH = 9;
const NONZERO = WIDTH;
const ZERO = 2 * WIDTH;
const DEPTHS = (1 << WIDTH) - 1;
const ENTRY = 1 << 2;
const OPENED = 1 << 3;
const CLOSED = 1 << 1;
const BELOW = 0b11;
const DEEPEST = 1 << (WIDTH - 1);

interface Instance {
  key: string;
  family: string;
  object: string;
  shared: boolean;
  isRef: boolean;
}

/** The acts of sections and references of a whole body; `acts` are those of each node, `asked` for each node what callers must hold there. */
export function sectionActs(nodes: readonly RecordStep[], acts: readonly (readonly Act[])[]): { found: Act[]; asked: Act[][] } {
  const instances = new Map<string, Instance>();
  for (const list of acts) {
    for (const one of list) {
      if (!isBound(one) && one.does !== 'drop') continue;
      const key = keyOf(one);
      const known = instances.get(key);
      if (!known)
        instances.set(key, {
          key,
          family: one.of,
          object: one.object,
          shared: one.marks.includes('shared'),
          isRef: one.does === 'get' || one.does === 'put',
        });
    }
  }
  const found: Act[] = [];
  const states = new Map<string, readonly number[]>();
  for (const instance of instances.values()) {
    const at = solve(nodes, acts, instance.key);
    states.set(instance.key, at);
    found.push(...left(nodes, acts, instance, at));
  }
  return { found, asked: required(acts, states) };
}

function isBound(one: Act): boolean {
  return one.does === 'open' || one.does === 'close' || one.does === 'get' || one.does === 'put';
}

function keyOf(one: Act): string {
  return one.does === 'get' || one.does === 'put' ? `ref ${one.object}` : `${one.of} ${one.object}`;
}

/** The states at the entry of each node. */
function solve(nodes: readonly RecordStep[], acts: readonly (readonly Act[])[], key: string): number[] {
  const at = nodes.map((_, i) => (i === 0 ? ENTRY : 0));
  const work = [0];
  for (let steps = 0; work.length > 0 && steps < nodes.length * 64; steps++) {
    const here = work.pop() ?? 0;
    const step = nodes[here];
    if (!step) continue;
    const after = run(at[here] ?? 0, acts[here] ?? [], key);
    for (const [slot, next] of step.next.entries()) {
      const state = tested(after, step, slot);
      const before = at[next] ?? 0;
      if ((before | state) === before) continue;
      at[next] = before | state;
      work.push(next);
    }
  }
  return at;
}

function run(state: number, acts: readonly Act[], key: string): number {
  let now = state;
  for (const one of acts) {
    if (!isBound(one) || keyOf(one) !== key) continue;
    const depths = settled(now);
    const opens = one.does === 'open' || one.does === 'get';
    const moved = opens ? deeper(depths) : one.of === 'irqs-off' ? released(depths) : (depths >> 1) | (depths & 1);
    if (opens && one.result !== null) now = depths << (one.result === 'nonzero' ? NONZERO : ZERO);
    else now = one.when.on === 'always' ? moved : moved | depths;
  }
  return now;
}

function deeper(depths: number): number {
  return ((depths << 1) & DEPTHS) | (depths & DEEPEST);
}

/** Interrupts are switched on again whatever had switched them off. */
function released(depths: number): number {
  const inside = depths & ~(ENTRY | BELOW);
  return (inside !== 0 ? ENTRY : 0) | ((depths & (ENTRY | BELOW)) >> 1) | (depths & 1);
}

/** What the untested tries may have come to. */
function settled(state: number): number {
  const pending = ((state >> NONZERO) | (state >> ZERO)) & DEPTHS;
  return (state & DEPTHS) | pending | deeper(pending);
}

function tested(state: number, { test }: RecordStep, slot: number): number {
  const pending = state >> WIDTH;
  if (pending === 0 || test?.of !== 'call') return state;
  const isFirst = slot === 0;
  const nonzero = test.holds === 'zero' ? !isFirst : test.holds === 'nonzero' ? isFirst : isFirst ? true : null;
  const zero = test.holds === 'zero' ? isFirst : test.holds === 'nonzero' ? !isFirst : test.holds === 'negative' ? !isFirst : isFirst ? false : null;
  let now = state & DEPTHS;
  const resolve = (depths: number, got: boolean | null, shift: number) => {
    if (depths === 0) return;
    if (got === null) now |= depths << shift;
    else now |= got ? deeper(depths) : depths;
  };
  // A try that got it with 0 has failed where the result is negative.
  resolve((state >> NONZERO) & DEPTHS, test.holds === 'negative' ? (isFirst ? false : null) : nonzero, NONZERO);
  resolve((state >> ZERO) & DEPTHS, zero, ZERO);
  return now;
}

/** What is left at the exits. */
function left(nodes: readonly RecordStep[], acts: readonly (readonly Act[])[], of: Instance, at: readonly number[]): Act[] {
  // A reference of what is returned is one where an object is returned.
  const counts = (exit: Exit) => !(of.isRef && isOfResult(of.object)) || exit.returns === 'value';
  const exits = nodes.flatMap((step, i) =>
    step.exit && counts(step.exit) && (at[i] ?? 0) !== 0 ? [{ exit: step.exit, state: run(at[i] ?? 0, acts[i] ?? [], of.key) }] : [],
  );
  if (exits.length === 0) return [];
  const made = (does: 'open' | 'close', when: When, result: Act['result'] = null): Act[] => {
    if (of.object === UNNAMED_PLACE && (of.isRef || when.on !== 'always')) return [];
    // A context that some path leaves otherwise is one whose tests were not followed.
    if (when.on !== 'always' && of.object === NONE) return [];
    const word = of.isRef ? (does === 'open' ? 'get' : 'put') : does;
    const marks = of.isRef ? markOf(acts, of.key, word) : of.shared ? ['shared'] : [];
    return [act(word, of.isRef ? '' : of.family, of.object, { marks, when, result })];
  };
  const all = exits.reduce((set, e) => set | e.state, 0);
  if (all === OPENED) return made('open', ALWAYS);
  if (all === CLOSED) return made('close', ALWAYS);
  if (all === ENTRY) return at.some(state => (state & BELOW) !== 0) && !of.isRef ? [act('drop', of.family, of.object)] : [];
  // The result of the try is the function's own.
  const pending = exits.filter(e => e.state >> WIDTH !== 0);
  if (pending.length > 0 && exits.every(e => (e.state & ~ENTRY & DEPTHS) === 0)) {
    const nonzero = pending.every(e => ((e.state >> ZERO) & DEPTHS) === 0);
    const zero = pending.every(e => ((e.state >> NONZERO) & DEPTHS) === 0);
    const negated = pending.every(e => e.exit.negated === true);
    const straight = pending.every(e => e.exit.negated !== true && e.exit.call !== undefined);
    if ((nonzero || zero) && (negated || straight)) return made('open', ALWAYS, nonzero !== negated ? 'nonzero' : 'zero');
    return made('open', SOME);
  }
  const opened = exits.filter(e => e.state === OPENED);
  const without = exits.filter(e => e.state === ENTRY);
  if (opened.length > 0 && opened.length + without.length === exits.length) {
    const isZero = (e: (typeof exits)[number]) => e.exit.returns === 'zero' || e.exit.returns === 'null';
    const isError = (e: (typeof exits)[number]) => e.exit.returns === 'errno';
    if (without.every(isZero) && !opened.some(isZero)) return made('open', ALWAYS, 'nonzero');
    if (opened.every(isZero) && !without.some(isZero)) return made('open', ALWAYS, 'zero');
    if (without.every(isError) && !opened.some(isError)) return made('open', ALWAYS, 'zero');
    return made('open', SOME);
  }
  const depths = settled(all);
  // Opened and closed under one condition that is not followed: it is as it was.
  if ((depths & OPENED) !== 0 && (depths & CLOSED) !== 0) return [];
  return [...((depths & OPENED) !== 0 ? made('open', SOME) : []), ...((depths & CLOSED) !== 0 ? made('close', SOME) : [])];
}

function markOf(acts: readonly (readonly Act[])[], key: string, does: string): readonly string[] {
  for (const list of acts) for (const one of list) if (one.does === does && keyOf(one) === key) return one.marks;
  return [];
}

/** What the caller must hold: an assertion on a lock that the body has not taken before it. */
function required(acts: readonly (readonly Act[])[], states: ReadonlyMap<string, readonly number[]>): Act[][] {
  return acts.map((list, i) =>
    list.filter(one => {
      if (one.does !== 'hold' || one.object === UNNAMED_PLACE) return false;
      const isIt = (key: string) => (one.object === NONE ? key === `${one.of} ${NONE}` : key.endsWith(` ${one.object}`));
      const isOwn = [...states].some(([key, at]) => isIt(key) && (settled(at[i] ?? 0) & ~BELOW & ~ENTRY) !== 0);
      return !isOwn && !list.some(a => a.does === 'open' && isIt(keyOf(a)));
    }),
  );
}
