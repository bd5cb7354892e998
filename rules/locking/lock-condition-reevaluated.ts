import { asWritten, called, effectOfKind, initOrExit, isCall, isTest, nodesAfter, runsNamed } from '../../src/analysis/query.ts';
import type { CFunction, Event, FlowNode } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'lock-condition-reevaluated',
  title: 'Lock and unlock each evaluate a condition that may change in between',
  why: `
    One helper takes a lock unless a condition holds, another releases it unless the same condition holds, and each evaluates the condition
    itself. If the result changes in between, the lock is released without having been taken, or never released. The first result has to be
    passed on to the unlock. Certain by inspection but for one point, which is asked: whether the condition can change.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['lock-imbalance'],
  references: ['Documentation/dev-tools/sparse.rst, Using sparse for lock checking', 'Documentation/staging/static-keys.rst, Usage'],
  knownGaps: ['a condition on an object or on an argument is assumed not to change', 'two evaluations in one function are not checked'],
  examples: {
    bad: [
      `
static void depot_begin(struct depot *d)
{
	if (depot_mode_flat())
		return;

	rcu_read_lock();
	depot_trace(d);
}

static void depot_end(void)
{
	if (depot_mode_flat())
		return;

	rcu_read_unlock(); /* want: lock-condition-reevaluated "depot_mode_flat()" */
}`,
      `
void depot_hold(struct depot *d)
{
	if (static_branch_unlikely(&depot_shared))
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (static_branch_unlikely(&depot_shared))
		mutex_unlock(&d->lock); /* want: lock-condition-reevaluated "depot_hold()" */
}`,
      `
/* The key is switched for all, whatever the depot says of itself. */
void depots_share(bool on)
{
	if (on)
		static_branch_enable(&depot_shared);
	else
		static_branch_disable(&depot_shared);
}

void depot_hold(struct depot *d)
{
	if (static_branch_unlikely(&depot_shared) && d->shared)
		spin_lock(&d->fast);
	else
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (static_branch_unlikely(&depot_shared) && d->shared)
		spin_unlock(&d->fast); /* want: lock-condition-reevaluated "depot_hold()" */
	else
		mutex_unlock(&d->lock);
}`,
      `
/* Set up at boot, and switched again while it runs. */
static bool depot_mode_flat(void)
{
	return static_branch_unlikely(&depot_flat);
}

static int __init depot_setup(char *arg)
{
	static_branch_enable(&depot_flat);
	return 0;
}

void depot_deepen(void)
{
	static_branch_disable(&depot_flat);
}

void depot_hold(struct depot *d)
{
	if (depot_mode_flat())
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (depot_mode_flat())
		mutex_unlock(&d->lock); /* want: lock-condition-reevaluated "depot_hold()" */
}`,
    ],
    good: [
      `
static bool depot_begin(struct depot *d)
{
	if (depot_mode_flat())
		return false;

	rcu_read_lock();
	return true;
}

/* What the first found out is carried along. */
static void depot_end(bool locked)
{
	if (locked)
		rcu_read_unlock();
}`,
      `
/* What the object is does not change. */
void depot_hold(struct depot *d)
{
	if (depot_is_shared(d))
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (depot_is_shared(d))
		mutex_unlock(&d->lock);
}

void depot_close(struct depot *d)
{
	struct depot *up = d->parent;

	if (depot_is_shared(up))
		mutex_lock(&up->gate);
}

void depot_open(struct depot *d)
{
	struct depot *up = d->parent;

	if (depot_is_shared(up))
		mutex_unlock(&up->gate);
}`,
      `
void depot_hold(struct depot *d)
{
	if (IS_ENABLED(CONFIG_DEPOT_SHARED))
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (IS_ENABLED(CONFIG_DEPOT_SHARED))
		mutex_unlock(&d->lock);
}`,
      `
/* Where a task stands does not change while it stands there. */
void depot_hold(struct depot *d)
{
	if (!in_interrupt())
		local_bh_disable();
}

void depot_drop(struct depot *d)
{
	if (!in_interrupt())
		local_bh_enable();
}`,
      `
/* A depot that is shared keeps the key on as long as it lives. */
void depot_share(struct depot *d)
{
	d->shared = true;
	static_branch_inc(&depot_shared);
}

