/** What a function out of view does, as its body in a kernel tree says. Plain data. */

/**
 * Memory in the words of a function's caller, as the object that a pointer points to: `0` what argument 0 points to (or the argument itself),
 * `0->lock` its member, `0->dev*` what that member points to, `0->dev->mutex` a member of that; `r` in place of a number is what the call returns;
 * anything else starts from a global (`rtnl_mutex`, `init_net.count`). `?` is an object that the caller can't name, `-` where there is none.
 */
export type Where = string;

/**
 * When a thing happens: on every path that returns, on some path, or as an argument decides: where it is not zero or zero (a mask names the bits of
 * it), or where its GFP flags allow sleeping; `sure`: then always, else on some path. Paths on which a pointer given to the function is NULL are left out.
 */
export type When =
  | { on: 'always' }
  | { on: 'some' }
  | { on: 'argument'; argument: number; mask: string | null; value: 'nonzero' | 'zero'; sure: boolean }
  | { on: 'gfp'; argument: number; sure: boolean };

/** A thing that the function does: the words of the closed list of effects (`model/effect.ts`), with objects that need not be arguments. */
export interface Act {
  /**
   * `open`, `close`, `hold` (the caller must), `drop` (given back and taken again), `sleep`, `get`, `put`, `free`, `quiesce`, `wait`, `wake`,
   * `register`, `queue`, `arm`, `publish`, `unpublish`, `keep` (a pointer is stored where it outlives the call), `alloc`.
   */
  does: string;
  /** What of its kind: the family of a section, a runner, a road, what is waited for; empty where the word says all. */
  of: string;
  object: Where;
  /** Of what is registered the handler and its data, of what is published where to. */
  more: readonly Where[];
  /** Marks: `shared`, `rcu`, `frees`, `grace-period`, `cancels`, `waits`, `bars`, `managed`, `private`. */
  marks: readonly string[];
  when: When;
  /** Of a section that opens or closes, or a reference that is taken: only with this result. */
  result: 'zero' | 'nonzero' | null;
}

/** What the function returns, as far as its exits tell. */
export interface Returned {
  /** May be a negative errno, a pointer made of one, NULL. */
  errno: boolean;
  pointerError: boolean;
  null: boolean;
  /** The one object that it is where it is no error: an argument, a member of one, a global; null where there are several or it is not known. */
  value: Where | null;
  /** New memory. */
  fresh: boolean;
}

/** The row of one function or function-like macro. */
export interface Contract {
  name: string;
  acts: readonly Act[];
  returns: Returned;
  /** Tags of the structures that result and parameters point to, with a star for each pointer more, `gfp_t` and such for typedefs, else empty. */
  signature: { result: string; parameters: readonly string[] };
  /** All of it was read. False where it calls through pointers, or what no file has: then it may do more. */
  complete: boolean;
  /** Something in it may order: a lock, an atomic operation with an order, a barrier. */
  orders: boolean;
  /** It stores to memory that is not its own; it loads from such memory. */
  stores: boolean;
  loads: boolean;
  /** It never returns. */
  noreturn: boolean;
  /** A built-in fact says what it does, and its body was not asked: only the signature counts. */
  byFact?: true;
}

/** A table of contracts, each read when it is asked for. */
export interface Contracts {
  /** The kernel that they were read from: `6.12.94`. */
  kernel: string;
  of(name: string): Contract | undefined;
  /** The signature, also of what facts describe. */
  signature(name: string): Contract['signature'] | undefined;
}

/** A member's type: `struct foo` or a typedef, empty for numbers and what no tag names; how many stars; whether it is an array. */
export interface MemberType {
  type: string;
  pointer: number;
  array: boolean;
}

/** The kernel's structures that CPUs share, each read when it is asked for. */
export interface Structs {
  kernel: string;
  /** The member of `struct foo`; undefined where there is none, or where several structures of that tag disagree. */
  member(tag: string, name: string): MemberType | undefined;
  /** Is there a structure of that tag? */
  has(tag: string): boolean;
  /**
   * The tags of all structures that have all of the members, one of which is more than a number, in their order. None too where the members are
   * so common that finding out would cost more than the answer is worth, and where a structure out of the tables may have them all.
   */
  structsWith(members: readonly string[]): string[];
}

/** What was read of a kernel that is not at hand. */
export interface KernelTables {
  contracts: Contracts;
  structs: Structs;
}
