import { cellKey, isAccess, isOwn, isTest, keyOf, nodesAfter, runsAlone, sameLock } from '../../src/c/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Changes, Claim, Remark, Rule } from '../../src/model/rule.ts';

export default {
  id: 'sync-removed',
  title: 'Synchronisation goes, and what it was there for stays',
  why: `
    A lock, an RCU section, a barrier, a marked access, a reference or a wait for a handler is there for the statements around it. Where a
    series takes it away and leaves those statements as they were, either they never needed it, which the log can say in one sentence, or
    something else must do its work from now on. Code that stays shows nothing of that, so the diff is the one place to ask.`,
  severity: 'warning', // A note where nothing in view still relies on it.
  confidence: 'medium',
  finds: ['missing-lock', 'barrier-missing', 'plain-access', 'refcount-lifetime'],
  references: [
    'Documentation/memory-barriers.txt, LOCK ACQUISITION FUNCTIONS',
    'tools/memory-model/Documentation/access-marking.txt, ACCESS-MARKING OPTIONS',
    'Documentation/RCU/checklist.rst',
  ],
  knownGaps: [
    'what a caller or a callee out of view takes over is not seen: the question stands all the same',
    'synchronisation that is replaced by another kind in the same function silences it, whether or not the other kind suffices',
  ],
  examples: {
    bad: [
      `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,19 +1,18 @@
 struct tray {
 	int letter;
 	int full;
 };

 void tray_put(struct tray *t, int letter)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_wmb(); /* want: sync-removed "both stay" */
 	WRITE_ONCE(t->full, 1);
 }

 int tray_take(struct tray *t)
 {
 	if (!READ_ONCE(t->full))
 		return -EAGAIN;
 	smp_rmb();
 	return READ_ONCE(t->letter);
 }
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,10 +20,8 @@ static void tray_touch(struct tray *t)
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock); /* want: sync-removed "t->users++" */
 	t->users++;
 	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,9 +20,7 @@ static int tray_name(struct tray *t, char *to)
 {
 	struct name *n;
 
-	rcu_read_lock(); /* want: sync-removed "rcu_dereference" */
 	n = rcu_dereference(t->name);
 	strscpy(to, n->text, NAME_LEN);
-	rcu_read_unlock();
 	return 0;
 }
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,6 @@ static void tray_post(struct tray *t, int v)
 static void tray_fill(struct tray *t, int v)
 {
 	t->value = v;
-	smp_wmb(); /* want: sync-removed "smp_wmb()" */
 	WRITE_ONCE(t->ready, 1);
 }
 
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,6 +20,6 @@ static void tray_post(struct tray *t, int v)
 static bool tray_idle(struct tray *t)
 {
 	tray_trace(t);
-	return READ_ONCE(t->state) == IDLE; /* want: sync-removed "t->state" */
+	return t->state == IDLE;
 }
 
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,6 @@ static void tray_post(struct tray *t, int v)
 static void tray_remove(struct tray *t)
 {
 	tray_trace(t);
-	cancel_work_sync(&t->work); /* want: sync-removed "cancel_work_sync" */
 	kfree(t);
 }
 
`,
    ],
    good: [
      `--- a/drivers/tray/mail.c
+++ b/drivers/tray/mail.c
@@ -1,19 +1,18 @@
 struct tray {
 	int letter;
 	int full;
 };

 void tray_put(struct tray *t, int letter)
 {
 	WRITE_ONCE(t->letter, letter);
-	smp_wmb();
 	smp_store_release(&t->full, 1);
 }

 int tray_take(struct tray *t)
 {
 	if (!READ_ONCE(t->full))
 		return -EAGAIN;
 	smp_rmb();
 	return READ_ONCE(t->letter);
 }
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,7 @@ static void tray_touch(struct tray *t)
 static void tray_fill(struct tray *t, struct buffer_head *bh, int i)
 {
 	tray_trace(t);
-	brelse(t->slot[i]);
+	t->slot[i] = bh;
 	tray_show(t);
 }
 
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,10 +20,9 @@ static void tray_touch(struct tray *t)
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
+	guard(spinlock)(&t->lock);
 	t->users++;
 	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,16 +20,16 @@ static void tray_touch(struct tray *t)
 static void tray_enter(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
 	t->users++;
 	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
+	spin_lock(&t->lock);
 	tray_enter(t);
+	spin_unlock(&t->lock);
 	tray_show(t);
 }
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,14 +20,10 @@ static void tray_touch(struct tray *t)
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
-	t->users++;
-	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
 static void tray_done(struct tray *t)
 {
 	tray_show(t);
 }
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,7 +20,6 @@ static void tray_post(struct tray *t, int v)
 static void tray_fill(struct tray *t, int v)
 {
 	t->value = v;
-	smp_wmb();
-	WRITE_ONCE(t->ready, 1);
+	smp_store_release(&t->ready, 1);
 }
 
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,8 +20,8 @@ static void tray_post(struct tray *t, int v)
 static bool tray_idle(struct tray *t)
 {
 	tray_trace(t);
 	lockdep_assert_held(&t->lock);
-	return READ_ONCE(t->state) == IDLE;
+	return t->state == IDLE;
 }
 
 /* the end */
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,8 +20,8 @@ static void tray_post(struct tray *t, int v)
 static void tray_remove(struct tray *t)
 {
 	tray_trace(t);
-	cancel_work_sync(&t->work);
+	disable_work_sync(&t->work);
 	kfree(t);
 }
 
 /* the end */
`,
    ],
  },
  checkChange(before, after, series, report) {
    if (!before || !after || isTest(after)) return;
    const removed = before.events.filter(e => e.addedBy !== null && !e.uncertain && series.stays(e) === null);
    if (removed.length === 0) return;
    const kept = new Set(before.events.map(e => series.stays(e)));
    // Other hunks of the function count: what one takes away another may put back in another form.
    const parts = series.functions.filter(c => c.before?.name === before.name && c.before.path === before.path).flatMap(c => c.after ?? []);
    const added = [...new Set([after, ...parts])].flatMap(f => f.events.filter(e => e.addedBy !== null && !kept.has(e)));
    const view: View = { before, after, series, removed, added, asserted: [after, ...parts].some(f => f.entryLocks.length > 0) };
    const seen = new Set<string>();
    for (const event of removed) {
      for (const kind of [lostLock, lostSection, lostBarrier, lostMarking, lostReference, lostWait, lostGrace]) {
        if (seen.has(kind.name)) continue;
        const remark = kind(view, event);
        if (!remark) continue;
        seen.add(kind.name);
        const said = series.before.said(before, [event.api, 'lock\\w*', 'barrier', 'serialis\\w+', 'serializ\\w+', 'race\\w*']).slice(0, 1);
        report({ event, fn: before }, { said, ...remark });
      }
    }
  },
} satisfies Rule;

