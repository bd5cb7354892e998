/** Lists that readers walk under RCU alone: who walks them, and what links their entries. */

import { comesBefore } from '../../c/cfg/flow.ts';
import { cellKey } from '../../c/lower/cells.ts';
import type { CFunction, Event } from '../../model/code.ts';
import type { World } from '../../model/rule.ts';
import { isIn } from '../../model/section.ts';
import { callersOf, heldOnEntry } from '../entry/callers.ts';
import { isTest, runsAlone } from '../entry/phase.ts';
import { guardsAt } from '../entry/serialised.ts';

/** The member by which entries hang on a list: `node` of struct card. */
export interface Link {
  type: string;
  member: string;
}

/** A walk that nothing but a read-side section of RCU protects. */
export interface BareWalk {
  fn: CFunction;
  load: Event;
  /** The variable that stands on the entry; null where no variable does. */
  cursor: string | null;
  /** The type of the entries; null where the function does not tell it. */
  type: string | null;
  member: string;
  /** The head, as its cell's key; null where only the function itself can name it. */
  head: string | null;
  /** False where only the first entry is looked at, and nobody goes on from it. */
  goesOn: boolean;
}

/** An event that links an entry or moves it to another list, by a plain form or by one made for RCU. */
export interface Linking {
  fn: CFunction;
  event: Event;
  link: Link;
  /** The variable that points to the entry. */
  entry: string;
  /** As of a walk. */
  head: string | null;
  rcu: boolean;
}

const walks = new WeakMap<World, BareWalk[]>();
const linkings = new WeakMap<World, Linking[]>();

/** All walks in view that surely run under RCU, hold no lock, and name none in a condition. */
export function bareWalks(world: World): BareWalk[] {
  let found = walks.get(world);
  if (!found) {
    found = world.functions.flatMap(fn => (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world) ? [] : bareWalksIn(fn, world)));
    walks.set(world, found);
  }
  return found;
}

/** All events in view that link entries of a known type. */
export function linkingsIn(world: World): Linking[] {
  let found = linkings.get(world);
  if (!found) {
    found = world.functions.flatMap(fn => (fn.isMacro ? [] : fn.events.flatMap(event => linkingOf(fn, event) ?? [])));
    linkings.set(world, found);
  }
  return found;
}

