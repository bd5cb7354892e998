/** The states that a series goes through, from before its first patch to after its last, each reviewed when it is needed. */
import type { Image, Images } from '../c/text/images.ts';
import type { Rule, World } from '../model/rule.ts';
import type { Problem } from '../model/series.ts';
import type { SeriesChange } from './changes.ts';
import { look } from './look.ts';
import { attribute, type Candidate, type SeriesContext } from './sift.ts';

/** What there is to make the states of. */
export interface Made {
  history: Images['history'];
  /** Images of the tree around the series. */
  outside: readonly Image[];
  last: number;
  final: World;
  change: SeriesChange | null;
  world(images: Image[]): World;
  rules: readonly Rule[];
}

/** The states of a series by the last patch applied; -1 is before the series. */
export class States {
  private readonly made: Made;
  private readonly context: SeriesContext;
  private readonly worlds = new Map<number, World | null>();
  private readonly known = new Map<string, Candidate[]>();
  readonly problems: Problem[] = [];

  constructor(made: Made, context: SeriesContext) {
    this.made = made;
    this.context = context;
    this.worlds.set(made.last, made.final);
    this.worlds.set(-1, made.change?.changes.before ?? null);
  }

  /** The findings of the rule in a file in a state, claims decided; `path` is the file's name there. */
  said(state: number, path: string, rule: Rule): Candidate[] {
    const key = `${state}|${rule.id}|${path}`;
    const known = this.known.get(key);
    if (known) return known;
    const world = this.world(state);
    const { raised, problems } = world ? look(world, [rule], new Set([path])) : { raised: [], problems: [] };
    this.problems.push(...problems);
    const found = attribute(raised, this.context, state);
    this.known.set(key, found);
    return found;
  }

  /** The findings of all rules in the files in a state. */
  saidOfAll(state: number, paths: readonly string[]): Candidate[] {
    const world = this.world(state);
    const { raised, problems } = world ? look(world, this.made.rules, new Set(paths)) : { raised: [], problems: [] };
    this.problems.push(...problems);
    for (const rule of this.made.rules)
      for (const path of paths) {
        const own = raised.filter(r => r.rule === rule && r.place.path === path);
        this.known.set(`${state}|${rule.id}|${path}`, attribute(own, this.context, state));
      }
    return this.made.rules.flatMap(rule => paths.flatMap(path => this.said(state, path, rule)));
  }

  /** What a later patch changes again is known as the patch left it. */
  world(state: number): World | null {
    const known = this.worlds.get(state);
    if (known !== undefined) return known;
    const images = [...this.made.history.values()].flatMap(states => states.findLast(i => i.after <= state) ?? []);
    const made = images.length === 0 ? null : this.made.world([...images, ...this.made.outside]);
    this.worlds.set(state, made);
    return made;
  }

  /** The patches that change the file, oldest first, and after each of them how it looks is known. */
  changesOf(path: string): number[] {
    return (this.made.history.get(path) ?? []).map(image => image.after).filter(after => after >= 0);
  }
}
