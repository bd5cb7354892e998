/**
 * From a claim to a draft of a litmus test, mechanically. A thread is one path through the events that the claim names; what lies on that
 * path and orders, locks or touches a cell of the claim comes along. What the claim's code does not say is an assumption, and is listed.
 */
import { cellKey, cellName } from '../c/cells.ts';
import { nodesAfter } from '../c/flow.ts';
import { lockName } from '../c/locknames.ts';
import { factOf } from '../facts/lookup.ts';
import type { UpdateOp } from '../lkmm/litmus.ts';
import type { CFunction, Event, FlowNode } from '../model/code.ts';
import type { Claim, ClaimThread, Deed, Meaning } from '../model/rule.ts';
import { stepsOf } from './deeds.ts';
import type { Act, Draft, DraftThread, Gives, Guard, Step, Strength } from './draft.ts';

/** How what is not known is read: as a full barrier, on the side of the bug; as nothing, on the side of the fix. */
export type Reading = 'strongest' | 'weakest';

/** Lowers the claim's threads, or others over the same cells; a text instead where an event has no meaning in the model. */
export function lower(claim: Claim, reading: Reading, threads: ClaimThread[] = claim.threads): Draft | string {
  const lowering = new Lowering(claim, reading);
  const done: DraftThread[] = [];
  for (const [i, thread] of threads.entries()) {
    const steps = lowering.thread(thread, i);
    if (typeof steps === 'string') return steps;
    done.push({ title: `${thread.fn.name}()`, steps });
  }
  // CPUs out of view stand behind the claim's threads, before those that only settle a state.
  const others = claim.others?.map(o => ({ title: `${o.who} (assumed)`, steps: lowering.deeds(o.does, []) })) ?? [];
  done.splice(claim.threads.length, 0, ...others);
  return lowering.draft(threads.map(t => t.fn.name).join('+'), done);
}

class Lowering {
  private readonly claim: Claim;
  private readonly reading: Reading;
  private readonly locations: Draft['locations'] = [];
  private readonly byKey = new Map<string, number>();
  private readonly masks = new Map<string, Map<string, number>>();
  private readonly symbols = new Map<string, number>();
  private readonly opaque: Draft['opaque'] = [];
  /** Registers of accesses that stand for their order alone: what they hold is made up. */
  private readonly asides = new Set<string>();
  private registers = 0;

  constructor(claim: Claim, reading: Reading) {
    this.claim = claim;
    this.reading = reading;
    if (claim.tie) for (const [i, key] of claim.tie.keys.entries()) this.byKey.set(key, this.location(claim.tie.names[i] ?? key, 'int'));
    // The cells of the claim are those of the events that it names; others on the way are only looked at for what they order.
    const elsewhere = new Set(claim.meanings?.flatMap(m => (typeof m.cell === 'string' && !m.besides ? [m.event] : [])));
    for (const event of claim.threads.flatMap(t => [...t.events, ...(t.calls ?? []).flatMap(c => c.events)]))
      if (!elsewhere.has(event)) this.cellOf(event, true);
    for (const m of claim.meanings ?? []) this.meantCell(m);
    for (const deed of [...claim.threads.flatMap(t => [...(t.before ?? []), ...(t.then ?? [])]), ...(claim.others ?? []).flatMap(o => o.does)])
      if (deed.cell !== undefined && deed.does !== 'lock' && deed.does !== 'unlock') this.meantCell({ cell: deed.cell });
  }

  /** The steps of what is done out of view, behind others of the same thread. */
  deeds(deeds: readonly Deed[], before: readonly Step[]): Step[] {
    return stepsOf(deeds, before, {
      location: deed => this.meantCell({ cell: deed.cell ?? 'object' }),
      lock: name => this.lock(bare(name)),
      register: () => this.register(),
      mask: deed => (typeof deed.cell === 'object' ? this.maskOf(deed.cell) : null),
      number: text => this.numberOf(text),
      points: (from, to) => {
        const pointer = this.locations[from];
        if (pointer) pointer.target ??= to;
      },
    });
  }

