/** What one body does, with all that it calls. */
import type { Act, Returned } from '../model/contract.ts';

export interface Summary {
  acts: readonly Act[];
  returns: Returned;
  complete: boolean;
  orders: boolean;
  stores: boolean;
  loads: boolean;
  noreturn: boolean;
  /** Nothing stands in it, as in what a switched-off configuration leaves of a function. */
  stub: boolean;
  /** The grammar could not read it. */
  unread: boolean;
}
