import { dominates, gates, isTest, keyOf, nearest, nodesAfter, ordersAll, runsAlone } from '../../src/c/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, World } from '../../src/model/rule.ts';
import { examples } from './recheck-missing-after-queueing/examples.ts';

export default {
  id: 'recheck-missing-after-queueing',
  title: 'A waiter tests, queues and sleeps without testing again',
  why: `
    The condition can come true, and the wake-up with it, between the test and the queueing: nobody is on the queue yet, so nobody is woken,
    and the waiter sleeps on a condition that holds. It has to queue first and test again then; prepare_to_wait() has the barrier for that. A
    lock does as well, where the waker changes the condition under the lock that the waiter tests and queues under.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['lost-wakeup'],
  references: ['Documentation/memory-barriers.txt, SLEEP AND WAKE-UP FUNCTIONS', 'tools/memory-model/Documentation/recipes.txt, Store buffering'],
  knownGaps: ['a condition that a helper evaluates', 'queues of network devices', 'a waker out of view'],
  examples,
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn)) return;
    for (const queueing of fn.events.filter(e => QUEUES.test(e.api))) {
      if (!queueing.cell?.base || queueing.cell.type === null) continue;
      for (const test of testsBefore(fn, queueing)) {
        if (testedAgain(fn, queueing, test)) continue;
        const waker = wakerOf(world, fn, queueing, test);
        if (!waker) continue;
        if (underLock(fn, queueing) && !queueing.locks.some(lock => waker.change.locks.includes(lock)) && !lockless(fn, queueing, test, waker))
          continue;
        const name = test.cell?.bit ?? test.cell?.path ?? 'the condition';
        report(
          { event: queueing, fn },
          {
            message: `${fn.name}() tests ${name}, then queues by ${queueing.api}(), and does not test again before it sleeps`,
            detail: [`${waker.fn.name}() changes ${name} and wakes: in between it finds nobody on the queue`],
            question: `Should ${fn.name}() queue first, and test ${name} after that?`,
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

/** Loads of shared memory, by whose value the way to the queueing was taken; of those of one cell the last, where every way passes it. */
function testsBefore(fn: CFunction, queueing: Event): Event[] {
  const tests = fn.events.filter(
    e =>
      e.index < queueing.index &&
      (e.kind === 'read' || (e.kind === 'rmw' && e.operation === 'cmpxchg')) &&
      e.cell?.base != null &&
      e.cell.type !== null &&
      e.object === undefined &&
      !e.uncertain &&
      rootOf(e) === rootOf(queueing) &&
      gates(fn, e, queueing),
  );
  return tests.filter(e => !tests.some(t => t.index > e.index && keyOf(t) === keyOf(e) && t.cell?.bit === e.cell?.bit && dominates(fn, t, queueing)));
}

/** The variable that the object is reached from: `p->ring.head` and `p->queue` are of one. */
function rootOf(event: Event): string | null {
  return /^\w+/.exec(event.cell?.base ?? '')?.[0] ?? null;
}

/** Only names speak of locks, each of its own, and both sides mark their accesses, which one lock over them would make needless. */
function lockless(fn: CFunction, queueing: Event, test: Event, waker: Waker): boolean {
  const named = [...queueing.locks, ...queueing.maybeLocks, ...fn.entryLocks, ...waker.change.locks].every(lock => lock.startsWith('named:'));
  return named && !fn.events.some(e => e.kind === 'unlock') && marked(test) && marked(waker.change);
}

function marked(event: Event): boolean {
  return event.atomic && event.ordering !== 'plain';
}

/** A lock is held when it queues, seen to be taken or only to be given back after: the waker may hold it, in this function or in a caller. */
function underLock(fn: CFunction, queueing: Event): boolean {
  if (queueing.locks.length > 0 || queueing.maybeLocks.length > 0 || fn.entryLocks.length > 0) return true;
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
  return near.ends && !queueing.context.includes('error-path');
}

interface Waker {
  fn: CFunction;
  change: Event;
  wake: Event;
}

function wakerOf(world: World, waiter: CFunction, queueing: Event, test: Event): Waker | null {
  for (const { fn, wake } of wakesIn(world).get(keyOf(queueing) ?? '') ?? []) {
    if (fn === waiter || isTest(fn)) continue;
    const change = fn.events
      .filter(e => e.index < wake.index && (e.kind === 'write' || e.kind === 'rmw') && keyOf(e) === keyOf(test) && e.cell?.bit === test.cell?.bit)
      .filter(e => nodesAfter(fn, e.node).has(wake.node))
      .at(-1);
    if (change && rootOf(change) === rootOf(wake)) return { fn, change, wake };
  }
  return null;
}

const wakes = new WeakMap<World, Map<string, { fn: CFunction; wake: Event }[]>>();

function wakesIn(world: World): Map<string, { fn: CFunction; wake: Event }[]> {
  const known = wakes.get(world);
  if (known) return known;
  const found = new Map<string, { fn: CFunction; wake: Event }[]>();
  for (const fn of world.functions) {
    for (const wake of fn.events) {
      const key = wake.kind === 'wake' && /^(?:wake_up|xprt_write_space)/.test(wake.api) ? keyOf(wake) : null;
      if (key === null) continue;
      const list = found.get(key) ?? [];
      found.set(key, list);
      list.push({ fn, wake });
    }
  }
  wakes.set(world, found);
  return found;
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
        text: `the test after ${queueing.api}()${full ? '' : ', behind a full barrier'}${bare ? `, and one between the change and ${wake.api}()` : ''}`,
        edits: [move, ...(full ? [] : [fence(queueing)]), ...(bare ? [fence(change)] : [])],
      },
    ],
    assumes: ['both run on one object'],
  };
}
