/** Objects and the pointers to them in one function: where a pointer is used, given a new value, and where what it points to is given back. */

import { asWritten, calleeOf, isCall } from '../../c/calls/callees.ts';
import { alwaysPasses, type Decisions, follow, isEnd, leadsBack, nodesBefore, reachesWithout } from '../../c/cfg/flow.ts';
import { byPlace, walk } from '../../c/cfg/order.ts';
import { CUT, search } from '../../c/cfg/paths.ts';
import { effectOfKind, effectsOfKind, likelyEffect } from '../../c/syntax/effects.ts';
import type { Cell, CFunction, Event, FlowNode } from '../../model/code.ts';
import type { Road } from '../../model/effect.ts';

/** One spelling for `a->b` and `a.b`, since a global's members are spelled with a dot. */
function spelling(text: string): string {
  return text.replace(/->/g, '.').replace(/^\((\w+)\)$/, '$1');
}

/** What a pointer handed to a call points to, as the function spells it: `x`, `a.b`; null where the cell is a part of an object. */
export function pointedTo(cell: Cell): string | null {
  if (cell.base === null) return cell.pointee ? spelling(cell.path) : null;
  if (cell.path === '*') return spelling(cell.base);
  if (!cell.pointee) return null;
  return spelling(cell.path.startsWith('*') ? `${cell.base}${cell.path.slice(1)}` : `${cell.base}.${cell.path}`);
}

/** The cell itself as the function spells it: `a.b` for what `a->b` names. */
export function placeOf(cell: Cell): string {
  if (cell.base === null) return spelling(cell.path);
  return spelling(
    cell.path === '*' ? `*${cell.base}` : cell.path.startsWith('*') ? `${cell.base}${cell.path.slice(1)}` : `${cell.base}.${cell.path}`,
  );
}

/** The object that the cell is part of, or that the pointer handed over points to. */
export function objectOf(cell: Cell): string | null {
  return pointedTo(cell) ?? (cell.base === null ? null : spelling(cell.base));
}

