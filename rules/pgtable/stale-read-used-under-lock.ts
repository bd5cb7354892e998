import {
  called,
  comesBefore,
  conditionOn,
  eventsOf,
  guardsAt,
  includesSection,
  isHandedOver,
  isMadeHere,
  isTest,
  keyOf,
  madeOf,
  onward,
  originsOf,
  partnersOf,
  placeOf,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Meaning, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'stale-read-used-under-lock',
  title: 'A value read before the lock is freed under it, although the cell may have changed',
  why: `
    Between the read and the lock another CPU may have changed the cell and freed what it pointed to. The test under the lock says that the
    cell holds something now, not that it is the value read before: the function then removes the new object from the cell and frees the old
    one a second time. Read the value under the lock, or compare it with the current one.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['pgtable-tlb', 'check-then-act', 'use-after-handover'],
  references: [
    'Documentation/mm/process_addrs.rst, Page table installation',
    'Documentation/kernel-hacking/locking.rst, Race Conditions and Critical Regions',
  ],
  knownGaps: ['a comparison made by a function that is not visible is not seen'],
  examples: {
    bad: [
      `
int shadow_drop(pte_t *ptep, unsigned long addr)
{
	unsigned long page = (unsigned long)__va(pte_pfn(ptep_get(ptep)) << PAGE_SHIFT);

	spin_lock(&init_mm.page_table_lock);
	if (!pte_none(ptep_get(ptep))) {
		pte_clear(&init_mm, addr, ptep);
		free_page(page); /* want: stale-read-used-under-lock "page" */
	}
	spin_unlock(&init_mm.page_table_lock);
	return 0;
}

int shadow_fill(pte_t *ptep, unsigned long addr, pte_t pte)
{
	spin_lock(&init_mm.page_table_lock);
	if (pte_none(ptep_get(ptep)))
		set_pte_at(&init_mm, addr, ptep, pte);
	spin_unlock(&init_mm.page_table_lock);
	return 0;
}`,
      `
void conf_drop(struct share *s)
{
	struct conf *old = s->conf;

	spin_lock(&s->lock);
	if (s->conf) {
		s->conf = NULL;
		kfree(old); /* want: stale-read-used-under-lock "old" */
	}
	spin_unlock(&s->lock);
}

void conf_fill(struct share *s, struct conf *new)
{
	spin_lock(&s->lock);
	if (!s->conf)
		s->conf = new;
	spin_unlock(&s->lock);
}`,
    ],
    good: [
      `
int shadow_drop(pte_t *ptep, unsigned long addr)
{
	pte_t pte;

	spin_lock(&init_mm.page_table_lock);
	pte = ptep_get(ptep);
	if (!pte_none(pte)) {
		pte_clear(&init_mm, addr, ptep);
		free_page((unsigned long)__va(pte_pfn(pte) << PAGE_SHIFT));
	}
	spin_unlock(&init_mm.page_table_lock);
	return 0;
}`,
      `
void entry_drop(struct mm_struct *mm, unsigned long addr, pte_t *ptep, spinlock_t *ptl)
{
	pte_t old = ptep_get(ptep);
	unsigned long pfn = pte_pfn(old);

	spin_lock(ptl);
	if (pte_same(old, ptep_get(ptep))) {
		pte_clear(mm, addr, ptep);
		free_page(pfn);
	}
	spin_unlock(ptl);
}`,
      `
void conf_drop(struct share *s)
{
	struct conf *old = s->conf;

	spin_lock(&s->lock);
	if (s->conf == old) {
		s->conf = NULL;
		kfree(old);
	}
	spin_unlock(&s->lock);
}`,
      `
void conf_drop(struct share *s)
{
	struct conf *old = s->conf;

	if (!old)
		return;
	spin_lock(&s->lock);
	old = s->conf;
	s->conf = NULL;
	kfree(old);
	spin_unlock(&s->lock);
}`,
      `
/* One lock over the whole. */
void conf_drop(struct share *s)
{
	struct conf *old;

	mutex_lock(&s->update);
	old = s->conf;
	spin_lock(&s->lock);
	if (s->conf) {
		s->conf = NULL;
		kfree(old);
	}
	spin_unlock(&s->lock);
	mutex_unlock(&s->update);
}

void conf_fill(struct share *s, struct conf *new)
{
	mutex_lock(&s->update);
	spin_lock(&s->lock);
	s->conf = new;
	spin_unlock(&s->lock);
	mutex_unlock(&s->update);
}`,
      `
/* The last one who has the file open: what hangs on it is its own, and the lock is for something else. */
static int view_release(struct inode *inode, struct file *file)
{
	struct view *v = file->private_data;
	struct panel *p = v->panel;

	mutex_lock(&p->lock);
	if (file->private_data == p->owner)
		p->owner = NULL;
	kfree(v);
	mutex_unlock(&p->lock);
	return 0;
}`,
      `
/* A new one that nobody else knows yet: the lock is for the table. */
int plan_build(struct table *t, const void __user *from, int len)
{
	struct plan *p = kmalloc(sizeof(*p), GFP_KERNEL);
	struct room room;
	void *raw;
	int err;

	if (!p)
		return -ENOMEM;
	p->steps = table_room(t, len);
	if (copy_from_user(p->steps, from, len) != 0) {
		kfree(p);
		return -EFAULT;
	}
	raw = p->steps;
	table_lock(t);
	p->steps = table_room(t, 2 * len);
	if (!p->steps) {
		kfree(raw);
		err = -ENOMEM;
		goto out;
	}
	room.start = p->steps;
	err = table_place(t, raw, &room);
	if (err < 0) {
		kfree(raw);
		goto out;
	}
	table_unlock(t);
	return plan_run(p);
out:
	table_unlock(t);
	kfree(p);
	return err;
}`,
      `
/* The old value sizes the new buffer only. */
void buf_grow(struct chan *c)
{
	int len = c->len;
	char *more = kmalloc(len, GFP_KERNEL);

	spin_lock(&c->lock);
	if (c->len) {
		kfree(c->buf);
		c->buf = more;
	}
	spin_unlock(&c->lock);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const free of fn.events) {
      const pointer = free.args[0];
      if (free.kind !== 'free' || free.ends || free.locks.length === 0 || pointer === undefined || !/^\w+$/.test(pointer)) continue;
      const made = originsOf(fn, pointer);
      const before = (e: Event) => free.locks.some(lock => !includesSection(e.locks, lock));
      const reads = made.filter(e => e.kind === 'read' && e.cell !== null && before(e) && e.maybeLocks.length === 0);
      // What sizes a buffer is not the buffer.
      if (made.some(e => !before(e) || /alloc|dup/.test(e.api))) continue;
      const found = reads.flatMap(read => again(fn, read, free).map(second => ({ read, second })))[0];
      if (!found) continue;
      const { read, second } = found;
      if (isClosedFiles(fn, read) || isUntold(fn, read, free)) continue;
      const lock = eventsOf(fn, 'lock').find(e => comesBefore(fn, read, e) && comesBefore(fn, e, second));
      // A lock of the callers, over all of it: of what they hold, the checker knows what all in view hold.
      if (read.locks.length === 0 && guardsAt({ fn, event: read }, world).own) continue;
      const claim = lock ? claimOf(fn, { read, lock, second, free }, pointer, world) : null;
      // Whether a lock that is held over the whole keeps the writer away, the checker says.
      if (read.locks.length > 0 && !claim) continue;
      report(
        { event: free, fn },
        {
          message: `${fn.name}() frees ${pointer} under the lock, but read it before taking the lock`,
          detail: ['Another CPU may have stored something else in between: that is removed, and the object it freed already is freed again'],
          question: `Can the value change before ${lock ? called(lock) : 'the lock'}(), and should it be read under the lock?`,
          dismissal: 'Not an issue if something outside the function excludes other writers',
          related: [
            { path: read.path, line: read.line, side: read.side, note: 'read here, without the lock' },
            { path: second.path, line: second.line, side: second.side, note: 'tested here, under the lock' },
          ],
          quote: [read, second, free],
          ...(claim ? { claim } : {}),
        },
      );
    }
  },
} satisfies Rule;

