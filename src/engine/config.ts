/** What a configuration and a baseline make of findings: another severity, or held with the place that says so. Pure. */
import { renamed } from '../../rules/renamed.ts';
import type { CFunction } from '../model/code.ts';
import type { Finding, Held } from '../model/finding.ts';
import type { BaselineEntry, BaselineUse, Policy } from '../model/policy.ts';
import type { Rule } from '../model/rule.ts';
import { globOf } from './globs.ts';

/** Decides about one finding after the other, and knows at the end which entries of the baseline matched. */
export interface Judge {
  /** The finding as it is reported, or why it is held. `aliases` are its fingerprints under earlier ids of its rule. */
  judge(finding: Finding, aliases: string[]): { finding: Finding } | { held: Pick<Held, 'reason' | 'detail'> };
  /** What became of the baseline, given the functions that were read. */
  use(functions: readonly CFunction[], paths: ReadonlySet<string>): BaselineUse;
}

export function judgeOf(policy: Policy): Judge {
  const severities = policy.severities.map(s => ({ ...s, globs: s.paths?.map(globOf) ?? null }));
  const ignored = policy.ignored.map(i => ({ ...i, matches: globOf(i.path) }));
  const entries = new Map<string, { entry: BaselineEntry; at: number }>();
  // Of two entries of one finding, as a merge leaves them, the one with a reason counts.
  for (const [at, entry] of policy.baseline.entries()) {
    const known = entries.get(entry.fingerprint);
    if (!known || (known.entry.reason === '' && entry.reason !== '')) entries.set(entry.fingerprint, { entry, at });
  }
  const used = new Set<string>();
  // A path has many findings, and is matched once.
  const ignoring = new Map<string, (typeof ignored)[number] | undefined>();
  const ignoredBy = (path: string) => {
    if (!ignoring.has(path))
      ignoring.set(
        path,
        ignored.find(i => i.matches(path)),
      );
    return ignoring.get(path);
  };
  return {
    judge(finding, aliases) {
      const path = ignoredBy(finding.path);
      if (path) return { held: { reason: 'dismissed-by-fact', detail: `${placeOf(path)}: ${path.path} is ignored` } };
      const print = [finding.fingerprint, ...aliases].find(f => entries.get(f)?.entry.rule === finding.rule);
      const known = print === undefined ? undefined : entries.get(print);
      if (print !== undefined && known) {
        used.add(print);
        const none = policy.collects ? '' : `${placeOf(known.entry)}: no reason given`;
        return { held: { reason: 'baseline', detail: known.entry.reason === '' ? none : known.entry.reason } };
      }
      if (policy.collects) return { held: { reason: 'baseline', detail: '' } };
      const said = severities.findLast(s => (s.rule === null || s.rule === finding.rule) && (s.globs === null || s.globs.some(g => g(finding.path))));
      return { finding: said ? { ...finding, severity: said.severity } : finding };
    },
    use(functions, paths) {
      const seen = new Set(functions.map(f => `${f.path}\0${f.name}`));
      const asked = policy.baseline.flatMap((e, at) => (seen.has(`${e.path}\0${e.function}`) || paths.has(e.path) ? [at] : []));
      // Entries that say the same are used together.
      return { asked, used: policy.baseline.flatMap((e, at) => (used.has(e.fingerprint) ? [at] : [])) };
    },
  };
}

function placeOf({ file, line }: { file: string; line: number }): string {
  return `${file}, line ${line}`;
}

/** The rules that run: all but those switched off, and but those on trial unless they are switched on or `trials` are held. */
export function rulesFor(all: readonly Rule[], policy: Policy | undefined, trials: boolean): Rule[] {
  const off = new Set(policy?.off);
  const on = new Set(policy?.on);
  return all.filter(r => !off.has(r.id) && (!r.trial || trials || on.has(r.id))).map(r => (r.trial && on.has(r.id) ? { ...r, trial: false } : r));
}

/** The id that a rule has now, by an id that it has or had. */
export function currentRule(id: string): string {
  return Object.hasOwn(renamed, id) ? (renamed[id] ?? id) : id;
}

const EARLIER = new Map<string, string[]>();
for (const [was, is] of Object.entries(renamed)) EARLIER.set(is, [...(EARLIER.get(is) ?? []), was]);

/** The ids that a rule had before. */
export function earlierIds(rule: string): string[] {
  return EARLIER.get(rule) ?? [];
}
