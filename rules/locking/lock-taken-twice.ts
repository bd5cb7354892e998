import {
  asWritten,
  called,
  isIdentity,
  lockKey,
  lockText,
  mayGive,
  nodesAfter,
  between as path,
  type Section,
  sameLock,
  surelyTakes,
  takings,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'lock-taken-twice',
  title: 'A lock is taken that is already held',
  why: `
    The kernel's locks are not recursive: taking one that this task already holds deadlocks the first time the code runs that path. Certain
    by inspection: the task waits for itself.`,
  severity: 'error',
  confidence: 'high',
  finds: ['deadlock'],
  references: [
    'Documentation/kernel-hacking/locking.rst, Deadlock: Simple and Advanced',
    'Documentation/locking/lockdep-design.rst, Multi-lock dependency rules:',
  ],
  knownGaps: [
    'a lock taken in a function of another file is not seen',
    'two pointers to one object are known to be equal only if one is a copy of the other',
  ],
  examples: {
    bad: [
      `
void tally_add(struct tally *t, int n)
{
	mutex_lock(&t->lock);
	t->sum += n;
	if (t->sum > t->limit) {
		mutex_lock(&t->lock); /* want: lock-taken-twice "t->lock" */
		t->sum = 0;
		mutex_unlock(&t->lock);
	}
	mutex_unlock(&t->lock);
}`,
      `
static void tally_reset(struct tally *t)
{
	spin_lock(&t->lock);
	t->sum = 0;
	spin_unlock(&t->lock);
}

void tally_roll(struct tally *t)
{
	spin_lock(&t->lock);
	t->rolls++;
	tally_reset(t); /* want: lock-taken-twice "tally_reset()" */
	spin_unlock(&t->lock);
}`,
    ],
    good: [
      `
/* Two objects of one type, by address. */
void tally_move(struct tally *a, struct tally *b, int n)
{
	mutex_lock(&a->lock);
	mutex_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
	a->sum -= n;
	b->sum += n;
	mutex_unlock(&b->lock);
	mutex_unlock(&a->lock);
}`,
      `
/* The same variable names another object by then. */
void tally_climb(struct tally *t)
{
	mutex_lock(&t->lock);
	t = t->parent;
	mutex_lock(&t->lock);
	t->sum++;
	mutex_unlock(&t->lock);
	mutex_unlock(&t->child->lock);
}`,
      `
static void tally_reset(struct tally *t)
{
	spin_lock(&t->lock);
	t->sum = 0;
	spin_unlock(&t->lock);
}

void tally_roll(struct tally *t)
{
	spin_lock(&t->lock);
	t->rolls++;
	spin_unlock(&t->lock);
	tally_reset(t);
}

void tally_roll_parent(struct tally *t)
{
	spin_lock(&t->lock);
	tally_reset(t->parent);
	spin_unlock(&t->lock);
}`,
      `
void tally_read(struct tally *t)
{
	rcu_read_lock();
	rcu_read_lock();
	t->reads++;
	rcu_read_unlock();
	rcu_read_unlock();
}`,
      `
/* What is told the object gives the lock, and by that it is given back. */
int tally_settle(struct tally *t, struct fault *f)
{
	spinlock_t *ptl = pmd_lock(t->mm, f->pmd);

	t->sum++;
	spin_unlock(ptl);
	tally_move_page(t);
	ptl = pmd_lock(t->mm, f->pmd);
	t->sum--;
	spin_unlock(ptl);
	return 0;
}

int tally_settle_kept(struct tally *t, struct fault *f)
{
	f->ptl = pmd_lock(t->mm, f->pmd);
	t->sum++;
	spin_unlock(f->ptl);
	tally_move_page(t);
	f->ptl = pmd_lock(t->mm, f->pmd);
	t->sum--;
	spin_unlock(f->ptl);
	return 0;
}`,
      `
static void tally_reset_unlocked(struct tally *t)
{
	mutex_unlock(&t->lock);
	mutex_lock(&t->lock);
	t->sum = 0;
}

void tally_retry(struct tally *t)
{
	mutex_lock(&t->lock);
	tally_reset_unlocked(t);
	mutex_unlock(&t->lock);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || !fn.whole) return;
    const told = new Set<string>();
    for (const event of fn.events) {
      if (event.locks.length === 0 || event.uncertain || event.ends) continue;
      for (const { lock, conditional } of takings(fn, event)) {
        if (lock.mode === 'shared' || conditional || !EXCLUSIVE.has(lock.family) || event.fact?.nested) continue;
        const before = heldBy(fn, event, lock, event.args[0] ?? '', world.functions);
        if (!before || told.has(lockKey(lock))) continue;
        told.add(lockKey(lock));
        report(
          { event, fn },
          {
            message: event.via
              ? `${fn.name}() calls ${called(asWritten(fn, event))}() with ${lockText(lock, before)} held, which ${called(asWritten(fn, event))}() takes again`
              : `${fn.name}() takes ${lockText(lock, event)}, which it has held since ${called(before)}() above`,
            question: event.via ? 'Should it call a variant that expects the lock to be held?' : 'Is one of the two meant for a different object?',
            dismissal: 'Not an issue if these are locks of different objects',
            related: [
              { path: fn.path, line: before.line, side: fn.side, note: 'first taken here' },
              ...(event.via
                ? [{ path: event.via.path, line: event.via.line, side: fn.side, note: `taken again here, in ${event.via.function}()` }]
                : []),
            ],
            quote: [before, event],
            // A callee that takes the lock is one cause, whoever calls it.
            shape: `${event.via ? called(asWritten(fn, event)) : fn.name}|${lockKey(lock)}`,
          },
        );
      }
      if (event.kind !== 'call' || !event.argCells) continue;
      for (const inner of surelyTakes(fn, event, world.functions)) {
        if (!EXCLUSIVE.has(inner.lock.family) || inner.event.fact?.nested || told.has(lockKey(inner.lock))) continue;
        if (!event.locks.some(lock => sameLock(lock, inner.lock) && lock.mode === 'exclusive')) continue;
        const before = heldBy(fn, event, inner.lock, null, world.functions);
        if (!before || !isIdentity(inner.lock, inner.event)) continue;
        const global = inner.base === null && before.cell?.base === null && inner.event.cell?.base === null;
        if (!global && (inner.base === null || inner.base !== before.cell?.base)) continue;
        told.add(lockKey(inner.lock));
        report(
          { event, fn },
          {
            message: `${fn.name}() calls ${called(event)}() with ${lockText(inner.lock, before)} held, which ${called(event)}() takes again`,
            question: 'Should it call a variant that expects the lock to be held?',
            dismissal: 'Not an issue if these are locks of different objects',
            related: [
              { path: fn.path, line: before.line, side: fn.side, note: 'first taken here' },
              { path: inner.fn.path, line: inner.event.line, side: inner.fn.side, note: `taken again here, in ${inner.fn.name}()` },
            ],
            // A callee that takes the lock is one cause, whoever calls it.
            shape: `${called(event)}|${lockKey(inner.lock)}`,
          },
        );
      }
    }
  },
} satisfies Rule;

/** Locks that no task may hold twice. */
const EXCLUSIVE: ReadonlySet<string | null> = new Set(['spin', 'raw-spin', 'rwlock', 'bit-spin', 'mutex', 'rt-mutex', 'rwsem', 'mmap', 'rtnl']);

/** The one acquisition by which the lock is held at the event, of the same object and with its name unchanged since; null where that is not sure. */
function heldBy(fn: CFunction, event: Event, lock: Section, written: string | null, functions: readonly CFunction[]): Event | null {
  if (!event.locks.some(held => sameLock(held, lock) && held.mode === 'exclusive')) return null;
  // A call that names the object and not the lock takes another lock of it than another such call.
  const stem = (api: string) => api.replace(/_(?:bh|irq|irqsave|io|interruptible|killable)$/, '');
  const sameKind = (a: Event, b: Event) =>
    stem(a.api) === stem(b.api) || (a.fact?.lock?.family === b.fact?.lock?.family && written?.startsWith('&') === true);
  const takers = fn.events.filter(e => e !== event && takings(fn, e).some(t => sameLock(t.lock, lock)));
  const before = takers.filter(e => nodesAfter(fn, e.node).has(event.node));
  const [first] = before;
  if (!first || before.some(e => e.args[0] !== first.args[0] || takings(fn, e).some(t => t.lock.mode === 'shared' || t.conditional))) return null;
  if (written !== null && (first.args[0] !== written || !sameKind(first, event))) return null;
  const root = /[A-Za-z_]\w*/.exec(first.args[0] ?? '')?.[0] ?? '';
  const between = nodesAfter(fn, first.node);
  const changed = (fn.settings ?? []).some(s => s.name === root && s.ends.some(end => between.has(end.node)));
  const members =
    (first.args[0] ?? '').includes('->') &&
    fn.events.some(e => e.kind === 'write' && between.has(e.node) && (first.args[0] ?? '').includes(`->${e.cell?.path}->`));
  const calls = path(fn, first, event).filter(e => e.kind === 'call');
  // What is called right before the second may well be what gives the first back.
  const last = written === null ? undefined : fn.events[event.index - 1];
  const given = calls.some(e => mayGive(fn, e, lock, first, functions)) || (last?.opaque === true && calls.includes(last));
  return changed || members || given ? null : first;
}
