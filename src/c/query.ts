/** What a rule may ask of the code. */
import type { CFunction, Event } from '../model/code.ts';
import type { EventKind } from '../model/fact.ts';
import { cellKey } from './cells.ts';

export { bringsUpOrDown, isMadeHere, isOwn, isTest, runsAlone } from './alone.ts';
export { storeThenLook } from './assumed.ts';
export { calleeOf as calleeIn } from './callees.ts';
export { callersGive, callersOf, type Entry, heldAt, heldOnEntry } from './callers.ts';
export { cellKey, cellName, isConstantText } from './cells.ts';
export { type Container, type Found, foundIn, type Removal, removalsOf, sameContainer } from './containers.ts';
export { type Deferred, deferredIn, handlersIn, queueOf, runBy, type Site } from './deferred.ts';
export { type Effect, effectsOf } from './effects.ts';
export { type FailedRelease, failedReleases } from './failedlocks.ts';
export {
  after,
  alwaysFollowed,
  alwaysRuns,
  before,
  between,
  conditionOn,
  dominates,
  gapAfter,
  gapBefore,
  gates,
  heldOver,
  nodesAfter,
  nodesBefore,
} from './flow.ts';
export { failsAlong, type Leak, leaksOf } from './leaks.ts';
export { type LeftOpen, leftOpen } from './leftopen.ts';
export {
  freedParameters,
  isHandedOver,
  isPartHandedOver,
  isUseOf,
  madeOf,
  mayFree,
  nullWay,
  objectOf,
  onward,
  originsOf,
  placeOf,
  pointedTo,
  type Reached,
  type Release,
  releasesIn,
  surelyReaches,
  takesReference,
  unlinkedBy,
  variablesIn,
  waitsForReaders,
} from './lifetime.ts';
export { dropsOf, enteredUnder, gives, hasOwnLock, isIdentity, lockText, mayGive, type Taking, takings } from './locking.ts';
export { lockPath, sameLock } from './locknames.ts';
export { type PairUpdate, pairUpdates } from './pairs.ts';
export { type Party, partnersOf } from './partners.ts';
export { type PieceLeak, pieceLeaksOf } from './pieceleaks.ts';
export {
  type BareWalk,
  bareWalks,
  hangsBy,
  hasWaited,
  headsOf,
  isGuarded,
  type Link,
  type Linking,
  linkingsIn,
  linkOf,
  sameLink,
  walksOver,
} from './rculists.ts';
export { type Reader, type Retirement, readAfterFree, readersOf, retirementsOf, useBehind, walkersOf } from './readers.ts';
export { irqHandlerOf, type Role, rolesOf, runsInSoftirq, runsInTask } from './roles.ts';
export { atomicAt, maySleep, type SureLock, spins, surelyTakes, sureSleep } from './sleeping.ts';
export { comparedEvents, indexOf, isUpdate } from './ties.ts';
export { type UnheldRelease, unheldReleases } from './unheld.ts';
export { type Near, nearest, ofOneObject, ordersAll, ordersLoads, ordersStores, passes, sameStatement } from './ways.ts';

/** Events of a kind, in the order of the text. */
export function eventsOf(fn: CFunction, kind: EventKind, api?: RegExp): Event[] {
  return fn.events.filter(e => e.kind === kind && (!api || api.test(e.api)));
}

/** The cell's normal form, or null where the event has none. */
export function keyOf(event: Event): string | null {
  return event.cell ? cellKey(event.cell) : null;
}

/** Does the event touch memory that others may see? */
export function isAccess(event: Event): boolean {
  return event.kind === 'read' || event.kind === 'write' || event.kind === 'rmw' || event.kind === 'publish';
}
