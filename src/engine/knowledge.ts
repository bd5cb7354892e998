/** What is known of functions: the built-in facts with the user's before them. No other file of the engine or below it reads the built-in ones. */

import { builtIn } from '../facts/lookup.ts';
import type { Fact, Knowledge } from '../model/fact.ts';
import type { Problem } from '../model/series.ts';
import type { UserFacts, UserFunction } from '../model/userfacts.ts';
import { placeOf } from './declared.ts';

/** The knowledge that a review rests on, and a problem for each declaration that says nothing. */
export function knowledgeOf(declared: UserFacts): { known: Knowledge; problems: Problem[] } {
  const own = new Map<string, Fact>();
  const problems: Problem[] = [];
  const byName = new Map(declared.functions.map(f => [f.name, f]));
  // Through wrappers of wrappers to the function at the end, which no circle has.
  const factOf = (f: UserFunction, above: readonly UserFunction[] = []): Fact | undefined => {
    if ('fact' in f) return f.fact;
    const next = byName.get(f.like);
    return next && next !== f && !above.includes(next) ? factOf(next, [...above, f]) : builtIn.fact(f.like);
  };
  for (const f of declared.functions) {
    // A wrapper keeps the kernel function's name: whatever is true of that one by its name is true of the wrapper.
    const fact = factOf(f);
    if (fact) own.set(f.name, { ...fact, source: placeOf(f) });
    else if ('like' in f)
      problems.push({
        severity: 'odd',
        where: placeOf(f),
        message: `functions.${f.name}.like: nothing is known of ${f.like.endsWith(')') ? f.like : `${f.like}()`}`,
      });
  }
  return { known: { ...builtIn, fact: api => own.get(api) ?? builtIn.fact(api) }, problems };
}
