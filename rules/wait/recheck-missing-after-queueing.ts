import {
  bitOrPath,
  called,
  comesBefore,
  decidesBranch,
  dominates,
  gates,
  guardsAt,
  includesSection,
  isTest,
  keyOf,
  nearest,
  nodesAfter,
  ordersAll,
  runsAlone,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, World } from '../../src/model/rule.ts';
import { examples } from './recheck-missing-after-queueing/examples.ts';

export default {
  id: 'recheck-missing-after-queueing',
  title: 'A waiter tests its condition, queues and sleeps without testing again after it has queued',
  why: `
    The condition can become true, and the wake-up be sent, between the test and the queueing: nobody is on the queue yet, so nobody is
    woken, and the waiter sleeps although its condition holds. It must queue first and then test; prepare_to_wait() has the barrier for
    that. A lock does as well, if the waker changes the condition under the lock that the waiter holds while it tests and queues.
    __add_wait_queue() has no barrier: if the waker looks for waiters without the queue's lock, the test that follows may be done before the
    queueing is visible.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['lost-wakeup'],
  references: ['Documentation/memory-barriers.txt, SLEEP AND WAKE-UP FUNCTIONS', 'tools/memory-model/Documentation/recipes.txt, Store buffering'],
  knownGaps: ['a condition that a helper evaluates', 'queues of network devices', 'a waker that is not visible'],
  examples,
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return;
    for (const queueing of fn.events.filter(e => BARE.test(e.api) && e.cell?.base != null && e.cell.type !== null)) {
      const found = lookerAt(fn, queueing, world);
      if (!found) continue;
      const { test, waker } = found;
      const name = nameOf(test);
      report(
        { event: queueing, fn },
        {
          message: `${fn.name}() queues with ${called(queueing)}() and then tests ${name}, and nothing orders the two`,
          detail: [`${waker.fn.name}() changes ${name} and checks for waiters without the queue's lock: each side can miss the other`],
          question: `Should smp_mb() be between ${called(queueing)}() and the test?`,
          dismissal: `Not an issue if ${waker.fn.name}() wakes in any case`,
          quote: [queueing, test],
          related: [{ path: waker.wake.path, line: waker.wake.line, side: waker.wake.side, note: `the waker, in ${waker.fn.name}()` }],
          claim: unorderedClaim(fn, queueing, test, waker),
        },
      );
    }
    for (const queueing of fn.events.filter(e => QUEUES.test(e.api))) {
      if (!queueing.cell?.base || queueing.cell.type === null) continue;
      for (const test of testsBefore(fn, queueing)) {
        if (testedAgain(fn, queueing, test)) continue;
        const waker = wakerOf(wakesIn(world), fn, queueing, test);
        if (!waker) continue;
        if (
          underLock(fn, queueing, world) &&
          !queueing.locks.some(lock => includesSection(waker.change.locks, lock)) &&
          !lockless(fn, queueing, test, waker)
        )
          continue;
        const name = nameOf(test);
        report(
          { event: queueing, fn },
          {
            message: `${fn.name}() tests ${name}, then queues with ${called(queueing)}(), and does not test again before it sleeps`,
            detail: [`${waker.fn.name}() changes ${name} and wakes the queue: between the test and the queueing nobody is on it`],
            question: `Should ${fn.name}() queue first, and then test ${name}?`,
            dismissal: `Not an issue if ${waker.fn.name}() can't run between the test and the queueing`,
            quote: [test, queueing],
            related: [{ path: waker.change.path, line: waker.change.line, side: waker.change.side, note: `the waker, in ${waker.fn.name}()` }],
            claim: claimOf(fn, test, queueing, waker),
          },
        );
        break;
      }
    }
  },
} satisfies Rule;

/** Calls that put somebody on a queue, or leave word that somebody waits. */
const QUEUES = /^(?:prepare_to_wait(?:_exclusive)?|add_wait_queue(?:_exclusive)?|xprt_wait_for_buffer_space)$/;

/** Calls that put somebody on a queue whose lock the caller holds, and order nothing. */
const BARE = /^__add_wait_queue(?:_exclusive|_entry_tail|_entry_tail_exclusive)?$/;

