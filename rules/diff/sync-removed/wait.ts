/** A wait, for a handler, for readers or for a flush, that goes while what it was before stays. */
import { called, comesBefore } from '../../../src/analysis/query.ts';
import type { Event } from '../../../src/model/code.ts';
import type { Changes, Remark } from '../../../src/model/rule.ts';
import { graceClaim } from './readers.ts';
import { callOf, inFunction, isMoved, isReplaced, namedFirst, staying, type View } from './view.ts';

const PTE = /^(?:set_)?(?:huge_)?p(?:te|md|ud|4d|gd)p?_/;
const FLUSH = /^(?:local_)?flush_\w*tlb\w*|^tlb_/;
const FREES = /(?:^|_)(?:k|v|kv)?free(?:_|$)|(?:^|_)(?:destroy|teardown|unregister|release|cleanup|dealloc|exit|fini|put)(?:_|$)/;
const STOPS = /_sync$|^(?:synchronize|flush|drain)_|^(?:kthread_stop|tasklet_kill|napi_disable|hrtimer_cancel|timer_shutdown)/;

/** The wait goes, and what must not run before its end stays. */
export function lostWait(view: View, event: Event): Remark | null {
  const { after, added } = view;
  const waits =
    event.kind === 'wait' ||
    (event.kind === 'rcu' && /^synchronize_/.test(event.api)) ||
    (event.opaque && /_sync$/.test(event.api) && /cancel|del|stop|disable|kill|shutdown/.test(event.api));
  if (!waits || isReplaced(view, event)) return null;
  if (isMoved(view, event) || added.some(e => e.kind === 'wait' || e.kind === 'rcu' || e.kind === 'free' || STOPS.test(e.api))) return null;
  if (added.some(e => e.kind === 'call' && callsWait(view.series, called(e)))) return null;
  const flush = FLUSH.test(event.api);
  const root = rootOf(event.args[0] ?? '');
  const left = flush
    ? staying(view, e => comesBefore(view.before, e, event) && PTE.test(e.api) && (e.kind === 'write' || e.kind === 'rmw'))
    : staying(view, e => comesBefore(view.before, event, e) && endsUse(e) && (root === null || e.args.some(a => rootOf(a) === root)));
  const one = flush ? left.at(-1) : left[0];
  if (!one) return null;
  const readers = /^synchronize_(?:rcu|net)/.test(event.api);
  const claim = readers
    ? graceClaim(
        view,
        left.map(s => s.now),
        `Keeping ${callOf(event)}`,
      )
    : null;
  return {
    ...(claim ? { claim } : {}),
    message: flush
      ? `${namedFirst(one.old)} stays in ${inFunction(after)}, but ${callOf(event)} after it is removed`
      : `${namedFirst(one.old)} stays in ${inFunction(after)}, but ${callOf(event)} before it is removed`,
    ...(flush ? { question: 'What flushes the old translation now?', dismissal: 'Not an issue if the caller flushes the range' } : waitedFor(event)),
    quote: [event, one.now],
    shape: `wait:${called(event)}`,
    ...(one.old.kind === 'free' || flush ? {} : { severity: 'note' as const }),
  };
}

/** The question and what would dismiss it, by what the call waited for. */
function waitedFor(event: Event): { question: string; dismissal: string } {
  const { api } = event;
  if (/rcu/.test(api))
    return {
      question: /barrier/.test(api) ? 'What waits for the pending RCU callbacks now?' : 'What waits for the readers now?',
      dismissal: /barrier/.test(api)
        ? 'Not an issue if no RCU callback can be pending here'
        : 'Not an issue if no reader can have the object any more here',
    };
  return {
    question: `What does the work of ${called(event)}() now?`,
    dismissal: `Not an issue if what ${called(event)}() waited for cannot be running or queued here`,
  };
}

/** Gives the object back, tears it down, or shows it to readers anew. */
function endsUse(event: Event): boolean {
  return event.kind === 'free' || event.kind === 'publish' || (event.kind === 'call' && FREES.test(event.api));
}

/** The variable that an argument begins with. */
function rootOf(argument: string): string | null {
  return /[A-Za-z_]\w*/.exec(argument)?.[0] ?? null;
}

/** What was freed behind a grace period is freed at once. */
export function lostGrace(view: View, event: Event): Remark | null {
  const { after, added } = view;
  if (!/^(?:call_s?rcu|kv?free_rcu|\w+_free_rcu)/.test(event.api) || isMoved(view, event)) return null;
  if (added.some(e => e.kind === 'rcu' || e.kind === 'wait' || /rcu/.test(e.api))) return null;
  const free = added.find(e => e.kind === 'free' && rootOf(e.args.at(-1) ?? '') === rootOf(event.args[0] ?? ''));
  if (!free) return null;
  const claim = graceClaim(view, [free], `${called(event)}() as before`);
  return {
    ...(claim ? { claim } : {}),
    message: `${callOf(event)} becomes ${callOf(free)} in ${inFunction(after)}: the memory is freed at once, no longer after a grace period`,
    question: 'Which readers can still use the object?',
    dismissal: 'Not an issue if the object was never published, or no reader looks it up under RCU any more',
    quote: [event, free],
    shape: 'grace',
  };
}

function callsWait(series: Changes, name: string): boolean {
  return series.after.functions.some(f => f.name === name && f.events.some(e => e.kind === 'wait' || e.kind === 'rcu'));
}
