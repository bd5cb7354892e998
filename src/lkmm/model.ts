/**
 * The Linux-kernel memory model over one candidate execution. The relations bear the names, and follow the definitions, of
 * tools/memory-model/linux-kernel.cat and linux-kernel.bell of Linux 7.2; each axiom is explained in its Documentation/explanation.txt,
 * in the section named beside it here.
 *
 * What the events and program order fix is computed once for a combination of paths (`Skeleton`); what lock order, rf and co bring comes
 * on top. Every axiom forbids a cycle or an edge, and every relation grows with rf and co, so that a part of rf and co that breaks an axiom
 * can't be completed: `consistent` may be asked of such parts.
 */
import { IS, type PathEvent } from './paths.ts';
import type { Algebra, Mask, Relation } from './relations.ts';

/** What is fixed before any read has been given a write. */
export interface Skeleton {
  algebra: Algebra;
  events: PathEvent[];
  po: Relation;
  int: Relation;
  ext: Relation;
  /** Pairs of different marked events of one thread, of marked events of two, and a marked event with itself. */
  markedInt: Relation;
  markedExt: Relation;
  markedSame: Relation;
  /** Read to write of each read-modify-write that was done, locks among them. */
  rmw: Relation;
  reads: Mask;
  writes: Mask;
  memory: Mask;
  marked: Mask;
  plain: Mask;
  address: Relation;
  data: Relation;
  control: Relation;
  acqPo: Relation;
  poRel: Relation;
  wmb: Relation;
  rmb: Relation;
  /** The part of mb that no lock handover adds to. */
  mb: Relation;
  gp: Relation;
  afterUnlockLock: Mask | null;
  lockReads: Mask | null;
  unlocks: Mask | null;
  rcuSections: Relation;
  /** Null where there is no grace period: no axiom of RCU is in play then. */
  gracePeriods: GracePeriods | null;
  hasPlain: boolean;
  /** What bears on plain accesses; null where there are none. */
  plainParts: Plain | null;
  hasRmw: boolean;
  hasData: boolean;
  srcuUnlocks: Mask | null;
  returning: Mask;
}

/** Grace periods as relations of one event to itself, and everything that may begin or end a part of rcu-order. */
interface GracePeriods {
  poMaybe: Relation;
  markers: Mask;
  rcu: Relation;
  srcu: Relation | null;
}

