/** What a rule may ask of the code. */

import { cellKey } from '../c/lower/cells.ts';
import type { CFunction, Event, SourceComment } from '../model/code.ts';
import type { EventKind } from '../model/fact.ts';

export { asWritten, called, calleeOf as calleeIn, calleesOf as calleesIn, isCall, runsNamed, standsHere } from '../c/calls/callees.ts';
export { type CallEffect, effectsOf } from '../c/calls/effects.ts';
export { initOrExit } from '../c/cfg/errorpaths.ts';
export {
  after,
  alwaysFollowed,
  alwaysPasses,
  alwaysRuns,
  before,
  between,
  comesBefore,
  conditionOn,
  decidesBranch,
  dominates,
  gapAfter,
  gapBefore,
  gates,
  heldOver,
  isRepeated,
  nodesAfter,
  nodesBefore,
  reachesWithout,
} from '../c/cfg/flow.ts';
export { headsAround, isInLoop, loopsAround } from '../c/cfg/loops.ts';
export { type Near, nearest, ofOneObject, ordersAll, ordersLoads, ordersStores, passes, sameStatement } from '../c/cfg/nearest.ts';
export { byPlace, type Direction, standsLater, walk } from '../c/cfg/order.ts';
export { returnedAt } from '../c/cfg/returned.ts';
export { bitOrPath, cellKey, cellName, isConstantText } from '../c/lower/cells.ts';
export {
  argumentAt,
  bounds,
  countsDownAndTells,
  countsUp,
  effectOfKind,
  effectsOfKind,
  fencesOf,
  initialises,
  isCpuFence,
  isDeferred,
  isDereference,
  likelyEffect,
  primitive,
  releaseAtZero,
  setsRcuPointer,
  waitsUntil,
} from '../c/syntax/effects.ts';
export {
  type ContextFamily,
  contextSection,
  exclusive,
  holds,
  includesSection,
  isContext,
  isHeld,
  isIn,
  lastMember,
  likeLock,
  lockKey,
  objectType,
  type Section,
  sameLock,
  sameSection,
  section,
  sectionText,
  sharedSection,
} from '../model/section.ts';
export { type PairUpdate, pairUpdates } from './atomicity/pairs.ts';
export { comparedEvents, indexOf, isUpdate } from './atomicity/ties.ts';
export { callersGive, callersOf, type Entry, heldAt, heldOnEntry } from './entry/callers.ts';
export { type EntryContext, type EntryPoint, entriesOf, entryText, type LifePhase } from './entry/entries.ts';
export { canOverlap, neverBesideItself, type Overlap } from './entry/overlap.ts';
export { pairedWith } from './entry/pairs.ts';
export { type Party, partnersOf } from './entry/partners.ts';
export { bringsUpOrDown, isDevice, isMadeHere, isNamedAs, isOwn, isTest, runsAlone, unbindsDevice } from './entry/phase.ts';
export { type Registration, registrationsOf } from './entry/registrations.ts';
export { irqHandlerOf, type Role, rolesOf, runsInSoftirq, runsInTask } from './entry/roles.ts';
export { type Guards, guardsAt, type OneSided, oneSided, type Serialiser, type Span, serialiserOf, serialiserOfRuns } from './entry/serialised.ts';
export { atomicAt, gfpOf, maySleep, type SureLock, spins, surelyTakes, sureSleep } from './entry/sleeping.ts';
export { type Container, type Found, foundIn, type Removal, removalsOf, sameContainer } from './lifetimes/containers.ts';
export { type Deferred, deferredIn, handlersIn, queueOf, runBy, type Site } from './lifetimes/deferred.ts';
export { makesObject } from './lifetimes/fresh.ts';
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
} from './lifetimes/lifetime.ts';
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
} from './lifetimes/rculists.ts';
export { type Reader, type Retirement, readAfterFree, readersOf, retirementsOf, useBehind, walkersOf } from './lifetimes/readers.ts';
export { isAsked, type LeftRunning, leftRunningIn } from './lifetimes/teardown/failed.ts';
export { type Breach, breachesIn } from './lifetimes/teardown/law.ts';
export { isFreeOf, isPointerTo, isTold, keepsOwner } from './lifetimes/teardown/owners.ts';
export {
  type EndAction,
  endActionsIn,
  isReplaced,
  isSame,
  lastName,
  type Queuer,
  queuersOf,
  type Source,
  sourcesIn,
} from './lifetimes/teardown/sources.ts';
export { type End, type Unawaited, unawaitedIn } from './lifetimes/teardown/unawaited.ts';
export { storeThenLook } from './pairings/assumed.ts';
export { type FailedRelease, failedReleases } from './sections/failedlocks.ts';
export { failsAlong, type Leak, leaksOf } from './sections/leaks.ts';
export { type LeftOpen, leftOpen } from './sections/leftopen.ts';
export {
  begins,
  dropsOf,
  enteredUnder,
  hasOwnLock,
  isIdentity,
  type LockTaking,
  lockText,
  mayGive,
  maySerialise,
  releasesSection,
  serialisers,
  takings,
} from './sections/locking.ts';
export { leavesByContract } from './sections/locknames.ts';
export { type PieceLeak, pieceLeaksOf } from './sections/pieceleaks.ts';
export { type UnheldRelease, unheldReleases } from './sections/unheld.ts';

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

/** Comments in the event's statement, or so many lines above it at most. */
export function commentsBeside(fn: CFunction, event: Event, above: number): SourceComment[] {
  return fn.comments.filter(c => c.endLine >= event.line - above && c.line <= event.endLine);
}
