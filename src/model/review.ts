/** The result of a review of one series. */
import type { Finding, Held } from './finding.ts';
import type { BaselineUse } from './policy.ts';
import type { Problem, Thread } from './series.ts';

/** How much was understood: silence without coverage would be no answer. */
export interface Coverage {
  patches: number;
  filesC: number;
  filesSkipped: { path: string; why: string }[];
  /** Whole, or partly seen; of both those of which the grammar could not read all. */
  functions: { whole: number; partial: number; broken: number };
  events: number;
  opaqueCalls: number;
  claims: { decided: number; held: number };
}

export interface SeriesReview {
  /** The id of the series. */
  series: string;
  title: string;
  version: number;
  coverage: Coverage;
  findings: Finding[];
  /** Findings that a later patch of the series repairs; with a tree, those of the code before that the series repairs; those of the version before that are not there any more. */
  resolved: Finding[];
  /** The version before, where the input holds it and both are complete, and how many of its findings are gone, are still there, are new. */
  since?: { version: number; resolved: number; open: number; new: number };
  held: Held[];
  problems: Problem[];
  /** What became of the user's baseline, where there is a policy. */
  baseline?: BaselineUse;
}

/** One input reviewed: every series in it, and the thread it came from. */
export interface Review {
  input: string;
  thread: Thread;
  reviews: SeriesReview[];
  problems: Problem[];
}
