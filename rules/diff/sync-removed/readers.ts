/** Readers under RCU against who takes the object away from them and frees it. */
import {
  between,
  called,
  includesSection,
  isHandedOver,
  isIn,
  isPartHandedOver,
  mayFree,
  onward,
  type Reader,
  type Retirement,
  readAfterFree,
  readersOf,
  releasesIn,
  retirementsOf,
  unlinkedBy,
  variablesIn,
  waitsForReaders,
  walkersOf,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Claim } from '../../../src/model/rule.ts';
import type { View } from './view.ts';

const LINKED = 'the list';

/** The function, which reads outside of a section now, against an updater that waits for readers: the section put back is the cure. */
export function sectionClaim(view: View, section: Event): Claim | null {
  const { before, after, series } = view;
  const { functions } = series.after;
  const others = functions.filter(fn => fn !== after && fn.name !== after.name);
  const pairs = others.flatMap(fn =>
    unlinkings(fn, functions).flatMap(retirement => walkersOf(fn, retirement.store, [before]).map(reader => ({ reader, retirement, linked: true }))),
  );
  for (const load of before.events) {
    if (!isIn(load, 'rcu-read')) continue;
    const [reader] = readersOf(load, [before]).filter(r => r.load === load);
    if (reader)
      for (const retirement of retirementsOf(load, functions)) if (retirement.fn !== after) pairs.push({ reader, retirement, linked: false });
  }
  for (const { reader, retirement, linked } of pairs) {
    const [load, use] = [series.stays(reader.load), series.stays(reader.use)];
    if (!load || !use || !isIn(reader.load, 'rcu-read') || !waits(retirement)) continue;
    return readAfterFree({ fn: after, load, use, pointer: reader.pointer }, retirement, {
      ...(linked ? { linked: LINKED } : {}),
      edits: [{ kind: 'read-section', event: load, to: use, text: `Keeping ${called(section)}() around both` }],
      stands: true,
    });
  }
  return null;
}

/** The function, which frees at once now, against a reader in view: the grace period put back is the cure. */
export function graceClaim(view: View, frees: readonly Event[], cure: string): Claim | null {
  const { after, series } = view;
  const { functions } = series.after;
  const others = functions.filter(fn => fn !== after && fn.name !== after.name);
  const pairs: { reader: Reader; retirement: Retirement; linked: boolean }[] = [];
  for (const store of after.events) {
    if (store.kind !== 'publish' && store.api !== 'RCU_INIT_POINTER') continue;
    const [reader] = readersOf(store, others);
    const retirement = retirementsOf(store, [after]).find(r => r.store === store);
    if (reader && retirement) pairs.push({ reader, retirement, linked: false });
  }
  for (const retirement of unlinkings(after, functions)) {
    const [reader] = walkersOf(after, retirement.store, others);
    if (reader) pairs.push({ reader, retirement, linked: true });
  }
  for (const { reader, retirement, linked } of pairs) {
    const { free } = retirement;
    if (!frees.includes(free) || reader.load.locks.some(lock => includesSection(retirement.store.locks, lock))) continue;
    return readAfterFree(reader, retirement, {
      ...(linked ? { linked: LINKED } : {}),
      edits: [{ kind: 'grace-period', event: free, text: cure }],
      stands: true,
    });
  }
  return null;
}

/** What the function takes off an RCU list, and frees then, at once or later. */
function unlinkings(fn: CFunction, functions: readonly CFunction[]): Retirement[] {
  return fn.events.flatMap(store => {
    const object = unlinkedBy(fn, store, functions);
    if (object === null || store.uncertain) return [];
    const free = onward(fn, store, { variables: variablesIn(object) }).events.find(e => gives(fn, e, object, functions));
    return free ? [{ fn, store, free }] : [];
  });
}

function gives(fn: CFunction, event: Event, object: string, functions: readonly CFunction[]): boolean {
  if (isDeferred(event)) return isHandedOver(event, object) || isPartHandedOver(event, object);
  const own = releasesIn(fn, functions).some(r => r.event === event && r.kind === 'free' && r.object === object && r.via === null);
  return own || mayFree(fn, event, object, functions);
}

function isDeferred(event: Event): boolean {
  return /^(?:k|kv)free_rcu|^call_rcu/.test(event.api);
}

/** The updater leaves readers a grace period. */
function waits({ fn, store, free }: Retirement): boolean {
  return isDeferred(free) || between(fn, store, free).some(waitsForReaders);
}
