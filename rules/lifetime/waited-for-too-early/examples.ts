import type { Rule } from '../../../src/model/rule.ts';
/** The rule's examples both ways. */
export const examples: Rule['examples'] = { bad: [], good: [] };