/** Fixes what program order fixes. Initial writes come first among the events and have thread -1. */
export function skeletonOf(events: PathEvent[], algebra: Algebra): Skeleton {
  const at = (i: number) => events[i] as PathEvent;
  const is = (i: number, bits: number) => (at(i).is & bits) !== 0;
  const fences = (...kinds: string[]) => algebra.setOf(i => kinds.includes(at(i).fence ?? ''));
  const int = algebra.pairs((i, j) => at(i).thread >= 0 && at(i).thread === at(j).thread);
  const ext = algebra.pairs((i, j) => at(i).thread !== at(j).thread || (at(i).thread < 0 && i !== j));
  const po = algebra.pairs((i, j) => i < j && at(i).thread >= 0 && at(i).thread === at(j).thread);
  const rmw = algebra.none();
  const done = new Set<PathEvent>();
  for (const [i, e] of events.entries()) {
    if (!e.reads) continue;
    algebra.put(rmw, e.reads.id, i);
    done.add(e.reads);
  }
  const failed = (i: number) => is(i, IS.rmw) && is(i, IS.read) && !done.has(at(i));
  const reads = algebra.setOf(i => is(i, IS.read));
  const writes = algebra.setOf(i => is(i, IS.write));
  const memory = algebra.setOf(i => is(i, IS.read | IS.write));
  const plain = algebra.setOf(i => is(i, IS.plain));
  const marked = algebra.setOf(i => !is(i, IS.plain));
  const acquire = algebra.setOf(i => is(i, IS.acquire) && is(i, IS.read) && !failed(i));
  const release = algebra.setOf(i => is(i, IS.release) && is(i, IS.write) && !failed(i));
  const mbReads = algebra.setOf(i => is(i, IS.mb) && is(i, IS.read) && !failed(i));
  const mbWrites = algebra.setOf(i => is(i, IS.mb) && is(i, IS.write));
  const returning = algebra.setOf(i => !(is(i, IS.noreturn) && is(i, IS.read) && !failed(i)));
  const r4rmb = algebra.setOf(i => is(i, IS.read) && !(is(i, IS.noreturn) && !failed(i)));
  const rmws = algebra.setOf(i => is(i, IS.rmw));
  const lockWrites = algebra.setOf(i => is(i, IS.lockWrite));
  const orNull = (mask: Mask) => (mask.some(word => word !== 0) ? mask : null);

  const dependency = (pick: (e: PathEvent) => PathEvent[]) => {
    const out = algebra.none();
    for (const [i, e] of events.entries()) for (const from of pick(e)) algebra.put(out, from.id, i);
    return out;
  };
  const fencerel = (mask: Mask) => algebra.then(algebra.between(null, po, mask), po);
  const poMaybe = algebra.maybe(po);
  const mbs: Relation[] = [];
  const full = orNull(fences('mb'));
  if (full) mbs.push(algebra.between(memory, fencerel(full), memory));
  if (orNull(mbReads)) mbs.push(algebra.between(memory, po, mbReads));
  if (orNull(mbWrites)) mbs.push(algebra.between(mbWrites, po, memory));
  const beforeAtomic = orNull(fences('before-atomic'));
  if (beforeAtomic) mbs.push(algebra.between(memory, algebra.then(algebra.between(null, fencerel(beforeAtomic), rmws), poMaybe), memory));
  const afterAtomic = orNull(fences('after-atomic'));
  if (afterAtomic) mbs.push(algebra.between(memory, algebra.then(algebra.between(null, poMaybe, rmws), fencerel(afterAtomic)), memory));
  const afterSpinlock = orNull(fences('after-spinlock'));
  if (afterSpinlock) mbs.push(algebra.between(memory, algebra.then(algebra.between(null, poMaybe, lockWrites), fencerel(afterSpinlock)), memory));
  const srcuUnlocks = orNull(algebra.setOf(i => is(i, IS.srcuUnlock)));
  const afterSrcu = orNull(fences('after-srcu-read-unlock'));
  if (afterSrcu && srcuUnlocks)
    mbs.push(algebra.between(memory, algebra.then(algebra.between(null, poMaybe, srcuUnlocks), fencerel(afterSrcu)), memory));
  const gracePeriods = algebra.setOf(i => at(i).fence === 'sync-rcu' || is(i, IS.syncSrcu));
  const hasGracePeriod = orNull(gracePeriods) !== null;
  const identity = algebra.maybe(algebra.none());
  const syncSrcu = orNull(algebra.setOf(i => is(i, IS.syncSrcu)));
  const rmbs = orNull(fences('rmb'));
  const wmbs = orNull(fences('wmb'));
  const skeleton: Skeleton = {
    algebra,
    events,
    po,
    int,
    ext,
    markedInt: algebra.minus(algebra.between(marked, int, marked), identity),
    markedExt: algebra.between(marked, ext, marked),
    markedSame: algebra.between(marked, identity, null),
    rmw,
    reads,
    writes,
    memory,
    marked,
    plain,
    address: dependency(e => e.address),
    data: dependency(e => e.data),
    control: dependency(e => e.control),
    acqPo: algebra.between(acquire, po, memory),
    poRel: algebra.between(memory, po, release),
    wmb: wmbs ? algebra.between(writes, fencerel(wmbs), writes) : algebra.none(),
    rmb: rmbs ? algebra.between(r4rmb, fencerel(rmbs), r4rmb) : algebra.none(),
    mb: algebra.union(algebra.none(), ...mbs),
    gp: hasGracePeriod ? algebra.then(algebra.between(null, po, gracePeriods), poMaybe) : algebra.none(),
    afterUnlockLock: orNull(fences('after-unlock-lock')),
    lockReads: orNull(algebra.setOf(i => is(i, IS.lockRead))),
    unlocks: orNull(algebra.setOf(i => is(i, IS.unlock))),
    rcuSections: rcuSectionsOf(algebra, events),
    gracePeriods: hasGracePeriod
      ? {
          poMaybe,
          markers: algebra.setOf(
            i => ['sync-rcu', 'rcu-lock', 'rcu-unlock'].includes(at(i).fence ?? '') || is(i, IS.syncSrcu | IS.srcuLock | IS.srcuUnlock),
          ),
          rcu: algebra.between(fences('sync-rcu'), identity, null),
          srcu: syncSrcu ? algebra.between(syncSrcu, identity, null) : null,
        }
      : null,
    hasPlain: orNull(plain) !== null,
    hasRmw: events.some(e => e.reads !== null),
    hasData: events.some(e => e.data.length > 0),
    srcuUnlocks,
    returning,
    plainParts: null,
  };
  if (skeleton.hasPlain) skeleton.plainParts = plainOf(skeleton);
  return skeleton;
}

