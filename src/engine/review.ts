/** Reviews a thread: code in view, rules over it, claims decided, findings sifted. */

import { rules as allRules } from '../../rules/index.ts';
import { isC, onlyC, type PatchSet, patchSetsOf } from '../analysis/view.ts';
import { parseCache } from '../analysis/world.ts';
import type { Grammar } from '../c/syntax/tree.ts';
import { type Image, imagesOf, type Tree } from '../c/text/images.ts';
import { outsideOf } from '../c/world/outside.ts';
import type { KernelTables } from '../model/contract.ts';
import type { Policy } from '../model/policy.ts';
import type { Review, SeriesReview } from '../model/review.ts';
import type { Rule } from '../model/rule.ts';
import type { Patch, Problem, Thread } from '../model/series.ts';
import type { UserFacts } from '../model/userfacts.ts';
import { changeOf, lookAtChange, type MakeWorld, touchedLines } from './changes.ts';
import { judgeOf, rulesFor } from './config.ts';
import { NO_FACTS } from './declared.ts';
import { knowledgeOf } from './knowledge.ts';
import { look, worldWith } from './look.ts';
import { compared } from './origin.ts';
import { attribute, settleFindings } from './sift.ts';
import { States } from './states.ts';
import { understood } from './understood.ts';
import { sincePrevious } from './versions.ts';

export interface ReviewOptions {
  grammar: Grammar;
  /** Only these rules. */
  rules?: readonly Rule[];
  /** Rules on trial are run too, and what they say is held. */
  holdTrials?: boolean;
  /** The kernel tree that the series is for. */
  tree?: Tree;
  /** What was read of a kernel, of functions and structures that are out of view. */
  tables?: KernelTables;
  /** What the user declares of the code under review. */
  facts?: UserFacts;
  /** What the user's configuration and baseline say of findings. */
  policy?: Policy;
  /** Called as the work proceeds, with words for what is next. */
  onStep?(step: string): void;
}

/** Reviews every series of the thread, of several versions of one the newest; patches outside a series are reviewed each by itself where the thread has no series. */
export function review(thread: Thread, options: ReviewOptions): Review {
  const sets = patchSetsOf(thread);
  const reviews = sets.flatMap((set, i) => {
    if (sets.length > 1) options.onStep?.(`series ${i + 1}/${sets.length}`);
    const versions = set.series.set === undefined ? [] : sets.filter(s => s.series.set === set.series.set);
    // Of one version sent twice the later one counts, where it is on the same files: two patches may have one title.
    const again = sets.slice(i + 1).some(s => versions.includes(s) && s.series.version === set.series.version && pathsOf(s) === pathsOf(set));
    if (again || versions.some(s => s.series.version > set.series.version)) return [];
    const now = reviewSeries(thread, set, options);
    const before = versions.filter(s => s.series.version < set.series.version).sort((a, b) => b.series.version - a.series.version)[0];
    return before?.series.complete && set.series.complete ? [sincePrevious(now, reviewSeries(thread, before, options))] : [now];
  });
  return { input: thread.input, thread, reviews, problems: thread.problems };
}

function pathsOf({ messages }: PatchSet): string {
  return messages.map(m => m?.patch?.files.map(f => f.path).join()).join(';');
}

/** Lines of earlier states that are looked at to tell what a later patch does away with; a series that rewrites a large file again and again has more. */
const MOST_EARLIER_LINES = 200_000;

/** For each patch whose files a later one changes again: those files, and the patch that does. */
function earlierStates(history: Map<string, Image[]>): { after: number; by: Map<string, number | null> }[] {
  const superseded = new Map<number, Map<string, number | null>>();
  let lines = 0;
  for (const states of history.values()) {
    for (const [i, image] of states.slice(0, -1).entries()) {
      lines += image.pieces.reduce((n, p) => n + p.lines.length, 0);
      if (lines > MOST_EARLIER_LINES) continue;
      const by = superseded.get(image.after) ?? new Map<string, number | null>();
      superseded.set(image.after, by.set(image.path, states[i + 1]?.after ?? null));
    }
  }
  return [...superseded].sort(([x], [y]) => x - y).map(([after, by]) => ({ after, by }));
}

