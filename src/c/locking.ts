/** What rules ask of locks and contexts: who holds what at the entry, what may sleep, and which ways out keep a lock. */
import { factOf } from '../facts/lookup.ts';
import type { CFunction, Event, FlowNode } from '../model/code.ts';
import type { World } from '../model/rule.ts';
import { calleeOf } from './callees.ts';
import { inCaller } from './effects.ts';
import { nodesBefore } from './flow.ts';
import { type LockFlow, lockFlowOf, lockName, outcome, type State, sameLock } from './locksets.ts';

/** A context that a call began without a lock, as a lock is written. */
const CONTEXT = 'context:';
/** Locks whose holders may not sleep. A lock of unknown family is none of them. */
const SPINNING = /^(?:spin|raw-spin|rwlock|bit-spin|seqlock):/;
/** Contexts in which nothing may sleep. */
const ATOMIC = ['irqs-off', 'preempt-off', 'bh-off', 'rcu-read'];
/** Ways through one function beyond which nothing is said of it. */
const MOST_WAYS = 4000;
/** Call chains are followed so far. */
const DEEPEST = 3;

/** What an event takes or begins. A guard counts as any other lock. */
export interface Taking {
  /** `family:name`, or `context:` and the word. */
  lock: string;
  /** Taken for sharing with other readers. */
  shared: boolean;
  /** Taken on one outcome of the call only. */
  conditional: boolean;
  /** The call switches interrupts off besides. */
  irqsOff: boolean;
}

/** What the event takes: locks, and contexts that it begins without one. */
export function takings(fn: CFunction, event: Event): Taking[] {
  const effect = lockFlowOf(fn)?.effects[event.index];
  if (!effect || asserted(effect.lock)) return [];
  const conditional = effect.when !== null;
  const irqsOff = effect.enter.includes('irqs-off');
  const locks = effect.lock.map(lock => ({ lock: lock.replace(/ \(shared\)$/, ''), shared: lock.endsWith(' (shared)'), conditional, irqsOff }));
  if (locks.length > 0 || effect.unlock.length > 0) return locks;
  return effect.enter.map(word => ({ lock: `${CONTEXT}${word}`, shared: true, conditional, irqsOff }));
}

function asserted(locks: readonly string[]): boolean {
  return locks.some(lock => lock.startsWith('asserted:'));
}

/** Does the event give the lock back, or end the context? */
export function gives(fn: CFunction, event: Event, lock: string): boolean {
  const effect = lockFlowOf(fn)?.effects[event.index];
  if (!effect) return false;
  if (lock.startsWith(CONTEXT)) return effect.leave.includes(lock.slice(CONTEXT.length));
  return effect.unlock.some(name => sameLock(name, lock));
}

/** Locks that the function gives back before it takes them, or that it says its caller holds. */
export function enteredUnder(fn: CFunction): string[] {
  return [...fn.entryLocks, ...(lockFlowOf(fn)?.entered ?? [])];
}

const dropped = new WeakMap<CFunction, Set<string>>();

/**
 * Locks and contexts that a run of the function may end without having begun them, itself or in a function in view that it calls: a caller that
 * holds one can't be sure of it afterwards.
 */
export function dropsOf(fn: CFunction, functions: readonly CFunction[], depth = 0): ReadonlySet<string> {
  const known = dropped.get(fn);
  if (known) return known;
  const found = new Set<string>();
  dropped.set(fn, found);
  const flow = lockFlowOf(fn);
  for (const event of fn.events) {
    const callee = event.kind === 'call' && depth < 8 ? calleeOf(fn, event, functions) : null;
    if (callee && callee !== fn) for (const lock of dropsOf(callee, functions, depth + 1)) if (!heldHere(flow, event, lock)) found.add(lock);
    for (const named of namedIn(fn, event, functions)) if (depth < 8) for (const lock of dropsOf(named, functions, depth + 1)) found.add(lock);
    const effect = flow?.effects[event.index];
    if (!effect || event.ends) continue;
    const callers = (lock: string) => fn.entryLocks.some(name => sameLock(name, lock));
    for (const lock of effect.unlock) if (callers(lock) || !heldHere(flow, event, lock) || givenFirst(fn, lock)) found.add(bare(lock));
    for (const word of effect.leave) if (!flow?.states[event.node]?.context.has(word)) found.add(`${CONTEXT}${word}`);
  }
  return found;
}

/** Functions in view that a call is given to run. */
function namedIn(fn: CFunction, event: Event, functions: readonly CFunction[]): CFunction[] {
  if (event.args.length < 2) return [];
  return event.args.flatMap(arg => {
    const found = /^[A-Za-z_]\w*$/.test(arg) ? calleeOf(fn, { ...event, kind: 'call', opaque: false, api: arg }, functions) : null;
    return found && found !== fn ? [found] : [];
  });
}

