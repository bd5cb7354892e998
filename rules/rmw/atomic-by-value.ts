import { between, called, cellName, comesBefore, initialises, isHandedOver, isTest, keyOf, surelyReaches } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'atomic-by-value',
  title: 'An atomic variable or a lock is copied by value',
  why: `
    A copy of an atomic_t is a plain load of it: it races with every operation on the original, and operations on the copy are seen by
    nobody else. A copied lock excludes nobody, since each holder of a copy takes a different lock. Read the value with atomic_read() or
    refcount_read(), and pass the object by its address.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['plain-access'],
  references: ['include/linux/mutex_types.h, struct mutex', 'Documentation/atomic_t.txt, SEMANTICS'],
  knownGaps: [
    'a structure that contains an atomic variable and is copied as a whole is not checked',
    'certain by inspection: a copy is a plain access whatever runs beside it',
  ],
  examples: {
    bad: [
      `
static void gauge_show(struct seq_file *m, atomic_t level) /* want: atomic-by-value "level" */
{
	seq_printf(m, "%d", atomic_read(&level));
}`,
      `
struct gauge { atomic_t level; int last; };

static void gauge_note(struct gauge *g, struct gauge *from)
{
	g->level = from->level; /* want: atomic-by-value "level" */
}`,
      `
struct gauge { atomic_t level; };

static void gauge_tell(struct gauge *g)
{
	trace_gauge_level(g, g->level); /* want: atomic-by-value "level" */
}`,
      `
--- a/include/trace/events/gauge.h
+++ b/include/trace/events/gauge.h
@@ -21,5 +21,6 @@ TRACE_EVENT(gauge_level,
 
 	TP_fast_assign(
 		__entry->id = id;
+		__entry->level = atomic_read(&level); /* want: atomic-by-value "level" */
 	),
 
`,
      `
struct gauge { atomic_t level; int last; };

/* Overwritten before anyone looks: the copy is for nothing. */
static void gauge_fork(struct gauge *g, struct gauge *from)
{
	g->last = from->last;
	g->level = from->level; /* want: atomic-by-value "overwritten" */
	atomic_set(&g->level, 0);
}`,
      `
struct gauge { atomic_t level; int last; };

/* Set anew on one of the ways only. */
static void gauge_fork(struct gauge *g, struct gauge *from, bool fresh)
{
	g->level = from->level; /* want: atomic-by-value "level is copied by value in gauge_fork()" */
	if (fresh)
		atomic_set(&g->level, 0);
}`,
    ],
    good: [
      `
static void gauge_show(struct seq_file *m, int level)
{
	seq_printf(m, "%d", level);
}

void gauge_tell(struct seq_file *m, struct gauge *g)
{
	gauge_show(m, atomic_read(&g->level));
}`,
      `
static void gauge_note(struct seq_file *m, atomic_t *level)
{
	seq_printf(m, "%d", atomic_read(level));
}`,
      `
struct gauge { atomic_t level; spinlock_t lock; };

static void gauge_reset(struct gauge *g)
{
	g->level = (atomic_t)ATOMIC_INIT(0);
	g->lock = __SPIN_LOCK_UNLOCKED(g->lock);
}`,
      `
struct gauge { atomic_t levels[4]; };

/* An array's name is its address. */
static void gauge_each(struct gauge *g)
{
	gauge_sum(g->levels);
}`,
      `
struct gauge { atomic_t level; };

/* A macro may take the address of what it is given. */
static void gauge_dump(struct gauge *g)
{
	GAUGE_PRINT(g->level);
	pr_info("%zu", sizeof(g->level));
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || isTest(fn)) return;
    for (const { name, type } of fn.parameters) {
      if (fn.broken || !isInPlace(type.replace(/\b(?:const|volatile)\b/g, '').trim(), world) || name === '') continue;
      report(
        { place: { path: fn.path, line: fn.line, side: fn.side }, fn },
        {
          message: `${fn.name}() takes ${name} by value, so it works on a copy`,
          detail: ['The copy is made by a plain load, and changes to it are seen by nobody else'],
          question: /^(?:atomic|count)$/.test(world.type(type)?.is ?? '')
            ? 'Should the caller pass the result of atomic_read()?'
            : `Should ${name} be passed by its address?`,
          dismissal: 'Not an issue if the original is not yet visible to others',
        },
      );
    }
    for (const event of fn.events) {
      const given = tracedValue(fn, event);
      if (given !== null) {
        report(
          { event, fn },
          {
            message: `${given} is passed to the tracepoint by value, and ${called(event)}() reads the copy`,
            detail: ['Every caller of the tracepoint makes the copy by a plain load, which races with every operation on the original'],
            question: `Should the tracepoint take a plain number, and its callers pass the result of ${called(event)}()?`,
            dismissal: `Not an issue if ${given} is not an argument of the tracepoint`,
          },
        );
        continue;
      }
      if (fn.broken || !event.cell || event.object === 'private' || event.phase.includes('init')) continue;
      const copied = event.api === 'read' && event.kind === 'read' ? isCopied(fn, event) : false;
      if (!copied || !isAtomic(event, world)) continue;
      const name = cellName(event.cell);
      const dead = isOverwritten(fn, event);
      report(
        { event, fn },
        {
          message: `${name} is copied by value in ${fn.name}()${dead ? ', and the copy is overwritten before it is used' : ''}`,
          detail: ['The copy is made by a plain load, which races with every operation on the original'],
          question: 'Should this use atomic_read()?',
          dismissal: `Not an issue if ${name} is not yet visible to others`,
          ...(dead ? { severity: 'note' as const } : {}),
        },
      );
    }
  },
} satisfies Rule;

