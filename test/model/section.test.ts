import { describe, expect, test } from 'vitest';
import {
  contextSection,
  exclusive,
  holds,
  includesSection,
  isContext,
  isHeld,
  isIn,
  lastMember,
  likeLock,
  lockKey,
  objectType,
  sameLock,
  sameSection,
  section,
  sectionText,
  sharedSection,
} from '../../src/model/section.ts';
import { functionOf } from '../c/compact.ts';

const writer = section('rwsem', 'struct s.sem');
const reader = section('rwsem', 'struct s.sem', 'shared');
const asserted = section(null, 'struct s.sem', 'exclusive', 'assertion');
const other = section('rwsem', 'struct t.sem');
const [one, two] = ['a_locked', 'b_locked'].map(name => section(null, null, 'exclusive', 'convention', name)) as [typeof writer, typeof writer];
const rcu = contextSection('rcu-read');

describe('a section', () => {
  test('with the same properties is the same object', () => {
    expect(section('rwsem', 'struct s.sem', 'shared')).toBe(reader);
    expect(contextSection('rcu-read')).toBe(rcu);
  });

  test('is the same lock whatever its mode and whoever says that it is held', () => {
    expect([sameLock(writer, reader), sameLock(writer, asserted), sameLock(writer, other)]).toEqual([true, true, false]);
    expect(lockKey(writer)).toBe(lockKey(asserted));
    expect(lockKey(writer)).not.toBe(lockKey(other));
  });

  test('is the very same one only in the same mode and family', () => {
    expect([sameSection(writer, reader), sameSection(writer, asserted)]).toEqual([false, false]);
    expect(sameSection(writer, section('rwsem', 'struct s.sem', 'exclusive', 'caller'))).toBe(true);
  });

  test('of a lock that only a name speaks of is no other function’s', () => {
    expect([sameLock(one, one), sameLock(one, two), lockKey(one) === lockKey(two)]).toEqual([true, false, false]);
  });

  test('of which the type is not in view is known by family and member', () => {
    expect(likeLock(section('spin', 'lock'), section('spin', 'struct s.lock'))).toBe(true);
    expect(likeLock(section('mutex', 'lock'), section('spin', 'struct s.lock'))).toBe(false);
    expect([lastMember(writer), objectType(writer), objectType(section('spin', 'lock'))]).toEqual(['sem', 'struct s', null]);
  });

  test('of SRCU is one of its srcu_struct, and a context still', () => {
    const [a, b] = [section('srcu-read', 'struct s.a', 'shared'), section('srcu-read', 'struct s.b', 'shared')];
    expect([isContext(a), sameLock(a, b), sameLock(a, contextSection('srcu-read'))]).toEqual([true, false, true]);
    expect(sectionText(a)).toBe('srcu-read:struct s.a');
  });

  test('that is a context is none of the locks', () => {
    expect([isContext(rcu), isContext(writer), isContext(one)]).toEqual([true, false, false]);
    expect(sameLock(rcu, contextSection('irqs-off'))).toBe(false);
  });

  test('is printed in one line, with its mode', () => {
    expect([writer, reader, asserted, one, rcu].map(sectionText)).toEqual([
      'rwsem:struct s.sem',
      'rwsem:struct s.sem (shared)',
      'asserted:struct s.sem',
      'named:a_locked',
      'rcu-read',
    ]);
  });
});

test('of two lists the sections of both are those of one mode', () => {
  expect(sharedSection([other, reader], [writer, reader])).toBe(reader);
  expect(sharedSection([reader], [writer])).toBeUndefined();
  expect([holds([reader], writer), includesSection([reader], writer)]).toEqual([true, false]);
  expect(exclusive([reader, other])).toEqual([other]);
});

test('an event is asked which locks and contexts it is in', async () => {
  const fn = await functionOf('down_read(&x->sem); rcu_read_lock(); x->n = 1; rcu_read_unlock(); up_read(&x->sem); x->n = 2;');
  const [inside, outside] = fn.events.filter(e => e.kind === 'write');
  expect([inside, outside].map(e => e && [isHeld(e, writer), isIn(e, 'rcu-read'), isIn(e, 'irqs-off')])).toEqual([
    [true, true, false],
    [false, false, false],
  ]);
  expect(inside?.locks).toEqual([reader]);
});

test('what holds a lock is kept with it', async () => {
  const events = async (body: string) => (await functionOf(body)).events.filter(e => e.kind === 'write').map(e => e.locks.map(l => l.by));
  expect(await events('spin_lock(&x->lock); x->n = 1; spin_unlock(&x->lock);')).toEqual([['events']]);
  expect(await events('x->n = 1; spin_unlock(&x->lock); x->n = 2; spin_lock(&x->lock); x->n = 3;')).toEqual([['caller'], [], ['events']]);
  const modes = (await functionOf('x->n = 1; up_read(&x->sem); x->n = 2; down_read(&x->sem); x->n = 3;')).events.filter(e => e.kind === 'write');
  expect(modes.map(e => e.locks.map(l => `${l.by} ${l.mode}`))).toEqual([['caller shared'], [], ['events shared']]);
  expect(await events('lockdep_assert_held(&x->lock); x->n = 1;')).toEqual([['assertion']]);
  expect(await events('void f(struct s *x) __must_hold(&x->lock)\n{\n\tx->n = 1;\n}')).toEqual([['annotation']]);
  expect(await events('void f_locked(struct s *x)\n{\n\tx->n = 1;\n}')).toEqual([['convention']]);
});
