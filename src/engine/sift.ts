/** From what rules raised to findings: claims decided, duplicates joined, origin and status told, the rest held with a reason. */
import { heldOnEntry } from '../analysis/entry/callers.ts';
import type { Place } from '../model/code.ts';
import type { Finding, Held, Severity, Witness } from '../model/finding.ts';
import type { Comment, Message, Patch } from '../model/series.ts';
import type { UserFacts } from '../model/userfacts.ts';
import { earlierIds, type Judge } from './config.ts';
import { dismissedBy } from './declared.ts';
import { fingerprint, wordsOf } from './fingerprint.ts';
import { type LinesBefore, type Numbered, numberedBefore, numberedIn } from './numbering.ts';
import { quoteFor } from './quotes.ts';
import type { Raised } from './raised.ts';
import { superseded } from './supersede.ts';
import { describeUnnamed } from './unnamed.ts';
import { decideClaim, REVIEW_BUDGET } from './witness.ts';

export interface SeriesContext {
  messages: (Message | undefined)[];
  patches: (Patch | null)[];
  comments: Comment[];
  facts: UserFacts;
  /** What rules on trial say is held. */
  holdTrials?: boolean;
  /** Checks that the claims of the review have left. */
  checks?: { left: number };
  /** What became of the lines that were there before; null where there were none. */
  removed: LinesBefore | null;
  /** What the user's configuration and baseline decide. */
  judge?: Judge;
  /** Called as the work proceeds. */
  onStep?: (step: string) => void;
  /** Lines that were there before and that a patch touches by what it does beside them: `path:line`, and which patch. */
  touched: Map<string, number>;
}

/** A finding with what settles whether it is reported. */
export interface Candidate {
  raised: Raised;
  /** The last patch applied in the state that it was found in; -1 before the series. */
  state: number;
  /** The patch that it is told of, an index into the series; null where none has to do with it. */
  by: number | null;
  finding: Finding;
  /** Its fingerprints under earlier ids of its rule. */
  aliases: string[];
  /** Findings of one rule in one patch that are alike in this are one. */
  subject: string;
  /** What the finding is about, by rule, file, function and subject. */
  about: string;
  held: Pick<Held, 'reason' | 'detail'> | null;
  decided: boolean;
  /** The witness in the numbers of its state. */
  unplaced?: Witness;
}

const RANK: Record<Severity, number> = { error: 0, warning: 1, note: 2 };

/**
 * Decides the claims, and says by its lines which patch brought what; `state` is the last patch applied in the state that the rules looked at.
 * Places of the findings are numbered as their patch has them.
 */
export function attribute(raised: Raised[], context: SeriesContext, state: number): Candidate[] {
  const ordinals = new Map<string, number>();
  context.checks ??= { left: REVIEW_BUDGET };
  const budget = context.checks;
  return raised.map((r, i) => {
    const { remark, rule } = r;
    context.onStep?.(`claim ${i + 1}/${raised.length}, ${rule.id}`);
    const by = broughtBy(r, context);
    const base = [rule.id, r.place.path, r.fn.name, ...(r.event ? wordsOf(r.event) : [])];
    const ordinal = ordinals.get(base.join()) ?? 0;
    ordinals.set(base.join(), ordinal + 1);
    const subject = remark.shape ?? remark.claim?.tie?.keys.join('&') ?? r.place.path;
    const finding: Finding = {
      rule: rule.id,
      ...atMost(remark.severity ?? rule.severity, remark.confidence ?? rule.confidence, restsOnInferred(r)),
      message: describeUnnamed(remark.message),
      detail: (remark.detail ?? []).map(describeUnnamed),
      ...(remark.question === undefined ? {} : { question: describeUnnamed(remark.question) }),
      ...(remark.dismissal === undefined ? {} : { dismissal: describeUnnamed(remark.dismissal) }),
      said: remark.said ?? [],
      ...r.place,
      now: r.place.side === 'new' && state === context.patches.length - 1 ? { path: r.place.path, line: r.place.line } : null,
      function: r.fn.name,
      quote: [],
      patch: { index: -1, messageId: '' },
      origin: 'pre-existing',
      status: 'open',
      related: [],
      fix: (remark.advice ?? []).map(advice => ({ text: describeUnnamed(advice), edit: null, fixedVerdict: null })),
      references: rule.references,
      fingerprint: fingerprint([...base, String(ordinal)]),
    };
    const about = [rule.id, r.place.path, r.fn.name, subject].join('|');
    const aliases = earlierIds(rule.id).map(id => fingerprint([id, ...base.slice(1), String(ordinal)]));
    const candidate: Candidate = { raised: r, state, finding, aliases, by, subject, about, held: null, decided: false };
    return placed(verdictOf(candidate, context, budget), context);
  });
}

