/**
 * All candidate executions of a test that the model allows. Order of choice: a path for each thread; the order of critical sections of each
 * lock; a write for each read; an order of the writes to each location. What is chosen is checked on the way, so that a choice that
 * breaks an axiom is given up with everything that would have followed it.
 */
import { sizeOf, truthOf } from './conditions.ts';
import type { LitmusTest, Observed, Value } from './litmus.ts';
import { type Chosen, type Derived, derive, type Locked, lockedBy, type Skeleton, skeletonOf } from './model.ts';
import { IS, type Path, type PathEvent, pathsOf, valueUnder } from './paths.ts';
import { Algebra, type Relation } from './relations.ts';

/** One execution that the model allows. */
export interface Execution {
  skeleton: Skeleton;
  paths: Path[];
  chosen: Chosen;
  derived: Derived;
  /** Location of each event by its position in the test, -1 for none. */
  locations: Int32Array;
  /** What the read or the write gives or puts. */
  valueAt(event: PathEvent): Value;
  /** At the end. */
  register(thread: number, name: string): Value;
  location(index: number): Value;
}

export interface Budget {
  /**
   * Checks of partial or whole executions that are left. One of more than 32 events, and other work that may grow with the test, counts as
   * so many checks as cost about as much.
   */
  left: number;
}

/** Events of a test, initial writes among them, that are looked at. */
const MOST_EVENTS = 128;

/** What a check costs where a relation has 1, 2, 3 or 4 words in a row. */
const SCALE = [1, 2, 10, 20];

/** What it costs to look at one more combination of paths, in checks. */
const COMBINATION = 4;

/** Calls `visit` for each execution that the model and the test's filter let through; gives a reason instead where not all could be looked at. `visit` may stop the search by returning false. */
export function executions(test: LitmusTest, budget: Budget, visit: (execution: Execution) => boolean | undefined): string | null {
  if (test.threads.length > MOST_EVENTS) return `more than ${MOST_EVENTS} threads`;
  const threads: Path[][] = [];
  for (const [t, thread] of test.threads.entries()) {
    const given = new Map(test.registers.filter(r => r.thread === t).map(r => [r.name, r.value]));
    const paths = pathsOf(thread.body, given);
    if (paths === null) return 'too many paths through a thread, or too large ones';
    threads.push(paths);
  }
  const search = new Search(test, budget, visit);
  const choose = (t: number, chosen: Path[]): boolean => {
    const paths = threads[t];
    if (!paths) return search.combination(chosen);
    return paths.every(path => choose(t + 1, [...chosen, path]));
  };
  choose(0, []);
  return search.reason;
}

class Search {
  reason: string | null = null;
  private readonly test: LitmusTest;
  private readonly budget: Budget;
  private readonly visit: (execution: Execution) => boolean | undefined;
  private readonly indexOf: Map<string, number>;
  /** By number of events: combinations of paths of one length share what their relations are kept in. */
  private readonly algebras = new Map<number, Algebra>();
  private readonly tallies: Tallies = { coherence: [], axioms: [], orders: [] };

  constructor(test: LitmusTest, budget: Budget, visit: (execution: Execution) => boolean | undefined) {
    this.test = test;
    this.budget = budget;
    this.visit = visit;
    this.indexOf = new Map(test.locations.map((l, i) => [l.name, i]));
  }

  /** All executions along the given paths; false where the search is to end. */
  combination(paths: Path[]): boolean {
    const candidate = Candidate.of(this.test, this.indexOf, paths, this.algebras, this.tallies, this.budget, this.visit);
    if (typeof candidate === 'string') {
      this.reason = candidate;
      return false;
    }
    const done = candidate.run();
    if (candidate.reason) this.reason = candidate.reason;
    return done && this.reason === null;
  }
}

/** Checks of parts of executions, at one depth of the search: how many there were, and how many cut off what would have followed. */
interface Tally {
  checks: number;
  cuts: number;
  /** Parts that were not checked. */
  passed: number;
}