void depot_gone(struct depot *d)
{
	if (d->shared)
		static_branch_dec(&depot_shared);
	kfree(d);
}

void depot_hold(struct depot *d)
{
	if (static_branch_unlikely(&depot_shared) && d->shared)
		spin_lock(&d->fast);
	else
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (static_branch_unlikely(&depot_shared) && d->shared)
		spin_unlock(&d->fast);
	else
		mutex_unlock(&d->lock);
}`,
      `
/* What the machine can do does not change while it runs. */
void depot_hold(struct depot *d)
{
	if (cpu_feature_enabled(FEATURE_DEPOT))
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (cpu_feature_enabled(FEATURE_DEPOT))
		mutex_unlock(&d->lock);
}`,
      `
/* Settled at boot, by the command line. */
static bool depot_mode_flat(void)
{
	return static_branch_unlikely(&depot_flat);
}

static int __init depot_setup(char *arg)
{
	static_branch_enable(&depot_flat);
	return 0;
}

void depot_hold(struct depot *d)
{
	if (depot_mode_flat())
		mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (depot_mode_flat())
		mutex_unlock(&d->lock);
}

void depot_close(struct depot *d)
{
	if (static_branch_unlikely(&depot_flat))
		mutex_lock(&d->gate);
}

void depot_open(struct depot *d)
{
	if (static_branch_unlikely(&depot_flat))
		mutex_unlock(&d->gate);
}`,
      `
/* Two conditions, two locks. */
void depot_hold(struct depot *d)
{
	if (depot_mode_flat())
		return;
	mutex_lock(&d->lock);
}

