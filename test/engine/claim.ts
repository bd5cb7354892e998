import { expect } from 'vitest';
import { decideClaim } from '../../src/engine/witness.ts';
import { parseLitmus } from '../../src/lkmm/syntax.ts';
import { decideTest } from '../../src/lkmm/verdict.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Claim, World } from '../../src/model/rule.ts';

/** The function of that name. */
export function fn(world: World, name: string): CFunction {
  const found = world.functions.find(f => f.name === name);
  if (!found) throw new Error(`no function ${name}`);
  return found;
}

/** The event of the function with this api, or on this cell. */
export function at(f: CFunction, api: string, cell?: string): Event {
  const found = f.events.find(e => e.api === api && (cell === undefined || e.cell?.path === cell));
  if (!found) throw new Error(`${f.name}: no ${api} ${cell ?? ''} among ${f.events.map(e => `${e.api} ${e.cell?.path}`).join(', ')}`);
  return found;
}

/** The witness of the claim, or why it is held. */
export function decided(claim: Claim) {
  const result = decideClaim(claim);
  if ('held' in result) return `${result.held}: ${result.detail}`;
  // Both programs are said again by the checker that reads litmus text.
  const again = (text: string) => {
    const { value, problems } = parseLitmus(text);
    expect(problems).toEqual([]);
    return value && decideTest(value).verdict;
  };
  if (claim.bad.kind !== 'race') {
    expect(again(result.witness.litmus)).toBe('Sometimes');
    expect(again(result.witness.fixedLitmus)).toBe('Never');
  }
  return result.witness;
}