/** By the number of reads that have a write, or of pairs of writes that are to be ordered. */
interface Tallies {
  coherence: Tally[];
  axioms: Tally[];
  orders: Tally[];
}

function tallyAt(tallies: Tally[], depth: number): Tally {
  tallies[depth] ??= { checks: 0, cuts: 0, passed: 0 };
  return tallies[depth];
}

/** Does a check like these spare more than it costs? They are made at first, where one in eight cuts something off, and now and then. */
function pays(tally: Tally): boolean {
  return tally.checks < 32 || tally.cuts * 8 >= tally.checks || ++tally.passed % 32 === 0;
}

/** A critical section; `unlock` is null where it never ends. */
interface Section {
  read: PathEvent;
  write: PathEvent;
  unlock: PathEvent | null;
}

class Candidate {
  reason: string | null = null;
  private readonly test: LitmusTest;
  private readonly indexOf: Map<string, number>;
  private readonly paths: Path[];
  private readonly tallies: Tallies;
  private readonly budget: Budget;
  private readonly visit: (execution: Execution) => boolean | undefined;
  private readonly events: PathEvent[];
  private readonly skeleton: Skeleton;
  /** By event id: the location, -1 where there is none, -2 where the address is not known yet. */
  private readonly locations: Int32Array;
  /** Events whose address depends on what is read. */
  private readonly wandering: PathEvent[];
  /** By event id: the write that a read reads from, -1 where not chosen. */
  private readonly source: Int32Array;
  private readonly values: (Value | null)[];
  private readonly visiting: Uint8Array;
  /** Reads whose values were worked out, in order, so that going back forgets them. */
  private readonly trail: number[] = [];
  private readonly free: PathEvent[];
  private readonly writes: PathEvent[];
  /** Read-modify-writes, with the writes of other threads; by event id. */
  private readonly updates: { write: number; read: number; others: number[] }[];
  private readonly lockRf: Relation;
  private readonly lockCo: [number, number][] = [];
  private locked: Locked | null = null;
  private readonly read = (event: PathEvent): Value | null => this.valueOfRead(event);

  /** What a check costs, for the number of events. */
  private readonly scale: number;
  /** What one more choice costs, with a look at the tests of the paths and at the filter. */
  private readonly choice: number;

  private constructor(
    test: LitmusTest,
    indexOf: Map<string, number>,
    paths: Path[],
    events: PathEvent[],
    algebra: Algebra,
    tallies: Tallies,
    budget: Budget,
    visit: (execution: Execution) => boolean | undefined,
  ) {
    this.test = test;
    this.indexOf = indexOf;
    this.paths = paths;
    this.events = events;
    this.tallies = tallies;
    this.budget = budget;
    this.visit = visit;
    this.scale = SCALE[algebra.words - 1] ?? 1;
    this.choice = (1 + paths.reduce((sum, path) => sum + path.weight, 0) / 64 + (test.filter ? sizeOf(test.filter) : 0) / 16) / 8;
    algebra.release(0);
    this.skeleton = skeletonOf(events, algebra);
    this.locations = new Int32Array(events.length).fill(-1);
    this.source = new Int32Array(events.length).fill(-1);
    this.values = new Array<Value | null>(events.length).fill(null);
    this.visiting = new Uint8Array(events.length);
    this.wandering = [];
    for (const e of events) {
      if (e.at === null) continue;
      if (typeof e.at === 'object') {
        this.wandering.push(e);
        this.locations[e.id] = -2;
      } else this.locations[e.id] = this.locationOf(e.at);
    }
    const lockBits = IS.lockRead | IS.lockFail | IS.lockFree;
    this.free = events.filter(e => (e.is & IS.read) !== 0 && (e.is & lockBits) === 0);
    this.writes = events.filter(e => (e.is & IS.write) !== 0);
    this.updates = this.writes.flatMap(w =>
      w.reads ? [{ write: w.id, read: w.reads.id, others: this.writes.filter(o => o.thread !== w.thread).map(o => o.id) }] : [],
    );
    this.lockRf = this.skeleton.algebra.none();
  }

