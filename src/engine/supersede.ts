/** A finding on what goes, where another rule says of the same code what comes of it. */
import type { Place } from '../model/code.ts';
import type { Finding, Severity } from '../model/finding.ts';

const RANK: Record<Severity, number> = { error: 0, warning: 1, note: 2 };

/**
 * A finding on a removed line gives way to one of another rule, of the same patch and no less severe, that stands on a line which the first quotes
 * as staying, or that names the removed line itself. The removed line is a related place of what is shown in its stead.
 */
export function superseded(findings: readonly Finding[]): Finding[] {
  const gone = new Map<Finding, Finding>();
  for (const finding of findings) {
    const stronger = finding.side === 'old' ? findings.find(other => supersedes(other, finding)) : undefined;
    if (stronger) gone.set(finding, stronger);
  }
  return findings
    .filter(f => !gone.has(f))
    .map(f => {
      const removed = [...gone].filter(([weaker, stronger]) => stronger === f && !places(f).some(p => same(p, weaker))).map(([weaker]) => weaker);
      return removed.length === 0
        ? f
        : { ...f, related: [...f.related, ...removed.map(({ path, line, side }) => ({ path, line, side, note: 'removed here' }))] };
    });
}

function supersedes(other: Finding, finding: Finding): boolean {
  if (other.rule === finding.rule || other.patch.index !== finding.patch.index || other.path !== finding.path || other.function !== finding.function)
    return false;
  if (RANK[other.severity] > RANK[finding.severity] || other.side === 'old') return false;
  const stays = finding.quote.filter(p => p.side === 'new');
  return places(other).some(p => same(p, finding)) || stays.some(p => same(p, other) || other.quote.some(q => same(p, q)));
}

function places(finding: Finding): Place[] {
  return [finding, ...finding.quote, ...finding.related];
}

function same(a: Place, b: Place): boolean {
  return a.path === b.path && a.line === b.line && a.side === b.side;
}