/** The function against one in view that stores something else; where that one stores only to an empty cell, a second run of the function empties it. */
function claimOf(
  fn: CFunction,
  { read, lock, second, free }: Record<'read' | 'lock' | 'second' | 'free', Event>,
  pointer: string,
  world: World,
): Claim | null {
  const key = keyOf(read);
  if (key === null || [read, second].some(e => e.locks.some(l => l.mode === 'shared'))) return null;
  const writers = world.functions
    .filter(f => f !== fn && (!key.startsWith('|') || f.path === fn.path))
    .flatMap(f => f.events.filter(e => keyOf(e) === key && fills(e)).map(event => ({ fn: f, event })));
  const [writer] = partnersOf(writers, { fn, event: read }, world);
  const edits = (what: string): Claim['edits'] => [{ kind: 'move', event: read, where: 'after', to: lock, text: `Reading ${what} under the lock` }];
  if (!writer) return read.locks.length > 0 ? null : assumed(fn, { read, second, free }, pointer, edits(nameOf(read, pointer)));
  const test = writer.fn.events.find(e => e.kind === 'read' && keyOf(e) === key && comesBefore(writer.fn, e, writer.event));
  const empty = test !== undefined && decides(writer.fn, test) && conditionOn(writer.fn, test, writer.event) !== 'nonzero';
  const clear = fn.events.find(e => comesBefore(fn, second, e) && (e.kind === 'write' || e.kind === 'publish') && keyOf(e) === key && !fills(e));
  if (empty && !clear) return null;
  const middle = clear ? (comesBefore(fn, clear, free) ? [clear, free] : [free, clear]) : [free];
  const run = { fn, events: [read, second, ...middle] };
  return {
    threads: [run, ...(empty ? [run] : []), { fn: writer.fn, events: [...(empty && test ? [test] : []), writer.event] }],
    bad: {
      kind: 'sees',
      reads: [
        ...(empty && test && clear ? [{ read: test, from: clear, thread: 2, by: 1 }] : []),
        { read, from: 'before' as const, thread: 0 },
        { read: second, from: writer.event, thread: 0 },
      ],
      ends: [free],
    },
    meanings: [freeing(free, pointer)],
    starts: [{ cell: read, value: 1 }],
    edits: edits(nameOf(read, pointer)),
    assumes: ['all work on one object'],
    ...(read.locks.length > 0 ? {} : { stands: true as const }),
  };
}