/** Outermost and nested read-side critical sections, each lock with its unlock. */
function rcuSectionsOf(algebra: Algebra, events: PathEvent[]): Relation {
  const out = algebra.none();
  let open: number[] = [];
  let thread = -1;
  for (const [i, e] of events.entries()) {
    if (e.thread !== thread) open = [];
    thread = e.thread;
    if (e.fence === 'rcu-lock') open.push(i);
    else if (e.fence === 'rcu-unlock') {
      const lock = open.pop();
      if (lock !== undefined) algebra.put(out, lock, i);
    }
  }
  return out;
}

/** Lock order fixed on top of the skeleton: what hands a lock over orders, and with it all that no other choice of rf and co changes. */
export interface Locked {
  skeleton: Skeleton;
  strongFence: Relation;
  nonrwFence: Relation;
  fence: Relation;
  /** The part of hb, between marked events, that fences and handed-over locks give. */
  hbFence: Relation;
  /** The part that dependencies give where none is carried through memory. */
  hbDependencies: Relation;
  /** Address or data dependency to a marked write, where none is carried through memory. */
  toMarked: Relation;
  /** The part of cumul-fence that no read from another thread comes before, and what such a read may come before. */
  cumulFence: Relation;
  cumulative: Relation;
}

/** `lockRf` gives for each lock's read the unlock, or the initial write, that it reads from, as far as chosen. */
export function lockedBy(skeleton: Skeleton, lockRf: Relation): Locked {
  const a = skeleton.algebra;
  const { po, int, marked, unlocks, lockReads, memory } = skeleton;
  let handedOver: Relation | null = null;
  let mb = skeleton.mb;
  if (unlocks && lockReads) {
    const handed = a.between(unlocks, a.union(po, lockRf), lockReads);
    handedOver = a.chain(po, handed, po);
    const { afterUnlockLock } = skeleton;
    if (afterUnlockLock) mb = a.union(mb, a.between(memory, a.then(a.between(null, handedOver, afterUnlockLock), po), memory));
  }
  const strongFence = a.union(mb, skeleton.gp);
  const nonrwFence = a.union(strongFence, skeleton.poRel, skeleton.acqPo);
  const fence = a.union(nonrwFence, skeleton.wmb, skeleton.rmb);
  const cumulative = a.union(strongFence, skeleton.poRel);
  const handedFence = handedOver ? [handedOver] : [];
  return {
    skeleton,
    strongFence,
    nonrwFence,
    fence,
    hbFence: a.between(marked, a.and(a.union(fence, ...handedFence), int), marked),
    ...dependencies(skeleton, skeleton.address, skeleton.data, skeleton.control),
    cumulFence: a.between(marked, a.union(cumulative, skeleton.wmb, ...handedFence), marked),
    cumulative: a.between(null, cumulative, marked),
  };
}

/** explanation.txt, THE PRESERVED PROGRAM ORDER RELATION: the part of ppo that dependencies give. */
function dependencies(s: Skeleton, address: Relation, data: Relation, control: Relation): Pick<Locked, 'hbDependencies' | 'toMarked'> {
  const a = s.algebra;
  const dep = a.union(address, data);
  const parts = [a.between(null, a.union(dep, control), s.writes), a.between(null, address, s.reads)];
  if (s.hasPlain) parts.push(a.then(a.between(null, address, s.plain), s.wmb));
  return { hbDependencies: a.between(s.marked, a.union(a.none(), ...parts), s.marked), toMarked: a.between(s.marked, dep, s.marked) };
}

