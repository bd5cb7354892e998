/** Which roots undo each other: probe and remove of one driver, open and close of one table, module_init() and module_exit(). */

import type { CFunction } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';
import { type EntryPoint, entriesOf } from './entries.ts';
import { type Registration, registrationsOf } from './registrations.ts';

/**
 * The roots that set up what this one takes down, or the other way round: by the members that the facts pair, in the same table; by module_init() and
 * module_exit() of one file; of a device's own action what runs the function that registers it. Empty where none is in view.
 */
export function pairedWith({ registration, phase }: EntryPoint, world: World): readonly EntryPoint[] {
  if (!registration) return [];
  if (registration.runner === 'devres' && registration.site)
    return entriesOf(registration.site.fn, world).filter(e => e.phase === 'setup' || phase !== 'teardown');
  const keys = partnersOf(registration);
  const of = rootsOf(world);
  return keys
    .flatMap(key => of.get(key) ?? [])
    .flatMap(fn => entriesOf(fn, world).filter(e => e.root === fn && e.registration && keys.includes(keyOf(e.registration))));
}

function partnersOf(registration: Registration): string[] {
  if (registration.runner === 'init') return [keyOf({ ...registration, runner: 'exit' })];
  if (registration.runner === 'exit') return [keyOf({ ...registration, runner: 'init' })];
  return (registration.fact?.pair ?? []).map(member => keyOf({ ...registration, member }));
}

/** One text for a member of one table, or for a runner in one file. */
function keyOf({ at, table, instance, member, runner, site }: Registration): string {
  if (member === null) return `${at.path} ${runner}`;
  // What one function stores into one object's members is one table.
  const whole = instance ?? (site ? `${site.fn.name} ${site.event.cell?.base} ${site.event.cell?.path.replace(/\w+$/, '')}` : '');
  return `${at.path} ${table} ${whole} ${member}`;
}

const indexes = new WeakMap<World, Map<string, CFunction[]>>();

/** The functions that stand at each key. */
function rootsOf(world: World): Map<string, CFunction[]> {
  const kept = indexes.get(world);
  if (kept) return kept;
  const found = new Map<string, CFunction[]>();
  for (const fn of world.functions) {
    if (fn.isMacro) continue;
    for (const registration of registrationsOf(fn, world)) {
      if (registration.by === 'address') continue;
      const key = keyOf(registration);
      const list = found.get(key) ?? [];
      if (!list.includes(fn)) found.set(key, [...list, fn]);
    }
  }
  indexes.set(world, found);
  return found;
}