/** Does what the finding is about have its type from nothing but the members that are used? */
function restsOnInferred({ event, remark }: Raised): boolean {
  return event?.cell?.inferred === true || (remark.claim?.threads.some(t => t.events.some(e => e.cell?.inferred)) ?? false);
}

/** What is inferred carries no error by itself. */
function atMost(severity: Severity, confidence: Finding['confidence'], inferred: boolean): Pick<Finding, 'severity' | 'confidence'> {
  if (!inferred) return { severity, confidence };
  return { severity: severity === 'error' ? 'warning' : severity, confidence: confidence === 'high' ? 'medium' : confidence };
}

/** The candidate with its claim decided. */
function verdictOf(candidate: Candidate, context: SeriesContext, budget: { left: number }): Candidate {
  const { finding, raised } = candidate;
  const { claim } = raised.remark;
  if (raised.rule.trial && context.holdTrials) return { ...candidate, held: { reason: 'trial', detail: 'the rule is on trial' } };
  if (!claim) return candidate;
  const dismissed = dismissedBy(claim, context.facts);
  if (dismissed) return { ...candidate, held: dismissed };
  const { world } = raised;
  const decided = world ? decideClaim(claim, budget, fn => heldOnEntry(fn, world)) : decideClaim(claim, budget);
  if ('held' in decided && claim.stands && !decided.refuted) return candidate;
  if ('held' in decided) return { ...candidate, held: { reason: decided.held, detail: decided.detail }, decided: decided.refuted };
  // Where the claim may stay undecided, the rule's advice says again what the edits are.
  const fix = claim.stands ? decided.fixes : [...decided.fixes, ...finding.fix];
  return { ...candidate, finding: { ...finding, witness: decided.witness, fix }, decided: true };
}

/** The patch that added the line that the note quotes; where that line was there before, the last patch that added or touches another part of the fault. */
function broughtBy(r: Raised, context: SeriesContext): number | null {
  if (r.addedBy !== null) return r.addedBy;
  const events = r.remark.claim?.threads.flatMap(t => t.events) ?? [];
  const brought = events.flatMap(e => e.addedBy ?? []);
  if (brought.length === 0)
    for (const at of [r.place, ...events]) {
      const touched = at.side === 'new' ? context.touched.get(`${at.path}:${at.line}`) : undefined;
      if (touched !== undefined) brought.push(touched);
    }
  return brought.length > 0 ? Math.max(...brought) : null;
}

/** The candidate as its patch `by` shows it: whose it is, and every place in that patch's numbers. */
export function placed(candidate: Candidate, context: SeriesContext): Candidate {
  const { raised, state, by, finding } = candidate;
  const { patches, removed } = context;
  const whose = by ?? state;
  const inPatch = (place: Place): Numbered =>
    place.side === 'old' && removed ? numberedBefore(patches, removed, place, whose) : numberedIn(patches, place, state, whose);
  const at = (place: Place): Place => {
    const { path, line, side } = inPatch(place);
    return { path, line, side };
  };
  const { remark } = raised;
  const threads = remark.claim?.threads ?? [];
  const step = <T extends { thread: number; path: string | null; line: number | null }>(s: T): T => {
    if (s.path === null || s.line === null) return s;
    const { path, line } = at({ path: s.path, line: s.line, side: threads[s.thread]?.fn.side ?? 'new' });
    return { ...s, path, line };
  };
  // What the checker made stands in the numbers of the state; what was placed once is placed anew from there.
  const witness = candidate.unplaced ?? finding.witness;
  return {
    ...candidate,
    ...(witness ? { unplaced: witness } : {}),
    finding: {
      ...finding,
      ...at(raised.place),
      quote: quoteFor(raised, inPatch, by === null ? null : (patches[by] ?? null), by),
      patch: {
        index: by === null ? -1 : (patches[by]?.index ?? by + 1),
        messageId: (by === null ? undefined : context.messages[by])?.messageId ?? '',
      },
      origin: by === null ? 'pre-existing' : 'introduced',
      related: (remark.related ?? []).map(r => ({ ...at(r), note: r.note })),
      ...(witness
        ? {
            witness: {
              ...witness,
              steps: witness.steps?.map(step) ?? null,
              lowered: witness.lowered.map(step),
              fixedLowered: witness.fixedLowered.map(step),
            },
          }
        : {}),
    },
  };
}