void depot_drop(struct depot *d)
{
	if (depot_mode_deep())
		return;
	mutex_unlock(&d->lock);
}`,
    ],
  },
  checkFile(file, report, world) {
    const functions = file.functions.filter(fn => fn.side === 'new' && !isTest(fn));
    const takers = functions.flatMap(fn => conditional(fn, 'lock').map(c => ({ fn, ...c })));
    if (takers.length === 0) return;
    for (const fn of functions) {
      for (const { event, key, condition, asked: by, members } of conditional(fn, 'unlock')) {
        const taker = takers.find(t => t.fn !== fn && t.key === key && t.condition === condition);
        // An object that has the member set is among those that hold the key on: for it the answer stays.
        if (!taker || (isCounted(by, functions) && members.some(m => taker.members.includes(m)))) continue;
        if (settledAtBoot(by, functions, world.functions)) continue;
        const asked = condition.replace(/^!/, '');
        report(
          { event, fn },
          {
            message: `${fn.name}() evaluates ${asked} again before ${called(event)}(), which ${taker.fn.name}() evaluated before ${called(taker.event)}(), and the result may have changed`,
            question: `Can ${asked} change between ${taker.fn.name}() and ${fn.name}(), and should the result in ${taker.fn.name}() be passed on?`,
            dismissal: `Not an issue if ${asked} never changes once these functions run`,
            quote: [event],
            related: [{ path: file.path, line: taker.event.line, side: taker.event.side, note: `taken in ${taker.fn.name}()` }],
            shape: key,
          },
        );
      }
    }
  },
} satisfies Rule;

interface Conditional {
  event: Event;
  /** The lock, by its name or by the context that it makes. */
  key: string;
  /** What is asked, with a `!` before it where the event runs if that does not hold. */
  condition: string;
  asked: Event;
  /** Members of objects that are asked besides, written alike. */
  members: string[];
}

/** The context of RCU readers that the event begins or ends; null where it does neither. */
function readSectionOf(event: Event): string | null {
  const bound = event.kind === 'rcu' ? (effectOfKind(event, 'open') ?? effectOfKind(event, 'close')) : undefined;
  return bound && (bound.section === 'rcu-read' || bound.section === 'srcu-read') ? bound.section : null;
}

/** What takes a lock, or gives one back, under a condition on the system, where the function does not do the other. */
function conditional(fn: CFunction, kind: 'lock' | 'unlock'): Conditional[] {
  const all = fn.events.filter(e => e.kind === 'lock' || e.kind === 'unlock' || readSectionOf(e) !== null);
  const keyOf = (e: Event) => `${e.fact?.lock?.family ?? readSectionOf(e)}|${e.fact?.lock?.shared}|${e.cell?.path ?? e.args[0] ?? ''}`;
  const gives = (e: Event) => e.kind === 'unlock' || (e.kind === 'rcu' && effectOfKind(e, 'close') !== undefined);
  return all.flatMap(event => {
    if (gives(event) !== (kind === 'unlock')) return [];
    const key = keyOf(event);
    if (all.some(o => o !== event && keyOf(o) === key)) return [];
    const asked = fn.flow.flatMap((node, at) => {
      const [yes, no] = node.next.map(to => to === event.node || nodesAfter(fn, to).has(event.node));
      return yes === no || at === event.node ? [] : [{ node, holds: yes === true }];
    });
    for (const { node, holds } of asked) {
      const of = askedOf(fn, node);
      if (of === null) continue;
      const members = asked.flatMap(a => memberAsked(fn, a.node) ?? []);
      return [{ event, key, condition: holds ? of.text : negated(of.text), asked: of.event, members }];
    }
    return [];
  });
}

/** The member of an object that the branch tests; null where it tests something else. */
function memberAsked(fn: CFunction, node: FlowNode): string | null {
  const event = node.kind === 'branch' && node.decides?.length === 1 ? fn.events[node.decides[0] ?? -1] : undefined;
  return event?.kind === 'read' && event.cell?.base ? (/\w+$/.exec(event.cell.path)?.[0] ?? null) : null;
}

/** Is it a static key that objects count themselves in and out of, and nobody switches outright? */
function isCounted(asked: Event, functions: readonly CFunction[]): boolean {
  if (asked.fact?.staticKey !== 'test') return false;
  const changes = functions.flatMap(f => f.events.filter(e => e.fact?.staticKey && e.args[0] === asked.args[0]));
  return changes.some(e => e.fact?.staticKey === 'up') && !changes.some(e => e.fact?.staticKey === 'on' || e.fact?.staticKey === 'off');
}

/** Is it a static key, asked for itself or by a function of the file, that set-up code alone switches for all that is in view? */
function settledAtBoot(asked: Event, functions: readonly CFunction[], all: readonly CFunction[]): boolean {
  const isKey = (e: Event) => e.fact?.staticKey === 'test';
  // One definition asks the key; another, for another configuration, may ask nothing at all.
  const asking = isKey(asked) ? [asked] : functions.filter(f => runsNamed(asked, f.name)).flatMap(f => f.events);
  const keys = new Set(asking.map(e => (isKey(e) ? e.args[0] : undefined)));
  const [key] = keys;
  if (keys.size !== 1 || key === undefined) return false;
  const switchers = all.filter(f => f.events.some(e => e.fact?.staticKey && e.fact.staticKey !== 'test' && e.args[0] === key));
  return switchers.length > 0 && switchers.every(f => initOrExit(f) === 'init');
}

/** The condition, where it is a call that no argument makes one of an object's or of the caller's. */
function askedOf(fn: CFunction, node: FlowNode): { event: Event; text: string } | null {
  if (node.kind !== 'branch' || node.decides?.length !== 1 || !node.condition) return null;
  const decides = fn.events[node.decides[0] ?? -1];
  const event = decides && asWritten(fn, decides);
  // The context of the task itself, and what the machine can do, do not change meanwhile.
  if (!event || !/^[a-z]\w*$/.test(event.api) || (event.fact ?? event.inferred)?.asks) return null;
  const text = node.condition.replace(/\s+/g, '');
  const call = new RegExp(`^!?(?:un)?(?:likely)?\\(?${called(event)}\\(`).test(text);
  if (!call || (!isCall(event) && event.kind !== 'read')) return null;
  const names = event.args.flatMap(a => a.match(/[A-Za-z_]\w*/g) ?? []);
  if (
    names.some(name => fn.parameters.some(p => p.name === name) || fn.settings?.some(s => s.name === name)) ||
    event.args.some(a => !/^&?[A-Za-z_]\w*$/.test(a.trim()))
  )
    return null;
  return { event, text };
}

function negated(text: string): string {
  return text.startsWith('!') ? text.slice(1) : `!${text}`;
}
