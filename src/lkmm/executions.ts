/**
 * All candidate executions of a test that the model allows. Order of choice: a path for each thread (`combination.ts`); the order of critical
 * sections of each lock (`locks.ts`); rf, a write for each read; co, an order of the writes to each location, where rf has not forced it
 * (`coherence.ts`). What is chosen is checked on the way, where that pays (`pruning.ts`), so that a choice that breaks an axiom is given up
 * with everything that would have followed it: every axiom forbids a cycle or an edge, and what is chosen later only adds edges.
 *
 * Candidate execution, rf and co are the terms of Alglave, Maranget and Tautschnig, "Herding Cats" (ACM TOPLAS 36(2), 2014), and of
 * explanation.txt.
 */
import { type Budget, Meter } from './budget.ts';
import { Coherence } from './coherence.ts';
import { type Combination, Combinations, MOST_EVENTS } from './combination.ts';
import { truthOf } from './conditions.ts';
import type { LitmusTest, LitmusValue } from './litmus.ts';
import { LockOrders } from './locks.ts';
import { type Chosen, type Derived, derive, type Locked, lockedBy, type Skeleton } from './model.ts';
import { IS, type PathEvent, pathsOf, type ThreadPath } from './paths.ts';
import { type Pruning, pruning, type Tally } from './pruning.ts';
import type { Relation } from './relations.ts';
import { UNKNOWN, Valuation } from './valuation.ts';

/** One execution that the model allows. */
export interface Execution {
  skeleton: Skeleton;
  paths: ThreadPath[];
  chosen: Chosen;
  derived: Derived;
  /** Location of each event by its position in the test, -1 for none. */
  locations: Int32Array;
  /** What the read or the write gives or puts. */
  valueAt(event: PathEvent): LitmusValue;
  /** At the end. */
  register(thread: number, name: string): LitmusValue;
  location(index: number): LitmusValue;
}

/** Is called with each execution, which is good until the call returns; may end the search by returning false. */
type Visit = (execution: Execution) => boolean | undefined;

/** What it costs to look at one more combination of paths, in checks. */
const COMBINATION = 4;

/** Calls `visit` for each execution that the model and the test's filter let through; gives a reason instead where not all could be looked at. */
export function executions(test: LitmusTest, budget: Budget, visit: Visit): string | null {
  if (test.threads.length > MOST_EVENTS) return `more than ${MOST_EVENTS} threads`;
  const threads: ThreadPath[][] = [];
  for (const [t, thread] of test.threads.entries()) {
    const given = new Map(test.registers.filter(r => r.thread === t).map(r => [r.name, r.value]));
    const paths = pathsOf(thread.body, given);
    if (paths === null) return 'too many paths through a thread, or too large ones';
    threads.push(paths);
  }
  const combinations = new Combinations(test);
  const learnt = pruning();
  let reason: string | null = null;
  const choose = (t: number, chosen: ThreadPath[]): boolean => {
    const paths = threads[t];
    if (paths) return paths.every(path => choose(t + 1, [...chosen, path]));
    const combination = combinations.of(chosen);
    if (combination === null) {
      reason = `more than ${MOST_EVENTS} events`;
      return false;
    }
    const search = new Search(combination, budget, learnt, visit);
    const going = search.run();
    reason = search.reason;
    return going && reason === null;
  };
  choose(0, []);
  return reason;
}

/** The executions along one combination of paths. What its methods give is whether to go on. */
class Search {
  private readonly combination: Combination;
  private readonly meter: Meter;
  private readonly pruning: Pruning;
  private readonly visit: Visit;
  private readonly valuation: Valuation;
  private readonly locks: LockOrders;
  private readonly coherence: Coherence;
  /** Reads whose write is to be chosen: all but those of locks, whose order says it. */
  private readonly reads: PathEvent[];
  /** What paths and lock order fix. */
  private locked: Locked | null = null;

  constructor(combination: Combination, budget: Budget, learnt: Pruning, visit: Visit) {
    this.combination = combination;
    this.meter = new Meter(budget, combination.skeleton.algebra.words, combination.choice);
    this.pruning = learnt;
    this.visit = visit;
    this.valuation = new Valuation(combination);
    this.locks = new LockOrders(combination, this.valuation, this.meter);
    this.coherence = new Coherence(combination, this.valuation, this.locks.co);
    const lockBits = IS.lockRead | IS.lockFail | IS.lockFree;
    this.reads = combination.events.filter(e => (e.is & IS.read) !== 0 && (e.is & lockBits) === 0);
  }

  /** Why not all could be looked at. */
  get reason(): string | null {
    return this.meter.reason;
  }

  run(): boolean {
    if (!this.meter.spend(COMBINATION)) return false;
    if (!this.valuation.mayHold()) return true;
    return this.locks.each(() => {
      if (!this.meter.spend(1)) return false;
      this.locked = lockedBy(this.combination.skeleton, this.locks.rf);
      return this.sources(0);
    });
  }

  /** Chooses rf for the reads from the given one on. */
  private sources(done: number): boolean {
    const { reads } = this;
    if (done === reads.length) return this.settled();
    // The next read whose address is known; others wait for what their address depends on.
    let next = done;
    while (next < reads.length && this.valuation.at(reads[next] as PathEvent) === UNKNOWN) next++;
    if (next === reads.length) return true;
    const read = reads[next] as PathEvent;
    reads[next] = reads[done] as PathEvent;
    reads[done] = read;
    const going = this.sourcesOf(read, done);
    reads[done] = reads[next] as PathEvent;
    reads[next] = read;
    return going;
  }

