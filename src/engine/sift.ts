/** From what rules raised to findings: claims decided, duplicates joined, origin and status told, the rest held with a reason. */
import type { CFunction, Event, Place } from '../model/code.ts';
import type { Finding, Held, Severity } from '../model/finding.ts';
import type { Remark, Rule } from '../model/rule.ts';
import type { Comment, Message, Patch } from '../model/series.ts';
import type { UserFacts } from '../model/userfacts.ts';
import { dismissedBy } from './declared.ts';
import { fingerprint } from './fingerprint.ts';
import { decideClaim, REVIEW_BUDGET } from './witness.ts';

/** What a rule reported, as it came. */
export interface Raised {
  rule: Rule;
  fn: CFunction;
  place: Place;
  event: Event | null;
  addedBy: number | null;
  remark: Remark;
}

export interface SeriesContext {
  messages: (Message | undefined)[];
  patches: (Patch | null)[];
  comments: Comment[];
  facts: UserFacts;
  /** What rules on trial say is held. */
  holdTrials?: boolean;
  /** Checks that the claims of the review have left. */
  checks?: { left: number };
  /** Lines that were there before and that a patch touches by what it does beside them: `path:line`, and which patch. */
  touched: Map<string, number>;
}

/** A finding with what settles whether it is reported. */
interface Candidate {
  finding: Finding;
  /** Findings of one rule in one patch that are alike in this are one. */
  shape: string;
  /** The same without the patch: what the finding is about. */
  about: string;
  held: Pick<Held, 'reason' | 'detail'> | null;
  decided: boolean;
}

const RANK: Record<Severity, number> = { error: 0, warning: 1, note: 2 };

/** Decides the claims and says which patch brought what. */
export function attribute(raised: Raised[], context: SeriesContext): Candidate[] {
  const ordinals = new Map<string, number>();
  context.checks ??= { left: REVIEW_BUDGET };
  const budget = context.checks;
  return raised.map(r => {
    const { remark, rule } = r;
    // The patch that added the line the note quotes; where that line was there before, the last patch that added another part of the fault.
    const events = remark.claim?.threads.flatMap(t => t.events) ?? [];
    const brought = [r.addedBy, ...events.map(e => e.addedBy)].filter(p => p !== null);
    if (brought.length === 0)
      for (const at of [r.place, ...events]) {
        const touched = context.touched.get(`${at.path}:${at.line}`);
        if (touched !== undefined) brought.push(touched);
      }
    const by = r.addedBy ?? (brought.length > 0 ? Math.max(...brought) : null);
    const message = by === null ? undefined : context.messages[by];
    const text = (r.event?.text ?? r.fn.head).replace(/\s+/g, ' ').trim();
    const base = [rule.id, r.place.path, r.fn.name, text];
    const ordinal = ordinals.get(base.join()) ?? 0;
    ordinals.set(base.join(), ordinal + 1);
    const finding: Finding = {
      rule: rule.id,
      severity: remark.severity ?? rule.severity,
      confidence: remark.confidence ?? rule.confidence,
      message: remark.message,
      detail: remark.detail ?? [],
      ...(remark.question === undefined ? {} : { question: remark.question }),
      ...(remark.dismissal === undefined ? {} : { dismissal: remark.dismissal }),
      said: remark.said ?? [],
      ...r.place,
      function: r.fn.name,
      quote: (remark.quote ?? [r.place]).map(p => ({ path: p.path, line: p.line, side: p.side })),
      patch: { index: by === null ? -1 : (context.patches[by]?.index ?? by + 1), messageId: message?.messageId ?? '' },
      origin: by === null ? 'pre-existing' : r.addedBy === null ? 'touched' : 'introduced',
      status: 'open',
      related: remark.related ?? [],
      fix: (remark.advice ?? []).map(advice => ({ text: advice, edit: null, fixedVerdict: null })),
      references: rule.references,
      fingerprint: fingerprint([...base, String(ordinal)]),
    };
    const subject = remark.shape ?? remark.claim?.tie?.keys.join('&') ?? r.place.path;
    const shape = [rule.id, by, subject].join('|');
    const about = [rule.id, r.place.path, r.fn.name, subject].join('|');
    if (rule.trial && context.holdTrials) return { finding, shape, about, held: { reason: 'trial', detail: 'the rule is on trial' }, decided: false };
    if (!remark.claim) return { finding, shape, about, held: null, decided: false };
    const dismissed = dismissedBy(remark.claim, context.facts);
    if (dismissed) return { finding, shape, about, held: dismissed, decided: false };
    const decided = decideClaim(remark.claim, budget);
    if ('held' in decided && remark.claim.stands && !decided.refuted) return { finding, shape, about, held: null, decided: false };
    if ('held' in decided) return { finding, shape, about, held: { reason: decided.held, detail: decided.detail }, decided: decided.refuted };
    // Where the claim may stay undecided, the rule's advice says again what the edits are.
    const fix = remark.claim.stands ? decided.fixes : [...decided.fixes, ...finding.fix];
    return { finding: { ...finding, witness: decided.witness, fix }, shape, about, held: null, decided: true };
  });
}

export interface Settled {
  findings: Finding[];
  resolved: Finding[];
  held: Held[];
  /** Claims that the checker decided, either way. */
  decided: number;
}

export function settle(final: Candidate[], earlier: { finding: Candidate; by: number | null }[], context: SeriesContext): Settled {
  const kept: Candidate[] = [];
  const held: Held[] = [];
  for (const c of final) {
    const reason = c.held ?? below(c.finding);
    if (reason) held.push({ finding: c.finding, ...reason });
    else kept.push(brought(c, earlier));
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
    findings: joined(kept)
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
    .filter(e => !e.finding.held && e.finding.about === candidate.about && e.finding.finding.patch.index < finding.patch.index)
    .map(e => e.finding.finding)
    .sort((a, b) => a.patch.index - b.patch.index);
  if (!first || finding.origin === 'pre-existing') return candidate;
  const shape = candidate.shape.replace(/^([^|]*)\|[^|]*/, `$1|${first.patch.index}`);
  return { ...candidate, shape, finding: { ...finding, patch: first.patch, quote: first.quote, origin: first.origin } };
}

function below(finding: Finding): Pick<Held, 'reason' | 'detail'> | null {
  if (finding.origin === 'pre-existing') return { reason: 'pre-existing', detail: 'no line of it is the series’ own' };
  if (finding.confidence === 'low') return { reason: 'below-threshold', detail: 'confidence is low' };
  return null;
}

/** Findings of one rule in one patch with the same shape become one, the others its related places. */
function joined(candidates: Candidate[]): Finding[] {
  const first = new Map<string, Finding>();
  for (const { finding, shape } of candidates) {
    const known = first.get(shape);
    if (!known) {
      first.set(shape, { ...finding });
      continue;
    }
    const places = [known, ...known.related];
    if (places.some(p => p.path === finding.path && p.line === finding.line)) continue;
    known.related = [...known.related, { path: finding.path, line: finding.line, side: finding.side, note: `the same in ${finding.function}()` }];
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