/** rf and co, or the part of them chosen so far; co transitive. `loc` relates events on one location. */
export interface Chosen {
  rf: Relation;
  co: Relation;
  sameLocation(i: number, j: number): boolean;
}

/** What the axioms were computed from, for the race flags of an execution that they allow. */
export interface Derived {
  rf: Relation;
  co: Relation;
  fr: Relation;
  rfe: Relation;
  address: Relation;
  fence: Relation;
  nonrwFence: Relation;
  strongFence: Relation;
  cumulFenceStar: Relation;
  rmwSequence: Relation;
  /** Where there are plain accesses. */
  visibility: Visibility | null;
  hb: Relation;
  pb: Relation;
  rb: Relation | null;
}

/**
 * Do rf and co, or the part of them chosen so far, obey happens-before, propagation, rcu and plain-coherence? Coherence and atomicity
 * are held by the choice of co. Null where they do not.
 */
export function derive(locked: Locked, chosen: Chosen): Derived | null {
  const s = locked.skeleton;
  const a = s.algebra;
  const { int, ext, marked } = s;
  const { rf, co } = chosen;
  const rfe = a.and(rf, ext);
  const rfi = a.and(rf, int);
  const fr = a.then(a.inverse(rf), co);
  const overwrite = a.union(co, fr);

  // Dependencies carried through memory of the same thread. explanation.txt, DEPENDENCY RELATIONS: DATA, ADDRESS, AND CONTROL.
  let { address, data } = s;
  let { hbDependencies, toMarked } = locked;
  if (s.hasData) {
    const step = a.then(s.srcuUnlocks ? a.between(null, data, complement(a, s.srcuUnlocks)) : data, rfi);
    if (!a.empty(step)) {
      const carry = a.star(step);
      address = a.then(carry, address);
      data = a.then(carry, data);
      ({ hbDependencies, toMarked } = dependencies(s, address, data, a.then(carry, s.control)));
    }
  }

  // THE CUMULATIVE FENCE AND PROP RELATIONS
  const rfeMarked = a.and(rf, s.markedExt);
  let cumulFence = a.union(locked.cumulFence, a.then(rfeMarked, locked.cumulative));
  const rmwSequence = s.hasRmw ? a.star(a.then(rf, s.rmw)) : a.maybe(a.none());
  if (s.hasRmw) cumulFence = a.then(cumulFence, rmwSequence);
  const cumulFenceStar = a.star(cumulFence);
  const before = a.union(a.between(marked, a.and(overwrite, ext), null), s.markedSame);
  const prop = a.chain(before, cumulFenceStar, a.union(rfeMarked, s.markedSame));

  // THE HAPPENS-BEFORE RELATION: hb
  const inThread = a.union(overwrite, prop, a.then(toMarked, rfi));
  const hb = a.union(locked.hbFence, hbDependencies, rfeMarked, a.and(inThread, s.markedInt));
  const hbStar = a.close(a.copy(hb));
  if (!a.irreflexive(hbStar)) return null;

  // THE PROPAGATES-BEFORE RELATION: pb
  let pb = locked.strongFence;
  let pbStar = pb;
  const hbMaybe = a.maybe(hbStar);
  if (!a.empty(pb)) {
    pb = a.between(null, a.chain(prop, locked.strongFence, hbMaybe), marked);
    pbStar = a.close(a.copy(pb));
    if (!a.irreflexive(pbStar)) return null;
  }

  let { fence, strongFence } = locked;
  let rb: Relation | null = null;
  if (s.gracePeriods) {
    // RCU RELATIONS: rcu-link, rcu-gp, rcu-rscsi, rcu-order, rcu-fence, and rb
    const { markers, poMaybe } = s.gracePeriods;
    const pbMaybe = a.maybe(pbStar);
    const link = a.between(null, a.chain(a.between(markers, poMaybe, null), hbMaybe, pbMaybe, prop, s.po), markers);
    const rcuFence = a.chain(s.po, rcuOrder(s, s.gracePeriods, data, chosen, link), poMaybe);
    rb = a.between(null, a.chain(prop, rcuFence, hbMaybe, pbMaybe), marked);
    if (!a.irreflexive(rb)) return null;
    fence = a.union(fence, rcuFence);
    strongFence = a.union(strongFence, rcuFence);
  }
  const derived: Derived = {
    rf,
    co,
    fr,
    rfe,
    address,
    fence,
    nonrwFence: locked.nonrwFence,
    strongFence,
    cumulFenceStar,
    rmwSequence,
    visibility: null,
    hb,
    pb,
    rb,
  };
  if (s.plainParts && !plainCoherence(s, derived, s.plainParts)) return null;
  return derived;
}

