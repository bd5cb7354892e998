import { describe, expect, it } from 'vitest';
import { allFacts, factOf, lockFamilyOf } from '../../src/facts/lookup.ts';
import type { EventKind, Operation, Ordering } from '../../src/model/fact.ts';

type Row = [
  api: string,
  kind: EventKind,
  cell: number | null,
  bit: number | null,
  operation: Operation | null,
  ordering: Ordering,
  onFailure: Ordering | null,
];

// Written from the kernel's documents, not from rules/facts: a second opinion.
const known: Row[] = [
  // Documentation/atomic_t.txt
  ['atomic_read', 'read', 0, null, 'load', 'relaxed', null],
  ['atomic_read_acquire', 'read', 0, null, 'load', 'acquire', null],
  ['atomic_set', 'write', 0, null, 'store', 'relaxed', null],
  ['atomic_set_release', 'write', 0, null, 'store', 'release', null],
  ['atomic_add', 'rmw', 1, null, 'add', 'relaxed', null],
  ['atomic64_sub', 'rmw', 1, null, 'sub', 'relaxed', null],
  ['atomic_long_inc', 'rmw', 0, null, 'inc', 'relaxed', null],
  ['atomic_andnot', 'rmw', 1, null, 'andnot', 'relaxed', null],
  ['atomic_add_return', 'rmw', 1, null, 'add', 'full', null],
  ['atomic_inc_return_relaxed', 'rmw', 0, null, 'inc', 'relaxed', null],
  ['atomic64_dec_return_acquire', 'rmw', 0, null, 'dec', 'acquire', null],
  ['atomic_long_sub_return_release', 'rmw', 1, null, 'sub', 'release', null],
  ['atomic_fetch_or', 'rmw', 1, null, 'or', 'full', null],
  ['atomic_fetch_andnot_release', 'rmw', 1, null, 'andnot', 'release', null],
  ['atomic64_fetch_xor_acquire', 'rmw', 1, null, 'xor', 'acquire', null],
  ['atomic_fetch_inc', 'rmw', 0, null, 'inc', 'full', null],
  ['atomic_dec_and_test', 'rmw', 0, null, 'dec', 'full', null],
  ['atomic_sub_and_test', 'rmw', 1, null, 'sub', 'full', null],
  ['atomic_add_negative', 'rmw', 1, null, 'add', 'full', null],
  ['atomic_xchg', 'rmw', 0, null, 'xchg', 'full', null],
  ['atomic_long_xchg_relaxed', 'rmw', 0, null, 'xchg', 'relaxed', null],
  ['atomic_cmpxchg', 'rmw', 0, null, 'cmpxchg', 'full', 'relaxed'],
  ['atomic_try_cmpxchg_acquire', 'rmw', 0, null, 'cmpxchg', 'acquire', 'relaxed'],
  ['atomic_add_unless', 'rmw', 0, null, 'add', 'full', 'relaxed'],
  ['atomic_inc_not_zero', 'rmw', 0, null, 'inc', 'full', 'relaxed'],
  ['xchg', 'rmw', 0, null, 'xchg', 'full', null],
  ['xchg_release', 'rmw', 0, null, 'xchg', 'release', null],
  ['cmpxchg', 'rmw', 0, null, 'cmpxchg', 'full', 'relaxed'],
  ['try_cmpxchg64_relaxed', 'rmw', 0, null, 'cmpxchg', 'relaxed', 'relaxed'],
  ['llist_add', 'rmw', 1, null, 'xchg', 'full', null],
  // Documentation/atomic_bitops.txt
  ['set_bit', 'rmw', 1, 0, 'set', 'relaxed', null],
  ['clear_bit', 'rmw', 1, 0, 'clear', 'relaxed', null],
  ['change_bit', 'rmw', 1, 0, 'flip', 'relaxed', null],
  ['test_bit', 'read', 1, 0, 'load', 'relaxed', null],
  ['test_bit_acquire', 'read', 1, 0, 'load', 'acquire', null],
  ['test_and_set_bit', 'rmw', 1, 0, 'set', 'full', null],
  ['test_and_clear_bit', 'rmw', 1, 0, 'clear', 'full', null],
  ['test_and_change_bit', 'rmw', 1, 0, 'flip', 'full', null],
  ['test_and_set_bit_lock', 'rmw', 1, 0, 'set', 'acquire', 'relaxed'],
  ['clear_bit_unlock', 'rmw', 1, 0, 'clear', 'release', null],
  ['assign_bit', 'rmw', 1, 0, 'assign', 'relaxed', null],
  ['__set_bit', 'rmw', 1, 0, 'set', 'plain', null],
  ['__test_and_clear_bit', 'rmw', 1, 0, 'clear', 'plain', null],
  ['bitmap_zero', 'write', 0, null, 'store', 'plain', null],
  ['find_first_bit', 'read', 0, null, 'load', 'plain', null],
  ['cpumask_set_cpu', 'rmw', 1, 0, 'set', 'relaxed', null],
  ['cpumask_test_cpu', 'read', 1, 0, 'load', 'relaxed', null],
  ['__cpumask_clear_cpu', 'rmw', 1, 0, 'clear', 'plain', null],
  ['set_thread_flag', 'rmw', null, 0, 'set', 'relaxed', null],
  ['test_and_clear_tsk_thread_flag', 'rmw', 0, 1, 'clear', 'full', null],
  // Documentation/memory-barriers.txt
  ['READ_ONCE', 'read', 0, null, 'load', 'relaxed', null],
  ['WRITE_ONCE', 'write', 0, null, 'store', 'relaxed', null],
  ['smp_load_acquire', 'read', 0, null, 'load', 'acquire', null],
  ['smp_store_release', 'write', 0, null, 'store', 'release', null],
  ['smp_store_mb', 'write', 0, null, 'store', 'full', null],
  ['smp_cond_load_acquire', 'read', 0, null, 'load', 'acquire', null],
  ['smp_mb', 'fence', null, null, null, 'full', null],
  ['smp_rmb', 'fence', null, null, null, 'rmb', null],
  ['smp_wmb', 'fence', null, null, null, 'wmb', null],
  ['dma_rmb', 'fence', null, null, null, 'rmb', null],
  ['barrier', 'fence', null, null, null, 'compiler', null],
  ['smp_mb__before_atomic', 'fence', null, null, null, 'before-atomic', null],
  ['smp_mb__after_atomic', 'fence', null, null, null, 'after-atomic', null],
  ['cpu_relax', 'fence', null, null, null, 'compiler', null],
  ['spin_lock', 'lock', 0, null, null, 'acquire', null],
  ['spin_lock_irqsave', 'lock', 0, null, null, 'acquire', null],
  ['spin_unlock', 'unlock', 0, null, null, 'release', null],
  ['spin_trylock', 'lock', 0, null, null, 'acquire', 'none'],
  ['raw_spin_unlock_irqrestore', 'unlock', 0, null, null, 'release', null],
  ['read_lock', 'lock', 0, null, null, 'acquire', null],
  ['write_unlock_bh', 'unlock', 0, null, null, 'release', null],
  ['bit_spin_lock', 'lock', 1, 0, null, 'acquire', null],
  ['mutex_lock', 'lock', 0, null, null, 'acquire', null],
  ['mutex_lock_interruptible', 'lock', 0, null, null, 'acquire', 'none'],
  ['mutex_unlock', 'unlock', 0, null, null, 'release', null],
  ['down_read', 'lock', 0, null, null, 'acquire', null],
  ['down_write_trylock', 'lock', 0, null, null, 'acquire', 'none'],
  ['up', 'unlock', 0, null, null, 'release', null],
  ['rtnl_lock', 'lock', null, null, null, 'acquire', null],
  ['lock_sock', 'lock', 0, null, null, 'acquire', null],
  ['local_lock', 'lock', 0, null, null, 'none', null],
  ['guard(mutex)', 'lock', 0, null, null, 'acquire', null],
  ['guard(rcu)', 'rcu', null, null, null, 'none', null],
  ['write_seqlock', 'lock', 0, null, null, 'acquire', null],
  ['read_seqbegin', 'read', 0, null, 'load', 'acquire', null],
  ['read_seqretry', 'read', 0, null, 'load', 'rmb', null],
  ['spin_is_locked', 'call', 0, null, null, 'none', null],
  ['lockdep_assert_held', 'call', 0, null, null, 'none', null],
  ['set_current_state', 'write', null, null, 'store', 'full', null],
  ['__set_current_state', 'write', null, null, 'store', 'relaxed', null],
  ['prepare_to_wait', 'wait', 0, null, null, 'full', null],
  ['wait_event', 'wait', 0, null, null, 'none', null],
  ['wait_event_interruptible_timeout', 'wait', 0, null, null, 'none', null],
  ['add_wait_queue', 'wait', 0, null, null, 'none', null],
  ['wait_on_bit', 'wait', 0, 1, null, 'acquire', 'none'],
  ['wake_up', 'wake', 0, null, null, 'none', null],
  ['wake_up_bit', 'wake', 0, null, null, 'none', null],
  ['wake_up_process', 'wake', 0, null, null, 'full', null],
  ['clear_and_wake_up_bit', 'wake', 1, 0, 'clear', 'full', null],
  ['waitqueue_active', 'read', 0, null, 'load', 'relaxed', null],
  ['wq_has_sleeper', 'read', 0, null, 'load', 'full', null],
  ['complete', 'wake', 0, null, null, 'release', null],
  ['wait_for_completion', 'wait', 0, null, null, 'acquire', null],
  ['wait_for_completion_timeout', 'wait', 0, null, null, 'acquire', 'none'],
  ['schedule', 'wait', null, null, null, 'full', null],
  // Documentation/RCU
  ['rcu_read_lock', 'rcu', null, null, null, 'none', null],
  ['synchronize_rcu', 'rcu', null, null, null, 'full', null],
  ['synchronize_srcu', 'rcu', 0, null, null, 'full', null],
  ['rcu_barrier', 'wait', null, null, null, 'none', null],
  ['call_rcu', 'rcu', 0, null, null, 'none', null],
  ['kfree_rcu', 'free', 0, null, null, 'none', null],
  ['rcu_dereference', 'read', 0, null, 'load', 'address', null],
  ['rcu_dereference_protected', 'read', 0, null, 'load', 'plain', null],
  ['rcu_access_pointer', 'read', 0, null, 'load', 'relaxed', null],
  ['rcu_assign_pointer', 'publish', 0, null, 'store', 'release', null],
  ['RCU_INIT_POINTER', 'write', 0, null, 'store', 'relaxed', null],
  ['list_add_rcu', 'publish', 1, null, 'store', 'release', null],
  ['hlist_add_head_rcu', 'publish', 1, null, 'store', 'release', null],
  ['list_del_rcu', 'write', 0, null, 'store', 'relaxed', null],
  ['list_for_each_entry_rcu', 'read', 1, null, 'load', 'address', null],
  ['hlist_nulls_for_each_entry_rcu', 'read', 2, null, 'load', 'address', null],
  ['xa_store', 'publish', 0, null, 'store', 'release', null],
  ['xa_load', 'read', 0, null, 'load', 'address', null],
  // Documentation/core-api/refcount-vs-atomic.rst
  ['refcount_read', 'read', 0, null, 'load', 'relaxed', null],
  ['refcount_set', 'write', 0, null, 'store', 'relaxed', null],
  ['refcount_inc', 'rmw', 0, null, 'inc', 'relaxed', null],
  ['refcount_add', 'rmw', 1, null, 'add', 'relaxed', null],
  ['refcount_dec', 'rmw', 0, null, 'dec', 'release', null],
  ['refcount_inc_not_zero', 'rmw', 0, null, 'inc', 'relaxed', 'relaxed'],
  ['refcount_inc_not_zero_acquire', 'rmw', 0, null, 'inc', 'acquire', 'relaxed'],
  ['refcount_dec_and_test', 'rmw', 0, null, 'dec', 'release', null],
  ['kref_get', 'rmw', 0, null, 'inc', 'relaxed', null],
  ['kref_put', 'rmw', 0, null, 'dec', 'release', null],
  ['get_page', 'rmw', 0, null, 'inc', 'relaxed', null],
  ['page_ref_dec_and_test', 'rmw', 0, null, 'dec', 'full', null],
  ['folio_ref_unfreeze', 'write', 0, null, 'store', 'release', null],
  ['get_page_unless_zero', 'rmw', 0, null, 'inc', 'full', 'relaxed'],
  ['put_device', 'rmw', 0, null, 'dec', 'release', null],
  // Headers
  ['list_add', 'write', 1, null, 'store', 'plain', null],
  ['list_del', 'write', 0, null, 'store', 'plain', null],
  ['list_empty', 'read', 0, null, 'load', 'relaxed', null],
  ['list_empty_careful', 'read', 0, null, 'load', 'acquire', null],
  ['list_del_init_careful', 'write', 0, null, 'store', 'release', null],
  ['list_for_each_entry', 'read', 1, null, 'load', 'plain', null],
  ['kmalloc', 'call', null, null, null, 'none', null],
  ['kfree', 'free', 0, null, null, 'none', null],
  ['kmem_cache_free', 'free', 1, null, null, 'none', null],
  ['SetPageDirty', 'rmw', 0, null, 'set', 'relaxed', null],
  ['folio_test_clear_dirty', 'rmw', 0, null, 'clear', 'full', null],
  ['__SetPageLocked', 'rmw', 0, null, 'set', 'plain', null],
  ['ptep_get', 'read', 0, null, 'load', 'relaxed', null],
  ['set_pte_at', 'write', 2, null, 'store', 'relaxed', null],
  ['this_cpu_inc', 'rmw', 0, null, 'inc', 'none', null],
  ['queue_work', 'wake', 1, null, null, 'release', 'release'],
  ['cancel_work_sync', 'wait', 0, null, null, 'acquire', null],
  ['timer_delete_sync', 'wait', 0, null, null, 'acquire', null],
  ['tasklet_schedule', 'wake', 0, null, null, 'full', null],
  ['local_irq_disable', 'fence', null, null, null, 'compiler', null],
  // Documentation/staging/static-keys.rst
  ['static_branch_unlikely', 'read', 0, null, 'load', 'none', null],
  ['static_branch_enable', 'rmw', 0, null, null, 'none', null],
  ['static_branch_inc_cpuslocked', 'rmw', 0, null, 'inc', 'none', null],
  ['cancel_delayed_work', 'rmw', 0, null, 'clear', 'none', null],
  ['timer_delete', 'rmw', 0, null, 'clear', 'none', null],
  ['cond_resched', 'wait', null, null, null, 'none', null],
  ['msleep', 'wait', null, null, null, 'none', null],
  // Documentation/core-api/cachetlb.rst
  ['flush_tlb_mm', 'wait', 0, null, null, 'none', null],
  ['copy_from_user', 'read', 1, null, 'load', 'none', null],
  ['copy_to_user', 'write', 0, null, 'store', 'none', null],
  ['put_user', 'write', 1, null, 'store', 'none', null],
  ['readl', 'call', 0, null, null, 'none', null],
  ['writel', 'call', 1, null, null, 'none', null],
  ['WARN_ON_ONCE', 'call', null, null, null, 'none', null],
  ['pr_err_ratelimited', 'call', null, null, null, 'none', null],
];

