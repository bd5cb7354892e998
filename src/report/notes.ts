/** Review notes as a maintainer would write them: the code quoted and trimmed, the execution, what would dismiss it, the question last. */
import { UNNAMED } from '../model/code.ts';
import type { Finding } from '../model/finding.ts';
import type { Review, SeriesReview } from '../model/review.ts';
import type { Patch } from '../model/series.ts';
import { type CommentLayout, CUT_MARK, isCut, paragraphs, quoted, shownLines, statementsAt } from './comment.ts';
import { sinceLine } from './coverage.ts';
import { safe } from './safe.ts';
import { wrap } from './wrap.ts';

/** The notes of one input; empty where there is nothing to say. */
export function notes(review: Review): string {
  return review.reviews.map(r => seriesNotes(r, review)).join('');
}

function seriesNotes(series: SeriesReview, review: Review): string {
  const out: string[] = [];
  let patch = '';
  for (const finding of series.findings) {
    if (finding.patch.messageId !== patch) {
      patch = finding.patch.messageId;
      const message = review.thread.messages.find(m => m.messageId === patch);
      out.push(`${safe(message?.subject ?? series.title)}\n`);
    }
    out.push(note(finding, patchOf(review, finding)));
  }
  if (out.length > 0 && series.since) out.unshift(`${sinceLine(series.since)}\n\n`);
  return out.join('');
}

function patchOf(review: Review, finding: Finding): Patch | null {
  return review.thread.messages.find(m => m.messageId === finding.patch.messageId)?.patch ?? null;
}

/** Columns that a heading may take; a longer one is broken before the severity. */
const WIDTH = 80;
/** Digits of the fingerprint that a heading shows: `explain` takes a fingerprint cut short. */
const SHORT = 8;

/** Function and path on the left, severity, rule and fingerprint on the right; two lines where one is too short. */
function heading(finding: Finding): string {
  const left = finding.function === UNNAMED ? `  ${safe(finding.path)}` : `  ${finding.function}(), ${safe(finding.path)}`;
  const right = `${finding.severity}: ${finding.rule} [${finding.fingerprint.slice(0, SHORT)}]`;
  const gap = WIDTH - left.length - right.length;
  return gap < 2 ? `${wrap(left, WIDTH, '  ')}\n  ${right}` : `${left}${' '.repeat(gap)}${right}`;
}

const LAYOUT: CommentLayout = { width: 76, columns: 78, strict: false };

function note(finding: Finding, patch: Patch | null): string {
  const parts = [heading(finding), quote(finding, patch)];
  if (finding.status === 'raised') parts.push(wrap(`(${safe(finding.statusDetail ?? 'A reply')} has commented on this line already.)`));
  return `${[...parts, ...paragraphs(finding, LAYOUT)].filter(Boolean).join('\n\n')}\n\n`;
}

/** The lines that the finding is about, as they stand in the patch, each statement whole, and `[...]` for what is left out between them. */
function quote(finding: Finding, patch: Patch | null): string {
  const paths = [...new Set([finding.path, ...finding.quote.map(p => p.path)])];
  return paths
    .flatMap(path => {
      const lines = shownLines(patch?.files.find(f => f.path === path)?.hunks ?? []);
      const statements = statementsAt(
        finding.quote.filter(p => p.path === path),
        lines,
      );
      return statements.flatMap((statement, i) => {
        const last = statements[i - 1]?.at(-1);
        const cut = last !== undefined && isCut(lines, last, statement[0] ?? 0);
        return [...(cut ? [CUT_MARK] : []), ...statement.flatMap(at => (lines[at] ? [quoted(lines[at])] : []))];
      });
    })
    .join('\n');
}
