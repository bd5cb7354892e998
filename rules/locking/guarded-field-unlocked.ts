import { callersOf, heldAt, heldOnEntry, isOwn, isTest, keyOf, lockText, runsAlone, sameLock } from '../../src/c/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'guarded-field-unlocked',
  title: 'A counter that others change under a lock is changed without it',
  why: `
    A plain ++ or -- reads, adds and writes. Where every other place does it under a lock, one without the lock loses its own count or that of the
    lock's holder, whenever the two meet.
    Told by inspection of the other accesses in view.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['missing-lock'],
  references: [
    'Documentation/kernel-hacking/locking.rst, The Problem With Concurrency',
    'tools/memory-model/Documentation/access-marking.txt, Lock-Protected Writes With Lockless Reads',
  ],
  knownGaps: [
    'locks that callers in other files hold are not seen: what such functions do is a question',
    'a single store is not looked at, only what reads and writes',
  ],
  trial: true, // Lock and field are tied by use alone, and many a counter changes under a lock by the way.
  examples: {
    bad: [
      `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

void ferry_leave(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard--;
	spin_unlock(&f->lock);
}

static int ferry_stowaway(struct ferry_line *l, int n)
{
	struct ferry *f = l->ferry[n];

	f->aboard++; /* want: guarded-field-unlocked "aboard" */
	return f->aboard;
}

static const struct ferry_ops ops = { .hide = ferry_stowaway };`,
    ],
    good: [
      `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

void ferry_leave(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard--;
	spin_unlock(&f->lock);
}

/* Nobody else knows it yet. */
struct ferry *ferry_build(struct ferry_line *l)
{
	struct ferry *f = kzalloc(sizeof(*f), GFP_KERNEL);

	spin_lock_init(&f->lock);
	f->aboard++;
	l->newest = f;
	return f;
}

/* The callers hold the lock. */
static void __ferry_count(struct ferry *f)
{
	f->aboard++;
}

void ferry_group(struct ferry *f)
{
	spin_lock(&f->lock);
	__ferry_count(f);
	spin_unlock(&f->lock);
}`,
      `
struct ferry {
	spinlock_t lock;
	int aboard;
};

void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

void ferry_leave(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard--;
	spin_unlock(&f->lock);
}

void ferry_sink_locked(struct ferry *f)
{
	f->aboard--;
}

int ferry_recount(struct ferry *f)
{
	lockdep_assert_held(&f->lock);
	f->aboard++;
	return f->aboard;
}`,
      `
struct ferry {
	spinlock_t lock;
	int aboard;
};

/* One place under the lock is no rule. */
void ferry_board(struct ferry *f)
{
	spin_lock(&f->lock);
	f->aboard++;
	spin_unlock(&f->lock);
}

void ferry_leave(struct ferry *f)
{
	f->aboard--;
}`,
    ],
  },
  checkFile(file, report, world) {
    if (!file.whole || file.isHeader) return;
    for (const sites of changesIn(file, world).values()) {
      const locks = [...new Set(sites.flatMap(s => s.locks))];
      const guard = locks
        .map(lock => ({ lock, under: sites.filter(s => s.locks.some(held => sameLock(held, lock))) }))
        .sort((a, b) => b.under.length - a.under.length)[0];
      if (!guard || new Set(guard.under.map(s => s.fn)).size < 2) continue;
      const open = sites.filter(s => s.open);
      // Any other lock may be the one that matters there.
      if (open.length === 0 || open.length >= guard.under.length || open.length + guard.under.length < sites.length) continue;
      for (const { fn, event } of open) {
        const name = `${event.cell?.path}`;
        const [first, second] = guard.under;
        report(
          { event, fn },
          {
            message: `${fn.name}() changes ${name} without ${lockText(guard.lock)}, under which ${[...new Set(guard.under.map(s => `${s.fn.name}()`))].slice(0, 3).join(' and ')} change it`,
            question: `What keeps those from coming between the load and the store of ${name} here?`,
            dismissal: `Not an issue if callers of ${fn.name}() hold ${lockText(guard.lock)}, or nobody else knows the object here`,
            related: [first, second].flatMap(s =>
              s ? [{ path: s.fn.path, line: s.event.line, side: s.fn.side, note: `${s.fn.name}() changes it under the lock` }] : [],
            ),
            said: world.said(fn, ['lock', 'locked', 'serialis\\w*', 'serializ\\w*']).slice(0, 1),
          },
        );
      }
    }
  },
} satisfies Rule;

interface Site {
  fn: CFunction;
  event: Event;
  /** Exclusive locks of the object, or of the whole file, that are held. */
  locks: string[];
  /** Surely no lock is held, as far as the file shows, and the object is known to others. */
  open: boolean;
}

const RMW = /^(?:\+\+|--|\+=|-=)$/;
/** Numbers that only people read. */
const STATISTICS = /stat|count(?:er)?s?$|cnt|bytes|packets|drops|errors?$|hits|miss|nr_\w*events|seq/i;

/** Every plain read-modify-write of a member of a type in view, by cell. */
function changesIn(file: CodeFile, world: World): Map<string, Site[]> {
  const found = new Map<string, Site[]>();
  for (const fn of file.functions) {
    if (fn.isMacro || !fn.whole || isTest(fn)) continue;
    for (const event of fn.events) {
      if (
        event.kind === 'read' ||
        !RMW.test(event.api) ||
        !event.cell?.type ||
        event.uncertain ||
        STATISTICS.test(event.cell.path) ||
        event.cell.path.includes('[')
      )
        continue;
      if (event.cell.base === null || event.object || runsAlone(fn) || isOwn(fn, event) || /alloc|clone|fork|free|release|new|copy/.test(fn.name))
        continue;
      const key = keyOf(event);
      if (key === null) continue;
      const held = heldAt(fn, event, world).filter(lock => !lock.endsWith(' (shared)'));
      const type = event.cell.type;
      const locks = held.filter(lock => lock.includes(`:${type}.`) || /^[\w-]+:[a-z]\w*$/.test(lock));
      const open =
        held.length === 0 &&
        heldOnEntry(fn, world).locks.length === 0 &&
        !fn.name.startsWith('__') &&
        event.locks.length === 0 &&
        event.maybeLocks.length === 0 &&
        event.context.length === 0 &&
        (!fn.isStatic || callersOf(fn, world) !== null || world.mentions(fn).length > 0);
      const known = found.get(key);
      if (known) known.push({ fn, event, locks, open });
      else found.set(key, [{ fn, event, locks, open }]);
    }
  }
  return found;
}
