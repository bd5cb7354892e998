import { called, eventsOf, isTest, keyOf, nearest, nodesAfter, ordersLoads } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'lock-taken-relaxed',
  title: 'A lock word is polled with acquire ordering but taken by a relaxed operation',
  why: `
    A waiter that polls a word with acquire ordering and then takes it by a relaxed cmpxchg() is ordered after the store whose value it
    polled, not after the one whose value it replaced. In between another CPU may take the word and release it again with the same value:
    the cmpxchg() succeeds, and what that CPU did under the lock may not be visible. The acquire belongs on the operation that takes the
    lock. The word is tried until it is taken, so other CPUs do take it meanwhile: the claim assumes one that does.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['barrier-misplaced'],
  references: ['Documentation/atomic_t.txt, ORDERING', 'tools/memory-model/Documentation/recipes.txt, Release and acquire'],
  knownGaps: ['a waiter that gives up when the cmpxchg fails is assumed to be the only one that may take the word'],
  examples: {
    bad: [
      `
void gate_close(struct gate *g)
{
	do {
		atomic_cond_read_acquire(&g->word, VAL == GATE_FREE);
	} while (atomic_cmpxchg_relaxed(&g->word, GATE_FREE, GATE_TAKEN) != GATE_FREE); /* want: lock-taken-relaxed "gate_close()" */
}`,
      `
void gate_close(struct gate *g)
{
	for (;;) {
		if (atomic_read_acquire(&g->word) != 0)
			continue;
		if (atomic_cmpxchg_relaxed(&g->word, 0, 1) == 0) /* want: lock-taken-relaxed "atomic_read_acquire()" */
			return;
	}
}`,
    ],
    good: [
      `
void gate_close(struct gate *g)
{
	int word;

	do {
		word = atomic_cond_read_relaxed(&g->word, VAL == GATE_FREE);
	} while (!atomic_try_cmpxchg_acquire(&g->word, &word, GATE_TAKEN));
}`,
      `
/* A fence behind the success does as well. */
void gate_close(struct gate *g)
{
	do {
		atomic_cond_read_acquire(&g->word, VAL == GATE_FREE);
	} while (atomic_cmpxchg_relaxed(&g->word, GATE_FREE, GATE_TAKEN) != GATE_FREE);
	smp_mb();
}`,
      `
/* The head of a queue is the only one who may take it: where it fails, somebody queued behind, and it does not try again. */
void gate_pass(struct gate *g, int tail)
{
	int word = atomic_cond_read_acquire(&g->word, !(VAL & GATE_BUSY));

	if (word == tail && atomic_try_cmpxchg_relaxed(&g->word, &word, GATE_TAKEN))
		return;
	atomic_or(GATE_TAKEN, &g->word);
}`,
      `
/* Another word. */
void gate_close(struct gate *g)
{
	do {
		atomic_cond_read_acquire(&g->other, VAL == 0);
	} while (atomic_cmpxchg_relaxed(&g->word, GATE_FREE, GATE_TAKEN) != GATE_FREE);
}`,
    ],
  },
  checkFunction(fn, report) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const take of eventsOf(fn, 'rmw')) {
      if (take.operation !== 'cmpxchg' || take.ordering !== 'relaxed' || !take.used || take.uncertain || !take.cell) continue;
      const wait = fn.events.find(
        e => e.kind === 'read' && e.ordering === 'acquire' && keyOf(e) === keyOf(take) && e.cell?.base === take.cell?.base && around(fn, e, take),
      );
      if (!wait || acquiresAfter(fn, take, wait)) continue;
      report(
        { event: take, fn },
        {
          message: `${fn.name}() waits with ${called(wait)}() and takes ${take.cell.path} with ${called(take)}(), which has no acquire ordering`,
          detail: ['Another CPU may take and release it between the two, and what that CPU did is then not ordered before what follows'],
          question: `Should the cmpxchg have acquire ordering, and the wait be relaxed?`,
          dismissal: 'Not an issue if no other CPU can take it once it was seen free',
          quote: wait.line === take.line ? [take] : [wait, take],
          claim: claimOf(fn, wait, take),
        },
      );
    }
  },
} satisfies Rule;

/** The word is seen free, another CPU takes it and gives it back, and it is taken with what that one did unseen. */
function claimOf(fn: CFunction, wait: Event, take: Event): Claim {
  const word = take.cell?.path ?? 'the word';
  const guarded = `what ${word} guards`;
  const free = take.args[1] ?? '0';
  const takes: AssumedStep = { does: 'take', cell: take, value: free };
  const held = { where: { gave: takes } };
  const look: AssumedStep = { does: 'read', cell: guarded };
  return {
    threads: [{ fn, events: [wait, take], then: [look] }],
    others: [
      {
        who: `another owner of ${word}`,
        does: [takes, { does: 'write', cell: guarded, ...held }, { does: 'write', cell: take, value: free, ordering: 'release', ...held }],
      },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: wait, from: 'before' },
        { read: takes, from: 'effect' },
        { read: take, from: 'before' },
        { read: look, from: 'before' },
      ],
    },
    starts: [{ cell: take, value: free }],
    edits: [{ kind: 'order', event: take, ordering: 'acquire', text: `${take.api.replace(/_relaxed$/, '_acquire')}() with a relaxed wait` }],
    assumes: [`another CPU takes ${word} and releases it, and the next owner reads what that CPU wrote`],
    stands: true,
  };
}

/** Who fails to take it waits anew. */
function around(fn: CFunction, wait: Event, take: Event): boolean {
  return nodesAfter(fn, wait.node).has(take.node) && nodesAfter(fn, take.node).has(wait.node);
}

/** What comes next on the way out of the loop orders loads. */
function acquiresAfter(fn: CFunction, take: Event, wait: Event): boolean {
  const near = nearest(fn, take, 'after', e => e !== wait && (e.kind !== 'call' || e.opaque));
  return near.events.some(e => e !== wait && (ordersLoads(e) || e.ordering === 'acquire'));
}
