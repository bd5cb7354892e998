/**
 * Small functions and macros in view, expanded into the flow of their callers: an accessor, a wrapper of a lock, a helper that holds one
 * statement do there what they would do written out. An expanded event stands on the line of the call and says by `via` where it comes from.
 * The call stays as an event of its own, of the kind `expanded`, which does nothing besides.
 */
import type { CFunction, Comparison, Decision, Event, FlowNode, LocalSetting, Mutable, Operand } from '../../model/code.ts';
import type { OpenNode } from '../cfg/graph.ts';
import { innermostAt } from '../cfg/loops.ts';
import { returnedAt } from '../cfg/returned.ts';
import { called, calleeOf } from './callees.ts';
import { isSource, type ReturnedSign, signOf, told } from './results.ts';
import { Words } from './words.ts';

/** A function with more events or nodes than these is no small one; its callers know it by its summary. */
const MOST_EVENTS = 16;
const MOST_NODES = 48;
/** An accessor reads no more than this. */
const MOST_ACCESSOR = 3;
/** Helpers in helpers beyond this are left as calls. */
const DEEPEST = 100;
/** Events that one function may gain. */
const MOST_GAINED = 240;

/** The functions with the small ones that they call expanded, in the same order. A function that calls none is the same object. */
export function expandAll(functions: readonly CFunction[]): CFunction[] {
  const done = new Map<CFunction, CFunction>();
  const open = new Set<CFunction>();
  const visit = (fn: CFunction, depth: number): CFunction => {
    const known = done.get(fn);
    if (known) return known;
    open.add(fn);
    const bodies = new Map<Event, CFunction>();
    let gained = 0;
    for (const event of fn.events) {
      const callee = event.argCells && depth < DEEPEST ? calleeOf(fn, event, functions) : null;
      // A function that calls itself, however far round, is left as it is.
      if (!callee || open.has(callee) || !mayExpand(callee) || runsInWait(fn, event, callee)) continue;
      const body = visit(callee, depth + 1);
      if (!isSmall(body) || gained + body.events.length > MOST_GAINED) continue;
      gained += body.events.length;
      bodies.set(event, body);
    }
    open.delete(fn);
    const made = bodies.size > 0 ? new Expansion(fn, bodies).result() : fn;
    done.set(fn, made);
    return made;
  };
  return functions.map(fn => visit(fn, 0));
}

/** Is all of the function seen, does it do something, without a loop, and do its parameters stay what the caller gave? */
function mayExpand(fn: CFunction): boolean {
  if (!fn.whole || fn.broken || fn.events.length === 0 || !isSmall(fn)) return false;
  if (fn.events.length > MOST_ACCESSOR && !fn.events.some(does)) return false;
  return fn.shape.loops.every(loop => loop.times === 1) && !fn.parameters.some(p => fn.changes?.has(p.name));
}

/** Does the event change or order anything, by what is known of it? */
function does(event: Event): boolean {
  return !event.opaque && event.kind !== 'call' && event.kind !== 'expanded' && (event.kind !== 'read' || event.ordering !== 'plain');
}

/** Does the call stand in an argument that a wait runs when it has dropped a lock? What it takes there is not taken in the order of the text. */
function runsInWait(fn: CFunction, call: Event, callee: CFunction): boolean {
  if (!callee.events.some(e => e.kind === 'lock' || e.kind === 'unlock')) return false;
  return fn.events.some(e => e.kind === 'wait' && e.line === call.line && e.args.some(arg => arg.includes(`${called(call)}(`)));
}

function isSmall(fn: CFunction): boolean {
  return fn.events.length <= MOST_EVENTS && fn.flow.length <= MOST_NODES && fn.flow.every(node => node.kind !== 'gap');
}

/** One function while its calls are replaced. A callee's nodes and events come right behind the call's own, and all are numbered anew. */
class Expansion {
  private readonly fn: CFunction;
  private readonly bodies: ReadonlyMap<Event, CFunction>;
  /** The new graph, with holes until all is in its place. */
  private readonly flow: OpenNode[] = [];
  /** For each node of the function its new number. */
  private readonly nodes: number[] = [];
  private readonly events: Event[] = [];
  /** For each event of the function its new number. */
  private readonly at: number[] = [];
  /** For a call by its new number the event that its value is, where it is that of one event whatever path the callee takes. */
  private readonly values = new Map<number, number>();
  /** For a call by its new number the exits of the callee. */
  private readonly exits = new Map<number, { node: OpenNode; gives: ReturnedSign }[]>();
  /** Calls, by their new numbers, that give the opposite of that event's value. */
  private readonly inverted = new Set<number>();
  private readonly comparisons: Comparison[] = [];
  private readonly settings: LocalSetting[] = [];
  /** Names that mean something in the function. */
  private readonly names: Set<string>;
  /** Of each variable that is followed the number of the condition that it is not zero. */
  private readonly followed: ReadonlyMap<string, number>;
  /** The next number of a condition. */
  private conditions: number;

