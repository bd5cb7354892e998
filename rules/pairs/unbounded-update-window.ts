import {
  comesBefore,
  comparedEvents,
  guardsAt,
  heldOnEntry,
  indexOf,
  isIn,
  isInLoop,
  isTest,
  keyOf,
  type PairUpdate,
  pairUpdates,
  type Section,
} from '../../src/analysis/query.ts';
import type { CFunction, Event, Loop } from '../../src/model/code.ts';
import type { Rule, Tie, World } from '../../src/model/rule.ts';

/** A reader's two reads of the pair, and what is known of how often it takes them. */
interface Sample {
  reads: [Event, Event];
  line: number;
  loop: Loop | null;
}

/** Loops that try more often are shown as if they tried this often; the execution is the same. */
const MOST_SHOWN = 8;

export default {
  id: 'unbounded-update-window',
  title: 'A reader reports a mismatch of a pair after a fixed number of tries, but an update may stay half done for any time',
  why: `
    Between the two halves of an update the pair does not match. An interrupt, a reschedule or a preempted virtual CPU can hit right there
    and last for milliseconds, whatever the reader's number of tries and however short cpu_relax() is. Retrying gives a probability, not a
    guarantee: one unlucky writer is enough, at any write rate. A reader that must be right takes what serialises the updates, or reads both
    halves at once.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['paired-update'],
  references: ['Documentation/atomic_t.txt, SEMANTICS', 'Documentation/locking/seqlock.rst'],
  knownGaps: [
    'a reader that spins until the pair matches is not reported, however long that may take',
    'the loads of such a reader are unordered, so the checker can confirm a claim of this rule but not yet refute one',
  ],
  examples: {
    bad: [
      `
struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used); /* want: torn-pair-update "lane_take()" */
	clear_bit(i, m->idle);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}

bool lane_sane(struct lane_map *m, unsigned int i)
{
	int tries;

	for (tries = 0; tries < 5; tries++) {
		if (test_bit(i, m->used) != test_bit(i, m->idle)) /* want: unbounded-update-window "lane_sane() reports" */
			return true;
		cpu_relax();
	}
	return false;
}`,
      `
/* each bit of used is the complement of its bit in idle */
struct lane_map {
	unsigned long *used;
	unsigned long *idle;
};

static bool lane_word_sane(unsigned long used, unsigned long idle)
{
	return used == ~idle;
}

void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used); /* want: torn-pair-update "lane_take()" */
	clear_bit(i, m->idle);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}

int lane_faults(struct lane_map *m, int words)
{
	unsigned long used, idle;
	int i, tries, bad = 0;

	for (i = 0; i < words; i++) {
		tries = 3;
		do {
			used = READ_ONCE(m->used[i]); /* want: unbounded-update-window "lane_faults() reports" */
			idle = READ_ONCE(m->idle[i]);
			if (lane_word_sane(used, idle))
				break;
			cpu_relax();
		} while (--tries);
		if (!tries)
			bad++;
	}
	return bad;
}`,
    ],
    good: [
      `
struct lane_map {
	spinlock_t lock;
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	unsigned long flags;

	spin_lock_irqsave(&m->lock, flags);
	set_bit(i, m->used);
	clear_bit(i, m->idle);
	spin_unlock_irqrestore(&m->lock, flags);
}

/* Looks without the lock first, and asks again under it before it says that anything is wrong. */
bool lane_sane(struct lane_map *m, unsigned int i)
{
	unsigned long flags;
	int tries = 3;
	bool ok;

	do {
		if (test_bit(i, m->used) != test_bit(i, m->idle))
			return true;
	} while (--tries);
	spin_lock_irqsave(&m->lock, flags);
	ok = test_bit(i, m->used) != test_bit(i, m->idle);
	spin_unlock_irqrestore(&m->lock, flags);
	return ok;
}`,
      `
struct snapshot {
	atomic_t head;
	atomic_t tail;
};

