import {
  called,
  cellName,
  comesBefore,
  decidesBranch,
  guardsAt,
  isIn,
  isTest,
  keyOf,
  objectOf,
  onward,
  runsAlone,
  takesReference,
  variablesIn,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'waiter-read-after-signal',
  title: 'A waiter’s record is read after the store that releases the waiter',
  why: `
    A waiter that finds its record marked as done returns at once, without being woken: it may have been about to check anyway. Its record
    is usually on its stack, and gone by the time the waker reads the task to wake from it. Read the task first and take a reference to it,
    then signal the waiter, then wake the task. The waiter's own stack is not a cell that its code names: the claim assumes that its record
    is gone once it has seen the signal, and if that check is not visible, it assumes the waiter too.`,
  severity: 'warning', // A note where nothing in view says what the object is.
  confidence: 'medium',
  finds: ['use-after-handover'],
  references: ['Documentation/memory-barriers.txt, INTERPROCESSOR INTERACTION', 'Documentation/scheduler/completion.rst, Initializing completions:'],
  knownGaps: ['a signal that is neither a store nor named as one is not seen'],
  examples: {
    bad: [
      `
struct sleeper { struct task_struct *task; bool woken; };

int sleeper_wait(struct line *l)
{
	struct sleeper s = { .task = current };

	line_add(l, &s);
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(s.woken))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

void sleeper_release(struct sleeper *s)
{
	smp_store_release(&s->woken, true);
	wake_up_process(s->task); /* want: waiter-read-after-signal "task" */
}`,
      `
int seat_wait(struct row *r)
{
	struct seat s = { .task = current };

	row_add(r, &s);
	seat_wait_end(&s);
	return 0;
}

void seat_give(struct seat *s)
{
	list_del(&s->node);
	seat_wait_complete(s, 1);
	wake_up_process(s->task); /* want: waiter-read-after-signal "task" */
}`,
      `
/* The waiter has the record from its caller; the signal is no release. */
static void nap(struct napper *n)
{
	n->task = current;
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(n->over))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

void nap_end(struct napper *n)
{
	WRITE_ONCE(n->over, 1);
	wake_up_process(n->task); /* want: waiter-read-after-signal "task" */
}`,
    ],
    good: [
      `
struct sleeper { struct task_struct *task; bool woken; };

void sleeper_release(struct sleeper *s)
{
	struct task_struct *t = get_task_struct(s->task);

	smp_store_release(&s->woken, true);
	wake_up_process(t);
	put_task_struct(t);
}

int sleeper_wait(struct line *l)
{
	struct sleeper s = { .task = current };

	line_add(l, &s);
	schedule();
	return 0;
}`,
      `
/* The thread is the device's own and outlives what it is told. */
struct engine { struct task_struct *thread; bool stop; };

int engine_go(struct engine *e)
{
	e->thread = kthread_run(engine_loop, e, "engine");
	return 0;
}

void engine_halt(struct engine *e)
{
	WRITE_ONCE(e->stop, true);
	wake_up_process(e->thread);
}`,
      `
/* The task is one that was made for the device, whoever else may stand in for it. */
void motor_adopt(struct motor *m)
{
	m->task = current;
}

void motor_go(struct motor *m)
{
	m->task = kthread_run(motor_loop, m, "motor");
}

void motor_halt(struct motor *m)
{
	WRITE_ONCE(m->stop, true);
	wake_up_process(m->task);
}`,
      `
/* The waiter takes the lock before it leaves. */
struct sleeper { struct task_struct *task; bool woken; };

void sleeper_release(struct line *l, struct sleeper *s)
{
	spin_lock(&l->lock);
	s->woken = true;
	wake_up_process(s->task);
	spin_unlock(&l->lock);
}

int sleeper_wait(struct line *l)
{
	struct sleeper s = { .task = current };

	line_add(l, &s);
	schedule();
	return 0;
}`,
      `
/* What it stores lets nobody go. */
struct sleeper { struct task_struct *task; int prio; };

void sleeper_raise(struct sleeper *s)
{
	s->prio = 3;
	wake_up_process(s->task);
}`,
      `
void seat_give(struct seat *s)
{
	seat_get(s);
	seat_wait_complete(s, 1);
	wake_up_process(s->task);
	seat_put(s);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return;
    for (const wake of fn.events) {
      const object = wakenOf(wake);
      if (object === null || guardsAt({ fn, event: wake }, world).own || isIn(wake, 'rcu-read')) continue;
      const kind = ownerOf(fn, wake, world);
      if (kind === 'stays') continue;
      const signal = fn.events.findLast(
        e => comesBefore(fn, e, wake) && tells(e, object, kind, fn, world) && onward(fn, e, { variables: variablesIn(object) }).events.includes(wake),
      );
      if (!signal || fn.events.some(e => comesBefore(fn, e, wake) && takesReference(e, object))) continue;
      const name = object.replace(/\./g, '->');
      const member = wake.cell ? cellName(wake.cell) : 'task';
      report(
        { event: wake, fn },
        {
          message: `${fn.name}() reads ${name}->${member} after ${signal.kind === 'call' ? `${called(signal)}()` : `the store to ${signal.cell ? cellName(signal.cell) : name}`} has released the waiter`,
          detail: [`The waiter may see it at once and return before ${called(wake)}(), and ${name} is gone then`],
          question: `What keeps ${name} valid until ${called(wake)}() has read the task from it?`,
          dismissal: `Not an issue if ${name} outlives the wait, or the waiter takes a lock held here before it returns`,
          related: [{ path: signal.path, line: signal.line, side: signal.side, note: 'the waiter may return from here on' }],
          quote: [signal, wake],
          advice: ['Read the task before the signal, with get_task_struct(), and wake that'],
          ...(kind === 'waiter' ? {} : { severity: 'note' as const }),
          claim: claimOf(fn, signal, wake, name, world),
        },
      );
    }
  },
} satisfies Rule;

/** The waker against the waiter, who is in view where its look is: it goes as soon as it sees the signal, and its record with it. */
function claimOf(fn: CFunction, signal: Event, wake: Event, name: string, world: World): Claim {
  const told = signal.kind === 'call';
  const key = keyOf(signal);
  const waiter = told ? undefined : world.functions.find(f => f !== fn && !f.isMacro && !f.broken && f.events.some(e => looks(f, e, key)));
  const look = waiter?.events.find(e => looks(waiter, e, key));
  const sees: AssumedStep = {
    does: 'read',
    cell: told ? `${name} released` : signal,
    says: { before: 'does not see the signal', after: 'sees the signal' },
  };
  const zero = signal.operand === 'NULL' ? { zero: true as const } : {};
  const gone: AssumedStep = {
    does: 'write',
    cell: name,
    where: { gave: look ?? sees, ...zero },
    says: { before: '', after: `returns, and ${name} is gone` },
  };
  const read = `reads the task from ${name}`;
  const moved = {
    kind: 'move' as const,
    event: wake,
    where: 'before' as const,
    to: signal,
    text: 'Reading the task before the signal and waking that',
  };
  const release = { kind: 'order' as const, event: signal, ordering: 'release' as const, text: '' };
  return {
    threads: [{ fn, events: [signal, wake] }, ...(waiter && look ? [{ fn: waiter, events: [look], then: [gone] }] : [])],
    ...(look ? {} : { others: [{ who: 'the waiter', does: [sees, gone] }] }),
    bad: { kind: 'sees', reads: [{ read: wake, from: gone }] },
    meanings: [
      ...(told
        ? [
            {
              event: signal,
              access: 'write' as const,
              cell: `${name} released`,
              ordering: 'release' as const,
              value: 1,
              says: { before: '', after: 'releases the waiter' },
            },
          ]
        : []),
      { event: wake, access: 'read', cell: name, ordering: 'relaxed', says: { before: read, after: `${read}, which is gone` } },
    ],
    edits: [moved, { kind: 'both', edits: [moved, release], text: 'Reading the task before the signal with release ordering on the signal' }],
    assumes: [`the waiter returns as soon as it sees the signal, and ${name} is gone with it`],
    stands: true,
  };
}

/** Is it a look at the cell that the function goes to sleep by? */
function looks(fn: CFunction, event: Event, key: string | null): boolean {
  if (event.kind !== 'read' || keyOf(event) !== key || !fn.events.some(e => e.kind === 'wait')) return false;
  return decidesBranch(fn, event);
}

/** The object that a wake-up reads its task from. */
function wakenOf(event: Event): string | null {
  if (!/^wake_up_(?:process|state)$/.test(event.api) || !event.cell || event.uncertain || event.object !== undefined) return null;
  if (!/^\w+(?:->\w+)+$/.test(event.args[0] ?? '')) return null;
  const base = event.cell.base;
  return base !== null && /^\w+$/.test(base) ? base : null;
}

/** Whose task it is: a waiter's, which put `current` there; a thread's that the object keeps; or not in view. */
function ownerOf(fn: CFunction, wake: Event, world: World): 'waiter' | 'stays' | 'unknown' {
  const key = memberOf(wake);
  const member = wake.cell?.path ?? '';
  if (/thread|kworker|tsk\b/.test(member) && !/^task$/.test(member)) return 'stays';
  const uses = usesOf(world).get(key) ?? [];
  const threads = uses.some(
    u => u.api === 'kthread_stop' || (u.kind === 'write' && u.operand !== null && u.operand !== 'current' && u.operand !== 'NULL'),
  );
  if (threads) return 'stays';
  if (uses.some(u => u.kind === 'write' && u.operand === 'current')) return 'waiter';
  if (world.designated(fn.path).has(member)) return 'waiter';
  return fn.whole ? 'stays' : 'unknown';
}

/** Does the event tell the waiter that it may go? */
function tells(event: Event, object: string, kind: 'waiter' | 'unknown', fn: CFunction, world: World): boolean {
  if (event.kind === 'call') return /(?:^|_)(?:complete|signal|done|finish(?:ed)?)$/.test(event.api) && event.args[0] === object;
  if (event.kind !== 'write' || !event.cell || event.uncertain || event.object !== undefined || objectOf(event.cell) !== object) return false;
  if (kind !== 'waiter' || !/^(?:1|true|NULL|[A-Z][A-Z0-9_]*)$/.test(event.operand ?? '')) return false;
  // The store must be one that somebody looks at without a lock.
  return (
    event.ordering === 'release' ||
    (event.atomic && event.ordering === 'relaxed') ||
    world.shared(keyOf(event) ?? '').some(e => e.kind === 'marked' && e.path === fn.path)
  );
}

/** The member that holds the task, of an event on it or on the task. */
function memberOf(event: Event): string {
  return (keyOf(event) ?? '').replace(/\[\]$/, '');
}

const known = new WeakMap<World, Map<string, Event[]>>();

/** Stores of tasks and stops of threads, by the member. */
function usesOf(world: World): Map<string, Event[]> {
  let found = known.get(world);
  if (found) return found;
  found = new Map();
  known.set(world, found);
  for (const f of world.functions) {
    for (const event of f.events) {
      if (!event.cell || (event.kind !== 'write' && event.api !== 'kthread_stop')) continue;
      const key = memberOf(event);
      const list = found.get(key);
      if (list) list.push(event);
      else found.set(key, [event]);
    }
  }
  return found;
}
