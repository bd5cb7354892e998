import type { Base } from '../model/series.ts';
import { MAX_PREREQUISITES } from './limits.ts';

/** What a cover letter or first patch says of the tree that its series is for, and of the series itself. */
export interface Basis {
  base: Base | null;
  /** b4's name for a patch set through all its versions. */
  changeId: string | null;
}

/**
 * The lines `base-commit:`, `prerequisite-patch-id:` (git format-patch --base, its base tree information), `prerequisite-message-id:`,
 * `prerequisite-change-id:` and `change-id:` (b4) of a mail's body; null where it has none.
 */
export function readBasis(body: string): Basis | null {
  // Prerequisites never stand without one of the others.
  if (!body.includes('base-commit:') && !body.includes('change-id:')) return null;
  const base: Base = { commit: null, prerequisites: [] };
  let changeId: string | null = null;
  for (const [, commit, change, kind, id = ''] of body.matchAll(LINE)) {
    if (commit !== undefined) base.commit ??= commit;
    else if (change !== undefined) changeId ??= change;
    else if ((kind === 'patch' || kind === 'message' || kind === 'change') && base.prerequisites.length < MAX_PREREQUISITES)
      base.prerequisites.push({ kind, id: id.replace(/^<|>$/g, '') });
  }
  const isEmpty = base.commit === null && base.prerequisites.length === 0;
  return isEmpty && changeId === null ? null : { base: isEmpty ? null : base, changeId };
}

const LINE =
  /^(?:base-commit:[ \t]{1,9}([0-9a-f]{7,64})|change-id:[ \t]{1,9}(\S{1,200})|prerequisite-(patch|message|change)-id:[ \t]{1,9}(\S{1,900}))[ \t\r]*$/gm;