  constructor(fn: CFunction, bodies: ReadonlyMap<Event, CFunction>) {
    this.fn = fn;
    this.bodies = bodies;
    this.names = new Set([
      ...fn.parameters.map(p => p.name),
      ...(fn.locals ?? []),
      ...(fn.changes?.keys() ?? []),
      ...fn.events.flatMap(e => e.into ?? []),
      // A macro may declare a variable: what the function names otherwise is one too.
      ...fn.events.flatMap(e => [/^\w+/.exec(e.cell?.base ?? '')?.[0] ?? [], e.args.flatMap(arg => /^&?(\w+)/.exec(arg)?.[1] ?? [])].flat()),
    ]);
    const next = conditionsIn(fn.flow);
    this.followed = new Map(followedIn(fn).map((name, i) => [name, next + i]));
    this.conditions = next + this.followed.size;
  }

  result(): CFunction {
    const { fn, events } = this;
    let count = 0;
    const more = new Map<number, number>();
    for (const event of fn.events) {
      const body = this.bodies.get(event);
      this.at.push(count);
      count += 1 + (body?.events.length ?? 0);
      if (body) more.set(event.node, body.flow.length - 1);
    }
    let shift = 0;
    for (let i = 0; i < fn.flow.length; i++) {
      this.nodes.push(i + shift);
      shift += more.get(i) ?? 0;
    }
    for (const [i, node] of fn.flow.entries()) this.flow[this.nodes[i] ?? i] = { ...node, next: node.next.map(n => this.nodes[n] ?? n) };
    for (const event of fn.events) {
      const index = events.length;
      const body = this.bodies.get(event);
      const argSources = event.argSources.length > 0 ? event.argSources.map(list => this.sources(list)) : event.argSources;
      const made: Mutable<Event> = { ...event, index, argSources, node: this.nodes[event.node] ?? event.node };
      events.push(made);
      const node = this.flow[made.node];
      if (node) node.event = index;
      if (!body) continue;
      made.kind = 'expanded';
      made.body = { from: made.node + 1, to: made.node + body.flow.length - 1 };
      for (const inner of this.inline(event, made, body)) events.push(inner);
    }
    for (const at of this.nodes) {
      const node = this.flow[at];
      if (!node) continue;
      if (this.isInverted(node.decides)) turn(node);
      if (this.isInverted(node.returns)) node.returned = `!(${node.returned})`;
      if (node.decides) node.decides = this.sources(node.decides);
      if (node.returns) node.returns = this.sources(node.returns);
    }
    for (const { name, ends } of fn.settings ?? []) for (const end of ends) this.forget(this.followed.get(name), end);
    for (const [call, exits] of this.exits) this.settle(call, exits);
    const operand = (o: Operand): Operand => ({
      ...o,
      sources: this.sources(o.sources),
      inverted: this.isInverted(o.sources) ? !o.inverted : o.inverted,
    });
    const own = fn.shape.comparisons.map((c): Comparison => ({ ...c, left: operand(c.left), right: operand(c.right) }));
    const comparisons = [...own, ...this.comparisons];
    const settings = [
      ...(fn.settings ?? []).map(s => ({
        ...s,
        ends: s.ends.map(end => ({ ...end, node: this.nodes[end.node] ?? end.node })),
        sources: this.sources(s.sources),
      })),
      ...this.settings,
    ];
    return { ...fn, events, flow: this.flow, shape: { ...fn.shape, comparisons }, settings };
  }

  /** The new numbers of events that the function's own code names. */
  private sources(list: readonly number[]): number[] {
    return [...new Set(list.map(i => this.values.get(this.at[i] ?? i) ?? this.at[i] ?? i))];
  }

  /** Does the value come from one call alone, which gives the opposite of what its callee looked at? The list is numbered as it was. */
  private isInverted(list: readonly number[] | undefined): boolean {
    const [only = -1] = list ?? [];
    return list?.length === 1 && this.inverted.has(this.at[only] ?? -1);
  }