function reviewSeries(thread: Thread, { series, messages }: PatchSet, options: ReviewOptions): SeriesReview {
  const patches = messages.map(m => m?.patch ?? null);
  const { history, problems: unmatched } = imagesOf(patches.map(onlyC), options.tree ?? null);
  const facts = options.facts ?? NO_FACTS;
  const { known, problems: unknown } = knowledgeOf(facts, options.tables ?? null);
  const cache = parseCache(options.grammar, known);
  const rules = options.rules ?? rulesFor(allRules, options.policy, options.holdTrials ?? false);
  const judge = options.policy ? judgeOf(options.policy) : undefined;
  const own = [...history.values()].flatMap(states => states.at(-1) ?? []);
  const outside = options.tree ? outsideOf(own, known, options.tree) : [];
  const last = patches.length - 1;
  const { world, problems: unread } = worldWith([...own, ...outside], patches, cache, facts);
  const worldFrom: MakeWorld = (images, side) => worldWith(images, patches, cache, facts, side).world;
  const { onStep } = options;
  const final = look(world, rules, null, onStep);
  const change = changeOf(patches.map(onlyC), history, world, outside, worldFrom, cache);
  const changed = change ? lookAtChange(change, rules) : { raised: [], problems: [] };
  const touched = change ? touchedLines(change) : new Map<string, number>();
  const removed = change?.lines ?? null;
  const context = {
    messages,
    patches,
    comments: thread.comments,
    facts,
    touched,
    removed,
    holdTrials: options.holdTrials ?? false,
    ...(judge ? { judge } : {}),
    ...(onStep ? { onStep } : {}),
  };
  const states = new States({ history, outside, last, final: world, change, world: worldFrom, rules }, context);
  const raised = attribute([...final.raised, ...changed.raised], context, last);
  const { final: found, repaired } = compared(raised, states, change, context, options.tree !== undefined);
  // A fault that an earlier state shows and the last does not was done away with by a later patch.
  const earlier = earlierStates(history).flatMap(({ after, by }) => {
    const then = states.world(after);
    const shown = then ? look(then, rules, new Set(by.keys())).raised.filter(r => r.addedBy === after) : [];
    return attribute(shown, context, after).map(finding => ({ finding, by: by.get(finding.raised.place.path) ?? null }));
  });
  const settled = settleFindings(found, earlier, context);
  const problems = [...unknown, ...unmatched, ...touchedFacts(patches), ...unread, ...final.problems, ...changed.problems, ...states.problems];
  const functions = world.functions.filter(f => !f.outside);
  return {
    series: series.id,
    title: series.title,
    version: series.version,
    coverage: {
      patches: patches.filter(p => p !== null).length,
      filesC: new Set(patches.flatMap(p => onlyC(p)?.files.map(f => f.path) ?? [])).size,
      filesSkipped: skipped(patches),
      ...understood(functions),
      claims: { decided: settled.decided, held: settled.held.length },
    },
    findings: settled.findings,
    resolved: [...settled.resolved, ...repaired.map(c => c.finding)],
    held: settled.held,
    problems,
    ...(judge ? { baseline: judge.use(functions, wholePaths(own)) } : {}),
  };
}

/** The files of which all is visible: what is not in them is not there. */
function wholePaths(images: Image[]): Set<string> {
  return new Set(images.filter(i => i.whole).map(i => i.path));
}

/** Facts and configuration at the top of a tree. */
const OWN_FILES = ['.fencepost.yaml', 'fencepost.yaml'];

/** A patch can't change what the review that it is under takes for granted. */
function touchedFacts(patches: (Patch | null)[]): Problem[] {
  return patches.flatMap((patch, i) =>
    (patch?.files ?? [])
      .filter(f => OWN_FILES.includes(f.path))
      .map(f => ({
        severity: 'odd' as const,
        where: f.path,
        message: `patch ${patch?.index ?? i + 1} changes the facts or the configuration of this tree; the series is reviewed with those from before it`,
      })),
  );
}

function skipped(patches: (Patch | null)[]): { path: string; why: string }[] {
  const found = new Map<string, string>();
  for (const file of patches.flatMap(p => p?.files ?? [])) {
    if (file.binary || !isC(file.path)) found.set(file.path, file.binary ? 'binary' : 'not C');
    else if (file.hunks.length === 0 && file.change !== 'delete') found.set(file.path, 'no line changed');
  }
  return [...found].map(([path, why]) => ({ path, why }));
}
