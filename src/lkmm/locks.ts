/**
 * Orders of critical sections, lock by lock. The model generates rf and co of locks as of any other cell and forbids what nests or deadlocks
 * (lock.cat; explanation.txt, LOCKING); here the sections of a lock are put in line, which allows the same and tries nothing that a
 * lock would forbid.
 */

import type { Meter } from './budget.ts';
import type { Combination } from './combination.ts';
import { IS, type PathEvent } from './paths.ts';
import type { Algebra, Relation } from './relations.ts';
import type { Valuation } from './valuation.ts';

/** All that is done to one lock. */
interface Lock {
  events: PathEvent[];
  initial: PathEvent;
}

/** A critical section; `unlock` is null where it never ends. */
interface Section {
  read: PathEvent;
  write: PathEvent;
  unlock: PathEvent | null;
}

/** Chooses an order of the critical sections of each lock in turn, then what failed trylocks and looks at the lock read. */
export class LockOrders {
  /** What the reads of locks read from, and each write to a lock with the one before it, as far as chosen. */
  readonly rf: Relation;
  readonly co: [number, number][] = [];
  private readonly events: PathEvent[];
  private readonly algebra: Algebra;
  private readonly valuation: Valuation;
  private readonly meter: Meter;

  constructor({ events, skeleton }: Combination, valuation: Valuation, meter: Meter) {
    this.events = events;
    this.algebra = skeleton.algebra;
    this.rf = skeleton.algebra.none();
    this.valuation = valuation;
    this.meter = meter;
  }

  /** Calls `then` with each choice made; false where it or the budget ends the search. */
  each(then: () => boolean): boolean {
    const locks = this.locks();
    return locks === null ? this.meter.giveUp('the address of a lock is not constant') : this.ordersFrom(locks, then);
  }

  /** Null where some address of a lock depends on what is read. */
  private locks(): Lock[] | null {
    const byLocation = new Map<number, PathEvent[]>();
    for (const e of this.events) {
      if ((e.is & (IS.lockRead | IS.lockWrite | IS.unlock | IS.lockFail | IS.lockFree)) === 0) continue;
      const at = this.valuation.locations[e.id] as number;
      if (at < 0) return null;
      byLocation.set(at, [...(byLocation.get(at) ?? []), e]);
    }
    const initialOf = (at: number) => this.events.find(e => (e.is & IS.init) !== 0 && this.valuation.locations[e.id] === at) as PathEvent;
    return [...byLocation].map(([at, events]) => ({ events, initial: initialOf(at) }));
  }

  private ordersFrom(locks: Lock[], then: () => boolean): boolean {
    const [lock, ...others] = locks;
    if (!lock) return then();
    const sections = sectionsOf(lock.events);
    if (sections === null) return true;
    const order: Section[] = [];
    const left = new Set(sections);
    const place = (): boolean => {
      if (!this.meter.choose()) return false;
      if (left.size === 0) return this.inOrder(lock, order, () => this.ordersFrom(others, then));
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

  /** Sets rf and co of the lock as the order says, and chooses what looks at it see. */
  private inOrder({ events, initial }: Lock, order: Section[], then: () => boolean): boolean {
    const { source } = this.valuation;
    const before = { rf: this.rf.slice(), co: this.co.length };
    let last = initial;
    const chain = [initial];
    for (const section of order) {
      this.algebra.put(this.rf, last.id, section.read.id);
      source[section.read.id] = last.id;
      chain.push(section.write);
      if (section.unlock) chain.push(section.unlock);
      last = section.unlock ?? section.write;
    }
    for (let i = 1; i < chain.length; i++) this.co.push([(chain[i - 1] as PathEvent).id, (chain[i] as PathEvent).id]);
    const looks = events.filter(e => (e.is & (IS.lockFail | IS.lockFree)) !== 0);
    const choose = (k: number): boolean => {
      if (!this.meter.choose()) return false;
      const look = looks[k];
      if (!look) return then();
      for (const from of seenBy(look, events, initial)) {
        const kept = this.rf.slice();
        this.algebra.put(this.rf, from.id, look.id);
        source[look.id] = from.id;
        const going = choose(k + 1);
        source[look.id] = -1;
        this.rf.set(kept);
        if (!going) return false;
      }
      return true;
    };
    const going = choose(0);
    this.rf.set(before.rf);
    this.co.length = before.co;
    for (const section of order) source[section.read.id] = -1;
    return going;
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
