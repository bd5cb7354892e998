/** Where a function is made known to what runs it: a table of operations, a call or macro that registers a handler, an attribute. */

import { effectsOfKind } from '../../c/syntax/effects.ts';
import type { CFunction, Event, Place } from '../../model/code.ts';
import type { Runner } from '../../model/effect.ts';
import type { Fact, MemberFact } from '../../model/fact.ts';
import type { Mention, World } from '../../model/rule.ts';
import { isGivenUp } from './givenup.ts';

/** One place that makes a function known. */
export interface Registration {
  /**
   * `table`: it stands in a table of operations, or is put into a member of one; `handler`: a call or macro is given it to run; `address`: its
   * address is taken, and what becomes of that is not known.
   */
  by: 'table' | 'handler' | 'address';
  /** Of a table its type, the member, and the variable that it is; null where the text does not show them. */
  table: string | null;
  member: string | null;
  instance: string | null;
  /** The call or macro that is given it; null of a table. */
  call: string | null;
  /** What runs a handler. */
  runner: Runner | null;
  /** What is known of the member, or of what runs a handler. */
  fact: MemberFact | null;
  /** The member's name alone says so: its table is not in view, or none of those that are known. */
  inferred: boolean;
  at: Place;
  /** The event that registers it, in the function that does; null of a table that is a variable of the file, and of a macro outside of functions. */
  site: { fn: CFunction; event: Event } | null;
  /** It goes with its device. */
  managed: boolean;
}

/** The table of facts that says how each runner runs its handlers. */
const RUNNERS = 'runner';

const known = new WeakMap<World, Map<CFunction, Registration[]>>();

/** Every place in view that makes the function known, in the order of its own file and then of the others. */
export function registrationsOf(fn: CFunction, world: World): readonly Registration[] {
  const kept = known.get(world) ?? new Map<CFunction, Registration[]>();
  known.set(world, kept);
  let found = kept.get(fn);
  if (!found) {
    found = world.mentions(fn).flatMap(mention => registrationsAt(fn, mention, world));
    kept.set(fn, found);
  }
  return found;
}

function registrationsAt(fn: CFunction, mention: Mention, world: World): Registration[] {
  const { member, call, argument, instance } = mention;
  const site = siteOf(fn, mention, world);
  const common = { call, at: { path: mention.path, line: mention.line, side: fn.side }, site, managed: false };
  const nothing = { table: null, member: null, instance: null, runner: null, fact: null, inferred: false };
  if (member !== null) {
    const table = mention.table ?? tableOf(site?.event, member);
    const fact = world.member(table, member) ?? null;
    const inferred = fact !== null && fact.struct === '*';
    return [{ ...common, ...nothing, by: 'table', table, member, instance, fact: fact && sureOf(fact, mention.path, world), inferred }];
  }
  // A test of the address, and what keeps nothing, as EXPORT_SYMBOL().
  if (call !== null && (TESTS.has(call) || endsOrKeepsNothing(world.fact(call)))) return [];
  const effects = call === null ? [] : effectsOfKind({ fact: world.fact(call) }, 'register');
  const found = effects.flatMap((effect): Registration[] => {
    const isThread = effect.thread === argument;
    if (!isThread && effect.handler !== argument && effect.handler !== null) return [];
    const runner = isThread && effect.runner === 'irq' ? 'irq-thread' : effect.runner;
    const fact = world.member(RUNNERS, runner) ?? null;
    return [{ ...common, ...nothing, by: 'handler', runner, fact: fact?.struct === RUNNERS ? fact : null, managed: effect.managed }];
  });
  return found.length > 0 ? found : [{ ...common, ...nothing, by: 'address' }];
}

/** The call keeps nothing of what it is given, or ends what registered it. */
function endsOrKeepsNothing(fact: Fact | undefined): boolean {
  if (fact?.keepsNothing) return true;
  const does = fact?.effects.map(effect => effect.does) ?? [];
  return does.includes('quiesce') && !does.includes('register');
}

/** Words of C before parentheses that run nothing. */
const TESTS: ReadonlySet<string> = new Set(['if', 'while', 'switch', 'return', 'sizeof', 'typeof']);

/** The fact without what the file gives up of it. */
function sureOf(fact: MemberFact, path: string, world: World): MemberFact {
  return isGivenUp(fact, path, world) ? { ...fact, holds: [], neverWith: [], ended: [] } : fact;
}

/** The event of the mention, where it stands in a function: the store into a member, or the call. */
function siteOf(fn: CFunction, { path, line, member, call }: Mention, world: World): Registration['site'] {
  for (const around of world.functions) {
    if (around.path !== path || around.side !== fn.side || line < around.line || line > around.endLine || around.isMacro) continue;
    const here = around.events.filter(e => !e.via && e.line <= line && e.endLine >= line);
    const event = here.find(e => (member !== null ? e.kind === 'write' && endsWith(e, member) : e.api === call || e.written === call));
    if (event) return { fn: around, event };
  }
  return null;
}

function endsWith({ cell }: Event, member: string): boolean {
  return cell !== null && (cell.path === member || cell.path.endsWith(`.${member}`));
}

/** The type whose member is stored to, where the types in view show it. */
function tableOf(event: Event | undefined, member: string): string | null {
  const { cell } = event ?? { cell: null };
  if (!cell) return null;
  if (cell.within && cell.within.path === member) return cell.within.type;
  return cell.path === member ? cell.type : null;
}
