/** What rules report, before it is judged. */
import type { CFunction, Event, Place } from '../model/code.ts';
import type { Remark, Rule } from '../model/rule.ts';

/** What a rule reported, as it came. */
export interface Raised {
  rule: Rule;
  fn: CFunction;
  place: Place;
  event: Event | null;
  addedBy: number | null;
  remark: Remark;
  /** Said of the change itself, not of a state. */
  isChange?: true;
}
