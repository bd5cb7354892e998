/** What became of the findings of a series' version before. */
import type { Finding } from '../model/finding.ts';
import type { SeriesReview } from '../model/review.ts';

/** The review with its findings marked against those of the version before, and those that are gone among the resolved. */
export function sincePrevious(now: SeriesReview, before: SeriesReview): SeriesReview {
  const then = before.findings;
  // Lines change between versions: where the text of a place does, rule, file and function still name it.
  const known = new Set(then.flatMap(f => [f.fingerprint, nameOf(f)]));
  const findings = now.findings.map((f): Finding => ({ ...f, sincePrevious: known.has(f.fingerprint) || known.has(nameOf(f)) ? 'open' : 'new' }));
  const standing = new Set([...now.findings, ...now.held.map(h => h.finding)].flatMap(f => [f.fingerprint, nameOf(f)]));
  const gone = then.filter(f => !standing.has(f.fingerprint) && !standing.has(nameOf(f))).map((f): Finding => ({ ...f, sincePrevious: 'resolved' }));
  const open = findings.filter(f => f.sincePrevious === 'open').length;
  return {
    ...now,
    findings,
    resolved: [...now.resolved, ...gone],
    since: { version: before.version, resolved: gone.length, open, new: findings.length - open },
  };
}

function nameOf(f: Finding): string {
  return `${f.rule}|${f.path}|${f.function}`;
}