describe('what is known of a function', () => {
  it.each(known)('%s is a %s', (api, kind, cell, bit, operation, ordering, onFailure) => {
    expect(factOf(api)).toMatchObject({ api, kind, cell, bit, operation, ordering, orderingOnFailure: onFailure });
  });

  it('tells how the cell is named', () => {
    for (const api of ['READ_ONCE', 'WRITE_ONCE', 'rcu_dereference', 'rcu_assign_pointer', 'wait_event', 'this_cpu_inc'])
      expect(factOf(api)?.by).toBe('lvalue');
    for (const api of ['smp_load_acquire', 'atomic_read', 'set_bit', 'wait_var_event', 'spin_lock']) expect(factOf(api)?.by).toBe('pointer');
  });

  it('tells which argument is stored or added', () => {
    expect(factOf('atomic_add')?.operand).toBe(0);
    expect(factOf('atomic_cmpxchg')?.operand).toBe(2);
    expect(factOf('WRITE_ONCE')?.operand).toBe(1);
    expect(factOf('rcu_assign_pointer')?.operand).toBe(1);
    expect(factOf('list_add_rcu')?.operand).toBe(0);
    expect(factOf('assign_bit')?.operand).toBe(2);
  });

  it('tells what the call gives back', () => {
    const results = {
      atomic_inc: 'none',
      atomic_inc_return: 'new',
      atomic_fetch_inc: 'old',
      atomic_dec_and_test: 'test',
      try_cmpxchg: 'success',
      test_and_set_bit: 'old',
      test_bit: 'value',
    };
    for (const [api, result] of Object.entries(results)) expect(factOf(api)?.result, api).toBe(result);
  });

  it('calls plain and per-CPU updates not atomic', () => {
    for (const api of [
      '__set_bit',
      '__test_and_set_bit',
      '__cpumask_set_cpu',
      '__folio_set_locked',
      'this_cpu_inc',
      'local_add',
      'cmpxchg_local',
      'sock_set_flag',
      'list_add',
    ])
      expect(factOf(api)?.atomic, api).toBe(false);
    for (const api of ['set_bit', 'refcount_inc', 'folio_set_dirty', 'xchg_relaxed']) expect(factOf(api)?.atomic, api).toBe(true);
  });

  it('tells what a lock does to the context', () => {
    const contexts = {
      spin_lock: ['+preempt-off'],
      spin_lock_bh: ['+bh-off'],
      spin_lock_irqsave: ['+irqs-off', '+preempt-off'],
      spin_unlock_irqrestore: ['-irqs-off', '-preempt-off'],
      mutex_lock: [],
      local_irq_save: ['+irqs-off'],
      rcu_read_lock: ['+rcu-read'],
      rcu_read_unlock_bh: ['-rcu-read', '-bh-off'],
      srcu_read_lock: ['+srcu-read'],
      get_cpu: ['+preempt-off'],
      preempt_enable_no_resched: ['-preempt-off'],
      preempt_enable_no_resched_notrace: ['-preempt-off'],
      sched_preempt_enable_no_resched: ['-preempt-off'],
      preempt_count_inc: ['+preempt-off'],
      __preempt_count_sub: ['-preempt-off'],
      __preempt_count_dec_and_test: ['-preempt-off'],
      preempt_check_resched: [],
      raw_local_irq_save: ['+irqs-off'],
      arch_local_irq_restore: ['-irqs-off'],
      __local_bh_disable_ip: ['+bh-off'],
      local_bh_enable_ip: ['-bh-off'],
      'guard(spinlock_irq)': ['+irqs-off', '+preempt-off'],
    };
    for (const [api, context] of Object.entries(contexts)) expect(factOf(api)?.context, api).toEqual(context);
  });

  it('tells who may sleep', () => {
    for (const api of ['mutex_lock', 'synchronize_rcu', 'msleep', 'wait_event', 'cancel_work_sync', 'vmalloc', 'copy_from_user', 'cond_resched'])
      expect(factOf(api)?.sleeps, api).toBe('yes');
    for (const api of ['kmalloc', 'xa_store', 'kvfree', 'kref_put']) expect(factOf(api)?.sleeps, api).toBe('maybe');
    for (const api of ['spin_lock', 'mutex_trylock', 'down_trylock', 'kfree', 'udelay', 'mutex_unlock', 'local_bh_disable'])
      expect(factOf(api)?.sleeps, api).toBe('no');
  });

  it('keeps readers apart from writers, tries apart from locks, global locks apart from those of an object', () => {
    expect(factOf('down_read')?.lock).toEqual({ family: 'rwsem', shared: true, conditional: false, global: false });
    expect(factOf('write_lock_irq')?.lock).toEqual({ family: 'rwlock', shared: false, conditional: false, global: false });
    expect(factOf('raw_spin_trylock')?.lock).toEqual({ family: 'raw-spin', shared: false, conditional: true, global: false });
    expect(factOf('rtnl_trylock')?.lock).toEqual({ family: 'rtnl', shared: false, conditional: true, global: true });
    expect(factOf('write_seqcount_begin')?.lock).toMatchObject({ family: 'seqcount', shared: true });
    expect(factOf('downgrade_write')?.lock).toBeNull();
  });

  it('tells a trylock that gives non-zero from one that gives 0 for the lock', () => {
    for (const api of ['spin_trylock', 'down_read_trylock', 'lock_vma_under_rcu']) expect(factOf(api)?.result, api).toBe('success');
    for (const api of ['mutex_lock_killable', 'down_trylock', 'ww_mutex_lock']) expect(factOf(api)?.result, api).toBe('value');
  });

  it('gives unlocks the family of their locks', () => {
    const pairs = {
      spin_lock: 'spin_unlock_irqrestore',
      raw_spin_lock: 'raw_spin_unlock',
      mutex_lock: 'mutex_unlock',
      down_read: 'up_read',
      down: 'up',
      bit_spin_lock: 'bit_spin_unlock',
      lock_sock: 'release_sock',
      local_lock: 'local_unlock_irq',
      write_seqlock: 'write_sequnlock',
      folio_lock: 'folio_unlock',
      device_lock: 'device_unlock',
      rtnl_lock: 'rtnl_unlock',
    };
    for (const [lock, unlock] of Object.entries(pairs)) {
      expect(lockFamilyOf(lock), lock).not.toBeNull();
      expect(lockFamilyOf(unlock), unlock).toBe(lockFamilyOf(lock));
    }
    expect(lockFamilyOf('kfree')).toBeNull();
  });

  it('knows nothing of a function that is not in the table', () => {
    for (const api of ['', 'a', 'zzz_unknown', 'spin_loc', 'spin_lockk', '__proto__', 'constructor', 'ALIGN 0', 'spin_lock\n'])
      expect(factOf(api)).toBeUndefined();
  });
});