function heldHere(flow: LockFlow | null, event: Event, lock: string): boolean {
  const state = flow?.states[event.node];
  return state ? [...state.may.keys()].some(held => sameLock(held, lock)) : false;
}

function bare(lock: string): string {
  return lock.slice(lock.indexOf(':') + 1).replace(/ \(shared\)$/, '');
}

/** The last member of a lock's name: what is left of it where the type is not in view. */
function tail(lock: string): string {
  return /[\w[\]]+$/.exec(bare(lock))?.[0] ?? '';
}

const GIVES_BACK = /(?:^|_|>)(?:un\w*lock\w*|release\w*|drop\w*|leave|exit|end|put|done|finish\w*|complete\w*|resume|thaw|up|relax|free\w*)(?:_|$)/;

/**
 * May the event give back what `from` took: by its code where that is in view, by its name where not; an indirect call that is given the object,
 * or the saved interrupt flags, may do so too.
 */
export function mayGive(fn: CFunction, event: Event, lock: string, from: Event, functions: readonly CFunction[]): boolean {
  const root = /\w+/.exec(from.args[0] ?? '')?.[0] ?? '';
  if (event.kind === 'unlock') return tail(lockName(event, '')) === tail(lock) || (event.args.length > 1 && event.args.includes(root));
  if (event.kind === 'call' && event.args.some(arg => arg === from.args[1] || (/^\w*flags$/.test(arg) && event.args.includes(root)))) return true;
  if (/unlock|(?:^|_)(?:put|release|drop)_\w*locked/.test(event.api)) return true;
  const written = from.args[factOf(from.api)?.cell ?? 0] ?? '';
  if (event.kind === 'call' && event.opaque && written.startsWith('&') && event.args.some(arg => arg === written || arg === written.slice(1)))
    return true;
  for (const named of namedIn(fn, event, functions)) if (givesInside(named, lock, functions)) return true;
  if (event.kind !== 'call') return false;
  // A fault that is to be tried again, or that a signal ends, comes back without the lock.
  if (lock.startsWith('mmap:') && /fault/.test(event.api)) return true;
  if (event.opaque) {
    if (lock.startsWith(`${CONTEXT}rcu`)) return /unlock/.test(event.api);
    return GIVES_BACK.test(event.api) || (/[.>[]/.test(event.api) && event.args.some(arg => arg === root));
  }
  const callee = calleeOf(fn, event, functions);
  return callee !== null && (!callee.whole || callee.attributes.some(a => a.startsWith('__releases')) || givesInside(callee, lock, functions));
}

function givesInside(callee: CFunction, lock: string, functions: readonly CFunction[]): boolean {
  const context = lock.startsWith(CONTEXT);
  return [...dropsOf(callee, functions)].some(name => (context || name.startsWith(CONTEXT) ? name === lock : tail(name) === tail(lock)));
}

/** A way out of a function on which a lock stays held that other ways give back. */
export interface Leak {
  taking: Taking;
  from: Event;
  exit: FlowNode;
  /** Where the way turns off from those that give the lock back. */
  line: number;
  /** An event at that place, where there is one. */
  event: Event | null;
  /** Exits behind a release, and the releases. */
  released: FlowNode[];
  /** Nodes of the way, the acquisition first. */
  way: number[];
  releases: Event[];
}

/** Every way out of a whole function that keeps a lock or context which the function took itself, where other ways give it back. */
export function leaksOf(fn: CFunction, functions: readonly CFunction[]): Leak[] {
  const flow = lockFlowOf(fn);
  if (!flow || !fn.whole || fn.broken || fn.isMacro) return [];
  const found: Leak[] = [];
  const entered = enteredUnder(fn);
  const drops = dropsOf(fn, functions);
  for (const from of fn.events) {
    // A result that is looked at where no fact tells what it means: the lock may not be taken at all.
    if (from.opaque && from.used) continue;
    if (/^(?:guard|scoped_guard|CLASS)\(/.test(from.api) || !flow.states[from.node]) continue;
    for (const taking of takings(fn, from)) {
      const { lock } = taking;
      if (entered.some(name => sameLock(name, lock) || name.startsWith('named:')) || from.locks.some(held => sameLock(held, lock))) continue;
      if (
        lock.startsWith(CONTEXT)
          ? !PLAIN_SECTION.test(from.api) || drops.has(lock)
          : drops.has(bare(lock)) || givenFirst(fn, lock) || isTaken(fn, from, lock)
      )
        continue;
      // Held here on some way already: by another acquisition, unless it is this very one on its way round.
      const others = fn.events.some(e => e !== from && takings(fn, e).some(t => sameLock(t.lock, lock)));
      if (others && from.maybeLocks.some(held => sameLock(held, lock))) continue;
      if (lock.startsWith(CONTEXT) && from.context.includes(lock.slice(CONTEXT.length))) continue;
      const ways = waysFrom(fn, flow, from, taking, functions);
      if (!ways || ways.released.size === 0) continue;
      // These are given back by whoever ends the work on them.
      if (HANDED_ON.test(lock)) continue;
      const inLoop = (event: Event) =>
        fn.shape.loops.some(l => l.line <= event.line && l.endLine >= event.line && !(l.line <= from.line && l.endLine >= from.line));
      const retakes = fn.events.some(e => e !== from && takings(fn, e).some(t => sameLock(t.lock, lock)) && inLoop(e));
      if (retakes && ways.releases.some(inLoop)) continue;
      if (ways.releases.length === 0 || ways.releases.every(inLoop)) continue;
      for (const way of ways.leaks) {
        const at = turnOf(fn, way, ways.releases);
        if (at === null || !isFeasible(fn, way)) continue;
        // What a loop leaves held it may tell by its counter.
        if (fn.shape.loops.some(l => l.line <= from.line && l.endLine >= from.line && (at.line < l.line || at.line > l.endLine))) continue;
        found.push({
          taking,
          from,
          exit: fn.flow[way.at(-1) ?? 0] ?? { event: null, next: [], kind: 'exit', line: from.line },
          ...at,
          way,
          released: [...ways.released].flatMap(n => fn.flow[n] ?? []),
          releases: ways.releases,
        });
      }
    }
  }
  return found;
}

const HANDED_ON = /^(?:buffer|page|semaphore):/;
/** Calls that begin a section whatever they return. */
const PLAIN_SECTION = /^(?:rcu_read_lock(?:_bh|_sched)?|(?:raw_)?local_irq_(?:disable|save)|local_bh_disable|preempt_disable(?:_notrace)?|get_cpu)$/;

/** Does some way through the function give the lock back before it takes it? */
function givenFirst(fn: CFunction, lock: string): boolean {
  const seen = new Set([0]);
  for (const at of seen) {
    const node = fn.flow[at];
    const event = node?.event == null ? undefined : fn.events[node.event];
    if (event && !event.ends && gives(fn, event, lock)) return true;
    if (event && takings(fn, event).some(t => sameLock(t.lock, lock))) continue;
    for (const to of node?.next ?? []) seen.add(to);
  }
  return false;
}

/** Is a lock of the same name, of another object, taken elsewhere in the function? */
function isTaken(fn: CFunction, from: Event, lock: string): boolean {
  return fn.events.some(e => e !== from && e.args[0] !== from.args[0] && !e.ends && takings(fn, e).some(t => sameLock(t.lock, lock)));
}

interface Ways {
  /** Nodes of each way on which the lock stays held, one for each exit and turning. */
  leaks: number[][];
  /** Exits that a release leads to. */
  released: Set<number>;
  releases: Event[];
}

interface Step {
  node: number;
  held: boolean;
  decided: ReadonlyMap<number, boolean>;
  from: Step | null;
}

/** Walks every way from the acquisition; null where the flow is too wide or the outcome of a try is not tested in a way that tells. */
function waysFrom(fn: CFunction, flow: LockFlow, from: Event, taking: Taking, functions: readonly CFunction[]): Ways | null {
  const when = flow.effects[from.index]?.when ?? null;
  const ways: Ways = { leaks: [], released: new Set(), releases: [] };
  const seen = new Set<string>();
  const start: State | null | undefined = flow.states[from.node];
  const work: (Step & { sure: boolean })[] = [
    { node: from.node, held: true, decided: new Map(start?.decided ?? []), from: null, sure: when === null },
  ];
  const ends: Step[] = [];
  while (work.length > 0) {
    const step = work.pop();
    if (!step) break;
    const node = fn.flow[step.node];
    if (!node) continue;
    if (node.kind === 'gap') return null;
    if (node.kind === 'exit') {
      if (node.stops) continue;
      if (!step.held) ways.released.add(step.node);
      else if (step.sure) ends.push(step);
      else return null;
      continue;
    }
    let { held } = step;
    const event = node.event === null ? undefined : fn.events[node.event];
    // From where it is taken again, that acquisition is the one to follow.
    if (!held && event && takings(fn, event).some(t => sameLock(t.lock, taking.lock))) continue;
    if (held && event && event !== from) {
      if (gives(fn, event, taking.lock)) {
        held = false;
        if (!ways.releases.includes(event)) ways.releases.push(event);
      } else if (mayGive(fn, event, taking.lock, from, functions)) held = false;
    }
    if (node.kind === 'branch' && held && conditionalRelease(fn, step.node, taking.lock)) held = false;
    for (const [slot, to] of node.next.entries()) {
      let { decided, sure } = step;
      if (node.kind === 'branch' && slot < 2) {
        if (node.alike !== undefined) {
          const known = decided.get(node.alike);
          if (known !== undefined && known !== (slot === 0)) continue;
          decided = new Map(decided).set(node.alike, slot === 0);
        }
        if (held && !sure && node.decides?.includes(from.index)) {
          const got = node.decides.length === 1 && when ? outcome(when, node.tests, slot) : null;
          if (got === false) continue;
          if (got === null) {
            if (node.tests !== 'negative' && node.tests !== 'positive') return null;
          } else sure = true;
        }
      }
      if (to === from.node) continue;
      const key = `${to}|${held}|${sure}|${[...decided]
        .map(([n, is]) => (is ? n : -n))
        .sort()
        .join()}`;
      if (seen.has(key)) continue;
      if (seen.size >= MOST_WAYS) return null;
      seen.add(key);
      work.push({ node: to, held, decided, from: step, sure });
    }
  }
  for (const end of ends) {
    const way: number[] = [];
    for (let at: Step | null = end; at; at = at.from) way.push(at.node);
    ways.leaks.push(way.reverse());
  }
  return ways;
}

/** `if (c) unlock`: of the two short ways of a branch, which meet again at once, one gives the lock back. What it tests goes with how the lock was taken. */
export function conditionalRelease(fn: CFunction, branch: number, lock: string): boolean {
  const [yes, no] = fn.flow[branch]?.next ?? [];
  if (yes === undefined || no === undefined) return false;
  const ways = [reachOf(fn, yes), reachOf(fn, no)] as const;
  const [a, b] = ways;
  const meet = [...a.keys()].find(n => b.has(n));
  if (meet === undefined || fn.flow[meet]?.label !== undefined) return false;
  // The end of an if, not of the switch or loop that a break leaves: to that others lead as well.
  const near = (n: number) => fn.flow[n]?.kind === 'branch' && isCondition(fn, n, branch);
  if (fn.flow.some((node, n) => node.next.includes(meet) && n !== branch && !a.has(n) && !b.has(n) && !near(n))) return false;
  const [first, second] = [yes, no].map(from => releasesUntil(fn, from, meet, lock));
  return first !== undefined && second !== undefined && first !== second;
}

/** Are the two branches parts of one condition, with nothing but its own values between them? */
function isCondition(fn: CFunction, first: number, second: number): boolean {
  return (fn.flow[first]?.next ?? []).some(start => {
    let at = start;
    for (let steps = 0; steps < MOST_CONDITION; steps++) {
      if (at === second) return true;
      const node = fn.flow[at];
      const event = node?.event == null ? undefined : fn.events[node.event];
      if (node?.kind !== 'step' || event?.kind === 'lock' || event?.kind === 'unlock' || event?.kind === 'write') return false;
      at = node.next[0] ?? -1;
    }
    return false;
  });
}

/** Events between two parts of one condition. */
const MOST_CONDITION = 6;
/** Most nodes of an arm that counts as short. */
const SHORT = 14;

function reachOf(fn: CFunction, from: number): Set<number> {
  const seen = new Set([from]);
  for (const at of seen) {
    if (seen.size > SHORT) break;
    for (const to of fn.flow[at]?.next ?? []) seen.add(to);
  }
  return seen;
}

/** Whether all ways from a node to another give the lock back; undefined where some do, or one leads elsewhere. */
function releasesUntil(fn: CFunction, from: number, meet: number, lock: string): boolean | undefined {
  const seen = new Set<string>();
  const work: [number, boolean][] = [[from, false]];
  const ends = new Set<boolean>();
  for (let next = work.pop(); next; next = work.pop()) {
    const [at, before] = next;
    if (at === meet) {
      ends.add(before);
      continue;
    }
    const key = `${at}|${before}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const node = fn.flow[at];
    if (!node || node.kind === 'exit' || node.kind === 'gap' || seen.size > 2 * SHORT) return undefined;
    const event = node.event === null ? undefined : fn.events[node.event];
    const given = before || (event !== undefined && gives(fn, event, lock));
    for (const to of node.next) work.push([to, given]);
  }
  return ends.size === 1 ? ends.has(true) : undefined;
}

/** False where the way takes a variable for set that was last set to a plain constant: `int err = 0; ...; if (err)`. */
function isFeasible(fn: CFunction, way: readonly number[]): boolean {
  const all = fn.settings ?? [];
  const earlier = before(fn, way[0] ?? 0);
  for (const [i, at] of way.entries()) {
    const node = fn.flow[at];
    const variable = node?.kind === 'branch' && node.tests === 'nonzero' ? /^\(?(\w+)\)?(?: < 0)?$/.exec(node.condition ?? '')?.[1] : undefined;
    if (!node || variable === undefined || node.next.indexOf(way[i + 1] ?? -1) !== 0) continue;
    const constant = (s: (typeof all)[number]) => s.sources.length === 0 && !('fails' in s && s.fails === true);
    const own = all.filter(s => s.name === variable);
    const along = own.filter(s => s.ends.some(end => way.slice(0, i).some((n, j) => n === end.node && fn.flow[n]?.next[end.slot] === way[j + 1])));
    const relevant = along.length > 0 ? along.slice(-1) : own.filter(s => s.ends.some(end => earlier.has(end.node)));
    if (relevant.length > 0 && relevant.every(constant)) return false;
  }
  return true;
}

function before(fn: CFunction, node: number): Set<number> {
  const into: number[][] = fn.flow.map(() => []);
  fn.flow.forEach((n, i) => {
    for (const to of n.next) into[to]?.push(i);
  });
  const seen = new Set([node]);
  for (const at of seen) for (const from of into[at] ?? []) seen.add(from);
  return seen;
}

/** The place at which a way leaves those that give the lock back; null where it merely passes by a block that does. */
function turnOf(fn: CFunction, way: number[], releases: Event[]): { line: number; event: Event | null } | null {
  const leads = leadingTo(fn, releases, way[0] ?? 0);
  let at = way.findIndex((node, i) => i > 0 && !leads.has(node));
  if (at < 0) at = way.length - 1;
  const arm = way.slice(at);
  const last = fn.flow[arm.at(-1) ?? 0];
  const branch = fn.flow[way[at - 1] ?? 0];
  // Where the other way through an if has ended, running on is the way itself.
  const passes = branch?.kind === 'branch' && branch.next[1] === arm[0] && branch.next[0] !== arm[0];
  if (
    passes &&
    ((fn.flow[arm[0] ?? 0]?.kind === 'join' && fn.flow[arm[0] ?? 0]?.label === undefined) || last?.line === fn.endLine) &&
    last?.returned === undefined
  )
    return null;
  const joined = arm.find(n => fn.flow[n]?.kind === 'join');
  if (joined === undefined && last) return { line: last.line, event: null };
  for (const n of arm) {
    const node = fn.flow[n];
    if (!node || node.kind === 'join') break;
    if (node.event !== null) return { line: node.line, event: fn.events[node.event] ?? null };
  }
  return { line: branch?.line ?? last?.line ?? fn.line, event: null };
}

function leadingTo(fn: CFunction, events: Event[], start: number): Set<number> {
  const into: number[][] = fn.flow.map(() => []);
  fn.flow.forEach((node, i) => {
    for (const to of node.next) into[to]?.push(i);
  });
  const seen = new Set(events.map(e => e.node));
  const work = [...seen];
  while (work.length > 0) {
    const at = work.pop() ?? 0;
    for (const from of at === start ? [] : (into[at] ?? [])) {
      if (seen.has(from)) continue;
      seen.add(from);
      work.push(from);
    }
  }
  return seen;
}

/** Locks and contexts that surely hold when a function begins. */
export interface Entry {
  locks: string[];
  context: string[];
}

const entries = new WeakMap<World, Map<CFunction, Entry>>();
const NOTHING: Entry = { locks: [], context: [] };

/**
 * What holds whenever the function is run: what it says itself and, where it is static and nothing but calls in the same whole file names it,
 * what all those callers hold.
 */
export function heldOnEntry(fn: CFunction, world: World, depth = 0): Entry {
  const known = entries.get(world) ?? new Map<CFunction, Entry>();
  entries.set(world, known);
  const before = known.get(fn);
  if (before) return before;
  known.set(fn, { locks: enteredUnder(fn), context: [] });
  const found = entryOf(fn, world, depth);
  known.set(fn, found);
  return found;
}

function entryOf(fn: CFunction, world: World, depth: number): Entry {
  const own: Entry = { locks: enteredUnder(fn), context: assertedContext(fn) };
  const sites = callersOf(fn, world);
  if (!sites || depth > DEEPEST) return own;
  let both: Entry | null = null;
  for (const { fn: caller, event } of sites) {
    const above = caller === fn ? NOTHING : heldOnEntry(caller, world, depth + 1);
    const flow = lockFlowOf(caller);
    const drops = flow ? dropsOf(caller, world.functions) : null;
    const kept = above.locks.filter(lock => !drops?.has(bare(lock)) && !event.locks.includes(lock));
    const here: Entry = {
      locks: [...event.locks, ...kept],
      context: [
        ...event.context,
        ...above.context.filter(w => !event.context.includes(w) && !(drops?.has(`${CONTEXT}${w}`) && endsBefore(caller, event, w, world.functions))),
      ],
    };
    both =
      both === null
        ? here
        : { locks: both.locks.filter(l => here.locks.some(o => sameLock(o, l))), context: both.context.filter(w => here.context.includes(w)) };
  }
  return { locks: [...new Set([...own.locks, ...(both?.locks ?? [])])], context: [...new Set([...own.context, ...(both?.context ?? [])])] };
}

/** Can a run of the function come by something that ends the context before the event? What ends it behind the event does not matter there. */
function endsBefore(fn: CFunction, event: Event, word: string, functions: readonly CFunction[]): boolean {
  const flow = lockFlowOf(fn);
  const nodes = nodesBefore(fn, event.node);
  return fn.events.some(e => {
    if (e === event || !nodes.has(e.node)) return false;
    const callee = e.kind === 'call' ? calleeOf(fn, e, functions) : null;
    return flow?.effects[e.index]?.leave.includes(word) || (callee !== null && callee !== fn && dropsOf(callee, functions).has(`${CONTEXT}${word}`));
  });
}

function assertedContext(fn: CFunction): string[] {
  const found: string[] = [];
  // Who switches interrupts on first has been called with them off.
  if (lockFlowOf(fn) && fn.events.some(e => lockFlowOf(fn)?.effects[e.index]?.leave.includes('irqs-off') && !e.context.includes('irqs-off')))
    found.push('irqs-off');
  if (fn.events.some(e => /^lockdep_assert_irqs_disabled$/.test(e.api))) found.push('irqs-off');
  if (fn.events.some(e => /^lockdep_assert_preemption_disabled$/.test(e.api))) found.push('preempt-off');
  return found;
}

/** All calls of the function, where they are all in view: it is static in a whole file, and nothing holds its address. Null where not. */
export function callersOf(fn: CFunction, world: World): { fn: CFunction; event: Event }[] | null {
  if (!fn.isStatic || !fn.whole || fn.path.endsWith('.h') || world.mentions(fn).length > 0) return null;
  const sites = world.callers(fn.name).filter(site => site.fn.path === fn.path);
  return sites.length > 0 && sites.every(site => site.fn.whole && !site.fn.isMacro) ? sites : null;
}

/** Locks surely held at an event, the function's own and those of its callers. */
export function heldAt(fn: CFunction, event: Event, world: World): string[] {
  const above = heldOnEntry(fn, world).locks;
  const drops = above.length > 0 ? dropsOf(fn, world.functions) : null;
  return [...event.locks, ...above.filter(lock => !drops?.has(bare(lock)) && !event.locks.some(own => sameLock(own, lock)))];
}

/** What surely keeps an event from sleeping: a spinning lock, or a context; null where nothing in the function does. */
export function atomicAt(event: Event): { lock: string | null; word: string } | null {
  const lock = event.locks.find(name => SPINNING.test(name)) ?? null;
  const word = ATOMIC.find(w => event.context.includes(w)) ?? null;
  return lock !== null ? { lock, word: 'a spinning lock' } : word !== null ? { lock: null, word } : null;
}

/** Is it a lock that spins? */
export function spins(lock: string): boolean {
  return SPINNING.test(lock);
}

const SLEEPING_GFP = /\bGFP_(?:KERNEL|USER|NOFS|NOIO|HIGHUSER|HIGHUSER_MOVABLE|KERNEL_ACCOUNT)\b/;

/** Does the call surely come to a point where it may sleep: by what is known of it, or by the GFP flags written in it? */
export function maySleep(event: Event): boolean {
  if (event.ends || event.kind === 'unlock') return false;
  const fact = factOf(/^(?:scoped_)?guard\(/.test(event.api) ? event.api.replace(/^scoped_/, '') : event.api);
  if (!fact || (event.kind === 'call' && event.argCells)) return false;
  if (fact.sleeps === 'yes') return true;
  if (fact.sleeps !== 'maybe' || !/alloc|dup|new/.test(event.api)) return false;
  const flags = event.args.find(arg => /\b(?:GFP_|gfp)/.test(arg));
  return flags !== undefined && SLEEPING_GFP.test(flags) && !/\?|~|GFP_ATOMIC|GFP_NOWAIT/.test(flags);
}

const sleepers = new WeakMap<CFunction, Event | null>();

/** The event at which every run of the function may sleep, in itself or in a function in view that it calls; null where there is none. */
export function sureSleep(fn: CFunction, functions: readonly CFunction[], depth = 0): Event | null {
  const known = sleepers.get(fn);
  if (known !== undefined) return known;
  sleepers.set(fn, null);
  if (!fn.whole || depth > DEEPEST) return null;
  for (const event of fn.events) {
    let sleeps = maySleep(event);
    if (!sleeps && event.kind === 'call' && event.argCells) {
      const callee = calleeOf(fn, event, functions);
      sleeps = callee !== null && callee !== fn && sureSleep(callee, functions, depth + 1) !== null;
    }
    // What it drops first, its callers do not hold while it sleeps.
    if (!sleeps || !alwaysRuns(fn, event)) continue;
    if (dropsOf(fn, functions).size > 0) return null;
    sleepers.set(fn, event);
    return event;
  }
  return null;
}

/** Does every run of the function pass the event? */
export function alwaysRuns(fn: CFunction, event: Event): boolean {
  const seen = new Set([event.node]);
  const work = [0];
  while (work.length > 0) {
    const at = work.pop() ?? 0;
    if (seen.has(at)) continue;
    seen.add(at);
    const node = fn.flow[at];
    if (!node || node.kind === 'exit' || node.kind === 'gap') return false;
    work.push(...node.next);
  }
  return true;
}

/** A lock that a function in view takes on every run, in the words of its caller. */
export interface SureLock {
  lock: string;
  /** The object that holds it, as the caller writes it; null where that is not known or the lock is a global. */
  base: string | null;
  event: Event;
  fn: CFunction;
}

/** Locks that a call of a function in view surely takes, whether it gives them back or not. */
export function surelyTakes(fn: CFunction, call: Event, functions: readonly CFunction[], depth = 0): SureLock[] {
  const callee = call.kind === 'call' ? calleeOf(fn, call, functions) : null;
  if (!callee?.whole || callee === fn || callee.isMacro || depth > DEEPEST || !lockFlowOf(callee)) return [];
  const found: SureLock[] = [];
  for (const event of callee.events) {
    const taken = takings(callee, event).filter(t => !t.conditional && !t.shared && !t.lock.startsWith(CONTEXT));
    if (event.kind === 'call') {
      if (!event.argCells) continue;
      const inner = surelyTakes(callee, event, functions, depth + 1);
      if (inner.length > 0 && alwaysRuns(callee, event))
        for (const lock of inner) found.push({ ...lock, base: lock.base === null ? null : inCallersWords(lock.base, callee, call) });
      continue;
    }
    if (taken.length === 0 || event.locks.length > 0 || !alwaysRuns(callee, event) || !event.cell) continue;
    const root = /^\w+/.exec(event.cell.base ?? '')?.[0];
    // An object that the callee looks up for itself is not the caller's by a name alike.
    if (event.cell.base !== null && !callee.parameters.some(p => p.name === root)) continue;
    const cell = inCaller(event.cell, callee, call);
    for (const { lock } of taken) found.push({ lock, base: cell?.base ?? null, event, fn: callee });
  }
  const drops = dropsOf(callee, functions);
  return found.filter(l => !drops.has(bare(l.lock)));
}

function inCallersWords(base: string, callee: CFunction, call: Event): string | null {
  const root = /^\w+/.exec(base)?.[0] ?? '';
  const position = callee.parameters.findIndex(p => p.name === root);
  const argument = position < 0 ? undefined : call.args[position];
  return argument !== undefined && /^\w[\w.>-]*$/.test(argument) ? `${argument}${base.slice(root.length)}` : null;
}

/** A lock's name as a person writes it: `foo->lock`, or the name of a global. */
export function lockText(lock: string, event?: Event): string {
  if (lock.startsWith(CONTEXT)) return lock.slice(CONTEXT.length);
  const arg = event?.args.find((_, i) => i === (factOf(event.api)?.cell ?? 0));
  if (arg !== undefined && event && (event.kind === 'lock' || event.kind === 'unlock') && /^&?[\w.>[\]()-]+$/.test(arg) && arg !== '')
    return arg.replace(/^&/, '');
  if (bare(lock) === lock.slice(0, lock.indexOf(':'))) return `the ${bare(lock)} lock`;
  return bare(lock).replace(/^(?:struct|union) (\w+)\./, '$1.');
}

/** A lock's name is the same lock in every function only where the type that holds it is known, or it is a global. */
export function isIdentity(lock: string, event: Event): boolean {
  const name = bare(lock);
  if (/^(?:struct|union) \w+\.|^\w+_t\./.test(name)) return true;
  return event.cell !== null && event.cell.base === null && /^\w+$/.test(event.cell.path);
}

export { bare as lockPath };

/** Does the variable surely hold an error at the end of the way: set to one last, or tested to be one since it was set? */
export function failsAlong(fn: CFunction, variable: string, way: readonly number[]): boolean {
  const pointer = fn.head.includes('*');
  const number = /\b(?:int|long|ssize_t|loff_t)\b/.test(fn.head) && !/\bunsigned\b/.test(fn.head);
  const set = new Map<string, boolean>();
  for (const s of fn.settings ?? [])
    if (s.name === variable) for (const end of s.ends) set.set(`${end.node}|${end.slot}`, 'fails' in s && s.fails === true);
  let fails = false;
  for (const [i, at] of way.entries()) {
    const node = fn.flow[at];
    const slot = node?.next.indexOf(way[i + 1] ?? -1) ?? -1;
    if (!node || slot < 0) continue;
    const given = set.get(`${at}|${slot}`);
    if (given !== undefined) fails = given;
    else if (node.kind === 'branch' && node.condition !== undefined) {
      const words = /^\(?!?(?:IS_ERR(?:_OR_NULL|_VALUE)?\()?\(?(\w+)\b/.exec(node.condition);
      if (words?.[1] !== variable) continue;
      const nonzero = node.tests === 'nonzero' || node.tests === 'negative' || node.condition.startsWith('IS_ERR');
      if (!pointer && !number) continue;
      if (nonzero && (pointer ? node.condition.startsWith('IS_ERR') : true)) fails = slot === 0 || (fails && node.tests === 'negative');
      else if (node.tests === 'zero' && !pointer) fails = slot === 1;
    }
  }
  return fails;
}

/** A lock that is given back on a way on which the attempt to take it failed. */
export interface FailedRelease {
  lock: string;
  from: Event;
  release: Event;
}

/** Every release that a failed attempt leads to without another acquisition between. */
export function failedReleases(fn: CFunction): FailedRelease[] {
  const flow = lockFlowOf(fn);
  if (!flow || fn.broken || fn.isMacro) return [];
  const found: FailedRelease[] = [];
  for (const from of fn.events) {
    const effect = flow.effects[from.index];
    const when = effect?.when ?? null;
    if (!effect || when === null || from.kind !== 'lock' || from.locks.length + from.maybeLocks.length > 0) continue;
    for (const [i, node] of fn.flow.entries()) {
      if (node.kind !== 'branch' || node.decides?.length !== 1 || node.decides[0] !== from.index) continue;
      if (!reaches(fn, from, i)) continue;
      for (const lock of effect.lock) {
        // Where it is held for sure the attempt has been tested before.
        if (HANDED_ON.test(lock) || flow.states[i]?.must.some(held => sameLock(held, lock))) continue;
        const root = /\w+/.exec(from.args[factOf(from.api)?.cell ?? 0] ?? '')?.[0] ?? '';
        for (const [slot, to] of node.next.entries()) {
          const release = outcome(when, node.tests, slot) === false ? releaseFrom(fn, i, slot, to, lock, root) : null;
          if (release && !found.some(f => f.release === release)) found.push({ lock: lock.replace(/ \(shared\)$/, ''), from, release });
        }
      }
    }
  }
  return found;
}

/** Is the branch the first on some way that tests what the attempt gave? */
function reaches(fn: CFunction, from: Event, to: number): boolean {
  const seen = new Set([from.node]);
  for (const at of seen) {
    const node = fn.flow[at];
    if (at !== to && node?.kind === 'branch' && node.decides?.includes(from.index)) continue;
    for (const next of node?.next ?? []) seen.add(next);
  }
  return seen.has(to);
}

function releaseFrom(fn: CFunction, branch: number, slot: number, to: number, lock: string, root: string): Event | null {
  const changes = new Set((fn.settings ?? []).filter(s => s.name === root).flatMap(s => s.ends.map(end => `${end.node}|${end.slot}`)));
  const alike = fn.flow[branch]?.alike;
  const start = new Map<number, boolean>(alike === undefined ? [] : [[alike, slot === 0]]);
  const seen = new Set<string>();
  const work: { node: number; decided: Map<number, boolean> }[] = [{ node: to, decided: start }];
  for (let step = work.pop(); step; step = work.pop()) {
    const node = fn.flow[step.node];
    const key = `${step.node}|${[...step.decided]
      .map(([n, is]) => (is ? n : -n))
      .sort()
      .join()}`;
    if (!node || seen.has(key)) continue;
    if (seen.size > MOST_WAYS) return null;
    seen.add(key);
    const event = node.event === null ? undefined : fn.events[node.event];
    if (event && !event.ends && gives(fn, event, lock)) return event;
    // Whatever sets the pointer or takes a lock of that kind starts anew.
    if (event && takings(fn, event).some(t => sameLock(t.lock, lock) || t.lock.split(':')[0] === lock.split(':')[0])) continue;
    if (event?.kind === 'call' && /lock/.test(event.api)) continue;
    if (node.kind === 'branch' && (conditionalRelease(fn, step.node, lock) || isFlag(fn, node))) continue;
    for (const [way, next] of node.next.entries()) {
      let { decided } = step;
      if (changes.has(`${step.node}|${way}`)) continue;
      if (node.alike !== undefined && way < 2) {
        const known = decided.get(node.alike);
        if (known !== undefined && known !== (way === 0)) continue;
        decided = new Map(decided).set(node.alike, way === 0);
      }
      work.push({ node: next, decided });
    }
  }
  return null;
}

/** A test of a local that is only ever set to constants: it may well say whether the lock is held. */
export function isFlag(fn: CFunction, { condition }: FlowNode): boolean {
  const name = /^\(?!?(\w+)\)?$/.exec(condition ?? '')?.[1];
  const set = name === undefined ? [] : (fn.settings ?? []).filter(s => s.name === name);
  return set.length > 0 && set.every(s => s.sources.length === 0);
}
