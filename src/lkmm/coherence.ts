/**
 * The order of the writes to each location, as far as program order and rf force it. Along one thread, what is written to a location or read
 * from it never goes back in the location's order: the coherence axiom (explanation.txt, SEQUENTIAL CONSISTENCY PER VARIABLE). No write of
 * another thread comes between the read and the write of an update: the atomicity axiom (ATOMIC UPDATES: rmw). So most of co is derived, not
 * chosen, and what is left open is little. An order here is transitive at all times, and grows in place.
 */
import type { Combination } from './combination.ts';
import { IS, type PathEvent } from './paths.ts';
import type { Algebra, Relation } from './relations.ts';
import { UNKNOWN, type Valuation } from './valuation.ts';

/** What coherence and atomicity make of the rf chosen so far. */
export class Coherence {
  private readonly algebra: Algebra;
  private readonly events: PathEvent[];
  private readonly writes: PathEvent[];
  private readonly valuation: Valuation;
  /** Steps of the order of writes that lock order gives. */
  private readonly given: readonly [number, number][];
  /** Read-modify-writes, with the writes of other threads; by event id. */
  private readonly updates: { write: number; read: number; others: number[] }[];

  constructor({ events, writes, skeleton }: Combination, valuation: Valuation, given: readonly [number, number][]) {
    this.algebra = skeleton.algebra;
    this.events = events;
    this.writes = writes;
    this.valuation = valuation;
    this.given = given;
    this.updates = writes.flatMap(w =>
      w.reads ? [{ write: w.id, read: w.reads.id, others: writes.filter(o => o.thread !== w.thread).map(o => o.id) }] : [],
    );
  }

  /** May the read, at location `here`, read from the write, as far as the two and their own thread tell? */
  mayRead(read: PathEvent, write: PathEvent, here: number): boolean {
    const { locations, source } = this.valuation;
    const there = this.valuation.at(write);
    if (there !== UNKNOWN && there !== here) return false;
    if (write.thread === read.thread && write.id > read.id) return false;
    const initial = (write.is & IS.init) !== 0;
    for (const other of this.events) {
      if (other.thread !== read.thread || other.id >= read.id || (locations[other.id] as number) !== here) continue;
      if ((other.is & IS.write) !== 0 && (initial || (write.thread === read.thread && other.id > write.id))) return false;
      const seen = source[other.id] as number;
      if (initial && (other.is & IS.read) !== 0 && seen >= 0 && ((this.events[seen] as PathEvent).is & IS.init) === 0) return false;
    }
    return true;
  }

  /** The order that is forced; null where rf, as far as chosen, allows none. */
  forced(): Relation | null {
    const { algebra: a, valuation } = this;
    const co = a.none();
    const lastSeen = new Map<number, number>();
    const first = new Map<number, number>();
    let thread = -1;
    for (const e of this.events) {
      if (e.thread !== thread) lastSeen.clear();
      thread = e.thread;
      if ((e.is & (IS.read | IS.write)) === 0) continue;
      const at = valuation.at(e);
      if (at < 0) continue;
      if ((e.is & IS.init) !== 0) {
        first.set(at, e.id);
        continue;
      }
      const isWrite = (e.is & IS.write) !== 0;
      const seen = isWrite ? e.id : (valuation.source[e.id] as number);
      if (seen < 0) continue;
      const last = lastSeen.get(at) ?? first.get(at);
      if (last !== undefined && last !== seen) a.put(co, last, seen);
      else if (last === seen && isWrite) return null;
      if (isWrite) a.put(co, first.get(at) as number, e.id);
      lastSeen.set(at, seen);
    }
    for (const [x, y] of this.given) a.put(co, x, y);
    a.close(co);
    return this.atomic(co) ? co : null;
  }

  /** The order with one more step, and what that forces; null where it allows none. */
  with(co: Relation, before: number, after: number): Relation | null {
    const next = this.algebra.copy(co);
    this.algebra.extend(next, before, after);
    return this.atomic(next) ? next : null;
  }

  /** Pairs of writes to one location that nothing has ordered. */
  open(co: Relation): [number, number][] {
    const { writes, valuation } = this;
    const open: [number, number][] = [];
    for (const [i, x] of writes.entries()) {
      const here = valuation.at(x);
      for (let k = i + 1; k < writes.length; k++) {
        const y = writes[k] as PathEvent;
        if (valuation.at(y) === here && this.isOpen(co, x.id, y.id)) open.push([x.id, y.id]);
      }
    }
    return open;
  }

  isOpen(co: Relation, x: number, y: number): boolean {
    return !this.algebra.has(co, x, y) && !this.algebra.has(co, y, x);
  }

  /** The last write to the location, whose value it ends with. */
  last(co: Relation, location: number): PathEvent | null {
    const here = this.writes.filter(w => this.valuation.at(w) === location);
    return here.find(w => here.every(o => o === w || this.algebra.has(co, o.id, w.id))) ?? null;
  }

  /** Keeps writes of other threads out of read-modify-writes, in place; false where one is in between for certain. */
  private atomic(co: Relation): boolean {
    const { algebra: a } = this;
    const { source } = this.valuation;
    for (let changed = true; changed; ) {
      changed = false;
      for (const { write, read, others } of this.updates) {
        const from = source[read] as number;
        if (from < 0) continue;
        for (const other of others) {
          if (other === from) continue;
          if (a.has(co, from, other) ? !a.has(co, write, other) : a.has(co, other, write) && !a.has(co, other, from)) {
            if (a.has(co, from, other)) a.extend(co, write, other);
            else a.extend(co, other, from);
            changed = true;
          }
        }
      }
      if (!a.irreflexive(co)) return false;
    }
    return true;
  }
}