  /** Puts the callee's graph behind the call; gives its events in the caller's words. */
  private inline(call: Event, { index, node: base }: Event, body: CFunction): Event[] {
    // The entry of the callee is the call itself.
    const first = index + 1;
    const rest = this.flow[base]?.next ?? [];
    const words = new Words(body, call, this.names, resultOf(body, call));
    const exits: { node: OpenNode; gives: ReturnedSign }[] = [];
    const returned = new Set<number>();
    let [isOne, isTurned] = [true, false];
    for (const [n, old] of body.flow.entries()) {
      if (n === 0) continue;
      const node: OpenNode = { ...old, event: old.event === null ? null : first + old.event, next: old.next.map(n => base + n), line: call.line };
      if (old.condition !== undefined) node.condition = words.text(old.condition);
      if (old.decides) node.decides = old.decides.map(i => first + i);
      if (old.settles) node.settles = old.settles.map(way => way.map(([c, holds]): Decision => [c + this.conditions, holds]));
      if (old.forgets) node.forgets = old.forgets.map(way => way.map(c => c + this.conditions));
      delete node.label;
      const taken = old.kind === 'branch' && old.next.length === 2 ? slotGiven(old.condition, body, call) : null;
      if (taken !== null) keepEdge(node, taken);
      else if (old.kind === 'branch' && old.next.length === 2) this.settleByArgument(node, old.condition, body, call);
      if (old.kind === 'exit' && !old.stops) {
        node.kind = 'join';
        node.next = [...rest];
        delete node.returned;
        delete node.value;
        delete node.returns;
        delete node.fails;
        // An error of a function that returns a number is a negative one.
        exits.push({ node, gives: signOf(returnedAt(old)) ?? (old.fails && !body.head.includes('*') ? 'negative' : null) });
        for (const i of old.returns ?? []) returned.add(first + i);
        const value = returnedAt(old)?.replace(/^!(?:\((.*)\)$)?/, '$1');
        const turned = value !== returnedAt(old);
        isOne &&= old.returns?.length === 1 && isSource(value) && (exits.length === 1 || turned === isTurned);
        isTurned = turned;
      }
      this.flow[base + n] = node;
    }
    this.conditions += conditionsIn(body.flow);
    const start = this.flow[base];
    if (start) start.next = (body.flow[0]?.next ?? []).map(n => base + n);
    const [only = -1] = returned;
    const value = isOne && exits.length > 0 && returned.size === 1 ? only : -1;
    if (value < 0) this.exits.set(index, exits);
    else {
      this.values.set(index, value);
      if (isTurned) this.inverted.add(index);
    }
    const loop = innermostAt(this.fn, call.line);
    const side = (o: Operand): Operand => ({ ...o, sources: o.sources.map(i => first + i), parameter: null });
    for (const c of body.shape.comparisons)
      if (c.left.sources.length > 0 && c.right.sources.length > 0)
        this.comparisons.push({ ...c, line: call.line, left: side(c.left), right: side(c.right), loop });
    for (const { name, ends, sources } of body.settings ?? [])
      this.settings.push({
        name: words.name(name),
        ends: ends.map(end => ({ ...end, node: base + end.node })),
        sources: sources.map(i => first + i),
      });
    return body.events.map((event, i): Event => {
      const made: Mutable<Event> = {
        ...event,
        path: call.path,
        side: call.side,
        line: call.line,
        endLine: call.endLine,
        text: call.text,
        addedBy: call.addedBy,
        uncertain: event.uncertain || call.uncertain,
        phase: call.phase,
        index: first + i,
        node: base + event.node,
        cell: words.cell(event.cell),
        operand: event.operand === null ? null : words.text(event.operand),
        into: first + i === value ? call.into : event.into === null ? null : words.name(event.into),
        args: event.args.length > 0 ? event.args.map(arg => words.text(arg)) : event.args,
        argSources: event.argSources.map((list, n) => this.argument(list, event.args[n], body, call) ?? list.map(s => first + s)),
        via: event.via
          ? { ...event.via, call: index }
          : {
              function: body.name,
              path: event.path,
              line: event.line,
              ...(body.isMacro ? { isMacro: true as const } : {}),
              call: index,
            },
      };
      if (event.takes) made.takes = { ...event.takes, cell: words.cell(event.takes.cell) };
      if (event.argCells) made.argCells = event.argCells.map(cell => words.cell(cell));
      if (event.body) made.body = { from: base + event.body.from, to: base + event.body.to };
      return made;
    });
  }

  /** Branches of several helpers on one variable of the caller's go one way, as long as nothing sets it. */
  private settleByArgument(node: OpenNode, condition: string | undefined, body: CFunction, call: Event): void {
    const { given, isTurned } = parameterAlone(condition, body, call);
    const number = this.followed.get(given ?? '');
    if (number === undefined) return;
    node.settles = [0, 1].map(slot => [...(node.settles?.[slot] ?? []), [number, (slot === 0) !== isTurned] as const]);
  }

