/**
 * What a patch brings is what is found after it and not before it. Findings of two states are the same by what they mean: rule, function,
 * sentence or object; lines do not count.
 */
import type { SeriesChange } from './changes.ts';
import { type Candidate, placed, type SeriesContext } from './sift.ts';
import type { States } from './states.ts';

/** The findings of the last state, each with its origin: there before the series (touched, where a line of it is the series' own), or brought by the first patch after which it is there. */
export function withOrigin(final: Candidate[], states: States, change: SeriesChange | null, context: SeriesContext): Candidate[] {
  const told = final.filter(c => !c.held && !c.raised.isChange);
  const before = change ? sameBefore(told, states, change) : new Set<Candidate>();
  return final.map(c => {
    if (c.held || c.raised.isChange) return c;
    if (before.has(c)) return { ...c, finding: { ...c.finding, origin: c.by === null ? 'pre-existing' : 'touched' } };
    const by = broughtFrom(c, states, context);
    return by === c.by ? c : placed({ ...c, by }, context);
  });
}

/** Those that are told of the state before the series too. */
function sameBefore(told: Candidate[], states: States, change: SeriesChange): Set<Candidate> {
  const was = new Map([...change.paths].map(([old, now]) => [now, old]));
  const names = new Map(
    change.changes.functions.flatMap(({ before, after }) => (before && after ? [[`${after.path}|${after.name}`, before.name] as const] : [])),
  );
  const standing = (c: Candidate) => {
    const { path, line } = c.raised.place;
    const now = change.lines.now(path, line);
    return now ? `${now.path}:${now.line}` : null;
  };
  const found = new Set<Candidate>();
  const free = new Set<Candidate>();
  const before = (c: Candidate): Candidate[] => {
    const path = was.get(c.raised.place.path);
    const all = path === undefined ? [] : states.said(-1, path, c.raised.rule).filter(d => !d.held);
    for (const d of all) if (!seen.has(d)) free.add(d);
    for (const d of all) seen.add(d);
    const name = names.get(`${c.raised.fn.path}|${c.raised.fn.name}`) ?? c.raised.fn.name;
    return all.filter(d => d.raised.fn.name === name && free.has(d));
  };
  const seen = new Set<Candidate>();
  const passes: ((c: Candidate, d: Candidate) => boolean)[] = [
    (c, d) => sentence(c) === sentence(d) && standing(d) === `${c.raised.place.path}:${c.raised.place.line}`,
    (c, d) => sentence(c) === sentence(d),
    (c, d) => c.raised.event !== null && d.raised.event !== null && c.raised.event.text.trim() === d.raised.event.text.trim(),
    (c, d) => c.subject === d.subject && c.subject !== c.raised.place.path,
  ];
  for (const same of passes)
    for (const c of told) {
      const match = found.has(c) ? undefined : before(c).find(d => same(c, d));
      if (!match) continue;
      found.add(c);
      free.delete(match);
    }
  return found;
}

/** The finding's sentence, whatever the function is called. */
function sentence({ raised, finding }: Candidate): string {
  return finding.message.replaceAll(`${raised.fn.name}()`, '()');
}

/** The first patch from which on the finding is there; where that can't be told, the patch that its lines name. */
function broughtFrom(c: Candidate, states: States, context: SeriesContext): number | null {
  const { place, rule } = c.raised;
  const last = context.patches.length - 1;
  const there = (state: number) =>
    state === last || states.said(state, place.path, rule).some(d => !d.held && d.raised.fn.name === c.raised.fn.name && d.finding.message === c.finding.message);
  const own = states.changesOf(place.path);
  if (c.by !== null) {
    // Its lines are those of one patch: a later one may have taken away what made them right.
    const later = own.filter(i => i > (c.by ?? -1));
    if (later.length === 0 || !own.includes(c.by) || there(c.by)) return c.by;
    return firstOf(later, there);
  }
  // None of its lines is the series' own: what a patch took away brought it, here or in another file.
  return firstOf(
    context.patches.flatMap((p, i) => (p ? [i] : [])),
    there,
  );
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