  private sourcesOf(read: PathEvent, done: number): boolean {
    const { meter, valuation } = this;
    if (!meter.choose()) return false;
    const here = valuation.at(read);
    const mark = valuation.mark();
    const candidates = this.combination.writes.filter(w => this.coherence.mayRead(read, w, here));
    for (const write of candidates) {
      if (!meter.choose()) return false;
      valuation.source[read.id] = write.id;
      if (valuation.mayHold() && (done + 1 === this.reads.length || candidates.length === 1 || this.partlyAllowed(done))) {
        if (!this.sources(done + 1)) return false;
      }
      valuation.source[read.id] = -1;
      valuation.forgetTo(mark);
      if (meter.reason) return false;
    }
    return true;
  }

  /** Checks what is chosen, with so many reads done, as far as that pays. */
  private partlyAllowed(done: number): boolean {
    const coherence = this.pruning.coherence.at(done);
    const axioms = this.pruning.axioms.at(done);
    const whole = axioms.pays();
    if (!whole && !coherence.pays()) return true;
    const { algebra } = this.combination.skeleton;
    if (!this.meter.spend(1 / 4)) return false;
    const mark = algebra.mark();
    const co = this.coherence.forced();
    coherence.count(co !== null);
    const allowed = co !== null && (!whole || this.partAllowed(co, axioms));
    algebra.release(mark);
    return allowed;
  }

  private partAllowed(co: Relation, tally: Tally): boolean {
    const { algebra } = this.combination.skeleton;
    const mark = algebra.mark();
    const allowed = this.allowed(co) !== null;
    algebra.release(mark);
    return tally.count(allowed);
  }

  /** Do the model's axioms allow rf as far as chosen, with this order of writes? */
  private allowed(co: Relation): Derived | null {
    if (!this.meter.spend(1)) return null;
    return derive(this.locked as Locked, this.chosenWith(co));
  }

  private chosenWith(co: Relation): Chosen {
    const { algebra } = this.combination.skeleton;
    const { source } = this.valuation;
    const rf = algebra.none();
    for (let r = 0; r < algebra.size; r++) if ((source[r] as number) >= 0) algebra.put(rf, source[r] as number, r);
    return { rf, co, sameLocation: this.sameLocation };
  }

  private readonly sameLocation = (i: number, j: number): boolean => {
    const { events } = this.combination;
    const here = this.valuation.at(events[i] as PathEvent);
    return here >= 0 && here === this.valuation.at(events[j] as PathEvent);
  };

  /** Every read has its write: tests and addresses must come true, then the writes are put in order. */
  private settled(): boolean {
    if (!this.valuation.comesTrue(this.reads)) return true;
    const { algebra } = this.combination.skeleton;
    const mark = algebra.mark();
    const co = this.coherence.forced();
    const going = co === null || this.orders(co, this.coherence.open(co), true);
    algebra.release(mark);
    return going;
  }

  /** Chooses co for the writes that nothing has ordered yet, one pair after the other; `fresh` where none of them was chosen so far. */
  private orders(co: Relation, pairs: [number, number][], fresh: boolean): boolean {
    if (!this.meter.spend(pairs.length / 256)) return false;
    const left = pairs.filter(([x, y]) => this.coherence.isOpen(co, x, y));
    const [pair] = left;
    if (!pair) return this.finish(co);
    const { algebra } = this.combination.skeleton;
    const mark = algebra.mark();
    const tally = this.pruning.orders.at(left.length);
    if ((fresh || left.length > 1) && tally.pays() && !this.partAllowed(co, tally)) return this.meter.reason === null;
    const [x, y] = pair;
    for (const [before, after] of [pair, [y, x] as const]) {
      const next = this.coherence.with(co, before, after);
      const going = next === null || this.orders(next, left, false);
      algebra.release(mark);
      if (!going) return false;
    }
    return true;
  }

  /** All is chosen. */
  private finish(co: Relation): boolean {
    const { test, indexOf, skeleton } = this.combination;
    const ends = (index: number) => this.finalOf(index, co);
    const { filter } = test;
    const { valuation } = this;
    if (filter && truthOf(filter, o => (o.kind === 'register' ? valuation.register(o.thread, o.name) : ends(indexOf.get(o.name) ?? -1))) === false)
      return true;
    const mark = skeleton.algebra.mark();
    const derived = this.allowed(co);
    const going = derived === null ? this.meter.reason === null : this.show(co, derived);
    skeleton.algebra.release(mark);
    return going;
  }

  private show(co: Relation, derived: Derived): boolean {
    const { skeleton, paths } = this.combination;
    const { valuation } = this;
    const execution: Execution = {
      skeleton,
      paths,
      chosen: this.chosenWith(co),
      derived,
      locations: valuation.settledLocations(),
      valueAt: event => valuation.valueAt(event) ?? 0,
      register: (thread, name) => valuation.register(thread, name) ?? 0,
      location: index => this.finalOf(index, co),
    };
    return this.visit(execution) !== false;
  }

  /** What the location ends with. */
  private finalOf(index: number, co: Relation): LitmusValue {
    const last = this.coherence.last(co, index);
    return last ? (this.valuation.valueAt(last) ?? 0) : (this.combination.test.locations[index]?.initial ?? 0);
  }
}