  draft(name: string, threads: DraftThread[]): Draft {
    // A word of which one bit alone is looked at goes by that bit's name.
    for (const [key, bits] of this.masks) {
      const [bit, other] = [...bits.keys()];
      const location = this.locations[this.byKey.get(key) ?? -1];
      if (bit && /^[A-Z]/i.test(bit) && other === undefined && location && !this.claim.tie) location.name = bit;
    }
    const used = new Set<string>();
    const locations = this.locations.map(l => {
      let unique = l.name;
      while (used.has(unique)) unique += '_';
      used.add(unique);
      return { ...l, name: unique };
    });
    for (const start of this.claim.starts ?? []) {
      const at = typeof start.cell === 'string' ? this.byKey.get(`meant ${start.cell}`) : this.cellOf(start.cell, false);
      const location = at === null || at === undefined ? undefined : locations[at];
      if (!location) continue;
      const mask = typeof start.cell === 'string' ? null : this.maskOf(start.cell);
      const value = typeof start.value === 'string' ? (this.numberOf(start.value) ?? 0) : start.value;
      location.given = true;
      const others = typeof location.initial === 'number' ? location.initial : 0;
      location.initial = mask === null ? value : value === 0 ? others & ~mask : others | mask;
    }
    return { name, locations, threads, assumes: [...this.claim.assumes], opaque: this.opaque };
  }

