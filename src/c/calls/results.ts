/** What a call returns, as far as the text of its callee's exits tells, and what a test of it decides. */
import type { Decision, FlowNode } from '../../model/code.ts';

/** The sign of a returned constant; null where it is none. */
export type ReturnedSign = 'zero' | 'negative' | 'positive' | null;

/** The sign of a constant as written; null where the text is no constant. */
export function signOf(returned: string | undefined): ReturnedSign {
  const text = returned?.replace(/^\((.*)\)$/, '$1').trim() ?? '';
  if (/^(?:0|NULL|false)$/.test(text)) return 'zero';
  if (/^(?:true|[1-9]\d*)$/.test(text)) return 'positive';
  return /^-\s*(?:E[A-Z0-9]+|[1-9]\d*)$/.test(text) ? 'negative' : null;
}

/** Is what is returned the very value of its source, and not made of it? */
export function isSource(returned: string | undefined): boolean {
  return returned !== undefined && /^[\w\s(]/.test(returned) && !/[!~?%^]|[=<>]=|&&|\|\||\s[-+*/&|<>]\s/.test(returned);
}

/** What a test of a value tells: whether the value is not zero, and whether it is negative. */
export function told(tests: FlowNode['tests'], holds: boolean, nonzero: number, negative: number): Decision[] {
  const zero: Decision[] = [
    [nonzero, false],
    [negative, false],
  ];
  if (tests === 'nonzero') return holds ? [[nonzero, true]] : zero;
  if (tests === 'zero') return holds ? zero : [[nonzero, true]];
  if (!holds) return tests === 'negative' ? [[negative, false]] : [];
  return [
    [nonzero, true],
    [negative, tests === 'negative'],
  ];
}
