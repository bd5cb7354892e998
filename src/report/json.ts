/** The review as JSON, by the contract `fencepost.review/1`. */
import type { Finding } from '../model/finding.ts';
import type { Review } from '../model/review.ts';
import type { Problem } from '../model/series.ts';

/** One document; keys stand in the order of the contract. */
export function reviewJson(review: Review): object {
  const problems: Problem[] = [...review.problems, ...review.thread.messages.flatMap(m => [...m.problems, ...(m.patch?.problems ?? [])])];
  return {
    schema: 'fencepost.review/1',
    input: review.input,
    reviews: review.reviews.map(r => ({
      series: r.series,
      coverage: r.coverage,
      findings: r.findings.map(findingJson),
      resolved: r.resolved.map(findingJson),
      held: r.held.map(h => ({ finding: findingJson(h.finding), reason: h.reason, detail: h.detail })),
      problems: r.problems,
    })),
    problems,
  };
}

function findingJson(f: Finding): object {
  const w = f.witness;
  return {
    rule: f.rule,
    severity: f.severity,
    confidence: f.confidence,
    message: f.message,
    detail: f.detail,
    ...(f.question === undefined ? {} : { question: f.question }),
    ...(f.dismissal === undefined ? {} : { dismissal: f.dismissal }),
    said: f.said,
    path: f.path,
    line: f.line,
    side: f.side,
    function: f.function,
    patch: f.patch,
    origin: f.origin,
    status: f.status,
    ...(f.statusDetail === undefined ? {} : { statusDetail: f.statusDetail }),
    ...(f.sincePrevious === undefined ? {} : { sincePrevious: f.sincePrevious }),
    related: f.related,
    fix: f.fix,
    references: f.references,
    fingerprint: f.fingerprint,
    ...(w === undefined
      ? {}
      : {
          witness: {
            kind: w.kind,
            verdict: w.verdict,
            fixedVerdict: w.fixedVerdict,
            reach: w.reach,
            strength: w.strength,
            assumes: w.assumes,
            threads: w.threads,
            steps: w.steps,
            outcome: w.outcome,
            reordering: w.reordering,
            litmus: w.litmus,
            fixedLitmus: w.fixedLitmus,
          },
        }),
  };
}
