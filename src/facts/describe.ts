/** What a row of facts may say, and the fact that it makes: one form for rules/facts and for what users declare. */

import type { Effect, EffectOf, Road, Runner } from '../model/effect.ts';
import type {
  EventKind,
  Fact,
  Form,
  HeldByCore,
  MemberFact,
  Operation,
  Ordering,
  PageTableLevel,
  PageTableUse,
  Pointer,
  Result,
  TypeFact,
} from '../model/fact.ts';
import { readSection } from '../model/section.ts';

/** Words of one type: as an object, so that the compiler holds it to the type. */
type Words<T extends string> = Record<T, true>;

/** A key of a row: what its value may be. An effect is written as its first part alone, as a map of its parts, or as a list of either. */
export type Field =
  | { is: 'words'; words: Record<string, true>; nullable?: true }
  | { is: 'argument' | 'arguments' | 'flag' | 'text' | 'texts' | 'family' | 'context' }
  | { is: 'effect'; parts: Record<string, Field> };

const KINDS: Words<EventKind> = {
  read: true,
  write: true,
  rmw: true,
  fence: true,
  lock: true,
  unlock: true,
  rcu: true,
  publish: true,
  free: true,
  wait: true,
  wake: true,
  call: true,
};
const OPERATIONS: Words<Operation> = {
  load: true,
  store: true,
  set: true,
  clear: true,
  flip: true,
  assign: true,
  add: true,
  sub: true,
  inc: true,
  dec: true,
  and: true,
  or: true,
  xor: true,
  andnot: true,
  xchg: true,
  cmpxchg: true,
};
const RESULTS: Words<Result> = { none: true, old: true, new: true, success: true, test: true, value: true };
const ORDERINGS: Words<Ordering> = {
  none: true,
  plain: true,
  relaxed: true,
  address: true,
  acquire: true,
  release: true,
  full: true,
  rmb: true,
  wmb: true,
  compiler: true,
  'before-atomic': true,
  'after-atomic': true,
};
const BY: Words<Fact['by']> = { pointer: true, lvalue: true };
const SLEEPS: Words<Fact['sleeps']> = { no: true, yes: true, maybe: true };
const FORMS: Words<Form> = { transparent: true, test: true, constant: true };
const POINTERS: Words<Pointer> = { same: true, container: true, private: true };
/** The words of runners, of what is quiesced, of roads and of waits, for those who read them elsewhere. */
export const RUNNERS: Words<Runner> = {
  irq: true,
  'irq-thread': true,
  softirq: true,
  tasklet: true,
  timer: true,
  hrtimer: true,
  napi: true,
  work: true,
  'delayed-work': true,
  'irq-work': true,
  'kthread-work': true,
  kthread: true,
  'task-work': true,
  rcu: true,
  'cpu-call': true,
  notifier: true,
  urb: true,
  init: true,
  exit: true,
  pm: true,
  attribute: true,
  debugfs: true,
  devres: true,
  kref: true,
  operations: true,
};
export const QUIET: Words<EffectOf<'quiesce'>['of']> = { ...RUNNERS, readers: true, queue: true };
export const ROADS: Words<Road> = {
  pointer: true,
  list: true,
  hlist: true,
  hash: true,
  tree: true,
  xarray: true,
  idr: true,
  queue: true,
  index: true,
  handler: true,
  count: true,
  flag: true,
};
const WHEN_FREED: Words<EffectOf<'free'>['when']> = { now: true, 'grace-period': true };
const COUNTED: Words<EffectOf<'ref'>['by']> = { get: true, 'get-unless-zero': true, put: true };
export const WAITED: Words<EffectOf<'wait'>['on']> = { queue: true, bit: true, variable: true, completion: true, thread: true, event: true };
const SWITCHED: Words<EffectOf<'power'>['to']> = { on: true, off: true };
const IO: Words<EffectOf<'io'>['access']> = { read: true, write: true };
const SCOPES: Words<NonNullable<Fact['scope']>> = { device: true, all: true, completing: true };
const MEANT: Words<NonNullable<Fact['meant']>> = { race: true, unlocked: true };
const PAGE_TABLE: Words<PageTableUse> = {
  walk: true,
  'walk-lockless': true,
  read: true,
  'read-lockless': true,
  compare: true,
  change: true,
  page: true,
  lock: true,
  unmap: true,
  'flush-deferred': true,
};
const LEVELS: Words<PageTableLevel> = { pte: true, pmd: true, pud: true, p4d: true, pgd: true };
const ASKED: Words<NonNullable<Fact['asks']>> = { context: true, machine: true };
const STATIC: Words<NonNullable<Fact['staticKey']>> = { test: true, on: true, off: true, up: true, down: true };
const KEEPS: Words<'nothing'> = { nothing: true };
const MODES: Words<'exclusive' | 'shared' | 'any'> = { exclusive: true, shared: true, any: true };
const OUTCOMES: Words<'nonzero' | 'zero'> = { nonzero: true, zero: true };