/** The member that an argument `&c->node` names, and the variable before it. */
export function linkOf(fn: CFunction, node: string | undefined): { link: Link; entry: string } | null {
  const [, entry, member] = /^\(*&\(?(\w+)->([\w.]+)\)*$/.exec(node ?? '') ?? [];
  const type = entry === undefined ? null : typeOf(fn, entry);
  return entry === undefined || member === undefined || type === null ? null : { link: { type, member }, entry };
}

/** Do the two name one member? */
export function sameLink(a: Link, b: Link): boolean {
  return a.type === b.type && a.member === b.member;
}

/** Do the entries of the walk hang on this member? */
export function hangsBy(walk: BareWalk, link: Link): boolean {
  return walk.member === link.member && (walk.type === null || walk.type === link.type);
}

/** Does the walk go over entries that hang on this member: on one of the heads or, where its own head is not in view, by their type? */
export function walksOver(walk: BareWalk, link: Link, heads: ReadonlySet<string>): boolean {
  return hangsBy(walk, link) && (walk.head === null ? walk.type !== null : heads.has(walk.head));
}

/**
 * The lists that the function took the entry from, by a walk or as the first one, by their heads; null stands for a head that only the
 * function itself can name. Empty where the entry comes from elsewhere.
 */
export function headsOf(fn: CFunction, entry: string): (string | null)[] {
  return fn.events.flatMap(e => {
    const cursor = cursorOf(e);
    return cursor === entry || (e.into === entry && /^list_(?:first|last)_entry/.test(e.api)) ? [headOf(e)] : [];
  });
}

/**
 * Does anything in view say that others may be at the list while the event runs: a lock held there, or where a caller in the same file
 * calls? A teardown, or a list that is still being made, needs none.
 */
export function isGuarded(fn: CFunction, event: Event, world: World, depth = 0): boolean {
  if (guardsAt({ fn, event }, world).own) return true;
  return depth < MOST_CALLS && world.callers(fn.name).some(s => s.fn.path === fn.path && s.fn !== fn && isGuarded(s.fn, s.event, world, depth + 1));
}

/** Call chains are followed so far. */
const MOST_CALLS = 3;

/** Has the function, or one that calls it in its file, waited for readers before the event? */
export function hasWaited(fn: CFunction, event: Event, world: World): boolean {
  const waits = (f: CFunction, at: Event) => f.events.some(e => comesBefore(f, e, at) && /synchronize_(?:s?rcu|net)|rcu_barrier/.test(e.api));
  return waits(fn, event) || (callersOf(fn, world)?.some(site => waits(site.fn, site.event)) ?? false);
}

function bareWalksIn(fn: CFunction, world: World): BareWalk[] {
  return fn.events.flatMap((load): BareWalk[] => {
    const walk = walkOf(load);
    if (!walk) return [];
    if (!isIn(load, 'rcu-read') && !isIn(heldOnEntry(fn, world), 'rcu-read')) return [];
    if (guardsAt({ fn, event: load }, world).own) return [];
    const type = walk.type ?? (walk.cursor === null ? null : typeOf(fn, walk.cursor));
    const found = { fn, load, cursor: walk.cursor, type, member: walk.member, head: headOf(load), goesOn: walk.goesOn };
    // Who looks at the list as its owner does, or changes it, has a lock that is not in view.
    return fn.events.some(e => e !== load && ownsList(fn, e, found)) ? [] : [found];
  });
}

function ownsList(fn: CFunction, event: Event, walk: BareWalk): boolean {
  if (
    walk.head !== null &&
    headOf(event) === walk.head &&
    /^h?list_(?:for_each|first|last|splice)/.test(event.api) &&
    !/_(?:rcu|srcu)/.test(event.api)
  )
    return true;
  if (!/^(?:h?list|hash)_(?:add|del|move|replace)/.test(event.api)) return false;
  const node = linkOf(fn, event.args[event.api.startsWith('hash_add') ? 1 : 0]);
  return node !== null && node.link.member === walk.member && (walk.type === null || walk.type === node.link.type);
}

/** What a walk under RCU names; null for one that says what else may protect it. */
function walkOf(event: Event): { cursor: string | null; type: string | null; member: string; goesOn: boolean } | null {
  const { api, args, into } = event;
  const [, second, third, fourth] = args;
  // A type among the arguments is one word by now.
  if (api === 'list_first_or_null_rcu')
    return second === undefined || third === undefined
      ? null
      : { cursor: into, type: second.replace(/^(struct|union)_/, '$1 '), member: third, goesOn: false };
  // A condition is one argument more.
  const [member, most] = api === 'hash_for_each_rcu' ? [fourth, 4] : api === 'hash_for_each_possible_rcu' ? [third, 4] : [third, 3];
  if (!/^(?:h?list_for_each_entry_rcu(?:_bh|_notrace)?|hash_for_each_(?:possible_)?rcu)$/.test(api) || args.length !== most) return null;
  return member === undefined ? null : { cursor: cursorOf(event), type: null, member, goesOn: true };
}

const LINKS = /^(?:h?list_add(?:_tail|_head|_before|_behind)?|list_move(?:_tail)?|hash_add)(_rcu)?$/;

function linkingOf(fn: CFunction, event: Event): Linking | null {
  const form = LINKS.exec(event.api);
  const node = form && linkOf(fn, event.args[event.api.startsWith('hash_add') ? 1 : 0]);
  return node ? { fn, event, ...node, head: headOf(event), rcu: form[1] !== undefined } : null;
}

/** The variable that a walk stands on its entries with. */
function cursorOf({ api, args }: Event): string | null {
  if (/^h?list_for_each_entry/.test(api)) return args[0] ?? null;
  if (/^hash_for_each_possible/.test(api)) return args[1] ?? null;
  if (/^hash_for_each/.test(api)) return args[api.includes('safe') ? 3 : 2] ?? null;
  return null;
}

function headOf({ cell }: Event): string | null {
  return cell === null || cell.path === '*' ? null : cellKey(cell);
}

/** What the variable points to, as far as its parameter or an access through it tells. */
function typeOf(fn: CFunction, variable: string): string | null {
  const parameter = fn.parameters.find(p => p.name === variable)?.type;
  const [, tag] = /^(?:const )?((?:struct|union) \w+) ?\*$/.exec(parameter ?? '') ?? [];
  return tag ?? fn.events.find(e => e.cell?.base === variable && e.cell.type !== null)?.cell?.type ?? null;
}
