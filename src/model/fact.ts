/** What is known of a kernel function: data, made from rules/facts. Vocabulary of Documentation/atomic_t.txt and memory-barriers.txt. */

import type { Contract, KernelTables } from './contract.ts';
import type { Effect, Ordering } from './effect.ts';
import type { Section } from './section.ts';

export type { Ordering } from './effect.ts';

export type EventKind = 'read' | 'write' | 'rmw' | 'fence' | 'lock' | 'unlock' | 'rcu' | 'publish' | 'free' | 'wait' | 'wake' | 'call';

/** What an access does to the value of its cell. `store` and `xchg` put in the operand; `set`, `clear` and `flip` act on one bit. */
export type Operation =
  | 'load'
  | 'store'
  | 'set'
  | 'clear'
  | 'flip'
  | 'assign'
  | 'add'
  | 'sub'
  | 'inc'
  | 'dec'
  | 'and'
  | 'or'
  | 'xor'
  | 'andnot'
  | 'xchg'
  | 'cmpxchg';

/** What a call gives back of its access: the value before, the value after, whether it took effect, a test of the new value, or nothing. */
export type Result = 'none' | 'old' | 'new' | 'success' | 'test' | 'value';

/**
 * What a call is besides an event. `transparent`: its value is its first argument's and it does nothing else; `test`: the same, but the value says
 * something else of the argument (IS_ERR); `constant`: arithmetic, no memory is touched.
 */
export type Form = 'transparent' | 'test' | 'constant';

/**
 * What a pointer that a call returns points to: what its argument does; the object around that member, whose type is argument 1; or the part that a
 * driver has of a core's object.
 */
export type Pointer = 'same' | 'container' | 'private';

/** Locks of one family exclude each other; `shared` holders do not. */
export interface LockFact {
  family: string;
  shared: boolean;
  /** A try form: held only where the call says so. */
  conditional: boolean;
  /** The object itself stands for the lock (global locks such as RTNL): no argument names it. */
  global: boolean;
}

/**
 * What a call does with a page table. `walk` gives the entry of the level below and reads the one that it is given; `walk-lockless` is given the value, or
 * names the lock without taking it; `flush-deferred` does the flush of the TLB that reclaim put off.
 */
export type PageTableUse = 'walk' | 'walk-lockless' | 'read' | 'read-lockless' | 'compare' | 'change' | 'page' | 'lock' | 'unmap' | 'flush-deferred';

/** The level of the page table that an entry belongs to. */
export type PageTableLevel = 'pte' | 'pmd' | 'pud' | 'p4d' | 'pgd';

/** One kernel function or macro. Argument positions are 0-based; null where there is none. */
export interface Fact {
  api: string;
  kind: EventKind;
  /** The argument that names the cell. */
  cell: number | null;
  /** How it names it: by a pointer to it, or as an lvalue (READ_ONCE). */
  by: 'pointer' | 'lvalue';
  /** The argument with the bit number. */
  bit: number | null;
  operation: Operation | null;
  /** The argument with the value stored, added or compared with. */
  operand: number | null;
  result: Result;
  /** Atomic against other CPUs; a plain `__set_bit()` is not. */
  atomic: boolean;
  ordering: Ordering;
  /** Where a conditional operation fails. */
  orderingOnFailure: Ordering | null;
  lock: LockFact | null;
  /** What the call does to the context: `+irqs-off`, `-preempt-off`, `+rcu-read`. */
  context: string[];
  sleeps: 'no' | 'yes' | 'maybe';
  /** It keeps the state of interrupts in its flags, or gives that state back: spin_lock_irqsave(), local_irq_restore(). */
  saves?: true;
  /** Its caller says to lockdep that another lock of the class may be held: spin_lock_nested(). */
  nested?: true;
  /** What it does with a page table, and on which level. */
  pageTable?: PageTableUse;
  level?: PageTableLevel;
  /** It asks in which context the task runs, or what the machine can do. */
  asks?: 'context' | 'machine';
  /** The call holds a lock of the object for as long as it works on it. */
  ownLock?: true;
  form: Form | null;
  /** Of a fence: between CPUs alone unless it says that it orders what devices see, with or without CPUs, or completes an order that is there. */
  scope?: 'device' | 'all' | 'completing';
  /** Of a static key: a test of it, a switch, or a count of users. */
  staticKey?: 'test' | 'on' | 'off' | 'up' | 'down';
  /** Its cell is a count, not the object that is counted: refcount_inc(), kref_get(), atomic_inc(). */
  counter?: true;
  /** The argument is not even evaluated, as that of sizeof. */
  unevaluated?: true;
  /** What stands inside is meant to be a data race, or is exempt from the locks that annotations ask for. */
  meant?: 'race' | 'unlocked';
  /** What it returns is an error: a negative errno, or a pointer made of one. */
  error?: true;
  pointer: Pointer | null;
  /** All that the call does, in the words of the closed list: what the members above say, and what only the list can. */
  effects: readonly Effect[];
  /** What is said holds, but the function does more: a call of it stays opaque. */
  part?: true;
  /** What it makes goes with its device. */
  managed?: true;
  /** It neither keeps what it is given nor waits for anything of it. */
  keepsNothing?: true;
  /** A function of the kernel's core or of a subsystem: it knows what it is given by its own type alone, not what a driver has beside it. */
  core?: true;
  /** Known by the kernel's naming conventions alone, or true on some path only. */
  inferred?: true;
  /** It comes from the body of the function in a kernel tree that is not at hand: all that is known of it. */
  contract?: Contract;
  /** The kernel document or header that says so. */
  source: string;
}

