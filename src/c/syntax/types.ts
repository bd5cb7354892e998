/** Types that the code in view declares. */

/** A member's declared type, `struct foo` without stars and dimensions, and whether it is a pointer or an array. */
export interface FieldType {
  type: string;
  pointer: number;
  array: boolean;
}

/** Types that the code in view declares. */
export interface Types {
  /** `struct foo` -> its members. */
  structs: Map<string, Map<string, FieldType>>;
  globals: Map<string, FieldType>;
  /** Enumerators and number macros. */
  constants: Map<string, number>;
}
