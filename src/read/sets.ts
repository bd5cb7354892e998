import type { Series } from '../model/series.ts';
import { Ties } from './ties.ts';

/** What tells of a series which set it is a version of. */
export interface Member {
  series: Series;
  /** Address of its author; '' where it is not known. */
  author: string;
  /** What its cover letter, or its first patch, answers. */
  answers: string | null;
}

/**
 * Marks the versions of one patch set: series that share a change-id, that have one title and author, or of which the later answers the
 * cover letter or first patch of the earlier. Each gets the id of the first of them by version; a series that stands alone gets none.
 */
export function markSets(members: Member[]): void {
  const ties = new Ties();
  const heads = new Map<string, Series>();
  members.forEach(({ series, author }, at) => {
    const own = `series ${at}`;
    const title = series.title.toLowerCase();
    if (series.changeId !== undefined) ties.join(`change ${series.changeId}`, own);
    if (title !== '' && author !== '') ties.join(`title ${author} ${title}`, own);
    if (!heads.has(series.id)) heads.set(series.id, series);
    ties.join(`id ${series.id}`, own);
  });
  members.forEach(({ series, answers }, at) => {
    const before = answers === null ? undefined : heads.get(answers);
    if (before && before.version < series.version) ties.join(`id ${before.id}`, `series ${at}`);
  });
  const sets = new Map<string, Series[]>();
  members.forEach(({ series }, at) => {
    const root = ties.find(`series ${at}`);
    const set = sets.get(root);
    if (set) set.push(series);
    else sets.set(root, [series]);
  });
  for (const set of sets.values()) {
    if (set.length < 2) continue;
    const first = set.reduce((best, series) => (series.version < best.version ? series : best));
    for (const series of set) series.set = first.id;
  }
}
