/** Ids that rules had before, each with the rule that says the same now: baselines, configurations and `--rule` go on working. */
export const renamed: Readonly<Record<string, string>> = {
  'page-read-before-reference': 'use-before-ref',
  'stale-entry-used-under-lock': 'stale-read-used-under-lock',
};