const words = (of: Record<string, true>): Field => ({ is: 'words', words: of });
const orNull = (of: Record<string, true>): Field => ({ is: 'words', words: of, nullable: true });
const argument: Field = { is: 'argument' };
const flag: Field = { is: 'flag' };
const family: Field = { is: 'family' };
const section: Field = { is: 'effect', parts: { section: family, object: argument, mode: words(MODES), when: words(OUTCOMES) } };
const waits: Field = { is: 'effect', parts: { on: words(WAITED), object: argument, condition: argument } };

/** All that may be said of a function, by key. */
export const FIELDS: Record<string, Field> = {
  kind: words(KINDS),
  cell: argument,
  also: { is: 'arguments' },
  by: words(BY),
  bit: argument,
  operation: orNull(OPERATIONS),
  operand: argument,
  result: words(RESULTS),
  atomic: flag,
  ordering: words(ORDERINGS),
  onFailure: orNull(ORDERINGS),
  lock: family,
  shared: flag,
  conditional: flag,
  global: flag,
  context: { is: 'context' },
  sleeps: words(SLEEPS),
  gfp: argument,
  saves: flag,
  nested: flag,
  asks: words(ASKED),
  pageTable: words(PAGE_TABLE),
  level: words(LEVELS),
  ownLock: flag,
  form: words(FORMS),
  pointer: words(POINTERS),
  part: flag,
  scope: words(SCOPES),
  staticKey: words(STATIC),
  meant: words(MEANT),
  counter: flag,
  init: flag,
  keeps: words(KEEPS),
  core: flag,
  managed: flag,
  unevaluated: flag,
  error: flag,
  open: section,
  close: section,
  publish: { is: 'effect', parts: { by: words(ROADS), object: argument, into: argument, rcu: flag } },
  consume: {
    is: 'effect',
    parts: {
      by: words(ROADS),
      from: argument,
      each: flag,
      safe: flag,
      cursor: argument,
      member: argument,
      type: argument,
      rcu: flag,
      section: family,
    },
  },
  unpublish: { is: 'effect', parts: { by: words(ROADS), object: argument, from: argument, rcu: flag } },
  quiesce: { is: 'effect', parts: { of: words(QUIET), object: argument, waits: flag, cancels: flag, bars: flag, types: { is: 'texts' } } },
  free: { is: 'effect', parts: { when: words(WHEN_FREED), object: argument, private: flag } },
  ref: { is: 'effect', parts: { by: words(COUNTED), object: argument, frees: flag } },
  register: {
    is: 'effect',
    parts: {
      runner: words(RUNNERS),
      handler: argument,
      thread: argument,
      object: argument,
      data: argument,
      under: argument,
      managed: flag,
      types: { is: 'texts' },
      prefix: argument,
      suffixes: { is: 'texts' },
    },
  },
  queue: { is: 'effect', parts: { runner: words(RUNNERS), object: argument, on: argument } },
  arm: { is: 'effect', parts: { runner: words(RUNNERS), object: argument } },
  wait: waits,
  wake: waits,
  power: { is: 'effect', parts: { to: words(SWITCHED), object: argument } },
  io: { is: 'effect', parts: { access: words(IO), object: argument } },
  alloc: flag,
  noreturn: flag,
  assert: { is: 'effect', parts: { section: family, object: argument, mode: words(MODES) } },
};

const RUNS: Words<NonNullable<MemberFact['runs']>> = { task: true, softirq: true, hardirq: true };
const PHASES: Words<NonNullable<MemberFact['phase']>> = {
  setup: true,
  teardown: true,
  up: true,
  down: true,
  open: true,
  close: true,
};
const BINDS: Words<NonNullable<MemberFact['driver']>> = { bind: true, unbind: true };
const IS: Words<TypeFact['is']> = { lock: true, atomic: true, count: true, completion: true, device: true };