  /** Numbers the events of the paths, initial writes first. */
  static of(
    test: LitmusTest,
    indexOf: Map<string, number>,
    paths: Path[],
    algebras: Map<number, Algebra>,
    tallies: Tallies,
    budget: Budget,
    visit: (execution: Execution) => boolean | undefined,
  ): Candidate | string {
    const body = paths.flatMap((path, thread) => {
      for (const e of path.events) e.thread = thread;
      return path.events;
    });
    // Only locations that these paths touch have an initial write; where an address is read from memory, all have.
    const all = body.some(e => e.at !== null && typeof e.at === 'object');
    const touched = new Set(body.map(e => e.at).filter(at => typeof at === 'string'));
    const initial = test.locations
      .filter(l => all || touched.has(l.name))
      .map(
        (l): PathEvent => ({
          is: IS.write | IS.init,
          fence: null,
          at: l.name,
          value: l.initial,
          address: [],
          data: [],
          control: [],
          reads: null,
          source: null,
          id: 0,
          thread: -1,
        }),
      );
    const events = [...initial, ...body];
    if (events.length > MOST_EVENTS) return `more than ${MOST_EVENTS} events`;
    for (const [i, e] of events.entries()) e.id = i;
    const algebra = algebras.get(events.length) ?? new Algebra(events.length);
    algebras.set(events.length, algebra);
    return new Candidate(test, indexOf, paths, events, algebra, tallies, budget, visit);
  }

  run(): boolean {
    if (!this.spend(COMBINATION)) return false;
    if (!this.mayHold()) return true;
    const locks = new Map<number, PathEvent[]>();
    for (const e of this.events) {
      if ((e.is & (IS.lockRead | IS.lockWrite | IS.unlock | IS.lockFail | IS.lockFree)) === 0) continue;
      const at = this.locations[e.id] as number;
      if (at < 0) {
        this.reason = 'the address of a lock is not constant';
        return false;
      }
      locks.set(at, [...(locks.get(at) ?? []), e]);
    }
    return this.lockOrders([...locks]);
  }

  /** Takes from the budget; false, with the reason, where too little is left. */
  private spend(checks: number): boolean {
    this.budget.left -= checks * this.scale;
    if (this.budget.left < 0) this.reason = 'too many executions';
    return this.reason === null;
  }

  private locationOf(address: Value): number {
    return typeof address === 'string' ? (this.indexOf.get(address) ?? -1) : -1;
  }

  private at(event: PathEvent): number {
    const known = this.locations[event.id] as number;
    if (known !== -2) return known;
    const value = event.at === null ? null : valueUnder(event.at, this.read);
    return value === null ? -2 : this.locationOf(value);
  }

  private valueOfRead(event: PathEvent): Value | null {
    const known = this.values[event.id] ?? null;
    if (known !== null) return known;
    const from = this.source[event.id] as number;
    if (from < 0 || this.visiting[event.id] === 1) return null;
    this.visiting[event.id] = 1;
    const value = valueUnder((this.events[from] as PathEvent).value as Value, this.read);
    this.visiting[event.id] = 0;
    if (value !== null) {
      this.values[event.id] = value;
      this.trail.push(event.id);
    }
    return value;
  }

  private forgetTo(length: number): void {
    while (this.trail.length > length) this.values[this.trail.pop() as number] = null;
  }

  /** False where a test of a path that can be told already fails, or the filter does. */
  private mayHold(): boolean {
    const { filter } = this.test;
    if (filter && truthOf(filter, o => this.endOf(o, null)) === false) return false;
    for (const path of this.paths) {
      for (const test of path.tests) {
        const value = valueUnder(test.value, this.read);
        if (value !== null && (value !== 0) !== test.truth) return false;
      }
    }
    return true;
  }

