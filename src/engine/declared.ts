/** What users declare, put to use: pairs as ties, and claims that a declaration dismisses. */

import { namesOf } from '../analysis/atomicity/ties.ts';
import { cellKey } from '../c/lower/cells.ts';
import type { Held } from '../model/finding.ts';
import type { Claim, Tie } from '../model/rule.ts';
import type { Declared, UserFacts } from '../model/userfacts.ts';

export const NO_FACTS: UserFacts = { functions: [], members: [], types: [], invariants: [] };

/** Ties that are declared and whose cells are in view. */
export function declaredTies(facts: UserFacts, keys: Iterable<string>): Tie[] {
  const all = [...keys];
  return facts.invariants.flatMap(i => {
    if (i.kind !== 'paired') return [];
    const [a, b] = i.cells.map(name => all.filter(key => names(name, key)));
    return (a ?? []).flatMap(x =>
      (b ?? [])
        .filter(y => x !== y && x.split('|')[0] === y.split('|')[0])
        .map((y): Tie => {
          const pair: [string, string] = x < y ? [x, y] : [y, x];
          const text = `declared in ${declarationPlace(i)}`;
          return {
            keys: pair,
            names: namesOf(pair),
            type: x.split('|')[0] || null,
            relation: i.relation,
            evidence: [{ kind: 'stated', path: i.file, line: i.line, side: 'new', text }],
          };
        }),
    );
  });
}

/** The declaration that rules a claim out, or null: its type is serialised by its callers, or one lock guards all of its cells. */
export function dismissedBy(claim: Claim, facts: UserFacts): Pick<Held, 'reason' | 'detail'> | null {
  const keys = claim.tie?.keys ?? [...new Set(claim.threads.flatMap(t => t.events.flatMap(e => (e.cell ? [cellKey(e.cell)] : []))))];
  const type = claim.tie?.type ?? null;
  for (const i of facts.invariants) {
    if (i.kind === 'serialised' && (claim.tie ? type === i.type : keys.length > 0 && keys.every(key => key.split('|')[0] === i.type)))
      return { reason: 'dismissed-by-fact', detail: `${declarationPlace(i)}: ${i.type} is serialised by its callers: ${i.why}` };
    if (i.kind !== 'guarded' || !keys.some(key => names(i.cell, key))) continue;
    const same = facts.invariants.filter(o => o.kind === 'guarded' && o.by === i.by);
    if (keys.every(key => same.some(o => o.kind === 'guarded' && names(o.cell, key))))
      return {
        reason: 'dismissed-by-fact',
        detail: `${declarationPlace(i)}: ${i.cell} is guarded by ${i.by}${keys.length > 1 ? ', as is the other cell' : ''}`,
      };
  }
  return null;
}

/** Where a declaration stands, for people. */
export function declarationPlace(d: Declared): string {
  return `${d.file}, line ${d.line}`;
}

/** Does a declared name mean the cell with this key? */
function names(name: string, key: string): boolean {
  const [type = '', path = ''] = key.split('|');
  const plain = path.replace(/\[\]$/, '');
  const match = /^((?:struct|union) \w+)\.(.+)$/.exec(name);
  if (!match) return plain === name;
  return type === match[1] && (plain === match[2] || path === match[2]);
}
