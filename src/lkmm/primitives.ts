import type { Expression, FenceKind, Statement, Tag, UpdateOp } from './litmus.ts';

/** How an argument is handed over: as memory (`*x`), as a pointer to it (`x`), or as a value. */
export type Passing = 'memory' | 'pointer' | 'value';

/** What a call does: it gives a value, or it is a statement. Memory and pointers arrive as addresses. */
export type Primitive = { parameters: Passing[] } & (
  | { gives: (...args: Expression[]) => Expression; does?: never }
  | { does: (...args: Expression[]) => Statement[]; gives?: never }
);

/** What stands at the end of a read-modify-write's name. */
export const SUFFIX: Readonly<Record<Tag, string>> = {
  mb: '',
  acquire: '_acquire',
  release: '_release',
  once: '_relaxed',
  plain: '_relaxed',
  noreturn: '',
};

/** The names of the operators in atomic_fetch_*(). */
export const OPERATION: Readonly<Record<UpdateOp, string>> = {
  '+': 'add',
  '-': 'sub',
  '&': 'and',
  '|': 'or',
  '^': 'xor',
  '&~': 'andnot',
  '=': 'xchg',
};

/** The calls that are nothing but a fence. */
export const FENCES: Readonly<Record<string, FenceKind>> = {
  smp_mb: 'mb',
  smp_rmb: 'rmb',
  smp_wmb: 'wmb',
  barrier: 'barrier',
  smp_mb__before_atomic: 'before-atomic',
  smp_mb__after_atomic: 'after-atomic',
  smp_mb__after_spinlock: 'after-spinlock',
  smp_mb__after_unlock_lock: 'after-unlock-lock',
  smp_mb__after_srcu_read_unlock: 'after-srcu-read-unlock',
  rcu_read_lock: 'rcu-lock',
  rcu_read_unlock: 'rcu-unlock',
  synchronize_rcu: 'sync-rcu',
  synchronize_rcu_expedited: 'sync-rcu',
};

const ORDERED: Tag[] = ['mb', 'once', 'acquire', 'release'];

/** The primitives of tools/memory-model/linux-kernel.def, by name. */
export const PRIMITIVES: ReadonlyMap<string, Primitive> = primitives();

