import { readFileSync } from 'node:fs';
import {
  type BaselineUse,
  type Finding,
  type Grammar,
  heldLines,
  jsonText,
  lines,
  notes,
  type Policy,
  type Review,
  reviewJson,
  rules,
  type Severity,
  safe,
  scan,
  type Tree,
  type UserFacts,
} from '../index.ts';
import { colored } from './color.ts';
import type { Format } from './gate.ts';
import { reasonOf } from './reason.ts';
import { tables } from './tables.ts';
import { openTree } from './tree.ts';

/** What a scan does with every file. Plain data: it is sent to other threads. */
export interface ScanOptions {
  format: Format;
  /** Only these; all but the ones on trial where none is named. */
  rules: string[];
  all: boolean;
  tree: string | null;
  facts: UserFacts;
  policy: Policy | null;
  color: boolean;
}

/** A file to scan: where it is, and what it is called in findings. */
export interface Job {
  file: string;
  path: string;
}

/** What is written of a file, and what is counted; or why it was not read. */
export type Reported =
  | {
      out: string;
      err: string;
      functions: number;
      events: number;
      held: number;
      found: { rule: string; severity: Severity }[];
      baseline?: BaselineUse;
      collected?: Collected[];
    }
  | { error: string };

/** A finding for a baseline, and the reason that one has given. */
export interface Collected {
  finding: Finding;
  reason: string;
}

/** What a review under a policy that collects has held. */
export function collectedOf({ reviews }: Review): Collected[] {
  return reviews.flatMap(r => r.held.flatMap(h => (h.reason === 'baseline' ? [{ finding: h.finding, reason: h.detail }] : [])));
}

/** Gives the function that scans one file after the other. */
export function scanner(options: ScanOptions, grammar: Grammar): (job: Job) => Reported {
  const chosen = options.rules.length > 0 ? { rules: rules.filter(r => options.rules.includes(r.id)) } : { holdTrials: options.all };
  const tree: Tree | null = options.tree === null ? null : openTree(options.tree);
  return job => {
    try {
      const text = readFileSync(job.file, 'utf8');
      const review = scan(job.path, text, {
        grammar,
        ...chosen,
        tables: tables(null),
        facts: options.facts,
        ...(tree ? { tree } : {}),
        ...(options.policy ? { policy: options.policy } : {}),
      });
      const [of] = review.reviews;
      const problems = of?.problems.map(p => `fencepost: ${safe(`${p.where}: ${p.message}`)}\n`) ?? [];
      const held = options.all && options.format !== 'json' ? heldLines(review) : '';
      const written = options.format === 'json' ? `${jsonText(reviewJson(review))}\n` : options.format === 'notes' ? notes(review) : lines(review);
      return {
        out: options.color && options.format !== 'json' ? colored(written) : written,
        err: problems.join('') + held,
        functions: (of?.coverage.functions.whole ?? 0) + (of?.coverage.functions.partial ?? 0),
        events: of?.coverage.events ?? 0,
        held: of?.held.length ?? 0,
        found: of?.findings.map(({ rule, severity }) => ({ rule, severity })) ?? [],
        ...(of?.baseline ? { baseline: of.baseline } : {}),
        ...(options.policy?.collects ? { collected: collectedOf(review) } : {}),
      };
    } catch (error) {
      return { error: reasonOf(error) };
    }
  };
}
