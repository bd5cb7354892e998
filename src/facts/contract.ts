/** The fact that a contract makes: what it says of arguments in the words of the closed list, what is sure apart from what may be. */
import type { Act, Contract } from '../model/contract.ts';
import type { Effect, EffectOf, Road, Runner } from '../model/effect.ts';
import type { Contracted, Fact, LockFact } from '../model/fact.ts';
import { QUIET, ROADS, RUNNERS, WAITED, word } from './describe.ts';

/** What a call does by the contract; `convention` is what its name lets expect, where not all of the body was read. */
export function factsOf(contract: Contract, kernel: string, convention: Fact | undefined): Contracted {
  const { acts, complete } = contract;
  const sure = acts.filter(a => a.when.on === 'always');
  const source = `the body of ${contract.name}() in Linux ${kernel}`;
  const bounds = sure.filter(a => (a.does === 'open' || a.does === 'close') && a.object !== '-');
  const [bound] = bounds;
  const lock = bounds.length === 1 && bound ? lockOf(bound) : null;
  const freed = sure.find(a => a.does === 'free' && isArgument(a) && a.marks.length === 0 && a.result === null);
  const kind = lock ? (bound?.does === 'open' ? 'lock' : 'unlock') : freed ? 'free' : 'call';
  const sleep = acts.find(a => a.does === 'sleep');
  const contexts = sure.filter(a => (a.does === 'open' || a.does === 'close') && a.object === '-' && a.result === (bound?.result ?? null));
  const keeps = acts.some(a => KEEPS.has(a.does));
  const fact: Fact = {
    api: contract.name,
    kind,
    cell: freed && !lock ? Number(freed.object) : null,
    by: 'pointer',
    bit: null,
    operation: null,
    operand: null,
    result: lock?.conditional ? (bound?.result === 'zero' ? 'value' : 'success') : contract.signature.result === '' ? 'none' : 'value',
    atomic: true,
    ordering: kind === 'lock' ? 'acquire' : kind === 'unlock' ? 'release' : 'none',
    orderingOnFailure: lock?.conditional ? 'none' : null,
    lock,
    context: contexts.map(a => `${a.does === 'open' ? '+' : '-'}${a.of}`),
    sleeps: !sleep ? 'no' : sleep.when.on === 'always' ? 'yes' : 'maybe',
    form: null,
    pointer: null,
    effects: sure.flatMap(a => effectOf(a) ?? []).concat(sleepOf(sleep)),
    ...(complete ? {} : { part: true as const }),
    ...((complete && !keeps) || (!complete && convention?.keepsNothing) ? { keepsNothing: true as const } : {}),
    ...(!complete && convention?.core ? { core: true as const } : {}),
    contract,
    source,
  };
  const maybe: Effect[] = acts.filter(a => a.when.on !== 'always').flatMap(a => effectOf(a) ?? []);
  // Not on every path: a call may fail, or find what is there.
  if (contract.returns.fresh) maybe.push({ does: 'alloc' });
  // A name is only asked where the body left something open.
  const named = complete
    ? []
    : (convention?.effects ?? []).filter(
        e => ![...acts, ...maybe].some(a => a.does === e.does || (e.does === 'ref' && (a.does === 'get' || a.does === 'put'))),
      );
  if (maybe.length + named.length === 0) return { fact, inferred: null };
  return {
    fact,
    inferred: { ...fact, kind: 'call', cell: null, lock: null, context: [], effects: [...maybe, ...named], part: true, inferred: true },
  };
}

/** Acts by which a pointer that is given outlives the call, or the call waits for something of it. */
const KEEPS = new Set(['keep', 'publish', 'register', 'queue', 'arm', 'wait', 'quiesce', 'get']);

function lockOf(bound: Act): LockFact {
  return {
    family: bound.of,
    shared: bound.marks.includes('shared'),
    conditional: bound.result !== null,
    global: !/^\d/.test(bound.object),
  };
}

function isArgument(a: Act): boolean {
  return /^\d+$/.test(a.object);
}

function sleepOf(sleep: Act | undefined): EffectOf<'sleep'>[] {
  if (!sleep) return [];
  if (sleep.when.on === 'always') return [{ does: 'sleep', when: 'always', gfp: null }];
  if (sleep.when.on === 'gfp' && sleep.when.sure) return [{ does: 'sleep', when: 'gfp', gfp: sleep.when.argument }];
  return [{ does: 'sleep', when: 'maybe', gfp: null }];
}

/** The effect of an act on an argument as it is given, on the result, or on nothing; null of one on a member, which only the contract itself can name. */
function effectOf(a: Act): Effect | null {
  const has = (mark: string) => a.marks.includes(mark);
  const at = (where: string | undefined): number | null => (where !== undefined && /^\d+$/.test(where) ? Number(where) : null);
  const object = at(a.object);
  // A count that is part of an object counts the object.
  const whole = a.does === 'get' || a.does === 'put' ? /^(\d+|r)->[\w.[\]]+$/.exec(a.object)?.[1] : undefined;
  const counted = whole === undefined ? object : at(whole);
  if (object === null && whole === undefined && a.object !== '-' && a.object !== 'r') return null;
  const mode = has('shared') ? ('shared' as const) : ('exclusive' as const);
  switch (a.does) {
    case 'open':
    case 'close':
      return { does: a.does, section: a.of, object, mode: a.object === '-' ? 'shared' : mode, when: a.result };
    case 'get':
      return { does: 'ref', object: counted, by: a.result === 'nonzero' ? 'get-unless-zero' : 'get', frees: false };
    case 'put':
      return { does: 'ref', object: counted, by: 'put', frees: has('frees') };
    case 'free':
      return { does: 'free', object, when: has('grace-period') ? 'grace-period' : 'now', private: has('private') };
    case 'quiesce': {
      const of = word(QUIET, a.of);
      return of ? { does: 'quiesce', of, object, waits: has('waits'), cancels: has('cancels'), bars: has('bars'), types: [] } : null;
    }
    case 'wait':
    case 'wake': {
      const on = word(WAITED, a.of);
      return on ? { does: a.does, on, object, condition: null } : null;
    }
    case 'register': {
      const runner: Runner | undefined = word(RUNNERS, a.of);
      const [handler, thread, data] = a.more.map(at);
      if (!runner) return null;
      return {
        does: 'register',
        runner,
        handler: handler ?? null,
        thread: thread ?? null,
        object,
        data: data ?? null,
        under: null,
        types: [],
        managed: has('managed'),
        prefix: null,
        suffixes: [],
      };
    }
    case 'queue':
    case 'arm': {
      const runner = word(RUNNERS, a.of);
      if (!runner) return null;
      return a.does === 'arm' ? { does: 'arm', runner, object } : { does: 'queue', runner, object, on: null };
    }
    case 'publish':
    case 'unpublish': {
      const by: Road | undefined = word(ROADS, a.of);
      if (!by) return null;
      return a.does === 'publish'
        ? { does: 'publish', by, object, into: at(a.more[0]), rcu: has('rcu') }
        : { does: 'unpublish', by, object, from: at(a.more[0]), rcu: has('rcu') };
    }
    default:
      return null;
  }
}