/** All that may be said of a member of an operations table. */
export const MEMBER_FIELDS: Record<string, Field> = {
  runs: words(RUNS),
  sleeps: flag,
  holds: { is: 'texts' },
  unless: { is: 'texts' },
  never_with: { is: 'texts' },
  ended: { is: 'texts' },
  by: { is: 'text' },
  phase: words(PHASES),
  pair: { is: 'texts' },
  keeps_lock: flag,
  driver: words(BINDS),
};

/** All that may be said of a type. */
export const TYPE_FIELDS: Record<string, Field> = { is: words(IS), family };

/** What a row says, by key. */
export type FactRow = Readonly<Record<string, unknown>>;

/** The value itself, where it is a word of the type. */
export function word<T extends string>(of: Words<T>, value: unknown): T | undefined {
  for (const known in of) if (known === value) return known;
  return undefined;
}

/** The argument position that a key says; what is written as null or not at all is `otherwise`. */
function position(value: unknown, otherwise: number | null): number | null {
  return typeof value === 'number' ? value : value === null ? null : otherwise;
}

/** What an effect's key says: each of the listed, its first part written out. */
function parts(said: FactRow, key: string): FactRow[] {
  const value = said[key];
  if (value === undefined || value === null || value === false) return [];
  const field = FIELDS[key];
  const [noun = ''] = field?.is === 'effect' ? Object.keys(field.parts) : [];
  return (Array.isArray(value) ? value : [value]).map(one => (isMap(one) ? one : { [noun]: one }));
}

function isMap(value: unknown): value is FactRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Kinds of which the order must be said. */
export const ORDERED: readonly EventKind[] = ['read', 'write', 'rmw', 'fence'];

/** What a kind says of itself. */
const OF_KIND: Partial<Record<EventKind, FactRow>> = {
  read: { operation: 'load', result: 'value' },
  write: { operation: 'store' },
  publish: { operation: 'store', ordering: 'release' },
  lock: { ordering: 'acquire' },
  unlock: { ordering: 'release' },
};

/** The fact that a row makes. What goes without saying stands in rules/facts/README.md. */
export function factFrom(api: string, row: FactRow, source: string): Fact {
  const kind = word(KINDS, row.kind) ?? 'call';
  const isLock = kind === 'lock' || kind === 'unlock';
  const conditional = row.conditional === true;
  const said: FactRow = { ...OF_KIND[kind], ...(conditional ? { result: 'success', onFailure: 'none' } : {}), ...row };
  const lockFamily = typeof said.lock === 'string' ? said.lock : '';
  const fact: Fact = {
    api,
    kind,
    cell: position(said.cell, null),
    by: word(BY, said.by) ?? 'pointer',
    bit: position(said.bit, null),
    operation: word(OPERATIONS, said.operation) ?? null,
    operand: position(said.operand, null),
    result: word(RESULTS, said.result) ?? 'none',
    atomic: said.atomic !== false,
    ordering: word(ORDERINGS, said.ordering) ?? 'none',
    orderingOnFailure: word(ORDERINGS, said.onFailure) ?? null,
    lock: isLock ? { family: lockFamily, shared: said.shared === true, conditional, global: said.global === true } : null,
    context: typeof said.context === 'string' ? said.context.split(' ') : [],
    sleeps: word(SLEEPS, said.sleeps) ?? 'no',
    ...(said.saves === true ? { saves: true } : {}),
    ...(said.nested === true ? { nested: true } : {}),
    ...(said.ownLock === true ? { ownLock: true } : {}),
    form: word(FORMS, said.form) ?? null,
    pointer: word(POINTERS, said.pointer) ?? null,
    ...(said.unevaluated === true ? { unevaluated: true } : {}),
    ...(said.error === true ? { error: true } : {}),
    effects: [],
    ...(said.part === true ? { part: true } : {}),
    ...(said.counter === true ? { counter: true } : {}),
    ...(said.keeps === 'nothing' ? { keepsNothing: true } : {}),
    ...(said.core === true ? { core: true } : {}),
    ...(said.managed === true ? { managed: true } : {}),
    source,
  };
  const scope = word(SCOPES, said.scope);
  const staticKey = word(STATIC, said.staticKey);
  const meant = word(MEANT, said.meant);
  const asks = word(ASKED, said.asks);
  const pageTable = word(PAGE_TABLE, said.pageTable);
  const level = word(LEVELS, said.level);
  return {
    ...fact,
    ...(scope ? { scope } : {}),
    ...(staticKey ? { staticKey } : {}),
    ...(meant ? { meant } : {}),
    ...(asks ? { asks } : {}),
    ...(pageTable ? { pageTable } : {}),
    ...(level ? { level } : {}),
    effects: effectsOf(fact, said),
  };
}

