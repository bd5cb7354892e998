/** What the tool knows: its rules, as a list and one by one. */
import type { Rule } from '../model/rule.ts';
import { wrap } from './wrap.ts';

export function rulesText(rules: readonly Rule[]): string {
  const width = Math.max(...rules.map(r => r.id.length));
  return rules
    .map(r => `${r.id.padEnd(width)}  ${r.severity.padEnd(7)}  ${r.title}${r.trial ? ' (on trial: runs only when named by --rule)' : ''}\n`)
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
    ...rule.examples.bad.map(e => `It speaks on:\n\n${code(e)}`),
    ...rule.examples.good.map(e => `It is silent on:\n\n${code(e)}`),
  ]
    .join('\n\n')
    .concat('\n');
}

function fold(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
