/** What the tool knows: its rules, as a list and one by one. */
import { UNNAMED } from '../model/code.ts';
import type { Finding, LoweredStep } from '../model/finding.ts';
import type { Rule } from '../model/rule.ts';
import { safe } from './safe.ts';
import { wrap } from './wrap.ts';

export function rulesText(rules: readonly Rule[]): string {
  const width = Math.max(...rules.map(r => r.id.length));
  return rules
    .map(r => `${r.id.padEnd(width)}  ${r.severity.padEnd(7)}  ${r.title}${r.trial ? ' (on trial: shown only with --all or --rule)' : ''}\n`)
    .join('');
}

export function rulesJson(rules: readonly Rule[]): object[] {
  return rules.map(r => ({
    id: r.id,
    title: r.title,
    severity: r.severity,
    confidence: r.confidence,
    finds: r.finds,
    trial: r.trial ?? false,
    why: fold(r.why),
    references: r.references,
    knownGaps: r.knownGaps,
    examples: r.examples,
  }));
}

/** The rule's own documentation: why, what it cites, what it misses, and its examples, which are its tests. */
export function explainRule(rule: Rule): string {
  const code = (text: string) =>
    text
      .replace(/^\n/, '')
      .trimEnd()
      .split('\n')
      .map(l => (l === '' ? '' : `    ${l}`))
      .join('\n');
  return [
    `${rule.id}: ${rule.title}`,
    `Severity ${rule.severity}, confidence ${rule.confidence}.`,
    wrap(fold(rule.why)),
    `References:\n${rule.references.map(r => `  ${r}`).join('\n')}`,
    ...(rule.knownGaps.length > 0 ? [`Known gaps:\n${rule.knownGaps.map(g => wrap(g, 76, '  ')).join('\n')}`] : []),
    ...rule.examples.bad.map(e => `Reported:\n\n${code(e)}`),
    ...rule.examples.good.map(e => `Not reported:\n\n${code(e)}`),
  ]
    .join('\n\n')
    .concat('\n');
}

/**
 * How one finding was decided: its message, its threads as the checker ran them, the verdicts, both litmus tests. The place is the one that
 * `check` lists (`placeShown`); where the patch's own line has another number, that is added.
 */
export function explainFinding(finding: Finding, held: { reason: string; detail: string } | null, place: { path: string; line: number }): string {
  const { witness: w } = finding;
  const own = finding.line === place.line && finding.path === place.path ? '' : ` (line ${finding.line} in the patch)`;
  const at = finding.side === 'old' ? ` (line ${finding.line} before the patch, which removes it)` : own;
  const out = [
    `${finding.fingerprint}: ${finding.rule}, ${finding.severity}, confidence ${finding.confidence}`,
    `${safe(place.path)}:${place.line}${at}, ${finding.function === UNNAMED ? '' : `${finding.function}(), `}${finding.origin}`,
    wrap(safe(finding.message)),
  ];
  if (held) out.push(wrap(safe(`Held: ${held.reason}: ${held.detail}`)));
  if (finding.dismissal) out.push(wrap(safe(`${finding.dismissal}.`)));
  if (!w)
    out.push(
      wrap('Not decided by the memory model: the code alone shows the bug, or the model does not cover it. `fencepost explain RULE` says which.'),
    );
  else {
    const steps = (lowered: LoweredStep[]) =>
      w.threads
        .map((t, i) => {
          const lines = lowered
            .filter(s => s.thread === i)
            .map(
              s => `  ${s.line === null ? '     -' : String(s.line).padStart(6)}  ${safe(s.text)}${s.code === null ? '' : `    <- ${safe(s.code)}`}`,
            );
          return `CPU ${i}: ${safe(t.name)}\n${lines.join('\n')}`;
        })
        .join('\n');
    out.push(
      `What the checker ran, with the lines as the patch numbers them:\n\n${steps(w.lowered)}`,
      `Assumptions: ${w.assumes.length > 0 ? w.assumes.map(a => safe(a)).join('; ') : 'nothing'}.`,
      `The bad outcome: ${w.verdict} (${w.kind}, ${w.strength}); with the fix: ${w.fixedVerdict}. The intended outcome: ${w.reach}.`,
      `The same with the fix (${finding.fix.find(f => f.fixedVerdict === 'Never')?.text ?? 'an edit'}):\n\n${steps(w.fixedLowered)}`,
      `The bug as a litmus test:\n\n${w.litmus}`,
      `The fix as a litmus test:\n\n${w.fixedLitmus}`,
    );
  }
  return `${out.join('\n\n')}\n`;
}

function fold(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