function complement(a: Algebra, mask: Mask): Mask {
  return a.setOf(i => ((mask[i >> 5] as number) & (1 << (i & 31))) === 0);
}

/** The least fixpoint that joins grace periods and read-side critical sections; never asked where there is no grace period. */
function rcuOrder(s: Skeleton, { rcu, srcu }: GracePeriods, data: Relation, chosen: Chosen, link: Relation): Relation {
  const a = s.algebra;
  const rcuBack = a.inverse(s.rcuSections);
  const srcuBack = srcu ? a.inverse(srcuSections(s, data, chosen)) : null;
  const local = srcu ? a.pairs(chosen.sameLocation) : null;
  let order = srcu ? a.union(rcu, srcu) : rcu;
  for (;;) {
    // rcu-link, or rcu-link ; rcu-order ; rcu-link
    const linked = a.then(link, order);
    const middle = a.union(link, a.then(linked, link));
    const parts = [a.chain(rcu, middle, rcuBack), a.chain(rcuBack, middle, rcu), a.then(order, linked)];
    if (srcu && srcuBack && local) parts.push(a.and(a.chain(srcu, middle, srcuBack), local), a.and(a.chain(srcuBack, middle, srcu), local));
    const next: Relation = a.union(order, ...parts);
    if (a.equal(next, order)) return order;
    order = next;
  }
}

/** Each srcu_read_lock() with the unlocks that its index reaches, through registers and through memory. */
export function srcuSections(s: Skeleton, data: Relation, chosen: Chosen): Relation {
  const a = s.algebra;
  if (!s.srcuUnlocks) return a.none();
  const locks = a.setOf(i => ((s.events[i] as PathEvent).is & IS.srcuLock) !== 0);
  const carry = a.star(a.then(a.between(null, data, complement(a, s.srcuUnlocks)), chosen.rf));
  const reach = a.between(locks, a.then(carry, data), s.srcuUnlocks);
  return a.and(
    reach,
    a.pairs((i, j) => chosen.sameLocation(i, j)),
  );
}

interface Visibility {
  wwVis: Relation;
  wrVis: Relation;
  rwXbStar: Relation;
}

/** What the paths alone decide of plain accesses. */
interface Plain {
  /** smp_rmb() as a bound for plain reads: `[R4rmb] ; fencerel(Rmb) ; [~Noreturn]`, and the other way round. */
  rmbPre: Relation;
  rmbPost: Relation;
  /** Accesses of two threads of which one is plain, the first no initial write. */
  preRace: Relation;
  /** Marked events to writes, and writes to marked events, whatever their order. */
  markedToWrite: Relation;
  writeToMarked: Relation;
  /** Plain writes and marked accesses of one thread in one region that no compiler barrier parts. */
  mixed: Relation;
}

function plainOf(s: Skeleton): Plain {
  const a = s.algebra;
  const is = (bits: number) => a.setOf(i => ((s.events[i] as PathEvent).is & bits) !== 0);
  const all = a.pairs(() => true);
  const across = a.then(
    a.between(
      null,
      s.po,
      a.setOf(i => (s.events[i] as PathEvent).fence === 'rmb'),
    ),
    s.po,
  );
  const r4rmb = a.noEvents().map((_, k) => (s.reads[k] as number) & (s.returning[k] as number));
  const body = a.setOf(i => ((s.events[i] as PathEvent).is & (IS.read | IS.write)) !== 0 && ((s.events[i] as PathEvent).is & IS.init) === 0);
  const stops = a.setOf(i => {
    const { fence, is: bits } = s.events[i] as PathEvent;
    const passed = fence === 'after-spinlock' || fence === 'after-unlock-lock' || fence === 'after-srcu-read-unlock';
    return (fence !== null && !passed) || (bits & (IS.acquire | IS.release | IS.mb | IS.srcuLock | IS.srcuUnlock | IS.syncSrcu)) !== 0;
  });
  const barrier = a.union(a.then(a.between(null, s.po, stops), s.po), a.between(null, s.po, is(IS.release)), a.between(is(IS.acquire), s.po, null));
  const open = a.minus(s.po, barrier);
  const plainWrites = a.setOf(i => ((s.events[i] as PathEvent).is & (IS.plain | IS.write)) === (IS.plain | IS.write));
  return {
    rmbPre: a.between(r4rmb, across, s.returning),
    rmbPost: a.between(s.returning, across, r4rmb),
    preRace: a.and(s.ext, a.union(a.between(s.plain, all, s.memory), a.between(body, all, s.plain))),
    markedToWrite: a.between(s.marked, all, s.writes),
    writeToMarked: a.between(s.writes, all, s.marked),
    mixed: a.union(a.between(plainWrites, open, s.marked), a.between(s.marked, open, plainWrites)),
  };
}