function nameOf(test: Event): string {
  return test.cell ? bitOrPath(test.cell) : 'the condition';
}

/** The test right behind the queueing, and a waker of the same queue who looks for waiters without its lock. */
function lookerAt(fn: CFunction, queueing: Event, world: World): { test: Event; waker: Waker } | null {
  const decides = (e: Event) => e.kind === 'read' && decidesBranch(fn, e);
  const near = nearest(fn, queueing, 'after', e => decides(e) || ordersAll(e) || e.opaque || e.argCells !== undefined || e.kind === 'wait');
  for (const test of near.events.filter(e => decides(e) && e.cell?.base != null && keyOf(e) !== keyOf(queueing))) {
    const waker = wakerOf(looksIn(world), fn, queueing, test);
    if (waker) return { test, waker };
  }
  return null;
}

/** Loads of shared memory, by whose value the way to the queueing was taken; of those of one cell the last, where every way passes it. */
function testsBefore(fn: CFunction, queueing: Event): Event[] {
  const tests = fn.events.filter(
    e =>
      comesBefore(fn, e, queueing) &&
      (e.kind === 'read' || (e.kind === 'rmw' && e.operation === 'cmpxchg')) &&
      e.cell?.base != null &&
      e.cell.type !== null &&
      e.object === undefined &&
      !e.uncertain &&
      rootOf(e) === rootOf(queueing) &&
      gates(fn, e, queueing),
  );
  return tests.filter(
    e => !tests.some(t => comesBefore(fn, e, t) && keyOf(t) === keyOf(e) && t.cell?.bit === e.cell?.bit && dominates(fn, t, queueing)),
  );
}

/** The variable that the object is reached from: `p->ring.head` and `p->queue` are of one. */
function rootOf(event: Event): string | null {
  return /^\w+/.exec(event.cell?.base ?? '')?.[0] ?? null;
}

/** Only names speak of locks, each of its own, and both sides mark their accesses, which one lock over them would make needless. */
function lockless(fn: CFunction, queueing: Event, test: Event, waker: Waker): boolean {
  const named = [...queueing.locks, ...queueing.maybeLocks, ...fn.entryLocks, ...waker.change.locks].every(lock => lock.by === 'convention');
  return named && !fn.events.some(e => e.kind === 'unlock') && marked(test) && marked(waker.change);
}

function marked(event: Event): boolean {
  return event.atomic && event.ordering !== 'plain';
}

/** A lock that may be that of the queue's object is held when it queues, seen to be taken or only to be given back after: the waker may hold it, in this function or in a caller. */
function underLock(fn: CFunction, queueing: Event, world: World): boolean {
  if (guardsAt({ fn, event: queueing }, world).own) return true;
  return nearest(fn, queueing, 'after', e => e.kind === 'lock' || e.kind === 'unlock' || e.api === 'schedule').events.some(e => e.kind === 'unlock');
}

/** Does some load of it, or a call that may make one, stand between the queueing and the sleep? */
function testedAgain(fn: CFunction, queueing: Event, test: Event): boolean {
  const sleeps = (e: Event) => e.kind === 'wait' && /^(?:io_)?schedule$/.test(e.api);
  const near = nearest(
    fn,
    queueing,
    'after',
    e => sleeps(e) || e.opaque || e.argCells !== undefined || keyOf(e) === keyOf(test) || e.kind === 'wake' || e.kind === 'wait',
  );
  if (near.gap || near.events.some(e => !sleeps(e))) return true;
  // Whoever returns to be put to sleep by its caller says so by an error.
  return near.ends && !queueing.phase.includes('error-path');
}

interface Waker {
  fn: CFunction;
  change: Event;
  wake: Event;
}

function wakerOf(wakers: Wakers, waiter: CFunction, queueing: Event, test: Event): Waker | null {
  for (const { fn, wake } of wakers.get(keyOf(queueing) ?? '') ?? []) {
    if (fn === waiter || isTest(fn)) continue;
    const change = fn.events
      .filter(e => comesBefore(fn, e, wake) && (e.kind === 'write' || e.kind === 'rmw') && keyOf(e) === keyOf(test) && e.cell?.bit === test.cell?.bit)
      .filter(e => nodesAfter(fn, e.node).has(wake.node))
      .at(-1);
    if (change && rootOf(change) === rootOf(wake)) return { fn, change, wake };
  }
  return null;
}

