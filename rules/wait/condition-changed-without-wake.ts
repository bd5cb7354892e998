import {
  bitOrPath,
  called,
  comesBefore,
  effectsOf,
  isOwn,
  isTest,
  keyOf,
  nodesAfter,
  runsAlone,
  sameStatement,
  waitsUntil,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'condition-changed-without-wake',
  title: 'A wait condition becomes true on a path that wakes nobody',
  why: `
    wait_event() tests its condition when it queues and each time it is woken, and at no other time. If a store makes the condition true and
    the function runs to its end without waking that queue, a sleeper stays asleep until something else happens to wake it. The other places
    that make the condition true show that they must wake; the one that does not is usually an early return or an error path. Reported by
    inspection: the condition, the store and every path from it are visible.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['lost-wakeup'],
  references: ['Documentation/memory-barriers.txt, SLEEP AND WAKE-UP FUNCTIONS', 'include/linux/wait.h, wait_event()'],
  knownGaps: ['a condition that a helper evaluates, or one of several parts that must all hold', 'a wake-up by a caller that is not visible'],
  examples: {
    bad: [
      `
void kiln_wait(struct kiln *k)
{
	wait_event(k->queue, k->state == KILN_COLD || k->broken);
}

void kiln_cool(struct kiln *k)
{
	k->state = KILN_COLD;
	wake_up(&k->queue);
}

int kiln_off(struct kiln *k)
{
	spin_lock(&k->lock);
	if (!k->fire) {
		k->state = KILN_COLD; /* want: condition-changed-without-wake "state" */
		spin_unlock(&k->lock);
		return 0;
	}
	k->fire = 0;
	spin_unlock(&k->lock);
	kiln_cool(k);
	return 1;
}`,
      `
static DECLARE_WAIT_QUEUE_HEAD(leave_queue);

void hall_wait(struct hall *h)
{
	wait_event(leave_queue, h->guests == 0);
}

void hall_leave(struct hall *h)
{
	mutex_lock(&h->lock);
	if (!--h->guests)
		wake_up(&leave_queue);
	mutex_unlock(&h->lock);
}

void hall_refuse(struct hall *h)
{
	mutex_lock(&h->lock);
	h->guests--; /* want: condition-changed-without-wake "guests" */
	mutex_unlock(&h->lock);
}`,
    ],
    good: [
      `
/* The wake-up is behind a condition that only holds for the last one. */
void hall_wait(struct hall *h)
{
	wait_event(h->queue, h->guests == 0);
}

void hall_leave(struct hall *h)
{
	if (!--h->guests)
		wake_up(&h->queue);
}

void hall_refuse(struct hall *h)
{
	h->guests--;
	if (h->guests)
		return;
	wake_up(&h->queue);
}`,
      `
/* A value that nobody waits for. */
void kiln_wait(struct kiln *k)
{
	wait_event(k->queue, k->state == KILN_COLD);
}

void kiln_cool(struct kiln *k)
{
	k->state = KILN_COLD;
	wake_up(&k->queue);
}

void kiln_heat(struct kiln *k)
{
	k->state = KILN_HOT;
}`,
      `
/* The caller wakes. */
static void hall_drop(struct hall *h)
{
	h->guests--;
}

void hall_wait(struct hall *h)
{
	wait_event(h->queue, !h->guests);
}

void hall_leave(struct hall *h)
{
	if (!--h->guests)
		wake_up(&h->queue);
}

void hall_refuse(struct hall *h)
{
	hall_drop(h);
	wake_up(&h->queue);
}`,
      `
/* A helper in view wakes. */
static void kiln_tell(struct kiln *k)
{
	wake_up_all(&k->queue);
}

void kiln_wait(struct kiln *k)
{
	wait_event(k->queue, k->cold);
}

void kiln_cool(struct kiln *k)
{
	k->cold = true;
	kiln_tell(k);
}

void kiln_stop(struct kiln *k)
{
	k->cold = true;
	kiln_tell(k);
}`,
      `
/* Both have to hold, and the other place sees to the second. */
void kiln_wait(struct kiln *k)
{
	wait_event(k->queue, k->cold && k->empty);
}

void kiln_cool(struct kiln *k)
{
	k->cold = true;
}

void kiln_clear(struct kiln *k)
{
	k->cold = true;
	k->empty = true;
	wake_up(&k->queue);
}`,
      `
/* Out of view, with the object at hand: it may wake. */
void kiln_wait(struct kiln *k)
{
	wait_event(k->queue, k->cold);
}

void kiln_cool(struct kiln *k)
{
	k->cold = true;
	wake_up(&k->queue);
}

void kiln_stop(struct kiln *k)
{
	k->cold = true;
	kiln_finish(k);
}`,
      `
/* The first value, of an object that nobody sleeps on yet. */
void hall_wait(struct hall *h)
{
	wait_event(h->queue, h->guests == 0);
}

void hall_leave(struct hall *h)
{
	if (!--h->guests)
		wake_up(&h->queue);
}

struct hall *hall_build(void)
{
	struct hall *h = kzalloc(sizeof(*h), GFP_KERNEL);

	if (!h)
		return NULL;
	init_waitqueue_head(&h->queue);
	h->guests = 0;
	return h;
}`,
      `
/* A sleeper that does not sleep for long looks again by itself. */
void kiln_wait(struct kiln *k)
{
	wait_event_timeout(k->queue, k->cold, HZ);
}

void kiln_cool(struct kiln *k)
{
	k->cold = true;
	wake_up(&k->queue);
}

void kiln_stop(struct kiln *k)
{
	k->cold = true;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const wait of fn.events) {
      if (!waitsUntil(wait) || /timeout|_cmd$|lock/.test(wait.api) || keyOf(wait) === null) continue;
      for (const wish of wishesOf(fn, wait)) {
        const sites = changesOf(world, wish, fn);
        const waking = sites.filter(s => wakesLater(s.fn, s.change, wait, world) === 'sure');
        const [sibling] = waking;
        if (!sibling || waking.length < sites.length / 2) continue;
        for (const { fn: at, change } of sites) {
          if (!at.whole || runsAlone(at, world) || at.path !== fn.path || wakesLater(at, change, wait, world) !== 'never') continue;
          if (!isStatic(wait, at) || wokenByCaller(at, wait, world) || at.events.some(e => e.kind === 'wait' && keyOf(e) === keyOf(wait))) continue;
          const name = change.cell ? bitOrPath(change.cell) : 'it';
          report(
            { event: change, fn: at },
            {
              message: `${at.name}() changes ${name}, which makes the wait condition of ${fn.name}() true, and wakes nobody`,
              detail: [`${fn.name}() sleeps until ${wish.text}; ${sibling.fn.name}() wakes it after the same change, this path does not`],
              question: `Who wakes ${fn.name}() when ${at.name}() changes ${name}?`,
              dismissal: `Not an issue if ${fn.name}() can't be asleep when ${at.name}() runs, or a caller wakes it`,
              quote: [change],
              related: [
                { path: wait.path, line: wait.line, side: wait.side, note: `the waiter, in ${fn.name}()` },
                {
                  path: sibling.change.path,
                  line: sibling.change.line,
                  side: sibling.change.side,
                  note: `changed with a wake-up, in ${sibling.fn.name}()`,
                },
              ],
              advice: ['Wake the queue after the change'],
              shape: `${keyOf(change)}|${at.name}`,
            },
          );
        }
      }
    }
  },
} satisfies Rule;

