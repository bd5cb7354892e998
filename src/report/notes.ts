/** Review notes as a maintainer would write them: the code quoted and trimmed, the execution, what would dismiss it, the question last. */
import type { Place } from '../model/code.ts';
import type { Finding, Said, Witness } from '../model/finding.ts';
import type { Review, SeriesReview } from '../model/review.ts';
import type { Hunk, Patch } from '../model/series.ts';
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
  const left = `  ${finding.function}(), ${safe(finding.path)}`;
  const right = `${finding.severity}: ${finding.rule} [${finding.fingerprint.slice(0, SHORT)}]`;
  const gap = WIDTH - left.length - right.length;
  return gap < 2 ? `${wrap(left, WIDTH, '  ')}\n  ${right}` : `${left}${' '.repeat(gap)}${right}`;
}

/**
 * Messages, details, dismissals and texts of fixes are printed as their rule writes them, capital included: whether the first word is English or a
 * name from the code only the rule can know.
 */
function note(finding: Finding, patch: Patch | null): string {
  const parts = [heading(finding), quote(finding, patch)];
  if (finding.status === 'raised') parts.push(wrap(`(${safe(finding.statusDetail ?? 'A reply')} has commented on this line already.)`));
  for (const said of finding.said) parts.push(wrap(introduce(said)));
  const witness = finding.witness;
  parts.push(wrap(safe(`${finding.message}${witness ? ':' : '.'}`)));
  if (witness) parts.push(execution(witness), wrap(assumptions(witness)));
  for (const detail of finding.detail) parts.push(wrap(safe(`${detail}.`)));
  const same = finding.related.filter(r => r.note.startsWith(SAME)).map(r => r.note.slice(SAME.length));
  if (same.length > 0) parts.push(wrap(safe(`The same holds in ${same.join(', ')}.`)));
  const fixes = cures(finding);
  if (fixes) parts.push(wrap(fixes));
  const last = [finding.dismissal ? `${finding.dismissal}.` : '', finding.question ?? ''].filter(Boolean);
  if (last.length > 0) parts.push(last.map(l => wrap(safe(l))).join('\n'));
  return `${parts.filter(Boolean).join('\n\n')}\n\n`;
}

/** How the note of a related place begins that has the same fault. */
const SAME = 'the same in ';

function introduce(said: Said): string {
  const text = safe(said.text.replace(/\s+/g, ' '));
  return `The ${safe(said.source)} says: "${text}"`;
}

/** The lines that the finding is about, as they stand in the patch, each statement whole, and `[...]` for what is left out between them. */
function quote(finding: Finding, patch: Patch | null): string {
  const paths = [...new Set([finding.path, ...finding.quote.map(p => p.path)])];
  return paths
    .flatMap(path =>
      quoteFile(
        finding.quote.filter(p => p.path === path),
        patch?.files.find(f => f.path === path)?.hunks ?? [],
      ),
    )
    .join('\n');
}

function quoteFile(places: Place[], hunks: Hunk[]): string[] {
  const lines = hunks.flatMap((hunk, h) => hunk.lines.map(line => ({ ...line, hunk: h })));
  const starts = places.map(p => lines.findIndex(l => (p.side === 'old' ? l.kind === 'remove' && l.oldLine === p.line : l.newLine === p.line)));
  const out: string[] = [];
  let last = -1;
  for (const start of [...new Set(starts)].sort((a, b) => a - b)) {
    const first = lines[start];
    if (!first || start <= last) continue;
    const skipped = last >= 0 && lines.slice(last + 1, start).some(l => (l.kind === 'remove') === (first.kind === 'remove') || l.kind === 'context');
    if (skipped) out.push('> [...]');
    for (let i = start; i < lines.length && i < start + LONGEST_STATEMENT; i++) {
      const line = lines[i];
      if (!line || line.hunk !== first.hunk) break;
      if ((line.kind === 'remove') !== (first.kind === 'remove')) continue;
      out.push(`> ${MARK[line.kind]}${safe(line.text, true)}`);
      last = i;
      if (/[;{}:]\s*(?:\/\*.*\*\/\s*)?$/.test(line.text) || /^\s*(?:\*|\/\*)/.test(line.text)) break;
    }
  }
  return out;
}

