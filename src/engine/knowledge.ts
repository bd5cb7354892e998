/** What is known of functions: the built-in facts with the user's before them. No other file of the engine or below it reads the built-in ones. */

import { builtIn } from '../facts/lookup.ts';
import type { Fact, Knowledge } from '../model/fact.ts';
import type { Problem } from '../model/series.ts';
import type { UserFacts } from '../model/userfacts.ts';
import { placeOf } from './declared.ts';

/** The knowledge that a review rests on, and a problem for each declaration that says nothing. */
export function knowledgeOf(declared: UserFacts): { known: Knowledge; problems: Problem[] } {
  const own = new Map<string, Fact>();
  const problems: Problem[] = [];
  for (const f of declared.functions) {
    // A wrapper keeps the kernel function's name: whatever is true of that one by its name is true of the wrapper.
    const fact = 'fact' in f ? f.fact : builtIn.fact(f.like);
    if (fact) own.set(f.name, { ...fact, source: placeOf(f) });
    else if ('like' in f) problems.push({ severity: 'odd', where: placeOf(f), message: `functions.${f.name}.like: nothing is known of ${f.like}()` });
  }
  return { known: { ...builtIn, fact: api => own.get(api) ?? builtIn.fact(api) }, problems };
}