/** explanation.txt, PLAIN ACCESSES AND DATA RACES. */
function visibility(s: Skeleton, d: Derived, { rmbPre, rmbPost }: Plain): Visibility {
  const a = s.algebra;
  const { marked } = s;
  const xbStar = a.star(d.rb ? a.union(d.hb, d.pb, d.rb) : a.union(d.hb, d.pb));
  const { fence, nonrwFence, strongFence } = d;
  const vis = a.then(
    a.between(null, a.then(d.cumulFenceStar, a.maybe(d.rfe)), marked),
    a.union(a.then(a.between(null, strongFence, marked), xbStar), a.and(xbStar, a.maybe(s.int))),
  );
  const wPre = a.between(marked, a.maybe(a.union(d.address, fence)), null);
  const rPre = a.between(marked, a.maybe(a.union(d.address, nonrwFence, rmbPre)), null);
  const wPost = a.then(a.between(null, a.maybe(fence), marked), d.rmwSequence);
  const rPost = a.between(null, a.maybe(a.union(nonrwFence, rmbPost)), marked);
  const strongXb = a.then(strongFence, xbStar);
  const wPostVis = a.then(wPost, vis);
  return {
    wwVis: a.union(fence, a.then(strongXb, wPre), a.then(wPostVis, wPre)),
    wrVis: a.union(fence, a.then(strongXb, rPre), a.then(wPostVis, rPre)),
    rwXbStar: a.union(fence, a.chain(rPost, xbStar, wPre)),
  };
}

function plainCoherence(s: Skeleton, d: Derived, plain: Plain): boolean {
  const a = s.algebra;
  d.visibility = visibility(s, d, plain);
  const { rwXbStar, wrVis, wwVis } = d.visibility;
  return (
    a.empty(a.and(a.and(plain.preRace, d.rf), a.inverse(rwXbStar))) &&
    a.empty(a.and(a.and(plain.preRace, d.fr), a.inverse(wrVis))) &&
    a.empty(a.and(a.and(plain.preRace, d.co), a.inverse(wwVis)))
  );
}

/** Pairs of accesses that race in an allowed execution. */
export function races({ algebra: a, plainParts: plain }: Skeleton, d: Derived): [number, number][] {
  if (!plain || !d.visibility) return [];
  const { preRace } = plain;
  const { rwXbStar, wrVis, wwVis } = d.visibility;
  const wwNonrace = a.and(a.and(wwVis, a.union(plain.markedToWrite, rwXbStar)), a.union(plain.writeToMarked, wrVis));
  const ww = a.minus(a.and(preRace, d.co), wwNonrace);
  const wr = a.minus(a.minus(a.and(preRace, a.then(a.maybe(d.co), d.rf)), wrVis), a.inverse(rwXbStar));
  const rw = a.minus(a.and(preRace, d.fr), rwXbStar);
  return a.list(a.union(ww, wr, rw));
}

/** Are there plain and marked accesses of one thread to one location in one region that no compiler barrier parts? */
export function mixesAccesses({ algebra: a, plainParts: plain }: Skeleton, chosen: Chosen): boolean {
  return plain !== null && a.list(plain.mixed).some(([i, j]) => chosen.sameLocation(i, j));
}