  /** Every test is decided: a value that only rests on itself is none. */
  private testsHold(): boolean {
    return this.paths.every(path =>
      path.tests.every(test => {
        const value = valueUnder(test.value, this.read);
        return value !== null && (value !== 0) === test.truth;
      }),
    );
  }

  /**
   * Gives reads that only pass one another's value around a value of their own, equal to nothing else: out of thin air, which the model
   * forbids where the accesses are marked. False where a value would have to be worked out from itself.
   */
  private readsHaveValues(): boolean {
    for (const read of this.free) {
      if (this.valueOfRead(read) !== null) continue;
      const ring: PathEvent[] = [];
      for (let at = read; !ring.includes(at); ) {
        ring.push(at);
        const written = (this.events[this.source[at.id] as number] as PathEvent).value;
        if (written === null || typeof written !== 'object' || !('read' in written)) return false;
        at = written.read;
      }
      for (const r of ring) {
        this.values[r.id] = `thin air ${read.id}`;
        this.trail.push(r.id);
      }
    }
    return true;
  }

  /** Chooses the order of the critical sections of each lock in turn, then what failed trylocks and looks at the lock read. */
  private lockOrders(rest: [number, PathEvent[]][]): boolean {
    const [first, ...others] = rest;
    if (!first) {
      if (!this.spend(1)) return false;
      this.locked = lockedBy(this.skeleton, this.lockRf);
      return this.sources(0);
    }
    const [, events] = first;
    const sections = sectionsOf(events);
    if (sections === null) return true;
    const initial = this.events.find(e => (e.is & IS.init) !== 0 && this.locations[e.id] === first[0]) as PathEvent;
    const looks = events.filter(e => (e.is & (IS.lockFail | IS.lockFree)) !== 0);
    const order: Section[] = [];
    const left = new Set(sections);
    const place = (): boolean => {
      if (!this.spend(this.choice)) return false;
      if (left.size === 0) return this.lookAt(looks, events, initial, order, others);
      for (const section of [...left]) {
        if (section.unlock === null && left.size > 1) continue;
        if ([...left].some(o => o !== section && o.read.thread === section.read.thread && o.read.id < section.read.id)) continue;
        left.delete(section);
        order.push(section);
        const going = place();
        order.pop();
        left.add(section);
        if (!going) return false;
      }
      return true;
    };
    return place();
  }

  private lookAt(looks: PathEvent[], events: PathEvent[], initial: PathEvent, order: Section[], others: [number, PathEvent[]][]): boolean {
    const a = this.skeleton.algebra;
    const before = { rf: this.lockRf.slice(), co: this.lockCo.length };
    let last = initial;
    const chain = [initial];
    for (const section of order) {
      a.put(this.lockRf, last.id, section.read.id);
      this.source[section.read.id] = last.id;
      chain.push(section.write);
      if (section.unlock) chain.push(section.unlock);
      last = section.unlock ?? section.write;
    }
    for (let i = 1; i < chain.length; i++) this.lockCo.push([(chain[i - 1] as PathEvent).id, (chain[i] as PathEvent).id]);
    const choose = (k: number): boolean => {
      if (!this.spend(this.choice)) return false;
      const look = looks[k];
      if (!look) return this.lockOrders(others);
      for (const from of seenBy(look, events, initial)) {
        const kept = this.lockRf.slice();
        a.put(this.lockRf, from.id, look.id);
        this.source[look.id] = from.id;
        const going = choose(k + 1);
        this.source[look.id] = -1;
        this.lockRf.set(kept);
        if (!going) return false;
      }
      return true;
    };
    const going = choose(0);
    this.lockRf.set(before.rf);
    this.lockCo.length = before.co;
    for (const section of order) this.source[section.read.id] = -1;
    return going;
  }

