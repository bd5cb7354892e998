/**
 * What a patch introduces is what is found after it and not before it. Findings of two states are the same by what they mean: rule, function,
 * sentence or object; lines do not count.
 */
import type { SeriesChange } from './changes.ts';
import { type Candidate, placed, type SeriesContext } from './sift.ts';
import type { States } from './states.ts';

/** What the series does to the findings of its states. */
export interface Compared {
  /** Those of the last state, each with its origin: there before the series (touched, where a line of it is the series' own), or introduced by a patch. */
  final: Candidate[];
  /** Those that are there before the series, in functions that it changes, and not after it. */
  repaired: Candidate[];
}

/** Compares the findings of the last state with those before the series; with `withRepaired` all that was there before is compared, not only what is like them. */
export function compared(final: Candidate[], states: States, change: SeriesChange | null, context: SeriesContext, withRepaired: boolean): Compared {
  const told = final.filter(c => !c.held && !c.raised.isChange);
  const was = change && withRepaired ? states.saidOfAll(-1, [...change.paths.keys()]) : [];
  const before = change ? sameBefore(told, states, change) : new Map<Candidate, Candidate>();
  const origin = (c: Candidate): Candidate => {
    if (c.held || c.raised.isChange) return c;
    if (before.has(c)) return { ...c, finding: { ...c.finding, origin: c.by === null ? 'pre-existing' : 'touched' } };
    const by = introducedBy(c, states, context);
    return by === c.by ? c : placed({ ...c, by }, context);
  };
  const changed = new Set(change?.changes.functions.map(f => f.before));
  const still = new Set(before.values());
  return {
    final: final.map(origin),
    repaired: was
      .filter(c => !c.held && c.finding.confidence !== 'low' && !still.has(c) && changed.has(c.raised.fn))
      .map(c => repairedBy(c, states, context)),
  };
}

/** The finding as the first patch shows it after which it is gone. */
function repairedBy(c: Candidate, states: States, context: SeriesContext): Candidate {
  const gone = (state: number) => !states.said(state, c.raised.place.path, c.raised.rule).some(d => isSame(c, d));
  const by = firstOf(patchesOf(context), gone);
  const at = placed({ ...c, by }, context);
  return {
    ...at,
    finding: { ...at.finding, origin: 'pre-existing', status: 'repaired', statusDetail: by === null ? '' : (context.patches[by]?.title ?? '') },
  };
}

/** For each of them that the state before the series shows too, the finding there. */
function sameBefore(told: Candidate[], states: States, change: SeriesChange): Map<Candidate, Candidate> {
  const was = new Map([...change.paths].map(([old, now]) => [now, old]));
  const names = new Map(
    change.changes.functions.flatMap(({ before, after }) => (before && after ? [[`${after.path}|${after.name}`, before.name] as const] : [])),
  );
  const standing = (c: Candidate) => {
    const { path, line } = c.raised.place;
    const now = change.lines.now(path, line);
    return now ? `${now.path}:${now.line}` : null;
  };
  const found = new Map<Candidate, Candidate>();
  const matched = new Set<Candidate>();
  const free = (c: Candidate): Candidate[] => {
    const path = was.get(c.raised.place.path);
    const all = path === undefined ? [] : states.said(-1, path, c.raised.rule);
    return all.filter(d => !d.held && !matched.has(d));
  };
  const inFunction = (c: Candidate, d: Candidate) => d.raised.fn.name === (names.get(`${c.raised.fn.path}|${c.raised.fn.name}`) ?? c.raised.fn.name);
  const passes: ((c: Candidate, d: Candidate) => boolean)[] = [
    (c, d) => inFunction(c, d) && sentence(c) === sentence(d) && standing(d) === `${c.raised.place.path}:${c.raised.place.line}`,
    (c, d) => inFunction(c, d) && sentence(c) === sentence(d),
    (c, d) => inFunction(c, d) && c.raised.event !== null && c.raised.event.text.trim() === d.raised.event?.text.trim(),
    // A rule that reports once for an object may do so at another place than before.
    (c, d) => c.subject === d.subject && c.subject !== c.raised.place.path,
  ];
  for (const same of passes)
    for (const c of told) {
      const match = found.has(c) ? undefined : free(c).find(d => same(c, d));
      if (!match) continue;
      found.set(c, match);
      matched.add(match);
    }
  return found;
}

/** The finding's sentence, whatever the function is called. */
function sentence({ raised, finding }: Candidate): string {
  return finding.message.replaceAll(`${raised.fn.name}()`, '()');
}

/** The patch that introduces the finding: that of its lines, or the first after which it is there. */
function introducedBy(c: Candidate, states: States, context: SeriesContext): number | null {
  const { place, rule } = c.raised;
  const last = context.patches.length - 1;
  const there = (state: number) => state === last || states.said(state, place.path, rule).some(d => isSame(c, d));
  const own = states.changesOf(place.path);
  if (c.by !== null) {
    // Its lines are those of one patch: a later one may have removed what made them right.
    const by = c.by;
    if (!own.includes(by) || !own.some(i => i > by) || there(by)) return by;
    const first = firstOf(
      patchesOf(context).filter(i => i > by),
      there,
    );
    // Where the other CPU's code came later, in another file, the finding is at the patch whose line it is.
    return first !== null && own.includes(first) ? first : by;
  }
  // None of its lines is the series' own: a removed line introduced it, here or in another file.
  return firstOf(patchesOf(context), there);
}

/** Does the finding of one state stand in another, as it is? */
function isSame(c: Candidate, d: Candidate): boolean {
  return !d.held && d.raised.fn.name === c.raised.fn.name && d.finding.message === c.finding.message;
}

function patchesOf(context: SeriesContext): number[] {
  return context.patches.flatMap((p, i) => (p ? [i] : []));
}

/** The first of the patches, oldest first, after which it is there, the last of them being one; by halving, since what came stays as a rule. */
function firstOf(patches: number[], there: (state: number) => boolean): number | null {
  let [low, high] = [0, patches.length - 1];
  if (high < 0) return null;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (there(patches[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return patches[low] ?? null;
}