  /**
   * The steps of one thread, or of what a call in it runs under the locks that it holds. Registers are numbered over all threads, so that an
   * edit may move steps.
   */
  thread({ fn, events, startedBy, calls, before, then }: ClaimThread, index: number, outer: readonly string[] = []): Step[] | string {
    const steps: Step[] = before ? this.deeds(before, []) : [];
    const held: string[] = [];
    const first = events[0];
    if (!first) return 'a thread without events';
    const crossed: { branch: number; other: number[]; guard: Guard }[] = [];
    const always: Guard[] = [];
    const guards = (node: number | null) => [
      ...always,
      ...crossed.filter(c => node !== null && !c.other.some(o => o === node || nodesAfter(fn, o).has(node))).map(c => c.guard),
    ];
    const emit = (event: Event | null, act: Act, register: string | null, node: number | null) => {
      steps.push({ event, act, register, when: guards(node), via: null });
    };
    if (startedBy) {
      const register = this.register();
      emit(null, { op: 'load', location: this.start(startedBy), order: 'acquire', mask: null }, register, null);
      always.push({ register, test: 'nonzero' });
    }
    for (const lock of [...new Set([...first.locks, ...fn.entryLocks])]) {
      const name = bare(lock);
      if (held.includes(name) || outer.includes(name)) continue;
      held.push(name);
      emit(null, { op: 'lock', location: this.lock(name) }, null, null);
    }
    let inRcu = this.sections().some(word => first.context.includes(word)) ? 1 : 0;
    if (inRcu > 0) emit(null, { op: 'fence', fence: 'rcu-lock' }, null, null);
    const mean = (m: Meaning) => {
      const { event } = m;
      const from = steps.length;
      const gives = m.besides === 'nonzero' ? steps.findLast(s => s.event === event && s.register !== null)?.register : undefined;
      const location = this.meantCell(m);
      const lock = m.under !== undefined && !held.includes(m.under) && !outer.includes(m.under) ? this.lock(m.under) : null;
      if (lock !== null) emit(event, { op: 'lock', location: lock }, null, event.node);
      if (m.access === 'write' && isDeferred(event)) emit(event, { op: 'fence', fence: 'sync-rcu' }, null, event.node);
      if (m.access === 'put' || m.access === 'try') {
        const [order, operand] = [m.ordering, 1];
        const act: Act =
          m.access === 'try'
            ? { op: 'add-unless', location, order, operand, unless: 0 }
            : { op: 'rmw', location, order, update: '-', operand, gives: 'is-zero', mask: null, atomic: true };
        emit(event, act, this.register(), event.node);
      }
      if (m.access === 'read' || m.access === 'update') {
        const via = this.pointerTo(location, namesIn(event), steps);
        emit(event, { op: 'load', location, order: m.ordering, mask: null }, m.aside ? this.valueless() : this.register(), event.node);
        const step = steps.at(-1);
        if (step) step.via = via;
      }
      if (m.access === 'write' || m.access === 'update') {
        emit(event, { op: 'store', location, order: m.ordering === 'full' ? 'relaxed' : m.ordering, value: m.value ?? null }, null, event.node);
      }
      if (lock !== null) emit(event, { op: 'unlock', location: lock }, null, event.node);
      if (m.access === 'write' && m.ordering === 'full') emit(event, { op: 'fence', fence: 'mb' }, null, event.node);
      for (const step of steps.slice(from)) {
        if (gives) step.when = [...step.when, { register: gives, test: 'nonzero' }];
        if (!('location' in step.act) || step.act.op === 'lock' || step.act.op === 'unlock') continue;
        if (m.says && (step.act.op === 'load' || step.act.op === 'store')) step.says = m.says;
        if (typeof m.cell === 'string') step.means = m.cell;
      }
    };
    const pass = (event: Event): string | null => {
      const trouble = own(event);
      if (trouble) return trouble;
      for (const m of this.meaningsOf(event, index)) if (m.besides) mean(m);
      for (const call of calls ?? []) {
        if (call.call !== event) continue;
        const inner = this.thread({ fn: call.fn, events: call.events }, index, [...outer, ...held]);
        if (typeof inner === 'string') return inner;
        const gives = steps.findLast(s => s.event === event && s.register !== null)?.register;
        const when = [...guards(event.node), ...(gives ? [{ register: gives, test: 'nonzero' as const }] : [])];
        steps.push(...inner.map(s => ({ ...s, when: [...when, ...s.when] })));
      }
      return null;
    };
    const own = (event: Event): string | null => {
      if (this.claim.threads.some(t => t.startedBy === event))
        emit(event, { op: 'store', location: this.start(event), order: 'release', value: 1 }, null, event.node);
      const meant = this.meaningsOf(event, index).filter(m => !m.besides);
      if (event.kind === 'lock' || event.kind === 'unlock') {
        const family = factOf(event.api)?.lock?.family;
        const name = bare(lockName(event, family ?? ''));
        if (event.kind === 'lock' && !held.includes(name)) {
          held.push(name);
          emit(event, { op: 'lock', location: this.lock(name) }, null, event.node);
        } else if (event.kind === 'unlock') {
          if (held.includes(name)) held.splice(held.indexOf(name), 1);
          // Taken before the first event of the path, and not by anyone in view: a lock that the function has held since.
          else steps.unshift({ event: null, act: { op: 'lock', location: this.lock(name) }, register: null, when: [], via: null });
          emit(event, { op: 'unlock', location: this.lock(name) }, null, event.node);
        }
        return null;
      }
      const fences = meant.length === 0 && (event.kind === 'rcu' || this.claim.section) ? rcuActs(event, this.sections()) : [];
      if (fences.length > 0 || (event.kind === 'rcu' && meant.length === 0)) {
        for (const fence of fences) {
          if (fence === 'rcu-lock') inRcu++;
          if (fence === 'rcu-unlock' && --inRcu < 0) {
            steps.unshift({ event: null, act: { op: 'fence', fence: 'rcu-lock' }, register: null, when: [], via: null });
            inRcu = 0;
          }
          emit(event, { op: 'fence', fence }, null, event.node);
        }
        return null;
      }
      for (const m of meant) mean(m);
      if (meant.length > 0) return null;
      if (event.kind === 'fence') {
        const fence = fenceOf(event);
        if (fence) emit(event, { op: 'fence', fence }, null, event.node);
        return null;
      }
      const location = this.cellOf(event, false);
      if (location === null || !accesses(event)) {
        this.aside(event, fn, emit);
        return null;
      }
      const acts = this.accesses(event, location);
      if (typeof acts === 'string') return acts;
      for (const act of acts) {
        const gives = act.op !== 'fence' && act.op !== 'store' && !(act.op === 'rmw' && act.gives === 'none' && act.atomic);
        const register = gives ? this.register() : null;
        emit(event, act, register, event.node);
        const step = steps.at(-1);
        if (step) step.via = this.pointerOf(event, steps.slice(0, -1));
      }
      return null;
    };
    let at = first.node;
    const trouble = pass(first);
    if (trouble) return trouble;
    for (const next of events.slice(1)) {
      const path = pathTo(fn, at, next.node);
      if (path === null) return `no path leads from ${fn.name}() line ${fn.flow[at]?.line ?? 0} to line ${next.line}`;
      for (const [i, node] of path.entries()) {
        const flow = fn.flow[node];
        if (!flow) continue;
        const to = path[i + 1];
        if (flow.kind === 'branch' && to !== undefined) {
          const guard = guardOf(flow, to, steps, this.asides);
          if (guard) crossed.push({ branch: node, other: flow.next.filter(n => n !== to), guard });
        }
        if (flow.kind === 'gap') this.unknown('lines that are not shown', fn, null, emit);
        if (i === 0 || flow.event === null) continue;
        const event = fn.events[flow.event];
        if (!event) continue;
        const message = pass(event);
        if (message) return message;
      }
      if (path[0] === at && path.length === 1 && next.node === at) {
        const message = pass(next);
        if (message) return message;
      }
      at = next.node;
    }
    if (inRcu > 0) emit(null, { op: 'fence', fence: 'rcu-unlock' }, null, null);
    for (const name of held.reverse()) emit(null, { op: 'unlock', location: this.lock(name) }, null, null);
    if (then) steps.push(...this.deeds(then, steps));
    return steps;
  }