  /** Chooses a write for the reads from the given one on. */
  private sources(done: number): boolean {
    if (done === this.free.length) return this.settled();
    // The next read whose address is known; others wait for what their address depends on.
    let next = done;
    while (next < this.free.length && this.at(this.free[next] as PathEvent) === -2) next++;
    if (next === this.free.length) return true;
    const read = this.free[next] as PathEvent;
    this.free[next] = this.free[done] as PathEvent;
    this.free[done] = read;
    const going = this.sourcesOf(read, done);
    this.free[done] = this.free[next] as PathEvent;
    this.free[next] = read;
    return going;
  }

  private sourcesOf(read: PathEvent, done: number): boolean {
    if (!this.spend(this.choice)) return false;
    const here = this.at(read);
    const mark = this.trail.length;
    const candidates = this.writes.filter(w => this.mayRead(read, w, here));
    for (const write of candidates) {
      if (!this.spend(this.choice)) return false;
      this.source[read.id] = write.id;
      if (this.mayHold() && (done + 1 === this.free.length || candidates.length === 1 || this.partlyAllowed(done))) {
        if (!this.sources(done + 1)) return false;
      }
      this.source[read.id] = -1;
      this.forgetTo(mark);
      if (this.reason) return false;
    }
    return true;
  }

  /** Coherence, as far as it can be told from the read, the write and their own thread. */
  private mayRead(read: PathEvent, write: PathEvent, here: number): boolean {
    const there = this.at(write);
    if (there !== -2 && there !== here) return false;
    if (write.thread === read.thread && write.id > read.id) return false;
    const initial = (write.is & IS.init) !== 0;
    for (const other of this.events) {
      if (other.thread !== read.thread || other.id >= read.id || (this.locations[other.id] as number) !== here) continue;
      if ((other.is & IS.write) !== 0 && (initial || (write.thread === read.thread && other.id > write.id))) return false;
      const seen = this.source[other.id] as number;
      if (initial && (other.is & IS.read) !== 0 && seen >= 0 && ((this.events[seen] as PathEvent).is & IS.init) === 0) return false;
    }
    return true;
  }

  /** Checks what is chosen, with so many reads done, as far as that pays. */
  private partlyAllowed(done: number): boolean {
    const coherence = tallyAt(this.tallies.coherence, done);
    const axioms = tallyAt(this.tallies.axioms, done);
    const whole = pays(axioms);
    if (!whole && !pays(coherence)) return true;
    const a = this.skeleton.algebra;
    if (!this.spend(1 / 4)) return false;
    const mark = a.mark();
    const co = this.forcedCo();
    coherence.checks++;
    if (co === null) coherence.cuts++;
    const allowed = co !== null && (!whole || this.partAllowed(co, axioms));
    a.release(mark);
    return allowed;
  }

  private partAllowed(co: Relation, tally: Tally): boolean {
    const a = this.skeleton.algebra;
    const mark = a.mark();
    const allowed = this.allowed(co) !== null;
    a.release(mark);
    tally.checks++;
    if (!allowed) tally.cuts++;
    return allowed;
  }

  private allowed(co: Relation): Derived | null {
    if (!this.spend(1)) return null;
    return derive(this.locked as Locked, this.chosenWith(co));
  }

  private chosenWith(co: Relation): Chosen {
    const a = this.skeleton.algebra;
    const rf = a.none();
    for (let r = 0; r < a.size; r++) if ((this.source[r] as number) >= 0) a.put(rf, this.source[r] as number, r);
    return { rf, co, sameLocation: this.sameLocation };
  }

  private readonly sameLocation = (i: number, j: number): boolean => {
    const here = this.at(this.events[i] as PathEvent);
    return here >= 0 && here === this.at(this.events[j] as PathEvent);
  };

