/** What a call does to other CPUs, from a closed list. */

/**
 * The order that an event gives. Accesses: plain, relaxed (marked or atomic, no order), address (relaxed, and later dependent accesses are
 * ordered), acquire, release, full. Fences: full, rmb, wmb, compiler, before-atomic, after-atomic. `none` is said of everything else.
 */
export type Ordering =
  | 'none'
  | 'plain'
  | 'relaxed'
  | 'address'
  | 'acquire'
  | 'release'
  | 'full'
  | 'rmb'
  | 'wmb'
  | 'compiler'
  | 'before-atomic'
  | 'after-atomic';

/** What runs a handler behind the back of whoever registered it. */
export type Runner =
  | 'irq'
  | 'irq-thread'
  | 'softirq'
  | 'tasklet'
  | 'timer'
  | 'hrtimer'
  | 'napi'
  | 'work'
  | 'delayed-work'
  | 'irq-work'
  | 'kthread-work'
  | 'kthread'
  | 'task-work'
  | 'rcu'
  | 'cpu-call'
  | 'notifier'
  | 'urb'
  | 'init'
  | 'exit'
  | 'pm'
  | 'attribute'
  | 'debugfs'
  | 'devres'
  | 'kref'
  | 'operations';

/** By what an object is found: a pointer or index that is stored, a container of links or of keys, a handler's argument. */
export type Road = 'pointer' | 'list' | 'hlist' | 'hash' | 'tree' | 'xarray' | 'idr' | 'queue' | 'index' | 'handler' | 'count' | 'flag';

/** A section begins or ends: a lock's, or a context's (`rcu-read`, `irqs-off`); `when` the call says so, else surely. */
interface Bound<D extends 'open' | 'close'> {
  does: D;
  section: string;
  object: number | null;
  mode: 'exclusive' | 'shared';
  when: 'nonzero' | 'zero' | null;
}

/** What somebody waits for, and what wakes them; `condition`: the argument that is tested. */
interface Waiting<D extends 'wait' | 'wake'> {
  does: D;
  on: 'queue' | 'bit' | 'variable' | 'completion' | 'thread' | 'event';
  object: number | null;
  condition: number | null;
}

/**
 * What a call does that another CPU can observe or that orders, from a closed list, whoever does it. Arguments are positions from 0; null where the
 * call has none: the value that it returns, or a thing of which there is only one.
 */
export type Effect =
  /** Memory that argument `cell` names is touched. `init` is a store that nobody else can see yet. */
  | {
      does: 'access';
      cell: number;
      access: 'read' | 'write' | 'rmw' | 'free' | 'init';
      marked: boolean;
      ordering: Ordering;
      onFailure: Ordering | null;
    }
  | { does: 'order'; fence: Ordering }
  | Bound<'open'>
  | Bound<'close'>
  /** It may sleep, always or where the GFP flags of argument `gfp` allow it; `maybe`: by what the fact does not say. */
  | { does: 'sleep'; when: 'always' | 'maybe' | 'gfp'; gfp: number | null }
  /** From here on others may find the object. `rcu`: readers without a lock too. */
  | { does: 'publish'; by: Road; object: number | null; into: number | null; rcu: boolean }
  /**
   * An object is found; `each`: one after the other, and with `safe` it may be taken out meanwhile. `cursor`: the argument that is set to it, null
   * where it is returned; `member`, `type`: by which member it is linked, and its type. `rcu`: without a lock.
   */
  | {
      does: 'consume';
      by: Road;
      from: number | null;
      each: boolean;
      safe: boolean;
      cursor: number | null;
      member: number | null;
      type: number | null;
      rcu: boolean;
      /** The section that keeps what is found, of a single lookup without a reference. */
      section: string | null;
    }
  /** From here on nobody new finds the object. */
  | { does: 'unpublish'; by: Road; object: number | null; from: number | null; rcu: boolean }
  /** Whoever may still be at it is waited for (`waits`); `cancels`: what is pending does not run; `bars`: it can't be started again. */
  | {
      does: 'quiesce';
      /** `operations`: what the core of a subsystem calls for those who use the object, of one of the `types`. */
      of: Runner | 'readers' | 'queue';
      object: number | null;
      waits: boolean;
      cancels: boolean;
      bars: boolean;
      types: readonly string[];
    }
  /** `private`: with the part that a driver has of the object. */
  | { does: 'free'; object: number | null; when: 'now' | 'grace-period'; private: boolean }
  /** A reference more, more unless there is none, or less; `frees`: the call itself gives the object up where it was the last. */
  | { does: 'ref'; object: number | null; by: 'get' | 'get-unless-zero' | 'put'; frees: boolean }
  /**
   * A handler is made known: `handler` runs with `data`, by way of `object`, `under` a lock. `managed`: it goes with its device. Of `operations` the
   * `types` are those of the object and of the tables of what is called for it. With `suffixes` a macro
   * makes the names of the handlers, of what stands as argument `prefix` and `handler` and of each suffix.
   */
  | {
      does: 'register';
      runner: Runner;
      handler: number | null;
      thread: number | null;
      object: number | null;
      data: number | null;
      under: number | null;
      managed: boolean;
      types: readonly string[];
      prefix: number | null;
      suffixes: readonly string[];
    }
  /** A handler is asked to run, on the queue of argument `on`. */
  | { does: 'queue'; runner: Runner; object: number | null; on: number | null }
  | { does: 'arm'; runner: Runner; object: number | null }
  | Waiting<'wait'>
  | Waiting<'wake'>
  /** A device, or what it runs by (a clock, a supply), is switched: while it is off its registers can't be reached. */
  | { does: 'power'; to: 'on' | 'off'; object: number | null }
  /** A device's registers are read or written. */
  | { does: 'io'; access: 'read' | 'write'; object: number | null }
  /** New memory, or a new object, known to nobody else. */
  | { does: 'alloc' }
  | { does: 'noreturn' }
  /** The caller holds the section, or is at fault. */
  | { does: 'assert'; section: string; object: number | null; mode: 'exclusive' | 'shared' | 'any' };

/** The names of effects. */
export type Does = Effect['does'];
/** An effect by its name. */
export type EffectOf<D extends Does> = Extract<Effect, { does: D }>;