  private sections(): string[] {
    return this.claim.section ? ['rcu-read', this.claim.section] : ['rcu-read'];
  }

  /** The location that tells a thread that what starts it has run. */
  private start(event: Event): number {
    const key = `started ${event.path}:${event.line}:${event.index}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const made = this.location('started', 'int');
    this.byKey.set(key, made);
    return made;
  }

  private valueless(): string {
    const register = this.register();
    this.asides.add(register);
    return register;
  }

  private register(): string {
    return `r${this.registers++}`;
  }

  private location(name: string, type: 'int' | 'spinlock_t'): number {
    const plain = name.replace(/\W+/g, '_').replace(/^_+|_+$/g, '');
    this.locations.push({ name: /^[a-z]/i.test(plain) ? plain : `c_${plain}`, type, initial: 0 });
    return this.locations.length - 1;
  }

  private lock(name: string): number {
    const key = `lock ${name}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const made = this.location(/(\w+)\W*$/.exec(name)?.[1] ?? 'lock', 'spinlock_t');
    this.byKey.set(key, made);
    return made;
  }

  /** The location of the event's cell, null where it is none of the claim's. */
  private cellOf(event: Event, add: boolean): number | null {
    if (!event.cell || event.kind === 'lock' || event.kind === 'unlock') return null;
    const key = cellKey(event.cell);
    const known = this.byKey.get(key);
    if (known !== undefined || !add || !accesses(event)) return known ?? null;
    const made = this.location(nameOfCell(event), 'int');
    this.byKey.set(key, made);
    return made;
  }

  private meaningsOf(event: Event, thread: number): Meaning[] {
    return this.claim.meanings?.filter(m => m.event === event && (m.thread === undefined || m.thread === thread)) ?? [];
  }

