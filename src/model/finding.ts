/** What is reported. The shapes of the published JSON follow these types. */
import type { Place } from './code.ts';

export type Severity = 'error' | 'warning' | 'note';
export type Confidence = 'high' | 'medium' | 'low';

export interface Related extends Place {
  note: string;
}

/** What the author wrote about the matter: `source` is `log`, `kernel-doc of NAME` or `comment in NAME`. */
export interface Said {
  source: string;
  text: string;
}

/** A change that would cure the fault, and what the checker says of the threads with it. */
export interface Fix {
  text: string;
  /** The edit, from the closed list; null where the fix is advice that the model does not decide. */
  edit: string | null;
  fixedVerdict: Verdict | null;
}

export type Verdict = 'Never' | 'Sometimes' | 'Always' | 'DEADLOCK' | 'unsupported';

/** One step of the execution that a witness shows: what an access found or left, in words. */
export interface ShownStep {
  /** Index into `threads`. */
  thread: number;
  text: string;
  path: string;
  line: number;
}

/** One step of a thread as it was lowered, and the line that it comes from; null where no line says it. */
export interface LoweredStep {
  thread: number;
  text: string;
  code: string | null;
  path: string | null;
  line: number | null;
}

/** A claim as decided: the execution, the verdicts, and what they rest on. */
export interface Witness {
  kind: 'state' | 'race';
  verdict: Verdict;
  fixedVerdict: Verdict;
  reach: Verdict;
  strength: 'sc' | 'tso' | 'weak';
  assumes: string[];
  /** The function is null of a CPU that is assumed. */
  threads: { name: string; function: string | null }[];
  steps: ShownStep[] | null;
  /** The cells at the end, as one line for people. */
  outcome: string;
  reordering: string;
  litmus: string;
  fixedLitmus: string;
  /** The threads as lowered, for the bug and for the fix that was decided Never. */
  lowered: LoweredStep[];
  fixedLowered: LoweredStep[];
}

/** `repaired`: there before the series and not after it. */
export type Status = 'open' | 'fixed-later' | 'repaired' | 'raised' | 'answered';

/** Places are numbered as the finding's patch leaves the file, removed lines as it found them; a line that a later patch adds, as that one numbers it. */
export interface Finding extends Place {
  rule: string;
  severity: Severity;
  confidence: Confidence;
  message: string;
  /** Sentences under the message: numbers, evidence, an answer to what the author wrote. */
  detail: string[];
  question?: string;
  dismissal?: string;
  said: Said[];
  /** Where the line stands after the whole series: what an editor shows once the series is applied. Null of removed lines. */
  now: { path: string; line: number } | null;
  function: string;
  /** Lines of the finding's patch that the note quotes. */
  quote: Place[];
  patch: { index: number; messageId: string };
  origin: 'introduced' | 'touched' | 'pre-existing';
  status: Status;
  /** Under fixed-later and repaired the title of the patch that does; under raised the name of who did. */
  statusDetail?: string;
  /** Against the version of the series before this one, where the input holds it. */
  sincePrevious?: 'new' | 'open' | 'resolved';
  related: Related[];
  fix: Fix[];
  references: string[];
  fingerprint: string;
  witness?: Witness;
}

export type HeldReason =
  | 'below-threshold'
  | 'not-decided'
  | 'opaque-in-between'
  | 'private-object'
  | 'lock-held'
  | 'dismissed-by-fact'
  | 'baseline'
  | 'too-large'
  | 'pre-existing'
  | 'trial';

/** A finding kept back, and why. Nothing is dropped. */
export interface Held {
  finding: Finding;
  reason: HeldReason;
  detail: string;
}
