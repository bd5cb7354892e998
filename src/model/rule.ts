/** What a rule is, what it sees, and what it may say. A rule looks and claims; it decides nothing. */
import type { CFunction, Event, Place, SourceComment } from './code.ts';
import type { Confidence, Related, Said, Severity } from './finding.ts';

/** One function that runs in a claim, by one path through the events named. */
export interface ClaimThread {
  fn: CFunction;
  /** The events that take part, in the order of the path. */
  events: Event[];
}

/** Cells that an invariant ties, and how that is known. */
export interface Tie {
  /** Normal forms of the two cells, as `cellKey` gives them. */
  keys: [string, string];
  /** How a reader would name them. */
  names: [string, string];
  type: string | null;
  /** complement: the two differ always. equal: they agree. unknown: only that they belong together. */
  relation: 'complement' | 'equal' | 'unknown';
  evidence: TieEvidence[];
}

export interface TieEvidence extends Place {
  kind: 'stated' | 'compared' | 'mirrored';
  text: string;
}

/**
 * The bad state of a claim, from a closed list.
 * - `unserialisable`: the cells end in a state that no order of whole calls, one after the other, ends in.
 * - `false-alarm`: every sample that the second thread takes sees the pair inconsistent, while the pair ends consistent.
 */
export type Bad = { kind: 'unserialisable' } | { kind: 'false-alarm'; samples: [Event, Event][] };

/** The edits of a fix, from a closed list, weakest first. */
export type Edit = { kind: 'lock'; text: string } | { kind: 'one-word'; text: string };

/** "These threads can reach this bad state, and this edit prevents it." The engine lowers and decides it. */
export interface Claim {
  threads: ClaimThread[];
  /** Functions whose ends, each run alone, are the states that count as consistent. */
  settledBy: ClaimThread[];
  tie: Tie;
  bad: Bad;
  /** Tried in order; the claim stands only if one of them is decided Never. */
  edits: Edit[];
  assumes: string[];
}

/** What a rule says at a place. */
export interface Remark {
  message: string;
  detail?: string[];
  question?: string;
  dismissal?: string;
  said?: Said[];
  related?: Related[];
  /** Advice that no verdict decides. */
  advice?: string[];
  /** Lines to quote in the note; the place itself where absent. */
  quote?: Place[];
  /** Lower than the rule's own, never higher, unless the rule says so in its docs. */
  severity?: Severity;
  confidence?: Confidence;
  claim?: Claim;
  /** Findings of one rule in one patch with the same shape become one. Defaults to the rule itself. */
  shape?: string;
}

export type Report = (at: { event: Event; fn: CFunction } | { place: Place; fn: CFunction }, remark: Remark) => void;

/** A file as it stands after the series, whole or in pieces. */
export interface CodeFile {
  path: string;
  whole: boolean;
  isHeader: boolean;
  functions: CFunction[];
  comments: SourceComment[];
  /** Files it includes, as written between the brackets. */
  includes: string[];
  /** Index of the patch that added the file; null where it was there before. */
  addedBy: number | null;
}

/** All the code in view, over the whole series. */
export interface World {
  files: CodeFile[];
  functions: CFunction[];
  ties: Tie[];
  /** Paths of a file that include the header, as far as in view. */
  includers(path: string): string[];
  /** Functions in view that call the one named. */
  callers(name: string): { fn: CFunction; event: Event }[];
  /** What the author wrote that names the function or one of the words. */
  said(fn: CFunction, words: string[]): Said[];
}

/** A cell, or a pair that an invariant ties, with all that is done to it in view. */
export interface Subject {
  tie: Tie | null;
  key: string;
}

export interface Use {
  fn: CFunction;
  event: Event;
  /** For a pair: 0 or 1, which of the two cells. */
  side: 0 | 1;
}

export interface Rule {
  /** Names the fault. */
  id: string;
  title: string;
  why: string;
  severity: Severity;
  confidence: Confidence;
  /** Classes of fault that it speaks of. */
  finds: string[];
  references: string[];
  knownGaps: string[];
  /** Not reported unless asked for by name. */
  trial?: boolean;
  /** C text. Bad ones carry `want: rule-id "part of message"` in a comment on the line; good ones are near misses. */
  examples: { bad: string[]; good: string[] };
  checkFunction?(fn: CFunction, report: Report, world: World): void;
  checkCell?(subject: Subject, uses: Use[], report: Report, world: World): void;
  checkFile?(file: CodeFile, report: Report, world: World): void;
}
