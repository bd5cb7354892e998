import {
  bringsUpOrDown,
  called,
  cellName,
  comesBefore,
  irqHandlerOf,
  isCall,
  isIn,
  isOwn,
  isTest,
  lockText,
  oneSided,
  originsOf,
  rolesOf,
  runsAlone,
  type Span,
  serialiserOf,
  variablesIn,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Report, Rule, Use, World } from '../../src/model/rule.ts';

export default {
  id: 'plain-rmw-in-completion',
  title: 'A completion handler changes bits of a shared word by a plain read-modify-write without a lock',
  why: `
    A completion handler runs when the hardware or another CPU is done, which may be while the submitter still works on the object. Setting
    a bit with |= loads the word, changes it and stores it back whole: a concurrent change by the other side is lost, whichever bits it was
    about. The bits need a lock around both sides, an atomic bit operation, or a word of their own.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['paired-update', 'plain-access'],
  references: [
    'Documentation/kernel-hacking/locking.rst, The Problem With Concurrency',
    'include/asm-generic/bitops/instrumented-non-atomic.h, __set_bit()',
  ],
  knownGaps: [
    'whether the submitter still accesses the word once the object is submitted only the author can say, so the finding ends in a question',
  ],
  examples: {
    bad: [
      `
struct job { unsigned int flags; int res; };

static void job_end_io(struct bio *bio)
{
	struct job *j = bio->bi_private;

	j->flags |= JOB_DONE; /* want: plain-rmw-in-completion "flags" */
}

void job_submit(struct job *j, struct bio *bio)
{
	bio->bi_end_io = job_end_io;
	submit_bio(bio);
	j->flags |= JOB_SENT;
}`,
      `
struct job { unsigned int flags; };

static irqreturn_t job_irq(int irq, void *data)
{
	struct job *j = data;

	j->flags &= ~JOB_RUNNING; /* want: plain-rmw-in-completion "flags" */
	return IRQ_HANDLED;
}

int job_open(struct job *j, int irq)
{
	return request_irq(irq, job_irq, 0, "job", j);
}

void job_ask(struct job *j)
{
	j->flags |= JOB_WANTED;
	job_push(j);
}`,
      `
struct job { unsigned int flags; struct list_head list; };

static void job_done(struct kiocb *k, long res)
{
	struct job *j = container_of(k, struct job, k);

	j->flags |= JOB_DONE; /* want: plain-rmw-in-completion "JOB_DONE" */
}

void job_prep(struct job *j)
{
	j->k.ki_complete = job_done;
}

int job_poll(struct job *j)
{
	if (j->flags & JOB_DONE)
		return 1;
	return 0;
}`,
    ],
    good: [
      `
struct queue { raw_spinlock_t lock; unsigned int flags; };

static irqreturn_t queue_tick(int irq, void *data)
{
	struct queue *q = data;

	raw_spin_lock(&q->lock);
	q->flags |= QUEUE_TICKED;
	raw_spin_unlock(&q->lock);
	return IRQ_HANDLED;
}

/* Callers are out of view, and may hold the lock. */
void queue_add(struct queue *q)
{
	q->flags |= QUEUE_FILLED;
	queue_sort(q);
}

int queue_start(struct queue *q, int irq)
{
	return request_irq(irq, queue_tick, 0, "queue", q);
}`,
      `
struct slip { u32 state; };
struct line { struct list_head free; struct list_head done; };
struct press { struct line events; struct line jobs; };

/* One helper on slips of two lines. */
static void slip_close(struct slip *s)
{
	s->state &= ~SLIP_OPEN;
}

static irqreturn_t press_event(int irq, void *data)
{
	struct press *p = data;
	struct slip *s = line_tail(&p->events);

	slip_close(s);
	return IRQ_HANDLED;
}

int press_send(struct press *p)
{
	struct slip *s = line_head(&p->jobs);

	slip_close(s);
	return 0;
}

int press_start(struct press *p, int irq)
{
	return request_irq(irq, press_event, 0, "press", p);
}`,
      `
struct bus { spinlock_t lock; unsigned int flags; };

static irqreturn_t bus_irq(int irq, void *data)
{
	struct bus *b = data;

	spin_lock(&b->lock);
	b->flags |= BUS_DONE;
	spin_unlock(&b->lock);
	return IRQ_HANDLED;
}

/* It is set up before the lock of the handler is taken to start it. */
int bus_send(struct bus *b, int stop)
{
	unsigned long flags;

	if (stop)
		b->flags |= BUS_STOP;
	spin_lock_irqsave(&b->lock, flags);
	bus_kick(b);
	spin_unlock_irqrestore(&b->lock, flags);
	return 0;
}

int bus_start(struct bus *b, int irq)
{
	return request_irq(irq, bus_irq, 0, "bus", b);
}`,
      `
struct chip { unsigned long base; };

/* Registers of a device, by a pointer to volatile. */
static irqreturn_t chip_irq(int irq, void *data)
{
	struct chip *c = data;

	*(volatile unsigned char *)(c->base) |= CHIP_ACK;
	return IRQ_HANDLED;
}

int chip_poke(struct chip *c)
{
	*(volatile unsigned char *)(c->base) |= CHIP_POKE;
	return 0;
}

int chip_start(struct chip *c, int irq)
{
	return request_irq(irq, chip_irq, 0, "chip", c);
}`,
      `
struct job { unsigned int flags; struct list_head list; };

/* Another bit is looked at, which the submitter itself has set. */
static void job_done(struct kiocb *k, long res)
{
	struct job *j = container_of(k, struct job, k);

	j->flags |= JOB_DONE;
}

void job_prep(struct job *j)
{
	j->k.ki_complete = job_done;
}

int job_sent(struct job *j)
{
	if (j->flags & JOB_SENT)
		return 1;
	return 0;
}`,
      `
struct job { unsigned int flags; struct list_head list; };

/* How it went is looked at when it is over. */
static void job_done(struct kiocb *k, long res)
{
	struct job *j = container_of(k, struct job, k);

	if (res < 0)
		j->flags |= JOB_FAILED;
	job_put(j);
}

void job_prep(struct job *j)
{
	j->k.ki_complete = job_done;
}

int job_result(struct job *j)
{
	if (j->flags & JOB_FAILED)
		return -EIO;
	return 0;
}`,
      `
struct job { unsigned int flags; bool done; };

/* A word of its own. */
static void job_end_io(struct bio *bio)
{
	struct job *j = bio->bi_private;

	WRITE_ONCE(j->done, true);
}

void job_submit(struct job *j, struct bio *bio)
{
	bio->bi_end_io = job_end_io;
	submit_bio(bio);
	j->flags |= JOB_SENT;
}`,
      `
struct job { unsigned int flags; spinlock_t lock; };

/* One lock over both: the checker finds no lost bit. */
static irqreturn_t job_irq(int irq, void *data)
{
	struct job *j = data;

	spin_lock(&j->lock);
	j->flags &= ~JOB_RUNNING;
	spin_unlock(&j->lock);
	return IRQ_HANDLED;
}

int job_open(struct job *j, int irq)
{
	return request_irq(irq, job_irq, 0, "job", j);
}

void job_ask(struct job *j)
{
	spin_lock_irq(&j->lock);
	j->flags |= JOB_WANTED;
	spin_unlock_irq(&j->lock);
}`,
      `
struct job { unsigned int flags; };

/* Set up before it is sent; from then on the handler's alone. */
static void job_end_io(struct bio *bio)
{
	struct job *j = bio->bi_private;

	j->flags |= JOB_DONE;
}

void job_submit(struct job *j, struct bio *bio)
{
	j->flags |= JOB_SENT;
	bio->bi_end_io = job_end_io;
	submit_bio(bio);
}`,
      `
struct job { unsigned int flags; unsigned long errors; };

/* Only the handler changes it; others read. */
static void job_end_io(struct bio *bio)
{
	struct job *j = bio->bi_private;

	j->flags |= JOB_DONE;
}

void job_submit(struct job *j, struct bio *bio)
{
	bio->bi_end_io = job_end_io;
	submit_bio(bio);
	while (!(j->flags & JOB_DONE))
		cpu_relax();
}`,
    ],
  },
  checkCell({ tie }, uses, report, world) {
    if (tie || uses.length > MOST_USES) return;
    const changes = uses.filter(u => u.event.kind === 'write' && /^[|&]=$/.test(u.event.api) && u.event.ordering === 'plain' && open(u, world));
    if (changes.length === 0) return;
    for (const { fn, event: write } of changes) {
      const kind = handlerKind(fn, world);
      const read = kind === null ? null : readOf(fn, write);
      if (!read) continue;
      const other = changes.find(
        u =>
          u.fn !== fn &&
          !bringsUpOrDown(u.fn, world) &&
          handlerKind(u.fn, world) === null &&
          irqHandlerOf(u.fn, world) === null &&
          !isOneHelper({ fn, event: write }, u) &&
          meets(u, kind ?? 'irq', fn) &&
          isOpen({ fn, event: read, until: write }, changeOf(u), world),
      );
      const otherRead = other && readOf(other.fn, other.event);
      if (!other && kind === 'completion') polled(fn, write, uses, report, world);
      if (!other || !otherRead) continue;
      const name = write.cell ? cellName(write.cell) : 'the word';
      const lock = oneSided({ fn, event: write }, other, world);
      report(
        { event: write, fn },
        {
          message: `${fn.name}() and ${other.fn.name}() both change bits of ${name} by a plain read-modify-write, so one change can be lost`,
          detail: [
            `${called(write)} loads the word and stores it back whole, whichever bits the two change`,
            ...(lock ? [`${lock.by.name}() holds ${lockText(lock.lock)}, and ${lock.not.name}() does not`] : []),
          ],
          question: `Can ${fn.name}() run while ${other.fn.name}() changes ${name}?`,
          dismissal: `Not an issue if ${other.fn.name}() can only run before or after ${fn.name}()`,
          related: [{ path: other.event.path, line: other.event.line, side: other.event.side, note: `the other change, in ${other.fn.name}()` }],
          quote: [write],
          advice: [`Use an atomic bit operation, or a separate word for what ${fn.name}() reports`],
          claim: {
            threads: [
              { fn, events: [read, write] },
              { fn: other.fn, events: [otherRead, other.event] },
            ],
            bad: {
              kind: 'sees',
              reads: [
                { read, from: 'before', thread: 0 },
                { read: otherRead, from: 'before', thread: 1 },
              ],
              ends: [write],
            },
            edits: [{ kind: 'lock', text: `One lock held around both changes of ${name}` }],
            assumes: ['both work on one object'],
          },
        },
      );
    }
  },
} satisfies Rule;

/** The bit that the completion sets is what the submitter looks at, with no lock and no mark: the word is shared between the two. */
function polled(fn: CFunction, write: Event, uses: Use[], report: Report, world: World): void {
  const bit = write.operand ?? '';
  // Whoever looks at a bit that says how it went has been told before that it is over; one that says that it is over is looked at to know that.
  if (write.api !== '|=' || !/^[A-Z][A-Z0-9_]*(?:DONE|COMPLETED?|FINISHED)(?:_|$)/.test(bit)) return;
  const looks = (u: Use) => u.fn.flow.some(n => n.decides?.includes(u.event.index) && new RegExp(`\\b${bit}\\b`).test(n.condition ?? ''));
  const hands = (f: CFunction) => f.events.some(e => e.operand === fn.name || e.args.includes(fn.name));
  const poller = uses.find(
    u =>
      u.fn !== fn &&
      !hands(u.fn) &&
      u.fn.path === fn.path &&
      u.event.api === 'read' &&
      open(u, world) &&
      handlerKind(u.fn, world) === null &&
      irqHandlerOf(u.fn, world) === null &&
      looks(u) &&
      isOpen({ fn, event: write }, u, world),
  );
  if (!poller) return;
  const name = write.cell ? cellName(write.cell) : 'the word';
  report(
    { event: write, fn },
    {
      message: `${fn.name}() sets ${bit} in ${name} by a plain ${called(write)}, and ${poller.fn.name}() reads ${name} before it knows that this is done`,
      detail: [`${called(write)} stores the word back whole: a concurrent change of any other bit by the submitter is lost`],
      question: `Can anything else change ${name} while ${fn.name}() may run?`,
      dismissal: `Not an issue if ${poller.fn.name}() only runs after ${fn.name}(), and something orders the two`,
      related: [{ path: poller.event.path, line: poller.event.line, side: poller.event.side, note: `the read, in ${poller.fn.name}()` }],
      quote: [write],
      claim: {
        threads: [
          { fn, events: [write] },
          { fn: poller.fn, events: [poller.event] },
        ],
        bad: { kind: 'race' },
        edits: [
          {
            kind: 'both',
            text: `A separate word for ${bit} written with WRITE_ONCE() and read with READ_ONCE()`,
            edits: [
              { kind: 'order', event: write, ordering: 'relaxed', text: '' },
              { kind: 'order', event: poller.event, ordering: 'relaxed', text: '' },
            ],
          },
        ],
        assumes: ['both work on one object'],
      },
    },
  );
}

/** What sets a device up or takes it down runs with its interrupts off. */
const MOST_USES = 400;

function open({ fn, event }: Use, world: World): boolean {
  return (
    !fn.isMacro &&
    !fn.broken &&
    !isTest(fn) &&
    !runsAlone(fn, world) &&
    !event.uncertain &&
    event.object === undefined &&
    !isIn(event, 'irqs-off') &&
    !event.phase.includes('init') &&
    event.cell?.base !== null &&
    !isOwn(fn, event)
  );
}

/** Can both run at once: no lock keeps them apart, and of one that a single side holds the other neither takes it later on nor may its callers hold it. */
function isOpen(a: Span, b: Span, world: World): boolean {
  if (serialiserOf(a, b, world)) return false;
  const lock = oneSided(a, b, world);
  return !lock || (!lock.later && !lock.hidden);
}

/** The change with its read half. */
function changeOf({ fn, event }: Use): Span {
  return { fn, event: readOf(fn, event) ?? event, until: event };
}

/** One statement of a helper that both run: on one object only where both were given it, and neither has found it by a call of its own. */
function isOneHelper(a: Span, b: Span): boolean {
  const [one, two] = [a.event.via, b.event.via];
  if (!one || !two || one.path !== two.path || one.line !== two.line) return false;
  return [a, b].some(({ fn, event }) => originsOf(fn, variablesIn(event.cell?.base ?? '')[0] ?? '').some(isCall));
}

/** The read half of a plain read-modify-write. */
function readOf(fn: CFunction, write: Event): Event | null {
  const read = fn.events[write.index - 1];
  return read?.kind === 'read' && read.api === write.api && read.line === write.line ? read : null;
}

/** How the function comes to run beside the submitter: as an interrupt, or as a completion that is set for one object. */
function handlerKind(fn: CFunction, world: World): 'irq' | 'completion' | null {
  const mentions = world.mentions(fn);
  if (mentions.some(m => m.member !== null && /^(?:ki_complete|bi_end_io|complete|end_io|b_end_io|req_done|end_io_fn|done)$/.test(m.member)))
    return 'completion';
  return rolesOf(fn, world).has('hardirq') ? 'irq' : null;
}

/** May the change be made while the handler can run? For a completion only what comes after it was set. */
function meets({ fn, event }: Use, kind: 'irq' | 'completion', handler: CFunction): boolean {
  if (kind === 'irq') return !fn.events.some(e => /^(?:disable|synchronize)_irq/.test(e.api) && comesBefore(fn, e, event));
  return fn.events.some(e => comesBefore(fn, e, event) && ((e.kind === 'write' && e.operand === handler.name) || e.args.includes(handler.name)));
}