  /**
   * The order of writes that program order and rf force, transitive, or null where there is none. Along one thread, what is written to
   * a location or read from it never goes back in its coherence order; that is the coherence axiom.
   */
  private forcedCo(): Relation | null {
    const a = this.skeleton.algebra;
    const co = a.none();
    const lastSeen = new Map<number, number>();
    const first = new Map<number, number>();
    let thread = -1;
    for (const e of this.events) {
      if (e.thread !== thread) lastSeen.clear();
      thread = e.thread;
      if ((e.is & (IS.read | IS.write)) === 0) continue;
      const at = this.at(e);
      if (at < 0) continue;
      if ((e.is & IS.init) !== 0) {
        first.set(at, e.id);
        continue;
      }
      const isWrite = (e.is & IS.write) !== 0;
      const seen = isWrite ? e.id : (this.source[e.id] as number);
      if (seen < 0) continue;
      const last = lastSeen.get(at) ?? first.get(at);
      if (last !== undefined && last !== seen) a.put(co, last, seen);
      else if (last === seen && isWrite) return null;
      if (isWrite) a.put(co, first.get(at) as number, e.id);
      lastSeen.set(at, seen);
    }
    for (const [x, y] of this.lockCo) a.put(co, x, y);
    a.close(co);
    return this.atomic(co) ? co : null;
  }

  /** Keeps writes of other threads out of read-modify-writes, in place; false where one is in between for certain. */
  private atomic(co: Relation): boolean {
    const a = this.skeleton.algebra;
    for (let changed = true; changed; ) {
      changed = false;
      for (const { write, read, others } of this.updates) {
        const from = this.source[read] as number;
        if (from < 0) continue;
        for (const other of others) {
          if (other === from) continue;
          if (a.has(co, from, other) ? !a.has(co, write, other) : a.has(co, other, write) && !a.has(co, other, from)) {
            if (a.has(co, from, other)) this.order(co, write, other);
            else this.order(co, other, from);
            changed = true;
          }
        }
      }
      if (!a.irreflexive(co)) return false;
    }
    return true;
  }

  /** Adds x before y to a transitive relation, in place. */
  private order(co: Relation, x: number, y: number): void {
    const a = this.skeleton.algebra;
    for (let i = 0; i < a.size; i++) {
      if (i !== x && !a.has(co, i, x)) continue;
      a.put(co, i, y);
      for (let k = 0; k < a.words; k++) co[i * a.words + k] = (co[i * a.words + k] as number) | (co[y * a.words + k] as number);
    }
  }

  /** Every read has its write: tests and addresses must come true, then the writes are put in order. */
  private settled(): boolean {
    if (!this.testsHold() || !this.readsHaveValues()) return true;
    for (const e of this.wandering) {
      const at = this.at(e);
      // An address that is no location: the path can't be taken.
      if (at < 0) return true;
    }
    for (const r of this.free) if (this.at(r) !== this.at(this.events[this.source[r.id] as number] as PathEvent)) return true;
    const a = this.skeleton.algebra;
    const mark = a.mark();
    const co = this.forcedCo();
    const going = co === null || this.orders(co, this.openPairs(co), true);
    a.release(mark);
    return going;
  }

  private openPairs(co: Relation): [number, number][] {
    const a = this.skeleton.algebra;
    const open: [number, number][] = [];
    for (const [i, x] of this.writes.entries()) {
      for (const y of this.writes.slice(i + 1)) {
        if (this.at(x) === this.at(y) && !a.has(co, x.id, y.id) && !a.has(co, y.id, x.id)) open.push([x.id, y.id]);
      }
    }
    return open;
  }

  /** Orders the writes that nothing has ordered yet, one pair after the other. */
  private orders(co: Relation, pairs: [number, number][], fresh: boolean): boolean {
    const a = this.skeleton.algebra;
    if (!this.spend(pairs.length / 256)) return false;
    const left = pairs.filter(([x, y]) => !a.has(co, x, y) && !a.has(co, y, x));
    const [pair] = left;
    if (!pair) return this.finish(co);
    const mark = a.mark();
    const tally = tallyAt(this.tallies.orders, left.length);
    if ((fresh || left.length > 1) && pays(tally) && !this.partAllowed(co, tally)) return this.reason === null;
    for (const [x, y] of [pair, [pair[1], pair[0]] as const]) {
      const next = a.copy(co);
      this.order(next, x, y);
      const going = !this.atomic(next) || this.orders(next, left, false);
      a.release(mark);
      if (!going) return false;
    }
    return true;
  }

