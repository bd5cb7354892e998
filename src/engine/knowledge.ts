/** What is known of functions: the built-in facts with the user's before them. No other file of the engine or below it reads the built-in ones. */

import { factsOf } from '../facts/contract.ts';
import { builtIn } from '../facts/lookup.ts';
import type { Contracts, KernelTables } from '../model/contract.ts';
import type { Contracted, Fact, Knowledge } from '../model/fact.ts';
import type { Problem } from '../model/series.ts';
import type { UserFacts, UserFunction } from '../model/userfacts.ts';
import { declarationPlace } from './declared.ts';

/** The knowledge that a review rests on, and a problem for each declaration that says nothing. */
export function knowledgeOf(declared: UserFacts, tables: KernelTables | null = null): { known: Knowledge; problems: Problem[] } {
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
    if (fact) own.set(f.name, { ...fact, source: declarationPlace(f) });
    else if ('like' in f)
      problems.push({
        severity: 'odd',
        where: declarationPlace(f),
        message: `functions.${f.name}.like: nothing is known of ${f.like.endsWith(')') ? f.like : `${f.like}()`}`,
      });
  }
  const members = new Map(declared.members.map(m => [`${m.fact.struct}.${m.fact.member}`, { ...m.fact, source: declarationPlace(m) }]));
  const types = new Map(declared.types.map(t => [t.fact.type, { ...t.fact, source: declarationPlace(t) }]));
  const known: Knowledge = {
    fact: api => own.get(api) ?? builtIn.fact(api),
    contract: contractsOf(tables?.contracts ?? null),
    tables,
    convention: api => builtIn.convention(api),
    member: (struct, member) => members.get(`${struct ?? '*'}.${member}`) ?? members.get(`*.${member}`) ?? builtIn.member(struct, member),
    type: name => types.get(name) ?? builtIn.type(name),
  };
  return { known, problems };
}

/** Of each name asked for the fact that its contract makes. */
function contractsOf(contracts: Contracts | null): Knowledge['contract'] {
  if (!contracts) return () => undefined;
  const known = new Map<string, Contracted | null>();
  return api => {
    let made = known.get(api);
    if (made === undefined) {
      const row = contracts.of(api);
      made = row ? factsOf(row, contracts.kernel, builtIn.convention(api)) : null;
      known.set(api, made);
    }
    return made ?? undefined;
  };
}

/** Declarations that say something else of a kernel function, member or type than the built-in facts: they count, and each is said once. */
export function contradictions(declared: UserFacts): Problem[] {
  const functions = declared.functions.flatMap(f => {
    const said = 'fact' in f ? f.fact : builtIn.fact(f.like);
    return against(`functions.${f.name}`, declarationPlace(f), said, builtIn.fact(f.name));
  });
  const members = declared.members.flatMap(m => {
    const known = builtIn.member(m.fact.struct, m.fact.member);
    return against(`tables.${m.fact.struct}.${m.fact.member}`, declarationPlace(m), m.fact, known?.struct === m.fact.struct ? known : undefined);
  });
  const types = declared.types.flatMap(t => against(`types.${t.fact.type}`, declarationPlace(t), t.fact, builtIn.type(t.fact.type)));
  return [...functions, ...members, ...types];
}

/** What is only how a fact is known, or follows from the rest of it. */
const ASIDE = new Set(['api', 'source', 'effects']);

function against(what: string, where: string, said: object | undefined, known: object | undefined): Problem[] {
  if (!said || !known) return [];
  const before = new Map(Object.entries(known));
  const differing = Object.entries(said).flatMap(([key, value]) => {
    const [now, then] = [JSON.stringify(value), JSON.stringify(before.get(key) ?? null)];
    return ASIDE.has(key) || now === then ? [] : [`${key} is ${now} here and ${then} there`];
  });
  if (differing.length === 0) return [];
  return [{ severity: 'odd', where, message: `${what} contradicts the built-in fact, and counts: ${differing.join(', ')}` }];
}
