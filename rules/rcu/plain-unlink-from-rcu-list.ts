import {
  type BareWalk,
  bareWalks,
  before,
  called,
  callersOf,
  dominates,
  hasWaited,
  headsOf,
  initOrExit,
  isDeferred,
  isGuarded,
  isHandedOver,
  isMadeHere,
  isOwn,
  isPartHandedOver,
  isTest,
  type Link,
  linkingsIn,
  linkOf,
  onward,
  runsAlone,
  sameLink,
  walksOver,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Rule, World } from '../../src/model/rule.ts';
import { examples } from './plain-unlink-from-rcu-list/examples.ts';

export default {
  id: 'plain-unlink-from-rcu-list',
  title: 'An entry is removed from an RCU list by an operation that overwrites its forward pointer',
  why: `
    A reader under rcu_read_lock() may be at the entry while it is removed, and continues through the entry's own forward pointer.
    list_del() and hlist_del() poison that pointer: the reader crashes. list_del_init() points it back to the entry: the reader loops
    forever. hlist_del_init() and hash_del() clear it: the reader misses the rest of the list. list_move() points it into another list,
    whose head the reader does not know. The RCU variants leave the pointer alone until a grace period has passed. The update-side lock does
    not help: readers do not take it.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['rcu-misuse'],
  references: [
    'include/linux/rculist.h, list_del_rcu()',
    'Documentation/RCU/checklist.rst, item 4c',
    'Documentation/RCU/listRCU.rst, Example 2: Read-Side Action Taken Outside of Lock: No In-Place Updates',
  ],
  knownGaps: [
    'a walk in another file, through a macro of the file, or in a function whose rcu_read_lock() is not visible is not seen',
    'where no update-side lock is visible the entry is assumed to be private already',
  ],
  examples,
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const event of fn.events) {
      const outcome = UNLINKS.get(event.api);
      const node = outcome === undefined || event.uncertain ? null : linkOf(fn, event.args[0]);
      if (outcome === undefined || !node || isPrivate(fn, event)) continue;
      const walk = walkerOf(fn, event, node.entry, node.link, world);
      if (!walk || isLate(fn, event, node.entry, world) || !isGuarded(fn, event, world)) continue;
      report(
        { event, fn },
        {
          message: `${called(event)}() removes ${event.args[0]} from a list that ${walk.fn.name}() walks under RCU alone, so a reader at the entry ${outcome}`,
          detail: freedLater(fn, event, node.entry) ? [`${node.entry} is freed only after a grace period, so readers are expected on it`] : [],
          question: `What keeps ${walk.fn.name}() off the entry while it is removed?`,
          dismissal: `Not an issue if ${walk.fn.name}() runs under the lock that this holds, or if the entry is on a list that no reader walks`,
          related: [{ path: walk.fn.path, line: walk.load.line, side: walk.fn.side, note: `${walk.fn.name}() walks the list here` }],
          quote: [event, walk.load],
          claim: claimOf(fn, event, node.entry, walk, outcome),
        },
      );
    }
  },
} satisfies Rule;

/** What takes an entry off and overwrites its forward pointer, and where that leads a reader. */
const UNLINKS: ReadonlyMap<string, string> = new Map([
  ['list_del', 'follows a poisoned pointer'],
  ['hlist_del', 'follows a poisoned pointer'],
  ['list_del_init', 'loops on the same entry forever'],
  ['list_del_init_careful', 'loops on the same entry forever'],
  ['hlist_del_init', 'misses the rest of the list'],
  ['hash_del', 'misses the rest of the list'],
  ['list_move', 'continues in the list it is moved to'],
  ['list_move_tail', 'continues in the list it is moved to'],
]);

/** What leaves the forward pointer as it is; for most list_del_rcu(). */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['hlist_del', 'hlist_del_rcu() with a grace period before the entry is reused'],
  ['hlist_del_init', 'hlist_del_init_rcu() with a grace period before the entry is reused'],
  ['hash_del', 'hash_del_rcu() with a grace period before the entry is reused'],
  ['list_move', 'list_del_rcu(), then a grace period, then list_add_rcu() to the other list'],
  ['list_move_tail', 'list_del_rcu(), then a grace period, then list_add_tail_rcu() to the other list'],
]);

/** A walk over the very list that the entry is on; null where that list may be another. */
function walkerOf(fn: CFunction, event: Event, entry: string, link: Link, world: World): BareWalk | null {
  const links = linkingsIn(world).filter(l => sameLink(l.link, link) && l.event !== event);
  const from = headsOf(fn, entry);
  const heads = from.length > 0 ? from : links.map(l => l.head);
  const kept = isUnderRtnl(fn, event);
  const walks = bareWalks(world).filter(
    w => w.goesOn && w.fn !== fn && !(kept && isDump(w.fn, world)) && walksOver(w, link, new Set(heads.flatMap(h => h ?? []))),
  );
  const walked = (head: string | null) => head !== null && walks.some(w => w.head === head);
  if (from.length > 0 ? !from.every(walked) : links.length === 0 || links.some(l => !l.rcu && !walked(l.head))) return null;
  const to = linkingsIn(world).find(l => l.event === event);
  return to && walked(to.head) ? null : (walks[0] ?? null);
}

/** Is the RTNL surely held at the event: taken in the function, or said to be held? */
function isUnderRtnl(fn: CFunction, event: Event): boolean {
  const earlier = before(fn, event);
  return !earlier.some(e => /^(?:__)?rtnl_unlock$/.test(e.api)) && earlier.some(e => TAKES_RTNL.test(e.api) && dominates(fn, e, event));
}

const TAKES_RTNL = /^(?:rtnl_lock|ASSERT_RTNL|lockdep_assert_rtnl_held)$/;

/** Is the function nothing but a dump that rtnetlink calls under the RTNL, as it does unless it is told at the registration that it need not? */
function isDump(fn: CFunction, world: World): boolean {
  const mentions = world.mentions(fn);
  if (mentions.length === 0 || mentions.some(m => !REGISTERS.test(m.call ?? '')) || world.callers(fn.name).length > 0) return false;
  const registrations = world.functions.flatMap(f => f.events.filter(e => REGISTERS.test(e.api) && e.args.includes(fn.name)));
  return registrations.length > 0 && registrations.every(e => /^(?:0|RTNL_FLAG_DUMP_SPLIT_NLM_DONE)$/.test(e.args.at(-1) ?? ''));
}

const REGISTERS = /^rtnl_register(?:_module)?$/;

/** The entry is known to nobody else. */
function isPrivate(fn: CFunction, event: Event): boolean {
  return event.object !== undefined || isOwn(fn, event) || isMadeHere(fn, event);
}

/** Readers are gone, or not there yet: waited for, or the function is for set-up or teardown, itself or by all who call it. */
function isLate(fn: CFunction, event: Event, entry: string, world: World): boolean {
  if (hasWaited(fn, event, world) || event.phase.includes('init') || event.phase.includes('exit')) return true;
  if (runsAlone(fn, world)) return initOrExit(fn) !== null || !freedLater(fn, event, entry);
  const alone = (f: CFunction): boolean => callersOf(f, world)?.every(s => runsAlone(s.fn, world)) ?? false;
  return alone(fn) || (callersOf(fn, world)?.every(s => runsAlone(s.fn, world) || alone(s.fn)) ?? false);
}

/** Is the entry freed behind a grace period, so that whoever wrote this expects readers on it? */
function freedLater(fn: CFunction, event: Event, entry: string): boolean {
  return onward(fn, event, { variables: [entry] }).events.some(e => isDeferred(e) && (isHandedOver(e, entry) || isPartHandedOver(e, entry)));
}

/** The reader has found the entry before, and goes on by the pointer that is overwritten: the cure is to overwrite it behind a grace period. */
function claimOf(fn: CFunction, event: Event, entry: string, walk: BareWalk, outcome: string): Claim {
  const [on, next] = [`${entry} on the list`, `the forward pointer of ${entry}`];
  return {
    threads: [
      { fn, events: [event] },
      { fn: walk.fn, events: [walk.load] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: walk.load, from: 'before', cell: on },
        { read: walk.load, from: event, cell: next },
      ],
    },
    meanings: [
      { event, access: 'write', cell: on, ordering: 'relaxed', value: 0, says: { before: '', after: `removes ${entry} from the list` } },
      { event, access: 'write', cell: next, ordering: 'plain', says: { before: '', after: `overwrites ${next}` } },
      {
        event: walk.load,
        access: 'read',
        cell: on,
        ordering: 'relaxed',
        says: { before: `finds ${entry} on the list`, after: `no longer finds ${entry} on the list` },
      },
      { event: walk.load, access: 'read', cell: next, ordering: 'relaxed', says: { before: 'continues in the list', after: outcome } },
    ],
    edits: [
      {
        kind: 'grace-period',
        event,
        cell: next,
        text: INSTEAD.get(event.api) ?? 'list_del_rcu() with a grace period before the entry is reused',
      },
    ],
    assumes: [`both work on one list, and ${walk.fn.name}() is at ${entry}`],
    stands: true,
  };
}