  private meantCell(m: { cell: Event | string }): number {
    if (typeof m.cell === 'object') {
      const cell = this.cellOf(m.cell, true);
      if (cell !== null) return cell;
    }
    const key = `meant ${typeof m.cell === 'string' ? m.cell : m.cell.text}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const made = this.location(typeof m.cell === 'string' ? m.cell : 'object', 'int');
    this.byKey.set(key, made);
    return made;
  }

  /** What an event on no cell of the claim does to the order. */
  private aside(event: Event, fn: CFunction, emit: (event: Event | null, act: Act, register: string | null, node: number | null) => void): void {
    if (event.opaque) {
      this.unknown(event.api, fn, event, emit);
      return;
    }
    if (event.kind === 'rmw' && event.atomic && (event.ordering === 'full' || event.ordering === 'acquire' || event.ordering === 'release')) {
      const location = this.location(event.cell ? cellName(event.cell) : 'other', 'int');
      const act: Act = { op: 'rmw', location, order: event.ordering, update: '=', operand: 1, gives: 'old', mask: null, atomic: true };
      emit(event, act, this.valueless(), event.node);
    } else if (event.kind === 'read' && event.ordering === 'acquire') {
      emit(
        event,
        { op: 'load', location: this.location(event.cell ? cellName(event.cell) : 'other', 'int'), order: 'acquire', mask: null },
        this.valueless(),
        event.node,
      );
    } else if (event.kind === 'write' && event.ordering === 'release') {
      emit(
        event,
        { op: 'store', location: this.location(event.cell ? cellName(event.cell) : 'other', 'int'), order: 'release', value: 1 },
        null,
        event.node,
      );
    } else if (event.ordering === 'full') emit(event, { op: 'fence', fence: 'mb' }, null, event.node);
  }

  private unknown(
    api: string,
    fn: CFunction,
    event: Event | null,
    emit: (event: Event | null, act: Act, register: string | null, node: number | null) => void,
  ): void {
    this.opaque.push({ api, fn });
    if (this.reading === 'strongest') emit(event, { op: 'fence', fence: 'mb' }, null, event?.node ?? null);
  }

  /** The mask of the event's bit in its word; bits that are not constants are taken for the same one. */
  private maskOf(event: Event): number | null {
    if (!event.cell || event.cell.bit === null) return null;
    const key = cellKey(event.cell);
    const bits = this.masks.get(key) ?? new Map<string, number>();
    this.masks.set(key, bits);
    const bit = /^(?:\d+|[A-Z][A-Z0-9_]*|[A-Z]{2,}_\w+)$/.test(event.cell.bit) ? event.cell.bit : '';
    const mask = bits.get(bit) ?? 1 << bits.size;
    bits.set(bit, mask);
    return mask;
  }

  /** A constant as the code writes it: a name in capitals stands for a number of its own, other text for none that is known. */
  private numberOf(text: string | null): number | null {
    const operand = (text ?? '').trim();
    if (/^-?(?:0x[\da-f]+|\d+)[UL]*$/i.test(operand)) return Number(operand.replace(/[UL]+$/i, ''));
    if (/^(?:NULL|false)$/.test(operand)) return 0;
    if (operand === 'true') return 1;
    return /^[A-Z][A-Z0-9_]*$/.test(operand) ? this.symbolOf(operand) : null;
  }

  /** A number for what the code names, the same for the same text, and unlike any other. */
  private symbolOf(text: string): number {
    const known = this.symbols.get(text);
    if (known !== undefined) return known;
    this.symbols.set(text, 100 + this.symbols.size);
    return 99 + this.symbols.size;
  }

  private accesses(event: Event, location: number): Act[] | string {
    const order = strengthOf(event);
    const mask = this.maskOf(event);
    // A load that is full is a full fence and then the load.
    if (event.kind === 'read')
      return order === 'full' ? [MB, { op: 'load', location, order: 'relaxed', mask }] : [{ op: 'load', location, order, mask }];
    if (event.kind === 'write' || event.kind === 'publish') {
      const value = event.operation === 'clear' ? 0 : event.operation === 'set' ? (mask ?? 1) : this.numberOf(event.operand);
      return [{ op: 'store', location, order: order === 'full' ? 'relaxed' : order, value }, ...(order === 'full' ? [MB] : [])];
    }
    return this.rmw(event, location, order, mask);
  }

  private rmw(event: Event, location: number, order: Strength, mask: number | null): Act[] | string {
    const result = factOf(event.api)?.result ?? 'none';
    const number = this.numberOf(event.operand);
    const gives: Gives =
      result === 'old'
        ? 'old'
        : result === 'new' || result === 'value'
          ? 'new'
          : result === 'test'
            ? /negative/.test(event.api)
              ? 'is-negative'
              : 'is-zero'
            : 'none';
    const make = (update: UpdateOp, operand: number | null): Act[] => [
      { op: 'rmw', location, order, update, operand, gives, mask: gives === 'old' ? mask : null, atomic: event.atomic },
    ];
    switch (event.operation) {
      case 'set':
        return make('|', mask ?? 1);
      case 'clear':
        return make('&~', mask ?? 1);
      case 'flip':
        return make('^', mask ?? 1);
      case 'store':
      case 'xchg':
      case 'assign':
        return make('=', number);
      case 'inc':
      case 'add':
      case 'dec':
      case 'sub': {
        const by =
          (event.operation === 'inc' || event.operation === 'dec' ? 1 : (number ?? 1)) *
          (event.operation === 'inc' || event.operation === 'add' ? 1 : -1);
        if (result === 'success') return [{ op: 'add-unless', location, order, operand: by, unless: 0 }];
        return by < 0 ? make('-', -by) : make('+', by);
      }
      case 'and':
        return make('&', number ?? 0);
      case 'or':
        return make('|', number ?? 1);
      case 'xor':
        return make('^', number ?? 1);
      case 'andnot':
        return make('&~', number ?? 1);
      case 'cmpxchg': {
        const expected = this.numberOf(event.args[1] ?? null);
        const desired = this.numberOf(event.args[2] ?? null) ?? this.symbolOf(event.args[2] ?? '');
        if (expected === null) return `${event.api}() expects a value that is not in view`;
        return [{ op: 'cmpxchg', location, order, expected, desired, success: result === 'success' }];
      }
      default:
        return `${event.api}() has no meaning in the model`;
    }
  }

  /** The register with the pointer that the event's cell is reached through, and what the pointer points to. */
  private pointerOf(event: Event, before: Step[]): string | null {
    const target = event.cell ? this.byKey.get(cellKey(event.cell)) : undefined;
    return target === undefined || !event.cell?.base ? null : this.pointerTo(target, [event.cell.base], before);
  }

  /** The register with the pointer to the location, loaded before under one of the names. */
  private pointerTo(target: number, names: readonly string[], before: readonly Step[]): string | null {
    if (this.claim.tie) return null;
    for (const step of [...before].reverse()) {
      const load = step.event;
      if (!load || step.act.op !== 'load' || step.register === null || step.act.location === target) continue;
      const { cell, into } = load;
      const named = (name: string) =>
        into === name ||
        (/for_each/.test(load.api) && load.args.includes(name)) ||
        (cell?.base ? name === `${cell.base}->${cell.path}` || name === `${cell.base}.${cell.path}` : name === cell?.path);
      if (!names.some(named)) continue;
      const pointer = this.locations[step.act.location];
      if (!pointer || (pointer.target !== undefined && pointer.target !== target)) return null;
      pointer.target = target;
      return step.register;
    }
    return null;
  }
}

/** Names under which the event may go through a pointer: its cell's base, or an argument of a call. */
function namesIn(event: Event): string[] {
  return [...(event.cell?.base ? [event.cell.base] : []), ...event.args];
}

/** Does the call leave its work to the end of a grace period? */
function isDeferred(event: Event): boolean {
  return /^(?:k|kv)free_rcu|^call_rcu/.test(event.api);
}

/** The last word of the cell's path; what a pointer points to goes by the pointer's name, a count by that of what it counts. */
function nameOfCell(event: Event): string {
  const { cell } = event;
  if (!cell) return 'cell';
  if (cell.path !== '*') return cellName(cell).split(/->|\./).at(-1) ?? 'cell';
  const base = (cell.base ?? '').split(/->|\./).at(-1) ?? '';
  return event.kind === 'rmw' ? `${base} count` : base;
}

/** What touches a cell: a publication is a store of a pointer. */
function accesses(event: Event): boolean {
  return event.kind === 'read' || event.kind === 'write' || event.kind === 'rmw' || event.kind === 'publish';
}

const MB: Act = { op: 'fence', fence: 'mb' };

function bare(name: string): string {
  return name.slice(name.indexOf(':') + 1).replace(/ \(shared\)$/, '');
}

function strengthOf(event: Event): Strength {
  const o = event.ordering;
  return o === 'full' || o === 'acquire' || o === 'release' || o === 'plain' ? o : 'relaxed';
}

function fenceOf(event: Event) {
  switch (event.ordering) {
    case 'full':
      return 'mb' as const;
    case 'rmb':
    case 'wmb':
    case 'before-atomic':
    case 'after-atomic':
      return event.ordering;
    case 'compiler':
      return 'barrier' as const;
    default:
      return null;
  }
}

function rcuActs(event: Event, sections: readonly string[]): ('rcu-lock' | 'rcu-unlock' | 'sync-rcu')[] {
  if (/^synchronize_(?:rcu|net)/.test(event.api)) return ['sync-rcu'];
  const effect = factOf(event.api)?.context ?? [];
  if (sections.some(word => effect.includes(`+${word}`))) return ['rcu-lock'];
  return sections.some(word => effect.includes(`-${word}`)) ? ['rcu-unlock'] : [];
}

/** The guard that the branch puts on what follows, where a step of the thread decides it. */
function guardOf(branch: FlowNode, to: number, steps: Step[], asides: ReadonlySet<string>): Guard | null {
  const deciding = steps.filter(s => s.event && s.register !== null && branch.decides?.includes(s.event.index));
  const step = deciding.at(-1);
  if (!step?.register) return null;
  const plain = branch.decides?.length === 1 && (branch.tests === 'nonzero' || branch.tests === 'zero');
  if (!plain || asides.has(step.register)) return { register: step.register, test: 'dependent' };
  const holds = branch.next[0] === to;
  return { register: step.register, test: (branch.tests === 'nonzero') === holds ? 'nonzero' : 'zero' };
}

const MOST_NODES = 20_000;

/** The nodes of a path from one node to another, both included, with as little on it that orders as there is; null where there is none. */
function pathTo(fn: CFunction, from: number, to: number): number[] | null {
  const weight = (node: number): number => {
    const flow = fn.flow[node];
    if (flow?.kind === 'gap') return 1000;
    const event = flow?.event === null || flow?.event === undefined ? null : fn.events[flow.event];
    if (!event) return 1;
    return event.opaque || event.kind === 'fence' || event.kind === 'lock' || event.kind === 'unlock' || event.ordering === 'full' ? 1000 : 2;
  };
  const cost = new Map<number, number>([[from, 0]]);
  const back = new Map<number, number>();
  const open = new Set([from]);
  for (let looked = 0; open.size > 0 && looked < MOST_NODES; looked++) {
    let at = -1;
    for (const node of open) if (at < 0 || (cost.get(node) ?? 0) < (cost.get(at) ?? 0)) at = node;
    open.delete(at);
    if (at === to && looked > 0) break;
    for (const next of fn.flow[at]?.next ?? []) {
      const price = (cost.get(at) ?? 0) + weight(next);
      if (price >= (cost.get(next) ?? Number.POSITIVE_INFINITY)) continue;
      cost.set(next, price);
      back.set(next, at);
      open.add(next);
    }
  }
  if (from === to) return [from];
  if (!back.has(to)) return null;
  const path = [to];
  for (let at = back.get(to); at !== undefined && path.length < MOST_NODES; at = back.get(at)) {
    path.unshift(at);
    if (at === from) break;
  }
  return path;
}