/** One of the alternatives that a sleeper waits for, by a cell and what makes it true. */
interface Wish {
  read: Event;
  text: string;
  makes: (change: Event) => boolean;
}

/** Alternatives of the condition that a single store makes true. What the macro is given is tested, so a read that is in doubt elsewhere is none here. */
function wishesOf(fn: CFunction, wait: Event): Wish[] {
  const condition = wait.args[1] ?? '';
  const reads = fn.events.filter(e => e.kind === 'read' && e.cell?.base != null && comesBefore(fn, e, wait) && sameStatement(e, wait));
  return condition.split('||').flatMap((part): Wish[] => {
    const text = part.trim().replace(/^\((.*)\)$/, '$1');
    const found = /^(!?)\s*(.*?)\s*(?:(==)\s*(\w+))?$/.exec(text);
    if (!found) return [];
    const [, not, operand = '', , value] = found;
    const spelled = (e: Event) => `${e.cell?.base}.${e.cell?.path}`.replace(/->/g, '.');
    const plain = operand.replace(/->/g, '.').replace(/\s+/g, '');
    const read = reads.find(e =>
      e.cell?.bit != null
        ? plain.startsWith(`${called(e)}(${e.cell.bit.replace(/\s+/g, '')},`)
        : plain === spelled(e) || new RegExp(`^\\w+\\(&?${escaped(spelled(e))}\\)$`).test(plain),
    );
    if (!read || (not && value !== undefined)) return [];
    const zero = not === '!' || /^(?:0|NULL|false)$/.test(value ?? '');
    if (read.cell?.bit != null) return [{ read, text, makes: e => e.operation === (zero ? 'clear' : 'set') }];
    if (zero)
      return [{ read, text, makes: e => /^(?:0|NULL|false)$/.test(e.operand ?? '') || e.api === '--' || /^atomic(?:64|_long)?_dec/.test(e.api) }];
    if (value !== undefined) return [{ read, text, makes: e => stores(e) && e.operand === value && /^[A-Z]/.test(value) }];
    return [{ read, text, makes: e => stores(e) && /^(?:1|true)$/.test(e.operand ?? '') }];
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function stores(event: Event): boolean {
  return event.kind === 'write' && (event.operation === 'store' || event.operation === 'assign' || event.api === '=' || event.api === 'WRITE_ONCE');
}

interface Site {
  fn: CFunction;
  change: Event;
}

/** Where others make the wish true. */
function changesOf(world: World, wish: Wish, waiter: CFunction): Site[] {
  const key = keyOf(wish.read);
  const found: Site[] = [];
  if (key === null || key.startsWith('|')) return found;
  for (const fn of world.functions) {
    if (fn === waiter || fn.isMacro || fn.broken || isTest(fn)) continue;
    for (const change of fn.events) {
      if ((change.kind !== 'write' && change.kind !== 'rmw') || change.uncertain || change.object !== undefined || keyOf(change) !== key) continue;
      if (change.cell?.bit === wish.read.cell?.bit && change.cell?.base != null && !isOwn(fn, change) && wish.makes(change))
        found.push({ fn, change });
    }
  }
  return found;
}

/** What follows the change: a wake-up of the queue somewhere behind it, surely none, or calls of which too little is known. */
function wakesLater(fn: CFunction, change: Event, wait: Event, world: World): 'sure' | 'never' | 'unknown' {
  const ahead = nodesAfter(fn, change.node);
  const later = fn.events.filter(e => ahead.has(e.node) && e !== change);
  if (later.some(e => wakes(fn, e, wait, world))) return 'sure';
  if ([...ahead].some(n => fn.flow[n]?.kind === 'gap')) return 'unknown';
  return later.some(e => e.kind === 'wake' || (e.kind === 'call' && unknown(fn, e, change, world))) ? 'unknown' : 'never';
}

function wakes(fn: CFunction, event: Event, wait: Event, world: World): boolean {
  if (event.kind === 'wake') return keyOf(event) === keyOf(wait);
  if (event.kind !== 'call' || event.opaque) return false;
  return (effectsOf(fn, event, world.functions) ?? []).some(
    x => x.event.kind === 'wake' && x.cell !== null && keyOf({ ...x.event, cell: x.cell }) === keyOf(wait),
  );
}

/** A call that gets the object, or one in view that does more than can be followed, may wake. */
function unknown(fn: CFunction, call: Event, change: Event, world: World): boolean {
  const root = /^\w+/.exec(change.cell?.base ?? '')?.[0] ?? '';
  if (call.opaque) return call.args.length === 0 || call.args.some(a => new RegExp(`\\b${root}\\b`).test(a));
  return call.argCells !== undefined && effectsOf(fn, call, world.functions) === null;
}

/** A queue of the object, or one that the file knows by name. */
function isStatic(wait: Event, at: CFunction): boolean {
  return wait.cell !== null && (wait.cell.type !== null || wait.path === at.path);
}

/** Somebody who calls the function wakes the queue. */
function wokenByCaller(fn: CFunction, wait: Event, world: World): boolean {
  return world
    .callers(fn.name)
    .some(site => site.fn.events.some(e => wakes(site.fn, e, wait, world) || (e.kind === 'wake' && keyOf(e) === keyOf(wait))));
}
