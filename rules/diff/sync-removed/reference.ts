/** A reference that is no longer taken while it is still given back. */
import { asWritten, called, calleeIn, comesBefore, objectOf, onward, pointedTo, releasesIn } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Claim, ClaimThread, Remark } from '../../../src/model/rule.ts';
import { callOf, inFunction, isMoved, isReplaced, staying, type View } from './view.ts';

const GETS = /(?:^|_)(?:get|hold|grab|pin|tryget|inc_not_zero)(?:_|$)|^(?:igrab|ihold|fget|mmget|mmgrab|refcount_inc|kref_get)/;
const PUTS = /(?:^|_)(?:put|drop|unpin|release)(?:_|$)|^(?:iput|fput|mmput|mmdrop|refcount_dec|kref_put)/;
/** Names with `get` or `put` in them that count nothing. */
const NO_COUNT =
  /(?:get|put)_user|(?:^|_)(?:get|put)_unaligned|runtime|_cpu(?:_|$)|nla_|seq_|skb_put|get_(?:order|random|cycles|name|option|string|value)/;

/** The reference is no longer taken, and still given back. */
export function lostReference(view: View, event: Event): Remark | null {
  const { before, after, series, added } = view;
  const object = event.args[0];
  if (!GETS.test(event.api) || NO_COUNT.test(event.api) || object === undefined || event.used) return null;
  if (event.operation !== 'inc' && !event.opaque && !raises(before, event, series.before.functions)) return null;
  if (added.some(e => GETS.test(e.api)) || isMoved(view, event) || isReplaced(view, event)) return null;
  const puts = staying(view, e => comesBefore(before, event, e) && e.args[0] === object && PUTS.test(e.api) && !NO_COUNT.test(e.api));
  const [put] = puts;
  if (!put || view.removed.some(e => e.args[0] === object && PUTS.test(e.api))) return null;
  const claim = claimOf(view, event, put.now);
  return {
    ...(claim ? { claim, related: [] } : {}),
    message: `${callOf(event)} is removed from ${inFunction(after)}, and ${called(asWritten(after, put.now))}() of the same object stays`,
    question: 'Which reference does the put drop now?',
    dismissal: 'Not an issue if a caller now holds the reference, or the lookup returns the object with one',
    quote: [event, put.now],
    shape: `reference:${before.name}:${series.after.files.length}`,
  };
}

/** A helper in view that raises a count. */
function raises(fn: CFunction, call: Event, functions: readonly CFunction[]): boolean {
  return call.kind === 'call' && (calleeIn(fn, call, functions)?.events.some(e => e.kind === 'rmw' && e.operation === 'inc') ?? false);
}

/** The put, where the code of it that may free is in view, against another who holds a reference of its own. */
function claimOf(view: View, get: Event, put: Event): Claim | null {
  const { functions } = view.series.after;
  const callee = put.kind === 'call' ? calleeIn(view.after, put, functions) : null;
  const last = callee
    ? callee.events.flatMap(e => (e.operation === 'dec' || e.operation === 'sub' ? (lastPut(callee, e, functions) ?? []) : []))[0]
    : lastPut(view.after, put, functions);
  if (!last) return null;
  const name = last.object;
  // The last put of a helper stands in a thread of its own where the helper hands over to a release function.
  const nested = callee && !last.thread.calls;
  const thread: ClaimThread = nested
    ? { fn: view.after, events: [put], calls: [{ call: put, fn: callee, events: last.thread.events }] }
    : last.thread;
  const use = {
    does: 'read' as const,
    cell: name,
    ordering: 'plain' as const,
    says: { before: `dereferences ${name}`, after: `dereferences ${name}, which is freed` },
  };
  return {
    threads: [thread],
    others: [{ who: `another holder of ${name}`, does: [use] }],
    bad: { kind: 'sees', reads: [{ read: use, from: last.free }] },
    meanings: [{ event: last.free, access: 'write', cell: name, ordering: 'plain', says: { before: '', after: `frees ${name}` } }],
    starts: [{ cell: last.count, value: 1 }],
    edits: [{ kind: 'reference', event: last.count, text: `Keeping ${callOf(get)}` }],
    assumes: [`another holder of ${name} uses it on the one reference that is left`],
    stands: true,
  };
}

/** Bringing the count down, and the free that comes of it. */
interface LastPut {
  thread: ClaimThread;
  count: Event;
  free: Event;
  object: string;
}

function lastPut(fn: CFunction, put: Event, functions: readonly CFunction[]): LastPut | null {
  const object = put.kind === 'rmw' && put.cell ? objectOf(put.cell) : null;
  if (object === null) return null;
  const release = put.api === 'kref_put' ? functions.find(f => f.name === put.args[1]) : undefined;
  if (release) {
    const free = releasesIn(release, functions).find(r => r.kind === 'free');
    return free
      ? { thread: { fn, events: [put], calls: [{ call: put, fn: release, events: [free.event] }] }, count: put, free: free.event, object }
      : null;
  }
  const zero = onward(fn, put, { value: 'nonzero' }).events;
  const free = zero.find(e => e.kind === 'free' && e.cell !== null && pointedTo(e.cell) === object);
  return free ? { thread: { fn, events: [put, free] }, count: put, free, object } : null;
}