/** The function against a writer out of view, who takes the lock. */
function assumed(fn: CFunction, { read, second, free }: Record<'read' | 'second' | 'free', Event>, pointer: string, edits: Claim['edits']): Claim {
  const lock = second.locks.find(l => includesSection(free.locks, l) && !includesSection(read.locks, l))?.object ?? 'lock';
  const what = nameOf(read, pointer);
  const change: AssumedStep = { does: 'write', cell: read, says: { before: '', after: `stores something else in ${what}` } };
  return {
    threads: [{ fn, events: [read, second, free] }],
    others: [{ who: `a writer of ${what}`, does: [{ does: 'lock', cell: lock }, change, { does: 'unlock', cell: lock }] }],
    bad: {
      kind: 'sees',
      reads: [
        { read, from: 'before' },
        { read: second, from: change },
      ],
      ends: [free],
    },
    meanings: [freeing(free, pointer)],
    starts: [{ cell: read, value: 1 }],
    edits,
    assumes: [`another CPU may store something else in ${what} under the lock`],
    stands: true,
  };
}

function freeing(free: Event, pointer: string): Meaning {
  return { event: free, access: 'write', cell: `${pointer} freed`, ordering: 'relaxed', says: { before: '', after: 'frees what it read first' } };
}

/**
 * It hangs on the open file that the function is given, and nothing else is: so are those called that close one, when nobody else has it any
 * more. What reads, polls or controls an open file is told more than that.
 */
function isClosedFiles(fn: CFunction, read: Event): boolean {
  const types = fn.parameters.map(p => p.type.replace(/\s*\*$/, ''));
  const file = fn.parameters[types.length - 1]?.name;
  return /^(?:struct inode,)?struct file$/.test(types.join()) && read.cell?.path === 'private_data' && read.cell.base === file;
}

/** It hangs on an object that the function has made itself, and has told nobody of by the time of the free. */
function isUntold(fn: CFunction, read: Event, free: Event): boolean {
  const base = read.cell?.base;
  if (base == null || !isMadeHere(fn, read)) return false;
  const tells = (e: Event) => isHandedOver(e, base) || e.operand === base || e.args.some(arg => arg.startsWith(`&${base}->`));
  return !fn.events.some(e => comesBefore(fn, e, free) && e.kind !== 'free' && tells(e));
}

/** What is read before the lock, as a person would write it. */
function nameOf(read: Event, pointer: string): string {
  return read.cell && read.cell.path !== '*' ? placeOf(read.cell).replace(/\./g, '->') : (read.args[0] ?? pointer);
}

/** A store of something, and not of nothing. */
function fills(event: Event): boolean {
  if (event.kind !== 'write' && event.kind !== 'publish') return false;
  return event.operation !== 'clear' && event.operand !== null && !/^(?:0|NULL|__pte\(0\))$/.test(event.operand);
}

/** Reads of the same cell under the lock that the free is under, on the way to it, with no comparison of the two values. */
function again(fn: CFunction, read: Event, free: Event): Event[] {
  const place = read.cell && placeOf(read.cell);
  const seconds = onward(fn, read, {}).events.filter(
    e =>
      e.kind === 'read' &&
      e !== read &&
      e.cell !== null &&
      placeOf(e.cell) === place &&
      comesBefore(fn, e, free) &&
      e.locks.some(l => includesSection(free.locks, l)),
  );
  return seconds.filter(second => decides(fn, second) && !isCompared(fn, read, second));
}

function decides(fn: CFunction, event: Event): boolean {
  return fn.flow.some(node => madeOf(fn, node.decides ?? []).includes(event));
}

function isCompared(fn: CFunction, first: Event, second: Event): boolean {
  const both = (indices: readonly number[]) => {
    const events = madeOf(fn, indices);
    return events.includes(first) && events.includes(second);
  };
  return (
    fn.shape.comparisons.some(c => both([...c.left.sources, ...c.right.sources])) ||
    fn.events.some(e => e.kind === 'call' && e.argSources.length > 1 && both(e.argSources.flat()))
  );
}