  private finish(co: Relation): boolean {
    const a = this.skeleton.algebra;
    if (this.test.filter && truthOf(this.test.filter, o => this.endOf(o, co)) === false) return true;
    const mark = a.mark();
    const derived = this.allowed(co);
    const going = derived === null ? this.reason === null : this.show(co, derived);
    a.release(mark);
    return going;
  }

  /** What is shown is valid until the call returns. */
  private show(co: Relation, derived: Derived): boolean {
    const chosen = this.chosenWith(co);
    const { wandering } = this;
    const locations = wandering.length === 0 ? this.locations : this.locations.map((l, i) => (l === -2 ? this.at(this.events[i] as PathEvent) : l));
    const execution: Execution = {
      skeleton: this.skeleton,
      paths: this.paths,
      chosen,
      derived,
      locations,
      valueAt: event => (event.value === null ? 0 : (valueUnder(event.value, this.read) ?? 0)),
      register: (thread, name) => this.register(thread, name) ?? 0,
      location: index => this.finalOf(index, co),
    };
    return this.visit(execution) !== false;
  }

  /** Null where it hangs on a read that is not chosen, or, for a location, where `co` is not given. */
  private endOf(o: Observed, co: Relation | null): Value | null {
    if (o.kind === 'register') return this.register(o.thread, o.name);
    return co && this.finalOf(this.indexOf.get(o.name) ?? -1, co);
  }

  private register(thread: number, name: string): Value | null {
    const held = this.paths[thread]?.registers.get(name);
    return held === undefined ? 0 : valueUnder(held, this.read);
  }

  private finalOf(index: number, co: Relation): Value {
    const a = this.skeleton.algebra;
    const here = this.writes.filter(w => this.at(w) === index);
    const last = here.find(w => here.every(o => o === w || a.has(co, o.id, w.id)));
    if (!last) return this.test.locations[index]?.initial ?? 0;
    return valueUnder(last.value as Value, this.read) ?? 0;
  }
}

/** The critical sections of one lock, thread by thread; null where a thread takes it while it holds it, or two threads keep it for ever. */
function sectionsOf(events: PathEvent[]): Section[] | null {
  const sections: Section[] = [];
  let open: Section | null = null;
  let thread = -2;
  for (const e of events) {
    if (e.thread !== thread) open = null;
    thread = e.thread;
    if ((e.is & IS.lockRead) !== 0) {
      if (open) return null;
    } else if ((e.is & IS.lockWrite) !== 0) {
      open = { read: e.reads as PathEvent, write: e, unlock: null };
      sections.push(open);
    } else if ((e.is & IS.unlock) !== 0) {
      if (open) open.unlock = e;
      open = null;
    } else if ((e.is & IS.lockFree) !== 0 && open) return null;
  }
  return sections.filter(s => s.unlock === null).length > 1 ? null : sections;
}

/** What a failed trylock, or a look at the lock, may have seen. */
function seenBy(look: PathEvent, events: PathEvent[], initial: PathEvent): PathEvent[] {
  const own = events.filter(e => e.thread === look.thread && e.id < look.id && (e.is & (IS.lockWrite | IS.unlock)) !== 0);
  const last = own.at(-1);
  if ((look.is & IS.lockFail) !== 0) {
    if (last && (last.is & IS.lockWrite) !== 0) return [last];
    return events.filter(e => e.thread !== look.thread && (e.is & IS.lockWrite) !== 0);
  }
  const outside = [initial, ...events.filter(e => e.thread !== look.thread && (e.is & IS.unlock) !== 0)];
  return last && (last.is & IS.unlock) !== 0 ? [last, ...outside] : outside;
}