/** A type whose objects are operated on in place: an atomic variable, a count or a lock. */
function isInPlace(type: string, world: World): boolean {
  const is = world.type(type)?.is;
  return is !== undefined && is !== 'device';
}

/** A tracepoint's argument whose address is taken in what it records: the atomic variable itself is the argument. */
function tracedValue(fn: CFunction, event: Event): string | null {
  if (!/^(?:TRACE_EVENT|DECLARE_EVENT_CLASS)/.test(fn.name) || event.cell !== null || !event.fact?.counter) return null;
  return /^&\s*([a-z_]\w*)$/.exec(event.args[0] ?? '')?.[1] ?? null;
}

/** The member is declared as an atomic variable or a lock, itself and no pointer or array of them. */
function isAtomic(event: Event, world: World): boolean {
  const { type, path } = event.cell?.within ?? event.cell ?? { type: null, path: '' };
  if (type === null || !/^\w+$/.test(path)) return false;
  const member = world.declared(type)?.members.get(path);
  return member !== undefined && member.pointer === 0 && !member.array && isInPlace(member.type, world);
}

/** The whole value goes into a store, or to a tracepoint, which is a function with parameters. */
function isCopied(fn: CFunction, read: Event): boolean {
  const taken = fn.events.filter(e => e.kind === 'call' && e.argSources.some(sources => sources.includes(read.index)));
  if (taken.length > 0) return taken.every(e => e.api.startsWith('trace_'));
  const next = fn.events[read.index + 1];
  return next?.api === '=' && next.line === read.line && /^[\w.>[\]-]+$/.test(/[^=]=\s*([^=;]+);/.exec(next.text)?.[1]?.trim() ?? '');
}

/** Is what the copy was stored to set anew on every way on from it, before anything looks at it? */
function isOverwritten(fn: CFunction, read: Event): boolean {
  const store = fn.events[read.index + 1];
  const { cell } = store ?? {};
  if (!store || !cell || store.api !== '=') return false;
  const same = (e: Event) => e.cell !== null && e.cell.base === cell.base && keyOf(e) === keyOf(store);
  const anew = fn.events.filter(e => comesBefore(fn, store, e) && (initialises(e) || (e.fact?.counter && e.kind === 'write')) && same(e));
  if (anew.length === 0 || !surelyReaches(fn, store, anew)) return false;
  const seen = (e: Event) => !anew.includes(e) && (same(e) || e.kind === 'publish' || (cell.base !== null && isHandedOver(e, cell.base)));
  return anew.every(end => !between(fn, store, end).some(seen));
}
