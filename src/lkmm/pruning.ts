/**
 * Where in a search it pays to check what is chosen so far. A check cuts off everything that would have followed, but costs about as much as
 * that of a whole execution; how often one at some depth of the search cuts is learnt from those made there before, and is counted, not timed.
 */
export interface Pruning {
  /** By the number of reads that have a write: coherence alone, and all axioms. */
  coherence: Tallies;
  axioms: Tallies;
  /** By the number of pairs of writes that are still to be ordered. */
  orders: Tallies;
}

/** Nothing learnt yet. */
export function pruning(): Pruning {
  return { coherence: new Tallies(), axioms: new Tallies(), orders: new Tallies() };
}

/** Checks of one kind. */
class Tallies {
  private readonly byDepth: Tally[] = [];

  at(depth: number): Tally {
    this.byDepth[depth] ??= new Tally();
    return this.byDepth[depth];
  }
}

/** Checks of one kind at one depth: how many there were, and how many cut off what would have followed. */
export class Tally {
  private checks = 0;
  private cuts = 0;
  /** Parts that were not checked. */
  private passed = 0;

  /** Does one more spare more than it costs? They are made at first, where one in eight cuts something off, and now and then. */
  pays(): boolean {
    return this.checks < 32 || this.cuts * 8 >= this.checks || ++this.passed % 32 === 0;
  }

  /** Counts a check, and hands on what it said. */
  count(allowed: boolean): boolean {
    this.checks++;
    if (!allowed) this.cuts++;
    return allowed;
  }
}
