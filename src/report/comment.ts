/** What is said of one finding, without heading and quotes: notes, reply drafts and the review files for b4 have it alike. */
import type { Place } from '../model/code.ts';
import type { Finding, Said, Witness } from '../model/finding.ts';
import type { Hunk, HunkLine } from '../model/series.ts';
import { safe } from './safe.ts';
import { wrap } from './wrap.ts';

/** How a comment is laid out. */
export interface CommentLayout {
  /** Columns of a line of prose. */
  width: number;
  /** Columns of an execution; where `strict`, one that is wider is written step by step instead. */
  columns: number;
  strict: boolean;
}

/** As wide as a reply on the list should be. */
export const REPLY: CommentLayout = { width: 72, columns: 72, strict: true };

/**
 * The paragraphs of a comment on a finding, in order; the question is the last. Sentences are printed as their rule writes them, capital
 * included: whether the first word is English or a name from the code only the rule can know. `said` is what is quoted in prose of the author's words.
 */
export function paragraphs(finding: Finding, layout: CommentLayout, said: readonly Said[] = finding.said): string[] {
  const { width } = layout;
  const prose = (text: string) => wrap(safe(text), width);
  const parts: string[] = said.map(one => wrap(introduce(one), width));
  const { witness } = finding;
  parts.push(prose(`${finding.message}${witness ? ':' : '.'}`));
  if (witness) parts.push(execution(witness, layout), wrap(assumptions(witness), width));
  for (const detail of finding.detail) parts.push(prose(`${detail}.`));
  const same = finding.related.filter(r => r.note.startsWith(SAME)).map(r => r.note.slice(SAME.length));
  if (same.length > 0) parts.push(prose(`The same holds in ${same.join(', ')}.`));
  const fixes = cures(finding);
  if (fixes) parts.push(wrap(fixes, width));
  const last = [finding.dismissal ? `${finding.dismissal}.` : '', finding.question ?? ''].filter(Boolean);
  if (last.length > 0) parts.push(last.map(prose).join('\n'));
  return parts.filter(Boolean);
}

