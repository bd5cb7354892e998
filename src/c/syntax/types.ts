/** Types that the code in view declares. */

/** A member's declared type, `struct foo` without stars and dimensions, and whether it is a pointer or an array. */
export interface FieldType {
  type: string;
  pointer: number;
  array: boolean;
  /** The lock that guards it, or what it points to, as __guarded_by() and __pt_guarded_by() spell it. */
  guard?: { lock: string; pointee: boolean };
  /** Nothing in view declares it: only the members that are used tell. */
  inferred?: true;
}

/** Types that the code in view declares. */
export interface Types {
  /** `struct foo` -> its members. */
  structs: Map<string, Map<string, FieldType>>;
  globals: Map<string, FieldType>;
  /** Enumerators and number macros. */
  constants: Map<string, number>;
  /** What function-like macros give that cast their argument or find the structure around it. */
  accessors?: Map<string, FieldType>;
}
