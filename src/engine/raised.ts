/** What rules report, before it is judged. */
import type { CFunction, Event, Place } from '../model/code.ts';
import type { Remark, Rule, World } from '../model/rule.ts';

/** What a rule reported, as it came. */
export interface Raised {
  rule: Rule;
  fn: CFunction;
  place: Place;
  event: Event | null;
  addedBy: number | null;
  remark: Remark;
  /** The code that the rule looked at; absent of what is said of the change itself. */
  world?: World;
  /** Said of the change itself, not of a state. */
  isChange?: true;
}
