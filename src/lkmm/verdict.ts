/** Decides litmus tests: all allowed executions, their final states, and the flags of the model. */
import { sizeOf, truthOf } from './conditions.ts';
import { type Execution, executions } from './executions.ts';
import type { Condition, LitmusTest, LitmusValue, Observed, Outcome } from './litmus.ts';
import { mixesAccesses, races, type Skeleton, srcuSections } from './model.ts';
import { IS, type PathEvent } from './paths.ts';

/** Checks of candidates that one test may take. Counted, never timed, so that the answer is the same everywhere. */
export const BUDGET = 3_000_000;

/** No budget is larger. */
const MOST_CHECKS = 100_000_000;

/** Final states that are kept apart; a test with more is still decided, and shows these. */
const MOST_STATES = 100_000;

/** All that the model says of the test. */
export function decideTest(test: LitmusTest, options: { budget?: number } = {}): Outcome {
  const most = Math.min(options.budget ?? BUDGET, MOST_CHECKS);
  const budget = { left: most };
  const shown = shownBy(test);
  const flags = new Set<string>();
  const states = new Map<string, LitmusValue[]>();
  let positive = 0;
  let negative = 0;
  // An execution costs more where there is much to say of it.
  const saying = Math.floor((sizeOf(test.condition) + shown.length) / 64);
  let raised: Skeleton | null = null;
  const indexOf = new Map(test.locations.map((l, i) => [l.name, i]));
  const valueIn = (execution: Execution) => (o: Observed) =>
    o.kind === 'register' ? execution.register(o.thread, o.name) : execution.location(indexOf.get(o.name) ?? -1);
  const reason = executions(test, budget, execution => {
    budget.left -= saying;
    if (truthOf(test.condition, valueIn(execution))) positive++;
    else negative++;
    const state = shown.map(valueIn(execution));
    const key = state.join(';');
    if (states.size < MOST_STATES && !states.has(key)) states.set(key, state);
    if (raised !== execution.skeleton) raiseRcu(flags, execution.skeleton);
    raised = execution.skeleton;
    raise(flags, execution);
  });
  const names = shown.map(nameOf);
  const worded = [...states.values()].map(state => state.map((value, i) => `${names[i]}=${value}`));
  const sorted = worded.map(state => ({ state, key: state.join(';') })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const found = {
    flags: [...flags].sort(),
    positive,
    negative,
    states: sorted.map(s => s.state),
    checked: Math.ceil(most - Math.max(0, budget.left)),
  };
  if (reason !== null) return { verdict: 'unsupported', reason, ...found };
  if (positive + negative === 0) return { verdict: 'DEADLOCK', ...found };
  return { verdict: positive === 0 ? 'Never' : negative === 0 ? 'Always' : 'Sometimes', ...found };
}

/** What a state of the test shows: what the condition looks at, then what the test asks to show besides; registers first. */
export function shownBy(test: LitmusTest): Observed[] {
  const all = [...observedIn(test.condition), ...test.shown, ...(test.filter ? observedIn(test.filter) : [])];
  const once = new Map(all.map(o => [nameOf(o), o]));
  return [...once.values()].sort((a, b) => rank(a) - rank(b) || (nameOf(a) < nameOf(b) ? -1 : 1));
}

function rank(o: Observed): number {
  return o.kind === 'register' ? o.thread : Number.MAX_SAFE_INTEGER;
}

function observedIn(condition: Condition): Observed[] {
  switch (condition.kind) {
    case 'true':
      return [];
    case 'not':
      return observedIn(condition.of);
    case 'and':
    case 'or':
      return condition.of.flatMap(observedIn);
    case 'equals':
      return [condition.left, ...(typeof condition.right === 'object' ? [condition.right] : [])];
  }
}

function nameOf(o: Observed): string {
  return o.kind === 'register' ? `${o.thread}:${o.name}` : `[${o.name}]`;
}

/** The flags of linux-kernel.bell that the paths alone decide. */
function raiseRcu(flags: Set<string>, s: Skeleton): void {
  const a = s.algebra;
  const locks = s.events.filter(e => e.fence === 'rcu-lock');
  const unlocks = s.events.filter(e => e.fence === 'rcu-unlock');
  if (locks.length + unlocks.length === 0) return;
  const pairs = a.list(s.rcuSections);
  if (pairs.length < locks.length) flags.add('unmatched-rcu-lock');
  if (pairs.length < unlocks.length) flags.add('unmatched-rcu-unlock');
  const sleeps = (l: number, u: number) => s.events.some(e => (e.is & IS.syncSrcu) !== 0 && a.has(s.po, l, e.id) && a.has(s.po, e.id, u));
  if (pairs.some(([l, u]) => sleeps(l, u))) flags.add('invalid-sleep');
}

/** The other flags of linux-kernel.bell, lock.cat and linux-kernel.cat. */
function raise(flags: Set<string>, { skeleton: s, chosen, derived, valueAt }: Execution): void {
  const a = s.algebra;
  const srcu = s.events.filter(e => (e.is & (IS.srcuLock | IS.srcuUnlock)) !== 0);
  if (srcu.length > 0) {
    const pairs = a.list(srcuSections(s, s.data, chosen));
    if (srcu.some(e => (e.is & IS.srcuLock) !== 0 && !pairs.some(([l]) => l === e.id))) flags.add('unmatched-srcu-lock');
    if (srcu.some(e => (e.is & IS.srcuUnlock) !== 0 && !pairs.some(([, u]) => u === e.id))) flags.add('unmatched-srcu-unlock');
    const locksOf = (unlock: number) => pairs.filter(([, u]) => u === unlock).length;
    const unlocksOf = (lock: number) => pairs.filter(([l]) => l === lock).length;
    if (pairs.some(([l, u]) => locksOf(u) > 1 || unlocksOf(l) > 1)) flags.add('multiple-srcu-matches');
    const given = (id: number) => valueAt(s.events[id] as PathEvent);
    if (pairs.some(([l, u]) => given(l) !== given(u))) flags.add('srcu-bad-value-match');
  }
  if (s.hasPlain) {
    if (mixesAccesses(s, chosen)) flags.add('mixed-accesses');
    if (!flags.has('data-race') && races(s, derived).length > 0) flags.add('data-race');
  }
}
