import { describe, expect, test } from 'vitest';
import { eventsIn, functionOf } from './compact.ts';

/** For each behaviour bodies of `int f(struct s *x, struct s *y, int i, int v)`, or whole functions, with the events written beside by hand. */
const table: Record<string, [code: string, events: string][]> = {
  'plain accesses are those of memory that is not a local': [
    ['x->n = 1;', 'write = n plain'],
    ['v = x->n;', 'read read n plain'],
    ['v = i;', ''],
    ['return x->n;', 'read read n plain'],
    ['x->n = y->n;', 'read read n plain | write = n plain'],
    ['x->next->n = 1;', 'read read next plain | write = n plain'],
    ['v = x->next->next->n;', 'read read next plain | read read next plain | read read n plain'],
    ['x->pos.x = 1;', 'write = pos.x plain'],
    ['x->arr[2] = 1;', 'write = arr[2] plain'],
    ['x->arr[i] = v;', 'write = arr[i] plain'],
    ['x->map[i] = v;', 'read read map plain | write = map[i] plain'],
    ['x->arr[x->n] = 1;', 'read read n plain | write = arr[x->n] plain'],
    ['total = 1;', 'write = total plain'],
    ['v = total;', 'read read total plain'],
    ['one.n = 3;', 'write = n plain'],
    ['one.next->n = 3;', 'read read next plain | write = n plain'],
    ['unseen_global = v;', 'write = unseen_global plain'],
    ['int t[3]; t[0] = v; t[1] = t[0];', ''],
    ['struct s l; l.n = v; l.pos.x = 1; v = l.n;', ''],
    ['int *p = &v; *p = 1;', ''],
    ['static int calls; calls++;', 'read ++ calls plain | write ++ calls plain'],
    ['(void)x->n;', 'read read n plain'],
    ['x->n;', 'read read n plain'],
    ['v = sizeof(*x) + sizeof(x->n);', ''],
    ['int *p = x->arr; p[1] = v;', 'write = arr[1] plain'],
  ],
  'a compound assignment reads and writes': [
    ['x->n += 2;', 'read += n plain | write += n plain'],
    ['x->flags |= 4;', 'read |= flags plain | write |= flags plain'],
    ['x->flags &= ~4;', 'read &= flags plain | write &= flags plain'],
    ['x->n++;', 'read ++ n plain | write ++ n plain'],
    ['--x->n;', 'read -- n plain | write -- n plain'],
    ['x->n <<= 1;', 'read <<= n plain | write <<= n plain'],
    ['x->a = 1;', 'write = a plain'],
    ['x->a |= 1;', 'read |= a plain | write |= a plain'],
    ['v += x->n;', 'read read n plain'],
    ['x->n = x->n + 1;', 'read read n plain | write = n plain'],
    ['x->n = y->n = 0;', 'write = n plain | write = n plain'],
  ],
  'an address is not an access': [
    ['int *p = &x->n;', ''],
    ['int *p = &x->n; *p = 1;', 'write = n plain'],
    ['struct s **p = &x->next; (*p)->n = 1;', 'read read next plain | write = n plain'],
    ['use(&x->n);', 'call? use - -'],
    ['use(x->n);', 'read read n plain | call? use - -'],
    ['use(x->arr);', 'call? use - -'],
    ['use(&x->next->n);', 'read read next plain | call? use - -'],
    ['y = container_of(&x->list, struct s, list); y->n = 1;', 'write = n plain'],
    ['*(&x->n) = 2;', 'write = n plain'],
  ],
  'a member of a type out of view is what the function uses it as': [
    ['void f(struct gone *p, int i)\n{\np->arr[i] = 1;\n}', 'write = arr[i] plain'],
    [
      'void f(struct gone *p, int i)\n{\nif (!p->arr)\nreturn;\np->arr[i] = 1;\n}',
      'read read arr plain | read read arr plain | write = arr[i] plain',
    ],
    [
      'void f(struct gone *p, int i)\n{\np->arr = q();\np->arr[i] = 1;\n}',
      'call? q - - | write = arr plain | read read arr plain | write = arr[i] plain',
    ],
    ['void f(struct gone *p)\n{\nuse(p->arr);\n}', 'read read arr plain | call? use - -'],
    ['void f(struct gone *p)\n{\nuse(p->arr, ARRAY_SIZE(p->arr));\n}', 'call? use - -'],
    ['void f(struct gone *p)\n{\nif (p->n > 1)\nuse(p->n);\n}', 'read read n plain | read read n plain | call? use - -'],
    ['void f(struct gone *p)\n{\nuse(&p->arr[1], p->next->n);\n}', 'read read next plain | read read n plain | call? use - -'],
  ],
  'copies are followed as long as nothing changes': [
    ['struct s *p = x; p->n = 1;', 'write = n plain'],
    ['atomic_t *r = &x->refs; atomic_inc(r);', 'rmw atomic_inc refs relaxed'],
    ['atomic_t *r = &x->refs; r = &y->big; atomic_inc(r);', 'rmw atomic_inc big relaxed'],
    ['atomic_t *r; if (v) r = &x->refs; else r = &y->big; atomic_inc(r);', 'rmw atomic_inc * relaxed'],
    ['unsigned long *m = x->map; set_bit(v, m);', 'read read map plain | rmw set_bit map:v relaxed'],
    ['int *p = &x->n; while (v--) { *p = 1; p++; }', 'write = * plain'],
    [
      'spinlock_t *l = &x->lock; spin_lock(l); spin_unlock(&x->lock);',
      'lock spin_lock lock acquire | unlock spin_unlock lock release [spin:lock] {preempt-off}',
    ],
    ['struct s *p = x; { struct s *p = y->next; p->n = 1; } p->n = 2;', 'read read next plain | write = n plain | write = n plain'],
    ['((struct s *)x)->n = 1;', 'write = n plain'],
    ['*(int *)w = 1;', 'write = w plain'],
    ['void f(void *w)\n{\n*(int *)w = 1;\n}', 'write = * plain'],
    ['void f(int *p)\n{\n*p = 1;\np[2] = 1;\n}', 'write = * plain | write = *[2] plain'],
  ],
  'atomics carry the order of their family': [
    ['atomic_inc(&x->refs);', 'rmw atomic_inc refs relaxed'],
    ['v = atomic_inc_return(&x->refs);', 'rmw atomic_inc_return refs full'],
    ['v = atomic_add_return_relaxed(1, &x->refs);', 'rmw atomic_add_return_relaxed refs relaxed'],
    ['v = atomic_fetch_add_acquire(1, &x->refs);', 'rmw atomic_fetch_add_acquire refs acquire'],
    ['v = atomic_sub_return_release(1, &x->refs);', 'rmw atomic_sub_return_release refs release'],
    ['v = atomic_read(&x->refs);', 'read atomic_read refs relaxed'],
    ['v = atomic_read_acquire(&x->refs);', 'read atomic_read_acquire refs acquire'],
    ['atomic_set(&x->refs, 1);', 'write atomic_set refs relaxed'],
    ['atomic_set_release(&x->refs, 1);', 'write atomic_set_release refs release'],
    ['if (atomic_dec_and_test(&x->refs)) use(x);', 'rmw atomic_dec_and_test refs full | call? use - -'],
    ['atomic64_add(v, &x->big);', 'rmw atomic64_add big relaxed'],
    ['v = atomic_cmpxchg(&x->refs, 0, 1);', 'rmw atomic_cmpxchg refs full'],
    ['v = cmpxchg(&x->n, 0, 1);', 'rmw cmpxchg n full'],
    ['v = xchg(&x->n, 1);', 'rmw xchg n full'],
    ['v = xchg_release(&x->n, 1);', 'rmw xchg_release n release'],
    ['v = try_cmpxchg(&x->n, &v, 1);', 'rmw try_cmpxchg n full'],
    ['v = atomic_add_unless(&x->refs, 1, 0);', 'rmw atomic_add_unless refs full'],
  ],
  'bit operations name the bit': [
    ['set_bit(i, &x->flags);', 'rmw set_bit flags:i relaxed'],
    ['clear_bit(3, &x->flags);', 'rmw clear_bit flags:3 relaxed'],
    ['v = test_bit(i, x->map);', 'read read map plain | read test_bit map:i relaxed'],
    ['v = test_and_set_bit(i, x->map);', 'read read map plain | rmw test_and_set_bit map:i full'],
    ['__set_bit(i, x->map);', 'read read map plain | rmw __set_bit map:i plain'],
    ['clear_bit_unlock(i, &x->flags);', 'rmw clear_bit_unlock flags:i release'],
    ['v = test_and_set_bit_lock(i, &x->flags);', 'rmw test_and_set_bit_lock flags:i acquire'],
    ['v = test_and_set_bit(x->n, &y->flags);', 'read read n plain | rmw test_and_set_bit flags:x->n full'],
  ],
  'marked accesses and barriers': [
    ['v = READ_ONCE(x->n);', 'read READ_ONCE n relaxed'],
    ['WRITE_ONCE(x->n, v);', 'write WRITE_ONCE n relaxed'],
    ['WRITE_ONCE(x->next->n, y->n);', 'read read next plain | read read n plain | write WRITE_ONCE n relaxed'],
    ['smp_store_release(&x->n, v);', 'write smp_store_release n release'],
    ['v = smp_load_acquire(&x->n);', 'read smp_load_acquire n acquire'],
    ['smp_mb();', 'fence smp_mb - full'],
    ['v = data_race(x->n);', 'read data_race n plain'],
    ['if (data_race(x->next->n)) v = y->n;', 'read data_race next plain | read data_race n plain | read read n plain'],
    ['smp_wmb(); smp_rmb();', 'fence smp_wmb - wmb | fence smp_rmb - rmb'],
    ['smp_mb__before_atomic(); atomic_dec(&x->refs);', 'fence smp_mb__before_atomic - before-atomic | rmw atomic_dec refs relaxed'],
    ['barrier();', 'fence barrier - compiler'],
    ['v = READ_ONCE(x->arr[i]);', 'read READ_ONCE arr[i] relaxed'],
    ['v = READ_ONCE(*x->map);', 'read read map plain | read READ_ONCE map relaxed'],
    ['smp_store_mb(x->n, 1);', 'write smp_store_mb n full'],
  ],
  'locks are held from the lock to the unlock': [
    [
      'spin_lock(&x->lock); x->n = 1; spin_unlock(&x->lock);',
      'lock spin_lock lock acquire | write = n plain [spin:lock] {preempt-off} | unlock spin_unlock lock release [spin:lock] {preempt-off}',
    ],
    [
      'spin_lock_irq(&x->lock); x->n = 1; spin_unlock_irq(&x->lock); x->n = 2;',
      'lock spin_lock_irq lock acquire | write = n plain [spin:lock] {irqs-off preempt-off} | unlock spin_unlock_irq lock release [spin:lock] {irqs-off preempt-off} | write = n plain',
    ],
    [
      'unsigned long fl; spin_lock_irqsave(&x->lock, fl); x->n = 1; spin_unlock_irqrestore(&x->lock, fl);',
      'lock spin_lock_irqsave lock acquire | write = n plain [spin:lock] {irqs-off preempt-off} | unlock spin_unlock_irqrestore lock release [spin:lock] {irqs-off preempt-off}',
    ],
    [
      'spin_lock_bh(&x->lock); x->n = 1; spin_unlock_bh(&x->lock);',
      'lock spin_lock_bh lock acquire | write = n plain [spin:lock] {bh-off} | unlock spin_unlock_bh lock release [spin:lock] {bh-off}',
    ],
    [
      'raw_spin_lock(&x->raw); x->n = 1; raw_spin_unlock(&x->raw);',
      'lock raw_spin_lock raw acquire | write = n plain [raw-spin:raw] {preempt-off} | unlock raw_spin_unlock raw release [raw-spin:raw] {preempt-off}',
    ],
    [
      'read_lock(&x->rw); v = x->n; read_unlock(&x->rw);',
      'lock read_lock rw acquire | read read n plain [rwlock:rw (shared)] {preempt-off} | unlock read_unlock rw release [rwlock:rw (shared)] {preempt-off}',
    ],
    [
      'mutex_lock(&x->m); x->n = 1; mutex_unlock(&x->m);',
      'lock mutex_lock m acquire | write = n plain [mutex:m] | unlock mutex_unlock m release [mutex:m]',
    ],
    [
      'down_write(&x->sem); x->n = 1; up_write(&x->sem);',
      'lock down_write sem acquire | write = n plain [rwsem:sem] | unlock up_write sem release [rwsem:sem]',
    ],
    [
      'spin_lock(&big_lock); total = 1; spin_unlock(&big_lock);',
      'lock spin_lock big_lock acquire | write = total plain [spin:big_lock] {preempt-off} | unlock spin_unlock big_lock release [spin:big_lock] {preempt-off}',
    ],
    ['mutex_lock(&x->m); if (v) return 1; mutex_unlock(&x->m);', 'lock mutex_lock m acquire | unlock mutex_unlock m release [mutex:m]'],
    [
      'mutex_lock(&x->m); if (v) mutex_unlock(&x->m); x->n = 1;',
      'lock mutex_lock m acquire | unlock mutex_unlock m release [mutex:m] | write = n plain ?[mutex:m]',
    ],
  ],
  'a lock that may fail is held where its result says so': [
    ['if (!spin_trylock(&x->lock)) return 0; x->n = 1;', 'lock spin_trylock lock acquire | write = n plain [spin:lock] {preempt-off}'],
    [
      'if (mutex_trylock(&x->m)) { x->n = 1; mutex_unlock(&x->m); } x->n = 2;',
      'lock mutex_trylock m acquire | write = n plain [mutex:m] | unlock mutex_unlock m release [mutex:m] | write = n plain',
    ],
    ['if (mutex_lock_interruptible(&x->m)) return 1; x->n = 1;', 'lock mutex_lock_interruptible m acquire | write = n plain [mutex:m]'],
    ['v = mutex_lock_interruptible(&x->m); if (v) return v; x->n = 1;', 'lock mutex_lock_interruptible m acquire | write = n plain [mutex:m]'],
    ['v = mutex_lock_killable(&x->m); if (v < 0) return v; x->n = 1;', 'lock mutex_lock_killable m acquire | write = n plain [mutex:m]'],
    [
      'v = down_read_trylock(&x->sem); if (v == 0) return v; v = x->n;',
      'lock down_read_trylock sem acquire | read read n plain [rwsem:sem (shared)]',
    ],
    [
      'if (spin_trylock_irqsave(&x->lock, v)) x->n = 1; else x->n = 2;',
      'lock spin_trylock_irqsave lock acquire | write = n plain [spin:lock] {irqs-off preempt-off} | write = n plain',
    ],
    [
      'if (atomic_dec_and_lock(&x->refs, &x->lock)) x->n = 1; else x->n = 2;',
      'rmw atomic_dec_and_lock refs full | write = n plain [spin:lock] | write = n plain',
    ],
    [
      'if (!refcount_dec_and_mutex_lock(&x->count, &x->m)) return 0; x->n = 1;',
      'rmw refcount_dec_and_mutex_lock count release | write = n plain [mutex:m]',
    ],
    [
      'if (v) mutex_lock(&x->m); x->n = 1; if (v) mutex_unlock(&x->m); x->n = 2;',
      'lock mutex_lock m acquire | write = n plain ?[mutex:m] | unlock mutex_unlock m release [mutex:m] | write = n plain',
    ],
    ['kref_put_mutex(&x->kref, release, &x->m); x->n = 1;', 'rmw kref_put_mutex kref release | write = n plain'],
  ],
  'guards end with their scope': [
    ['guard(mutex)(&x->m); x->n = 1;', 'lock guard(mutex) m acquire | write = n plain [mutex:m] | unlock guard(mutex) m release [mutex:m]'],
    [
      '{ guard(spinlock_irqsave)(&x->lock); x->n = 1; } x->n = 2;',
      'lock guard(spinlock_irqsave) lock acquire | write = n plain [spin:lock] {irqs-off preempt-off} | unlock guard(spinlock_irqsave) lock release [spin:lock] {irqs-off preempt-off} | write = n plain',
    ],
    [
      'guard(mutex)(&x->m); if (v) return x->n; x->n = 2;',
      'lock guard(mutex) m acquire | read read n plain [mutex:m] | unlock guard(mutex) m release [mutex:m] | write = n plain [mutex:m] | unlock guard(mutex) m release [mutex:m]',
    ],
    [
      'scoped_guard(spinlock, &x->lock) { x->n = 1; } x->n = 2;',
      'lock scoped_guard(spinlock) lock acquire | write = n plain [spin:lock] {preempt-off} | unlock scoped_guard(spinlock) lock release [spin:lock] {preempt-off} | write = n plain',
    ],
    [
      'scoped_guard(mutex, &x->m) x->n = 1;',
      'lock scoped_guard(mutex) m acquire | write = n plain [mutex:m] | unlock scoped_guard(mutex) m release [mutex:m]',
    ],
    ['guard(rcu)(); x->n = 1;', 'rcu guard(rcu) - none | write = n plain {rcu-read} | rcu guard(rcu) - none {rcu-read}'],
    [
      'scoped_guard(preempt) { x->n = 1; } x->n = 2;',
      'fence scoped_guard(preempt) - compiler | write = n plain {preempt-off} | fence scoped_guard(preempt) - compiler {preempt-off} | write = n plain',
    ],
    [
      'scoped_guard(irqsave) x->n = 1;',
      'fence scoped_guard(irqsave) - compiler | write = n plain {irqs-off} | fence scoped_guard(irqsave) - compiler {irqs-off}',
    ],
    [
      'scoped_guard(rwsem_read, &x->sem) v = x->n;',
      'lock scoped_guard(rwsem_read) sem acquire | read read n plain [rwsem:sem (shared)] | unlock scoped_guard(rwsem_read) sem release [rwsem:sem (shared)]',
    ],
    [
      'scoped_guard(mutex_try, &x->m) { x->n = 1; } x->n = 2;',
      'lock scoped_guard(mutex_try) m acquire | write = n plain [mutex:m] | unlock scoped_guard(mutex_try) m release [mutex:m] | write = n plain',
    ],
    [
      'scoped_cond_guard(mutex_intr, return -EINTR, &x->m) { x->n = 1; } x->n = 2;',
      'lock scoped_guard(mutex_intr) m acquire | write = n plain [mutex:m] | unlock scoped_guard(mutex_intr) m release [mutex:m] | write = n plain',
    ],
    [
      'while (v--) { guard(mutex)(&x->m); if (i) break; if (x->n) continue; }',
      'lock guard(mutex) m acquire | unlock guard(mutex) m release [mutex:m] | read read n plain [mutex:m] | unlock guard(mutex) m release [mutex:m] | unlock guard(mutex) m release [mutex:m]',
    ],
    ['struct s *p __free(kfree) = get(); if (v) return 1; p->n = 1;', 'call? get - - | free kfree * none | write = n plain | free kfree * none'],
  ],
  'a scope that did not get its lock ends nothing': [
    [
      'guard(spinlock)(&y->lock); scoped_cond_guard(mutex_intr, return -EINTR, &x->m) x->n = 1;',
      'lock guard(spinlock) lock acquire | unlock guard(spinlock) lock release [spin:lock] {error-path preempt-off} | lock scoped_guard(mutex_intr) m acquire [spin:lock] {preempt-off} | write = n plain [spin:lock mutex:m] {preempt-off} | unlock scoped_guard(mutex_intr) m release [spin:lock mutex:m] {preempt-off} | unlock guard(spinlock) lock release [spin:lock] {preempt-off}',
    ],
    [
      'scoped_cond_guard(mutex_try, goto out, &x->m) { x->n = 1; } x->n = 2;\nout:\n\tx->n = 3;',
      'lock scoped_guard(mutex_try) m acquire | write = n plain [mutex:m] | unlock scoped_guard(mutex_try) m release [mutex:m] | write = n plain | write = n plain',
    ],
    [
      'scoped_cond_guard(rwsem_read_try, v = -EBUSY, &x->sem) { v = 0; } x->n = v;',
      'lock scoped_guard(rwsem_read_try) sem acquire | unlock scoped_guard(rwsem_read_try) sem release [rwsem:sem (shared)] | write = n plain',
    ],
    [
      'scoped_cond_guard(spinlock_try, return y->n, &x->lock) x->n = 1;',
      'read read n plain | lock scoped_guard(spinlock_try) lock acquire | write = n plain [spin:lock] {preempt-off} | unlock scoped_guard(spinlock_try) lock release [spin:lock] {preempt-off}',
    ],
  ],
  'guards with a name': [
    [
      'ACQUIRE(mutex_intr, got)(&x->m); if (ACQUIRE_ERR(mutex_intr, &got)) return 1; x->n = 1;',
      'lock guard(mutex_intr) m acquire | write = n plain [mutex:m] | unlock guard(mutex_intr) m release [mutex:m]',
    ],
    [
      'ACQUIRE(mutex_kill, got)(&x->m); v = ACQUIRE_ERR(mutex_kill, &got); if (v < 0) { x->n = 1; goto out; } x->n = 2;\nout:\n\tx->n = 3;',
      'lock guard(mutex_kill) m acquire | write = n plain | write = n plain [mutex:m] | write = n plain ?[mutex:m] | unlock guard(mutex_kill) m release ?[mutex:m]',
    ],
    [
      'ACQUIRE(mutex_intr, got)(&x->m); if (!ACQUIRE_ERR(mutex_intr, &got)) { x->n = 1; return 0; } x->n = 2;',
      'lock guard(mutex_intr) m acquire | write = n plain [mutex:m] | unlock guard(mutex_intr) m release [mutex:m] | write = n plain',
    ],
    [
      'guard(spinlock)(&x->lock); ACQUIRE(mutex_try, got)(&y->m); if (ACQUIRE_ERR(mutex_try, &got)) return 1;',
      'lock guard(spinlock) lock acquire | lock guard(mutex_try) m acquire [spin:lock] {preempt-off} | unlock guard(spinlock) lock release [spin:lock] {preempt-off} | unlock guard(mutex_try) m release [spin:lock mutex:m] {preempt-off} | unlock guard(spinlock) lock release [spin:lock] {preempt-off}',
    ],
    [
      'CLASS(mutex_try, got)(&x->m); if (!got.lock) return 1; x->n = 1;',
      'lock CLASS(mutex_try) m acquire | write = n plain [mutex:m] | unlock CLASS(mutex_try) m release [mutex:m]',
    ],
    [
      'ACQUIRE(mutex_intr, got)(&x->m); x->n = 1;',
      'lock guard(mutex_intr) m acquire | write = n plain ?[mutex:m] | unlock guard(mutex_intr) m release ?[mutex:m]',
    ],
    ['CLASS(thing, t)(x); use(t.n);', 'call? CLASS(thing) - - | call? use - -'],
  ],
  'sequence counts and local locks': [
    [
      'do { v = read_seqbegin(&x->sl); i = x->n; } while (read_seqretry(&x->sl, v));',
      'read read_seqbegin sl acquire | read read n plain | read read_seqretry sl rmb',
    ],
    [
      'write_seqlock(&x->sl); x->n = 1; write_sequnlock(&x->sl);',
      'lock write_seqlock sl acquire | write = n plain [seqlock:sl] {preempt-off} | unlock write_sequnlock sl release [seqlock:sl] {preempt-off}',
    ],
  ],
  RCU: [
    [
      'rcu_read_lock(); y = rcu_dereference(x->rp); v = y->n; rcu_read_unlock();',
      'rcu rcu_read_lock - none | read rcu_dereference rp address {rcu-read} | read read n plain {rcu-read} | rcu rcu_read_unlock - none {rcu-read}',
    ],
    [
      'rcu_read_lock(); rcu_read_lock(); rcu_read_unlock(); v = x->n; rcu_read_unlock();',
      'rcu rcu_read_lock - none | rcu rcu_read_lock - none {rcu-read} | rcu rcu_read_unlock - none {rcu-read} | read read n plain {rcu-read} | rcu rcu_read_unlock - none {rcu-read}',
    ],
    ['rcu_assign_pointer(x->rp, y);', 'publish rcu_assign_pointer rp release'],
    ['synchronize_rcu();', 'rcu synchronize_rcu - full'],
    ['kfree_rcu(x, rcu);', 'free kfree_rcu * none'],
    ['kfree(x);', 'free kfree * none'],
    ['kfree(x->next);', 'read read next plain | free kfree next none'],
    ['list_add_rcu(&y->list, &x->list);', 'publish list_add_rcu list release'],
    ['call_rcu(&x->rcu, done);', 'rcu call_rcu rcu none'],
    ['RCU_INIT_POINTER(x->rp, NULL);', 'write RCU_INIT_POINTER rp relaxed'],
    ['list_for_each_entry_rcu(y, &x->list, list) v = y->n;', 'read list_for_each_entry_rcu list address | read read n plain'],
  ],
  'references and counts': [
    ['refcount_inc(&x->count);', 'rmw refcount_inc count relaxed'],
    ['if (!refcount_inc_not_zero(&x->count)) return 0;', 'rmw refcount_inc_not_zero count relaxed'],
    ['if (refcount_dec_and_test(&x->count)) kfree(x);', 'rmw refcount_dec_and_test count release | free kfree * none'],
    ['kref_get(&x->kref);', 'rmw kref_get kref relaxed'],
    ['kref_put(&x->kref, done);', 'rmw kref_put kref release'],
    ['refcount_set(&x->count, 1);', 'write refcount_set count relaxed'],
  ],
  'waiting, waking, timers and work': [
    ['wake_up(&x->wq);', 'wake wake_up wq none'],
    ['wait_event(x->wq, x->n);', 'read read n plain | wait wait_event wq none'],
    ['complete(&x->done);', 'wake complete done release'],
    ['wait_for_completion(&x->done);', 'wait wait_for_completion done acquire'],
    ['schedule_work(&x->work);', 'wake schedule_work work release'],
    ['v = cancel_work_sync(&x->work);', 'wait cancel_work_sync work acquire'],
    ['mod_timer(&x->timer, v);', 'wake mod_timer timer none'],
    ['timer_delete_sync(&x->timer);', 'wait timer_delete_sync timer acquire'],
    ['set_current_state(TASK_RUNNING);', 'write set_current_state - full'],
  ],
  'branches, loops and jumps keep every event': [
    ['if (x->n) y->n = 1; else y->n = 2;', 'read read n plain | write = n plain | write = n plain'],
    ['v = x->n ? y->n : 0;', 'read read n plain | read read n plain'],
    ['v = x->n ?: i;', 'read read n plain'],
    ['if (x->n && y->n) v = 1;', 'read read n plain | read read n plain'],
    ['v = x->n || y->n;', 'read read n plain | read read n plain'],
    ['for (i = 0; i < x->n; i++) x->arr[i] = 0;', 'read read n plain | write = arr[i] plain'],
    ['for (int k = 0; k < v; k++) { int t = x->n; use(t); } k = 1;', 'read read n plain | call? use - - | write = k plain'],
    ['while (x->n) cpu_relax();', 'read read n plain | fence cpu_relax - compiler'],
    ['do { x->n = 1; } while (0);', 'write = n plain'],
    ['do { x->n = 1; } while (x->flags);', 'write = n plain | read read flags plain'],
    [
      'switch (x->n) { case 1: x->n = 2; fallthrough; case 2: x->n = 3; break; default: x->n = 4; }',
      'read read n plain | write = n plain | write = n plain | write = n plain',
    ],
    ['if (v) goto out; x->n = 1;\nout:\n\tx->n = 2;', 'write = n plain | write = n plain'],
    ['list_for_each_entry(y, &x->list, list) { y->n = 1; }', 'read list_for_each_entry list plain | write = n plain'],
    ['for_each_set_bit(i, x->map, 8) x->n = i;', 'read read map plain | read for_each_set_bit map plain | write = n plain'],
    ['my_for_each(y, x) { y->n = 1; }', 'call my_for_each - - | write = n plain'],
    ['each_thing(y, x) { y->n = 1; }', 'call? each_thing - - | write = n plain'],
    ['v = ({ int t = x->n; t + 1; });', 'read read n plain'],
    ['v = x->n, x->n = 1;', 'read read n plain | write = n plain'],
    ['#ifdef CONFIG_A\n\tx->n = 1;\n#else\n\tx->n = 2;\n#endif', 'write = n plain | write = n plain'],
    ['#if 0\n\tx->n = 1;\n#endif\n\tx->n = 2;', 'write = n plain'],
    ['if (WARN_ON(x->n)) return 1;', 'read read n plain'],
    ['if (unlikely(!x->n)) return 1;', 'read read n plain'],
    ['if (IS_ERR(x->next)) return PTR_ERR(x->next);', 'read read next plain | read read next plain {error-path}'],
    ['BUG_ON(x->n); x->n = 1;', 'read read n plain | write = n plain'],
    ['panic("gone"); x->n = 1;', 'write = n plain'],
  ],
  calls: [
    ['use(x);', 'call? use - -'],
    ['x->fn(x);', 'read read fn plain | call? x->fn - -'],
    ['(*x->fn)(x);', 'read read fn plain | call? *x->fn - -'],
    ['void (*g)(struct s *) = x->fn; g(x);', 'read read fn plain | call? g - -'],
    ['use(more(x->n));', 'read read n plain | call? more - - | call? use - -'],
    ['asm volatile("" ::: "memory");', 'call? asm - -'],
    ['v = min(x->n, 4);', 'read read n plain'],
    ['v = ARRAY_SIZE(x->arr);', ''],
    ['pr_info("%d\\n", x->n);', 'read read n plain | call pr_info - none'],
    ['this_cpu_inc(total);', 'rmw this_cpu_inc total none'],
    ['if (static_branch_unlikely(&key)) x->n = 1;', 'read static_branch_unlikely key none | write = n plain'],
    ['static_branch_inc(&key);', 'rmw static_branch_inc key none'],
    ['v = copy_from_user(&x->n, y, 4);', 'read copy_from_user * none'],
    ['while (x->n) cond_resched();', 'read read n plain | wait cond_resched - none'],
    ['lockdep_assert_held(&x->lock); x->n = 1;', 'call lockdep_assert_held lock none | write = n plain [asserted:lock]'],
  ],
  'heads of every form': [
    ['SYSCALL_DEFINE2(foo, int, fd, int, n)\n{\ntotal = n;\nreturn 0;\n}', 'write = total plain'],
    ['static int __init foo(void)\n{\ntotal = 1;\nreturn 0;\n}', 'write = total plain {init}'],
    ['static void foo(struct s *x) __must_hold(&x->lock)\n{\nx->n = 1;\n}', 'write = n plain [asserted:lock]'],
    ['static __always_inline struct s *\nfoo(struct s *x)\n{\nx->n = 1;\nreturn x;\n}', 'write = n plain'],
    ['int foo(x)\nstruct s *x;\n{\nx->n = 1;\n}', 'write = n plain'],
    ['static void foo_locked(struct s *x)\n{\nx->n = 1;\n}', 'write = n plain [named:foo_locked]'],
    ['DEFINE_SHOW_ATTRIBUTE(one);\nstatic void foo(struct s *x)\n{\nx->n = 1;\n}', 'write = n plain'],
    ['static DEFINE_PER_CPU(struct s, per);\nvoid foo(void)\n{\nthis_cpu_write(per.n, 1);\n}', 'write this_cpu_write n none'],
    ['#define bump(p) do { atomic_inc(&(p)->refs); } while (0)\n', 'rmw atomic_inc refs relaxed'],
  ],
  'variables declared by macros': [
    [
      'DEFINE_WAIT(w); prepare_to_wait(&x->wq, &w, TASK_RUNNING); finish_wait(&x->wq, &w);',
      'wait prepare_to_wait wq full | call finish_wait wq none',
    ],
    ['DECLARE_BITMAP(b, 8); __set_bit(1, b);', 'rmw __set_bit - plain'],
    ['LIST_HEAD(l); list_add(&x->list, &l);', 'write list_add - plain'],
    ['DECLARE_COMPLETION_ONSTACK(c); wait_for_completion(&c);', 'wait wait_for_completion - acquire'],
  ],
};

for (const [behaviour, cases] of Object.entries(table)) {
  describe(behaviour, () => {
    test.each(cases)('%s', async (code, events) => {
      expect(await eventsIn(code)).toEqual(events === '' ? [] : events.split(' | '));
    });
  });
}

test.each<[string, string[]]>([
  ['use(p->arr);', ['arr']],
  ['use(&p->arr[1], p->next->n);', ['n']],
  ['if (p->n > 1) use(p->n);', []],
  ['p->n = 1; use(p->n);', []],
  ['v = p->n; use(v);', []],
])('whether an argument is read or its address taken is in doubt where no type and no use tells: %s', async (body, doubted) => {
  const fn = await functionOf(`void f(struct gone *p, int v)\n{\n${body}\n}`);
  expect(fn.events.filter(e => e.uncertain).map(e => e.cell?.path)).toEqual(doubted);
});