/** A member of an operations table: where the kernel runs what stands there, and under what. */
export interface MemberFact {
  /** The table's type, `struct net_device_ops`; `*` where only the member's name is known. */
  struct: string;
  member: string;
  /** In process context with interrupts on, in a softirq, or with interrupts off; null where that is not sure. */
  runs: 'task' | 'softirq' | 'hardirq' | null;
  /** False where it may not sleep; true in a task unless said; null where that is not sure. */
  sleeps: boolean | null;
  /** Sections that the caller holds. */
  holds: readonly HeldByCore[];
  /** Members, or calls, by which a driver gives up what the caller holds otherwise: with one of them nothing of `holds` is sure. */
  unless: readonly string[];
  /** Members of the table that never run at the same time on one object. */
  neverWith: readonly string[];
  /** Members of the table that have returned and do not run again, on this object, when this one runs. */
  ended: readonly string[];
  /** What serialises it with those; null where the sections do, or the source alone says so. */
  by: string | null;
  /**
   * It sets the object up before others know it, takes it down when none can any more, starts (`up`) or stops (`down`) what others know, or begins and
   * ends one of several uses of it (`open`, `close`).
   */
  phase: 'setup' | 'teardown' | 'up' | 'down' | 'open' | 'close' | null;
  /** Of what sets up or starts the members that undo it, and the other way round. */
  pair: readonly string[];
  /** It returns with a lock that another member releases. */
  keepsLock: boolean;
  /** A driver and a device are bound to each other, or parted. */
  driver: 'bind' | 'unbind' | null;
  source: string;
}

/** A section that the caller of a member holds. */
export interface HeldByCore {
  section: Section;
  /** The argument, from 0, whose object it is of; null of a global, and where no argument leads to it. */
  argument: number | null;
}

/** What an object of a type is to other CPUs. */
export interface TypeFact {
  type: string;
  is: 'lock' | 'atomic' | 'count' | 'completion' | 'device';
  /** Of a lock: the family of its functions. */
  family: string | null;
  source: string;
}

/** What a contract says of a call: what is sure, and what may be. */
export interface Contracted {
  fact: Fact;
  inferred: Fact | null;
}

/** All that is known of what is out of view: what is built in, and before it what users declare. The one door to it. */
export interface Knowledge {
  fact(api: string): Fact | undefined;
  /** What the function's body in a kernel tree says, for a call that has neither a body in view nor a fact. */
  contract(api: string): Contracted | undefined;
  /** The tables of a kernel that all of that was read from, null where there are none: signatures of its functions, members of its structures. */
  tables: KernelTables | null;
  /** What a name alone lets expect, for a call that has neither a body in view nor a fact; inferred. */
  convention(api: string): Fact | undefined;
  /** A member of an operations table, by the table's type where that is known; else, or where the type is none of the kernel's, by its name alone. */
  member(struct: string | null, member: string): MemberFact | undefined;
  type(name: string): TypeFact | undefined;
}