/** One function on both sides, with the events that only one of them has. */
interface View {
  before: CFunction;
  after: CFunction;
  series: Changes;
  removed: Event[];
  added: Event[];
  /** The function says that its caller holds a lock. */
  asserted: boolean;
}

/** An event of the old side, and what it is on the new one. */
interface Stays {
  old: Event;
  now: Event;
}

function staying(view: View, wanted: (old: Event) => boolean): Stays[] {
  return view.before.events.filter(wanted).flatMap(old => {
    const now = view.series.stays(old);
    return now ? [{ old, now }] : [];
  });
}

/** Events that the series adds, in any function of it. */
const everywhere = new WeakMap<Changes, Event[]>();

function addedAnywhere(series: Changes): Event[] {
  const known = everywhere.get(series) ?? series.after.functions.filter(f => !f.outside).flatMap(f => f.events.filter(e => e.addedBy !== null));
  everywhere.set(series, known);
  return known;
}

/** The same primitive on the same member stands somewhere else in the series: it was moved. */
function isMoved(view: View, event: Event): boolean {
  return addedAnywhere(view.series).some(e => e.api === event.api && lastWord(e) === lastWord(event));
}

function lastWord(event: Event): string {
  return /(\w+)\W*$/.exec(event.cell?.path || event.args[0] || '')?.[1] ?? '';
}