describe('the table', () => {
  const facts = allFacts();

  it('has each function once, under a name that C or a guard can have', () => {
    expect(new Set(facts.map(fact => fact.api)).size).toBe(facts.length);
    expect(facts.filter(fact => !/^([A-Za-z_]\w*|guard\([a-z_]\w*\))$/.test(fact.api))).toEqual([]);
  });

  it('finds each function by its name', () => {
    expect(facts.length).toBeGreaterThan(2400);
    for (const fact of facts) expect(factOf(fact.api)).toEqual(fact);
  });

  it('names a kernel document or source for each', () => {
    expect(facts.filter(fact => !/^(Documentation|tools|include|arch|kernel|mm|net|lib|drivers|block|fs)\/\S+/.test(fact.source))).toEqual([]);
  });

  it('says of an access how it is ordered and of a lock which family it is', () => {
    for (const fact of facts) {
      expect(fact.lock !== null, fact.api).toBe(fact.kind === 'lock' || fact.kind === 'unlock');
      if (fact.kind === 'fence') expect(fact.operation, fact.api).toBeNull();
      if (fact.ordering === 'plain') expect(['read', 'write', 'rmw'], fact.api).toContain(fact.kind);
      if (fact.ordering === 'before-atomic' || fact.ordering === 'after-atomic') expect(fact.kind, fact.api).toBe('fence');
      const positions = [fact.cell, fact.bit, fact.operand].filter(position => position !== null);
      expect(new Set(positions).size, fact.api).toBe(positions.length);
    }
  });

  it('has for every lock family both a lock and an unlock', () => {
    const families = (kind: EventKind) => new Set(facts.flatMap(fact => (fact.kind === kind && fact.lock ? [fact.lock.family] : [])));
    expect([...families('lock')].sort()).toEqual([...families('unlock')].sort());
  });
});
