/** How calls are read, by the facts of their callees; names as strings of their own. */
import type { Fact } from '../../model/fact.ts';
import { effectOfKind } from './effects.ts';

/** How a call is read where nothing in view defines the callee: as its argument, as nothing, as the end of the run, or as an event. */
export type CallKind = 'transparent' | 'none' | 'ends' | 'plain';

const own = new Map<string, string>();
/** Shorter pieces of a text are copied out of it by V8 itself. */
const SHORTEST_PIECE = 13;
/** Names in one run; more are not kept. */
const MOST_NAMES = 50_000;

/** The name as a string of its own: a piece of a file's text would keep the whole text alive in every table that it is a key of. */
export function ownName(name: string): string {
  let known = own.get(name);
  if (known === undefined) {
    known = name.length < SHORTEST_PIECE ? name : name.split('').join('');
    if (own.size >= MOST_NAMES) own.clear();
    own.set(known, known);
  }
  return known;
}

/** How a call is read, by what is known of its callee. */
export function callKind(fact: Fact | undefined): CallKind {
  if (fact?.form === 'transparent' || fact?.form === 'test') return 'transparent';
  if (fact?.form === 'constant') return 'none';
  return fact && endsRun(fact) ? 'ends' : 'plain';
}

/** A call through which a condition is what its argument is. */
export function keepsTruth(fact: Fact | undefined): boolean {
  return fact?.form === 'transparent';
}

/** Does nothing run behind the call: of a transparent one, where its argument is true? */
export function endsRun(fact: Fact | undefined): boolean {
  return fact !== undefined && effectOfKind({ fact }, 'noreturn') !== undefined;
}

/**
 * The name of what a call does, and how the code spells that where it is another name: of a wrapper that is declared `like` a kernel function that
 * one, of a guard of a declared class (`guard(my_lock)`, `scoped_guard(my_lock)`) the word with the kernel's class.
 */
export function callNames(spelled: string, fact: Fact | undefined): { api: string; written?: string } {
  const word = /^\w+(?=\()/.exec(spelled)?.[0];
  const api = word === undefined ? fact?.api : fact?.api.replace(/^\w+(?=\()/, word);
  return api === undefined || api === spelled ? { api: spelled } : { api, written: spelled };
}
