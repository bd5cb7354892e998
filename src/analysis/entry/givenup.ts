/** What a driver gives up of what the core does for it otherwise. */
import type { MemberFact } from '../../model/fact.ts';
import type { World } from '../../model/rule.ts';

/** Does the file set one of the members, or call one of the functions, with which the caller of the member holds nothing for sure? */
export function isGivenUp({ unless }: MemberFact, path: string, world: World): boolean {
  if (unless.length === 0) return false;
  const named = world.designated(path);
  const stored = (path: string) => unless.some(word => path === word || path.endsWith(`.${word}`));
  return (
    unless.some(word => named.has(word)) ||
    world.functions.some(fn => fn.path === path && fn.events.some(e => unless.includes(e.api) || (e.kind === 'write' && stored(e.cell?.path ?? ''))))
  );
}
