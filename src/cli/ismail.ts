/** What tells a mail or a patch from other text. */
import type { Message } from '../index.ts';

/** Is it a mail or a patch, by what was read? Text without headers and a diff is none, and neither is a page of which only the title is known. */
export function isMail({ kind, patch, from, date, problems }: Message): boolean {
  return patch !== null || kind !== 'other' || from !== null || date !== null || problems.some(p => p.severity === 'refused');
}