/** The fact that a row makes of a member of a table. What runs in a task may sleep unless the row says no. */
export function describeMember(struct: string, member: string, said: FactRow, source: string): MemberFact {
  const runs = word(RUNS, said.runs) ?? null;
  return {
    struct,
    member,
    runs,
    sleeps: typeof said.sleeps === 'boolean' ? said.sleeps : runs === null ? null : runs === 'task',
    holds: texts(said.holds).map(heldByCore),
    unless: texts(said.unless),
    neverWith: texts(said.never_with),
    ended: texts(said.ended),
    by: typeof said.by === 'string' ? said.by : null,
    phase: word(PHASES, said.phase) ?? null,
    pair: texts(said.pair),
    keepsLock: said.keeps_lock === true,
    driver: word(BINDS, said.driver) ?? null,
    source,
  };
}

/** `FAMILY`, `FAMILY:OBJECT`, `FAMILY:OBJECT of N` with the argument it is of, and ` (shared)` after that. */
function heldByCore(text: string): HeldByCore {
  const argument = / of (\d+)(?= \(shared\)$|$)/.exec(text)?.[1];
  return { section: readSection(text.replace(/ of \d+(?= \(shared\)$|$)/, ''), 'table'), argument: argument === undefined ? null : Number(argument) };
}

/** The fact that a row makes of a type. */
export function describeType(type: string, said: FactRow, source: string): TypeFact {
  return { type, is: word(IS, said.is) ?? 'atomic', family: typeof said.family === 'string' ? said.family : null, source };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}

/** All effects of a fact: what its members say, then what the row says besides. */
function effectsOf(fact: Fact, said: FactRow): Effect[] {
  return [...accesses(fact, said), ...sections(fact, said), ...lives(fact, said), ...handlers(fact, said), ...sleepers(fact, said)];
}

function accesses(fact: Fact, said: FactRow): Effect[] {
  const { kind, cell, ordering } = fact;
  if (kind === 'fence') return [{ does: 'order', fence: ordering }];
  const access =
    said.init === true
      ? 'init'
      : kind === 'read' || kind === 'rmw'
        ? kind
        : kind === 'write' || kind === 'publish'
          ? 'write'
          : kind === 'free'
            ? 'free'
            : null;
  if (access === null || cell === null) return [];
  const also = Array.isArray(said.also) ? said.also.filter(n => typeof n === 'number') : [];
  const marked = fact.atomic && ordering !== 'plain';
  return [cell, ...also].map(at => ({ does: 'access', cell: at, access, marked, ordering, onFailure: fact.orderingOnFailure }));
}

function sections({ lock, kind, cell, context, result }: Fact, said: FactRow): Effect[] {
  const when = lock?.conditional ? (result === 'value' ? 'zero' : 'nonzero') : null;
  const found: Effect[] = [];
  if (lock) {
    const mode = lock.shared ? 'shared' : 'exclusive';
    found.push({ does: kind === 'unlock' ? 'close' : 'open', section: lock.family, object: lock.global ? null : (cell ?? 0), mode, when });
  }
  for (const sign of context) {
    const does = sign.startsWith('+') ? 'open' : 'close';
    found.push({ does, section: sign.slice(1), object: null, mode: 'shared', when });
  }
  for (const does of ['open', 'close'] as const) {
    for (const part of parts(said, does)) {
      const mode = part.mode === 'shared' ? 'shared' : 'exclusive';
      found.push({ does, section: String(part.section), object: position(part.object, cell), mode, when: word(OUTCOMES, part.when) ?? null });
    }
  }
  for (const part of parts(said, 'assert'))
    found.push({ does: 'assert', section: String(part.section), object: position(part.object, cell), mode: word(MODES, part.mode) ?? 'any' });
  return found;
}