/** The same as lines, none of which looks like a quoted one, or like what git and b4 cut from a text that a person has edited. */
export function commentLines(finding: Finding, layout: CommentLayout, said?: readonly Said[]): string[] {
  const lines = paragraphs(finding, layout, said).join('\n\n').split('\n');
  return lines.map(line => (/^[>|#]/.test(line) ? ` ${line}` : line));
}

/** A line that a patch shows, and the hunk of its file that it stands in. */
export interface ShownLine extends HunkLine {
  hunk: number;
}

export function shownLines(hunks: readonly Hunk[]): ShownLine[] {
  return hunks.flatMap((hunk, h) => hunk.lines.map(line => ({ ...line, hunk: h })));
}

/**
 * The statements that stand at the places of one file, each whole, as indices of its lines and in their order. A statement ends with `;`,
 * a brace or a colon, and after a few lines at the latest.
 */
export function statementsAt(places: readonly Place[], lines: readonly ShownLine[]): number[][] {
  const starts = places.map(p => lines.findIndex(l => (p.side === 'old' ? l.kind === 'remove' && l.oldLine === p.line : l.newLine === p.line)));
  const out: number[][] = [];
  let last = -1;
  for (const start of [...new Set(starts)].sort((a, b) => a - b)) {
    const first = lines[start];
    if (!first || start <= last) continue;
    const statement: number[] = [];
    for (let i = start; i < lines.length && i < start + LONGEST_STATEMENT; i++) {
      const line = lines[i];
      if (!line || line.hunk !== first.hunk) break;
      if ((line.kind === 'remove') !== (first.kind === 'remove')) continue;
      statement.push(i);
      last = i;
      if (/[;{}:]\s*(?:\/\*.*\*\/\s*)?$/.test(line.text) || /^\s*(?:\*|\/\*)/.test(line.text)) break;
    }
    out.push(statement);
  }
  return out;
}

const LONGEST_STATEMENT = 4;

/** Is something left out between two quoted lines? Lines of the other side of the diff are not missed. */
export function isCut(lines: readonly ShownLine[], last: number, next: number): boolean {
  const first = lines[next];
  return lines.slice(last + 1, next).some(l => (l.kind === 'remove') === (first?.kind === 'remove') || l.kind === 'context');
}

/** A line as a reply quotes it. */
export function quoted(line: ShownLine): string {
  return `> ${MARK[line.kind]}${safe(line.text, true)}`;
}

export const CUT_MARK = '> [...]';

const MARK = { add: '+', remove: '-', context: ' ' } as const;

/** How the note of a related place begins that has the same fault. */
const SAME = 'the same in ';

function introduce(said: Said): string {
  const text = safe(said.text.replace(/\s+/g, ' '));
  return `The ${safe(said.source)} says: "${text}"`;
}

/** A column for each CPU, time running down; a list of steps where the columns get too wide. */
function execution(witness: Witness, layout: CommentLayout): string {
  const heads = witness.threads.map((t, i) => `CPU ${i}: ${safe(t.name)}`);
  const steps = (witness.steps ?? []).map(s => ({ thread: s.thread, text: safe(s.text) }));
  const widths = columnsFor(
    heads.map((head, i) => Math.max(head.length, ...steps.filter(s => s.thread === i).map(s => s.text.length))),
    layout,
  );
  const rows = (cells: string[]): string[] => {
    const broken = cells.map((cell, i) => inColumn(cell, widths[i] ?? 0));
    const height = Math.max(1, ...broken.map(lines => lines.length));
    return Array.from({ length: height }, (_, line) =>
      `  ${broken.map((lines, i) => (lines[line] ?? '').padEnd(i === broken.length - 1 ? 0 : (widths[i] ?? 0) + GAP)).join('')}`.trimEnd(),
    );
  };
  const lines = [...rows(heads), ...rows(heads.map((h, i) => '-'.repeat(Math.min(h.length, widths[i] ?? 0))))];
  for (const step of steps) lines.push(...rows(heads.map((_, i) => (i === step.thread ? step.text : ''))));
  const outcome = wrap(safe(witness.outcome), layout.width, '  ');
  if (layout.strict && lines.some(line => line.length > layout.columns)) return [...inTurn(heads, steps, layout.width), outcome].join('\n');
  return [...lines, outcome].join('\n');
}

/** The same as a list: the CPUs, then each step after the number of its CPU. */
function inTurn(heads: string[], steps: { thread: number; text: string }[], width: number): string[] {
  const margin = ' '.repeat('  CPU 0  '.length);
  const step = ({ thread, text }: { thread: number; text: string }) => `  CPU ${thread}  ${wrap(text, width, margin).trimStart()}`;
  return [...heads.map(head => wrap(head, width, '  ')), '', ...steps.map(step)];
}

/** Spaces between two columns. */
const GAP = 2;
/** What a column has at least, also where its line gets longer than a mail's should. */
const NARROWEST = 24;

/** Widths that fit a line, where the texts can be broken so far: a short column keeps its width, and long ones share what is left. */
function columnsFor(natural: number[], { columns, strict }: CommentLayout): number[] {
  const room = columns - GAP * natural.length;
  const narrowest = strict ? Math.min(NARROWEST, Math.floor(room / natural.length)) : NARROWEST;
  const widths = [...natural];
  const order = natural.map((_, i) => i).sort((a, b) => (natural[a] ?? 0) - (natural[b] ?? 0));
  let left = room;
  for (const [done, i] of order.entries()) {
    const share = Math.max(narrowest, Math.floor(left / (order.length - done)));
    widths[i] = Math.min(natural[i] ?? 0, share);
    left -= widths[i];
  }
  return widths;
}

/** A text in lines of a column, indented after the first. */
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