/* Waits for a moment of rest; gives up with -EAGAIN is the caller's business. No function updates both. */
int snapshot_settled(struct snapshot *s)
{
	int n = 10;

	do {
		if (atomic_read(&s->head) == atomic_read(&s->tail))
			return 0;
		cpu_relax();
	} while (--n);
	return -EAGAIN;
}`,
    ],
  },
  checkCell({ tie }, uses, report, world) {
    if (!tie) return;
    const writers = pairUpdates(uses, world).filter(u => isOpen(u, world));
    const [writer] = writers;
    if (!writer) return;
    for (const fn of new Set(uses.map(u => u.fn))) {
      if (!fn.whole || isTest(fn)) continue;
      const samples = samplesOf(fn, tie, world.functions);
      const tried = samples.find(s => s.loop && (s.loop.bound === 'retry' || s.loop.bound === 'constant'));
      const last = samples.at(-1);
      if (!tried?.loop || !last || last.reads.some(event => guardsAt({ fn, event }, world).own) || !leavesWhenSane(fn, tried)) continue;
      const taken = samples.flatMap(s => Array.from({ length: Math.min(s.loop?.times ?? 1, MOST_SHOWN) }, () => s.reads));
      const looks =
        tried.loop.times === null ? `${tried.loop.boundText} tries` : `${samples.reduce((n, s) => n + (s.loop ? (s.loop.times ?? 1) : 1), 0)} reads`;
      const [a] = writer.events;
      const index = indexOf(a);
      report(
        { event: tried.reads[0], fn },
        {
          message: `${fn.name}() reports a mismatch of ${tie.names.join(' and ')} after ${looks}, but nothing bounds the time between the two updates in ${writer.fn.name}()`,
          detail: [
            'Nothing visible disables interrupts or preemption between the two updates: an interrupt, a reschedule or a preempted virtual CPU can outlast any number of cpu_relax() loops, and one such writer is enough',
          ],
          question: 'Should the reader check once more under the lock that serialises the updates before it reports a mismatch?',
          dismissal: 'Not an issue if no update can run during the check',
          said: world.said(fn, ['bounded', 'resolve', 'by itself', 'false.positive', 'window', 'brief', 'short']).slice(0, 1),
          quote: [
            { path: fn.path, line: tried.line, side: fn.side },
            { path: fn.path, line: tried.loop.endLine, side: fn.side },
          ],
          related: [{ path: a.path, line: a.line, side: a.side, note: `the update that may stay half done, in ${writer.fn.name}()` }],
          claim: {
            threads: [writer, { fn, events: taken.flat() }],
            settledBy: writers,
            tie,
            bad: { kind: 'false-alarm', samples: taken },
            edits: [
              { kind: 'lock', text: 'Holding the lock that serialises the updates in the reader' },
              { kind: 'one-word', text: `Keeping ${tie.names.join(' and ')} in one word so that one read sees both` },
            ],
            assumes: [`both run on ${index === null ? 'one object' : 'one bit of one object'}`, `CPU 0 is delayed between its two updates`],
          },
        },
      );
    }
  },
} satisfies Rule;

/** Does nothing in view keep this CPU from being held up between the two updates? */
function isOpen({ fn, events }: PairUpdate, world: World): boolean {
  // Of a lock that only an assertion or a name speaks of nothing tells whether its holder is held up.
  const said = heldOnEntry(fn, world).locks.some(lock => lock.family === null);
  const bounded = events.every(e => isIn(e, 'irqs-off') || isIn(e, 'preempt-off')) || heldOnEntry(fn, world).context.some(isUndisturbed);
  return fn.whole && !bounded && !said;
}

function isUndisturbed(context: Section): boolean {
  return context.family === 'irqs-off' || context.family === 'preempt-off';
}

function samplesOf(fn: CFunction, tie: Tie, functions: CFunction[]): Sample[] {
  return comparedEvents(fn, functions).flatMap(({ comparison, left, right }) => {
    const [a, b] = [
      left.find(e => keyOf(e) === tie.keys[0]) ?? right.find(e => keyOf(e) === tie.keys[0]),
      left.find(e => keyOf(e) === tie.keys[1]) ?? right.find(e => keyOf(e) === tie.keys[1]),
    ];
    if (!a || !b || a.kind !== 'read' || b.kind !== 'read') return [];
    const reads: [Event, Event] = comesBefore(fn, a, b) ? [a, b] : [b, a];
    const loop = comparison.loop === null ? null : (fn.shape.loops[comparison.loop] ?? null);
    return [{ reads, line: comparison.line, loop: loop && loop.bound !== 'sized' ? loop : null }];
  });
}

/** The loop is left as soon as a sample matches: it tries again because a mismatch may pass. */
function leavesWhenSane(fn: CFunction, sample: Sample): boolean {
  const { loop } = sample;
  if (!loop) return false;
  const reads = sample.reads.map(r => r.index);
  // A helper that compares them gives a value that comes from them.
  const helpers = fn.events.filter(e => e.kind === 'call' && e.argSources.some(sources => sources.some(i => reads.includes(i)))).map(e => e.index);
  const deciding = [...reads, ...helpers];
  return fn.flow.some(n => n.kind === 'branch' && isInLoop(loop, n) && n.decides?.some(i => deciding.includes(i)));
}