function lives({ kind, cell, operand }: Fact, said: FactRow): Effect[] {
  const found: Effect[] = [];
  for (const part of parts(said, 'publish'))
    found.push({
      does: 'publish',
      by: word(ROADS, part.by) ?? 'pointer',
      object: position(part.object, operand),
      into: position(part.into, cell),
      rcu: part.rcu === true,
    });
  if (kind === 'publish' && said.publish === undefined) found.push({ does: 'publish', by: 'pointer', object: operand, into: cell, rcu: false });
  for (const part of parts(said, 'consume'))
    found.push({
      does: 'consume',
      by: word(ROADS, part.by) ?? 'pointer',
      from: position(part.from, cell),
      each: part.each === true,
      safe: part.safe === true,
      cursor: position(part.cursor, null),
      member: position(part.member, null),
      type: position(part.type, null),
      rcu: part.rcu === true,
      section: typeof part.section === 'string' ? part.section : null,
    });
  for (const part of parts(said, 'unpublish'))
    found.push({
      does: 'unpublish',
      by: word(ROADS, part.by) ?? 'pointer',
      object: position(part.object, cell),
      from: position(part.from, null),
      rcu: part.rcu === true,
    });
  for (const part of parts(said, 'free'))
    found.push({ does: 'free', object: position(part.object, cell), when: word(WHEN_FREED, part.when) ?? 'now', private: part.private === true });
  if (kind === 'free' && said.free === undefined && said.ref === undefined) found.push({ does: 'free', object: cell, when: 'now', private: false });
  for (const part of parts(said, 'ref'))
    found.push({ does: 'ref', object: position(part.object, cell), by: word(COUNTED, part.by) ?? 'get', frees: part.frees === true });
  if (said.alloc === true) found.push({ does: 'alloc' });
  return found;
}

function handlers({ kind, cell }: Fact, said: FactRow): Effect[] {
  const found: Effect[] = [];
  for (const part of parts(said, 'quiesce'))
    found.push({
      does: 'quiesce',
      of: word(QUIET, part.of) ?? 'readers',
      object: position(part.object, cell),
      waits: part.waits !== false,
      cancels: part.cancels === true,
      bars: part.bars === true,
      types: texts(part.types),
    });
  for (const part of parts(said, 'register'))
    found.push({
      does: 'register',
      runner: word(RUNNERS, part.runner) ?? 'irq',
      handler: position(part.handler, null),
      thread: position(part.thread, null),
      object: position(part.object, cell),
      data: position(part.data, null),
      under: position(part.under, null),
      managed: part.managed === true,
      types: texts(part.types),
      prefix: position(part.prefix, null),
      suffixes: texts(part.suffixes),
    });
  for (const part of parts(said, 'queue'))
    found.push({
      does: 'queue',
      runner: word(RUNNERS, part.runner) ?? 'work',
      object: position(part.object, cell),
      on: position(part.on, null),
    });
  for (const part of parts(said, 'arm'))
    found.push({ does: 'arm', runner: word(RUNNERS, part.runner) ?? 'timer', object: position(part.object, cell) });
  for (const part of parts(said, 'power')) found.push({ does: 'power', to: word(SWITCHED, part.to) ?? 'off', object: position(part.object, cell) });
  for (const part of parts(said, 'io')) found.push({ does: 'io', access: word(IO, part.access) ?? 'read', object: position(part.object, cell) });
  for (const does of ['wait', 'wake'] as const) {
    for (const part of parts(said, does))
      found.push({ does, on: word(WAITED, part.on) ?? 'event', object: position(part.object, cell), condition: position(part.condition, null) });
    const other = found.some(e => e.does === 'quiesce' || e.does === 'queue' || e.does === 'arm' || e.does === does);
    if (kind === does && !other) found.push({ does, on: 'event', object: cell, condition: null });
  }
  return found;
}

function sleepers({ sleeps }: Fact, said: FactRow): Effect[] {
  const gfp = position(said.gfp, null);
  const found: Effect[] = said.noreturn === true ? [{ does: 'noreturn' }] : [];
  if (sleeps === 'yes') found.push({ does: 'sleep', when: 'always', gfp: null });
  else if (gfp !== null) found.push({ does: 'sleep', when: 'gfp', gfp });
  else if (sleeps === 'maybe') found.push({ does: 'sleep', when: 'maybe', gfp: null });
  return found;
}