/** Something that the function gains serialises or orders in a way of its own. */
function gains(view: View): boolean {
  return view.added.some(
    e =>
      e.kind === 'lock' ||
      e.kind === 'unlock' ||
      e.kind === 'rcu' ||
      e.kind === 'wait' ||
      e.kind === 'publish' ||
      e.takes !== undefined ||
      (e.kind === 'fence' && e.ordering !== 'compiler') ||
      (isAccess(e) && (e.ordering === 'acquire' || e.ordering === 'release' || e.ordering === 'full' || (e.kind === 'rmw' && e.atomic))) ||
      (e.kind === 'call' && (/lock|guard|sync|barrier|atomic|claim|begin|enter|wait|excl/i.test(e.api) || synchronises(view.series, e.api))),
  );
}

/** A function in view that locks, orders or starts a section. */
function synchronises(series: Changes, name: string): boolean {
  return series.after.functions.some(f => f.name === name && f.events.some(e => e.kind === 'lock' || e.kind === 'rcu' || e.kind === 'fence'));
}

/** Touches memory that others may see, or may do anything. */
function matters({ before, series }: View, event: Event): boolean {
  if (event.kind === 'call') return event.opaque || series.before.functions.some(f => f.name === event.api);
  return (isAccess(event) && event.cell !== null && !isOwn(before, event)) || event.kind === 'free';
}

/** Runs while nothing else does, by what its head says. */
function runsOnce(fn: CFunction): boolean {
  return fn.attributes.some(a => /^__(?:init|exit|meminit|net_init|net_exit)\b/.test(a));
}

/** The function gains a call on the object of the removed one: the one stands for the other. */
function isReplaced({ added }: View, event: Event): boolean {
  const [object] = event.args;
  return object !== undefined && added.some(e => e.args.some(a => a === object));
}

/** Serialised by what is still in view: a lock, or the function's own word that its caller holds one. */
function isHeld(fn: CFunction, event: Event): boolean {
  return event.locks.length > 0 || event.maybeLocks.length > 0 || fn.entryLocks.length > 0;
}

function calledUnderLock({ series, after }: View): boolean {
  return series.after.callers(after.name).some(c => c.event.locks.length > 0 || c.event.maybeLocks.length > 0);
}