/** Variables that decide which object the spelling means: its first name and those in subscripts. */
export function variablesIn(object: string): string[] {
  const first = /^[*(]*([\w#]+)/.exec(object)?.[1]; // `x#2` is a second variable x of an inner block.
  const inner = [...object.matchAll(/\[([^\]]*)\]/g)].flatMap(m => m[1]?.match(/[A-Za-z_][\w#]*/g) ?? []);
  return [...new Set(first === undefined ? inner : [first, ...inner])];
}

/**
 * Does the event touch memory of the object? What lies behind a pointer in it is other memory: the pointer may have been loaded long before.
 */
export function isUseOf(event: Event, object: string): boolean {
  const { cell } = event;
  if (!cell || cell.base === null) return false;
  const target = pointedTo(cell);
  return target === null ? spelling(cell.base) === object : target === object;
}

function within(base: string, object: string): boolean {
  return base === object || (base.startsWith(object) && /^[.[]/.test(base.slice(object.length)));
}

/** Is the pointer to the object, or an address in it, an argument of the call? */
export function isHandedOver(event: Event, object: string): boolean {
  return event.args.some(arg => spelling(bareArgument(arg)) === object);
}

/** Is the address of something in the object an argument of the call? */
export function isPartHandedOver(event: Event, object: string): boolean {
  return event.args.some(arg => /^&/.test(bareArgument(arg)) && within(spelling(bareArgument(arg).slice(1)), object));
}

/** An argument without casts and parentheses around it. */
function bareArgument(arg: string): string {
  return arg.replace(/^(?:\([\w ]+\*+\))+/, '').replace(/^\((\w+(?:->\w+|\.\w+)*)\)$/, '$1');
}

/** How far to go from an event. */
export interface Onward {
  /** Where the way ends: what stands behind it is of another life of the object. */
  stop?: (event: Event) => boolean;
  /** Variables whose new value ends the way. */
  variables?: readonly string[];
  /** A pointer that is not NULL on any of the ways. */
  alive?: string;
  /** The first event's own result is the value that one of the variables has, and no new one. */
  result?: boolean;
  /** Follow loops around the event into their next rounds. */
  rounds?: boolean;
  /** Another CPU may change in between what a condition reads: two tests of one cell are two reads. */
  rereads?: boolean;
  /** Only the ways on which the first event's value is so. Nothing is reached before a test of it. */
  value?: 'zero' | 'nonzero';
}

/** What a walk comes to, in its order. */
export interface Reached {
  events: Event[];
  exits: FlowNode[];
  gap: boolean;
  /** Some way comes to an end of the function, to a gap, or back to the head of a loop. */
  leaves: boolean;
}

/**
 * What can run after the event, as a rule in the same round of the loops around it, on paths that neither `stop` nor a new value of one of the variables ends.
 * Conditions that were decided before the event, or on the path since, come out as they did. Where that makes too many paths only those from before count.
 */
export function onward(fn: CFunction, from: Event, how: Onward): Reached {
  const start = decidedBefore(fn, from);
  return (fn.flow.some(node => node.settles) ? alongPaths(fn, from, how, start) : null) ?? alongNodes(fn, from, how, start);
}

/** By single paths, each with what it has decided; null where there are too many. */
function alongPaths(fn: CFunction, from: Event, how: Onward, decided: Decisions): Reached | null {
  const { visit, takes, testOf, reached } = stepsOf(fn, from, how);
  const { exhausted } = search<number>(fn.flow, {
    starts: [{ node: from.node, state: how.value === undefined ? TESTED : UNTESTED, decided }],
    rereads: how.rereads ?? false,
    at: (state, at, node) => (visit(at, node, state === TESTED) ? state : CUT),
    along: (state, at, slot, node) => {
      const slotTaken = testOf(node);
      if ((slotTaken ?? slot) !== slot || !takes(node, slot, at)) return CUT;
      return slotTaken === null ? state : TESTED;
    },
  });
  return exhausted ? null : reached();
}

/** By nodes, each once before and once after the test of the first event's value. */
function alongNodes(fn: CFunction, from: Event, how: Onward, decided: Decisions): Reached {
  const { visit, takes, testOf, reached } = stepsOf(fn, from, how);
  const follows = (node: FlowNode, slot: number, at: number) => follow(decided, node, slot, how.rereads) !== null && takes(node, slot, at);
  const tested: number[] = how.value === undefined ? [from.node] : [];
  if (how.value !== undefined)
    walk(
      fn.flow,
      [from.node],
      (at, node) => visit(at, node, false),
      'forwards',
      (node, slot, at) => {
        const slotTaken = testOf(node);
        if (slotTaken === null) return follows(node, slot, at);
        if (slotTaken === slot && follows(node, slot, at)) tested.push(node.next[slot] ?? 0);
        return false;
      },
    );
  walk(
    fn.flow,
    tested,
    (at, node) => visit(at, node, true),
    'forwards',
    (node, slot, at) => (testOf(node) ?? slot) === slot && follows(node, slot, at),
  );
  return reached();
}

/** States of a path: whether it has passed a test of the first event's value. */
const UNTESTED = 0;
const TESTED = 1;

/** What both do at nodes and edges. */
function stepsOf(fn: CFunction, from: Event, { stop, variables = [], alive, result, rounds, value }: Onward) {
  const [events, exits] = [new Set<Event>(), new Set<FlowNode>()];
  let [gap, leaves] = [false, false];
  const resets = resetsOf(fn, variables);
  if (result) for (let slot = 0; slot < 2; slot++) resets.delete(edgeKey(from.node, slot));
  return {
    visit(at: number, node: FlowNode, tested: boolean): boolean {
      const event = node.event === null || at === from.node ? undefined : fn.events[node.event];
      if (event) {
        if (event.kind === 'expanded') return !setsVariable(event, variables);
        if (stop?.(event) || setsVariable(event, variables)) return false;
        if (tested) events.add(event);
      }
      if (node.kind === 'gap') gap = true;
      if (node.kind === 'exit' && tested) exits.add(node);
      if (node.kind === 'gap' || node.kind === 'exit') leaves = true;
      return true;
    },
    takes(node: FlowNode, slot: number, at: number): boolean {
      if (alive !== undefined && node.kind === 'branch' && nullWay(node, alive) === slot) return false;
      if (!resets.has(edgeKey(at, slot)) && (rounds || !leadsBack(fn, from, node.next[slot] ?? 0))) return true;
      leaves = true;
      return false;
    },
    /** The edge of a branch on the first event's value that the value takes. */
    testOf: (node: FlowNode): number | null =>
      value !== undefined && node.kind === 'branch' && node.decides?.includes(from.index) ? slotOf(node, value) : null,
    reached: (): Reached => ({ events: [...events].sort(byPlace), exits: [...exits].sort((a, b) => a.line - b.line), gap, leaves }),
  };
}

/** Does every way on from the event, in the same round of its loops, come by one of these events? Ways that a decided condition rules out do not count. */
export function surelyReaches(fn: CFunction, from: Event, targets: readonly Event[]): boolean {
  const nodes = new Set(targets.map(e => e.node));
  return !onward(fn, from, { stop: e => nodes.has(e.node) }).leaves;
}

/** Which way of the branch the value takes; null where the branch tests more than the value. */
function slotOf(node: FlowNode, value: 'zero' | 'nonzero'): number | null {
  if (node.decides?.length !== 1 || (node.tests !== 'nonzero' && node.tests !== 'zero')) return null;
  return node.tests === value ? 0 : 1;
}

/** What repeated conditions were where the event runs. */
function decidedBefore(fn: CFunction, event: Event): Decisions {
  const decided = new Map<number, boolean>();
  for (const [i, node] of fn.flow.entries()) {
    if (!node.settles || !nodesBefore(fn, event.node).has(i)) continue;
    const ways = node.next.flatMap((to, slot) => (reachesWithout(fn, to, event.node, at => at === i) ? [slot] : []));
    const [only] = ways;
    if (only !== undefined && ways.length === 1) for (const [condition, holds] of node.settles[only] ?? []) decided.set(condition, holds);
  }
  return decided;
}

const MOST_WAYS = 4096;
const edgeKey = (node: number, slot: number) => node * MOST_WAYS + slot;

function resetsOf(fn: CFunction, variables: readonly string[]): Set<number> {
  const found = new Set<number>();
  if (variables.length === 0) return found;
  for (const { name, ends } of fn.settings ?? []) if (variables.includes(name)) for (const end of ends) found.add(edgeKey(end.node, end.slot));
  return found;
}

/** A call that gets a variable's address may set it, and a loop macro moves what it walks with. */
function setsVariable(event: Event, variables: readonly string[]): boolean {
  if (variables.length === 0 || event.args.length === 0) return false;
  return event.args.some(arg => variables.some(v => arg === `&${v}` || (event.each && arg === v)));
}

/** The events whose values the variable holds somewhere in the function, those behind calls of them included. */
export function originsOf(fn: CFunction, variable: string): Event[] {
  const indices = (fn.settings ?? []).flatMap(s => (s.name === variable ? s.sources : []));
  return madeOf(fn, indices);
}

/** The events behind a value: what it comes from, and what the arguments of calls that made it come from. */
export function madeOf(fn: CFunction, indices: readonly number[]): Event[] {
  const seen = new Set(indices);
  for (const i of seen) for (const sources of fn.events[i]?.argSources ?? []) for (const source of sources) seen.add(source);
  return fn.events.filter(e => seen.has(e.index));
}

/** Memory, or a reference, that a function gives back. */
export interface Release {
  event: Event;
  /** The object as the function spells it. */
  object: string;
  /** Freed for sure, or a reference less. */
  kind: 'free' | 'put';
  /** The function in view that does it; null where the event itself does. */
  via: string | null;
}

const releases = new WeakMap<CFunction, Release[]>();

/** Everything that the function gives back, itself or by a function in view. */
export function releasesIn(fn: CFunction, functions: readonly CFunction[]): Release[] {
  let found = releases.get(fn);
  if (!found) {
    found = findReleases(fn, functions);
    releases.set(fn, found);
  }
  return found;
}

function findReleases(fn: CFunction, functions: readonly CFunction[]): Release[] {
  return fn.events.flatMap((event): Release[] => {
    if (event.ends || event.uncertain) return [];
    const own = releaseOf(event);
    if (own)
      return own.kind === 'free' && event.via && !surelyFrees(fn, event, own.object) ? [] : [{ event, ...own, via: event.via?.function ?? null }];
    if (event.kind !== 'call' || !event.argCells) return [];
    const callee = calleeOf(fn, event, functions);
    if (!callee?.whole) return [];
    return freedParameters(callee, functions).flatMap(i => {
      const cell = event.argCells?.[i];
      const object = cell ? pointedTo(cell) : null;
      return object === null ? [] : [{ event, object, kind: 'free' as const, via: callee.name }];
    });
  });
}

/** Members that are an object's count of references; others count something else. */
const COUNT = /^(?:k?refs?|refcnt|refcount|ref_?count|usage|users|count|usecnt|\w*_refs?|kobj|dev)$/;

/** A put of a reference that keeps an object alive; counts of users and of power keep none. */
function isPut(event: Event): boolean {
  const ref = effectOfKind(event, 'ref');
  return ref?.by === 'put' && ref.frees;
}

function releaseOf(event: Event): { object: string; kind: 'free' | 'put' } | null {
  if (!event.cell || effectOfKind(event, 'free')?.when === 'grace-period') return null;
  if (event.kind === 'free' && event.operation === null) {
    const object = pointedTo(event.cell);
    return object === null ? null : { object, kind: 'free' };
  }
  if (!isPut(event)) return null;
  const object = objectOf(event.cell);
  const member = pointedTo(event.cell) === null ? event.cell.path : null;
  return object === null || (member !== null && !COUNT.test(member)) ? null : { object, kind: 'put' };
}

const freed = new WeakMap<CFunction, number[]>();

/** Positions of parameters whose object every run of the function frees; a test of the parameter itself against NULL does not count as a way out. */
export function freedParameters(fn: CFunction, functions: readonly CFunction[]): number[] {
  const known = freed.get(fn);
  if (known) return known;
  freed.set(fn, []); // A function that calls itself is met here.
  const found = new Set<number>();
  const set = new Set((fn.settings ?? []).map(s => s.name));
  const own = fn.whole && !fn.isMacro && fn.parameters.some(p => p.type.includes('*')) ? releasesIn(fn, functions) : [];
  for (const { object, kind } of own) {
    const position = fn.parameters.findIndex(p => p.name === object);
    if (kind !== 'free' || position < 0 || found.has(position) || set.has(object)) continue;
    const at = new Set(own.filter(r => r.kind === 'free' && r.object === object).map(r => r.event.node));
    if (alwaysPasses(fn, at, (node, slot) => node.kind !== 'branch' || nullWay(node, object) !== slot)) found.add(position);
  }
  const positions = [...found];
  freed.set(fn, positions);
  return positions;
}

/** Does the helper on this line free the object whatever path it takes? One that frees on some path tells by its result, or by a count. */
function surelyFrees(fn: CFunction, free: Event, object: string): boolean {
  const call = fn.events[free.via?.call ?? -1];
  const body = call?.body;
  if (!call || !body) return false;
  const frees = new Set(
    fn.events.flatMap(e => (e.via?.call === call.index && e.kind === 'free' && e.cell && pointedTo(e.cell) === object ? [e.node] : [])),
  );
  let surely = true;
  const visit = (at: number, node: FlowNode) => {
    if (frees.has(at)) return false;
    if (at < body.from || at > body.to ? at !== call.node : isEnd(node)) surely = false;
    return surely;
  };
  walk(fn.flow, [call.node], visit, 'forwards', (node, slot) => node.kind !== 'branch' || nullWay(node, object) !== slot);
  return surely;
}

/** The way of a branch on which the pointer is NULL or an error; -1 where it tests something else. */
export function nullWay(node: FlowNode, pointer: string): number {
  const condition = spelling(node.condition ?? '');
  if (condition === pointer || condition === `${pointer} != NULL`) return 1;
  if (condition === `${pointer} == NULL` || condition === `IS_ERR_OR_NULL(${pointer})` || condition === `IS_ERR(${pointer})`) return 0;
  return -1;
}

const unlinked = new WeakMap<CFunction, number[]>();
/** Takes an entry off a list that readers walk under RCU, and leaves it to a later grace period. */
export function unlinks(event: Event): boolean {
  const unpublish = effectOfKind(event, 'unpublish');
  return unpublish?.rcu === true && LISTS.has(unpublish.by) && unpublish.object === event.fact?.cell && !effectOfKind(event, 'publish');
}

const LISTS: ReadonlySet<string> = new Set<Road>(['list', 'hlist', 'hash']);

/** Calls that put an entry on a list that readers walk. */
function links(event: Event): boolean {
  const publish = effectOfKind(event, 'publish');
  return publish?.rcu === true && LISTS.has(publish.by) && !effectOfKind(event, 'unpublish');
}

/** The object that the event, or the function in view that it calls, takes off an RCU list; null where it takes none. */
export function unlinkedBy(fn: CFunction, event: Event, functions: readonly CFunction[]): string | null {
  if (unlinks(event)) return event.cell ? objectOf(event.cell) : null;
  if (event.kind !== 'call' || !event.argCells) return null;
  const callee = calleeOf(fn, event, functions);
  if (!callee?.whole) return null;
  let positions = unlinked.get(callee);
  if (!positions) {
    // Who waits for the readers itself leaves nothing to wait for, and who only moves the entry leaves it on a list.
    const moves = (e: Event, base: string) =>
      surelyReaches(
        callee,
        e,
        callee.events.filter(a => links(a) && a.args.some(arg => arg.startsWith(`&${base}->`))),
      );
    const bases = callee.events.some(waitsForReaders)
      ? []
      : callee.events.flatMap(e => (unlinks(e) && e.cell?.base && !moves(e, e.cell.base) ? [e.cell.base] : []));
    positions = bases.map(base => callee.parameters.findIndex(p => p.name === base)).filter(i => i >= 0);
    unlinked.set(callee, positions);
  }
  const cell = event.argCells[positions[0] ?? -1];
  return cell ? pointedTo(cell) : null;
}

/** May the call free the object that it is given, on some way, with no count of references to ask? What the object owns is another object. */
export function mayFree(fn: CFunction, event: Event, object: string, functions: readonly CFunction[]): boolean {
  if (event.kind === 'free' && event.via) return mayFree(fn, asWritten(fn, event), object, functions);
  if (!isCall(event) || !event.argCells) return false;
  const position = event.argCells.findIndex(cell => cell && pointedTo(cell) === object);
  const callee = position < 0 ? null : calleeOf(fn, event, functions);
  const parameter = callee?.parameters[position]?.name;
  if (!callee?.whole || parameter === undefined || deferred(callee, parameter)) return false;
  return releasesIn(callee, functions).some(r => r.kind === 'free' && r.object === parameter);
}

/** Does the function wait for readers, or count references, before it frees what the parameter points to? */
function deferred(callee: CFunction, parameter: string): boolean {
  const defers = (e: Event) => waitsForReaders(e) && (e.args.length === 0 || isHandedOver(e, parameter) || isPartHandedOver(e, parameter));
  const counts = (e: Event) =>
    e.kind === 'rmw' && (e.operation === 'dec' || e.operation === 'sub') && e.cell !== null && objectOf(e.cell) === parameter;
  return callee.events.some(e => defers(e) || counts(e));
}

/** Is the event one more reference to the object, by its fact or by its name? */
export function takesReference(event: Event, object: string): boolean {
  const counted = event.kind === 'rmw' && (event.operation === 'inc' || event.operation === 'add') && event.cell && objectOf(event.cell) === object;
  if (counted) return true;
  const ref = likelyEffect(event, 'ref');
  return ref !== undefined && ref.by !== 'put' && (isHandedOver(event, object) || isPartHandedOver(event, object));
}

/** Does the event wait until readers that were under way are done, or hand the work to what runs behind that? */
export function waitsForReaders(event: Event): boolean {
  const of = likelyEffect(event, 'quiesce')?.of;
  return (
    of === 'readers' ||
    of === 'rcu' ||
    likelyEffect(event, 'free')?.when === 'grace-period' ||
    likelyEffect(event, 'register')?.runner === 'rcu' ||
    effectsOfKind(event, 'queue').some(e => e.runner === 'rcu')
  );
}
