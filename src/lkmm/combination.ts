/**
 * One path for each thread, taken together, with its events numbered: what herd7 calls an event structure, and what every choice of locks, rf
 * and co along these paths starts from.
 */
import { sizeOf } from './conditions.ts';
import type { LitmusTest } from './litmus.ts';
import { type Skeleton, skeletonOf } from './model.ts';
import { IS, type PathEvent, type ThreadPath } from './paths.ts';
import { Algebra } from './relations.ts';

/** The events along one path of each thread, and what program order fixes of them. */
export interface Combination {
  test: LitmusTest;
  /** Locations of the test by name. */
  indexOf: ReadonlyMap<string, number>;
  paths: ThreadPath[];
  /** Initial writes first, then thread by thread; an event's id is its place here. */
  events: PathEvent[];
  writes: PathEvent[];
  skeleton: Skeleton;
  /** What one more choice costs, in checks, with a look at the tests of the paths and at the filter. */
  choice: number;
}

/** Events of a test, initial writes among them, that are looked at. */
export const MOST_EVENTS = 128;

/** Makes combinations of a test's paths. One is good until the next is made: they share their events, and what their relations are kept in. */
export class Combinations {
  private readonly test: LitmusTest;
  private readonly indexOf: ReadonlyMap<string, number>;
  /** By number of events. */
  private readonly algebras = new Map<number, Algebra>();

  constructor(test: LitmusTest) {
    this.test = test;
    this.indexOf = new Map(test.locations.map((l, i) => [l.name, i]));
  }

  /** Null where the paths have too many events. */
  of(paths: ThreadPath[]): Combination | null {
    const { test, indexOf } = this;
    const events = eventsAlong(test, paths);
    if (events.length > MOST_EVENTS) return null;
    const algebra = this.algebras.get(events.length) ?? new Algebra(events.length);
    this.algebras.set(events.length, algebra);
    algebra.release(0);
    return {
      test,
      indexOf,
      paths,
      events,
      writes: events.filter(e => (e.is & IS.write) !== 0),
      skeleton: skeletonOf(events, algebra),
      choice: (1 + paths.reduce((sum, path) => sum + path.weight, 0) / 64 + (test.filter ? sizeOf(test.filter) : 0) / 16) / 8,
    };
  }
}

/** The events of the paths with their threads and numbers. */
function eventsAlong(test: LitmusTest, paths: ThreadPath[]): PathEvent[] {
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
  for (const [i, e] of events.entries()) e.id = i;
  return events;
}