function primitives(): Map<string, Primitive> {
  const known = new Map<string, Primitive>();
  const gives = (name: string, parameters: Passing[], build: (...args: Expression[]) => Expression) => known.set(name, { parameters, gives: build });
  const does = (name: string, parameters: Passing[], build: (...args: Expression[]) => Statement[]) => known.set(name, { parameters, does: build });
  const one: Expression = { kind: 'value', value: 1 };
  const zero: Expression = { kind: 'value', value: 0 };
  const load = (tag: Tag) => (at: Expression) => ({ kind: 'load' as const, tag, at });
  const store = (tag: Tag) => (at: Expression, value: Expression) => [{ kind: 'store' as const, tag, at, value }];
  const rmw = (op: UpdateOp, tag: Tag, at: Expression, operand: Expression, what: 'old' | 'new' | 'none'): Expression => ({
    kind: 'rmw',
    op,
    tag,
    at,
    operand,
    gives: what,
  });

  gives('READ_ONCE', ['memory'], load('once'));
  gives('rcu_dereference', ['memory'], load('once'));
  gives('smp_load_acquire', ['pointer'], load('acquire'));
  gives('atomic_read', ['pointer'], load('once'));
  gives('atomic_read_acquire', ['pointer'], load('acquire'));
  does('WRITE_ONCE', ['memory', 'value'], store('once'));
  does('rcu_assign_pointer', ['memory', 'value'], store('release'));
  does('smp_store_release', ['pointer', 'value'], store('release'));
  does('atomic_set', ['pointer', 'value'], store('once'));
  does('atomic_set_release', ['pointer', 'value'], store('release'));
  does('smp_store_mb', ['memory', 'value'], (at, value) => [...store('once')(at, value), { kind: 'fence', fence: 'mb' }]);
  for (const [name, fence] of Object.entries(FENCES)) does(name, [], () => [{ kind: 'fence', fence }]);

  for (const prefix of ['', 'atomic_'])
    for (const tag of ORDERED) {
      gives(`${prefix}xchg${SUFFIX[tag]}`, ['pointer', 'value'], (at, operand) => rmw('=', tag, at, operand, 'old'));
      gives(`${prefix}cmpxchg${SUFFIX[tag]}`, ['pointer', 'value', 'value'], (at, expected, desired) => ({
        kind: 'cmpxchg',
        tag,
        at,
        expected,
        desired,
      }));
    }
  for (const tag of ORDERED) {
    gives(`atomic_add_unless${SUFFIX[tag]}`, ['pointer', 'value', 'value'], (at, operand, unless) => ({
      kind: 'add-unless',
      tag,
      at,
      operand,
      unless,
    }));
    gives(`atomic_add_negative${SUFFIX[tag]}`, ['value', 'pointer'], (operand, at) => ({
      kind: 'binary',
      op: '<',
      left: rmw('+', tag, at, operand, 'new'),
      right: zero,
    }));
  }
  for (const op of ['+', '-', '&', '|', '^', '&~'] as const) {
    const name = OPERATION[op];
    does(`atomic_${name}`, ['value', 'pointer'], (operand, at) => [{ kind: 'evaluate', value: rmw(op, 'noreturn', at, operand, 'none') }]);
    for (const tag of ORDERED) {
      gives(`atomic_fetch_${name}${SUFFIX[tag]}`, ['value', 'pointer'], (operand, at) => rmw(op, tag, at, operand, 'old'));
      if (op === '+' || op === '-')
        gives(`atomic_${name}_return${SUFFIX[tag]}`, ['value', 'pointer'], (operand, at) => rmw(op, tag, at, operand, 'new'));
    }
  }
  for (const [op, name] of [['+', 'inc'] as const, ['-', 'dec'] as const]) {
    does(`atomic_${name}`, ['pointer'], at => [{ kind: 'evaluate', value: rmw(op, 'noreturn', at, one, 'none') }]);
    for (const tag of ORDERED) {
      gives(`atomic_fetch_${name}${SUFFIX[tag]}`, ['pointer'], at => rmw(op, tag, at, one, 'old'));
      gives(`atomic_${name}_return${SUFFIX[tag]}`, ['pointer'], at => rmw(op, tag, at, one, 'new'));
    }
    gives(`atomic_${name}_and_test`, ['pointer'], at => ({ kind: 'binary', op: '==', left: rmw(op, 'mb', at, one, 'new'), right: zero }));
  }
  gives('atomic_sub_and_test', ['value', 'pointer'], (operand, at) => ({
    kind: 'binary',
    op: '==',
    left: rmw('-', 'mb', at, operand, 'new'),
    right: zero,
  }));

  does('spin_lock', ['pointer'], at => [{ kind: 'lock', at }]);
  does('spin_unlock', ['pointer'], at => [{ kind: 'unlock', at }]);
  gives('spin_trylock', ['pointer'], at => ({ kind: 'trylock', at }));
  gives('spin_is_locked', ['pointer'], at => ({ kind: 'is-locked', at }));
  for (const name of ['srcu_read_lock', 'srcu_down_read']) gives(name, ['pointer'], at => ({ kind: 'srcu-lock', at }));
  for (const name of ['srcu_read_unlock', 'srcu_up_read']) does(name, ['pointer', 'value'], (at, value) => [{ kind: 'srcu-unlock', at, value }]);
  for (const name of ['synchronize_srcu', 'synchronize_srcu_expedited']) does(name, ['pointer'], at => [{ kind: 'sync-srcu', at }]);
  return known;
}
