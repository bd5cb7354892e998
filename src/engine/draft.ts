/** A claim half way to a litmus test: threads as steps that know the event they come from, so that an edit can find its place. */
import type { FenceKind, UpdateOp } from '../lkmm/litmus.ts';
import type { CFunction, Event } from '../model/code.ts';
import type { AssumedStep } from '../model/rule.ts';

/** How an access is marked; `full` has a full barrier on both sides. */
export type Marking = 'plain' | 'relaxed' | 'acquire' | 'release' | 'full';

/** What an access gives: the value before or after, a test of it, or nothing. */
export type Gives = 'old' | 'new' | 'is-zero' | 'is-negative' | 'none';

export type ThreadAct =
  | { op: 'load'; location: number; order: Marking; mask: number | null }
  | { op: 'store'; location: number; order: Marking; value: number | null }
  /** `atomic` false: a plain load and a plain store. */
  | { op: 'rmw'; location: number; order: Marking; update: UpdateOp; operand: number | null; gives: Gives; mask: number | null; atomic: boolean }
  | { op: 'add-unless'; location: number; order: Marking; operand: number; unless: number }
  | { op: 'cmpxchg'; location: number; order: Marking; expected: number; desired: number; success: boolean }
  /** What an earlier access gave, once more. */
  | { op: 'copy'; location: number; register: string }
  | { op: 'fence'; fence: FenceKind }
  | { op: 'lock' | 'unlock'; location: number }
  /** Accesses to cells that have become one word. */
  | { op: 'word'; parts: { act: ThreadAct; register: string | null; shift: number }[] };

/** A step runs only where each register, set earlier in the thread, is as the guard says; `dependent` restricts nothing but orders. */
export interface Guard {
  register: string;
  test: 'nonzero' | 'zero' | 'dependent';
}

export interface ThreadStep {
  /** Null where the step stands for something that no line says: a lock that the caller holds, an edit. */
  event: Event | null;
  act: ThreadAct;
  /** The register that takes what the access gives. */
  register: string | null;
  when: Guard[];
  /** The register with the pointer that the access goes through. */
  via: string | null;
  /** How the step is told: a read of what was there before, and a read of what another thread left or a write. */
  says?: { before: string; after: string };
  /** The memory, by the name that a meaning gives it. */
  means?: string;
  /** The store that has become one with it. */
  joins?: Event;
  /** What is done out of view. */
  assumed?: AssumedStep;
}

/** A step under no guard, through no pointer. */
export function stepFor(event: Event | null, act: ThreadAct, register: string | null = null): ThreadStep {
  return { event, act, register, when: [], via: null };
}

export interface DraftThread {
  title: string;
  steps: ThreadStep[];
}

export interface DraftLocation {
  name: string;
  type: 'int' | 'spinlock_t';
  /** A number, or the location that it points to. */
  initial: number | { to: number };
  /** The claim says what it starts with. */
  given?: true;
  /** For a pointer: the location that a store of it publishes. */
  target?: number;
}

export interface Draft {
  name: string;
  locations: DraftLocation[];
  threads: DraftThread[];
  assumes: string[];
  /** The first two locations share one word, the first of them. */
  word?: true;
  /** Calls, or lines that are not shown, that were taken for full barriers. */
  opaque: { api: string; fn: CFunction }[];
}

/** Bits that each of two cells has in a word that they share. */
export const LANE = 8;

/** Does the step write its location? */
export function writes(act: ThreadAct): boolean {
  if (act.op === 'word') return act.parts.some(p => writes(p.act));
  return act.op === 'store' || act.op === 'rmw' || act.op === 'add-unless' || act.op === 'cmpxchg';
}

/** The step that the event or assumed step became, in the first thread that runs it or in the one named; where it became several, the one that reads, or writes, as asked, else the first that is no fence; with `means` the one on that memory. */
export function stepOf(
  draft: Draft,
  event: Event | AssumedStep,
  as?: 'read' | 'write',
  only?: number,
  means?: string,
): { thread: number; at: number; step: ThreadStep } | null {
  const fits = (s: ThreadStep) => (as === 'read' ? s.register !== null : as === 'write' ? writes(s.act) : s.act.op !== 'fence');
  for (const [thread, t] of draft.threads.entries()) {
    if (only !== undefined && thread !== only) continue;
    const at = [fits, (s: ThreadStep) => s.act.op !== 'fence', () => true]
      .map(test =>
        t.steps.findIndex(
          s => (s.event === event || s.assumed === event || s.joins === event) && (means === undefined || s.means === means) && test(s),
        ),
      )
      .find(i => i >= 0);
    const step = at === undefined ? undefined : t.steps[at];
    if (at !== undefined && step) return { thread, at, step };
  }
  return null;
}