const MARK = { add: '+', remove: '-', context: ' ' } as const;

const LONGEST_STATEMENT = 4;

/** A column for each CPU, time running down. */
function execution(witness: Witness): string {
  const heads = witness.threads.map((t, i) => `CPU ${i}: ${safe(t.name)}`);
  const steps = (witness.steps ?? []).map(s => ({ thread: s.thread, text: safe(s.text) }));
  const widths = columnsFor(heads.map((head, i) => Math.max(head.length, ...steps.filter(s => s.thread === i).map(s => s.text.length))));
  const rows = (cells: string[]): string[] => {
    const broken = cells.map((cell, i) => inColumn(cell, widths[i] ?? 0));
    const height = Math.max(1, ...broken.map(lines => lines.length));
    return Array.from({ length: height }, (_, line) =>
      `  ${broken.map((lines, i) => (lines[line] ?? '').padEnd(i === broken.length - 1 ? 0 : (widths[i] ?? 0) + GAP)).join('')}`.trimEnd(),
    );
  };
  const lines = [...rows(heads), ...rows(heads.map((h, i) => '-'.repeat(Math.min(h.length, widths[i] ?? 0))))];
  for (const step of steps) lines.push(...rows(heads.map((_, i) => (i === step.thread ? step.text : ''))));
  lines.push(wrap(safe(witness.outcome), 76, '  '));
  return lines.join('\n');
}

/** Spaces between two columns. */
const GAP = 2;
/** What a column has at least, also where its line gets longer than a mail's should. */
const NARROWEST = 24;

/** Widths that fit a mail's line, where the texts can be broken so far: a short column keeps its width, and long ones share what is left. */
function columnsFor(natural: number[]): number[] {
  const room = 76 - GAP * (natural.length - 1);
  const widths = [...natural];
  const order = natural.map((_, i) => i).sort((a, b) => (natural[a] ?? 0) - (natural[b] ?? 0));
  let left = room;
  for (const [done, i] of order.entries()) {
    const share = Math.max(NARROWEST, Math.floor(left / (order.length - done)));
    widths[i] = Math.min(natural[i] ?? 0, share);
    left -= widths[i];
  }
  return widths;
}

/** A text in lines of a column, those behind the first set in. */
function inColumn(text: string, width: number): string[] {
  const [first = '', ...rest] = wrap(text, width).split('\n');
  return rest.length === 0 ? [first] : [first, ...wrap(rest.join(' '), width, '  ').split('\n')];
}

/** On which machines this can happen, what is reordered, and what is assumed. */
function assumptions(witness: Witness): string {
  const early = witness.reordering === '' ? '' : `: ${safe(witness.reordering)}`;
  const machine =
    witness.strength === 'sc'
      ? 'This can happen on x86 too; it needs no reordering.'
      : witness.strength === 'tso'
        ? `This can happen on x86 too${early}.`
        : `This can happen on arm64, POWER and RISC-V, not on x86${early}.`;
  return `${machine}${witness.assumes.length > 0 ? ` It assumes that ${witness.assumes.map(a => safe(a)).join(' and that ')}.` : ''}`;
}

/** What the checker has decided to rule the fault out, then what the rule advises. */
function cures(finding: Finding): string {
  const decided = finding.fix.filter(f => f.fixedVerdict === 'Never').map((f, i) => `${safe(f.text)} rules this out${i === 0 ? '' : ' too'}.`);
  const advice = finding.fix.filter(f => f.fixedVerdict === null).map(f => `${safe(f.text)}.`);
  return [...decided, ...advice].join(' ');
}