export interface Settled {
  findings: Finding[];
  resolved: Finding[];
  held: Held[];
  /** Claims that the checker decided, either way. */
  decided: number;
}

export function settleFindings(final: Candidate[], earlier: { finding: Candidate; by: number | null }[], context: SeriesContext): Settled {
  const kept: Candidate[] = [];
  const held: Held[] = [];
  for (const c of final) {
    const reason = c.held ?? below(c.finding);
    // Also of what is held: an entry of the baseline that names it is no unused one.
    const judged = context.judge?.judge(c.finding, c.aliases) ?? { finding: c.finding };
    if (reason) held.push({ finding: c.finding, ...reason });
    else if ('held' in judged) held.push({ finding: c.finding, ...judged.held });
    else kept.push(brought({ ...c, finding: judged.finding }, earlier));
  }
  const still = new Set(final.filter(c => !c.held).map(c => `${c.finding.rule}|${c.finding.path}|${c.finding.function}`));
  const resolved = earlier
    .filter(
      e =>
        !e.finding.held &&
        !below(e.finding.finding) &&
        !still.has(`${e.finding.finding.rule}|${e.finding.finding.path}|${e.finding.finding.function}`),
    )
    .map(e => ({ ...e.finding.finding, status: 'fixed-later' as const, statusDetail: e.by === null ? '' : (context.patches[e.by]?.title ?? '') }));
  return {
    findings: superseded(joined(kept))
      .map(f => raisedBy(f, context.comments))
      .sort(byPatch),
    resolved: unique(resolved).sort(byPatch),
    held: held.sort((a, b) => byPatch(a.finding, b.finding)),
    decided: final.filter(c => c.decided).length,
  };
}

/** A fault that stood there before a later patch touched its lines is that of the patch that brought it, and told in its words. */
function brought(candidate: Candidate, earlier: { finding: Candidate }[]): Candidate {
  const { finding } = candidate;
  const [first] = earlier
    .map(e => e.finding)
    .filter(e => !e.held && e.about === candidate.about && e.finding.patch.index < finding.patch.index)
    .sort((a, b) => a.finding.patch.index - b.finding.patch.index);
  if (!first || finding.origin === 'pre-existing') return candidate;
  return {
    ...candidate,
    by: first.by,
    finding: { ...finding, ...placeOf(first.finding), patch: first.finding.patch, quote: first.finding.quote, origin: first.finding.origin },
  };
}

function placeOf({ path, line, side }: Place): Place {
  return { path, line, side };
}

function below(finding: Finding): Pick<Held, 'reason' | 'detail'> | null {
  if (finding.origin === 'pre-existing') return { reason: 'pre-existing', detail: 'it is there before the series as well' };
  if (finding.confidence === 'low') return { reason: 'below-threshold', detail: 'confidence is low' };
  return null;
}

/** Findings of one rule in one patch with the same shape become one, the others its related places. */
function joined(candidates: Candidate[]): Finding[] {
  const first = new Map<string, Finding>();
  for (const { finding, subject, by } of candidates) {
    const shape = [finding.rule, by, subject].join('|');
    const known = first.get(shape);
    if (!known) {
      first.set(shape, { ...finding });
      continue;
    }
    const places = [known, ...known.related];
    if (places.some(p => p.path === finding.path && p.line === finding.line)) continue;
    known.related = [
      ...known.related,
      {
        path: finding.path,
        line: finding.line,
        side: finding.side,
        note: finding.function === known.function ? `also: ${finding.message}` : `the same in ${finding.function}()`,
      },
    ];
    if (RANK[finding.severity] < RANK[known.severity]) known.severity = finding.severity;
  }
  return [...first.values()];
}

/** A reply has quoted the line and written under it: marked, never hidden. */
function raisedBy(finding: Finding, comments: Comment[]): Finding {
  const places = [finding, ...finding.quote];
  const comment = comments.find(c => c.patch === finding.patch.messageId && places.some(p => p.path === c.path && p.line === c.line));
  return comment ? { ...finding, status: 'raised', statusDetail: comment.from?.name || comment.from?.address || 'a reply' } : finding;
}

function unique(findings: Finding[]): Finding[] {
  return [...new Map(findings.map(f => [f.fingerprint, f])).values()];
}

function byPatch(a: Finding, b: Finding): number {
  return (
    a.patch.index - b.patch.index ||
    RANK[a.severity] - RANK[b.severity] ||
    (a.path < b.path ? -1 : a.path > b.path ? 1 : 0) ||
    a.line - b.line ||
    (a.rule < b.rule ? -1 : 1)
  );
}