/** By the key of the queue: who wakes, or looks for waiters, and where. */
type Wakers = Map<string, { fn: CFunction; wake: Event }[]>;

const wakes = new WeakMap<World, Wakers>();
const looks = new WeakMap<World, Wakers>();

function wakesIn(world: World): Wakers {
  return gathered(wakes, world, e => e.kind === 'wake' && /^(?:wake_up|xprt_write_space)/.test(e.api));
}

function looksIn(world: World): Wakers {
  return gathered(looks, world, e => e.kind === 'read' && /^(?:waitqueue_active|wq_has_sleeper)$/.test(e.api));
}

function gathered(memory: WeakMap<World, Wakers>, world: World, wanted: (event: Event) => boolean): Wakers {
  const known = memory.get(world);
  if (known) return known;
  const found: Wakers = new Map();
  for (const fn of world.functions) {
    for (const wake of fn.events) {
      const key = wanted(wake) ? keyOf(wake) : null;
      if (key === null) continue;
      const list = found.get(key) ?? [];
      found.set(key, list);
      list.push({ fn, wake });
    }
  }
  memory.set(world, found);
  return found;
}

/** The test is made before the queueing is seen, and finds the old value; the waker finds an empty queue. */
function unorderedClaim(fn: CFunction, queueing: Event, test: Event, { fn: waker, change, wake: look }: Waker): Claim {
  const behind = { kind: 'fence' as const, fence: 'full' as const, where: 'after' as const, event: queueing };
  const before = { kind: 'fence' as const, fence: 'full' as const, where: 'before' as const, event: look };
  return {
    threads: [
      { fn, events: [queueing, test] },
      { fn: waker, events: [change, look] },
    ],
    meanings: [{ event: queueing, access: 'write', cell: look, ordering: 'relaxed', says: { before: '', after: 'queues itself' } }],
    bad: {
      kind: 'sees',
      reads: [
        { read: test, from: 'before' },
        { read: look, from: 'before' },
      ],
    },
    edits: [
      { ...behind, text: `smp_mb() between ${called(queueing)}() and the test` },
      {
        kind: 'both',
        text: 'smp_mb() between the two on both sides',
        edits: [
          { ...behind, text: '' },
          { ...before, text: '' },
        ],
      },
    ],
    assumes: ['both run on one object'],
  };
}

/** The test finds the old value, the wake-up an empty queue: queue first, and one of the two sees the other. */
function claimOf(fn: CFunction, test: Event, queueing: Event, { fn: waker, change, wake }: Waker): Claim {
  const full = ordersAll(queueing);
  // A wait queue has a lock of its own, which the waker takes; a bit that says that somebody waits has none.
  const bare = !/wait_queue|prepare_to_wait/.test(queueing.api);
  const under = bare ? {} : { under: 'queue_lock' };
  const move = { kind: 'move' as const, event: test, where: 'after' as const, to: queueing, text: '' };
  const fence = (event: Event) => ({ kind: 'fence' as const, fence: 'full' as const, where: 'after' as const, event, text: '' });
  return {
    threads: [
      { fn, events: [test, queueing] },
      { fn: waker, events: [change, wake] },
    ],
    meanings: [
      { event: queueing, access: 'write', cell: 'queue', ordering: full ? 'full' : 'relaxed', ...under },
      { event: wake, access: 'read', cell: 'queue', ordering: 'relaxed', ...under },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: test, from: 'before' },
        { read: wake, from: 'before' },
      ],
    },
    edits: [
      {
        kind: 'both',
        text: `Testing after ${called(queueing)}()${full ? '' : ' and a full barrier'}${bare ? ` with another between the change and ${called(wake)}()` : ''}`,
        edits: [move, ...(full ? [] : [fence(queueing)]), ...(bare ? [fence(change)] : [])],
      },
    ],
    assumes: ['both run on one object'],
  };
}