  /** What the edge sets is decided anew behind it. */
  private forget(condition: number | undefined, { node: at, slot }: LocalSetting['ends'][number]): void {
    const node = this.flow[this.nodes[at] ?? at];
    if (!node || condition === undefined) return;
    const forgets = node.next.map((_, i) => node.forgets?.[i] ?? []);
    forgets[slot] = [...(forgets[slot] ?? []), condition];
    node.forgets = forgets;
  }

  /** What an argument of an inner event comes from, where it is what the caller gave. */
  private argument(list: readonly number[], text: string | undefined, body: CFunction, call: Event): number[] | null {
    const position = list.length > 0 ? -1 : body.parameters.findIndex(p => p.name === text);
    return position < 0 ? null : this.sources(call.argSources[position] ?? []);
  }

  /** A branch that tests what the call gave is settled by the exit that the callee took, where that returns a constant. */
  private settle(call: number, exits: readonly { node: OpenNode; gives: ReturnedSign }[]): void {
    if (exits.length < 2 || exits.every(exit => exit.gives === null)) return;
    const [nonzero, negative] = [this.conditions, this.conditions + 1];
    let isTested = false;
    for (const at of this.nodes) {
      const node = this.flow[at];
      if (node?.kind !== 'branch' || !node.tests || node.decides?.length !== 1 || node.decides[0] !== call || node.next.length !== 2) continue;
      node.settles = [0, 1].map(slot => [...(node.settles?.[slot] ?? []), ...told(node.tests, slot === 0, nonzero, negative)]);
      isTested = true;
    }
    if (!isTested) return;
    for (const { node, gives } of exits) {
      if (gives === null) continue;
      node.kind = 'branch';
      node.settles = [
        [
          [nonzero, gives !== 'zero'],
          [negative, gives === 'negative'],
        ],
      ];
    }
    this.conditions += 2;
  }
}

/**
 * The local that the callee fills once and returns on every path: in the caller it is the variable that the call's value goes to, so that what the
 * callee does to the object counts for that. Null where the caller's variable means something else while the callee runs.
 */
function resultOf(body: CFunction, call: Event): string | null {
  const { into } = call;
  if (into === null || call.args.some(arg => new RegExp(`\\b${into.replace(/#\d+$/, '')}\\b`).test(arg))) return null;
  const returned = new Set(body.flow.flatMap(node => (node.kind === 'exit' && !node.stops ? [returnedAt(node) ?? ''] : [])));
  const [name = ''] = returned;
  return returned.size === 1 && body.locals?.has(name) && body.events.filter(e => e.into === name).length === 1 ? name : null;
}

/** Of a branch that tests a parameter alone what the call gives for it, as written, and whether it tests for zero. */
function parameterAlone(condition: string | undefined, body: CFunction, call: Event): { given: string | undefined; isTurned: boolean } {
  const [, not, name] = /^\(?(!?)\s*(\w+)\)?$/.exec(condition ?? '') ?? [];
  const position = name === undefined ? -1 : body.parameters.findIndex(p => p.name === name);
  return { given: call.args[position], isTurned: not === '!' };
}

/** The edge of a branch on a parameter alone that the constant takes which the call gives for it; null where it gives none. */
function slotGiven(condition: string | undefined, body: CFunction, call: Event): number | null {
  const { given, isTurned } = parameterAlone(condition, body, call);
  const constant = signOf(given);
  return constant === null ? null : (constant !== 'zero') !== isTurned ? 0 : 1;
}

/** The function's variables of which every change is an edge of its graph: between those they keep their value. */
function followedIn({ parameters, locals, changes, settings }: CFunction): string[] {
  const isFollowed = (name: string) => (changes?.get(name)?.length ?? 0) === (settings ?? []).filter(s => s.name === name).length;
  return [...parameters.map(p => p.name), ...(locals ?? [])].filter(isFollowed);
}

/** One edge of the branch is all that a run takes. */
function keepEdge(node: OpenNode, slot: number): void {
  node.kind = 'join';
  node.next = node.next.slice(slot, slot + 1);
  for (const key of ['condition', 'decides', 'tests', 'settles', 'forgets'] as const) delete node[key];
}

/** The branch tests the opposite of the value that decides it. */
function turn(node: OpenNode): void {
  if (node.tests === 'nonzero') node.tests = 'zero';
  else if (node.tests === 'zero') node.tests = 'nonzero';
  else delete node.tests;
}

/** One more than the highest number of a condition in the graph. */
function conditionsIn(flow: readonly FlowNode[]): number {
  let most = -1;
  for (const node of flow) {
    for (const way of node.settles ?? []) for (const [condition] of way) most = Math.max(most, condition);
    for (const way of node.forgets ?? []) for (const condition of way) most = Math.max(most, condition);
  }
  return most + 1;
}
