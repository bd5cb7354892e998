/** Verdicts, in herd7's words. */
import { explore, type Final, onlySequential } from './explore.ts';
import type { Program } from './program.ts';

export type Verdict = 'Never' | 'Sometimes' | 'Always' | 'DEADLOCK' | 'unsupported';

export interface Decision {
  verdict: Verdict;
  /** Finals in which the condition holds, those with the fewest changes of thread first. */
  witnesses: Final[];
  /** All finals that were found. */
  finals: Final[];
  reason?: string;
}

/**
 * Does an execution of the program end so that the condition holds? `Never` and `Always` are said only where the interleavings are all
 * executions that there are; where a weaker order might matter the answer is `unsupported`.
 */
export function decide(program: Program, condition: (final: Final) => boolean): Decision {
  const { finals, deadlock, states } = explore(program);
  const witnesses = finals.filter(condition);
  if (states === null) return { verdict: 'unsupported', witnesses, finals, reason: 'too many executions' };
  if (finals.length === 0) return { verdict: 'DEADLOCK', witnesses, finals };
  if (witnesses.length > 0 && (witnesses.length < finals.length || deadlock || !onlySequential(program)))
    return { verdict: 'Sometimes', witnesses, finals };
  if (!onlySequential(program)) return { verdict: 'unsupported', witnesses, finals, reason: 'weaker orders than the interleavings exist' };
  return { verdict: witnesses.length > 0 ? 'Always' : 'Never', witnesses, finals };
}
