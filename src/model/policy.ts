/** What a configuration and a baseline decide about findings. Plain data: it is sent to other threads. */
import type { Severity } from './finding.ts';

/** Where a decision is written, so that what it silences can name it. */
export interface DecisionPlace {
  file: string;
  line: number;
}

export interface Policy {
  /** Rules that are not run. */
  off: string[];
  /** Rules on trial that report all the same. */
  on: string[];
  /** Severity by rule and path; null stands for any. The last one that matches counts. */
  severities: (DecisionPlace & { rule: string | null; paths: string[] | null; severity: Severity })[];
  /** Paths of which findings are held. */
  ignored: (DecisionPlace & { path: string })[];
  baseline: BaselineEntry[];
  /** Every finding that would be reported is held, one by one and each under `baseline`: what a new baseline is made of. */
  collects: boolean;
}

/** A finding that is known and accepted, and why. */
export interface BaselineEntry extends DecisionPlace {
  /** Of the finding, whatever its rule was called then. */
  fingerprint: string;
  /** The rule as it is called now. */
  rule: string;
  path: string;
  function: string;
  /** What the finding said when it was written down. */
  message: string;
  /** Empty where nobody has given one. */
  reason: string;
}

/** Places in the baseline's list: the entries that the code at hand could have matched, and those that it did. */
export interface BaselineUse {
  asked: number[];
  used: number[];
}
