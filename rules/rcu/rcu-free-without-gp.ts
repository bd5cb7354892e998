import {
  between,
  called,
  effectOfKind,
  exclusive,
  heldOnEntry,
  initOrExit,
  isInLoop,
  isPartHandedOver,
  isTest,
  loopsAround,
  mayFree,
  onward,
  pointedTo,
  readAfterFree,
  readersOf,
  releasesIn,
  retirementsOf,
  sameLock,
  unlinkedBy,
  variablesIn,
  waitsForReaders,
  walkersOf,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, Mention, Report, Rule, World } from '../../src/model/rule.ts';
import { examples } from './rcu-free-without-gp/examples.ts';

export default {
  id: 'rcu-free-without-gp',
  title: 'An object is freed without a grace period after it was removed from an RCU list or pointer',
  why: `
    list_del_rcu() keeps new readers from finding the entry. Those that found it before use it until the end of their read-side critical
    section, and need its memory and its forward pointer that long; the same holds for a pointer that was replaced. Between removing and
    freeing there must be a grace period: synchronize_rcu(), call_rcu() or kfree_rcu(). An error path that undoes an insertion is no
    exception: readers may have found the entry in the short time. Where no walk of the list is visible, the claim assumes a reader.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['rcu-misuse'],
  references: ['Documentation/RCU/checklist.rst, item 14', 'include/linux/rculist.h, list_del_rcu()'],
  knownGaps: [
    'an entry that is removed or freed by a function that is not visible is not followed',
    'that no reader is left at teardown is not seen',
  ],
  examples,
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || isTeardown(fn, world)) return;
    checkPointers(fn, report, world);
    for (const unlink of fn.events) {
      const object = unlinkedBy(fn, unlink, world.functions);
      if (object === null || unlink.uncertain || isDeferred(fn, object)) continue;
      const stop = (e: Event) => waitsForReaders(e) || unlinkedBy(fn, e, world.functions) === object || waitsOtherwise(e);
      const freeOn = (way: typeof stop) =>
        onward(fn, unlink, { variables: variablesIn(object), stop: way }).events.find(e => frees(fn, e, object, world));
      const atOnce = freeOn(stop);
      // Where something waits in between, the checker says whether it waits for the reader.
      const free = atOnce ?? freeOn(e => unlinkedBy(fn, e, world.functions) === object);
      const name = (free && writtenIn(free, object)) ?? object.replace(/#\d+/, '');
      const claim = free ? listClaim(fn, unlink, free, atOnce !== undefined, name, world) : null;
      if (!free || free.uncertain || (!atOnce && !claim) || isWalkedLocked(unlink, world)) continue;
      report(
        { event: free, fn },
        {
          message: `${fn.name}() frees ${name} right after ${called(unlink)}() has removed it from an RCU list`,
          detail: ['Readers that found it before use it until the end of their read-side critical section'],
          question: `What keeps readers off ${name} here, and could it be freed after a grace period?`,
          dismissal: 'Not an issue if no reader can have found it, or if all are done by then',
          related: [{ path: unlink.path, line: unlink.line, side: unlink.side, note: 'removed here' }],
          quote: [unlink, free],
          // Who empties a whole list mostly tears down what nobody can read any more.
          ...(emptiesList(fn, unlink, object) || tornDownBetween(fn, unlink, free, [name, object], world) ? { confidence: 'low' as const } : {}),
          advice: ['Use kfree_rcu(), or synchronize_rcu() before the free'],
          ...(claim ? { claim } : {}),
        },
      );
      return;
    }
  },
} satisfies Rule;

/** Objects that a pointer held, with a reader in view: the checker says whether a grace period, or a lock, keeps the two apart. */
function checkPointers(fn: CFunction, report: Report, world: World): void {
  for (const place of fn.events) {
    if (place.kind !== 'publish' && place.api !== 'RCU_INIT_POINTER') continue;
    const [reader] = readersOf(place, world.functions).filter(r => r.fn !== fn);
    const retirement = reader && retirementsOf(place, [fn]).find(r => r.store === place);
    if (!reader || !retirement || [...reader.load.locks, ...place.locks].some(lock => lock.mode === 'shared')) continue;
    const { store, free } = retirement;
    const name = store.args[0] ?? 'the pointer';
    report(
      { event: free, fn },
      {
        message: `${fn.name}() frees the old object of ${name} right after replacing it`,
        detail: [`${reader.fn.name}() may have loaded it before, and uses it until the end of its read-side critical section`],
        question: `What keeps ${reader.fn.name}() off the old object, and could it be freed after a grace period?`,
        dismissal: 'Not an issue if no reader can have found it, or if all are done by then',
        related: [
          { path: store.path, line: store.line, side: store.side, note: 'replaced here' },
          { path: reader.use.path, line: reader.use.line, side: reader.use.side, note: `used in ${reader.fn.name}()` },
        ],
        quote: [store, free],
        claim: readAfterFree(reader, retirement, {
          edits: [{ kind: 'grace-period', event: free, text: 'kfree_rcu() or synchronize_rcu() before the free' }],
          stands: false,
        }),
      },
    );
    return;
  }
}

/** The function against one in view that walks the list; a walk out of view is assumed only where what is seen stands without it. */
function listClaim(fn: CFunction, unlink: Event, free: Event, stands: boolean, name: string, world: World): Claim | null {
  const [walker] = walkersOf(fn, unlink, world.functions).filter(r => r.fn !== fn);
  if (!walker && !stands) return null;
  return readAfterFree(
    walker ?? name,
    { fn, store: unlink, free },
    { linked: 'the list', edits: [{ kind: 'grace-period', event: free, text: 'kfree_rcu() or synchronize_rcu() before the free' }], stands },
  );
}

/**
 * The entry's type is the file's own, and each of the file's walks by such a link is made under a lock that is held where the entry is taken off:
 * the walk has the form for readers, and there are none.
 */
function isWalkedLocked(unlink: Event, world: World): boolean {
  const type = unlink.cell?.type;
  const member = unlink.cell && /\w+$/.exec(unlink.cell.path)?.[0];
  const file = type ? world.files.find(f => f.path === world.declared(type)?.path) : undefined;
  if (!file?.whole || file.isHeader || file.path !== unlink.path || unlink.locks.length === 0) return false;
  const walks = file.functions.flatMap(fn =>
    fn.events.flatMap(e => (effectOfKind(e, 'consume')?.rcu && e.args.includes(member ?? '') ? [{ fn, e }] : [])),
  );
  return (
    walks.length > 0 &&
    walks.every(({ fn, e }) => {
      const held = exclusive([...e.locks, ...heldOnEntry(fn, world).locks]);
      return held.some(lock => unlink.locks.some(l => sameLock(l, lock)));
    })
  );
}

/** Code that runs when nobody can read any more, by its annotation or by what registers it. */
function isTeardown(fn: CFunction, world: World): boolean {
  const mentions = world.mentions(fn);
  return initOrExit(fn) === 'exit' || (mentions.length > 0 && mentions.every(m => endsAll(m, world)));
}

/** Does a module or a namespace go by what is named there? */
function endsAll({ member, table, call }: Mention, world: World): boolean {
  if (call !== null) return effectOfKind({ fact: world.fact(call) }, 'register')?.runner === 'exit';
  const known = member === null ? undefined : world.member(table, member);
  return known?.phase === 'teardown' && known.driver === null;
}

/** The object is another one in every round of a loop around the event. */
function emptiesList(fn: CFunction, unlink: Event, object: string): boolean {
  const loops = loopsAround(fn, unlink);
  const set = (fn.settings ?? []).flatMap(s => (s.name === object ? s.ends.flatMap(end => fn.flow[end.node] ?? []) : []));
  const cursors = fn.events.filter(e => e.each && e.args.includes(object.replace(/#\d+/, '')));
  return loops.some(loop => [...set, ...cursors].some(at => isInLoop(loop, at)));
}

/** The object as the free writes it: a local that holds it, where there is one. */
function writtenIn(free: Event, object: string): string | undefined {
  const position = free.argCells?.findIndex(cell => cell !== null && pointedTo(cell) === object) ?? (free.args.length === 1 ? 0 : -1);
  const given = free.args[position];
  if (given !== undefined && /^\w+$/.test(given)) return given;
  return free.args.find(arg => /^\w/.test(arg) && arg.replace(/->/g, '.') === object);
}

/** Something that the object points to is torn down out of view before the free: it may be what readers came by. */
function tornDownBetween(fn: CFunction, unlink: Event, free: Event, names: readonly string[], world: World): boolean {
  return between(fn, unlink, free).some(call => {
    if (call.kind !== 'call' || !call.opaque || !TEARS_DOWN.test(call.api)) return false;
    return call.args.some((arg, i) => {
      const [, owner, member] = /^(\w+(?:(?:->|\.)\w+)*)->(\w+)$/.exec(arg) ?? [];
      if (owner === undefined || member === undefined || !names.some(name => name.replace(/->/g, '.') === owner.replace(/->/g, '.'))) return false;
      const source = call.argSources[i]?.map(n => fn.events[n]).find(e => e?.cell?.path === member);
      const declared = source?.cell?.type ? world.declared(source.cell.type)?.members.get(member) : undefined;
      return declared === undefined || declared.pointer > 0;
    });
  });
}

const TEARS_DOWN = /(?:^|_)(?:release|destroy|close|shutdown|disconnect|detach|teardown|uninit|remove|free|del|delete)(?:_|$)/;

/** Something that may wait for readers by another means: an unregistering, a flush, a drain. */
function waitsOtherwise(event: Event): boolean {
  return event.kind === 'wait' || (event.opaque && /(?:^|_)(?:unregister|flush|drain|quiesce|sync|wait|stop|disable)(?:_|$)/.test(event.api));
}

function frees(fn: CFunction, event: Event, object: string, world: World): boolean {
  const own = releasesIn(fn, world.functions).some(r => r.event === event && r.kind === 'free' && r.object === object && r.via === null);
  return own || mayFree(fn, event, object, world.functions);
}

/** On some way of the function the object is left to a worker or a callback: then it knows where it may free at once. */
function isDeferred(fn: CFunction, object: string): boolean {
  return fn.events.some(e => (waitsForReaders(e) || /queue_\w*work/.test(e.api)) && isPartHandedOver(e, object));
}
