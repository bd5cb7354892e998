/** What a subsystem's maintainers declare of their own code: wrappers, and invariants that no code in view states. */
import type { Fact, MemberFact, TypeFact } from './fact.ts';

/** Where a declaration stands, so that what it dismisses can name it. */
export interface Declared {
  file: string;
  line: number;
}

/** A function of the subsystem: what it does, or the kernel function that it behaves like, arguments in the same places. */
export type UserFunction = Declared & { name: string } & ({ like: string } | { fact: Fact });

/** A cell as its declarer spells it: `struct foo.member`, or a member path where the type does not matter. */
export type CellName = string;

export type Invariant = Declared &
  (
    | { kind: 'paired'; cells: [CellName, CellName]; relation: 'complement' | 'equal' | 'unknown' }
    /** Every access to the cell is under the lock. */
    | { kind: 'guarded'; cell: CellName; by: CellName }
    /** Whoever calls the functions on this type keeps calls on one object, element or bit apart. */
    | { kind: 'serialised'; type: string; why: string }
  );

/** A member of an operations table of the subsystem, or one of the kernel's that it knows better. */
export type UserMember = Declared & { fact: MemberFact };

export type UserType = Declared & { fact: TypeFact };

export interface UserFacts {
  functions: UserFunction[];
  members: UserMember[];
  types: UserType[];
  invariants: Invariant[];
}