/** The statement, as a note names it. */
function quoted(event: Event): string {
  return event.text
    .trim()
    .replace(/\s*\/\*.*$/, '')
    .replace(/[;{]\s*$/, '')
    .trim();
}

function callOf(event: Event): string {
  return event.cell && isAccess(event) ? quoted(event) : `${event.api}(${event.args.join(', ')})`;
}

/** At least half of what it was around must be there still: else the code was rewritten, and its synchronisation with it. */
function mostStay(all: Event[], left: Stays[]): boolean {
  return left.length > 0 && 2 * left.length >= all.length;
}

/** The most telling of what stays: an update before a read, an access before a call. */
function telling(left: Stays[]): Stays | undefined {
  const rank = ({ old }: Stays) =>
    old.kind === 'write' || old.kind === 'rmw' || old.kind === 'publish' || old.kind === 'free' ? 0 : old.kind === 'read' ? 1 : 2;
  return left.toSorted((a, b) => rank(a) - rank(b) || a.old.index - b.old.index)[0];
}

/** What a removed lock is around: by its name where facts know it, else by the unlock of the same name and object. */
function sectionOf(view: View, event: Event): { name: string; inside: Event[] } | null {
  const { before, removed, series } = view;
  if (event.kind === 'lock') {
    const later = before.events.filter(e => e.index > event.index);
    const name = later[0]?.locks.find(l => !event.locks.includes(l));
    return name === undefined ? null : { name, inside: later.filter(e => e.locks.includes(name)) };
  }
  if (event.kind === 'call' && event.opaque && LOCK.test(event.api)) {
    const name = event.api.replace(LOCK, '$1unlock$2');
    const end = removed.findLast(e => e.api === name && e.args[0] === event.args[0] && e.index > event.index);
    return end
      ? { name: `${event.api}:${event.args[0] ?? ''}`, inside: before.events.filter(e => e.index > event.index && e.index < end.index) }
      : null;
  }
  if (event.kind !== 'unlock' || before.whole || removed.some(e => e.kind === 'lock' && lastWord(e) === lastWord(event))) return null;
  // The lock of an unlock may go in an earlier hunk of the function.
  const above = series.functions.some(
    c =>
      c.before &&
      c.before !== before &&
      c.before.name === before.name &&
      c.before.events.some(e => e.kind === 'lock' && e.addedBy !== null && lastWord(e) === lastWord(event)),
  );
  return above ? { name: `lock:${lastWord(event)}`, inside: before.events.filter(e => e.index < event.index) } : null;
}

const LOCK = /^((?:\w+_)?)lock((?:_\w+)?)$/;

function lostLock(view: View, event: Event): Remark | null {
  const { before, after, series } = view;
  if (gains(view) || runsOnce(after) || view.asserted) return null;
  const section = sectionOf(view, event);
  if (section === null) return null;
  const { name } = section;
  const inside = section.inside.filter(e => matters(view, e));
  const left = staying(view, e => inside.includes(e));
  const one = telling(left);
  if (!one || !mostStay(inside, left) || left.some(s => isHeld(after, s.now))) return null;
  // An unlock that stays belongs to a lock out of view.
  if (before.events.some(e => e.kind === 'unlock' && lastWord(e) === lastWord(event) && series.stays(e) !== null)) return null;
  if (isMoved(view, event) || addedAnywhere(series).some(e => e.kind === 'lock' && lastWord(e) === lastWord(event))) return null;
  if (calledUnderLock(view)) return null;
  const other = left.map(s => stillGuarded(view, s.now, name)).find(f => f !== null);
  return {
    message: `${quoted(one.old)} stays in ${after.name}(), ${callOf(event)} around it goes`,
    detail: other ? [`${other.name}() still takes the lock around the same memory`] : [],
    question: 'What serialises it now?',
    dismissal: 'Not an issue if every caller holds a lock that excludes the others, or nobody else can reach the object',
    quote: [event, one.now],
    shape: `lock:${name}`,
    ...(other ? {} : { severity: 'note' as const }),
  };
}

/** Another function that touches the same memory under the lock, after the series. */
function stillGuarded({ series, after }: View, event: Event, lock: string): CFunction | null {
  const key = keyOf(event);
  if (key === null) return null;
  return (
    series.after.functions.find(f => f.name !== after.name && f.events.some(e => keyOf(e) === key && e.locks.some(l => sameLock(l, lock)))) ?? null
  );
}

const SECTIONS: Record<string, string> = {
  'rcu-read': 'What keeps what it points to from being freed?',
  'srcu-read': 'What keeps what it points to from being freed?',
  'irqs-off': 'What keeps an interrupt on this CPU out?',
  'preempt-off': 'What keeps the task on this CPU?',
  'bh-off': 'What keeps a softirq on this CPU out?',
};

function lostSection(view: View, event: Event): Remark | null {
  const { before, after } = view;
  if ((event.kind !== 'rcu' && event.kind !== 'fence') || gains(view) || runsOnce(after)) return null;
  const later = before.events.filter(e => e.index > event.index);
  const section = Object.keys(SECTIONS).find(s => !event.context.includes(s) && later[0]?.context.includes(s));
  if (section === undefined) return null;
  const inside = later.filter(e => e.context.includes(section) && matters(view, e));
  const left = staying(view, e => inside.includes(e));
  const pointers = left.filter(s => s.old.ordering === 'address');
  const one = pointers[0] ?? telling(left);
  if (!one || !mostStay(inside, left) || left.some(s => isHeld(after, s.now) || s.now.context.includes(section))) return null;
  if (isMoved(view, event) || calledUnderLock(view)) return null;
  if (view.series.after.callers(after.name).some(c => c.event.context.includes(section))) return null;
  return {
    message: `${quoted(one.old)} stays in ${after.name}(), ${event.api}() around it goes`,
    question: SECTIONS[section] ?? '',
    dismissal: 'Not an issue if every caller is in such a section already; an assertion would say so',
    quote: [event, one.now],
    shape: `section:${section}`,
    ...(pointers.length > 0 ? {} : { severity: 'note' as const }),
  };
}

/** Removed with a barrier without its neighbours having been rewritten. */
const MOST_REMOVED_BESIDE = 2;
const BESIDE_LINES = 4;

function lostBarrier(view: View, event: Event): Remark | null {
  const { before, after, series } = view;
  if (event.kind !== 'fence' || event.ordering === null || gains(view) || runsOnce(after)) return null;
  if (event.ordering === 'compiler' && event.api !== 'barrier') return null; // Begins or ends a section.
  const beside = view.removed.filter(e => e !== event && Math.abs(e.line - event.line) <= BESIDE_LINES).length;
  if (beside > MOST_REMOVED_BESIDE) return null;
  const above = before.events.slice(0, event.index).findLast(isPartner);
  const below = before.events.slice(event.index + 1).find(isPartner);
  // What a hunk does not show may be a partner.
  if ((!above || !below) && before.whole) return null;
  const [one, other] = [above, below].map(e => e && series.stays(e));
  if ((above && !one) || (below && !other) || (!one && !other)) return null;
  if ([above, below].some(e => e && covers(e, event))) return null;
  if ((one && isHeld(after, one)) || isMoved(view, event)) return null;
  const between =
    above && below
      ? ` between "${quoted(above)}" and "${quoted(below)}"`
      : above
        ? ` behind "${quoted(above)}"`
        : below
          ? ` before "${quoted(below)}"`
          : '';
  const claim = one && other ? pairClaim(view, one, other, event) : null;
  const partner = claim?.threads[1];
  return {
    ...(claim ? { claim } : {}),
    ...(partner
      ? {
          related: partner.events
            .slice(0, 1)
            .map(e => ({ path: e.path, line: e.line, side: e.side, note: `the other side, in ${partner.fn.name}()` })),
        }
      : {}),
    message: `${event.api}()${between} goes from ${after.name}(), and ${above && below ? 'both stay' : 'that stays'}`,
    question: 'What keeps the accesses around it in order now, or who no longer needs that?',
    dismissal: 'Not an issue if the other side of the pair goes as well, or something else orders them',
    quote: [...(one ? [one] : []), event, ...(other ? [other] : [])],
    shape: `barrier:${event.api}`,
    ...(above && below && isAccess(above) && isAccess(below) ? {} : { severity: 'note' as const }),
  };
}

/** What a barrier may be there for, or may lean on. */
/**
 * The new side against another function in view that touches both cells, with the barrier put back as the cure: the diff itself hands over both
 * forms of the test. Null where nobody in view does the other half.
 */
function pairClaim({ after, series }: View, one: Event, other: Event, barrier: Event): Claim | null {
  const [first, second] = [keyOf(one), keyOf(other)];
  const fence = barrier.ordering;
  if (first === null || second === null || first === second || (fence !== 'full' && fence !== 'rmb' && fence !== 'wmb')) return null;
  const halves = { read: (e: Event) => e.kind === 'read', write: (e: Event) => e.kind === 'write' || e.kind === 'publish' };
  const shape = halves.write(one) && halves.write(other) ? 'writer' : halves.read(one) && halves.read(other) ? 'reader' : null;
  const buffered = halves.write(one) && halves.read(other) && fence === 'full';
  if (shape === null && !buffered) return null;
  const does = shape === 'writer' ? (['read', 'read'] as const) : shape === 'reader' ? (['write', 'write'] as const) : (['write', 'read'] as const);
  for (const fn of series.after.functions) {
    if (fn === after || isTest(fn) || runsOnce(fn)) continue;
    const early = fn.events.find(e => halves[does[0]](e) && keyOf(e) === second);
    const late = early && fn.events.find(e => halves[does[1]](e) && keyOf(e) === first && nodesAfter(fn, early.node).has(e.node));
    if (!early || !late) continue;
    return {
      threads: [
        { fn: after, events: [one, other] },
        { fn, events: [early, late] },
      ],
      bad: {
        kind: 'sees',
        reads:
          shape === 'writer'
            ? [
                { read: early, from: other },
                { read: late, from: 'before' },
              ]
            : shape === 'reader'
              ? [
                  { read: one, from: late },
                  { read: other, from: 'before' },
                ]
              : [
                  { read: other, from: 'before' },
                  { read: late, from: 'before' },
                ],
      },
      edits: [{ kind: 'fence', fence, where: 'after', event: one, text: `${barrier.api}() where it was` }],
      assumes: ['both run on one object'],
      stands: true,
    };
  }
  return null;
}

function isPartner(event: Event): boolean {
  return isAccess(event) || event.opaque || event.kind === 'wake' || orders(event);
}

/** A neighbour that gives the order of the barrier by itself. */
function covers(neighbour: Event, barrier: Event): boolean {
  if (neighbour.ordering === 'full') return true;
  // What a marked read has taken the compiler does not read again.
  if (barrier.ordering === 'compiler' && neighbour.kind === 'read' && neighbour.ordering !== 'plain') return true;
  if (neighbour.kind === 'fence') return neighbour.ordering === barrier.ordering;
  // A lock or an unlock lets a store pass a later load.
  return orders(neighbour) && barrier.ordering !== 'full';
}

/** Orders what is around it by itself. */
function orders(event: Event): boolean {
  return (
    (event.kind === 'fence' && event.ordering !== 'compiler') ||
    event.kind === 'lock' ||
    event.kind === 'unlock' ||
    event.kind === 'wait' ||
    event.kind === 'rcu'
  );
}

function lostMarking(view: View, event: Event): Remark | null {
  const { before, after, added } = view;
  if (!isAccess(event) || event.cell === null || event.ordering === 'plain' || event.ordering === null || runsAlone(after)) return null;
  if (isHeld(before, event) || isOwn(before, event)) return null;
  const key = cellKey(event.cell);
  // What a pointer points to is another cell than the pointer, whatever names it.
  const same = added.filter(
    e =>
      isAccess(e) &&
      keyOf(e) === key &&
      e.cell?.base === event.cell?.base &&
      e.cell?.path === event.cell?.path &&
      e.cell?.pointee === event.cell?.pointee,
  );
  // A type that changes takes all accesses with it.
  if (same.some(e => e.ordering !== 'plain') || view.series.stays(event)) return null;
  const plain = same.find(e => (event.kind === 'read' ? e.kind === 'read' : e.kind !== 'read'));
  if (!plain || isHeld(after, plain) || isOwn(after, plain)) return null;
  if (calledUnderLock(view)) return null;
  const others = view.series.after.functions.flatMap(f =>
    f.events.filter(e => e.addedBy === null && keyOf(e) === key && e.ordering !== 'plain').map(() => f),
  );
  const [other] = others;
  const atomic = event.kind === 'rmw' && event.atomic;
  return {
    message: atomic
      ? `${callOf(event)} becomes a plain ${quoted(plain)} in ${after.name}(): an update of another CPU in between is lost`
      : `${callOf(event)} becomes a plain access in ${after.name}()`,
    detail: other ? [`${other.name}() still marks its access to the same memory`] : [],
    question: atomic ? 'What serialises the updates now?' : 'Does a lock now keep the others away from it?',
    dismissal: 'Not an issue if all accesses are under one lock, or the object is not shared here',
    quote: [event, plain],
    shape: `marking:${key}`,
    ...(atomic || other ? {} : { severity: 'note' as const }),
  };
}

const GETS = /(?:^|_)(?:get|hold|grab|pin|tryget|inc_not_zero)(?:_|$)|^(?:igrab|ihold|fget|mmget|mmgrab|refcount_inc|kref_get)/;
const PUTS = /(?:^|_)(?:put|drop|unpin|release)(?:_|$)|^(?:iput|fput|mmput|mmdrop|refcount_dec|kref_put)/;
/** Names with `get` or `put` in them that count nothing. */
const NO_COUNT =
  /(?:get|put)_user|(?:^|_)(?:get|put)_unaligned|runtime|_cpu(?:_|$)|nla_|seq_|skb_put|get_(?:order|random|cycles|name|option|string|value)/;

function lostReference(view: View, event: Event): Remark | null {
  const { before, after, series, added } = view;
  const object = event.args[0];
  if (!GETS.test(event.api) || NO_COUNT.test(event.api) || object === undefined || event.used || !(event.operation === 'inc' || event.opaque))
    return null;
  if (added.some(e => GETS.test(e.api)) || isMoved(view, event) || isReplaced(view, event)) return null;
  const puts = staying(view, e => e.index > event.index && e.args[0] === object && PUTS.test(e.api) && !NO_COUNT.test(e.api));
  const [put] = puts;
  if (!put || view.removed.some(e => e.args[0] === object && PUTS.test(e.api))) return null;
  return {
    message: `${callOf(event)} goes from ${after.name}(), and ${put.now.api}() of the same object stays`,
    question: 'Whose reference is it that is given back?',
    dismissal: 'Not an issue if the reference now comes from a caller, or from what hands out the object',
    quote: [event, put.now],
    shape: `reference:${before.name}:${series.after.files.length}`,
  };
}

const PTE = /^(?:set_)?(?:huge_)?p(?:te|md|ud|4d|gd)p?_/;
const FLUSH = /^(?:local_)?flush_\w*tlb\w*|^tlb_/;
const FREES = /(?:^|_)(?:k|v|kv)?free(?:_|$)|(?:^|_)(?:destroy|teardown|unregister|release|cleanup|dealloc|exit|fini|put)(?:_|$)/;
const STOPS = /_sync$|^(?:synchronize|flush|drain)_|^(?:kthread_stop|tasklet_kill|napi_disable|hrtimer_cancel|timer_shutdown)/;

function lostWait(view: View, event: Event): Remark | null {
  const { after, added } = view;
  const waits =
    event.kind === 'wait' ||
    (event.kind === 'rcu' && /^synchronize_/.test(event.api)) ||
    (event.opaque && /_sync$/.test(event.api) && /cancel|del|stop|disable|kill|shutdown/.test(event.api));
  if (!waits || isReplaced(view, event)) return null;
  if (isMoved(view, event) || added.some(e => e.kind === 'wait' || e.kind === 'rcu' || e.kind === 'free' || STOPS.test(e.api))) return null;
  if (added.some(e => e.kind === 'call' && callsWait(view.series, e.api))) return null;
  const flush = FLUSH.test(event.api);
  const root = rootOf(event.args[0] ?? '');
  const left = flush
    ? staying(view, e => e.index < event.index && PTE.test(e.api) && (e.kind === 'write' || e.kind === 'rmw'))
    : staying(view, e => e.index > event.index && endsUse(e) && (root === null || e.args.some(a => rootOf(a) === root)));
  const one = flush ? left.at(-1) : left[0];
  if (!one) return null;
  return {
    message: flush
      ? `${callOf(event)} behind ${callOf(one.old)} goes from ${after.name}()`
      : `${callOf(event)} goes from ${after.name}(), and ${callOf(one.old)} behind it stays`,
    question: flush ? 'Who flushes the old translation now?' : 'What makes sure that nobody is still using it?',
    dismissal: flush ? 'Not an issue if the caller flushes the range' : 'Not an issue if it cannot be running or queued any more at this point',
    quote: [event, one.now],
    shape: `wait:${event.api}`,
    ...(one.old.kind === 'free' || flush ? {} : { severity: 'note' as const }),
  };
}

/** Gives the object back, tears it down, or shows it to readers anew. */
function endsUse(event: Event): boolean {
  return event.kind === 'free' || event.kind === 'publish' || (event.kind === 'call' && FREES.test(event.api));
}

/** The variable that an argument begins with. */
function rootOf(argument: string): string | null {
  return /[A-Za-z_]\w*/.exec(argument)?.[0] ?? null;
}

function lostGrace(view: View, event: Event): Remark | null {
  const { after, added } = view;
  if (!/^(?:call_s?rcu|kv?free_rcu|\w+_free_rcu)/.test(event.api) || isMoved(view, event)) return null;
  if (added.some(e => e.kind === 'rcu' || e.kind === 'wait' || /rcu/.test(e.api))) return null;
  const free = added.find(e => e.kind === 'free' && rootOf(e.args.at(-1) ?? '') === rootOf(event.args[0] ?? ''));
  if (!free) return null;
  return {
    message: `${callOf(event)} becomes ${callOf(free)} in ${after.name}(): the memory goes at once, no longer behind a grace period`,
    question: 'Which readers could still hold it?',
    dismissal: 'Not an issue if it was never published here, or no reader looks it up under RCU any more',
    quote: [event, free],
    shape: 'grace',
  };
}

function callsWait(series: Changes, name: string): boolean {
  return series.after.functions.some(f => f.name === name && f.events.some(e => e.kind === 'wait' || e.kind === 'rcu'));
}
