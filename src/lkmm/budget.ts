/** What a search may cost: counted in checks of executions and never timed, so that the answer is the same on every machine. */
export interface Budget {
  /**
   * Checks of partial or whole executions that are left. One of more than 32 events, and other work that may grow with the test, counts as
   * so many checks as cost about as much.
   */
  left: number;
}

/** What a check costs where a relation has 1, 2, 3 or 4 words in a row. */
const SCALE = [1, 2, 10, 20];

/** Takes from the budget what the search along one combination of paths costs. */
export class Meter {
  /** Why the search was given up; null while it may go on. */
  reason: string | null = null;
  private readonly budget: Budget;
  private readonly scale: number;
  private readonly choice: number;

  /** `words` is the length of a relation's rows, `choice` the price of one more choice. */
  constructor(budget: Budget, words: number, choice: number) {
    this.budget = budget;
    this.scale = SCALE[words - 1] ?? 1;
    this.choice = choice;
  }

  /** False, with the reason, where too little is left. */
  spend(checks: number): boolean {
    this.budget.left -= checks * this.scale;
    if (this.budget.left < 0) this.reason = 'too many executions';
    return this.reason === null;
  }

  /** Pays for one more choice. */
  choose(): boolean {
    return this.spend(this.choice);
  }

  /** Ends the search for a reason of its own. */
  giveUp(reason: string): false {
    this.reason = reason;
    return false;
  }
}
