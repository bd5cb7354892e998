/**
 * What a choice of rf comes to in values: values are symbolic until every read that they hang on has its write (explanation.txt, THE READS-FROM
 * RELATION: rf, rfi, and rfe). Values and addresses are worked out when they are asked for, kept, and forgotten where the search goes back.
 */
import type { Combination } from './combination.ts';
import { truthOf } from './conditions.ts';
import type { LitmusValue } from './litmus.ts';
import { type PathEvent, valueUnder } from './paths.ts';

/** Stands among the locations for an address that is not known yet. */
export const UNKNOWN = -2;

/** Values, addresses and tests along one combination of paths, under the rf chosen so far. */
export class Valuation {
  /** rf, by event id: the write that a read reads from, -1 where not chosen. */
  readonly source: Int32Array;
  /** By event id: the location, -1 where there is none, `UNKNOWN` where the address depends on what is read. */
  readonly locations: Int32Array;
  private readonly combination: Combination;
  private readonly events: PathEvent[];
  /** Events whose address depends on what is read. */
  private readonly wandering: PathEvent[] = [];
  /** What reads give, by event id. */
  private readonly values: (LitmusValue | null)[];
  private readonly visiting: Uint8Array;
  /** Reads whose values were worked out, in order, so that going back forgets them. */
  private readonly trail: number[] = [];
  private readonly read = (event: PathEvent): LitmusValue | null => this.valueOfRead(event);

  constructor(combination: Combination) {
    this.combination = combination;
    const { events } = combination;
    this.events = events;
    this.source = new Int32Array(events.length).fill(-1);
    this.locations = new Int32Array(events.length).fill(-1);
    this.values = new Array<LitmusValue | null>(events.length).fill(null);
    this.visiting = new Uint8Array(events.length);
    for (const e of events) {
      if (e.at === null) continue;
      if (typeof e.at === 'object') {
        this.wandering.push(e);
        this.locations[e.id] = UNKNOWN;
      } else this.locations[e.id] = this.locationOf(e.at);
    }
  }

  /** The event's location, as far as it is known. */
  at(event: PathEvent): number {
    const known = this.locations[event.id] as number;
    if (known !== UNKNOWN) return known;
    const value = event.at === null ? null : valueUnder(event.at, this.read);
    return value === null ? UNKNOWN : this.locationOf(value);
  }

  /** The locations of all events as they are now. */
  settledLocations(): Int32Array {
    if (this.wandering.length === 0) return this.locations;
    return this.locations.map((l, i) => (l === UNKNOWN ? this.at(this.events[i] as PathEvent) : l));
  }

  /** What the event gives or puts; null where that is not known, and on fences. */
  valueAt(event: PathEvent): LitmusValue | null {
    return event.value === null ? null : valueUnder(event.value, this.read);
  }

  /** What the register ends with; null where it hangs on a read that has no write. */
  register(thread: number, name: string): LitmusValue | null {
    const held = this.combination.paths[thread]?.registers.get(name);
    return held === undefined ? 0 : valueUnder(held, this.read);
  }

  /** What is worked out from here on is forgotten by `forgetTo`. */
  mark(): number {
    return this.trail.length;
  }

  forgetTo(mark: number): void {
    while (this.trail.length > mark) this.values[this.trail.pop() as number] = null;
  }

  /** False where a test of a path that can be told already fails, or the filter does. */
  mayHold(): boolean {
    const { filter } = this.combination.test;
    if (filter && truthOf(filter, o => (o.kind === 'register' ? this.register(o.thread, o.name) : null)) === false) return false;
    for (const path of this.combination.paths) {
      for (const test of path.tests) {
        const value = valueUnder(test.value, this.read);
        if (value !== null && (value !== 0) !== test.truth) return false;
      }
    }
    return true;
  }

  /** With a write for each of the reads: are the paths taken, and does every access find itself at a location, the same as its write's? */
  comesTrue(reads: readonly PathEvent[]): boolean {
    if (!this.testsHold() || !this.readsHaveValues(reads)) return false;
    // An address that is no location: the path can't be taken.
    for (const e of this.wandering) if (this.at(e) < 0) return false;
    for (const r of reads) if (this.at(r) !== this.at(this.events[this.source[r.id] as number] as PathEvent)) return false;
    return true;
  }

  /** Every test is decided: a value that only rests on itself is none. */
  private testsHold(): boolean {
    return this.combination.paths.every(path =>
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
  private readsHaveValues(reads: readonly PathEvent[]): boolean {
    for (const read of reads) {
      if (this.valueOfRead(read) !== null) continue;
      const ring: PathEvent[] = [];
      for (let at = read; !ring.includes(at); ) {
        ring.push(at);
        const written = (this.events[this.source[at.id] as number] as PathEvent).value;
        if (written === null || typeof written !== 'object' || !('read' in written)) return false;
        at = written.read;
      }
      for (const r of ring) this.keep(r, `thin air ${read.id}`);
    }
    return true;
  }

  private valueOfRead(event: PathEvent): LitmusValue | null {
    const known = this.values[event.id] ?? null;
    if (known !== null) return known;
    const from = this.source[event.id] as number;
    if (from < 0 || this.visiting[event.id] === 1) return null;
    this.visiting[event.id] = 1;
    const value = valueUnder((this.events[from] as PathEvent).value as LitmusValue, this.read);
    this.visiting[event.id] = 0;
    if (value !== null) this.keep(event, value);
    return value;
  }

  private keep(read: PathEvent, value: LitmusValue): void {
    this.values[read.id] = value;
    this.trail.push(read.id);
  }

  private locationOf(address: LitmusValue): number {
    return typeof address === 'string' ? (this.combination.indexOf.get(address) ?? -1) : -1;
  }
}
